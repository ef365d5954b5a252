#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""disclosure_cost.py [--days500 N] [--days20000 N] [--days500000 N] [--check]

What disclosure control costs: feeds synthetic portals to the real product and writes docs/disclosure-cost.md, which tells the
share of views under their own names and the error of quantiles, beside the method of dropping cells of fewer than five hits.
BALISE_BIN names the executable, as for the tests. --check writes nothing and ends after a few days of each."""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("support", "integration", "attack")]

import crowds  # noqa: E402
import numpy  # noqa: E402
import observer  # noqa: E402
from balise import executable  # noqa: E402
from links import LINES, SITE, nearly_equal  # noqa: E402
from runs import Run, folder  # noqa: E402
from told import feed  # noqa: E402
from views import Views, date_of  # noqa: E402

PAGES = {500: 30, 20_000: 300, 500_000: 1000}
QUANTILES = {"p50": 0.5, "p75": 0.75, "p95": 0.95}
LEAST_HITS = 5
ANSWER_DAYS = 5
TABLES = {"page, by day": ("daily", "page"), "page, by block of hours": ("hourly", "page"),
          "page + device": ("daily", "page+device"), "region + device": ("daily", "region+device")}
NAMELESS = "(other)"


class Day:
    """The views of a day as columns of numbers."""

    def __init__(self, views):
        names = [{}, {}, {}, {}]
        rows = [(view.page, view.person.region, view.person.device, view.person.browser) for view in views]
        self.columns = [numpy.array([names[c].setdefault(row[c], len(names[c])) for row in rows]) for c in range(4)]
        self.pages = list(names[0])
        self.lcp = numpy.array([view.values[0][1] for view in views])

    def kept(self):
        """Which views are in cells of at least five hits of page, region, device and browser."""
        cell = numpy.ravel_multi_index(self.columns, [column.max() + 1 for column in self.columns])
        _, inverse, counts = numpy.unique(cell, return_inverse=True, return_counts=True)
        return counts[inverse] >= LEAST_HITS

    def quantiles(self, chosen):
        """page -> (views, {p50, p75, p95}) of some of the views: nearest rank."""
        page, lcp = self.columns[0][chosen], self.lcp[chosen]
        order = numpy.lexsort((lcp, page))
        page, lcp = page[order], lcp[order]
        found = {}
        for number, first in zip(*numpy.unique(page, return_index=True)):
            end = numpy.searchsorted(page, number, "right")
            ranks = {name: first + max(1, int(numpy.ceil(q * (end - first)))) - 1 for name, q in QUANTILES.items()}
            found[self.pages[number]] = (end - first, {name: lcp[rank] for name, rank in ranks.items()})
        return found


class Errors:
    """Relative errors of quantiles, over cells and weighted by their views."""

    def __init__(self):
        self.errors = {name: [] for name in QUANTILES}

    def add(self, name, views, error):
        self.errors[name].append((views, abs(error)))

    def text(self, name):
        if not self.errors[name]:
            return "–"
        views, errors = map(numpy.array, zip(*self.errors[name]))
        return f"{100 * errors.mean():.1f} / {100 * (errors * views).sum() / views.sum():.1f} %"


class Portal:
    """A quarter, or less, of one portal."""

    def __init__(self, views_a_day, days):
        self.views_a_day, self.days = views_a_day, days
        self.crowd = crowds.Portal(f"cost {views_a_day}", "portal", PAGES[views_a_day], views_a_day)
        self.truth, self.discarded = {}, {}
        self.sent = self.dropped = 0
        with folder([self.crowd.config()]) as balise:
            for day in range(days):
                self._feed(balise, day)
            self.told = self._read_heads(balise)
            self.answers = self._ask(balise)

    def _feed(self, balise, day):
        views = self.crowd.day(day)
        file = balise.folder / "views.tsv"
        Views(views).write(file)
        facts = feed(balise.config_path, file, seconds=3600)
        assert facts["accepted"] == len(views) and facts["days_closed"] == 1, facts
        columns = Day(views)
        kept = columns.kept()
        self.truth[date_of(day)] = columns.quantiles(numpy.ones(len(views), bool))
        self.discarded[date_of(day)] = columns.quantiles(kept)
        self.sent += len(views)
        self.dropped += len(views) - int(kept.sum())
        print(f"{self.views_a_day} views a day: day {day + 1} of {self.days}", file=sys.stderr, flush=True)

    @staticmethod
    def _read_heads(balise):
        """(tier, margin) -> views under their own names, and cells."""
        tool = pathlib.Path(executable()).parent / "tests/tools/balise-dump"
        found = collections.defaultdict(lambda: [0, 0])
        with subprocess.Popen([tool, balise.config_path], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                fields = line.split("\t", 12)
                if fields[0] == "cell" and fields[8] != NAMELESS:
                    count = found[fields[1], fields[3]]
                    count[0] += int(fields[10])
                    count[1] += 1
        assert process.returncode == 0
        return found

    def _ask(self, balise):
        """The rows of all days, a few days an answer."""
        rows = []
        for day in range(0, self.days, ANSWER_DAYS):
            words = ["query", "--config", balise.config_path, "--format", "json", "--site", "portal", "--metric", "lcp",
                     "--by", "page,day", "--from", date_of(day), "--to", date_of(min(day + ANSWER_DAYS, self.days))]
            done = subprocess.run([executable(), *map(str, words)], capture_output=True, text=True, timeout=600, check=False)
            assert done.returncode == 0, done.stderr
            rows += json.loads(done.stdout)["rows"]
        return rows

    def shares(self):
        return [f"{self.told[table][0] / self.sent:.3f}" for table in TABLES.values()]

    def errors(self):
        """(balise's, the other method's) over the cells that balise tells."""
        ours, theirs = Errors(), Errors()
        for row in self.answers:
            if row["page"] == NAMELESS:
                continue
            views, exact = self.truth[row["day"]][row["page"]]
            left = self.discarded[row["day"]].get(row["page"])
            for name in QUANTILES:
                if row["lcp"][name] is None:
                    continue
                ours.add(name, views, row["lcp"][name] / exact[name] - 1)
                if left:
                    theirs.add(name, views, left[1][name] / exact[name] - 1)
        return ours, theirs


HEAD = """# What disclosure control costs

