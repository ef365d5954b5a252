# SPDX-License-Identifier: EUPL-1.2
"""HTTP/2 as bytes (RFC 9113, RFC 7541), so that a test can send what no client library would."""
import json
import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
INITIAL_WINDOW_SIZE = 4
ORIGIN = "https://portal.example"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
BEACON = json.dumps({"v": 1, "path": "/", "type": "navigate", "lcp": 1200}).encode()


def frame(kind, stream=0, payload=b"", flags=0):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


def hello(*pairs):
    """What a client says first."""
    return PREFACE + settings(*pairs)


def integer(value, bits, first):
    """RFC 7541, 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out = bytearray([first | most])
    value -= most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


def literal(name, value, indexed=False):
    """A field with its name in full, kept in the table of the connection or not."""
    name, value = (text if isinstance(text, bytes) else text.encode() for text in (name, value))
    return bytes([0x40 if indexed else 0]) + integer(len(name), 7, 0) + name + integer(len(value), 7, 0) + value


def fields(method, path, *more):
    pseudo = ((":method", method), (":scheme", "http"), (":path", path), (":authority", "x"))
    return b"".join(literal(name, value) for name, value in (*pseudo, *more))


BEACON_FIELDS = fields("POST", "/balise/b", ("origin", ORIGIN), ("user-agent", AGENT))
NOTICE_FIELDS = fields("GET", "/balise/privacy")


def request(stream, block, body=None):
    """A whole request."""
    if body is None:
        return frame(HEADERS, stream, block, END_HEADERS | END_STREAM)
    return frame(HEADERS, stream, block, END_HEADERS) + frame(DATA, stream, body, END_STREAM)


def beacon(stream):
    return request(stream, BEACON_FIELDS, BEACON)


def read(data):
    """All whole frames in it as (kind, flags, stream, payload), and what is left over."""
    found = []
    while len(data) >= 9:
        length = int.from_bytes(data[:3], "big")
        if len(data) < 9 + length:
            break
        kind, flags, stream = struct.unpack(">BBI", data[3:9])
        found.append((kind, flags, stream, data[9:9 + length]))
        data = data[9 + length:]
    return found, data
