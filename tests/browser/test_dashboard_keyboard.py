# SPDX-License-Identifier: EUPL-1.2
"""The dashboard by keyboard alone, its address, and its history."""
import pytest

from dashboard import Dashboard

FOCUS = """(() => { const one = document.activeElement, style = getComputedStyle(one);
  return {name: (one.labels?.[0] ?? one).innerText?.trim() ?? '', tag: one.tagName, ring: style.outlineStyle}; })()"""
SHIFT = 8


@pytest.fixture(name="page", scope="module")
def _page(browser, quarter):
    page = Dashboard(browser, quarter)
    page.size(1280)
    page.sign_in("dpo")
    yield page
    page.close()


def focus(page):
    return page.tab.evaluate(FOCUS)


def tab_to(page, name, steps=80):
    """Press Tab until what has that name has the focus; every stop on the way must show that it has it."""
    for _ in range(steps):
        page.press("Tab")
        here = focus(page)
        assert here["tag"] == "BODY" or here["ring"] != "none", here
        if here["name"] == name:
            return here
    raise AssertionError(f"{name} is not reached")


def test_all_of_it_is_walked_with_the_tab_key(page):
    page.open(view="pages", lang="en")
    wanted = page.tab.evaluate("""[...document.querySelectorAll('a[href], button, select, input, summary, [tabindex="0"]')]
      .filter((one) => one.checkVisibility()).length""")
    walked = []
    for _ in range(wanted + 20):  # a date is three stops
        page.press("Tab")
        if focus(page)["tag"] == "BODY":
            break
        walked.append(focus(page))
    assert [stop for stop in walked if stop["ring"] not in ("solid", "auto")] == []
    named = [stop["name"] for stop in walked]
    assert named[0] == "Skip to the content"
    for name in ("Pages", "Sign out", "Metric", "Period", "From", "Compare with", "mobile phone", "Search pages", "/demarches", "Download as CSV"):
        assert name in named, name
    assert len(walked) >= wanted


def test_the_first_stop_skips_to_the_content(page):
    page.open(view="devices", lang="en")
    page.press("Tab")
    assert focus(page)["name"] == "Skip to the content"
    page.press("Enter")
    assert focus(page)["tag"] == "H1"


def test_a_view_is_gone_to_and_announced(page):
    page.open(view="overview", lang="en")
    tab_to(page, "Territories")
    page.press("Enter")
    page.tab.wait_for("document.title.startsWith('Territories')")
    page.settle()
    assert page.state()["view"] == "regions"
    assert focus(page) == {"name": "Territories", "tag": "H1", "ring": "none"}
    assert page.tab.evaluate("document.querySelector('.status').textContent") == "Territories: figures loaded."


def test_a_choice_changes_the_figures_and_keeps_the_focus(page):
    page.open(view="overview", lang="en", metric="lcp")
    tab_to(page, "Metric")
    page.press("ArrowDown")
    page.tab.wait_for("location.search.includes('metric=inp')")
    page.tab.wait_for("document.querySelector('.series h2')?.innerText === 'p75 of INP by day'")
    assert focus(page)["name"] == "Metric"


def test_a_table_is_sorted_and_searched_and_the_address_says_so(page):
    page.open(view="pages", lang="en")
    page.tab.evaluate("document.querySelector('[type=search]').focus()")
    page.tab.call("Input.insertText", {"text": "demarches"})
    page.tab.wait_for("document.querySelectorAll('tbody tr').length === 3")
    assert page.text(".count") == "3 of 6"
    tab_to(page, "p75 LCP", 6)
    page.press("Enter")
    values = "[...document.querySelectorAll('tbody td:nth-child(2) data')].map((one) => Number(one.value))"
    assert page.tab.evaluate(values) == sorted(page.tab.evaluate(values), reverse=True)
    assert page.tab.evaluate("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "descending"
    page.press(" ")
    assert page.tab.evaluate(values) == sorted(page.tab.evaluate(values))
    assert page.state()["sort"] == "lcp_p75" and page.state()["search"] == "demarches"
    seen = page.text("table")
    page.tab.reload()
    page.settle()
    assert page.text("table") == seen


def test_a_row_leads_to_its_figures_and_back(page):
    page.open(view="pages", lang="en")
    tab_to(page, "/dossier/:id")
    page.press("Enter")
    page.tab.wait_for("!!document.querySelector('.narrowed strong')")
    page.settle()
    assert (page.state()["view"], page.state()["page"]) == ("overview", "/dossier/:id")
    assert page.text(".narrowed strong") == "Page: /dossier/:id"
    page.tab.evaluate("history.back()")
    page.tab.wait_for("document.title.startsWith('Pages')")
    page.settle()
    assert page.state()["view"] == "pages" and page.text("h1") == "Pages"
    page.tab.evaluate("history.forward()")
    page.tab.wait_for("document.title.startsWith('Overview')")
    page.settle()
    assert page.text(".narrowed strong") == "Page: /dossier/:id"


def test_a_table_beside_a_chart_is_opened(page):
    page.open(view="distribution", lang="en")
    tab_to(page, "Values as a table")
    page.press("Enter")
    page.tab.wait_for("!!document.querySelector('.data[open] table')")
    tab_to(page, page.tab.evaluate("document.querySelector('.data .scroll').innerText.trim()"), 3)


def test_an_address_can_be_sent_to_somebody(page, browser, quarter):
    page.open(view="overview", lang="fr", metric="fcp", from_="2026-10-01", to="2026-11-01", unit="week", compare="none", region="FR-BRE")
    other = Dashboard(browser, quarter)
    other.size(1280)
    other.sign_in("analyst")
    other.tab.goto(page.tab.evaluate("location.href"))
    other.settle()
    assert other.text() == page.text() and "Territoire : Bretagne" in other.text()
    other.close()


@pytest.mark.parametrize("state", [
    {"view": "nowhere", "metric": "speed", "from_": "yesterday", "unit": "second", "compare": "all", "sort": "<b>", "lang": "de", "site": "elsewhere"},
    {"from_": "2026-11-20", "to": "2026-11-01"}, {"from_": "1999-01-01"}, {"page": "/<script>alert(1)</script>", "lang": "en"}], ids=str)
def test_an_address_that_says_nonsense_still_shows_something(page, state):
    page.open(**state)
    assert page.tab.evaluate("document.querySelectorAll('main h1').length") == 1 and len(page.text()) > 20
    assert page.policy_reports() == []
