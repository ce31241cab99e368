"""Evaluation beyond the recorded corpus: scopes, namespaces, blocks, diagnostics, limits."""

from __future__ import annotations

import pytest

from provisioner.lang.console import evaluate_text, render_value
from provisioner.lang.parser import parse_expression
from provisioner.lang.references import references
from provisioner.lang.scope import Budget, BudgetError, Namespace, Scope
from provisioner.lang.values import BlockValue, Sensitive, Value, from_python, object_of, to_python
from provisioner.model.diagnostics import Diagnostic, DiagnosticError
from provisioner.model.source import Source

TOOLS: dict[str, Value] = {
    "a": BlockValue("tool", "tool.a", {"purpose": "read"}),
    "b": BlockValue("tool", 'tool.b["x"]'),
}


def scope(**names: Value | Namespace) -> Scope:
    return Scope(names)


def errors(text: str, at: Scope) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticError) as caught:
        evaluate_text(text, at)
    return caught.value.diagnostics


def test_a_namespace_resolves_on_demand() -> None:
    asked: list[str] = []

    def resolve(name: str) -> Value:
        asked.append(name)
        return name.upper()

    at = scope(local=Namespace("local", resolve, lambda: {"a", "b"}))
    assert evaluate_text("local.a", at) == "A"
    assert asked == ["a"]
    (found,) = errors("local.c", at)
    assert found.code == "E-REFERENCE"
    (found,) = errors("local", at)
    assert found.summary == "Invalid reference"


def test_undeclared_names_are_worded_by_their_namespace() -> None:
    at = scope(
        var=Namespace(
            "var", lambda n: 1, lambda: {"region"}, lambda n: ("Reference to undeclared input variable", f"No {n}.")
        )
    )
    (found,) = errors("var.regoin", at)
    assert found.summary == "Reference to undeclared input variable"
    assert found.detail == 'No regoin. Did you mean "region"?'
    assert found.subject is not None
    assert (found.subject.start.column, found.subject.end.column) == (1, 11)


def test_blocks_are_values_and_maps_of_blocks() -> None:
    at = scope(tool=Namespace.of("tool", TOOLS, whole=True), k="a")
    assert evaluate_text("tool.a", at) is TOOLS["a"]
    assert evaluate_text("tool[k]", at) is TOOLS["a"]
    assert evaluate_text("tool.a.purpose", at) == "read"
    assert to_python(evaluate_text("keys(tool)", at)) == ["a", "b"]
    assert to_python(evaluate_text("[for t in [tool.a, tool.b] : t == tool.a]", at)) == [True, False]
    assert 'does not have an attribute named "purpos". Did you mean "purpose"?' in errors("tool.a.purpos", at)[0].detail
    assert "string required" in errors('"a${tool.a}"', at)[0].detail
    assert "cannot be written as JSON" in errors("jsonencode(tool.a)", at)[0].detail


def test_values_in_scope_are_shown_and_secrets_are_not() -> None:
    each = object_of({"key": "a", "value": from_python({"n": "x", "l": [1, 2]})})
    at = scope(each=each, var=Namespace.of("var", {"p": Sensitive("hunter2")}))
    (found,) = errors("each.value.n + each.value.l + var.p", at)[:1]
    assert [(v.traversal, v.statement) for v in found.values] == [("each.value.n", 'is "x"')]
    every = errors('format("%d", [each.key, each.value.l, var.p])', at)[0].values
    assert ("while calling", "format(format, args...)") in [(v.traversal, v.statement) for v in every]
    assert ("each.value.l", "is tuple with 2 elements") in [(v.traversal, v.statement) for v in every]
    assert "hunter2" not in str(every)


@pytest.mark.parametrize(
    "text",
    [
        "base64decode(var.p)",
        "parseint(var.p, 10)",
        "tonumber(var.p)",
        'timeadd(var.p, "1h")',
        'regex(var.p, "x")',
        "lookup({}, var.p)",
        '{ for x in var.l : "${x}" => 1 }',
        "var.m.huntre",
        'var.m["huntre"]',
        "{ hunter = 1 }[var.k]",
        "templatestring(var.t, { x = var.p })",
        "var.p + 1",
        "[for x in [var.p] : x + 1]",
        "try(var.p + 1)",
        "[for x in var.l : x + 1]",
        "[for k, x in var.m : tonumber(k)]",
        '"%{ for x in var.l }${parseint(x, 10)}%{ endfor }"',
    ],
)
def test_no_error_shows_a_secret(text: str) -> None:
    secrets: dict[str, Value] = {
        "p": Sensitive("hunter(2"),
        "l": Sensitive(from_python(["hunter(2", "hunter(2"])),
        "m": Sensitive(from_python({"hunter": 1})),
        "k": Sensitive("huntre"),
        "t": "${upper(x)}${tonumber(x)}",
    }
    found = errors(text, scope(var=Namespace.of("var", secrets)))
    assert "hunter" not in str([(d.summary, d.detail, d.values) for d in found])


