"""The subset of CEL that IAM conditions are written in: a parser that refuses what IAM refuses, and its evaluation.

Sources: https://cloud.google.com/iam/docs/conditions-attribute-reference, cel-spec's grammar (langdef.md). Attributes
that the emulator cannot know (access levels, tags, destination) parse, and hold for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import ApiError, invalid

MAX_LOGICAL_OPERATORS = 12
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>[rR]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<op>\|\||&&|==|!=|<=|>=|[<>!()\[\],.+?:\-]))""",
    re.VERBOSE,
)
IAM_ROOTS = frozenset({"request", "resource", "destination", "api"})
BOUNDARY_ROOTS = frozenset({"principal"})
FEDERATION_ROOTS = frozenset({"assertion", "google", "attribute"})
_FUNCTIONS = frozenset({"timestamp", "duration", "date", "has", "size", "string", "int", "inIpRange"})
_METHOD_NAMES = (
    "startsWith endsWith extract contains matches split join lowerAscii upperAscii size getFullYear getMonth getDate"
    " getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds getMilliseconds matchTag matchTagId"
    " hasTagKey hasTagKeyId getAttribute hasOnly"
)
_METHODS = frozenset(_METHOD_NAMES.split())

Value = object
Evaluate = Callable[[Mapping[str, Value]], Value]


class Unknown(Exception):
    """The value of an attribute that the emulator does not know; the condition then does not hold."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed expression. `operators` counts `&&`, `||` and `!`."""

    text: str
    operators: int
    evaluate: Evaluate

    def holds(self, attributes: Mapping[str, Value]) -> bool:
        """True when the expression is true for these attributes (`request.time`, `resource.name` …)."""
        try:
            return self.evaluate(attributes) is True
        except (Unknown, TypeError, ValueError):
            return False


@lru_cache(maxsize=4096)
def parse(text: str, roots: frozenset[str] = IAM_ROOTS) -> Condition:
    """The parsed expression. Raises ApiError (INVALID_ARGUMENT) where it is no expression of the subset."""
    parser = _Parser(text, roots)
    evaluate = parser.expression()
    if parser.index != len(parser.tokens):
        raise parser.error("extraneous input")
    return Condition(text, parser.operators, evaluate)


class _Parser:
    def __init__(self, text: str, roots: frozenset[str]) -> None:
        self.text = text
        self.roots = roots
        self.operators = 0
        self.index = 0
        self.tokens: list[tuple[str, str]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"token recognition error at position {position}")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()

    def error(self, why: str) -> ApiError:
        near = self.tokens[self.index][1] if self.index < len(self.tokens) else "<EOF>"
        return invalid(f"Condition expression compilation failed: {why} near '{near}' in: {self.text}", "condition")

    def take(self, *wanted: str) -> str | None:
        if self.index < len(self.tokens) and self.tokens[self.index] in [
            (kind, word) for word in wanted for kind in ("op", "name")
        ]:
            self.index += 1
            return self.tokens[self.index - 1][1]
        return None

    def need(self, wanted: str) -> None:
        if self.take(wanted) is None:
            raise self.error(f"'{wanted}' expected")

    def expression(self) -> Evaluate:
        """A choice (`a ? b : c`), which only federation takes, or what is simpler."""
        test = self.either()
        if self.roots is not FEDERATION_ROOTS or not self.take("?"):
            return test
        yes = self.expression()
        self.need(":")
        no = self.expression()
        return lambda attributes: (yes if _boolean(test(attributes)) else no)(attributes)

    def either(self) -> Evaluate:
        left = self.both()
        while self.take("||"):
            self.operators += 1
            left = _either(left, self.both())
        return left

    def both(self) -> Evaluate:
        left = self.relation()
        while self.take("&&"):
            self.operators += 1
            left = _both(left, self.relation())
        return left

    def relation(self) -> Evaluate:
        left = self.sum()
        while operator := self.take("==", "!=", "<", "<=", ">", ">=", "in"):
            left = _compare(operator, left, self.sum())
        return left

    def sum(self) -> Evaluate:
        """Texts joined by `+`, which only federation takes."""
        left = self.unary()
        while self.roots is FEDERATION_ROOTS and self.take("+"):
            left = _joined(left, self.unary())
        return left

    def unary(self) -> Evaluate:
        if self.take("!"):
            self.operators += 1
            inner = self.unary()
            return lambda attributes: not _boolean(inner(attributes))
        if self.take("-"):
            number = self.unary()
            return lambda attributes: -_number(number(attributes))
        return self.member()

    def member(self) -> Evaluate:
        value, path = self.primary()
        while True:
            if self.take("."):
                kind, name = self.tokens[self.index] if self.index < len(self.tokens) else ("", "")
                if kind != "name":
                    raise self.error("a name expected")
                self.index += 1
                if self.take("("):
                    if name not in _METHODS:
                        raise self.error(f"undeclared reference to '{name}'")
                    value, path = _method(name, value, self.arguments(")")), ""
                else:
                    path = f"{path}.{name}" if path else ""
                    value = _attribute(path)
            elif self.take("["):
                index = self.arguments("]")
                if len(index) != 1:
                    raise self.error("one index expected")
                value, path = _item(value, index[0]), ""
            else:
                return value

    def primary(self) -> tuple[Evaluate, str]:
        if self.take("("):
            inner = self.expression()
            self.need(")")
            return inner, ""
        if self.take("["):
            items = self.arguments("]")
            return (lambda attributes: [item(attributes) for item in items]), ""
        if self.index >= len(self.tokens):
            raise self.error("an expression expected")
        kind, text = self.tokens[self.index]
        self.index += 1
        if kind == "string":
            return _constant(_unquoted(text)), ""
        if kind == "number":
            return _constant(float(text) if "." in text else int(text)), ""
        if kind != "name":
            self.index -= 1
            raise self.error("an expression expected")
        if text in ("true", "false", "null"):
            return _constant({"true": True, "false": False, "null": None}[text]), ""
        if self.take("("):
            if text not in _FUNCTIONS:
                raise self.error(f"undeclared reference to '{text}'")
            return _function(text, self.arguments(")")), ""
        if text not in self.roots:
            raise self.error(f"undeclared reference to '{text}' (in container '')")
        return _attribute(text), text

    def arguments(self, end: str) -> list[Evaluate]:
        found: list[Evaluate] = []
        if self.take(end):
            return found
        while True:
            found.append(self.expression())
            if self.take(end):
                return found
            self.need(",")


