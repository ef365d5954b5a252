# SPDX-License-Identifier: EUPL-1.2
"""Good conversations over HTTP/1.1 and HTTP/2, and what a random hand makes of them."""
import frames as h2

AUTHORITY = "portal.example"
BODY = h2.BEACON


def h1(method, path, *headers, body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {AUTHORITY}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


BEACON_HEADERS = (f"Origin: {h2.ORIGIN}", f"User-Agent: {h2.AGENT}")
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
HTTP1 = [
    h1("POST", "/balise/b", *BEACON_HEADERS, LENGTH, body=BODY),
    h1("POST", "/balise/b", *BEACON_HEADERS, "Transfer-Encoding: chunked", body=CHUNKED),
    h1("POST", "/balise/b", *BEACON_HEADERS, LENGTH, "Expect: 100-continue", body=BODY),
    h1("POST", "/balise/b", *BEACON_HEADERS, LENGTH, "X-Forwarded-For: 2001:db8::1, 192.0.2.1", "Sec-GPC: 1", body=BODY),
    h1("GET", "/balise/privacy?lang=en", "Accept-Language: fr", "Cookie: a=b; c=d"),
    h1("GET", "/balise/b.js", "Accept-Encoding: br, gzip", 'If-None-Match: "x"', "Range: bytes=0-10"),
    h1("GET", "/.well-known/gpc.json") + h1("GET", "/balise/b.js") + h1("OPTIONS", "/balise/b", f"Origin: {h2.ORIGIN}"),
    h1("GET", "http://portal.example/balise/privacy", "Connection: close"),
    h1("GET", "/balise/privacy", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
]
WORDS = [b"\r\n", b"\n", b"\0", b" ", b":", b"\t", b"0", b"-1", b"ffffffffffffffff", b"18446744073709551616", b"Content-Length: 5\r\n",
         b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n", b"%00", b"%2e%2e/", b"//", b"?", b"HTTP/1.0", b"HTTP/2.0", b"\xff", b"\x80" * 5,
         b"Connection: close\r\n", b"a" * 300, b";q=0.1", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]

# An HTTP/2 conversation is a list of frames, each [kind, flags, stream, payload].
HUFFMAN_FIELDS = bytes.fromhex("828684be58086439")  # fields by number, and one that is not there yet
PADDED = b"\x03" + BODY + b"\0\0\0"
HTTP2 = [
    [[h2.HEADERS, h2.END_HEADERS, 1, h2.BEACON_FIELDS], [h2.DATA, h2.END_STREAM, 1, BODY]],
    [[h2.HEADERS, h2.END_HEADERS, 1, h2.BEACON_FIELDS], [h2.DATA, h2.END_STREAM | 8, 1, PADDED]],
    [[h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, h2.NOTICE_FIELDS], [h2.PING, 0, 0, b"12345678"],
     [h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 3, h2.fields("GET", "/balise/b.js")]],
    [[h2.HEADERS, 0, 1, h2.BEACON_FIELDS[:20]], [h2.CONTINUATION, 0, 1, h2.BEACON_FIELDS[20:60]],
     [h2.CONTINUATION, h2.END_HEADERS, 1, h2.BEACON_FIELDS[60:]], [h2.DATA, 0, 1, BODY[:9]], [h2.DATA, h2.END_STREAM, 1, BODY[9:]]],
    [[h2.SETTINGS, 0, 0, bytes.fromhex("000100000000000400010000000500004000")], [h2.WINDOW_UPDATE, 0, 0, b"\0\0\xff\xff"],
     [h2.PRIORITY, 0, 5, b"\0\0\0\3\x10"], [h2.HEADERS, h2.END_HEADERS | 0x20, 5, b"\0\0\0\3\x10" + h2.BEACON_FIELDS],
     [h2.WINDOW_UPDATE, 0, 5, b"\0\0\0\1"], [h2.DATA, h2.END_STREAM, 5, BODY], [h2.RST_STREAM, 0, 5, b"\0\0\0\x08"]],
    [[h2.HEADERS, h2.END_HEADERS, 1, h2.literal("x-kept", "v" * 30, indexed=True) + h2.BEACON_FIELDS], [h2.DATA, 0, 1, BODY],
     [h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, h2.literal("trailer", "t")], [h2.GOAWAY, 0, 0, bytes(8)]],
    [[h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, HUFFMAN_FIELDS], [h2.PUSH_PROMISE, h2.END_HEADERS, 1, b"\0\0\0\2" + HUFFMAN_FIELDS]],
    [[h2.HEADERS, h2.END_HEADERS, n, h2.BEACON_FIELDS] for n in range(1, 20, 2)] + [[h2.DATA, 1, n, BODY] for n in range(1, 20, 2)],
]


def mutate_bytes(data, rng, words=WORDS):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        choice = rng.randrange(7)
        if choice == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif choice == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif choice == 2:
            del data[at:at + rng.choice((1, 2, 4, 30))]
        elif choice == 3:
            data[at:at] = rng.choice(words)
        elif choice == 4:
            piece = data[at:at + rng.randrange(1, 60)]
            where = rng.randrange(len(data) + 1)
            data[where:where] = piece * rng.choice((1, 1, 2, 20))
        elif choice == 5:
            del data[at:]
        else:
            data[at:at + 4] = rng.randbytes(rng.randrange(5))
    return bytes(data)


def a_frame(rng):
    """A frame of nobody's."""
    return [rng.choice((*range(11), 0x10, 255)), rng.randrange(256), rng.choice((0, 1, 2, 3, 5, 0x7fffffff, 0xffffffff)), rng.randbytes(rng.choice((0, 1, 4, 5, 6, 8, 20)))]


def mutate_frames(conversation, rng):
    """The frames as (bytes), with some of their fields, their order or their bytes changed."""
    frames = [list(frame) for frame in conversation]
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(frames)) if frames else 0
        choice = rng.randrange(9)
        if not frames or choice == 0:
            frames.insert(at, a_frame(rng))
        elif choice == 1:
            frames[at][0] = a_frame(rng)[0]
        elif choice == 2:
            frames[at][1] ^= 1 << rng.randrange(8)
        elif choice == 3:
            frames[at][2] = a_frame(rng)[2]
        elif choice == 4:
            frames[at:at + 1] = [frames[at]] * rng.choice((2, 3, 50))
        elif choice == 5:
            del frames[at]
        elif choice == 6:
            rng.shuffle(frames)
        else:
            frames[at] = [*frames[at][:3], mutate_bytes(frames[at][3], rng)]
    parts = [h2.frame(kind, stream, payload, flags) for kind, flags, stream, payload in frames]
    if parts and rng.randrange(8) == 0:  # a length that is another
        at = rng.randrange(len(parts))
        parts[at] = rng.randbytes(3) + parts[at][3:] if rng.randrange(2) else b"\0\0" + bytes([rng.randrange(256)]) + parts[at][3:]
    return b"".join(parts)


def an_input(rng):
    """What one connection sends."""
    if rng.randrange(3) == 0:
        data = b"".join(rng.choice(HTTP1) for _ in range(rng.choice((1, 1, 2))))
        return mutate_bytes(data, rng)
    data = h2.hello() + mutate_frames(rng.choice(HTTP2), rng) + h2.frame(h2.PING, 0, b"the end ")
    return mutate_bytes(data, rng) if rng.randrange(6) == 0 else data
