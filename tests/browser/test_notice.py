# SPDX-License-Identifier: EUPL-1.2
"""The page for visitors in real Chromium: readable by everybody (WCAG 2, axe-core), usable without JavaScript, and an
objection made there is heard."""
import pathlib
import time

import pytest

from balise import DESKTOP, Balise
from foreground import free_port
from nginx import Nginx

HERE = pathlib.Path(__file__).resolve().parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
AUDIT = """axe.run(document, {resultTypes: ['violations', 'incomplete']}).then((found) =>
  [...found.violations, ...found.incomplete].map((rule) => [rule.id, ...rule.nodes.map((node) => node.html)]))"""
CONTROLLER = {"name": "Example Town", "contact": "https://portal.example/contact", "dpo_contact": "dpo@portal.example"}
THIRTEEN_MONTHS = 395 * 24 * 3600
OBJECT = "form:not(:has(input)) button"
WITHDRAW = "form:has(input) button"


@pytest.fixture(name="site", scope="module")
def _site():
    """balise behind nginx, and the address of its notice. The portal's origin is nginx's, known beforehand."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    config = {"sites": [{"name": "portal", "origins": [origin], "time_zone": "Europe/Paris"}], "controller": CONTROLLER}
    with Balise(config) as balise, Nginx(balise=("127.0.0.1", balise.public_port), port=port) as nginx:
        yield balise, nginx


@pytest.fixture(name="page")
def _page(browser):
    page = browser.new_page(browser.new_context())
    yield page
    page.close()


def without_javascript(page):
    """The document's own scripts are off from now on; the test's evaluate() goes on working."""
    page.call("Emulation.setScriptExecutionDisabled", {"value": True})


def follow(page, what):
    """Press a button or a link and wait for the next document."""
    mark = len(page.events)
    page.click(what)
    page.wait_event("Page.loadEventFired", mark)


def cookies(page, url):
    return page.call("Network.getCookies", {"urls": [url]})["cookies"]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("button", [None, OBJECT, WITHDRAW], ids=["notice", "objected", "withdrawn"])
def test_privacy_44_the_notice_is_accessible(site, page, language, button):
    page.goto(f"{site[1].url}/balise/privacy?lang={language}")
    if button:
        follow(page, button)
    assert page.evaluate("document.documentElement.lang") == language
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(AUDIT) == []
    assert page.complaints() == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_notice_fits_a_small_screen_and_can_be_walked_by_keyboard(site, page, language):
    page.call("Emulation.setDeviceMetricsOverride", {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False})
    page.goto(f"{site[1].url}/balise/privacy?lang={language}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320  # WCAG 1.4.10, reflow
    stops = page.evaluate("[...document.querySelectorAll('a[href], button')].map((e) => e.textContent)")
    walked = []
    for _ in stops:
        for kind in ("rawKeyDown", "keyUp"):
            page.call("Input.dispatchKeyEvent", {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
        walked.append(page.evaluate("document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert walked == stops and len(stops) == 4


def test_the_notice_says_what_is_in_force_and_who_answers_for_it(site, page):
    page.goto(f"{site[1].url}/balise/privacy")
    text = page.evaluate("document.body.innerText")
    for words in (*CONTROLLER.values(), "90 jours", "25 mois", "au moins 10 visiteurs"):
        assert words in text
    follow(page, "nav a")
    text = page.evaluate("document.body.innerText")
    for words in (*CONTROLLER.values(), "90 days", "25 months", "at least 10 visitors"):
        assert words in text


def test_an_objection_and_its_withdrawal_need_no_javascript(site, page):
    url = f"{site[1].url}/balise/privacy?lang=en"
    without_javascript(page)
    page.goto(url)
    follow(page, OBJECT)
    assert "Your objection is recorded" in page.evaluate("document.body.innerText")
    [cookie] = cookies(page, site[1].url + "/anywhere")
    assert (cookie["name"], cookie["value"], cookie["path"], cookie["sameSite"]) == ("balise-optout", "1", "/", "Lax")
    assert 0 < cookie["expires"] - time.time() <= THIRTEEN_MONTHS
    assert not cookie["httpOnly"]  # the snippet has to see it
    follow(page, "nav a")
    follow(page, WITHDRAW)
    assert "Your objection is withdrawn" in page.evaluate("document.body.innerText")
    assert cookies(page, url) == []


def test_who_objects_on_the_page_is_measured_no_more_and_not_counted(site, browser):
    balise, nginx = site
    before = balise.outcomes()
    objector, other = browser.new_context(), browser.new_context()
    page = browser.new_page(objector)
    page.goto(f"{nginx.url}/balise/privacy")
    follow(page, OBJECT)
    page.close()
    for context in (objector, other):  # the second's view leaves after what would be the first's
        page = browser.new_page(context)
        page.set_user_agent(DESKTOP % 142)  # headless Chromium says that it is a robot
        page.goto(nginx.url + "/")
        page.wait_for("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
        page.close()
    balise.wait_metric('balise_requests_total{outcome="accepted"}', before["accepted"] + 1)
    assert balise.outcomes() == {**before, "accepted": before["accepted"] + 1}
