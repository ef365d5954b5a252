# SPDX-License-Identifier: EUPL-1.2
"""What bad input gets: the right refusal, a counter of its own, and never a view. Nothing of it is repeated anywhere."""
import json
import os
import signal
import socket

import pytest

from balise import DESKTOP, ORIGIN, TEST_DATABASE, Balise, ask, run, view, visitors
from wait import until

SECRET = "dupont-zq7"  # stands in every bad beacon, and may stand nowhere else
HERE = "2001:db8:17::99"


def text(**more):
    return json.dumps(view(f"/{SECRET}", **more))


MALFORMED = {
    "empty": "",
    "white space": "  ",
    "not JSON": SECRET,
    "cut off": text(lcp=1)[:-1],
    "an array": f'["{SECRET}"]',
    "a comma too many": text()[:-1] + ",}",
    "something behind": text() + SECRET,
    "a key twice": '{"v":1,"v":1,"path":"/%s","type":"navigate"}' % SECRET,
    "an unknown key": text(**{SECRET: 1}),
    "no version": '{"path":"/%s","type":"navigate"}' % SECRET,
    "an unknown version": '{"v":2,"path":"/%s","type":"navigate"}' % SECRET,
    "a version with a fraction": '{"v":1.0,"path":"/%s","type":"navigate"}' % SECRET,
    "no path": '{"v":1,"type":"navigate"}',
    "a relative path": '{"v":1,"path":"%s","type":"navigate"}' % SECRET,
    "a path with a query": '{"v":1,"path":"/?%s","type":"navigate"}' % SECRET,
    "a path of 1,025 characters": json.dumps(view("/" + SECRET * 102 + "1234")),
    "an unknown type": '{"v":1,"path":"/","type":"%s"}' % SECRET,
    "a negative time": text(lcp=-1),
    "a time above ten minutes": text(lcp=600000.1),
    "a time as text": text(lcp=SECRET),
    "a time that is null": text(lcp=None),
    "not a number": text()[:-1] + ',"lcp":NaN}',
    "a layout shift above 100": text(cls=100.001),
    "bytes with a fraction": text(transferSize=1.5),
    "too many errors": text(errors=1000001),
    "an unclean protocol": text(protocol=SECRET.upper()),
    "a soft navigation with phases": '{"v":1,"path":"/%s","type":"soft-navigation","dns":1}' % SECRET,
    "not UTF-8": text().encode().replace(b"dupont", b"dupon\xff"),
    "an overlong character": text().encode().replace(b"dupont", b"dupon\xc0\xaf"),
    "a lone surrogate": text().replace("dupont", "dupon\\ud800"),
    "a byte order mark": b"\xef\xbb\xbf" + text().encode(),
    "a NUL": text().encode() + b"\0",
}


@pytest.fixture(name="shared", scope="module")
def _shared():
    with Balise() as server:
        yield server


def body_of(beacon):
    return beacon if isinstance(beacon, bytes) else beacon.encode()


def refused(balise, outcome, act):
    """What act() is answered; that counter, and no other, goes up by one, and no view is stored."""
    before, stored = balise.outcomes(), balise.metrics()["balise_store_views_total"]
    answer = act()
    after = balise.outcomes()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {outcome: 1}
    assert balise.metrics()["balise_store_views_total"] == stored
    return answer


def is_problem(answer, status):
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["type"] == "about:blank" and problem["title"]
    assert SECRET.encode() not in answer.whole() and HERE.encode() not in answer.whole()
    return problem


@pytest.mark.parametrize("beacon", MALFORMED.values(), ids=MALFORMED.keys())
def test_privacy_16_a_malformed_beacon_is_told_so(shared, beacon):
    answer = refused(shared, "malformed", lambda: shared.post(body_of(beacon), address=HERE))
    assert is_problem(answer, 400)["detail"]


