# SPDX-License-Identifier: EUPL-1.2
"""Crowds to attack: small sites made to be hard, and portals as they are."""
import itertools
import random

import reference
from views import SLOTS, Person, View

K = reference.K
OTHER = reference.OTHER
AGENTS_OF = {device: [agent[:3] for agent in reference.AGENTS if agent[1] == device]
             for device in ("desktop", "mobile", "tablet", "other")}
PLACES = [(block, region) for block, region, _ in reference.REGIONS]


def person(draw, block, region, agent):
    text, device, browser = agent
    address = f"2001:db8:{block * 256 + draw.randrange(256):x}::1"
    return Person(address, text.format(draw.randint(100, 999)), region, device, browser)


def cell_size(draw):
    """Visitors of a cell: none, one to three, about k, some, many."""
    kind = draw.randrange(7)
    if kind < 2:
        return 0
    if kind == 2:
        return draw.randint(1, 3)
    if kind == 3:
        return draw.randint(K - 1, K + 1)
    return draw.randint(K, 4 * K) if kind < 6 else draw.randint(2 * K, 8 * K)


class SmallSite:
    """Days of a site with a few pages, hours, regions and devices. One of the two-dimensional tables is drawn cell by cell;
    the other dimensions follow it in clusters. Some visitors come back in other cells."""

    def __init__(self, seed, name):
        self.draw = random.Random(seed)
        self.name = name
        draw = self.draw
        self.pages = [f"/{letter}" for letter in "abcdefgh"[:draw.randint(3, 8)]]
        self.hours = sorted(draw.sample(range(24), draw.randint(3, 6)))
        self.places = draw.sample(PLACES, draw.randint(3, 6))
        self.devices = draw.sample(sorted(AGENTS_OF), draw.randint(2, 4))
        self.tables = {"page": self.pages, "hour": self.hours, "region": self.places, "device": self.devices}

    def day(self, day):
        rows, columns = self.draw.choice([("page", "hour"), ("page", "device"), ("region", "device")])
        strong = self.draw.choice(self.tables[rows]) if self.draw.random() < 0.7 else None
        favourites = {name: {row: self.draw.choice(values) for row in self.tables[rows]}
                      for name, values in self.tables.items()}
        known, views = [], []
        for row, column in itertools.product(self.tables[rows], self.tables[columns]):
            size = self.draw.randint(K, 3 * K) if row == strong else cell_size(self.draw)
            for _ in range(size):
                fixed = {name: favourite[row] for name, favourite in favourites.items() if self.draw.random() < 0.6}
                views += self._visit(day, {**fixed, rows: row, columns: column}, known)
        return views

    def _visit(self, day, fixed, known):
        """One or more views of one visitor in a cell."""
        draw = self.draw
        some = {name: fixed.get(name) or draw.choice(values) for name, values in self.tables.items()}
        again = [p for p in draw.sample(known, min(8, len(known)))
                 if ("region" not in fixed or p.region == fixed["region"][1]) and p.device == some["device"]]
        if again and draw.random() < 0.25:
            who = again[0]
        else:
            who = person(draw, *some["region"], draw.choice(AGENTS_OF[some["device"]]))
            known.append(who)
        times = 1 + min(4, int(draw.expovariate(1.5)))
        return [self._view(day, some, who) for _ in range(times)]

    def _view(self, day, some, who):
        draw = self.draw
        page, path = (OTHER, "/nowhere") if draw.random() < 0.01 else (some["page"], some["page"])
        kind = draw.choices(("navigate", "reload", "back-forward", "soft-navigation"), (80, 10, 7, 3))[0]
        protocol = draw.choices(("h2", "h3", "http/1.1"), (60, 30, 10))[0]
        values = [("lcp", round(draw.lognormvariate(7.5, 0.6), 1))]
        if kind != "soft-navigation":
            values.append(("ttfb", round(draw.lognormvariate(5.5, 0.8), 1)))
        return View(self.name, day, some["hour"], draw.randrange(SLOTS) * 3600 // SLOTS, who, page, path, protocol, kind,
                    tuple(values))


def small_sites(seed, count, days):
    """(configuration of the sites, their views)"""
    sites = [SmallSite(f"{seed}/{n}", f"site-{n}") for n in range(count)]
    views = [view for site in sites for day in range(days) for view in site.day(day)]
    return [site_config(site.name, site.pages) for site in sites], views


def site_config(name, pages):
    return {"name": name, "origins": [f"https://{name}.example"], "time_zone": "UTC", "pages": pages}


class Portal:
    """A portal's days: Zipf's pages, of which each visitor has favourites, people's hours, regions and devices; 3.2 views a
    visitor."""

    def __init__(self, seed, name, pages, views_a_day):
        self.draw = random.Random(seed)
        self.name = name
        self.pages = [f"/page-{n}" for n in range(pages)]
        self.page_weights = list(itertools.accumulate(1 / (n + 1.5) for n in range(pages)))
        self.page_pace = [self.draw.lognormvariate(0, 0.3) for _ in range(pages)]
        self.views_a_day = views_a_day
        self.agents = [agent for agent in reference.AGENTS]
        self.agent_weights = list(itertools.accumulate(agent[3] for agent in self.agents))
        self.place_weights = list(itertools.accumulate(place[2] for place in reference.REGIONS))
        self.hour_weights = list(itertools.accumulate(reference.HOUR_SHARES))

    def config(self):
        return site_config(self.name, self.pages)

    def day(self, day):
        draw, views = self.draw, []
        while len(views) < self.views_a_day:
            place = draw.choices(PLACES, cum_weights=self.place_weights)[0]
            agent = draw.choices(self.agents, cum_weights=self.agent_weights)[0]
            who = person(draw, *place, agent[:3])
            favourites = draw.choices(range(len(self.pages)), cum_weights=self.page_weights, k=2)
            hour = draw.choices(range(24), cum_weights=self.hour_weights)[0]
            views += self._session(day, hour, who, favourites)
        return views[:self.views_a_day]

    def _session(self, day, hour, who, favourites):
        draw, found = self.draw, []
        for _ in range(1 + min(11, int(draw.expovariate(1 / 2.7)))):
            page = draw.choice(favourites) if draw.random() < 0.6 else draw.choices(
                range(len(self.pages)), cum_weights=self.page_weights)[0]
            pace = self.page_pace[page] * (1.6 if who.device == "mobile" else 1)
            values = (("lcp", round(1500 * pace * draw.lognormvariate(0, 0.5), 1)),
                      ("ttfb", round(300 * draw.lognormvariate(0, 0.7), 1)))
            second = draw.randrange(SLOTS) * 3600 // SLOTS
            kind = "navigate" if draw.random() < 0.85 else "reload"
            protocol = "h2" if draw.random() < 0.7 else "h3"
            found.append(View(self.name, day, hour, second, who, self.pages[page], self.pages[page], protocol, kind, values))
            if draw.random() < 0.1 and hour < 23:
                hour += 1
        return found
