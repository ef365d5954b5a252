# SPDX-License-Identifier: EUPL-1.2
"""A server that is sent mutated HTTP/1.1 and HTTP/2, an input a connection, with an honest visitor beside it.

    socket_fuzz.py [--seconds N | --runs N] [--seed S] [--at-once N] [--findings FOLDER] [--replay FILE...]

BALISE_BIN names the server, of the asan build as a rule. A finding is a server that ends, a sanitizer's report, memory past the
ceiling, or a visitor's beacon that is not answered 204; the last inputs before it are left in the folder of findings, and
--replay sends them again."""
import argparse
import collections
import pathlib
import random
import selectors
import socket
import struct
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "edge"), str(HERE.parent / "support")]

from edge import Edge, Outcome, Visitor  # noqa: E402  pylint: disable=wrong-import-position
from socket_mutations import an_input  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE_SECONDS = 0.5  # with an answer
KEPT = 400  # inputs before a finding
NETWORKS = 200  # source addresses: ports of one would run out
LOUD = ("AddressSanitizer", "runtime error", "LeakSanitizer", "Assertion")
RESET = struct.pack("ii", 1, 0)


class Sender:
    """Keeps some connections going, each with an input of its own."""

    def __init__(self, port, inputs, at_once):
        self.port, self.inputs, self.at_once = port, inputs, at_once
        self.selector = selectors.DefaultSelector()
        self.open = collections.OrderedDict()  # connection: when its patience ends
        self.sent, self.refused = 0, 0
        self.last = collections.deque(maxlen=KEPT)

    def begin(self):
        data = next(self.inputs)
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.settimeout(2)
        try:
            connection.bind((f"127.0.1.{1 + self.sent % NETWORKS}", 0))
            connection.connect(("127.0.0.1", self.port))
            connection.setblocking(False)
            self.last.append(data)
            self.sent += 1
            connection.send(data)
            if self.sent % 2:
                connection.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass  # it has enough to chew
        except OSError:
            self.refused += 1
            connection.close()
            return
        self.open[connection] = time.monotonic() + PATIENCE_SECONDS
        self.selector.register(connection, selectors.EVENT_READ)

    def end(self, connection):
        self.selector.unregister(connection)
        del self.open[connection]
        connection.close()

    def turn(self):
        """Fills up, reads what has come, gives up on who says nothing."""
        while len(self.open) < self.at_once:
            self.begin()
        self.listen()

    def listen(self):
        for key, _ in self.selector.select(0.02):
            try:
                data = key.fileobj.recv(65536)
            except OSError:
                data = b""
            if not data or b"the end " in data:
                self.end(key.fileobj)
        now = time.monotonic()
        for connection, until in list(self.open.items()):
            if until > now:
                break
            self.end(connection)

    def drain(self):
        """Until all have been answered or given up on."""
        while self.open:
            self.listen()

    def finish(self):
        for connection in list(self.open):
            self.end(connection)


def problem(edge, outcome):
    """What is wrong, in words; None."""
    if edge.process.poll() is not None:
        return f"the server ended with status {edge.process.returncode}"
    if outcome.failed:
        return f"the visitor met {outcome.failed[0]}"
    return None


def last_words(edge):
    return next((f"the log says {line}" for line in edge.log().splitlines() if any(word in line for word in LOUD)), None)


def keep(folder, sender, edge, what):
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(sender.last):
        (folder / f"{number:03}").write_bytes(data)
    (folder / "log").write_text(f"{what}\n{edge.log()}")


def run(edge, chosen):
    """Sends until it is enough or something is wrong: the sender, what the visitor met, the problem."""
    rng = random.Random(chosen.seed)
    inputs = (pathlib.Path(name).read_bytes() for name in chosen.replay) if chosen.replay else iter(lambda: an_input(rng), None)
    sender, outcome, found = Sender(edge.public_port, inputs, chosen.at_once), Outcome(), None
    visitor = Visitor(edge, outcome)
    visitor.start()
    end = time.monotonic() + chosen.seconds if chosen.seconds else None
    try:
        while not found and (not chosen.runs or sender.sent < chosen.runs) and (not end or time.monotonic() < end):
            sender.turn()
            found = problem(edge, outcome)
    except StopIteration:  # all were replayed
        sender.drain()
        found = problem(edge, outcome)
    visitor.done.set()
    visitor.join()
    sender.finish()
    found = found or problem(edge, outcome)
    if not found:
        try:
            edge.terminate()
        except AssertionError as error:
            found = str(error).splitlines()[0]
    return sender, outcome, found or last_words(edge)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--at-once", type=int, default=128)
    parser.add_argument("--findings", type=pathlib.Path, default=pathlib.Path("build/fuzz/findings/socket"))
    parser.add_argument("--replay", nargs="*", default=[])
    chosen = parser.parse_args()
    if not chosen.runs and not chosen.seconds and not chosen.replay:
        chosen.seconds = 10
    chosen.seed = random.SystemRandom().randrange(1 << 32) if chosen.seed is None else chosen.seed
    with Edge(network_connections=1000, connections=2000, patience_seconds=5) as edge:
        sender, outcome, found = run(edge, chosen)
        print(f"{'socket':10} {sender.sent:10} inputs, seed {chosen.seed}, {outcome.probes} beacons of a visitor beside them, "
              f"p99 {outcome.at(.99):.0f} ms, {1 if found else 0} findings", flush=True)
        if found:
            keep(chosen.findings, sender, edge, found)
            print(f"{found}: the last inputs and the log are in {chosen.findings}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
