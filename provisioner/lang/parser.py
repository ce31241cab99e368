"""Source text → syntax tree, with every error of a run.

    body, diagnostics = parse_file(source)

No text makes these functions raise. A syntax error ends the attribute or block header it is in; parsing goes on with
the next line that, by its indentation and its first token, begins an item of the same or an enclosing body. What the
scanner has already complained about is not reported a second time by the parser.
"""

from __future__ import annotations

from ..model.diagnostics import Diagnostic
from ..model.source import Source
from .ast import Attribute, Block, Body, Expr, Label
from .collector import collector_paused
from .cursor import SyntaxStop
from .expression_parser import ExpressionParser
from .scanner import scan_body, scan_expression, scan_template
from .templates import unescape, whole_template
from .tokens import (
    CONTROL,
    CQUOTE,
    EOF,
    IDENT,
    INTERP,
    LITERAL,
    MAX_ERRORS,
    NEWLINE,
    OQUOTE,
    STRING,
    Tokens,
)

_MAX_RESCANS = 8
_FIRST = frozenset({IDENT, STRING, "}"})  # what a line may begin with that an item, right or wrong, begins or ends at
_AFTER_NAME = frozenset({"=", "{", IDENT, STRING, OQUOTE})
DottedKeys = frozenset[tuple[str, str]]
_SHOWN_TOGETHER = 10  # lines: two places further apart are not shown as one snippet


def parse_file(source: Source, dotted_keys: DottedKeys = frozenset()) -> tuple[Body, list[Diagnostic]]:
    """The body of a file, and what is wrong with it in source order. With errors, the body is what could be read.

    `dotted_keys` names attributes, each by block type and name, whose object's keys may be names with a dot
    (`providers = { aws.audit = … }`); anywhere else such a key is ambiguous, and an error.
    """
    with collector_paused():
        parser = _BodyParser(source, scan_body(source), dotted_keys)
        body = parser.body(-1, 0)
    lines = {d.subject.start.line for _, d in parser.lexical if d.subject is not None}
    parser.diagnostics = [
        d for d in parser.diagnostics if d.code != "E-SYNTAX-KEY" or not d.subject or d.subject.start.line not in lines
    ]
    parser.diagnostics += [diagnostic for _, diagnostic in parser.lexical]
    return body, _in_order(parser)


def parse_expression(source: Source) -> tuple[Expr | None, list[Diagnostic]]:
    """A bare expression, in which newlines do not count; None when it cannot be read."""
    tokens = scan_expression(source)
    parser = ExpressionParser(source, tokens)
    parser.diagnostics += tokens.diagnostics
    expr: Expr | None = None
    try:
        expr = parser.expression()
        if parser.kinds[parser.i] is not EOF:
            parser.stop(
                "E-SYNTAX-EXPRESSION",
                "Extra characters after expression",
                "An expression was successfully parsed, but extra characters were found after it. Remove them.",
            )
    except SyntaxStop as stop:
        if not tokens.diagnostics:
            parser.diagnostics.append(stop.diagnostic)
    return expr, _in_order(parser)


def parse_template(source: Source) -> tuple[Expr | None, list[Diagnostic]]:
    """A bare template, as in a template file; None when it cannot be read."""
    tokens = scan_template(source)
    parser = ExpressionParser(source, tokens)
    parser.diagnostics += tokens.diagnostics
    expr: Expr | None = None
    try:
        expr = whole_template(parser)
    except SyntaxStop as stop:
        if not tokens.diagnostics:
            parser.diagnostics.append(stop.diagnostic)
    return expr, _in_order(parser)


def _placed(diagnostics: list[Diagnostic]) -> list[tuple[int, Diagnostic]]:
    """Diagnostics with the byte offset that each begins at."""
    return [(0 if d.subject is None else d.subject.start.byte, d) for d in diagnostics]


def _in_order(parser: ExpressionParser) -> list[Diagnostic]:
    found = parser.diagnostics
    return sorted(found, key=lambda d: (0, 0) if d.subject is None else (d.subject.start.byte, d.subject.end.byte))


