# SPDX-License-Identifier: EUPL-1.2
"""What the snippet promises a visitor, seen from both ends: by the real server behind the real proxy, which counts what
reaches it, and by what is left in the browser's profile."""
import pathlib
import re
import time

import pytest

from balise import DESKTOP, Balise
from cdp import Browser
from foreground import free_port
from nginx import Nginx
from test_snippet import visit

GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true});"
DNT = "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'});"
MONTHS_13 = 397 * 86400
KEPT = """Promise.all([indexedDB.databases(), caches.keys(), navigator.serviceWorker.getRegistrations()]).then((lists) =>
  [...lists.map((list) => list.length), localStorage.length, sessionStorage.length, document.cookie])"""


AGENT = f"--user-agent={DESKTOP % 142}"  # balise counts what calls itself headless as a robot


@pytest.fixture(name="browser", scope="module")
def _browser():
    with Browser([AGENT]) as chromium:
        yield chromium


@pytest.fixture(name="server", scope="module")
def _server():
    port = free_port()
    sites = [{"name": "portal", "origins": [f"http://127.0.0.1:{port}"], "time_zone": "Europe/Paris"}]
    with Balise({"sites": sites}) as balise, Nginx(("127.0.0.1", balise.public_port), port=port) as portal:
        balise.url = portal.url
        yield balise


def beacons(server):
    """How many beacons have reached the server, whatever became of them."""
    return sum(server.outcomes().values())


def reaches_nobody(browser, server, context, prepare=lambda page: None):
    """Whether no view of this visitor reaches the server; a beacon of theirs would come before that of the next visitor."""
    before = beacons(server)
    visit(browser, server.url + "/", prepare=prepare, context=context)
    visit(browser, server.url + "/")
    server.wait_metric('balise_requests_total{outcome="accepted"}', server.seen + 1)
    server.seen += 1
    return beacons(server) == before + 1


@pytest.fixture(name="counted")
def _counted(server):
    server.seen = server.outcomes()["accepted"]
    return server


@pytest.mark.parametrize("signal", [GPC, DNT], ids=["global privacy control", "do not track"])
def test_a_signal_of_the_browser_reaches_the_server_as_silence(browser, counted, signal):
    assert reaches_nobody(browser, counted, browser.new_context(), lambda page: page.add_init_script(signal))


def test_who_objects_on_the_notice_page_is_left_alone_for_a_year(browser, counted):
    context = browser.new_context()
    page = browser.new_page(context)
    page.goto(counted.url + "/balise/privacy")
    page.click("form button")
    page.wait_for("document.cookie.includes('balise-optout=1')")
    cookies = page.call("Network.getCookies", {"urls": [counted.url]})["cookies"]
    page.close()
    assert [cookie["name"] for cookie in cookies] == ["balise-optout"]
    assert 300 * 86400 < cookies[0]["expires"] - time.time() <= MONTHS_13
    assert reaches_nobody(browser, counted, context)


def test_a_visit_leaves_nothing_but_the_script_in_the_browser(server):
    """In a profile on disk: storage, cookies, and the addresses in the browser's cache."""
    with Browser([AGENT]) as browser:
        accepted = server.outcomes()["accepted"]
        page = browser.new_page()
        page.goto(server.url + "/")
        page.wait_painted()
        page.goto(server.url + "/demarches")
        assert page.evaluate(KEPT) == [0, 0, 0, 0, 0, ""]
        assert page.call("Network.getCookies", {"urls": [server.url, server.url + "/balise/b"]})["cookies"] == []
        usage = browser.call("Storage.getUsageAndQuota", {"origin": server.url}, page.session)["usage"]
        assert usage == 0
        page.close()
        server.wait_metric('balise_requests_total{outcome="accepted"}', accepted + 2)
        browser.end()
        assert cached(browser.profile, server.url) == {"/balise/b.js"}


def cached(profile, url):
    """The paths below /balise/ that the HTTP cache on disk holds."""
    files = [path for path in pathlib.Path(profile).rglob("Cache_Data/*_[0-9]") if path.is_file()]
    assert files
    pattern = re.compile(re.escape(url.encode()) + rb"(/balise/[\w./?=-]*)")
    return {found.decode() for path in files for found in pattern.findall(path.read_bytes())}
