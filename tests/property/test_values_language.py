"""Laws of values, conversion and evaluation on generated data."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from provisioner.lang import arithmetic
from provisioner.lang.console import evaluate_text, render_value, run_lines
from provisioner.lang.convert import convert, convertible, unify
from provisioner.lang.scope import Budget, Scope
from provisioner.lang.values import Value, from_python, key_of, to_python, type_of, values_equal
from provisioner.model.diagnostics import DiagnosticError

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
primitives = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(-1000, 1000, allow_nan=False, places=3)
    | words
)
data = st.recursive(
    primitives, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=12
)


def plain(value: Any) -> Any:
    """What comes back of plain data: NFC strings, numbers in one form."""
    return to_python(from_python(value))


@given(data)
def test_equality_is_reflexive_and_agrees_with_keys(raw: Any) -> None:
    a, b = from_python(raw), from_python(raw)
    assert values_equal(a, b)
    assert key_of(a) == key_of(b)
    assert type_of(a) == type_of(b)


@settings(max_examples=60)
@given(data)
def test_json_and_yaml_round_trip(raw: Any) -> None:
    value = from_python(json.loads(json.dumps(plain(raw), default=float)))
    scope = Scope({"v": value})
    assert values_equal(evaluate_text("jsondecode(jsonencode(v))", scope), value)
    assert values_equal(evaluate_text("yamldecode(yamlencode(v))", scope), value)


@settings(max_examples=60)
@given(st.recursive(primitives, lambda inner: st.lists(inner, max_size=4), max_leaves=10))
def test_what_the_console_prints_of_a_tuple_is_an_expression_with_that_value(raw: Any) -> None:
    value = from_python(plain(raw))
    shown = render_value(value)
    assume(not any(sign in shown for sign in ("<<", "${", "%{", "\\")))  # shown for people, as Terraform does
    assert values_equal(evaluate_text(shown, Scope({})), value)


@given(data, data)
def test_unified_types_can_be_reached(left: Any, right: Any) -> None:
    a, b = type_of(from_python(left)), type_of(from_python(right))
    found = unify((a, b))
    if found is not None:
        assert convertible(a, found)
        assert convertible(b, found)
        assert found == unify((b, a))


@given(data)
def test_conversion_to_its_own_type_is_identity(raw: Any) -> None:
    value = from_python(raw)
    assert convert(value, type_of(value)) is value


numbers = st.integers(-(10**40), 10**40) | st.decimals(-(10**6), 10**6, allow_nan=False, places=6).map(
    arithmetic.canonical
)


def near(a: int | Decimal, b: int | Decimal) -> bool:
    """Equal but for the rounding of a few operations on 154 digits."""
    with localcontext() as context:
        context.prec = 200
        return abs(Decimal(a) - Decimal(b)) <= Decimal("1e-105")


@given(st.integers(-(10**40), 10**40), st.integers(-(10**40), 10**40))
def test_integer_arithmetic_is_exact(a: int, b: int) -> None:
    assert arithmetic.add(a, b) == a + b
    assert arithmetic.subtract(a, b) == a - b
    assert arithmetic.multiply(a, b) == a * b
    if b:
        assert arithmetic.divide(a * b, b) == a
        rest = arithmetic.modulo(a, b)
        assert abs(rest) < abs(b)
        assert (a - rest) % b == 0


@given(numbers, numbers)
def test_arithmetic_laws(a: int | Decimal, b: int | Decimal) -> None:
    assert arithmetic.add(a, b) == arithmetic.add(b, a)
    assert arithmetic.multiply(a, b) == arithmetic.multiply(b, a)
    assert near(arithmetic.subtract(arithmetic.add(a, b), b), a)
    assert arithmetic.parse(arithmetic.text_of(a)) == a
    if b:
        assert near(arithmetic.multiply(arithmetic.divide(a, b), b), a)


expressions = st.recursive(
    st.sampled_from(["1", "0.5", '"a"', "null", "true", "[]", "{}", "v", "v.a", "v.l", '"${v.a}"', "v.l[*]", "v.l[0]"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", "&&", "||"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        inner.map(lambda e: f"{{ k = {e} }}"),
        inner.map(lambda e: f"[for x in {e} : x]"),
        inner.map(lambda e: f'{{ for k, x in {e} : "${{k}}" => x... }}'),
        st.tuples(
            st.sampled_from(
                [
                    "upper",
                    "length",
                    "tolist",
                    "toset",
                    "tomap",
                    "tostring",
                    "keys",
                    "flatten",
                    "jsonencode",
                    "try",
                    "can",
                    "sum",
                    "max",
                    "merge",
                    "concat",
                    "coalesce",
                    "reverse",
                    "distinct",
                    "sort",
                    "one",
                    "setproduct",
                    "yamlencode",
                    "format",
                    "join",
                    "split",
                    "element",
                    "lookup",
                    "zipmap",
                    "transpose",
                    "range",
                    "sensitive",
                ]
            ),
            st.lists(inner, max_size=3),
        ).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(expressions)
def test_every_expression_has_a_value_or_a_diagnostic(text: str) -> None:
    scope = Scope({"v": from_python({"a": "x", "l": [1, "b", None]})}, budget=Budget(100_000))
    value: Value
    try:
        value = evaluate_text(text, scope)
    except DiagnosticError as err:
        assert all(d.summary and d.code for d in err.diagnostics)
        return
    assert isinstance(render_value(value), str)
    (line,) = run_lines([json.dumps({"expr": text, "vars": {}})], scope)
    assert "diagnostics" not in json.loads(line)
