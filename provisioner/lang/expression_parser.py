"""Tokens → expressions: precedence climbing over flat arrays, with HCL's own rules for what binds to what.

A syntax error raises `SyntaxStop`, which whoever can resume after it catches: a template sequence, or the body that the
expression stands in. Errors that leave the meaning of the rest clear are only noted. Depth is counted, so that no
text can exhaust Python's stack: see `MAX_DEPTH` in the module `cursor`.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import NoReturn

from .ast import (
    Binary,
    Conditional,
    Expr,
    GetAttr,
    Index,
    Literal,
    Paren,
    Splat,
    SplatItem,
    String,
    Unary,
    Variable,
)
from .constructors import ConstructorParser
from .templates import quoted_template
from .tokens import (
    EOF,
    IDENT,
    NEWLINE,
    NUMBER,
    OHEREDOC,
    OQUOTE,
    SEQ_END,
    STRING,
)

MAX_STEPS = 500
"""How many attributes, indexes and splats, or minus and not signs, may follow each other directly."""

_MAX_DIGITS = 4000  # longer whole numbers stay Decimal: Python refuses to convert them to int

_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 4,
    ">": 4,
    "<=": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
}
_ENDS = frozenset({NEWLINE, ",", ")", "]", "}", EOF, "=", ":", SEQ_END, "=>", "..."})
_CALLS = frozenset({"(", "::"})
_SIGNS = frozenset({"-", "!"})
_STEPS = frozenset({".", "["})
_KEYWORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class ExpressionParser(ConstructorParser):
    """Each method consumes one construct and returns its node."""

    # Operators

    def expression(self) -> Expr:
        left = self.operand()
        kind = self.kinds[self.i]
        if kind in _ENDS:
            return left
        if kind in _PRECEDENCE:
            left = self.binary(left, 1)
            kind = self.kinds[self.i]
        if kind == "?":
            return self.conditional(left)
        return left

    def binary(self, left: Expr, least: int) -> Expr:
        """Continues `left` with every operator that binds at least as tightly as `least`; all are left-associative."""
        kinds = self.kinds
        while True:
            operator = kinds[self.i]
            precedence = _PRECEDENCE.get(operator, 0)
            if precedence < least:
                return left
            self.i += 1
            if operator == "*" and kinds[self.i] == "*":
                self.stop(
                    "E-SYNTAX-OPERATOR",
                    "Unsupported operator",
                    '"**" is not an operator. Use the function pow(base, exponent) instead.',
                )
            right = self.operand()
            while _PRECEDENCE.get(kinds[self.i], 0) > precedence:
                right = self.binary(right, precedence + 1)
            left = Binary(self.source, left.start, right.end, operator, left, right)

    def conditional(self, condition: Expr) -> Expr:
        self.enter(condition.start)
        self.i += 1
        then = self.expression()
        if self.kinds[self.i] != ":":
            self.stop(
                "E-SYNTAX-CONDITIONAL",
                "Missing false expression in conditional",
                "The conditional operator (...?...:...) requires a false expression, delimited by a colon, but "
                f'{self.shown(self.i)} follows. Add ": value"; to go on in the next line, put the whole conditional '
                "in parentheses.",
                since=condition.start,
            )
        self.i += 1
        otherwise = self.expression()
        self.depth -= 1
        return Conditional(self.source, condition.start, otherwise.end, condition, then, otherwise)

    # Terms

    def operand(self) -> Expr:
        i = self.i
        kind = self.kinds[i]
        if kind is STRING:
            self.i = i + 1
            start, end = self.starts[i], self.ends[i]
            node: Expr = String(self.source, start, end, self.text[start + 1 : end - 1])
        elif kind is IDENT:
            following = self.kinds[i + 1]
            if following in _CALLS:
                node = self.call()
            else:
                self.i = i + 1
                start, end = self.starts[i], self.ends[i]
                name = self.text[start:end]
                if name in _KEYWORDS:
                    node = Literal(self.source, start, end, _KEYWORDS[name])
                else:
                    node = Variable(self.source, start, end, name)
        elif kind is NUMBER:
            self.i = i + 1
            node = self.number(i)
        elif kind == "[":
            node = self.tuple_cons()
        elif kind == "{":
            node = self.object_cons()
        elif kind is OQUOTE or kind is OHEREDOC:
            node = quoted_template(self)
        elif kind == "(":
            node = self.paren()
        elif kind in _SIGNS:
            return self.unary()
        else:
            self.no_expression()
        following = self.kinds[self.i]
        if following in _STEPS:
            return self.traversal(node)
        return node

    def no_expression(self) -> NoReturn:
        kind = self.kinds[self.i]
        if kind is EOF:
            self.stop(
                "E-SYNTAX-EXPRESSION",
                "Missing expression",
                "Expected the start of an expression, but found the end of the file. Write the missing value.",
                self.i,
            )
        if kind is NEWLINE:
            detail = (
                "Expected the start of an expression, but found the end of the line. Begin the value on this line; "
                "a value may only go on in the next line inside brackets or parentheses."
            )
        elif kind in ("==", "=>"):
            detail = f'Expected the start of an expression, but found {kind!r}. Use a single "=" to set a value.'
        else:
            detail = (
                f"Expected the start of an expression, but found {self.shown(self.i)}. "
                "Write a value, a reference or a function call here."
            )
        self.stop("E-SYNTAX-EXPRESSION", "Invalid expression", detail)

    def number(self, at: int) -> Literal:
        """A number, exactly as written: int when it is whole and of a size that int takes, else Decimal."""
        start, end = self.starts[at], self.ends[at]
        written = self.text[start:end]
        value: int | Decimal
        if len(written) <= _MAX_DIGITS and written.isdigit():
            return Literal(self.source, start, end, int(written))
        try:
            value = Decimal(written)
            if value and abs(value.adjusted()) > 646_456_993:  # the reach of Terraform's own numbers
                raise DecimalException
        except DecimalException:
            self.note(
                "E-SYNTAX-NUMBER",
                "Invalid number literal",
                f"{written[:60]} is not a number. Write digits, at most one decimal point, and an exponent like e-3 "
                "if you need one; put versions and addresses in quotes.",
                start,
                end,
            )
            return Literal(self.source, start, end, 0)
        if value.adjusted() < _MAX_DIGITS and value == value.to_integral_value():
            value = int(value)
        return Literal(self.source, start, end, value)

    def unary(self) -> Expr:
        first = self.i
        kinds = self.kinds
        while kinds[self.i] in _SIGNS:
            self.i += 1
        last = self.i
        if last - first > MAX_STEPS:
            self.too_many_steps()
        node = self.operand()
        for at in range(last - 1, first - 1, -1):
            node = Unary(self.source, self.starts[at], node.end, kinds[at], node)
        return node

    def paren(self) -> Expr:
        start = self.starts[self.i]
        self.enter(start)
        self.i += 1
        inner = self.expression()
        if self.kinds[self.i] != ")":
            self.stop(
                "E-SYNTAX-BRACKET",
                "Unbalanced parentheses",
                f"Expected a closing parenthesis to terminate the expression, but found {self.shown(self.i)}. "
                'Add the missing ")".',
                since=start,
            )
        self.i += 1
        self.depth -= 1
        return Paren(self.source, start, self.ends[self.i - 1], inner)

    # Traversals

    def traversal(self, node: Expr) -> Expr:
        kinds, starts, ends = self.kinds, self.starts, self.ends
        splats: list[Expr] = []
        steps = 0
        while True:
            kind = kinds[self.i]
            steps += 1
            if steps > MAX_STEPS:
                self.too_many_steps()
            if kind == ".":
                self.i += 1
                if kinds[self.i] == "*":
                    node = self.attribute_splat(node)
                else:
                    node = self.attribute_step(node)
            elif kind == "[":
                open_at = self.i
                if kinds[open_at + 1] == "*":
                    if kinds[open_at + 2] != "]":
                        self.stop(
                            "E-SYNTAX-BRACKET",
                            "Missing close bracket on splat index",
                            'The star for a full splat operator must be immediately followed by "]". Close it.',
                            open_at + 2,
                        )
                    self.i += 3
                    # Everything that follows applies to each element.
                    splats.append(node)
                    node = SplatItem(self.source, starts[open_at], ends[open_at + 2])
                else:
                    node = self.index(node)
            else:
                break
        while splats:
            target = splats.pop()
            node = Splat(self.source, target.start, node.end, target, node, True)
        return node

    def too_many_steps(self) -> NoReturn:
        detail = f"At most {MAX_STEPS} steps may follow each other. Give a part of the expression a name with locals."
        self.stop("E-SYNTAX-DEPTH", "Expression too long", detail)

    def attribute_step(self, node: Expr) -> Expr:
        """What follows a dot: a name, or a number as the legacy way to write an index."""
        at = self.i
        kind = self.kinds[at]
        start, end = self.starts[at], self.ends[at]
        if kind is IDENT:
            self.i = at + 1
            return GetAttr(self.source, node.start, end, node, self.text[start:end])
        if kind is NUMBER:
            self.i = at + 1
            first, dot, second = self.text[start:end].partition(".")
            if dot:
                self.note(
                    "E-SYNTAX-INDEX",
                    "Invalid legacy index syntax",
                    "When using the legacy index syntax, chaining two indexes together is not permitted. "
                    f"Use the proper index syntax instead, like [{first}][{second}].",
                    start,
                    end,
                )
            return Index(
                self.source, node.start, end, node, self.number(at) if not dot else Literal(self.source, start, end, 0)
            )
        self.stop(
            "E-SYNTAX-ATTRIBUTE",
            "Invalid attribute name",
            f"An attribute name is required after a dot, but {self.shown(at)} follows. "
            'For a name that is not an identifier use an index, like ["name"].',
        )

    def attribute_splat(self, target: Expr) -> Expr:
        star = self.i
        self.i += 1
        each: Expr = SplatItem(self.source, self.starts[star - 1], self.ends[star])
        while self.kinds[self.i] == ".":
            self.i += 1
            if self.kinds[self.i] == "*":
                self.stop(
                    "E-SYNTAX-SPLAT",
                    "Nested splat expression not allowed",
                    "A splat expression (*) cannot be used inside another attribute-only splat expression. "
                    "Use full splat operators, [*], instead.",
                )
            each = self.attribute_step(each)
        return Splat(self.source, target.start, self.ends[self.i - 1], target, each, False)

    def index(self, target: Expr) -> Expr:
        start = self.starts[self.i]
        self.enter(start)
        self.i += 1
        key = self.expression()
        if self.kinds[self.i] != "]":
            self.stop(
                "E-SYNTAX-BRACKET",
                "Missing close bracket on index",
                f'The index operator must end with a closing bracket ("]"), but {self.shown(self.i)} follows. Add it.',
                since=start,
            )
        self.i += 1
        self.depth -= 1
        return Index(self.source, target.start, self.ends[self.i - 1], target, key)

    # Calls and collections
