# SPDX-License-Identifier: EUPL-1.2
"""RFC 9113 and RFC 7541 frame by frame, over cleartext and TLS: what a server must refuse, and how; what it must let pass.

A case is what is sent after the preface, and the verdicts that the RFC allows. Where a connection error is asked for, its end
without a GOAWAY is one too (RFC 9113, 5.4.1)."""
import struct

import pytest

import frames as h2
from conversation import Conversation
from edge import Edge

GET = h2.fields("GET", "/.well-known/gpc.json")
POST = h2.BEACON_FIELDS
BEGUN = h2.frame(h2.HEADERS, 1, POST, h2.END_HEADERS)  # a beacon without its body
DONE = h2.request(1, GET)
PADDED, PRIORITISED = 8, 0x20


def connection(*names):
    return {"closed", *(f"connection {name}_ERROR" for name in names)}


def stream(*names):
    """A stream error may be treated as one of the connection (RFC 9113, 5.4.2)."""
    return connection(*names) | {f"stream {name}_ERROR" for name in names}


PROTOCOL, SIZE, FLOW, COMPRESSION = connection("PROTOCOL"), connection("FRAME_SIZE"), connection("FLOW_CONTROL"), connection("COMPRESSION")
CLOSED = {"closed", "connection STREAM_CLOSED", "stream STREAM_CLOSED"}
MALFORMED = stream("PROTOCOL") | {"answered 400"}
FINE = {"answered 200"}
IGNORED = {"nothing"}


def window_update(number, by):
    return h2.frame(h2.WINDOW_UPDATE, number, struct.pack(">I", by))


def reset(number):
    return h2.frame(h2.RST_STREAM, number, struct.pack(">I", 8))


def asked(*more, without=(), first=()):
    """A request for the GPC file with fields before and after its own."""
    own = [pair for pair in ((":method", "GET"), (":scheme", "http"), (":path", "/.well-known/gpc.json"), (":authority", "x"))
           if pair[0] not in without]
    return h2.request(1, b"".join(h2.literal(*pair) for pair in (*first, *own, *more)))


def posted(length, *parts):
    """A beacon with a content-length, its body in so many frames."""
    head = h2.frame(h2.HEADERS, 1, POST + h2.literal("content-length", str(length)), h2.END_HEADERS | (0 if parts else h2.END_STREAM))
    return head + b"".join(h2.frame(h2.DATA, 1, part, h2.END_STREAM if part is parts[-1] else 0) for part in parts)