def test_a_beacon_of_4096_bytes_counts_and_one_more_does_not(shared):
    padding = b" " * (4096 - len(json.dumps(view())))
    whole = json.dumps(view()).encode() + padding
    assert shared.post(whole).status == 204
    is_problem(refused(shared, "too_large", lambda: shared.post(whole + b" ")), 413)


def test_a_body_of_a_megabyte_is_not_read_to_its_end(shared):
    before = shared.metrics()["balise_store_views_total"]
    head = f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nContent-Length: 1048576\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared.public_port), 10) as connection:
        connection.sendall(head.encode() + text().encode())
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ") and SECRET.encode() not in answer
    assert shared.metrics()["balise_store_views_total"] == before


@pytest.mark.parametrize("origin", ["https://other.example", "http://portal.example", "https://portal.example:8443",
                                    "https://portal.example.evil.example", "null", "", None, SECRET])
def test_an_unknown_origin_is_forbidden(shared, origin):
    answer = refused(shared, "unknown_origin", lambda: shared.post(view(), address=HERE, origin=origin))
    is_problem(answer, 403)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_host_does_not_make_a_site(shared):
    answer = refused(shared, "unknown_origin", lambda: shared.post(view(), origin=None, headers={"Host": "portal.example"}))
    is_problem(answer, 403)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_another_method_is_told_which_one(shared, method):
    def act():
        return ask(shared.public_port, method, "/balise/b", {"Origin": ORIGIN})

    answer = refused(shared, "wrong_method", act)
    is_problem(answer, 405)
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/balise", "/balise/", "/balise/b/", "/balise/b.map", "/balise/../balise/b", "/BALISE/B",
                                  "/api/v1/kpi?site=portal", "/metrics", "/healthz", f"/{SECRET}"])
def test_the_public_side_has_nothing_else(shared, path):
    is_problem(ask(shared.public_port, "GET", path), 404)


@pytest.mark.parametrize("header", [{"Sec-GPC": "1"}, {"DNT": "1"}, {"Sec-GPC": "1", "DNT": "0"}])
def test_who_objects_is_only_counted_as_that(shared, header):
    answer = refused(shared, "declined", lambda: shared.post(view(), headers=header))
    assert answer.status == 204 and answer.body == b""


@pytest.mark.parametrize("header", [{"Sec-GPC": "0"}, {"DNT": "0"}, {"DNT": "unspecified"}])
def test_who_does_not_object_counts(shared, header):
    before = shared.outcomes()["accepted"]
    assert shared.post(view(), headers=header).status == 204
    assert shared.outcomes()["accepted"] == before + 1


@pytest.mark.parametrize("user_agent", ["Googlebot/2.1", "curl/8.0", "Mozilla/5.0 HeadlessChrome/142.0.0.0"])
def test_a_robot_is_not_counted(shared, user_agent):
    assert refused(shared, "bot", lambda: shared.post(view(), user_agent=user_agent)).status == 204


def test_an_objection_is_heard_whatever_the_beacon_is(shared):
    answer = refused(shared, "declined", lambda: shared.post(body_of(MALFORMED["not UTF-8"]), headers={"Sec-GPC": "1"}))
    assert answer.status == 204


def test_half_a_request_is_no_view(shared):
    stored = shared.metrics()["balise_store_views_total"]
    head = f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nUser-Agent: x\r\nContent-Length: 500\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared.public_port), 10) as half:
        half.sendall(head.encode() + text().encode())
        until(lambda: shared.metrics()["balise_connections"] >= 1, what="the connection")
    until(lambda: shared.metrics()["balise_connections"] == 0, what="its end")
    assert shared.metrics()["balise_store_views_total"] == stored


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64],
                         ids=["TLS", "no HTTP", "bad HTTP/2"])
def test_what_is_not_http_ends_its_own_connection_only(shared, garbage):
    with socket.create_connection(("127.0.0.1", shared.public_port), 10) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass
    assert shared.post(view()).status == 204


