# SPDX-License-Identifier: EUPL-1.2
"""Nothing that could name a visitor stays: not in a file, not in the log, not in memory. And if it did, we would know."""
import http.client
import os
import subprocess

import pytest

import leaks
import mutants
from balise import ROOT, Balise, view
from canary import Flock

RELEASED = ROOT / "build" / "release" / "balise"
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="a process that nobody may dump is dumped by root only")


def secure(balise):
    """Give the public side a throw-away certificate."""
    files = {"certificate_file": str(balise.folder / "certificate.pem"), "key_file": str(balise.folder / "key.pem")}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=portal.example", "-keyout", files["key_file"], "-out", files["certificate_file"]],
        check=True, capture_output=True)
    balise.config["public"]["tls"] = files
    balise.write_config()


def often():
    """A server that writes its open day to disk every second."""
    return Balise({"store": {"checkpoint_seconds": 1}})


def what_stays_on_disk(balise, flock, pages):
    """Of a day with everything in it: while it is open, after a crash, when it is closed, and when the server has ended."""
    leaks.send_everything(balise, flock)
    leaks.visit_small_pages(balise, pages)
    balise.visit(12, view("/", lcp=900))
    balise.wait_metric("balise_store_checkpoints_total", balise.metrics()["balise_store_checkpoints_total"] + 2)
    assert leaks.add_secrets(balise, flock) > 10
    leaks.back_up(balise, "backup-open")
    found = leaks.in_files(balise, flock) | leaks.in_files(balise, pages, only="journal") | leaks.in_files(balise, pages, only="backup")
    balise.kill9()
    balise.start()
    found |= leaks.in_files(balise, flock)
    balise.close_day()
    leaks.back_up(balise, "backup-closed")
    found |= leaks.in_files(balise, flock) | leaks.in_files(balise, pages) | leaks.in_files(balise, leaks.tracers(balise), only="backup")
    balise.terminate()
    return found | leaks.in_files(balise, flock) | leaks.in_files(balise, pages)


def test_privacy_01_nothing_that_names_a_visitor_stays_on_disk():
    with often() as balise:
        assert what_stays_on_disk(balise, Flock(), Flock()) == set()


def test_nothing_stays_of_what_came_by_tls():
    with Balise(running=False) as balise:
        secure(balise)
        balise.start()
        flock = Flock()
        leaks.send_everything_by_tls(balise, flock)
        found = leaks.in_files(balise, flock)
        if os.geteuid() == 0:
            found |= set(leaks.in_memory(balise, flock))
        assert found == set()


def what_stays_in_memory(balise, flock):
    leaks.send_everything(balise, flock)
    leaks.add_secrets(balise, flock)
    # A connection is counted as closed a moment before its thread has wiped its stack: the second image is what counts.
    return leaks.in_memory(balise, flock) and leaks.in_memory(balise, flock)


@NEEDS_ROOT
def test_privacy_05_nothing_stays_in_memory_once_the_connections_are_closed():
    with Balise() as balise:
        assert what_stays_in_memory(balise, Flock()) == []


@NEEDS_ROOT
@pytest.mark.skipif(not RELEASED.exists(), reason="build/release is not there: script/build")
def test_privacy_05_nothing_stays_in_memory_of_what_is_released_either(monkeypatch):
    """Its code is generated at link time, by which the functions that wipe memory could be left out."""
    monkeypatch.setenv("BALISE_BIN", str(RELEASED))
    with Balise() as balise:
        assert what_stays_in_memory(balise, Flock()) == []


def visitors_in_memory(balise, flock):
    """Whose canaries are in the server's memory, by the name before the blank."""
    return {name.split()[0] for name in leaks.in_memory(balise, flock)}


