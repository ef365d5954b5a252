#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""What the snippet costs a page, measured in real Chromium: python3 tests/bench/snippet/cost.py [RUNS [SLOWER]]

A page of 2,000 elements and 300 pictures, on a processor slowed down SLOWER times (4; DevTools' own throttling), is
loaded, clicked five times, shifted twice and hidden, in turns with each script of SCRIPTS at the same address: the
snippet, web-vitals, and what the least of scripts cost, which is the floor.

Chromium's trace names for every piece of script the address it came from. What counts is the processor's time in the
pieces of the script's address, each piece once:
  evaluation   v8.compile and EvaluateScript
  observers    every FunctionCall after that: callbacks of observers, what they put off, listeners
  the end      the same, within the dispatch of the visibilitychange that ends the view: reading lists, the request
"Together" is evaluation and observers. The clock runs on while a script waits for another process: a column of its own.
The second table is of the whole page: all tasks of its main thread, and the longest of them. A machine that is busy with
other things makes times too long, and the throttling multiplies that. Prints Markdown.
"""
import os
import pathlib
import statistics
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "browser", "browser/agreement")]

from cdp import Browser  # noqa: E402  pylint: disable=wrong-import-position
from recorder import SNIPPET, Recorder  # noqa: E402  pylint: disable=wrong-import-position
from site_server import bundle  # noqa: E402  pylint: disable=wrong-import-position

ELEMENTS = 2000
RESOURCES = 300
SLOWER = 4
RUNS = 7
SCRIPT = "/balise/b.js"
TRACED = ["devtools.timeline", "v8", "disabled-by-default-devtools.timeline"]  # the last one: whole tasks
OWN = ("EvaluateScript", "FunctionCall", "v8.compile")
EMPTY = b"""const observer = new PerformanceObserver(() => {});
for (const type of ['event', 'first-input', 'layout-shift', 'largest-contentful-paint', 'soft-navigation'])
  observer.observe({type, buffered: true, durationThreshold: 40});
addEventListener('visibilitychange', () => document.hidden &&
  fetch('/balise/b', {method: 'POST', keepalive: true, credentials: 'omit', body: '{}'}));"""
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(1), 100))))"


def dot():
    """A picture of one pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))


def page_text():
    """The page: its pictures, and spans up to the number of elements."""
    pictures = "".join(f"<img src=/{n}.png alt=''>" for n in range(RESOURCES))
    spans = "<span>word </span>" * (ELEMENTS - RESOURCES - 10)
    return (f"<!doctype html><html lang=en><head><meta charset=utf-8><title>cost</title><link rel=icon href=data:,>"
            f"<script async src={SCRIPT}></script></head><body><h1>Good morning</h1><div id=room></div>"
            f"<button>Go</button><p>{spans}</p>{pictures}</body></html>").encode()


def visit(browser, recorder, slower):
    """One page view; the trace of it."""
    context = browser.new_context()
    page = browser.new_page(context)
    page.call("Emulation.setCPUThrottlingRate", {"rate": slower})
    page.call("Tracing.start", {"traceConfig": {"includedCategories": TRACED}, "transferMode": "ReportEvents"})
    page.goto("http://%s:%d/page" % recorder.address, timeout=120)
    for n in range(5):
        if n < 2:
            page.evaluate("document.querySelector('#room').style.height = (50 + 50 * %d) + 'px', 0" % n)
        page.click("button")
        page.evaluate(FRAMES)
    assert page.evaluate("document.all.length") >= ELEMENTS
    other = browser.new_page(context)
    page.wait_for("document.hidden")
    page.evaluate("new Promise((done) => setTimeout(() => done(1)))")
    mark = len(page.events)
    page.call("Tracing.end")
    page.wait_event("Tracing.tracingComplete", mark)
    trace = [event for name, params in page.events if name == "Tracing.dataCollected" for event in params["value"]]
    other.close()
    page.close()
    return trace


