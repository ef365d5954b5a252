# SPDX-License-Identifier: EUPL-1.2
"""The audit log from outside: what is in it, in which order, and what is not."""
import json
import pathlib
import re
import time

import jsonschema
import pytest

from audit import records
from balise import Balise, run
from wait import until


def started(balise):
    """The configuration hash that a running server says it has."""
    return re.findall(r"mod=serve event=started config=([0-9a-f]{64})", balise.log(True))[0]


@pytest.mark.sanitize
def test_every_start_is_a_record_with_the_settings_that_are_in_force(balise):
    first = records(balise.data, "start")
    assert [record.fields["config"] for record in first] == [started(balise)]
    assert first[0].fields["privacy.k"] == "10" and first[0].fields["retention.hourly_days"] == "90"
    balise.restart()
    same = records(balise.data, "start")
    assert [record.fields["config"] for record in same] == [started(balise)] * 2
    balise.terminate()
    balise.config["privacy"] = {"k": 12}
    balise.write_config()
    balise.start()
    changed = records(balise.data, "start")
    assert len(changed) == 3 and changed[2].fields["privacy.k"] == "12"
    assert changed[2].fields["config"] == started(balise) != changed[1].fields["config"]
    assert changed[2].fields["site_settings"] == changed[1].fields["site_settings"]


def test_a_start_that_cannot_be_written_down_does_not_happen(balise):
    balise.visit(12)
    balise.terminate()
    log = balise.data / "audit.log"
    kept = log.read_bytes()
    log.write_bytes(kept[:-10] + b"\n")
    said = balise.fails_to_start()
    assert "audit.log" in said and "listening" not in said
    log.write_bytes(kept)
    balise.start()


def first_note(path):
    """What is in the note of a purge as soon as it is not empty; it is for a moment only, so this looks all the time."""
    deadline = time.monotonic() + 30
    while not (lines := path.read_bytes()):
        assert time.monotonic() < deadline, "no purge"
    return lines


@pytest.mark.sanitize
def test_privacy_31_each_purged_period_is_proved_once_whatever_happens_in_between():
    with Balise({"retention": {"hourly_days": 1, "daily_months": 1}}) as balise:
        days = []
        for _ in range(3):
            balise.visit(15)
            days.append(str(balise.close_day()))
        note = balise.data / "unproved"
        until(lambda: len(records(balise.data, "purge")) == 5, 30, "three open days and two of hours")
        until(lambda: note.read_bytes() == b"", 30, "nothing left to prove")

        def proved(tier):
            return sorted(record.fields["period"] for record in records(balise.data, "purge") if record.fields["tier"] == tier)

        assert proved("open") == days and proved("hourly") == days[:2] and proved("daily") == []
        assert all(record.fields["tracer"] == "absent" for record in records(balise.data, "purge"))
        # The next midnight leaves two more to destroy; the server dies once the first is noted.
        balise.visit(15)
        balise.clock.go_to_next_midnight()
        lines = first_note(note)
        balise.kill9()
        balise.start()
        until(lambda: note.read_bytes() == b"" and len(proved("hourly")) == 3, 30, "what was left")
        # As if it had died between the record of a proof and the note of it.
        balise.terminate()
        count = len(records(balise.data, "purge"))
        note.write_bytes(lines)
        balise.start()
        balise.restart()
        assert note.read_bytes() == b"" and len(records(balise.data, "purge")) == count
        assert len(proved("open")) == len(set(proved("open"))) == 4
        assert proved("hourly") == days


@pytest.mark.sanitize
def test_tokens_and_log_ins_are_records_without_a_word_of_what_was_asked(balise):
    token = balise.token("analyst", "portal")
    made = records(balise.data, "token_made")[-1].fields
    assert made["role"] == "analyst" and made["site"] == "portal" and len(made["token"]) == 8
    for _ in range(3):
        assert balise.ask_kpi(token=token, metric="lcp", by="page", page="/secret-page").status == 200
    assert [record.fields for record in records(balise.data, "token_used")] == [{name: made[name] for name in ("role", "site", "token")}]
    for _ in range(4):
        assert balise.private("GET", "/api/v1/kpi?site=portal&metric=lcp", "wrong-token-of-nobody").status == 401
    assert balise.private("GET", "/metrics").status == 401  # no credentials: nobody tried to log in
    balise.clock.advance(minutes=1)
    counted = until(lambda: records(balise.data, "login_failed"), 30, "the minute's count")
    assert [record.fields["count"] for record in counted] == ["4"]
    text = (balise.data / "audit.log").read_text()
    for secret in (token, "wrong-token-of-nobody", "secret-page"):
        assert secret not in text
    balise.clock.advance(days=1)
    assert balise.ask_kpi(token=token, metric="lcp", by="page").status == 200
    assert len(records(balise.data, "token_used")) == 2


