# SPDX-License-Identifier: EUPL-1.2
"""Drive Debian's Firefox over WebDriver BiDi: JSON over a web socket that Firefox itself serves.

    with Firefox() as firefox:
        page = firefox.new_page()
        page.goto("http://127.0.0.1:8000/demarches")
        page.click("h1")
        page.close()                       # its beacon leaves now

As in cdp.py everything that waits has a deadline, and one thread uses a Firefox at a time.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import websocket

from wait import until

FIREFOX = "/usr/bin/firefox-esr"
TIMEOUT = 30.0
START_SECONDS = 90
# Nothing but what the tests ask for goes over the network.
PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.server": "",
}


class ProtocolError(RuntimeError):
    """Firefox refused a command, or a script threw."""


class Firefox:
    """A headless Firefox of its own, with an empty profile that is deleted at the end. preferences: beside PREFERENCES."""

    def __init__(self, preferences=None, executable=FIREFOX):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="balise-firefox-"))
        self._socket = None
        self._process = None
        self._last_id = 0
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in {**PREFERENCES, **(preferences or {})}.items())
        (self._folder / "user.js").write_text("".join(lines), encoding="utf-8")
        try:
            with open(self._folder / "log", "wb") as log:
                self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                    [executable, "--headless", "--no-remote", "--profile", str(self._folder), "--remote-debugging-port", "0"],
                    env={**os.environ, "HOME": str(self._folder)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True,
                )
            url = until(self._look_listening, START_SECONDS, "Firefox listening")
            self._socket = websocket.create_connection(url + "/session", timeout=TIMEOUT, suppress_origin=True)
            self.version = self.call("session.new", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})["capabilities"]["browserVersion"]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _look_listening(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"Firefox ended with status {self._process.returncode}: {self._log()}")
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", self._log())
        return found and found[1]

    def _log(self):
        return (self._folder / "log").read_text(errors="replace")

    def close(self):
        """End Firefox and every process it started, and delete its profile."""
        if self._socket:
            self._socket.close(timeout=1)
            self._socket = None
        if self._process:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def call(self, method, params, timeout=TIMEOUT):
        """Send one command, and return its result. No event is asked for, so that only answers come."""
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        deadline = time.monotonic() + timeout
        while True:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                answer = json.loads(self._socket.recv())
            except websocket.WebSocketTimeoutException as silence:
                raise TimeoutError(f"Firefox: {method}") from silence
            if answer.get("id") == self._last_id:
                break
        if answer["type"] == "error":
            raise ProtocolError(f"{method}: {answer['message']}")
        return answer["result"]

    def new_page(self):
        """Open an empty page and return it."""
        return Page(self, self.call("browsingContext.create", {"type": "tab"})["context"])


class Page:
    """One tab; its methods are those of cdp.Page."""

    def __init__(self, firefox, context):
        self._firefox = firefox
        self._context = context

    def _call(self, method, **params):
        return self._firefox.call(method, {"context": self._context, **params})

    def add_init_script(self, source):
        """Run JavaScript at the start of every document to come, before any script of its own."""
        script = {"functionDeclaration": "() => {" + source + "}", "contexts": [self._context]}
        self._firefox.call("script.addPreloadScript", script)

    def goto(self, url):
        """Go to an address and wait for the load event of the new document."""
        self._call("browsingContext.navigate", url=url, wait="complete")

    def back(self):
        """Go one entry back in the history."""
        self._call("browsingContext.traverseHistory", delta=-1)

    def evaluate(self, expression):
        """Return the value of JavaScript (of a promise: what it comes to) as Python's."""
        script = {"expression": expression, "target": {"context": self._context}, "awaitPromise": True}
        answer = self._firefox.call("script.evaluate", script)
        if answer["type"] == "exception":
            raise ProtocolError(answer["exceptionDetails"]["text"])
        return _value(answer["result"])

    def wait_for(self, expression, timeout=TIMEOUT):
        """Wait until a JavaScript expression is true, and return its value."""
        return until(lambda: self.evaluate(expression), timeout, expression)

    def click(self, selector):
        """Click the middle of an element with a real (trusted) mouse."""
        middle = self.evaluate(
            f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2].map(Math.round); })()"
        )
        steps = [{"type": "pointerMove", "x": middle[0], "y": middle[1]}, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._call("input.performActions", actions=[{"type": "pointer", "id": "mouse", "actions": steps}])

    def close(self):
        """Close the tab. Its document is hidden first, so its beacon is on its way."""
        self._call("browsingContext.close")


def _value(remote):
    """What BiDi tells of a value, as Python's. An object is a list of pairs there."""
    if remote["type"] == "array":
        return [_value(one) for one in remote["value"]]
    if remote["type"] == "object":
        return {name: _value(one) for name, one in remote["value"]}
    return remote.get("value")
