# SPDX-License-Identifier: EUPL-1.2
"""The command line: what it answers, what it says when it cannot, and with which exit status."""
import csv
import io
import json
import os

import pytest

from balise import Balise, run, view

COMMANDS = ("serve", "check-config", "query", "token", "demo", "version")
ASKED = ("--site", "portal", "--metric", "lcp", "--by", "page")


@pytest.fixture(name="asked", scope="module")
def _asked():
    """A server with a closed day of two pages, and the words of a question about it."""
    with Balise() as balise:
        balise.visit(30, view("/", lcp=1234))
        balise.visit(15, view("/aide", lcp=2345))
        day = balise.close_day()
        # The server's own file lets the system choose the port; who asks must know it.
        config = balise.folder / "asking.json"
        config.write_text(json.dumps({**balise.config, "private": {"listen": [f"127.0.0.1:{balise.private_port}"]}}), encoding="utf-8")
        yield balise, ("query", "--config", config, *ASKED, "--from", day, "--to", balise.clock.now().date())


def numbers(text):
    """CSV as a list of dictionaries."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_running_server_is_asked_with_a_token(asked, tmp_path):
    balise, words = asked
    token_file = tmp_path / "token"
    token_file.write_text(balise.token() + "\n", encoding="utf-8")
    by_file = run(*words, "--format", "csv", "--token-file", token_file)
    by_environment = run(*words, "--format", "csv", environment={"BALISE_TOKEN": balise.token()})
    assert by_file.returncode == 0, by_file.stderr
    assert by_file.stdout == by_environment.stdout
    assert [(row["page"], row["views"]) for row in numbers(by_file.stdout)] == [("/", "30"), ("/aide", "15")]


def test_without_a_token_it_says_what_is_missing(asked):
    _, words = asked
    environment = {name: value for name, value in os.environ.items() if name != "BALISE_TOKEN"}
    answer = run(*words, environment=environment)
    assert answer.returncode == 1 and "--token-file" in answer.stderr and not answer.stdout


def test_a_stopped_server_is_read_from_its_folder_with_the_same_numbers(asked):
    balise, words = asked
    environment = {"BALISE_TOKEN": balise.token(), **balise.environment()}
    port = balise.private_port
    running = {how: run(*words, "--format", how, environment=environment).stdout for how in ("table", "csv", "json")}
    balise.terminate()
    try:
        for how, text in running.items():
            stopped = run(*words, "--format", how, environment=balise.environment())
            assert stopped.returncode == 0, stopped.stderr
            assert stopped.stdout == text
    finally:
        balise.config["private"] = {"listen": [f"127.0.0.1:{port}"]}
        balise.write_config()
        balise.start()
    rows = json.loads(running["json"])["rows"]
    assert [row["views"] for row in rows] == [int(row["views"]) for row in numbers(running["csv"])]
    assert [line.split()[:2] for line in running["table"].splitlines()[1:]] == [[row["page"], str(row["views"])] for row in rows]


def test_a_refused_query_says_what_is_possible(asked):
    balise, words = asked
    answer = run(*words, "--device", "mobile", environment={"BALISE_TOKEN": balise.token()})
    assert answer.returncode == 1 and "may be" in answer.stderr and not answer.stdout


@pytest.mark.parametrize("words, said", [
    ((), "usage"),
    (("no-such",), "no command no-such"),
    (("serve",), "--config"),
    (("serve", "--config"), "--config needs a value"),
    (("serve", "--port", "1"), "no option --port"),
    (("query", "--format", "xml"), "--format is one of"),
    (("token", "new", "--role", "king"), "--role is one of"),
    (("demo",), "--data-dir"),
    (("demo", "--data-dir", "x", "--days", "0"), "--days"),
    (("version", "please"), "takes no words"),
])
def test_wrong_words_are_told_and_end_with_2(words, said):
    answer = run(*words)
    assert answer.returncode == 2 and said in answer.stderr and not answer.stdout


def test_every_command_has_help():
    overview = run("--help")
    assert overview.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in overview.stdout
        for words in ((command, "--help"), ("help", command)):
            answer = run(*words)
            assert answer.returncode == 0 and answer.stdout.startswith(f"usage: balise {command}") and not answer.stderr
    assert run("version").stdout == run("--version").stdout != ""


def test_a_wrong_configuration_is_named_by_line_key_and_range(tmp_path):
    path = tmp_path / "balise.json"
    path.write_text('{\n "data_dir": "x",\n "sites": [{"name": "a", "origins": ["https://a.example"]}],\n'
                    ' "retention": {\n  "daily_months": 26\n }\n}', encoding="utf-8")
    answer = run("check-config", "--config", path)
    assert answer.returncode == 1
    assert f"{path}:5: " in answer.stderr and "retention.daily_months" in answer.stderr and "25" in answer.stderr


def test_a_sound_configuration_is_printed_with_its_defaults(asked):
    balise, _ = asked
    answer = run("check-config", "--config", balise.config_path)
    assert answer.returncode == 0 and "privacy.k = 10\n" in answer.stdout and "retention.daily_months = 25\n" in answer.stdout


def test_the_demo_answers_at_once(tmp_path):
    folder = tmp_path / "demo"
    filled = run("demo", "--data-dir", folder, "--days", 2, seconds=120)
    assert filled.returncode == 0, filled.stderr
    answer = run("query", "--config", folder / "balise.json", "--site", "portal", "--metric", "lcp,inp", "--by", "region", "--format", "csv")
    rows = numbers(answer.stdout)
    assert len(rows) > 5 and all(int(row["views"]) > 0 for row in rows) and float(rows[0]["lcp_p75"]) > 0
    again = run("demo", "--data-dir", folder)
    assert again.returncode == 0 and "already" in again.stderr


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path):
    (tmp_path / "version").write_text("balise store 1\n", encoding="utf-8")
    answer = run("demo", "--data-dir", tmp_path)
    assert answer.returncode == 1 and "left alone" in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["version"]
