# SPDX-License-Identifier: EUPL-1.2
"""Every source file begins with its licence: the first line, or the second below a #! line."""
import re

from common import main

CODE = (".c", ".h", ".S", ".py", ".js", ".mjs", ".cjs", ".css", ".sh", ".cmake", ".in")
SPDX = re.compile(r"^(?://!?|#|/\*!?|<!--) SPDX-License-Identifier: EUPL-1\.2(?: \*/| -->)?$")
BUILT = ("beacon/dist/", "dashboard/dist/", "tests/corpus/")


def is_source(path, text):
    if path.startswith(BUILT):
        return False
    return path.endswith(CODE) or path.rsplit("/", 1)[-1] == "CMakeLists.txt" or text.startswith("#!")


def check(files):
    complaints = []
    for path, text in files.items():
        lines = text.splitlines()[:2]
        if lines and lines[0].startswith("#!"):
            lines = lines[1:]
        if is_source(path, text) and not (lines and SPDX.match(lines[0])):
            complaints.append(f"{path}: does not begin with SPDX-License-Identifier: EUPL-1.2")
    return complaints


LINE = "SPDX-License-Identifier: EUPL-1.2\n"
BAD = [
    ({"server/main.c": "int main(void)\n"}, "server/main.c"),
    ({"server/main.c": "\n// " + LINE}, "server/main.c"),
    ({"server/main.c": "// SPDX-License-Identifier: MIT\n"}, "server/main.c"),
    ({"script/run": "#!/bin/sh\ntrue\n"}, "script/run"),
    ({"tests/CMakeLists.txt": "add_test()\n"}, "tests/CMakeLists.txt"),
    ({"beacon/src/a.js": ""}, "beacon/src/a.js"),
]
GOOD = [
    {"server/main.c": "// " + LINE, "script/run": "#!/bin/sh\n# " + LINE, "a.css": "/* SPDX-License-Identifier: EUPL-1.2 */\n"},
    {"README.md": "balise\n", "beacon/dist/b.js": "x()\n"},
]

if __name__ == "__main__":
    main(check, BAD, GOOD)
