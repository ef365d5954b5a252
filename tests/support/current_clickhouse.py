# SPDX-License-Identifier: EUPL-1.2
"""A ClickHouse of today, from libchdb (tests/cluster/package.json), behind as much of its HTTP interface as balise uses.

    with Current() as engine:
        engine.nodes()                         # [http://127.0.0.1:PORT]
        engine.server.query("SELECT version()")

The library is the engine itself, in a process of its own; the few lines of HTTP around it are this file's. One server, no replicas.
"""
import ctypes
import http.server
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

from wait import until

LIBRARY = pathlib.Path(__file__).resolve().parents[1] / "cluster" / "node_modules" / "@chdb" / "lib-linux-x64-gnu" / "libchdb.so"
START_SECONDS = 120


class Engine:
    """The library's calls that are needed."""

    def __init__(self, folder):
        library = self.library = ctypes.CDLL(str(LIBRARY))
        for name, result, words in (
                ("chdb_connect", ctypes.c_void_p, (ctypes.c_int, ctypes.POINTER(ctypes.c_char_p))),
                ("chdb_query_n", ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)),
                ("chdb_result_buffer", ctypes.c_void_p, (ctypes.c_void_p,)),
                ("chdb_result_length", ctypes.c_size_t, (ctypes.c_void_p,)),
                ("chdb_result_error", ctypes.c_char_p, (ctypes.c_void_p,)),
                ("chdb_destroy_query_result", None, (ctypes.c_void_p,))):
            call = getattr(library, name)
            call.restype, call.argtypes = result, words
        words = (ctypes.c_char_p * 2)(b"balise", f"--path={folder}".encode())
        self.connection = ctypes.cast(library.chdb_connect(2, words), ctypes.POINTER(ctypes.c_void_p))[0]
        self.lock = threading.Lock()

    def ask(self, statement):
        """(answer, words of the refusal or None)"""
        with self.lock:
            result = self.library.chdb_query_n(self.connection, statement, len(statement), b"TabSeparated", 12)
            refused = self.library.chdb_result_error(result)
            length = self.library.chdb_result_length(result)
            answer = ctypes.string_at(self.library.chdb_result_buffer(result), length) if length else b""
            self.library.chdb_destroy_query_result(result)
            return answer, refused


class Handler(http.server.BaseHTTPRequestHandler):
    """A statement in the body, or in the address with rows in the body."""

    protocol_version = "HTTP/1.1"
    engine = None

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        statement = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("query")
        answer, refused = self.engine.ask(statement[0].encode() + b"\n" + body if statement else body)
        self.send_response(500 if refused else 200)
        answer = refused if refused else answer
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class Current:
    """A context manager: starts the process, and ends it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="balise-chdb-")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, "-B", __file__, self.folder.name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.server = self
        until(lambda: self.query("SELECT 1") == "1", START_SECONDS, "the engine answering")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def nodes(self):
        return [self.url]

    def query(self, sql):
        with urllib.request.urlopen(self.url, sql.encode(), timeout=60) as answer:
            return answer.read().decode().rstrip("\n")


def main():
    Handler.engine = Engine(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
