# SPDX-License-Identifier: EUPL-1.2
"""Signing in to the dashboard: a token becomes a cookie that only the dashboard's own page can use, until it ends, is taken
back, or its holder signs out."""
import re

import pytest

from balise import Balise, ask, run

SESSION = "/api/v1/sign-in"
OWN = {"Sec-Fetch-Site": "same-origin"}
KPI = "/api/v1/kpi?site=portal&metric=lcp"


@pytest.fixture(name="balise", scope="module")
def _balise():
    sites = [{"name": name, "origins": [f"https://{name}.example"], "time_zone": "Europe/Paris"} for name in ("portal", "harbour")]
    with Balise({"sites": sites}) as server:
        yield server


def sign_in(balise, token, headers=None):
    return ask(balise.private_port, "POST", SESSION, OWN if headers is None else headers, token)


def cookie_of(answer):
    """(name=value, attributes) of the cookie that is set."""
    pair, *attributes = answer.headers["Set-Cookie"].split("; ")
    return pair, attributes


def signed_in(balise, role="analyst", site=None):
    return cookie_of(sign_in(balise, balise.token(role, site)))[0]


def status(balise, cookie, path=KPI, method="GET", **headers):
    return ask(balise.private_port, method, path, {"Cookie": cookie, **OWN, **headers}).status


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_connections(balise):
    token = balise.token("analyst")
    pair, attributes = cookie_of(sign_in(balise, token + "\t "))
    assert pair == f"balise-session={token}"
    assert sorted(attributes) == ["HttpOnly", "Path=/api/v1", "SameSite=Strict", "Secure"]  # no age: it ends with the browser


def test_the_session_says_what_its_token_may_see(balise):
    whole = sign_in(balise, balise.token("dpo")).json()
    assert [site["name"] for site in whole["sites"]] == ["portal", "harbour"]
    assert (whole["role"], whole["all_sites"], whole["k"], whole["language"]) == ("dpo", True, 10, "fr")
    assert whole["sites"][0]["today"] == balise.clock.now().date().isoformat()
    one = ask(balise.private_port, "GET", SESSION, {"Cookie": signed_in(balise, site="harbour"), **OWN}).json()
    assert (one["role"], one["all_sites"], [site["name"] for site in one["sites"]]) == ("analyst", False, ["harbour"])
    assert balise.private("GET", SESSION, balise.token("dpo")).json() == whole


@pytest.mark.parametrize("cookies", ["%s", "a=1; %s", "%s; z=2", "balise-sessions=1;%s", "a=\"b\"; %s ;c"])
def test_the_cookie_opens_what_its_token_opens_and_no_more(balise, cookies):
    cookie = cookies % signed_in(balise)
    assert status(balise, cookie) == 200
    assert status(balise, cookie, "/api/v1/audit") == 403
    assert status(balise, cookies % signed_in(balise, site="harbour")) == 404


@pytest.mark.parametrize("cookie", ["", "balise-session=", "balise-session=no-token", "balise-session", "other=1"])
def test_a_cookie_that_is_no_session_opens_nothing(balise, cookie):
    assert status(balise, cookie) == 401


@pytest.mark.parametrize("site", ["cross-site", "same-site", None])
def test_another_page_can_neither_read_nor_act_by_the_cookie(balise, site):
    cookie = signed_in(balise)
    said = {"Cookie": cookie, **({"Sec-Fetch-Site": site} if site else {})}
    assert ask(balise.private_port, "GET", KPI, said).status == 401
    assert ask(balise.private_port, "DELETE", SESSION, said).status == 403
    assert sign_in(balise, balise.token("analyst"), said).status == 403
    assert status(balise, cookie) == 200


def test_the_address_bar_may_read_and_not_act(balise):
    cookie = signed_in(balise)
    assert status(balise, cookie, **{"Sec-Fetch-Site": "none"}) == 200
    assert status(balise, cookie, SESSION, "DELETE", **{"Sec-Fetch-Site": "none"}) == 403


def test_a_header_counts_before_the_cookie(balise):
    assert status(balise, signed_in(balise, "dpo"), "/api/v1/audit", Authorization="Bearer no-token") == 401


@pytest.mark.parametrize("token", ["", "no-token", "x" * 47, "x" * 4000, "a b", "balise-session=1"])
def test_what_is_no_token_does_not_sign_in_and_says_how_to_get_one(balise, token):
    answer = sign_in(balise, token)
    assert answer.status == 401 and "Set-Cookie" not in answer.headers
    assert "balise token new" in answer.json()["detail"] and (not token or token not in answer.json()["detail"])


def test_signing_out_takes_the_cookie_back(balise):
    answer = ask(balise.private_port, "DELETE", SESSION, {"Cookie": signed_in(balise), **OWN})
    pair, attributes = cookie_of(answer)
    assert (answer.status, pair) == (204, "balise-session=") and "Max-Age=0" in attributes and "Path=/api/v1" in attributes


def test_a_session_ends_with_its_token(balise):
    def made(*words):
        out = run("token", "new", "--config", balise.config_path, "--role", "analyst", *words)
        assert out.returncode == 0, out.stderr
        return out.stdout.splitlines()[-1]
    cookie = cookie_of(sign_in(balise, made()))[0]
    assert status(balise, cookie) == 200
    listed = run("token", "list", "--config", balise.config_path).stdout
    name = re.findall(r"^(\S{8})\s", listed, re.M)[-1]
    assert run("token", "revoke", "--config", balise.config_path, name).returncode == 0
    assert status(balise, cookie) == 401


def test_a_session_ends_when_its_token_expires():
    with Balise() as balise:
        made = run("token", "new", "--config", balise.config_path, "--role", "analyst", "--expires", "2",
                   environment=balise.environment())
        token = made.stdout.splitlines()[-1]
        cookie = cookie_of(sign_in(balise, token))[0]
        assert status(balise, cookie) == 200
        balise.clock.advance(days=2, minutes=1)
        assert status(balise, cookie) == 401 and sign_in(balise, token).status == 401


def test_guessing_is_slowed_down_and_those_inside_do_not_notice():
    with Balise() as balise:
        cookie = signed_in(balise)
        answers = [sign_in(balise, "no-token") for _ in range(70)]
        assert {answer.status for answer in answers} == {401, 429}
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert status(balise, cookie) == 200
