# SPDX-License-Identifier: EUPL-1.2
"""The JSON Schemas are schemas, and say of the examples what the server says of them (tests/unit/config checks the server)."""
import json
import pathlib

import jsonschema
import pytest

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schema"
EXAMPLES = SCHEMAS / "examples"


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def validator():
    return jsonschema.Draft202012Validator(load(SCHEMAS / "config.v1.schema.json"))


def examples(pattern):
    paths = sorted(EXAMPLES.glob(pattern))
    assert paths, pattern
    return [pytest.param(path, id=path.stem) for path in paths]


def properties(node):
    """Every property of a schema with its name, however deep."""
    for name, child in node.get("properties", {}).items():
        yield name, child
        yield from properties(child)
    if "items" in node:
        yield from properties(node["items"])


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in sorted(SCHEMAS.glob("*.schema.json"))])
def test_a_schema_is_a_schema(path):
    schema = load(path)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", examples("config-valid-*.json"))
def test_a_valid_configuration_is_valid(path):
    validator().validate(load(path))


@pytest.mark.parametrize("path", examples("config-invalid-*.json"))
def test_an_invalid_configuration_is_invalid(path):
    # One fault each: with two, one of the two rules could be lost unseen.
    assert len(list(validator().iter_errors(load(path)))) == 1


@pytest.mark.parametrize("path", examples("config-refused-*.json"))
def test_what_the_server_alone_refuses_is_valid_to_the_schema(path):
    # Else it belongs to the invalid ones.
    validator().validate(load(path))


def test_every_default_is_a_value_that_the_schema_allows():
    defaults = [(name, node) for name, node in properties(load(SCHEMAS / "config.v1.schema.json")) if "default" in node]
    assert len(defaults) > 20
    for name, node in defaults:
        assert jsonschema.Draft202012Validator(node).is_valid(node["default"]), name
