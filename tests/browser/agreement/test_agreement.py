# SPDX-License-Identifier: EUPL-1.2
"""The snippet and web-vitals measure the same page loads in real Chromium, and must say the same.

Same means: the same metrics are there; FCP, LCP, TTFB and INP equal after rounding, CLS within 0.0001; after a restore
from the back/forward cache FCP and LCP within 20 ms (both count animation frames, each its own); the same kind of
navigation. Every beacon must have been accepted by the real server. web-vitals handles events when the browser is idle
and loses those that are still waiting when the page is hidden: so a second passes after the last interaction.
"""
from urllib.parse import quote, urlencode

import pytest

MEASURED = "window.painted && window.ran"
SETTLED = f"performance.getEntriesByType('navigation')[0].loadEventEnd > 0 && document.images[0].complete && {MEASURED}"
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(1), 100))))"
BUSY = "const busy = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };"
# The page has painted its content, the snippet and web-vitals have been told (this observer is younger than theirs), and
# the snippet, which comes when it can, has run: what happens before that is another scenario.
WITNESS = """
new PerformanceObserver((list) => list.getEntriesByName('first-contentful-paint').length &&
  setTimeout(() => { window.painted = true; }, 100)).observe({type: 'paint', buffered: true});
document.addEventListener('load', ({target}) => { window.ran ||= /balise.b/.test(target.src); }, true);
"""
IDLE_SECONDS = 1.3
ENTRY = "performance.getEntriesByType('navigation')[0].toJSON()"
METRICS = ("ttfb", "fcp", "lcp", "cls", "inp")


def rounded(number):
    return int(number + 0.5)


def agree(view, told):
    """One view of the snippet, and what web-vitals told of the same kind of navigation."""
    names = [name for name in METRICS if (view["type"], name) != ("soft-navigation", "ttfb")]  # web-vitals: always 0
    assert {name for name in names if name in view} == {name for name in names if name in told}, (view, told)
    for name in set(names) & view.keys():
        if name == "cls":
            assert abs(view[name] - told[name]) <= 0.0001, (view, told)
        elif view["type"] == "back-forward-cache" and name in ("fcp", "lcp"):
            assert abs(view[name] - told[name]) <= 20, (view, told)
        else:
            assert view[name] == rounded(told[name]), (name, view, told)


def compare(site, name, types):
    """All views of a scenario have arrived, once each, were accepted, and agree. Returns them."""
    views = site.wait_views(name, len(types))
    assert [view["type"] for view in views] == types
    assert {status for view, status, *_ in site.beacons if view in views} == {204}
    told = site.told(name)
    for view in views:
        agree(view, told[view["type"]])
    return views


def open_page(browser, url, background=False, context=None, loaded=True):
    """A tab with a page: loaded, or only painted."""
    page = browser.new_page(context or browser.new_context(), background=background)
    page.add_init_script(WITNESS)
    if loaded:
        page.goto(url)
    else:
        page.call("Page.navigate", {"url": url})
        page.wait_for(MEASURED)
    return page


def pause(page, seconds):
    """Let the page's own time pass: a scenario is made of it."""
    page.evaluate(f"new Promise((done) => setTimeout(() => done(1), {1000 * seconds}))")


def idle(page):
    """Leave web-vitals the time to handle the last interaction: its frame, a second, and the browser's idleness."""
    page.evaluate(FRAMES)
    pause(page, IDLE_SECONDS)
    page.evaluate("new Promise((done) => requestIdleCallback(() => setTimeout(() => done(1))))")


def settle(page):
    """Wait until a page is loaded, painted, and measured."""
    page.wait_for(SETTLED)
    page.evaluate(FRAMES)


def visit(browser, site, name, query="", act=None):
    """Open a scenario's page, let it settle, do something, leave: the view."""
    page = open_page(browser, f"{site.url}/{name}?{query}")
    settle(page)
    if act:
        act(page)
        idle(page)
    page.close()
    return compare(site, name, ["navigate"])[0]


def on_click(milliseconds):
    def act(page):
        page.evaluate(BUSY + f"addEventListener('click', () => busy({milliseconds})), 0")
        page.click("button")
    return act


