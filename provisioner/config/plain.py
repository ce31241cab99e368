"""The plain form of values: what a configuration holds and a plan can carry."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from ..canonical import MAX_SAFE_INTEGER
from ..lang.parser import parse_expression
from ..lang.types import Type, parse_type
from ..lang.values import (
    BlockValue,
    ListValue,
    MapValue,
    ObjectValue,
    SetValue,
    TupleValue,
    Value,
    is_null,
    type_of,
)
from ..model.source import Source
from .text import problem


@cache
def type_named(text: str) -> Type:
    """The type that a schema writes as HCL: `list(string)`."""
    expr, _ = parse_expression(Source("<schema>", text))
    if expr is None:
        raise ValueError(f"the schema type {text!r} is not a type constraint")
    return parse_type(expr).type


class Uncarried(Exception):
    """A value has no plain form in a configuration; the message is a sentence part."""


def plain(value: Value) -> Any:
    """str, int, bool, None, tuples and dicts; blocks stay BlockValue. Raises Uncarried for what a plan cannot hold."""
    kind = type(value)
    if kind is str:
        assert isinstance(value, str)
        wrong = problem(value)
        if wrong is not None:
            raise Uncarried(f"{wrong}; take it out")
        return value
    return _plain(value, plain)


def plain_raw(value: Value) -> Any:
    """As `plain`, but texts are taken as they are."""
    return value if type(value) is str else _plain(value, plain_raw)


def _plain(value: Value, inner: Any) -> Any:
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        raise Uncarried("it is larger than JSON carries exactly; write it as a string if it is text")
    if isinstance(value, bool | int | BlockValue):
        return value
    if is_null(value):
        return None
    if isinstance(value, TupleValue | ListValue | SetValue):
        return tuple([inner(item) for item in value.items])
    if isinstance(value, MapValue | ObjectValue):
        return {inner(key): inner(item) for key, item in value.entries.items()}
    if isinstance(value, Decimal):
        raise Uncarried("it has a fraction, and a plan holds whole numbers only; write it as a string if it is text")
    raise Uncarried(f"a value of type {type_of(value).friendly} cannot stand here")
