# SPDX-License-Identifier: EUPL-1.2
"""A life of a server in which calls fail: a start, views, a checkpoint, the end of a day, a stop. It keeps the account that
must hold afterwards, whatever failed: acknowledged <= counted <= sent."""
import http.client
import re
import signal

from balise import START_SECONDS, STOP_SECONDS, run, view, visitors
from fault import FOREVER, Faulty
from wait import until

CONFIG = {"store": {"checkpoint_seconds": 60, "journal_kibibytes": 1024}}
MEMORY = "/dev/shm"  # what fails is ours to say; a real disk's flushes would only take time
CROWD = 14  # a few may be refused, and k are left
FILLING = 64  # groups of a block each: half of a half, which asks for a checkpoint
LAST_WORDS = "level=error mod=base event=out_of_memory"  # the only end by a signal


class Life:
    """One server, and what was sent and acknowledged."""

    def __init__(self, balise):
        self.balise = balise
        self.sent = self.acknowledged = 0
        self.first_day = None

    def is_alive(self):
        return self.balise.process is not None and self.balise.process.poll() is None

    def check_end(self):
        """The process has ended: by its own will and with a word, never by a signal that nothing explains."""
        status, said = self.balise.process.wait(), self.balise.log(True)
        self.balise.process = None
        assert status >= 0 or (status == -signal.SIGABRT and LAST_WORDS in said), (status, said[-2000:])
        assert status == 0 or re.search(r"level=error|^balise: ", said, re.MULTILINE), (status, said)

    def start(self):
        """Start, as a service manager would, until it serves."""
        for _ in range(3):
            self.balise.launch()
            if until(lambda: not self.is_alive() or self._listens(), START_SECONDS, "a start or an end") and self.is_alive():
                break
            self.check_end()
        assert self.is_alive(), self.balise.log(True)

    def _listens(self):
        try:
            return self.balise.look_listening()
        except RuntimeError:
            return False  # ended meanwhile

    def ready(self):
        """What failed is over: the server serves again, by itself or by a start."""
        def is_ready():
            try:
                return self.balise.private("GET", "/readyz").status == 200
            except (OSError, http.client.HTTPException):
                return False
        until(lambda: not self.is_alive() or is_ready(), 30, "recovery without a hand")
        if not self.is_alive():
            self.check_end()
            self.start()
            until(is_ready, 30, "readiness after a start")

    def post(self, count, page="/"):
        """Views one after the other; each may be refused, or find nobody."""
        connection = http.client.HTTPConnection("127.0.0.1", self.balise.public_port, timeout=30)
        for visitor in visitors(count):
            self.post_one(connection, page, visitor)
        connection.close()

    def post_one(self, connection, page, visitor):
        """Whether it was acknowledged."""
        self.sent += 1
        try:
            status = self.balise.post(view(page, lcp=500), connection=connection, **visitor).status
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        assert status in (204, 503), status
        self.acknowledged += status == 204
        return status == 204

    def morning(self):
        """A start, and views enough for a checkpoint of those whom the day's end has to know."""
        self.start()
        self.post(CROWD)
        self.post(FILLING)

    def evening(self):
        """The end of the day."""
        self.first_day = self.balise.clock.go_to_next_midnight()
        self.post(2, "/aide")

    def stop(self):
        if not self.is_alive():
            self.check_end()
            return
        self.balise.signal(signal.SIGTERM)
        self.balise.process.wait(STOP_SECONDS)
        self.check_end()

    def count(self):
        """Views of the two days in each table, once both are over and nothing fails."""
        self.start()
        self.ready()
        self.post(CROWD)
        last = self.balise.close_day()
        first = self.first_day or last
        found = {}
        for by in ("day", "page", "device"):
            rows = self.balise.kpi(metric="lcp", by=by, from_=first)["rows"]
            found[by] = sum(row["views"] for row in rows)
        self.balise.terminate()
        return found


def live(kind, before, **how):
    """A life in which one call fails. How many of its kind it had, and whether that one came."""
    with Faulty(CONFIG, parent=MEMORY) as balise:
        life = Life(balise)
        balise.fault.arm(kind, before, **how)
        life.morning()
        if balise.fault.failed:
            life.ready()
            life.post(CROWD)  # those of before may be known by number alone
        life.evening()
        if balise.fault.failed:
            life.ready()
        life.stop()
        seen, failed = balise.fault.seen(kind), balise.fault.failed
        balise.fault.clear()
        found = life.count()
        figures = f"{kind} {before} {how}: {life.acknowledged} acknowledged, {found} counted, {life.sent} sent"
        assert life.acknowledged <= found["day"] <= life.sent, f"{figures}\n{balise.log()[-3000:]}"
        assert found["page"] in (0, found["day"]) and found["device"] in (0, found["day"]), figures
        kept = run("retention", "--verify", "--config", balise.config_path, environment=Faulty.environment(balise))
        assert kept.returncode == 0, kept.stderr
        return seen, failed


def calls(kind):
    """How many calls of a kind a life without a failure has."""
    return live(kind, FOREVER)[0]
