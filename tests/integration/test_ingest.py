# SPDX-License-Identifier: EUPL-1.2
"""What good input gets: protocols, who the client is, tokens, reloads, and an end that loses nothing."""
import datetime
import json
import random
import re
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from balise import DESKTOP, FIREFOX, MOBILE, ORIGIN, Balise, ask, run, view, visitors
from dpo import Dpo
from test_kill import CONNECTIONS
from test_kill import Load as Crowd
from wait import until


def views_by_region(balise, addresses):
    """Twelve visitors for each X-Forwarded-For, in networks of their own where {n} stands in it; the closed day by region."""
    for n in range(12):
        balise.post_all([(view(), {"address": address(n), "user_agent": DESKTOP % (100 + n)}) for address in addresses])
    return balise.views("region", balise.close_day())


def crowded(folder):
    """A configuration that takes visitors of one network for different ones, with the signature that it needs."""
    with Balise({"privacy": {"network_visitors": 100}}, running=False) as unsigned:
        Dpo(folder).sign(unsigned)
        return {name: unsigned.config[name] for name in ("privacy", "dpo")}


def test_an_address_is_unwrapped_before_it_is_cut(balise):
    assert views_by_region(balise, [
        lambda n: f"198.18.{n}.7",                    # plain
        lambda n: f"::ffff:198.18.{16 + n}.7",        # v4-mapped
        lambda n: f"::ffff:c612:{32 + n:02x}07",      # the same, in hexadecimal
        lambda n: f"2002:c612:{48 + n:02x}07::1",     # 6to4 of 198.18.48.7 and further
        lambda n: f"2001:db8:{0x900 + n:x}:77::1",    # IPv6
    ]) == {"FR-IDF": 12, "FR-BRE": 12, "FR-ARA": 12, "FR-OCC": 12, "DE-BY": 12}


def test_the_right_most_address_that_is_no_proxy_is_the_client(balise):
    assert views_by_region(balise, [
        lambda n: f"198.18.0.7, 198.18.{144 + n}.7",             # what the client claims does not count
        lambda n: f"198.18.0.7, 198.18.{16 + n}.7, 127.0.0.1",   # a proxy on this machine
        lambda n: f"198.18.0.7,198.18.{32 + n}.7 ,\t127.9.9.9",
    ]) == {"DE-BY": 12, "FR-BRE": 12, "FR-ARA": 12}


def test_what_is_no_address_is_nowhere(tmp_path):
    with Balise(crowded(tmp_path)) as balise:
        said = ["unknown", "0.0.0.0", "198.18.0.7, nonsense"]
        assert views_by_region(balise, [lambda _, text=text: text for text in said]) == {"(unknown)": 36}


def test_privacy_43_only_trusted_proxies_are_believed(tmp_path):
    with Balise({**crowded(tmp_path), "public": {"trusted_proxies": ["192.0.2.0/24"]}}) as balise:
        assert views_by_region(balise, [lambda n: f"198.18.{n}.7"]) == {"FR-PAC": 12}  # where test.mmdb has 127.0.0.0/8


def test_whoever_trusts_strangers_is_warned_at_the_start():
    for trusted, warned in ((["0.0.0.0/0", "::/0"], True), (["127.0.0.0/8", "::1/128"], False)):
        with Balise({"public": {"trusted_proxies": trusted}}) as balise:
            assert ("mod=serve event=strangers_trusted networks=2" in balise.log()) == warned


def test_a_site_whose_views_all_come_from_one_network_is_warned_of_once_a_day():
    """As when the proxy in front is not among the trusted ones: then nothing is ever told."""
    sites = [{"name": name, "origins": [f"https://{name}.example"], "time_zone": "Europe/Paris"} for name in ("alone", "mixed")]
    with Balise({"sites": sites}) as balise:
        def warnings():
            return re.findall(r"level=warning mod=ingest event=one_network site=(\S+) views=200", balise.log())

        def visit(site, count, **words):
            balise.post_all([(view(), {"origin": f"https://{site}.example", **words}) for _ in range(count)])

        visit("mixed", 1, address="2001:db8:1::1")
        visit("mixed", 250, address="2001:db8:2::1")
        visit("alone", 199, address="2001:db8:2::1")
        assert warnings() == []
        visit("alone", 100, address="2001:db8:2:9::1")
        assert warnings() == ["alone"]
        balise.close_day()
        visit("alone", 200, address=None)  # a proxy that names nobody
        assert warnings() == ["alone", "alone"]
        assert "2001:db8" not in balise.log()


