# SPDX-License-Identifier: EUPL-1.2
"""The command line as people use it: answers, messages and exit statuses."""
import csv
import datetime
import json
import os
import pathlib
import re
import subprocess

import pytest

from balise import Balise, executable, run, view
from foreground import free_port
from wait import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = ("serve", "check-config", "query", "token", "audit", "dpo", "record", "notice", "dpia-inputs", "demo", "version")
QUERY = ("--site", "portal", "--metric", "lcp,cls", "--by", "page")


@pytest.fixture(name="asked", scope="module")
def _asked():
    """A server with a closed day, on a private port that its configuration tells."""
    with Balise({"private": {"listen": [f"127.0.0.1:{free_port()}"]}}) as balise:
        balise.visit(45, view("/", lcp=1200, cls=0.02))
        balise.visit(12, view("/aide", lcp=300), region="FR-BRE")
        balise.close_day()
        yield balise


def query(balise, *words, token=None):
    return run("query", "--config", balise.config_path, *words, *balise.token_words(token), environment=balise.environment())


def cells(table):
    """The words of a table for people, row by row."""
    return [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()]


def test_a_query_says_the_same_with_and_without_a_server(asked):
    with_server = {form: query(asked, *QUERY, "--format", form, token=asked.token()) for form in ("table", "csv", "json")}
    asked.terminate()
    try:
        without = {form: query(asked, *QUERY, "--format", form) for form in ("table", "csv", "json")}
    finally:
        asked.start()
    for form, answer in with_server.items():
        assert answer.returncode == without[form].returncode == 0, answer.stderr
        assert (answer.stdout, answer.stderr) == (without[form].stdout, without[form].stderr)
        assert answer.stderr.startswith("coverage: 0 of 57 views ") == (form != "json") == bool(answer.stderr)
    rows = json.loads(with_server["json"].stdout)["rows"]
    assert [(row["page"], row["views"]) for row in rows] == [("/", 45), ("/aide", 12)]
    assert rows == asked.kpi(metric="lcp,cls", by="page")["rows"]
    flat = list(csv.DictReader(with_server["csv"].stdout.splitlines()))
    assert [(row["page"], int(row["views"]), row["lcp_p75"]) for row in flat] == [
        ("/", 45, f"{rows[0]['lcp']['p75']:.10g}"), ("/aide", 12, "")]
    table = cells(with_server["table"].stdout)
    assert table[0][:3] == ["page", "views", "visitors"] and table[1][:2] == ["/", "45"] and table[2][:2] == ["/aide", "12"]


def test_a_query_takes_every_parameter_and_prints_what_the_server_answers(asked):
    day = asked.kpi(metric="lcp", by="day")["rows"][0]["day"]
    everything = {"metric": "lcp", "by": "page", "from": day, "to": asked.clock.now().date(), "sort": "-views", "limit": 1,
                  "compare_from": "2026-01-01", "compare_to": "2026-02-01"}
    words = [word for name, value in everything.items() for word in ("--" + name.replace("_", "-"), value)]
    for form in ("json", "csv", "ndjson"):
        printed = query(asked, "--site", "portal", *words, "--format", form, token=asked.token())
        assert printed.returncode == 0 and printed.stdout.encode() == asked.ask_kpi(format=form, **everything).body.replace(b"\r\n", b"\n")
    bins = query(asked, "--site", "portal", "--metric", "lcp", "--output", "histogram", "--format", "table", token=asked.token())
    head, *told = cells(bins.stdout)
    assert head[-3:] == ["lcp_lower", "lcp_upper", "lcp_count"] and sum(int(row[-1]) for row in told) == 57
    first = json.loads(query(asked, *QUERY, "--limit", "1", "--format", "json", token=asked.token()).stdout)
    rest = query(asked, *QUERY, "--cursor", first["next"], "--format", "ndjson", token=asked.token())
    assert [json.loads(line)["page"] for line in rest.stdout.splitlines()] == ["/aide"]


