# SPDX-License-Identifier: EUPL-1.2
"""Run the real executable on a folder of its own, with a clock that tests can turn.

    with Balise() as balise:
        for visitor in visitors(12):
            balise.post(view(lcp=1200), **visitor)
        balise.close_day()
        balise.kpi(metric="lcp", by="page")["rows"]

BALISE_BIN names the executable (build/dev/balise without it); it must be built with test hooks, for the clock.
Both listeners are on free loopback ports. Everything that waits has a deadline.
"""
import datetime
import http.client
import ipaddress
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import urllib.parse
import zoneinfo

from wait import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN_DAYS = 3650  # the most: a test that turns the clock by years goes on asking
TEST_DATABASE = ROOT / "tests" / "support" / "mmdb" / "test.mmdb"
ORIGIN = "https://portal.example"
ZONE = "Europe/Paris"
# Far from midnight, from the ends of months and from the changes of the clocks.
START = datetime.datetime(2026, 6, 10, 9, 10, tzinfo=zoneinfo.ZoneInfo(ZONE))
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36"
MOBILE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%d.0) Gecko/20100101 Firefox/%d.0"
# The first address of each region of test.mmdb, by both families.
BLOCKS = {
    "FR-IDF": ("2001:db8::", "198.18.0.0"),
    "FR-BRE": ("2001:db8:100::", "198.18.16.0"),
    "FR-ARA": ("2001:db8:200::", "198.18.32.0"),
    "FR-OCC": ("2001:db8:300::", "198.18.48.0"),
    "DE-BY": ("2001:db8:900::", "198.18.144.0"),
}
START_SECONDS = 60  # a thread sanitizer is slow to begin with
STOP_SECONDS = 40


def executable():
    """The executable under test."""
    return os.environ.get("BALISE_BIN") or str(ROOT / "build" / "dev" / "balise")


def run(*words, environment=None, seconds=60, user=None, wrapper=()):
    """Run the executable with these words to its end; text of both streams, never an exception for its status. wrapper: a
    command that runs it."""
    return subprocess.run(
        [*wrapper, executable(), *map(str, words)], env={**os.environ, **(environment or {})}, timeout=seconds, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, user=user,
    )


def address_in(region, network, host=1):
    """The network-th /48 of a region of test.mmdb."""
    return str(ipaddress.IPv6Address(BLOCKS[region][0]) + (network << 80) + host)


def view(path="/", **measured):
    """A beacon's body."""
    return {"v": 1, "path": path, "type": "navigate", **measured}


def visitors(count, region="FR-IDF", user_agent=DESKTOP % 142):
    """Keyword arguments of post() for as many visitors of a region, each of a /48 of its own."""
    return [{"address": address_in(region, n), "user_agent": user_agent} for n in range(count)]


class Clock:
    """What balise takes for now: the system's time and a difference in a file that it maps."""

    def __init__(self, path, start):
        self.path = path
        path.write_bytes(struct.pack("=q", 0))
        self.set(start)

    def now(self, zone=ZONE):
        """The time that balise sees."""
        moment = datetime.datetime.fromtimestamp(time.time() + self._difference() / 1000, datetime.timezone.utc)
        return moment.astimezone(zoneinfo.ZoneInfo(zone))

    def set(self, moment):
        """Make it that moment (with a time zone) now."""
        self._write(round((moment.timestamp() - time.time()) * 1000))

    def advance(self, **much):
        """Go forward; as datetime.timedelta: hours=1, days=2."""
        self._write(self._difference() + round(datetime.timedelta(**much).total_seconds() * 1000))

    def go_to_next_midnight(self, zone=ZONE, after_seconds=2):
        """Go to just after the end of the day in a zone; returns the day that has ended."""
        today = self.now(zone).date()
        midnight = datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time(), zoneinfo.ZoneInfo(zone))
        self.set(datetime.datetime.fromtimestamp(midnight.timestamp() + after_seconds, datetime.timezone.utc))
        return today

    def _difference(self):
        return struct.unpack("=q", self.path.read_bytes())[0]

    def _write(self, milliseconds):
        with open(self.path, "r+b", buffering=0) as file:  # in place: the file is mapped
            file.write(struct.pack("=q", milliseconds))