def test_privacy_03_nothing_of_all_this_was_logged(shared):
    said = shared.log()
    assert "event=listening" in said
    for word in (SECRET, HERE, "2001:db8", "127.0.0.1:", "Mozilla", "Googlebot", "other.example", "portal.example", "/balise/b"):
        assert word not in said


@pytest.fixture(name="one_loop")
def _one_loop():
    """With one loop a view takes along to the store every tally that came before it."""
    with Balise({"public": {"loops": 1}}) as server:
        yield server


@pytest.mark.sanitize
def test_a_day_of_bad_input_has_the_views_of_the_good(one_loop):
    balise = one_loop
    for visitor in visitors(12):
        for beacon in ("an unknown key", "not UTF-8", "a time above ten minutes", "cut off"):
            assert balise.post(body_of(MALFORMED[beacon]), **visitor).status == 400
        assert balise.post(view("/" + "x" * 4096), **visitor).status == 413
        assert balise.post(view(), **{**visitor, "origin": "https://other.example"}).status == 403
        assert balise.post(view(), **visitor, headers={"DNT": "1"}).status == 204
        assert balise.post(view(), **{**visitor, "user_agent": "Googlebot"}).status == 204
        assert balise.post(view(), **visitor).status == 204
    day = balise.close_day()
    for by, name in (("page", "/"), ("region", "FR-IDF"), ("device", "desktop"), ("browser", "chrome"),
                     ("protocol", "(unknown)"), ("type", "navigate"), ("day", str(day))):
        assert balise.views(by, day) == {name: 12}
    coverage = balise.kpi(metric="lcp", by="page", from_=day)["coverage"]
    told = {name: coverage[name] for name in ("views", "malformed", "too_large", "declined", "bot")}
    assert told == {"views": 12, "malformed": 48, "too_large": 12, "declined": 12, "bot": 12}


def test_tallies_are_kept_when_the_server_stops(one_loop):
    """Also those after the last view."""
    balise = one_loop
    balise.visit(12)
    assert balise.post(view(), headers={"DNT": "1"}).status == 204
    assert balise.post(b"{").status == 400
    assert balise.post(view("/" + "x" * 4096)).status == 413
    balise.restart()
    day = balise.close_day()
    coverage = balise.kpi(metric="lcp", by="page", from_=day)["coverage"]
    told = {name: coverage[name] for name in ("views", "malformed", "too_large", "declined")}
    assert told == {"views": 12, "malformed": 1, "too_large": 1, "declined": 1}


def burst(port, count):
    """Send that many beacons, each on a connection of its own, and return the connections."""
    body = json.dumps(view()).encode()
    request = (f"POST /balise/b HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nUser-Agent: {DESKTOP % 142}\r\n"
               f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body
    connections = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(count)]
    for connection in connections:
        connection.sendall(request)
    return connections


def read_to_end(connection):
    answer = b""
    with connection:
        while more := connection.recv(65536):
            answer += more
    return answer


def test_past_the_queue_a_beacon_is_told_to_come_again():
    with Balise({"public": {"queue_views": 2, "loops": 1}}) as balise:
        # Stopped meanwhile, so that all of them are there when it looks.
        balise.signal(signal.SIGSTOP)
        connections = burst(balise.public_port, 64)
        balise.signal(signal.SIGCONT)
        answers = [read_to_end(connection) for connection in connections]
        counted = sum(answer.startswith(b"HTTP/1.1 204") for answer in answers)
        busy = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
        assert busy and counted and counted + len(busy) == 64
        assert all(b"\r\nretry-after: " in answer.lower() for answer in busy)
        assert all(b"application/problem+json" in answer for answer in busy)
        outcomes = balise.outcomes()
        assert (outcomes["accepted"], outcomes["overloaded"]) == (counted, len(busy))
        assert balise.metrics()["balise_store_views_total"] == counted


# What a server refuses to start with


def test_a_database_cut_short_is_named():
    with Balise(running=False) as balise:
        balise.database.write_bytes(balise.database.read_bytes()[:-700])
        assert str(balise.database) in balise.fails_to_start()


