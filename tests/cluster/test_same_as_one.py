# SPDX-License-Identifier: EUPL-1.2
"""Three machines and a cluster answer as one machine would that had taken all their views."""
import datetime

from balise import DESKTOP, FIREFOX, MOBILE, Balise, address_in, view
from machines import Machines

MACHINES = 3
VALUES = (400, 900, 1600, 2700, 4300)  # each often enough on every machine to be a bin of its own
PAGES = ("/", "/aide", "/demarches")
REGIONS = ("FR-IDF", "FR-BRE")
AGENTS = (DESKTOP % 142, MOBILE % 142, FIREFOX % (142, 142))
TABLES = ("page", "region", "device", "browser", "protocol", "type", "day", "day,page")


NETWORKS = 20  # of each region, a machine's own


def posts(machine):
    """The views of a machine: visitors of every region and agent, each on every page."""
    return [(view(path, lcp=value, cls=value / 20000, ttfb=value / 10),
             {"address": address_in(region, NETWORKS * machine + n), "user_agent": agent})
            for n in range(NETWORKS) for value in (VALUES[n % len(VALUES)],) for region in REGIONS for agent in AGENTS for path in PAGES]


def alike(answer):
    """An answer without what may differ: who visited several machines is not known."""
    for row in answer["rows"]:
        del row["visitors"], row["visitors_are"]
    answer["coverage"].pop("complete", None)
    return answer


def test_daily_answers_equal_those_of_one_machine_digit_for_digit(cluster):
    with Machines(cluster, MACHINES) as machines, Balise() as alone:
        for _ in range(2):
            for number, balise in enumerate(machines):
                sent = posts(number)
                balise.post_all(sent)
                alone.post_all(sent)
            day = machines.close_day()
            assert alone.close_day() == day
        span = {"from_": day - datetime.timedelta(days=1), "to": day + datetime.timedelta(days=1)}
        for by in TABLES:
            asked = {"metric": "lcp,cls,ttfb", "by": by, **(span if "day" in by else {"from_": day, "to": span["to"]})}
            expected = alone.kpi(**asked)
            assert expected["rows"] and all(row["lcp"]["p75"] for row in expected["rows"]), by
            assert alike(machines.complete(1, **asked)) == alike(expected), by
        one_page = {"metric": "lcp", "by": "day", "page": "/aide", **span}
        assert alike(machines.complete(2, **one_page)) == alike(alone.kpi(**one_page))
        bins = {"metric": "lcp", "by": "page", "output": "histogram", "from_": day, "to": span["to"]}
        assert alike(machines.complete(0, **bins)) == alike(alone.kpi(**bins))
