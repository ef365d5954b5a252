#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Check that the beacon corpus is true.

Every file of valid/ must be a beacon by schema/beacon.v1.schema.json and by the rules its
$comment adds; every file of invalid/ must not be. A file whose verdict hangs on how a program
writes integers (3.0 is an integer for JSON Schema and not for the server) is refused, because
the corpus is meant to be the same for every decoder.

Usage: check.py [-v]            check the whole corpus (-v prints why each invalid file is one)
Needs Debian's python3-jsonschema only.
"""
import json
import pathlib
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SCHEMA = ROOT / "schema" / "beacon.v1.schema.json"
EXAMPLES = ROOT / "schema" / "examples"
PATH_MAX = 1024
BODY_MAX = 4096
NUMBER_MAX = 20


class NotJson(ValueError):
    """The bytes are not one JSON text by the strict rules of the server."""


class Ambiguous(ValueError):
    """Two right programs may answer differently: no case for a shared corpus."""


def _number(text, convert):
    if len(text) > NUMBER_MAX:
        raise NotJson("number of more than 20 characters")
    return convert(text)


def _constant(text):
    raise NotJson(f"{text} is no JSON")


def _pairs(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise NotJson("duplicate key")
    return dict(pairs)


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def parse(body):
    """Return the value of a body, or raise NotJson."""
    if len(body) > BODY_MAX:
        raise NotJson("body over 4096 bytes")
    try:
        text = body.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise NotJson("not UTF-8") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_constant=_constant,
            parse_int=lambda digits: _number(digits, int),
            parse_float=lambda digits: _number(digits, float),
        )
    except NotJson:
        raise
    except RecursionError as error:
        raise NotJson("nested too deep") from error
    except ValueError as error:
        raise NotJson(str(error)) from error
    for string in _strings(value):
        if any(0xD800 <= ord(char) <= 0xDFFF for char in string):
            raise NotJson("lone surrogate")
    return value


def _integers(schema):
    for name, rule in schema["properties"].items():
        reference = rule.get("$ref", "").rpartition("/")[2]
        if (schema["$defs"].get(reference) or rule).get("type") == "integer":
            yield name


def reason(body, validator):
    """Return None for a beacon, or a line saying why the body is none."""
    try:
        value = parse(body)
    except NotJson as error:
        return f"not JSON: {error}"
    if isinstance(value, dict):
        for name in _integers(validator.schema):
            item = value.get(name)
            if isinstance(item, float) and item.is_integer():
                raise Ambiguous(f"{name}: {item!r}")
        # JSON Schema counts code points; the schema's comment limits the bytes too.
        path = value.get("path")
        if isinstance(path, str) and len(path.encode()) > PATH_MAX:
            return f"path over {PATH_MAX} bytes"
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    return f"schema: {error.message[:90]}" if error else None


def validator():
    """Return the validator of the beacon schema, after checking the schema itself."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def main():
    verbose = "-v" in sys.argv[1:]
    beacon = validator()
    valid = sorted((HERE / "valid").iterdir()) + sorted(EXAMPLES.glob("beacon-*.json"))
    invalid = sorted((HERE / "invalid").iterdir())
    wrong = 0
    for path in valid + invalid:
        try:
            why = reason(path.read_bytes(), beacon)
        except Ambiguous as error:
            why = f"ambiguous: {error}"
            wrong += 1
            print(f"{path.name}: {why}")
            continue
        if (why is None) != (path in valid):
            wrong += 1
            print(f"{path.parent.name}/{path.name}: {why or 'is a beacon'}")
        elif verbose and why:
            print(f"{path.name}: {why}")
    bodies = {}
    for path in valid + invalid:
        twin = bodies.setdefault(path.read_bytes(), path)
        if twin is not path:
            wrong += 1
            print(f"{path.name} and {twin.name} are the same case")
    print(f"{len(valid)} valid, {len(invalid)} invalid, {wrong} wrong")
    return 1 if wrong or len(valid) < 60 or len(invalid) < 120 else 0


if __name__ == "__main__":
    sys.exit(main())
