# SPDX-License-Identifier: EUPL-1.2
"""The blocks of packaging/proxy/ in the servers that they are for, with nothing changed but names, folders and ports.

Each listens twice with TLS: on port as it stands, and on told_port behind the PROXY protocol, by which a test says which
address it comes from.
"""
import pathlib

from foreground import Foreground, replace
from nginx import command as nginx_command
from receiver import make_authority

BLOCKS = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "proxy"


class Proxy(Foreground):
    """A proxy with a block. balise, portal: (host, port) of what stands behind it."""

    listeners = 2

    def __init__(self, balise, portal, port=None):
        self._balise, self._portal = balise, portal
        super().__init__(port)
        self.url = f"https://127.0.0.1:{self.port}"

    @property
    def told_port(self):
        return self.ports[1]

    def certificate(self):
        """The files of a certificate for the portal and of its key."""
        self.folder.chmod(0o755)  # for the users that the programs turn into
        return make_authority(self.folder, "portal.example")

    def block(self, name):
        """The text of a file, with the upstreams in it replaced."""
        text = (BLOCKS / name).read_text(encoding="utf-8")
        text = replace(text, "127.0.0.1:3000", "%s:%d" % self._portal)
        return replace(text, "127.0.0.1:8080", "%s:%d" % self._balise)


class Nginx(Proxy):
    def command(self):
        certificate, key = self.certificate()
        text = self.block("nginx.conf.example")
        text = replace(text, "/etc/ssl/certs/portal.example.pem", str(certificate))
        text = replace(text, "/etc/ssl/private/portal.example.key", str(key))
        text = replace(text, "/var/log/nginx/", f"{self.folder}/")
        text = replace(text, "listen 443 ", f"listen 127.0.0.1:{self.port} ")
        text = replace(text, "listen [::]:443 ssl http2", f"listen 127.0.0.1:{self.told_port} ssl http2 proxy_protocol")
        folders = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log crit;\n"
            "events { worker_connections 256; }\nhttp {\ninclude /etc/nginx/mime.types;\n"
            f"set_real_ip_from 127.0.0.1;\nreal_ip_header proxy_protocol;\n{folders}{text}}}\n", encoding="utf-8")
        return nginx_command(self.folder), {}


PROXIES = [Nginx]