def test_one_network_is_never_k_visitors_by_itself(balise):
    """Half of k come from it at the most, though it is counted whole where others make the k."""
    for n in range(40):
        assert balise.post(view("/forged"), address="2001:db8:1::1", user_agent=DESKTOP % (100 + n)).status == 204
        assert balise.post(view("/mixed"), address=f"2001:db8:{n % 2 * n:x}::1", user_agent=DESKTOP % (100 + n)).status == 204
        assert balise.post(view("/others"), address=f"2001:db8:{100 + n:x}::1").status == 204
    for n in range(12):
        assert balise.post(view("/rest"), address=f"2001:db8:{200 + n:x}::1").status == 204
    rows = balise.rows("page", from_=(day := balise.close_day()), to=day + datetime.timedelta(days=1))
    assert set(rows) == {"/mixed", "/others", "(other)"} and rows["/mixed"]["views"] == rows["/mixed"]["visitors"] == 40
    assert rows["(other)"]["views"] == 52


def test_privacy_18_networks_are_what_visitors_are_told_apart_by(balise):
    """One /48 and one user agent is one visitor, however many addresses it has: ten of them are k, nine are not."""
    for network, host in [(n, h) for n in range(9) for h in (1, 2)]:
        assert balise.post(view("/few"), address=f"2001:db8:{network}:{host}::1").status == 204
    for network in range(20, 30):
        assert balise.post(view("/enough"), address=f"2001:db8:{network}::1").status == 204
    for network in range(40, 52):
        assert balise.post(view("/many"), address=f"2001:db8:{network}::1").status == 204
    views = balise.views("page", balise.close_day())
    assert "/few" not in views and views["/many"] == 12 and sum(views.values()) == 40


@pytest.mark.sanitize
def test_every_table_has_every_view(balise):
    views = [view("/", lcp=1000, protocol="h2"), view("/aide", lcp=2000, protocol="h3"), view("/dossier/1042", lcp=3000)]
    agents = [DESKTOP % 142, MOBILE % 142, FIREFOX % (145, 145)]
    for region in ("FR-IDF", "DE-BY"):
        for agent, beacon in zip(agents, views):
            balise.visit(24, beacon, region=region, user_agent=agent)  # they share networks, so that fewer count for k
    soft = {"v": 1, "path": "/aide", "type": "soft-navigation", "lcp": 100}
    balise.visit(12, soft)
    day = balise.close_day()
    assert balise.views("region", day) == {"FR-IDF": 72, "DE-BY": 72}
    assert balise.views("page", day) == {"/": 48, "/aide": 48, "/dossier/:id": 48}
    assert balise.views("device", day) == {"desktop": 96, "mobile": 48}
    assert balise.views("browser", day) == {"chrome": 96, "firefox": 48}
    assert balise.views("protocol", day) == {"h2": 48, "h3": 48, "(unknown)": 48}
    assert balise.views("type", day) == {"navigate": 144}
    assert balise.views("day", day) == {str(day): 144}
    assert sum(balise.views("hour", day).values()) == 144
    assert {name: row["views"] for name, row in balise.rows("page", type="soft-navigation").items()} == {"/aide": 12}
    assert balise.rows("page")["/"]["lcp"]["p50"] == pytest.approx(1000, rel=0.039)  # a bin of a first day is so wide


