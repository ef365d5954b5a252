#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""How long the dashboard takes to its first chart: python3 tests/bench/dashboard/first_chart.py [RUNS [SLOWER]]

A store is filled with a quarter of 1,000 pages, each of twelve views a day by as many visitors, of whom some see the first page, too. Then
Chromium, its processor slowed down SLOWER times (4; DevTools' own throttling), opens each view in a tab without a cache, signed in, from
loopback. The time is from the start of the navigation to the frame after the first drawing (of pages: the table) is in the page; beside it
what the main thread itself had to do for that, which other programs of a busy machine do not lengthen. RUNS in turns (7). Prints Markdown
with medians and what the files weigh. BALISE_BIN names the executable, as for the tests: it needs their hooks, for its clock.
"""
import datetime
import json
import os
import pathlib
import statistics
import sys
import zoneinfo

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "browser")]

from balise import DESKTOP, MOBILE, ORIGIN, Balise, address_in, view  # noqa: E402
from cdp import Browser  # noqa: E402
from dashboard import MEMORY, Dashboard  # noqa: E402
from told import feed  # noqa: E402

PAGES, VISITORS, DAYS = 1000, 12, 90
REGIONS, NETWORKS = ("FR-IDF", "FR-BRE", "FR-ARA", "FR-OCC"), 251
VISITS = [(page, page * VISITORS + visitor) for visitor in range(VISITORS) for page in range(1, PAGES)] + [
    (0, visitor) for visitor in range(0, PAGES * VISITORS, 39)]  # page and visitor
ZONE = zoneinfo.ZoneInfo("Europe/Paris")
FIRST = datetime.date(2026, 8, 28)
VIEWS = {"overview": ".drawing svg", "pages": "main tbody tr", "regions": ".drawing svg", "distribution": ".drawing svg"}
WATCH = """window.first = new Promise((done) => {
  const look = () => document.querySelector(%r) && requestAnimationFrame(() => setTimeout(() => done(performance.now())));
  new MutationObserver(look).observe(document, {childList: true, subtree: true}); });"""
FILES = ("/", "/dashboard.js", "/dashboard.css", "/icon.svg")


def lines():
    """The quarter as balise-feed reads it."""
    agents = [agent % edition for edition in range(140, 146) for agent in (MOBILE, DESKTOP)]
    people = [(address_in(REGIONS[n % len(REGIONS)], n // len(REGIONS) % NETWORKS), agents[n // len(REGIONS) % len(agents)])
              for n in range(PAGES * VISITORS)]
    for day in range(DAYS):
        start = datetime.datetime.combine(FIRST + datetime.timedelta(days=day), datetime.time(8), ZONE)
        at = int(start.timestamp() * 1000)
        for number, (page, visitor) in enumerate(VISITS):
            address, agent = people[visitor]
            lcp = 900 + (page * 31 + visitor * 173 + day * 11) % 3400 + visitor % len(REGIONS) * 150
            beacon = view(f"/part-{page % 40}/page-{page}", lcp=lcp, fcp=lcp * 2 // 3, ttfb=lcp // 6, inp=40 + lcp % 300, cls=(lcp % 17) / 100)
            yield f"{at + number * 3}\t{address}\t{agent}\t{ORIGIN}\t{json.dumps(beacon, separators=(',', ':'))}\n"


def filled():
    """A running server of that store, on the day after."""
    after = datetime.datetime.combine(FIRST + datetime.timedelta(days=DAYS), datetime.time(9), ZONE)
    balise = Balise({"store": {"journal": False, "journal_kibibytes": 4096}}, start=after, running=False,
                    parent=MEMORY if os.path.isdir(MEMORY) else None)
    path = balise.folder / "views.tsv"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines())
    facts = feed(balise.config_path, path, int(after.timestamp() * 1000))
    path.unlink()
    assert facts["accepted"] == len(VISITS) * DAYS, facts
    balise.start()
    return balise


def time_of(browser, balise, name, slower):
    """Milliseconds to the first drawing of a view in a tab that has nothing yet but the cookie, and the main thread's own."""
    page = Dashboard(browser, balise)
    page.size(1280)
    page.sign_in()
    page.tab.call("Network.setCacheDisabled", {"cacheDisabled": True})
    page.tab.goto("about:blank")
    page.tab.call("Performance.enable", {"timeDomain": "threadTicks"})
    page.tab.call("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.tab.add_init_script(WATCH % VIEWS[name])
    page.tab.goto(f"{page.url}?view={name}&lang=en&from={FIRST}&to={FIRST + datetime.timedelta(days=DAYS)}&compare=none")
    taken = page.tab.evaluate("window.first")
    metrics = {one["name"]: one["value"] for one in page.tab.call("Performance.getMetrics")["metrics"]}
    page.close()
    return taken, metrics["TaskDuration"] * 1000


def main():
    runs, slower = [int(word) for word in (*sys.argv[1:], *("7", "4")[len(sys.argv) - 1:])]
    with filled() as balise, Browser() as browser:
        pages = len(balise.rows("page", from_=FIRST, to=FIRST + datetime.timedelta(days=DAYS)))
        regions = balise.rows("region", from_=FIRST, to=FIRST + datetime.timedelta(days=DAYS))
        assert len(regions) == len(REGIONS), regions
        took = {name: [] for name in VIEWS}
        for _ in range(runs):
            for name in took:
                took[name].append(time_of(browser, balise, name, slower))
        weight = sum(len(balise.private("GET", path, headers={"Accept-Encoding": "br"}).body) for path in FILES)
        print(f"{pages} pages, {DAYS} days, {len(VISITS) * DAYS:,} views; {browser.version}, {slower}× slower, {runs} runs; "
              f"{weight:,} bytes of files as brotli\n")
    print("| view | first drawing, median | least | most | main thread's own, median |\n|---|--:|--:|--:|--:|")
    for name, both in took.items():
        times, own = zip(*both)
        print(f"| {name} | {statistics.median(times):.0f} ms | {min(times):.0f} ms | {max(times):.0f} ms | {statistics.median(own):.0f} ms |")


if __name__ == "__main__":
    main()
