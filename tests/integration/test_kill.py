# SPDX-License-Identifier: EUPL-1.2
"""kill -9 under load at random points: what was acknowledged is counted, what was not sent is not, in every table.

A round is a day of the fake clock. Its tables appear when it closes, and need k visitors that one key epoch has seen;
its hours need k of one page that the day before chose. So each day also gets a known crowd on every page, after the
kill or (before a checkpoint) ahead of it.
"""
import collections
import datetime
import os
import random
import selectors
import socket
import time

import pytest

from balise import DESKTOP, FIREFOX, MOBILE, ORIGIN, Balise, address_in, run, view, visitors
from told import Told, run_tool
from wait import until

TABLES = ("day", "hour", "page", "region", "device", "browser", "protocol", "type")
ALWAYS_TOLD = TABLES[:3]
PAGES = ("/", "/aide", "/dossier/1042", *(f"/page-{letter}" for letter in "abcdef"))
CROWD = 12
CONNECTIONS = 12


class Load:
    """Beacons over several kept connections from one thread. sent counts what balise may have seen, acknowledged its 204s."""

    def __init__(self, port, chance):
        self.chance = chance
        self.sent = self.acknowledged = 0
        self._selector = selectors.DefaultSelector()
        self._waiting = []
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port), 30)
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ)
            self._waiting.append(connection)

    def run(self, seconds):
        """Keep a request on each connection for that long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._send()
            self._receive(min(0.005, max(0, end - time.monotonic())))

    def finish(self):
        """The server is dead: take in what it still said."""
        deadline = time.monotonic() + 30
        while self._selector.get_map():
            assert time.monotonic() < deadline, "a connection of a killed server stays open"
            self._receive(0.1)
        self._selector.close()

    def _request(self):
        chance = self.chance
        page = chance.choice(["/", "/aide", "/dossier/%d" % chance.randrange(10000), "/page-%s" % chance.choice("abcdef")])
        body = ('{"v":1,"path":"%s","type":"%s","lcp":%d,"protocol":"%s"}' % (
            page, chance.choice(["navigate", "reload"]), chance.randrange(100, 9000), chance.choice(["h2", "h3"]))).encode()
        agent = chance.choice([DESKTOP % 142, MOBILE % 142, FIREFOX % (145, 145)])
        address = address_in(chance.choice(["FR-IDF", "FR-BRE", "DE-BY"]), chance.randrange(256))
        return (f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nUser-Agent: {agent}\r\nX-Forwarded-For: {address}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def _send(self):
        for connection in self._waiting:
            self.sent += 1  # before it is: a part of it may arrive
            try:
                connection.send(self._request())
            except OSError:
                pass
        self._waiting = []

    def _receive(self, seconds):
        for key, _ in self._selector.select(seconds):
            connection = key.fileobj
            try:
                answer = connection.recv(65536)
            except OSError:
                answer = b""
            if not answer:
                self._selector.unregister(connection)
                connection.close()
                continue
            assert answer.startswith(b"HTTP/1.1 204 ") and answer.count(b"HTTP/1.1") == 1, answer
            self.acknowledged += 1
            self._waiting.append(connection)


def add_crowd(balise):
    """Known views that give each table a row of k visitors, whichever page is the hub; how many there are."""
    balise.post_all([(view(page, lcp=500, protocol="h2"), visitor) for page in PAGES for visitor in visitors(CROWD)])
    return len(PAGES) * CROWD


def wait_checkpoint(balise):
    """Until what has been acknowledged is in one: two may have begun before."""
    balise.wait_metric("balise_store_checkpoints_total", balise.metrics()["balise_store_checkpoints_total"] + 2)


def totals(balise, first, last):
    """The views of those closed days by each table."""
    answers = {by: balise.kpi(metric="lcp", by=by, from_=first, to=last)["rows"] for by in TABLES}
    return {by: sum(row["views"] for row in rows) for by, rows in answers.items()}


def check_tables(balise, first, last):
    """Of few views nothing may link a table to those before it: then it is not told that day, as a whole."""
    for day in (first + datetime.timedelta(n) for n in range((last - first).days)):
        told = totals(balise, day, day + datetime.timedelta(1))
        assert all(views in (0, told["page"]) for views in told.values()), (day, told)


def hours_of(balise, first, last, by):
    """The views that hours tell, by day."""
    rows = balise.kpi(metric="lcp", by=by, from_=first, to=last)["rows"]
    days = collections.Counter()
    for row in rows:
        days[row["hour"][:10]] += row["views"]
    return days


def check_pages_by_hour(balise, first, last):
    """A day after one of 2,000 views tells its pages by hour too, and all of it; any other nothing. How many do."""
    hours, pages = (hours_of(balise, first, last, by) for by in ("hour", "page,hour"))
    assert pages.items() <= hours.items(), (hours, pages)
    return len(pages)


def check_nothing_is_left(balise):
    """Whatever was cut off: no told cell is of fewer than k, and the folder holds today's open day and the tiers, no more."""
    told = Told(run_tool("balise-dump", balise.config_path))
    assert told.cells and not [key for key, cell in told.cells.items() if min(cell.views, cell.visitors) < 10]
    today = str(balise.clock.now().date())
    assert {path.name[:10] for path in (balise.data / "open").iterdir()} <= {today}
    assert not [path for path in balise.data.rglob("*") if path.suffix in (".new", ".tmp")]
    kept = run("retention", "--verify", "--config", balise.config_path, environment=balise.environment())
    assert kept.returncode == 0, kept.stderr