def test_a_reload_of_the_region_databases_is_a_record(balise):
    assert balise.reload() == "reloaded"
    started, reloaded = records(balise.data, "start")[-1].fields, records(balise.data, "reload")[-1].fields
    assert reloaded == {"config": started["config"], "geoip.databases": "1"}
    balise.database.write_bytes(b"no database")
    assert balise.reload() == "reload_refused"
    assert len(records(balise.data, "reload")) == 1


def verify(balise, *words):
    return run("audit", "verify", "--config", balise.config_path, *words)


@pytest.fixture(name="logged", scope="module")
def _logged():
    """A stopped server whose audit log has a record of each common kind."""
    with Balise() as balise:
        balise.token("dpo")
        balise.visit(12)
        balise.ask_kpi(metric="lcp", by="page")
        balise.close_day()
        until(lambda: records(balise.data, "purge"), 30, "a purge")
        balise.terminate()
        yield balise


def tampered(lines, number):
    """Each way to tamper with a record, by name: the log's lines after it and the first record that is then wrong."""
    line = lines[number]
    middle = line.index("time=") + 6
    yield "flipped", lines[:number] + [line[:middle] + ("9" if line[middle] != "9" else "8") + line[middle + 1:]] + lines[number + 1:], number + 1
    if number + 1 < len(lines):
        yield "deleted", lines[:number] + lines[number + 1:], number + 1
        yield "swapped", lines[:number] + [lines[number + 1], line] + lines[number + 2:], number + 1
    yield "repeated", lines[:number + 1] + lines[number:], number + 2


def test_privacy_36_a_record_that_is_flipped_deleted_or_moved_is_named(logged):
    log = logged.data / "audit.log"
    kept = log.read_text()
    assert verify(logged).returncode == 0
    lines = kept.splitlines(keepends=True)
    assert len(lines) >= 6
    try:
        for number in range(len(lines)):
            for how, wrong, named in tampered(lines, number):
                log.write_text("".join(wrong))
                answer = verify(logged)
                assert answer.returncode == 1, (how, number)
                assert f"record {named} " in answer.stderr, (how, number, answer.stderr)
    finally:
        log.write_text(kept)


def test_privacy_36_an_end_that_is_cut_off_shows_against_the_anchor(logged):
    log = logged.data / "audit.log"
    kept = log.read_text()
    lines = kept.splitlines(keepends=True)
    anchor = records(logged.data)[-1].anchor
    whole = verify(logged, "--anchor", anchor)
    assert whole.returncode == 0 and anchor in whole.stdout
    try:
        for length in range(1, len(lines)):
            log.write_text("".join(lines[:length]))
            assert verify(logged).returncode == 0  # a chain alone does not show it
            answer = verify(logged, "--anchor", anchor)
            assert answer.returncode == 1 and f"ends with record {length}," in answer.stderr
    finally:
        log.write_text(kept)
    older = verify(logged, "--anchor", records(logged.data)[2].anchor)
    assert older.returncode == 0
    assert verify(logged, "--anchor", "3:" + "0" * 64).returncode == 1
    assert verify(logged, "--anchor", "nonsense").returncode == 1


