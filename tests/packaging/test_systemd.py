# SPDX-License-Identifier: EUPL-1.2
"""The service as systemd runs it, in its sandbox: installed, reloaded, restarted, watched, upgraded under load."""
import datetime
import json
import pathlib
import re
import shutil
import threading
import zoneinfo

import pytest

from balise import DESKTOP, Balise
from booted import Booted
from test_package import CONFIG, PRIVATE, PUBLIC, SEND, _newer  # noqa: F401  pylint: disable=unused-import
from wait import until


WATCHDOG_SECONDS = 4
DEV = pathlib.Path(__file__).resolve().parents[2] / "build/dev/balise"


@pytest.fixture(name="booted", scope="module")
def _booted(bootable):
    # Pauses that are for disks and stuck machines, not for tests.
    bootable.drop_in(f"RestartSec=100ms\nWatchdogSec={WATCHDOG_SECONDS}\n")
    with Booted(bootable) as booted:
        yield booted


@pytest.fixture(name="serving")
def _serving(booted):
    """The service, running and ready."""
    until(lambda: booted.show("SubState") == "running", 60, "the service is running")
    assert booted.curl(f"{PRIVATE}/readyz")[0] == 200
    return booted


def test_the_service_starts_with_the_machine_and_serves_in_its_sandbox(serving):
    assert serving.show("StatusText") == "Serving"
    assert serving.curl(*SEND, f"{PUBLIC}/balise/b")[0] == 204
    assert serving.curl(f"{PUBLIC}/balise/b.js")[0] == 200
    mine = serving.run("cat", f"/proc/{serving.show('MainPID')}/status").stdout
    assert re.search(r"^Seccomp:\s+2$", mine, re.MULTILINE) and re.search(r"^NoNewPrivs:\s+1$", mine, re.MULTILINE)
    assert "event=started" in serving.run("journalctl", "-u", "balise", "-o", "cat").stdout
    assert re.search(r"^CapBnd:\s+0+$", mine, re.MULTILINE)
    mounts = serving.run("cat", f"/proc/{serving.show('MainPID')}/mountinfo").stdout
    assert re.search(r" /var/lib/balise \S*\bnoexec\b", mounts), mounts  # what it writes it cannot run
    limits = serving.run("cat", f"/proc/{serving.show('MainPID')}/limits").stdout
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)  # LimitMEMLOCK= this room may not raise
    said = serving.run("journalctl", "-u", "balise", "-o", "cat").stdout
    assert "event=listening" in said and "level=error" not in said


def test_a_reload_of_a_wrong_configuration_fails_aloud_and_the_server_goes_on(serving):
    path, pid = serving.room.path(CONFIG), serving.show("MainPID")
    good = path.read_text()
    try:
        path.write_text(good.replace('"pages"', '"pagse"'))
        refused = serving.run("systemctl", "reload", "balise", check=False)
        assert refused.returncode != 0
        assert "sites[0].pagse is not known" in serving.run("journalctl", "-u", "balise", "-o", "cat").stdout
    finally:
        path.write_text(good)
    assert serving.curl(*SEND, f"{PUBLIC}/balise/b")[0] == 204
    serving.run("systemctl", "reload", "balise")
    assert (serving.show("MainPID"), serving.show("StatusText")) == (pid, "Serving")


def test_a_server_that_is_killed_is_started_again(serving):
    pid = serving.show("MainPID")
    serving.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "balise")
    until(lambda: serving.show("MainPID") not in (pid, "0") and serving.curl(f"{PRIVATE}/readyz")[0] == 200, 30, "another process")


def test_a_server_that_hangs_is_ended_and_started_again(serving):
    pid = serving.show("MainPID")
    assert serving.show("WatchdogUSec") == f"{WATCHDOG_SECONDS}s"
    serving.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "balise")
    until(lambda: serving.show("MainPID") not in (pid, "0") and serving.curl(f"{PRIVATE}/readyz")[0] == 200, 60, "another process")
    assert "Watchdog timeout" in serving.run("journalctl", "-u", "balise", "-o", "cat").stdout


class Load(threading.Thread):
    """Views of some thirty visitors, one after the other, and what each was answered."""

    def __init__(self, booted):
        super().__init__()
        self._booted, self.ended, self.answers = booted, threading.Event(), []

    def run(self):
        while not self.ended.is_set():
            visitor = ["--user-agent", DESKTOP % 142, "--header", f"X-Forwarded-For: 198.18.{len(self.answers) % 30}.7"]
            self.answers.append(self._booted.curl(*SEND, *visitor, f"{PUBLIC}/balise/b")[0])


def told_tomorrow(room, monkeypatch):
    """What a server tells of today's views once the day has ended: one with a clock that can be turned, on a copy of the data."""
    if not DEV.exists():
        pytest.skip("build/dev/balise is missing: its clock can be turned")
    monkeypatch.setenv("BALISE_BIN", str(DEV))
    sites = json.loads(room.path(CONFIG).read_text())["sites"]
    now = datetime.datetime.now(zoneinfo.ZoneInfo(sites[0]["time_zone"]))
    with Balise({"sites": sites}, start=now + datetime.timedelta(days=1), running=False) as reader:
        shutil.copytree(room.path("var/lib/balise"), reader.data)
        reader.start()
        return reader.kpi(metric="lcp", by="day", from_=now.date())["rows"]


def test_an_upgrade_under_load_loses_no_acknowledged_view(serving, newer, monkeypatch):
    pid = serving.show("MainPID")
    load = Load(serving)
    load.start()
    try:
        until(lambda: load.answers.count(204) >= 20, 30, "views")
        serving.room.path("newer.deb").write_bytes(newer.read_bytes())
        serving.run("apt-get", "install", "-q", "-y", "/newer.deb")
        at = len(load.answers)
        until(lambda: load.answers[at:].count(204) >= 20, 30, "views after the upgrade")
    finally:
        load.ended.set()
        load.join()
    assert serving.show("MainPID") not in (pid, "0")
    assert set(load.answers) <= {204, 503, 0}  # 0: nobody listened for a moment
    serving.run("systemctl", "stop", "balise")
    [row] = told_tomorrow(serving.room, monkeypatch)
    assert load.answers.count(204) <= row["views"] <= len(load.answers)
    assert row["visitors_are"] == "upper_bound"
