# SPDX-License-Identifier: EUPL-1.2
"""The webhook: what a change of a budget's state sends, to whom, how often, and that nothing else ever leaves."""
import hashlib
import hmac
import json
import re
import time

import pytest

import test_openapi as documented
from balise import ORIGIN, ZONE, Balise, view, visitors
from receiver import Receiver, make_authority, make_certificate
from wait import until

SECRET = "a-secret-of-the-test-0123456789"
BUDGETS = [{"metric": "lcp", "p75": 1700}, {"metric": "lcp", "page": "/aide", "p75": 1700}]


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory):
    """An authority, a certificate for this machine, and the secret's file."""
    folder = tmp_path_factory.mktemp("receiver")
    authority = make_authority(folder)
    (folder / "secret").write_text(SECRET + "\nwhat stands below is not the secret\n")
    return {"folder": folder, "authority": authority, "ca": authority[0], "secret": folder / "secret",
            "certificate": make_certificate(folder, authority, "127.0.0.1")}


def config(files, receiver, **webhook):
    site = {"name": "portal", "origins": [ORIGIN], "time_zone": ZONE, "budgets": BUDGETS}
    words = {"url": receiver.url(), "secret_file": str(files["secret"]), "ca_file": str(files["ca"]), "seconds": 5, **webhook}
    return {"sites": [site], "webhook": words}


def a_day(balise, lcp, count=200):
    """A day of views on pages, the last of which too few people see to be told."""
    balise.post_all([(view("/aide", lcp=round(lcp * 1.03 ** n, 1)), visitor) for n, visitor in enumerate(visitors(count))])
    balise.visit(15, view("/contact", lcp=100))
    balise.visit(4, view("/secret-page", lcp=100))
    return balise.close_day()


def posted(balise, least=1):
    """How often the log says that something was posted; waits for so many."""
    return until(lambda: (n := len(re.findall("mod=alerts event=posted", balise.log()))) >= least and n, 30, f"{least} posts in the log")


def settled(balise, day):
    """Wait until the day has been told, whether there was anything to tell or not."""
    until(lambda: (balise.data / "alerted").exists() and (balise.data / "alerted").read_text() == f"portal {day}\n", 30, "the day to be told")


def check_signature(headers, body):
    text = headers["Balise-Timestamp"].encode() + b"." + body
    assert headers["Balise-Signature"] == "sha256=" + hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()


@pytest.mark.sanitize
def test_a_change_is_posted_signed_and_a_state_is_not(files):
    with Receiver(files["certificate"]) as receiver, Balise(config(files, receiver)) as balise:
        settled(balise, a_day(balise, 20))
        assert not receiver.posts  # nothing is wrong
        day = a_day(balise, 40)
        settled(balise, day)
        (path, headers, body), = receiver.posts
        assert path == "/balise?to=team" and headers["Content-Type"] == "application/json" and headers["User-Agent"].startswith("balise/")
        check_signature(headers, body)
        assert abs(int(headers["Balise-Timestamp"]) - balise.clock.now().timestamp()) < 60
        event = json.loads(body)
        documented.validate({"$ref": "webhook.v1.schema.json"}, body.decode())
        assert (event["site"], event["day"]) == ("portal", str(day))
        assert [(c["budget"]["page"], c["state_before"], c["budget"]["state"]) for c in event["changes"]] == [
            (None, "within", "exceeded"), ("/aide", "within", "exceeded")]
        # It is what the API tells, and nothing that it does not.
        told = balise.private("GET", "/api/v1/budgets?site=portal", balise.token()).json()["budgets"]
        assert [c["budget"] for c in event["changes"]] == told
        assert b"secret" not in body and SECRET not in balise.log()

        settled(balise, a_day(balise, 41))
        assert len(receiver.posts) == 1  # still exceeded
        settled(balise, a_day(balise, 20))
        assert [c["budget"]["state"] for c in json.loads(receiver.posts[1][2])["changes"]] == ["within", "within"]
        assert posted(balise) == 2


def test_a_receiver_that_fails_is_asked_again_until_it_takes_it(files):
    with Receiver(files["certificate"], statuses=[503, 301, 404]) as receiver, Balise(config(files, receiver)) as balise:
        day = a_day(balise, 40)
        settled(balise, day)
        assert len(receiver.posts) == 4 and len({body for _, _, body in receiver.posts}) == 1
        for _, headers, body in receiver.posts:
            check_signature(headers, body)
        assert re.findall(r"event=not_posted .*status=(\d+)", balise.log()) == ["503", "301", "404"] and posted(balise) == 1


def test_a_redirection_is_not_followed(files):
    with Receiver(files["certificate"]) as other:
        with Receiver(files["certificate"], statuses=[307], location=other.url()) as receiver, Balise(config(files, receiver)) as balise:
            settled(balise, a_day(balise, 40))
            assert len(receiver.posts) == 2 and not other.posts


