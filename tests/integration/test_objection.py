# SPDX-License-Identifier: EUPL-1.2
"""Rights of visitors, from outside: an objection by signal, and that nobody can be looked up."""
import datetime
import json

import pytest

from balise import Balise, run, view, visitors

SIGNALS = ({"Sec-GPC": "1"}, {"DNT": "1"}, {"Sec-GPC": "1", "DNT": "1"})


@pytest.fixture(name="balise", scope="module")
def _balise():
    with Balise({"public": {"loops": 1}}) as server:  # a view takes along every tally that came before it
        yield server


def told_files(balise):
    """Every byte of the tiers that queries read."""
    return {path: path.read_bytes() for tier in ("hourly", "daily") for path in sorted((balise.data / tier).glob("*"))}


def test_privacy_26_a_signal_of_objection_moves_the_sites_declined_counter_and_nothing_else(balise):
    before = balise.metrics()
    for visitor in visitors(30, region="FR-BRE"):
        for signal in SIGNALS:
            assert balise.post(view("/secret", lcp=9000), headers=signal, **visitor).status == 204
    moved = {name: value - before[name] for name, value in balise.metrics().items() if value != before.get(name)}
    beacons = {name: value for name, value in moved.items() if name.startswith("balise_requests_total")}
    assert beacons == {'balise_requests_total{outcome="declined"}': 90}
    assert "balise_store_views_total" not in moved
    balise.visit(12, view("/", lcp=1200))
    day = balise.close_day()
    answer = balise.kpi(metric="lcp", by="page", from_=day, to=day + datetime.timedelta(days=1))
    assert [(row["page"], row["views"], row["lcp"]["n"]) for row in answer["rows"]] == [("/", 12, 12)]
    assert answer["coverage"]["declined"] == 90 and answer["coverage"]["views"] == 12
    assert all(b"/secret" not in data for data in told_files(balise).values())


@pytest.mark.parametrize("name", ["ip", "address", "user_agent", "ua", "visitor", "id", "session", "cookie", "hash", "query"])
def test_privacy_42_nobody_can_be_looked_up(balise, name):
    answer = balise.ask_kpi(metric="lcp", by="page", **{name: "198.51.100.7"})
    assert answer.status == 400 and b"198.51.100.7" not in answer.whole()
    for path in (f"/api/v1/{name}", f"/api/v1/visitors/{name}", f"/api/v1/kpi/{name}"):
        assert balise.private("GET", path, balise.token("dpo")).status == 404


def test_privacy_42_the_record_has_the_words_of_a_reply_under_article_11(balise):
    for language, words in (("fr", "n’est pas en mesure de vous identifier"), ("en", "cannot identify you")):
        written = run("record", "--config", balise.config_path, "--lang", language, "--format", "json")
        [section] = [part for part in json.loads(written.stdout)["sections"] if part["id"] == "article-11"]
        assert words in section["text"]
