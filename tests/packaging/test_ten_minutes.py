# SPDX-License-Identifier: EUPL-1.2
"""What an operator does in the first ten minutes, in a clean Debian 12 that has a portal: install the package, edit three
lines, paste the block for nginx. Then Chromium's visitors come over HTTP/2, each from a network of its own, the day ends,
and the API of the service tells what was seen.

Nothing is changed but names: balise is the package's, in its unit's sandbox; nginx, its folders and its ports are Debian's.
The day ends because libfaketime gives that one service another time of day.
"""
import datetime
import json
import math
import re
import shutil
import subprocess
import urllib.parse
import zoneinfo

import pytest

from balise import DESKTOP, ROOT
from booted import Booted
from cdp import Browser
from foreground import replace
from receiver import make_authority, make_certificate
from test_package import CONFIG, PRIVATE
from wait import until

HOST, ADDRESS = "demarches.example", "192.0.2.1"
ZONE = zoneinfo.ZoneInfo("Europe/Brussels")
PAGES = ["/", "/demarches"]
VISITORS = 21  # of two pages each: enough for a p75 of the site
LAST = 77  # number of every visitor's address
CLOCK = "/etc/balise/clock"  # of the folders that the server sees
LCP = """new Promise(done => new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
    .observe({type: "largest-contentful-paint", buffered: true}))"""
STATIC = """server {
    listen 127.0.0.1:3000;
    root /srv/portal;
    location / { try_files $uri $uri/index.html =404; }
}
"""


class Clock:
    """The service's time of day: the system's and a difference, which libfaketime reads once a second."""

    def __init__(self, room):
        self._path = room.path(CLOCK)
        self.day = datetime.datetime.now(ZONE).date()
        self.set(datetime.time(10))  # far from midnight whenever the test runs
        library = next(room.path("usr/lib").glob("*/faketime/libfaketime.so.1"))
        words = {"LD_PRELOAD": f"/{library.relative_to(room.folder)}", "FAKETIME_TIMESTAMP_FILE": CLOCK, "FAKETIME_CACHE_DURATION": 1,
                 "FAKETIME_DONT_FAKE_MONOTONIC": 1, "FAKETIME_DISABLE_SHM": 1, "NO_FAKE_STAT": 1}
        room.drop_in("".join(f"Environment={name}={value}\n" for name, value in words.items()))

    def set(self, time, days=0):
        """Make it that time, so many days after the first one."""
        moment = datetime.datetime.combine(self.day + datetime.timedelta(days=days), time, ZONE)
        self._path.write_text(f"{moment.timestamp() - datetime.datetime.now().timestamp():+.0f}\n")


def edit_three_lines(room):
    text = room.path(CONFIG).read_text()
    text = replace(text, '"https://portal.example"', f'"https://{HOST}"')
    text = replace(text, '"Europe/Paris"', f'"{ZONE.key}"')
    room.path(CONFIG).write_text(replace(text, '"pages": ["/"]', f'"pages": {json.dumps(PAGES)}'))


def paste_the_block(room, folder):
    """As it is installed, for another name; the portal is a second nginx server where the block looks for it."""
    both = make_certificate(folder, make_authority(folder), HOST).read_bytes()
    for file in (f"etc/ssl/certs/{HOST}.pem", f"etc/ssl/private/{HOST}.key", "etc/ssl/authority.pem"):
        room.path(file).parent.mkdir(parents=True, exist_ok=True)
        room.path(file).write_bytes(both)
    room.path("etc/ssl/authority.pem").write_bytes((folder / "authority.pem").read_bytes())
    block = room.path("usr/share/doc/balise/examples/nginx.conf.example").read_text()
    room.path("etc/nginx/conf.d/balise.conf").write_text(replace(block, "portal.example", HOST))
    room.path("etc/nginx/conf.d/portal.conf").write_text(STATIC)
    shutil.copytree(ROOT / "packaging/demo/portal", room.path("srv/portal"))


@pytest.fixture(name="booted", scope="module")
def _booted(bootable, tmp_path_factory):
    """The machine after those ten minutes. Its network is its loopback interface: ADDRESS is the portal's, and whole
    198.18.0.0/15 is of visitors."""
    with Booted(bootable) as booted:
        booted.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "nginx-light", "libfaketime")
        booted.clock = Clock(bootable)
        edit_three_lines(bootable)
        paste_the_block(bootable, tmp_path_factory.mktemp("authority"))
        with bootable.path("etc/hosts").open("a") as hosts:
            hosts.write(f"{ADDRESS} {HOST}\n")
        network(booted, "address", "add", "198.18.0.1/15", "dev", "lo")
        come_from(booted, 0)
        booted.run("balise", "check-config", "--config", CONFIG)
        booted.run("systemctl", "daemon-reload")
        booted.run("systemctl", "restart", "balise", "nginx")
        yield booted


def network(booted, *words):
    """ip of this machine, in the room's network."""
    subprocess.run(booted.networked("ip", *words), check=True, timeout=30)


def come_from(booted, number):
    """Whoever connects to the portal from now on is of that network."""
    network(booted, "route", "replace", "local", ADDRESS, "dev", "lo", "table", "local", "src", f"198.18.{number}.{LAST}")


