# SPDX-License-Identifier: EUPL-1.2
"""HTTP/1.1 to the letter: a request that a proxy and a server could read in two ways is refused, and the connection with it."""
import socket

import pytest

import frames as h2
from balise import Balise
from wait import until

BODY = h2.BEACON.decode()
LENGTH = f"Content-Length: {len(BODY)}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
AS_CHUNKS = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"
HOST = "Host: portal.example\r\n"


@pytest.fixture(name="server", scope="module")
def _server():
    with Balise({"public": {"loops": 1}}) as server:
        yield server


def say(server, text):
    """Everything that is answered until the server closes, or for one whole answer."""
    with socket.create_connection(("127.0.0.1", server.public_port), 10) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while more := connection.recv(65536):
            said += more
    return said.decode()


def post(headers, body=BODY, version="1.1"):
    return f"POST /balise/b HTTP/{version}\r\nOrigin: {h2.ORIGIN}\r\nUser-Agent: {h2.AGENT}\r\n{headers}\r\n{body}"


@pytest.mark.parametrize("request_", [
    post(HOST + LENGTH + CHUNKED, AS_CHUNKS), post(HOST + CHUNKED + LENGTH, AS_CHUNKS), post(HOST + LENGTH + LENGTH),
    post(HOST + LENGTH + "Content-Length: 5\r\n"), post(HOST + CHUNKED + CHUNKED, AS_CHUNKS), post(LENGTH),
    post(HOST + HOST + LENGTH), post(HOST + CHUNKED, AS_CHUNKS, "1.0"), post(HOST + "x-folded: a\r\n b\r\n" + LENGTH),
    post(HOST + "Content-Length : 5\r\n"), post(HOST + "Content-Length: +5\r\n"), post(HOST + "Content-Length: 5, 5\r\n"),
    post(HOST + "Transfer-Encoding: gzip, chunked\r\n", AS_CHUNKS), post(HOST + "Transfer-Encoding: identity\r\n" + LENGTH),
    post(HOST + LENGTH + "x-long: " + "a" * 20000 + "\r\n"),
], ids=["length and chunks", "chunks and length", "the length twice", "two lengths", "chunked twice", "no host", "two hosts",
        "chunks in 1.0", "a folded line", "a blank before the colon", "a signed length", "a list of lengths", "another coding",
        "identity", "20 kB of headers"])
def test_what_can_be_read_in_two_ways_is_refused(server, request_):
    before = server.outcomes()
    # The second request must not be answered: where it begins is what is in doubt.
    said = say(server, request_ + f"GET /.well-known/gpc.json HTTP/1.1\r\n{HOST}\r\n")
    assert said.startswith("HTTP/1.1 400 ") and said.count("HTTP/1.1 ") == 1
    assert server.outcomes() == before


@pytest.mark.parametrize("request_", [
    post(HOST + LENGTH), post(HOST + CHUNKED, AS_CHUNKS), post(LENGTH, version="1.0"),
    post(HOST + "content-length:" + LENGTH.split(":")[1]), post(HOST + LENGTH + "x-long: " + "a" * 8000 + "\r\n"),
], ids=["a length", "chunks", "1.0 without a host", "lower case", "8 kB of headers"])
def test_what_is_clear_is_answered(server, request_):
    assert say(server, request_).startswith("HTTP/1.1 204 ")


def test_each_refusal_is_counted(server):
    name = 'balise_guard_total{guard="framing"}'
    before = server.metrics()[name]
    say(server, post(LENGTH))
    assert server.metrics()[name] == before + 1
    say(server, "GET / nonsense\r\n\r\n")
    assert server.metrics()[name] == before + 2
    say(server, post(HOST + LENGTH) + "\r\n")  # an empty line is none
    assert server.metrics()[name] == before + 2


def test_what_the_library_refuses_by_itself_is_counted_too(server):
    def refused():
        return server.metrics()["balise_library_refusals_total"]
    before = refused()
    with socket.create_connection(("127.0.0.1", server.public_port), 10) as connection:
        connection.sendall(h2.hello() + h2.frame(h2.PING, 1, bytes(8)))  # of no stream
        while connection.recv(65536):
            continue
    until(lambda: refused() == before + 1, what="a connection error")
