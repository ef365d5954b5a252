# SPDX-License-Identifier: EUPL-1.2
"""Keeps the floors of the house: who may include whom, who owns which library, who may name a peer."""
import os
import re

from common import bare_c, lines_of, main

# A floor sees the floors whose number is lower, and itself. Floors that share a number do not see each other.
RANK = {
    "base": 0, "core": 1,
    "disclosure": 2, "config": 2, "wire": 2, "privacy": 2, "geo": 2, "outgoing": 2,
    "store": 3, "sandbox": 3, "ingest": 4, "query": 4, "cluster": 4, "documents": 4,
    "alerts": 5, "doctor": 5, "http": 5, "app": 6, "main": 7,
}
# Lower by number, yet out of sight: ingest hands over sealed flights and never learns where they are kept.
BLIND = {("ingest", "store")}
# Neighbours that see each other one way all the same: the configuration is plain values that are set before anything
# else runs, and a region is looked up by the truncated address that only privacy can make.
NEIGHBOURS = {("privacy", "config"), ("geo", "config"), ("geo", "privacy")}

# A header belongs to the floor that bears its name or has a .c of its name. These have none, or a namesake elsewhere.
OWNER = {"little": "base", "peer": "privacy", "fold": "disclosure", "tokens": "store"}

# The owner keeps a library's types to itself, so that replacing the library touches one folder.
LIBRARY = [
    (re.compile(r"^h2o(\.h|/)"), "h2o", {"http"}),
    (re.compile(r"^openssl/"), "openssl", {"http"}),
    (re.compile(r"^lmdb\.h$"), "lmdb", {"store"}),
    (re.compile(r"^jansson"), "jansson", {"wire", "config"}),
    (re.compile(r"^sodium(\.h|/)"), "libsodium", {"privacy", "store"}),
    (re.compile(r"^maxminddb"), "libmaxminddb", {"geo"}),
    (re.compile(r"^seccomp\.h$"), "libseccomp", {"sandbox"}),
    (re.compile(r"^curl/"), "libcurl", {"outgoing", "alerts", "cluster", "doctor"}),
]

