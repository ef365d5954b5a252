# SPDX-License-Identifier: EUPL-1.2
"""The budgets and goals of the project, each beside what this run measured. What falls short is shown as falling short."""
import pathlib

import ingest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIB = 2**20


def _size(*names):
    """Bytes of built files, or None while they are not there."""
    files = [ROOT / name for name in names]
    return sum(file.stat().st_size for file in files) if all(file.exists() for file in files) else None


def _dashboard():
    """Bytes of the dashboard's files as brotli packed them."""
    return sum(file.stat().st_size for file in (ROOT / "dashboard" / "dist").glob("*.br")) or None


def _ratio(rows, scenario, one, other):
    a, b = ingest.median(rows, scenario, one, "cpu_us"), ingest.median(rows, scenario, other, "cpu_us")
    return a / b if a and b else None


def _across(rows):
    """VictoriaMetrics over HTTP/1.1 (it speaks nothing else in clear) against balise over h2c."""
    a, b = ingest.median(rows, "http1", "VictoriaMetrics", "cpu_us"), ingest.median(rows, "h2c", "balise", "cpu_us")
    return a / b if a and b else None


def _most(measured, budget, goal, form="{:.2f}"):
    return measured, budget, goal, lambda value: value <= budget, form, "≤ "


def _least(measured, budget, goal=None, form="{:.1f}"):
    return measured, budget, goal, lambda value: value >= budget, form, "≥ "


def _all(found):
    rows, counted, foot, told = (found.get(part, {}) for part in ("ingest", "instructions", "footprint", "history"))
    rows = rows or []
    above = counted["balise"]["total"] - counted["bare h2o"]["total"] if counted else None
    written, load = foot.get("written", {}), foot.get("at_full_load")
    yield "CPU a view × bare handler, h2c multiplexed", _most(_ratio(rows, "h2c", "balise", "bare h2o"), 3.5, 2.5)
    yield "CPU a view × nginx's empty 204, h2c", _most(_ratio(rows, "h2c", "balise", "nginx, empty 204"), 1, None)
    yield "CPU a view × bare handler, HTTP/1.1", _most(_ratio(rows, "http1", "balise", "bare h2o"), 2.0, 1.5)
    yield "CPU a view × bare handler, a TLS connection a view", _most(_ratio(rows, "tls", "balise", "bare h2o"), 1.1, 1.05)
    yield "VictoriaMetrics' CPU a view × balise's: balise over h2c", _least(_across(rows), 8)
    yield "VictoriaMetrics' CPU a view × balise's: both HTTP/1.1", _least(_ratio(rows, "http1", "VictoriaMetrics", "balise"), 2)
    yield "instructions a view above the bare handler", _most(above, 12000, 8000, "{:,.0f}")
    yield "bytes written a view at 1 view/s", _most(written.get("1"), 8192, None, "{:,.0f}")
    yield "bytes written a view at 10,000 views/s", _most(written.get("10000"), 200, None, "{:,.0f}")
    yield "anonymous memory at full load, MiB", _most(load and load["anonymous"] / MIB, 64, 48, "{:.1f}")
    yield "anonymous memory an idle cleartext connection, bytes", _most(foot.get("idle_connection_bytes"), 10240, None, "{:,.0f}")
    yield "anonymous memory at most over a simulated month of 10 million views, MiB", _most(told.get("month_memory") and told["month_memory"] / MIB, 64, 48, "{:.1f}")
    yield "the same memory, last tenth of the month × after its first quarter", _most(told.get("month_growth"), 1.1, None)
    for engine in ("ClickHouse", "libchdb"):
        judged = told.get("judged", {}).get(engine, {})
        yield f"disk: raw rows in {engine} × balise, 10 million views", _least(judged.get("disk"), 50, 200)
        yield f"a month's p75 by page, 1,000 pages, 10 million views: {engine}, raw rows × balise", _least(judged.get("query"), 20, 50)
    yield "the snippet, brotli, bytes", _most(_size("beacon/dist/b.js.br"), 1400, 1300, "{:,.0f}")
    yield "the dashboard, brotli, bytes", _most(_dashboard(), 60000, None, "{:,.0f}")


PROVED = (
    ("quantiles within 1 % of the exact value (on a small site's grid: the error is told)", "tests/integration/test_exactness.py"),
    ("acknowledged views lost on kill -9: 0", "tests/integration/test_kill.py"),
    ("one request a view", "tests/browser/test_snippet.py"),
)
TOLD = (("tasks of the snippet: evaluation and observers ≤ 2 ms, none ≥ 5 ms, slowed down four times", "see [snippet.md](snippet.md)", "**falls short**"),)


def lines(found):
    """Rows of the table: what, measured, budget, goal, verdict."""
    for what, (measured, budget, goal, holds, form, sign) in _all(found):
        verdict = "not measured in this run" if measured is None else "holds" if holds(measured) else "**falls short**"
        yield [what, "–" if measured is None else form.format(measured), sign + form.format(budget), form.format(goal) if goal else "", verdict]
    for what, where in PROVED:
        yield [what, f"a test: {where}", "", "", ""]
    for what, where, verdict in TOLD:
        yield [what, where, "", "", verdict]
