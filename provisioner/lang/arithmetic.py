"""Numbers: exact integers, and fractions as Terraform computes them.

Terraform keeps numbers as binary floating point with 512 bits of mantissa (about 154 decimal digits) and prints the
shortest decimal that names that value. Integers here are exact at any size; a `Decimal` stands for the 512-bit number
nearest to it, every operation on one rounds to 512 bits, and its result is that shortest decimal. So `1/3*3 == 1`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from re import compile as _regex
from typing import Final, TypeAlias

Number: TypeAlias = int | Decimal

_BITS: Final = 512
MAX_DIGITS: Final = 4000
_CONTEXT: Final = Context(prec=MAX_DIGITS + 200, Emin=-100_000, Emax=100_000)
_SYNTAX: Final = _regex(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?", 0)
_MAX_BITS: Final = int(MAX_DIGITS * 3.32)


class NumberError(ArithmeticError):
    """An operation has no result; the message is a sentence part."""


def parse(text: str) -> Number | None:
    """A decimal number as `tonumber` reads it, or None."""
    if len(text) > 2 * MAX_DIGITS or _SYNTAX.fullmatch(text) is None:
        return None
    if text.isdigit():
        return int(text) if len(text) <= MAX_DIGITS else None
    try:
        return canonical(Decimal(text))
    except (NumberError, InvalidOperation):
        return None


def canonical(value: Decimal) -> Number:
    """The one form of a number: `int` when it has no fraction. Raises NumberError when it is out of range."""
    if not value.is_finite():
        raise NumberError("the result is not a finite number")
    if not value:
        return 0
    if abs(value.adjusted()) > MAX_DIGITS:
        raise NumberError(f"numbers with more than {MAX_DIGITS} digits are not supported")
    if value == value.to_integral_value():
        return int(value)
    return value.normalize(_CONTEXT)


def text_of(value: Number) -> str:
    """The number as a string of the language: plain digits, never an exponent."""
    return str(value) if type(value) is int else format(value, "f")


def add(a: Number, b: Number) -> Number:
    """a + b"""
    if type(a) is int and type(b) is int:
        return _bounded(a + b)
    return _rounded(_exact(a) + _exact(b))


def total(numbers: Iterable[Number]) -> Number:
    """The sum, rounded once."""
    whole, rest = 0, Fraction(0)
    for number in numbers:
        if type(number) is int:
            whole += number
        else:
            rest += _exact(number)
    return _rounded(rest + whole) if rest else _bounded(whole)


def subtract(a: Number, b: Number) -> Number:
    """a - b"""
    if type(a) is int and type(b) is int:
        return _bounded(a - b)
    return _rounded(_exact(a) - _exact(b))


def multiply(a: Number, b: Number) -> Number:
    """a * b"""
    if type(a) is int and type(b) is int:
        if a.bit_length() + b.bit_length() > 2 * _MAX_BITS:
            raise NumberError(f"numbers with more than {MAX_DIGITS} digits are not supported")
        return _bounded(a * b)
    return _rounded(_exact(a) * _exact(b))


def divide(a: Number, b: Number) -> Number:
    """a / b. Division by zero is an error: there are no infinities."""
    if not b:
        raise NumberError("division by zero")
    if type(a) is int and type(b) is int:
        quotient, rest = divmod(a, b)
        if not rest:
            return quotient
    return _rounded(_exact(a) / _exact(b))


def modulo(a: Number, b: Number) -> Number:
    """The remainder of a / b rounded toward zero: it has the sign of `a`."""
    if not b:
        raise NumberError("division by zero")
    if type(a) is int and type(b) is int:
        rest = abs(a) % abs(b)
        return -rest if a < 0 else rest
    left, right = _exact(a), _exact(b)
    return _rounded(left - _nearest(right * int(_nearest(left / right))))


def negate(a: Number) -> Number:
    """-a"""
    return -a if type(a) is int else Decimal(a).copy_negate()


def from_float(value: float) -> Number:
    """The shortest decimal that names a 64-bit float. Raises NumberError for infinities and NaN."""
    return canonical(Decimal(repr(value)))


def to_int(value: Number) -> int | None:
    """The value as an int, or None when it has a fraction."""
    return value if type(value) is int else None


def general(value: Number, digits: int) -> str:
    """Go's `%g` with a precision: at most `digits` significant digits, exponent when it would be longer."""
    decimal = Context(prec=digits).create_decimal(value)
    if not decimal:
        return "0"
    sign, coefficient, exponent = decimal.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, coefficient)).rstrip("0")
    point = decimal.adjusted()
    minus = "-" if sign else ""
    if point < -4 or point >= digits:
        mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
        return f"{minus}{mantissa}e{'-' if point < 0 else '+'}{abs(point):02d}"
    return format(Decimal((sign, coefficient, exponent)).normalize(Context(prec=digits)), "f")


def _bounded(value: int) -> int:
    if value.bit_length() > _MAX_BITS:
        raise NumberError(f"numbers with more than {MAX_DIGITS} digits are not supported")
    return value


def _exact(value: Number) -> Fraction:
    """The 512-bit number that a value stands for."""
    if type(value) is int:
        return Fraction(value)
    return _nearest(Fraction(value))


def _nearest(value: Fraction) -> Fraction:
    if not value:
        return value
    mantissa, exponent = _binary(value)
    return Fraction(mantissa) * Fraction(2) ** exponent


def _binary(value: Fraction) -> tuple[int, int]:
    """Mantissa of 512 bits and exponent of the number nearest to `value` (ties to even)."""
    numerator, denominator = abs(value.numerator), value.denominator
    exponent = numerator.bit_length() - denominator.bit_length() - _BITS
    while True:
        scaled = numerator << -exponent if exponent < 0 else numerator
        divisor = denominator << exponent if exponent > 0 else denominator
        quotient, rest = divmod(scaled, divisor)
        if quotient.bit_length() <= _BITS:
            break
        exponent += 1
    if 2 * rest > divisor or (2 * rest == divisor and quotient & 1):
        quotient += 1
    return (-quotient if value < 0 else quotient), exponent


def _rounded(value: Fraction) -> Number:
    """The shortest decimal that names the 512-bit number nearest to `value`."""
    if value.denominator == 1 and abs(value.numerator).bit_length() <= _BITS:
        return value.numerator
    if not value:
        return 0
    negative = value < 0
    mantissa, exponent = _binary(abs(value))
    unit = Fraction(2) ** exponent
    exact = mantissa * unit
    low = exact - unit / (4 if mantissa == 1 << (_BITS - 1) else 2)
    high = exact + unit / 2
    place = Decimal(exact.numerator).adjusted() - Decimal(exact.denominator).adjusted()
    if abs(place) > MAX_DIGITS:
        raise NumberError(f"numbers with more than {MAX_DIGITS} digits are not supported")
    few, many = 1, 158
    while few < many:
        middle = (few + many) // 2
        scale = Fraction(10) ** (middle - 1 - place)
        if (low * scale).__ceil__() <= (high * scale).__floor__():
            many = middle
        else:
            few = middle + 1
    scale = Fraction(10) ** (few - 1 - place)
    digits = min(max(round(exact * scale), (low * scale).__ceil__()), (high * scale).__floor__())
    return canonical(Decimal(-digits if negative else digits).scaleb(place + 1 - few, _CONTEXT))
