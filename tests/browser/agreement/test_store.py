# SPDX-License-Identifier: EUPL-1.2
"""What pages measured arrives in the store, by the kind of view: visitors of networks of their own, each with a slow
click and a shift on a page, the same page restored from the back/forward cache and clicked again, and a route change."""
import datetime
import math

import pytest

from balise import address_in
from test_agreement import BUSY, FRAMES, METRICS, open_page, settle, shift

VISITORS = 12


def journey(browser, site, network):
    """A click of 120 ms and a shift; away and back, a click of 120 ms; a route change."""
    site.address = address_in("FR-IDF", network)
    page = open_page(browser, site.url + "/told")
    settle(page)
    page.evaluate(BUSY + "window.seen = 0; new PerformanceObserver(() => seen++).observe({type: 'event', durationThreshold: 40});"
                  "addEventListener('click', () => busy(120)), 0")
    shift(page)
    page.click("button")
    page.wait_for("seen")
    page.goto(site.url + "/away")
    settle(page)
    assert page.back() == "BackForwardCacheRestore"
    page.evaluate(FRAMES)
    page.evaluate("seen = 0, 0")
    page.click("button")
    page.wait_for("seen")
    page.evaluate("history.pushState(0, '', '/told/next'), 0")
    page.close()
    site.wait(lambda: len(site.beacons) == 4 * (network + 1), what="four views of a journey")


@pytest.fixture(name="day", scope="module")
def _day(browser, site):
    for network in range(VISITORS):
        journey(browser, site, network)
    site.server.wait_metric('balise_requests_total{outcome="accepted"}', len(site.beacons))
    return site.server.close_day()


def test_views_are_told_by_type(site, day):
    sent = [view["type"] for view in site.of("told") + site.of("away") if view["type"] != "soft-navigation"]
    told = site.server.views("type", day)
    assert told == {kind: sent.count(kind) for kind in ("navigate", "back-forward-cache")}


def median(values):
    """As the store ranks: the ceil(n / 2)-th smallest."""
    return sorted(values)[math.ceil(len(values) / 2) - 1]


def test_what_was_measured_arrives_as_it_was_sent(site, day):
    answer = site.server.kpi(metric=",".join(METRICS), by="page", from_=day, to=day + datetime.timedelta(days=1))
    row = next(row for row in answer["rows"] if row["page"] == "/told")
    views = [view for view in site.of("told") if view["type"] != "soft-navigation"]
    assert row["views"] == len(views) == 2 * VISITORS
    assert min(view["inp"] for view in views) >= 120
    assert min(view["cls"] for view in views if view["type"] == "navigate") > 0
    for metric in METRICS:
        sent = [view[metric] for view in views]
        assert row[metric]["n"] == len(sent), metric
        assert abs(row[metric]["p50"] - median(sent)) <= 0.01 * median(sent), (metric, sorted(sent), row[metric])


def test_restored_views_arrive_with_their_interactions(site, day):
    answer = site.server.kpi(metric="inp,load", by="type", from_=day, to=day + datetime.timedelta(days=1))
    rows = {row["type"]: (row["inp"]["n"], row["load"]["n"]) for row in answer["rows"]}
    assert rows == {"navigate": (VISITORS, 2 * VISITORS), "back-forward-cache": (VISITORS, 0)}


def test_route_changes_are_told_apart(site, day):
    answer = site.server.kpi(metric="cls", by="page", type="soft-navigation", from_=day, to=day + datetime.timedelta(days=1))
    assert [(row["page"], row["views"], row["cls"]["n"]) for row in answer["rows"]] == [("/told/next", VISITORS, VISITORS)]
