# SPDX-License-Identifier: EUPL-1.2
"""Bytes written a view at a steady rate, memory at rest, at full load and with idle connections, and the time to start."""
import resource
import socket
import time

import contenders
import ingest
from machine import until

RATES = (1, 10, 100, 10000)
CHECKPOINT_SECONDS = 30  # the default
IDLE = 10000


def _written(folder, quick, say):
    """{rate: bytes a view}. Each rate has a server of its own; all run at once and are warm: every cell was written before."""
    corpus = ingest.corpus_of(folder, ingest.PAGES)
    seconds = 4 if quick else 2 * CHECKPOINT_SECONDS
    found = {}
    for rate in RATES:
        program = contenders.balise(folder / f"rate-{rate}")
        ingest.load(program.port, corpus, *ingest.H2C, "--seconds", 0.5 if quick else 3)
        if not quick:
            _let_checkpoint(program)
        told = ingest.measure([program], corpus, *ingest.H2C, "--rate", rate, "--seconds", seconds)
        found[str(rate)] = told["written_bytes"]
        say(f"footprint     {rate:6} views a second: {told['written_bytes']:.0f} bytes written a view")
        program.stop()
    return found


def _let_checkpoint(program):
    """Waits until what warmed the server is written, and a look finds no more than the look before."""
    seen = [program.written_bytes()]

    def settled():
        seen.append(program.written_bytes())
        return seen[-1] == seen[-2] > seen[0]
    until(settled, 2 * CHECKPOINT_SECONDS, "a checkpoint")


def _idle_connections(program, count):
    """Anonymous bytes a connection that has sent one request and then nothing."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
    before, held = program.anonymous_bytes(), []
    for _ in range(count):
        held.append(socket.create_connection(("127.0.0.1", program.port), timeout=10))
        held[-1].sendall(b"GET /.well-known/gpc.json HTTP/1.1\r\nhost: portal.example\r\n\r\n")
    for connection in held:
        connection.recv(4096)
    grown = program.anonymous_bytes() - before
    for connection in held:
        connection.close()
    return grown / count


def run(folder, quick, say):
    corpus = ingest.corpus_of(folder, ingest.PAGES)
    found = {}
    program = contenders.balise(folder / "memory", loops=2)
    found["at_rest"] = {"anonymous": program.anonymous_bytes(), "resident": program.resident_bytes()}
    found["idle_connection_bytes"] = _idle_connections(program, 500 if quick else IDLE)
    found["idle_connections"] = 500 if quick else IDLE
    ingest.load(program.port, corpus, *ingest.H2C, "--seconds", 1 if quick else 20)
    found["at_full_load"] = {"anonymous": program.anonymous_bytes(), "resident": program.resident_bytes()}
    say(f"footprint     {found['at_full_load']['anonymous'] / 2**20:.1f} MiB anonymous at full load")
    program.process.kill()  # the journal is full of views that no checkpoint has
    program.stop()
    began = time.monotonic()
    again = contenders.balise(folder / "memory", loops=2, keep=True)
    found["start_seconds_after_kill"] = time.monotonic() - began
    again.stop()
    found["written"] = _written(folder, quick, say)
    return found