def test_a_budget_error_says_where() -> None:
    (found,) = errors('format("%999999999d", 1)', scope())
    assert found.code == "E-BUDGET"
    assert found.subject is not None


def test_results_are_nfc() -> None:
    assert evaluate_text('join("", ["e", "\\u0301"])', scope()) == "\u00e9"


def test_every_error_is_reported_at_once() -> None:
    found = errors('[upper([]), 1 + "a", { a = nope.x, b = nofunc() }]', scope(x=1))
    assert [d.code for d in found] == ["E-ARGUMENT", "E-OPERAND", "E-REFERENCE", "E-UNKNOWN-FUNCTION"]


def test_try_does_not_hide_a_wrong_program() -> None:
    for text in ("try(nope, 1)", "try(nofunc(), 1)", "can(nope.x)", "true ? 1 : nope", "try(uuid(), 1)"):
        assert errors(text, scope(x=1))
    assert evaluate_text("try({}.a, 1)", scope()) == 1


@pytest.mark.parametrize("name", ["timestamp", "plantimestamp", "uuid", "bcrypt", "rsadecrypt", "ephemeralasnull"])
def test_refused_functions_say_why(name: str) -> None:
    (found,) = errors(f"{name}()", scope())
    assert found.summary == "Function is not available"
    assert found.detail.endswith(".")
    assert len(found.detail) > 60


@pytest.mark.parametrize(
    "text",
    [
        "[for a in range(1000): [for b in range(1000): [for c in range(1000): a]]]",
        '"%{for a in range(1000)}%{for b in range(1000)}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx%{endfor}%{endfor}"',
        'join("", [for a in range(1000): format("%100000s", "x")])',
        "setproduct(range(1000), range(1000), range(1000))",
        'indent(1000000000, "a")',
        'format("%999999999d", 1)',
        'yamldecode(join("", concat(["a: &a0 [x]\\n"], '
        '[for i in range(1, 9): format("k%d: &a%d [%s]\\n", i, i, join(",", [for j in range(9): "*a${i - 1}"]))])))',
    ],
)
def test_running_away_is_an_error(text: str) -> None:
    with pytest.raises(BudgetError):
        evaluate_text(text, Scope({}, budget=Budget(200_000)))
    with pytest.raises(BudgetError):
        evaluate_text(f"try({text}, 1)", Scope({}, budget=Budget(200_000)))


def test_doubling_values_are_stopped() -> None:
    value: Value = from_python([1, 2])
    with pytest.raises(BudgetError):
        for _ in range(40):
            value = evaluate_text("[v, v]", scope(v=value))


def test_values_do_not_nest_without_end() -> None:
    value: Value = 1
    with pytest.raises(BudgetError, match="too large"):
        for _ in range(400):
            value = evaluate_text("[v]", scope(v=value))
    assert render_value(value)
    assert evaluate_text("v == v", scope(v=value)) is True


def test_long_chains_are_no_recursion() -> None:
    assert evaluate_text(" + ".join(["1"] * 5000), scope()) == 5000
    assert evaluate_text(" || ".join(["false"] * 5000), scope()) is False


def test_policy_variables_stay_literal() -> None:
    assert (
        evaluate_text('"arn:aws:s3:::b/&{aws:PrincipalTag/team}/*"', scope())
        == "arn:aws:s3:::b/&{aws:PrincipalTag/team}/*"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b.c", [("a", ("b", "c"))]),
        ('a["x"].c[0]', [("a", ("x", "c", 0))]),
        ("a[each.key].c", [("a", ()), ("each", ("key",))]),
        ("[for x in a.l : x.n + b]", [("a", ("l",)), ("b", ())]),
        ("{ for k, v in a : k => v if c }", [("a", ()), ("c", ())]),
        ("{ k = v, (w) = 1 }", [("v", ()), ("w", ())]),
        ('"${a.x}%{ for i in b }${i}${c}%{ endfor }"', [("a", ("x",)), ("b", ()), ("c", ())]),
        ("a[*].b[c]", [("a", ()), ("c", ())]),
        ("f(a.x, b...)", [("a", ("x",)), ("b", ())]),
        ("a ? b : !c", [("a", ()), ("b", ()), ("c", ())]),
    ],
)
def test_references(text: str, found: list[tuple[str, tuple[str | int, ...]]]) -> None:
    expr, _ = parse_expression(Source("x", text))
    assert expr is not None
    assert [(r.root, r.path) for r in references(expr)] == found
