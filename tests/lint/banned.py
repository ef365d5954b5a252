# SPDX-License-Identifier: EUPL-1.2
"""Calls that overrun, that cannot report an error, or that make a test wait by the clock."""
import re

from common import bare_c, lines_of, main

# Variable-length arrays are the compiler's to refuse (-Wvla).
C_CALLS = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atoll|strtok|alloca)\s*\(")
# Joined from pieces so that this file can be read by itself.
WAITS = re.compile(r"\b((?:u|nano|clock_nano)?" + "sleep" + r")\s*\(")
SHELL_WAITS = re.compile(r"(?:^|[;&|]|\bdo\b|\bthen\b)\s*(" + "sleep" + r")\s+[\d$]")
# The one place where a test may wait a moment: it polls a condition until a deadline.
POLLING = ("tests/support/wait.py", "tests/support/wait.h", "tests/support/wait.c")


def waits(path, text):
    if not path.startswith("tests/") or path in POLLING:
        return None
    if path.endswith((".c", ".h", ".py", ".js", ".mjs")):
        return WAITS
    return SHELL_WAITS if path.endswith(".sh") or text.startswith("#!/bin/") else None


def check(files):
    complaints = []
    for path, text in files.items():
        is_c = path.endswith((".c", ".h"))
        pattern = waits(path, text)
        for number, line in lines_of(bare_c(text) if is_c else text):
            call = is_c and C_CALLS.search(line)
            if call:
                complaints.append(f"{path}:{number}: {call.group(1)} is banned")
            wait = pattern and pattern.search(line)
            if wait:
                complaints.append(f"{path}:{number}: {wait.group(1)}: wait on a condition with a deadline instead")
    return complaints


NAP = "sleep"
BAD = [({"server/base/a.c": f"x = {name}(p);\n"}, f"a.c:1: {name} is banned")
       for name in ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "atoi", "atol", "strtok", "alloca")]
BAD += [
    ({"tests/unit/a.c": f"\n    u{NAP}(10);\n"}, f"tests/unit/a.c:2: u{NAP}"),
    ({"tests/unit/a.c": f"nano{NAP}(&t, NULL);\n"}, f"nano{NAP}"),
    ({"tests/integration/a.py": f"time.{NAP}(1)\n"}, "deadline"),
    ({"tests/integration/a.sh": f"while true; do {NAP} 1; done\n"}, "deadline"),
]
GOOD = [
    {"server/base/a.c": "snprintf(p, n, \"%d\", 1);\nstrtok_r(a, b, &c);\nmy_atoi(x);\n"},
    {"server/base/a.c": "// strcpy(a, b) overruns\nlog(\"atoi(x)\");\n"},
    {"tests/support/wait.py": f"time.{NAP}(0.01)\n"},
    {"server/app/a.c": f"nano{NAP}(&t, NULL);\n"},
]

if __name__ == "__main__":
    main(check, BAD, GOOD)
