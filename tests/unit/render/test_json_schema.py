"""docs/reference/documents.schema.json is what the code says, a sound schema, and holds for hostile documents too."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

sys.path.insert(0, str(Path(__file__).parent))

import documents
import render_samples as samples

from provisioner.cli.session import Session
from provisioner.render.conditions import Condition, drift_conditions, plan_conditions
from provisioner.render.documents import documents_schema
from provisioner.render.jsonout import apply_document, drift_document, plan_document, test_document
from provisioner.render.signoff import unverified

TOLD: dict[str, Any] = {"recorded": None, "told": [{"host": "x\x1b", "delivered": 1, "due": 0}]}
DRIFTS = (samples.drift_report, samples.later_drift, samples.ignored_drift, samples.hostile_drift, samples.clean_drift)
PLANS = (samples.six_changes, samples.blocked, samples.incomplete, samples.hostile, samples.fleet, samples.no_changes)


def rendered(command: str, body: Any, held: Any = ()) -> Any:
    return json.loads(Session.rendered(command, body, held))


def test_the_page_is_what_the_code_says() -> None:
    text = json.dumps(documents_schema(), indent=1) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        documents.SCHEMA.write_text(text)
    assert documents.SCHEMA.read_text() == text, "UPDATE_GOLDEN=1 writes it anew; see json.md for format_version"
    Draft202012Validator.check_schema(json.loads(text))


@pytest.mark.parametrize("make", PLANS)
def test_plans(make: Any) -> None:
    file = make()
    for signoffs in (unverified(file.plan), samples.verified()):
        documents.check(rendered("plan", plan_document(file, signoffs), plan_conditions(file.plan, signed=False)))
    changes = [samples.planfile.to_builtins(one) for one in file.plan.changes]
    for one in changes:
        documents.check(rendered("show", {"digest": file.digest, "change": one}))


@pytest.mark.parametrize("make", DRIFTS)
def test_drift(make: Any) -> None:
    report = make()
    one = rendered("drift", {**drift_document(report), **TOLD}, drift_conditions(report))
    documents.check(one)
    rows = [
        {"folder": "a", "exit_code": one["exit_code"], "error": "", "document": one},
        {"folder": "b", "exit_code": 1, "error": "Error: no", "document": None},
    ]
    documents.check(rendered("drift", {"workspaces": rows}, (Condition.ERROR,)))


def test_applies_and_tests() -> None:
    for result in (samples.applied(), samples.stopped()):
        documents.check(rendered("apply", apply_document(samples.six_changes(), result)))
    documents.check(rendered("test", test_document(samples.test_results())))
    documents.check(rendered("plan", {}, (Condition.ERROR,)))  # what failed has no members of its own


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("plan", {}),
        ("drift", {"drift": {}, **TOLD}),
        ("drift", {**drift_document(samples.drift_report()), **TOLD, "more": 1}),
        ("status", {"digest": "7f3a9c21", "solo": False, "sign_offs": {}}),
        ("apply", {"digest": None, "complete": "yes", "operations": []}),
    ],
)
def test_what_is_something_else_is_found(command: str, body: Any) -> None:
    with pytest.raises(AssertionError):
        documents.check(rendered(command, body))
