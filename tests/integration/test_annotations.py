# SPDX-License-Identifier: EUPL-1.2
"""/api/v1/annotations: deployments and incidents on a site's time axis, as operators, their programs and analysts meet them."""
import json
import urllib.parse

import pytest

import test_openapi as documented
from audit import records
from balise import ORIGIN, ZONE, Balise, ask, run
from wait import until

PATH = "/api/v1/annotations"
SITES = [{"name": "portal", "origins": [ORIGIN], "time_zone": ZONE},
         {"name": "harbour", "origins": ["https://harbour.example"], "time_zone": "UTC"}]
RELEASE = {"time": "2026-06-09T14:00:00+02:00", "kind": "deployment", "text": "Version 4.2 : « moins d’images »"}


@pytest.fixture(name="balise", scope="module")
def _balise():
    with Balise({"sites": SITES}) as server:
        yield server


def call(balise, method, body=None, role="operator", of=None, **parameters):
    """One request; `of` is the site of the token."""
    target = f"{PATH}?{urllib.parse.urlencode(parameters)}"
    headers = {"Authorization": f"Bearer {balise.token(role, of)}"}
    return ask(balise.private_port, method, target, headers, body if body is None or isinstance(body, bytes) else json.dumps(body).encode())


def mark(balise, site="portal", **changes):
    answer = call(balise, "POST", {**RELEASE, **changes}, site=site)
    documented.check(documented.API["paths"][PATH]["post"], answer, 201)
    return answer.json()


def listed(balise, site="portal", **parameters):
    answer = call(balise, "GET", role="analyst", site=site, **parameters)
    documented.check(documented.API["paths"][PATH]["get"], answer, 200)
    return answer.json()["annotations"]


def take_back_all(balise):
    for site in SITES:
        for annotation in listed(balise, site["name"]):
            assert call(balise, "DELETE", site=site["name"], id=annotation["id"]).status == 204


@pytest.fixture(autouse=True)
def _nothing_is_left(request):
    yield
    if "balise" in request.fixturenames:
        take_back_all(request.getfixturevalue("balise"))


def test_what_was_marked_is_listed_by_time_even_after_kill_9(balise):
    release = mark(balise)
    assert {name: release[name] for name in RELEASE} == RELEASE
    incident = mark(balise, time="2026-06-08", kind="incident", text="Panne du réseau")
    assert incident["time"] == "2026-06-08T00:00:00+02:00"  # a date is its midnight on the site
    now = call(balise, "POST", {"kind": "other", "text": "maintenant"}, site="portal").json()
    assert [annotation["id"] for annotation in listed(balise)] == [incident["id"], release["id"], now["id"]]
    balise.kill9()
    balise.start()
    assert listed(balise) == [incident, release, now]


def test_a_range_is_of_the_sites_days(balise):
    ids = {name: mark(balise, time=time)["id"] for name, time in {
        "before": "2026-06-07T23:59:59+02:00", "first": "2026-06-08T00:00:00+02:00",
        "last": "2026-06-09T21:59:59Z", "after": "2026-06-09T22:00:00.5Z"}.items()}
    found = listed(balise, **{"from": "2026-06-08", "to": "2026-06-10"})
    assert [annotation["id"] for annotation in found] == [ids["first"], ids["last"]]


def test_a_site_is_told_nothing_of_another(balise):
    release = mark(balise)
    assert listed(balise, "harbour") == []
    assert call(balise, "DELETE", site="harbour", id=release["id"]).status == 404
    unknown = call(balise, "GET", site="nowhere")
    for method in ("GET", "POST", "DELETE"):
        foreign = call(balise, method, RELEASE, of="harbour", site="portal", **({"id": release["id"]} if method == "DELETE" else {}))
        assert (foreign.status, foreign.body) == (404, unknown.body), method
    assert listed(balise) == [release]
    assert call(balise, "GET", role="analyst", of="portal", site="portal").json()["annotations"] == [release]


def test_only_an_operator_may_mark_or_take_back(balise):
    release = mark(balise)
    for role in ("analyst", "dpo"):
        assert call(balise, "POST", RELEASE, role, site="portal").status == 403
        assert call(balise, "DELETE", role=role, site="portal", id=release["id"]).status == 403
    for method in ("GET", "POST", "DELETE"):
        assert ask(balise.private_port, method, f"{PATH}?site=portal&id={release['id']}").status == 401
    assert listed(balise) == [release]