# The only type that holds an address or a user agent.
PEER = re.compile(r"\bbal_peer(_\w+)?\b")
PEER_ALLOWED = ("include/balise/peer.h", "include/balise/privacy.h", "include/balise/ingest.h", "server/privacy/",
                "server/ingest/", "server/http/", "tests/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def header_owners(files):
    """{header name: floor} and complaints about headers whose floor cannot be told."""
    sources = {}
    for path in files:
        parts = path.split("/")
        if len(parts) == 3 and parts[0] == "server" and parts[1] in RANK and path.endswith(".c"):
            sources.setdefault(parts[2][:-2], set()).add(parts[1])
    owners, complaints = {}, []
    for path in files:
        if not (path.startswith("include/balise/") and path.endswith(".h")):
            continue
        name = os.path.basename(path)[:-2]
        homes = sources.get(name, set())
        if name in OWNER or name in RANK:
            owners[name] = OWNER.get(name, name)
        elif len(homes) == 1:
            owners[name] = next(iter(homes))
        else:
            complaints.append(f"{path}: which floor owns it? {sorted(homes) or 'no .c has its name'}: add it to OWNER")
    return owners, complaints


def floor_of(path, owners):
    parts = path.split("/")
    if path == "server/main.c":
        return "main"
    if parts[0] == "server" and len(parts) > 2:
        return parts[1]
    if path.startswith("include/balise/"):
        return owners.get(os.path.basename(path)[:-2])
    return None


def may_see(floor, target):
    return (RANK[target] < RANK[floor] and (floor, target) not in BLIND) or (floor, target) in NEIGHBOURS


def complain_about_include(path, floor, quote, name, owners):
    for pattern, library, homes in LIBRARY:
        if pattern.match(name) and (floor not in homes or path.startswith("include/")):
            return f"{library} belongs to {' and '.join(sorted(homes))}/, behind their headers"
    if name.startswith("balise/"):
        target = owners.get(name[len("balise/"):-2])
        if target and target != floor and not may_see(floor, target):
            return f"{floor} must not see {name} of {target}"
    elif quote == '"' and "/" in name:
        return f'"{name}" reaches into another folder: only <balise/…> crosses folders'
    return None


def check(files):
    owners, complaints = header_owners(files)
    for path, text in files.items():
        if not path.endswith((".c", ".h")):
            continue
        floor = floor_of(path, owners)
        if path.startswith("server/") and floor not in RANK:
            complaints.append(f"{path}: {floor or 'server/'} is no floor of the house")
            continue
        for number, line in lines_of(bare_c(text, keep_strings=True)):
            match = INCLUDE.match(line)
            reason = match and floor and complain_about_include(path, floor, *match.groups(), owners)
            if reason:
                complaints.append(f"{path}:{number}: {reason}")
            if PEER.search(line) and not path.startswith(PEER_ALLOWED):
                complaints.append(f"{path}:{number}: names {PEER.search(line).group(0)}, which only "
                                  "privacy, ingest and http may hold")
    return complaints


HOUSE = {"include/balise/store.h": "", "include/balise/log.h": "", "server/base/log.c": "",
         "include/balise/http.h": "", "include/balise/config.h": ""}
BAD = [
    ({**HOUSE, "server/store/a.c": "#include <balise/http.h>\n"}, "store must not see balise/http.h"),
    ({**HOUSE, "server/ingest/a.c": "#include <balise/store.h>\n"}, "ingest must not see balise/store.h"),
    ({**HOUSE, "server/wire/a.c": "#include <balise/config.h>\n"}, "wire must not see"),
    ({**HOUSE, "server/config/a.c": "#include <balise/geo.h>\n", "include/balise/geo.h": ""}, "config must not see"),
    ({**HOUSE, "include/balise/log.h": "#include <balise/store.h>\n"}, "base must not see"),
    ({"server/http/a.c": "int x;\n\n#include <lmdb.h>\n"}, "server/http/a.c:3: lmdb belongs to store/"),
    ({"server/query/a.c": "#include <jansson.h>\n"}, "jansson belongs to config and wire/"),
    ({**HOUSE, "include/balise/store.h": "#include <lmdb.h>\n"}, "lmdb belongs to store/"),
    ({"server/http/a.c": '#include "../store/writer.h"\n'}, "reaches into another folder"),
    ({"server/store/a.c": "void f(const struct bal_peer *peer);\n"}, "names bal_peer"),
    ({"server/store/a.c": "bal_peer_wipe(p);\n"}, "names bal_peer_wipe"),
    ({"server/attic/a.c": ""}, "attic is no floor"),
    ({"include/balise/stray.h": ""}, "which floor owns it"),
    ({"include/balise/twin.h": "", "server/base/twin.c": "", "server/core/twin.c": ""}, "which floor owns it"),
]
GOOD = [
    {**HOUSE, "server/store/a.c": '#include <balise/log.h>\n#include <lmdb.h>\n#include "private.h"\n'},
    {**HOUSE, "server/http/a.c": "#include <balise/store.h>\nstruct bal_peer peer;\n"},
    {**HOUSE, "server/store/a.c": "// unlike bal_peer, kept\n/* #include <h2o.h>\n#include <h2o.h> */\n"},
    {**HOUSE, "server/geo/a.c": "#include <balise/config.h>\n#include <balise/privacy.h>\n"},
    {**HOUSE, "server/main.c": "#include <balise/http.h>\n"},
    {**HOUSE, "tests/unit/store/test_a.c": "#include <balise/http.h>\n#include <jansson.h>\nstruct bal_peer p;\n"},
]

if __name__ == "__main__":
    main(check, BAD, GOOD)
