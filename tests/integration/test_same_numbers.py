# SPDX-License-Identifier: EUPL-1.2
"""A figure is the same number wherever it is told: the API's JSON, CSV and lines, `balise query`, the report, budgets and /metrics,
with a server and without. (The dashboard's: tests/browser/test_dashboard_numbers.py.)"""
import csv
import datetime
import io
import json
import urllib.parse

import pytest

from balise import ORIGIN, ZONE, Balise, run, view, visitors
from foreground import free_port
from test_report import Document

FIGURES = ("n", "p50", "p75", "p75_low", "p75_high", "p95", "good", "needs_improvement", "poor")
GAP = {"gap": "p75", "gap_low": "p75_low", "gap_high": "p75_high"}
REGIONS = {"FR-IDF": 90, "FR-BRE": 60, "FR-ARA": 50, "FR-OCC": 20, "DE-BY": 45}
METRICS = ("lcp", "cls", "weight")
BUDGETS = [{"metric": metric, "p75": 1} for metric in METRICS]


@pytest.fixture(name="told", scope="module")
def _told():
    """A server with a closed day, and the parameters that ask for that day."""
    site = {"name": "portal", "origins": [ORIGIN], "time_zone": ZONE, "budgets": BUDGETS}
    with Balise({"sites": [site], "private": {"listen": [f"127.0.0.1:{free_port()}"]}}) as server:
        for speed, (region, count) in enumerate(REGIONS.items(), 2):
            server.post_all([(view(lcp=speed * (400 + 7 * n), cls=0.003 * n, weight=100_003 * (n + speed)), visitor)
                             for n, visitor in enumerate(visitors(count, region))])
        day = server.close_day()
        yield server, {"site": "portal", "metric": ",".join(METRICS), "from": str(day), "to": str(day + datetime.timedelta(days=1))}


def ask(server, path, **parameters):
    answer = server.private("GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}", server.token())
    assert answer.status == 200, answer.body
    return answer.body.decode()


