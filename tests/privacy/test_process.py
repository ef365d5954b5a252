# SPDX-License-Identifier: EUPL-1.2
"""What the process does with keys, memory, cores, swap and the network; each test bears the number of its requirement
in docs/privacy-tests.md."""
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile

import pytest

import leaks
from balise import DESKTOP, ROOT, Balise, ask, executable, view
from canary import Flock
from wait import until

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")


def test_privacy_02_a_region_is_asked_for_by_a_truncated_address_only():
    """The type of what the connection says does not fit where a region is looked up."""
    def compiles(parameter):
        text = (f"#include <balise/geo.h>\n#include <balise/peer.h>\n"
                f"bal_region f(struct bal_geo *geo, {parameter} who);\n"
                f"bal_region f(struct bal_geo *geo, {parameter} who)\n{{\n    return bal_geo_region(geo, who);\n}}\n")
        command = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", f"-I{ROOT}/include", "-xc", "-"]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=False).returncode == 0

    assert compiles("struct bal_prefix")
    for raw in ("struct bal_peer", "struct sockaddr_storage", "struct bal_slice", "const char *"):
        assert not compiles(raw)


def test_privacy_46_keys_and_sketches_are_in_no_memory_that_may_be_swapped():
    """Every page of the arena is resident and locked, none is in swap: a kernel under pressure has to leave it alone."""
    with Balise() as balise:
        balise.visit(40)
        begin, end = leaks.locked_mappings(balise.process.pid)[0]
        told = pathlib.Path(f"/proc/{balise.process.pid}/smaps").read_text(encoding="ascii").partition(f"{begin:x}-{end:x} ")[2]
        sizes = dict(re.findall(r"^(\w+): +(\d+) kB$", told.partition("VmFlags:")[0], re.MULTILINE))
        assert int(sizes["Size"]) * 1024 == end - begin and sizes["Rss"] == sizes["Locked"] == sizes["Size"] and sizes["Swap"] == "0"


def test_privacy_07_keys_live_in_locked_undumped_memory():
    with Balise() as balise:
        balise.visit(3)
        pid = balise.process.pid
        assert leaks.locked_mappings(pid)
        locked = re.search(r"VmLck:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
        largest = leaks.locked_mappings(pid)[0]
        assert int(locked[1]) * 1024 >= largest[1] - largest[0]


@NEEDS_ROOT
def test_privacy_07_without_memory_to_lock_it_does_not_start():
    with Balise(running=False) as balise:
        for path in (balise.folder, *balise.folder.rglob("*")):
            os.chown(path, 65534, 65534)
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            own = shutil.copy(executable(), folder)  # the build folder need not be open to everybody
            done = subprocess.run(
                [own, "serve", "--config", str(balise.config_path)], user=65534, group=65534, extra_groups=[], check=False,
                env=balise.environment(), capture_output=True, text=True, timeout=60,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)))
        assert done.returncode == 1 and "RLIMIT_MEMLOCK allows 0" in done.stderr


def test_privacy_08_a_crash_leaves_no_core():
    with Balise() as balise:
        limits = pathlib.Path(f"/proc/{balise.process.pid}/limits").read_text(encoding="ascii")
        assert re.search(r"Max core file size +0 +0 ", limits)
        balise.signal(signal.SIGSEGV)
        _, status = os.waitpid(balise.process.pid, 0)
        balise.process = None
        assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status)
        assert not list(balise.folder.rglob("core*"))


@NEEDS_ROOT
def test_privacy_09_keys_and_sketches_of_a_day_are_nowhere_in_memory_once_it_is_closed():
    with Balise() as balise:
        balise.visit(40)
        flock = Flock()
        assert leaks.add_secrets(balise, flock) > 10
        span = leaks.locked_mappings(balise.process.pid)[0]
        assert flock.found(leaks.read_memory(balise.process.pid, span))
        balise.close_day()
        assert not flock.found(leaks.read_memory(balise.process.pid, span))
        assert not leaks.in_memory(balise, flock)


def test_privacy_22_a_hidden_page_and_one_that_is_not_there_are_answered_alike():
    with Balise() as balise:
        balise.visit(3, view("/rare/page"))
        balise.visit(20, view("/"))
        day = balise.close_day()
        answers = [balise.ask_kpi(metric="lcp", by="page", page=page, from_=day, to=balise.clock.now().date()).body.replace(
            page.encode(), b"?") for page in ("/rare/page", "/nobody/saw")]
        assert answers[0] == answers[1]


def test_privacy_27_no_answer_plants_anything_in_a_browser(tmp_path):
    with Balise() as balise:
        forbidden = ("set-cookie", "accept-ch", "alt-svc", "strict-transport-security", "last-modified", "report-to", "nel")
        tags = {}
        for turn in range(2):
            for method in ("GET", "HEAD", "POST", "OPTIONS"):
                for path in ("/balise/b", "/balise/b.js", "/balise/privacy", "/.well-known/gpc.json", "/nothing"):
                    if (method, path) == ("POST", "/balise/privacy"):
                        continue  # an objection is a cookie without an id, and is tested as that
                    answer = ask(balise.public_port, method, path, {"User-Agent": DESKTOP % (100 + turn)})
                    assert not [name for name in forbidden if name in answer.headers], (method, path)
                    # A tag names what is sent, the same for everybody.
                    assert tags.setdefault((method, path), answer.headers.get("etag")) == answer.headers.get("etag")


@NEEDS_ROOT
def test_privacy_41_it_speaks_to_nobody_first(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    with Balise() as balise:
        trace = tmp_path / "trace"
        with subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=connect,socket", "-o", str(trace),
                               "-p", str(balise.process.pid)], stderr=subprocess.DEVNULL) as tracer:
            try:
                until(lambda: "TracerPid:\t0" not in pathlib.Path(f"/proc/{balise.process.pid}/status").read_text(encoding="ascii"))
                balise.visit(12)
                for _ in range(10):
                    balise.clock.advance(minutes=1)
                    balise.visit(1)
                    assert balise.private("GET", "/readyz").status == 200
                balise.close_day()
                balise.kpi(metric="lcp", by="page")
                balise.reload()
            finally:
                tracer.terminate()
                tracer.wait()
        calls = trace.read_text(encoding="utf-8")
        assert not re.search(r"\b(connect|socket)\(", calls), calls


@NEEDS_ROOT
@pytest.mark.parametrize("swaps, warned", [("", False), ("/swapfile file 1048572 0 -2\n", True)])
def test_privacy_46_swap_is_warned_of_at_the_start(swaps, warned):
    with Balise(running=False) as balise:
        listed = balise.folder / "swaps"
        listed.write_text("Filename Type Size Used Priority\n" + swaps, encoding="ascii")
        words = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /proc/swaps && shift && exec "$@"', "sh", str(listed)]
        if subprocess.run([*words, "true"], check=False, capture_output=True).returncode != 0:
            pytest.skip("this machine does not let /proc/swaps be replaced")
        balise.wrapper = words
        balise.start()
        assert ("event=swap_on" in balise.log()) == warned
