# SPDX-License-Identifier: EUPL-1.2
"""A service manager as far as sd_notify(3) goes: a socket that a server tells its state to."""
import ctypes
import os
import pathlib
import socket

from balise import Balise
from wait import until

PTRACE_ATTACH, PTRACE_DETACH, WAIT_ALL = 16, 17, 0x40000000


class Managed(Balise):
    """A server that is told of a manager; `told` is every line it has sent, in order."""

    def __init__(self, *words, watchdog_seconds=0, abstract=False, **named):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._abstract, self._watchdog_seconds = abstract, watchdog_seconds
        self._lines = []
        super().__init__(*words, **named)

    def environment(self):
        if not self._socket.getsockname():
            self._socket.bind(f"\0{self.folder}/notify" if self._abstract else str(self.folder / "notify"))
        name = self._socket.getsockname()
        name = "@" + name[1:].decode() if isinstance(name, bytes) else name
        watchdog = {"WATCHDOG_USEC": str(self._watchdog_seconds * 1000000)} if self._watchdog_seconds else {}
        return {**super().environment(), "NOTIFY_SOCKET": name, **watchdog}

    def close(self):
        super().close()
        self._socket.close()

    @property
    def told(self):
        while True:
            try:
                self._lines += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self._lines

    def wait_log(self, text, times=1):
        """Until the log of this run has a text so many times."""
        until(lambda: self.log(True).count(text) >= times, 30, f"{text} in the log")

    def wait_told(self, line, after=0, seconds=20):
        """Until a line has come, behind the first `after`; how many there are then."""
        until(lambda: line in self.told[after:], seconds, line)
        return len(self.told)


class Stopped:
    """A thread of a process that stands still for a while: with Stopped(pid, "writer"): …"""

    def __init__(self, pid, name):
        tasks = pathlib.Path(f"/proc/{pid}/task")
        self._tid = next(int(task.name) for task in tasks.iterdir() if (task / "comm").read_text().strip() == name)
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _trace(self, request):
        if self._libc.ptrace(request, self._tid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self):
        self._trace(PTRACE_ATTACH)
        os.waitpid(self._tid, WAIT_ALL)
        return self

    def __exit__(self, *_):
        self._trace(PTRACE_DETACH)
