# SPDX-License-Identifier: EUPL-1.2
"""The nginx block that portals are given, run as it stands but for names and TLS."""
import gzip
import http.client

import pytest

from nginx import nginx_from_example
from recorder import Recorder
from wait import until

PAGE = b"<!doctype html><html><head><title>Portail</title></HEAD><body></head></body></html>"
SCRIPT = b'<script async src="/balise/b.js"></script></head>'


@pytest.fixture(name="portal_server")
def _portal_server():
    with Recorder(pages={"/": ("text/html", PAGE)}) as server:
        yield server


@pytest.fixture(name="nginx")
def _nginx(recorder, portal_server):
    with nginx_from_example(recorder.address, portal_server.address) as server:
        yield server


def ask(nginx, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_the_script_line_is_added_once_and_compressed_again(nginx, portal_server):
    response, body = ask(nginx, "GET", "/", {"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    body = gzip.decompress(body)
    assert body == PAGE.replace(b"</HEAD>", SCRIPT)
    assert "accept-encoding" not in portal_server.requests[0].headers


def test_the_portal_keeps_its_cookies(nginx, portal_server):
    ask(nginx, "GET", "/", {"Cookie": "session=secret"})
    assert portal_server.requests[0].headers["cookie"] == "session=secret"


def test_balise_is_told_nothing_that_identifies(nginx, recorder):
    headers = {
        "X-Test-Address": "198.51.100.77", "X-Forwarded-For": "203.0.113.9", "Cookie": "session=secret",
        "Authorization": "Bearer secret", "Referer": "https://portal.example/?nom=Dupont",
        "Origin": "https://portal.example",
    }
    response, _ = ask(nginx, "POST", "/balise/b", headers, b"{}")
    assert response.status == 204
    post = recorder.posts()[0]
    assert post.path == "/balise/b" and post.body == b"{}"
    assert post.headers["x-forwarded-for"] == "198.51.100.0"
    assert post.headers["origin"] == "https://portal.example"
    assert not {"cookie", "authorization", "referer"} & post.headers.keys()


@pytest.mark.parametrize(
    "whole, cut",
    [
        ("192.0.2.200", "192.0.2.0"),
        ("2001:db8:17:4:5:6:7:8", "2001:db8:17::"),
        ("2001:db8:17::8", "2001:db8:17::"),
        ("2001:db8:17:4::", "2001:db8:17::"),
        ("2001:db8::8", "2001:db8::"),
        ("2001:db8::4:5:6:7:8", "2001:db8::"),
        ("2001::8", "2001::"),
        ("2001:0:17:4::8", "2001:0:17::"),
        ("::ffff:192.0.2.200", "192.0.2.0"),
        ("::1", "0.0.0.0"),
        ("unix:", "0.0.0.0"),
        ("192.0.2.200, 198.51.100.7", "0.0.0.0"),
    ],
)
def test_an_address_is_cut(nginx, recorder, whole, cut):
    ask(nginx, "POST", "/balise/b", {"X-Test-Address": whole}, b"{}")
    assert recorder.posts()[0].headers["x-forwarded-for"] == cut


def test_a_body_no_beacon_could_have_stops_at_nginx(nginx, recorder):
    response, _ = ask(nginx, "POST", "/balise/b", body=b" " * 20000)
    assert response.status == 413
    assert recorder.posts() == []


def test_the_log_holds_no_whole_address_and_no_query(nginx):
    ask(nginx, "GET", "/?nom=Dupont", {"X-Test-Address": "192.0.2.200", "User-Agent": "x", "Referer": "https://y.example/"})
    # nginx writes its line when the answer is out.
    until(lambda: '192.0.2.0 [' in nginx.log(), 10, "the request's line in the log")
    log = nginx.log()
    assert '"GET / HTTP/1.1"' in log
    assert "Dupont" not in log and "192.0.2.200" not in log and "y.example" not in log
