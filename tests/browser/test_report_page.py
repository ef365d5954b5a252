# SPDX-License-Identifier: EUPL-1.2
"""The report of a month in real Chromium, opened from a file as people keep it: readable by everybody (WCAG 2, axe-core), on a
small screen, and printed."""
import base64
import pathlib

import pytest

from balise import ORIGIN, ZONE, Balise, run, view

AXE = pathlib.Path(__file__).resolve().parent / "node_modules" / "axe-core" / "axe.min.js"
# Of text in a chart, or scrolled out of a table, axe cannot tell the contrast; it is that of the rest of the page.
AUDIT = """axe.run(document, {resultTypes: ['violations', 'incomplete']}).then((found) =>
  [...found.violations, ...found.incomplete.filter((rule) => rule.id !== 'color-contrast')].map((rule) => [rule.id, ...rule.nodes.map((node) => node.html)]))"""


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory):
    """A report in each language."""
    folder = tmp_path_factory.mktemp("report")
    budgets = [{"metric": "lcp", "p75": 2500, "poor": 0.1}]
    with Balise({"sites": [{"name": "portal", "origins": [ORIGIN], "time_zone": ZONE, "budgets": budgets}]}) as balise:
        for region in ("FR-IDF", "FR-BRE", "FR-ARA", "DE-BY"):
            balise.visit(45, view("/", lcp=1200, cls=0.02, inp=40), region=region)
            balise.visit(20, view("/demarches/une-page-au-nom-plutot-long/etape-1", lcp=3200, cls=0.02, inp=40), region=region)
        day = balise.close_day()
        balise.terminate()
        for language in ("fr", "en"):
            words = ("--site", "portal", "--month", str(day)[:7], "--lang", language, "--out", folder / f"{language}.html")
            made = run("report", "--config", balise.config_path, *words, environment=balise.environment())
            assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(name="page")
def _page(browser):
    page = browser.new_page(browser.new_context())
    yield page
    page.close()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", [1280, 320])
def test_a_report_is_accessible(files, page, language, width):
    page.call("Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False})
    page.goto((files / f"{language}.html").as_uri())
    assert page.evaluate("document.querySelectorAll('svg').length") == 4
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(AUDIT) == []
    assert page.complaints() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # WCAG 1.4.10, reflow


def test_a_report_can_be_printed(files, page):
    page.goto((files / "fr.html").as_uri())
    printed = base64.b64decode(page.call("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert printed.startswith(b"%PDF-") and len(printed) > 20_000
