# SPDX-License-Identifier: EUPL-1.2
"""Access: tokens that are made, listed, revoked and end; how often one may ask; and whose figures it may read."""
import pathlib
import re

import pytest

from audit import records
from balise import ROOT, Balise, run, view, visitors

KPI = "/api/v1/kpi?site=portal&metric=lcp"


def token(balise, *words):
    return run("token", *words, "--config", balise.config_path, environment=balise.environment())


def name_of(balise, text, path=KPI):
    """Uses a token, so that the audit log says its name."""
    assert balise.private("GET", path, text).status == 200
    return records(balise.data, "token_used")[-1].fields["token"]


def test_a_revoked_token_opens_nothing_from_then_on(balise):
    made = [token(balise, "new", "--role", role).stdout.splitlines()[-1] for role in ("analyst", "dpo")]
    name, kept = (name_of(balise, text) for text in made)
    assert {name, kept} <= set(token(balise, "list").stdout.split())

    done = token(balise, "revoke", name)
    assert done.returncode == 0 and name in done.stdout
    assert balise.private("GET", KPI, made[0]).status == 401
    assert balise.private("GET", KPI, made[1]).status == 200
    listed = token(balise, "list").stdout
    assert name not in listed and kept in listed
    said = records(balise.data, "token_revoked")[-1].fields
    assert (said["token"], said["role"], said["site"]) == (name, "analyst", "*")

    again = token(balise, "revoke", name)
    assert again.returncode == 1 and name in again.stderr
    assert not made[0] in listed and not made[1] in listed


def test_a_token_ends_when_it_was_told_to(balise):
    short = token(balise, "new", "--role", "analyst", "--expires", "2").stdout.splitlines()[-1]
    long = token(balise, "new", "--role", "analyst").stdout.splitlines()[-1]
    assert balise.private("GET", KPI, short).status == balise.private("GET", KPI, long).status == 200
    balise.clock.advance(days=2, minutes=1)
    assert balise.private("GET", KPI, short).status == 401
    assert balise.private("GET", KPI, long).status == 200
    assert token(balise, "list").stdout.count("(expired)") == 1
    balise.clock.advance(days=363)
    assert balise.private("GET", KPI, long).status == 401


@pytest.mark.parametrize("words", [
    ("revoke",), ("list", "extra"), ("list", "--role", "dpo"), ("revoke", "aaaaaaaa", "--expires", "3"),
    ("new", "--role", "dpo", "--expires", "0"), ("new", "--role", "dpo", "--expires", "3651"), ("new", "--role", "dpo", "--expires", "x"),
], ids=" ".join)
def test_what_token_does_not_know_is_said(balise, words):
    answer = token(balise, *words)
    assert answer.returncode == 2 and answer.stderr.startswith("balise: token") and not answer.stdout


def test_who_asks_too_often_is_told_when_to_come_back():
    with Balise({"private": {"requests_a_minute": 10}}) as balise:
        eager, calm = (token(balise, "new", "--role", "analyst").stdout.splitlines()[-1] for _ in range(2))
        answers = [balise.private("GET", KPI, eager) for _ in range(16)]
        first = [answer.status for answer in answers].index(429)
        assert first >= 10
        assert all(answer.status == 200 for answer in answers[:first])
        refused = answers[first]
        assert refused.headers["Content-Type"] == "application/problem+json" and 1 <= int(refused.headers["Retry-After"]) <= 6
        assert balise.private("GET", KPI, calm).status == 200
        assert balise.private("GET", "/healthz").status == 200
        limited = [record.fields for record in records(balise.data, "token_limited")]
        assert limited == [record.fields for record in records(balise.data, "token_used") if record.fields["role"] == "analyst"][:1]


def routes():
    """Every route of the private listener that needs a token, from the one table of them."""
    source = (pathlib.Path(ROOT) / "server" / "http" / "private.c").read_text(encoding="utf-8")
    found = re.findall(r'\{\{"(/[^"]*)", \d+\}[^}]*\.roles', source)
    assert "/metrics" in found and "/api/v1/kpi" in found
    return found


def plain(answer):
    """All of an answer but the time, which is of no site."""
    return answer.status, [(name, value) for name, value in answer.headers.items() if name.lower() != "date"], answer.body


def test_anothers_site_is_answered_as_none_on_every_route():
    names = ("portal", "other")
    sites = [{"name": name, "origins": [f"https://{name}.example"], "time_zone": "Europe/Paris"} for name in names]
    with Balise({"sites": sites}) as balise:
        for name in names:
            balise.post_all([(view(lcp=1200), {**visitor, "origin": f"https://{name}.example"}) for visitor in visitors(30)])
        balise.close_day()
        for role in ("analyst", "dpo", "operator"):
            mine = balise.token(role, "portal")
            for route in routes():
                if route == "/metrics":  # has no site to ask for
                    continue
                for more in ("", "&metric=lcp", "&metric=lcp&by=page&from=2026-06-01", "&by=nonsense", "&format=csv", "&nonsense=1"):
                    theirs, none = (plain(balise.private("GET", f"{route}?site={site}{more}", mine)) for site in ("other", "nowhere"))
                    assert theirs == none, (role, route, more)
