# SPDX-License-Identifier: EUPL-1.2
"""Reads what ctest, pytest and node say about their test cases."""
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field


@dataclass
class Cases:
    passed: int = 0
    failed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


CMOCKA_LINE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (?:\S+: \d+ test\(s\)|(\w+))", re.MULTILINE)


def cmocka(output):
    """The cases of one cmocka program. Names are listed twice, where they ran and in the summary: hence sets."""
    names = {"OK": set(), "FAILED": set(), "SKIPPED": set()}
    for verdict, name in CMOCKA_LINE.findall(output):
        if name:
            names[verdict].add(name)
    return Cases(len(names["OK"]), sorted(names["FAILED"]), sorted(names["SKIPPED"]))


def ctest(path):
    """ctest --output-junit: one entry a program. A program that speaks cmocka counts case by case, others as one."""
    total = Cases()
    for program in ElementTree.parse(path).getroot().iter("testcase"):
        name = program.get("name")
        cases = cmocka(program.findtext("system-out") or "")
        cases.failed = [f"{name}: {case}" for case in cases.failed]
        cases.skipped = [f"{name}: {case}" for case in cases.skipped]
        spoke = cases.passed or cases.failed or cases.skipped
        if program.find("skipped") is not None or program.get("status") in ("notrun", "disabled"):
            # ctest also calls "not run" what it could not start: that is a failure, not a choice.
            reason = (program.find("skipped").get("message") or "") if program.find("skipped") is not None else ""
            chosen = reason.startswith("SKIP_") or program.get("status") == "disabled"
            (cases.skipped if chosen else cases.failed).append(name)
        elif program.get("status") != "run" and not cases.failed:
            cases.failed.append(name)
        elif not spoke:
            cases.passed = 1
        total.add(cases)
    return total


def pytest(path):
    """pytest --junitxml. A file that cannot even be collected is an error entry and counts as failed."""
    total = Cases()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        if case.find("failure") is not None or case.find("error") is not None:
            total.failed.append(name)
        elif case.find("skipped") is not None:
            total.skipped.append(name)
        else:
            total.passed += 1
    # A test that fails and whose teardown errs has two entries.
    total.failed = sorted(set(total.failed))
    return total


TAP_LINE = re.compile(r"^( *)(not ok|ok) \d+ - (.*?)(?: # ([A-Z]+)\b.*)?$", re.MULTILINE)


def node(path):
    """node --test in TAP: nested, a parent follows its children and is only their sum, so leaves alone count."""
    with open(path, encoding="utf-8") as handle:
        text = handle.read()
    total, before = Cases(), 0
    # The remark is TAP's word for a case that was left out: skipped, or known to be undone.
    for indent, verdict, name, remark in TAP_LINE.findall(text):
        depth, parent = len(indent), len(indent) < before
        before = depth
        if parent:
            continue
        if remark:
            total.skipped.append(name)
        elif verdict == "ok":
            total.passed += 1
        else:
            total.failed.append(name)
    return total