@pytest.mark.parametrize("days", [12, pytest.param(365, marks=pytest.mark.long)])
def test_a_simulated_year_is_clean_and_whatever_is_done_to_its_log_is_named(tmp_path, days):
    made = run("demo", "--data-dir", tmp_path / "demo", "--days", days, seconds=1800)
    assert made.returncode == 0, made.stderr

    def ask(command, *words):
        return run(*command.split(), "--config", tmp_path / "demo/balise.json", *words)

    log = tmp_path / "demo/audit.log"
    lines = log.read_text(encoding="ascii").splitlines(keepends=True)
    anchor = records(tmp_path / "demo")[-1].anchor
    assert len(lines) > days and ask("retention --verify").returncode == 0
    whole = ask("audit verify", "--anchor", anchor)
    assert whole.returncode == 0 and f"{len(lines)} records are right" in whole.stdout
    for number in {1, len(lines) // 2, len(lines) - 2}:
        for how, wrong, named in [*tampered(lines, number), ("cut", lines[:number], number + 1)]:
            log.write_text("".join(wrong), encoding="ascii")
            answer = ask("audit verify", "--anchor", anchor)
            said = f"ends with record {number}," if how == "cut" else f"record {named} "
            assert answer.returncode == 1 and said in answer.stderr, (how, number, answer.stderr)


def test_a_log_that_was_written_anew_shows_against_the_anchor():
    with Balise() as balise:
        anchor = records(balise.data)[-1].anchor
        balise.visit(12)
        balise.close_day()
        balise.terminate()
        (balise.data / "audit.log").unlink()
        (balise.data / "audit.key").unlink()
        begun = run("audit", "begin", "--config", balise.config_path)
        assert begun.returncode == 0 and begun.stdout.splitlines()[-1] == records(balise.data)[-1].anchor
        balise.start()
        assert verify(balise).returncode == 0
        answer = verify(balise, "--anchor", anchor)
        assert answer.returncode == 1 and "written anew" in answer.stderr


@pytest.mark.parametrize("how", ["deleted", "emptied"])
def test_nothing_starts_on_data_without_its_log_until_somebody_says_that_he_knows(how):
    with Balise() as balise:
        balise.visit(12)
        balise.close_day()
        balise.terminate()
        log = balise.data / "audit.log"
        if how == "deleted":
            log.unlink()
        else:
            log.write_bytes(b"")
        said = balise.fails_to_start()
        assert "audit.log is gone, though the folder holds data" in said and "balise audit begin" in said
        made = run("token", "new", "--config", balise.config_path, "--role", "dpo")
        assert made.returncode == 1 and "audit.log is gone" in made.stderr
        assert not log.exists() or log.stat().st_size == 0
        assert run("audit", "begin", "--config", balise.config_path).returncode == 0
        [first] = records(balise.data)
        assert (first.what, first.fields["data"], first.fields["key_made"]) == ("begin", "before", "before")
        balise.start()
        again = run("audit", "begin", "--config", balise.config_path)
        assert again.returncode == 1 and "is there: it goes on" in again.stderr
        assert {record.fields["period"] for record in records(balise.data, "file_made")} == {"2026-06-10", "2026-06-01"}


def test_a_folders_first_log_begins_by_itself(balise):
    assert records(balise.data)[0].fields["data"] == "none"


def test_the_list_says_what_the_log_says(logged):
    answer = run("audit", "list", "--config", logged.config_path, "--last", "0")
    assert answer.returncode == 0 and not answer.stderr
    found = records(logged.data)
    heads = re.findall(r"^(\d+)  (\S+)  (\S+)$", answer.stdout, re.M)
    assert heads == [(str(record.n), record.time, record.what) for record in found]
    assert '    public.trusted_proxies = ["127.0.0.0/8", "::1/128"]\n' in answer.stdout
    last = run("audit", "list", "--config", logged.config_path, "--last", "1")
    assert re.findall(r"^\d+", last.stdout, re.M) == [str(found[-1].n)]


def test_a_dpo_reads_the_log_by_the_api_and_nobody_else_does(balise):
    schema = json.loads((pathlib.Path(__file__).parents[2] / "schema" / "audit.v1.schema.json").read_text())
    for role, site in (("analyst", None), ("operator", None), ("dpo", "portal")):
        answer = balise.private("GET", "/api/v1/audit", balise.token(role, site))
        assert answer.status == 403 and b"start" not in answer.body
    assert balise.private("GET", "/api/v1/audit").status == 401
    answer = balise.private("GET", "/api/v1/audit", balise.token("dpo")).json()
    jsonschema.validate(answer, schema)
    found = records(balise.data)
    assert answer["head"] == found[-1].anchor
    assert [(r["n"], r["what"], r["details"], r["hash"]) for r in answer["records"]] == [(r.n, r.what, r.fields, r.hash) for r in found]
    last = balise.private("GET", "/api/v1/audit?limit=2", balise.token("dpo")).json()
    assert last["records"] == answer["records"][-2:]
    for wrong in ("limit=0", "limit=1001", "limit=x", "site=portal"):
        assert balise.private("GET", f"/api/v1/audit?{wrong}", balise.token("dpo")).status == 400


def test_privacy_37_no_setting_applies_before_the_log_has_it():
    """A shorter retention destroys files at the start; killed there, its record is on disk whenever a file is gone."""
    with Balise() as balise:
        for _ in range(4):
            balise.visit(15)
            balise.close_day()
        balise.terminate()
        files = balise.data / "hourly"
        days = len(list(files.glob("*.mdb")))
        assert days >= 4
        for keep in range(days - 1, 0, -1):
            before = len(records(balise.data, "start"))
            there = len(list(files.glob("*.mdb")))
            balise.config["retention"] = {"hourly_days": keep}
            balise.write_config()
            balise.launch()
            # Killed at the first trace of the new setting, whichever it is.
            deadline = time.monotonic() + 30
            while len(list(files.glob("*.mdb"))) == there and len(records(balise.data, "start")) == before:
                assert time.monotonic() < deadline, "no trace"
            balise.kill9()
            started_with = records(balise.data, "start")
            assert len(started_with) == before + 1
            assert started_with[-1].fields["retention.hourly_days"] == str(keep)
        balise.start()
        assert started(balise) == records(balise.data, "start")[-1].fields["config"]
        assert verify(balise).returncode == 0
