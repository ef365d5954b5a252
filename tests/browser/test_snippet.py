# SPDX-License-Identifier: EUPL-1.2
"""The built snippet in real Chromium, on the demo portal behind real nginx.

What a page tells of itself (performance entries, observers of its own) is compared with what arrives.
Run: /usr/bin/python3 -m pytest tests/browser
"""
import json
import pathlib

import jsonschema
import pytest

from nginx import Nginx

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "schema" / "beacon.v1.schema.json").read_text(encoding="utf-8"))

# The page's own measurement, independent of the snippet.
WITNESS = """
window.seen = {shifts: [], events: [], resources: []};
const watch = (type, each) =>
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true, durationThreshold: 16});
watch('largest-contentful-paint', (e) => seen.lcp = e.startTime);
watch('layout-shift', (e) => e.hadRecentInput || seen.shifts.push(e.value));
watch('event', (e) => e.interactionId && seen.events.push(e.duration));
watch('resource', (e) => seen.resources.push(e.transferSize));
"""
SETTLED = "seen.lcp && performance.getEntriesByType('navigation')[0].loadEventEnd > 0"
TRUTH = """(() => {
  const n = performance.getEntriesByType('navigation')[0].toJSON();
  n.fcp = performance.getEntriesByName('first-contentful-paint')[0].startTime;
  n.elements = document.querySelectorAll('*').length;
  return {...n, ...seen};
})()"""


def visit(browser, url, act=lambda page: None, prepare=lambda page: None, context=None):
    """Open a page as a visitor would, do something, leave. Returns the truth and the page."""
    page = browser.new_page(context or browser.new_context())
    page.add_init_script(WITNESS)
    prepare(page)
    page.goto(url)
    page.wait_for(SETTLED)
    act(page)
    truth = page.evaluate(TRUTH)
    page.close()
    return truth, page


def rounded(number):
    """Round as JavaScript's Math.round does: half up, where Python's goes to the even neighbour."""
    return int(number + 0.5)


def leaves_nothing(browser, recorder, portal, url, prepare):
    """Visit url as somebody who objects, then / as somebody who does not: only the second is told.
    A beacon of the first visit would have left before that of the second."""
    visit(browser, url, prepare=prepare)
    visit(browser, portal.url + "/accessibilite")
    paths = [post.view()["path"] for post in recorder.wait_posts(1)]
    return paths == ["/accessibilite"]


def test_privacy_45_a_view_is_told_once_by_the_schema(browser, recorder, portal):
    for path in ("/", "/demarches", "/demarches/acte-de-naissance/etape-2"):
        visit(browser, portal.url + path)
    posts = recorder.wait_posts(3)
    assert [post.view()["path"] for post in posts] == ["/", "/demarches", "/demarches/acte-de-naissance/etape-2"]
    for post in posts:
        jsonschema.Draft202012Validator(SCHEMA).validate(post.view())
        assert post.path == "/balise/b"
        assert len(post.body) <= 350
    assert len(recorder.posts()) == 3


def test_the_request_carries_nothing_that_identifies(browser, recorder, portal):
    def prepare(page):
        page.set_cookie(portal.url, "session", "secret")
        page.set_headers({"X-Test-Address": "2001:db8:17:4::99"})

    _, page = visit(browser, portal.url + "/demarches?nom=Dupont#haut", prepare=prepare)
    post = recorder.wait_posts(1)[0]
    assert post.headers["origin"] == portal.url
    assert post.headers["content-type"].lower() == "text/plain;charset=utf-8"
    assert post.headers["x-forwarded-for"] == "2001:db8:17::"
    assert not {"cookie", "referer", "authorization", "x-test-address"} & post.headers.keys()
    assert b"Dupont" not in post.body and b"haut" not in post.body
    assert not [request for request in recorder.requests if request.method == "OPTIONS"]
    assert not [url for method, url in page.requests() if not url.startswith((portal.url, "data:"))]


def test_the_browser_itself_sends_no_cookie_and_no_referrer(browser, recorder):
    """Without nginx in between to take them away."""
    html = b"<!doctype html><title>x</title><script async src='/balise/b.js'></script><p>Bonjour"
    recorder.pages["/page"] = ("text/html", html)
    url = "http://%s:%d/page" % recorder.address
    visit(browser, url, prepare=lambda page: page.set_cookie(url, "session", "secret"))
    post = recorder.wait_posts(1)[0]
    page = next(request for request in recorder.requests if request.path == "/page")
    assert page.headers["cookie"] == "session=secret"
    assert not {"cookie", "referer"} & post.headers.keys()


