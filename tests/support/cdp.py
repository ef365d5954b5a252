# SPDX-License-Identifier: EUPL-1.2
"""Drive Debian's Chromium over the DevTools protocol, with nothing but Python's library.

Chromium reads commands on file descriptor 3 and answers on 4 (--remote-debugging-pipe), one JSON text
and a NUL each: no port, no web socket. A plain protocol client is used on purpose: drivers that emulate
focus keep every page visible for ever, and a page that is never hidden never sends its beacon.

    with Browser() as browser:
        page = browser.new_page()
        page.set_headers({"X-Test-Address": "2001:db8:100::1"})
        page.goto("http://127.0.0.1:8000/demarches")
        page.wait_for("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
        page.close()                       # fires visibilitychange and pagehide: the beacon leaves now

Everything that waits has a deadline and raises TimeoutError after it. One thread uses a Browser at a
time. Only the newest page of a browser is visible: opening another one hides it (Page.show shows it again).
"""
import collections
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from wait import until

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",  # Chromium refuses to run as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
TIMEOUT = 30.0


class ProtocolError(RuntimeError):
    """Chromium refused a command."""


class Browser:
    """A Chromium of its own, with an empty profile that is deleted at the end.

    flags: further command line switches. wrapper: a command that runs it. profile: its folder.
    Use it as a context manager, or call close().
    """

    def __init__(self, flags=(), executable=CHROMIUM, wrapper=()):
        self.profile = tempfile.mkdtemp(prefix="balise-chromium-")
        self._last_id = 0
        self._received = b""
        self._answers = {}
        self._pages = {}
        self._process = None
        to_child, self._write_fd = _pipe_above_10(child_reads=True)
        self._read_fd, from_child = _pipe_above_10(child_reads=False)

        def place_descriptors():
            os.dup2(to_child, 3)
            os.dup2(from_child, 4)

        try:
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                [*wrapper, executable, *FLAGS, *flags, f"--user-data-dir={self.profile}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=place_descriptors,
                pass_fds=(3, 4),
                start_new_session=True,
            )
            self.version = self.call("Browser.getVersion")["product"]
        except BaseException:
            self.close()
            raise
        finally:
            os.close(to_child)
            os.close(from_child)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End Chromium and every process it started, and delete its profile."""
        if self._process:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()
            self._process = None
            os.close(self._read_fd)
            os.close(self._write_fd)
        shutil.rmtree(self.profile, ignore_errors=True)

    def end(self, timeout=TIMEOUT):
        """Have Chromium write down what it keeps and end; its profile stays until close()."""
        self.call("Browser.close")
        self._process.wait(timeout)

    def call(self, method, params=None, session=None, timeout=TIMEOUT):
        """Send one command, and return its result. session: of a page; None is the browser's own."""
        self._last_id += 1
        wanted = self._last_id
        message = {"id": wanted, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write_fd, data):]
        deadline = time.monotonic() + timeout
        while wanted not in self._answers:
            self.pump(deadline, method)
        answer = self._answers.pop(wanted)
        if "error" in answer:
            raise ProtocolError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def pump(self, deadline, waiting_for):
        """Take in what Chromium says next, waiting for it until a time.monotonic() deadline."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self._read_fd], [], [], left)[0]:
            raise TimeoutError(f"Chromium: {waiting_for}")
        data = os.read(self._read_fd, 1 << 20)
        if not data:
            raise ProtocolError("Chromium ended")
        *messages, self._received = (self._received + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            elif message["method"] == "Target.detachedFromTarget":
                self._pages.pop(message["params"]["sessionId"], None)
            elif message.get("sessionId") in self._pages:
                self._pages[message["sessionId"]].take_event(message["method"], message["params"])

    def new_context(self):
        """Return the id of a new visitor: cookies and cache shared with nobody (see new_page)."""
        return self.call("Target.createBrowserContext")["browserContextId"]

    def new_page(self, context=None, background=False):
        """Open an empty page and return it. It is visible, unless background.

        context: of new_context(); without it the pages of a browser share cookies and cache.
        """
        where = {"browserContextId": context} if context else {}
        target = self.call("Target.createTarget", {"url": "about:blank", "background": background, **where})
        return Page(self, target["targetId"])

    def attach(self, page):
        """For Page: have the events of its session delivered to it."""
        target = {"targetId": page.target, "flatten": True}
        session = self.call("Target.attachToTarget", target)["sessionId"]
        self._pages[session] = page
        return session

    def attached(self, page):
        """For Page: whether Chromium still has its tab."""
        return page.session in self._pages


class Page:
    """One tab. events holds (method, parameters) of everything Chromium told about it, oldest first."""

    def __init__(self, browser, target):
        self.browser = browser
        self.target = target
        self.events = collections.deque(maxlen=10000)
        self.session = browser.attach(self)
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def take_event(self, method, params):
        """For Browser."""
        self.events.append((method, params))

    def call(self, method, params=None, timeout=TIMEOUT):
        """Send one command to this page, and return its result."""
        return self.browser.call(method, params, self.session, timeout)

    # What the visitor is

    def set_headers(self, headers):
        """Add these headers to every request of the page from now on, its beacons too."""
        self.call("Network.setExtraHTTPHeaders", {"headers": headers})

    def set_user_agent(self, user_agent):
        """Send this User-Agent, and have navigator.userAgent say so."""
        self.call("Emulation.setUserAgentOverride", {"userAgent": user_agent})

    def emulate_mobile(self, user_agent, width=412, height=915):
        """Be a telephone: its screen, its touch, its User-Agent."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2.6, "mobile": True}
        self.call("Emulation.setDeviceMetricsOverride", metrics)
        self.call("Emulation.setTouchEmulationEnabled", {"enabled": True})
        self.set_user_agent(user_agent)

    def set_cookie(self, url, name, value):
        """Store a cookie for an address, as if its server had set it."""
        self.call("Network.setCookie", {"url": url, "name": name, "value": value})

    def add_init_script(self, source):
        """Run JavaScript at the start of every document to come, before any script of its own."""
        self.call("Page.addScriptToEvaluateOnNewDocument", {"source": source})

    # What the visitor does

    def goto(self, url, timeout=TIMEOUT):
        """Go to an address and wait for the load event of the new document."""
        self._load(lambda: self.call("Page.navigate", {"url": url}), timeout)

    def reload(self, timeout=TIMEOUT):
        """Reload the document and wait for its load event."""
        self._load(lambda: self.call("Page.reload"), timeout)

    def back(self, timeout=TIMEOUT):
        """Go one entry back in the history. Returns the kind of navigation Chromium made of it:
        'BackForwardCacheRestore', or 'Navigation' after waiting for the load event."""
        history = self.call("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] - 1]["id"]
        mark = len(self.events)
        self.call("Page.navigateToHistoryEntry", {"entryId": entry})
        kind = self.wait_event("Page.frameNavigated", mark, timeout)["type"]
        if kind != "BackForwardCacheRestore":
            self.wait_event("Page.loadEventFired", mark, timeout)
        return kind

    def click(self, selector):
        """Click the middle of an element with a real (trusted) mouse, scrolling to it if need be."""
        where = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoViewIfNeeded();"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": where[0], "y": where[1], "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", event)

    def show(self):
        """Bring this tab to the front, which hides the one that was there."""
        self.browser.call("Target.activateTarget", {"targetId": self.target})

    def close(self, timeout=TIMEOUT):
        """Close the tab and wait until it is gone. Its document is hidden first, so its beacon is on
        its way; wait for it where it arrives."""
        deadline = time.monotonic() + timeout
        self.browser.call("Target.closeTarget", {"targetId": self.target})
        while self.browser.attached(self):
            self.browser.pump(deadline, "closing a page")

    # What the page says

    def evaluate(self, expression, timeout=TIMEOUT):
        """Return the value of a JavaScript expression (of a promise: what it comes to) as Python's."""
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", params, timeout)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ProtocolError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait_painted(self):
        """The page was drawn, and its scripts have run, the asynchronous ones too: a load event waits for them."""
        self.wait_for("performance.getEntriesByName('first-contentful-paint').length")
        self.wait_for("document.readyState == 'complete'")

    def wait_for(self, expression, timeout=TIMEOUT):
        """Wait until a JavaScript expression is true, and return its value."""
        return until(lambda: self.evaluate(expression), timeout, expression)

    def wait_event(self, method, mark=0, timeout=TIMEOUT):
        """Wait for an event, and return its parameters. mark: len(events) before what causes it."""
        deadline = time.monotonic() + timeout
        while True:
            for name, params in list(self.events)[mark:]:
                if name == method:
                    return params
            self.browser.pump(deadline, method)

    def requests(self):
        """Return (method, address) of every request the page made, preflights included."""
        sent = [params["request"] for name, params in self.events if name == "Network.requestWillBeSent"]
        return [(request["method"], request["url"]) for request in sent]

    def complaints(self):
        """Return what the browser's console holds against the page: errors, violations, warnings."""
        texts = [params["entry"]["text"] for name, params in self.events if name == "Log.entryAdded"]
        for name, params in self.events:
            if name == "Runtime.exceptionThrown":
                texts.append(params["exceptionDetails"]["text"])
        return texts

    def _load(self, start, timeout):
        mark = len(self.events)
        answer = start()
        if answer.get("errorText"):
            raise ProtocolError(answer["errorText"])
        self.wait_event("Page.loadEventFired", mark, timeout)


def _pipe_above_10(child_reads):
    """Return (read, write) of a new pipe, the child's end out of the way of descriptors 3 and 4."""
    ends = list(os.pipe())
    low = ends[0 if child_reads else 1]
    ends[0 if child_reads else 1] = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(low)
    return ends
