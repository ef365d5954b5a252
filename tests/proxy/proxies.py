# SPDX-License-Identifier: EUPL-1.2
"""The blocks of packaging/proxy/ in the servers that they are for, with nothing changed but names, folders and ports.

Each listens twice with TLS: on port as it stands, and on told_port behind the PROXY protocol, by which a test says which
address it comes from.
"""
import pathlib
import re
import shutil
import subprocess

from foreground import Foreground, replace
from nginx import command as nginx_command
from receiver import make_authority, make_certificate

BLOCKS = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "proxy"


class Proxy(Foreground):
    """A proxy with a block. balise, portal: (host, port) of what stands behind it."""

    listeners = 2
    tells_host = "host"  # the header in which the portal finds the name that the browser asked for

    def __init__(self, balise, portal, port=None):
        self._balise, self._portal = balise, portal
        super().__init__(port)
        self.url = f"https://127.0.0.1:{self.port}"

    @property
    def told_port(self):
        return self.ports[1]

    def certificate(self):
        """A file with a certificate and its key; whom it is signed by is in self.authority."""
        self.folder.chmod(0o755)  # for the users that the programs turn into
        authority = make_authority(self.folder)
        self.authority = authority[0]
        return make_certificate(self.folder, authority, "127.0.0.1")

    def block(self, name):
        """The text of a file, with the upstreams in it replaced."""
        text = (BLOCKS / name).read_text(encoding="utf-8")
        text = replace(text, "127.0.0.1:3000", "%s:%d" % self._portal)
        return replace(text, "127.0.0.1:8080", "%s:%d" % self._balise)


class Nginx(Proxy):
    def command(self):
        certificate = self.certificate()
        text = self.block("nginx.conf.example")
        text = replace(text, "/etc/ssl/certs/portal.example.pem", str(certificate))
        text = replace(text, "/etc/ssl/private/portal.example.key", str(certificate))
        text = replace(text, "/var/log/nginx/", f"{self.folder}/")
        text = replace(text, "listen 443 ", f"listen 127.0.0.1:{self.port} ")
        text = replace(text, "listen [::]:443 ssl http2", f"listen 127.0.0.1:{self.told_port} ssl http2 proxy_protocol")
        folders = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log crit;\n"
            "events { worker_connections 256; }\nhttp {\ninclude /etc/nginx/mime.types;\n"
            f"set_real_ip_from 127.0.0.1;\nreal_ip_header proxy_protocol;\n{folders}{text}}}\n", encoding="utf-8")
        return nginx_command(self.folder), {}


class Apache(Proxy):
    """In a copy of Debian's /etc/apache2, with the modules that the block's own comment has enabled."""

    def command(self):
        certificate = self.certificate()
        house = self.folder / "apache2"
        shutil.rmtree(house, ignore_errors=True)
        shutil.copytree("/etc/apache2", house, symlinks=True)
        environment = {"APACHE_CONFDIR": str(house), "APACHE_RUN_DIR": str(self.folder), "APACHE_LOCK_DIR": str(self.folder),
                       "APACHE_LOG_DIR": str(self.folder), "APACHE_PID_FILE": str(self.folder / "apache.pid"),
                       "APACHE_RUN_USER": "www-data", "APACHE_RUN_GROUP": "www-data"}
        text = self.block("apache.conf.example")
        modules = re.search(r"^# +a2enmod (.*)$", text, re.M)[1].split()
        subprocess.run(["/usr/sbin/a2enmod", "--quiet", *modules], env=environment, check=True, capture_output=True, timeout=60)
        text = replace(text, "/etc/ssl/certs/portal.example.pem", str(certificate))
        text = replace(text, "/etc/ssl/private/portal.example.key", str(certificate))
        plain = replace(text, "<VirtualHost *:443>", f"<VirtualHost 127.0.0.1:{self.port}>")
        told = replace(text, "<VirtualHost *:443>", f"<VirtualHost 127.0.0.1:{self.told_port}>\n    RemoteIPProxyProtocol On")
        load = "LoadModule remoteip_module /usr/lib/apache2/modules/mod_remoteip.so\n"
        (house / "sites-enabled" / "portal.conf").write_text(load + plain + told, encoding="utf-8")
        (house / "sites-enabled" / "000-default.conf").unlink(missing_ok=True)
        (house / "ports.conf").write_text("".join(f"Listen 127.0.0.1:{port}\n" for port in self.ports), encoding="utf-8")
        return ["/usr/sbin/apache2", "-d", str(house), "-f", str(house / "apache2.conf"), "-D", "FOREGROUND"], environment


class HAProxy(Proxy):
    """After Debian's own haproxy.cfg, without what makes it a service of the system's."""

    def command(self):
        certificate = self.certificate()
        lua = self.folder / "balise.lua"
        shutil.copyfile(BLOCKS / "haproxy.balise.lua.example", lua)
        house = pathlib.Path("/etc/haproxy/haproxy.cfg").read_text(encoding="utf-8")
        house = re.sub(r"^\s*(log\s+/dev/log|chroot|stats|user|group|daemon)\b.*\n", "", house, flags=re.M)
        house = replace(house, "global\n", "global\n\tlog stdout format raw local0\n")
        text = self.block("haproxy.cfg.example")
        text = replace(text, "/etc/haproxy/balise.lua\n\nfrontend", f"{lua}\n\nfrontend")
        text = replace(text, "crt /etc/haproxy/portal.example.pem", f"crt {certificate}")
        text = replace(text, "bind *:443", f"bind 127.0.0.1:{self.port}")
        text = replace(text, "bind [::]:443 v6only", f"bind 127.0.0.1:{self.told_port} accept-proxy")
        (self.folder / "haproxy.cfg").write_text(house + text, encoding="utf-8")
        return ["/usr/sbin/haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")], {}


class H2o(Proxy):
    tells_host = "x-forwarded-host"

    def command(self):
        certificate = self.certificate()
        text = self.block("h2o.conf.example")
        text = replace(text, "/etc/ssl/certs/portal.example.pem", str(certificate))
        text = replace(text, "/etc/ssl/private/portal.example.key", str(certificate))
        text = replace(text, "/var/log/h2o/", f"{self.folder}/")
        text = replace(text, "port: 443, host: 0.0.0.0", f"port: {self.port}, host: 127.0.0.1")
        text = replace(text, 'port: 443, host: "::"', f"port: {self.told_port}, host: 127.0.0.1, proxy-protocol: ON")
        (self.folder / "h2o.conf").write_text(text, encoding="utf-8")
        return ["/usr/bin/h2o", "-c", str(self.folder / "h2o.conf")], {}


PROXIES = [Nginx, Apache, HAProxy, H2o]
