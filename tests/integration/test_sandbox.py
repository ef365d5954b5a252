# SPDX-License-Identifier: EUPL-1.2
"""A server that somebody has taken over: what he can do from inside."""
import errno
import json
import pathlib

import pytest

from balise import Balise, executable, run, view
from kernel import has_landlock
from wait import until

SECRET = "a secret of this test, long enough\n"
NOT_THERE = errno.ENOSYS
# What a call that is let through would answer here: done, or by its own reasons.
FORBIDDEN = ("exec", "fork", "ptrace", "signal", "signal-handle", "read-process", "dumpable", "code-mapped", "code-protected", "socket-raw", "io-uring",
             "bpf", "unshare", "symlink")
FILES = ("read-secret", "read-other", "write-other")
ALLOWED = ("read-own", "write-own", "memory", "done")


class Intruded(Balise):
    """A server with an intruder in it; found() is what each attempt came to, by thread."""

    def environment(self):
        library = pathlib.Path(executable()).parent / "tests" / "tools" / "libbalise-intruder.so"
        return {**super().environment(), "LD_PRELOAD": str(library), "INTRUDER_REPORT": str(self.folder / "report"),
                "INTRUDER_DATA": str(self.data), "INTRUDER_OTHER": "/var/tmp/balise-intruder"}

    def found(self, thread):
        def whole():
            lines = [line.split() for line in (self.folder / "report").read_text().splitlines()]
            found = {attempt: int(why) for name, attempt, why in lines if name == thread}
            return found if "done" in found else None
        return until(whole, what=f"the attempts in {thread}")


def statuses(balise):
    """/proc/PID/task/*/status, as dictionaries."""
    for task in pathlib.Path(f"/proc/{balise.process.pid}/task").iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())


def with_webhook(balise):
    secret = balise.folder / "secret"
    secret.write_text(SECRET)
    balise.config["webhook"] = {"url": "http://127.0.0.1:9/", "secret_file": str(secret)}
    balise.write_config()


@pytest.fixture(name="intruded", params=[False, True], ids=["alone", "webhook"], scope="module")
def _intruded(request):
    with Intruded({"public": {"listen": ["127.0.0.1:0"], "loops": 1}}, running=False) as balise:
        if request.param:
            with_webhook(balise)
        balise.start()
        assert balise.post(view()).status == 204
        yield balise, request.param


@pytest.mark.parametrize("thread", ["balise", "public", "private"])
def test_an_intruder_finds_no_call_but_those_of_serving(intruded, thread):
    balise, sends = intruded
    found = balise.found(thread)
    assert {attempt: found[attempt] for attempt in FORBIDDEN} == dict.fromkeys(FORBIDDEN, NOT_THERE)
    assert {attempt: found[attempt] for attempt in ALLOWED} == dict.fromkeys(ALLOWED, 0)
    connects = 0 if sends else NOT_THERE
    assert (found["socket-ip"], found["socket-unix"]) == (connects, connects)


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("thread", ["balise", "public", "private"])
def test_an_intruder_finds_no_file_but_those_of_serving(intruded, thread):
    balise, sends = intruded
    found = balise.found(thread)
    closed = [attempt for attempt in FILES if not (sends and attempt == "read-secret")]  # below /etc, where names are resolved
    assert {attempt: found[attempt] for attempt in closed} == dict.fromkeys(closed, errno.EACCES)


def test_every_thread_is_limited_and_gains_no_privilege():
    with Balise() as balise:
        threads = list(statuses(balise))
        assert {"balise", "public", "private", "reader", "writer"} <= {thread["Name"] for thread in threads}
        assert {(thread["Seccomp"], thread["NoNewPrivs"]) for thread in threads} == {("2", "1")}
        assert "no_sandbox" not in balise.log()
        assert ("files_not_limited landlock=" in balise.log()) == (not has_landlock())


def test_without_a_sandbox_the_log_says_so_and_the_intruder_has_more():
    with Intruded({"sandbox": False}) as balise:
        assert 'event=no_sandbox reason=configuration' in balise.log()
        found = balise.found("balise")
        assert found["exec"] == errno.ENOENT and found["fork"] == found["socket-ip"] == found["write-other"] == 0
        balise.terminate()
        audited = run("audit", "list", "--config", balise.config_path)
        assert "sandbox = false" in audited.stdout, audited.stdout
    pathlib.Path("/var/tmp/balise-intruder").unlink()


def test_a_listener_may_have_a_name():
    with Balise({"public": {"listen": ["127.0.0.1:0", "localhost:0"]}}) as balise:
        assert balise.post(view()).status == 204
        assert "event=listening side=public host=localhost" in balise.log()


def test_files_that_are_replaced_are_read_again_from_their_folders():
    """A region database, page templates and a link to a certificate, as renewals replace them."""
    with Balise(running=False) as balise:
        balise.config["sites"][0]["pages"] = ["/", "/dossier/:id"]
        text = json.dumps(balise.config)
        balise.write_config()
        balise.start()
        fresh = balise.folder / "fresh"
        fresh.write_bytes(balise.database.read_bytes())
        fresh.rename(balise.database)
        fresh.write_text(text.replace("/dossier/:id", "/demarche/:id"))
        fresh.rename(balise.config_path)
        assert balise.reload() == "reloaded"