def test_a_query_says_what_its_rows_do_not_show(asked):
    """The day has a table of pages, and too few views for one of pages with devices."""
    day = datetime.date.fromisoformat(asked.kpi(metric="lcp", by="day")["rows"][0]["day"])
    around = {"from": day - datetime.timedelta(3), "to": day + datetime.timedelta(1)}
    before = {"compare_from": day - datetime.timedelta(2), "compare_to": day}
    none = "57 of 57 views are not in this table, told on 0 of 4 days"
    uneven = ("0 of 57 views are not in this table, told on 1 of 4 days; earlier: 0 of 0 views are not in this table, "
              "told on 0 of 2 days; these ranges are told on 1 and 0 days")
    today = "0 of 57 views are not in this table, told on 1 of 2 days and today as far as told"
    for asks, said in (({"by": "page,device", **around}, none), ({"by": "page", **around, **before}, uneven), ({"from": day}, today)):
        words = [word for name, value in asks.items() for word in ("--" + name.replace("_", "-"), value)]
        for form in ("table", "csv", "ndjson"):
            answer = query(asked, "--site", "portal", "--metric", "lcp", *words, "--format", form, token=asked.token())
            assert answer.returncode == 0 and answer.stderr == f"coverage: {said}\n", form
        assert asked.ask_kpi(metric="lcp", format="csv", **asks).headers["Balise-Coverage"] == said


def test_a_query_finds_a_server_that_listens_on_a_name():
    """Outside of the sandbox, which has no names."""
    with Balise({"sandbox": False, "private": {"listen": [f"localhost:{free_port()}"]}}, running=False) as balise:
        balise.launch()
        until(balise.look_listening, 30, "both sides listening")
        answer = query(balise, "--site", "portal", "--metric", "lcp", "--format", "json", token=balise.token())
        assert answer.returncode == 0 and json.loads(answer.stdout)["rows"] == [], answer.stderr


def test_a_token_may_come_from_a_file(asked):
    path = asked.folder / "token"
    path.write_text(asked.token() + "\n")
    assert query(asked, *QUERY, "--token-file", path).returncode == 0
    missing = query(asked, *QUERY, "--token-file", asked.folder / "none")
    assert missing.returncode == 1 and str(asked.folder / "none") in missing.stderr


def test_a_running_server_wants_a_token(asked):
    for token in (None, "wrong"):
        answer = query(asked, *QUERY, token=token)
        assert answer.returncode == 1 and "token" in answer.stderr and not answer.stdout


@pytest.mark.parametrize("words, said", [
    (("--site", "portal", "--metric", "nonsense"), "metric"),
    (("--site", "nowhere", "--metric", "lcp"), "no such site"),
    (("--site", "portal", "--metric", "lcp", "--by", "page,browser"), "page, region"),
    (("--site", "portal", "--metric", "lcp", "--from", "yesterday"), "YYYY-MM-DD"),
    (("--site", "portal"), "metric"),
    (("--metric", "lcp"), "site"),
], ids=str)
def test_a_refused_query_says_why(asked, words, said):
    answer = query(asked, *words, token=asked.token())
    assert answer.returncode == 1 and said in answer.stderr and not answer.stdout