class Answer:
    """An HTTP answer: status, headers and body (bytes)."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def whole(self):
        """All that came, for looking for what must not be in it."""
        return str(self.headers).encode() + self.body


def ask(port, method, path, headers=None, body=None, connection=None):
    """One request to a loopback port, on a connection of its own unless one is given."""
    own = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        own.request(method, path, body, headers or {})
        return Answer(own.getresponse())
    finally:
        if not connection:
            own.close()


class Balise:
    """A server and its folder. A context manager: it starts the server, and ends it and deletes the folder.

    config: sections that are laid over the default configuration, key by key.
    start: what the clock says first.
    running: False only makes the folder and the configuration.
    parent: where the folder is made, for a store that would take long on a disk.
    """

    def __init__(self, config=None, start=START, running=True, parent=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="balise-test-", dir=parent))
        self.data = self.folder / "data"
        self.config_path = self.folder / "balise.json"
        self.database = self.folder / "test.mmdb"
        shutil.copyfile(TEST_DATABASE, self.database)
        self.config = {
            "data_dir": str(self.data),
            "sites": [{"name": "portal", "origins": [ORIGIN], "time_zone": ZONE}],
            "public": {"listen": ["127.0.0.1:0"]},
            "private": {"listen": ["127.0.0.1:0"]},
            "geoip": {"databases": [str(self.database)]},
            "store": {"journal_kibibytes": 4096},
        }
        for name, section in (config or {}).items():
            both = isinstance(section, dict) and isinstance(self.config.get(name), dict)
            self.config[name] = {**self.config[name], **section} if both else section
        self.clock = Clock(self.folder / "clock", start)
        self.process = None
        self.wrapper = []  # a command that runs the server
        self.public_port = self.private_port = 0
        self._tokens = {}
        self._log_at = 0
        self.write_config()
        if running:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the server, whatever its state, and delete the folder."""
        if self.process:
            if "GCOV_PREFIX" in os.environ:  # what ran is written at an end, and not at a kill
                self._end_politely()
            self.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_config(self):
        self.config_path.write_text(json.dumps(self.config, indent=1), encoding="utf-8")

    # The process

    def environment(self):
        return {"BALISE_TEST_CLOCK": str(self.clock.path)}

    def launch(self):
        """Start the process without waiting for anything."""
        log = self.folder / "log"
        self._log_at = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as output:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [*self.wrapper, executable(), "serve", "--config", str(self.config_path)],
                env={**os.environ, **self.environment()}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )

    def start(self):
        """Start the server, and wait until it listens and is ready."""
        self.launch()
        until(self.look_listening, START_SECONDS, "both sides listening")
        until(lambda: self.private("GET", "/readyz").status == 200, START_SECONDS, "/readyz")

    def look_listening(self):
        """Whether both sides listen, and on which ports."""
        if self.process.poll() is not None:
            raise RuntimeError(f"balise ended with status {self.process.returncode}:\n{self.log(True)}")
        ports = dict(re.findall(r"mod=serve event=listening side=(\w+) host=\S+ port=(\d+)", self.log(True)))
        if len(ports) < 2:
            return False
        self.public_port, self.private_port = int(ports["public"]), int(ports["private"])
        return True

    def fails_to_start(self):
        """Start a server that must refuse to; returns what it says."""
        self.launch()
        status = self.process.wait(START_SECONDS)
        self.process = None
        assert status == 1, f"status {status}:\n{self.log(True)}"
        return self.log(True)

    def log(self, this_run=False):
        """Everything the servers of this folder have said, or only the last one."""
        path = self.folder / "log"
        text = path.read_bytes() if path.exists() else b""
        return text[self._log_at if this_run else 0:].decode()

    def signal(self, number):
        self.process.send_signal(number)

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def terminate(self):
        """SIGTERM; the server must end by itself, with status 0."""
        self.signal(signal.SIGTERM)
        self.wait_end()

    def _end_politely(self):
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass

    def wait_end(self):
        process, self.process = self.process, None
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        assert status == 0, f"status {status}:\n{self.log(True)}"

    def restart(self):
        """A clean stop and a new start on the same folder."""
        self.terminate()
        self.start()

    def reload(self):
        """SIGHUP; returns the event that is logged for it: reloaded or reload_refused."""
        pattern = r"mod=serve event=(reload\w+)"
        before = len(re.findall(pattern, self.log()))
        self.signal(signal.SIGHUP)
        return until(lambda: re.findall(pattern, self.log())[before:], what="an answer to SIGHUP")[0]

    # The public side

    def post(self, beacon, address=None, user_agent=DESKTOP % 142, origin=ORIGIN, headers=None, connection=None):
        """Send a beacon as a proxy on this machine would. beacon: bytes, or what becomes JSON."""
        body = beacon if isinstance(beacon, bytes) else json.dumps(beacon).encode()
        wanted = {"Content-Type": "text/plain;charset=UTF-8", "User-Agent": user_agent, "Origin": origin, "X-Forwarded-For": address}
        wanted = {name: value for name, value in {**wanted, **(headers or {})}.items() if value is not None}
        return ask(self.public_port, "POST", "/balise/b", wanted, body, connection)

    def post_all(self, posts):
        """Send many (beacon, keyword arguments) over one connection; every one must be acknowledged."""
        connection = http.client.HTTPConnection("127.0.0.1", self.public_port, timeout=30)
        try:
            for beacon, words in posts:
                assert self.post(beacon, connection=connection, **words).status == 204
        finally:
            connection.close()

    def visit(self, count=12, beacon=None, **words):
        """As many views as visitors of a region (see visitors())."""
        self.post_all([(beacon or view(), visitor) for visitor in visitors(count, **words)])

    # The private side

    def token(self, role="analyst", site=None):
        """A token, made once each and remembered."""
        if (role, site) not in self._tokens:
            words = ["--role", role, "--expires", TOKEN_DAYS, *(["--site", site] if site else [])]
            made = run("token", "new", "--config", self.config_path, *words, environment=self.environment())
            assert made.returncode == 0, made.stderr
            self._tokens[role, site] = made.stdout.splitlines()[-1]
        return self._tokens[role, site]

    def token_words(self, token):
        """The words of a command that give it a token, from a file of it; none without a token."""
        if not token:
            return []
        file = self.folder / "token"
        file.write_text(token + "\n")
        return ["--token-file", file]

    def private(self, method, path, token=None, headers=None):
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return ask(self.private_port, method, path, {**bearer, **(headers or {})})

    def ask_kpi(self, token=None, headers=None, **parameters):
        """The answer of /api/v1/kpi as it comes; site=portal unless said otherwise."""
        query = urllib.parse.urlencode({"site": "portal", **{name.rstrip("_"): value for name, value in parameters.items()}})
        return self.private("GET", f"/api/v1/kpi?{query}", token or self.token(), headers)

    def kpi(self, **parameters):
        """The JSON of /api/v1/kpi; from_ stands for from."""
        answer = self.ask_kpi(**parameters)
        assert answer.status == 200, answer.body
        return answer.json()

    def csv(self, **parameters):
        """The same as CSV text."""
        answer = self.ask_kpi(format="csv", **parameters)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    def rows(self, by, metric="lcp", **parameters):
        """The rows of a table by what they are of."""
        return {row[by]: row for row in self.kpi(by=by, metric=metric, **parameters)["rows"]}

    def views(self, by, day):
        """Views of a closed day by what they are of; day: a date."""
        rows = self.rows(by, from_=day, to=day + datetime.timedelta(days=1))
        return {name: row["views"] for name, row in rows.items()}

    def metrics(self):
        """/metrics as {name with labels: number}."""
        answer = self.private("GET", "/metrics", self.token("operator"))
        assert answer.status == 200, (answer.status, answer.body)
        lines = [line.rpartition(" ") for line in answer.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def outcomes(self):
        """Beacons by what became of them."""
        found = {name: value for name, value in self.metrics().items() if name.startswith("balise_requests_total")}
        return {re.search('"(.*)"', name)[1]: int(value) for name, value in found.items()}

    # Time

    def wait_metric(self, name, least, seconds=30):
        """Wait until a figure of /metrics is at least that."""
        return until(lambda: self.metrics()[name] >= least, seconds, f"{name} >= {least}")

    def close_day(self):
        """Let the site's day end, wait until it is closed, and return it."""
        before = self.metrics()["balise_store_closings_total"]
        day = self.clock.go_to_next_midnight()
        self.wait_metric("balise_store_closings_total", before + 1)
        return day
