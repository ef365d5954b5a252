# SPDX-License-Identifier: EUPL-1.2
"""Programs that are started and ended here, and what the kernel says they cost."""
import os
import pathlib
import platform
import signal
import socket
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from wait import until  # noqa: E402  pylint: disable=wrong-import-position

TICK = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Process:
    """What the kernel says of a process and its children."""

    def __init__(self, pid):
        self.pid = pid

    def _pids(self):
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        return [self.pid, *map(int, children)]

    def cpu_seconds(self):
        """User and system time of all its processes."""
        total = 0
        for pid in self._pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def _sum(self, file, name):
        total = 0
        for pid in self._pids():
            for line in pathlib.Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines():
                if line.startswith(name + ":"):
                    total += int(line.split()[1])
        return total

    def written_bytes(self):
        """What it caused to be written to a disk."""
        return self._sum("io", "write_bytes")

    def anonymous_bytes(self):
        return self._sum("status", "RssAnon") * 1024

    def resident_bytes(self):
        return self._sum("status", "VmRSS") * 1024


class Program(Process):
    """A server that is started here; it ends with the run."""
    all = []

    def __init__(self, argv, log, port, environment=None):
        self.port = port
        began = time.monotonic()
        with open(log, "wb") as output:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **(environment or {})}, start_new_session=True)
        super().__init__(self.process.pid)
        Program.all.append(self)
        until(lambda: self._ended(log) or answers(port), START_SECONDS, f"{argv[0]} on port {port}")
        self.started_seconds = time.monotonic() - began

    def _ended(self, log):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.process.args} ended:\n{pathlib.Path(log).read_text(errors='replace')[-2000:]}")
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self in Program.all:
            Program.all.remove(self)


def stop_all():
    for program in list(Program.all):
        program.stop()


def _first(path, name):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "?"


def _git(*words):
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()


def facts():
    """What a reader must know of where the figures come from."""
    memory = int(_first("/proc/meminfo", "MemTotal").split()[0]) // 1024 // 1024
    dirty = " with local changes" if _git("status", "--porcelain", "--untracked-files=no", "--", ":!docs") else ""  # a run writes those itself
    return {"date": time.strftime("%Y-%m-%d %H:%M"), "commit": _git("rev-parse", "--short", "HEAD") + dirty,
            "cores": os.cpu_count(), "processor": _first("/proc/cpuinfo", "model name"), "memory": f"{memory} GiB",
            "kernel": platform.release(), "load before": " ".join(f"{load:.2f}" for load in os.getloadavg())}
