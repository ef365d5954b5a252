# SPDX-License-Identifier: EUPL-1.2
"""What the lint programs share: the files of the project, C text without comments, and how to report.

A lint is a function from {path: text} to a list of complaints. Run without arguments it reads the project; run with
--self-test it proves on small inline examples that it can fail and that it can pass.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def project_files():
    """Every file that git tracks or would track, by path from the root: its text, "" of one that is none."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    files = {}
    for name in sorted(filter(None, names)):
        path = os.path.join(ROOT, name)
        if os.path.islink(path) or not os.path.isfile(path):
            continue
        with open(path, "rb") as handle:
            data = handle.read()
        files[name] = "" if b"\0" in data else data.decode("utf-8", "replace")
    return files


C_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def bare_c(text, keep_strings=False):
    """C text with comments blanked, and strings too unless kept; line numbers stay as they are."""

    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found if keep_strings else found[0] * 2
        return " " + "\n" * found.count("\n")

    return C_NOISE.sub(blank, text)


def lines_of(text):
    return enumerate(text.splitlines(), start=1)


def main(check, bad, good):
    """bad: [(files, words of the expected complaint)]; good: [files]."""
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test(check, bad, good))
    if sys.argv[1:]:
        sys.exit(f"usage: {sys.argv[0]} [--self-test]")
    complaints = check(project_files())
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} complaint(s)")
    sys.exit(1 if complaints else 0)


def self_test(check, bad, good):
    wrong = 0
    for files, words in bad:
        complaints = check(files)
        if not any(words in complaint for complaint in complaints):
            print(f"let through: {files!r}\n  expected a complaint with {words!r}, got {complaints!r}")
            wrong += 1
    for files in good:
        complaints = check(files)
        if complaints:
            print(f"refused without cause: {files!r}\n  {complaints!r}")
            wrong += 1
    print(f"{len(bad) + len(good)} examples, {wrong} wrong")
    return 1 if wrong or not bad else 0
