# SPDX-License-Identifier: EUPL-1.2
"""`balise doctor` before a deployment that is well, and before one that is wrong in one place: a finding each."""
import contextlib
import datetime
import os
import shlex

import pytest

from balise import TEST_DATABASE, Balise, run
from foreground import free_port, replace
from kernel import has_landlock
from portal import LINE, Portal
from proxies import Nginx
from recorder import Recorder


@pytest.fixture(name="server", scope="module")
def _server():
    port = free_port()
    sites = [{"name": "portal", "origins": [f"https://127.0.0.1:{port}"], "time_zone": "Europe/Paris"}]
    with Balise({"sites": sites, "geoip": {"databases": [str(TEST_DATABASE)]}}) as balise, Portal() as portal:
        balise.proxy_port, balise.portal = port, portal.address
        yield balise


@contextlib.contextmanager
def deployed(server, old=None, new=None):
    """The server behind nginx, with one thing in its block changed."""

    class Changed(Nginx):
        def block(self, name):
            text = super().block(name)
            return replace(text, old, new) if old else text

    with Changed(("127.0.0.1", server.public_port), server.portal, server.proxy_port) as proxy:
        yield proxy


def findings(server, url, *words, wrapper=()):
    """{subject: (health, text)} and the status; what is worst of a subject."""
    told = run("doctor", "--config", server.config_path, "--url", url, *words, wrapper=wrapper)
    lines = [line.split(maxsplit=2) for line in told.stdout.splitlines()]
    assert lines, told.stderr
    order = ["well", "look", "WRONG"]
    found = {}
    for health, subject, text in sorted(lines, key=lambda line: order.index(line[0])):
        found[subject] = (health, text)
    return found, told.returncode


def look(server, proxy):
    return findings(server, proxy.url + "/", "--ca-file", proxy.authority)


def test_nothing_is_wrong_with_the_block_as_it_is_given(server):
    before = server.outcomes()["accepted"]
    with deployed(server) as proxy:
        found, status = look(server, proxy)
    for subject in ("origin", "line", "policy", "compression", "caching", "snippet", "clock", "beacon"):
        assert found[subject][0] == "well", found[subject]
    # The test's certificate lasts two days.
    assert found["certificate"][0] == "look"
    assert status == 0
    assert server.outcomes()["accepted"] == before


TAG = '<script async src="/balise/b.js"></script></head>'


@pytest.mark.parametrize("subject, health, words, old, new", [
    ("line", "WRONG", "does not name", TAG, "</head>"),
    ("line", "WRONG", "2 times", TAG, '<script async src="/balise/b.js"></script>' + TAG),
    ("line", "WRONG", "Accept-Encoding", 'proxy_set_header Accept-Encoding "";', ""),
    ("snippet", "WRONG", "forward", "location /balise/ {", "location /elsewhere/ {"),
    ("beacon", "WRONG", "POST", "proxy_read_timeout 5s;", "limit_except GET { deny all; }"),
    ("compression", "look", "gzip on", "gzip on;", "gzip off;"),
    ("caching", "look", "sub_filter_last_modified", "sub_filter_last_modified on;", ""),
    ("caching", "look", "ETag", "sub_filter_last_modified on;", 'sub_filter_last_modified on; proxy_set_header If-None-Match "";'),
    ("policy", "WRONG", "script-src", "sub_filter_once on;", "sub_filter_once on; add_header Content-Security-Policy \"script-src 'nonce-x'\";"),
    ("policy", "WRONG", "connect-src", "sub_filter_once on;", "sub_filter_once on; add_header Content-Security-Policy \"connect-src 'none'\";"),
    ("policy", "WRONG", "script-src", "sub_filter_once on;",
     "sub_filter_once on; add_header Content-Security-Policy \"script-src 'self' 'strict-dynamic'\";"),
    *(("policy", "WRONG" if says else "well", says or "stands in the way", "sub_filter_once on;",
       f'sub_filter_once on; add_header Content-Security-Policy "{policy}";') for policy, says in (
           ("connect-src *.cdn.example", "connect-src"), ("connect-src https://$http_host.example.org", "connect-src"),
           ("script-src http://$http_host", "script-src"), ("default-src 'none'", "script-src"),
           ("connect-src https://a.example https://$http_host; script-src *", ""), ("default-src https:", ""), ("script-src 'SELF'", ""),
           ("default-src $http_host", ""), ("connect-src *.0.0.1:$server_port", ""))),
], ids=str)
def test_what_is_wrong_in_the_block_is_said_with_what_to_change(server, subject, health, words, old, new):
    with deployed(server, old, new) as proxy:
        found, status = look(server, proxy)
    assert found[subject][0] == health and words in found[subject][1], found
    assert status == (1 if health == "WRONG" else 0)


