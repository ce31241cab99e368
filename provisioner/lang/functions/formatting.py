"""`format` and `formatlist`: the verbs of go-cty."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from re import DOTALL, Match
from re import compile as _compile

from .. import arithmetic
from ..arithmetic import Number
from ..convert import ConversionError, convert
from ..scope import MAX_STRING, too_big
from ..types import BOOL, NUMBER, STRING, Type
from ..values import ListValue, SetValue, TupleValue, Value, is_null, string_list
from .graphemes import graphemes
from .jsoncodec import encode
from .registry import FunctionError, Param, function

_VERB = _compile(
    r"%(?P<flags>[ +\-0#]*)(?P<width>[0-9]*)(?P<dot>\.(?P<precision>[0-9]*))?(?P<arg>\[[0-9]+\])?(?P<mode>.)?", DOTALL
)
_MAX_WIDTH = 100_000


@function("format", Param("format", STRING), variadic=Param("args", null=True))
def _format(template: str, *args: Value) -> Value:
    return _formatted(template, args)


@function("formatlist", Param("format", STRING), variadic=Param("args", null=True))
def _formatlist(template: str, *args: Value) -> Value:
    count, chooser = -1, -1
    columns: list[tuple[Value, ...] | None] = []
    for i, arg in enumerate(args):
        if not isinstance(arg, (ListValue, SetValue, TupleValue)):
            columns.append(None)
            continue
        if count < 0:
            count, chooser = len(arg.items), i
        elif len(arg.items) != count:
            raise FunctionError(
                f"argument {i + 1} has length {len(arg.items)}, which is inconsistent with argument {chooser + 1} "
                f"of length {count}",
                i + 1,
            )
        columns.append(arg.items)
    out: list[str] = []
    size = 0
    for row in range(1 if count < 0 else count):
        values = [arg if column is None else column[row] for arg, column in zip(args, columns, strict=True)]
        try:
            out.append(_formatted(template, values))
        except FunctionError as err:
            raise FunctionError(f"error on format iteration {row}: {err}") from err
        size += len(out[-1])
        if size > MAX_STRING:
            raise too_big(f"A list of strings would be longer than {MAX_STRING} characters.")
    return string_list(out)


def _formatted(template: str, args: tuple[Value, ...] | list[Value]) -> str:
    out: list[str] = []
    at = 0
    next_arg = 1
    highest = 0
    explicit = False
    while True:
        start = template.find("%", at)
        if start < 0:
            out.append(template[at:])
            break
        out.append(template[at:start])
        match = _VERB.match(template, start)
        assert match is not None
        at = match.end()
        mode = match["mode"]
        offset = len(template[:start].encode())
        if mode is None:
            raise FunctionError(f"invalid format string starting at offset {offset}: end of string before verb", 0)
        if mode == "%" and match[0] == "%%":
            out.append("%")
            continue
        if match["dot"] == ".":
            raise FunctionError(f"unrecognized format character at offset {offset}: precision needs digits", 0)
        if match["arg"]:
            number = int(match["arg"][1:-1][:9])
            explicit = True
            if number < 1:
                raise FunctionError(f'illegal argument index in "{match[0]}" at {offset}', 0)
        else:
            number = next_arg
        next_arg = number + 1
        highest = max(highest, number)
        out.append(_Verb(match, offset, number).apply(args))
    if len(args) > highest and not explicit:
        raise FunctionError(
            "too many arguments; no verbs in format string"
            if not highest
            else f"too many arguments; only {highest} used by format string",
            highest + 1,
        )
    return "".join(out)


class _Verb:
    """One format sequence."""

    __slots__ = ("flags", "mode", "number", "offset", "precision", "raw", "width")

    def __init__(self, match: Match[str], offset: int, number: int) -> None:
        self.raw = match[0]
        self.offset = offset
        self.number = number
        self.mode = match["mode"]
        self.flags = match["flags"]
        self.width = min(int(match["width"][:7] or -1), _MAX_WIDTH + 1)
        self.precision = int(match["precision"][:7]) if match["precision"] else -1
        if max(self.width, self.precision) > _MAX_WIDTH:
            raise too_big(f"A format sequence is wider than {_MAX_WIDTH} characters.")

    def apply(self, args: tuple[Value, ...] | list[Value]) -> str:
        """The text of this sequence."""
        if self.mode not in "vtbdoxXeEfgGsq":
            raise FunctionError(f"unsupported format verb '{self.mode}' in \"{self.raw}\" at offset {self.offset}")
        if self.number > len(args):
            raise FunctionError(
                f'not enough arguments for "{self.raw}" at {self.offset}: need index {self.number} but have '
                f"{len(args)} total"
            )
        value = args[self.number - 1]
        if self.mode == "v":
            return self._as_is(value)
        if is_null(value):
            raise self._unsupported("null value cannot be formatted")
        if self.mode == "t":
            return "true" if self._convert(value, BOOL) else "false"
        if self.mode in "sq":
            text = self._convert(value, STRING)
            assert isinstance(text, str)
            if self.precision > 0:
                text = "".join(graphemes(text)[: self.precision])
            return self._pad(encode(text) if self.mode == "q" else text)
        number = self._convert(value, NUMBER)
        assert isinstance(number, (int, Decimal))
        return self._integer(number) if self.mode in "bdoxX" else self._float(number)

    def _unsupported(self, why: str) -> FunctionError:
        return FunctionError(f'unsupported value for "{self.raw}" at {self.offset}: {why}')

    def _convert(self, value: Value, want: Type) -> Value:
        try:
            return convert(value, want)
        except ConversionError as err:
            raise self._unsupported(str(err)) from err

    def _as_is(self, value: Value) -> str:
        if "#" not in self.flags and isinstance(value, str):
            return self._pad(value)
        if "#" not in self.flags and isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return self._pad(_shortest(value))
        return self._pad(encode(value))

    def _pad(self, text: str) -> str:
        missing = self.width - len(graphemes(text))
        if missing <= 0:
            return text
        fill = ("0" if "0" in self.flags else " ") * missing
        return text + fill if "-" in self.flags else fill + text

    def _integer(self, number: Number) -> str:
        if not isinstance(number, int):
            raise self._unsupported("an integer is required")
        digits = format(abs(number), self.mode)
        if self.precision >= 0:
            digits = "" if not number and not self.precision else digits.rjust(self.precision, "0")
        prefix = ""
        if "#" in self.flags:
            prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(self.mode, "")
        return self._signed(number < 0, prefix, digits, self.precision < 0)

    def _signed(self, negative: bool, prefix: str, digits: str, zeros: bool) -> str:
        sign = "-" if negative else "+" if "+" in self.flags else " " if " " in self.flags else ""
        missing = self.width - len(sign) - len(prefix) - len(digits)
        if missing <= 0:
            return sign + prefix + digits
        if "-" in self.flags:
            return sign + prefix + digits + " " * missing
        if "0" in self.flags and zeros:
            return sign + prefix + "0" * missing + digits
        return " " * missing + sign + prefix + digits

    def _float(self, number: Number) -> str:
        value = Decimal(number).copy_abs()
        lower = self.mode.lower()
        precision = self.precision
        if lower == "g":
            text = _shortest(value) if precision < 0 else arithmetic.general(value, max(precision, 1))
        else:
            places = 6 if precision < 0 else precision
            if lower == "f":
                unit = Decimal(1).scaleb(-places, Context(prec=50, Emin=-200_000, Emax=200_000))
                wide = Context(prec=arithmetic.MAX_DIGITS + _MAX_WIDTH + 10, rounding=ROUND_HALF_EVEN)
                text = format(value.quantize(unit, context=wide), "f")
            else:
                text = _scientific(value, places)
        return self._signed(number < 0, "", text.upper() if self.mode.isupper() else text, True)


def _scientific(value: Decimal, places: int) -> str:
    rounded = Context(prec=places + 1, rounding=ROUND_HALF_EVEN).create_decimal(value)
    exponent = rounded.adjusted() if rounded else 0
    digits = "".join(map(str, rounded.as_tuple().digits)).ljust(places + 1, "0")
    mantissa = digits[0] + ("." + digits[1 : places + 1] if places else "")
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _shortest(value: Number) -> str:
    """Go's shortest `%g`: an exponent below 1e-4 and from 1e+06 on."""
    decimal = Decimal(value)
    if not decimal:
        return "0"
    sign, digits, _ = decimal.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = decimal.adjusted()
    if point < -4 or point >= 6:
        mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
        return f"{'-' if sign else ''}{mantissa}e{'-' if point < 0 else '+'}{abs(point):02d}"
    return arithmetic.text_of(value)
