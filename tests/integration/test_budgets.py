# SPDX-License-Identifier: EUPL-1.2
"""Budgets of a site: the API, /metrics and a Prometheus with the alert rules tell the state of the last closed day, and nothing before."""
import datetime
import json
import subprocess

import pytest

import test_openapi as documented
from balise import ORIGIN, ROOT, ZONE, Balise, view, visitors
from test_metrics import Prometheus, samples, text
from wait import until

PATH = "/api/v1/budgets"
RULES = ROOT / "packaging" / "prometheus" / "balise.rules.yml"
BUDGETS = [{"metric": "lcp", "p75": 2500, "poor": 0.5}, {"metric": "lcp", "page": "/aide", "p75": 2000}, {"metric": "cls", "p75": 0.1},
           {"metric": "inp", "p75": 200}]
CONFIG = {"sites": [{"name": "portal", "origins": [ORIGIN], "time_zone": ZONE, "budgets": BUDGETS}]}


def visit(balise, lcp, count=200, path="/aide"):
    balise.post_all([(view(path, lcp=round(lcp * 1.03 ** n, 1), cls=round(0.001 * 1.02 ** n, 4)), visitor) for n, visitor in enumerate(visitors(count))])


def states(balise, role="analyst"):
    answer = balise.private("GET", f"{PATH}?site=portal", balise.token(role))
    return documented.check(documented.API["paths"][PATH]["get"], answer, 200).json()


@pytest.fixture(name="balise", scope="module")
def _balise():
    """Five Wednesdays, the last one slow. Views spread as widely as real ones, so that a slow day is in bins of its own."""
    with Balise(CONFIG) as server:
        for week in range(5):
            visit(server, 20 if week < 4 else 40)
            server.day = server.close_day()
            if week < 4:
                server.clock.set(server.clock.now() + datetime.timedelta(days=6))
        yield server


def test_a_budget_is_held_against_the_very_figures_of_the_day(balise):
    told = states(balise)
    assert told["day"] == str(balise.day)
    whole, page, cls, inp = told["budgets"]
    assert [(b["metric"], b["page"], b["limits"]["p75"]) for b in told["budgets"]] == [(b["metric"], b.get("page"), b["p75"]) for b in BUDGETS]
    span = {"from_": balise.day, "to": balise.day + datetime.timedelta(days=1)}
    row = balise.kpi(metric="lcp,cls", **span)["rows"][0]
    assert whole["figures"] == row["lcp"] and cls["figures"] == row["cls"]
    assert page["figures"] == balise.kpi(metric="lcp", page="/aide", **span)["rows"][0]["lcp"]
    assert (whole["state"], whole["over"]) == ("exceeded", ["p75"]) and (page["state"], page["over"]) == ("exceeded", ["p75"])
    assert cls["state"] == "within" and inp["state"] == "untold" and inp["why"]["state"] == "n_below_4k"


def test_the_same_weekdays_of_four_weeks_are_what_is_usual(balise):
    whole, _, cls, inp = states(balise)["budgets"]
    assert whole["usual"]["n"] == 800 and whole["regressed"] is True
    assert whole["change"]["p75"] == pytest.approx(whole["figures"]["p75"] - whole["usual"]["p75"]) and whole["change"]["p75_low"] > 0
    assert cls["regressed"] is False and inp["regressed"] is None and inp["why"]["regressed"] == "n_below_4k"


def test_metrics_tell_the_states_and_never_a_page(balise):
    exposition = text(balise)
    checked = subprocess.run(["promtool", "check", "metrics"], input=exposition, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert samples(exposition, "balise_budget_exceeded") == {'{site="portal",metric="lcp"}': 1, '{site="portal",metric="cls"}': 0}
    assert samples(exposition, "balise_budget_regressed") == {'{site="portal",metric="lcp"}': 1, '{site="portal",metric="cls"}': 0}
    assert "/aide" not in exposition


def test_a_prometheus_with_the_rules_raises_the_alert(balise):
    checked = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with Prometheus(balise, rules=[RULES]) as prometheus:
        def firing():
            data = prometheus.get("alerts") or {"alerts": []}
            return {(alert["labels"]["alertname"], alert["labels"].get("metric")) for alert in data["alerts"] if alert["state"] == "firing"}
        until(lambda: firing() == {("BaliseBudgetExceeded", "lcp"), ("BaliseBudgetRegressed", "lcp")}, 60, "the alerts")
        described = set(line.split()[2] for line in text(balise).splitlines() if line.startswith("# TYPE"))
        absent = {"balise_certificate_left_seconds", "balise_cluster_lag_seconds"}  # without TLS, without a cluster
        assert set(documented.re.findall(r"\bbalise_[a-z0-9_]+", RULES.read_text(encoding="utf-8"))) - absent <= described


def test_nothing_of_today_moves_a_state(balise):
    before, exposition = states(balise), samples(text(balise), "balise_budget_exceeded")
    visit(balise, 20)
    balise.clock.advance(hours=3)
    balise.wait_metric("balise_store_views_total", 1200)
    assert states(balise) == before and samples(text(balise), "balise_budget_exceeded") == exposition


def test_without_budgets_or_closed_days_there_is_no_state():
    with Balise({"sites": [{**CONFIG["sites"][0], "budgets": BUDGETS[:1]}]}) as balise:
        assert states(balise) == {"site": "portal", "k": 10, "day": None, "budgets": []}
        assert samples(text(balise), "balise_budget_exceeded") == {}
        visit(balise, 20, count=20)
        balise.close_day()
        told = states(balise)
        assert told["budgets"][0]["state"] == "untold" and samples(text(balise), "balise_budget_exceeded") == {}
        assert json.dumps(told["budgets"][0]["figures"])
    with Balise() as balise:
        visit(balise, 20)
        balise.close_day()
        assert states(balise)["budgets"] == []


def test_a_small_site_tells_the_p75_of_a_day_that_is_three_times_as_slow():
    """The day before draws the bins of an open day; a closed one has those of its own views."""
    with Balise({"sites": [{**CONFIG["sites"][0], "budgets": BUDGETS[:1]}]}) as balise:
        for least in (300, 900, 300):
            visit(balise, least, count=100)
            balise.day = balise.close_day()
            exact = least * 1.03 ** 74
            told = balise.kpi(metric="lcp", from_=balise.day, to=balise.day + datetime.timedelta(days=1))["rows"][0]["lcp"]
            assert told["p75"] == pytest.approx(exact, rel=0.15) and told["p75_low"] <= exact <= told["p75_high"], told
            assert states(balise)["budgets"][0]["state"] == ("exceeded" if exact > 2500 else "within")
