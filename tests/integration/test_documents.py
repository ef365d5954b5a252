# SPDX-License-Identifier: EUPL-1.2
"""Documents for the data protection officer: true to the configuration, and to be checked with other programs."""
import csv
import hashlib
import io
import json
import re

import pytest

from balise import Balise, run

LANGUAGES = ("fr", "en")


@pytest.fixture(name="folder")
def _folder():
    """A configuration and no server."""
    with Balise({"retention": {"hourly_days": 30}}, running=False) as balise:
        yield balise


def told(command, balise, *words):
    answer = run(command, "--config", balise.config_path, *words)
    assert answer.returncode == 0 and not answer.stderr, answer.stderr
    return answer.stdout


def record(balise, language="en"):
    return json.loads(told("record", balise, "--lang", language, "--format", "json"))


def test_the_records_hash_is_that_of_what_check_config_prints(folder):
    printed = run("check-config", "--config", folder.config_path).stdout
    expected = hashlib.blake2b(printed.encode(), digest_size=32).hexdigest()
    assert record(folder)["config_hash"] == expected
    for language in LANGUAGES:
        assert expected in told("record", folder, "--lang", language)


def test_the_record_has_every_setting_in_force(folder):
    lines = run("check-config", "--config", folder.config_path).stdout.splitlines()
    expected = {name: json.loads(value) for name, _, value in (line.partition(" = ") for line in lines)}
    assert record(folder)["settings"] == expected
    rows = list(csv.reader(io.StringIO(told("record", folder, "--lang", "en", "--format", "csv"), newline="")))
    assert rows[0] == ["id", "title", "text"]
    assert {title: json.loads(text) for name, title, text in rows[1:] if name == "setting"} == expected
    assert [name for name, _, _ in rows[1:] if name != "setting"] == [part["id"] for part in record(folder)["sections"]]


def test_a_changed_retention_changes_every_document(folder):
    commands = [(command, "--lang", language) for command in ("record", "notice", "dpia-inputs") for language in LANGUAGES]
    before = [told(command, folder, *words) for command, *words in commands]
    folder.config["retention"]["hourly_days"] = 29
    folder.write_config()
    after = [told(command, folder, *words) for command, *words in commands]
    for was, is_now in zip(before, after):
        assert "30" in was and "29" in is_now and was != is_now


def test_a_document_needs_no_data_folder_and_makes_none(folder):
    for command in ("record", "notice", "dpia-inputs"):
        told(command, folder, "--lang", "fr")
    assert not folder.data.exists()


def asked(balise, **words):
    query = "&".join(f"{name}={value}" for name, value in words.items())
    return balise.private("GET", f"/api/v1/record?{query}", balise.token("dpo"))


def test_privacy_38_the_record_is_of_the_configuration_that_runs():
    with Balise() as balise:
        said = re.search(r"event=started .*config=([0-9a-f]{64})", balise.log())[1]
        running = asked(balise, lang="en").json()
        assert running["config_hash"] == said == record(balise)["config_hash"]
        assert running["settings"]["retention.hourly_days"] == 90
        balise.config["retention"] = {"hourly_days": 60}
        balise.write_config()
        assert record(balise)["config_hash"] != said  # of the file
        assert asked(balise, lang="en").json()["config_hash"] == said  # of what runs
        balise.restart()
        changed = asked(balise, lang="en").json()
        assert changed["config_hash"] == record(balise)["config_hash"] != said
        assert changed["settings"]["retention.hourly_days"] == 60
        assert [part for part in changed["sections"] if part["id"] == "limits"] != [
            part for part in running["sections"] if part["id"] == "limits"]


def test_the_record_bears_an_anchor_of_the_audit_log():
    with Balise() as balise:
        anchor = asked(balise).json()["audit_head"]
        verified = run("audit", "verify", "--config", balise.config_path, "--anchor", anchor)
        assert verified.returncode == 0, verified.stderr
        assert anchor in told("dpia-inputs", balise, "--lang", "fr")
        other = anchor[:-1] + ("0" if anchor[-1] != "0" else "1")
        assert run("audit", "verify", "--config", balise.config_path, "--anchor", other).returncode != 0


def test_the_record_is_for_the_dpo_in_every_form():
    with Balise() as balise:
        assert balise.private("GET", "/api/v1/record").status == 401
        for role, site in (("analyst", None), ("operator", None), ("dpo", "portal")):
            assert balise.private("GET", "/api/v1/record", balise.token(role, site)).status == 403
        for form, media_type in (("json", "application/json"), ("csv", "text/csv; charset=utf-8"),
                                 ("markdown", "text/markdown; charset=utf-8")):
            answer = asked(balise, lang="fr", format=form)
            assert (answer.status, answer.headers["content-type"]) == (200, media_type)
        for words in ({"lang": "de"}, {"format": "xml"}, {"site": "portal"}):
            assert asked(balise, **words).status == 400