def test_today_is_told_by_closed_blocks_only(balise):
    balise.visit(12)
    assert balise.kpi(metric="lcp", by="day")["rows"] == []
    for hour in range(3):  # the first block is kept back, the others are told when they end
        balise.clock.advance(hours=1)
        balise.visit(12 + hour)
    balise.clock.advance(hours=1)
    balise.visit(1)
    rows = until(lambda: balise.kpi(metric="lcp", by="hour")["rows"][2:], what="three blocks")
    assert [row["views"] for row in balise.kpi(metric="lcp", by="hour")["rows"]] == [12, 13, 14] and rows
    today = balise.kpi(metric="lcp", by="day")
    assert today["partial"] and today["rows"][0]["partial"] and today["rows"][0]["views"] == 39
    assert balise.kpi(metric="lcp", by="page")["rows"] == []


# Protocols


def curl(*words):
    """Status and HTTP version of one request."""
    done = subprocess.run(
        ["curl", "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code} %{http_version}",
         "-H", f"Origin: {ORIGIN}", "-A", DESKTOP % 142, "--data-binary", json.dumps(view()), *words],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.sanitize
def test_cleartext_speaks_http1_and_http2(balise):
    url = f"http://127.0.0.1:{balise.public_port}/balise/b"
    assert curl("--http1.1", url) == "204 1.1"
    assert curl("--http1.0", url) == "204 1.1"
    assert curl("--http2-prior-knowledge", url) == "204 2"
    assert balise.outcomes()["accepted"] == 3


def test_many_streams_of_one_connection(balise):
    body = balise.folder / "beacon.json"
    body.write_text(json.dumps(view()))
    done = subprocess.run(
        ["h2load", "-n", "2000", "-c", "2", "-m", "64", "-d", str(body), "-H", f"origin: {ORIGIN}",
         "-H", f"user-agent: {DESKTOP % 142}", f"http://127.0.0.1:{balise.public_port}/balise/b"],
        capture_output=True, text=True, check=True, timeout=60)
    assert "2000 succeeded, 0 failed" in done.stdout
    assert balise.outcomes()["accepted"] == balise.metrics()["balise_store_views_total"] == 2000


def test_http1_only_is_only_that():
    with Balise({"public": {"http1_only": True}}) as balise:
        url = f"http://127.0.0.1:{balise.public_port}/balise/b"
        assert curl("--http1.1", url) == "204 1.1"
        prior = subprocess.run(["curl", "-s", "--max-time", "20", "--http2-prior-knowledge", url], check=False, capture_output=True)
        assert prior.returncode != 0


def make_certificate(folder, name):
    """A throw-away certificate of 127.0.0.1 in place of an earlier one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")],
        check=True, capture_output=True)
    return (folder / "certificate.pem").read_text()


@pytest.fixture(name="tls")
def _tls():
    with Balise(running=False) as balise:
        files = {"certificate_file": str(balise.folder / "certificate.pem"), "key_file": str(balise.folder / "key.pem")}
        balise.config["public"]["tls"] = files
        balise.write_config()
        make_certificate(balise.folder, "first")
        balise.start()
        yield balise


def serves(balise, certificate):
    """Whether it does on every loop, as far as a few connections can tell."""
    return all(ssl.get_server_certificate(("127.0.0.1", balise.public_port)) == certificate for _ in range(10))


def test_tls_speaks_http2_by_alpn_and_http1(tls):
    url = f"https://127.0.0.1:{tls.public_port}/balise/b"
    trust = ["--cacert", str(tls.folder / "certificate.pem")]
    assert curl(*trust, url) == "204 2"
    assert curl(*trust, "--http1.1", url) == "204 1.1"
    assert curl(*trust, "--tlsv1.2", "--tls-max", "1.2", url) == "204 2"
    assert tls.outcomes()["accepted"] == 3


@pytest.mark.sanitize
def test_a_reload_takes_a_new_certificate_and_keeps_the_old_when_it_is_wrong(tls):
    first = (tls.folder / "certificate.pem").read_text()
    assert serves(tls, first)
    second = make_certificate(tls.folder, "second")
    assert serves(tls, first)
    assert tls.reload() == "reloaded"
    until(lambda: serves(tls, second), what="the new certificate")  # each loop changes when its turn comes
    (tls.folder / "certificate.pem").write_text("no certificate")
    assert tls.reload() == "reload_refused"
    assert str(tls.folder / "certificate.pem") in tls.log()
    assert serves(tls, second)


def test_a_wrong_certificate_is_named_at_the_start():
    with Balise(running=False) as balise:
        path = balise.folder / "certificate.pem"
        make_certificate(balise.folder, "first")
        path.write_text("no certificate")
        balise.config["public"]["tls"] = {"certificate_file": str(path), "key_file": str(balise.folder / "key.pem")}
        balise.write_config()
        assert str(path) in balise.fails_to_start()


# Who may ask


def test_health_needs_no_token_and_numbers_do(balise):
    for path in ("/healthz", "/readyz", "/"):
        assert balise.private("GET", path).status == 200
    for path in ("/metrics", "/api/v1/kpi?site=portal&metric=lcp"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Authorization": "Basic eDp5"}):
            answer = balise.private("GET", path, headers=headers)
            assert answer.status == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_token_is_accepted_as_soon_as_it_is_made(balise):
    token = run("token", "new", "--config", balise.config_path, "--role", "analyst").stdout.splitlines()[-1]
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert balise.private("GET", "/api/v1/kpi?site=portal&metric=lcp", token).status == 200
    assert token not in (balise.data / "tokens").read_text()
    balise.restart()
    assert balise.private("GET", "/api/v1/kpi?site=portal&metric=lcp", token).status == 200


def test_privacy_40_anothers_site_is_answered_as_none():
    sites = [{"name": name, "origins": [f"https://{name}.example"]} for name in ("portal", "other")]
    with Balise({"sites": sites}) as balise:
        mine = balise.token("analyst", "portal")
        path = "/api/v1/kpi?site=%s&metric=lcp"
        assert balise.private("GET", path % "portal", mine).status == 200
        theirs, none = (balise.private("GET", path % site, mine) for site in ("other", "nowhere"))
        assert theirs.status == none.status == 404 and theirs.body == none.body
        assert balise.private("GET", path % "other&by=nonsense", mine).body == none.body
        assert balise.private("GET", path % "other", balise.token("analyst")).status == 200


def test_the_private_side_takes_no_beacon(balise):
    assert ask(balise.private_port, "POST", "/balise/b", {"Origin": ORIGIN}, json.dumps(view())).status == 404


def test_what_a_query_cannot_have_is_said(balise):
    for wrong in ({"by": "page,browser"}, {"by": "nonsense"}, {"metric": "nonsense"}, {"from_": "yesterday"}, {"browser": "edge", "region": "FR"},
                  {"by": "region,hour"}, {"nonsense": "1"}, {"device": "nonsense"}, {"from_": "2026-06-10", "to": "2026-06-10"}):
        answer = balise.ask_kpi(**{"metric": "lcp", **wrong})
        assert answer.status == 400 and answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]


def test_csv_and_json_are_the_same_figures(balise):
    balise.visit(30, view(lcp=1234, cls=0.05))
    day = balise.close_day()
    lines = balise.csv(metric="lcp,cls", by="page", from_=day).split("\r\n")
    accepted = balise.ask_kpi(metric="lcp,cls", by="page", from_=day, headers={"Accept": "text/csv"})
    assert accepted.headers["Content-Type"].startswith("text/csv") and accepted.body.decode().split("\r\n") == lines
    flat = dict(zip(lines[0].split(","), lines[1].split(",")))
    row = balise.kpi(metric="lcp,cls", by="page", from_=day)["rows"][0]
    assert (flat["page"], int(flat["views"]), int(flat["visitors"])) == (row["page"], row["views"], row["visitors"])
    for metric in ("lcp", "cls"):
        for name in ("n", "p50", "p75", "p95", "good", "poor"):
            told = row[metric][name]
            assert flat[f"{metric}_{name}"] == ("" if told is None else f"{told:.10g}")


# The end


class Load(threading.Thread):
    """Sends beacons over one connection, one after the other, until the connection ends."""

    def __init__(self, port, visitor):
        super().__init__()
        body = json.dumps(view()).encode()
        self.request = (f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nUser-Agent: {visitor['user_agent']}\r\n"
                        f"X-Forwarded-For: {visitor['address']}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        self.connection = socket.create_connection(("127.0.0.1", port), 30)
        self.sent = self.acknowledged = self.refused = 0

    def run(self):
        try:
            while True:
                self.sent += 1
                self.connection.sendall(self.request)
                answer = self.connection.recv(4096)
                if not answer:
                    return
                self.acknowledged += answer.startswith(b"HTTP/1.1 204")
                self.refused += answer.startswith(b"HTTP/1.1 503")
        except OSError:
            return
        finally:
            self.connection.close()


@pytest.mark.sanitize
def test_a_stop_under_load_loses_nothing_that_was_acknowledged(balise):
    loads = [Load(balise.public_port, visitor) for visitor in visitors(16)]
    for load in loads:
        load.start()
    until(lambda: all(load.acknowledged >= 20 for load in loads), 60, "some load")
    balise.terminate()
    for load in loads:
        load.join(30)
    balise.start()
    day = balise.close_day()
    acknowledged = sum(load.acknowledged for load in loads)
    assert balise.views("page", day) == {"/": acknowledged}
    assert balise.views("region", day) == {"FR-IDF": acknowledged}


def test_requests_that_wait_when_the_stop_comes_are_answered(balise):
    """Sent before the signal, seen with it: each is told yes and counted, or its connection ends and it is not."""
    connections = [Load(balise.public_port, visitor) for visitor in visitors(32)]
    balise.visit(12, region="DE-BY")
    balise.signal(signal.SIGSTOP)
    for load in connections:
        load.connection.sendall(load.request)
    balise.signal(signal.SIGTERM)
    balise.signal(signal.SIGCONT)
    answers = []
    for load in connections:
        with load.connection:
            try:
                answers.append(load.connection.recv(4096))
            except ConnectionResetError:
                answers.append(b"")
    balise.wait_end()
    assert all(answer == b"" or answer.startswith((b"HTTP/1.1 204", b"HTTP/1.1 503")) for answer in answers)
    acknowledged = sum(answer.startswith(b"HTTP/1.1 204") for answer in answers)
    balise.start()
    assert sum(balise.views("page", balise.close_day()).values()) == 12 + acknowledged


def test_a_reload_under_load_refuses_nobody(balise):
    loads = [Load(balise.public_port, visitor) for visitor in visitors(4)]
    for load in loads:
        load.start()
    for _ in range(5):
        assert balise.reload() == "reloaded"
    balise.terminate()
    for load in loads:
        load.join(30)
        assert load.refused == 0 and load.acknowledged > 0


def test_views_that_come_together_are_written_together():
    def figures():
        found = balise.metrics()
        return found["balise_store_views_total"], found["balise_store_flights_total"]
    with Balise({"public": {"loops": 1}}) as balise:
        crowd = Crowd(balise.public_port, random.Random(1))
        crowd.run(0.3)  # from one at a time to all at once takes a moment
        before = figures()
        crowd.run(0.7)
        views, flights = (now - then for now, then in zip(figures(), before))
        balise.kill9()
        crowd.finish()
    assert views > 0.6 * CONNECTIONS * flights, (views, flights)


@pytest.mark.sanitize
def test_requests_that_do_not_wait_for_answers_get_theirs_all_the_same(balise):
    one = Load(balise.public_port, visitors(1)[0])
    for behind in (1, 300):  # more than fits where the first one lies
        one.connection.sendall(one.request)
        one.connection.sendall(one.request * behind)
        answers = b""
        while answers.count(b"HTTP/1.1 204 ") <= behind:
            more = one.connection.recv(65536)
            assert more and b"HTTP/1.1 4" not in answers, answers[-500:]
            answers += more
    one.connection.close()
    balise.wait_metric('balise_requests_total{outcome="accepted"}', 303)