def test_metrics_equal_what_the_page_measures(browser, recorder, portal):
    def shift_and_click(page):
        page.evaluate(
            "document.querySelector('main').prepend(Object.assign(document.createElement('p'), "
            "{style: 'height: 200px'})), 0"
        )
        page.wait_for("seen.shifts.length")
        page.evaluate(
            "addEventListener('pointerdown', () => { const t = performance.now(); while (performance.now() - t < 120); }),"
            " setTimeout(() => { throw new Error('x'); }), 0"
        )
        page.click("h1")
        page.wait_for("seen.events.some((duration) => duration >= 104)")

    truth, _ = visit(browser, portal.url + "/", act=shift_and_click)
    view = recorder.wait_posts(1)[0].view()
    times = {
        "ttfb": "responseStart", "fcp": "fcp", "lcp": "lcp", "domInteractive": "domInteractive",
        "domContentLoaded": "domContentLoadedEventEnd", "load": "loadEventEnd",
    }
    spans = {
        "dns": ("domainLookupStart", "domainLookupEnd"), "tcp": ("connectStart", "connectEnd"),
        "request": ("requestStart", "responseStart"), "response": ("responseStart", "responseEnd"),
    }
    expected = {name: rounded(truth[entry]) for name, entry in times.items()}
    expected |= {name: rounded(truth[end] - truth[start]) for name, (start, end) in spans.items()}
    expected |= {
        "v": 1, "path": "/", "type": "navigate", "inp": max(truth["events"]), "errors": 1,
        "transferSize": truth["transferSize"], "elements": truth["elements"],
        "protocol": truth["nextHopProtocol"], "requests": 1 + len(truth["resources"]),
        "weight": truth["transferSize"] + sum(truth["resources"]),
    }
    cls = view.pop("cls")
    assert view == expected
    assert cls == pytest.approx(sum(truth["shifts"]), abs=0.00006) and cls > 0


def test_an_interaction_just_before_leaving_is_kept(browser, recorder, portal):
    def click(page):
        page.evaluate(
            "addEventListener('click', () => { const t = performance.now(); while (performance.now() - t < 150); }), 0"
        )
        page.click("h1")
        # Two frames: the slow one is on the screen, its entry not yet with any observer's idle work.
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    visit(browser, portal.url + "/", act=click)
    assert recorder.wait_posts(1)[0].view()["inp"] >= 144


def test_gpc_sends_nothing(browser, recorder, portal):
    script = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true});"
    assert leaves_nothing(browser, recorder, portal, portal.url + "/", lambda page: page.add_init_script(script))


def test_do_not_track_sends_nothing(browser, recorder, portal):
    script = "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'});"
    assert leaves_nothing(browser, recorder, portal, portal.url + "/", lambda page: page.add_init_script(script))


def test_the_opt_out_cookie_sends_nothing(browser, recorder, portal):
    def prepare(page):
        page.set_cookie(portal.url, "balise-optout", "1")

    assert leaves_nothing(browser, recorder, portal, portal.url + "/", prepare)


def test_a_strict_policy_is_not_violated(browser, recorder):
    policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'"
    with Nginx(balise=recorder.address, headers={"Content-Security-Policy": policy}) as nginx:
        _, page = visit(browser, nginx.url + "/")
        assert recorder.wait_posts(1)[0].view()["path"] == "/"
        assert page.complaints() == []


def test_nothing_stays_in_the_browser(browser, recorder, portal):
    context = browser.new_context()
    visit(browser, portal.url + "/", context=context)
    recorder.wait_posts(1)
    page = browser.new_page(context)
    page.goto(portal.url + "/accessibilite")
    kept = page.evaluate(
        "Promise.all([indexedDB.databases(), window.caches ? caches.keys() : []])"
        ".then(([bases, caches]) => [document.cookie, localStorage.length, sessionStorage.length, bases.length, caches.length])"
    )
    page.close()
    assert kept == ["", 0, 0, 0, 0]


def test_a_page_hidden_by_another_tab_tells_its_view_once(browser, recorder, portal):
    context = browser.new_context()
    page = browser.new_page(context)
    page.add_init_script(WITNESS)
    page.goto(portal.url + "/")
    page.wait_for(SETTLED)
    other = browser.new_page(context)
    recorder.wait_posts(1)
    page.show()
    page.wait_for("document.visibilityState == 'visible'")
    other.close()
    page.close()
    visit(browser, portal.url + "/accessibilite")
    assert [post.view()["path"] for post in recorder.wait_posts(2)] == ["/", "/accessibilite"]


def test_reload_and_restored_pages_are_views_of_their_own(browser, recorder, portal):
    page = browser.new_page(browser.new_context())
    page.goto(portal.url + "/demarches")
    page.reload()
    page.goto(portal.url + "/")
    assert page.back() == "BackForwardCacheRestore"
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
    page.close()
    views = [post.view() for post in recorder.wait_posts(4)]
    seen = [(view["path"], view["type"]) for view in views]
    assert seen == [
        ("/demarches", "navigate"), ("/demarches", "reload"), ("/", "navigate"), ("/demarches", "back-forward-cache"),
    ]
    assert views[3]["ttfb"] == 0 and views[3]["fcp"] == views[3]["lcp"] and "load" not in views[3]
    for view in views:
        jsonschema.Draft202012Validator(SCHEMA).validate(view)


