# SPDX-License-Identifier: EUPL-1.2
"""What machines have told comes together in the cluster, once each, and answers come from there."""
import datetime

from balise import view, visitors
from machines import Machines

METRICS = {"lcp": 1200, "fcp": 700, "ttfb": 90, "inp": 80, "cls": 0.02}


def send(balise, count, path, **measured):
    balise.post_all([(view(path, **{**METRICS, **measured}), visitor) for visitor in visitors(count)])


def table(answer, by):
    return {row[by]: row for row in answer["rows"]}


def test_closed_days_of_all_machines_are_one_answer(cluster):
    with Machines(cluster, 3) as machines:
        for n, balise in enumerate(machines):
            send(balise, 20, "/")
            send(balise, 12 + n, "/aide")
        day = machines.close_day()
        span = {"from_": day, "to": day + datetime.timedelta(days=1)}
        for index in range(3):
            rows = table(machines.complete(index, metric="lcp", by="page", **span), "page")
            assert {page: row["views"] for page, row in rows.items()} == {"/": 60, "/aide": 39}
            assert rows["/"]["visitors_are"] == "upper_bound" and rows["/"]["lcp"]["n"] == 60
        devices = table(machines.complete(0, metric="lcp,cls", by="device", **span), "device")
        assert sum(row["views"] for row in devices.values()) == 99