BAD = {
    "no JSON": b"version 4.2", "a list": [], "nothing": b"", "an unknown member": {**RELEASE, "author": "x"}, "a key twice": b'{"kind":"other","kind":"other","text":"x"}',
    "no text": {"kind": "other"}, "an empty text": {**RELEASE, "text": ""}, "a long text": {**RELEASE, "text": "é" * 201},
    "a text of two lines": {**RELEASE, "text": "a\nb"}, "a text with a control": {**RELEASE, "text": "\x1b[31m"}, "a number": {**RELEASE, "text": 4},
    "no kind": {"text": "x"}, "another kind": {**RELEASE, "kind": "party"}, "no time": {**RELEASE, "time": "noon"},
    "a time without offset": {**RELEASE, "time": "2026-06-09T14:00:00"}, "a day that is none": {**RELEASE, "time": "2026-02-30"},
    "a time before all figures": {**RELEASE, "time": "2019-01-01"}, "a time far ahead": {**RELEASE, "time": "2028-01-01"}, "not UTF-8": b'{"kind":"other","text":"\xff"}',
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_no_annotation_is_refused_in_words(balise, fault):
    answer = call(balise, "POST", BAD[fault], site="portal")
    assert documented.check(documented.API["paths"][PATH]["post"], answer, 400).json()["detail"]
    assert listed(balise) == []


def test_a_text_has_two_hundred_characters_at_the_most(balise):
    text = "é" * 199 + "😀"
    mark(balise, text=text)
    assert listed(balise)[0]["text"] == text


def test_parameters_are_refused_by_name(balise):
    for method, parameters in (("GET", {}), ("POST", {}), ("DELETE", {"site": "portal"}), ("GET", {"site": "portal", "id": "1"}),
                               ("POST", {"site": "portal", "from": "2026-06-01"}), ("GET", {"site": "portal", "from": "monday"})):
        answer = call(balise, method, RELEASE, **parameters)
        assert answer.status == 400 and answer.json()["detail"], (method, parameters)


def test_the_audit_log_learns_of_a_change_but_not_the_text(balise):
    release = mark(balise, text="canary-of-a-text")
    assert call(balise, "DELETE", site="portal", id=release["id"]).status == 204
    assert listed(balise) == []
    for what in ("annotation_added", "annotation_removed"):
        fields = records(balise.data, what)[-1].fields
        assert fields["id"] == release["id"] and fields["site"] == "portal" and fields["kind"] == "deployment" and fields["role"] == "operator"
    found = [path for path in balise.data.rglob("*") if path.is_file() and b"canary-of-a-text" in path.read_bytes()]
    assert found == []
    assert "canary" not in balise.log()


def test_a_site_has_a_thousand_at_the_most(balise):
    (balise.data / "annotations").write_text("".join(f"v1 {1780000000 + n} portal other {n:016x} x\n" for n in range(1000)), encoding="utf-8")
    answer = call(balise, "POST", RELEASE, site="portal")
    documented.check(documented.API["paths"][PATH]["post"], answer, 409)
    mark(balise, "harbour")
    assert len(listed(balise)) == 1000
    (balise.data / "annotations").unlink()


def test_annotations_go_with_the_daily_figures_of_their_month():
    with Balise({"retention": {"daily_months": 2}}) as balise:
        mark(balise, text="canary-of-june")
        mark(balise, time="2026-07-02", text="july")
        balise.clock.advance(days=50)  # the 30th of July: June is kept until the 1st of August
        assert [annotation["text"] for annotation in listed(balise)] == ["canary-of-june", "july"]
        balise.clock.advance(days=3)
        until(lambda: [annotation["text"] for annotation in listed(balise)] == ["july"], 30, "the purge")
        assert b"canary-of-june" not in (balise.data / "annotations").read_bytes()


def test_the_record_of_processing_lists_annotations(balise):
    for language, word in (("en", "Annotations: short texts"), ("fr", "Annotations : textes courts")):
        answer = balise.private("GET", f"/api/v1/record?lang={language}", balise.token("dpo"), {"Accept": "text/markdown"})
        assert answer.status == 200 and answer.headers.get_content_type() == "text/markdown" and word in answer.body.decode()


def test_a_backup_holds_what_was_marked(balise):
    release = mark(balise)
    folder = balise.folder / "copy"
    done = run("backup", "--config", balise.config_path, folder, environment=balise.environment())
    assert done.returncode == 0, done.stderr
    assert (folder / "annotations").read_text(encoding="utf-8").splitlines()[0].split(" ", 5)[4:] == [release["id"], release["text"]]
