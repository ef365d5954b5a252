# SPDX-License-Identifier: EUPL-1.2
"""The audit log from outside: what is in it, in which order, and what is not."""
import re

import pytest

from audit import records
from balise import Balise
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


@pytest.mark.sanitize
def test_each_purged_period_is_proved_once_whatever_happens_in_between():
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
        # The next midnight leaves three periods to destroy; the server dies as soon as it has begun.
        balise.visit(15)
        balise.clock.go_to_next_midnight()
        until(lambda: b" " in note.read_bytes() or len(records(balise.data, "purge")) > 5, 30, "a purge")
        before = note.read_bytes()
        balise.kill9()
        # As if it had died between the record of a proof and the note of it.
        note.write_bytes(before or note.read_bytes())
        balise.start()
        until(lambda: note.read_bytes() == b"" and len(proved("hourly")) == 3, 30, "what was left")
        balise.restart()
        assert len(proved("open")) == len(set(proved("open"))) == 4
        assert proved("hourly") == days


@pytest.mark.sanitize
def test_tokens_and_log_ins_are_records_without_a_word_of_what_was_asked(balise):
    token = balise.token("analyst", "portal")
    made = records(balise.data, "token_made")[-1].fields
    assert made["role"] == "analyst" and made["site"] == "portal" and len(made["token"]) == 8
    for _ in range(3):
        assert balise.ask_kpi(token=token, metric="lcp", by="page", page="/secret-page").status == 200
    assert [record.fields for record in records(balise.data, "token_used")] == [made]
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
    assert [record.fields for record in records(balise.data, "reload")] == [{"geoip.databases": "1"}]
    balise.database.write_bytes(b"no database")
    assert balise.reload() == "reload_refused"
    assert len(records(balise.data, "reload")) == 1
