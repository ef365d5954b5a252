# SPDX-License-Identifier: EUPL-1.2
"""docs/benchmarks.md, its CSV and its plots, from the figures of a run."""
import csv

import budgets
import contenders
import ingest
import plot

HEAD = """# Benchmarks

Everything here is from `script/bench` on one machine, balise and its peers in turns within each part; nothing is compared with a figure from
elsewhere. The table tells when each part ran, at which commit, and what else the machine was doing: at a load far above 1 other programs took turns with these, which
makes latencies long and costs a server the more the larger its memory is. CPU is user and system time of the server's processes (`/proc`), a view; clients share the cores with the servers, so
latencies and views a second say less than CPU, and instructions more. Medians of {rounds} rounds, the least and greatest in brackets. Raw figures: [benchmarks.csv](benchmarks.csv).
{machine}

The beacons: {bytes} bytes on average, 19 to 20 keys, pages by Zipf's law, seven browsers, 30 regions, log-normal times
([tests/bench/corpus.py](../tests/bench/corpus.py)). Every answer was 2xx unless told otherwise. balise is the release build with its defaults and one loop:
a 204 means that the view is on disk.
"""


NOTES = """
## Where it falls short, and why

- **Instructions.** What is above the bare handler is told by component below. The largest is reduction: a user agent is searched for a hundred words, a path is
  read for what looks personal, an address walks a tree, and a visitor is hashed under the key of each margin. Memory in small blocks that are wiped only as far as they were
  used, and counting a flight a table at a time, were the largest gains so far (53,600 instructions a view before them).
- **TLS.** A connection a view is a handshake of 350 µs. What comes above it: a part of a journey to the disk, which four or five views share while they come at a
  thousand a second ([ADR 22](adr/0022-a-flight-leaves-with-company.md)); memory and stack that held a handshake are wiped (2.5 % of the time); the view itself.
- **Bytes written at 1 view a second.** The journal is 4 KiB a view. The rest is the checkpoint each 30 seconds: a view touches ten cells in pages of 4 KiB, each
  page is written anew with those above it, and the kernel counts what it dirties around them.
- **Disk and queries.** Both depend on cells, not on views, and with a thousand pages by hours, devices and days there are many: a month's tables of every metric weigh as much as
  ten million raw rows that LZ4 has packed. Pages by blocks of hours are two fifths of it and kept 90 days only. A question reads 30,000 cells.
"""


