# SPDX-License-Identifier: EUPL-1.2
"""Firefox ESR: the snippet agrees with web-vitals there too (bfcache within 20 ms), tells no CLS, which Firefox does not
measure, and its views are accepted and told.

Pages are left by going elsewhere: of a tab that is closed, Firefox now and then drops the last requests on a busy
machine, keepalive or not, those of web-vitals too."""
import pytest

from balise import address_in
from bidi import Firefox
from test_agreement import BUSY, FRAMES, MEASURED, WITNESS, compare, idle, on_click, settle

VISITORS = 12


@pytest.fixture(name="firefox", scope="module")
def _firefox():
    with Firefox() as firefox:
        yield firefox


def open_page(firefox, url):
    page = firefox.new_page()
    page.add_init_script(WITNESS)
    page.goto(url)
    settle(page)
    return page


FETCHED = 300  # more than Firefox lists by itself


def leave(page):
    page.goto("about:blank")
    page.close()


def test_navigation_with_slow_picture_and_slow_click(firefox, site):
    page = open_page(firefox, f"{site.url}/f1?wait=150&image=300")
    on_click(150)(page)
    idle(page)
    leave(page)
    view = compare(site, "f1", ["navigate"])[0]
    assert view["ttfb"] >= 150 and view["lcp"] >= 450 and view["inp"] >= 150 and "cls" not in view


def test_back_from_the_cache(firefox, site):
    page = open_page(firefox, f"{site.url}/f2?image=100")
    page.evaluate("addEventListener('pageshow', ({persisted}) => { window.persisted = persisted; }), 0")
    page.goto(f"{site.url}/elsewhere")
    settle(page)
    page.back()
    page.wait_for("window.persisted")
    page.evaluate(FRAMES)
    on_click(100)(page)
    idle(page)
    leave(page)
    site.wait_views("f2", 2)
    site.wait(lambda: "back-forward-cache" in site.told("f2"))
    view = compare(site, "f2", ["navigate", "back-forward-cache"])[1]
    assert view["ttfb"] == 0 and view["inp"] >= 96


def test_more_resources_than_firefox_lists_are_counted(firefox, site):
    fetch = f"Promise.all([...Array({FETCHED}).keys()].map((n) => fetch('/state?' + n).then((r) => r.text()))).then(() => 1)"
    page = open_page(firefox, f"{site.url}/f4")
    page.evaluate("window.sizes = [], new PerformanceObserver((list) => list.getEntries().forEach((one) =>"
                  " sizes.push(one.transferSize))).observe({type: 'resource', buffered: true}), " + fetch)
    page.wait_for(f"sizes.length > {FETCHED}")
    sizes = page.evaluate("[...sizes, performance.getEntriesByType('navigation')[0].transferSize]")
    leave(page)
    view = compare(site, "f4", ["navigate"])[0]
    assert (view["requests"], view["weight"]) == (len(sizes), sum(sizes))


def test_firefox_without_observers_is_left_alone(recorder):
    """As its preferences allow: no view, and no error on the page's console."""
    recorder.pages["/page"] = ("text/html", b"<!doctype html><title>x</title><p>Good morning<script src=/balise/b.js></script>")
    with Firefox({"dom.enable_performance_observer": False}) as firefox:
        page = firefox.new_page()
        page.add_init_script("window.thrown = 0; addEventListener('error', () => thrown++)")
        page.goto("http://%s:%d/page" % recorder.address)
        assert page.evaluate("[typeof PerformanceObserver, thrown]") == ["undefined", 0]
        page.goto("http://%s:%d/elsewhere" % recorder.address)
        recorder.wait("/elsewhere")
        page.close()
    assert recorder.posts() == []


def test_views_of_firefox_are_told(firefox, site):
    """As many visitors as a table asks for, each with a slow click."""
    for network in range(VISITORS):
        site.address = address_in("FR-IDF", network)
        page = open_page(firefox, f"{site.url}/f3")
        page.evaluate(BUSY + "window.seen = 0; new PerformanceObserver(() => seen++).observe({type: 'event', durationThreshold: 40});"
                      "addEventListener('click', () => busy(120)), 0")
        page.click("button")
        page.wait_for(f"{MEASURED} && seen")
        leave(page)
        site.wait_views("f3", network + 1)
    site.server.wait_metric('balise_requests_total{outcome="accepted"}', len(site.beacons))
    assert {status for _, status, *_ in site.beacons} == {204}
    day = site.server.close_day()
    assert site.server.views("browser", day) == {"firefox": len(site.beacons)}