def test_a_route_change_is_a_view_of_its_own(browser, recorder, portal):
    def change(page):
        page.evaluate("history.replaceState(0, '', '?tri=nom'), history.pushState(0, '', '/demarches/x?y=1#z'), 0")

    visit(browser, portal.url + "/demarches", act=change)
    views = [post.view() for post in recorder.wait_posts(2)]
    assert [(view["path"], view["type"]) for view in views] == [
        ("/demarches", "navigate"), ("/demarches/x", "soft-navigation"),
    ]
    for view in views:
        jsonschema.Draft202012Validator(SCHEMA).validate(view)


def test_a_recognised_route_change_tells_its_paints(browser, recorder, portal):
    def click_a_link(page):
        page.evaluate(
            "new PerformanceObserver((list) => { const e = list.getEntries()[0], paint = e.getLargestInteractionContentfulPaint();"
            " seen.soft = {fcp: (e.presentationTime || e.paintTime) - e.startTime,"
            " lcp: paint.largestContentfulPaint.renderTime - paint.startTime}; }).observe({type: 'soft-navigation'}),"
            " document.querySelector('h1').addEventListener('click', () => { history.pushState(0, '', '/demarches/y');"
            " document.querySelector('main').innerHTML = '<h1>Une autre page</h1><p>' + 'Un long texte. '.repeat(80); }), 0"
        )
        page.click("h1")
        page.wait_for("seen.soft")

    truth, _ = visit(browser, portal.url + "/demarches", act=click_a_link)
    first, second = [post.view() for post in recorder.wait_posts(2)]
    assert second["type"] == "soft-navigation" and second["path"] == "/demarches/y"
    assert {name: second[name] for name in ("fcp", "lcp")} == {
        name: rounded(value) for name, value in truth["soft"].items()
    }
    assert first["lcp"] == rounded(truth["lcp"])
    jsonschema.Draft202012Validator(SCHEMA).validate(second)


def test_a_page_opened_in_the_background_tells_no_paint(browser, recorder, portal):
    context = browser.new_context()
    front = browser.new_page(context)
    page = browser.new_page(context, background=True)
    page.goto(portal.url + "/")
    page.show()
    page.wait_painted()
    page.close()
    front.close()
    view = recorder.wait_posts(1)[0].view()
    assert view["ttfb"] > 0 and view["load"] > 0
    assert not {"fcp", "lcp", "cls"} & view.keys()


def test_a_prerendered_page_is_measured_from_its_activation(browser, recorder):
    """No DevTools session is attached to these pages: Chromium does not prerender under one. They
    go on by themselves, and say by requests of their own how far they are."""
    snippet = b"<!doctype html><title>x</title><script async src='/balise/b.js'></script>"
    rules = b'<script type=speculationrules>{"prerender":[{"urls":["/next"],"eagerness":"immediate"}]}</script>'
    follow = b"<script>const wait = setInterval(() => fetch('/state').then((r) => r.text()).then((text) => {" \
        b" if (text == 'ready') { clearInterval(wait); location.href = '/next'; } }), 50)</script>"
    ready = b"<p>Bonjour<script>const told = (what) => fetch('/told?' + what);" \
        b"addEventListener('load', () => setTimeout(() => told(document.prerendering ? 'prerendering' : 'plain'), 300));" \
        b"document.addEventListener('prerenderingchange', () => requestAnimationFrame(() => setTimeout(() => told('painted'), 300)));" \
        b"</script>"
    recorder.pages["/start"] = ("text/html", snippet + rules + follow)
    recorder.pages["/next"] = ("text/html", snippet + ready)
    recorder.pages["/state"] = ("text/plain", b"wait")
    url = "http://%s:%d/start" % recorder.address
    target = browser.call("Target.createTarget", {"url": url})["targetId"]
    recorder.wait("/told?prerendering")
    assert recorder.posts() == []
    recorder.pages["/state"] = ("text/plain", b"ready")
    recorder.wait("/told?painted")
    browser.call("Target.closeTarget", {"targetId": target})
    views = {post.view()["path"]: post.view() for post in recorder.wait_posts(2)}
    assert views["/start"]["type"] == "navigate"
    view = views["/next"]
    assert (view["type"], view["ttfb"]) == ("prerender", 0)
    assert 0 <= view["fcp"] < 5000 and view["lcp"] >= view["fcp"]
    jsonschema.Draft202012Validator(SCHEMA).validate(view)


def test_a_telephone_measures_as_well(browser, recorder, portal):
    agent = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"
    visit(browser, portal.url + "/", prepare=lambda page: page.emulate_mobile(agent))
    post = recorder.wait_posts(1)[0]
    assert post.headers["user-agent"] == agent
    assert post.view()["lcp"] > 0
