# SPDX-License-Identifier: EUPL-1.2
"""What each stage of a view's way costs by itself: bench_stages.c, several times."""
import json
import statistics
import subprocess

import contenders
import ingest

STAGES = ("decode", "reduce", "queue", "cells", "journal", "checkpoint")
ROUNDS = 5


def run(folder, quick, say):
    """{stage: nanoseconds a view of every round}."""
    corpus, rounds = ingest.corpus_of(folder, ingest.PAGES), []
    for number in range(1 if quick else ROUNDS):
        where = folder / f"stages-{number}"
        where.mkdir()
        config = contenders.configuration(where, 1, 2)
        done = subprocess.run([contenders.TOOLS / "bench_stages", config, corpus], check=True, capture_output=True, text=True)
        rounds.append(json.loads(done.stdout))
    found = {stage: [one[stage] for one in rounds] for stage in STAGES}
    say("stages        " + ", ".join(f"{stage} {statistics.median(ns):.0f} ns" for stage, ns in found.items()))
    return found
