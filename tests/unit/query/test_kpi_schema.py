# SPDX-License-Identifier: EUPL-1.2
"""The schema of an answer says yes to what the program answers (golden/) and to the examples, and no to what it must not be."""
import copy
import json
import pathlib

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "schema/kpi.v1.schema.json").read_text(encoding="utf-8"))
GOLDEN = sorted((ROOT / "tests/unit/query/golden").glob("*.json"))
EXAMPLES = sorted((ROOT / "schema/examples").glob("kpi-*.json"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in GOLDEN + EXAMPLES])
def test_an_answer_is_of_the_schema(path):
    VALIDATOR.validate(load(path))


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in GOLDEN])
def test_rows_hold_what_was_asked_in_order(path):
    answer = load(path)
    for row in answer["rows"]:
        dimensions = [key for key in row if key in answer["by"]]
        assert dimensions == answer["by"]
    other = [any(row.get(by) == "(other)" for by in answer["by"]) for row in answer["rows"]]
    if not set(answer["by"]) & {"hour", "day", "week", "month"}:
        assert other == sorted(other)


def test_there_are_examples():
    assert len(EXAMPLES) >= 4 and len(GOLDEN) >= 8


def set_at(*path, value):
    def change(answer):
        for step in path[:-1]:
            answer = answer[step]
        answer[path[-1]] = value
    return change


def drop(*path):
    def change(answer):
        for step in path[:-1]:
            answer = answer[step]
        del answer[path[-1]]
    return change


FAULTS = {
    "no site": drop("site"),
    "no coverage": drop("coverage"),
    "an unknown key": set_at("visitors", value=3),
    "an unknown metric": set_at("rows", 0, "speed", value={}),
    "a metric without n": drop("rows", 0, "lcp", "n"),
    "an average": set_at("rows", 0, "lcp", "average", value=3),
    "an unknown reason": set_at("rows", 0, "lcp", "why", value={"p75": "because"}),
    "visitors without saying what they are": drop("rows", 0, "visitors_are"),
    "visitors that are exact": set_at("rows", 0, "visitors_are", value="exact"),
    "an empty page": set_at("rows", 0, "page", value=""),
    "an hour without its length": set_at("rows", 0, "hour", value="2026-11-23T08:00:00+01:00"),
    "a share above one": set_at("coverage", "named", value=1.2),
    "bytes with a share of good": set_at("rows", 0, "transferSize", "good", value=0.5),
    "a date with a time": set_at("from", value="2026-11-21T00:00:00Z"),
    "bins that are exact values": set_at("rows", 0, "lcp", "bins", value=[1000, 1200]),
    "a bin without views": set_at("rows", 0, "lcp", "bins", value=[{"lower": 0, "upper": 988, "count": 0}]),
    "an earlier row without a difference": set_at("rows", 0, "earlier", value=None),
    "no share of who can report": drop("coverage", "reported"),
    "a cursor that tells something": set_at("next", value="/dossier/4"),
    "k below the floor": set_at("k", value=4),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault):
    answer = copy.deepcopy(load(ROOT / "schema/examples/kpi-page.json"))
    VALIDATOR.validate(answer)
    FAULTS[fault](answer)
    assert not VALIDATOR.is_valid(answer)
