# SPDX-License-Identifier: EUPL-1.2
"""What visitors get of a portal's pages: one line more, and everything else as it was."""
import gzip
import time
import zlib

import pytest

from portal import DATA, FIRST_PART, IMAGE, LINE, SECOND_PART, STYLE, is_injected
from visitor import ask, connected

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.mark.parametrize("path", ["/", "/search?q=a%20b&c"])
def test_a_page_gets_the_line_once_before_the_end_of_its_head(proxy, path):
    answer, body = ask(proxy, "GET", path)
    assert answer.status == 200 and is_injected(body)
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"


@pytest.mark.parametrize("path, is_whole", [("/", is_injected), ("/style.css", lambda body: body == STYLE)], ids=["page", "style"])
def test_what_is_compressed_stays_compressed(proxy, path, is_whole):
    answer, body = ask(proxy, "GET", path, GZIP)
    assert answer.headers["Content-Encoding"] == "gzip"
    whole = gzip.decompress(body)
    assert is_whole(whole) and len(body) < len(whole) / 5


@pytest.mark.parametrize("headers", [{}, GZIP], ids=["plain", "compressed"])
def test_a_page_that_has_not_changed_is_not_sent_again(proxy, headers):
    first, _ = ask(proxy, "GET", "/", headers)
    # Its bytes are not those that the portal's tag stands for.
    assert first.headers["ETag"].startswith("W/")
    again, body = ask(proxy, "GET", "/", {**headers, "If-None-Match": first.headers["ETag"]})
    assert again.status == 304 and body == b""


@pytest.mark.parametrize("path, whole", [("/data", DATA), ("/image", IMAGE)], ids=["data", "image"])
def test_what_is_no_page_is_left_alone(proxy, path, whole):
    answer, body = ask(proxy, "GET", path)
    assert body == whole
    assert answer.headers["ETag"] == '"v1"'


@pytest.mark.parametrize("headers", [{}, GZIP], ids=["plain", "compressed"])
def test_the_head_of_a_page_does_not_wait_for_the_rest(proxy, portal, headers):
    with connected(proxy) as connection:
        connection.request("GET", "/slow", headers=headers)
        answer = connection.getresponse()
        unzip = zlib.decompressobj(31) if answer.headers["Content-Encoding"] == "gzip" else None
        body, deadline = b"", time.monotonic() + 10
        whole = (FIRST_PART + SECOND_PART).replace(b"</head>", LINE + b"</head>")
        while body != whole:
            assert time.monotonic() < deadline, body
            part = answer.read1(65536)
            assert part, body
            body += unzip.decompress(part) if unzip else part
            if LINE + b"</head><body>" in body:
                portal.go_on.set()


def test_the_portal_gets_what_visitors_send_and_they_what_it_sends(proxy, portal):
    answer, body = ask(proxy, "GET", "/login", {"Cookie": "session=secret", "Referer": "https://portal.example/x"})
    assert is_injected(body)
    assert [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie")] == ["a=1", "b=2"]
    ask(proxy, "POST", "/login", {"Content-Type": "application/x-www-form-urlencoded"}, b"name=value")
    get, post = portal.requests
    assert get.headers["cookie"] == "session=secret" and get.headers["referer"] == "https://portal.example/x"
    assert get.headers[proxy.tells_host] == "portal.example" and get.headers["x-forwarded-proto"] == "https"
    assert post.body == b"name=value" and post.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_head_request_has_no_body(proxy):
    answer, body = ask(proxy, "HEAD", "/")
    assert answer.status in (200, 501) and body == b""
