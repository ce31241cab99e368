"""Ours against what `terraform console` 1.11 answered; benchmarks/compare_console.py recorded it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.lang.console import evaluate_text, render_type, render_value
from provisioner.lang.files import FileAccess
from provisioner.lang.scope import Namespace, Scope
from provisioner.lang.values import Sensitive, from_python, type_of
from provisioner.model.diagnostics import DiagnosticError

CORPUS = Path(__file__).parents[2] / "golden" / "expressions"
DIFFERENCES = CORPUS.parents[2] / "docs" / "reference" / "expression-differences.md"

VARIABLES = {
    "s": "x",
    "n": 5,
    "b": True,
    "list": from_python(["a", "b"]),
    "map": from_python({"k": "v"}),
    "nul": None,
    "tmpl": "Hi ${name}",
    "secret": Sensitive("x"),
    "secret_list": Sensitive(from_python(["x", "y"])),
}

# Expressions that may have another outcome (a value instead of an error, another value), each explained in DIFFERENCES.
OTHER_OUTCOME = {
    'yamldecode("a: -0\\nb: 0.0\\nc: -1.5e-3")',
    'fileset(".", "**")',
    'format("%s", null)',
    'format("%v", null)',
    'formatlist("%s", null)',
}
# Summaries that stand for each other: ours blames the argument where Terraform blames the call, and names differ.
SAME_SUMMARY = {
    "Error in function call": {"Invalid function argument"},
    "Invalid function argument": {"Error in function call"},
    "Condition is null": {"Invalid 'for' condition"},
    "Invalid reference": {"Unknown variable"},
    "Reference to undeclared resource": {"Unknown variable"},
    "Reference to undeclared input variable": {"Unsupported attribute"},
    "Unknown provider function": {"Call to unknown function"},
    "Unterminated template string": {"Unclosed template interpolation sequence"},
}


def recorded(group: str) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads((CORPUS / f"{group}.json").read_text())
    return answers


def scope() -> Scope:
    return Scope({"var": Namespace.of("var", VARIABLES)}, files=FileAccess(CORPUS / "files", CORPUS / "files"))


def ours(expression: str) -> dict[str, Any]:
    try:
        value = evaluate_text(expression, scope())
    except DiagnosticError as err:
        return {"errors": [d.summary for d in err.diagnostics]}
    return {"value": render_value(value), "type": render_type(type_of(value))}


GROUPS = sorted(path.stem for path in CORPUS.glob("*.txt"))


@pytest.mark.parametrize("group", GROUPS)
def test_same_answer_as_the_record(group: str) -> None:
    wrong = []
    for answer in recorded(group):
        got = ours(answer["expr"])
        if answer["expr"] in OTHER_OUTCOME:
            continue
        if "value" in answer:
            if got != {"value": answer["value"], "type": answer["type"]}:
                wrong.append((answer, got))
        else:
            want = answer["errors"][0]["summary"]
            allowed = {want} | SAME_SUMMARY.get(want, set())
            if got.get("errors", [""])[0] not in allowed:
                wrong.append((answer, got))
    assert wrong == []


@pytest.mark.parametrize("expression", sorted(OTHER_OUTCOME))
def test_a_listed_difference_is_still_one(expression: str) -> None:
    answer = next(a for group in GROUPS for a in recorded(group) if a["expr"] == expression)
    got = ours(expression)
    assert got != {"value": answer.get("value"), "type": answer.get("type")}
    assert f"`{expression}`" in DIFFERENCES.read_text(), "every difference is explained in the docs"


def test_the_corpus_is_whole() -> None:
    for group in GROUPS:
        expressions = (CORPUS / f"{group}.txt").read_text().splitlines()
        assert [answer["expr"] for answer in recorded(group)] == expressions
    assert sum(len(recorded(group)) for group in GROUPS) >= 1200


def test_no_error_message_names_the_peer() -> None:
    for group in GROUPS:
        for answer in recorded(group):
            try:
                evaluate_text(answer["expr"], scope())
            except DiagnosticError as err:
                for d in err.diagnostics:
                    assert "erraform" not in d.summary + d.detail or "erraform" in answer["expr"]
