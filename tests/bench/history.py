# SPDX-License-Identifier: EUPL-1.2
"""A month of views that have passed: what it takes on disk, what its p75 by page costs, and whether asking disturbs taking in."""
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time
import urllib.request
import zoneinfo

import clickhouse
import contenders
import ingest
import libchdb
from machine import until

ZONE = zoneinfo.ZoneInfo("Europe/Paris")
DAYS = 30
# Days, views a day, pages: each number of pages in a month and in a quarter, then more views of 1,000 pages.
SIZES = [(days, 3334, pages) for days in (DAYS, 90) for pages in (10, 1000, 1500)] + [(DAYS, 33334, 1000), (DAYS, 333334, 1000)]
QUICK_SIZES = [(DAYS, 400, 1000)]
JUDGED_VIEWS = 10_000_000  # the budgets' month
ENGINES = {"ClickHouse": clickhouse.ClickHouse, "libchdb": libchdb.LibChdb}
FEED = contenders.BUILD / "tests" / "tools" / "balise-feed"


def _midnight(days_ago):
    today = datetime.datetime.now(ZONE).date()
    return datetime.datetime.combine(today - datetime.timedelta(days=days_ago), datetime.time(), ZONE)


def _bytes_below(folder):
    return sum(file.stat().st_blocks * 512 for file in pathlib.Path(folder).rglob("*") if file.is_file())


def _anonymous(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def _fill(folder, days, a_day, pages):
    """A store of past days from the real pipeline; (rows for ClickHouse, memory over time, seconds)."""
    folder.mkdir()
    lines, rows = folder / "lines", folder / "rows"
    os.mkfifo(lines)
    config = contenders.configuration(folder, 1, 2, store={"journal": False})
    end_ms = int(_midnight(0).timestamp() * 1000) + 5000
    began, memory = time.monotonic(), []
    words = [contenders.TOOLS / "history", *map(str, (days, a_day, pages, int(_midnight(days).timestamp()))), lines, rows]
    with subprocess.Popen(words) as maker, subprocess.Popen([FEED, config, lines, str(end_ms)], stdout=subprocess.DEVNULL) as feed:
        def ended():
            memory.append(_anonymous(feed.pid))
            return feed.poll() is not None
        until(ended, 3600, "a store of past days")
        if feed.returncode or maker.wait():
            raise RuntimeError("a store of past days could not be made")
    return rows, [size for size in memory if size], time.monotonic() - began


def _growth(memory):
    """Memory in the last tenth of the month beside that of its first quarter's end."""
    tenth = max(1, len(memory) // 10)
    quarter = len(memory) // 4
    return max(memory[-tenth:]) / max(memory[quarter:quarter + tenth])


def _timed(ask, program, times):
    """Median seconds and CPU seconds of a question."""
    ask()
    before, took = program.cpu_seconds(), []
    for _ in range(times):
        began = time.monotonic()
        ask()
        took.append(time.monotonic() - began)
    return {"seconds": statistics.median(took), "cpu": (program.cpu_seconds() - before) / times}


def _asker(program, days, by="page"):
    made = subprocess.run([contenders.BALISE, "token", "new", "--config", program.config, "--role", "analyst"], check=True, capture_output=True, text=True)
    url = (f"http://127.0.0.1:{program.private_port}/api/v1/kpi?site=portal&metric=lcp&by={by}&from={_midnight(days).date()}&to={_midnight(0).date()}")
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {made.stdout.splitlines()[-1]}"})

    def ask():
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()
    return ask


def _disturbance(program, ask, folder, quick):
    """Latency of beacons at half load, alone and while questions are asked one after the other."""
    corpus, rate = ingest.corpus_of(folder, ingest.PAGES), 2000 if quick else 20000
    words = [contenders.TOOLS / "load", "--port", str(program.port), *ingest.H2C, "--rate", str(rate), "--seconds", "2" if quick else "10", corpus]
    found = {"rate": rate}
    for what in ("alone", "asked"):
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as load:
            took = []
            while what == "asked" and load.poll() is None:
                began = time.monotonic()
                ask()
                took.append(time.monotonic() - began)
            told = json.loads(load.communicate()[0])
        found[what] = {"p50_us": told["p50_us"], "p99_us": told["p99_us"], "accepted": told["accepted"],
                       "question_seconds": statistics.median(took) if took else None}
    return found


def store(folder, days, a_day, pages, quick, say):
    """(figures of balise, rows)."""
    rows, memory, seconds = _fill(folder, days, a_day, pages)
    found = {"days": days, "views": days * a_day, "pages": pages, "disk": _bytes_below(folder / "data"), "fill_seconds": seconds,
             "growth": _growth(memory), "memory": max(memory)}
    program = contenders.balise(folder, keep=True)
    found["start_seconds"] = program.started_seconds
    for by in ("page", "region", "day"):
        found[by] = _timed(_asker(program, days, by), program, 3 if quick else 20)
    if pages == ingest.PAGES and days == DAYS:
        found["disturbance"] = _disturbance(program, _asker(program, days), folder.parent, quick)
    program.stop()
    say(f"history       {days} days, {found['views']:,} views, {pages} pages: {found['disk'] / 2**20:.1f} MiB, p75 by page {1000 * found['page']['seconds']:.1f} ms")
    return found, rows


def beside(make, name, folder, rows, days, quick):
    """The same views as raw rows, and as states by page and day, in an engine: disk, and the p75 by page."""
    engine = make(folder)
    engine.ask(clickhouse.RAW)
    engine.insert(rows)
    since, times = int(_midnight(days).timestamp()), 3 if quick else 10
    found = {"engine": name, "version": engine.ask("SELECT version()"), "rows": int(engine.ask("SELECT count() FROM views")),
             "disk": engine.disk_bytes("views"), "raw": _timed(lambda: engine.ask(clickhouse.P75.format(since)), engine.program, times)}
    engine.ask(clickhouse.STATES)
    found["states"] = _timed(lambda: engine.ask(clickhouse.P75_OF_STATES.format(since)), engine.program, times)
    found["states_disk"] = engine.disk_bytes("days")
    engine.stop()
    return found


def run(folder, quick, say):
    found = {"stores": []}
    for number, (days, a_day, pages) in enumerate(QUICK_SIZES if quick else SIZES):
        where = folder / f"history-{number}"
        figures, rows = store(where, days, a_day, pages, quick, say)
        if (pages, days) == (ingest.PAGES, DAYS):
            figures["beside"] = [beside(make, name, where / name, rows, days, quick) for name, make in ENGINES.items()]
            for one in figures["beside"]:
                say(f"history       {one['engine']} {one['version']}: {one['disk'] / 2**20:.1f} MiB, p75 by page {1000 * one['raw']['seconds']:.1f} ms")
        if days * a_day >= JUDGED_VIEWS or quick:
            found["month_growth"], found["month_memory"] = figures["growth"], figures["memory"]
            found["judged"] = {one["engine"]: {"disk": one["disk"] / figures["disk"], "query": one["raw"]["seconds"] / figures["page"]["seconds"]}
                               for one in figures["beside"]}
        found["stores"].append(figures)
        shutil.rmtree(where)
    return found
