# SPDX-License-Identifier: EUPL-1.2
"""Runs one command at a time and leaves nothing of it behind, whatever it started and however it detached it."""
import ctypes
import os
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 5


def adopt_orphans():
    """From now on a process whose parent died becomes ours instead of init's, so it can be found and ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def descendants():
    """{pid: command name} of everything below this process; the dead are not among them."""
    parents, names = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as handle:
                text = handle.read()
        except OSError:
            continue
        state, parent = text.rpartition(")")[2].split()[:2]
        if state != "Z":
            parents[int(entry)] = int(parent)
            names[int(entry)] = text[text.index("(") + 1:text.rindex(")")]
    ours, grew = {os.getpid()}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        ours |= more
        grew = bool(more)
    return {pid: names[pid] for pid in ours - {os.getpid()}}


def bury():
    """Collects the exit status of adopted processes that ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def sweep():
    """Ends what is still there after a moment's grace and returns the names of what had to be ended."""
    deadline = time.monotonic() + GRACE_SECONDS
    while descendants() and time.monotonic() < deadline:
        bury()
        time.sleep(0.05)
    left = descendants()
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    while descendants():
        bury()
        time.sleep(0.05)
    bury()
    return sorted(set(left.values()))


def run(argv, log, environment, timeout_seconds):
    """The exit status, or None when the time ran out. Output goes to the log file."""
    with open(log, "a", encoding="utf-8") as output:
        output.write("$ " + " ".join(argv) + "\n")
        output.flush()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                 env={**os.environ, **environment}, start_new_session=True)
        try:
            return child.wait(timeout_seconds)
        except BaseException as stop:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            if isinstance(stop, subprocess.TimeoutExpired):
                return None
            raise
