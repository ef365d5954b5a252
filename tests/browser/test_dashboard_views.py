# SPDX-License-Identifier: EUPL-1.2
"""Every view of the dashboard, in both languages, by both roles, wide and narrow: accessible (axe-core), within its policy,
within its window, and with the pictures to look at in build/test/dashboard/."""
import pytest

from balise import ROOT
from dashboard import Dashboard

FIGURES = ["overview", "pages", "regions", "devices", "distribution", "metrics"]
VIEWS = [*FIGURES, "report"]
NARROWED = {"page": "/dossier/:id"}, {"region": "RE"}, {"device": "mobile"}
WIDE, NARROW = 1280, 360


def signed_in(browser, quarter, role, **words):
    page = Dashboard(browser, quarter)
    page.size(WIDE)
    page.sign_in(role, **words)
    return page


@pytest.fixture(name="analyst", scope="module")
def _analyst(browser, quarter):
    page = signed_in(browser, quarter, "analyst")
    yield page
    page.close()


@pytest.fixture(name="dpo", scope="module")
def _dpo(browser, quarter):
    page = signed_in(browser, quarter, "dpo")
    yield page
    page.close()


def check(page, name):
    """What holds of every view, wide and narrow; with everything folded out, where it is the longest."""
    assert page.tab.evaluate("document.querySelectorAll('.problem').length") == 0
    page.unfold()
    assert page.violations() == []
    assert page.overflow() <= 0
    page.unfold(False)
    page.picture(name)
    assert page.policy_reports() == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("view", VIEWS)
def test_figures_are_readable_by_everybody(analyst, view, lang, width):
    analyst.size(width)
    analyst.open(view=view, lang=lang)
    assert analyst.tab.evaluate("document.documentElement.lang") == lang
    check(analyst, f"{view}-{lang}-{width}")


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_what_the_dpo_reads_is_readable_by_everybody(dpo, lang, width):
    dpo.size(width)
    dpo.open(view="privacy", lang=lang)
    assert {"fr": "Tout est conforme à la politique.", "en": "Everything is as the policy says."}[lang] in dpo.text()
    check(dpo, f"privacy-{lang}-{width}")


@pytest.mark.parametrize("view", FIGURES)
def test_the_dpo_sees_the_figures_too(dpo, view):
    dpo.size(WIDE)
    dpo.open(view=view)
    assert dpo.tab.evaluate("document.querySelectorAll('main data').length") > 3
    assert dpo.policy_reports() == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("view", ["overview", "regions", "distribution"])
def test_the_dark_is_readable_too(analyst, view, width):
    analyst.size(width)
    analyst.prefer(color_scheme="dark")
    analyst.open(view=view)
    check(analyst, f"{view}-dark-{width}")
    analyst.prefer()


@pytest.mark.parametrize("narrowed", NARROWED, ids=lambda narrowed: next(iter(narrowed)))
def test_figures_of_one_row_are_readable_too(analyst, narrowed):
    analyst.size(WIDE)
    analyst.open(view="overview", lang="en", **narrowed)
    assert next(iter(narrowed.values())).replace("RE", "Réunion").replace("mobile", "mobile phone") in analyst.text(".narrowed")
    assert analyst.text(".narrowed").endswith(" Show all")
    check(analyst, f"overview-{next(iter(narrowed))}")


@pytest.mark.parametrize("view", FIGURES)
def test_where_nothing_is_told_it_is_said_and_never_0(analyst, view):
    analyst.size(NARROW)
    analyst.open(view=view, lang="en", from_="2026-01-05", to="2026-01-08", compare="none")
    assert "No figures in this period" in analyst.text()
    assert analyst.tab.evaluate("document.querySelectorAll('main section data, main .card').length") == 0
    check(analyst, f"{view}-nothing")


def test_too_few_views_for_a_figure_are_told_as_such_and_never_as_0(analyst):
    analyst.size(WIDE)
    analyst.open(view="overview", lang="en", region="FR-20R", metric="cls")
    analyst.unfold()
    cells = analyst.tab.evaluate("[...document.querySelectorAll('.series td')].map((one) => one.innerText)")
    assert "too few visitors" in cells
    analyst.open(view="metrics", lang="en")
    row = analyst.tab.evaluate("[...document.querySelectorAll('tbody tr')].find((one) => one.innerText.startsWith('Redirects')).innerText")
    assert row.count("no measurements, or too few") == 4  # three quantiles, and what changed
    assert "from 40 measurements on" in analyst.text()


