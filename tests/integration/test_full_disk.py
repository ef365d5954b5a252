# SPDX-License-Identifier: EUPL-1.2
"""A disk that is full: what was acknowledged is kept, nothing more is, and with room again the server goes on by itself."""
import contextlib
import os
import re
import subprocess

import pytest

from balise import Balise, view, visitors
from wait import until


@pytest.fixture(name="balise")
def _balise():
    """A server, not started, whose data folder is a small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    with Balise({"store": {"free_mebibytes": 0}}, running=False) as balise:
        balise.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", balise.data], check=True)
        try:
            yield balise
            balise.kill9()
        finally:
            subprocess.run(["umount", "--lazy", balise.data], check=True)


def fill(folder):
    """Leave no room there; the file that takes it."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return path


def refuses(balise, cause):
    """Wait until the disk has refused a write: nothing more is acknowledged, and it is said."""
    until(lambda: re.search(rf"event=failed in={cause}\b", balise.log(True)), 30, "a write that the disk refuses")
    assert balise.post(view(), **visitors(1)[0]).status == 503
    assert balise.private("GET", "/readyz").status == 503


def goes_on(balise, filler):
    """With room again, and no hand."""
    filler.unlink()
    until(lambda: balise.private("GET", "/readyz").status == 200, 90, "recovery")
    assert "event=recovered" in balise.log(True)


def test_a_disk_that_is_full_before_the_first_checkpoint_loses_no_view(balise):
    balise.config["store"]["checkpoint_seconds"] = 1
    balise.write_config()
    balise.start()
    filler = fill(balise.data)
    balise.visit(12)
    refuses(balise, "checkpoint")
    goes_on(balise, filler)
    balise.visit(12)
    day = balise.close_day()
    assert [row["views"] for row in balise.kpi(metric="lcp", by="day", from_=day)["rows"]] == [24]


def test_a_disk_that_is_nearly_full_refuses_views_and_closes_days(balise):
    balise.config["store"]["free_mebibytes"] = 8
    balise.write_config()
    balise.start()
    balise.visit(12)
    balise.restart()  # who came so far is in a checkpoint
    filler = fill(balise.data)
    os.truncate(filler, filler.stat().st_size - 6 * 1024 * 1024)
    until(lambda: "event=disk_low" in balise.log(True), 30, "the mark")
    assert balise.post(view(), **visitors(1)[0]).status == 503
    assert balise.private("GET", "/readyz").status == 503 and balise.metrics()["balise_store_disk_low"] == 1
    day = balise.close_day()
    assert [row["views"] for row in balise.kpi(metric="lcp", by="day", from_=day)["rows"]] == [12]
    filler.unlink()
    until(lambda: balise.private("GET", "/readyz").status == 200, 30, "room")
    balise.visit(12)


def test_a_disk_that_is_full_when_a_day_ends_loses_no_view(balise):
    balise.start()
    balise.visit(12)
    balise.restart()  # who came so far is in a checkpoint
    balise.visit(12)
    filler = fill(balise.data)
    day = balise.clock.go_to_next_midnight()
    refuses(balise, "closing")
    goes_on(balise, filler)
    assert [row["views"] for row in balise.kpi(metric="lcp", by="day", from_=day)["rows"]] == [24]
