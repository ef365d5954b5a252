# SPDX-License-Identifier: EUPL-1.2
"""`balise backup`: a copy beside a running server that answers as the folder did, and nothing in it that a query does
not tell."""
import datetime
import os
import shutil
import threading

import pytest

from audit import records
from balise import Balise, run, view

DAY = datetime.timedelta(days=1)


def backup(balise, name="backup", *more):
    """Make a backup beside the server, and return what was said and where it is."""
    folder = balise.folder / name
    return run("backup", "--config", balise.config_path, folder, *more, environment=balise.environment()), folder


def made(balise, name="backup"):
    done, folder = backup(balise, name)
    assert done.returncode == 0, done.stderr
    return folder


def fill(balise):
    balise.visit(20, view("/", lcp=900))
    balise.visit(15, view("/aide", lcp=1500), region="FR-BRE")
    balise.visit(6, view("/rare", lcp=100))
    balise.visit(6, view("/rare-too", lcp=100), region="FR-BRE")


def answers(balise, first, last):
    """Every kind of answer about the days, as it comes."""
    span = {"from_": first, "to": last + DAY, "metric": "lcp,ttfb"}
    found = {}
    for by in ("hour", "day", "page", "region", "device", "browser", "page,day", "region,device", "type", "month"):
        for form in ("json", "csv", "ndjson"):
            answer = balise.ask_kpi(by=by, format=form, **span)
            assert answer.status == 200, answer.body
            found[by, form] = answer.body
    found["soft"] = balise.ask_kpi(by="page", type="soft-navigation", **span).body
    found["bins"] = balise.ask_kpi(by="page", output="histogram", **span).body
    return found


def restore(balise, folder):
    """Put a backup in the place of the data folder, as an operator would, and start on it."""
    shutil.rmtree(balise.data)
    folder.rename(balise.data)
    balise._tokens.clear()  # pylint: disable=protected-access
    begun = run("audit", "begin", "--config", balise.config_path)
    assert begun.returncode == 0, begun.stderr
    balise.start()


@pytest.mark.sanitize
def test_a_restored_backup_answers_every_question_by_the_same_bytes():
    with Balise() as balise:
        days = []
        for _ in range(3):
            fill(balise)
            days.append(balise.close_day())
        fill(balise)
        before = answers(balise, days[0], days[-1])
        assert b"/aide" in before["page", "json"]
        done, folder = backup(balise)
        assert done.returncode == 0, done.stderr
        assert "copying hourly/2026-06-10.mdb (1 of 4)" in done.stderr and "4 files" in done.stdout and "not in it: days that are not closed yet" in done.stdout
        assert answers(balise, days[0], days[-1]) == before
        balise.terminate()
        restore(balise, folder)
        assert answers(balise, days[0], days[-1]) == before
        fill(balise)
        assert balise.views("page", balise.close_day()) == balise.views("page", days[0])
        kept = run("retention", "--verify", "--config", balise.config_path, environment=balise.environment())
        assert kept.returncode == 0, kept.stderr


def test_a_backup_holds_told_tables_and_the_audit_log_and_nothing_else():
    with Balise() as balise:
        fill(balise)
        balise.close_day()
        fill(balise)
        balise.token()
        folder = made(balise)
        head = records(balise.data)[-1]
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        assert names == [f"audit-{head.n}-{head.hash[:8]}.log", "daily/2026-06.mdb", "hourly/2026-06-10.mdb", "version"]
        begun, ended = records(balise.data)[-2:]
        assert (begun.what, ended.what) == ("backup_begun", "backup") and ended.fields["files"] == "2"
        checked = run("audit", "verify", "--log", folder / names[0], "--anchor", head.anchor)
        assert checked.returncode == 0 and head.anchor in checked.stdout
        # The log goes with the next backup too, beside the new one.
        balise.terminate()
        restore(balise, folder)
        again = made(balise)
        assert len(list(again.glob("audit-*.log"))) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
def test_what_root_makes_belongs_to_the_owner_of_the_data_folder():
    with Balise() as balise:
        fill(balise)
        balise.close_day()
        balise.terminate()
        for path in (balise.data, *balise.data.rglob("*")):
            os.chown(path, 65534, 65534)
        for lock in balise.data.rglob("*-lock"):  # as in a folder that was just restored
            lock.unlink()
        folder = made(balise)
        owned = {path: path.stat().st_uid for root in (folder, balise.data) for path in (root, *root.rglob("*"))}
        assert set(owned.values()) == {65534}, owned


