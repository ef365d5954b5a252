# SPDX-License-Identifier: EUPL-1.2
"""Documents for the data protection officer: true to the configuration, and to be checked with other programs."""
import csv
import hashlib
import io
import json

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
