# SPDX-License-Identifier: EUPL-1.2
"""Beacons to send: pages by Zipf's law, log-normal times, 30 regions, visitors of many networks. The same for a seed."""
import json
import random

ORIGIN = "https://portal.example"
REGIONS = 30  # of the test database: a /20 of 198.18.0.0/15 each
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36 Edg/{0}.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{0} Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/{0}.0 Chrome/{0}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{0} Mobile/15E148 Safari/604.1",
)
TIMES = {"ttfb": 220, "fcp": 900, "lcp": 1500, "inp": 90, "redirect": 12, "dns": 14, "tcp": 30, "tls": 35, "request": 110,
         "response": 25, "domInteractive": 800, "domContentLoaded": 850, "load": 2100}
SIZES = {"transferSize": 18000, "requests": 25, "weight": 420000, "elements": 600}
SECTIONS = ("demarches", "dossier", "aide", "actualites", "services", "annuaire")


def page(number):
    """A path that holds nothing like an identifier, so that it is kept as it is."""
    letters = ""
    for _ in range(3):
        letters, number = letters + chr(97 + number % 26), number // 26
    return f"/{SECTIONS[ord(letters[0]) % len(SECTIONS)]}/fiche-{letters}"


def _measured(chance):
    values = {name: round(middle * chance.lognormvariate(0, 0.6), 1) for name, middle in TIMES.items()}
    values.update({name: round(middle * chance.lognormvariate(0, 0.6)) for name, middle in SIZES.items()})
    for name in ("redirect", "dns", "tcp", "tls"):  # a connection that was open already
        if chance.random() < 0.6:
            values[name] = 0
    if chance.random() < 0.3:
        del values["inp"]
    values["cls"] = 0 if chance.random() < 0.6 else round(chance.expovariate(12), 4)
    return values


def views(pages, count, seed=1):
    """(address, user agent, path, values) of as many views."""
    chance = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(pages)]
    for number in chance.choices(range(pages), weights, k=count):
        region, low = chance.randrange(REGIONS), chance.randrange(16)
        address = f"198.{18 + region // 16}.{region % 16 * 16 + low}.{chance.randrange(1, 255)}"
        yield address, chance.choice(AGENTS).format(chance.randrange(100, 143)), page(number), _measured(chance)


def write(path, pages, count, seed=1):
    """A corpus for `load`."""
    with open(path, "w", encoding="utf-8") as file:
        for address, agent, where, values in views(pages, count, seed):
            body = json.dumps({"v": 1, "path": where, "type": "navigate", **values, "protocol": "h2"}, separators=(",", ":"))
            file.write(f"{address}\t{agent}\t{ORIGIN}\t{body}\n")


def write_influx(path, pages, count, seed=1):
    """The same views as lines of InfluxDB's protocol: tags site, page and device, a field a metric."""
    with open(path, "w", encoding="utf-8") as file:
        for address, agent, where, values in views(pages, count, seed):
            device = "mobile" if "Mobile" in agent else "desktop"
            fields = ",".join(f"{name}={value}" for name, value in values.items())
            file.write(f"{address}\t{agent}\t{ORIGIN}\trum,site=portal,page={where},device={device} {fields}\n")
