# SPDX-License-Identifier: EUPL-1.2
"""A client that says exactly what it is told, and tells what the server made of it."""
import socket
import ssl
import struct

import frames as h2

ERRORS = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
          "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")
MARK = b"the end "  # a ping that is answered once everything before it was read
TIMEOUT_SECONDS = 10
# Of the static table of RFC 7541 and of Huffman's codes for digits, as the server writes statuses.
STATUSES = {0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}


def dial(port, tls, alpn):
    plain = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not tls:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    connection = context.wrap_socket(plain)
    assert connection.selected_alpn_protocol() == alpn
    return connection


def status_of(block):
    """The status of an answer, whose block begins with it."""
    if block[0] in STATUSES:
        return STATUSES[block[0]]
    assert block[0] & 0x0f == 8, block  # a literal with the name :status
    length, digits = block[1] & 0x7f, block[2:2 + (block[1] & 0x7f)]
    if not block[1] & 0x80:
        return int(digits)
    bits = "".join(f"{byte:08b}" for byte in digits)
    out, codes = "", {**{f"{n:05b}": str(n) for n in range(3)}, **{f"{n + 0x16:06b}": str(n) for n in range(3, 10)}}
    while length and len(out) < 3:
        code = next(code for code in codes if bits.startswith(code))
        out, bits = out + codes[code], bits[len(code):]
    return int(out)


class Conversation:
    """What a server answers to bytes: frames, and at last one word for it (verdict())."""

    def __init__(self, port, tls, *settings, hello=True):
        self.connection = dial(port, tls, "h2")
        self.frames, self.left, self.ended = [], b"", False
        if hello:
            self.say(h2.hello(*settings))

    def close(self):
        self.connection.close()

    def say(self, data):
        try:
            self.connection.sendall(data)
        except OSError:
            self.ended = True

    def listen(self, enough):
        """Reads frames until one is enough, or the server ends the connection."""
        while not self.ended and not any(map(enough, self.frames)):
            try:
                data = self.connection.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                data = b""
            self.ended = not data
            found, self.left = h2.read(self.left + data)
            self.frames += found
        return self.frames

    def finish(self):
        """Everything that the server has to say about what was said."""
        self.say(h2.frame(h2.PING, 0, MARK))
        return self.listen(lambda frame: frame[0] == h2.PING and frame[3] == MARK)

    def of(self, kind, stream=None):
        return [frame for frame in self.frames if frame[0] == kind and stream in (None, frame[2])]

    def body(self, stream):
        return b"".join(payload for _, _, _, payload in self.of(h2.DATA, stream))

    def status(self, stream):
        found = self.of(h2.HEADERS, stream)
        return status_of(found[0][3]) if found else None

    def verdict(self, is_answered=False):
        """"connection NAME", "stream NAME", "closed", "answered STATUS" or "nothing". is_answered: an answer is to be waited for,
        as that to a view is when the disk has it."""
        self.finish()
        if is_answered:
            self.listen(lambda frame: frame[0] in (h2.HEADERS, h2.RST_STREAM, h2.GOAWAY))
        for _, _, _, payload in self.of(h2.GOAWAY):
            code = struct.unpack(">I", payload[4:8])[0]
            if code:
                return f"connection {ERRORS[code]}"
        if self.ended:
            return "closed"
        for _, _, _, payload in self.of(h2.RST_STREAM):
            return f"stream {ERRORS[struct.unpack('>I', payload)[0]]}"
        answers = self.of(h2.HEADERS)
        return f"answered {status_of(answers[0][3])}" if answers else "nothing"