def test_an_authority_that_nobody_knows_is_said(server):
    with deployed(server) as proxy:
        found, status = findings(server, proxy.url + "/")
    assert found["page"][0] == "WRONG" and "certificate" in found["page"][1].lower()
    assert status == 1


def test_a_portal_that_is_not_there_is_said(server):
    found, status = findings(server, f"http://127.0.0.1:{free_port()}/")
    assert found["page"][0] == "WRONG" and found["origin"][0] == "WRONG"
    assert status == 1


def test_proxies_that_are_strangers_are_said():
    for trusted, health in ((["::/0"], "WRONG"), (["127.0.0.1"], "well")):
        with Balise({"public": {"trusted_proxies": trusted}}, running=False) as folder:
            found, _ = findings(folder, f"http://127.0.0.1:{free_port()}/")
        assert found["proxies"][0] == health, found


def test_a_clock_that_is_wrong_is_said(server):
    def script(handler):
        handler.send_response_only(200)
        handler.send_header("Date", (datetime.datetime.now() - datetime.timedelta(hours=9)).strftime("%a, %d %b %Y %H:%M:%S GMT"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    page = b"<!doctype html><html><head>" + LINE + b"</head></html>"
    with Recorder({"/": ("text/html", page), "/balise/b.js": script}) as portal:
        found, _ = findings(server, "http://%s:%d/" % portal.address)
    assert found["clock"][0] == "look" and "NTP" in found["clock"][1]


def test_regions_that_nobody_can_know_are_said():
    with Balise({"geoip": {"databases": []}}, running=False) as folder:
        found, _ = findings(folder, f"http://127.0.0.1:{free_port()}/")
    assert found["regions"][0] == "look" and "no region database" in found["regions"][1]


def of_the_machine(server, subject, wrapper=()):
    return findings(server, f"http://127.0.0.1:{free_port()}/", wrapper=wrapper)[0][subject]


def mounted(*words):
    """A command that runs another where something else is mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    return ["unshare", "--mount", "sh", "-ec", f'mount {shlex.join(map(str, words))}; exec "$@"', "mounted"]


@pytest.mark.parametrize("size, health, words", [("8m", "look", "8 MiB are left"), ("2g", "well", "2048 MiB are left")], ids=str)
def test_a_disk_that_is_nearly_full_is_said(server, size, health, words):
    found = of_the_machine(server, "disk", mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", server.data))
    assert found[0] == health and words in found[1], found


@pytest.mark.parametrize("areas, health", [(0, "well"), (2, "look")], ids=str)
def test_swap_is_said(server, areas, health):
    swaps = server.folder / "swaps"
    swaps.write_text("Filename\tType\tSize\tUsed\tPriority\n" + "/dev/vdb1\tpartition\t1048572\t0\t-2\n" * areas)
    found = of_the_machine(server, "swap", mounted("--bind", swaps, "/proc/swaps"))
    assert found[0] == health and ("2 areas" in found[1]) == (areas == 2), found


def test_locked_memory_that_the_next_start_would_not_get_is_said():
    with Balise(running=False) as server:
        assert of_the_machine(server, "memlock")[0] == "look"  # nobody there to be asked
        server.wrapper = ["prlimit", f"--memlock={8 << 20}"]
        server.start()
        found = of_the_machine(server, "memlock")
        assert found[0] == "well" and found[1].endswith(f"of {8 << 20}"), found
        server.config["privacy"] = {"visitors_kibibytes": 16384}
        server.write_config()
        found = of_the_machine(server, "memlock")
        assert found[0] == "look" and "LimitMEMLOCK" in found[1], found


def test_a_server_without_its_sandbox_is_said():
    with Balise() as server:
        assert of_the_machine(server, "sandbox") == ("well", "the server has only the calls and files it needs") or not has_landlock()
        server.terminate()
        server.config["sandbox"] = False
        server.write_config()
        server.start()
        found = of_the_machine(server, "sandbox")
        assert found[0] == "look" and "the server has none" in found[1], found


@pytest.mark.parametrize("words", [(), ("--url", "portal.example"), ("--url", "ftp://portal.example/")], ids=str)
def test_a_call_without_an_address_is_refused(server, words):
    told = run("doctor", "--config", server.config_path, *words)
    assert told.returncode in (1, 2) and told.stderr.startswith("balise: ") and not told.stdout
