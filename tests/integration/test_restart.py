# SPDX-License-Identifier: EUPL-1.2
"""What a folder keeps over restarts, stops of days and the end of retention."""
import datetime

import pytest

from balise import Balise, view, visitors
from wait import until

TABLES = ("page", "region", "device", "browser", "protocol", "type", "day", "hour")


def answers(balise, day):
    """The bytes of every table of a day, as JSON and as CSV, and from a filter and the soft navigations."""
    words = {"metric": "lcp,cls,errors", "from_": day, "to": day + datetime.timedelta(days=1)}
    asked = [{"by": by, "format": form} for by in TABLES for form in ("json", "csv")]
    asked += [{"page": "/"}, {"by": "page", "type": "soft-navigation"}]
    return [balise.ask_kpi(**words, **one).body for one in asked]


def fill(balise):
    """A day with something in every table."""
    balise.visit(14, view("/", lcp=900, cls=0.01, protocol="h2"))
    balise.visit(25, view("/aide", lcp=2800, errors=1), region="FR-BRE")
    balise.visit(3, view("/rare", lcp=100), region="DE-BY")
    balise.visit(12, {"v": 1, "path": "/aide", "type": "soft-navigation", "lcp": 50})


@pytest.mark.sanitize
def test_closed_days_answer_the_same_after_a_restart(balise):
    fill(balise)
    balise.clock.advance(hours=2)
    balise.visit(15)
    day = balise.close_day()
    before = answers(balise, day)
    assert any(b'"views":' in answer for answer in before) and len(set(before)) == len(before)
    balise.visit(20)  # a day that is open meanwhile changes nothing
    balise.restart()
    assert answers(balise, day) == before
    balise.kill9()
    balise.start()
    assert answers(balise, day) == before
    balise.close_day()
    assert answers(balise, day) == before


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_after_a_restart_within_a_day_visitors_are_an_upper_bound(balise, killed):
    balise.visit(20)
    if killed:
        balise.kill9()
        balise.start()
    else:
        balise.restart()
    balise.visit(20)  # the same visitors: no key is left that could say so
    day = balise.close_day()
    row = balise.rows("page", from_=day, to=day + datetime.timedelta(days=1))["/"]
    assert row["views"] == 40
    assert row["visitors_are"] == "upper_bound" and 20 <= row["visitors"] <= 45
    balise.visit(20)
    after = balise.close_day()
    row = balise.rows("page", from_=after, to=after + datetime.timedelta(days=1))["/"]
    assert (row["views"], row["visitors"], row["visitors_are"]) == (20, 20, "estimate")


def test_two_halves_below_k_are_not_k(balise):
    """Visitors of two key epochs cannot be told apart, so they are not added up to reach k."""
    balise.visit(6)
    balise.restart()
    balise.visit(6, region="FR-BRE")
    day = balise.close_day()
    assert balise.views("page", day) == {} and balise.views("day", day) == {}


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_day_that_ended_while_nobody_was_there_is_closed_at_the_start(killed):
    with Balise({"store": {"checkpoint_seconds": 1}}) as balise:
        fill(balise)
        day = balise.clock.now().date()
        if killed:  # what only the journal holds adds no visitor to a test of k, so: after two checkpoints
            balise.wait_metric("balise_store_checkpoints_total", balise.metrics()["balise_store_checkpoints_total"] + 2)
            balise.kill9()
        else:
            balise.terminate()
        balise.clock.advance(days=2)
        balise.start()  # waits for /readyz
        assert balise.views("day", day) == {str(day): 42}
        assert balise.views("page", day) == {"/aide": 25, "(other)": 17}
        coverage = balise.kpi(metric="lcp", by="day", from_=day)["coverage"]
        assert (coverage["days_closed"], coverage["days_missing"]) == (1, 1)
        assert not list((balise.data / "open").glob(f"{day}*"))
        balise.visit(12)
        assert balise.views("day", balise.close_day()) != {}
        assert balise.views("day", day) == {str(day): 42}


@pytest.mark.sanitize
def test_privacy_30_what_is_past_its_limit_is_gone_and_nothing_else():
    with Balise({"retention": {"hourly_days": 2, "daily_months": 1}}) as balise:
        days = []
        for _ in range(4):
            balise.visit(15)
            days.append(balise.close_day())

        def kept(tier):
            return sorted(path.stem for path in (balise.data / tier).glob("*.mdb"))

        # Today is the day after the last: the last two are within two days.
        balise.wait_metric("balise_store_files_purged_total", 2)
        assert kept("hourly") == [str(day) for day in days[2:]] and kept("daily") == ["2026-06"]
        for by in ("hour", "day"):
            rows = {str(day): balise.rows(by, from_=day, to=day + datetime.timedelta(days=1)) for day in days}
            told = [day for day, found in rows.items() if found]
            assert told == [str(day) for day in (days[2:] if by == "hour" else days)]
        balise.terminate()
        balise.clock.set(datetime.datetime(2026, 6, 30, 12, tzinfo=datetime.timezone.utc))
        balise.start()
        assert kept("hourly") == [] and kept("daily") == ["2026-06"]
        assert balise.views("day", days[0]) == {str(days[0]): 15}
        balise.visit(15)
        balise.close_day()
        until(lambda: kept("daily") == [], 30, "the end of June's file, a month after its first day")
        for day in days:
            assert balise.views("day", day) == {} and balise.views("page", day) == {}


def test_without_a_journal_a_clean_stop_loses_nothing():
    with Balise({"store": {"journal": False}}) as balise:
        balise.visit(12)
        balise.restart()
        balise.visit(12)
        assert balise.views("page", balise.close_day()) == {"/": 24}
        assert not (balise.data / "journal").exists()


def test_a_site_that_is_added_counts_beside_the_first(balise):
    balise.visit(12)
    balise.close_day()
    balise.terminate()
    balise.config["sites"].insert(0, {"name": "second", "origins": ["https://second.example"], "time_zone": "UTC"})
    balise.write_config()
    balise.start()
    for visitor in visitors(12):
        assert balise.post(view("/second"), origin="https://second.example", **visitor).status == 204
    balise.visit(12, view("/first"))
    before = balise.metrics()["balise_store_closings_total"]
    day = balise.clock.go_to_next_midnight()  # in Paris, where it is two hours past the second site's
    balise.wait_metric("balise_store_closings_total", before + 2)
    assert balise.views("page", day) == {"/first": 12}
    yesterday = day - datetime.timedelta(days=1)
    assert {row["page"] for row in balise.kpi(metric="lcp", by="page", site="second", from_=yesterday, to=day)["rows"]} == {"/second"}
    assert balise.views("page", yesterday) == {"/": 12}