Written by `tests/bench/disclosure_cost.py`, which feeds synthetic portals to the real pipeline and asks the real product. Nobody is
in these data: pages follow Zipf's law, hours, regions, devices and browsers are those of a national portal, a visitor makes 3.2
views. Every table is switched on; by default page blocks and page + device are off at fewer than 2,000 views a day.
A quarter of each; it takes half an hour. The days of a portal here differ by chance alone.

## Views told under their own names

The rest is in `(other)`, never lost: every table adds up to the day.

| views a day | pages | days | {tables} |
|---|---|---|{dashes}|
"""
MIDDLE = """
## Error of a page's quantiles

Of LCP, by page and day, against the exact quantile of all views, where balise tells it (p50 from 20 views, p75 from 40, p95 from
200). Mean over cells / weighted by views. Beside it the usual method: count by page, region, device and browser, drop what has
fewer than five hits, add up the rest by page.

| views a day | method | p50 | p75 | p95 | views dropped |
|---|---|---|---|---|---|
"""


RESIDUAL = """
## What the scheme does not exclude

Three and more tables of one dimension have no proof. All of them together left fewer than k visitors on {hard} of {hard_days} days of sites
made to be hard (tests/attack/crowds.py: some 50 to 1,000 views, each class in a few places), and on {mixed} of {mixed_days} days of the portal with
500 views a day; `tests/attack/test_small_sites.py` tries more of the former each time it runs. Cells of different tables that differ by fewer
than k visitors, by accident: {near} pairs on {near_days} days of the portal, among {cells:,} told cells.
"""
HARD_DAYS, MIXED_DAYS = 15, 5  # tried with all tables together: a linear program a visitor, some 20 s a day


def write(portals, out):
    out.write(HEAD.format(tables=" | ".join(TABLES), dashes="|".join("---" for _ in TABLES)))
    for portal in portals:
        out.write(f"| {portal.views_a_day:,} | {PAGES[portal.views_a_day]:,} | {portal.days} | {' | '.join(portal.shares())} |\n")
    out.write(MIDDLE)
    for portal in portals:
        ours, theirs = portal.errors()
        for name, errors, dropped in (("balise", ours, 0), ("fewer than 5 dropped", theirs, portal.dropped)):
            texts = " | ".join(map(errors.text, QUANTILES))
            out.write(f"| {portal.views_a_day:,} | {name} | {texts} | {100 * dropped / portal.sent:.0f} % |\n")


def days_with_leaks(days):
    """Days on which tables of one dimension leave fewer than k visitors between them."""
    return sum(bool(observer.leaks([told.views for told in day.of(SITE, *LINES)], day.truth.visitors)) for day in days)


def write_residual(out):
    hard = list(Run(*crowds.small_sites(1, 20, 5)).days.values())[:HARD_DAYS]
    portal = crowds.Portal("residual", "portal", 30, 500)
    mixed = list(Run([portal.config()], [view for day in range(30) for view in portal.day(day)]).days.values())
    near = [nearly_equal(day) for day in mixed]
    out.write(RESIDUAL.format(hard=days_with_leaks(hard), hard_days=len(hard), mixed=days_with_leaks(mixed[:MIXED_DAYS]),
                              mixed_days=MIXED_DAYS, near=sum(len(pairs) for pairs, _ in near), near_days=len(mixed),
                              cells=sum(cells for _, cells in near)))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for views, days in ((500, 90), (20_000, 90), (500_000, 90)):
        parser.add_argument(f"--days{views}", type=int, default=days)
    parser.add_argument("--check", action="store_true")
    chosen = vars(parser.parse_args())
    portals = [Portal(views, 2 if chosen["check"] else chosen[f"days{views}"]) for views in PAGES
               if not (chosen["check"] and views > 20_000)]
    if chosen["check"]:
        write(portals, sys.stdout)
        write_residual(sys.stdout)
        return
    with open(ROOT / "docs" / "disclosure-cost.md", "w", encoding="utf-8") as out:
        write(portals, out)
        write_residual(out)


if __name__ == "__main__":
    main()
