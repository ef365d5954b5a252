# SPDX-License-Identifier: EUPL-1.2
"""The systemd unit: how much it leaves open, and that the server lives within it."""
import configparser
import os
import pathlib
import re
import subprocess

import pytest

from balise import Balise
from wait import until

UNIT = pathlib.Path(__file__).resolve().parents[2] / "packaging/systemd/balise.service"
EXPOSURE = 15  # tenths; a unit without settings has 96


def test_the_unit_leaves_little_open():
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", UNIT], check=False, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr


def system_calls(unit):
    """Those that SystemCallFilter= allows; @default always is."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], check=True, capture_output=True, text=True).stdout
    sets = {name: set(re.findall(r"^    ([@\w-]+)$", body, re.MULTILINE))
            for name, body in re.findall(r"^(@[\w-]+)\n((?:    .*\n?)*)", listed, re.MULTILINE)}

    def expand(name):
        below = [expand(word) for word in sets[name] if word.startswith("@")]
        return {word for word in sets[name] if not word.startswith("@")}.union(*below)

    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = set().union(*(expand(word) if word.startswith("@") else {word} for word in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed | expand("@default")


@pytest.fixture(name="trace", scope="module")
def _trace(tmp_path_factory):
    """What a server asks the system for in its life: views, queries, a reload, the end of a day, a stop. [(name, arguments and result)]"""
    path = tmp_path_factory.mktemp("trace") / "trace"
    with Balise({"store": {"checkpoint_seconds": 1}}, running=False) as balise:
        balise.wrapper = ["strace", "-D", "-f", "-qq", "-o", str(path), "-e", "signal=none"]
        balise.start()
        balise.visit(12)
        assert balise.reload() == "reloaded"
        day = balise.close_day()
        assert balise.views("page", day) == {"/": 12}
        balise.terminate()
    until(lambda: " exit_group(" in path.read_text(errors="replace"), what="the end of the trace")
    return re.findall(r"^\d+ +(\w+)\((.*)$", path.read_text(errors="replace"), re.MULTILINE)


def test_every_system_call_of_a_servers_life_is_allowed(trace):
    asked = {name for name, _ in trace}
    assert {"pwrite64", "fdatasync", "mlock", "accept4"} <= asked
    if os.geteuid() == 0:  # root gives new files to the folder's owner; the unit's user is not root
        asked.discard("lchown")
    assert asked <= system_calls(UNIT.read_text())


def test_no_memory_is_writable_and_executable_and_no_other_socket_is_asked_for(trace):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)
    assert not [arguments for _, arguments in trace if "PROT_WRITE|PROT_EXEC" in arguments]
    families = {arguments.partition(",")[0] for name, arguments in trace if name in ("socket", "socketpair")}
    assert families and families <= set(unit["Service"]["RestrictAddressFamilies"].split())
