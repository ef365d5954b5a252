# SPDX-License-Identifier: EUPL-1.2
"""schema/openapi.v1.yaml is true: every route, parameter and answer it describes occurs, and no route that it does not describe."""
import json
import pathlib
import re
import subprocess
import urllib.parse

import jsonschema
import pytest
import yaml

from balise import ORIGIN, ZONE, Balise, ask, view

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schema"
API = yaml.safe_load((SCHEMAS / "openapi.v1.yaml").read_text(encoding="utf-8"))
# Files refer to each other by their names, so those are what they are found by.
FILES = {f"file:///{path.name}": {**json.loads(path.read_text(encoding="utf-8")), "$id": f"file:///{path.name}"}
         for path in SCHEMAS.glob("*.schema.json")}
ROLES = {"analyst", "dpo", "operator"}
KPI = "/api/v1/kpi"
OF_A_SITE = [KPI, "/api/v1/equity", "/api/v1/annotations", "/api/v1/budgets", "/api/v1/report"]
# These need a queue that is full, a disk that is slow or has failed (tests/unit/http/test_private.c), or a file that is damaged (below).
ELSEWHERE = {"500", "503"}


def resolved(node):
    """What a $ref within the description stands for."""
    while "$ref" in node and node["$ref"].startswith("#/"):
        target = API
        for step in node["$ref"][2:].split("/"):
            target = target[step]
        node = target
    return node


def operations():
    """What is read; what is changed is for tests of its own."""
    return [(path, methods["get"]) for path, methods in API["paths"].items()]


def each_operation(select=lambda operation: True):
    return [pytest.param(path, operation, id=path) for path, operation in operations() if select(operation)]


def each_parameter(key):
    return [pytest.param(path, parameter, id=f"{path} {parameter['name']}")
            for path, operation in operations() for parameter in operation.get("parameters", []) if key in parameter]


def documented(operation, status):
    """Media types of a status, and its headers."""
    response = resolved(operation["responses"][str(status)])
    headers = {name: resolved(header) for name, header in response.get("headers", {}).items()}
    return response.get("content", {}), headers


def validate(schema, text):
    """text: of a body; against an inline schema or the file it refers to."""
    typed = text if schema.get("type") == "string" or "const" in schema else json.loads(text)
    resolver = jsonschema.RefResolver("file:///", schema, store=FILES)
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(typed)


def check(operation, answer, status):
    """The answer is one that is documented, in its body and in its headers."""
    assert answer.status == status, answer.body
    content, headers = documented(operation, status)
    for name, header in headers.items():
        assert name in answer.headers or not header.get("required"), name
        if name in answer.headers:
            jsonschema.Draft202012Validator(header["schema"]).validate(answer.headers[name])
    media_type = answer.headers.get_content_type() if "Content-Type" in answer.headers else None
    assert media_type in content or (not content and not answer.body), media_type
    if media_type:
        validate(content[media_type]["schema"], answer.body.decode())
    return answer


def text_of(value):
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def target(path, **changes):
    """The path with what is required of it, and these parameters; None: without it."""
    operation = API["paths"][path]["get"]
    required = {p["name"]: text_of(p["example"]) for p in operation.get("parameters", []) if p.get("required")}
    chosen = {name: text_of(value) for name, value in {**required, **changes}.items() if value is not None}
    return f"{path}?{urllib.parse.urlencode(chosen)}" if chosen else path


@pytest.fixture(name="balise", scope="module")
def _balise():
    other = {"name": "other", "origins": ["https://other.example"], "time_zone": ZONE}
    with Balise({"sites": [{"name": "portal", "origins": [ORIGIN], "time_zone": ZONE}, other]}) as server:
        server.visit(45, view("/", lcp=1200, cls=0.02))
        server.visit(12, view("/aide", lcp=300), region="FR-BRE")
        server.close_day()
        yield server


@pytest.fixture(name="get")
def _get(balise):
    def get(path, where=None, headers=None):
        roles = API["paths"][path]["get"].get("x-roles")
        return balise.private("GET", where or target(path), balise.token(roles[0]) if roles else None, headers)
    return get


