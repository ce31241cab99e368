"""The Common Expression Language, as far as IAM Conditions and attribute conditions use it: parsed, judged, compared.

Judged in three values: YES, NO, and UNKNOWN with what is missing. What is not modelled is UNKNOWN, never a guess; an
AND with a NO is NO and an OR with a YES is YES whatever the rest, as in CEL.
Sources: «Overview of IAM Conditions», «Attribute reference for IAM Conditions», the CEL language definition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any

from .celcalls import Unknown, asks_context, extract, from_context, moment
from .celcalls import call as call_known

__all__ = ["NOTHING", "CelError", "Node", "Truth", "Unknown", "conjuncts", "disjuncts", "evaluate", "extract",
           "implies", "judge", "moment", "operators", "parse", "syntax_error", "value_of", "written"]  # fmt: skip


class Truth(Enum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class CelError(ValueError):
    """Text that is no expression."""


@dataclass(frozen=True, slots=True)
class Node:
    """`op` is an operator, `call`, `name`, `value`, `list` or `index`; `text` the name or operator."""

    op: str
    text: str = ""
    args: tuple[Node, ...] = ()
    value: Any = None

    def __str__(self) -> str:
        return written(self)


def value_of(value: Any) -> Node:
    """A constant. Its type is part of it: true is not 1."""
    return Node("value", type(value).__name__, value=value)


NOTHING = value_of(None)


_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<text>[rR](?:"[^"\r\n]*"|'[^'\r\n]*')"""
    r"""|"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>&&|\|\||==|!=|<=|>=|[<>!().,\[\]?:+*/%-]))"""
)
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_DEEPEST = 60


def parse(text: str) -> Node:
    """The expression's tree. Raises CelError for text that is none, or is nested too deeply."""
    return _parsed(text)


@lru_cache(maxsize=8192)
def _parsed(text: str) -> Node:
    parser = _Parser(_tokens(text))
    node = parser.ternary(0)
    if parser.at < len(parser.tokens):
        raise CelError(f"{parser.tokens[parser.at][1]!r} is not expected there")
    return node


def syntax_error(text: str) -> str:
    """What is wrong with an expression; empty where nothing is."""
    try:
        parse(text)
    except CelError as error:
        return str(error)
    return ""


def operators(text: str) -> int:
    """Logical operators (&&, ||, !) in an expression; 0 for text that is none."""
    try:
        return _count(parse(text))
    except CelError:
        return 0


def _count(node: Node) -> int:
    return (node.op in ("&&", "||", "!")) + sum(map(_count, node.args))


