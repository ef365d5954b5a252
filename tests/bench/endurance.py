#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""A long run at half of what the machine can take, with everything else going on: python3 -B tests/bench/endurance.py [SECONDS]

An hour (3600 SECONDS) of beacons at half of the rate that a short closed run reached, over HTTP/2. Meanwhile the server's clock, which is
the tests' own, runs two minutes a second: blocks and days close, the hourly tier is purged after a day, pages are asked
for once a second, the configuration is read again twice a minute. Fails when anything was refused, went unanswered or was logged as an
error, when no day was closed or no file purged, or when the most anonymous memory of the last day was more than 2 % above that of a day
from the tenth minute on (a sixth of the time). It is looked at fifty times a second, for a checkpoint needs its most for some tenths of one.
Tells each day's on the way. Runs the release with the tests' clock in it, which script/test --long --only endurance builds in build/endurance.
"""
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

os.environ.setdefault("BALISE_BENCH_BUILD", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "endurance"))
import contenders  # noqa: E402  pylint: disable=wrong-import-position
import ingest  # noqa: E402  pylint: disable=wrong-import-position
from machine import Program, free_port, stop_all  # noqa: E402  pylint: disable=wrong-import-position

sys.path.append(str(contenders.ROOT / "tests" / "support"))
from balise import Clock  # noqa: E402  pylint: disable=wrong-import-position

BURST_SECONDS = 60  # of one process of the load generator
CLOCK_MINUTES, STEP_SECONDS = 10, 5
RELOAD_SECONDS = 30
LOOK_SECONDS = 0.02  # at the memory
DAY_SECONDS = 24 * 60 / CLOCK_MINUTES * STEP_SECONDS  # a day of that clock, in which cells fill
GROWTH_AT_MOST = 1.02
LOOPS = 1


class Run:
    """The server, what is asked of it, and what is seen of it."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "log"
        self.clock = Clock(folder / "clock", datetime.datetime.now(datetime.timezone.utc))
        port, private = free_port(), free_port()
        self.config = contenders.configuration(folder, port, private, public={"loops": LOOPS, "views_a_minute": 10000000},
                                               retention={"hourly_days": 1})
        self.program = Program([contenders.BALISE, "serve", "--config", self.config], self.log, port, {"BALISE_TEST_CLOCK": str(self.clock.path)})
        self.private = private
        made = subprocess.run([contenders.BALISE, "token", "new", "--config", self.config, "--role", "operator"], check=True, capture_output=True, text=True)
        self.token = made.stdout.splitlines()[-1]
        self.corpus = ingest.corpus_of(folder, ingest.PAGES)
        self.sent = {"accepted": 0, "refused": 0, "failed": 0}
        self.asked = self.unanswered = self.reloads = 0
        self.memory = []  # (seconds, anonymous bytes)

    def get(self, path):
        request = urllib.request.Request(f"http://127.0.0.1:{self.private}{path}", headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def ask(self):
        """The p75 by page of the last two days that are over."""
        today = self.clock.now().date()
        self.asked += 1
        try:
            self.get(f"/api/v1/kpi?site=portal&metric=lcp,inp&by=page&from={today - datetime.timedelta(days=2)}&to={today}")
        except (OSError, urllib.error.URLError) as error:
            print(f"endurance: a question failed: {error}", file=sys.stderr)
            self.unanswered += 1

    def load(self, *words):
        argv = [contenders.TOOLS / "load", "--port", str(self.program.port), *ingest.H2C, *map(str, words), self.corpus]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

    def half(self):
        """Beacons a second: half of what is taken in when each answer makes room for the next."""
        told = json.loads(self.load("--seconds", 5).communicate()[0])
        return int(told["accepted"] / told["seconds"] / 2)

    def watch(self, began, done):
        told = 0
        while not done.wait(LOOK_SECONDS):
            at = time.monotonic() - began
            self.memory.append((at, self.program.anonymous_bytes()))
            if at // DAY_SECONDS > told:
                told = at // DAY_SECONDS
                print(f"endurance: {at:.0f} s, at most {self.days()[-2]} MiB on the day before", file=sys.stderr, flush=True)

    def go(self, seconds, rate):
        began, done = time.monotonic(), threading.Event()
        watcher = threading.Thread(target=self.watch, args=(began, done))
        watcher.start()
        try:
            self.turn(seconds, rate, began)
        finally:
            done.set()
            watcher.join()

    def turn(self, seconds, rate, began):
        """Load, the clock, reloads and questions."""
        burst, turned, read_again = None, began, began
        while time.monotonic() < began + seconds or burst:
            now = time.monotonic()
            if not burst:
                burst = self.load("--seconds", min(BURST_SECONDS, began + seconds - now), "--rate", rate)
            if now >= turned + STEP_SECONDS:
                self.clock.advance(minutes=CLOCK_MINUTES)
                turned = now
            if now >= read_again + RELOAD_SECONDS:
                self.program.process.send_signal(signal.SIGHUP)
                self.reloads, read_again = self.reloads + 1, now
            self.ask()
            try:
                told = json.loads(burst.communicate(timeout=max(0, 1 - (time.monotonic() - now)))[0])
            except subprocess.TimeoutExpired:
                continue
            self.sent = {name: self.sent[name] + told[name] for name in self.sent}
            burst = None

    def days(self):
        """The most memory of each day of the clock, in MiB."""
        most = {}
        for at, size in self.memory:
            most[int(at // DAY_SECONDS)] = max(size, most.get(int(at // DAY_SECONDS), 0))
        return [round(size / 2**20, 1) for _, size in sorted(most.items())]

    def growth(self, seconds):
        """The most memory of the last day beside that of a day from the first sixth on."""
        def most(begin):
            return max(size for at, size in self.memory if begin <= at <= begin + DAY_SECONDS)
        return most(max(seconds / 6, seconds - DAY_SECONDS)) / most(seconds / 6)

    def total(self, name):
        found = re.search(rf"^{name}(?:{{[^}}]*}})? (\d+)$", self.get("/metrics"), re.MULTILINE)
        return int(found[1]) if found else None


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3600
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        run = Run(pathlib.Path(name))
        try:
            rate = run.half()
            run.go(seconds, rate)
            errors = [line for line in run.log.read_text(encoding="utf-8").splitlines() if "level=error" in line]
            growth, sizes = run.growth(seconds), [size / 2**20 for _, size in run.memory]
            closings, purged = run.total('balise_store_closings_total'), run.total('balise_store_files_purged_total')
            print(f"{seconds} s at {rate:,} beacons a second: {run.sent}; {run.asked} questions, {run.unanswered} unanswered; {run.reloads} reloads; "
                  f"{closings} closings, {purged} files purged; anonymous memory {min(sizes):.1f} to {max(sizes):.1f} MiB, by day {run.days()}, "
                  f"in the last day {growth:.3f} of a day's after a sixth; {len(errors)} errors logged")
            print("\n".join(errors[:5]), file=sys.stderr)
        finally:
            stop_all()
    sys.exit(bool(errors or run.unanswered or run.sent["refused"] or run.sent["failed"] or growth > GROWTH_AT_MOST
                  or not closings or not purged))


if __name__ == "__main__":
    main()