@pytest.mark.parametrize("content", [b"", b"not a database", bytes(100000)], ids=["empty", "text", "zeroes"])
def test_what_is_no_database_is_named(content):
    with Balise(running=False) as balise:
        balise.database.write_bytes(content)
        assert str(balise.database) in balise.fails_to_start()


def test_a_missing_database_is_named():
    with Balise(running=False) as balise:
        balise.database.unlink()
        assert str(balise.database) in balise.fails_to_start()


def replace_file(path, content):
    """As packages and updaters do: the old file stays whole for who has it open."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.replace(new, path)


@pytest.mark.sanitize
def test_a_reload_keeps_the_old_database_when_the_new_one_is_wrong(balise):
    good = balise.database.read_bytes()
    replace_file(balise.database, good[:-700])
    assert balise.reload() == "reload_refused"
    assert str(balise.database) in balise.log()
    balise.visit(12, region="FR-BRE")
    replace_file(balise.database, good)
    assert balise.reload() == "reloaded"
    balise.visit(12, region="FR-ARA")
    assert balise.views("region", balise.close_day()) == {"FR-BRE": 12, "FR-ARA": 12}


def test_a_reload_takes_a_new_database(balise):
    balise.visit(12, region="FR-BRE")
    replace_file(balise.database, TEST_DATABASE.with_name("v4.mmdb").read_bytes())  # knows no IPv6
    assert balise.reload() == "reloaded"
    balise.visit(12, region="FR-BRE")
    assert balise.views("region", balise.close_day()) == {"FR-BRE": 12, "(unknown)": 12}


@pytest.mark.parametrize("version, said", [
    ("balise store 99\n", "store 99 of a newer balise; this one ({own}) knows store 2: install the newer one again"),
    ("balise store 1\n", "store 1 of an older balise; this one ({own}) knows store 2 and has no way from there"),
    ("balise store \n", "what its file \"version\" says is not of balise"),
    ("", "what its file \"version\" says is not of balise"),
], ids=["newer", "older", "none", "empty"])
def test_a_folder_of_another_version_is_left_alone(version, said):
    with Balise() as balise:
        balise.terminate()
        before = sorted(str(path) for path in balise.data.rglob("*"))
        (balise.data / "version").write_text(version)
        own = run("version").stdout.split()[1]
        assert f"{balise.data}: {said.format(own=own)}" in balise.fails_to_start()
        done = run("migrate", "--config", balise.config_path)
        assert (done.returncode, done.stdout) == (1, "") and f"{balise.data}: {said.format(own=own)}" in done.stderr
        assert sorted(str(path) for path in balise.data.rglob("*")) == before


def test_there_is_nothing_to_migrate_in_a_store_of_this_version_or_none():
    with Balise(running=False) as balise:
        done = run("migrate", "--config", balise.config_path)
        assert done.returncode == 0 and f"{balise.data}: no store yet" in done.stdout
        assert not balise.data.exists()
        balise.start()
        done = run("migrate", "--config", balise.config_path)
        assert done.returncode == 0 and f"{balise.data}: store 2, " in done.stdout and "nothing to migrate" in done.stdout


def test_a_folder_in_use_is_said_to_be(balise):
    second = run("serve", "--config", balise.config_path, environment=balise.environment())
    assert second.returncode == 1 and f"{balise.data}: in use by another process" in second.stderr
    assert balise.post(view()).status == 204


@pytest.mark.parametrize("folder", ["{file}/data", "/proc/self/data", "/proc/sys/kernel"])
def test_a_folder_that_cannot_be_written_is_named(folder):
    with Balise(running=False) as balise:
        folder = folder.format(file=balise.config_path)
        balise.config["data_dir"] = folder
        balise.write_config()
        assert f"data folder {folder}:" in balise.fails_to_start()


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken, Balise(running=False) as balise:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        balise.config["public"]["listen"] = [f"127.0.0.1:{port}"]
        balise.write_config()
        assert f"127.0.0.1 port {port}" in balise.fails_to_start()
