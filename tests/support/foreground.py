# SPDX-License-Identifier: EUPL-1.2
"""Run a server program of Debian's in the foreground: on free loopback ports, in a folder of its own that is deleted.

A subclass says in command() what runs; it writes its configuration into self.folder and has it listen on self.ports.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from wait import until

START_SECONDS = 30


def free_port():
    """Return a loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def replace(text, old, new):
    """Replace text that must be there."""
    if old not in text:
        raise ValueError(f"the configuration no longer has {old!r}: adapt the test that runs it")
    return text.replace(old, new)


class Foreground:
    """A context manager around one process. port: the one to listen on; a free one by default."""

    listeners = 1  # how many ports it takes

    def __init__(self, port=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"balise-{type(self).__name__.lower()}-"))
        self._process = None
        try:
            # Between finding a port and listening on it somebody else may take it: try again then.
            for _ in range(1 if port else 5):
                self.ports = [port or free_port(), *(free_port() for _ in range(1, self.listeners))]
                if self._start():
                    break
            else:
                raise RuntimeError(f"{type(self).__name__} does not start:\n{self.log()}")
        except BaseException:
            self.close()
            raise

    def command(self):
        """The words of the command, and what its environment has besides."""
        raise NotImplementedError

    @property
    def port(self):
        return self.ports[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the process and delete its folder."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        """Return what the program and its logs say."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def _answers(self):
        try:
            for port in self.ports:
                socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def _start(self):
        words, environment = self.command()
        with open(self.folder / "start.log", "wb") as output:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                words, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        until(lambda: self._process.poll() is not None or self._answers(), START_SECONDS, words[0])
        if self._process.poll() is None:
            return True
        self._process = None
        return False
