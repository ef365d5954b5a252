#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""script/bench [--quick] [--only PART]... [--rounds N] [--seconds S] [--out FOLDER]

Measures balise beside its peers on this machine and writes docs/benchmarks.md with its CSV and plots. --quick is a smoke: one short
round of everything, written to build/bench/quick. --only runs some parts and keeps the figures of the others."""
import argparse
import json
import pathlib
import shutil
import sys

import contenders
import footprint
import history
import ingest
import instructions
import machine
import report
import stages
import volume

PARTS = ("ingest", "stages", "instructions", "footprint", "history")
ON_DEMAND = ("volume",)


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def perform(part, folder, chosen):
    if part == "ingest":
        return [row for scenario in ingest.scenarios(folder) if not chosen.scenario or scenario.name in chosen.scenario
                for row in ingest.run(scenario, folder, chosen.rounds, chosen.seconds, say)]
    return {"stages": stages, "instructions": instructions, "footprint": footprint, "history": history, "volume": volume}[part].run(folder, chosen.quick, say)


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS + ON_DEMAND)
    parser.add_argument("--scenario", action="append", help="of the part ingest (may be repeated)")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--out", type=pathlib.Path)
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 5)
    chosen.seconds = chosen.seconds or (0.5 if chosen.quick else 3)
    out = chosen.out or contenders.ROOT / ("build/bench/quick" if chosen.quick else "docs")
    folder = contenders.BUILD / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "benchmarks" / "figures.json"
    kept.parent.mkdir(exist_ok=True)
    found = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() and chosen.only else {}
    found.setdefault("machines", {})
    try:
        for part in chosen.only or PARTS:
            found["machines"][part] = machine.facts()
            found[part] = perform(part, folder, chosen)
            found["machines"][part]["load after"] = machine.facts()["load before"]
            kept.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    finally:
        machine.stop_all()
        shutil.rmtree(folder, ignore_errors=True)
    report.write(found, out)
    say(f"wrote {out}/benchmarks.md")


if __name__ == "__main__":
    main()
