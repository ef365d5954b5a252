# SPDX-License-Identifier: EUPL-1.2
"""What balise should tell, computed the plain way: a seeded crowd, every view kept in memory, exact counts, exact
distinct visitors, exact quantiles. Shares no code with the server; the rules are in rules.py, written from their
published text (and include/balise/metric.h)."""
import array
import bisect
import collections
import datetime
import math
import random
import zoneinfo

import rules
from rules import K, OTHER

ZONE = zoneinfo.ZoneInfo("Europe/Paris")
DAYS = [datetime.date(2026, 10, 24), datetime.date(2026, 10, 25), datetime.date(2026, 10, 26)]  # the second has 25 hours
VIEWS = 200_000
UNKNOWN = "(unknown)"

# name: (ticks a unit, digits after the point a beacon may carry, median, sigma, share of views that have it)
METRICS = {
    "ttfb": (10, 3, 320, 0.7, 0.97), "fcp": (10, 3, 1100, 0.6, 0.95), "lcp": (10, 3, 1900, 0.6, 0.9),
    "inp": (10, 3, 120, 0.9, 0.6), "cls": (10_000, 6, 0.06, 1.3, 0.7), "redirect": (10, 3, 90, 1.0, 0.9),
    "dns": (10, 3, 12, 1.2, 0.9), "tcp": (10, 3, 25, 0.9, 0.9), "tls": (10, 3, 18, 0.9, 0.85),
    "request": (10, 3, 210, 0.8, 0.95), "response": (10, 3, 35, 1.1, 0.95),
    "domInteractive": (10, 3, 1300, 0.6, 0.96), "domContentLoaded": (10, 3, 1500, 0.6, 0.96),
    "load": (10, 3, 2600, 0.7, 0.9), "transferSize": (1, 0, 18_000, 0.8, 0.95), "requests": (1, 0, 38, 0.6, 0.9),
    "weight": (1, 0, 900_000, 1.0, 0.9), "elements": (1, 0, 900, 0.7, 0.9), "errors": (1, 0, 1, 1.0, 0.95),
}
OFTEN_ZERO = {"redirect": 0.9, "dns": 0.5, "tcp": 0.5, "tls": 0.5, "cls": 0.3, "errors": 0.9}
OF_SOFT_NAVIGATIONS = ("fcp", "lcp", "cls", "inp")
GREATEST = {"cls": 100, "transferSize": 4_000_000_000, "weight": 4_000_000_000, "requests": 1_000_000,
            "elements": 1_000_000, "errors": 1_000_000}  # else 600,000 ms
LIMITS = {"ttfb": (8000, 18000), "fcp": (18000, 30000), "lcp": (25000, 40000), "inp": (2000, 5000),
          "cls": (1000, 2500)}  # in ticks: the greatest good, the greatest that is not poor (web.dev/articles/vitals)

# /40s and /20s of tests/support/mmdb/test.mmdb: number of the block, region, share of visitors
REGIONS = [(0, "FR-IDF", 30), (1, "FR-BRE", 9), (2, "FR-ARA", 14), (3, "FR-OCC", 8), (4, "FR-20R", 2), (5, "FR", 3),
           (6, "RE", 2), (7, "GP", 1), (9, "DE-BY", 1), (10, "BE-BRU", 1), (11, "ES-CT", 0.5), (12, "FR-HDF", 7),
           (13, "FR-GES", 6), (14, "FR-NAQ", 7), (15, "FR-NOR", 4), (16, "FR-PDL", 5), (23, "IT-25", 0.03),
           (26, "LU", 0.012), (27, "NC", 0.008), (31, UNKNOWN, 2)]

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) {} Safari/537.36"
# user agent (its {} is a version), device, browser, share of visitors
AGENTS = [
    (CHROME.format("Windows NT 10.0; Win64; x64", "Chrome/{}.0.0.0"), "desktop", "chrome", 30),
    (CHROME.format("Windows NT 10.0; Win64; x64", "Chrome/{0}.0.0.0") + " Edg/{0}.0.0.0", "desktop", "edge", 10),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0", "desktop", "firefox", 8),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.1 Safari/605.1.15",
     "desktop", "safari", 6),
    (CHROME.format("Linux; Android 10; K", "Chrome/{}.0.0.0 Mobile"), "mobile", "chrome", 25),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.0 "
     "Mobile/15E148 Safari/604.1", "mobile", "safari", 16),
    ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.6 Mobile/15E148 "
     "Safari/604.1", "tablet", "safari", 3),
    (CHROME.format("Linux; Android 13; SM-X200", "Chrome/{}.0.0.0"), "tablet", "chrome", 2),
    (CHROME.format("Linux; Android 14; SM-S911B", "SamsungBrowser/{}.0 Chrome/115.0.0.0 Mobile"), "mobile", "samsung", 0.5),
    (CHROME.format("X11; Linux x86_64", "Chrome/120.0.0.0") + " OPR/{}.0.0.0", "desktop", "opera", 0.02),
    ("Something else altogether, edition {}", "other", "other", 0.25),
]
BOT = "Mozilla/5.0 (compatible; ExampleBot/1.0; +https://bot.example)"

