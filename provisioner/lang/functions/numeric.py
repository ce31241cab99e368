"""Functions of numbers."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import reduce

from .. import arithmetic
from ..arithmetic import Number, NumberError
from ..convert import ConversionError, convert
from ..types import NUMBER
from ..values import ListValue, SetValue, TupleValue, Value, is_null, length
from .registry import FunctionError, Param, function

_NUM = Param("num", NUMBER)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


NOT_WHOLE = "value must be a whole number, between -9223372036854775808 and 9223372036854775807"


def whole(value: Number, argument: int) -> int:
    """A whole number, or FunctionError about the argument."""
    if isinstance(value, int):
        return value
    raise FunctionError(NOT_WHOLE, argument)


@function("abs", _NUM)
def _abs(num: Number) -> Value:
    return arithmetic.negate(num) if num < 0 else num


@function("ceil", _NUM)
def _ceil(num: Number) -> Value:
    return math.ceil(num)


@function("floor", _NUM)
def _floor(num: Number) -> Value:
    return math.floor(num)


@function("signum", _NUM)
def _signum(num: Number) -> Value:
    number = whole(num, 0)
    return (number > 0) - (number < 0)


@function("log", _NUM, Param("base", NUMBER))
def _log(num: Number, base: Number) -> Value:
    if num <= 0 or base <= 0:
        raise FunctionError("the logarithm exists only for numbers above zero", 0 if num <= 0 else 1)
    if base == 1:
        raise FunctionError("the base must not be 1", 1)
    return _from_float(math.log(num) / math.log(base))


@function("pow", _NUM, Param("power", NUMBER))
def _pow(num: Number, power: Number) -> Value:
    if isinstance(num, int) and isinstance(power, int) and power >= 0:
        if num.bit_length() * power > arithmetic.MAX_DIGITS * 4:
            raise FunctionError(f"the result has more than {arithmetic.MAX_DIGITS} digits")
        return int(num**power)
    try:
        return _from_float(math.pow(num, power))
    except (OverflowError, ValueError, ZeroDivisionError) as err:
        raise FunctionError("the result is not a finite number") from err


def _from_float(value: float) -> Value:
    try:
        return arithmetic.from_float(value)
    except NumberError as err:
        raise FunctionError(str(err)) from err


_NUMBERS = Param("numbers", NUMBER)


@function("max", variadic=_NUMBERS)
def _max(*numbers: Number) -> Value:
    if not numbers:
        raise FunctionError("must pass at least one number")
    return max(numbers)


@function("min", variadic=_NUMBERS)
def _min(*numbers: Number) -> Value:
    if not numbers:
        raise FunctionError("must pass at least one number")
    return min(numbers)


@function("parseint", Param("number"), Param("base", NUMBER))
def _parseint(number: Value, base: Number) -> Value:
    if not isinstance(number, str):
        from ..values import type_of  # only for the message

        raise FunctionError(f"first argument must be a string, not {type_of(number).friendly}", 0)
    if not isinstance(base, int) or not 2 <= base <= 62:
        raise FunctionError("base must be a whole number between 2 and 62 inclusive", 1)
    digits = number[1:] if number[:1] in ("+", "-") else number
    if base <= 36:
        digits = digits.lower()
    allowed = _DIGITS[:base]
    if not digits or any(d not in allowed for d in digits):
        raise FunctionError(f'cannot parse "{number}" as a base {base} integer', 0)
    if len(digits) > arithmetic.MAX_DIGITS // 2:
        raise FunctionError("the number has too many digits", 0)
    value = reduce(lambda total, digit: total * base + allowed.index(digit), digits, 0)
    return -value if number[0] == "-" else value


@function("sum", Param("list"))
def _sum(values: Value) -> Value:
    count = length(values)
    if count is None:
        raise FunctionError("cannot sum noniterable", 0)
    if count == 0:
        raise FunctionError("cannot sum an empty list", 0)
    if not isinstance(values, (ListValue, SetValue, TupleValue)):
        from ..values import type_of  # only for the message

        raise FunctionError(f"argument must be list, set, or tuple. Received {type_of(values).friendly}", 0)
    numbers: list[Number] = []
    for item in values.items:
        try:
            number = convert(item, NUMBER)
        except ConversionError as err:
            raise FunctionError("argument must be list, set, or tuple of number values", 0) from err
        if is_null(number):
            raise FunctionError("argument must be list, set, or tuple of number values", 0)
        assert isinstance(number, (int, Decimal))
        numbers.append(number)
    try:
        return arithmetic.total(numbers)
    except NumberError as err:
        raise FunctionError(str(err)) from err
