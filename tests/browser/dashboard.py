# SPDX-License-Identifier: EUPL-1.2
"""The dashboard in real Chromium, on a store that holds a quarter of simulated visitors.

    with quarter() as balise:
        page = Dashboard(browser, balise)
        page.sign_in("analyst")
        page.open(view="pages", lang="en")
"""
import base64
import datetime
import json
import os
import pathlib
import urllib.parse
import zoneinfo

from balise import ROOT, Balise, run

HERE = pathlib.Path(__file__).resolve().parent
AXE = (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
AUDIT = """axe.run(document, {resultTypes: ['violations', 'incomplete']}).then((found) =>
  [...found.violations, ...found.incomplete.filter((rule) => !%s.includes(rule.id))]
    .map((rule) => [rule.id, rule.help, ...rule.nodes.map((node) => node.html + ' ' + node.failureSummary)]))"""
# What axe-core cannot decide by itself; none as long as nothing needs it.
UNDECIDED = ["color-contrast"]
# A blocked resource, style, script or sink of text is a report.
COUNT_REPORTS = """window.reports = [];
document.addEventListener('securitypolicyviolation', (event) => reports.push(event.effectiveDirective + ' ' + event.blockedURI));"""
PICTURES = ROOT / "build" / "test" / "dashboard"
MEMORY = "/dev/shm"
WHEN = datetime.datetime(2026, 11, 26, 16, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))
BUDGETS = [{"metric": "lcp", "p75": 2500, "poor": 0.1}, {"metric": "inp", "p75": 150},
           {"metric": "lcp", "page": "/dossier/:id", "p75": 4000, "poor": 0.2}, {"metric": "lcp", "page": "/accessibilite", "p75": 4000}]
DAYS = 92
SEED = 7


def quarter():
    """A running server whose store holds the days before WHEN, the same in every run. Use as a context manager."""
    balise = Balise(start=WHEN, running=False, parent=MEMORY if os.path.isdir(MEMORY) else None)
    try:
        made = run("demo", "--data-dir", balise.data, "--days", DAYS, "--seed", SEED, environment=balise.environment(), seconds=300)
        assert made.returncode == 0, made.stderr
        demo = json.loads((balise.data / "balise.json").read_text(encoding="utf-8"))
        balise.config.update(sites=[{**demo["sites"][0], "budgets": BUDGETS}], geoip=demo["geoip"])
        balise.write_config()
        (balise.data / "balise.json").unlink()  # not what this server runs with: a copy that nothing purges
        balise.start()
        balise.config["private"]["listen"] = [f"127.0.0.1:{balise.private_port}"]  # where `balise query` finds it
        balise.write_config()
    except BaseException:
        balise.close()
        raise
    return balise


class Dashboard:
    """A visitor's tab."""

    def __init__(self, browser, balise):
        self.balise = balise
        self.url = f"http://127.0.0.1:{balise.private_port}/"
        self.tab = browser.new_page(browser.new_context())
        self.tab.add_init_script(COUNT_REPORTS)
        self.reports = []

    def close(self):
        self.tab.close()

    def size(self, width, height=900):
        self.tab.call("Emulation.setScrollbarsHidden", {"hidden": True})
        self.tab.call("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def prefer(self, **features):
        """As prefer(color_scheme="dark"): what the visitor's system asks for."""
        self.tab.call("Emulation.setEmulatedMedia", {"features": [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]})

    def sign_in(self, role="analyst", site=None, lang="en"):
        """By the form, as a person does."""
        self.tab.goto(f"{self.url}?lang={lang}")
        self.tab.wait_for("!!document.querySelector('#token')")
        self.tab.evaluate("document.querySelector('#token').focus()")
        self.tab.call("Input.insertText", {"text": self.balise.token(role, site)})
        self.press("Enter")
        self.settle()

    def open(self, **state):
        """Go to an address, and wait until it is drawn."""
        self.tab.goto(f"{self.url}?{urllib.parse.urlencode({name.rstrip('_'): value for name, value in state.items()})}")
        self.settle()

    def settle(self):
        """Until the view is there with its figures and drawings."""
        self.tab.wait_for("!!document.querySelector('main .content > *') && !document.querySelector('main[aria-busy]')"
                          " && [...document.querySelectorAll('.drawing')].every((one) => one.querySelector('svg'))"
                          " && [...document.querySelectorAll('.data[open]')].every((one) => one.querySelector('table'))")

    def unfold(self, wanted=True):
        """Open, or close, everything that is folded."""
        self.tab.evaluate(f"document.querySelectorAll('details').forEach((one) => {{ one.open = {json.dumps(wanted)}; }})")
        self.settle()

    def press(self, key, modifiers=0):
        codes = {"Tab": 9, "Enter": 13, "ArrowDown": 40, " ": 32, "Backspace": 8}
        event = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": codes[key], "modifiers": modifiers}
        text = {"Enter": "\r", " ": " "}.get(key)
        self.tab.call("Input.dispatchKeyEvent", {"type": "keyDown" if text else "rawKeyDown", **event, **({"text": text} if text else {})})
        self.tab.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def state(self):
        """What the address says."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.tab.evaluate("location.href")).query))

    def text(self, selector="main"):
        return self.tab.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def violations(self):
        """What axe-core finds."""
        if not self.tab.evaluate("'axe' in window"):
            self.tab.evaluate(AXE)
        return self.tab.evaluate(AUDIT % json.dumps(UNDECIDED))

    def overflow(self):
        """Pixels that the page is wider than its window."""
        return self.tab.evaluate("document.documentElement.scrollWidth - innerWidth")

    def policy_reports(self):
        """What the content security policy refused, and what the console complains of."""
        asked_who = "status of 401"  # the first question of who has not signed in yet
        return [*self.tab.evaluate("window.reports"), *(text for text in self.tab.complaints() if asked_who not in text)]

    def picture(self, name, whole=True, form="png"):
        """Save what is seen, down to the end of the page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        shot = self.tab.call("Page.captureScreenshot", {"format": form, "captureBeyondViewport": whole, **({"quality": 80} if form != "png" else {})})
        path = PICTURES / f"{name}.{form}"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path
