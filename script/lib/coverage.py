# SPDX-License-Identifier: EUPL-1.2
"""What ran of server/, out of the counts that a coverage build left: a table by folder, and what did not.

    coverage.py BUILD-FOLDER REPORT-FOLDER

Ends with status 1 where less ran than there must: 95 % of all lines, 85 % of all branches, every line of the acknowledgement path.
Reads what gcc's own gcov says of every object, and adds up what several say of one file (a floor that a test compiles for itself is
such a one). Branches of an assertion are not counted: the other way ends the program. Neither are those of a line that holds no
decision of its own."""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# From a socket to the disk and the answer.
ACKNOWLEDGEMENT = ("ingest/ingest.c", "http/beacon.c", "http/flights.c", "store/writer.c", "store/land.c", "store/journal.c",
                   "store/record.c", "store/blocks.c", "store/keyslot.c", "core/flight.c")
LINES_AT_LEAST, BRANCHES_AT_LEAST = 0.95, 0.85
ASSERTION = re.compile(r"\bassert\(")


class File:
    """Lines and branches of one source file, whoever ran them."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.defaultdict(list)

    def add(self, lines):
        for line in lines:
            number = line["line_number"]
            self.lines[number] += line["count"]
            counts = [branch["count"] for branch in line["branches"]]
            known = self.branches[number]
            if len(known) == len(counts):
                self.branches[number] = [a + b for a, b in zip(known, counts)]
            elif sum(counts) >= sum(known):
                self.branches[number] = counts  # another compilation's: they cannot be added

    def forget_assertions(self, text):
        for number in list(self.branches):
            if ASSERTION.search(text[number - 1]):
                del self.branches[number]

    def figures(self):
        """(lines, lines that ran, branches, branches that were taken)"""
        taken = [count for counts in self.branches.values() for count in counts]
        return len(self.lines), sum(map(bool, self.lines.values())), len(taken), sum(map(bool, taken))


def gcov(counts):
    """What gcov says of one object's counts: [{file, lines}]."""
    said = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", str(counts)], cwd=counts.parent,
                          capture_output=True, text=True, check=True).stdout
    return [(file["file"], [{"line_number": line["line_number"], "count": line["count"], "branches": line["branches"]} for line in file["lines"]])
            for document in map(json.loads, filter(None, said.splitlines())) for file in document["files"]]


def read(build):
    files = collections.defaultdict(File)
    # Of an object that never ran there are notes alone, and gcov counts zero.
    notes = sorted(path for path in build.rglob("*.gcno") if "/tests/" not in str(path) or "query_over_fake" in str(path))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(gcov, notes):
            for name, lines in found:
                path = os.path.normpath(os.path.join(build, name))
                if path.startswith(f"{ROOT}/server/"):
                    files[os.path.relpath(path, ROOT / "server")].add(lines)
    for name, file in files.items():
        file.forget_assertions((ROOT / "server" / name).read_text(encoding="utf-8").splitlines())
    return files


def percent(part, whole):
    return f"{100 * part / whole:6.2f} %" if whole else "       –"


def row(name, figures):
    lines, ran, branches, taken = map(sum, zip(*figures))
    return f"{name:24} {lines:6} {percent(ran, lines)} {branches:7} {percent(taken, branches)}"


def table(files):
    folders = collections.defaultdict(list)
    for name, file in files.items():
        folders[name.split("/")[0] if "/" in name else "main.c"].append(file.figures())
    path = [files[name].figures() for name in ACKNOWLEDGEMENT]
    yield f"{'folder of server/':24} {'lines':>6} {'ran':>8} {'branches':>7} {'taken':>8}"
    for folder in sorted(folders):
        yield row(folder, folders[folder])
    yield row("all", [figures for all_of in folders.values() for figures in all_of])
    yield row("the acknowledgement path", path)


def is_enough(files):
    lines, ran, branches, taken = map(sum, zip(*(file.figures() for file in files.values())))
    return (ran >= LINES_AT_LEAST * lines and taken >= BRANCHES_AT_LEAST * branches
            and all(all(files[name].lines.values()) for name in ACKNOWLEDGEMENT))


def missing(files):
    """FILE: the lines that never ran, and those of which a branch was never taken."""
    for name in sorted(files):
        file = files[name]
        lines = [str(number) for number in sorted(file.lines) if not file.lines[number]]
        half = [str(number) for number in sorted(file.branches) if file.lines[number] and not all(file.branches[number])]
        if lines or half:
            yield f"{name}\n  never ran: {' '.join(lines) or '–'}\n  not both ways: {' '.join(half) or '–'}"


def main():
    build, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    files = read(build)
    out.mkdir(parents=True, exist_ok=True)
    told = "\n".join(table(files)) + "\n"
    (out / "coverage.txt").write_text(told + "\n" + "\n".join(missing(files)) + "\n")
    print(told, end="")
    sys.exit(not is_enough(files))


if __name__ == "__main__":
    main()