def table(heads, rows):
    lines = [heads, ["---"] + ["--:"] * (len(heads) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def spread(values, form):
    values = sorted(values)
    return f"{form.format(values[len(values) // 2])} ({form.format(values[0])}–{form.format(values[-1])})" if values else "–"


def _mean_body():
    import corpus  # pylint: disable=import-outside-toplevel
    import json  # pylint: disable=import-outside-toplevel
    bodies = [len(json.dumps({"v": 1, "path": where, "type": "navigate", **values, "protocol": "h2"}, separators=(",", ":")))
              for _, _, where, values in corpus.views(ingest.PAGES, 2000)]
    return round(sum(bodies) / len(bodies))


def _machine(machines):
    """When and on what each part was measured."""
    facts = list(machines.values())
    same = " · ".join(f"{name}: {facts[0][name]}" for name in ("processor", "cores", "memory", "kernel"))
    lines = [[part, one["date"], one["commit"], one["load before"], one.get("load after", "")] for part, one in machines.items()]
    return f"\n{same}\n\n" + table(["part", "date", "commit", "load before", "load after"], lines)


def _ingest(rows, titles):
    text = "\n## Taking in a view\n\n![CPU a view](benchmarks/cpu.svg)\n"
    for name in dict.fromkeys(row["scenario"] for row in rows):
        text += f"\n### {titles[name]}\n\n"
        lines, base = [], None
        for who in dict.fromkeys(row["contender"] for row in rows if row["scenario"] == name):
            cpu = ingest.median(rows, name, who, "cpu_us")
            base = base or cpu
            at_half = [ingest.median(rows, name, who, what, "open") for what in ("p50_us", "p99_us", "p999_us")]
            bad = sum(row["refused"] + row["failed"] for row in rows if (row["scenario"], row["contender"]) == (name, who))
            lines.append([who + (f" ({bad} not 2xx)" if bad else ""), spread(ingest.figures(rows, name, who, "cpu_us"), "{:.2f}"), f"{cpu / base:.2f}",
                          f"{ingest.median(rows, name, who, 'views_a_second'):,.0f}",
                          " / ".join("–" if value is None else f"{value / 1000:.1f}" for value in at_half),
                          f"{ingest.median(rows, name, who, 'written_bytes'):.0f}", f"{ingest.median(rows, name, who, 'anonymous_mib'):.0f}"])
        text += table(["", "CPU a view, µs", "× the first", "views a second", "ms at half of that: p50 / p99 / p99.9", "bytes written a view",
                       "anonymous MiB"], lines)
    return text


def _instructions(found):
    bare, balise = found["bare h2o"]["total"], found["balise"]["total"]
    parts = sorted(found["balise"]["parts"].items(), key=lambda part: -part[1])
    lines = [[name, f"{cost:,.0f}"] for name, cost in parts if cost >= 1]
    lines += [["**in all**", f"**{balise:,.0f}**"], ["the bare handler", f"{bare:,.0f}"], ["**above it**", f"**{balise - bare:,.0f}**"]]
    return ("\n## Instructions\n\nCounted by callgrind over a warm server, HTTP/2 multiplexed; independent of what else the machine does. A byte that is wiped by "
            "`rep stosb` counts as one instruction.\n\n" + table(["component", "instructions a view"], lines))


def _stages(found):
    lines = [[stage, spread(ns, "{:.0f}")] for stage, ns in found.items()]
    return ("\n## Stage by stage\n\nEach by itself, in one thread and without sockets, flights of 32 views ([bench_stages.c](../tests/bench/bench_stages.c)). What waits for the disk "
            "is time, not work: the journal's write, and a checkpoint of all cells each 1 MiB of it.\n\n" + table(["stage", "ns a view"], lines))


def _footprint(found):
    mib = {key: f"{found[key]['anonymous'] / 2**20:.1f} anonymous, {found[key]['resident'] / 2**20:.1f} resident" for key in ("at_rest", "at_full_load")}
    lines = [["memory at rest, MiB", mib["at_rest"]], ["memory at full load (1,000 pages, 30 regions, two loops), MiB", mib["at_full_load"]],
             [f"an idle connection (of {found['idle_connections']:,}), bytes", f"{found['idle_connection_bytes']:,.0f}"],
             ["start after kill -9, a journal to replay, s", f"{found['start_seconds_after_kill']:.2f}"]]
    lines += [[f"bytes written a view at {int(rate):,} views a second", f"{found['written'][rate]:,.0f}"] for rate in found["written"]]
    return "\n## Memory and disk\n\n" + table(["", ""], lines)


def _ms(timed):
    return f"{1000 * timed['seconds']:.1f} ms, CPU {1000 * timed['cpu']:.1f}"


def _history(found, volume):
    stores = found["stores"] + volume["stores"]
    lines = [[f"{one['views']:,} views, {one['days']} days, {one['pages']:,} pages", f"{one['disk'] / 2**20:.1f}", *(_ms(one[by]) for by in ("page", "region", "day")),
              f"{one['memory'] / 2**20:.0f}", f"{one['start_seconds']:.2f}"] for one in stores]
    text = ("\n## A month that has passed\n\nMedians of twenty questions for the p75 of LCP over the whole time; the CPU is the server's. Days were played through the real "
            "pipeline under a simulated clock.\n\n")
    text += table(["", "disk, MiB", "by page", "by region", "by day", "anonymous MiB at most", "start, s"], lines)
    beside = []
    for one in stores:
        for engine in one.get("beside", ()):
            beside += [[f"{engine['engine']} {engine['version']}, raw rows of {one['views']:,} views", f"{engine['disk'] / 2**20:.1f}", _ms(engine["raw"])],
                       [f"{engine['engine']} {engine['version']}, states by page and day", f"{engine['states_disk'] / 2**20:.1f}", _ms(engine["states"])]]
        if "beside" in one:
            beside.append([f"balise, {one['views']:,} views", f"{one['disk'] / 2**20:.1f}", _ms(one["page"])])
    text += "\nBeside the same views in ClickHouse, Debian's server and a current engine in a process (LZ4, numbers of four bytes, sorted by page and time; a state holds one "
    text += "metric's p75 only, balise all 19 metrics with their histograms by page, region, device, browser and more):\n\n"
    text += table(["", "disk, MiB", "p75 of LCP by page"], beside)
    for one in stores:
        if "disturbance" in one:
            told = one["disturbance"]
            text += (f"\nBeacons at {told['rate']:,} a second beside a store of {one['views']:,} views: p50 {told['alone']['p50_us'] / 1000:.1f} ms and p99 "
                     f"{told['alone']['p99_us'] / 1000:.1f} ms alone, {told['asked']['p50_us'] / 1000:.1f} and {told['asked']['p99_us'] / 1000:.1f} ms while questions "
                     f"are asked without pause ({1000 * told['asked']['question_seconds']:.0f} ms each).\n")
    return text


def _cpu_plot(rows, titles):
    groups = []
    for name in dict.fromkeys(row["scenario"] for row in rows):
        who = dict.fromkeys(row["contender"] for row in rows if row["scenario"] == name)
        groups.append((titles[name], [(one, ingest.median(rows, name, one, "cpu_us"), "balise" in one) for one in who]))
    return plot.bars("Server CPU a view", "µs", groups)


def write(found, out):
    """Whatever was measured; parts that were not are left out, and the budgets say so."""
    rows = found.get("ingest", [])
    titles = {scenario.name: scenario.title for scenario in ingest.scenarios(out_of_the_way())}
    rounds = max((row["round"] for row in rows), default=0)
    text = HEAD.format(rounds=rounds, machine=_machine(found["machines"]), bytes=_mean_body())
    text += "\n## The budgets\n\n" + table(["what", "measured", "budget", "goal", ""], budgets.lines(found))
    text += NOTES
    (out / "benchmarks").mkdir(exist_ok=True)
    if rows:
        text += _ingest(rows, titles)
        (out / "benchmarks" / "cpu.svg").write_text(_cpu_plot(rows, titles), encoding="utf-8")
        with open(out / "benchmarks.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows)
    for part, tell in (("stages", _stages), ("instructions", _instructions), ("footprint", _footprint),
                       ("history", lambda told: _history(told, found.get("volume", {"stores": []})))):
        if part in found:
            text += tell(found[part])
    (out / "benchmarks.md").write_text(text, encoding="utf-8")


def out_of_the_way():
    folder = contenders.BUILD / "titles"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