PROTOCOLS = [("h2", "h2", 60), ("h3", "h3", 25), ("http/1.1", "http/1.1", 8), (None, UNKNOWN, 6), ("spdy/3", "other", 0.06)]
TYPES = [("navigate", 70), ("reload", 6), ("back-forward", 6), ("back-forward-cache", 5), ("prerender", 1),
         ("restore", 0.06), ("soft-navigation", 12)]

# What a visitor's path is, and the configured template it counts as; the shares are a Zipf-Mandelbrot law.
PAGES = [("/", "/")] + [(f"/dossier/{{}}/etape-{n}", f"/dossier/:id/etape-{n}") if n % 3 == 0 else
                        (f"/demarches/service-{n}", f"/demarches/service-{n}") if n % 3 == 1 else
                        (f"/aide/{n}/{{}}", f"/aide/{n}/:sujet") for n in range(2, 41)]
STRAY = "/ailleurs/{}"  # no template: the table's own (other)
HOUR_SHARES = [90, 1.2, 0.6, 0.5, 0.7, 60, 400, 2000, 4500, 5500, 5800, 5200, 3500, 4800, 5600, 5400, 5000, 4300, 3600,
               3000, 2600, 1800, 700, 4]
MEETINGS = 4096  # kinds of views until which it is known which classes of large tables meet (server/store/witness.h)
ENOUGH = 10 * K  # witnesses of a class in its table's own list (the same)
SLOT_S = 30  # views come at so many seconds' distance or at the same second: one flight a slot

MARGINS = ("site", "page", "region", "device", "browser", "protocol", "type")
SQUARES = ("page+device", "region+device")
Cell = collections.namedtuple("Cell", "label views visitors")  # indexes of views; exact distinct visitors
Block = collections.namedtuple("Block", "first hours tail cell pages")  # hours; the site's cell; page -> Cell


def ticks_of(raw, metric):
    """Whole ticks of a value of so many millionths or thousandths, halves up."""
    a_unit, digits = METRICS[metric][:2]
    whole = 10 ** digits
    return (raw * a_unit * 2 + whole) // (2 * whole)


