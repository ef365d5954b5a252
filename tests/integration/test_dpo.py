# SPDX-License-Identifier: EUPL-1.2
"""The DPO's signature from outside: what is weaker than its default starts with it and not without."""
import json
import re

import pytest

from audit import records
from balise import Balise, run
from dpo import Dpo


def weaker():
    return {"privacy": {"k": 5}, "retention": {"hourly_days": 395}}


@pytest.fixture(name="weak")
def _weak():
    """A server that has not started, with settings weaker than the defaults."""
    with Balise(weaker(), running=False) as balise:
        yield balise


def refused(balise, *words):
    """It does not start, check-config and query say the same, and nothing is made in the data folder."""
    before = sorted(path.name for path in balise.data.glob("**/*"))
    sayings = [balise.fails_to_start()]
    for command in (("check-config",), ("retention", "--verify"), ("query", "--site", "portal", "--metric", "lcp")):
        answer = run(*command, "--config", balise.config_path)
        assert answer.returncode == 1 and not answer.stdout
        sayings.append(answer.stderr)
    for said in sayings:
        for word in words:
            assert word in said, said
    assert sorted(path.name for path in balise.data.glob("**/*")) == before
    return sayings[0]


@pytest.mark.sanitize
def test_privacy_39_a_weaker_setting_starts_with_the_dpos_signature_alone(weak):
    refused(weak, "privacy.k (and 1 more)", "default, 10", "balise dpo sign")
    dpo = Dpo(weak.folder)
    words = dpo.sign(weak)
    assert "privacy.k=5\nretention.hourly_days=395\nsite portal https://portal.example\n" in words
    weak.start()
    start = records(weak.data, "start")[-1].fields
    assert start["weaker"] == "privacy.k,retention.hourly_days" and start["privacy.k"] == "5"
    assert start["dpo.signature"] == json.dumps(weak.config["dpo"]["signature"])
    assert [record.fields for record in records(weak.data, "dpo_key")] == [{"key": dpo.public_key, "before": "none"}]
    weak.visit(6)
    assert weak.views("page", weak.close_day()) == {"/": 6}
    weak.restart()
    assert len(records(weak.data, "dpo_key")) == 1


def test_a_signature_is_of_exactly_these_settings_and_sites(weak):
    dpo = Dpo(weak.folder)
    dpo.sign(weak)
    signed = json.dumps(weak.config)

    def changed(change):
        weak.config = json.loads(signed)
        change(weak.config)
        weak.write_config()

    for change in (
        lambda config: config["privacy"].update(k=6),
        lambda config: config["retention"].update(hourly_days=394),
        lambda config: config["retention"].update(hourly_days=90),
        lambda config: config.update(margins={"page_region": "on"}),
        lambda config: config["sites"].append({"name": "health", "origins": ["https://health.example"]}),
        lambda config: config["sites"][0].update(origins=["https://health.example"]),
        lambda config: config["dpo"].update(signature="A" * 86 + "=="),
    ):
        changed(change)
        refused(weak, "dpo.signature is not of these settings")
    changed(lambda config: config["dpo"].pop("signature"))
    refused(weak, "needs the DPO's signature")
    # What is not weaker is the operator's, and so are the strengths of the others.
    changed(lambda config: config["retention"].update(daily_months=12))
    weak.start()
    weak.terminate()
    weak.config = {**json.loads(signed), "privacy": {"k": 10}, "retention": {"hourly_days": 90}}
    weak.write_config()
    weak.start()


def test_a_switch_that_tells_more_needs_a_signature_and_one_that_tells_less_does_not():
    with Balise({"margins": {"page_blocks": "off", "page_device": "off", "region_device": "off"}}, running=False) as balise:
        balise.start()
        balise.terminate()
        for name in ("page_blocks", "page_device", "page_region"):
            balise.config["margins"] = {name: "on"}
            balise.write_config()
            refused(balise, f"margins.{name}")


@pytest.mark.parametrize("section, key, value", [
    ("privacy", "k", 4), ("privacy", "k", 0), ("retention", "hourly_days", 396), ("retention", "daily_months", 26),
])
def test_privacy_29_no_signature_goes_past_a_hard_limit(weak, section, key, value):
    dpo = Dpo(weak.folder)
    dpo.sign(weak)
    weak.config[section][key] = value
    weak.write_config()
    said = run("dpo", "sign", "--key", dpo.path, "--config", weak.config_path)
    assert said.returncode == 1 and f"{section}.{key}" in said.stderr and not said.stdout
    assert f"{section}.{key}" in weak.fails_to_start()


def test_another_key_is_refused_until_the_old_one_hands_over(weak):
    old, new = Dpo(weak.folder), Dpo(weak.folder, "new.key")
    old.sign(weak)
    weak.start()
    weak.terminate()
    new.sign(weak)
    refused(weak, "dpo.public_key is not the key that the audit log knows", old.public_key)
    by_itself = run("dpo", "handover", "--key", new.path, "--to", new.public_key)
    weak.config["dpo"]["handover"] = by_itself.stdout.strip()
    weak.write_config()
    refused(weak, "dpo.public_key is not the key")
    handed = run("dpo", "handover", "--key", old.path, "--to", new.public_key)
    assert handed.returncode == 0
    weak.config["dpo"]["handover"] = handed.stdout.strip()
    weak.write_config()
    weak.start()
    weak.restart()
    assert [(r.fields["key"], r.fields["before"]) for r in records(weak.data, "dpo_key")] == [
        (old.public_key, "none"), (new.public_key, old.public_key)]
    # The way back needs the new key's word.
    weak.terminate()
    old.sign(weak)
    refused(weak, "dpo.public_key is not the key")


def test_a_log_that_was_changed_tells_no_key(weak):
    dpo = Dpo(weak.folder)
    dpo.sign(weak)
    weak.start()
    weak.terminate()
    log = weak.data / "audit.log"
    log.write_text(log.read_text().replace("what=dpo_key", "what=dpo_kez", 1))
    assert "record 2 was changed" in weak.fails_to_start()


def test_show_says_what_is_weaker_and_whether_it_is_signed(weak):
    missing = run("dpo", "show", "--config", weak.config_path)
    assert missing.returncode == 1 and "privacy.k is weaker than its default, 10" in missing.stdout
    assert "signature: missing" in missing.stdout
    dpo = Dpo(weak.folder)
    dpo.sign(weak)
    shown = run("dpo", "show", "--config", weak.config_path)
    assert shown.returncode == 0 and "signature: right" in shown.stdout and "audit log knows: none yet" in shown.stdout
    weak.start()
    shown = run("dpo", "show", "--config", weak.config_path)
    assert f"audit log knows: {dpo.public_key}" in shown.stdout
    weak.config["privacy"] = {}
    weak.config["retention"] = {}
    weak.write_config()
    plain = run("dpo", "show", "--config", weak.config_path)
    assert plain.returncode == 0 and "No setting is weaker" in plain.stdout
    nothing = run("dpo", "sign", "--key", dpo.path, "--config", weak.config_path)
    assert nothing.returncode == 1 and "nothing to sign" in nothing.stderr


def test_a_key_is_made_once_and_for_its_owner_alone(weak):
    dpo = Dpo(weak.folder)
    assert dpo.path.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", dpo.public_key)
    kept = dpo.path.read_bytes()
    again = run("dpo", "keygen", "--out", dpo.path)
    assert again.returncode == 1 and not again.stdout and dpo.path.read_bytes() == kept
    dpo.path.write_bytes(b"balise dpo key v1 nonsense\n")
    assert run("dpo", "sign", "--key", dpo.path, "--config", weak.config_path).returncode == 1
