# SPDX-License-Identifier: EUPL-1.2
"""What each machine says of its own views, whatever the cluster answers: budgets and /metrics."""
import datetime

from balise import ORIGIN, ZONE, view, visitors
from machines import Machines
from wait import until

SITE = {"name": "portal", "origins": [ORIGIN], "time_zone": ZONE, "budgets": [{"metric": "lcp", "p75": 1700}]}
EXCEEDED = 'balise_budget_exceeded{site="portal",metric="lcp"}'
P75 = 'balise_site_p75{site="portal",metric="lcp"}'


def state(balise):
    budget, = balise.private("GET", "/api/v1/budgets?site=portal", balise.token()).json()["budgets"]
    return budget["state"]


def test_answers_are_of_all_machines_but_budgets_and_metrics_are_each_machines_own(single):
    with Machines(single, 2, {"sites": [SITE]}) as machines:
        for balise, lcp in zip(machines, (400, 4000)):
            balise.post_all([(view(lcp=lcp), visitor) for visitor in visitors(60)])
        day = machines.close_day()
        asked = {"metric": "lcp", "by": "day", "from_": day, "to": day + datetime.timedelta(days=1)}
        answers = [machines.complete(index, **asked)["rows"] for index in (0, 1)]
        assert answers[0] == answers[1] and answers[0][0]["views"] == 120 and answers[0][0]["lcp"]["p75"] > 3000
        assert [state(balise) for balise in machines] == ["within", "exceeded"]
        told = [balise.metrics() for balise in machines]
        assert [metrics[EXCEEDED] for metrics in told] == [0, 1]
        assert told[0][P75] < 500 and told[1][P75] > 3500
        single.server.kill9()
        assert [state(balise) for balise in machines] == ["within", "exceeded"]


def test_metrics_tell_how_far_behind_the_cluster_is(single):
    with Machines(single, 1) as machines:
        balise = machines[0]
        balise.visit(60)
        machines.close_day()
        until(lambda: balise.metrics()["balise_cluster_rows_total"] > 0, 60, "rows that are shipped")
        until(lambda: balise.metrics()["balise_cluster_lag_seconds"] < 30, 60, "no lag")
        single.server.kill9()
        until(lambda: balise.metrics()["balise_cluster_failures_total"] > 0, 60, "a failure")
        balise.clock.advance(hours=2)
        assert balise.metrics()["balise_cluster_lag_seconds"] > 7000
        single.server.start()
        until(lambda: balise.metrics()["balise_cluster_lag_seconds"] < 30, 60, "no lag")
