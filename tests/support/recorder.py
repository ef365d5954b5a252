# SPDX-License-Identifier: EUPL-1.2
"""Stands where balise or a portal would, serves the built snippet, and keeps every request as it came."""
import http.server
import json
import pathlib
import threading
import time

from loopback import Loopback

SNIPPET = pathlib.Path(__file__).resolve().parents[2] / "beacon" / "dist" / "b.js"


class Request:
    """One request: method, path, headers (lower-case names) and body, as received."""

    def __init__(self, handler, body):
        self.method = handler.command
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = body

    def view(self):
        """Return the body as Python values."""
        return json.loads(self.body)


class Recorder(Loopback):
    """A small HTTP server on a free loopback port. address is its (host, port)."""

    def __init__(self, pages=None):
        """pages: {path: (content type, bytes)} to serve beside the snippet; may change meanwhile. A function in place of
        a pair is given the http.server handler and answers by itself."""
        self.requests = []
        self.pages = {"/balise/b.js": ("text/javascript", SNIPPET.read_bytes()), **(pages or {})}
        self._changed = threading.Condition()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = server.server_address
        self.serve(server)

    def posts(self):
        """Return the POSTs received so far."""
        with self._changed:
            return [request for request in self.requests if request.method == "POST"]

    def wait_posts(self, count, timeout=10):
        """Wait until count POSTs have come, and return them all."""
        return self._wait(lambda request: request.method == "POST", count, timeout)

    def wait(self, path, timeout=10):
        """Wait until somebody has asked for a path (query included)."""
        self._wait(lambda request: request.path == path, 1, timeout)

    def _wait(self, wanted, count, timeout):
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [request for request in self.requests if wanted(request)]
                if len(found) >= count:
                    return found
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{len(found)} of {count} requests came")

    def _record(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._changed:
            self.requests.append(Request(handler, body))
            self._changed.notify_all()

    def _handler(self):
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                recorder._record(self)  # pylint: disable=protected-access
                page = recorder.pages.get(self.path, (None, b""))
                if callable(page):
                    page(self)
                    return
                kind, body = page
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                recorder._record(self)  # pylint: disable=protected-access
                self.send_response(204)
                self.end_headers()

            do_OPTIONS = do_POST

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        return Handler
