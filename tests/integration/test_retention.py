# SPDX-License-Identifier: EUPL-1.2
"""`balise retention` and /api/v1/retention: policy and reality side by side, and the verdict for cron."""
import datetime
import json
import pathlib

import jsonschema
import pytest

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
        (balise.data / "audit.log").unlink()
        gone = verify(balise)
        assert gone.returncode == 1 and "the audit log is gone, though its key is there" in gone.stderr


def test_a_question_makes_no_store():
    with Balise(running=False) as balise:
        asked = run("query", "--config", balise.config_path, "--site", "portal", "--metric", "lcp")
        assert asked.returncode == 1 and "no store is there" in asked.stderr
        assert not balise.data.exists() or not list(balise.data.iterdir())
