# SPDX-License-Identifier: EUPL-1.2
"""What shipping to a cluster costs beside taking in, and what a month's p75 by page costs from there beside queries by hand: one
that reads what is there, and one that a repeated shipment does not mislead, as the API's answer is not.

    /usr/bin/python3 -B tests/bench/shipping.py BUILD [VIEWS_A_DAY [PAGES [ROWS [DAYS]]]]

BUILD: a release with tools and benches, as script/bench builds it (build/bench). DAYS (30) are filled through the real pipeline; the processor time of that is what
taking in costs without sockets, so that the share is overstated. Then a server ships it to one ClickHouse, whose rows are copied
under other names of sites until there are ROWS of them.
"""
import datetime
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zoneinfo

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from wait import until  # noqa: E402  pylint: disable=wrong-import-position

ZONE = zoneinfo.ZoneInfo("Europe/Paris")
TRIES = 7
COPY_SECONDS = 900


def load_engines():
    """tests/support/clickhouse.py; a namesake lies beside this file."""
    import importlib.util  # pylint: disable=import-outside-toplevel
    spec = importlib.util.spec_from_file_location("engines", ROOT / "tests" / "support" / "clickhouse.py")
    engines = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engines)
    return engines


def midnight(days_ago):
    day = datetime.datetime.now(ZONE).date() - datetime.timedelta(days=days_ago)
    return datetime.datetime.combine(day, datetime.time(), ZONE)


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fill(build, folder, crowd, engine):
    """Days in folder/data; (configuration, processor seconds). crowd: days, views a day, pages."""
    config = {
        "data_dir": str(folder / "data"), "sites": [{"name": "portal", "origins": ["https://portal.example"], "time_zone": "Europe/Paris"}],
        "public": {"listen": ["127.0.0.1:0"]}, "private": {"listen": ["127.0.0.1:0"]}, "store": {"journal": False},
        "geoip": {"databases": [str(ROOT / "tests/support/mmdb/test.mmdb")]},
        "cluster": {"nodes": engine.nodes(), "node": "n1", "interval_seconds": 1}, "query": {"source": "cluster"},
    }
    path = folder / "balise.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    lines, rows = folder / "lines", folder / "rows"
    words = map(str, (*crowd, int(midnight(crowd[0]).timestamp())))
    subprocess.run([build / "tests/bench/history", *words, lines, rows], check=True)
    rows.unlink()
    before = cpu_of_children()
    subprocess.run([build / "tests/tools/balise-feed", path, lines, str(int(midnight(0).timestamp() * 1000) + 5000)],
                   check=True, stdout=subprocess.DEVNULL)
    lines.unlink()
    return path, cpu_of_children() - before


def field(line, name):
    return next((word.partition("=")[2] for word in line.split() if word.startswith(name + "=")), None)


def medians_of(*asks):
    """Seconds of each, asked in turns."""
    seconds = [[] for _ in asks]
    for _ in range(TRIES):
        for ask, times in zip(asks, seconds):
            began = time.monotonic()
            ask()
            times.append(time.monotonic() - began)
    return [statistics.median(times) for times in seconds]


def copy_rows(server, wanted):
    """Copies of the site's rows under other names; how many rows of bins there are then."""
    server.seconds = COPY_SECONDS
    count = own = int(server.query("SELECT count() FROM balise.bins_data"))
    copy = 0
    while count < wanted:
        copy += 1
        for table in ("periods", "cells", "bins"):
            columns = [row[0] for row in server.rows(f"SELECT name FROM system.columns WHERE database = 'balise' AND table = '{table}_data'")]
            named = ", ".join(f"'other-{copy}'" if column == "site" else column for column in columns)
            server.query(f"INSERT INTO balise.{table}_data ({', '.join(columns)}) SELECT {named} FROM balise.{table}_data WHERE site = 'portal'")
        count += own
    return count


def compare(server, days, port, token):
    """Medians of the API's answer and of the two queries by hand: seconds."""
    first, end = midnight(days).date(), midnight(0).date()
    asked = urllib.parse.urlencode({"site": "portal", "metric": "lcp", "by": "page", "from": first, "to": end})
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/kpi?{asked}", headers={"Authorization": f"Bearer {token}"})

    def by_api():
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.loads(answer.read())["coverage"]["complete"] is True

    days_of = f"site = 'portal' AND tier = 1 AND day >= '{first}' AND day < '{end}'"
    newest = f"(node, day, hour, version) IN (SELECT node, day, hour, version FROM balise.periods_data FINAL WHERE {days_of})"

    def by_hand(final, current):
        server.query("SELECT d1, quantileExactWeighted(0.75)(bitShiftRight(b, 32), n) AS p75, sum(n) AS told FROM (SELECT d1, bin, views FROM "
                     f"balise.bins_data {final} WHERE margin = 1 AND metric = 2 AND {days_of} AND {current}) ARRAY JOIN bin AS b, views AS n "
                     "GROUP BY d1 HAVING told >= 40")
    return medians_of(by_api, lambda: by_hand("", "1"), lambda: by_hand("FINAL", newest))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    views_a_day, pages, rows, days = [int(word) for word in (sys.argv[2:] + ["33334", "1000", "10000000", "30"][len(sys.argv) - 2:])]
    with tempfile.TemporaryDirectory() as name, load_engines().Single() as engine:
        folder = pathlib.Path(name)
        path, taking = fill(build, folder, (days, views_a_day, pages), engine)
        subprocess.run([build / "balise", "cluster", "init", "--config", path], check=True, stdout=subprocess.DEVNULL)
        token = subprocess.run([build / "balise", "token", "new", "--config", path, "--role", "analyst"], check=True, capture_output=True,
                               text=True).stdout.splitlines()[-1]
        log = folder / "log"
        with open(log, "wb") as output, subprocess.Popen([build / "balise", "serve", "--config", path], stderr=output) as server:
            try:
                def shipped():
                    return [line for line in log.read_text(encoding="utf-8").splitlines() if "mod=cluster event=shipped" in line]
                line = until(shipped, 600, "everything shipped")[0]
                shipping = int(field(line, "cpu_ms")) / 1000
                print(f"{days * views_a_day} views of {days} days on {pages} pages: taken in by {taking:.1f} s of processor time; {field(line, 'rows')} rows shipped by "
                      f"{shipping:.2f} s: {100 * shipping / taking:.1f} %")
                count = copy_rows(engine.server, rows)
                port = next(field(one, "port") for one in log.read_text(encoding="utf-8").splitlines() if "side=private" in one)
                api, bare, sure = compare(engine.server, days, port, token)
                print(f"p75 of LCP by page over {days} days, {count} rows of bins: {api:.3f} s by the API; by hand {sure:.3f} s when what was sent twice "
                      f"counts once ({api / sure:.1f} times), {bare:.3f} s when nothing is checked ({api / bare:.1f} times)")
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
