# SPDX-License-Identifier: EUPL-1.2
"""Run the real nginx in front of a folder of pages and of balise, as a portal would.

    with Nginx(balise=("127.0.0.1", 8080)) as nginx:
        nginx.url                          # http://127.0.0.1:PORT, the portal's origin

The configuration is the demo's, packaging/demo/nginx.conf.in, with one difference: the visitor's
address is what the request header X-Test-Address says, so that one browser can come from many networks.
The header itself is not passed on. nginx_from_example() runs the block that is given to portals instead.

nginx stays in the foreground as one process, writes into a temporary folder only, and listens on a
free loopback port.
"""
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from wait import until

NGINX = "/usr/sbin/nginx"
ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "packaging" / "demo" / "nginx.conf.in"
EXAMPLE = ROOT / "packaging" / "proxy" / "nginx.conf.example"
PORTAL = ROOT / "packaging" / "demo" / "portal"
ADDRESS_HEADER = "X-Test-Address"
STRIP = f'proxy_set_header {ADDRESS_HEADER} "";'
FROM_HEADER = "$http_x_test_address"


class Nginx:
    """nginx in front of a portal and of balise's public listener.

    balise: (host, port) that /balise/ is forwarded to; it need not answer yet.
    portal: folder of static pages.
    headers: response headers for every page of the portal, such as a Content-Security-Policy.
    config: a function (run folder, port) -> text of a whole configuration, instead of the demo's.
    port: to listen on; a free one by default.
    """

    def __init__(self, balise, portal=PORTAL, headers=None, config=None, port=None):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="balise-nginx-"))
        self._process = None
        text = config or (lambda run, on: _demo(run, on, balise, portal, headers or {}))
        try:
            # Between finding a port and listening on it somebody else may take it: try again then.
            for _ in range(1 if port else 5):
                self.port = port or free_port()
                if self._start(text(self._folder, self.port)):
                    break
            else:
                raise RuntimeError(f"nginx does not start:\n{self.log()}")
        except BaseException:
            self.close()
            raise
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End nginx and delete its folder."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self):
        """Return what nginx and its logs say, for the message of a test that fails."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log")))

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _start(self, text):
        path = self._folder / "nginx.conf"
        path.write_text(text, encoding="utf-8")
        with open(self._folder / "start.log", "wb") as output:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                [NGINX, "-p", str(self._folder), "-e", str(self._folder / "first.log"), "-c", str(path)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )
        if until(lambda: self._process.poll() is not None or self._answers(), 10, "nginx") and self._process.poll() is None:
            return True
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process = None
        return False


def free_port():
    """Return a loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nginx_from_example(balise, portal):
    """Return an Nginx that runs packaging/proxy/nginx.conf.example.

    balise, portal: (host, port) of the two upstreams. Only names are replaced: listeners without
    TLS, upstreams, log files, and the address taken from the test's header.
    """
    return Nginx(balise, config=lambda run, port: _example(run, port, balise, portal))


def _replace(text, old, new):
    if old not in text:
        raise ValueError(f"the configuration no longer has {old!r}: adapt tests/support/nginx.py")
    return text.replace(old, new)


def _demo(run, port, balise, portal, headers):
    text = TEMPLATE.read_text(encoding="utf-8")
    lines = "".join(f'add_header {name} "{value}" always;\n' for name, value in headers.items())
    text = _replace(text, "server_name _;", f"server_name _;\n{lines}")
    text = _replace(text, 'proxy_set_header Referer "";', f'proxy_set_header Referer "";\n{STRIP}')
    for mark, value in (
        ("RUN_DIR", run),
        ("PORTAL_DIR", portal),
        ("PORTAL_LISTEN", f"127.0.0.1:{port}"),
        ("BALISE", "%s:%d" % balise),
        ("CLIENT_ADDRESS", FROM_HEADER),
    ):
        text = _replace(text, f"@{mark}@", str(value))
    return text


def _example(run, port, balise, portal):
    text = EXAMPLE.read_text(encoding="utf-8")
    text = _replace(text, "127.0.0.1:3000", "%s:%d" % portal)
    text = _replace(text, "127.0.0.1:8080", "%s:%d" % balise)
    text = _replace(text, "map $remote_addr ", f"map {FROM_HEADER} ")
    text = _replace(text, 'proxy_set_header Referer "";', f'proxy_set_header Referer "";\n{STRIP}')
    text = _replace(text, "/var/log/nginx/", f"{run}/")
    text = re.sub(r"^ *(ssl_\w+|listen \[::\]:443) .*;\n", "", text, flags=re.M)
    text = _replace(text, "listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
    folders = "".join(
        f"{kind}_temp_path {run}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\nmaster_process off;\npid {run}/nginx.pid;\nerror_log {run}/error.log crit;\n"
        f"events {{ worker_connections 256; }}\nhttp {{\n{folders}{text}}}\n"
    )
