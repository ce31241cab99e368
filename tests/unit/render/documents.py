"""The published JSON Schema, as tests hold documents against it: here nothing may stand that it does not name."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "documents.schema.json"


@cache
def validator() -> Draft202012Validator:
    """The schema as published, and besides closed against members that it does not name."""
    schema = deepcopy(json.loads(SCHEMA.read_text()))
    _close(schema)
    return Draft202012Validator(schema)


def _close(schema: Any) -> None:
    if isinstance(schema, list):
        for one in schema:
            _close(one)
    elif isinstance(schema, dict):
        for one in schema.values():
            _close(one)
        if schema.get("type") == "object" and "properties" in schema and "additionalProperties" not in schema:
            schema["unevaluatedProperties"] = False


def described() -> frozenset[str]:
    """The commands whose members the schema names."""
    rules = json.loads(SCHEMA.read_text())["allOf"]
    return frozenset(rule["if"]["properties"]["command"]["const"] for rule in rules)


def check(document: Any) -> None:
    """AssertionError naming the first place where the document is not as the schema says."""
    if document["command"] not in described():
        return
    for error in validator().iter_errors(document):
        raise AssertionError(f"{error.json_path}: {error.message[:500]}")
