# SPDX-License-Identifier: EUPL-1.2
"""Files of at most 500 lines, C functions of at most 60."""
import re

from common import bare_c, lines_of, main

FILE_LINES = 500
FUNCTION_LINES = 60
FOLDERS = ("server/", "include/", "tests/", "beacon/src/", "dashboard/src/", "script/")
CODE = (".c", ".h", ".py", ".js", ".mjs", ".sh", ".cmake")


def functions(text):
    """(name, first line, last line) of each C function, as clang-format lays it out here: the brace of a function, and
    of nothing else, stands alone in the first column. The signature counts."""
    found, signature, start = [], "", None
    for number, line in lines_of(bare_c(text)):
        if line.rstrip() == "{" and signature:
            start = (signature, first)
        elif line.startswith("}"):
            if start:
                name = re.search(r"(\w+)\s*\(", start[0])
                found.append((name.group(1) if name else start[0].strip(), start[1], number))
            signature, start = "", None
        elif start is None:
            ended = not line.strip() or line.startswith("#") or line.rstrip().endswith((";", ":"))
            if ended:
                signature = ""
            else:
                if not signature:
                    first = number
                signature += line + " "
    return found


def is_code(path):
    script = path.startswith("script/") and "." not in path.rsplit("/", 1)[1]
    return path.startswith(FOLDERS) and not path.startswith("tests/corpus/") and (path.endswith(CODE) or script)


def check(files):
    complaints = []
    for path, text in files.items():
        if not is_code(path):
            continue
        total = len(text.splitlines())
        if total > FILE_LINES:
            complaints.append(f"{path}: {total} lines, {FILE_LINES} at the most")
        if not path.endswith((".c", ".h")):
            continue
        for name, first, last in functions(text):
            if last - first + 1 > FUNCTION_LINES:
                complaints.append(f"{path}:{first}: {name} has {last - first + 1} lines, {FUNCTION_LINES} at the most")
    return complaints


def c_function(lines):
    return "static int f(int a,\n             int b)\n{\n" + "    g();\n" * (lines - 4) + "}\n"


BAD = [
    ({"server/base/a.c": c_function(61)}, "server/base/a.c:1: f has 61 lines"),
    ({"server/base/a.c": "struct s {\n    int x;\n};\n\n" + c_function(99)}, "a.c:5: f has 99 lines"),
    ({"server/base/a.c": c_function(9) + c_function(70)}, "a.c:10: f has 70 lines"),
    ({"tests/unit/a.c": "int x;\n" * 501}, "501 lines"),
    ({"script/test": "true\n" * 501}, "501 lines"),
]
GOOD = [
    {"server/base/a.c": c_function(60)},
    {"server/base/a.c": "static const int table[] = {\n" + "    1,\n" * 100 + "};\n\n" + c_function(60)},
    {"server/base/a.c": "int x;\n" * 500},
    {"docs/long.md": "x\n" * 900, "tests/corpus/beacon/big.json": "\n" * 900},
]

if __name__ == "__main__":
    main(check, BAD, GOOD)
