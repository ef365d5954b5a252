# SPDX-License-Identifier: EUPL-1.2
"""A receiver of posts: Python's own HTTP server, with TLS under a certificate authority made for the test, or without."""
import http.server
import ssl
import subprocess
import threading

from loopback import Loopback


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


def make_authority(folder, name="authority"):
    """A certificate authority; (certificate, key)."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", key, "-out", certificate)
    return certificate, key


def make_certificate(folder, authority, host):
    """A certificate for a host, signed by an authority, with its key in one file."""
    certificate, key = authority
    request, leaf, both, extra = (folder / f"{host}.{kind}" for kind in ("csr", "crt", "both.pem", "ext"))
    extra.write_text(f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}",
            "-keyout", folder / f"{host}.key", "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", certificate, "-CAkey", key, "-CAcreateserial", "-days", "2", "-extfile", extra, "-out", leaf)
    both.write_text((folder / f"{host}.key").read_text() + leaf.read_text())
    return both


class Receiver(Loopback):
    """Takes posts on a port of its own and answers with the statuses that it is told, then with 204.

    posts: (path, headers, body) of each. hang: an event; while it is not set no answer is given.
    """

    def __init__(self, certificate=None, statuses=(), location=None):
        self.posts, self.statuses, self.handshakes = [], list(statuses), 0
        self.hang = threading.Event()
        self.hang.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.path, dict(self.headers), body))
                receiver.hang.wait(60)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):  # a client that hangs up is what some tests are about
                pass

            def get_request(self):
                connection, address = super().get_request()
                receiver.handshakes += 1
                return connection, address

        server = Server(("127.0.0.1", 0), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = server.server_address[1]
        self.serve(server)

    def url(self, host="127.0.0.1", path="/balise?to=team"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def __exit__(self, *_):
        self.hang.set()
        super().__exit__()