def shift(page):
    """Push everything down by a row, once."""
    page.evaluate("document.querySelector('#room').append(Object.assign(document.createElement('div'), {className: 'room'})), 0")
    page.evaluate(FRAMES)


def test_01_slow_first_byte_and_slow_picture(browser, site):
    view = visit(browser, site, "s01", "wait=150&image=300")
    assert view["ttfb"] >= 150 and view["lcp"] >= 450 and "inp" not in view


def test_02_shift_and_slow_click(browser, site):
    def act(page):
        shift(page)
        on_click(150)(page)
    view = visit(browser, site, "s02", "image=200", act)
    assert view["inp"] >= 150 and view["cls"] > 0


def test_03_keyboard(browser, site):
    def act(page):
        page.evaluate(BUSY + "addEventListener('keydown', () => busy(90)), document.querySelector('input').focus(), 0")
        for key in "abc":
            for kind in ("keyDown", "keyUp"):
                page.call("Input.dispatchKeyEvent", {"type": kind, "key": key, "text": key if kind == "keyDown" else ""})
            page.evaluate(FRAMES)
    assert visit(browser, site, "s03", act=act)["inp"] >= 88


def test_04_click_with_nothing_to_do(browser, site):
    assert "inp" in visit(browser, site, "s04", act=lambda page: page.click("button"))


def test_05_one_slow_interaction_in_fifty_six(browser, site):
    worst = []

    def act(page):
        page.evaluate(
            BUSY + "let n = 0; addEventListener('click', () => busy(n++ == 20 ? 250 : 45)); window.slow = {};"
            "new PerformanceObserver((list) => list.getEntries().forEach((one) => { if (one.interactionId)"
            " slow[one.interactionId] = Math.max(one.duration, slow[one.interactionId] || 0); }))"
            ".observe({type: 'event', durationThreshold: 40}), 0")
        for _ in range(56):
            page.click("button")
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(1))))")
        page.wait_for("Object.keys(slow).length == 56")
        worst.extend(sorted(page.evaluate("Object.values(slow)")))
    assert visit(browser, site, "s05", act=act)["inp"] == worst[-2]


@pytest.mark.parametrize("name, seconds", [("s06", 1.8), ("s07", 0.5)])
def test_06_07_two_shifts_in_two_windows_and_in_one(browser, site, name, seconds):
    def act(page):
        shift(page)
        pause(page, seconds)
        shift(page)
    assert visit(browser, site, name, act=act)["cls"] > 0


def test_08_shift_after_a_click_is_the_visitors_own(browser, site):
    def act(page):
        page.evaluate("addEventListener('click', () => document.querySelector('#room').append("
                      "Object.assign(document.createElement('div'), {className: 'room'}))), 0")
        page.click("button")
    assert visit(browser, site, "s08", act=act)["cls"] == 0


def test_09_big_picture_after_a_click(browser, site):
    page = open_page(browser, f"{site.url}/s09?hold", loaded=False)
    page.click("button")
    page.evaluate(FRAMES)
    site.release("s09")
    settle(page)
    idle(page)
    page.close()
    view = compare(site, "s09", ["navigate"])[0]
    assert view["lcp"] == view["fcp"] and "inp" in view


def test_10_redirect(browser, site):
    assert visit(browser, site, "s10", "redirect")["redirect"] >= 80


def test_11_page_in_two_halves(browser, site):
    truth = {}
    view = visit(browser, site, "s11", "chunked=400", act=lambda page: truth.update(page.evaluate(ENTRY)))
    assert view["response"] == rounded(truth["responseEnd"] - truth["responseStart"]) > 0


def test_12_reload(browser, site):
    page = open_page(browser, f"{site.url}/s12?image=100")
    settle(page)
    page.reload()
    settle(page)
    page.close()
    site.wait(lambda: len([told for told in site.vitals if told["path"] == "/s12"]) == 2, what="both vitals")
    views = site.wait_views("s12", 2)
    assert [view["type"] for view in views] == ["navigate", "reload"]
    told = [told["views"] for told in site.vitals if told["path"] == "/s12"]
    for view, views_told in zip(views, told):
        agree(view, views_told[view["type"]])


