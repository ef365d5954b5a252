# SPDX-License-Identifier: EUPL-1.2
"""A server under a service manager: when it says that it is ready, reloads, stops, and is alive."""
import hashlib
import os
import re
import socket

import pytest

from balise import run, view
from manager import Managed, Stopped

WATCHDOG_SECONDS = 4  # the server looks after its threads once a second


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_ready_is_told_once_a_view_is_answered_and_stopping_before_the_end(abstract):
    with Managed(abstract=abstract, running=False) as balise:
        balise.launch()
        balise.wait_told("READY=1", seconds=60)
        assert balise.look_listening()
        assert balise.private("GET", "/readyz").status == 200
        assert balise.post(view()).status == 204
        assert "STOPPING=1" not in balise.told and "WATCHDOG=1" not in balise.told
        balise.terminate()
        assert balise.told[-1] == "STOPPING=1" and balise.told.count("READY=1") == 1


def test_a_server_that_cannot_listen_never_says_ready():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with Managed({"private": {"listen": [f"127.0.0.1:{port}"]}}, running=False) as balise:
            assert f"port {port}: Address already in use" in balise.fails_to_start()
            assert not balise.told


@pytest.mark.sanitize
def test_a_reload_tells_the_manager_how_it_went():
    with Managed() as balise:
        seen = balise.wait_told("STATUS=Serving")
        assert balise.reload() == "reloaded"
        seen = balise.wait_told("STATUS=Serving", after=seen)
        assert balise.told[-4] == "RELOADING=1" and re.match(r"MONOTONIC_USEC=\d+$", balise.told[-3])
        balise.config_path.write_text("{")
        assert balise.reload() == "reload_refused"
        balise.wait_told("READY=1", after=seen)
        assert balise.told[-1].startswith("STATUS=Serving as before; reload refused: ")
        assert balise.post(view()).status == 204
        balise.terminate()


@pytest.mark.skipif(os.geteuid() != 0, reason="stopping a thread of a process without core images needs root")
@pytest.mark.parametrize("thread", ["public", "private", "writer"])
def test_the_watchdog_is_fed_while_every_thread_turns_and_only_then(thread):
    with Managed(watchdog_seconds=WATCHDOG_SECONDS) as balise:
        seen = balise.wait_told("WATCHDOG=1")
        seen = balise.wait_told("WATCHDOG=1", after=seen)
        with Stopped(balise.process.pid, thread):
            balise.wait_log("event=stuck")  # what it answered before counts once more
            seen = len(balise.told)
            balise.wait_log("event=stuck", times=3)
            assert "WATCHDOG=1" not in balise.told[seen:]
        balise.wait_told("WATCHDOG=1", after=seen)


def record_hash(balise):
    """The hash of the configuration that the running server tells the DPO."""
    answer = balise.private("GET", "/api/v1/record?lang=en", balise.token("dpo"))
    assert answer.status == 200
    return re.search(rb"\b[0-9a-f]{64}\b", answer.body)[0].decode()


@pytest.mark.sanitize
def test_a_reload_takes_other_pages(balise):
    balise.config["sites"][0]["pages"] = ["/", "/dossier/:id"]
    balise.write_config()
    balise.visit(12, view("/dossier/1042"))
    before = record_hash(balise)
    assert balise.reload() == "reloaded"
    balise.visit(12, view("/dossier/1042"))
    balise.visit(12, view("/nowhere"))
    told = run("check-config", "--config", balise.config_path).stdout
    assert record_hash(balise) == hashlib.blake2b(told.encode(), digest_size=32).hexdigest() != before
    pages = balise.views("page", balise.close_day())
    assert pages == {"/dossier/:id": 24, "(other)": 12}
    balise.terminate()


def portal(balise):
    return balise.config["sites"][0]


@pytest.mark.parametrize("change, said", [
    (lambda b: portal(b).update(pages=["/a/:"]), "/a/:"),
    (lambda b: portal(b).update(page=["/"]), "sites[0].page"),
    (lambda b: portal(b).update(time_zone="Asia/Tokyo"), "sites[0].time_zone"),
    (lambda b: portal(b).update(time_zone="Moon/Base"), "sites[0].time_zone"),
    (lambda b: portal(b)["origins"].append("https://other.example"), "sites[0].origins has changed, which needs a restart"),
    (lambda b: b.config["sites"].append({**portal(b), "name": "x", "origins": ["https://x.example"]}), "sites[1].name has changed"),
    (lambda b: b.config.update(privacy={"k": 20}), "privacy.k has changed, which needs a restart"),
    (lambda b: b.config.update(privacy={"k": 5}), "privacy.k has changed, which needs a restart"),
    (lambda b: b.config.update(data_dir="/elsewhere"), "data_dir has changed, which needs a restart"),
    (lambda b: b.config["geoip"]["databases"].append("/nonexistent.mmdb"), "/nonexistent.mmdb"),
], ids=["template", "key", "zone", "no zone", "origin", "site", "higher k", "lower k", "folder", "database"])
def test_a_refused_reload_says_why_and_changes_nothing(balise, change, said):
    balise.config["sites"][0]["pages"] = ["/only-this"]
    balise.write_config()
    assert balise.reload() == "reloaded"
    before = record_hash(balise)
    for role in ("analyst", "operator"):
        balise.token(role)  # made while the configuration is right
    portal(balise)["pages"] = ["/another"]
    change(balise)
    balise.write_config()
    assert balise.reload() == "reload_refused"
    assert said in re.findall(r"event=reload_refused reason=(.*)", balise.log())[-1]
    assert record_hash(balise) == before
    balise.visit(12, view("/only-this"))
    assert balise.views("page", balise.close_day()) == {"/only-this": 12}


@pytest.mark.sanitize
def test_a_reload_takes_other_budgets(balise):
    balise.visit(60, view(lcp=1200))
    day = balise.close_day()

    def told():
        answer = balise.private("GET", "/api/v1/budgets?site=portal", balise.token()).json()
        return answer["day"], [(budget["limits"]["p75"], budget["state"]) for budget in answer["budgets"]]

    assert told() == (str(day), [])
    for budgets in ([{"metric": "lcp", "p75": 1000}], [{"metric": "lcp", "p75": 2000}, {"metric": "lcp", "p75": 900}], []):
        portal(balise)["budgets"] = budgets
        balise.write_config()
        assert balise.reload() == "reloaded"
        assert told() == (str(day), [(budget["p75"], "exceeded" if budget["p75"] < 1200 else "within") for budget in budgets])
    balise.terminate()
