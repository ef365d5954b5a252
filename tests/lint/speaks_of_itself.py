# SPDX-License-Identifier: EUPL-1.2
"""The project speaks of itself alone: no path of somebody's machine, no package registry, nothing left open, and no
link to a file that is not there."""
import os
import re

from common import lines_of, main

# Joined from pieces so that this file can be read by itself.
PATTERNS = [
    (re.compile(r"(?:^|[^\w.])/(?:work|home|" + "root)/"), "a path of one machine"),
    (re.compile(r"(?:registry\.npm|npm)" + r"js\.|deb\.debian" + r"\.org|py" + r"pi\.org|node" + "source"),
     "a registry's host: its user's configuration knows it"),
    (re.compile(r'"resol' + r'ved":\s*"https?:'), "a registry's address in a lock file (npm: omit-lockfile-registry-*)"),
    (re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"), "something left open"),
]
EXEMPT = ("LICENSE", "tests/corpus/")

LINK = re.compile(r"\]\((?!https?:|mailto:|#|/)([^)#\s]+)(?:#[^)]*)?\)")


def dead_links(path, line, names):
    for target in LINK.findall(line):
        place = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if place not in names and not any(name.startswith(place + "/") for name in names):
            yield f"links to {target}, which is not there"


def check(files):
    complaints = []
    for path, text in files.items():
        if path.startswith(EXEMPT):
            continue
        for number, line in lines_of(text):
            reasons = [reason for pattern, reason in PATTERNS if pattern.search(line)]
            if path.endswith(".md"):
                reasons += dead_links(path, line, files)
            complaints += [f"{path}:{number}: {reason}" for reason in reasons]
    return complaints


BAD = [
    ({"docs/a.md": "see /ho" + "me/someone/x\n"}, "docs/a.md:1: a path of one machine"),
    ({"script/a": "cd /ro" + "ot/x\n"}, "a path of one machine"),
    ({"script/a": "curl https://registry.npm" + "js.org/x\n"}, "registry's host"),
    ({"beacon/package-lock.json": '\n  "resol' + 'ved": "https://mirror.example/x.tgz"\n'}, "json:2: a registry's"),
    ({"server/base/a.c": "// TO" + "DO later\n"}, "left open"),
    ({"docs/a.md": "[b](b.md)\n"}, "links to b.md"),
    ({"docs/a.md": "[b](../../b.md)\n", "b.md": ""}, "links to ../../b.md"),
]
GOOD = [
    {"docs/a.md": "[b](b.md#part) [c](../server/) [d](https://portal.example/) [e](#here)\n", "docs/b.md": "",
     "server/main.c": "int ro" + "ot/x;\n"},
    {"packaging/balise.service": "ReadWritePaths=/var/lib/balise\n"},
]

if __name__ == "__main__":
    main(check, BAD, GOOD)
