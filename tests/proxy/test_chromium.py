# SPDX-License-Identifier: EUPL-1.2
"""Real views: Chromium over HTTP/2, through the proxy, into balise."""
import pytest

from balise import DESKTOP, Balise
from cdp import Browser
from foreground import free_port
from portal import Portal
from visitor import ask


@pytest.fixture(name="browser", scope="session")
def _browser():
    # balise counts what calls itself headless as a robot.
    with Browser([f"--user-agent={DESKTOP % 142}", "--ignore-certificate-errors"]) as chromium:
        yield chromium


@pytest.fixture(name="whole", scope="module")
def _whole(kind):
    port = free_port()
    sites = [{"name": "portal", "origins": [f"https://127.0.0.1:{port}"], "time_zone": "Europe/Paris"}]
    with Balise({"sites": sites}) as balise, Portal() as portal, kind(("127.0.0.1", balise.public_port), portal.address, port) as proxy:
        yield proxy, balise, portal


def test_a_view_of_a_real_browser_is_counted(whole, browser):
    proxy, balise, portal = whole
    page = browser.new_page(browser.new_context())
    page.set_cookie(proxy.url, "session", "secret")
    page.set_cookie(proxy.url, "language", "en")
    page.goto(proxy.url + "/")
    page.wait_painted()
    assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
    page.close()
    balise.wait_metric('balise_requests_total{outcome="accepted"}', 1)
    assert sum(balise.outcomes().values()) == 1
    # A policy of 'self' is no hindrance, and the portal has its cookies in one line, whatever HTTP/2 made of them.
    assert [text for text in page.complaints() if "favicon" not in text and "404" not in text] == []
    assert sorted(portal.requests[0].headers["cookie"].split("; ")) == ["language=en", "session=secret"]


def test_a_body_no_beacon_could_have_is_refused(whole):
    proxy, balise, _ = whole
    before = balise.outcomes()["accepted"]
    answer, _ = ask(proxy, "POST", "/balise/b", {"Origin": proxy.url}, b" " * 20000)
    assert answer.status == 413
    assert balise.outcomes()["accepted"] == before
