"""The run-time values: equality, order, marks, numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from provisioner.lang import arithmetic
from provisioner.lang.arithmetic import NumberError
from provisioner.lang.types import NUMBER, STRING, ListType
from provisioner.lang.values import (
    BlockValue,
    ListValue,
    MapValue,
    Null,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    deep_marked,
    from_python,
    is_null,
    map_of,
    mark,
    set_of,
    text,
    to_python,
    type_of,
    unmark_deep,
    values_equal,
    weigh,
)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (True, 1, False),
        (1, Decimal(1), True),
        ("1", 1, False),
        (None, Null(STRING), True),
        (TupleValue((1,)), ListValue((1,), NUMBER), False),
        (TupleValue((True,)), TupleValue((1,)), False),
        (ObjectValue({"a": 1}), map_of({"a": 1}, NUMBER), False),
        (BlockValue("tool", "tool.a"), BlockValue("tool", "tool.a"), True),
        (BlockValue("tool", "tool.a"), BlockValue("tool", "tool.b"), False),
        (Sensitive("a"), "a", True),
    ],
)
def test_equality(a: Value, b: Value, same: bool) -> None:
    assert values_equal(a, b) is same
    assert values_equal(b, a) is same


def test_sets_are_sorted_and_distinct() -> None:
    assert to_python(set_of(["b", "a", "b"], STRING)) == ["a", "b"]
    assert to_python(set_of([10, 9, 1], NUMBER)) == [1, 9, 10]
    found = set_of(["a", "b"], STRING)
    assert isinstance(found, SetValue)
    assert found.contains("a")
    assert not found.contains("c")


def test_a_sensitive_element_marks_the_whole_set() -> None:
    found = set_of(["a", Sensitive("b")], STRING)
    assert isinstance(found, Sensitive)
    assert to_python(found) == ["a", "b"]


def test_marks() -> None:
    value = from_python({"a": [1, Sensitive(2)]})
    assert deep_marked(value)
    assert not deep_marked(unmark_deep(value))
    assert to_python(unmark_deep(value)) == {"a": [1, 2]}
    inner = Sensitive(1)
    assert mark(inner) is inner
    assert "2" not in repr(Sensitive(2))


def test_types_and_weights() -> None:
    assert type_of(ListValue((1,), NUMBER)) == ListType(NUMBER)
    shared = from_python([1] * 10)
    assert weigh(TupleValue((shared,) * 10)) == 1 + 10 * 11
    assert is_null(None)
    assert is_null(Null(STRING))
    assert not is_null("")
    assert isinstance(map_of({"b": 1, "a": 2}, NUMBER), MapValue)
    assert list(map_of({"b": 1, "a": 2}, NUMBER).entries) == ["a", "b"]


def test_strings_are_nfc() -> None:
    assert text("e\u0301") == "\u00e9"


@pytest.mark.parametrize(
    ("written", "number"),
    [("1.50", Decimal("1.5")), ("1e3", 1000), ("-0.0", 0), (".5", Decimal("0.5")), ("5.", 5), ("+7", 7)],
)
def test_numbers_are_read_in_one_form(written: str, number: object) -> None:
    found = arithmetic.parse(written)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize("written", ["", " 1", "1_000", "0x10", "inf", "1e", "1e9999999", "9" * 9000, "١"])
def test_what_is_no_number(written: str) -> None:
    assert arithmetic.parse(written) is None


def test_arithmetic_is_exact_for_integers_and_bounded() -> None:
    big = 10**200 + 1
    assert arithmetic.multiply(big, big) == big * big
    with pytest.raises(NumberError):
        arithmetic.multiply(10**3000, 10**3000)
    for operation in (arithmetic.divide, arithmetic.modulo):
        with pytest.raises(NumberError, match="division by zero"):
            operation(1, 0)


def test_fractions_have_150_digits() -> None:
    third = arithmetic.divide(1, 3)
    assert arithmetic.text_of(third).startswith("0." + "3" * 150)
    assert arithmetic.multiply(third, 3) == 1
    assert arithmetic.total([Decimal("0.1")] * 10) == 1
