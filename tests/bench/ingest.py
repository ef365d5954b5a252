# SPDX-License-Identifier: EUPL-1.2
"""What taking in a view costs: every contender of a scenario, in turns, round after round."""
import json
import statistics
import subprocess

import contenders
import corpus

H2C = ("--http2", "--connections", "16", "--streams", "32")
HTTP1 = ("--connections", "512")
TLS = ("--tls", "--connections", "512")
PAGES = 1000


class Scenario:
    """name, what is sent how, and who is measured: {contender: function of a folder -> list of programs}."""

    def __init__(self, name, title, load, who, pages=PAGES):
        self.name, self.title, self.load, self.who, self.pages = name, title, load, who, pages


def _behind(backend):
    def start(folder):
        programs = [backend(folder / "backend")]
        return [contenders.nginx(folder / "nginx", "proxy", next_port=programs[0].port), *programs]
    return start


def _one(function, *words, **named):
    return lambda folder: [function(folder, *words, **named)]


def scenarios(folder):
    tls = contenders.certificate(folder)
    bare, balise = _one(contenders.bare), _one(contenders.balise)
    pair = {"bare h2o": bare, "balise": balise}
    return [
        Scenario("h2c", "HTTP/2 without TLS, 16 connections of 32 streams", H2C, {
            **pair, "nginx, empty 204": _one(contenders.nginx, "empty", http2=True),
            "nginx, logging the body": _one(contenders.nginx, "logging", http2=True)}),
        Scenario("http1", "HTTP/1.1, 512 connections kept alive", HTTP1, {
            **pair, "nginx, empty 204": _one(contenders.nginx, "empty"), "nginx, logging the body": _one(contenders.nginx, "logging"),
            "VictoriaMetrics": _one(contenders.victoria_metrics)}),
        Scenario("tls", "TLS, a connection a view (ECDSA P-256), 512 at a time", TLS, {
            "bare h2o": _one(contenders.bare, tls=tls), "balise": _one(contenders.balise, tls=tls),
            "nginx, empty 204": _one(contenders.nginx, "empty", tls=tls)}),
        Scenario("behind-nginx", "behind nginx, HTTP/1.1, 512 connections kept alive", HTTP1, {
            "nginx and bare h2o": _behind(contenders.bare), "nginx and balise": _behind(contenders.balise)}),
        Scenario("h2c-10", "as h2c, 10 pages", H2C, pair, pages=10),
        Scenario("h2c-30000", "as h2c, 30,000 pages (1,500 are kept apart)", H2C, pair, pages=30000),
        Scenario("h2c-2-loops", "as h2c, two loops", H2C, {
            "bare h2o": _one(contenders.bare, loops=2), "balise": _one(contenders.balise, loops=2)}),
    ]


def load(port, corpus_path, *words):
    """Runs the generator; what it tells."""
    argv = [contenders.TOOLS / "load", "--port", str(port), *map(str, words), corpus_path]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{argv}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def corpus_of(folder, pages, influx=False, lines=40000):
    path = folder / f"corpus-{pages}{'-influx' if influx else ''}"
    if not path.exists():
        (corpus.write_influx if influx else corpus.write)(path, pages, lines)
    return path


def measure(programs, corpus_path, *words):
    """One run: {what: figure} of the programs together, a view."""
    before = [(program.cpu_seconds(), program.written_bytes()) for program in programs]
    told = load(programs[0].port, corpus_path, *words)
    views = told["accepted"]
    after = [(program.cpu_seconds(), program.written_bytes()) for program in programs]
    told["cpu_us"] = 1e6 * sum(b[0] - a[0] for a, b in zip(before, after)) / views
    told["written_bytes"] = sum(b[1] - a[1] for a, b in zip(before, after)) / views
    told["anonymous_mib"] = sum(program.anonymous_bytes() for program in programs) / 2**20
    told["resident_mib"] = sum(program.resident_bytes() for program in programs) / 2**20
    told["views_a_second"] = views / told["seconds"]
    return told


def run(scenario, folder, rounds, seconds, say):
    """Rows of figures: closed loop in every round, then open at half of each one's median rate."""
    rows, words = [], {}
    running = {name: start(folder / f"{scenario.name}-{number}") for number, (name, start) in enumerate(scenario.who.items())}
    for name in running:
        influx = name == "VictoriaMetrics"
        words[name] = (corpus_of(folder, scenario.pages, influx), *scenario.load, *(("--target", "/write") if influx else ()))
        load(running[name][0].port, *words[name], "--seconds", min(seconds, 2))  # warm
    for number in range(rounds):
        for name, programs in running.items():
            rows.append({"scenario": scenario.name, "contender": name, "pace": "closed", "round": number + 1,
                         **measure(programs, *words[name], "--seconds", seconds)})
            say(f"{scenario.name:13} {name:24} {rows[-1]['cpu_us']:7.2f} us a view, {rows[-1]['views_a_second']:8.0f} a second")
    for name, programs in running.items():
        half = median(rows, scenario.name, name, "views_a_second") / 2
        for number in range(min(rounds, 3)):
            rows.append({"scenario": scenario.name, "contender": name, "pace": "open", "round": number + 1,
                         **measure(programs, *words[name], "--seconds", seconds, "--rate", round(half))})
    for programs in running.values():
        for program in programs:
            program.stop()
    return rows


def figures(rows, scenario, contender, what, pace="closed"):
    return [row[what] for row in rows if (row["scenario"], row["contender"], row["pace"]) == (scenario, contender, pace) and what in row]


def median(rows, scenario, contender, what, pace="closed"):
    found = figures(rows, scenario, contender, what, pace)
    return statistics.median(found) if found else None

