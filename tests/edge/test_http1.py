# SPDX-License-Identifier: EUPL-1.2
"""RFC 9112 and 9110 as far as a server is held to them, over cleartext and TLS. What could be read in two ways is in
test_strict.py."""
import re
import socket
import ssl

import pytest

import frames as h2
from conversation import dial
from edge import Edge

HOST = "Host: portal.example\r\n"
GPC = "/.well-known/gpc.json"
LENGTH = len(h2.BEACON)


def get(target=GPC, version="HTTP/1.1", headers=HOST, method="GET"):
    return f"{method} {target} {version}\r\n{headers}\r\n".encode()


def post(headers, body=h2.BEACON):
    return f"POST /balise/b HTTP/1.1\r\n{HOST}Origin: {h2.ORIGIN}\r\nUser-Agent: {h2.AGENT}\r\n{headers}\r\n".encode() + body


def chunks(*parts, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


CHUNKED = "Transfer-Encoding: chunked\r\n"
HALVES = h2.BEACON[:20], h2.BEACON[20:]
# What is sent, and the status of the one answer; 0 is none at all.
ONE = {
    "2.2 an empty line first": (b"\r\n" + get(), {200}),
    "2.2 no line end but a line feed": (get().replace(b"\r\n", b"\n"), {200, 400}),
    "2.2 a carriage return alone": (get(headers=HOST + "x: a\rb\r\n"), {400}),
    "2.2 a blank before the first field": (get(headers=" " + HOST), {400}),
    "2.3 a version that is none": (get(version="HTTP/x.y"), {400, 505}),
    "2.3 a version of two digits": (get(version="HTTP/1.10"), {400, 505}),
    "2.3 lower case": (get(version="http/1.1"), {400, 505}),
    "2.3 version 2 in text": (get(version="HTTP/2.0"), {400, 505}),
    "3 no version": (f"GET {GPC}\r\n\r\n".encode(), {400, 0}),
    "3 a blank in the target": (get("/a b"), {400}),
    "3 nothing but a method": (b"GET\r\n\r\n", {400, 0}),
    "3.1 a method with a bracket": (get(method="GE(T"), {400, 405, 501}),
    "3.1 a method that is not known": (get(method="BREW"), {405, 501}),
    "3.1 a method in lower case": (get(method="get"), {405, 501}),
    "3.1 CONNECT": (get("portal.example:443", method="CONNECT"), {400, 404, 405, 501}),
    "3.1 TRACE": (get(method="TRACE"), {405, 501}),
    "3.2 a target in absolute form": (get("http://portal.example" + GPC), {200}),
    "3.2 a target that is a star": (get("*", method="OPTIONS"), {200, 204, 400, 404, 405}),
    "3.2 a target that is no path": (get("gpc.json"), {400, 404}),
    "3.2 a target of 20 kB": (get("/" + "a" * 20000), {400, 414}),
    "5 a name with a bracket": (get(headers=HOST + "x(y: z\r\n"), {400}),
    "5 a name that is not there": (get(headers=HOST + ": z\r\n"), {400}),
    "5 no colon": (get(headers=HOST + "x\r\n"), {400}),
    "5.5 a value with a zero": (get(headers=HOST + "x: a\0b\r\n"), {400}),
    "5.5 a value with a control byte": (get(headers=HOST + "x: a\x01b\r\n"), {400}),
    "5.5 a value in another alphabet": (get(headers=HOST + "x: é\r\n"), {200}),
    "5.1 blanks around a value": (get(headers=HOST + "x: \t y \t\r\n"), {200}),
    "5.4 200 fields": (get(headers=HOST + "x: y\r\n" * 200), {400, 431}),
    "6.2 a length": (post(f"Content-Length: {LENGTH}\r\n"), {204}),
    "6.2 a negative length": (post("Content-Length: -1\r\n"), {400}),
    "6.2 a length past 64 bits": (post("Content-Length: 99999999999999999999\r\n"), {400, 413}),
    "6.2 a length in hexadecimal": (post("Content-Length: 0x10\r\n"), {400}),
    "6.2 an empty length": (post("Content-Length: \r\n"), {400}),
    "7.1 chunks": (post(CHUNKED, chunks(*HALVES)), {204}),
    "7.1 a chunk's size in capitals and with zeroes": (post(CHUNKED, b"%04X\r\n" % LENGTH + h2.BEACON + b"\r\n0\r\n\r\n"), {204}),
    "7.1 a chunk of another size": (post(CHUNKED, b"%x\r\n" % (LENGTH - 1) + h2.BEACON + b"\r\n0\r\n\r\n"), {400, 0}),
    "7.1 a size that is no number": (post(CHUNKED, b"x\r\n" + h2.BEACON + b"\r\n0\r\n\r\n"), {400, 0}),
    "7.1 a size with a sign": (post(CHUNKED, b"+%x\r\n" % LENGTH + h2.BEACON + b"\r\n0\r\n\r\n"), {400, 0}),
    "7.1 a size with 0x": (post(CHUNKED, b"0x%x\r\n" % LENGTH + h2.BEACON + b"\r\n0\r\n\r\n"), {400, 0}),
    "7.1 a size past 64 bits": (post(CHUNKED, b"1%016x\r\n" % LENGTH + h2.BEACON + b"\r\n0\r\n\r\n"), {400, 413, 0}),
    "7.1 no line end after a chunk": (post(CHUNKED, b"%x\r\n" % LENGTH + h2.BEACON + b"0\r\n\r\n"), {400, 0}),
    "7.1.1 an extension": (post(CHUNKED, b"%x;a=b\r\n" % LENGTH + h2.BEACON + b"\r\n0\r\n\r\n"), {204}),
    "7.1.2 trailers": (post(CHUNKED, chunks(*HALVES, end=b"0\r\nx: y\r\n\r\n")), {204}),
    "8 a body that is cut off": (post("Content-Length: 4000\r\n"), {400, 0}),
    "8 chunks that are cut off": (post(CHUNKED, chunks(*HALVES, end=b"")), {400, 0}),
    "9110 7.2 an empty host": (get(headers="Host: \r\n"), {200, 400}),
    "9110 9.3.2 HEAD": (get(method="HEAD"), {200}),
    "9110 10.1.1 an expectation": (post(f"Content-Length: {LENGTH}\r\nExpect: 100-continue\r\n"), {204}),
    "9110 15.5.6 another method where there is one": (get("/balise/b"), {405}),
}
COUNTED = {"6.2 a length", "7.1 chunks", "7.1 a chunk's size in capitals and with zeroes", "7.1.1 an extension", "7.1.2 trailers",
           "9110 10.1.1 an expectation"}


@pytest.fixture(name="server", scope="module", params=[False, True], ids=["cleartext", "tls"])
def _server(request):
    with Edge(request.param, network_connections=100000) as server:
        yield server


def answers(server, said, count=None):
    """What comes until there are so many answers; or until the server ends the connection, on which the client says no more."""
    connection = dial(server.public_port, server.tls, "http/1.1")
    try:
        connection.sendall(said)
        if count is None:
            socket.socket.shutdown(connection, socket.SHUT_WR)  # of the socket below TLS
        found = b""
        while not is_enough(found, count) and (more := connection.recv(65536)):
            found += more
        return found
    except (ConnectionResetError, ssl.SSLError):
        return b""
    finally:
        connection.close()


def statuses(found):
    """Of the answers, without what was said before them (100)."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 ([2-5]\d\d) .*?\r\n\r\n", found, re.S)]


def is_enough(found, count):
    return count is not None and len(statuses(found)) >= count


@pytest.mark.parametrize("name", ONE)
def test_rule(server, name):
    said, allowed = ONE[name]
    before = server.outcomes()["accepted"]
    found = answers(server, said, None if 0 in allowed else 1)
    assert (statuses(found) or [0])[0] in allowed
    assert (b"HTTP/1.1 100 " in found) == (b"100-continue" in said)
    assert server.outcomes()["accepted"] == before + (name in COUNTED)


def test_9_3_requests_in_a_row_are_answered_in_their_order(server):
    found = answers(server, get() + get("/nothing") + post(f"Content-Length: {LENGTH}\r\n") + get(method="BREW") + get(), 5)
    assert statuses(found) == [200, 404, 204, 405, 200]


@pytest.mark.parametrize("said", [get(headers=HOST + "Connection: close\r\n"), get(version="HTTP/1.0", headers="")], ids=["close", "1.0"])
def test_9_6_a_connection_that_is_to_end_ends_after_the_answer(server, said):
    assert statuses(answers(server, said + get(), 2)) == [200]


def test_9_3_a_client_of_1_0_may_keep_its_connection(server):
    kept = get(version="HTTP/1.0", headers="Connection: keep-alive\r\n")
    assert statuses(answers(server, kept + kept, 2)) == [200, 200]


def test_9110_9_3_2_an_answer_to_head_has_the_length_and_no_body(server):
    head, whole = answers(server, get(method="HEAD") + get(), 2).split(b"\r\n\r\n")[:2]
    length = re.search(rb"(?i)content-length: (\d+)", head)[1]
    assert int(length) > 0 and whole.startswith(b"HTTP/1.1 200") and length in whole


def test_9110_6_6_1_every_answer_has_a_date_and_none_names_a_version(server):
    found = answers(server, get(), 1)
    assert re.search(rb"(?i)\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", found)
    assert b"2.2.5" not in found
