"""Functions of timestamps (RFC 3339)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from re import compile as _compile

from ..types import STRING
from ..values import Value
from .registry import FunctionError, Param, function

_STAMP = _compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})", 256)
_PARTS = (
    ("year", 4), ("-", 1), ("month", 2), ("-", 1), ("day of month", 2), ("T", 1), ("hour", 2), (":", 1), ("minute", 2),
    (":", 1), ("second", 2),
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def parse(value: str, argument: int) -> datetime:
    """A timestamp. Raises FunctionError about the argument, saying which part is wrong."""
    match = _STAMP.fullmatch(value)
    if match is None:
        raise FunctionError(f"not a valid RFC3339 timestamp: {_why(value)}", argument)
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=_zone(match[8])) + timedelta(
            microseconds=int((match[7] or "0")[:6].ljust(6, "0"))
        )
    except (ValueError, OverflowError) as err:
        for name, number, low, high in (
            ("year", year, 1, 9999), ("month", month, 1, 12), ("hour", hour, 0, 23), ("minute", minute, 0, 59),
            ("second", second, 0, 59),
        ):  # fmt: skip
            if not low <= number <= high:
                raise FunctionError(f"not a valid RFC3339 timestamp: {name} out of range", argument) from err
        raise FunctionError("not a valid RFC3339 timestamp: day out of range", argument) from err


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    if int(text[1:3]) > 23 or int(text[4:6]) > 59:
        raise ValueError("offset")
    return timezone(-offset if text[0] == "-" else offset)


def _why(value: str) -> str:
    rest = value
    for name, width in _PARTS:
        piece = rest[:width]
        literal = name in "-:T"
        if literal and piece != name:
            if name == "T":
                return "missing required time introducer 'T'"
            if not piece:
                return f'end of string where "{name}" is expected'
            return f'found "{rest}" where "{name}" is expected'
        if not literal and not (len(piece) == width and piece.isdigit() and piece.isascii()):
            return f"end of string before {name}" if not rest else f'cannot use "{rest}" as {name}'
        rest = rest[width:]
    rest = rest.lstrip(".,0123456789") if rest[:1] in (".", ",") else rest
    return "end of string before UTC offset" if not rest else f'cannot use "{rest}" as UTC offset'


def _rfc3339(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + _offset(moment, "Z", ":")


def _offset(moment: datetime, utc: str, colon: str) -> str:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    if not seconds and utc:
        return utc
    sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
    return f"{sign}{minutes // 60:02d}{colon}{minutes % 60:02d}"


_UNITS = {
    "ns": Decimal("1e-9"), "us": Decimal("1e-6"), "µs": Decimal("1e-6"), "μs": Decimal("1e-6"),
    "ms": Decimal("1e-3"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600),
}  # fmt: skip
_UNIT = _compile(r"[^0-9.]+")
_DURATION = _compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", 256)


def _duration(value: str) -> timedelta:
    """A duration as Go writes it: `-1h30m`, `1.5h`."""
    rest = value.removeprefix("-") if value.startswith("-") else value.removeprefix("+")
    if rest == "0":
        return timedelta()
    total, at = Decimal(0), 0
    while at < len(rest):
        match = _DURATION.match(rest, at)
        if match is None:
            break
        total += Decimal(match[1]) * _UNITS[match[2]]
        at = match.end()
    if at < len(rest) or not rest:
        tail = rest[at:].lstrip("0123456789.")
        if tail and tail != rest[at:]:
            unit = _UNIT.match(tail)
            raise FunctionError(f'time: unknown unit "{unit[0] if unit else tail}" in duration "{value}"', 1)
        if rest and rest[at:] and not tail:
            raise FunctionError(f'time: missing unit in duration "{value}"', 1)
        raise FunctionError(f'time: invalid duration "{value}"', 1)
    if total > Decimal("9223372036"):
        raise FunctionError(f'time: invalid duration "{value}"', 1)
    found = timedelta(microseconds=int(total * 1_000_000))
    return -found if value.startswith("-") else found


@function("timeadd", Param("timestamp", STRING), Param("duration", STRING))
def _timeadd(timestamp: str, duration: str) -> Value:
    moment = parse(timestamp, 0)
    try:
        return _rfc3339(moment + _duration(duration))
    except OverflowError as err:
        raise FunctionError("the result lies outside the years 1 to 9999") from err


@function("timecmp", Param("timestamp_a", STRING), Param("timestamp_b", STRING))
def _timecmp(a: str, b: str) -> Value:
    left, right = parse(a, 0), parse(b, 1)
    return (left > right) - (left < right)


_TOKEN = _compile(r"''|'(?:[^']|'')*'?|([A-Za-z])\1*|[^A-Za-z']+")


@function("formatdate", Param("format", STRING), Param("time", STRING))
def _formatdate(template: str, time: str) -> Value:
    moment = parse(time, 1)
    out: list[str] = []
    for match in _TOKEN.finditer(template):
        piece = match[0]
        if piece == "''":
            out.append("'")
        elif piece[0] == "'":
            if len(piece) == 1 or piece[-1] != "'":
                raise FunctionError("unterminated literal '", 0)
            out.append(piece[1:-1].replace("''", "'"))
        elif match[1]:
            out.append(_date_part(piece, moment))
        else:
            out.append(piece)
    return "".join(out)


def _date_part(token: str, moment: datetime) -> str:
    letter, count = token[0], len(token)
    if letter == "Y" and count in (2, 4):
        return f"{moment.year:04d}"[-count:]
    if letter == "M" and count <= 4:
        name = _MONTHS[moment.month - 1]
        return (str(moment.month), f"{moment.month:02d}", name[:3], name)[count - 1]
    if letter == "E" and count in (3, 4):
        name = _DAYS[moment.weekday()]
        return name[:3] if count == 3 else name
    numbers = {"D": moment.day, "h": moment.hour, "H": moment.hour % 12 or 12, "m": moment.minute, "s": moment.second}
    if letter in numbers and count <= 2:
        return f"{numbers[letter]:0{count}d}"
    if letter in "Aa" and count == 2:
        half = "PM" if moment.hour >= 12 else "AM"
        return half if letter == "A" else half.lower()
    if letter == "Z" and count in (1, 3, 4, 5):
        utc = {1: "Z", 3: "UTC"}.get(count, "")
        return _offset(moment, utc, ":" if count in (1, 5) else "")
    hint = {
        "Y": 'year must either be "YY" or "YYYY"',
        "M": 'month must be "M", "MM", "MMM", or "MMMM"',
        "D": 'day of month must either be "D" or "DD"',
        "E": 'day of week must either be "EEE" or "EEEE"',
        "h": '24-hour must either be "h" or "hh"',
        "H": '12-hour must either be "H" or "HH"',
        "A": 'must be "AA"',
        "a": 'must be "aa"',
        "m": 'minute must either be "m" or "mm"',
        "s": 'second must either be "s" or "ss"',
        "Z": "timezone must be Z, ZZZZ, or ZZZZZ",
    }.get(letter)
    raise FunctionError(f'invalid date format verb "{token}"' + (f": {hint}" if hint else ""), 0)