@pytest.mark.parametrize("lang, words", [("en", ["site=other: There is no such site", "Shown instead: portal", "at most 760 days", "Oct 2026"]),
                                         ("fr", ["site=other : Ce site n’existe pas", "Affiché à la place : portal", "760 jours au plus", "oct. 2026"])])
def test_what_an_address_asks_for_in_vain_is_said(analyst, lang, words):
    analyst.size(NARROW)
    analyst.open(view="pages", lang=lang, site="other", from_="2026-11-20", to="2026-11-01")
    said = analyst.text("main > [role=status]").replace("\xa0", " ")
    assert [one for one in words if one not in said] == []
    assert "from=2026-11-20&to=2026-11-01" in said
    check(analyst, f"unfollowed-{lang}")
    analyst.open(view="pages", lang=lang)
    assert analyst.text("main > [role=status]") == ""


def test_today_is_said_to_be_partial(analyst):
    analyst.size(WIDE)
    analyst.open(view="overview", lang="en", from_="2026-11-26", to="2026-11-27", compare="none")
    assert "Today is not over" in analyst.text(".partial")
    assert "p75 of LCP by hour" in analyst.text(".series")
    check(analyst, "overview-today")


def test_on_paper_all_of_it_is_there_and_no_button(analyst):
    analyst.size(WIDE)
    analyst.open(view="overview", lang="fr")
    analyst.tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    analyst.tab.call("Emulation.setEmulatedMedia", {"media": "print"})
    shown = analyst.tab.evaluate("[...document.querySelectorAll('nav, .controls, button')].filter((one) => one.checkVisibility()).length")
    rows = analyst.tab.evaluate("[...document.querySelectorAll('.series tbody tr')].filter((one) => one.checkVisibility()).length")
    analyst.picture("overview-paper")
    analyst.prefer()
    assert shown == 0 and rows == 28


def test_without_javascript_the_page_says_what_it_needs(browser, quarter):
    page = Dashboard(browser, quarter)
    page.tab.call("Emulation.setScriptExecutionDisabled", {"value": True})
    page.tab.goto(page.url)
    assert "needs JavaScript" in page.text("body")
    page.close()


def test_the_whole_dashboard_is_light_and_comes_from_here_alone(analyst, quarter):
    analyst.open(view="regions")
    own = f"http://127.0.0.1:{quarter.private_port}/"
    asked = {url for _, url in analyst.tab.requests() if not url.startswith("data:")}  # the browser's own icon of a calendar
    assert all(url.startswith(own) for url in asked)
    files = {url.removeprefix(own[:-1]) for url in asked if "/api/" not in url and "?" not in url} | {"/"}
    assert files == {"/", "/dashboard.js", "/dashboard.css", "/icon.svg"}
    answers = [quarter.private("GET", path, headers={"Accept-Encoding": "br"}) for path in files]
    assert {answer.headers["Content-Encoding"] for answer in answers} == {"br"}
    assert sum(len(answer.body) for answer in answers) <= 60_000


def size_of(webp):
    """Width and height of an extended WebP, as Chromium writes them: of its VP8X chunk, one less than they are."""
    assert webp[:4] == b"RIFF" and webp[8:16] == b"WEBPVP8X"
    return int.from_bytes(webp[24:27], "little") + 1, int.from_bytes(webp[27:30], "little") + 1


@pytest.mark.parametrize("name, state, height", [("overview", {"view": "overview"}, 1520), ("territories", {"view": "regions"}, 1130)])
def test_the_pictures_of_the_readme_are_made_here(analyst, name, state, height):
    """docs/pictures/ holds what this wrote, unchanged."""
    analyst.size(WIDE, height)
    analyst.open(lang="en", **state)
    made = analyst.picture(f"readme-{name}", whole=False, form="webp").read_bytes()
    kept = (ROOT / "docs" / "pictures" / f"{name}.webp").read_bytes()
    assert size_of(made) == size_of(kept) == (WIDE, height)
    assert abs(len(made) - len(kept)) < len(kept) // 3  # other fonts, the same picture
    assert f"docs/pictures/{name}.webp" in (ROOT / "README.md").read_text(encoding="utf-8")
