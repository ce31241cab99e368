"""`console -json`: one object in, one object out, whatever comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.lang.console import evaluate_text, render_value, run_lines
from provisioner.lang.scope import Namespace, Scope
from provisioner.lang.values import BlockValue


def answer(request: object, scope: Scope | None = None) -> Any:
    line = request if isinstance(request, str) else json.dumps(request)
    (out,) = run_lines([line], scope)
    assert "\n" not in out
    return json.loads(out)


def test_value_and_type() -> None:
    assert answer({"expr": "[upper(var.a), 1.50, null]", "vars": {"a": "x"}}) == {
        "value": ["X", 1.5, None],
        "type": "tuple([string, number, any])",
    }
    assert answer({"expr": 'toset(["b", "a"])'}) == {"value": ["a", "b"], "type": "set(string)"}


def test_numbers_stay_exact() -> None:
    (out,) = run_lines(['{"expr":"[var.n, 1/3]","vars":{"n":12345678901234567890.12345678901234567}}'])
    assert "12345678901234567890.12345678901234567," in out
    assert "0." + "3" * 150 in out


def test_diagnostics_have_the_shape_editors_know() -> None:
    (found,) = answer({"expr": "1 +\n upper(var.x)", "vars": {"x": []}})["diagnostics"]
    assert found["severity"] == "error"
    assert found["summary"] == "Invalid function argument"
    assert found["range"] == {
        "filename": "<console-input>",
        "start": {"line": 2, "column": 8, "byte": 11},
        "end": {"line": 2, "column": 13, "byte": 16},
    }
    snippet = found["snippet"]
    assert snippet["code"][snippet["highlight_start_offset"] : snippet["highlight_end_offset"]] == "var.x"
    assert {"traversal": "var.x", "statement": "is empty tuple"} in snippet["values"]


def test_syntax_errors_are_diagnostics() -> None:
    assert answer({"expr": "1 +"})["diagnostics"]
    assert answer({"expr": ""})["diagnostics"]


@pytest.mark.parametrize(
    "line",
    ["x", "[]", "1", '{"expr":1}', "{}", '{"expr":"1","more":2}', '{"expr":"1","vars":[]}', '{"expr":"1"', "[" * 9999],
)
def test_a_bad_line_is_answered_and_the_next_one_read(line: str) -> None:
    first, second = run_lines([line, "", '{"expr":"1"}'])
    (found,) = json.loads(first)["diagnostics"]
    assert found["code"] == "E-CONSOLE"
    assert "one JSON object a line" in found["detail"]
    assert json.loads(second) == {"value": 1, "type": "number"}


def test_secrets_are_withheld() -> None:
    assert answer({"expr": '{ a = sensitive("hunter2") }'}) == {"sensitive": True, "type": "object({a = string})"}


def test_a_configuration_lends_its_names() -> None:
    tool = BlockValue("tool", "tool.a", {"purpose": "p"})
    scope = Scope({"var": Namespace.of("var", {"x": 1, "y": 2}), "tool": Namespace.of("tool", {"a": tool})})
    assert answer({"expr": "[var.x, var.y, tool.a.purpose]", "vars": {"x": 9}}, scope)["value"] == [9, 2, "p"]
    assert answer({"expr": "tool.a"}, scope)["diagnostics"][0]["summary"] == "Value cannot be shown as JSON"
    assert render_value(evaluate_text("tool.a", scope)) == "tool.a"


def test_many_lines_in_one_process() -> None:
    lines = (json.dumps({"expr": "var.n * 2", "vars": {"n": n}}) for n in range(10_000))
    assert [json.loads(out)["value"] for out in run_lines(lines)] == [n * 2 for n in range(10_000)]


def test_one_runaway_line_does_not_stop_the_next() -> None:
    lines = [json.dumps({"expr": e}) for e in ('[for a in range(1000): format("%99999s", a)]', "2")]
    first, second = run_lines(lines)
    assert json.loads(first)["diagnostics"][0]["code"] == "E-BUDGET"
    assert json.loads(second)["value"] == 2
