# SPDX-License-Identifier: EUPL-1.2
"""A room (room.py) that is booted: its own systemd as the first process of namespaces of its own. Nothing of it is left
when its first process ends.

    with Booted(room) as booted:
        booted.run("systemctl", "start", "balise")
"""
import os
import pathlib
import signal
import subprocess

from wait import until

# The room becomes the root, with the few devices that a service may see, and a cgroup tree that begins at our own.
BOOT = """
echo $$ >"$2/cgroup.procs"
exec unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup sh -ec '
ip link set lo up
mount --bind "$0" "$0"
cd "$0"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do cp -a "/dev/$device" dev/; done
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/before
pivot_root . run/before
umount -l /run/before
exec /usr/bin/env -i container=room PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd multi-user.target' "$1"
"""


def cgroup_root():
    """Where this machine has mounted the second version of cgroups; None when nowhere."""
    for line in pathlib.Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(place)
    return None


class Booted:
    """See above; a context manager."""

    def __init__(self, room):
        self.room = room
        self._group = cgroup_root() / f"balise-test-{os.getpid()}"
        self._process = None
        self._init = 0

    def __enter__(self):
        # No console of this machine is to be logged in at.
        self.room.run("systemctl", "mask", "getty.target", "console-getty.service")
        self._group.mkdir(exist_ok=True)
        self._process = subprocess.Popen(["sh", "-ec", BOOT, "boot", self.room.folder, self._group],  # pylint: disable=consider-using-with
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(self._is_up, 60, "systemd has booted")
        except BaseException:
            self.__exit__()
            raise
        return self

    def _is_up(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"systemd ended with status {self._process.returncode}")
        child = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._init = int(child[0]) if child else 0
        return self._init and self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGKILL)  # and with it all of the namespace
        self._process.wait()
        until(self._group_is_empty, 30, "the end of every process")
        self._group.rmdir()

    def _group_is_empty(self):
        groups = sorted(self._group.rglob("*/cgroup.procs"), key=lambda path: -len(path.parts))
        for group in groups:
            try:
                group.parent.rmdir()
            except OSError:
                return False
        return not (self._group / "cgroup.procs").read_text()

    def run(self, *words, check=True):
        """Run words inside to their end; text of both streams together."""
        answer = subprocess.run(["nsenter", f"--target={self._init}", "--all", "--root", "--wd=/", "env", "-i", "LANG=C.UTF-8",
                                 "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *map(str, words)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
        assert not check or answer.returncode == 0, answer.stdout
        return answer

    def networked(self, *words):
        """The command line of a program of this machine in the network of the room."""
        return ["nsenter", f"--net=/proc/{self._init}/ns/net", *map(str, words)]

    def curl(self, *words):
        """Status and body; curl is this machine's, the network the room's."""
        answer = subprocess.run(self.networked("curl", "--silent", "--max-time", "30", "--write-out", "\n%{http_code}", *words),
                                check=False, capture_output=True, text=True)
        body, _, status = answer.stdout.rpartition("\n")
        return int(status), body

    def show(self, name):
        """A property of the unit."""
        return self.run("systemctl", "show", "--value", "-p", name, "balise").stdout.strip()
