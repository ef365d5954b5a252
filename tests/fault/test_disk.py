# SPDX-License-Identifier: EUPL-1.2
"""A disk that refuses for a while, files that are damaged, and clocks that are set: 503 and recovery without a hand, or an
end with a word; what is damaged is set aside and said, and everything else serves on."""
import contextlib
import datetime
import errno
import os
import random
import subprocess
import zoneinfo

import pytest

from balise import ZONE, Balise, run, view, visitors
from fault import FOREVER, MAP_FULL, Faulty
from wait import until

# Views that a checkpoint, a day's end and a journal are made of.
CROWD = 14
CONFIG = {"store": {"checkpoint_seconds": 1, "journal_kibibytes": 1024}}


def views_of(balise, day):
    return sum(row["views"] for row in balise.kpi(metric="lcp", by="day", from_=day, to=day + datetime.timedelta(days=1))["rows"])


def is_refused(balise):
    return balise.post(view(), **visitors(1)[0]).status == 503


def serves(balise):
    until(lambda: balise.private("GET", "/readyz").status == 200, 90, "readiness without a hand")
    balise.visit(CROWD)


REFUSALS = {
    "the journal is full": ("write", {"code": errno.ENOSPC, "only": "/journal"}),
    "the journal does not sync": ("sync", {"code": errno.EIO, "only": "/journal"}),
    "the journal is written and not synced": ("sync", {"code": errno.EIO, "only": "/journal", "done": True}),
    "a checkpoint finds no room": ("write", {"code": errno.ENOSPC, "only": ".mdb"}),
    "a checkpoint's write fails": ("write", {"code": errno.EIO, "only": ".mdb"}),
    "a checkpoint does not sync": ("sync", {"code": errno.EIO, "only": ".mdb"}),
    "a checkpoint is written and not synced": ("sync", {"code": errno.EIO, "only": ".mdb", "done": True}),
    "a checkpoint finds its map full": ("put", {"code": MAP_FULL}),
    "no descriptor is left for files": ("open", {"code": errno.EMFILE}),
    "the folder has become read-only": ("open", {"code": errno.EROFS}),
    "the disk has become read-only under files that are open": ("write", {"code": errno.EROFS}),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_fails_for_a_while_is_answered_503_and_got_over_without_a_hand(refusal):
    kind, how = REFUSALS[refusal]
    with Faulty(CONFIG) as balise:
        balise.start()
        balise.visit(CROWD)
        before = balise.process.pid
        balise.fault.arm(kind, times=FOREVER, **how)
        accepted = []

        def refused():
            status = balise.post(view(), **visitors(1)[0]).status
            accepted.append(status == 204)
            return status == 503

        until(refused, 30, "a refusal")
        balise.fault.clear()
        serves(balise)
        assert balise.process.pid == before
        day = balise.close_day()
        assert views_of(balise, day) == 2 * CROWD + sum(accepted)


def test_descriptors_that_run_out_pause_accepting_and_nothing_else():
    with Faulty(CONFIG) as balise:
        balise.start()
        balise.fault.arm("accept", times=20)
        balise.visit(CROWD)
        assert balise.fault.failed == 20
        assert "event=accept_paused" in balise.log(True)


def test_a_folder_that_is_mounted_read_only_for_a_while_loses_nothing():
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    with Balise({"store": {**CONFIG["store"], "free_mebibytes": 0}}, running=False) as balise:
        balise.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", balise.data], check=True)
        try:
            balise.start()
            balise.visit(CROWD)
            balise.wait_metric("balise_store_checkpoints_total", balise.metrics()["balise_store_checkpoints_total"] + 1)
            balise.terminate()
            subprocess.run(["mount", "-o", "remount,ro", balise.data], check=True)
            assert "Read-only" in balise.fails_to_start()
            subprocess.run(["mount", "-o", "remount,rw", balise.data], check=True)
            balise.start()
            balise.visit(CROWD)
            day = balise.close_day()
            assert views_of(balise, day) == 2 * CROWD
            balise.kill9()
        finally:
            subprocess.run(["umount", "--lazy", balise.data], check=True)


# Damage

def cut_short(path, chance):
    os.truncate(path, chance.randrange(1, path.stat().st_size // 4096) * 4096)


def cut_in_a_page(path, chance):
    os.truncate(path, chance.randrange(4096, path.stat().st_size - 1))


def overwrite(path, chance, what):
    with open(path, "r+b") as file:
        for page in range(2, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(what(chance, 4096))


def zeroes(path, chance):
    overwrite(path, chance, lambda _, length: bytes(length))


def garbage(path, chance):
    overwrite(path, chance, lambda chance, length: chance.randbytes(length))


def no_file_of_ours(path, chance):
    path.write_bytes(chance.randbytes(20000))


# The first two in every run, what is like them with --long.
DAMAGES = [cut_in_a_page, garbage, *(pytest.param(damage, marks=pytest.mark.long) for damage in (cut_short, zeroes, no_file_of_ours))]


@contextlib.contextmanager
def stopped_store():
    """A store of two months: a day in each, and one that is open. The server has stopped."""
    start = datetime.datetime(2026, 5, 31, 9, 10, tzinfo=zoneinfo.ZoneInfo(ZONE))
    with Balise(CONFIG, start=start) as balise:
        days = []
        for _ in range(2):
            balise.visit(CROWD)
            days.append(balise.close_day())
        balise.visit(CROWD)
        balise.terminate()
        yield balise, days


def is_set_aside(balise, tier):
    """It is said, where people look: log, /metrics, audit log, retention --verify."""
    assert "event=set_aside" in balise.log(True)
    assert balise.metrics()["balise_store_files_damaged_total"] == 1
    listed = run("audit", "list", "--config", balise.config_path, environment=balise.environment())
    assert f"what=set_aside tier={tier}" in listed.stdout or ("set_aside" in listed.stdout and tier in listed.stdout), listed.stdout
    kept = run("retention", "--verify", "--config", balise.config_path, environment=balise.environment())
    assert kept.returncode == 1 and "is set aside" in kept.stdout + kept.stderr, kept


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("tier", ["open", "hourly", "daily"])
def test_a_damaged_file_is_set_aside_and_the_others_serve_on(tier, damage):
    with stopped_store() as (balise, days):
        damage(min((balise.data / tier).glob("*.mdb")), random.Random(7))
        balise.start()
        told = [views_of(balise, day) for day in days]
        hours = balise.kpi(metric="lcp", by="hour", from_=days[0])["rows"]
        is_set_aside(balise, tier)
        assert told == [0 if tier == "daily" else CROWD, CROWD]
        assert len(hours) >= 1
        balise.visit(CROWD)
        today = balise.close_day()
        assert views_of(balise, today) == (CROWD if tier == "open" else 2 * CROWD)


def test_a_journal_behind_a_lost_checkpoint_is_counted_as_other():
    with stopped_store() as (balise, _):
        balise.config["store"]["checkpoint_seconds"] = 60
        balise.write_config()
        balise.start()
        balise.visit(CROWD)
        balise.kill9()
        no_file_of_ours(next((balise.data / "open").glob("*.mdb")), random.Random(7))
        balise.start()
        balise.visit(CROWD)
        today = balise.close_day()
        assert views_of(balise, today) == 2 * CROWD  # of three crowds one was in the checkpoint


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_ends_no_server(seed):
    wreck(seed)


@pytest.mark.long
def test_much_random_damage_ends_no_server():
    for seed in range(3, 300):
        wreck(seed)


def wreck(seed):
    """Bytes of every file of the store are changed at random, most of them where LMDB keeps its pages' heads."""
    chance = random.Random(seed)
    with stopped_store() as (balise, days):
        for path in sorted(balise.data.rglob("*.mdb")):
            with open(path, "r+b") as file:
                for _ in range(chance.randrange(1, 8)):
                    page = chance.randrange(path.stat().st_size // 4096)
                    file.seek(page * 4096 + chance.randrange(chance.choice([32, 256, 4096])))
                    file.write(chance.randbytes(chance.choice([1, 2, 8])))
        balise.start()
        for day in days:
            for by in ("day", "hour", "page"):
                assert balise.ask_kpi(metric="lcp", by=by, from_=day).status in (200, 500), seed
        balise.visit(CROWD)
        balise.close_day()
        balise.terminate()


@pytest.mark.parametrize("damage", DAMAGES[:-1])
@pytest.mark.parametrize("name", ["journal", "journal.keys"])
def test_a_damaged_journal_costs_its_own_views_at_most(name, damage):
    with Balise({"store": {"checkpoint_seconds": 60, "journal_kibibytes": 1024}}) as balise:
        balise.visit(CROWD)
        balise.restart()
        balise.visit(CROWD)
        balise.kill9()
        path = balise.data / name
        if name == "journal.keys" and damage is not cut_short:
            path.write_bytes(bytes(8192) if damage is zeroes else random.Random(7).randbytes(8192))
        else:
            damage(path, random.Random(7))
        balise.start()
        balise.visit(CROWD)
        day = balise.close_day()
        assert 2 * CROWD <= views_of(balise, day) <= 3 * CROWD


# Clocks

def test_a_clock_that_is_set_back_opens_no_closed_day_again():
    with Balise(CONFIG) as balise:
        balise.visit(CROWD)
        day = balise.close_day()
        balise.terminate()
        balise.clock.advance(days=-1)
        balise.start()
        assert "event=clock_is_behind" in balise.log(True)
        balise.visit(CROWD)
        balise.terminate()
        balise.clock.advance(days=1)
        balise.start()
        balise.visit(CROWD)
        next_day = balise.close_day()
        assert (next_day - day).days == 1
        assert [views_of(balise, one) for one in (day, next_day)] == [CROWD, 2 * CROWD]


def test_a_clock_that_jumps_ahead_and_back_loses_and_repeats_nothing():
    with Balise(CONFIG) as balise:
        first = balise.clock.now().date()
        balise.visit(CROWD)
        balise.clock.advance(days=3)
        balise.visit(CROWD)
        balise.clock.advance(days=-3)
        balise.visit(CROWD)
        balise.kill9()
        balise.start()
        balise.clock.advance(days=3)
        balise.visit(CROWD)
        last = balise.close_day()
        assert [views_of(balise, first), views_of(balise, last)] == [CROWD, 3 * CROWD]


@pytest.mark.parametrize(("day", "hours"), [(datetime.date(2026, 3, 29), 23), (datetime.date(2026, 10, 25), 25)])
def test_the_days_on_which_the_clocks_change_count_every_view_once(day, hours):
    zone = zoneinfo.ZoneInfo(ZONE)
    start = datetime.datetime.combine(day, datetime.time(0, 30), zone)
    with Balise(CONFIG, start=start) as balise:
        midnight = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), zone)
        assert (midnight.timestamp() - start.timestamp()) / 3600 == hours - 0.5
        for hour in range(5):  # over the hour that is not, or is twice
            if hour:
                balise.clock.advance(hours=1)
            balise.visit(CROWD)
            if hour == 2:
                balise.kill9()
                balise.start()
        assert balise.close_day() == day
        assert views_of(balise, day) == 5 * CROWD