def _unquoted(text: str) -> str:
    if text[0] in "rR":
        return text[2:-1]
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])


def _constant(value: Value) -> Evaluate:
    return lambda attributes: value


def _attribute(path: str) -> Evaluate:
    def read(attributes: Mapping[str, Value]) -> Value:
        if path not in attributes:
            raise Unknown(path)
        return attributes[path]

    return read


def _boolean(value: Value) -> bool:
    if not isinstance(value, bool):
        raise TypeError("no boolean")
    return value


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("no number")
    return value


def _either(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(attributes: Mapping[str, Value]) -> Value:
        try:
            if _boolean(left(attributes)):
                return True
        except Unknown:  # CEL: true || error is true, on either side
            if _boolean(right(attributes)):
                return True
            raise
        return _boolean(right(attributes))

    return evaluate


def _both(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(attributes: Mapping[str, Value]) -> Value:
        try:
            if not _boolean(left(attributes)):
                return False
        except Unknown:  # CEL: false && error is false, on either side
            if not _boolean(right(attributes)):
                return False
            raise
        return _boolean(right(attributes))

    return evaluate


def _joined(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(attributes: Mapping[str, Value]) -> Value:
        one, two = left(attributes), right(attributes)
        if not isinstance(one, str) or not isinstance(two, str):
            raise TypeError("no text")
        return one + two

    return evaluate


def _compare(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    tests: dict[str, Callable[..., bool]] = {
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "in": lambda a, b: a in b,
    }
    return lambda attributes: tests[operator](left(attributes), right(attributes))


def _item(value: Evaluate, index: Evaluate) -> Evaluate:
    def evaluate(attributes: Mapping[str, Value]) -> Value:
        held, key = value(attributes), index(attributes)
        if isinstance(held, Mapping) and key in held:
            return held[key]
        raise Unknown(str(key))

    return evaluate


def _function(name: str, arguments: list[Evaluate]) -> Evaluate:
    def evaluate(attributes: Mapping[str, Value]) -> Value:
        values = [argument(attributes) for argument in arguments]
        if name in ("timestamp", "date") and len(values) == 1 and isinstance(values[0], str):
            return datetime.fromisoformat(values[0]).replace(
                tzinfo=UTC if name == "date" else datetime.fromisoformat(values[0]).tzinfo
            )
        if name == "duration" and len(values) == 1 and isinstance(values[0], str):
            return _duration(values[0])
        if name == "size" and len(values) == 1 and isinstance(values[0], str | list | dict):
            return len(values[0])
        raise Unknown(name)

    return evaluate


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)(h|m|s)", text)
    if match is None:
        raise ValueError("no duration")
    return timedelta(seconds=float(match[1]) * {"h": 3600, "m": 60, "s": 1}[match[2]])


def _extract(text: str, template: str) -> str:
    """`extract("prefix/{name}/suffix")`: what stands between; to the end where nothing follows."""
    before, _, rest = template.partition("{")
    after = rest.partition("}")[2]
    start = text.find(before)
    if start < 0:
        return ""
    start += len(before)
    end = text.find(after, start) if after else len(text)
    return "" if end < 0 else text[start:end]


_OF_TIME: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda moment: moment.year,
    "getMonth": lambda moment: moment.month - 1,
    "getDate": lambda moment: moment.day,
    "getDayOfMonth": lambda moment: moment.day - 1,
    "getDayOfWeek": lambda moment: moment.isoweekday() % 7,
    "getDayOfYear": lambda moment: moment.timetuple().tm_yday - 1,
    "getHours": lambda moment: moment.hour,
    "getMinutes": lambda moment: moment.minute,
    "getSeconds": lambda moment: moment.second,
}
_OF_TEXT: dict[str, Callable[[str, str], Value]] = {
    "startsWith": lambda text, other: text.startswith(other),
    "endsWith": lambda text, other: text.endswith(other),
    "contains": lambda text, other: other in text,
    "extract": _extract,
    "split": lambda text, other: text.split(other),
    "matches": lambda text, other: re.search(other, text) is not None,
}


def _method(name: str, subject: Evaluate, arguments: list[Evaluate]) -> Evaluate:
    def evaluate(attributes: Mapping[str, Value]) -> Value:
        held = subject(attributes)
        values = [argument(attributes) for argument in arguments]
        if name in _OF_TIME and isinstance(held, datetime):
            return _OF_TIME[name](held.astimezone(_zone(str(values[0])) if values else UTC))
        if name in _OF_TEXT and isinstance(held, str) and len(values) == 1 and isinstance(values[0], str):
            return _OF_TEXT[name](held, values[0])
        raise Unknown(name)

    return evaluate


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError as error:
        raise ValueError(f"no time zone {name}") from error