class _BodyParser(ExpressionParser):
    """Parses attributes and blocks, and resumes after errors."""

    def __init__(self, source: Source, tokens: Tokens, dotted_keys: DottedKeys = frozenset()) -> None:
        super().__init__(source, tokens)
        self.dotted_keys = dotted_keys
        self.block_type = ""  # of the block that is being read
        self.lexical = _placed(tokens.diagnostics)
        self.rescans = 0
        self.resume_column = 0  # of the item that parsing resumes with after an error
        self.closed = True  # whether the last body ended with its own brace

    def body(self, opening: int, column: int) -> Body:
        """The items up to the closing brace, or to the end of the file when `opening` is -1.

        `opening` is the offset of the opening brace, `column` that of the block's first character.
        """
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        kinds, block_type = self.kinds, self.block_type
        self.closed = True
        while True:
            kind = kinds[self.i]
            if kind is NEWLINE:
                self.i += 1
                continue
            if kind == "}" and opening >= 0:
                self.i += 1
                return Body(self.source, opening, self.ends[self.i - 1], attributes, blocks)
            if kind is EOF:
                return self.end_of_file(opening, column, attributes, blocks)
            begin, look_from, depth = self.starts[self.i], self.i + 1, self.depth
            try:
                if kind is IDENT and kinds[self.i + 1] == "=":
                    self.add(attributes, self.attribute())
                    self.end_of_item("argument", begin)
                elif kind is IDENT:
                    block = self.block()
                    blocks.append(block)
                    kinds, look_from = self.kinds, self.i  # others than before, after an error within
                    if self.closed:
                        self.end_of_item("block definition", begin)
                else:
                    self.no_item(opening)
            except SyntaxStop as stop:
                self.depth, self.block_type = depth, block_type
                if stop.diagnostic.code == "E-SYNTAX-DEPTH":
                    look_from = self.i  # what lies before would only be too deep again
                self.recover(stop.diagnostic, begin, look_from)
                self.closed = False
            if not self.closed:
                kinds = self.kinds
                if opening >= 0 and self.resume_column <= column and kinds[self.i] not in ("}", EOF):
                    return Body(self.source, opening, self.starts[self.i], attributes, blocks)
                self.closed = True

    def end_of_file(self, opening: int, column: int, attributes: dict[str, Attribute], blocks: list[Block]) -> Body:
        end = len(self.text)
        if opening >= 0 and len(self.diagnostics) < MAX_ERRORS and not self.heard_of(opening, end):
            hint = 'This may be caused by incorrect brace nesting elsewhere in this file. Add the missing "}".'
            swallowed = next((block for block in blocks if self.column(block.start) <= column), None)
            if swallowed is not None:
                line = self.source.position(swallowed.start).line
                hint = f'Add the missing "}}", most likely before the block that begins on line {line}.'
            self.note(
                "E-SYNTAX-BLOCK",
                "Unclosed configuration block",
                f"There is no closing brace for this block before the end of the file. {hint}",
                opening,
                opening + 1,
            )
        return Body(self.source, max(opening, 0), end, attributes, blocks)

    def add(self, attributes: dict[str, Attribute], attribute: Attribute) -> None:
        existing = attributes.get(attribute.name)
        if existing is None:
            attributes[attribute.name] = attribute
            return
        first, second = existing.range.start, attribute.range.start
        near = second.line - first.line <= _SHOWN_TOGETHER
        self.note(
            "E-SYNTAX-DUPLICATE",
            "Attribute redefined",
            f'The argument "{attribute.name}" was already set at {self.source.filename}:{first.line},{first.column}. '
            "Each argument may be set only once. Remove one of them.",
            attribute.start,
            attribute.name_end,
            (existing.start, attribute.name_end) if near else None,
        )

    def attribute(self) -> Attribute:
        at = self.i
        start, name_end = self.starts[at], self.ends[at]
        self.i = at + 2
        name = self.text[start:name_end]
        if self.dotted_keys and (self.block_type, name) in self.dotted_keys:
            self.dotted_object = self.starts[self.i]
        expr = self.expression()
        return Attribute(self.source, start, expr.end, name, expr, name_end)

    def end_of_item(self, what: str, begin: int) -> None:
        kind = self.kinds[self.i]
        if kind is NEWLINE:
            self.i += 1
            return
        if kind is EOF:
            return
        code, since = "E-SYNTAX-NEWLINE", begin
        ends_with = f"{'An' if what[0] == 'a' else 'A'} {what} must end with a newline"
        if kind == ",":
            self.stop(
                code,
                f"Unexpected comma after {what}",
                f"Definitions must be separated by newlines, not commas. {ends_with}. Remove the comma.",
                since=since,
            )
        detail = f"{ends_with}, but {self.shown(self.i)} follows. Put it on a line of its own."
        if kind is OQUOTE or kind is STRING:
            detail += ' For quotes inside of a string, write \\".'
        self.stop(code, f"Missing newline after {what}", detail, since=since)

    def no_item(self, opening: int) -> None:
        kind, at = self.kinds[self.i], self.i
        code, summary = "E-SYNTAX-ITEM", "Argument or block definition required"
        if kind is STRING or kind is OQUOTE:
            summary = "Invalid argument name"
            detail = "Argument names must not be quoted. Write the name without quotes."
        elif kind in ("}", ")", "]"):
            detail = f"An argument or block definition is required here, but this {kind!r} closes nothing. Remove it."
        elif kind == "{":
            detail = (
                "An argument or block definition is required here. Write the block's type before its opening brace."
            )
        else:
            detail = (
                f"An argument or block definition is required here, but {self.shown(at)} was found. Begin with a name."
            )
        self.stop(code, summary, detail)

    # Blocks

    def block(self) -> Block:
        first = self.i
        start = self.starts[first]
        kinds = self.kinds
        self.i += 1
        labels = self.labels(first)
        header_end = self.ends[self.i - 1]
        opening = self.starts[self.i]
        self.enter(start)
        self.i += 1
        type_name = self.text[start : self.ends[first]]
        kind = kinds[self.i]
        outer, self.block_type = self.block_type, type_name
        if kind is NEWLINE or kind == "}" or kind is EOF:
            body = self.body(opening, self.column(start))
        else:
            body = self.one_line_body(opening)
        self.block_type = outer
        self.depth -= 1
        return Block(self.source, start, body.end, type_name, labels, body, header_end)

    def column(self, start: int) -> int:
        return start - self.text.rfind("\n", 0, start) - 1

    def labels(self, first: int) -> list[Label]:
        labels: list[Label] = []
        while True:
            at = self.i
            kind = self.kinds[at]
            if kind is STRING:
                start, end = self.starts[at], self.ends[at]
                labels.append(Label(self.source, start, end, self.text[start + 1 : end - 1], True))
                self.i += 1
            elif kind is IDENT:
                labels.append(Label(self.source, self.starts[at], self.ends[at], self.word(at), False))
                self.i += 1
            elif kind == "{":
                return labels
            elif kind is OQUOTE:
                labels.append(self.quoted_label())
            else:
                self.bad_header(first, kind, bool(labels))

    def bad_header(self, first: int, kind: str, labelled: bool) -> None:
        since = self.starts[first]
        name = self.word(first)
        if not labelled:
            start, end = self.token_range(first)
            hint = f' Write "{name} = …" for an argument, or "{name} {{" for a block.'
            if kind == ":":
                hint = f' Use "=", not ":", to set an argument: "{name} = …".'
            elif kind == "==":
                hint = f' Use a single "=" to set an argument: "{name} = …".'
            elif kind == ".":
                hint = " Argument names hold no dots; quote the name as a key of an object instead."
            detail = (
                'An argument or block definition is required here. To set an argument, use the equals sign "=" to '
                f"introduce the argument value.{hint}"
            )
            self.stop_span("E-SYNTAX-ITEM", "Argument or block definition required", detail, start, end)
        summary = "Invalid block definition"
        if kind == "=":
            detail = (
                'The equals sign "=" indicates an argument definition, and must not be used when defining a block. '
                "Remove it."
            )
        elif kind is NEWLINE:
            detail = (
                'A block definition must have block content delimited by "{" and "}", starting on the same line as '
                'the block header. Put the "{" at the end of this line.'
            )
        else:
            detail = (
                f'Either a quoted string block label or an opening brace ("{{") is expected here, but '
                f"{self.shown(self.i)} was found. Quote labels that are not plain names."
            )
        self.stop("E-SYNTAX-BLOCK", summary, detail, since=since)

    def quoted_label(self) -> Label:
        """A quoted label with escapes, or with template sequences, which it may not have."""
        start = self.starts[self.i]
        value = ""
        self.i += 1
        while True:
            kind, at = self.kinds[self.i], self.i
            if kind is LITERAL:
                offset = self.starts[at]

                def report(detail: str, first: int, last: int, offset: int = offset) -> None:
                    self.note("E-SYNTAX-ESCAPE", "Invalid escape sequence", detail, offset + first, offset + last)

                value += unescape(self.word(at), report)
                self.i += 1
            elif kind is CQUOTE:
                self.i += 1
                return Label(self.source, start, self.ends[at], value, True)
            elif kind is INTERP or kind is CONTROL:
                sign = self.text[self.starts[at]]
                self.note(
                    "E-SYNTAX-LABEL",
                    "Invalid string literal",
                    "Template sequences are not allowed in this string: block labels are fixed. To include a literal "
                    f'"{sign}{{", double the sign (as "{sign}{sign}{{") to escape it.',
                    *self.token_range(at),
                )
                self.i += 1
                if not self.skip_to_sequence_end():
                    self.stop("E-SYNTAX-LABEL", "Invalid string literal", "This label never ends. Close the quote.", at)
            else:
                self.stop("E-SYNTAX-LABEL", "Invalid string literal", "This label never ends. Close the quote.", at)

    def one_line_body(self, opening: int) -> Body:
        """`{ name = value }`: one argument, and the closing brace on the same line."""
        code, summary = "E-SYNTAX-ONE-LINE", "Invalid single-argument block definition"
        first = self.i
        if self.kinds[first] is not IDENT:
            self.no_item(opening)
        kind = self.kinds[first + 1]
        if kind in ("{", IDENT, STRING, OQUOTE):
            self.stop_span(
                code,
                "Argument definition required",
                "A single-line block definition can contain only a single argument. If you meant to define argument "
                f'"{self.word(first)}", use an equals sign to assign it a value. To define a nested block, place it on '
                "a line of its own within its parent block.",
                self.starts[first],
                self.ends[first + 1],
            )
        if kind != "=":
            self.i = first + 1
            self.bad_header(first, kind, False)
        attribute = self.attribute()
        kind = self.kinds[self.i]
        if kind == "}":
            self.i += 1
            self.closed = True
            return Body(self.source, opening, self.ends[self.i - 1], {attribute.name: attribute}, [])
        if kind == ",":
            detail = (
                "Single-line block syntax can include only one argument definition. To define multiple arguments, use "
                "the multi-line block syntax with one argument definition per line, without commas."
            )
        elif kind is NEWLINE:
            detail = (
                "An argument definition on the same line as its containing block creates a single-line block "
                "definition, which must also be closed on the same line. Place the block's closing brace immediately "
                "after the argument definition, or begin a new line after the opening brace."
            )
        elif kind is EOF:
            self.stop_span(
                "E-SYNTAX-BLOCK",
                "Unclosed configuration block",
                'There is no closing brace for this block before the end of the file. Add the missing "}".',
                opening,
                opening + 1,
            )
        else:
            detail = (
                "A single-line block definition must end with a closing brace immediately after its single argument "
                f"definition, but {self.shown(self.i)} follows. Put each argument on a line of its own."
            )
        self.stop(code, summary, detail, since=attribute.start)

    # After an error

    def heard_of(self, start: int, end: int) -> bool:
        """Whether the scanner has complained about something between two offsets."""
        if not self.lexical:
            return False
        first, last = self.source.position(start).byte, self.source.position(end).byte
        return any(first <= at <= last for at, _ in self.lexical)

    def recover(self, diagnostic: Diagnostic, begin: int, look_from: int) -> None:
        """Notes an error in the item that began at offset `begin`, and goes to where parsing can resume.

        That may be before the error: a bracket that is never closed makes the next item seem to belong to this one.
        """
        resume = self.next_item(look_from, self.column(begin))
        if resume < self.i:  # what was noted behind that place will be noted again
            byte = self.source.position(self.starts[resume]).byte
            self.diagnostics = [d for d in self.diagnostics if d.subject is None or d.subject.start.byte < byte]
        if not self.heard_of(begin, self.starts[resume]):
            self.diagnostics.append(diagnostic)
        if len(self.diagnostics) >= MAX_ERRORS:
            resume = len(self.kinds) - 1
        self.i = resume
        offset = self.starts[resume]
        self.resume_column = self.column(offset)
        if self.kinds[resume] is not EOF and self.kinds[resume - 1] is not NEWLINE:
            self.rescan(offset)

    def next_item(self, at: int, column: int) -> int:
        """The next token that begins a line, no further in than `column`, and may begin or end an item."""
        kinds, starts, ends, text = self.kinds, self.starts, self.ends, self.text
        while kinds[at] is not EOF:
            kind = kinds[at]
            if kind in _FIRST:
                newline = text.rfind("\n", ends[at - 1] - (kinds[at - 1] is NEWLINE), starts[at])
                indent = starts[at] - newline - 1
                if newline >= 0 and (
                    (kind == "}" and indent < column)
                    or (kind is IDENT and indent <= column and kinds[at + 1] in _AFTER_NAME)
                    or (kind != "}" and indent <= column and kinds[at - 1] is NEWLINE)
                ):
                    return at
            at += 1
        return at

    def rescan(self, offset: int) -> None:
        """Scans again from `offset`, where the scanner took itself to be inside brackets that were never closed."""
        self.rescans += 1
        if self.rescans > _MAX_RESCANS:
            self.i = len(self.kinds) - 1
            return
        byte = self.source.position(offset).byte
        tokens = scan_body(self.source, offset)
        self.lexical = [(at, d) for at, d in self.lexical if at < byte] + _placed(tokens.diagnostics)
        self.load(tokens)