def there_and_back(browser, site, name, query="", prepare=None, act=None):
    """A page, another one, and back. How the browser came back."""
    page = open_page(browser, f"{site.url}/{name}?{query}")
    settle(page)
    if prepare:
        prepare(page)
    page.goto(f"{site.url}/elsewhere")
    settle(page)
    kind = page.back()
    page.evaluate(FRAMES)
    page.wait_for(MEASURED)
    if act:
        act(page)
        idle(page)
    page.close()
    return kind


def test_13_back_from_the_cache(browser, site):
    def act(page):
        shift(page)
        on_click(100)(page)
    assert there_and_back(browser, site, "s13", "image=100", act=act) == "BackForwardCacheRestore"
    site.wait_views("s13", 2)
    site.wait(lambda: "back-forward-cache" in site.told("s13"))
    view = compare(site, "s13", ["navigate", "back-forward-cache"])[1]
    assert view["ttfb"] == 0 and view["inp"] >= 96 and view["cls"] > 0


def test_14_unload_handler_of_the_page(browser, site):
    def prepare(page):
        page.evaluate("addEventListener('unload', () => {}), 0")
    assert there_and_back(browser, site, "s14", prepare=prepare) == "Navigation"
    views = site.wait_views("s14", 2)
    site.wait(lambda: "back-forward" in site.told("s14"))
    assert [view["type"] for view in views] == ["navigate", "back-forward"]
    agree(views[1], site.told("s14")["back-forward"])


def test_15_page_that_must_not_be_stored(browser, site):
    """Whether it comes back from the cache is the browser's choice: the two must see the same."""
    kind = there_and_back(browser, site, "s15", "no-store")
    back = "back-forward-cache" if kind == "BackForwardCacheRestore" else "back-forward"
    views = site.wait_views("s15", 2)
    site.wait(lambda: back in site.told("s15"))
    assert [view["type"] for view in views] == ["navigate", back]
    agree(views[1], site.told("s15")[back])


def test_16_hidden_by_another_tab(browser, site):
    context = browser.new_context()
    page = open_page(browser, f"{site.url}/s16?image=100", context=context)
    settle(page)
    on_click(100)(page)
    idle(page)
    other = browser.new_page(context)
    compare(site, "s16", ["navigate"])
    page.close()
    other.close()
    assert len(site.of("s16")) == 1


def test_17_hidden_before_the_picture(browser, site):
    context = browser.new_context()
    page = open_page(browser, f"{site.url}/s17?hold", context=context, loaded=False)
    other = browser.new_page(context)
    page.wait_for("document.hidden")
    site.release("s17")
    page.wait_for("document.images[0].complete")
    page.show()
    page.evaluate(FRAMES)
    page.close()
    other.close()
    # web-vitals tells the first byte only after the load event: with the second hiding.
    site.wait(lambda: site.told("s17") if "ttfb" in site.told("s17")["navigate"] else None)
    view = compare(site, "s17", ["navigate"])[0]
    assert view["lcp"] == view["fcp"]


def test_18_opened_in_the_background(browser, site):
    context = browser.new_context()
    front = browser.new_page(context)
    page = open_page(browser, f"{site.url}/s18", background=True, context=context)
    page.show()
    settle(page)
    page.close()
    front.close()
    view = compare(site, "s18", ["navigate"])[0]
    assert not {"fcp", "lcp", "cls"} & view.keys() and view["ttfb"] > 0


def test_19_window_minimised(browser, site):
    page = open_page(browser, f"{site.url}/s19?image=100")
    settle(page)
    window = browser.call("Browser.getWindowForTarget", {"targetId": page.target})["windowId"]
    browser.call("Browser.setWindowBounds", {"windowId": window, "bounds": {"windowState": "minimized"}})
    compare(site, "s19", ["navigate"])
    browser.call("Browser.setWindowBounds", {"windowId": window, "bounds": {"windowState": "normal"}})
    page.close()


def test_20_tab_closed(browser, site):
    visit(browser, site, "s20", "image=100")