@pytest.mark.parametrize("words", [
    (), ("nonsense",), ("serve",), ("serve", "--nonsense"), ("serve", "--config"), ("serve", "--config", "x", "y"),
    ("check-config",), ("query",), ("query", "--config", "x", "--format", "xml"), ("token",), ("token", "old"),
    ("token", "new", "--config", "x"), ("token", "new", "--config", "x", "--role", "king"), ("demo",),
    ("demo", "--data-dir", "x", "--days", "0"), ("demo", "--data-dir", "x", "--days", "many"), ("demo", "--fresh=1"), ("version", "x"),
    ("audit",), ("audit", "forget"), ("audit", "verify"), ("audit", "list", "--config", "x", "--anchor", "y"),
    ("record", "--config", "x"), ("record", "--config", "x", "--lang", "de"), ("notice", "--config", "x", "--lang", "fr", "--format", "json"),
    ("dpia-inputs", "--config", "x", "--lang", "en", "--format", "html"),
    ("dpo",), ("dpo", "forge"), ("dpo", "keygen"), ("dpo", "sign", "--key", "x"),
], ids=" ".join)
def test_a_wrong_call_is_status_2_and_one_line(words):
    answer = run(*words)
    assert answer.returncode == 2 and not answer.stdout
    assert "balise" in answer.stderr and "--help" in answer.stderr
    assert not words or len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [
    ("check-config",), ("query", *QUERY, "TOKEN"), ("report", "--site", "portal", "TOKEN"), ("token", "new", "--role", "dpo"), ("token", "list"),
    ("retention",), ("audit", "verify"), ("audit", "list"), ("dpo", "show"), ("record", "--lang", "fr"), ("notice", "--lang", "en"),
    ("dpia-inputs", "--lang", "fr"), ("snippet",), ("migrate",), ("version",), ("--version",), ("--help",), ("query", "--help"),
    ("check-config", "--fields")], ids=" ".join)
