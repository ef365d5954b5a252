# SPDX-License-Identifier: EUPL-1.2
"""Instructions a view, by component, from a callgrind profile of the release build.

Every instruction belongs to the source file it was written in, inlined or not. What a file's code calls in the C library,
libsodium and the like is charged to that file; the HTTP library is a component of its own, with its sockets and its memory."""
import collections
import functools
import pathlib
import re
import subprocess

import contenders
import ingest
from machine import until

LIBRARIES = re.compile(r"libc[.-]|libsodium|libm[.-]|libmaxminddb|liblmdb|libjansson|ld-linux|vgpreload|libpthread")
AT_MOST_SECONDS = 300
COMPONENTS = (
    ("decode", r"server/wire/|core/histogram|core/bucket"),
    ("reduce", r"server/ingest/|server/privacy/|server/geo/|core/region|core/key|base/zone|core/view|core/metric|core/flight"),
    ("cells", r"core/cell|core/visitors|store/open|store/pairs"),
    ("journal", r"store/(land|record|journal|blocks|keyslot)|balise/little"),
    ("checkpoint", r"store/"),
    ("wiping", r"base/forget"),
    ("queue and answer", r"server/http/|store/writer|base/|main\.c|app/"),
    ("HTTP library", r"libh2o|libssl|libcrypto|"),
)


def component_of(file, library):
    where = file if re.search(r"(^|/)(server|include/balise)/", file) else library
    return next(name for name, pattern in COMPONENTS if re.search(pattern, where))


class Profile:
    """A callgrind.out file, read once: what each (file, object) spent itself, and what it called in a library."""

    def __init__(self, path):
        self.names = {"file": {}, "object": {}, "function": {}}
        self.spent = collections.Counter()
        self.functions = collections.Counter()
        self.edges = collections.Counter()  # (caller, callee) -> inclusive
        self._read(path)

    def _name(self, kind, text):
        match = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not match:
            return text
        number, name = match.groups()
        if name is not None:
            self.names[kind][number] = name
        return self.names[kind].get(number, "???")

    def _read(self, path):
        at = {"ob": "", "fl": "", "own": "", "fn": "", "cob": None, "cfi": None, "cfn": None}
        call = False
        kinds = {"ob": "object", "cob": "object", "fl": "file", "fi": "file", "fe": "file", "cfi": "file", "cfl": "file",
                 "fn": "function", "cfn": "function"}
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                match = re.match(r"(ob|fl|fi|fe|fn|cob|cfi|cfl|cfn)=(.*)", line)
                if match:
                    key, name = match[1], self._name(kinds[match[1]], match[2])
                    at["fl" if key in ("fi", "fe") else "cfi" if key == "cfl" else key] = name
                    if key == "fl":
                        at["own"] = name
                    if key == "fn":
                        at["cob"] = at["cfi"] = at["cfn"] = None
                elif line.startswith("calls="):
                    call = True
                elif line[0] in "+-*0123456789":
                    cost = int(line.split()[1]) if len(line.split()) > 1 else 0
                    # What a header of the system puts into a function is that function's.
                    here = (at["ob"], at["own"] if at["fl"].startswith("/usr/") else at["fl"], at["fn"])
                    if call:
                        there = (at["cob"] or at["ob"], at["cfi"] or at["fl"], at["cfn"])
                        self.edges[here, there] += cost
                        at["cob"] = at["cfi"] = at["cfn"] = None
                        call = False
                    else:
                        self.spent[here] += cost

    def components(self):
        """{component: instructions}. Libraries are charged to the file that called them."""
        total = collections.Counter()
        for (obj, file, _), cost in self.spent.items():
            if not LIBRARIES.search(obj):
                total[component_of(file, obj)] += cost
        for ((obj, file, _), (callee, _, _)), cost in self.edges.items():
            if LIBRARIES.search(callee) and not LIBRARIES.search(obj):
                total[component_of(file, obj)] += cost
        return total

    def total(self):
        return sum(self.spent.values())


def _control(program, *words):
    subprocess.run(["callgrind_control", *words, str(program.pid)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _profile(start, folder, out, views):
    """(views, profile) of a program that runs warm under callgrind: so many views, however busy the machine is."""
    # A checkpoint is of a time, not of a view; callgrind is so slow that one would fall on few views. It is left out.
    wrapper = ["valgrind", "--quiet", "--tool=callgrind", "--fair-sched=yes", "--instr-atstart=no", "--toggle-collect=checkpoint_write",
               "--collect-atstart=yes", f"--callgrind-out-file={out}"]
    program = start(folder, wrapper=wrapper)
    words = (program.port, ingest.corpus_of(folder.parent, ingest.PAGES), *ingest.H2C, "--seconds", AT_MOST_SECONDS, "--requests")
    ingest.load(*words, 2 * views)
    _control(program, "--instr=on")
    views = ingest.load(*words, views)["accepted"]
    _control(program, "--instr=off")
    _control(program, "--dump")
    dumped = pathlib.Path(f"{out}.1")
    until(lambda: dumped.exists() and b"\ntotals:" in dumped.read_bytes(), 30, "a profile")
    program.stop()
    return views, Profile(dumped)


def run(folder, quick, say):
    """Instructions a view of the bare handler and of balise, over HTTP/2 multiplexed."""
    found = {}
    # Valgrind needs calls of the system that the sandbox does not let through.
    balise = functools.partial(contenders.balise, sandbox=False)
    for name, start in (("bare h2o", contenders.bare), ("balise", balise)):
        views, profile = _profile(start, folder / name.split()[0], folder / f"callgrind-{name.split()[0]}", 2000 if quick else 20000)
        parts = {part: cost / views for part, cost in profile.components().items()}
        found[name] = {"views": views, "total": profile.total() / views, "parts": parts}
        say(f"instructions  {name:24} {found[name]['total']:7.0f} a view over {views} views")
    return found
