# SPDX-License-Identifier: EUPL-1.2
"""Somebody attacks the public listener, and a visitor beside him notices nothing."""
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import frames as h2
from attacks import ATTACKS
from balise import ORIGIN, Balise
from edge import ATTACKER, MEBIBYTES_AT_MOST, VISITOR, Edge, attack
from wait import until

# Which guard ends an attack; those without one are ignored or answered for what they are.
ENDED_BY = {"rapid_reset": "resets", "rapid_reset_unknown": "resets", "made_you_reset": "resets", "oversized": "resets",
            "hpack_bomb": "headers", "empty_continuations": "headers"}


def guarded(metrics):
    """Refusals by guard."""
    found = ((re.search('"(.*)"', name)[1], value) for name, value in metrics.items() if name.startswith("balise_guard_total"))
    return {name: int(value) for name, value in found if value}


def connect(edge, source, side="public"):
    connection = socket.create_connection(("127.0.0.1", getattr(edge, f"{side}_port")), 10, (source, 0))
    connection.settimeout(10)
    return connection


@pytest.mark.parametrize("name", ATTACKS)
def test_a_visitor_notices_nothing_of(name, tls, seconds):
    with Edge(tls) as edge:
        outcome = attack(edge, name, seconds)
        assert outcome.alive
        assert outcome.probes and not outcome.failed
        assert outcome.memory < MEBIBYTES_AT_MOST
        assert outcome.log_bytes < 20000
        if name in ENDED_BY:
            assert guarded(outcome.counted).get(ENDED_BY[name])
        assert "127.0.1" not in edge.log()


def test_who_owes_something_for_too_long_is_cut(tls):
    """The library would keep these for ever."""
    with Edge(tls, patience_seconds=1) as edge:
        attackers = [edge.start_attack(name, 60) for name in ("zero_window", "no_reading", "slow_streams")]
        until(lambda: guarded(edge.metrics()).get("stalled", 0) >= 250, 60, "the end of many of them")
        for process in attackers:
            process.terminate()
            process.communicate()


@pytest.mark.parametrize("begun", [b"POST /balise/b HTTP/1.1\r\nHost: x\r\nx-slow: ",
                                   b"POST /balise/b HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n"], ids=["head", "body"])
def test_a_request_that_comes_to_no_end_is_cut(begun):
    with Edge(patience_seconds=1) as edge, connect(edge, ATTACKER) as connection:
        connection.sendall(begun)

        def is_cut():
            try:
                connection.sendall(b"a")
                return not connection.recv(1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                return True
        until(is_cut, 20, "its end")


@pytest.mark.parametrize("begun", [b"POST /api/v1/annotations HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n",
                                   h2.hello() + h2.frame(h2.HEADERS, 1, h2.fields("POST", "/api/v1/annotations"), h2.END_HEADERS)],
                         ids=["HTTP/1.1", "HTTP/2"])
def test_on_the_private_side_patience_with_a_request_is_no_longer(begun):
    with Edge(patience_seconds=1) as edge, connect(edge, ATTACKER, "private") as connection:
        connection.sendall(begun)
        while connection.recv(65536):  # within the time-out of the connection
            continue


@pytest.mark.parametrize("side", ["public", "private"])
def test_past_its_memory_it_sheds_those_who_hold_most(tls, side):
    """On the private side too: what is not whole has shown no token yet."""
    with Edge(tls, memory_mebibytes=192) as edge:
        outcome = attack(edge, "big_bodies", 4, side)
        assert outcome.alive and not outcome.failed
        assert outcome.memory < 192
        assert guarded(outcome.counted)["memory"]


def is_taken(connection):
    """Whether the server speaks on it."""
    try:
        connection.sendall(b"GET /.well-known/gpc.json HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def test_one_network_cannot_take_every_connection():
    with Edge(network_connections=20) as edge:
        crowd = [connect(edge, f"127.0.1.{n}") for n in range(1, 41)]
        assert sum(is_taken(connection) for connection in crowd) == 20
        assert is_taken(connect(edge, VISITOR))
        assert guarded(edge.metrics()) == {"network": 20}
        for connection in crowd:
            connection.close()
        until(lambda: is_taken(connect(edge, ATTACKER)), what="a place of one who left")


def test_a_proxy_that_is_trusted_may_have_any_number():
    with Balise({"public": {"loops": 1, "network_connections": 1}}) as balise:
        connections = [connect(balise, ATTACKER) for _ in range(20)]
        assert all(is_taken(connection) for connection in connections)


def test_with_few_descriptors_it_neither_spins_nor_starves_its_store():
    with Edge(network_connections=100000) as edge:
        edge.terminate()
        edge.wrapper = ["prlimit", "--nofile=120:120"]
        edge.start()
        assert "few_descriptors" in edge.log()
        crowd = [connect(edge, ATTACKER) for _ in range(200)]
        until(lambda: edge.metrics()["balise_connections_total"] + sum(guarded(edge.metrics()).values()) >= 200,
              what="an answer to each")
        before, began = edge.cpu_seconds(), time.monotonic()
        until(lambda: time.monotonic() - began >= 1, what="a second")
        assert edge.cpu_seconds() - before < 0.5
        for connection in crowd:
            connection.close()
        until(lambda: is_taken(connect(edge, VISITOR)), what="room again")


def h2load(balise, body, count, streams):
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        scheme = "https" if balise.config["public"].get("tls") else "http"
        done = subprocess.run(["h2load", "-n", str(count), "-c", "20", "-m", str(streams), "-d", file.name, "-H", f"origin: {ORIGIN}",
                               "-H", f"user-agent: {h2.AGENT}", f"{scheme}://127.0.0.1:{balise.public_port}/balise/b"],
                              check=True, capture_output=True, text=True, timeout=300)
    return done.stdout


def test_honest_heavy_load_loses_nothing(tls):
    """20 connections of 100 streams each, and bodies of 4 KiB."""
    body = h2.BEACON + b" " * (4096 - len(h2.BEACON))
    with Edge(tls, loops=2, trusted_proxies=["127.0.0.0/8"], queue_views=8192) as edge:
        said = h2load(edge, body, 20000, 100)
        assert "20000 2xx, 0 3xx, 0 4xx, 0 5xx" in said, said
        assert guarded(edge.metrics()) == {}
        assert edge.outcomes()["accepted"] == 20000


def test_bodies_far_too_large_are_answered_each():
    with Edge(loops=2, trusted_proxies=["127.0.0.0/8"]) as edge:
        said = h2load(edge, b" " * 64000, 5000, 20)
        assert "0 2xx, 0 3xx, 5000 4xx, 0 5xx" in said, said
        assert guarded(edge.metrics()) == {}


def test_a_stop_ends_in_time_whatever_clients_hold(tls):
    with Edge(tls) as edge:
        holding = [edge.start_attack(name, 30) for name in ("zero_window", "slow_streams", "slow_body")]
        until(lambda: edge.metrics()["balise_connections"] > 300, 30, "the crowd")
        edge.signal(signal.SIGTERM)
        edge.wait_end()  # has a deadline
        for process in holding:
            process.terminate()
            process.communicate()
