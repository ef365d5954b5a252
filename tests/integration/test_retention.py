# SPDX-License-Identifier: EUPL-1.2
"""`balise retention` and /api/v1/retention: policy and reality side by side, and the verdict for cron."""
import datetime
import json
import pathlib
import re

import jsonschema
import pytest

from audit import records
from balise import Balise, run
from wait import until

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] / "schema" / "retention.v1.schema.json").read_text(encoding="utf-8"))
SHORT = {"retention": {"hourly_days": 2, "daily_months": 1}}


def report(balise):
    """What the command prints as JSON, beside a running server or without one; it fits its schema."""
    done = run("retention", "--config", balise.config_path, "--format", "json", environment=balise.environment())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    return found


def verify(balise):
    return run("retention", "--config", balise.config_path, "--verify", environment=balise.environment())


@pytest.mark.sanitize
def test_command_and_api_tell_the_same_and_only_to_those_who_may_ask():
    with Balise(SHORT) as balise:
        for _ in range(4):
            balise.visit(15)
            last = balise.close_day()
        until(lambda: not report(balise)["unproved"], 30, "all proofs")
        told = report(balise)
        hourly = {tier["tier"]: tier for tier in told["tiers"]}["hourly"]
        assert (hourly["limit"], hourly["unit"], hourly["files"]) == (2, "days", 2)
        assert hourly["oldest"] == str(last - datetime.timedelta(days=1))
        assert hourly["last_proof"]["tracer"] == "absent" and told["clean"]
        for role in ("dpo", "operator"):
            answer = balise.private("GET", "/api/v1/retention", balise.token(role))
            assert answer.status == 200
            assert {**answer.json(), "time": 0} == {**told, "time": 0}
        assert balise.private("GET", "/api/v1/retention", balise.token("analyst")).status == 403
        assert balise.private("GET", "/api/v1/retention").status == 401
        table = run("retention", "--config", balise.config_path, environment=balise.environment())
        assert table.returncode == 0 and "2 days" in table.stdout and "purges without a proof yet: 0" in table.stdout


def test_verify_fails_while_nobody_purges_and_ends_well_after_the_start():
    with Balise(SHORT) as balise:
        balise.visit(15)
        day = balise.close_day()
        well = verify(balise)
        assert well.returncode == 0 and well.stdout.startswith("retention is kept: ") and len(well.stdout.splitlines()) == 1
        balise.terminate()
        balise.clock.advance(days=3)
        late = verify(balise)
        assert late.returncode == 1 and f"hourly: the file of {day} is older than 2 days" in late.stderr and late.stdout == ""
        balise.start()
        assert verify(balise).returncode == 0


def test_nonsense_is_refused_in_words():
    with Balise(running=False) as balise:
        assert run("retention", "--config", balise.config_path, "--format", "yaml").returncode == 2
        nothing = run("retention", "--config", balise.config_path, "--verify")
        assert nothing.returncode == 1 and str(balise.data) in nothing.stderr


def test_verify_fails_as_soon_as_a_copy_of_what_was_purged_is_found():
    with Balise(SHORT) as balise:
        balise.visit(15)
        day = balise.close_day()
        copy = balise.data / "copy-of-a-file"
        copy.write_bytes((balise.data / "hourly" / f"{day}.mdb").read_bytes())
        balise.clock.advance(days=3)
        balise.restart()
        until(lambda: "was found after its purge" in verify(balise).stderr, 30, "the copy is found")
        assert verify(balise).returncode == 1
        copy.unlink()
        balise.restart()
        until(lambda: verify(balise).returncode == 0, 30, "the proof")


def test_verify_misses_the_audit_log():
    with Balise(SHORT) as balise:
        balise.visit(15)
        balise.close_day()
        (balise.data / "audit.log").unlink()
        gone = verify(balise)
        assert gone.returncode == 1 and "the audit log is gone, though the folder holds data" in gone.stderr


def complaints(balise):
    """What the last start said of retention, as the number of problems; 0 when nothing."""
    found = re.findall(r"mod=serve event=retention_not_kept problems=(\d+)", balise.log(True))
    return int(found[0]) if found else 0


def test_what_lies_in_the_data_folder_and_is_not_of_balise_is_named():
    with Balise(SHORT) as balise:
        balise.visit(15)
        day = balise.close_day()
        balise.token()
        balise.terminate()
        inside = balise.data / "regions.mmdb"  # the configuration names it
        inside.write_bytes(balise.database.read_bytes())
        balise.config["geoip"]["databases"] = [str(inside)]
        balise.write_config()
        balise.start()
        assert verify(balise).returncode == 0 and complaints(balise) == 0
        strays = [balise.data / f"{day}.mdb", balise.data / "tokens~", balise.data / "old" / f"{day}.mdb"]
        strays[-1].parent.mkdir()
        for stray in strays:
            stray.write_bytes((balise.data / "hourly" / f"{day}.mdb").read_bytes())
        balise.restart()
        named = verify(balise)
        assert named.returncode == 1
        until(lambda: complaints(balise) == 3, 30, "the complaint of three strays")
        for name in (f"{day}.mdb", "tokens~", "old"):
            assert f"\n{name} is nothing of balise" in named.stderr, named.stderr
        assert balise.metrics()["balise_retention_problems"] == 3
        for stray in strays:
            stray.unlink()
        strays[-1].parent.rmdir()
        assert verify(balise).returncode == 0


def test_a_told_file_that_somebody_deleted_is_missed_until_it_is_back_or_given_up():
    with Balise({"retention": {"hourly_days": 5}}) as balise:
        days = []
        for _ in range(3):
            balise.visit(15)
            days.append(balise.close_day())
        made = [(record.fields["tier"], record.fields["period"]) for record in records(balise.data, "file_made")]
        assert sorted(made) == [("daily", "2026-06-01"), *(("hourly", str(day)) for day in days)]
        balise.terminate()
        hourly, daily = balise.data / "hourly" / f"{days[1]}.mdb", balise.data / "daily" / "2026-06.mdb"
        kept = daily.read_bytes()
        for path in (hourly, daily):
            path.unlink()
        balise.start()
        until(lambda: complaints(balise) == 2, 30, "the complaint of two files")  # it is told after the listeners
        missed = verify(balise)
        assert missed.returncode == 1 and missed.stdout == ""
        for tier, period in (("hourly", days[1]), ("daily", "2026-06-01")):
            assert f"{tier}: the file of {period} is gone, and not by a purge" in missed.stderr
        balise.terminate()
        daily.write_bytes(kept)
        assert "hourly" in verify(balise).stderr and "daily" not in verify(balise).stderr
        given_up = run("retention", "--config", balise.config_path, "--give-up-missing", environment=balise.environment())
        assert given_up.returncode == 0 and given_up.stdout.startswith("1 given up")
        assert [record.fields for record in records(balise.data, "file_given_up")] == [{"tier": "hourly", "period": str(days[1])}]
        assert verify(balise).returncode == 0
        balise.start()
        assert complaints(balise) == 0 and len(records(balise.data, "file_made")) == 4
        # What is purged is not missed.
        for _ in range(6):
            balise.visit(15)
            balise.close_day()
        until(lambda: verify(balise).returncode == 0, 30, "nothing missed")
        assert not hourly.with_name(f"{days[0]}.mdb").exists()


def test_a_question_makes_no_store():
    with Balise(running=False) as balise:
        asked = run("query", "--config", balise.config_path, "--site", "portal", "--metric", "lcp")
        assert asked.returncode == 1 and "no store is there" in asked.stderr
        assert not balise.data.exists() or not list(balise.data.iterdir())
