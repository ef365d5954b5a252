# SPDX-License-Identifier: EUPL-1.2
"""A portal as a proxy may find one: compressed pages with ETags and a strict policy, one that arrives in two parts, and
what is no page."""
import gzip
import threading

from recorder import Recorder

LINE = b'<script async src="/balise/b.js"></script>'
# Tags in capitals, and the text </head> a second time where it ends nothing.
PAGE = (b"<!DOCTYPE html>\n<html lang=en><head><title>Portal</title><link rel=stylesheet href=/style.css></HEAD>\n"
        b"<body><h1>Good morning</h1><p title='\"<head></head>\"'>" + b"A page like any other. " * 400 + b"</body></html>\n")
FIRST_PART, SECOND_PART = b"<!doctype html><html><head><title>Slow</title></head><body><p>first,\nand more of the same\n", b"<p>second</body></html>"
DATA = b'{"template": "<html><head></head></html>", "rest": "' + b"data " * 400 + b'"}'
IMAGE = bytes(range(256)) * 8
STYLE = b"h1 { color: navy }\n" * 200
TAG = '"v1"'


def is_injected(body):
    """Whether that is the page with the line in it, once; the tag may be written in small letters then."""
    return body.replace(b"</HEAD>", b"</head>") == PAGE.replace(b"</HEAD>", LINE + b"</head>")


def send(handler, body, kind, headers=()):
    """An answer like that of a careful portal: compressed if asked for, 304 for what the browser has."""
    told = [each.strip().removeprefix("W/") for each in handler.headers.get("If-None-Match", "").split(",")]
    fresh = TAG in told
    zipped = not fresh and "gzip" in handler.headers.get("Accept-Encoding", "")
    body = gzip.compress(body, mtime=0) if zipped else body
    handler.send_response(304 if fresh else 200)
    handler.send_header("ETag", TAG)
    handler.send_header("Cache-Control", "no-cache")
    handler.send_header("Content-Security-Policy", "default-src 'self'")
    for name, value in headers:
        handler.send_header(name, value)
    if not fresh:
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Vary", "Accept-Encoding")
        if zipped:
            handler.send_header("Content-Encoding", "gzip")
    handler.end_headers()
    if not fresh and handler.command != "HEAD":
        handler.wfile.write(body)


class Portal(Recorder):
    """Its pages; go_on: what the second part of /slow waits for."""

    def __init__(self):
        self.go_on = threading.Event()
        cookies = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT")]
        super().__init__({
            "/": lambda handler: send(handler, PAGE, "text/html; charset=utf-8"),
            "/search?q=a%20b&c": lambda handler: send(handler, PAGE, "text/html"),
            "/login": lambda handler: send(handler, PAGE, "text/html", cookies),
            "/data": lambda handler: send(handler, DATA, "application/json"),
            "/style.css": lambda handler: send(handler, STYLE, "text/css"),
            "/image": lambda handler: send(handler, IMAGE, "image/png"),
            "/slow": self._slow,
        })
        del self.pages["/balise/b.js"]  # no portal has it

    def _slow(self, handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.send_header("X-Accel-Buffering", "no")  # nginx collects answers otherwise, with or without our block
        handler.end_headers()
        # In the middle of the tag: whoever looks for it must remember where it began.
        middle = FIRST_PART.index(b"ad><body>")
        for part in (FIRST_PART[:middle], FIRST_PART[middle:]):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
        self.go_on.wait(30)
        handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(SECOND_PART), SECOND_PART))
