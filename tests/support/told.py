# SPDX-License-Identifier: EUPL-1.2
"""What a data folder tells, through the store's own reader (tests/tools/dump.c), and how views get into one without
sockets (tests/tools/feed.c). Both programs lie beside the executable under test."""
import collections
import pathlib
import subprocess

from balise import executable

METRICS = ("ttfb", "fcp", "lcp", "inp", "cls", "redirect", "dns", "tcp", "tls", "request", "response", "domInteractive",
           "domContentLoaded", "load", "transferSize", "requests", "weight", "elements", "errors")
Cell = collections.namedtuple("Cell", "hours tail_hours views visitors upper_bound buckets")


def run_tool(name, *words, seconds=300, program=None):
    """What balise-feed or balise-dump prints; program: another build of it."""
    tool = program or pathlib.Path(executable()).parent / "tests/tools" / name
    done = subprocess.run([tool, *map(str, words)], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def feed(config, views, *words, **how):
    """Beacons of a file through the pipeline; what the run was like, by name. how: as run_tool's."""
    lines = run_tool("balise-feed", config, views, *words, **how).splitlines()
    return {name: int(number) for name, number in (line.split("\t") for line in lines)}


def histogram(text):
    n, _, buckets = text.partition(";")
    found = {int(b): int(c) for b, c in (item.split(":") for item in buckets.split(",") if item)}
    assert sum(found.values()) == int(n)
    return found


class Told:
    """What balise-dump says: cells by (tier, site, margin, day, hour, label), the records of days, and grids by (tier,
    site, day, whether of soft navigations): for each metric that is told the buckets at which its bins begin. The label
    of a margin of two dimensions is both texts."""

    def __init__(self, text):
        self.cells, self.days, self.grids = {}, {}, {}
        for line in text.splitlines():
            kind, *fields = line.split("\t")
            if kind == "day":
                site, date, closed, views, epochs, outcomes = fields
                self.days[site, date] = (closed, int(views), int(epochs),
                                         {name: int(n) for name, n in (o.split(":") for o in outcomes.split(","))})
                continue
            if kind == "grid":
                tier, site, date, soft, *bins = fields
                self.grids[tier, site, date, soft == "1"] = {
                    metric: tuple(map(int, begins.split(","))) for metric, begins in zip(METRICS, bins) if begins}
                continue
            tier, site, margin, date, hour, hours, tail, label, second, views, visitors, upper = fields[:12]
            key = (tier, site, margin, date, int(hour), (label, second) if second else label)
            assert key not in self.cells
            self.cells[key] = Cell(int(hours), int(tail), int(views), int(visitors), upper == "1",
                                   dict(zip(METRICS, map(histogram, fields[12:]))))

    def table(self, margin, date, site="portal"):
        return {key[5]: cell for key, cell in self.cells.items() if key[:4] == ("daily", site, margin, date)}

    def blocks(self, date, site="portal"):
        return {key[4]: cell for key, cell in self.cells.items() if key[:4] == ("hourly", site, "site", date)}

    def page_blocks(self, date, site="portal"):
        """By (first hour, page)."""
        return {key[4:]: cell for key, cell in self.cells.items() if key[:4] == ("hourly", site, "page", date)}
