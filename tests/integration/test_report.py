# SPDX-License-Identifier: EUPL-1.2
"""The report of a month: its numbers are the API's, the command writes the server's bytes, and the document needs nothing else."""
import datetime
import html.parser
import json
import re
import urllib.parse

import pytest

import test_openapi as documented
from balise import ORIGIN, ZONE, Balise, ask, run, view, visitors
from foreground import free_port

PATH = "/api/v1/report"
VITALS = ("lcp", "inp", "cls", "fcp", "ttfb")
REGIONS = {"FR-IDF": 90, "FR-BRE": 60, "FR-ARA": 50, "FR-OCC": 20, "DE-BY": 45}
BUDGETS = [{"metric": "lcp", "p75": 2500, "poor": 0.2}, {"metric": "lcp", "page": "/aide", "p75": 60000}, {"metric": "weight", "p75": 1},
           {"metric": "cls", "p75": 60}]
NASTY = "<script>alert(1)</script> & \"Version 4\""


class Document(html.parser.HTMLParser):
    """Tables by their heading: rows of a name, texts and the numbers of <data> elements, in the order of columns."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.tags, self.attributes, self.text, self.lang = {}, [], [], "", None
        self._heading, self._in = "", None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        words = dict(attrs)
        if tag == "html":
            self.lang = words["lang"]
        if tag == "h2":
            self._heading = ""
        if tag == "table":
            self.tables[self._heading] = {"rows": [], "caption": "", "columns": []}
        if tag == "tr" and self._heading in self.tables:
            self.tables[self._heading]["rows"].append({"name": "", "cells": [], "numbers": []})
        if tag in ("td", "th") and self.tables.get(self._heading, {}).get("rows"):
            self._row()["cells"].append("")
        if tag == "data" and self._in == "td":
            self._row()["numbers"].append(float(words["value"]))
        if tag in ("h2", "caption", "th", "td"):
            self._in = tag

    def handle_endtag(self, tag):
        if tag in ("h2", "caption", "th", "td"):
            self._in = None

    def handle_data(self, data):
        self.text += data
        if self._in == "h2":
            self._heading += data
        elif self._in in ("th", "td"):
            self._row()["cells"][-1] += data

    def _row(self):
        return self.tables[self._heading]["rows"][-1]

    def rows(self, heading):
        """{name: row} without the head."""
        return {row["cells"][0]: row for row in self.tables[heading]["rows"][1:]}


def day_of(balise, speed):
    for slow, (region, count) in enumerate(REGIONS.items(), 2):
        balise.post_all([(view("/aide" if n % 2 else "/", lcp=speed * slow * (100 + 7 * n), inp=20 + n, cls=round(0.003 * n, 4), fcp=300 + n,
                               ttfb=90 + n, weight=1000 + n), visitor) for n, visitor in enumerate(visitors(count, region))])
    return balise.close_day()


@pytest.fixture(name="told", scope="module")
def _told():
    """A server in August that knows June and July, with budgets and annotations."""
    site = {"name": "portal", "origins": [ORIGIN], "time_zone": ZONE, "budgets": BUDGETS}
    with Balise({"sites": [site], "private": {"listen": [f"127.0.0.1:{free_port()}"]}}) as server:
        day_of(server, 1)
        server.clock.set(server.clock.now() + datetime.timedelta(days=30))
        day_of(server, 2)
        day_of(server, 3)
        for time, text in (("2026-07-11T10:00:00+02:00", NASTY), ("2026-07-31T23:59:59+02:00", "last"), ("2026-06-30", "June"), ("2026-08-01", "August")):
            made = ask(server.private_port, "POST", "/api/v1/annotations?site=portal", {"Authorization": f"Bearer {server.token('operator')}"},
                       json.dumps({"time": time, "kind": "deployment", "text": text}))
            assert made.status == 201
        server.clock.set(datetime.datetime(2026, 8, 2, 12, tzinfo=server.clock.now().tzinfo))
        yield server


def report(server, role="analyst", **parameters):
    answer = server.private("GET", f"{PATH}?{urllib.parse.urlencode({'site': 'portal', **parameters})}", server.token(role))
    assert answer.status == 200, answer.body
    return answer


def parsed(server, **parameters):
    return Document(report(server, **parameters).body.decode())


def told_numbers(*values):
    return [value for value in values if value is not None]


JULY = {"from_": "2026-07-01", "to": "2026-08-01"}


def test_the_figures_of_the_month_are_the_apis(told):
    document = parsed(told, lang="en")
    answer = told.kpi(metric=",".join(VITALS), compare_from="2026-06-01", compare_to="2026-07-01", **JULY)
    row = answer["rows"][0]
    for metric in VITALS:
        f, before, change = row[metric], row["earlier"][metric], row["difference"][metric]
        assert document.rows("Figures of the month")[metric.upper()]["numbers"] == told_numbers(
            f["n"], f["p75"], f["p75_low"], f["p75_high"], f["good"], f["needs_improvement"], f["poor"], before["p75"],
            change["p75"], change["p75_low"], change["p75_high"]), metric
    assert f"{row['views']}" in document.text and "at most" in document.text
    coverage = told.kpi(metric="lcp", by="page", **JULY)["coverage"]
    for name in ("named", "hidden"):
        assert f'<data value="{coverage[name]:.10g}">' in report(told, lang="en").body.decode()


def test_days_and_pages_are_the_apis(told):
    document = parsed(told, lang="en")
    days = told.kpi(metric=",".join(VITALS), by="day", **JULY)["rows"]
    assert [row["numbers"] for row in document.rows("Day by day").values()] == [
        told_numbers(day["views"], *(day[metric]["p75"] for metric in VITALS)) for day in days] and len(days) == 2
    pages = told.kpi(metric="lcp,inp,cls", by="page", **JULY)["rows"]
    assert {name: row["numbers"] for name, row in document.rows("Most viewed pages").items()} == {
        page["page"]: told_numbers(page["views"], *(page[metric]["p75"] for metric in ("lcp", "inp", "cls"))) for page in pages}


def test_equity_is_the_apis(told):
    document = parsed(told, lang="en")
    query = urllib.parse.urlencode({"site": "portal", "metric": "lcp", "from": "2026-07-01", "to": "2026-08-01"})
    rows = told.private("GET", f"/api/v1/equity?{query}", told.token()).json()["rows"]
    assert len(rows) == len(REGIONS)
    shown_as = document.rows("Equity by region")
    regions = {name.split(", ")[-1]: row for name, row in shown_as.items()}
    assert {"Brittany, FR-BRE", "DE-BY"} <= shown_as.keys()
    for row in rows:
        f, gap = row["lcp"], row["gap"]["lcp"]
        shown = regions[row["region"]]
        assert shown["numbers"] == told_numbers(row["views"], f["p75"], f["p75_low"], f["p75_high"], f["poor"], gap["p75"], gap["p75_low"], gap["p75_high"])
        assert shown["cells"][1] == {"home": "home", "abroad": "abroad"}[row["place"]]


def test_budgets_are_held_against_the_months_figures(told):
    whole, page, weight, cls = list(parsed(told, lang="en").tables["Budgets"]["rows"])[1:]
    site = told.kpi(metric="lcp,weight", **JULY)["rows"][0]
    aide = told.kpi(metric="lcp", page="/aide", **JULY)["rows"][0]["lcp"]
    assert whole["numbers"] == told_numbers(2500, site["lcp"]["p75"], 0.2, site["lcp"]["poor"]) and whole["cells"][-1] == "exceeded"
    assert page["numbers"] == told_numbers(60000, aide["p75"], aide["poor"]) and page["cells"][1] == "/aide"
    assert "why" not in aide and page["cells"][-1] == "within"  # though its views are the slowest of the site
    assert cls["cells"][-1] == "within"
    assert weight["numbers"] == [1, site["weight"]["p75"]] and weight["cells"][0] == "weight" and weight["cells"][-1] == "exceeded"


def test_the_months_annotations_are_text_and_nothing_more(told):
    answer = report(told, lang="en")
    document = Document(answer.body.decode())
    assert [row["cells"][2] for row in document.tables["Annotations"]["rows"][1:]] == [NASTY, "last"]
    assert "script" not in document.tags


def test_the_command_writes_the_servers_bytes_with_a_server_and_without(told, tmp_path):
    environment, secret = told.environment(), told.token_words(told.token())
    words = ("report", "--config", told.config_path, "--site", "portal", "--month", "2026-07", "--lang", "fr")
    served = report(told, month="2026-07", lang="fr").body.decode()
    assert run(*words, *secret, environment=environment).stdout == served
    written = run(*words, *secret, "--out", tmp_path / "report.html", environment=environment)
    assert written.returncode == 0 and not written.stdout and (tmp_path / "report.html").read_text(encoding="utf-8") == served
    told.terminate()
    try:
        assert run(*words, environment=told.environment()).stdout == served
    finally:
        told.start()
    refused = run(*words[:-2], *secret, "--lang", "de", environment=environment)
    assert refused.returncode == 1 and "fr or en" in refused.stderr and not refused.stdout


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_document_stands_alone_and_can_be_read_without_its_charts(told, language):
    text = report(told, lang=language).body.decode()
    document = Document(text)
    assert document.lang == language and {"script", "link", "img", "iframe"} & set(document.tags) == set()
    assert not re.search(r"https?:|url\(|@import", text) and not {"src", "href", "style", "onclick"} & {name for name, _ in document.attributes}
    assert document.tags.count("svg") == 4 == sum(name == "role" and value == "img" for name, value in document.attributes)
    assert document.tags.count("table") == document.tags.count("caption") == 6
    assert len([1 for name, _ in document.attributes if name == "scope"]) == document.tags.count("th")


def test_each_language_has_its_words_and_separators(told):
    french, english = (report(told, lang=language).body.decode() for language in ("fr", "en"))
    assert "juillet 2026" in french and "July 2026" in english
    value = next(found for found in re.findall(r'<data value="(\d{4}\.\d)">', french))
    whole, fraction = value.split(".")
    assert f'<data value="{value}">{whole[0]}\u202f{whole[1:]},{fraction}\u202fms' in french
    assert f'<data value="{value}">{whole[0]},{whole[1:]}.{fraction}\u202fms' in english
    assert report(told).body.decode() == french  # public.language
    assert re.findall(r'<data value="[^"]*">', french) == re.findall(r'<data value="[^"]*">', english)


def test_a_month_that_is_not_over_holds_its_closed_days(told):
    document = parsed(told, month="2026-08", lang="en")
    assert "month in progress" in document.text and "No day of this month has figures" in document.text
    assert "month in progress" not in parsed(told, month="2026-07", lang="en").text


def test_what_is_no_month_is_refused(told):
    for words in ({"month": "2026-7"}, {"month": "2026-13"}, {"month": "1999-01"}, {"month": "2026-07-01"}, {"month": "2026-09"}, {"month": ""}, {"lang": "de"}, {"metric": "lcp"}):
        answer = told.private("GET", f"{PATH}?{urllib.parse.urlencode({'site': 'portal', **words})}", told.token())
        problem = documented.check(documented.API["paths"][PATH]["get"], answer, 400).json()
        assert list(words)[0] in problem["detail"], words


def test_it_judges_by_the_budgets_of_the_last_reload(told):
    """Last here: the server keeps them."""
    told.config["sites"][0]["budgets"] = [{"metric": "lcp", "p75": 60000}]
    told.write_config()
    assert told.reload() == "reloaded"
    held, = parsed(told, lang="en").tables["Budgets"]["rows"][1:]
    assert held["numbers"][0] == 60000 and held["cells"][-1] == "within"
