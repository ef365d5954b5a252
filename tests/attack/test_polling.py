# SPDX-License-Identifier: EUPL-1.2
"""Row 21 of the privacy tests: somebody asks for the figures of today by every table, and for what /metrics says of a site,
after each beacon. Between the ends of hours none of that changes, to the byte; and all numbers of views by site and page that
were ever told, taken together, leave no fewer than k visitors. The counters of the process in /metrics do move: docs/PRIVACY.md."""
import contextlib
import datetime
import random

import crowds
import observer
from balise import view
from runs import folder
from views import FIRST_DAY
from wait import until

FIRST_HOUR, HOURS = 8, 8
TODAY = {"from_": FIRST_DAY.isoformat(), "to": (FIRST_DAY + datetime.timedelta(1)).isoformat()}
QUESTIONS = [{}, {"by": "hour"}, {"by": "page"}, {"by": "page,hour"}, {"by": "day"}, {"by": "region"}, {"by": "device"},
             {"by": "browser"}, {"by": "protocol"}, {"by": "type"}, {"by": "page,device"}, {"by": "region,device"}]
# Visitors an hour of each page: the hub's, one that is often told, two that are not.
PAGES = {"/a": (10, 16), "/b": (8, 13), "/c": (0, 4), "/d": (0, 2)}


def moment(hour, minute=5):
    return datetime.datetime.combine(FIRST_DAY, datetime.time(hour, minute), datetime.timezone.utc)


class Leak(Exception):
    """Polling has shown what it must not."""


class Poll:
    """What somebody who asks everything is told at one time: bytes, and rows as (label, hour, hours) -> views."""

    def __init__(self, balise):
        self.bytes = {tuple(question.items()): balise.ask_kpi(metric="lcp", **TODAY, **question).body for question in QUESTIONS}
        self.metrics = {name: value for name, value in balise.metrics().items() if 'site="' in name}
        self.blocks = {self._hours(row): row["views"] for row in balise.kpi(metric="lcp", by="hour", **TODAY)["rows"]}
        rows = balise.kpi(metric="lcp", by="page,hour", **TODAY)["rows"]
        self.page_blocks = {(row["page"], self._hours(row)): row["views"] for row in rows}
        self.pages = {row["page"]: row["views"] for row in balise.kpi(metric="lcp", by="page", **TODAY)["rows"]}
        self.site = sum(row["views"] for row in balise.kpi(metric="lcp", **TODAY)["rows"])

    @staticmethod
    def _hours(row):
        first = datetime.datetime.fromisoformat(row["hour"]).hour
        return (*range(first, first + row["hours"]), *range(24 - row.get("and_last_hours", 0), 24))


class Watch:
    """The beacons so far, by index, and what is told of them."""

    def __init__(self, balise):
        self.balise = balise
        self.hours, self.pages, self.visitors = [], [], []
        self.seen = {}  # every set of views that was ever told a number of
        self.poll = Poll(balise)

    def send(self, hour, page, who):
        words = {"address": who.address, "user_agent": who.agent, "origin": self.balise.config["sites"][0]["origins"][0]}
        beacon = view(path=page, lcp=1000 + len(self.hours))
        assert self.balise.post(beacon, **words).status == 204
        self.hours.append(hour)
        self.pages.append(page)
        self.visitors.append(who)

    def look(self):
        """Asks again; true if anything has changed."""
        before, self.poll = self.poll, Poll(self.balise)
        return (before.bytes, before.metrics) != (self.poll.bytes, self.poll.metrics)

    def _told_sets(self):
        views = range(len(self.hours))
        pages = {block: {page for page, of in self.poll.page_blocks if of == block} for _, block in self.poll.page_blocks}
        sums = {}
        for block, number in self.poll.blocks.items():
            yield number, [v for v in views if self.hours[v] in block]
        for (page, block), number in self.poll.page_blocks.items():
            of = [v for v in views if self.hours[v] in block and
                  (self.pages[v] == page or page == crowds.OTHER and self.pages[v] not in pages[block])]
            sums.setdefault(page, []).extend(of)
            yield number, of
        for page, number in self.poll.pages.items():
            yield number, sums.get(page, [])
        yield self.poll.site, [v for block in self.poll.blocks for v in views if self.hours[v] in block]

    def check(self):
        """The numbers of this poll are those of closed blocks, and with all earlier ones leave no fewer than k visitors."""
        for number, views in self._told_sets():
            if number != len(views):
                raise Leak(f"a number of {number} views where closed blocks have {len(views)}")
            self.seen[frozenset(views)] = views
        leaks = observer.leaks(list(self.seen.values()), self.visitors)
        if leaks:
            raise Leak(leaks)


def poll_after_each_beacon(watch):
    """Raises Leak unless closed blocks alone are ever told, and leave nobody."""
    draw = random.Random(7)
    for hour in range(FIRST_HOUR, FIRST_HOUR + HOURS):
        watch.balise.clock.set(moment(hour))
        watch.look()  # blocks may close at any time from now on, before the next beacon or after it
        watch.check()
        visits = [page for page, (least, most) in PAGES.items() for _ in range(draw.randint(least, most))]
        draw.shuffle(visits)
        for number, page in enumerate(visits):
            block, region = draw.choice(crowds.PLACES[:3])
            agent = draw.choice(crowds.AGENTS_OF["desktop"] + crowds.AGENTS_OF["mobile"])
            watch.send(hour, page, crowds.person(draw, block, region, agent))
            changed = watch.look()
            watch.check()
            if changed and number > 0:
                raise Leak("something new inside an hour")
    watch.balise.clock.set(moment(FIRST_HOUR + HOURS))
    until(lambda: watch.look() or len(watch.poll.blocks) >= HOURS - 2, what="the last block")
    watch.check()
    assert len(watch.poll.page_blocks) > HOURS


@contextlib.contextmanager
def watched():
    with folder([crowds.site_config("portal", list(PAGES))], start=moment(FIRST_HOUR)) as balise:
        balise.config["private"]["requests_a_minute"] = 1_000_000
        balise.write_config()
        balise.start()
        yield Watch(balise)


def test_privacy_21_polling_after_each_beacon_shows_closed_blocks_only():
    with watched() as watch:
        poll_after_each_beacon(watch)