class Crowd:
    """Writes the beacons of a crowd and keeps all that the reference needs of them."""

    def __init__(self, seed=1, views=VIEWS):
        self.random = random.Random(seed)
        self.wanted = views
        self.lines = []  # (time, line)
        self.times, self.site, self.visitor = [], [], []
        self.label = {margin: [] for margin in MARGINS[1:]}
        self.ticks = {metric: array.array("q") for metric in METRICS}  # -1: absent
        self.refused = [collections.Counter() for _ in DAYS]
        self.starts = [datetime.datetime.combine(day, datetime.time(), ZONE).timestamp() for day in DAYS]
        end = datetime.datetime.combine(DAYS[-1] + datetime.timedelta(1), datetime.time(), ZONE).timestamp()
        self.starts = [int(start) for start in self.starts] + [int(end)]
        self._make_people()
        self._make_views()
        self._add_the_rest()
        self.lines.sort(key=lambda line: line[0])

    def _make_people(self):
        draw = self.random
        agents = draw.choices(AGENTS, [a[3] for a in AGENTS], k=26_000)
        places = draw.choices(REGIONS, [r[2] for r in REGIONS], k=26_000)
        self.people = []
        for (agent, device, browser, _), (block, region, _) in zip(agents, places):
            text = agent.format(draw.randint(100, 131))
            if draw.random() < 0.15:
                net = block * 16 + draw.randrange(16)
                prefix = f"198.{18 + net // 256}.{net % 256}."
            else:
                prefix = f"2001:db8:{block * 256 + draw.randrange(256):x}:"
            self.people.append(((prefix, text), region, device, browser))

    def _hours(self):
        """(first second, share) of each hour that passes on the days."""
        found = []
        for start, end in zip(self.starts, self.starts[1:]):
            for second in range(start, end, 3600):
                found.append((second, HOUR_SHARES[datetime.datetime.fromtimestamp(second, ZONE).hour]))
        return found

    def _make_views(self):
        draw = self.random
        hours = self._hours()
        pages = [(rank + 2) ** -3.1 for rank in range(1, len(PAGES) + 1)]
        regulars = [draw.paretovariate(1.5) for _ in self.people]
        plan = []
        while len(plan) < self.wanted:
            batch = self.wanted // 4
            for (second, _), who in zip(draw.choices(hours, [h[1] for h in hours], k=batch),
                                        draw.choices(range(len(self.people)), regulars, k=batch)):
                at = second + draw.randrange(3600)
                for _ in range(min(12, int(draw.paretovariate(1.1)))):
                    if at < self.starts[-1]:
                        plan.append((at - at % SLOT_S, who))
                    at += int(draw.expovariate(1 / 60))
        plan = plan[:self.wanted]
        # Views in the last millisecond of hours and days, and in the first of the next.
        edges = [second for second, share in hours[1:] if share > 1000] + self.starts[1:-1]
        for n, second in enumerate(edges * 4):
            plan[n] = (second if n % 2 else second - 0.001, plan[n][1])
        for (at, who), page, protocol, kind in zip(plan, draw.choices(PAGES, pages, k=len(plan)),
                                                   draw.choices(PROTOCOLS, [p[2] for p in PROTOCOLS], k=len(plan)),
                                                   draw.choices(TYPES, [t[1] for t in TYPES], k=len(plan))):
            if draw.random() < 0.003:
                page = (STRAY, OTHER)
            self._add_view("portal", at, self.people[who], page, protocol, kind[0])

    def _add_view(self, site, at, person, page, protocol, kind):
        identity, region, device, browser = person
        at_ms = round(at * 1000)
        self.times.append(at_ms)
        self.site.append(site)
        self.visitor.append(identity)
        for margin, label in zip(MARGINS[1:], (page[1], region, device, browser, protocol[1], kind)):
            self.label[margin].append(label)
        body = self._body(page, protocol, kind)
        self._write(at_ms, identity, site, body)

    def _write(self, at_ms, identity, site, body, gpc=""):
        draw = self.random
        prefix, agent = identity
        # Another host of the same network is the same visitor: addresses are truncated.
        if "." in prefix:
            address = f"{prefix}{draw.randrange(256)}"
        else:
            address = f"{prefix}{draw.randrange(65536):x}::{draw.randrange(1, 9)}"
        self.lines.append((at_ms, f"{at_ms}\t{address}\t{agent}\thttps://{site}.example\t{body}{gpc}\n"))

    def _body(self, page, protocol, kind):
        draw = self.random
        path = page[0].format(draw.randrange(1, 10**6))
        parts = [f'"v":1,"path":"{path}","type":"{kind}"']
        if kind != "soft-navigation" and protocol[0]:
            parts.append(f'"protocol":"{protocol[0]}"')
        chance, normal = draw.random, draw.lognormvariate
        for metric, (_, digits, median, sigma, share) in METRICS.items():
            if chance() >= share or (kind == "soft-navigation" and metric not in OF_SOFT_NAVIGATIONS):
                self.ticks[metric].append(-1)
                continue
            value = 0 if chance() < OFTEN_ZERO.get(metric, 0) else median * normal(0, sigma)
            value = min(value, GREATEST.get(metric, 600_000))
            raw = round(value * 10 ** digits)
            if raw and digits and chance() < 0.3:  # browsers round to whole or tenth milliseconds, too
                raw = max(1, raw // 100) * 100
            self.ticks[metric].append(ticks_of(raw, metric))
            parts.append(f'"{metric}":{raw / 10 ** digits if digits else raw}')  # also as 5e-05
        return "{" + ",".join(parts) + "}"

    def _add_the_rest(self):
        """Beacons that are no view, and a site with fewer than k visitors, which tells nothing."""
        draw = self.random
        for n in range(600):
            at = draw.randrange(self.starts[0], self.starts[-1])
            at_ms, (identity, *_) = (at - at % SLOT_S) * 1000, draw.choice(self.people)
            body, gpc, outcome = '{"v":1,"path":"/","type":"navigate","lcp":5}', "", None
            if n % 4 == 0:
                gpc, outcome = "\t1", "declined"
            elif n % 4 == 1:
                identity, outcome = (identity[0], BOT), "bot"
            elif n % 4 == 2:
                body, outcome = '{"v":1,"path":"/","type":"navigate","lcp":-5}', "malformed"
            else:
                body, outcome = '{"v":1,"path":"/' + "x" * 4096 + '"}', "too_large"
            self.refused[self.day_of(at_ms)][outcome] += 1
            self._write(at_ms, identity, "portal", body, gpc)
        few = self.people[:K - 1]
        for start in self.starts[:-1]:
            for n in range(300):
                self._add_view("hameau", start + 1800 + n * 240, few[n % len(few)], PAGES[0], PROTOCOLS[0],
                               TYPES[-1 if n % 5 == 0 else 0][0])

    def write(self, path, until_ms=math.inf, quiet=()):
        """The beacons before a time, but for those of the quiet days (numbers)."""
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line for at, line in self.lines if at < until_ms and self.day_of(at) not in quiet)

    def day_of(self, at_ms):
        return bisect.bisect_right(self.starts, at_ms // 1000) - 1

    def hour_of(self, at_ms):
        """Whole hours since the day began."""
        return (at_ms // 1000 - self.starts[self.day_of(at_ms)]) // 3600

    # ---- what should be told ----

    def distinct(self, views):
        return len({self.visitor[v] for v in views})

    def views_of(self, site, day, soft=False):
        start, end = self.starts[day] * 1000, self.starts[day + 1] * 1000
        kinds = self.label["type"]
        return [v for v, at in enumerate(self.times)
                if start <= at < end and self.site[v] == site and (kinds[v] == "soft-navigation") == soft]

    def cells(self, margin, views):
        """The unfolded table of these views: label -> Cell."""
        found = collections.defaultdict(list)
        labels = self.label["page" if margin == "soft+page" else margin] if margin != "site" else None
        for v in views:
            found[labels[v] if labels else ""].append(v)
        return {label: Cell(label, of, self.distinct(of)) for label, of in found.items()}

    def sum(self, label, cells):
        views = [v for cell in cells for v in cell.views]
        return Cell(label, views, self.distinct(views))

    def told(self, margin, views):
        """The folded table: label -> Cell. Nothing when fewer than k visitors are in it."""
        cells = self.cells(margin, views)
        own = OTHER if margin in ("page", "soft+page") else None
        hidden = rules.fold({label: (cell.visitors, len(cell.views)) for label, cell in cells.items()}, own,
                            lambda labels: self.sum("", [cells[label] for label in labels]).visitors)
        if hidden is None:
            return {}
        told = {label: cell for label, cell in cells.items() if label not in hidden}
        if hidden:
            told[OTHER] = self.sum(OTHER, [cells[label] for label in hidden])
        return told

    # ---- tables beside each other ----

    def _witnesses(self, views, label_of=None):
        """One view of each visitor, his first; with labels his first in one that has not enough, as a table's own list."""
        seen, have, found = set(), collections.Counter(), []
        for v in sorted(views, key=self.times.__getitem__):
            if self.visitor[v] not in seen and (not label_of or have[label_of[v]] < ENOUGH):
                seen.add(self.visitor[v])
                have[label_of[v] if label_of else None] += 1
                found.append(v)
        return found

    def is_linked(self, rows, columns, views):
        """Whether two tables may be told beside each other; each is (margin, label -> Cell)."""
        (row_margin, row_table), (column_margin, column_table) = rows, columns
        if len(row_table) < 2 or len(column_table) < 2:
            return True
        row_of, column_of = ({v: label for label, cell in table.items() for v in cell.views} for table in (row_table, column_table))

        def pairs(of):
            return collections.Counter((row_of[v], column_of[v]) for v in of)

        day = pairs(self._witnesses(views))
        own = [pairs(self._witnesses(views, self.label.get(margin, row_of))) if margin != "page" else day
               for margin in (row_margin, column_margin)]
        kinds = {tuple(of[v] for of in self.label.values()) for v in views}
        known = len(kinds) <= MEETINGS or {row_margin, column_margin} <= {"device", "browser", "protocol", "type"}
        return rules.Pair(list(row_table), list(column_table), day, *own, set(pairs(views)) if known else None).holds()

    def absorb(self, table):
        """A table after "(other)" has taken the next class; empty where that would leave one."""
        taken = rules.absorb(table, {label: cell.visitors for label, cell in table.items()})
        if taken is None:
            return {}
        folded = [table[label] for label in (*taken, OTHER) if label in table]
        return {**{label: cell for label, cell in table.items() if label not in (*taken, OTHER)}, OTHER: self.sum(OTHER, folded)}

    def linked_tables(self, views, blocks):
        """margin -> its told table: devices folded until none is too rare for pages and regions by device, then each until it is linked
        with the blocks and all before it."""
        all_tables = {margin: self.told(margin, views) for margin in MARGINS[1:]}
        for margin in SQUARES:
            rows, columns = margin.split("+")
            while all_tables[columns] and not self.square(all_tables[rows], all_tables[columns])[0].has_strong_columns():
                all_tables[columns] = self.absorb(all_tables[columns])
        told = {}
        for margin, table in all_tables.items():
            before = [("block", {block.first: block.cell for block in blocks})] if told else []
            while table and not all(self.is_linked(one, (margin, table), views) for one in [*before, *told.items()]):
                table = self.absorb(table)
            told[margin] = table
        return told

    def square(self, rows, columns):
        """A table of two dimensions of two told ones, and the sum of a row and some columns."""
        rows, columns = ({label: table[label] for label in sorted(table, key=lambda label: (label == OTHER, label.encode()))}
                         for table in (rows, columns))
        column_of = {v: label for label, cell in columns.items() for v in cell.views}
        found = {row: collections.defaultdict(list) for row in rows}
        for row, cell in rows.items():
            for v in cell.views:
                found[row][column_of[v]].append(v)
        cells = {(row, column): Cell("", of, self.distinct(of)) for row, parts in found.items() for column, of in parts.items()}

        def union(row, group):
            return self.sum("", [cells[row, column] for column in group if (row, column) in cells])

        return rules.Square({row: cell.visitors for row, cell in rows.items()}, list(columns),
                            {where: (cell.visitors, len(cell.views)) for where, cell in cells.items()},
                            lambda row, group: union(row, group).visitors), union

    def told_split(self, margin, tables):
        """The told cells of a table of two dimensions beside `tables`: (row, columns joined by "+") -> Cell."""
        square, union = self.square(*(tables[dimension] for dimension in margin.split("+")))
        return {(row, "+".join(group)): union(row, group) for row, group in square.told()}

    def blocks(self, site, day, hub, until_hour=None):
        """The blocks of hours of a site's day as they should be told, with the hub of the day before or None. Until an hour:
        those that are told while the day goes on."""
        hours = (self.starts[day + 1] - self.starts[day]) // 3600
        by_hour = [[] for _ in range(hours)]
        for v in self.views_of(site, day):
            by_hour[self.hour_of(self.times[v])].append(v)
        ended, first, filling, today, pools = [], 0, [], [], set()
        for hour in range(until_hour or hours):
            filling, today = filling + by_hour[hour], today + by_hour[hour]
            of_block, of_day = self.cells("page", filling), self.cells("page", today)
            if hub is None and not ended:
                hub = rules.choose_hub({page: (cell.visitors, len(cell.views)) for page, cell in of_day.items()}, len(today))
            if hub not in of_block or of_block[hub].visitors < K:
                continue
            shown = {page: cell for page, cell in of_block.items()
                     if ended and page in pools and page not in (hub, OTHER) and cell.visitors >= K}
            rest = self.sum(OTHER, [cell for page, cell in of_block.items() if page not in shown])
            pools |= {page for page, cell in of_day.items() if cell.visitors >= K}
            ended.append(Block(first, hour + 1 - first, 0, self.sum("", of_block.values()),
                               {**shown, OTHER: rest} if rest.views else shown))
            first, filling = hour + 1, []
        if until_hour or not ended:
            return ended[1:]  # the first is kept back: a weak last block may have to join it
        whole = Cell("", ended[0].cell.views + filling, self.distinct(ended[0].cell.views + filling))
        return [Block(0, ended[0].hours, hours - first, whole, {OTHER: whole})] + ended[1:]

    def values(self, metric, views):
        """Sorted ticks of a metric over views."""
        found = sorted(map(self.ticks[metric].__getitem__, views))
        return found[bisect.bisect_left(found, 0):]
