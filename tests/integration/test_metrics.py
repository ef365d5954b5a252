# SPDX-License-Identifier: EUPL-1.2
"""/metrics as a monitoring system meets it: promtool, a real Prometheus, and the Grafana dashboard made for it."""
import datetime
import http.client
import json
import re
import socket
import subprocess
import urllib.parse

from balise import ROOT, Balise, ask, view, visitors
from wait import until

DASHBOARD = ROOT / "packaging" / "grafana" / "balise.json"
SITES = [{"name": name, "origins": [f"https://{name}.example"], "time_zone": "Europe/Paris"} for name in ("portal", "other")]
# By a label of its own, and nothing else, may a metric speak of something.
LABELS = {"version", "outcome", "tier", "database", "guard", "side", "site", "metric"}


def text(balise, role="operator", site=None):
    answer = balise.private("GET", "/metrics", balise.token(role, site))
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.body.decode()


def samples(exposition, name):
    """{labels: value} of a metric."""
    found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", exposition, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def a_day_of(balise, count=60):
    for name in ("portal", "other"):
        words = {"origin": f"https://{name}.example"}
        people = enumerate(visitors(count))
        balise.post_all([(view(path="/secret-page", lcp=(1000, 1500, 3000)[(n >= count / 2) + (n >= count * 0.8)], cls=0.05),
                          {**visitor, **words}) for n, visitor in people])
    before = balise.metrics()["balise_store_closings_total"]
    day = balise.clock.go_to_next_midnight()
    balise.wait_metric("balise_store_closings_total", before + 2)
    return day


def test_the_exposition_has_no_fault_and_says_nothing_of_pages_and_regions():
    with Balise({"sites": SITES}) as balise:
        a_day_of(balise)
        exposition = text(balise)
        checked = subprocess.run(["promtool", "check", "metrics"], input=exposition, capture_output=True, text=True, timeout=60, check=False)
        assert checked.returncode == 0 and not checked.stdout + checked.stderr, checked.stdout + checked.stderr
        assert set(re.findall(r'[{,]([a-z_]+)="', exposition)) <= LABELS
        assert "secret-page" not in exposition and "FR-IDF" not in exposition
        assert samples(exposition, "process_resident_memory_bytes")[""] > 1 << 20
        assert set(samples(exposition, "balise_store_tier_bytes")) == {f'{{tier="{tier}"}}' for tier in ("open", "hourly", "daily")}
        assert samples(exposition, "balise_store_tier_bytes")['{tier="daily"}'] > 0
        assert samples(exposition, "balise_store_journal_seconds_total")[""] > 0
        assert samples(exposition, "balise_queue_views") == {"": 0}
        assert samples(exposition, "balise_retention_readable") == {"": 1}
        assert list(samples(exposition, "balise_geoip_age_seconds")) == ['{database="0"}']
        # The file of the open day goes when the day is closed.
        until(lambda: samples(text(balise), "balise_purge_proof_age_seconds"), 60, "a proof of a purge")
        assert samples(text(balise), "balise_retention_problems") == {"": 0}


def test_yesterdays_p75s_are_the_apis_and_only_of_sites_that_a_token_may_read():
    with Balise({"sites": SITES}) as balise:
        day = a_day_of(balise)
        told = samples(text(balise), "balise_site_p75")
        row = balise.kpi(metric="lcp,cls", from_=day, to=day + datetime.timedelta(days=1))["rows"][0]
        expected = {f'{{site="portal",metric="{metric}"}}': row[metric]["p75"] for metric in ("lcp", "cls")}
        assert {labels: value for labels, value in told.items() if "portal" in labels} == expected and None not in expected.values()
        assert {re.search('site="([a-z]+)"', labels)[1] for labels in told} == {"portal", "other"}
        mine = text(balise, "analyst", "portal")
        assert "other" not in "".join(samples(mine, "balise_site_p75")) and samples(mine, "balise_site_p75") == expected

        balise.visit(60, view(lcp=9000))  # nothing of today moves them
        assert samples(text(balise), "balise_site_p75") == told
        balise.clock.advance(days=1)
        until(lambda: not samples(text(balise), "balise_site_p75"), 30, "a day without told visitors")


def test_a_site_below_what_may_be_told_has_no_p75(balise):
    balise.visit(30, view(lcp=1500))  # 4 k is 40
    balise.close_day()
    assert not samples(text(balise), "balise_site_p75")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    """Debian's own, as an operator would point it at a server: the token from a file."""

    def __init__(self, balise, rules=()):
        folder = balise.folder / "prometheus"
        folder.mkdir()
        (folder / "token").write_text(balise.token("operator"))
        target = f"127.0.0.1:{balise.private_port}"
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(rule) for rule in rules], "scrape_configs": [{
            "job_name": "balise", "authorization": {"credentials_file": str(folder / "token")}, "static_configs": [{"targets": [target]}]}]}
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        self.port = free_port()
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def get(self, path, **parameters):
        assert self.process.poll() is None
        try:
            answer = ask(self.port, "GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        except (ConnectionError, http.client.HTTPException):
            return None  # not listening yet
        return answer.json()["data"] if answer.status == 200 else None

    def value(self, query):
        data = self.get("query", query=query)
        return data and [float(found["value"][1]) for found in data["result"]]


def names_in(dashboard):
    """Every metric that a dashboard asks for."""
    expressions = re.findall(r'"(?:expr|query)": "((?:[^"\\]|\\.)*)"', dashboard)
    return set(re.findall(r"\b((?:balise|process)_[a-z0-9_]+)", " ".join(expressions)))


def test_a_prometheus_scrapes_it_and_answers_the_dashboards_questions():
    with Balise({"sites": SITES}) as balise:
        a_day_of(balise)
        with Prometheus(balise) as prometheus:
            until(lambda: prometheus.value('up{job="balise"}') == [1], 60, "a scrape that succeeded")
            until(lambda: prometheus.value('balise_requests_total{outcome="accepted"}') == [120], 30, "the views that were sent")
            assert prometheus.value('balise_site_p75{site="portal",metric="lcp"}') == [samples(text(balise), "balise_site_p75")['{site="portal",metric="lcp"}']]
            exported = set(prometheus.get("label/__name__/values"))
            described = set(re.findall(r"^# TYPE (\S+)", text(balise), re.MULTILINE))
            panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
            asked = [target["expr"] for panel in panels for target in panel.get("targets", [])]
            assert len(asked) > 20
            for expression in asked:
                plain = expression.replace("$job", ".*").replace("$__rate_interval", "1m")
                assert prometheus.value(plain) is not None, expression
            names = names_in(DASHBOARD.read_text(encoding="utf-8"))
            assert names <= described
            absent = {"balise_certificate_left_seconds", "balise_purge_proof_age_seconds"}  # without TLS; until the first purge
            assert names - absent <= exported


def test_certificates_say_how_long_they_last(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=portal.example", "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    tls = {"certificate_file": str(certificate), "key_file": str(key)}
    now = datetime.datetime.now(datetime.timezone.utc)
    with Balise({"public": {"tls": tls}}, start=now) as balise:
        left = samples(text(balise), "balise_certificate_left_seconds")
        assert list(left) == ['{side="public"}']
        assert 29 * 86400 < left['{side="public"}'] <= 30 * 86400
        balise.clock.advance(days=31)
        assert samples(text(balise), "balise_certificate_left_seconds")['{side="public"}'] < 0
