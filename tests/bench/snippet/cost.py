#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""What the snippet costs a page, measured in real Chromium: python3 tests/bench/snippet/cost.py [RUNS [SLOWER]]

A page of 2,000 elements and 300 pictures, on a processor slowed down SLOWER times (4; DevTools' own throttling), is
loaded, clicked five times, shifted twice and hidden: with the snippet, with web-vitals in its place, and with a script
that only asks for the navigation entry, which is the floor of this measurement; in turns. Chromium's trace says for every
piece of script whose it is and how long it took; what counts is whatever belongs to the script's address: compiling,
evaluating, every observer and listener, the request. Times are the main thread's own (what the processor did for it). A
machine that is busy with other things makes them too long, and the throttling multiplies that: the least is the nearest
to the truth there. Prints Markdown.
"""
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
TRACED = ["devtools.timeline", "v8"]
OWN = ("EvaluateScript", "FunctionCall", "v8.compile")
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


def belongs(event):
    data = event.get("args", {}).get("data", {})
    return event["name"] in OWN and SCRIPT in (data.get("url") or "") + (data.get("fileName") or "")


def cost(trace):
    """What the script took of the main thread, in ms: evaluation, all later pieces, both, the longest piece."""
    own = sorted((one for one in trace if one.get("ph") == "X" and belongs(one)), key=lambda one: (one["ts"], -one["dur"]))
    outer = []
    for event in own:  # what runs inside another piece is part of it
        if not outer or event["ts"] >= outer[-1]["ts"] + outer[-1]["dur"]:
            outer.append(event)
    times = [event.get("tdur", 0) / 1000 for event in outer]
    first = sum(time for event, time in zip(outer, times) if event["name"] != "FunctionCall")
    return first, sum(times) - first, sum(times), max(times)


def main():
    runs, slower = (int(text) for text in (*sys.argv[1:], *(RUNS, SLOWER)[len(sys.argv) - 1:]))
    scripts = {
        "the snippet": SNIPPET.read_bytes(), "web-vitals": bundle(),
        "the floor": b"performance.getEntriesByType('navigation')",
    }
    pages = {"/page": ("text/html", page_text())} | {f"/{n}.png": ("image/png", dot()) for n in range(RESOURCES)}
    measured = {name: [] for name in scripts}
    with Recorder(pages) as recorder, Browser() as browser:
        visit(browser, recorder, slower)  # not counted: the browser's own first page
        for _ in range(runs):
            for name, script in scripts.items():
                recorder.pages[SCRIPT] = ("text/javascript", script)
                measured[name].append(cost(visit(browser, recorder, slower)))
        posts = [post for post in recorder.posts() if post.path == "/balise/b"]
        print(f"{browser.version}, slowed down {slower} times, {ELEMENTS} elements, {RESOURCES} resources, {runs} runs in turns; "
              f"{len(posts)} requests for {runs + 1} views of the snippet, of {max(len(post.body) for post in posts)} bytes at the most.\n")
    print("| ms, median (least – greatest) | compile and run | observers, listeners, request | in all | the longest piece |\n|---|--:|--:|--:|--:|")
    for name, all_of_it in measured.items():
        cells = (f"{statistics.median(column):.2f} ({min(column):.2f} – {max(column):.2f})" for column in zip(*all_of_it))
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