def test_output_that_is_cut_is_status_1(asked, words):
    """A record of processing of half a page, kept by a script that sees status 0."""
    told = [more for word in words for more in (asked.token_words(asked.token()) if word == "TOKEN" else (word,))]
    named = ["--config", asked.config_path] if words[-1] not in ("version", "--version", "--help", "--fields") else []
    assert run(*told, *named, environment=asked.environment()).returncode == 0
    with open("/dev/full", "w", encoding="utf-8") as full:
        answer = subprocess.run([executable(), *map(str, (*told, *named))], env={**os.environ, **asked.environment()}, stdout=full,
                                stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert answer.returncode == 1 and answer.stderr == "balise: the output could not be written whole\n"


def test_help_names_every_command_and_every_command_has_its_own():
    general = run("--help")
    assert general.returncode == 0 and not general.stderr
    for command in COMMANDS:
        assert f"  {command} " in general.stdout
        for words in ((command, "--help"), (command, "-h"), ("help", command)):
            answer = run(*words)
            assert answer.returncode == 0 and not answer.stderr
            assert answer.stdout.startswith(f"usage: balise {command}")


def test_the_version_is_the_projects():
    version = re.search(r"project\(balise\b[^)]*VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))[1]
    for words in (("version",), ("--version",)):
        answer = run(*words)
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"balise {version}\n", "")


def check(tmp_path, text):
    path = tmp_path / "balise.json"
    path.write_text(text)
    return path, run("check-config", "--config", path)


SITES = '"sites": [\n {"name": "portal", "origins": ["https://portal.example"]}]'


@pytest.mark.parametrize("text, line, words", [
    ('{"data_dir": "/x",\n ' + SITES + ',\n "privacy": {"k": 1001}}', 4, ("privacy.k", "1000")),
    ('{"data_dir": "/x",\n ' + SITES + ',\n "store": {"checkpoint_seconds": 61}}', 4, ("store.checkpoint_seconds", "1", "60")),
    ('{"data_dir": "/x",\n ' + SITES + ',\n "privacy": {\n "kk": 10}}', 5, ("privacy.kk",)),
    ('{"data_dir": "/x",\n ' + SITES + ',\n "data_dir": "/y"}', 4, ("data_dir",)),
    ('{"data_dir": 7,\n ' + SITES + '}', 1, ("data_dir", "text")),
    ('{"data_dir": "/x",\n ' + SITES.replace("portal\"", "Portal\"", 1) + '}', 3, ("sites[0].name",)),
    ('{"data_dir": "/x",\n "sites": [\n', 3, ()),
    ('{\n ' + SITES + '}', 1, ("data_dir",)),
], ids=["far above", "above", "unknown key", "key twice", "type", "form", "cut off", "missing"])
def test_a_configuration_error_names_line_key_and_range(tmp_path, text, line, words):
    path, answer = check(tmp_path, text)
    assert answer.returncode == 1 and not answer.stdout
    assert re.match(rf"balise: {re.escape(str(path))}:{line}: ", answer.stderr), answer.stderr
    for word in words:
        assert word in answer.stderr


def test_a_right_configuration_is_told_in_whole(tmp_path):
    _, answer = check(tmp_path, '{"data_dir": "/x", ' + SITES + "}")
    assert answer.returncode == 0 and not answer.stderr
    fields = run("check-config", "--fields")
    assert fields.returncode == 0
    for key in ("privacy.k", "retention.hourly_days", "store.checkpoint_seconds", "public.listen"):
        assert key in fields.stdout
    assert "127.0.0.1:8080" in answer.stdout and "Europe" not in answer.stdout


@pytest.mark.parametrize("trusted, count", [
    (["0.0.0.0/0"], 1), (["::/0"], 1), (["0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8"], 2), (["2000::/3"], 1),
    (["::/64", "::/8", "::fffe:0:0/95", "::ffff:0:0/96", "::/96", "::1", "64::/64"], 4),
    (["10.0.0.0/8", "fc00::/7", "192.0.2.7", "2001:db8::/32"], 0), ([], 0),
], ids=str)
def test_proxies_that_are_strangers_are_warned_of(tmp_path, trusted, count):
    _, answer = check(tmp_path, '{"data_dir": "/x", ' + SITES + ', "public": {"trusted_proxies": ' + json.dumps(trusted) + "}}")
    assert answer.returncode == 0 and "public.trusted_proxies" in answer.stdout and "warning" not in answer.stdout
    assert re.findall(r"public\.trusted_proxies: (\d+) of them", answer.stderr) == ([str(count)] if count else [])


def test_a_configuration_that_is_not_there_is_named(tmp_path):
    for command in (("serve",), ("check-config",), ("query",), ("token", "new", "--role", "dpo")):
        answer = run(*command, "--config", tmp_path / "none.json")
        assert answer.returncode == 1 and str(tmp_path / "none.json") in answer.stderr


def test_a_token_stands_alone_on_the_last_line(asked):
    for role in ("analyst", "dpo", "operator"):
        answer = run("token", "new", "--config", asked.config_path, "--role", role)
        assert answer.returncode == 0 and re.fullmatch(r"[A-Za-z0-9_-]{43}", answer.stdout.splitlines()[-1])
    unknown = run("token", "new", "--config", asked.config_path, "--role", "dpo", "--site", "nowhere")
    assert unknown.returncode == 1 and "nowhere" in unknown.stderr and not unknown.stdout
    assert (asked.data / "tokens").stat().st_mode & 0o777 == 0o600


@pytest.mark.sanitize
def test_a_demo_answers_at_once(tmp_path):
    folder = tmp_path / "demo"
    made = run("demo", "--data-dir", folder, "--days", "2", seconds=300)
    assert made.returncode == 0, made.stderr
    config = folder / "balise.json"
    for by in ("page", "region", "device", "hour", "day"):
        answer = run("query", "--config", config, "--site", "portal", "--metric", "lcp", "--by", by, "--format", "json",
                     *(["--from", yesterday(made)] if by == "hour" else []))
        assert answer.returncode == 0, answer.stderr
        rows = json.loads(answer.stdout)["rows"]
        assert rows and all(row["views"] >= 10 for row in rows), by
    assert "holds a demo already" in run("demo", "--data-dir", folder).stderr


def yesterday(made):
    """The last whole day that the demo says it played."""
    return re.findall(r"simulated (\d{4}-\d\d-\d\d)", made.stderr)[-2]


def test_a_demo_leaves_a_real_store_alone(asked):
    answer = run("demo", "--data-dir", asked.data, "--fresh")
    assert answer.returncode == 1 and "not a demo" in answer.stderr
    assert asked.kpi(metric="lcp", by="page")["rows"]
