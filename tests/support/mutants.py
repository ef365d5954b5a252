# SPDX-License-Identifier: EUPL-1.2
"""Build a version of the program that is wrong on purpose, so that a test can show that it would notice.

    @pytest.mark.parametrize("patch", mutants.patches("leak"), ids=mutants.name)
    def test_a_leak_is_found(patch, tmp_path, monkeypatch):
        monkeypatch.setenv("BALISE_BIN", str(mutants.build(patch, tmp_path)))
        assert leaks(...)                      # the same function that finds nothing in the real program

    mutants.build(patch, folder, target="disclosure_test_hub")    # a unit test's executable, over mutated code

A mutant is a unified diff tests/mutants/PURPOSE-WHAT.patch against the root of the project, touching .c files of server/
only. What stands before its first "---" line is free text: what is wrong, and who notices. One line of context is
enough (`git diff -U1`), and the less there is the longer it lives. A patch that no longer applies, compiles or links
raises Stale, which is a failure of its test: somebody changed the code that it breaks and must break it again.

Building takes a second: the patched files alone are compiled, with the flags that the build folder has recorded for
them, and are put before the archives in the recorded link command, where they win over what the archives hold. The
build folder is that of BALISE_BIN (build/dev without it); it must be up to date and is left as it is.

Run by itself, this program checks that every patch still applies.
"""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "mutants"


class Stale(Exception):
    """The patch does not fit the code any more; the text says where."""


def patches(purpose):
    """The patches of a purpose, sorted; never none, so that a test over them cannot be empty."""
    found = sorted(FOLDER.glob(f"{purpose}-*.patch"))
    if not found:
        raise FileNotFoundError(f"no {purpose}-*.patch in {FOLDER}")
    return found


def name(patch):
    """What a test's id shows."""
    return pathlib.Path(patch).stem


def build_folder():
    """The build folder of the executable under test."""
    named = os.environ.get("BALISE_BIN")
    return pathlib.Path(named).resolve().parent if named else ROOT / "build" / "dev"


def touched(patch):
    """The files that a patch changes, by their path from the root."""
    lines = pathlib.Path(patch).read_text(encoding="utf-8").splitlines()
    files = [line.split()[1].partition("/")[2] for line in lines if line.startswith("+++ ")]
    wrong = [file for file in files if not (file.startswith("server/") and file.endswith(".c"))]
    if wrong or not files:
        raise Stale(f"{name(patch)} must change .c files of server/ and nothing else: {wrong}")
    return files


def apply(patch, folder):
    """Put the patched copies of the touched files into a folder, under their paths from the root; returns the paths."""
    files = touched(patch)
    for file in files:
        if not (ROOT / file).is_file():
            raise Stale(f"{name(patch)}: {file} is not there")
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, folder / file)
    _run(patch, ["patch", "-p1", "--fuzz=0", "--force", "--no-backup-if-mismatch", "-i", str(patch)], folder)
    return files


def build(patch, folder, target="balise"):
    """Build a target of CMake from the patched sources; returns the executable, in that folder."""
    folder, base = pathlib.Path(folder).resolve(), build_folder()
    sources = folder / "mutant"
    sources.mkdir()
    objects = [_compile(patch, base, file, sources) for file in apply(patch, sources)]
    link = _link_command(base, target)
    words = shlex.split(link.read_text(encoding="utf-8"))
    words[words.index("-o") + 1] = str(folder / target)
    archives = next(i for i, word in enumerate(words) if word.endswith(".a"))
    _run(patch, words[:archives] + objects + words[archives:], link.parents[2])
    return folder / target


def _link_command(base, target):
    found = list(base.glob(f"**/CMakeFiles/{target}.dir/link.txt"))
    if len(found) != 1:
        raise FileNotFoundError(f"{base} has {len(found)} targets named {target}: build it first")
    return found[0]


def _compile(patch, base, file, sources):
    commands = json.loads((base / "compile_commands.json").read_text(encoding="utf-8"))
    original = str(ROOT / file)
    command = next((one for one in commands if one["file"] == original), None)
    if not command:
        raise Stale(f"{name(patch)}: {file} is not compiled")
    # A mutant may leave something unused. Its neighbours' headers are where the original is.
    words = [word for word in shlex.split(command["command"]) if word not in ("-Werror", original)]
    target = str(sources / file) + ".o"
    words[words.index("-o") + 1] = target
    _run(patch, [*words, "-iquote", os.path.dirname(original), str(sources / file)], command["directory"])
    return target


def _run(patch, words, folder):
    done = subprocess.run(words, cwd=folder, check=False, text=True, capture_output=True)
    if done.returncode != 0:
        raise Stale(f"{name(patch)}: {words[0]} says\n{done.stdout}{done.stderr}")


def main():
    wrong = 0
    found = sorted(FOLDER.glob("*.patch"))
    for patch in found:
        with tempfile.TemporaryDirectory() as folder:
            try:
                apply(patch, pathlib.Path(folder))
            except Stale as stale:
                print(stale)
                wrong += 1
    print(f"{len(found)} mutants, {wrong} stale")
    return 1 if wrong or not found else 0


if __name__ == "__main__":
    sys.exit(main())
