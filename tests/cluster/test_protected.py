# SPDX-License-Identifier: EUPL-1.2
"""The way to the servers: TLS by an authority of one's own, and all of it from within the sandbox."""
import contextlib
import datetime
import os
import pathlib
import re
import socket
import struct
import threading

import pytest

import clickhouse
from balise import Balise, run
from crowds import crowd
from kernel import has_landlock
from machines import Machines, section
from receiver import make_authority, make_certificate
from wait import until

DAY = datetime.timedelta(days=1)


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory):
    """(certificate, key) of a private authority, and the folder of what it signs."""
    return make_authority(tmp_path_factory.mktemp("authority"))


def certified(authority, host):
    return make_certificate(authority[0].parent, authority, host)


def trusting(authority):
    return {"cluster": {"ca_file": str(authority[0])}}


def ships_and_answers(machines):
    """A day that is shipped, and answered from there."""
    balise = machines[0]
    balise.post_all(crowd(0, 120))
    day = machines.close_day()
    answer = machines.complete(metric="lcp", by="page", from_=day, to=day + DAY)
    assert sum(row["views"] for row in answer["rows"]) == 120
    status = machines.command("status")
    assert status.returncode == 0, status.stdout + status.stderr


def is_in_the_sandbox(balise):
    """Every thread is limited in its calls, in the same process that shipped; files too, where the kernel can."""
    threads = {}
    for task in pathlib.Path(f"/proc/{balise.process.pid}/task").iterdir():
        status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines())
        threads[status["Name"]] = (status["Seccomp"], status["NoNewPrivs"])
    return set(threads.values()) == {("2", "1")} and "event=no_sandbox" not in balise.log() and (
        "event=files_not_limited" in balise.log()) == (not has_landlock())


def test_over_tls_by_an_authority_of_ones_own_a_machine_in_its_sandbox_ships_and_answers(authority):
    with clickhouse.Single(certified(authority, "localhost")) as engine, Machines(engine, 1, trusting(authority)) as machines:
        assert all(node.startswith("https://localhost:") for node in machines[0].config["cluster"]["nodes"])
        ships_and_answers(machines)
        assert is_in_the_sandbox(machines[0])
        said = machines.command("status").stdout
        assert "https://localhost:" in said and "AWAY" not in said


@pytest.mark.parametrize("fault, words", [
    ("the system's authorities", "certificate"), ("another authority", "certificate"), ("another host", "localhost"), ("no such file", "no-such-ca.pem")])
def test_who_cannot_prove_who_he_is_gets_nothing_and_the_error_says_why(authority, tmp_path, fault, words):
    host = "clickhouse.example" if fault == "another host" else "localhost"
    with clickhouse.Single(certified(authority, host)) as engine:
        wanted = trusting(authority)["cluster"]
        if fault == "another authority":
            wanted["ca_file"] = str(make_authority(tmp_path, "stranger")[0])
        if fault == "no such file":
            wanted["ca_file"] = str(tmp_path / "no-such-ca.pem")
        if fault == "the system's authorities":
            del wanted["ca_file"]
        with Balise({"cluster": {**section(engine, "balise", "n1"), **wanted}}, running=False) as balise:
            refused = run("cluster", "init", "--config", balise.config_path, environment=balise.environment())
            assert refused.returncode == 1 and engine.nodes()[0] in refused.stderr and words in refused.stderr, refused.stderr
            balise.start()
            reason = until(lambda: re.search(r'event=not_shipped reason="?([^"]*)"? code=0', balise.log()), 30, "the failure in the log")[1]
            assert re.search("SSL|CA cert", reason), reason
            balise.visit(12)  # which is nothing to a view
        assert engine.server.query("SELECT count() FROM system.databases WHERE name = 'balise'") == "0"


@contextlib.contextmanager
def name_server(address):
    """Answers that every name is 127.0.0.1; yields the names that it is asked for."""
    asked, listening = [], socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind((address, 53))

    def serve():
        while True:
            query, client = listening.recvfrom(512)
            if not query:
                return
            name, at = [], 12
            while query[at]:
                name.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            asked.append(".".join(name))
            question = query[12:at + 5]
            is_ipv4 = question[-4:-2] == b"\0\1"
            record = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 1, 4) + socket.inet_aton("127.0.0.1") if is_ipv4 else b""
            listening.sendto(query[:2] + struct.pack(">HHHHH", 0x8180, 1, is_ipv4, 0, 0) + question + record, client)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (address, 53))
        thread.join()
        listening.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may listen on port 53 and lay a file over /etc/resolv.conf")
def test_from_within_the_sandbox_a_server_is_found_by_its_name(authority, tmp_path):
    """Names go through the C library: its threads, /etc/resolv.conf, a socket to the name server."""
    address, host = "127.0.0.53", "clickhouse.example"
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {address}\n")
    wrapper = ["unshare", "--mount", "sh", "-c", f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "sh"]
    with name_server(address) as asked, clickhouse.Single(certified(authority, host), host) as engine:
        with Machines(engine, 1, trusting(authority), wrapper) as machines:
            before = len(asked)
            ships_and_answers(machines)
            assert host in asked[before:] and is_in_the_sandbox(machines[0])
