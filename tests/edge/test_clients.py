# SPDX-License-Identifier: EUPL-1.2
"""Clients that people use, each with its own idea of the protocols. h2load is in test_attacks.py."""
import json
import pathlib
import subprocess

import h2.config
import h2.connection
import h2.events
import pytest

import cdp
import frames
from bidi import Firefox
from conversation import dial
from edge import Edge
from foreground import free_port

CLIENT = pathlib.Path(__file__).resolve().parent / "client.mjs"
BODY = frames.BEACON.decode()
TIMES = 20


@pytest.fixture(name="server", scope="module", params=[False, True], ids=["cleartext", "tls"])
def _server(request):
    with Edge(request.param) as server:
        yield server


@pytest.fixture(name="accepted")
def _accepted(server):
    """How many views were counted since the test began."""
    before = server.outcomes()["accepted"]
    return lambda: server.outcomes()["accepted"] - before


def run(*argv, body=None):
    done = subprocess.run(argv, input=body, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def url(server):
    return f"http{'s' if server.tls else ''}://127.0.0.1:{server.public_port}/balise/b"


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1", "--http2", "--http2-prior-knowledge"])
def test_curl(server, accepted, version):
    """--http2 without TLS asks to upgrade. Debian's curl does not get on with a second request after prior knowledge."""
    once = ["-sk", version, "-A", frames.AGENT, "-H", f"Origin: {frames.ORIGIN}", "-d", BODY, "-o", "/dev/null", "-w",
            "%{http_code} %{http_version}\n", url(server)]
    times = 1 if version == "--http2-prior-knowledge" and not server.tls else 3
    used = {"--http1.0": "1.1", "--http1.1": "1.1"}.get(version, "2")  # answers are of 1.1
    assert run("curl", *once, *["--next", *once] * (times - 1)).splitlines() == [f"204 {used}"] * times
    assert accepted() == times


@pytest.mark.parametrize("way", [[], ["--upgrade"]], ids=["direct", "upgrade"])
def test_nghttp(server, accepted, way, tmp_path):
    if way and server.tls:
        pytest.skip("TLS has no upgrade")
    (tmp_path / "body").write_text(BODY)
    said = run("nghttp", "-v", *way, "-d", str(tmp_path / "body"), "-H", f"origin: {frames.ORIGIN}", "-H", f"user-agent: {frames.AGENT}",
               url(server))
    assert ":status: 204" in said and accepted() == 1


def test_node(server, accepted):
    said = run("node", str(CLIENT), url(server).removesuffix("/balise/b"), frames.ORIGIN, frames.AGENT, BODY, str(TIMES))
    assert said.split() == ["204"] * TIMES and accepted() == TIMES


def test_python_h2(server, accepted):
    """A strict state machine: it ends with an exception at anything that a server must not send."""
    connection = dial(server.public_port, server.tls, "h2")
    state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    state.initiate_connection()
    for stream in range(1, 2 * TIMES, 2):
        state.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", "/balise/b"), (":authority", "x"),
                                    ("origin", frames.ORIGIN), ("user-agent", frames.AGENT)])
        state.send_data(stream, frames.BEACON, end_stream=True)
    statuses, ended = [], 0
    while ended < TIMES:
        connection.sendall(state.data_to_send())
        data = connection.recv(65536)
        assert data
        for event in state.receive_data(data):
            assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
            if isinstance(event, h2.events.ResponseReceived):
                statuses += [dict(event.headers)[b":status"]]
            ended += isinstance(event, h2.events.StreamEnded)
    connection.close()
    assert statuses == [b"204"] * TIMES and accepted() == TIMES


@pytest.fixture(name="portal", scope="module", params=[False, True], ids=["cleartext", "tls"])
def _portal(request):
    """A server whose own address is a site's: a page of it may send."""
    port = free_port()
    with Edge(request.param, listen=[f"127.0.0.1:{port}"]) as server:
        server.origin = url(server).removesuffix("/balise/b")
        server.config["sites"][0]["origins"].append(server.origin)
        server.write_config()
        server.restart()
        yield server


def sent_from(page, server):
    """The status of a beacon that a page sends, and by which protocol."""
    page.goto(server.origin + "/balise/b.js")  # as a text: the notice has a policy that lets nothing be sent
    send = f"fetch('/balise/b', {{method: 'POST', body: {json.dumps(BODY)}}}).then(answer => answer.status)"
    status = page.evaluate(send)
    return status, page.wait_for("performance.getEntriesByType('resource').filter(e => e.name.endsWith('/balise/b')).map(e => e.nextHopProtocol)[0]")


def test_firefox(portal):
    before = portal.outcomes()["accepted"]
    with Firefox() as firefox:
        assert sent_from(firefox.new_page(), portal) == (204, "h2" if portal.tls else "http/1.1")
    assert portal.outcomes()["accepted"] == before + 1


def test_chromium(portal):
    before = portal.outcomes()["accepted"]
    with cdp.Browser(["--ignore-certificate-errors"]) as browser:
        page = browser.new_page(browser.new_context())
        page.set_user_agent(frames.AGENT)  # without a head it says that it is a robot
        assert sent_from(page, portal) == (204, "h2" if portal.tls else "http/1.1")
    assert portal.outcomes()["accepted"] == before + 1
