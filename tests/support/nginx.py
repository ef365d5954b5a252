# SPDX-License-Identifier: EUPL-1.2
"""Run the real nginx in front of a folder of pages and of balise, as a portal would.

    with Nginx(balise=("127.0.0.1", 8080)) as nginx:
        nginx.url                          # http://127.0.0.1:PORT, the portal's origin

The configuration is the demo's, packaging/demo/nginx.conf.in, with one difference: the visitor's
address is what the request header X-Test-Address says, so that one browser can come from many networks.
The header itself is not passed on. The block that portals are given is run by tests/proxy.
"""
import pathlib

from foreground import Foreground, replace

NGINX = "/usr/sbin/nginx"
ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "packaging" / "demo" / "nginx.conf.in"
PORTAL = ROOT / "packaging" / "demo" / "portal"
ADDRESS_HEADER = "X-Test-Address"
STRIP = f'proxy_set_header {ADDRESS_HEADER} "";'
FROM_HEADER = "$http_x_test_address"


def command(folder):
    """The words that run nginx on the nginx.conf of a folder, which gets all that it writes."""
    return [NGINX, "-p", str(folder), "-e", str(folder / "first.log"), "-c", str(folder / "nginx.conf")]


class Nginx(Foreground):
    """nginx in front of a portal and of balise's public listener.

    balise: (host, port) that /balise/ is forwarded to; it need not answer yet.
    portal: folder of static pages.
    headers: response headers for every page of the portal, such as a Content-Security-Policy.
    port: to listen on; a free one by default.
    """

    def __init__(self, balise, portal=PORTAL, headers=None, port=None):
        self._balise, self._portal, self._headers = balise, portal, headers or {}
        super().__init__(port)
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self):
        text = TEMPLATE.read_text(encoding="utf-8")
        lines = "".join(f'add_header {name} "{value}" always;\n' for name, value in self._headers.items())
        text = replace(text, "server_name _;", f"server_name _;\n{lines}")
        text = replace(text, 'proxy_set_header Referer "";', f'proxy_set_header Referer "";\n{STRIP}')
        for mark, value in (
            ("RUN_DIR", self.folder),
            ("PORTAL_DIR", self._portal),
            ("PORTAL_LISTEN", f"127.0.0.1:{self.port}"),
            ("BALISE", "%s:%d" % self._balise),
            ("CLIENT_ADDRESS", FROM_HEADER),
        ):
            text = replace(text, f"@{mark}@", str(value))
        (self.folder / "nginx.conf").write_text(text, encoding="utf-8")
        return command(self.folder), {}
