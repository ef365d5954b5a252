# SPDX-License-Identifier: EUPL-1.2
"""Who is measured: each starts on a free loopback port with what it keeps in a folder of its own."""
import json
import os
import pathlib
import shutil
import subprocess

import corpus
from machine import Program, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BALISE_BENCH_BUILD", ROOT / "build" / "bench"))
TOOLS = BUILD / "tests" / "bench"
BALISE = BUILD / "balise"

NGINX = """
daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/error.log crit;
{modules}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 8k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s; http2_max_concurrent_streams 256; ssl_session_cache off; ssl_session_tickets off;
  log_format body escape=json '$remote_addr $http_user_agent $request_body';
  upstream next {{ server 127.0.0.1:{next}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} {listen} backlog=4096; {tls}
    location / {{ {answer} }}
  }}
}}
"""
NGINX_ANSWERS = {
    "empty": "return 204;",
    "logging": "access_log {folder}/access.log body buffer=64k flush=1s; echo_read_request_body; echo_status 204;",
    "proxy": "proxy_pass http://next; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host portal.example; "
             "proxy_set_header X-Forwarded-For $http_x_forwarded_for;",
}
ECHO = "load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;"


def certificate(folder):
    """An ECDSA certificate (P-256); (certificate, key)."""
    made = folder / "certificate.pem", folder / "key.pem"
    if not made[0].exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                        "-subj", "/CN=portal.example", "-out", made[0], "-keyout", made[1]], check=True, capture_output=True)
    return made


def _fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def bare(folder, loops=1, tls=None, wrapper=()):
    """The HTTP library and a handler that answers 204."""
    port = free_port()
    return Program([*wrapper, TOOLS / "bare", port, loops, *(tls or ())], _fresh(folder) / "log", port)


def configuration(folder, port, private_port, **changes):
    """A configuration of balise with its defaults, one site, and the test database of regions."""
    config = {"data_dir": str(folder / "data"),
              "sites": [{"name": "portal", "origins": [corpus.ORIGIN], "time_zone": "Europe/Paris"}],
              "public": {"listen": [f"127.0.0.1:{port}"], "loops": 1, "connections": 20000},
              "private": {"listen": [f"127.0.0.1:{private_port}"], "requests_a_minute": 1000000},
              "geoip": {"databases": [str(ROOT / "tests/support/mmdb/test.mmdb")]}}
    for section, values in changes.items():
        config[section] = {**config.get(section, {}), **values} if isinstance(values, dict) else values
    path = folder / "balise.json"
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")
    return path


def _environment_of_the_unit():
    """As systemd starts it."""
    unit = (ROOT / "packaging/systemd/balise.service").read_text(encoding="utf-8")
    return dict(line.split("=", 2)[1:] for line in unit.splitlines() if line.startswith("Environment="))


def balise(folder, loops=1, tls=None, wrapper=(), keep=False, **changes):
    """The product as it is released. keep: on the data that is there."""
    port, private = free_port(), free_port()
    if not keep:
        _fresh(folder)
    public = {"loops": loops, **changes.pop("public", {})}
    if tls:
        public["tls"] = {"certificate_file": str(tls[0]), "key_file": str(tls[1])}
    path = configuration(folder, port, private, public=public, **changes)
    program = Program([*wrapper, BALISE, "serve", "--config", path], folder / "log", port, _environment_of_the_unit())
    program.private_port = private
    program.config = path
    return program


def nginx(folder, answer, http2=False, tls=None, next_port=1, workers=1):
    """nginx with one worker unless told otherwise."""
    port = free_port()
    _fresh(folder)
    text = NGINX.format(
        folder=folder, workers=workers, port=port, next=next_port, modules=ECHO if answer == "logging" else "",
        listen=("ssl" if tls else "") + (" http2" if http2 else ""),
        tls=f"ssl_certificate {tls[0]}; ssl_certificate_key {tls[1]};" if tls else "", answer=NGINX_ANSWERS[answer].format(folder=folder))
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return Program(["/usr/sbin/nginx", "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"], folder / "log", port)


def victoria_metrics(folder):
    port = free_port()
    _fresh(folder)
    return Program(["victoria-metrics", f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=1",
                    "-loggerLevel=ERROR"], folder / "log", port)
