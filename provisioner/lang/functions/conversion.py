"""Conversion functions and those about sensitive marks."""

from __future__ import annotations

from ..convert import ConversionError, convert
from ..types import BOOL, DYNAMIC, NUMBER, STRING, ListType, MapType, SetType, Type, required_name
from ..values import Sensitive, TypeValue, Value, mark, type_of, unmark_deep
from .registry import FunctionError, Param, function

_V = Param("v", null=True, marked=True)


def _to(value: Value, want: Type) -> Value:
    try:
        return convert(value, want)
    except ConversionError as err:
        raise FunctionError(_explain(value, want, err), 0) from err


def _explain(value: Value, want: Type, err: ConversionError) -> str:
    have = type_of(value)
    if have is STRING and not isinstance(value, Sensitive) and not err.path:
        if want is BOOL:
            return f'cannot convert "{value}" to bool; only the strings "true" or "false" are allowed'
        if want is NUMBER:
            return f'cannot convert "{value}" to number; given string must be a decimal representation of a number'
    if have is STRING and isinstance(value, Sensitive) and want in (BOOL, NUMBER):
        return f"cannot convert this sensitive string to {want.friendly}"
    return f"cannot convert {have.friendly} to {required_name(want)}"


@function("tostring", _V)
def _tostring(value: Value) -> Value:
    return _to(value, STRING)


@function("tonumber", _V)
def _tonumber(value: Value) -> Value:
    return _to(value, NUMBER)


@function("tobool", _V)
def _tobool(value: Value) -> Value:
    return _to(value, BOOL)


@function("tolist", _V)
def _tolist(value: Value) -> Value:
    return _to(value, ListType(DYNAMIC))


@function("toset", _V)
def _toset(value: Value) -> Value:
    return _to(value, SetType(DYNAMIC))


@function("tomap", _V)
def _tomap(value: Value) -> Value:
    return _to(value, MapType(DYNAMIC))


@function("sensitive", Param("value", null=True, marked=True))
def _sensitive(value: Value) -> Value:
    return mark(value)


@function("nonsensitive", Param("value", null=True, marked=True))
def _nonsensitive(value: Value) -> Value:
    # All the way down: a `for` over a sensitive collection makes sensitive elements.
    return unmark_deep(value) if isinstance(value, Sensitive) else value


@function("issensitive", Param("value", null=True, marked=True))
def _issensitive(value: Value) -> Value:
    return isinstance(value, Sensitive)


@function("type", Param("value", null=True, marked=True))
def _type(value: Value) -> Value:
    return TypeValue(type_of(value))
