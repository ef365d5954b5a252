# SPDX-License-Identifier: EUPL-1.2
"""The dashboard shows the numbers that the API, `balise query` and the CSV give: the same, whoever is asked."""
import csv
import io
import re

import pytest

from balise import run
from dashboard import Dashboard

FROM, TO, EARLIER = "2026-10-29", "2026-11-26", "2026-10-01"
SHOWN = """[...document.querySelectorAll(%r)].map((row) => [row.querySelector('th, h3 a').innerText.trim(),
  [...row.querySelectorAll('data')].map((one) => Number(one.value))])"""


@pytest.fixture(name="page", scope="module")
def _page(browser, quarter):
    page = Dashboard(browser, quarter)
    page.size(1280)
    page.sign_in("analyst")
    yield page
    page.close()


def open_range(page, view, **state):
    page.open(view=view, lang="en", from_=FROM, to=TO, **state)


def asked(quarter, **parameters):
    return quarter.kpi(from_=FROM, to=TO, compare_from=EARLIER, compare_to=FROM, **parameters)["rows"]


def of_query(quarter, *words):
    made = run("query", "--config", quarter.config_path, "--site", "portal", "--from", FROM, "--to", TO, "--compare-from", EARLIER,
               "--compare-to", FROM, "--format", "csv", *words, *quarter.token_words(quarter.token()))
    assert made.returncode == 0, made.stderr
    return list(csv.DictReader(io.StringIO(made.stdout)))


def figures(row, metric):
    """What a row of the dashboard's tables holds, in its order."""
    told = row[metric]
    return numbers(told["p75"], told["n"], told["good"], told["needs_improvement"], told["poor"], row["views"], row["difference"][metric]["p75"])


def numbers(*values):
    """Those that are told: of the others there is a word."""
    return [value for value in values if value is not None]


def test_pages_are_the_same_in_all_of_them(page, quarter):
    open_range(page, "pages", metric="lcp")
    shown = dict(page.tab.evaluate(SHOWN % "tbody tr"))
    rows = asked(quarter, metric="lcp", by="page")
    assert shown == {row["page"]: figures(row, "lcp") for row in rows} and len(rows) == 6
    link = page.tab.evaluate("document.querySelector('a[download]').getAttribute('href')")
    downloaded = quarter.private("GET", link, quarter.token()).body.decode()
    columns = ["lcp_p75", "lcp_n", "lcp_good", "lcp_needs_improvement", "lcp_poor", "views", "lcp_p75_difference"]
    for table in (list(csv.DictReader(io.StringIO(downloaded))), of_query(quarter, "--metric", "lcp", "--by", "page")):
        assert {row["page"]: [float(row[column]) for column in columns if row[column]] for row in table} == shown


def test_vital_signs_are_the_same_in_all_of_them(page, quarter):
    open_range(page, "overview")
    shown = dict(page.tab.evaluate(SHOWN % ".card"))
    [row] = asked(quarter, metric="lcp,inp,cls,fcp,ttfb")
    [line] = of_query(quarter, "--metric", "lcp,inp,cls,fcp,ttfb")
    for name, values in shown.items():
        metric = name.lower()
        told = row[metric]
        assert values == numbers(told["p75"], told["good"], told["needs_improvement"], told["poor"], row["difference"][metric]["p75"])
        assert values[0] == float(line[f"{metric}_p75"])
    assert len(shown) == 5


def test_each_day_of_the_chart_is_the_same(page, quarter):
    open_range(page, "overview", metric="ttfb", compare="none")
    rows = quarter.kpi(metric="ttfb", by="day", from_=FROM, to=TO)["rows"]
    page.unfold()
    shown = [values for _, values in page.tab.evaluate(SHOWN % ".series tbody tr")]
    assert shown == [numbers(*(row["ttfb"][name] for name in ("p75", "n", "good", "needs_improvement", "poor")), row["views"]) for row in rows]
    assert len(shown) == 28


