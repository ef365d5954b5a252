# SPDX-License-Identifier: EUPL-1.2
"""Documents cannot lie about proofs: every test that they name as `file::name` exists, and so does every command that
they name as `balise name`. Every requirement of privacy has a test that bears its number."""
import re

from common import main

DOCUMENTS = re.compile(r"^(docs/.*\.md|server/documents/texts/.*|README\.md|CONTRIBUTING\.md)$")
TEST = re.compile(r"\b(tests/[\w./-]+)::(\w+)")
COMMAND = re.compile(r"`balise ([a-z][a-z-]*)")
TABLE = "server/app/app.c"
REQUIREMENTS = "docs/privacy-tests.md"
ROW = re.compile(r"^\| (\d+) \|(.*)$", re.MULTILINE)
COMMANDS = re.compile(r'^\s*\{"([a-z][a-z-]*)",', re.MULTILINE)


def is_test(text, path, name):
    """Whether a file defines a test of that name. A C test that no list runs is a compiler warning, not our matter."""
    pattern = rf"^def {name}\(" if path.endswith(".py") else rf"^static void {name}\(void"
    return re.search(pattern, text, re.MULTILINE)


def numbered(text):
    """What is wrong with the table of requirements: 1 to 46, each with a test of that number."""
    rows = ROW.findall(text)
    complaints = [f"{REQUIREMENTS}: requirement {number} is missing" for number in range(1, 47) if str(number) not in dict(rows)]
    for number, row in rows:
        if not any(f"privacy_{int(number):02}_" in name or f"_{int(number):02}_" in name for _, name in TEST.findall(row)):
            complaints.append(f"{REQUIREMENTS}: no test of requirement {number} bears its number")
    return complaints


def check(files):
    known = set(COMMANDS.findall(files.get(TABLE, "")))
    complaints = numbered(files[REQUIREMENTS]) if REQUIREMENTS in files else []
    for path, text in files.items():
        if not DOCUMENTS.match(path):
            continue
        for place, name in TEST.findall(text):
            if place not in files:
                complaints.append(f"{path}: names {place}, which is not there")
            elif not is_test(files[place], place, name):
                complaints.append(f"{path}: {place} has no test {name}")
        complaints += [f"{path}: balise has no command {name}" for name in COMMAND.findall(text) if name not in known]
    return complaints


HOUSE = {TABLE: '    {"serve", "", run},\n', "tests/a.py": "def test_x(site):\n", "tests/b.c": "static void y_is(void **state)\n"}
BAD = [
    ({**HOUSE, "docs/P.md": "`tests/a.py::test_gone`\n"}, "tests/a.py has no test test_gone"),
    ({**HOUSE, "docs/P.md": "`tests/a.py::test`\n"}, "has no test test"),
    ({**HOUSE, "docs/P.md": "`tests/c.py::test_x`\n"}, "names tests/c.py, which is not there"),
    ({**HOUSE, "server/documents/texts/r.fr.md": "`tests/b.c::z`\n"}, "tests/b.c has no test z"),
    ({**HOUSE, "README.md": "run `balise sell`\n"}, "balise has no command sell"),
]
ROWS = "".join(f"| {n} | x | `tests/n.py::test_privacy_{n:02}_is_kept` |\n" for n in range(1, 47))
NUMBERED = {**HOUSE, "tests/n.py": "".join(f"def test_privacy_{n:02}_is_kept():\n" for n in range(1, 47))}
BAD += [
    ({**NUMBERED, REQUIREMENTS: ROWS.replace("| 7 | x", "| 77 | x")}, "requirement 7 is missing"),
    ({**NUMBERED, REQUIREMENTS: ROWS.replace("privacy_46_", "privacy_45_")}, "no test of requirement 46 bears its number"),
]
GOOD = [{**NUMBERED, REQUIREMENTS: ROWS}, {**HOUSE, "docs/P.md": "`tests/a.py::test_x`, `tests/b.c::y_is`, `balise serve --config FILE`, `balise --help`\n"}]

if __name__ == "__main__":
    main(check, BAD, GOOD)
