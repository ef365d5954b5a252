# SPDX-License-Identifier: EUPL-1.2
"""Power cuts: every change of the data folder is written down while a server takes views, makes checkpoints and closes a day.
Then the folder is put together as a cut after each change may have left it, and opened again: what was acknowledged by
then is counted, nothing twice, and no file is corrupt."""
import bisect
import datetime
import errno
import json
import os
import pathlib
import random
import shutil
import tempfile
import time
import zoneinfo

import pytest

from balise import DESKTOP, ORIGIN, ZONE
from disk import Disk, read_record
from fault import Faulty
from scenario import CONFIG, MEMORY, Life
from told import Told, feed, run_tool

CROWD = 14


class Watched(Life):
    """A life that remembers between which changes each view was sent and acknowledged."""

    def __init__(self, balise):
        super().__init__(balise)
        self.sent_at, self.acknowledged_at = [], []

    def post_one(self, connection, page, visitor):
        self.sent_at.append(self.balise.fault.recorded)
        if super().post_one(connection, page, visitor):
            self.acknowledged_at.append(self.balise.fault.recorded)


def record(fault=None):
    """A life with its changes; fault: what arm() is told once it serves. Returns the life, and its changes."""
    with Faulty(CONFIG, record=True, parent=MEMORY) as balise:
        life = Watched(balise)
        life.morning()
        if fault:
            balise.fault.arm(*fault[0], **fault[1])
        life.post(CROWD, "/aide")
        life.evening()
        if balise.fault.failed:
            life.ready()
        life.post(4)
        life.stop()
        assert not fault or balise.fault.failed
        config = {**balise.config, "geoip": {"databases": []}}
        return life, read_record(balise.folder / "record"), config, balise.data


def crowds(folder, first_day, zone):
    """Views of a late crowd on each of two days, so that both are told; a file for balise-feed."""
    lines = []
    for day in (first_day, first_day + datetime.timedelta(days=1)):
        moment = datetime.datetime.combine(day, datetime.time(22), zone)
        for n in range(CROWD):
            lines.append("\t".join((str(int(moment.timestamp() * 1000) + n), f"198.18.{n}.1", DESKTOP % 142, ORIGIN,
                                    json.dumps({"v": 1, "path": "/", "type": "navigate", "lcp": 500}))))
    path = folder / "crowds"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path, len(lines)


def count_after(disk, chance, how, next_change, parts):
    """Views that are counted when the folder of that moment is opened again, beside the crowds."""
    config, first_day, zone = parts
    folder = pathlib.Path(tempfile.mkdtemp(prefix="balise-cut-", dir=MEMORY))
    try:
        disk.cut(folder / "data", chance, how, next_change)
        (folder / "config").write_text(json.dumps({**config, "data_dir": str(folder / "data")}), encoding="utf-8")
        views, crowd = crowds(folder, first_day, zone)
        feed(folder / "config", views)
        told = Told(run_tool("balise-dump", folder / "config"))
        counted = 0
        for day in (first_day, first_day + datetime.timedelta(days=1)):
            site, pages = told.table("site", str(day)), told.table("page", str(day))
            counted += sum(cell.views for cell in site.values())
            assert not pages or sum(c.views for c in pages.values()) == sum(c.views for c in site.values())
        return counted - crowd
    finally:
        shutil.rmtree(folder)


def check_cuts(recorded, most=None, ways=("none", "some", "all")):
    """A cut after each change, or after that many of them; each in every way, or the ways in turns. How many there were."""
    life, changes, config, data = recorded
    seed = int(os.environ.get("BALISE_SEED") or time.time_ns() % 1000000)
    print(f"BALISE_SEED={seed}: {len(changes)} changes, {len(life.acknowledged_at)} acknowledged of {len(life.sent_at)}")
    chance = random.Random(seed)
    chosen = set(range(len(changes) + 1) if most is None else chance.sample(range(len(changes) + 1), most))
    parts = (config, life.first_day, zoneinfo.ZoneInfo(ZONE))
    disk, cuts = Disk(data), 0
    for n in range(len(changes) + 1):
        if n in chosen:
            for how in ways if most is None else (ways[cuts % len(ways)],):
                counted = count_after(disk, chance, how, changes[n] if n < len(changes) else None, parts)
                least, greatest = bisect.bisect_right(life.acknowledged_at, n), bisect.bisect_left(life.sent_at, n + 1)
                assert least <= counted <= greatest, f"change {n} of {len(changes)}, {how}: {least} <= {counted} <= {greatest}"
                cuts += 1
        if n < len(changes):
            disk.change(changes[n])
    print(f"{cuts} cuts: nothing acknowledged was lost")
    return cuts


FAILURES = [
    ("sync", {"before": 2, "only": ".mdb"}), ("sync", {"before": 3, "only": ".mdb"}), ("sync", {"before": 4, "only": ".mdb"}),
    ("sync", {"before": 2, "only": ".mdb", "done": True}), ("sync", {"before": 3, "only": ".mdb", "done": True}),
    ("sync", {"before": 5, "only": "/journal"}), ("sync", {"before": 5, "only": "/journal", "done": True}),
    ("sync", {"before": 0, "only": "/audit.log"}),
]


def with_failure(kind, how):
    return record(((kind,), {"code": errno.EIO, **how}))


def test_a_power_cut_loses_nothing_that_was_acknowledged():
    check_cuts(record(), 40)


@pytest.mark.parametrize(("kind", "how"), FAILURES[1:3])
def test_a_power_cut_after_a_failed_sync_loses_nothing_that_was_acknowledged(kind, how):
    check_cuts(with_failure(kind, how), 20)


@pytest.mark.long
def test_a_power_cut_after_every_change_loses_nothing_that_was_acknowledged():
    assert check_cuts(record()) > 600


@pytest.mark.long
@pytest.mark.parametrize(("kind", "how"), FAILURES)
def test_a_power_cut_after_every_change_around_a_failed_sync_loses_nothing(kind, how):
    check_cuts(with_failure(kind, how), ways=("some",))