@pytest.mark.parametrize("path, operation", each_operation())
def test_an_answer_is_as_documented_in_every_form(get, path, operation):
    content, _ = documented(operation, 200)
    for media_type in content:
        answer = check(operation, get(path, headers={"Accept": media_type}), 200)
        assert answer.headers.get_content_type() == media_type


@pytest.mark.parametrize("path, parameter", each_parameter("example"))
def test_a_documented_parameter_is_taken(get, path, parameter):
    words = {parameter["name"]: parameter["example"], **parameter.get("x-with", {})}
    if parameter["name"] == "sort":
        words["by"] = "page"
    operation = API["paths"][path]["get"]
    answer = get(path, target(path, **words))
    assert answer.status == 200, answer.body
    if answer.headers.get_content_type() in documented(operation, 200)[0]:
        check(operation, answer, 200)
    given = parameter["example"] if isinstance(parameter["example"], list) else [parameter["example"]]
    schema = parameter["schema"].get("items", parameter["schema"])
    for value in given:
        jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize("path, parameter", each_parameter("x-refused"))
def test_what_a_parameter_cannot_be_is_refused_by_name(get, path, parameter):
    words = {**parameter.get("x-with", {}), parameter["name"]: parameter["x-refused"]}
    problem = check(API["paths"][path]["get"], get(path, target(path, **words)), 400).json()
    assert parameter["name"] in problem["detail"]


@pytest.mark.parametrize("path, parameter", [case for case in each_parameter("schema")])
def test_every_value_of_a_closed_list_is_taken(get, path, parameter):
    for value in parameter["schema"].get("items", parameter["schema"]).get("enum", []):
        words = {**parameter.get("x-with", {}), parameter["name"]: value}
        assert get(path, target(path, **words)).status == 200, value


@pytest.mark.parametrize("path, operation", each_operation(lambda operation: "400" in operation["responses"]))
def test_what_is_not_documented_is_refused(get, path, operation):
    check(operation, get(path, target(path, undocumented=1)), 400)


def test_a_cursor_leads_through_all_rows_in_every_form(get):
    whole = [row["page"] for row in get(KPI, target(KPI, by="page")).json()["rows"]]
    assert len(whole) == 2
    operation = API["paths"][KPI]["get"]
    for media_type in documented(operation, 200)[0]:
        first = check(operation, get(KPI, target(KPI, by="page", limit=1), {"Accept": media_type}), 200)
        cursor = first.headers["Balise-Next"]
        rest = check(operation, get(KPI, target(KPI, by="page", cursor=cursor)), 200)
        assert [row["page"] for row in rest.json()["rows"]] == whole[1:] and "Balise-Next" not in rest.headers
        if media_type == "application/json":
            assert first.json()["next"] == cursor


def test_lines_are_the_rows(get):
    rows = get(KPI, target(KPI, by="page")).json()["rows"]
    lines = get(KPI, target(KPI, by="page", format="ndjson")).body.decode().splitlines()
    assert [json.loads(line) for line in lines] == rows


@pytest.mark.parametrize("path, operation", each_operation(lambda operation: "304" in operation["responses"]))
def test_what_is_known_is_not_sent_again(get, path, operation):
    etag = get(path).headers["ETag"]
    check(operation, get(path, headers={"If-None-Match": etag}), 304)


@pytest.mark.parametrize("path, operation", each_operation())
def test_roles_are_as_documented(balise, path, operation):
    roles = operation.get("x-roles")
    if not roles:
        assert operation["security"] == [] and balise.private("GET", path).status == 200
        return
    check(operation, balise.private("GET", target(path)), 401)
    check(operation, balise.private("GET", target(path), "no-token"), 401)
    for role in ROLES:
        check(operation, balise.private("GET", target(path), balise.token(role)), 200 if role in roles else 403)
        if role in roles:
            check(operation, balise.private("GET", target(path), balise.token(role, "portal")), 403 if operation.get("x-all-sites") else 200)