# A prerendered page tells the site how far it is: begun, loaded, painted (which it can only be once activated), and
# that its picture has been painted and both measurers told.
TELL = """<script>
const tell = (what) => fetch('/told/' + what + '-NAME');
tell('begun');
addEventListener('load', () => tell('loaded'));
new PerformanceObserver((list) => list.getEntriesByName('first-contentful-paint').length && tell('painted'))
  .observe({type: 'paint', buffered: true});
new PerformanceObserver((list) => list.getEntries().some((one) => one.url) && setTimeout(() => tell('shown'), 100))
  .observe({type: 'largest-contentful-paint', buffered: true});
</script>"""
FOLLOW = """<script>
const wait = setInterval(() => fetch('/state').then((r) => r.text()).then((text) => {
  if (text == 'NAME') { clearInterval(wait); location.href = GOAL; }
}), 50);
</script>"""


def prerender(browser, site, name, query, ready):
    """A page that prerenders a scenario's, waits until the site says so, and goes there; then the tab is closed. No
    DevTools session is attached: Chromium does not prerender under one."""
    site.state = "wait"
    goal = f"/{name}?" + urlencode({**query, "end": TELL.replace("NAME", name)})
    follow = FOLLOW.replace("NAME", name).replace("GOAL", repr(goal))
    start = f"{site.url}/start-{name}?" + urlencode({"speculate": goal, "end": follow}, quote_via=quote)
    target = browser.call("Target.createTarget", {"url": start})["targetId"]
    site.wait_asked(f"/told/{ready}-{name}")
    assert not site.of(name)
    site.state = name
    site.wait_asked(f"/told/painted-{name}")
    site.release(name)
    site.wait_asked(f"/told/shown-{name}")
    browser.call("Target.closeTarget", {"targetId": target})
    view = compare(site, name, ["prerender"])[0]
    assert view["ttfb"] == 0
    return view


def test_21_prerendered_and_shown_when_loaded(browser, site):
    view = prerender(browser, site, "s21", {}, "loaded")
    assert view["load"] == 0 and view["lcp"] >= view["fcp"] > 0


def test_22_prerendered_and_shown_before_the_picture(browser, site):
    view = prerender(browser, site, "s22", {"hold": ""}, "begun")
    assert view["lcp"] > view["fcp"]


def test_23_route_change_with_new_content(browser, site):
    page = open_page(browser, f"{site.url}/s23?soft")
    settle(page)
    page.evaluate(
        "new PerformanceObserver(() => { window.soft = true; }).observe({type: 'soft-navigation'});"
        "document.querySelector('button').addEventListener('click', () => { history.pushState(0, '', '/s23/next');"
        " document.querySelector('p').innerHTML = '<h2>Another page</h2>' + 'A long text. '.repeat(80); }), 0")
    page.click("button")
    page.wait_for("window.soft")
    idle(page)
    page.close()
    # web-vitals reports in arrears, and counts the click to the page it was made on. The snippet has sent that view by
    # the time the click is measured, and counts it to the one it led to.
    site.wait_views("s23", 2)
    told = site.told("s23")
    told["soft-navigation"]["inp"] = told["navigate"].pop("inp")
    view = compare(site, "s23", ["navigate", "soft-navigation"])[1]
    assert view["path"] == "/s23/next" and view["fcp"] > 0


def test_24_errors_are_counted(browser, site):
    """A metric that web-vitals does not have: one thrown, one rejected."""
    def act(page):
        page.evaluate("setTimeout(() => { throw new Error('x'); }), setTimeout(() => { Promise.reject(new Error('y')); }), 0")
    assert visit(browser, site, "s24", act=act)["errors"] == 2


def test_25_early_hints(browser, site):
    truth = {}
    view = visit(browser, site, "s25", "hints=200", act=lambda page: truth.update(page.evaluate(ENTRY)))
    assert view["ttfb"] == rounded(truth["firstInterimResponseStart"]) < rounded(truth["finalResponseHeadersStart"])


def test_every_beacon_was_accepted_and_none_came_twice(site):
    """Runs last: what the server counted is what the pages sent."""
    site.wait(lambda: site.server.outcomes()["accepted"] <= len(site.beacons), what="the last beacon")
    assert {status for _, status, *_ in site.beacons} == {204}
    assert site.server.outcomes()["accepted"] == len(site.beacons)
    assert all(size <= 350 for _, _, size, _ in site.beacons)
