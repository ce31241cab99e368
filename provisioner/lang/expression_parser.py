"""Tokens → expressions: precedence climbing over flat arrays, with HCL's own rules for what binds to what.

A syntax error raises `SyntaxStop`, which whoever can resume after it catches: a template sequence, or the body that the
expression stands in. Errors that leave the meaning of the rest clear are only noted. Depth is counted, so that no
text can exhaust Python's stack: see `MAX_DEPTH`.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import NoReturn

from ..model.diagnostics import Diagnostic
from ..model.source import Source
from .ast import (
    Binary,
    Call,
    Conditional,
    Expr,
    ForExpr,
    GetAttr,
    Index,
    Literal,
    ObjectCons,
    ObjectItem,
    Paren,
    Splat,
    SplatItem,
    String,
    TupleCons,
    Unary,
    Variable,
)
from .tokens import (
    CHEREDOC,
    CONTROL,
    CQUOTE,
    EOF,
    IDENT,
    INTERP,
    NEWLINE,
    NUMBER,
    OHEREDOC,
    OQUOTE,
    SEQ_END,
    STRING,
    Tokens,
)

MAX_DEPTH = 200
"""How deep brackets, templates, conditionals and blocks may nest. Real configurations stay below ten."""

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
_KEYWORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class SyntaxStop(Exception):
    """Nothing more can be made of the present item."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.summary)
        self.diagnostic = diagnostic


class ExpressionParser:
    """A cursor over the tokens of one source; each method consumes one construct and returns its node."""

    def __init__(self, source: Source, tokens: Tokens) -> None:
        self.source = source
        self.text = source.text
        self.diagnostics: list[Diagnostic] = []
        self.depth = 0
        self.load(tokens)

    def load(self, tokens: Tokens) -> None:
        """Begins to read other tokens of the same source."""
        self.kinds, self.starts, self.ends = tokens.kinds, tokens.starts, tokens.ends
        self.i = 0

    # Errors

    def diagnostic(
        self, code: str, summary: str, detail: str, start: int, end: int, context: tuple[int, int] | None = None
    ) -> Diagnostic:
        wider = None if context is None else self.source.range(*context)
        return Diagnostic(code, summary, detail, subject=self.source.range(start, end), context=wider)

    def note(
        self, code: str, summary: str, detail: str, start: int, end: int, context: tuple[int, int] | None = None
    ) -> None:
        self.diagnostics.append(self.diagnostic(code, summary, detail, start, end, context))

    def stop(self, code: str, summary: str, detail: str, at: int | None = None, since: int | None = None) -> NoReturn:
        """An error at token `at` (default: the present one), with everything since offset `since` for context."""
        start, end = self.token_range(self.i if at is None else at)
        context = None if since is None or since >= end else (since, end)
        raise SyntaxStop(self.diagnostic(code, summary, detail, start, end, context))

    def stop_span(self, code: str, summary: str, detail: str, start: int, end: int) -> NoReturn:
        raise SyntaxStop(self.diagnostic(code, summary, detail, start, end))

    def token_range(self, at: int) -> tuple[int, int]:
        """What to underline for a token: of a newline with its comments, only the place where the line ends."""
        start, end = self.starts[at], self.ends[at]
        if self.kinds[at] is NEWLINE:
            return start, min(start + 1, end)
        return start, end

    def shown(self, at: int) -> str:
        """A token in words, for a message."""
        kind = self.kinds[at]
        if kind is NEWLINE:
            return "the end of the line"
        if kind is EOF:
            return "the end of the file"
        text = self.text[self.starts[at] : self.ends[at]].strip()
        return f"{text[:40]!r}" if text else kind

    def enter(self, start: int) -> None:
        """Goes one level deeper; whoever calls this lowers `depth` again when its construct has ended."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.stop_span(
                "E-SYNTAX-DEPTH",
                "Nested too deeply",
                f"Brackets, templates and blocks may nest at most {MAX_DEPTH} levels deep. "
                "Name the inner parts with locals and refer to them.",
                start,
                start + 1,
            )

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
            if following == "(" or following == "::":
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
            node = self.template()
        elif kind == "(":
            node = self.paren()
        elif kind == "-" or kind == "!":
            return self.unary()
        else:
            self.no_expression()
        following = self.kinds[self.i]
        if following == "." or following == "[":
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
        while kinds[self.i] in ("-", "!"):
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

    def template(self) -> Expr:
        from .templates import quoted_template  # the two modules need each other

        return quoted_template(self)

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
                            'The star for a full splat operator must be immediately followed by a closing bracket ("]").',
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

    def word(self, at: int) -> str:
        return self.text[self.starts[at] : self.ends[at]]

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
        if isinstance(key, GetAttr | Index) and _is_reference(key):
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
            detail = f"The keyword 'in' is required after the names, but {self.shown(self.i)} follows. Write it as: for item in list."
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

    def skip_to_sequence_end(self) -> bool:
        """After an error inside a template sequence: goes to after its end; False when there is none."""
        nested = quotes = 0
        for at in range(self.i, len(self.kinds)):
            kind = self.kinds[at]
            if kind is INTERP or kind is CONTROL:
                nested += 1
            elif kind is SEQ_END:
                if nested == 0:
                    self.i = at + 1
                    return True
                nested -= 1
            elif kind is OQUOTE or kind is OHEREDOC:
                quotes += 1
            elif kind is CQUOTE or kind is CHEREDOC:
                if quotes == 0:
                    return False
                quotes -= 1
        return False


def _is_reference(expr: Expr) -> bool:
    """Whether an expression is a traversal from a name by attributes and literal keys only."""
    while isinstance(expr, GetAttr | Index):
        if isinstance(expr, Index) and not isinstance(expr.key, Literal | String):
            return False
        expr = expr.target
    return isinstance(expr, Variable)
