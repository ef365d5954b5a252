# SPDX-License-Identifier: EUPL-1.2
"""Documents cannot lie about proofs: every test that they name as `file::name` exists, and so does every command that
they name as `balise name`."""
import re

from common import main

DOCUMENTS = re.compile(r"^(docs/.*\.md|server/documents/texts/.*|README\.md|CONTRIBUTING\.md)$")
TEST = re.compile(r"\b(tests/[\w./-]+)::(\w+)")
COMMAND = re.compile(r"`balise ([a-z][a-z-]*)")
TABLE = "server/app/app.c"
COMMANDS = re.compile(r'^\s*\{"([a-z][a-z-]*)",', re.MULTILINE)


def is_test(text, path, name):
    """Whether a file defines a test of that name. A C test that no list runs is a compiler warning, not our matter."""
    pattern = rf"^def {name}\(" if path.endswith(".py") else rf"^static void {name}\(void"
    return re.search(pattern, text, re.MULTILINE)


def check(files):
    known = set(COMMANDS.findall(files.get(TABLE, "")))
    complaints = []
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
GOOD = [{**HOUSE, "docs/P.md": "`tests/a.py::test_x`, `tests/b.c::y_is`, `balise serve --config FILE`, `balise --help`\n"}]

if __name__ == "__main__":
    main(check, BAD, GOOD)