def scripts():
    """Name to source. The last three do less and less of what any script must do that measures and sends."""
    return {
        "the snippet": SNIPPET.read_bytes(),
        "web-vitals": bundle(),
        "empty observers and a request": EMPTY,
        "one call": b"performance.getEntriesByType('navigation')",
        "nothing": b"//",
    }


def belongs(event):
    """Whether a piece of script is of the measured address."""
    data = event.get("args", {}).get("data", {})
    return event["name"] in OWN and SCRIPT in (data.get("url") or "") + (data.get("fileName") or "")


def within(event, other):
    return other["ts"] <= event["ts"] < other["ts"] + other["dur"]


def pieces_of(trace):
    """What ran of the script, in order; what runs inside another piece is part of it."""
    outer = []
    for event in sorted(filter(belongs, trace), key=lambda one: (one["ts"], -one["dur"])):
        if not outer or not within(event, outer[-1]):
            outer.append(event)
    return outer


def cost(trace):
    """What the script took of the main thread, in ms: the columns of the first table."""
    hidden = [one for one in trace if one["name"] == "EventDispatch" and one["args"]["data"]["type"] == "visibilitychange"]
    sums = {"evaluation": 0, "observers": 0, "end": 0}
    pieces = pieces_of(trace)
    for piece in pieces:
        ended = any(within(piece, one) for one in hidden)
        kind = "end" if ended else "observers" if piece["name"] == "FunctionCall" else "evaluation"
        sums[kind] += piece["tdur"] / 1000
    longest = max((piece["tdur"] for piece in pieces), default=0) / 1000
    waited = max((piece["dur"] for piece in pieces), default=0) / 1000
    return sums["evaluation"], sums["observers"], sums["evaluation"] + sums["observers"], sums["end"], longest, waited


def page_cost(trace):
    """What the page took: processor's time of all tasks of its main thread, and the longest, in ms."""
    threads = {}
    for event in trace:
        if event["name"] == "RunTask":
            threads.setdefault((event["pid"], event["tid"]), []).append(event.get("tdur", 0) / 1000)
    tasks = max(threads.values(), key=sum)
    return sum(tasks), max(tasks)


def table(title, columns, rows):
    """Print medians of columns, with the least and the greatest."""
    print(f"| {title} | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}")
    for name, runs in rows.items():
        cells = (f"{statistics.median(column):.2f} ({min(column):.2f} – {max(column):.2f})" for column in zip(*runs))
        print(f"| {name} | {' | '.join(cells)} |")
    print()


def main():
    runs, slower = (int(text) for text in (*sys.argv[1:], *(RUNS, SLOWER)[len(sys.argv) - 1:]))
    pages = {"/page": ("text/html", page_text())} | {f"/{n}.png": ("image/png", dot()) for n in range(RESOURCES)}
    own = {name: [] for name in scripts()}
    whole = {name: [] for name in scripts()}
    with Recorder(pages) as recorder, Browser() as browser:
        visit(browser, recorder, slower)  # not counted: the browser's own first page
        for _ in range(runs):
            for name, script in scripts().items():
                recorder.pages[SCRIPT] = ("text/javascript", script)
                trace = [event for event in visit(browser, recorder, slower) if event.get("ph") == "X"]
                own[name].append(cost(trace))
                whole[name].append(page_cost(trace))
        told = [post for post in recorder.posts() if b'"requests"' in post.body]
        print(f"{browser.version}, slowed down {slower} times, {ELEMENTS} elements, {RESOURCES} resources, {runs} runs in turns, "
              f"load {os.getloadavg()[1]:.1f} in the last five minutes; {len(told)} requests for {runs + 1} views of the snippet, of "
              f"{max(len(post.body) for post in told)} bytes at the most, {told[-1].view()['requests']} resources told.\n")
    table("script, ms: median (least – greatest)",
          ["evaluation", "observers", "together", "the end", "longest piece", "longest on the clock"], own)
    more = {name: [(*of, of[0] - none[0]) for of, none in zip(whole[name], whole["nothing"])] for name in whole}
    table("page, ms: median (least – greatest)", ["all tasks", "longest task", "all tasks, more than with nothing"], more)


if __name__ == "__main__":
    main()
