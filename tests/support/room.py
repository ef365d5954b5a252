# SPDX-License-Identifier: EUPL-1.2
"""A minimal Debian in a folder, to install a package in. The one that script/lib/room.sh makes is kept in
build/packaging/base; a test gets a copy, and leaves the base as it is.

    room = Room(folder)
    room.run("apt-get", "install", "-y", "/balise.deb")
    with Service(room) as service:     # the unit's ExecStart, as the unit's user, in a network of its own
        service.curl("http://127.0.0.1:8090/readyz")
"""
import configparser
import os
import pathlib
import resource
import shlex
import shutil
import socket
import subprocess

from wait import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = ROOT / "build" / "packaging" / "base"
# Debian's packages that tests install beside balise's: a proxy, and a clock that can be turned for one program.
BESIDE = ("nginx-light", "libfaketime")
# Mounts and processes end with the command. What runs inside sees no variable of ours.
INSIDE = 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"'
OWN = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
NET = 'ip link set lo up && exec "$@"'


def base(package):
    """The base, with the packages that this one and BESIDE need waiting in apt's cache. Made at the first call, in minutes."""
    def script(text, *words):
        return subprocess.run(["bash", "-c", f"source script/lib/common.sh; source script/lib/room.sh; {text}", "package", *words],
                              cwd=ROOT, check=True)

    if not (BASE / "etc/debian_version").exists():
        script('need_rooms; make_room "$1"', str(BASE))
    script('equip_room "$1"', str(BASE))
    room = Room(BASE)
    shutil.copy(package, BASE / "needs.deb")
    room.run("apt-get", "update", "-q")
    room.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "--download-only", "/needs.deb", *BESIDE)
    (BASE / "needs.deb").unlink()
    return BASE


class Room:
    """The system in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def path(self, inside):
        return self.folder / str(inside).lstrip("/")

    def inside(self, *words, network=True):
        """The command line that runs words inside."""
        command = [*OWN, "sh", "-c", INSIDE, str(self.folder), *map(str, words)]
        return command if network else ["unshare", "--net", "sh", "-c", NET, "sh", *command]

    def run(self, *words, check=True, seconds=600):
        """Run words to their end; text of both streams together."""
        answer = subprocess.run(self.inside("env", "DEBIAN_FRONTEND=noninteractive", *words), stdin=subprocess.DEVNULL, timeout=seconds,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if check and answer.returncode != 0:
            raise AssertionError(f"{shlex.join(map(str, words))}: status {answer.returncode}\n{answer.stdout}")
        return answer

    def install(self, package):
        """By apt, as people do, with what is needed from the cache of the base."""
        shutil.copy(package, self.path("balise.deb"))
        return self.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "--allow-downgrades", "/balise.deb").stdout

    def drop_in(self, lines):
        """Have systemd run balise with these lines in its unit's [Service] too."""
        file = self.path("etc/systemd/system/balise.service.d/test.conf")
        file.parent.mkdir()
        file.write_text(f"[Service]\n{lines}")


class Service:
    """The unit of a room, started without systemd: ExecStart, as its user, within its limits. A context manager."""

    def __init__(self, room, unit="/lib/systemd/system/balise.service"):
        self.room = room
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        parser.read(room.path(unit), encoding="utf-8")
        self.unit = parser["Service"]
        self.process = None
        self.log = room.path("var/log/service")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def command(self):
        user, memlock = self.unit["User"], int(self.unit["LimitMEMLOCK"].removesuffix("M")) << 20
        most = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
        memlock = memlock if most == resource.RLIM_INFINITY else min(memlock, most)
        return ["prlimit", f"--memlock={memlock}", "setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs",
                "--bounding-set=-all", "env", "NOTIFY_SOCKET=/run/notify", *shlex.split(self.unit["ExecStart"])]

    def launch(self):
        name = self.room.path("run/notify")
        name.unlink(missing_ok=True)
        folder = os.open(name.parent, os.O_PATH)  # a socket's name is short, a path may be long
        try:
            self._socket.bind(f"/proc/self/fd/{folder}/{name.name}")
        finally:
            os.close(folder)
        name.chmod(0o777)
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(self.room.inside(*self.command(), network=False),  # pylint: disable=consider-using-with
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def __enter__(self):
        self.launch()
        until(lambda: self.process.poll() is not None or self._is_ready(), 60, "READY=1")
        if self.process.poll() is not None:
            raise AssertionError(f"ended with status {self.process.returncode}: {self.log.read_text()}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.kill(self.pid(), 15)
        status = self.process.wait(60)
        self._socket.close()
        assert status == 0, self.log.read_text()

    def _is_ready(self):
        try:
            return b"READY=1" in self._socket.recv(4096)
        except BlockingIOError:
            return False

    def pid(self):
        """The server's, as this machine counts: unshare's one child, which has become one program after the other."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def enter(self, *words):
        """A command of this machine in the service's network."""
        return subprocess.run(["nsenter", f"--net=/proc/{self.pid()}/ns/net", *map(str, words)], check=False, capture_output=True, text=True)

    def curl(self, *words):
        """Status and body."""
        answer = self.enter("curl", "--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}", *words)
        assert answer.returncode == 0, answer.stderr
        body, _, status = answer.stdout.rpartition("\n")
        return int(status), body
