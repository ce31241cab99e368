"""JSON as the language writes and reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NoReturn

from .. import arithmetic
from ..values import (
    ListValue,
    MapValue,
    Null,
    ObjectValue,
    Sensitive,
    SetValue,
    TupleValue,
    Value,
    text,
    type_of,
)
from .registry import FunctionError

_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
MAX_DEPTH = 200  # of JSON and YAML text; scope.MAX_NESTING leaves room around it
_escape: Callable[[str], str] = encode_basestring


def quote(value: str) -> str:
    """A JSON string with `<`, `>`, `&`, U+2028 and U+2029 escaped, so that it is safe inside HTML."""
    return _escape(value).translate(_ESCAPES)


def encode(value: Value) -> str:
    """A value as compact JSON; attributes and keys in order, sets as arrays. Raises FunctionError for blocks."""
    out: list[str] = []
    _write(value, out.append, 0)
    return "".join(out)


def _write(value: Value, emit: Callable[[str], None], depth: int) -> None:
    kind = type(value)
    if kind is str:
        emit(quote(value))  # type: ignore[arg-type]
    elif value is None or kind is Null:
        emit("null")
    elif kind is bool:
        emit("true" if value else "false")
    elif isinstance(value, (int, Decimal)):
        emit(arithmetic.text_of(value))
    elif isinstance(value, Sensitive):
        _write(value.value, emit, depth)
    elif depth > MAX_DEPTH:
        raise FunctionError(f"the value is nested more than {MAX_DEPTH} levels deep")
    elif isinstance(value, (TupleValue, ListValue, SetValue)):
        emit("[")
        for i, item in enumerate(value.items):
            if i:
                emit(",")
            _write(item, emit, depth + 1)
        emit("]")
    elif isinstance(value, (ObjectValue, MapValue)):
        emit("{")
        for i, (name, item) in enumerate(value.entries.items()):
            emit(f",{quote(name)}:" if i else f"{quote(name)}:")
            _write(item, emit, depth + 1)
        emit("}")
    else:
        raise FunctionError(f"a {type_of(value).friendly} cannot be written as JSON; name one of its attributes")


class JSONError(Exception):
    """Text that is no JSON; `offset` is where, in characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def decode(source: str) -> Value:
    """JSON text as a value: tuples and objects, numbers exact. Raises JSONError."""
    if _depth(source) > MAX_DEPTH:
        raise JSONError(f"nested more than {MAX_DEPTH} levels deep", 0)
    try:
        return _value(_DECODER.decode(source))
    except json.JSONDecodeError as err:
        raise JSONError(err.msg[0].lower() + err.msg[1:], err.pos) from err
    except _ConstantError as err:
        raise JSONError(str(err), 0) from err


class _ConstantError(Exception):
    pass


def _constant(name: str) -> NoReturn:
    raise _ConstantError(f"{name} is not JSON")


def _number(literal: str) -> Any:
    number = arithmetic.parse(literal)
    if number is None:
        raise _ConstantError(f"the number {literal[:40]} has too many digits")
    return number


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_constant)


def _value(data: Any) -> Value:
    if isinstance(data, str):
        try:
            data.encode()
        except UnicodeEncodeError:
            return text(data.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        return text(data)
    if isinstance(data, list):
        return TupleValue(tuple(_value(item) for item in data))
    if isinstance(data, dict):
        return ObjectValue({text(k): _value(v) for k, v in sorted(data.items())})
    made: Value = data
    return made


def _depth(source: str) -> int:
    """An upper bound of how deep brackets nest, without parsing strings exactly."""
    if source.count("[") + source.count("{") <= MAX_DEPTH:
        return 0
    deepest = level = 0
    inside = escaped = False
    for c in source:
        if inside:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                inside = False
        elif c == '"':
            inside = True
        elif c in "[{":
            level += 1
            deepest = max(deepest, level)
        elif c in "]}":
            level -= 1
    return deepest