def query(server, *words, **parameters):
    """What `balise query` prints."""
    options = [word for name, value in parameters.items() for word in (f"--{name}", value)]
    done = run("query", "--config", server.config_path, *words, *options, *server.token_words(server.token()),
               environment=server.environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def query_report(server, month):
    """What `balise report` prints."""
    words = ("--site", "portal", "--month", month, "--lang", "en")
    done = run("report", "--config", server.config_path, *words, *server.token_words(server.token()), environment=server.environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers_of_json(rows):
    """{(region, column): number or None}, the columns as CSV names them."""
    told = {(row["region"], f"{metric}_{figure}"): row[metric][figure] for row in rows for metric in METRICS for figure in FIGURES}
    told |= {(row["region"], "views"): row["views"] for row in rows}
    told |= {(row["region"], f"{metric}_{column}"): row["gap"][metric][figure]
             for row in rows if "gap" in row for metric in METRICS for column, figure in GAP.items()}
    return told


def numbers_of_csv(text):
    rows = list(csv.DictReader(io.StringIO(text)))
    return {(row["region"], column): float(value) if value else None for row in rows for column, value in row.items()
            if column.split("_")[0] in METRICS or column == "views"}


def test_kpi_equity_and_every_form_of_them_tell_one_number(told):
    server, asked = told
    kpi = numbers_of_json(json.loads(ask(server, "kpi", by="region", **asked))["rows"])
    equity = numbers_of_json(json.loads(ask(server, "equity", **asked))["rows"])
    assert len(kpi) > 100 and kpi["FR-IDF", "lcp_p75"] and kpi["FR-OCC", "lcp_p75"] is None
    assert kpi.items() <= equity.items() and equity["FR-BRE", "lcp_gap"] is not None
    assert numbers_of_csv(ask(server, "kpi", by="region", format="csv", **asked)) == kpi
    assert numbers_of_csv(ask(server, "equity", format="csv", **asked)) == equity
    for name, numbers, words in (("kpi", kpi, ["--by", "region"]), ("equity", equity, ["--equity"])):
        assert numbers_of_csv(query(server, *words, format="csv", **asked)) == numbers, name
        assert numbers_of_json(json.loads(query(server, *words, format="json", **asked))["rows"]) == numbers, name
        lines = query(server, *words, format="ndjson", **asked).splitlines()
        assert numbers_of_json([json.loads(line) for line in lines]) == numbers, name


SHARES = ("good", "needs_improvement", "poor")
SAID_BY = {"p75_low": "p75", "p75_high": "p75", **dict.fromkeys(SHARES, "p50")}  # whose want of views is theirs, too


def test_what_is_not_told_is_null_with_a_reason_and_empty_in_csv(told):
    server, asked = told
    rows = json.loads(ask(server, "kpi", by="region", **asked))["rows"]
    lines = {row["region"]: row for row in csv.DictReader(io.StringIO(ask(server, "kpi", by="region", format="csv", **asked)))}
    reasons = set()
    for row in rows:
        for metric in METRICS:
            told_of, why = row[metric], row[metric].get("why", {})
            for figure in FIGURES:
                assert (lines[row["region"]][f"{metric}_{figure}"] == "") == (told_of[figure] is None)
                if told_of[figure] is None and not (metric == "weight" and figure in SHARES):  # without limits
                    reasons.add(why.get(figure) or why[SAID_BY[figure]])
            assert all(told_of[figure] is None for figure in why)
    assert reasons == {"n_below_4k", "n_below_20k", "no_upper_end"}


def test_report_budgets_and_metrics_tell_it_too(told):
    """The month has this one day, so what is said of either is of both."""
    server, asked = told
    row = json.loads(ask(server, "kpi", **asked))["rows"][0]
    regions = numbers_of_json(json.loads(ask(server, "equity", **asked))["rows"])
    report = Document(query_report(server, asked["from"][:7]))
    shown = report.rows("Figures of the month")
    for metric in ("lcp", "cls"):
        assert shown[metric.upper()]["numbers"] == [row[metric][figure] for figure in (
            "n", "p75", "p75_low", "p75_high", "good", "needs_improvement", "poor") if row[metric][figure] is not None]
    for region, line in report.rows("Equity by region").items():
        region = region.split(", ")[-1]
        columns = ("views", "lcp_p75", "lcp_p75_low", "lcp_p75_high", "lcp_poor", "lcp_gap", "lcp_gap_low", "lcp_gap_high")
        assert line["numbers"] == [regions[region, column] for column in columns if regions[region, column] is not None]
    held = {budget["metric"]: budget["figures"] for budget in json.loads(ask(server, "budgets", site="portal"))["budgets"]}
    assert held == {metric: row[metric] for metric in METRICS}
    gauges = server.metrics()
    assert {metric: gauges[f'balise_site_p75{{site="portal",metric="{metric}"}}'] for metric in METRICS} == {metric: row[metric]["p75"] for metric in METRICS}


def test_without_a_server_the_answers_are_the_same_to_the_byte(told):
    server, asked = told
    questions = [(["--by", "region"], form) for form in ("table", "csv", "json", "ndjson")]
    questions += [(["--equity"], form) for form in ("table", "csv", "json", "ndjson")]
    with_server = [query(server, *words, format=form, **asked) for words, form in questions]
    server.terminate()
    without = [query(server, *words, format=form, **asked) for words, form in questions]
    server.start()
    assert without == with_server and all(with_server)


def test_a_gap_is_the_difference_of_what_is_told(told):
    server, asked = told
    answer = json.loads(ask(server, "equity", **asked))
    rows = {row["region"]: row for row in answer["rows"]}
    for metric in METRICS:
        home = {name: row[metric]["p75"] for name, row in rows.items() if row["place"] == "home" and row[metric]["p75"] is not None}
        median = answer["median"][metric]
        assert answer["home"] == "FR" and len(home) == 3 and home[median] == sorted(home.values())[1]
        for name, row in rows.items():
            if name == median or row[metric]["p75"] is None:
                continue
            gap = row["gap"][metric]
            assert gap["p75"] == pytest.approx(row[metric]["p75"] - home[median])
            assert gap["p75_low"] == pytest.approx(row[metric]["p75_low"] - rows[median][metric]["p75_high"])
            assert gap["p75_low"] < gap["p75"] and (gap["p75_high"] is None or gap["p75"] < gap["p75_high"])
    assert rows["DE-BY"]["place"] == "abroad"