SERVERS = ["https://clickhouse-1.example:8443", "http://127.0.0.1:8123"]
SAID_OF_SERVERS = {
    "en": ("On the way to https://clickhouse-1.example:8443: encrypted", "On the way to http://127.0.0.1:8123: not encrypted", "is a processor"),
    "fr": ("Trajet vers https://clickhouse-1.example:8443 : chiffré", "Trajet vers http://127.0.0.1:8123 : non chiffré", "est un sous-traitant"),
}
SAID_OF_NOBODY = {"en": ("needs no processor", "opens no outbound connection"), "fr": ("Aucun sous-traitant", "aucune connexion sortante")}


def recipients(balise, language):
    """What the record says of recipients and transfers, without Markdown's escapes."""
    parts = {part["id"]: part["text"].replace("\\", "") for part in record(balise, language)["sections"]}
    return parts["recipients"], parts["transfers"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_record_names_the_servers_of_a_cluster_what_they_get_and_how(folder, language):
    said = " ".join(recipients(folder, language))
    assert all(words in said for words in SAID_OF_NOBODY[language]) and "ClickHouse" not in said
    folder.config["cluster"] = {"nodes": SERVERS, "node": "paris-1", "database": "portals"}
    folder.write_config()
    received, transferred = recipients(folder, language)
    assert all(words in received for words in (*SERVERS, "paris-1", "portals", *SAID_OF_SERVERS[language])), received
    assert not any(words in received + transferred for words in SAID_OF_NOBODY[language]) and "ClickHouse" in transferred
    assert "/etc/balise/ca.pem" not in received
    folder.config["cluster"].update(nodes=SERVERS[:1], ca_file="/etc/balise/ca.pem")
    folder.write_config()
    received, _ = recipients(folder, language)
    assert "/etc/balise/ca.pem" in received and "127.0.0.1" not in received
    assert SERVERS[0] in told("dpia-inputs", folder, "--lang", language)


WEBHOOK = "https://alerts.example/balise"
CONNECTS = {"nobody": {}, "a webhook": {"webhook": {"url": WEBHOOK, "secret_file": "/etc/balise/webhook.secret"}},
            "a cluster": {"cluster": {"nodes": SERVERS, "node": "paris-1", "database": "portals"}}}
CONNECTS["both"] = {**CONNECTS["a webhook"], **CONNECTS["a cluster"]}
PASSED_ON = {"en": ("Nothing is passed on to a third party", "the recipients that the record of processing names", "keeps to its targets", "Database servers"),
             "fr": ("Rien n’est transmis à un tiers", "aux destinataires que nomme le registre", "ne respecte plus ses objectifs", "Des serveurs de base de données")}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("to", CONNECTS)
def test_each_document_says_whether_totals_are_passed_on_and_to_whom(folder, language, to):
    folder.config.update(CONNECTS[to])
    folder.write_config()
    texts = {command: told(command, folder, "--lang", language).replace("\\", "") for command in ("record", "dpia-inputs", "notice")}
    nothing, recipients_named, of_webhook, of_cluster = PASSED_ON[language]
    # The notice is for everybody: it tells what the recipients are, not their addresses.
    assert (nothing in texts["notice"]) == (to == "nobody") != (recipients_named in texts["notice"])
    assert (of_webhook in texts["notice"]) == (to in ("a webhook", "both")) and WEBHOOK not in texts["notice"]
    assert (of_cluster in texts["notice"]) == (to in ("a cluster", "both")) and SERVERS[0] not in texts["notice"]
    received = " ".join(recipients(folder, language))
    assert all((words in received) == (to == "nobody") for words in SAID_OF_NOBODY[language]), received
    inputs = texts["dpia-inputs"]
    for address, ways in ((WEBHOOK, ("a webhook", "both")), (SERVERS[0], ("a cluster", "both"))):
        assert (address in received) == (address in inputs) == (address in texts["record"]) == (to in ways), address
    assert ("tests/integration/test_webhook.py" in inputs) == (to != "nobody")


def sign(balise, key):
    """What the DPO does: make a key, sign the weaker settings, put both into the configuration."""
    made = run("dpo", "keygen", "--out", key)
    assert made.returncode == 0, made.stderr
    balise.config["dpo"] = {"public_key": made.stdout.strip()}
    balise.write_config()
    signed = run("dpo", "sign", "--key", key, "--config", balise.config_path)
    assert signed.returncode == 0, signed.stderr
    balise.config["dpo"]["signature"] = signed.stdout.strip()
    balise.write_config()


def test_the_record_tells_what_is_weaker_and_whether_the_dpo_has_signed_it(tmp_path):
    with Balise({"privacy": {"k": 5}}, running=False) as balise:
        def section():
            return next(part["text"] for part in record(balise)["sections"] if part["id"] == "weaker")

        assert "privacy.k = 5 (10)" in section() and "missing" in section()
        sign(balise, tmp_path / "dpo.key")
        assert "privacy.k = 5 (10)" in section() and "valid for these settings" in section()
        balise.config["privacy"]["k"] = 6
        balise.write_config()
        assert "missing, or of other settings" in section()
        balise.config["privacy"]["k"] = 10
        balise.write_config()
        assert "every setting protects at least as much" in section()
