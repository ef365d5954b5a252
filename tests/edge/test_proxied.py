# SPDX-License-Identifier: EUPL-1.2
"""Behind a balancer that passes bytes on and announces each connection: the PROXY protocol, by HAProxy and by hand."""
import mmap
import re
import socket
import ssl
import struct

import pytest

import frames as h2
import leaks
from balise import ORIGIN, Balise
from conversation import dial
from edge import Edge
from foreground import Foreground
from test_attacks import guarded
from wait import until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
GET = b"GET /.well-known/gpc.json HTTP/1.1\r\nHost: x\r\n\r\n"
POST = (f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nUser-Agent: {h2.AGENT}\r\nContent-Length: {len(h2.BEACON)}\r\n\r\n"
        .encode() + h2.BEACON)


class Proxied(Edge):
    """A server that balancers on this machine announce connections to."""

    def __init__(self, tls=False, **public):
        super().__init__(tls, **{"proxy_protocol": True, "trusted_proxies": ["127.0.0.0/8"], **public})

    def say(self, data, source="127.0.0.1", pieces=1):
        """What is answered to bytes until the server ends the connection or a whole answer is there."""
        with socket.create_connection(("127.0.0.1", self.public_port), 10, (source, 0)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                step = -(-len(data) // pieces)
                for at in range(0, len(data), step):
                    connection.sendall(data[at:at + step])
                found = b""
                while b"\r\n\r\n" not in found and (more := connection.recv(65536)):
                    found += more
                return found
            except ConnectionError:
                return b""


class Balancer(Foreground):
    """HAProxy that only passes bytes on. word: how it announces: send-proxy or send-proxy-v2."""

    def __init__(self, upstream, word):
        self._upstream, self._word = upstream, word
        super().__init__()

    def command(self):
        # What it is told by accept-proxy is whom the connection is of: the address that a test says it comes from.
        (self.folder / "haproxy.cfg").write_text(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 10s\n timeout server 10s\n"
            f"listen passing\n bind 127.0.0.1:{self.port} accept-proxy\n server balise 127.0.0.1:{self._upstream} {self._word}\n")
        return ["/usr/sbin/haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")], {}


@pytest.fixture(name="server", scope="module")
def _server():
    with Proxied() as server:
        yield server


def line(address):
    """Version 1 of a connection from an address."""
    family, other = ("TCP6", "2001:db8::1") if ":" in address else ("TCP4", "192.0.2.1")
    return f"PROXY {family} {address} {other} 49152 443\r\n".encode()


def binary(address):
    """Version 2 of it."""
    family, kind, other = (socket.AF_INET6, 0x21, "2001:db8::1") if ":" in address else (socket.AF_INET, 0x11, "192.0.2.1")
    body = socket.inet_pton(family, address) + socket.inet_pton(family, other) + struct.pack(">HH", 49152, 443)
    return SIGNATURE + struct.pack(">BBH", 0x21, kind, len(body)) + body


@pytest.mark.parametrize("head", [line, binary])
@pytest.mark.parametrize("pieces", [1, 30])
def test_a_header_in_one_piece_or_in_many_is_read(server, head, pieces):
    assert server.say(head("203.0.113.9") + GET, pieces=pieces).startswith(b"HTTP/1.1 200 ")
    assert server.say(head("2001:db8:7::9") + GET, pieces=pieces).startswith(b"HTTP/1.1 200 ")


BROKEN = {"none": GET, "half": b"PROXY TCP4 203.0.113.9 192.0.2.1\r\n" + GET, "no address": b"PROXY TCP4 203.0.113 192.0.2.1 1 2\r\n" + GET,
          "a line feed alone": line("203.0.113.9").replace(b"\r", b"") + GET, "another version": SIGNATURE + b"\x31\x11\0\0" + GET,
          "datagrams": SIGNATURE + b"\x21\x12\0\x0c" + bytes(12) + GET, "too short": SIGNATURE + b"\x21\x11\0\x04" + bytes(4) + GET,
          "a TLS hello": bytes.fromhex("160301002a01000026")}


@pytest.mark.parametrize("name", BROKEN)
def test_whoever_begins_otherwise_is_sent_away_and_counted(server, name):
    before = guarded(server.metrics()).get("proxy", 0)
    assert server.say(BROKEN[name]) == b""
    assert guarded(server.metrics())["proxy"] == before + 1


def test_nobody_but_a_trusted_proxy_may_announce_connections():
    with Proxied(trusted_proxies=["127.0.0.1/32"]) as server:
        assert server.say(line("203.0.113.9") + GET, source="127.0.3.1") == b""
        assert guarded(server.metrics()) == {"proxy": 1}
        assert server.say(line("203.0.113.9") + GET).startswith(b"HTTP/1.1 200 ")
        assert "203.0.113" not in server.log() and "127.0.3.1" not in server.log()


def test_a_header_that_never_ends_is_cut():
    with Proxied(patience_seconds=1) as server:
        with socket.create_connection(("127.0.0.1", server.public_port), 30) as connection:
            connection.sendall(b"PROXY TCP4 203.0.113.9")
            connection.settimeout(30)
            assert connection.recv(1) == b""
        assert guarded(server.metrics()) == {"stalled": 1}


def test_one_announced_network_cannot_take_every_connection():
    with Proxied(network_connections=2) as server:
        held = [dial(server.public_port, False, None) for _ in range(3)]
        for number, connection in enumerate(held):
            connection.sendall(line(f"203.0.113.{number}") + GET)
        answers = [connection.recv(65536)[:12] for connection in held]
        assert sorted(answers) == [b"", b"HTTP/1.1 200", b"HTTP/1.1 200"]
        assert server.say(line("198.51.100.1") + GET).startswith(b"HTTP/1.1 200 ")
        assert guarded(server.metrics()) == {"network": 1}
        for connection in held:
            connection.close()


def test_a_check_of_the_balancer_itself_is_answered(server):
    assert server.say(SIGNATURE + b"\x20\0\0\0" + GET).startswith(b"HTTP/1.1 200 ")
    assert server.say(b"PROXY UNKNOWN\r\n" + GET).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("word", ["send-proxy", "send-proxy-v2"])
def test_behind_haproxy_views_are_of_the_networks_that_sent_them(word):
    """Twelve visitors of a region by each family, through a balancer that knows nothing of HTTP."""
    with Proxied() as server, Balancer(server.public_port, word) as balancer:
        regions = {"FR-IDF": ["2001:db8:%x::1" % n for n in range(12)], "FR-BRE": [f"198.18.{16 + n}.1" for n in range(12)]}
        for address in (address for addresses in regions.values() for address in addresses):
            with dial(balancer.port, False, None) as connection:
                connection.sendall(line(address) + POST.replace(b"Host: x", b"Host: x\r\nX-Forwarded-For: 198.18.144.1"))
                assert connection.recv(65536).startswith(b"HTTP/1.1 204 ")
        server.close_day()
        assert {name: row["views"] for name, row in server.rows("region").items()} == dict.fromkeys(regions, 12)
        assert not re.search(r"198\.18|2001:db8", server.log())


@pytest.mark.parametrize("alpn", ["h2", "http/1.1"])
@pytest.mark.parametrize("word", ["send-proxy", "send-proxy-v2"])
def test_tls_goes_through_a_balancer_and_ends_here(word, alpn):
    with Proxied(tls=True) as server, Balancer(server.public_port, word) as balancer:
        plain = socket.create_connection(("127.0.0.1", balancer.port), 10)
        plain.sendall(binary("203.0.113.9"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([alpn])
        with context.wrap_socket(plain) as connection:
            assert connection.selected_alpn_protocol() == alpn
            connection.sendall(h2.hello() + h2.beacon(1) if alpn == "h2" else POST)
            until(lambda: connection.recv(65536) and server.outcomes()["accepted"] == 1, what="the view")


class Announced:
    """What an address looks like that a header told: in words and in bytes."""

    def places(self, file):
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as core:
            for address in ADDRESSES:
                for form in (address.encode(), socket.inet_aton(address)):
                    if core.find(form) != -1:
                        yield address, form


ADDRESSES = [f"203.0.113.{n}" for n in range(100, 140)]


def test_no_address_that_is_announced_stays_in_memory():
    with Proxied() as server:
        for number, address in enumerate(ADDRESSES):
            assert server.say((line, binary)[number % 2](address) + POST).startswith(b"HTTP/1.1 204 ")
        held = [dial(server.public_port, False, None) for _ in range(2)]
        for connection, head in zip(held, (line(ADDRESSES[0]), binary(ADDRESSES[1]))):
            connection.sendall(head + GET)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert leaks.in_memory(server, Announced()) == []
        for connection in held:
            connection.close()


def test_behind_a_balancer_a_proxys_word_for_its_visitor_is_taken():
    """An announced connection of a proxy that is trusted: the visitor is in X-Forwarded-For."""
    with Proxied(trusted_proxies=["127.0.0.0/8", "192.0.2.0/24"]) as server:
        for number in range(12):
            hops = b"Host: x\r\nX-Forwarded-For: 198.18.%d.1" % (16 + number)
            assert server.say(line("192.0.2.7") + POST.replace(b"Host: x", hops)).startswith(b"HTTP/1.1 204 ")
        server.close_day()
        assert {name: row["views"] for name, row in server.rows("region").items()} == {"FR-BRE": 12}


def test_without_a_trusted_proxy_there_is_nobody_to_announce():
    with Balise({"public": {"listen": ["127.0.0.1:0"], "proxy_protocol": True, "trusted_proxies": []}}, running=False) as server:
        assert "public.proxy_protocol needs public.trusted_proxies" in server.fails_to_start()