@NEEDS_ROOT
def test_privacy_06_an_idle_connection_of_http_1_holds_its_last_request_at_most():
    with Balise() as balise:
        flock = Flock()
        connection = http.client.HTTPConnection("127.0.0.1", balise.public_port, timeout=30)
        for visitor in ("first", "second", "third"):
            said = leaks.headers(flock, visitor)
            assert balise.post(view("/"), flock.address(f"{visitor} address"), headers=said, connection=connection).status == 204
        held = leaks.in_memory(balise, flock)
        print(f"\nHTTP/1.1, open, idle: {len(held)} values of {len(flock.values)}")
        assert {name.split()[0] for name in held} <= {"third"}
        connection.close()
        leaks.wait_closed(balise)
        assert not (visitors_in_memory(balise, flock) and visitors_in_memory(balise, flock))


@NEEDS_ROOT
def test_privacy_06_an_idle_connection_of_http_2_holds_its_table_at_most():
    with Balise() as balise:
        flock = Flock()
        visits = [{"user-agent": flock[f"{n} agent"], "cookie": flock[f"{n} cookie"], "referer": flock[f"{n} referrer"]} for n in range(60)]
        with leaks.h2_requests(balise.public_port, visits):
            held = leaks.in_memory(balise, flock)
            print(f"\nHTTP/2, open, idle: {len(held)} values of {len(flock.values)}")
            assert len({name for name in held if name.endswith(" bytes")}) <= 4096 // (32 + 26)  # RFC 7541, 4.1
        leaks.wait_closed(balise)
        assert not (visitors_in_memory(balise, flock) and visitors_in_memory(balise, flock))


@pytest.mark.parametrize("patch", mutants.patches("leak"), ids=mutants.name)
def test_a_build_that_leaks_is_found_out(patch, tmp_path, monkeypatch):
    where = patch.read_text(encoding="utf-8").partition("Found in: ")[2].splitlines()[0]
    monkeypatch.setenv("BALISE_BIN", str(mutants.build(patch, tmp_path)))
    with often() as balise:
        if where == "memory":
            if os.geteuid() != 0:
                pytest.skip("a process that nobody may dump is dumped by root only")
            assert what_stays_in_memory(balise, Flock())
        else:
            found = what_stays_on_disk(balise, Flock(), Flock())
            assert any(what.startswith(where) for what in found), found


def what_a_backup_has_of_purged_periods(balise):
    """Of a page of the past: of periods that were purged, and of one that nobody has purged since its limit."""
    names, purged = Flock(), leaks.tracers(balise)
    name = names.add("page", f"/aide/{leaks.letters(names['seed'])}")
    for page in ("/", name):
        balise.visit(12, view(page, lcp=900))
    balise.close_day()
    leaks.tracers(balise, purged)
    leaks.back_up(balise, "backup-before")
    assert leaks.in_files(balise, names, only="backup-before/daily")
    balise.clock.advance(days=2)
    balise.wait_metric("balise_store_files_purged_total", 1)
    leaks.back_up(balise, "backup-after")
    found = leaks.in_files(balise, purged, only="backup-after")
    assert not list((balise.folder / "backup-after/hourly").iterdir())
    balise.terminate()
    balise.clock.advance(days=62)
    assert leaks.in_files(balise, names, only="data/daily")  # it stays while nobody is there to purge it
    leaks.back_up(balise, "backup-late")
    return found | leaks.in_files(balise, names, only="backup-late") | leaks.in_files(balise, purged, only="backup-late")


SHORT = {"retention": {"hourly_days": 1, "daily_months": 1}}


def test_privacy_35_no_backup_has_anything_of_a_purged_period():
    with Balise(SHORT) as balise:
        assert what_a_backup_has_of_purged_periods(balise) == set()


@pytest.mark.parametrize("patch", mutants.patches("backup"), ids=mutants.name)
def test_a_backup_of_what_is_past_its_limit_is_found_out(patch, tmp_path, monkeypatch):
    monkeypatch.setenv("BALISE_BIN", str(mutants.build(patch, tmp_path)))
    with Balise(SHORT) as balise:
        assert what_a_backup_has_of_purged_periods(balise)
