"""The canonical layout: byte for byte what `terraform fmt` writes.

Only the space between tokens changes, with the three rewrites that Terraform makes too: an attribute whose value is
one interpolation loses the quotes, the type of a variable loses its quotes, and block labels are quoted. Layout
knows nothing of the syntax tree: a line is indented by the brackets that are open before it, equals signs of
neighbouring lines stand below each other, and so do comments at the end of neighbouring lines.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source
from .ast import Attribute, Block, Body
from .parser import parse_file
from .scanner import scan_body
from .strings import quote
from .tokens import (
    CHEREDOC,
    COMMENT,
    CONTROL,
    CQUOTE,
    EOF,
    IDENT,
    INTERP,
    LITERAL,
    NEWLINE,
    NUMBER,
    OHEREDOC,
    OQUOTE,
    SEQ_END,
    STRING,
    TEXT,
)

_BRACKETS = {
    **dict.fromkeys(("(", "[", "{", INTERP, CONTROL), 1),
    **dict.fromkeys((")", "]", "}", SEQ_END), -1),
}
_WITHIN_TEMPLATE_AFTER = frozenset({LITERAL, TEXT, OQUOTE, OHEREDOC})
_WITHIN_TEMPLATE_BEFORE = frozenset({LITERAL, TEXT, CQUOTE, CHEREDOC})
_BEFORE_NEGATION = frozenset(
    ["(", "{", "[", "=", ":", ",", "?", "+", "*", "/", "%", "-", "==", "!=", ">", ">=", "<", "<=", "&&", "||", "!"],
)
_NOT_LAYOUT = "E-SYNTAX-KEY"  # an error of meaning, which Terraform formats all the same

_NAME_ONLY = {"list": "any", "map": "any", "set": "any"}
_QUOTED_TYPES = {"string": "", "list": "string", "map": "string"}


@dataclass(slots=True)
class _Tokens:
    """Parallel lists: kind, text and the number of spaces before it."""

    kinds: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    spaces: list[int] = field(default_factory=list)

    def add(self, kind: str, text: str) -> None:
        self.kinds.append(kind)
        self.texts.append(text)
        self.spaces.append(0)


@dataclass(slots=True)
class _Line:
    """Token ranges: `[start, assign)` leads, `[assign, comment)` is "= …", `[comment, end)` a comment at the end."""

    start: int
    assign: int
    comment: int
    end: int


def format_source(text: str) -> str:
    """`text` in canonical layout. Raises DiagnosticError when it is not valid syntax: nothing is changed then."""
    formatted, diagnostics = format_text(Source("<source>", text))
    if diagnostics:
        raise DiagnosticError(diagnostics)
    return formatted


def format_text(source: Source) -> tuple[str, list[Diagnostic]]:
    """The source in canonical layout and no diagnostics; or, with syntax errors, the text as it is and all of them."""
    body, found = parse_file(source)
    diagnostics = [d for d in found if d.code != _NOT_LAYOUT]
    if diagnostics:
        return source.text, diagnostics
    tokens = _rewritten(source, body)
    _lay_out(tokens)
    return "".join(" " * n + text if n else text for n, text in zip(tokens.spaces, tokens.texts, strict=True)), []


# Rewrites


def _rewritten(source: Source, body: Body) -> _Tokens:
    """The tokens of a file, with values, types and labels rewritten as Terraform does."""
    found = scan_body(source, keep=True)
    text, starts, ends, kinds = source.text, found.starts, found.ends, found.kinds
    replaced: list[tuple[int, int, list[tuple[str, str]]]] = []

    def tokens(start: int, end: int) -> list[tuple[str, str]]:
        return [(kinds[at], text[starts[at] : ends[at]]) for at in range(start, end)]

    def attribute(item: Attribute, is_type: bool) -> None:
        start, end = bisect_left(starts, item.expr.start), bisect_left(starts, item.expr.end)
        new = None
        if is_type and end - start == 1:
            new = _type(kinds[start], text[starts[start] : ends[start]])
        elif not is_type and end - start >= 5 and kinds[start] is OQUOTE and kinds[start + 1] is INTERP:
            new = _unwrapped(tokens(start, end))
        if new is not None:
            replaced.append((start, end, new))

    def labels(block: Block) -> None:
        start = bisect_left(starts, block.start) + 1
        end = bisect_left(starts, block.header_end)
        new = []
        for label in block.labels:
            new += [(STRING, quote(label.value))]
        replaced.append((start, end, new))

    pending: list[tuple[Body, bool]] = [(body, False)]
    while pending:
        inside, is_variable = pending.pop()
        for item in inside.attributes.values():
            attribute(item, is_variable and item.name == "type")
        for block in inside.blocks:
            if block.labels:
                labels(block)
            pending.append((block.body, inside is body and block.type == "variable"))

    out = _Tokens()
    at = 0
    for start, end, new in [*sorted(replaced), (len(kinds), len(kinds), [])]:
        for kind, written in [*tokens(at, start), *new]:
            out.add(kind, written)
        at = end
    out.spaces[-1] = len(text) - (ends[-2] if len(ends) > 1 else 0)  # spaces at the end of the file stay
    return out


def _type(kind: str, text: str) -> list[tuple[str, str]] | None:
    """The type of a variable as Terraform 0.12 and later have it, or None where it is that already."""
    element = None
    if kind is IDENT:
        element = _NAME_ONLY.get(text)
    elif kind is STRING:
        text = text[1:-1]
        element = _QUOTED_TYPES.get(text)
    if element is None:
        return None
    return [(IDENT, text), ("(", "("), (IDENT, element), (")", ")")] if element else [(IDENT, text)]


def _unwrapped(tokens: list[tuple[str, str]]) -> list[tuple[str, str]] | None:
    """The tokens inside of `"${…}"`, or None where more than one interpolation, or literal text, may be involved."""
    if tokens[-2][0] is not SEQ_END or tokens[-1][0] is not CQUOTE:
        return None
    inside = tokens[2:-2]
    quotes = 0
    for kind, _ in inside:
        if kind is OQUOTE:
            quotes += 1
        elif kind is CQUOTE:
            quotes -= 1
        elif quotes <= 0 and kind in (INTERP, CONTROL, SEQ_END, LITERAL) and kind is not CONTROL:
            return None
    while inside and inside[0][0] is NEWLINE:
        del inside[0]
    while inside and inside[-1][0] is NEWLINE:
        del inside[-1]
    enclosed = inside[0][0] == "(" and inside[-1][0] == ")" and len(inside) > 1
    if any(kind is NEWLINE for kind, _ in inside) and not enclosed:
        return [("(", "("), *inside, (")", ")")]
    return inside


# Layout


def _lay_out(tokens: _Tokens) -> None:
    lines = _lines(tokens)
    _indent(tokens, lines)
    for line in lines:
        _space(tokens, line.start, line.assign)
        if line.assign < line.comment:
            tokens.spaces[line.assign] = 1
            _space(tokens, line.assign, line.comment)
    _align(tokens, lines)


def _lines(tokens: _Tokens) -> list[_Line]:
    kinds, texts = tokens.kinds, tokens.texts
    lines = []
    start = 0
    for at, kind in enumerate(kinds):
        if kind is NEWLINE or (kind is COMMENT and texts[at].endswith("\n")):
            lines.append(_cells(kinds, start, at + 1))
            start = at + 1
        elif kind is EOF:
            lines.append(_cells(kinds, start, at))
    return lines


def _cells(kinds: list[str], start: int, end: int) -> _Line:
    """Splits one line: what follows an equals sign is a cell of its own unless it goes on in the next line."""
    comment = end
    if end - start > 1 and kinds[end - 1] is COMMENT:
        comment = end - 1
    for at in range(start + 1, comment):
        if kinds[at] == "=":
            if sum(_BRACKETS.get(kind, 0) for kind in kinds[at:comment]) == 0:
                return _Line(start, at, comment, end)
            break
    return _Line(start, comment, comment, end)


def _indent(tokens: _Tokens, lines: list[_Line]) -> None:
    """Two spaces for every line that opened more brackets than it closed and is not yet closed again."""
    kinds, spaces = tokens.kinds, tokens.spaces
    opened: list[int] = []
    for line in lines:
        if line.start == line.end or kinds[line.start] is NEWLINE:
            continue
        net = 0
        for kind in kinds[line.start : line.assign]:
            net += _BRACKETS.get(kind, 0)
            if kind is OHEREDOC:
                break
        net += sum(_BRACKETS.get(kind, 0) for kind in kinds[line.assign : line.comment])
        while net < 0 and opened:
            if -net < opened[-1]:
                opened[-1] += net
                break
            net += opened.pop()
        spaces[line.start] = 2 * len(opened)
        if net > 0:
            opened.append(net)


def _space(tokens: _Tokens, start: int, end: int) -> None:
    kinds, spaces = tokens.kinds, tokens.spaces
    before = ""
    for at in range(start, end - 1):
        kind = kinds[at]
        spaces[at + 1] = 1 if _space_after(before, kind, kinds[at + 1], tokens.texts[at]) else 0
        before = kind


def _space_after(before: str, kind: str, after: str, text: str) -> bool:
    """Whether a space stands between a token of kind `kind` and one of kind `after`."""
    if after is NEWLINE or (kind is IDENT and after == "("):
        return False
    if (kind is IDENT and after == "::") or (kind == "::" and after is IDENT):
        return False
    if kind == "." or after in (".", ",", "..."):
        return False
    if kind == ",":
        return True
    if kind in _WITHIN_TEMPLATE_AFTER or after in _WITHIN_TEMPLATE_BEFORE:
        return False
    if kind is IDENT and text == "in" and before is IDENT:
        return True  # [for x in [a, b] : x]
    if after == "[" and (kind is IDENT or kind is NUMBER or _BRACKETS.get(kind, 0) < 0):
        return False
    if kind == "!":
        return False
    if kind == "-":
        return before != "" and before not in _BEFORE_NEGATION
    if kind == "{" or after == "}":
        return not (kind == "{" and after == "}")
    if (kind is INTERP or kind is CONTROL) and after == "{":
        return True
    if kind == "}" and after is SEQ_END:
        return True
    if kind is SEQ_END and (after is INTERP or after is CONTROL):
        return False
    return not (_BRACKETS.get(kind, 0) > 0 or _BRACKETS.get(after, 0) < 0)


def _align(tokens: _Tokens, lines: list[_Line]) -> None:
    """Puts equals signs, then comments, of neighbouring lines below each other."""
    _align_cells(tokens, [(line.start, line.assign, line.assign < line.comment) for line in lines])
    _align_cells(tokens, [(line.start, line.comment, line.comment < line.end) for line in lines])


def _align_cells(tokens: _Tokens, cells: list[tuple[int, int, bool]]) -> None:
    """`cells`: for each line where it starts, where its cell starts, and whether it has one."""
    chain: list[tuple[int, int]] = []
    for start, cell, present in [*cells, (0, 0, False)]:
        if present:
            chain.append((cell, _columns(tokens, start, cell)))
        elif chain:
            widest = max(width for _, width in chain)
            for at, width in chain:
                tokens.spaces[at] = widest - width + 1
            chain = []


def _columns(tokens: _Tokens, start: int, end: int) -> int:
    """How many columns tokens take: one for each character as a reader sees it."""
    return sum(tokens.spaces[start:end]) + sum(map(_width, tokens.texts[start:end]))


def _width(text: str) -> int:
    if text.isascii():
        return len(text) - text.count("\r\n")
    import regex

    return len(regex.findall(r"\X", text))