@pytest.mark.parametrize("path", OF_A_SITE)
def test_an_unknown_site_is_a_404(balise, get, path):
    unknown = check(API["paths"][path]["get"], get(path, target(path, site="nowhere")), 404)
    forbidden = balise.private("GET", target(path), balise.token("analyst", "other"))
    assert (forbidden.status, forbidden.body) == (404, unknown.body)


def test_a_token_that_asks_too_often_is_told_when_to_come_back():
    with Balise({"private": {"requests_a_minute": 10}}) as balise:
        for path, operation in operations():
            if not operation.get("x-roles"):
                continue
            token = balise.token(operation["x-roles"][0])
            asked = (balise.private("GET", target(path), token) for _ in range(20))
            check(operation, next(answer for answer in asked if answer.status != 200), 429)


@pytest.mark.parametrize("path, operation", each_operation())
def test_every_documented_status_is_tested(path, operation):
    tested = {"200", "401", "429"} if operation.get("x-roles") else {"200"}
    tested |= {"304"} if "304" in operation["responses"] else set()
    tested |= {"400"} if path.startswith("/api/") and path != "/api/v1/sign-in" else set()
    tested |= {"403"} if operation.get("x-roles") and set(operation["x-roles"]) != ROLES else set()
    tested |= {"404"} if path in OF_A_SITE else set()
    assert set(operation["responses"]) - ELSEWHERE == tested


def test_no_route_is_undocumented(balise):
    source = (ROOT / "server/http/private.c").read_text(encoding="utf-8")
    routes = {(path, (method or "GET").lower()) for path, method in re.findall(r'\{\{"(/[^"]*)", \d+\}, ?([A-Z]+)?', source)}
    assert len(routes) >= 8 and routes == {(path, method) for path, methods in API["paths"].items() for method in methods}
    for path, methods in API["paths"].items():
        for beside in (path + "/", path + "x", path.upper()):
            assert balise.private("GET", beside, balise.token("dpo")).status == 404, beside
        for method in {"post", "put", "delete", "patch"} - set(methods):
            refused = balise.private(method.upper(), path, balise.token("dpo"))
            assert refused.status == 405 and refused.headers["Allow"].split(", ") == allowed(methods)
            validate({"$ref": "problem.v1.schema.json"}, refused.body.decode())


def allowed(methods):
    return [name for name in ("GET", "HEAD", "POST", "DELETE") if ("get" if name == "HEAD" else name.lower()) in methods]


@pytest.mark.parametrize("path", ["/api/v1/audit", "/api/v1/record"])
def test_a_file_that_is_damaged_is_a_500(path):
    with Balise() as balise:
        token = balise.token("dpo")
        (balise.data / "audit.log").write_text("no record\n")
        check(API["paths"][path]["get"], balise.private("GET", target(path), token), 500)


@pytest.mark.parametrize("method, body, own, status", [
    ("post", True, True, 200), ("post", False, True, 401), ("post", True, False, 403), ("delete", False, True, 204), ("delete", False, False, 403)])
def test_signing_in_and_out_answers_as_documented(balise, method, body, own, status):
    headers = {"Sec-Fetch-Site": "same-origin" if own else "cross-site"}
    answer = ask(balise.private_port, method.upper(), "/api/v1/sign-in", headers, balise.token("analyst") if body else None)
    check(API["paths"]["/api/v1/sign-in"][method], answer, status)


def test_the_description_has_no_fault_and_the_linter_sees_one(tmp_path):
    def lint(*words):
        return subprocess.run(["node", "lint.mjs", *words], cwd=SCHEMAS, capture_output=True, text=True, timeout=120, check=False)
    clean = lint()
    assert clean.returncode == 0, clean.stderr
    text = (SCHEMAS / "openapi.v1.yaml").read_text(encoding="utf-8")
    for name, fault in {"security": text.replace("- token: []", "- nothing: []", 1), "required": text.replace("in: query", "in: nowhere", 1),
                        "resolve": text.replace("kpi.v1", "kpi.v9", 1)}.items():
        broken = tmp_path / f"{name}.yaml"
        broken.write_text(fault, encoding="utf-8")
        assert lint(str(broken)).returncode == 1, name
