# SPDX-License-Identifier: EUPL-1.2
"""A server under attack with an honest visitor beside it.

    edge.py [--seconds N] [--tls] [NAME...]

runs attacks one after the other, each against a server of its own, and prints a table of what the visitor met. Ends with status 1 when
the server died, a beacon was not answered 204, one in a hundred of them waited for 50 ms, or memory passed its ceiling."""
import argparse
import dataclasses
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from attacks import ATTACKS  # noqa: E402  pylint: disable=wrong-import-position
from balise import DESKTOP, ORIGIN, Balise, view  # noqa: E402  pylint: disable=wrong-import-position

# The attacker comes from one network, the visitor from another, and neither is a proxy that is trusted.
ATTACKER, VISITOR = "127.0.1.1", "127.0.2.1"
PROBES_A_SECOND = 20
P99_MS_AT_MOST, MEBIBYTES_AT_MOST = 50, 384  # the second is public.memory_mebibytes, unless it is configured
LOOKS_A_SECOND = 50
TICKS = os.sysconf("SC_CLK_TCK")


def certificate(folder):
    """A certificate for tests, made by openssl."""
    made = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=portal.example", "-out", made[0], "-keyout", made[1]], check=True, capture_output=True)
    return {"certificate_file": str(made[0]), "key_file": str(made[1])}


class Edge(Balise):
    """A server that trusts no proxy, with or without TLS."""

    def __init__(self, tls=False, **public):
        self.tls = tls
        super().__init__({"public": {"listen": ["127.0.0.1:0"], "trusted_proxies": [], "loops": 1, **public}}, running=False)
        if tls:
            self.config["public"]["tls"] = certificate(self.folder)
            self.write_config()
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def connect(self, source=VISITOR):
        """A connection as a visitor's browser makes it."""
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.public_port, timeout=10, source_address=(source, 0))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.public_port, timeout=10, source_address=(source, 0), context=context)

    def memory_mebibytes(self):
        """Anonymous memory: now and the most that it has been."""
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return int(status["RssAnon"].split()[0]) / 1024

    def cpu_seconds(self):
        words = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def start_attack(self, name, seconds, side="public"):
        """The attack as a process of its own."""
        port = getattr(self, f"{side}_port")
        argv = [sys.executable, "-B", str(HERE / "attacks.py"), name, str(port), str(seconds), "--from", ATTACKER]
        return subprocess.Popen(argv + (["--tls"] if self.tls and side == "public" else []), stdout=subprocess.PIPE, text=True)


@dataclasses.dataclass
class Outcome:
    """What the visitor met, and what it cost the server."""

    alive: bool = False
    probes: int = 0
    failed: list = dataclasses.field(default_factory=list)
    seconds: list = dataclasses.field(default_factory=list)
    memory: float = 0
    cpu: float = 0
    log_bytes: int = 0
    attack: dict = dataclasses.field(default_factory=dict)
    counted: dict = dataclasses.field(default_factory=dict)

    def at(self, share):
        """A quantile of the visitor's waiting, in milliseconds."""
        ordered = sorted(self.seconds) or [0]
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def is_well(self):
        return self.alive and self.probes and not self.failed and self.at(.99) < P99_MS_AT_MOST and self.memory < MEBIBYTES_AT_MOST


class Visitor(threading.Thread):
    """Sends a beacon now and then: half of them on a connection that it keeps, half on a new one."""

    def __init__(self, edge, outcome):
        super().__init__(daemon=True)
        self.edge, self.outcome, self.done = edge, outcome, threading.Event()

    def run(self):
        kept = self.edge.connect()
        while not self.done.wait(1 / PROBES_A_SECOND):
            new = self.outcome.probes % 2 == 1
            connection = self.edge.connect() if new else kept
            self._probe(connection)
            if new:
                connection.close()
        kept.close()

    def _probe(self, connection):
        begin = time.monotonic()
        self.outcome.probes += 1
        headers = {"Origin": ORIGIN, "User-Agent": DESKTOP % 142}
        try:
            connection.request("POST", "/balise/b", json.dumps(view()), headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                self.outcome.failed.append(f"status {answer.status}")
        except (OSError, http.client.HTTPException) as error:
            self.outcome.failed.append(repr(error))
            connection.close()
        self.outcome.seconds.append(time.monotonic() - begin)


def attack(edge, name, seconds, side="public"):
    """Runs one attack against a side of a server; what its visitor met on the public one."""
    outcome = Outcome()
    visitor = Visitor(edge, outcome)
    visitor.start()
    cpu, log = edge.cpu_seconds(), len(edge.log())
    process = edge.start_attack(name, seconds, side)
    while edge.process.poll() is None:
        try:
            outcome.memory = max(outcome.memory, edge.memory_mebibytes())
            process.wait(1 / LOOKS_A_SECOND)
            break
        except subprocess.TimeoutExpired:
            continue
        except (KeyError, FileNotFoundError):
            break
    visitor.done.set()
    visitor.join()
    if edge.process.poll() is None:
        outcome.alive = True
        outcome.cpu = edge.cpu_seconds() - cpu
        outcome.log_bytes = len(edge.log()) - log
        outcome.counted = edge.metrics()
    outcome.attack = json.loads(process.communicate(timeout=seconds + 30)[0] or "{}")
    return outcome


def refusals(outcome):
    """Which guards were at work."""
    found = {name.split('"')[1]: value for name, value in outcome.counted.items() if name.startswith("balise_guard_total")}
    return " ".join(f"{name} {value:.0f}" for name, value in found.items() if value)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(ATTACKS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tls", action="store_true")
    chosen = parser.parse_args()
    print("| attack | alive | probes | failed | p50 ms | p99 ms | max ms | memory MiB | CPU s | opened | ended | guards |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    well = True
    for name in chosen.names:
        with Edge(chosen.tls) as edge:
            o = attack(edge, name, chosen.seconds)
            print(f"| {name} | {'yes' if o.alive else 'NO'} | {o.probes} | {len(o.failed)} | {o.at(.5):.1f} | {o.at(.99):.1f} | "
                  f"{o.at(1):.1f} | {o.memory:.0f} | {o.cpu:.1f} | {o.attack.get('opened')} | {o.attack.get('ended')} | "
                  f"{refusals(o)} log {o.log_bytes} B |", flush=True)
            well = well and o.is_well()
    sys.exit(not well)


if __name__ == "__main__":
    main()