def _tokens(text: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise CelError(f"{text[at : at + 12].strip()!r} is no part of an expression")
        out.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return out


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")
        return text if kind in ("op", "name") else ""

    def take(self, wanted: str) -> None:
        if self.peek() != wanted or self.tokens[self.at][0] == "text":
            raise CelError(f"{wanted!r} is missing")
        self.at += 1

    def ternary(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise CelError("it is nested too deeply")
        condition = self.binary(0, depth + 1)
        if self.peek() != "?":
            return condition
        self.at += 1
        yes = self.ternary(depth + 1)
        self.take(":")
        return Node("?", args=(condition, yes, self.ternary(depth + 1)))

    def binary(self, level: int, depth: int) -> Node:
        if level == len(_LEVELS):
            return self.unary(depth)
        left = self.binary(level + 1, depth)
        while self.peek() in _LEVELS[level]:
            op = self.peek()
            self.at += 1
            left = Node(op, args=(left, self.binary(level + 1, depth)))
        return left

    def unary(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise CelError("it is nested too deeply")
        if self.peek() in ("!", "-"):
            op = self.peek()
            self.at += 1
            return Node("!" if op == "!" else "negative", args=(self.unary(depth + 1),))
        return self.suffixes(self.primary(depth), depth)

    def suffixes(self, node: Node, depth: int) -> Node:
        while self.peek() in (".", "["):
            if self.peek() == "[":
                self.at += 1
                node = Node("index", args=(node, self.ternary(depth + 1)))
                self.take("]")
                continue
            self.at += 1
            kind, name = self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")
            if kind != "name":
                raise CelError("a name is missing after '.'")
            self.at += 1
            if self.peek() == "(":
                node = Node("call", name, (node, *self.arguments(depth)))
            elif node.op == "name":
                node = Node("name", f"{node.text}.{name}")
            else:
                node = Node("index", args=(node, value_of(name)))
        return node

    def arguments(self, depth: int) -> tuple[Node, ...]:
        self.take("(")
        out: list[Node] = []
        while self.peek() != ")":
            out.append(self.ternary(depth + 1))
            if self.peek() != ")":
                self.take(",")
        self.take(")")
        return tuple(out)

    def primary(self, depth: int) -> Node:
        if self.at >= len(self.tokens):
            raise CelError("it ends where a value is missing")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return value_of(float(text) if "." in text else int(text))
        if kind == "text":
            return value_of(_string(text))
        if kind == "name":
            return self.named(text, depth)
        if text == "(":
            node = self.ternary(depth + 1)
            self.take(")")
            return node
        if text == "[":
            return self.listed(depth)
        raise CelError(f"{text!r} stands where a value is missing")

    def named(self, text: str, depth: int) -> Node:
        if text in ("true", "false", "null"):
            return value_of({"true": True, "false": False, "null": None}[text])
        if self.peek() == "(":
            return Node("call", text, (NOTHING, *self.arguments(depth)))
        return Node("name", text)

    def listed(self, depth: int) -> Node:
        items: list[Node] = []
        while self.peek() != "]":
            items.append(self.ternary(depth + 1))
            if self.peek() != "]":
                self.take(",")
        self.take("]")
        return Node("list", args=tuple(items))


def _string(token: str) -> str:
    """What a literal says. Source: the CEL language definition, «String and bytes values»."""
    if token.startswith(("r", "R")):
        return token[2:-1]
    return _ESCAPE.sub(_escaped, token[1:-1])


_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
            **dict(zip("\\?\"'`", "\\?\"'`", strict=True))}  # fmt: skip


def _escaped(found: re.Match[str]) -> str:
    """One escape sequence. Raises CelError for one that CEL does not have: guessed, it would be another text."""
    digits = found[1] or found[2] or found[3]
    code = int(digits, 16) if digits else int(found[4], 8) if found[4] else None
    if code is None and found[5] in _ESCAPES:
        return _ESCAPES[found[5]]
    if code is None or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise CelError(f"{found[0]} is no escape sequence")
    return chr(code)


def judge(expression: str, context: Mapping[str, Any]) -> tuple[Truth, tuple[str, ...]]:
    """Whether an expression holds, and what is missing where that is UNKNOWN. `context` holds values by name."""
    try:
        value = evaluate(parse(expression), context)
    except CelError as error:
        return Truth.UNKNOWN, (f"the condition cannot be read: {error}",)
    if isinstance(value, Unknown):
        return Truth.UNKNOWN, (value.what,)
    if not isinstance(value, bool):
        return Truth.UNKNOWN, ("the condition is no yes or no",)
    return (Truth.YES if value else Truth.NO), ()


def evaluate(node: Node, context: Mapping[str, Any]) -> Any:
    """A value, or Unknown. Never raises."""
    if node.op == "value":
        return node.value
    if node.op == "name":
        return context[node.text] if node.text in context else Unknown(node.text)
    if node.op in ("&&", "||"):
        return _logic(node, context)
    if node.op == "call" and node.args[0].op == "name" and asks_context(node.args[0].text, node.text):
        given = [evaluate(arg, context) for arg in node.args[1:]]
        lacking = next((value for value in given if isinstance(value, Unknown)), None)
        return lacking if lacking is not None else from_context(node.text, given, context)
    values = [evaluate(arg, context) for arg in node.args]
    if node.op == "list":
        return next((value for value in values if isinstance(value, Unknown)), values)
    if node.op == "?":
        return values[0] if isinstance(values[0], Unknown) else values[1] if values[0] is True else values[2]
    missing = next((value for value in values if isinstance(value, Unknown)), None)
    if missing is not None:
        return missing
    if node.op == "!":
        return not values[0] if isinstance(values[0], bool) else Unknown(written(node))
    if node.op == "negative":
        return -values[0] if type(values[0]) in (int, float) else Unknown(written(node))
    if node.op == "call":
        return _call(node, values)
    if node.op == "index":
        known = isinstance(values[0], Mapping) and values[1] in values[0]
        return values[0][values[1]] if known else Unknown(written(node))
    return _operate(node, values)


def _logic(node: Node, context: Mapping[str, Any]) -> Any:
    decides = node.op == "||"
    unknown: Unknown | None = None
    for arg in node.args:
        value = evaluate(arg, context)
        if value is decides:
            return decides
        if isinstance(value, Unknown):
            unknown = unknown or value
        elif not isinstance(value, bool):
            unknown = Unknown(written(arg))
    return unknown if unknown is not None else not decides


def _operate(node: Node, values: list[Any]) -> Any:
    if node.op == "in" and isinstance(values[1], list):
        return values[0] in values[1]
    if len(values) == 2 and node.op in ("+", "-") and isinstance(values[1], timedelta):
        return _shifted(node, values[0], values[1])
    if len(values) != 2 or type(values[0]) is not type(values[1]):
        return Unknown(written(node))
    left, right = values
    if node.op in ("==", "!="):
        return (left == right) is (node.op == "==")
    if isinstance(left, bool) or not isinstance(left, str | int | float | datetime | timedelta):
        return Unknown(written(node))
    if node.op == "+" and isinstance(left, str):
        return left + right
    compared = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    return compared.get(node.op, Unknown(written(node)))


def _shifted(node: Node, value: Any, by: timedelta) -> Any:
    """A time or a duration, later or earlier by a duration."""
    if not isinstance(value, datetime | timedelta):
        return Unknown(written(node))
    try:
        return value + by if node.op == "+" else value - by
    except OverflowError:
        return Unknown(written(node))


def _call(node: Node, values: list[Any]) -> Any:
    found = call_known(node.text, values[0], values[1:])
    return Unknown(written(node)) if isinstance(found, Unknown) else found


def conjuncts(node: Node) -> frozenset[Node]:
    """The tests that must all hold."""
    if node.op == "&&":
        return frozenset().union(*(conjuncts(arg) for arg in node.args))
    return frozenset([node])


def disjuncts(node: Node) -> frozenset[Node]:
    """The tests of which one must hold."""
    if node.op == "||":
        return frozenset().union(*(disjuncts(arg) for arg in node.args))
    return frozenset([node])


def implies(stronger: Node, weaker: Node) -> bool:
    """True only where every request that meets `stronger` meets `weaker`; False says nothing."""
    if weaker == value_of(True) or stronger == value_of(False) or stronger == weaker:
        return True
    if len(disjuncts(stronger)) > 1:
        return all(implies(one, weaker) for one in disjuncts(stronger))
    if len(conjuncts(weaker)) > 1:
        return all(implies(stronger, one) for one in conjuncts(weaker))
    if len(disjuncts(weaker)) > 1:
        return any(implies(stronger, one) for one in disjuncts(weaker))
    if len(conjuncts(stronger)) > 1:
        return any(implies(one, weaker) for one in conjuncts(stronger))
    return _atom_implies(stronger, weaker)


def _atom_implies(stronger: Node, weaker: Node) -> bool:
    """Two single tests of one attribute."""
    one, other = _atom(stronger), _atom(weaker)
    if one is None or other is None or one[1] != other[1]:
        return False
    (op, _, value), (other_op, _, bound) = one, other
    if op == "==" and isinstance(value, str) and isinstance(bound, str):
        return {
            "startsWith": value.startswith(bound),
            "endsWith": value.endswith(bound),
            "contains": bound in value,
        }.get(other_op, False)
    if op == other_op and isinstance(value, str) and isinstance(bound, str):
        return {
            "startsWith": value.startswith(bound),
            "endsWith": value.endswith(bound),
            "contains": bound in value,
        }.get(op, False)
    if isinstance(value, datetime) and isinstance(bound, datetime):
        return ((op, other_op) in (("<", "<"), ("<=", "<="), ("<", "<=")) and value <= bound) or (
            (op, other_op) in ((">", ">"), (">=", ">="), (">", ">=")) and value >= bound
        )
    return False


def _atom(node: Node) -> tuple[str, str, Any] | None:
    """Operator, attribute, constant of `x == "a"`, `x.startsWith("a")`, `x < timestamp("…")`."""
    if node.op == "call" and len(node.args) == 2 and node.args[1].op == "value":
        return node.text, written(node.args[0]), node.args[1].value
    if node.op in ("==", "<", "<=", ">", ">=") and len(node.args) == 2:
        value = evaluate(node.args[1], {})
        return None if isinstance(value, Unknown) else (node.op, written(node.args[0]), value)
    return None


def written(node: Node) -> str:
    """The expression's text, in one spelling."""
    if node.op == "value":
        return json.dumps(node.value, ensure_ascii=False)
    if node.op == "name":
        return node.text
    parts = [written(arg) for arg in node.args]
    if node.op == "list":
        return f"[{', '.join(parts)}]"
    if node.op == "call":
        receiver = "" if node.args[0] == NOTHING else f"{parts[0]}."
        return f"{receiver}{node.text}({', '.join(parts[1:])})"
    if node.op == "index":
        return f"{parts[0]}[{parts[1]}]"
    if node.op in ("!", "negative"):
        return f"{'!' if node.op == '!' else '-'}{parts[0]}"
    if node.op == "?":
        return f"({parts[0]} ? {parts[1]} : {parts[2]})"
    return f"({f' {node.op} '.join(parts)})"
