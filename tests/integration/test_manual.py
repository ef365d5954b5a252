# SPDX-License-Identifier: EUPL-1.2
"""The man pages and the completion say what the program does, and nothing else."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from balise import executable, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
COMMANDS = re.findall(r"^  ([a-z][a-z-]*)  ", run("--help").stdout, re.MULTILINE)


def options_of(command):
    """What the parser itself takes, as its refusal of another option says."""
    said = run(command, "--no-such-option").stderr
    return set(OPTION.findall(said.partition(", but")[2].partition(";")[0]))


def help_of(command):
    return run("help", command).stdout


@pytest.fixture(name="pages", scope="module")
def _pages(tmp_path_factory):
    """The pages as man shows them on a wide terminal, by name."""
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, "-B", ROOT / "packaging/man/make.py", executable(), folder], check=True)
    shown = {}
    for page in folder.iterdir():
        answer = subprocess.run(["man", "--warnings", "-l", page], check=True, capture_output=True, text=True,
                                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MANWIDTH": "10000", "MAN_KEEP_FORMATTING": ""})
        assert not answer.stderr, answer.stderr
        shown[page.name] = re.sub(r"\s*\n\s*", "\n", re.sub(r".\x08|\x1b\[\d*m", "", answer.stdout))
    return shown


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "version"])
def test_the_help_of_a_command_names_exactly_the_options_it_takes(command):
    assert options_of(command) == set(OPTION.findall(help_of(command)))


def test_the_manual_has_every_command_with_its_options_and_no_other(pages):
    assert sorted(pages) == ["balise-serve.8", "balise.1", "balise.json.5"]
    chapter = pages["balise.1"].partition("\nCOMMANDS\n")[2].partition("\nEXIT STATUS\n")[0]
    parts = re.split(r"^(balise .*)$", chapter, flags=re.MULTILINE)[1:]
    told = {usage.split()[1]: set(OPTION.findall(usage + text)) for usage, text in zip(parts[::2], parts[1::2])}
    assert told == {command: set(OPTION.findall(help_of(command))) for command in COMMANDS}


def test_no_page_names_a_command_or_an_option_that_is_not_there(pages):
    known = {"help", "version", *(option for command in COMMANDS for option in options_of(command))}
    for name, text in pages.items():
        assert set(OPTION.findall(text)) <= known, name
        for command in re.findall(r"\bbalise ([a-z-]+) (?:-|COMMAND)", text):
            assert command in COMMANDS, f"{name}: {command}"


def test_the_page_of_the_configuration_has_every_field_with_default_and_bounds(pages):
    fields = re.findall(r"^(\S+) +(\w+) +(.*?)(?:  (\d+ to \d+\S*(?: \w+)?))?(?:  reloaded)?\n    (.*)$", run("check-config", "--fields").stdout, re.MULTILINE)
    told = re.findall(r"^(\S+) \((\w+), (required|default .*?)(?:, (\d+ to \d+(?: \w+)?|one of .*))?\)\n(.*)$", pages["balise.json.5"], re.MULTILINE)
    assert len(fields) > 40 and [field[0] for field in fields] == [field[0] for field in told]
    for (path, kind, default, bounds, meaning), page in zip(fields, told):
        assert page[1] == kind and page[4] == meaning, path
        assert page[2] == "required" if default == "(required)" else json.loads(page[2][len("default "):]) == json.loads(default), path
        assert page[3] == bounds or page[3].startswith("one of "), path


def test_the_page_of_the_server_names_what_a_reload_changes(pages):
    reloaded = re.findall(r"^(\S+) .*  reloaded$", run("check-config", "--fields").stdout, re.MULTILINE)
    told = pages["balise-serve.8"].partition("\nSIGHUP\n")[2].partition("\nLOG\n")[0]
    assert reloaded == [word for word in re.findall(r"[a-z_\[\]]+\.[a-z_.]+", told) if "=" not in word]


def complete(*words):
    """What bash offers for the last word."""
    script = f"""source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${{#COMP_LINE}}
$(complete -p balise | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}" """
    answer = subprocess.run(["bash", "-c", script, "bash", ROOT / "packaging/completion/balise.bash", executable(), *words],
                            check=True, capture_output=True, text=True)
    assert not answer.stderr, answer.stderr
    return answer.stdout.split()


def test_completion_offers_commands_verbs_options_and_values():
    assert complete("") == COMMANDS
    assert complete("ch") == ["check-config"]
    assert complete("token", "") == ["new", "list", "revoke"]
    assert complete("token", "new", "--ro") == ["--role"]
    assert complete("token", "new", "--role", "") == ["analyst", "dpo", "operator"]
    assert complete("query", "--format", "c") == ["csv"]
    assert complete("query", "--format", "=", "c") == ["csv"]  # as bash breaks --format=c
    assert complete("retention", "--verify", "--f") == ["--format"]


def test_completion_leaves_the_name_of_a_file_to_bash():
    assert complete("serve", "--config", "/et") == []


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "version"])
def test_completion_offers_every_option_of_a_command(command):
    assert {word[2:] for word in complete(command, "word", "--")} == options_of(command)