def close_day(balise):
    """Past midnight; a view of the new day makes the server look at the clock at once. Returns the day that ended."""
    before = balise.metrics()["balise_store_closings_total"]
    day = balise.clock.go_to_next_midnight()
    balise.post_all([(view(), visitor) for visitor in visitors(1)])
    until(lambda: balise.metrics()["balise_store_closings_total"] > before, 60, "the day's end")
    return day


def play(rounds, seconds, config=None):
    """Plays the rounds; asserts each. Returns the numbers of all of them."""
    seed = int(os.environ.get("BALISE_SEED") or time.time_ns() % 1000000)
    print(f"BALISE_SEED={seed}")
    chance = random.Random(seed)
    numbers = []
    with Balise({"store": {"checkpoint_seconds": 1, "journal_kibibytes": 1024}, **(config or {})}) as balise:
        days_of_pages = 0
        left = 0  # views of this day that came with the end of the one before
        for n in range(rounds):
            # Every fifth kill falls around midnight, so that the closing of a day is interrupted too.
            at_midnight = n % 5 == 4
            first = balise.clock.now().date()
            known = left + add_crowd(balise)
            if at_midnight:
                wait_checkpoint(balise)
            load = Load(balise.public_port, chance)
            load.run(chance.uniform(0, seconds))
            if at_midnight:
                balise.clock.go_to_next_midnight(after_seconds=chance.uniform(0, 2))
                load.run(chance.uniform(0, seconds))
            balise.kill9()
            load.finish()
            balise.start()
            known += add_crowd(balise)
            last = close_day(balise)
            left = 1
            told = totals(balise, first, balise.clock.now().date())
            figures = f"round {n}: {load.acknowledged + known} acknowledged, {told}, {load.sent + known} sent"
            print(figures)
            assert len({told[by] for by in ALWAYS_TOLD}) == 1, figures
            check_tables(balise, first, balise.clock.now().date())
            assert load.acknowledged + known <= told["page"] <= load.sent + known, figures
            assert last >= first
            days_of_pages += check_pages_by_hour(balise, first, balise.clock.now().date())
            numbers.append((load.acknowledged, load.sent, told["page"] - known))
        balise.terminate()
        check_nothing_is_left(balise)
    assert sum(acknowledged for acknowledged, _, _ in numbers) > 100 * rounds * seconds
    assert days_of_pages > 0 or rounds < 20
    return numbers


@pytest.mark.long
def test_privacy_34_a_thousand_kills_lose_nothing_that_was_acknowledged():
    play(1000, 0.6)


def test_fifty_kills_lose_nothing_that_was_acknowledged():
    play(50, 1.2)


@pytest.mark.sanitize
def test_privacy_34_a_few_kills_lose_nothing_that_was_acknowledged():
    play(5, 0.8)