@pytest.mark.parametrize("fault", ["another authority", "another host"])
def test_nothing_is_sent_to_who_cannot_prove_who_he_is(files, fault, tmp_path):
    webhook, certificate = {}, files["certificate"]
    if fault == "another authority":
        webhook = {"ca_file": str(make_authority(tmp_path, "stranger")[0])}
    else:
        certificate = make_certificate(tmp_path, files["authority"], "alerts.example")
    with Receiver(certificate) as receiver, Balise(config(files, receiver, **webhook)) as balise:
        day = a_day(balise, 40)
        until(lambda: receiver.handshakes >= 2, 30, "a second attempt")
        until(lambda: "event=not_posted" in balise.log(), 30, "the failure in the log")
        assert not receiver.posts and (balise.data / "alerted").read_text() < f"portal {day}\n"


def test_after_kill_9_nothing_is_lost_and_nothing_is_told_twice(files):
    with Receiver(files["certificate"], statuses=[503] * 100) as receiver, Balise(config(files, receiver)) as balise:
        day = a_day(balise, 40)
        until(lambda: receiver.posts, 30, "an attempt")
        balise.kill9()
        receiver.statuses.clear()
        before = len(receiver.posts)
        balise.start()
        settled(balise, day)
        assert len(receiver.posts) == before + 1
        balise.restart()
        settled(balise, a_day(balise, 40))
        assert len(receiver.posts) == before + 1


def test_days_that_ended_while_the_server_was_away_are_told_in_their_order(files):
    with Receiver(files["certificate"], statuses=[503] * 100) as receiver, Balise(config(files, receiver)) as balise:
        days = [a_day(balise, lcp) for lcp in (40, 20, 40)]
        balise.terminate()
        receiver.statuses.clear()
        del receiver.posts[:]
        balise.start()
        settled(balise, days[-1])
        assert [json.loads(body)["day"] for _, _, body in receiver.posts] == list(map(str, days))


def test_a_receiver_that_hangs_holds_up_neither_beacons_nor_the_end(files):
    with Receiver(files["certificate"]) as receiver, Balise(config(files, receiver, seconds=60)) as balise:
        receiver.hang.clear()
        a_day(balise, 40)
        until(lambda: receiver.posts, 30, "a post that hangs")
        balise.visit(20)
        assert balise.private("GET", "/readyz").status == 200
        began = time.monotonic()
        balise.terminate()
        assert time.monotonic() - began < 20  # not the 60 seconds that an attempt may take


def test_a_secret_can_be_changed_without_a_restart(files, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("an-earlier-secret-of-the-test")
    with Receiver(files["certificate"]) as receiver, Balise(config(files, receiver, secret_file=str(secret))) as balise:
        settled(balise, a_day(balise, 20))
        secret.write_text(SECRET)
        settled(balise, a_day(balise, 40))
        check_signature(*receiver.posts[0][1:])


def test_without_a_webhook_nothing_is_ever_sent(files):
    with Receiver(files["certificate"]) as receiver, Balise({"sites": config(files, receiver)["sites"]}) as balise:
        a_day(balise, 40)
        until(lambda: balise.metrics()['balise_budget_exceeded{site="portal",metric="lcp"}'] == 1, 30, "the budget to be exceeded")
        assert not receiver.posts and not receiver.handshakes and not (balise.data / "alerted").exists()


@pytest.mark.parametrize("content, said", [(None, "No such file"), ("short\n", "fewer than 16 bytes"), ("\nsecond line is no secret\n", "fewer than 16 bytes")])
def test_a_secret_that_is_none_is_told_at_the_start(files, tmp_path, content, said):
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_text(content)
    with Receiver() as receiver, Balise(config(files, receiver, secret_file=str(secret)), running=False) as balise:
        log = balise.fails_to_start()
        assert said in log and str(secret) in log


def test_on_this_machine_cleartext_will_do(files):
    with Receiver() as receiver, Balise(config(files, receiver)) as balise:
        settled(balise, a_day(balise, 40))
        check_signature(*receiver.posts[0][1:])


def test_the_record_and_the_audit_log_tell_who_is_told(files):
    with Receiver(files["certificate"]) as receiver, Balise(config(files, receiver)) as balise:
        answer = balise.private("GET", "/api/v1/record?lang=en&format=markdown", balise.token("dpo")).body.decode()
        assert receiver.url() in answer.partition("## Transfers")[2].partition("##")[0]
        assert receiver.url() in (balise.data / "audit.log").read_text(encoding="ascii").replace("%3F", "?").replace("%3D", "=")
    with Balise() as balise:
        answer = balise.private("GET", "/api/v1/record?lang=en&format=markdown", balise.token("dpo")).body.decode()
        assert "opens no outbound connection" in answer
