# SPDX-License-Identifier: EUPL-1.2
"""What balise and the proxy's logs are told of a visitor."""
import pytest

from visitor import ask
from wait import until

NOTHING = ("0.0.0.0", "::")  # of no region


def test_balise_is_told_nothing_that_identifies(proxy, recorder):
    headers = {
        "X-Forwarded-For": "203.0.113.9", "Cookie": "session=secret", "Authorization": "Bearer secret",
        "Referer": "https://portal.example/?secret-query", "Origin": "https://portal.example", "User-Agent": "Example/1.0",
        "Content-Type": "text/plain;charset=UTF-8", "Sec-GPC": "1",
    }
    answer, _ = ask(proxy, "POST", "/balise/b", headers, b"{}")
    assert answer.status == 204
    post = recorder.posts()[0]
    assert post.path == "/balise/b" and post.body == b"{}"
    assert post.headers["x-forwarded-for"] == "198.51.100.0"
    kept = {"origin": "https://portal.example", "user-agent": "Example/1.0", "content-type": "text/plain;charset=UTF-8",
            "sec-gpc": "1", "x-forwarded-proto": "https"}
    assert {name: post.headers.get(name) for name in kept} == kept
    told = " ".join([post.path, *post.headers.keys(), *post.headers.values()])
    for forbidden in ("secret", "198.51.100.77", "203.0.113.9", "cookie", "authorization", "referer"):
        assert forbidden not in told.lower()


@pytest.mark.parametrize(
    "whole, cut",
    [
        ("192.0.2.200", ("192.0.2.0",)),
        ("2001:db8:17:4:5:6:7:8", ("2001:db8:17::",)),
        ("2001:db8:17::8", ("2001:db8:17::",)),
        ("2001:db8:17:4::", ("2001:db8:17::",)),
        ("2001:db8::8", ("2001:db8::",)),
        ("2001:db8::4:5:6:7:8", ("2001:db8::", "2001:db8:0::")),
        ("2001::8", ("2001::",)),
        ("2001:0:17:4::8", ("2001:0:17::",)),
        ("::ffff:192.0.2.200", ("192.0.2.0", *NOTHING)),
        ("::1", NOTHING),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_address_is_cut(proxy, recorder, whole, cut):
    ask(proxy, "POST", "/balise/b", {}, b"{}", whole)
    assert recorder.posts()[0].headers["x-forwarded-for"] in cut


def test_the_snippet_comes_through_as_it_is(proxy, recorder):
    answer, body = ask(proxy, "GET", "/balise/b.js")
    assert answer.status == 200 and body == recorder.pages["/balise/b.js"][1]


def test_the_logs_hold_no_whole_address_and_no_query(proxy):
    headers = {"User-Agent": "Secret/1.0", "Referer": "https://secret.example/"}
    ask(proxy, "GET", "/search?q=a%20b&c", headers, address="192.0.2.200")
    ask(proxy, "GET", "/?secret-query", headers, address="2001:db8:17:4::99")
    ask(proxy, "POST", "/balise/b?secret-query", headers, b"{}", "192.0.2.201")
    # A log's line is written when the answer is out.
    until(lambda: '"GET /search HTTP/1.1"' in proxy.log() and '"GET / HTTP/1.1"' in proxy.log(), 10, "the requests' lines in the log")
    log = proxy.log()
    for forbidden in ("secret", "a%20b", "192.0.2.200", "192.0.2.201", "2001:db8:17:4", "/balise/"):
        assert forbidden not in log.lower()
