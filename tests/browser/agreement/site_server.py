# SPDX-License-Identifier: EUPL-1.2
"""A site whose pages are slow, shifting or odd on demand, and that hands what goes below /balise/ to the real server.

Every scenario has a page of its own, /NAME; the query says how it behaves:
  wait=MS       before the first byte             redirect  from another address first
  image=MS      before the picture comes          chunked=MS  between the first half of the page and the second
  hints=MS      103 Early Hints, then a wait      no-store  a header of the page
  hold          the picture comes with release()
"""
import http.client
import http.server
import json
import pathlib
import random
import struct
import subprocess
import threading
import time
import urllib.parse
import zlib

from loopback import Loopback

ROOT = pathlib.Path(__file__).resolve().parents[3]
BEACON = ROOT / "beacon"
HEAD = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title><link rel=icon href=data:,>"
    "<style>body{{margin:0;font:16px sans-serif}}.room{{height:60px}}button{{width:9em;height:3em}}</style>"
    "<script src=/vitals.js></script><script async src=/balise/b.js></script>"
)
BODY = (
    "<h1>Good morning</h1><p>A text that is painted first."
    "<div id=room></div><p><button>Go</button> <input></p>"
    "<img src='/noise.png?{picture}' width=640 height=400 alt=''>"
)


def noise(width=640, height=400):
    """A PNG that does not pack: flat pictures are no candidates for the largest paint."""
    dice = random.Random(7)
    rows = b"".join(b"\0" + dice.randbytes(width) for _ in range(height))
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def bundle():
    """web-vitals as one script, packed by the esbuild that packs the snippet."""
    argv = [str(BEACON / "node_modules/.bin/esbuild"), str(pathlib.Path(__file__).with_name("vitals.mjs")),
            "--bundle", "--format=iife", "--log-level=warning"]
    environment = {"NODE_PATH": str(BEACON / "node_modules"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(argv, env=environment, check=True, capture_output=True, timeout=60).stdout


def linger(seconds):
    """Be as slow as a scenario asks for."""
    threading.Event().wait(seconds)


class Site(Loopback):
    """balise is set once it listens: (host, port). beacons holds (view, status, bytes, headers) in the order they came."""

    def __init__(self, scripts=None):
        self.balise = None
        self.server = None
        self.beacons = []
        self.vitals = []
        self.asked = []
        self.state = "wait"
        self.address = "2001:db8::1"  # of the visitor: Chromium leaves headers of a test's own off a last beacon
        self.scripts = scripts or {}
        self.released = []
        self._changed = threading.Condition()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = "http://127.0.0.1:%d" % server.server_address[1]
        self.serve(server)

    def note(self, kept, what):
        """Append to one of the lists, and wake whoever waits."""
        with self._changed:
            kept.append(what)
            self._changed.notify_all()

    def wait(self, look, seconds=15, what="the page"):
        """Wait until look() is true of what came; returns it."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                found = look()
                if found:
                    return found
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{what}: {self.beacons} {self.vitals}")

    def of(self, name):
        """The views that came from a scenario's page and from what it became."""
        return [view for view, *_ in self.beacons if view["path"].split("/")[1] == name]

    def wait_views(self, name, count):
        """Wait for that many views of a scenario; all of them, with what web-vitals told last."""
        self.wait(lambda: len(self.of(name)) >= count, what=f"{count} views of {name}")
        self.wait(lambda: [told for told in self.vitals if told["path"] == f"/{name}"], what=f"vitals of {name}")
        return self.of(name)

    def told(self, name):
        """What web-vitals said: {kind of navigation: {metric: value}}."""
        return [told for told in self.vitals if told["path"] == f"/{name}"][-1]["views"]

    def release(self, name):
        """Let the picture of a scenario come that holds it back."""
        self.note(self.released, name)

    def wait_asked(self, path):
        self.wait(lambda: path in self.asked, what=path)


def _handler(site):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            site.note(site.asked, self.path)
            query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
            if url.path.startswith("/balise/"):
                self.forward(b"")
            elif url.path == "/noise.png":
                linger(int(query.get("image", 0)) / 1000)
                site.wait(lambda: query.get("hold") in (None, *site.released), 60, "the picture")
                self.answer("image/png", site.scripts["noise"], {"Cache-Control": "no-store"})
            elif url.path == "/vitals.js":
                self.answer("text/javascript", site.scripts["vitals"])
            elif url.path == "/state":
                self.answer("text/plain", site.state.encode())
            elif url.path.startswith("/told/"):
                self.answer("text/plain", b"")
            elif "redirect" in query:
                linger(0.08)
                self.send_response(302)
                self.send_header("Location", url.path)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.page(url.path, query)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/balise/"):
                self.forward(body)
            else:
                site.note(site.vitals, json.loads(body))
                self.send_response(204)
                self.end_headers()

        def page(self, path, query):
            linger(int(query.get("wait", 0)) / 1000)
            if "hints" in query:
                self.send_response_only(103)
                self.send_header("Link", "</vitals.js>; rel=preload; as=script")
                self.end_headers()
                linger(int(query["hints"]) / 1000)
            first = HEAD.format(name=path).encode()
            if "speculate" in query:
                rules = json.dumps({"prerender": [{"urls": [query["speculate"]], "eagerness": "immediate"}]})
                first += f"<script type=speculationrules>{rules}</script>".encode()
            second = BODY.format(picture="hold=" + path[1:] if "hold" in query else "image=" + query.get("image", "0")).encode()
            headers = {"Cache-Control": "no-store" if "no-store" in query else "no-cache"}
            if "chunked" not in query:
                self.answer("text/html", first + second + query.get("end", "").encode(), headers)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (first + b"<h1>First half</h1>", second, b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
                if part.startswith(b"<!doctype"):
                    linger(int(query["chunked"]) / 1000)

        def answer(self, kind, body, headers=None):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def forward(self, body):
            """To balise, as a proxy would: with the visitor's address, the rest as it came."""
            connection = http.client.HTTPConnection(*site.balise, timeout=30)
            try:
                headers = {name: value for name, value in self.headers.items()
                           if name.lower() not in ("host", "connection", "content-length")}
                headers["X-Forwarded-For"] = site.address
                # balise counts what calls itself headless as a robot.
                headers["User-Agent"] = self.headers["User-Agent"].replace("Headless", "")
                connection.request(self.command, self.path, body or None, headers)
                response = connection.getresponse()
                answer = response.read()
            finally:
                connection.close()
            self.send_response(response.status)
            for name, value in response.headers.items():
                if name.lower() not in ("connection", "date", "server", "content-length"):
                    self.send_header(name, value)
            if response.status not in (204, 304):
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            if self.command == "POST":
                told = {name.lower(): value for name, value in self.headers.items()}
                site.note(site.beacons, (json.loads(body), response.status, len(body), told))

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    return Handler
