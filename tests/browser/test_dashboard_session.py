# SPDX-License-Identifier: EUPL-1.2
"""Signing in to the dashboard in real Chromium: what each role sees, and what ends a session."""
import re

import pytest

from balise import run
from dashboard import Dashboard

NAV = "[...document.querySelectorAll('nav a')].map((one) => one.innerText)"


@pytest.fixture(name="page")
def _page(browser, quarter):
    page = Dashboard(browser, quarter)
    page.size(360)
    yield page
    page.close()


def make_token(quarter, *words):
    made = run("token", "new", "--config", quarter.config_path, "--role", "analyst", *words, environment=quarter.environment())
    assert made.returncode == 0, made.stderr
    return made.stdout.splitlines()[-1]


def try_token(page, token):
    page.tab.evaluate("document.querySelector('#token').value = ''; document.querySelector('#token').focus()")
    page.tab.call("Input.insertText", {"text": token})
    page.press("Enter")


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_who_has_no_session_is_asked_for_a_token(page, lang):
    page.tab.goto(f"{page.url}?view=pages&lang={lang}")
    page.tab.wait_for("!!document.querySelector('#token')")
    assert page.violations() == [] and page.overflow() <= 0
    assert page.text("label") == {"fr": "Jeton d’accès", "en": "Access token"}[lang]
    page.picture(f"sign-in-{lang}")
    try_token(page, "no-token")
    page.tab.wait_for("document.querySelector('[role=alert]').textContent !== ''")
    assert page.tab.evaluate("document.activeElement.id") == "token"
    assert page.violations() == [] and page.policy_reports() == []
    page.picture(f"sign-in-refused-{lang}")


def test_after_signing_in_the_address_that_was_asked_for_is_shown(page, quarter):
    page.tab.goto(f"{page.url}?view=pages&lang=en&metric=ttfb&from=2026-10-01&to=2026-10-08")
    page.tab.wait_for("!!document.querySelector('#token')")
    try_token(page, quarter.token())
    page.settle()
    assert page.text("h1") == "Pages" and "p75 TTFB" in page.text("thead")


def test_no_script_can_read_the_token(page, quarter):
    page.sign_in()
    assert page.tab.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"
    assert quarter.token() not in page.tab.evaluate("document.documentElement.outerHTML")
    [cookie] = page.tab.call("Network.getCookies", {"urls": [page.url + "api/v1/kpi"]})["cookies"]
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["session"]) == (True, True, "Strict", True)
    assert page.tab.call("Network.getCookies", {"urls": [page.url]})["cookies"] == []


def test_each_role_sees_its_views(browser, quarter):
    seen = {}
    for role, site in (("analyst", None), ("dpo", None), ("operator", None), ("dpo", "portal")):
        page = Dashboard(browser, quarter)
        page.sign_in(role, site)
        page.open(view="privacy", lang="en")
        seen[role, site] = ("Data protection" in page.tab.evaluate(NAV), "Retention" in page.text(), "Audit log" in page.text())
        assert page.policy_reports() == [] or role == "analyst"
        page.close()
    assert seen == {("analyst", None): (False, False, False), ("dpo", None): (True, True, True),
                    ("operator", None): (True, True, False), ("dpo", "portal"): (True, True, False)}


def test_signing_out_forgets_the_cookie(page):
    page.sign_in()
    page.tab.evaluate("[...document.querySelectorAll('button')].find((one) => one.innerText === 'Sign out').click()")
    page.tab.wait_for("!!document.querySelector('#token')")
    assert page.tab.call("Network.getCookies", {"urls": [page.url + "api/v1/kpi"]})["cookies"] == []
    page.tab.reload()
    page.tab.wait_for("!!document.querySelector('#token')")


def test_a_token_that_is_taken_back_ends_the_session_and_says_so(page, quarter):
    page.tab.goto(f"{page.url}?lang=en")
    page.tab.wait_for("!!document.querySelector('#token')")
    try_token(page, make_token(quarter))
    page.settle()
    name = re.findall(r"^(\S{8})\s", run("token", "list", "--config", quarter.config_path).stdout, re.M)[-1]
    assert run("token", "revoke", "--config", quarter.config_path, name).returncode == 0
    page.tab.evaluate("[...document.querySelectorAll('nav a')][1].click()")
    page.tab.wait_for("!!document.querySelector('#token')")
    assert "Your session has ended" in page.text("[role=alert]")


def test_another_page_of_the_same_host_cannot_use_the_session(page, recorder):
    """SameSite lets another port pass; the server does not."""
    page.sign_in()
    recorder.pages["/other"] = ("text/html", b"<!doctype html><title>another page</title>")
    page.tab.goto(f"http://127.0.0.1:{recorder.address[1]}/other")
    fetched = "fetch(%r, {credentials: 'include', mode: 'no-cors'}).then((answer) => answer.type)"
    assert page.tab.evaluate(fetched % f"{page.url}api/v1/sign-in") == "opaque"
    sent = [params["response"]["status"] for name, params in page.tab.events
            if name == "Network.responseReceived" and params["response"]["url"].endswith("/api/v1/sign-in")]
    assert sent[-1] == 401
