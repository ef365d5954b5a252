# SPDX-License-Identifier: EUPL-1.2
"""What pages measured arrives in the store, by the kind of view: visitors of networks of their own, each with a
click and a shift on a page, many requests on another one, the first restored from the back/forward cache and clicked
again, and a route change."""
import datetime
import math

import pytest

from balise import address_in
from test_agreement import BUSY, FRAMES, open_page, settle, shift

VISITORS = 14
# A metric is told in bins of ten views, and only in two of them or more: so the clicks are of two very different lengths.
QUICK, SLOW = 120, 450
FETCH = "Promise.all([...Array(60).keys()].map((n) => fetch('/state?' + n).then((r) => r.text()))).then(() => 1)"
CLICKS = BUSY + """window.slow = QUICK;
new PerformanceObserver((list) => { window.clicked ||= list.getEntriesByName('click').length; })
  .observe({type: 'event', durationThreshold: 40});
addEventListener('click', () => busy(slow)), 0"""


def click(page, milliseconds):
    """A click that takes that long, to its end."""
    page.evaluate(f"window.slow = {milliseconds}, window.clicked = 0")
    page.click("button")
    page.wait_for("clicked")


def journey(browser, site, network):
    """A quick click and a shift; away, many requests, and back, then in another network, so that whoever is restored is
    another visitor, as the table of types needs to be told; a slow click; a route change."""
    site.address = address_in("FR-IDF", network)
    page = open_page(browser, site.url + "/told")
    settle(page)
    page.evaluate(CLICKS.replace("QUICK", str(QUICK)))
    shift(page)
    click(page, QUICK)
    page.goto(site.url + "/away")
    settle(page)
    page.evaluate(FETCH)
    assert page.back() == "BackForwardCacheRestore"
    site.wait(lambda: len(site.beacons) == 4 * network + 2, what="the views of the pages that were left")
    site.address = address_in("FR-IDF", VISITORS + network)
    page.evaluate(FRAMES)
    click(page, SLOW)
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
    answer = site.server.kpi(metric="inp,cls,ttfb", by="page", from_=day, to=day + datetime.timedelta(days=1))
    row = next(row for row in answer["rows"] if row["page"] == "/told")
    views = [view for view in site.of("told") if view["type"] != "soft-navigation"]
    assert row["views"] == len(views) == 2 * VISITORS
    assert min(view["inp"] for view in views) >= QUICK
    assert min(view["inp"] for view in views if view["type"] != "navigate") >= SLOW
    assert min(view["cls"] for view in views if view["type"] == "navigate") > 0
    for metric in ("inp", "cls", "ttfb"):
        sent = [view[metric] for view in views]
        assert row[metric]["n"] == len(sent), metric
        # The median is the greatest of the lower half, at the end of a bin that begins at 0.
        assert abs(row[metric]["p50"] - median(sent)) <= 0.1 * median(sent), (metric, sorted(sent), row[metric])


def test_what_documents_fetched_arrives_as_it_was_sent(site, day):
    answer = site.server.kpi(metric="requests,weight", by="day", from_=day, to=day + datetime.timedelta(days=1))
    views = [view for view in site.of("told") + site.of("away") if view["type"] == "navigate"]
    for metric in ("requests", "weight"):
        sent, told = [view[metric] for view in views], answer["rows"][0][metric]
        assert told["n"] == len(sent) == 2 * VISITORS, metric
        assert max(sent) - min(sent) >= 60
        # The bin of a small count ends at the next one.
        assert abs(told["p50"] - median(sent)) <= max(1, 0.1 * median(sent)), (metric, sorted(sent), told)


def test_restored_views_arrive_with_their_interactions(site, day):
    answer = site.server.kpi(metric="inp", by="type", from_=day, to=day + datetime.timedelta(days=1))
    assert {row["type"]: row["inp"]["n"] for row in answer["rows"]} == {
        "navigate": VISITORS, "back-forward-cache": VISITORS,
    }


def test_route_changes_are_told_apart(site, day):
    answer = site.server.kpi(metric="cls", by="page", type="soft-navigation", from_=day, to=day + datetime.timedelta(days=1))
    assert [(row["page"], row["views"]) for row in answer["rows"]] == [("/told/next", VISITORS)]