def test_hours_of_a_day_that_is_not_over_for_every_site_are_left_to_the_next_backup():
    sites = [{"name": "portal", "origins": ["https://portal.example"], "time_zone": "Europe/Paris"},
             {"name": "outre-mer", "origins": ["https://other.example"], "time_zone": "America/Martinique"}]
    with Balise({"sites": sites, "store": {"checkpoint_seconds": 1}}) as balise:
        fill(balise)
        balise.post_all([(view(), {"origin": "https://other.example"})])
        balise.wait_metric("balise_store_checkpoints_total", balise.metrics()["balise_store_checkpoints_total"] + 2)
        balise.close_day()
        names = [path.name for path in made(balise).glob("hourly/*")]
        assert names == [] and (balise.folder / "backup/daily/2026-06.mdb").exists()
        balise.clock.go_to_next_midnight("America/Martinique")
        balise.wait_metric("balise_store_closings_total", 2)
        assert [path.name for path in made(balise, "next").glob("hourly/*")] == ["2026-06-10.mdb"]


def test_what_is_past_its_limit_is_left_out_though_nobody_purged_it():
    with Balise({"retention": {"hourly_days": 1, "daily_months": 1}}) as balise:
        fill(balise)
        balise.close_day()
        balise.terminate()
        balise.clock.advance(days=5)
        folder = made(balise)
        assert (balise.data / "hourly/2026-06-10.mdb").exists() and not list(folder.glob("hourly/*"))
        assert b"/aide" in (folder / "daily/2026-06.mdb").read_bytes()
        balise.clock.advance(days=40)
        folder = made(balise, "later")
        assert (balise.data / "daily/2026-06.mdb").exists() and not list(folder.glob("daily/*"))


def test_a_server_writes_closes_and_purges_while_backups_are_made():
    with Balise({"retention": {"hourly_days": 1}}) as balise:
        fill(balise)
        days = [balise.close_day()]
        failed = []

        def copy():
            for number in range(6):
                done, _ = backup(balise, f"backup-{number}", "--quiet")
                if done.returncode or done.stderr:
                    failed.append(done.stderr)

        copying = threading.Thread(target=copy)
        copying.start()
        while len(days) < 4 or (copying.is_alive() and len(days) < 12):
            fill(balise)
            days.append(balise.close_day())
        copying.join()
        assert not failed
        last = made(balise)
        seen = answers(balise, days[0], days[-1])
        balise.wait_metric("balise_store_files_purged_total", len(days) - 1)
        balise.terminate()
        restore(balise, last)
        assert answers(balise, days[0], days[-1]) == seen


def test_what_is_no_place_for_a_backup_is_said_and_left_alone():
    with Balise() as balise:
        fill(balise)
        balise.close_day()
        full = balise.folder / "full"
        full.mkdir()
        (full / "letter.txt").write_text("mine", encoding="ascii")
        done, _ = backup(balise, "full")
        assert done.returncode == 1 and "is not empty" in done.stderr and [path.name for path in full.iterdir()] == ["letter.txt"]
        done, _ = backup(balise, "data/inside")
        assert done.returncode == 1 and "in the data folder" in done.stderr and not (balise.data / "inside").exists()
        assert backup(balise, "no/such/parent")[0].returncode == 1
        assert run("backup", "--config", balise.config_path).returncode == 2
        assert "not closed yet" in run("backup", "--help").stdout
        assert not records(balise.data, "backup_begun")
        (balise.folder / "empty").mkdir()
        made(balise, "empty")
    with Balise(running=False) as nothing:
        done, folder = backup(nothing)
        assert done.returncode == 1 and "version" in done.stderr and not folder.exists()


def test_no_server_starts_on_an_unfinished_backup():
    with Balise() as balise:
        fill(balise)
        balise.close_day()
        balise.terminate()
        # As when the disk of the backup is full: the file of a tier cannot be made.
        (balise.data / "daily/2026-06.mdb").write_bytes(b"not a file of balise's" * 1000)
        done, folder = backup(balise)
        assert done.returncode == 1 and "daily/2026-06.mdb: not copied" in done.stderr and "unfinished" in done.stderr
        shutil.rmtree(balise.data)
        folder.rename(balise.data)
        assert "a backup that was not finished" in balise.fails_to_start()
