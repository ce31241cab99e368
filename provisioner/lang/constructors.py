"""Tokens → calls, tuples, objects and `for` expressions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NoReturn

from .ast import (
    Call,
    Expr,
    ForExpr,
    GetAttr,
    Index,
    Literal,
    ObjectCons,
    ObjectItem,
    String,
    TupleCons,
    Variable,
)
from .cursor import Cursor
from .tokens import EOF, IDENT, NEWLINE


class ConstructorParser(Cursor, ABC):
    """The constructs that hold a list of expressions."""

    @abstractmethod
    def expression(self) -> Expr:
        """Any expression, from the present token on."""

    def call(self) -> Expr:
        kinds = self.kinds
        start = self.starts[self.i]
        self.enter(start)
        name = self.word(self.i)
        self.i += 1
        while kinds[self.i] == "::":
            self.i += 1
            if kinds[self.i] is not IDENT:
                self.stop(
                    "E-SYNTAX-CALL",
                    "Missing function name",
                    f'Function scope resolution symbol "::" must be followed by a function name, but '
                    f"{self.shown(self.i)} follows. Write it as in provider::name::function(...).",
                    since=start,
                )
            name = f"{name}::{self.word(self.i)}"
            self.i += 1
        name_end = self.ends[self.i - 1]
        if kinds[self.i] != "(":
            self.stop(
                "E-SYNTAX-CALL",
                "Missing open parenthesis",
                "Function selector must be followed by an open parenthesis to begin the function call. "
                f'Write "{name}(...)".',
                since=start,
            )
        self.i += 1
        args: list[Expr] = []
        expand = False
        while kinds[self.i] != ")":
            args.append(self.expression())
            kind = kinds[self.i]
            if kind == ",":
                self.i += 1
            elif kind == "...":
                expand = True
                self.i += 1
                if kinds[self.i] != ")":
                    self.stop(
                        "E-SYNTAX-CALL",
                        "Missing closing parenthesis",
                        "An expanded function argument (with ...) must be immediately followed by closing "
                        "parentheses. Make it the last argument, without a comma after it.",
                        since=start,
                    )
            elif kind != ")":
                self.bad_argument(kind, start, name_end)
        self.i += 1
        self.depth -= 1
        return Call(self.source, start, self.ends[self.i - 1], name, args, expand, name_end)

    def bad_argument(self, kind: str, start: int, name_end: int) -> NoReturn:
        if kind is EOF:
            self.stop_span(
                "E-SYNTAX-CALL",
                "Unterminated function call",
                "There is no closing parenthesis for this function call before the end of the file. This may be "
                'caused by incorrect parenthesis nesting elsewhere in this file. Add the missing ")".',
                start,
                name_end + 1,
            )
        self.stop(
            "E-SYNTAX-CALL",
            "Missing argument separator",
            f"A comma is required to separate each function argument from the next, but {self.shown(self.i)} follows. "
            'Add a comma, or the closing ")" if the call ends here.',
            since=start,
        )

    def tuple_cons(self) -> Expr:
        kinds = self.kinds
        start = self.starts[self.i]
        self.enter(start)
        self.i += 1
        if kinds[self.i] is IDENT and self.word(self.i) == "for":
            return self.for_expr(start, "]")
        items: list[Expr] = []
        while kinds[self.i] != "]":
            items.append(self.expression())
            kind = kinds[self.i]
            if kind == ",":
                self.i += 1
            elif kind is EOF:
                self.unclosed(start, "tuple", "]")
            elif kind != "]":
                self.stop(
                    "E-SYNTAX-SEPARATOR",
                    "Missing item separator",
                    f"Expected a comma to mark the beginning of the next item, but found {self.shown(self.i)}. "
                    'Add a comma, or the closing "]" if the list ends here.',
                    since=start,
                )
        self.i += 1
        self.depth -= 1
        return TupleCons(self.source, start, self.ends[self.i - 1], items)

    def unclosed(self, start: int, what: str, closer: str) -> NoReturn:
        bracket = "bracket" if closer == "]" else "brace"
        self.stop_span(
            "E-SYNTAX-BRACKET",
            f"Unterminated {what} constructor expression",
            f"There is no corresponding closing {bracket} before the end of the file. This may be caused by incorrect "
            f'{bracket} nesting elsewhere in this file. Add the missing "{closer}".',
            start,
            start + 1,
        )

    def object_cons(self) -> Expr:
        kinds = self.kinds
        start = self.starts[self.i]
        self.enter(start)
        self.i += 1
        if kinds[self.i] is IDENT and self.word(self.i) == "for":
            return self.for_expr(start, "}")
        items: list[ObjectItem] = []
        while True:
            kind = kinds[self.i]
            if kind is NEWLINE:
                self.i += 1
                continue
            if kind == "}":
                break
            key = self.object_key(kind, start)
            if kinds[self.i] not in ("=", ":"):
                self.bad_key(start, key)
            self.i += 1
            value = self.expression()
            items.append(ObjectItem(self.source, key.start, value.end, key, value))
            kind = kinds[self.i]
            if kind == "," or kind is NEWLINE:
                self.i += 1
            elif kind is EOF:
                self.unclosed(start, "object", "}")
            elif kind != "}":
                self.stop(
                    "E-SYNTAX-SEPARATOR",
                    "Missing attribute separator",
                    "Expected a newline or comma to mark the beginning of the next attribute, but found "
                    f"{self.shown(self.i)}. Add one of them.",
                    since=start,
                )
        self.i += 1
        self.depth -= 1
        return ObjectCons(self.source, start, self.ends[self.i - 1], items)

    def object_key(self, kind: str, start: int) -> Expr:
        at = self.i
        if kind is EOF:
            self.unclosed(start, "object", "}")
        if kind is IDENT and self.kinds[at + 1] in ("=", ":"):
            self.i = at + 1
            return Variable(self.source, self.starts[at], self.ends[at], self.word(at))
        key = self.expression()
        if isinstance(key, Literal) and self.i == at + 1 and kind is IDENT:
            return Variable(self.source, key.start, key.end, self.word(at))
        if isinstance(key, GetAttr | Index) and start != self.dotted_object and _is_reference(key):
            self.note(
                "E-SYNTAX-KEY",
                "Ambiguous attribute key",
                "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as "
                "a literal name containing periods, wrap it in quotes to create a string literal.",
                key.start,
                key.end,
            )
        return key

    def bad_key(self, start: int, key: Expr) -> NoReturn:
        kind = self.kinds[self.i]
        if kind is EOF:
            self.unclosed(start, "object", "}")
        if kind is NEWLINE or kind == ",":
            self.stop(
                "E-SYNTAX-SEPARATOR",
                "Missing attribute value",
                f'Expected an attribute value, introduced by an equals sign ("="), but found {self.shown(self.i)}. '
                "Write it as name = value.",
                since=start,
            )
        if kind == "{":
            detail = 'An object\'s attributes need an equals sign, also before a nested object: write "name = {".'
        elif kind is IDENT:
            detail = (
                'Expected an equals sign ("=") to mark the beginning of the attribute value. If you intended to give '
                "an attribute name containing periods or spaces, write the name in quotes to create a string literal."
            )
        else:
            detail = (
                f'Expected an equals sign ("=") to mark the beginning of the attribute value, but found '
                f"{self.shown(self.i)}. Write it as name = value."
            )
        self.stop("E-SYNTAX-SEPARATOR", "Missing key/value separator", detail, since=start)

    def for_error(self, start: int, detail: str) -> NoReturn:
        self.stop("E-SYNTAX-FOR", "Invalid 'for' expression", detail, since=start)

    def for_names(self, error: str) -> tuple[str | None, str]:
        """`v in` or `k, v in`, up to and including `in`; the cursor stands after `for`."""
        kinds = self.kinds
        if kinds[self.i] is not IDENT:
            self.stop("E-SYNTAX-FOR", error, "A variable name is required after 'for', as in: for item in list.")
        key: str | None = None
        value = self.word(self.i)
        self.i += 1
        if kinds[self.i] == ",":
            self.i += 1
            if kinds[self.i] is not IDENT:
                detail = "A second variable name is required after the comma, as in: for key, value in map."
                self.stop("E-SYNTAX-FOR", error, detail)
            key, value = value, self.word(self.i)
            self.i += 1
        if kinds[self.i] is not IDENT or self.word(self.i) != "in":
            detail = (
                f"The keyword 'in' is required after the names, but {self.shown(self.i)} follows. "
                "Write it as: for item in list."
            )
            self.stop("E-SYNTAX-FOR", error, detail)
        self.i += 1
        return key, value

    def for_expr(self, start: int, closer: str) -> Expr:
        """The rest of `[for …]` or `{for …}`; the bracket has been read, and entered."""
        kinds = self.kinds
        self.enter(start)  # one level more: a for expression takes more of Python's stack than a list
        self.i += 1
        key, name = self.for_names("Invalid 'for' expression")
        collection = self.expression()
        if kinds[self.i] != ":":
            self.for_error(
                start, f"A colon is required after the collection expression, but {self.shown(self.i)} follows. Add it."
            )
        self.i += 1
        key_result: Expr | None = None
        result = self.expression()
        if kinds[self.i] == "=>":
            self.i += 1
            key_result, result = result, self.expression()
        group = kinds[self.i] == "..."
        ellipsis = self.i
        if group:
            self.i += 1
        condition: Expr | None = None
        if kinds[self.i] is IDENT and self.word(self.i) == "if":
            self.i += 1
            condition = self.expression()
        if kinds[self.i] != closer:
            self.for_error(
                start,
                f"Extra characters after the end of the 'for' expression: found {self.shown(self.i)}. "
                f'Close it with "{closer}", or begin a condition with "if".',
            )
        self.i += 1
        end = self.ends[self.i - 1]
        self.depth -= 2
        self.check_for(closer, key_result, result, ellipsis if group else None, (start, end))
        return ForExpr(self.source, start, end, key, name, collection, key_result, result, condition, group)

    def check_for(
        self, closer: str, key_result: Expr | None, result: Expr, ellipsis: int | None, context: tuple[int, int]
    ) -> None:
        error = "Invalid 'for' expression"
        if closer == "}" and key_result is None:
            detail = (
                'A key expression is required when building an object: write "key => value", or use square brackets.'
            )
            self.note("E-SYNTAX-FOR", error, detail, result.start, result.end, context)
        if closer == "]" and key_result is not None:
            detail = "A key expression is not valid when building a tuple. Use braces to build an object."
            self.note("E-SYNTAX-FOR", error, detail, key_result.start, key_result.end, context)
        if closer == "]" and ellipsis is not None:
            detail = "The grouping ellipsis (...) cannot be used when building a tuple. Use braces to build an object."
            self.note("E-SYNTAX-FOR", error, detail, self.starts[ellipsis], self.ends[ellipsis], context)


def _is_reference(expr: Expr) -> bool:
    """Whether an expression is a traversal from a name by attributes and literal keys only."""
    while isinstance(expr, GetAttr | Index):
        if isinstance(expr, Index) and not isinstance(expr.key, Literal | String):
            return False
        expr = expr.target
    return isinstance(expr, Variable)