def ask(booted, token, path, **words):
    status, body = booted.curl("--header", f"Authorization: Bearer {token}", f"{PRIVATE}{path}?{urllib.parse.urlencode(words)}")
    assert status == 200, body
    return body


def as_balise(booted, *words):
    """A command of balise, as the server's user."""
    return booted.run("setpriv", "--reuid=balise", "--regid=balise", "--init-groups", "balise", *words).stdout


def token_of(booted, role):
    return as_balise(booted, "token", "new", "--config", CONFIG, "--role", role).splitlines()[-1]


def accepted(booted, operator):
    found = re.search(r'^balise_requests_total\{outcome="accepted"\} (\d+)$', ask(booted, operator, "/metrics"), re.MULTILINE)
    return int(found[1])


def visit(booted, operator):
    """Every visitor sees every page, in a browser that has never been there. The next one comes once a view is counted.
    What the browser says of each view's largest contentful paint, in ms."""
    before, lcp_ms = accepted(booted, operator), []
    flags = [f"--user-agent={DESKTOP % 142}", "--ignore-certificate-errors", f"--host-resolver-rules=MAP {HOST} {ADDRESS}"]
    with Browser(flags, wrapper=booted.networked()) as browser:
        for number in range(VISITORS):
            come_from(booted, number)
            context = browser.new_context()
            for path in PAGES:
                page = browser.new_page(context)
                page.goto(f"https://{HOST}{path}")
                page.wait_painted()
                assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
                lcp_ms.append(page.evaluate(LCP))
                page.close()
                before += 1
                until(lambda least=before: accepted(booted, operator) >= least, 30, f"visitor {number}'s view of {path}")
    return lcp_ms


def test_the_doctor_finds_nothing_to_change(booted):
    said = booted.run("balise", "doctor", "--config", CONFIG, "--url", f"https://{HOST}/", "--ca-file", "/etc/ssl/authority.pem")
    found = {line.split()[1]: line.split()[0] for line in said.stdout.splitlines()}
    assert "WRONG" not in found.values(), said.stdout
    for subject in ("origin", "line", "policy", "compression", "caching", "snippet", "beacon", "memlock"):
        assert found[subject] == "well", said.stdout


def test_what_real_browsers_saw_is_answered_once_the_day_is_over(booted):
    operator, analyst = (token_of(booted, role) for role in ("operator", "analyst"))
    lcp_ms = sorted(visit(booted, operator))
    assert accepted(booted, operator) == VISITORS * len(PAGES)

    day = booted.clock.day
    words = {"site": "portal", "metric": "lcp", "from": day, "to": day + datetime.timedelta(days=1)}
    assert json.loads(ask(booted, analyst, "/api/v1/kpi", by="page", **words))["rows"] == []
    booted.clock.set(datetime.time(0, 0, 5), days=1)
    rows = until(lambda: json.loads(ask(booted, analyst, "/api/v1/kpi", by="page", **words))["rows"], 60, "the day's rows")
    assert {row["page"]: row["views"] for row in rows} == {page: VISITORS for page in PAGES}
    [whole] = json.loads(ask(booted, analyst, "/api/v1/kpi", by="day", **words))["rows"]
    assert whole["views"] == whole["lcp"]["n"] == VISITORS * len(PAGES)
    assert whole["visitors"] == 20 and whole["visitors_are"] == "estimate"  # told in fives
    p75 = lcp_ms[math.ceil(0.75 * len(lcp_ms)) - 1]
    low, high = whole["lcp"]["p75_low"], whole["lcp"]["p75_high"]  # of so few views either end may be that of a bin without one
    assert low <= 1.01 * p75 and (high is None or high >= 0.99 * p75), (low, high, lcp_ms)


def test_the_proxys_log_knows_networks_and_no_address(booted):
    log = booted.room.path("var/log/nginx/portal.access.log").read_text()
    assert f"198.18.{VISITORS - 1}.0 [" in log and f".{LAST} " not in log and "/balise/" not in log


def test_the_service_did_it_in_its_sandbox_and_without_complaint(booted):
    assert (booted.show("ActiveState"), booted.show("NRestarts")) == ("active", "0")
    said = booted.run("journalctl", "-u", "balise", "-o", "cat").stdout
    assert "event=listening" in said and "level=error" not in said


def test_a_backup_is_restored_as_the_runbook_says(booted):
    token = token_of(booted, "analyst")
    day = booted.clock.day
    words = {"site": "portal", "metric": "lcp", "by": "page", "from": day, "to": day + datetime.timedelta(days=1)}
    before = json.loads(ask(booted, token, "/api/v1/kpi", **words))["rows"]
    assert before
    runbook = (ROOT / "docs/OPERATIONS.md").read_text().partition("\n## Restore\n")[2].partition("\n## ")[0]
    commands = [line.strip() for line in runbook.splitlines() if line.startswith("    ")]
    [folder] = {word for line in commands for word in line.split() if word.startswith("/var/backups/")}
    booted.run("install", "-d", "-o", "balise", "-g", "balise", "-m", "0750", "/var/backups/balise")
    as_balise(booted, "backup", "--config", CONFIG, folder)
    for line in commands:
        booted.run("sh", "-ec", line)
    assert booted.room.path("var/lib/balise.lost/audit.log").exists()
    assert json.loads(ask(booted, token_of(booted, "analyst"), "/api/v1/kpi", **words))["rows"] == before
