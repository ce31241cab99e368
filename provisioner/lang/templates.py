"""Quoted strings, heredocs and template files → expressions.

First a flat list of parts, with whitespace trimmed as the `~` markers say and, in `<<-` heredocs, the common
indentation taken off; then directives are matched into a tree. Trimming is done as HCL does it: a marker trims
the neighbouring literal, which in a heredoc or file reaches to the end of its line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ast import Expr, Literal, String, Template, TemplateFor, TemplateIf, TemplateWrap, Variable
from .cursor import SyntaxStop
from .suggest import suggestion
from .tokens import CHEREDOC, CONTROL, EOF, IDENT, INTERP, LITERAL, MAX_ERRORS, OHEREDOC, SEQ_END, TEXT, WHITESPACE

if TYPE_CHECKING:
    from .expression_parser import ExpressionParser

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{0,4})|U([0-9a-fA-F]{0,8})|(.?))|\$\$\{|%%\{", re.DOTALL)
_TEMPLATE_ESCAPE = re.compile(r"\$\$\{|%%\{")
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_DIRECTIVES = ("if", "for", "else", "endif", "endfor")


@dataclass(slots=True)
class _Part:
    """A literal (`text`), an interpolation (`expr`) or a directive (`directive`) with its expression and names."""

    start: int
    end: int
    text: str | None = None
    expr: Expr | None = None
    directive: str = ""
    key: str | None = None
    value: str = ""


def unescape(text: str, report: Callable[[str, int, int], None]) -> str:
    """The value of quoted text as written; `report(detail, start, end)` is told of escapes that are not valid."""

    def resolve(match: re.Match[str]) -> str:
        written = match[0]
        if written[0] != "\\":
            return written[1:]
        short, long, simple = match.groups()
        if simple is not None:
            if simple in _SIMPLE:
                return _SIMPLE[simple]
            report(_bad_escape(simple), *match.span())
            return simple
        digits, wanted, name = (short, 4, "four") if short is not None else (long, 8, "eight")
        if len(digits) != wanted:
            detail = f"The \\{written[1]} escape sequence must be followed by {name} hexadecimal digits."
            report(f"{detail} Add leading zeros.", *match.span())
            return written
        code = int(digits, 16)
        if code > sys.maxunicode or 0xD800 <= code <= 0xDFFF:
            detail = f"Cannot encode character U+{code:04x} in UTF-8."
            report(f"{detail} Give the code point of a character; for one above U+FFFF use \\U.", *match.span())
            return "\ufffd"
        return chr(code)

    return _ESCAPE.sub(resolve, text)


def _bad_escape(selector: str) -> str:
    if not selector:
        return 'Backslash must be followed by an escape sequence selector character. For a backslash, write "\\\\".'
    detail = f'The symbol "{selector}" is not a valid escape sequence selector.'
    if selector in "$%":
        return f'{detail} To write a literal "{selector}{{", double the sign: "{selector}{selector}{{".'
    return (
        f'{detail} Valid are \\n, \\r, \\t, \\", \\\\, \\uNNNN and \\UNNNNNNNN; for a backslash itself, write "\\\\".'
    )


def quoted_template(parser: ExpressionParser) -> Expr:
    """A quoted string or heredoc; the cursor stands at its opening."""
    opening = parser.i
    start = parser.starts[opening]
    parser.enter(start, 2)
    parser.i += 1
    heredoc = parser.kinds[opening] is OHEREDOC
    parts = _parts(parser)
    if heredoc and parser.word(opening).startswith("<<-"):
        _take_indentation_off(parts)
    parser.i += 1
    parser.depth -= 2
    return _assemble(parser, parts, start, parser.ends[parser.i - 1])


def whole_template(parser: ExpressionParser) -> Expr:
    """A bare template: the whole source."""
    return _assemble(parser, _parts(parser), 0, len(parser.text))


def _parts(parser: ExpressionParser) -> list[_Part]:
    """The parts up to the closing token, at which the cursor is left; the scanner has balanced the two."""
    kinds = parser.kinds
    parts: list[_Part] = []
    trim_next = False
    while True:
        kind = kinds[parser.i]
        trim, trim_next = trim_next, False
        if kind is LITERAL or kind is TEXT:
            lines = _literals(parser, kind is LITERAL)
            if trim and lines[0].text:
                lines[0].text = lines[0].text.lstrip(WHITESPACE)
            parts += lines
            parser.i += 1
        elif kind is INTERP or kind is CONTROL:
            if parts and parts[-1].text and parser.ends[parser.i] - parser.starts[parser.i] == 3:
                parts[-1].text = parts[-1].text.rstrip(WHITESPACE)
            part = _sequence(parser, kind)
            if part is not None:
                parts.append(part)
            trim_next = parser.text.startswith("~", parser.starts[parser.i - 1])
        else:
            return parts


def _literals(parser: ExpressionParser, quoted: bool) -> list[_Part]:
    """The literal token at the cursor: a quoted one is one part, heredoc text one part a line."""
    start, end = parser.starts[parser.i], parser.ends[parser.i]
    text = parser.text[start:end]
    if quoted:
        if "\\" in text or "{" in text:

            def report(detail: str, first: int, last: int) -> None:
                parser.note("E-SYNTAX-ESCAPE", "Invalid escape sequence", detail, start + first, start + last)

            text = unescape(text, report)
        return [_Part(start, end, text)]
    parts = []
    for line in text.split("\n"):
        stop = min(start + len(line) + 1, end)
        if stop > start:
            value = parser.text[start:stop]
            if "{" in value:
                value = _TEMPLATE_ESCAPE.sub(lambda match: match[0][1:], value)
            parts.append(_Part(start, stop, value))
        start = stop
    return parts


def _sequence(parser: ExpressionParser, kind: str) -> _Part | None:
    """One `${…}` or `%{…}`. After an error in it, parsing goes on behind it where its end can be found."""
    start, depth = parser.starts[parser.i], parser.depth
    try:
        parser.i += 1
        part = _interpolation(parser, start) if kind is INTERP else _directive(parser, start)
        part.end = parser.ends[parser.i]
        parser.i += 1
        return part
    except SyntaxStop as stop:
        parser.depth = depth
        if len(parser.diagnostics) >= MAX_ERRORS or not parser.skip_to_sequence_end():
            raise
        parser.diagnostics.append(stop.diagnostic)
        end = parser.ends[parser.i - 1]
        return _Part(start, end, expr=Literal(parser.source, start, end, None)) if kind is INTERP else None


def _interpolation(parser: ExpressionParser, start: int) -> _Part:
    if parser.kinds[parser.i] is SEQ_END:
        detail = 'Expected an expression inside "${}". Write one, or "$${" for a literal dollar sign and brace.'
        parser.stop("E-SYNTAX-EXPRESSION", "Invalid expression", detail, since=start)
    expr = parser.expression()
    kind = parser.kinds[parser.i]
    if kind is SEQ_END:
        return _Part(start, 0, expr=expr)
    if kind == ":" and isinstance(expr, Variable):
        _policy_variable(parser, start)
    if kind is EOF or kind is CHEREDOC:
        parser.stop_span(
            "E-SYNTAX-TEMPLATE",
            "Unclosed template interpolation sequence",
            "There is no closing brace for this interpolation sequence before the end of the file. This might be "
            'caused by incorrect nesting inside the given expression. Add the missing "}".',
            start,
            start + 2,
        )
    parser.stop(
        "E-SYNTAX-TEMPLATE",
        "Extra characters after interpolation expression",
        f"Expected a closing brace to end the interpolation expression, but found {parser.shown(parser.i)}. This can "
        "happen when you include interpolation syntax for another language, such as shell scripting. If this is an "
        'embedded sequence for another language, escape it by starting with "$${" instead of just "${".',
        since=start,
    )


def _policy_variable(parser: ExpressionParser, start: int) -> None:
    """`${aws:username}`: an AWS policy variable as policies have it, which HCL takes for an interpolation."""
    brace = parser.text.find("}", start)
    newline = parser.text.find("\n", start)
    if brace < 0 or 0 <= newline < brace:
        return
    inner = parser.text[start + 2 : brace].strip("~ ")
    parser.stop_span(
        "E-SYNTAX-POLICY-VARIABLE",
        "Policy variable written as an interpolation",
        f'A template interpolation cannot hold a colon. For an AWS policy variable, write "&{{{inner}}}"; '
        f'for this literal text, double the dollar sign: "$${{{inner}}}".',
        start,
        brace + 1,
    )


def _directive(parser: ExpressionParser, start: int) -> _Part:
    if parser.kinds[parser.i] is not IDENT:
        detail = (
            'A template directive keyword ("if", "for", "else", "endif", "endfor") is expected at the beginning of a '
            '%{ sequence. For a literal "%{", write "%%{".'
        )
        parser.stop("E-SYNTAX-DIRECTIVE", "Invalid template directive", detail, since=start)
    keyword = parser.word(parser.i)
    part = _Part(start, 0, directive=keyword)
    if keyword not in _DIRECTIVES:
        hint = suggestion(keyword, _DIRECTIVES)
        detail = f'"{keyword}" is not a valid template control keyword.{hint} For a literal "%{{", write "%%{{".'
        parser.stop("E-SYNTAX-DIRECTIVE", "Invalid template control keyword", detail, since=start)
    parser.i += 1
    if keyword == "if":
        part.expr = parser.expression()
    elif keyword == "for":
        part.key, part.value = parser.for_names("Invalid 'for' directive")
        part.expr = parser.expression()
    if parser.kinds[parser.i] is not SEQ_END:
        detail = (
            f'Expected a closing brace to end the sequence, but found {parser.shown(parser.i)}. Close it with "}}".'
        )
        parser.stop("E-SYNTAX-DIRECTIVE", f"Extra characters in {keyword} marker", detail, since=start)
    return part


def _take_indentation_off(parts: list[_Part]) -> None:
    """The rule of `<<-`: the smallest indentation of any line is taken off every line.

    A line that is empty but for whitespace does not count, nor does interpolated text. Counted after trimming.
    """
    least = sys.maxsize
    leading = []
    at_line_start = True
    for part in parts:
        if at_line_start:
            at_line_start = False
            text = part.text
            if text is None:
                least = 0
            else:
                body = text.lstrip(WHITESPACE)
                if body or not text.endswith("\n"):
                    least = min(least, len(text) - len(body))
                    leading.append(part)
        at_line_start = at_line_start or (part.text or "").endswith("\n")
    for part in leading:
        part.text = (part.text or "")[least:]


@dataclass(slots=True)
class _Open:
    """An `if` or `for` that waits for its end, and what it has collected so far."""

    part: _Part
    then: list[Expr]
    otherwise: list[Expr] | None = None

    @property
    def target(self) -> list[Expr]:
        return self.then if self.otherwise is None else self.otherwise


def _assemble(parser: ExpressionParser, parts: list[_Part], start: int, end: int) -> Expr:
    """Joins neighbouring literals, matches directives and picks the kind of node."""
    source = parser.source
    if len(parts) == 1 and parts[0].expr is not None and not parts[0].directive:
        return TemplateWrap(source, start, end, parts[0].expr)
    if all(part.text is not None for part in parts):
        return String(source, start, end, "".join(part.text or "" for part in parts))
    root: list[Expr] = []
    stack: list[_Open] = []
    for part in _joined(parts):
        target = stack[-1].target if stack else root
        if part.text is not None:
            if part.text:
                target.append(String(source, part.start, part.end, part.text))
        elif part.directive in ("if", "for"):
            parser.enter(part.start)
            stack.append(_Open(part, []))
        elif part.directive:
            _close(parser, stack, part, root)
        elif part.expr is not None:
            target.append(part.expr)
    for unclosed in stack:
        word = unclosed.part.directive
        detail = f"The {word} directive is missing its corresponding end{word} directive. Add %{{ end{word} }}."
        _unbalanced(parser, "Unexpected end of template", detail, unclosed.part)
    parser.depth -= len(stack)
    return Template(source, start, end, root)


def _joined(parts: list[_Part]) -> Iterator[_Part]:
    """The parts, each run of literals made one."""
    run: list[_Part] = []
    for part in parts:
        if part.text is not None:
            run.append(part)
            continue
        if run:
            yield _Part(run[0].start, run[-1].end, "".join(literal.text or "" for literal in run))
            run = []
        yield part
    if run:
        yield _Part(run[0].start, run[-1].end, "".join(literal.text or "" for literal in run))


def _unbalanced(parser: ExpressionParser, summary: str, detail: str, part: _Part) -> None:
    parser.note("E-SYNTAX-DIRECTIVE", summary, detail, part.start, part.end)


def _place(parser: ExpressionParser, opener: _Part) -> str:
    where = parser.source.position(opener.start)
    return f"line {where.line}, column {where.column}"


def _close(parser: ExpressionParser, stack: list[_Open], part: _Part, root: list[Expr]) -> None:
    """`else`, `endif` or `endfor`: closes the innermost directive, or says why it cannot."""
    word = part.directive
    summary = f"Unexpected {word} directive"
    if not stack:
        opening = "for" if word == "endfor" else "if"
        detail = f"There is no open directive for this {word}. Remove it, or begin with %{{ {opening} … }}."
        _unbalanced(parser, summary, detail, part)
        return
    opened = stack[-1]
    opener = opened.part
    if word == "else":
        if opener.directive == "for":
            _unbalanced(parser, summary, "An else clause is not expected for a for directive. Remove it.", part)
        elif opened.otherwise is not None:
            detail = f"Already in the else clause for the if started at {_place(parser, opener)}. Remove one of them."
            _unbalanced(parser, summary, detail, part)
        else:
            opened.otherwise = []
        return
    if word != f"end{opener.directive}":
        begun = opener.directive
        place = _place(parser, opener)
        detail = f"Expecting an end{begun} directive for the {begun} started at {place}. Close that first."
        _unbalanced(parser, summary, detail, part)
        return
    stack.pop()
    parser.depth -= 1
    assert opener.expr is not None  # if and for always have one
    source, start, end = parser.source, opener.start, part.end
    node: Expr
    if word == "endif":
        node = TemplateIf(source, start, end, opener.expr, opened.then, opened.otherwise or [])
    else:
        node = TemplateFor(source, start, end, opener.key, opener.value, opener.expr, opened.then)
    (stack[-1].target if stack else root).append(node)