def test_each_bin_is_the_same(page, quarter):
    open_range(page, "distribution", metric="inp")
    bins = quarter.kpi(metric="inp", output="histogram", from_=FROM, to=TO)["rows"][0]["inp"]["bins"]
    page.unfold()
    page.tab.evaluate("document.querySelector('.data .table > button').click()")  # all of them
    shown = [values[0] for _, values in page.tab.evaluate(SHOWN % ".data tbody tr")]
    assert shown == [one["count"] for one in bins]


def test_regions_on_the_map_are_those_of_the_table(page, quarter):
    open_range(page, "regions", metric="lcp")
    rows = {row["region"]: row for row in asked(quarter, metric="lcp", by="region")}
    on_map = dict(page.tab.evaluate("[...document.querySelectorAll('[data-region]')].map((one) => [one.dataset.region, one.querySelector('text').textContent])"))
    assert len(on_map) == 18
    for code, text in on_map.items():
        if code in rows:
            assert float(text.split()[-1]) == pytest.approx(rows[code]["lcp"]["p75"] / 1000, abs=0.00501), code
        else:
            assert text.endswith("–"), code
    shown = {name: values[0] for name, values in page.tab.evaluate(SHOWN % ".by-region tbody tr")}
    assert sorted(shown.values()) == sorted(row["lcp"]["p75"] for row in rows.values())


def test_gaps_between_territories_are_those_of_the_api(page, quarter):
    open_range(page, "regions", metric="lcp")
    answer = quarter.private("GET", f"/api/v1/equity?site=portal&metric=lcp&from={FROM}&to={TO}", quarter.token()).json()
    shown = [values for _, values in page.tab.evaluate(SHOWN % ".equity tbody tr")]
    told = [numbers(row["lcp"]["p75"], row["gap"]["lcp"]["p75"] if row["region"] != answer["median"]["lcp"] else None,
                    row["lcp"]["n"], row["lcp"]["poor"]) for row in answer["rows"]]
    assert shown == told
    assert len(shown) == len(answer["rows"]) > 15


def test_budgets_are_those_of_the_api(page, quarter):
    open_range(page, "overview")
    answer = quarter.private("GET", "/api/v1/budgets?site=portal", quarter.token()).json()
    words = {"within": "within", "exceeded": "exceeded", "untold": "too few visitors"}
    rows = page.tab.evaluate("[...document.querySelectorAll('.budgets tbody tr')].map((row) => [...row.children].map((one) => one.innerText))")
    assert [row[1].split("\u00a0")[-1].removeprefix("● ").removeprefix("■ ") for row in rows] == [words[one["state"]] for one in answer["budgets"]]
    assert {one["state"] for one in answer["budgets"]} == set(words)
    shown = [[values[0], values[2]] for _, values in page.tab.evaluate(SHOWN % ".budgets tbody tr")]
    told = [[one["figures"]["p75"], one["figures"]["n"]] for one in answer["budgets"] if one["figures"]["p75"] is not None]
    assert shown[:len(told)] == told and len(told) == 3
    page.open(view="overview", lang="en", page="/dossier/:id")
    assert page.tab.evaluate("document.querySelectorAll('.budgets').length") == 0  # they are of the site


def test_the_report_has_the_same_numbers(page, quarter):
    page.open(view="report", lang="en")
    assert page.tab.evaluate("document.querySelectorAll('main a[download]').length") == 12
    text = page.tab.evaluate("fetch(document.querySelector('main a[download]').href).then((answer) => answer.text())")
    in_report = set(map(float, re.findall(r'<data value="([-0-9.e]+)"', text)))
    page.open(view="overview", lang="en", from_="2026-10-01", to="2026-11-01", compare="none")
    shown = page.tab.evaluate("[...document.querySelectorAll('.value data')].map((one) => Number(one.value))")
    assert len(shown) == 5 and set(shown) <= in_report


def test_what_is_downloaded_is_what_is_seen(page, quarter):
    """By the browser itself, with its cookie."""
    open_range(page, "devices", metric="inp")
    links = page.tab.evaluate("[...document.querySelectorAll('a[download]')].map((one) => one.href)")
    assert len(links) == 4
    for link in links:
        text = page.tab.evaluate(f"fetch({link!r}).then((answer) => answer.text())")
        assert text == quarter.private("GET", link[link.index("/api/"):], quarter.token()).body.decode()
        assert text.count("\r\n") >= 2