FRAMES = {
    "4.1 a frame of an unknown type": (h2.frame(0xee, 0, b"12345678") + DONE, FINE),
    "4.1 undefined flags": (h2.frame(h2.PING, 0, b"12345678", 0xfe) + DONE, FINE),
    "4.1 the reserved bit": (h2.frame(h2.PING, 1 << 31, b"12345678") + DONE, FINE),
    "4.2 a DATA frame that is too long": (BEGUN + h2.frame(h2.DATA, 1, b" " * 16385, 1), SIZE | {"stream FRAME_SIZE_ERROR"}),
    "4.2 a HEADERS frame that is too long": (h2.frame(h2.HEADERS, 1, GET + h2.literal("x", "y" * 16400), 5), SIZE),
    "4.3 a block that is broken": (h2.frame(h2.HEADERS, 1, b"\x40\x02", 5), COMPRESSION),
    "4.3 another frame within a block": (h2.frame(h2.HEADERS, 1, GET, 1) + h2.frame(h2.PRIORITY, 1, bytes(4) + b"\x01")
                                         + h2.frame(h2.CONTINUATION, 1, b"", 4), PROTOCOL),
    "4.3 another stream's HEADERS within a block": (h2.frame(h2.HEADERS, 1, GET, 1) + h2.request(3, GET), PROTOCOL),
    "5.5 an unknown frame within a block": (h2.frame(h2.HEADERS, 1, GET, 1) + h2.frame(0xee, 1, b"x")
                                            + h2.frame(h2.CONTINUATION, 1, b"", 4), PROTOCOL),
    "6.1 DATA on stream 0": (h2.frame(h2.DATA, 0, b"x", 1), PROTOCOL),
    "6.1 DATA with more padding than there is": (BEGUN + h2.frame(h2.DATA, 1, b"\x05abcd", 1 | PADDED), PROTOCOL),
    "6.1 DATA with padding": (BEGUN + h2.frame(h2.DATA, 1, b"\x04" + h2.BEACON + bytes(4), 1 | PADDED), {"answered 204"}),
    "6.2 HEADERS on stream 0": (h2.request(0, GET), PROTOCOL),
    "6.2 HEADERS with more padding than there is": (h2.frame(h2.HEADERS, 1, b"\xff" + GET, 5 | PADDED), PROTOCOL),
    "6.2 HEADERS with padding and priority": (h2.frame(h2.HEADERS, 1, b"\x02" + bytes(4) + b"\x0f" + GET + bytes(2), 5 | PADDED | PRIORITISED),
                                              FINE),
    "6.3 PRIORITY on stream 0": (h2.frame(h2.PRIORITY, 0, bytes(4) + b"\x01"), PROTOCOL),
    "6.3 PRIORITY of another length": (h2.frame(h2.PRIORITY, 1, bytes(4)), SIZE | {"stream FRAME_SIZE_ERROR"}),
    "6.4 RST_STREAM on stream 0": (reset(0), PROTOCOL),
    "6.4 RST_STREAM of an idle stream": (reset(1), PROTOCOL),
    "6.4 RST_STREAM of another length": (BEGUN + h2.frame(h2.RST_STREAM, 1, bytes(3)), SIZE),
    "6.6 PUSH_PROMISE by a client": (h2.frame(h2.PUSH_PROMISE, 1, struct.pack(">I", 2) + GET, 4), PROTOCOL),
    "6.7 PING on a stream": (h2.frame(h2.PING, 1, bytes(8)), PROTOCOL),
    "6.7 PING of another length": (h2.frame(h2.PING, 0, bytes(7)), SIZE),
    "6.8 GOAWAY on a stream": (h2.frame(h2.GOAWAY, 1, bytes(8)), PROTOCOL),
    "6.8 GOAWAY that is too short": (h2.frame(h2.GOAWAY, 0, bytes(7)), SIZE),
    "6.10 CONTINUATION": (h2.frame(h2.HEADERS, 1, GET[:9], 1) + h2.frame(h2.CONTINUATION, 1, GET[9:], 4), FINE),
    "6.10 CONTINUATION of nothing": (h2.frame(h2.CONTINUATION, 1, GET, 4), PROTOCOL),
    "6.10 CONTINUATION after the end of the block": (DONE + h2.frame(h2.CONTINUATION, 1, b"", 4), PROTOCOL),
    "6.10 CONTINUATION on stream 0": (h2.frame(h2.HEADERS, 1, GET, 1) + h2.frame(h2.CONTINUATION, 0, b"", 4), PROTOCOL),
}
SETTINGS = {
    "6.5 SETTINGS on a stream": (h2.frame(h2.SETTINGS, 1), PROTOCOL),
    "6.5 an acknowledgement with a payload": (h2.frame(h2.SETTINGS, 0, bytes(6), h2.ACK), SIZE),
    "6.5 SETTINGS of another length": (h2.frame(h2.SETTINGS, 0, bytes(5)), SIZE),
    "6.5.2 ENABLE_PUSH that is no boolean": (h2.settings((2, 2)), PROTOCOL),
    "6.5.2 a window that is too large": (h2.settings((4, 1 << 31)), FLOW),
    "6.5.2 frames that are too small": (h2.settings((5, 16383)), PROTOCOL),
    "6.5.2 frames that are too large": (h2.settings((5, 1 << 24)), PROTOCOL),
    "6.5.2 an unknown setting": (h2.settings((0xee, 1)) + DONE, FINE),
    "6.9 WINDOW_UPDATE by nothing": (window_update(0, 0), PROTOCOL),
    "6.9 WINDOW_UPDATE of a stream by nothing": (BEGUN + window_update(1, 0), stream("PROTOCOL")),
    "6.9 WINDOW_UPDATE of another length": (h2.frame(h2.WINDOW_UPDATE, 0, bytes(3)), SIZE),
    "6.9 WINDOW_UPDATE of an idle stream": (window_update(1, 1), PROTOCOL),
    "6.9.1 a window that overflows": (window_update(0, (1 << 31) - 1), FLOW),
    "6.9.1 a stream's window that overflows": (BEGUN + window_update(1, (1 << 31) - 1), stream("FLOW_CONTROL")),
    "6.9.2 windows that overflow by a setting": (h2.settings((4, 0)) + BEGUN + window_update(1, (1 << 31) - 1) + h2.settings((4, 1)), FLOW),
}
STREAMS = {
    "5.1 DATA on an idle stream": (h2.frame(h2.DATA, 1, b"x", 1), PROTOCOL),
    "5.1 DATA after the end of the stream": (h2.request(1, POST, b"{") + h2.frame(h2.DATA, 1, b"x", 1), CLOSED),
    "5.1 HEADERS after the end of the stream": (h2.request(1, POST, b"{") + h2.request(1, GET), CLOSED),
    "5.1 DATA after a reset": (BEGUN + reset(1) + h2.frame(h2.DATA, 1, b"x", 1), CLOSED | IGNORED),
    "5.1 HEADERS after a reset": (BEGUN + reset(1) + h2.request(1, GET), CLOSED | PROTOCOL | IGNORED),
    "5.1 RST_STREAM after a reset": (BEGUN + reset(1) + reset(1), IGNORED),
    "5.1 PRIORITY of an idle stream": (h2.frame(h2.PRIORITY, 5, bytes(4) + b"\x01") + DONE, FINE),
    "5.1.1 a stream with an even number": (h2.request(2, GET), PROTOCOL),
    "5.1.1 a stream with a lower number": (h2.request(5, GET) + h2.request(3, GET), PROTOCOL | CLOSED),
    "5.1.2 more streams than are allowed": (b"".join(h2.frame(h2.HEADERS, n, POST, 4) for n in range(1, 401, 2)),
                                            {"closed", "connection PROTOCOL_ERROR", "stream PROTOCOL_ERROR", "stream REFUSED_STREAM"}),
    "6.8 a request after the client's own GOAWAY": (h2.frame(h2.GOAWAY, 0, bytes(8)) + DONE, FINE | IGNORED | {"closed"}),
    "8.1 HEADERS in the middle": (BEGUN + h2.frame(h2.HEADERS, 1, h2.literal("x", "y"), 4), MALFORMED),
    "8.1 trailers": (BEGUN + h2.frame(h2.DATA, 1, h2.BEACON) + h2.frame(h2.HEADERS, 1, h2.literal("x", "y"), 5), {"answered 204"}),
    "8.1 trailers that as headers would mean something": (
        BEGUN + h2.frame(h2.DATA, 1, h2.BEACON) + h2.frame(h2.HEADERS, 1, h2.literal("sec-gpc", "1"), 5), {"answered 204"}),
    "8.1 trailers with a pseudo-header": (BEGUN + h2.frame(h2.DATA, 1, h2.BEACON) + h2.frame(h2.HEADERS, 1, h2.literal(":method", "GET"), 5),
                                          MALFORMED),
}
REQUESTS = {
    "8.2.1 an upper-case name": (asked(("X-Upper", "y")), MALFORMED),
    "8.2.1 a name with a blank": (asked(("x y", "z")), MALFORMED),
    "8.2.1 a name with a colon": (asked(("x:y", "z")), MALFORMED),
    "8.2.1 a name that is not there": (asked(("", "z")), MALFORMED),
    "8.2.1 a name with a line feed": (asked(("x\ny", "z")), MALFORMED),
    "8.2.1 a value with a zero": (asked(("x", b"a\0b")), MALFORMED),
    "8.2.1 a value with a line feed": (asked(("x", "a\nb")), MALFORMED),
    "8.2.1 a value with a carriage return": (asked(("x", "a\rb")), MALFORMED),
    "8.2.2 connection": (asked(("connection", "close")), MALFORMED),
    "8.2.2 keep-alive": (asked(("keep-alive", "5")), MALFORMED),
    "8.2.2 proxy-connection": (asked(("proxy-connection", "x")), MALFORMED),
    "8.2.2 transfer-encoding": (asked(("transfer-encoding", "chunked")), MALFORMED),
    "8.2.2 upgrade": (asked(("upgrade", "h2c")), MALFORMED),
    "8.2.2 TE with more than trailers": (asked(("te", "gzip")), MALFORMED),
    "8.2.2 TE with trailers": (asked(("te", "trailers")), FINE),
    "8.3 an unknown pseudo-header": (asked(first=[(":other", "x")]), MALFORMED),
    "8.3 the pseudo-header of an answer": (asked(first=[(":status", "200")]), MALFORMED),
    "8.3 a pseudo-header after a field": (asked(first=[("x", "y")]), MALFORMED),
    "8.3.1 no method": (asked(without=(":method",)), MALFORMED),
    "8.3.1 no scheme": (asked(without=(":scheme",)), MALFORMED),
    "8.3.1 no path": (asked(without=(":path",)), MALFORMED),
    "8.3.1 an empty path": (asked((":path", ""), without=(":path",)), MALFORMED),
    "8.3.1 two methods": (asked((":method", "GET")), MALFORMED),
    "8.3.1 two schemes": (asked((":scheme", "http")), MALFORMED),
    "8.3.1 two paths": (asked((":path", "/")), MALFORMED),
    "8.3.1 two authorities": (asked((":authority", "y")), MALFORMED),
    "8.3.1 a host that is the authority": (asked(("host", "x")), FINE),
    "8.3.1 a host and no authority": (asked(("host", "x"), without=(":authority",)), FINE),
    "8.1.1 less body than the length": (posted(len(h2.BEACON) + 1, h2.BEACON), MALFORMED),
    "8.1.1 more body than the length": (posted(len(h2.BEACON) - 1, h2.BEACON), MALFORMED),
    "8.1.1 more body than the length in two frames": (posted(len(h2.BEACON) - 1, h2.BEACON[:9], h2.BEACON[9:]), MALFORMED),
    "8.1.1 a length and no body": (posted(5), MALFORMED),
    "8.1.1 the length that it has": (posted(len(h2.BEACON), h2.BEACON[:9], h2.BEACON[9:]), {"answered 204"}),
    "8.1.1 the same length twice": (h2.frame(h2.HEADERS, 1, POST + h2.literal("content-length", str(len(h2.BEACON))) * 2, 4)
                                    + h2.frame(h2.DATA, 1, h2.BEACON, 1), {"answered 204"}),
    "8.1.1 a length that is no number": (h2.frame(h2.HEADERS, 1, POST + h2.literal("content-length", "x"), 4)
                                         + h2.frame(h2.DATA, 1, h2.BEACON, 1), MALFORMED),
    "8.1.1 two lengths": (h2.frame(h2.HEADERS, 1, POST + h2.literal("content-length", "5") + h2.literal("content-length", "88"), 4)
                          + h2.frame(h2.DATA, 1, h2.BEACON, 1), MALFORMED),
    "8.5 CONNECT with a path": (asked((":method", "CONNECT"), without=(":method",)), MALFORMED | {"answered 405", "answered 404"}),
}
HPACK = {
    "RFC 7541 2.3.3 the index 0": (h2.frame(h2.HEADERS, 1, GET + b"\x80", 5), COMPRESSION),
    "RFC 7541 2.3.3 an index past the table": (h2.frame(h2.HEADERS, 1, GET + b"\xff\x80\x01", 5), COMPRESSION),
    "RFC 7541 4.2 an update at the end of a block": (h2.frame(h2.HEADERS, 1, GET + b"\x20", 5), COMPRESSION),
    "RFC 7541 4.2 an update at its beginning": (h2.frame(h2.HEADERS, 1, b"\x20" + GET, 5), FINE),
    "RFC 7541 4.2 a table larger than allowed": (h2.frame(h2.HEADERS, 1, b"\x3f\xe2\x1f" + GET, 5), COMPRESSION),
    "RFC 7541 5.1 an integer without end": (h2.frame(h2.HEADERS, 1, GET + b"\x7f" + b"\xff" * 12 + b"\x0f", 5), COMPRESSION),
    "RFC 7541 5.2 a string past its block": (h2.frame(h2.HEADERS, 1, GET + b"\x00\x01x\x7f\x20y", 5), COMPRESSION),
    "RFC 7541 5.2 more padding than a byte": (h2.frame(h2.HEADERS, 1, GET + b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff", 5), COMPRESSION),
    "RFC 7541 5.2 padding of zeroes": (h2.frame(h2.HEADERS, 1, GET + b"\x00\x83\x49\x50\x90\x81\x1f", 5), COMPRESSION),
    "RFC 7541 5.2 the end of a string in it": (h2.frame(h2.HEADERS, 1, GET + b"\x00\x88\xf2\xb2\x4a\x84\xff\xff\xff\xfc\x81\x1f", 5), COMPRESSION),
}
# What the library does otherwise, and harms nobody but the client (docs/RELIABILITY.md).
LIBRARY = {"6.9.2 windows that overflow by a setting": "nothing"}
CASES = {**FRAMES, **SETTINGS, **STREAMS, **REQUESTS, **HPACK}


@pytest.fixture(name="server", scope="module", params=[False, True], ids=["cleartext", "tls"])
def _server(request):
    with Edge(request.param, network_connections=100000) as server:
        yield server


@pytest.fixture(name="talk")
def _talk(server):
    begun = []

    def talk(*settings, **how):
        begun.append(Conversation(server.public_port, server.tls, *settings, **how))
        return begun[-1]
    yield talk
    for conversation in begun:
        conversation.close()


@pytest.mark.parametrize("name", CASES)
def test_rule(server, talk, name):
    said, allowed = CASES[name]
    before = server.outcomes()["accepted"]
    conversation = talk()
    conversation.say(said)
    counts = "answered 204" in allowed
    assert conversation.verdict(counts) in allowed | {LIBRARY.get(name)}
    assert server.outcomes()["accepted"] == before + counts
    other = talk()
    other.say(DONE)
    assert other.verdict() == "answered 200"


def test_3_4_another_preface_is_not_answered_in_frames(talk):
    conversation = talk(hello=False)
    conversation.say(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + h2.settings())
    assert conversation.verdict() in PROTOCOL and not conversation.of(h2.PING)


def test_3_4_a_first_frame_that_is_no_settings_is_taken_for_what_it_is(talk):
    """A connection error by the RFC; the library has none."""
    conversation = talk(hello=False)
    conversation.say(h2.PREFACE + h2.frame(h2.PING, 0, bytes(8)) + h2.settings() + DONE)
    assert conversation.verdict() in PROTOCOL | FINE


def test_6_5_3_settings_are_acknowledged_and_announced(talk):
    conversation = talk()
    conversation.finish()
    kinds = [(kind, flags) for kind, flags, _, _ in conversation.frames]
    assert kinds[0] == (h2.SETTINGS, 0) and kinds.count((h2.SETTINGS, h2.ACK)) == 1
    announced = conversation.frames[0][3]
    values = dict(struct.unpack(">HI", announced[at:at + 6]) for at in range(0, len(announced), 6))
    assert values[3] == 100  # streams at once


def test_6_7_a_ping_comes_back_as_it_went_and_an_acknowledgement_does_not(talk):
    conversation = talk()
    conversation.say(h2.frame(h2.PING, 0, b"answered", h2.ACK) + h2.frame(h2.PING, 0, b"a ping  "))
    conversation.finish()
    assert [(flags, payload) for _, flags, _, payload in conversation.of(h2.PING)][:-1] == [(h2.ACK, b"a ping  ")]


@pytest.mark.parametrize("window", [0, 1, 20])
def test_6_9_no_more_is_sent_than_the_window_lets(talk, window):
    conversation = talk((h2.INITIAL_WINDOW_SIZE, window))
    conversation.say(DONE)
    conversation.finish()
    assert conversation.status(1) == 200 and len(conversation.body(1)) == window
    conversation.say(h2.settings((h2.INITIAL_WINDOW_SIZE, window + 7)))
    conversation.listen(lambda _: len(conversation.body(1)) >= window + 7)
    assert len(conversation.body(1)) == window + 7
    conversation.say(window_update(1, 1000))
    frames = conversation.listen(lambda frame: frame[0] == h2.DATA and frame[1] & h2.END_STREAM)
    assert frames and conversation.body(1).startswith(b'{"gpc":true')


def test_6_9_2_a_window_may_become_negative(talk):
    conversation = talk((h2.INITIAL_WINDOW_SIZE, 20))
    conversation.say(DONE)
    conversation.finish()
    conversation.say(h2.settings((h2.INITIAL_WINDOW_SIZE, 5)) + window_update(1, 14))  # now -1
    conversation.finish()
    assert len(conversation.body(1)) == 20
    conversation.say(window_update(1, 2))
    conversation.listen(lambda _: len(conversation.body(1)) == 21)
    assert len(conversation.body(1)) == 21


def test_8_1_hundred_streams_at_once_are_each_answered(talk):
    conversation = talk()
    conversation.say(b"".join(h2.beacon(n) for n in range(1, 201, 2)))
    conversation.listen(lambda _: len(conversation.of(h2.HEADERS)) == 100)
    assert {conversation.status(n) for n in range(1, 201, 2)} == {204}


def test_8_1_an_answer_to_head_has_no_body(talk):
    conversation = talk()
    conversation.say(h2.request(1, h2.fields("HEAD", "/.well-known/gpc.json")))
    assert conversation.verdict() == "answered 200" and conversation.body(1) == b""
