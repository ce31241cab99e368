"""Diagnostics for people and for editors: pure functions from messages and sources to text and JSON data.

The text form is Terraform's box with the offending range underlined; the JSON form is that of `terraform validate
-json` (format version 1.0), with our `code` added, so that editors understand it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import Any, Final

from ..model.diagnostics import Diagnostic
from ..model.source import Source, SourceRange
from .escape import escape

WIDTH: Final = 100
FORMAT_VERSION: Final = "1.0"
_MAX_LINES: Final = 8
_MAX_COLUMNS: Final = 400
_HEADER: Final = re.compile(r'([A-Za-z_][\w-]*)((?:[ \t]+"[^"\n]*")*)[ \t]*\{')
_RED: Final = "\x1b[31m"
_YELLOW: Final = "\x1b[33m"
_BOLD: Final = "\x1b[1m"
_UNDERLINE: Final = "\x1b[4m"
_RESET: Final = "\x1b[0m"

Sources = Mapping[str, Source]


def human(diagnostics: Iterable[Diagnostic], sources: Sources, *, width: int = WIDTH, color: bool = False) -> str:
    """All diagnostics as boxes, an empty line between two; empty text for none. `width` is in columns."""
    return "\n".join(_box(diagnostic, sources, max(width, 40), color) for diagnostic in diagnostics)


def validation_json(diagnostics: Iterable[Diagnostic], sources: Sources) -> dict[str, Any]:
    """The whole answer of `validate -json`: JSON data in Terraform's shape."""
    found = list(diagnostics)
    errors = sum(diagnostic.is_error for diagnostic in found)
    return {
        "format_version": FORMAT_VERSION,
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": len(found) - errors,
        "diagnostics": [as_json(diagnostic, sources) for diagnostic in found],
    }


def as_json(diagnostic: Diagnostic, sources: Sources) -> dict[str, Any]:
    """One diagnostic as JSON data. Lines and columns count from 1, `byte` and the snippet's offsets from 0 in UTF-8."""
    out: dict[str, Any] = {
        "severity": str(diagnostic.severity),
        "code": diagnostic.code,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
    }
    if diagnostic.subject is not None:
        out["range"] = _range_json(diagnostic.subject)
        source = sources.get(diagnostic.subject.filename)
        if source is not None:
            out["snippet"] = _snippet_json(diagnostic, source)
    if diagnostic.origin is not None:
        out["origin"] = _range_json(diagnostic.origin)
    return out


def _visible(text: str) -> str:
    """Text that cannot repaint or reorder a terminal; a tab is two spaces."""
    return escape(text.replace("\t", "  "))


def _columns(text: str) -> int:
    """How many columns a terminal gives to a text that `visible` has been through."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _box(diagnostic: Diagnostic, sources: Sources, width: int, color: bool) -> str:
    paint = _RED if diagnostic.is_error else _YELLOW
    word = "Error" if diagnostic.is_error else "Warning"
    if color:
        title = f"{_BOLD}{paint}{word}: {_RESET}{_BOLD}{_visible(diagnostic.summary)}{_RESET}"
    else:
        title = f"{word}: {_visible(diagnostic.summary)}"
    lines = [f"{title} [{diagnostic.code}]"]
    for place in (diagnostic.subject, diagnostic.origin):
        if place is not None:
            lines += ["", *_snippet(diagnostic, place, sources, color)]
    if diagnostic.detail:
        lines += ["", *_paragraphs(diagnostic.detail, width - 2)]
    bar = f"{paint}│{_RESET}" if color else "│"
    ends = (f"{paint}╷{_RESET}", f"{paint}╵{_RESET}") if color else ("╷", "╵")
    body = "\n".join(f"{bar} {line}".rstrip() for line in lines)
    return f"{ends[0]}\n{body}\n{ends[1]}\n"


def _paragraphs(detail: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in detail.split("\n"):
        lines += wrap(_visible(paragraph), width, break_long_words=False, break_on_hyphens=False) or [""]
    return lines


def _snippet(diagnostic: Diagnostic, place: SourceRange, sources: Sources, color: bool) -> list[str]:
    source = sources.get(place.filename)
    name = _visible(place.filename)
    if source is None:
        return [f"  on {name} line {place.start.line}"]
    block = _enclosing(source, place.start.line)
    inside = f", in {_visible(block)}" if block else ""
    verb = "on" if place is diagnostic.subject else "from"
    lines = [f"  {verb} {name} line {place.start.line}{inside}:"]
    first, last = _lines(diagnostic, place)
    margin = len(str(min(last, first + _MAX_LINES - 1)))
    for number in range(first, last + 1):
        if number - first == _MAX_LINES:
            lines.append(f"  {'…':>{margin}}")
            break
        lines += _source_line(source, number, place, margin, color)
    if diagnostic.values and place is diagnostic.subject:
        lines.append("    ├────────────────")
        lines += [f"    │ {_visible(v.traversal)} {_visible(v.statement)}" for v in diagnostic.values]
    return lines


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """A line as it is; of a very long one what lies around the mark, with where that is in it."""
    if len(text) <= _MAX_COLUMNS:
        return text, start, end
    first = max(0, min(start - _MAX_COLUMNS // 4, len(text) - _MAX_COLUMNS))
    last = first + _MAX_COLUMNS
    shown = f"{'…' * bool(first)}{text[first:last]}{'…' * (last < len(text))}"
    shift = first - bool(first)
    return shown, max(0, start - shift), max(0, min(end - shift, len(shown)))


def _source_line(source: Source, number: int, place: SourceRange, margin: int, color: bool) -> list[str]:
    text = source.line(number)
    start = place.start.column - 1 if number == place.start.line else len(text) - len(text.lstrip())
    end = place.end.column - 1 if number == place.end.line else len(text.rstrip())
    text, start, end = _window(text, start, end)
    marked = place.start.line <= number <= place.end.line and start < max(end, start + 1)
    before, within, after = _visible(text[:start]), _visible(text[start:end]), _visible(text[end:])
    prefix = f"  {number:>{margin}}: "
    if not marked:
        return [f"{prefix}{_visible(text)}"]
    if color:
        return [f"{prefix}{before}{_UNDERLINE}{within or ' '}{_RESET}{after}"]
    underline = " " * (len(prefix) + _columns(before)) + "^" * max(_columns(within), 1)
    return [f"{prefix}{before}{within}{after}", underline]


def _lines(diagnostic: Diagnostic, place: SourceRange) -> tuple[int, int]:
    """First and last line to show: the context's where it is short, else the subject's."""
    first, last = place.start.line, place.end.line
    if last > first and place.end.column == 1:
        last -= 1
    context = diagnostic.context
    if context is not None and place is diagnostic.subject and context.filename == place.filename:
        wide = min(first, context.start.line), max(last, context.end.line)
        if wide[1] - wide[0] < _MAX_LINES:
            return wide
    return first, last


def _enclosing(source: Source, line: int) -> str | None:
    """Header of the top-level block around a line, by layout: blocks start and end in the first column."""
    for number in range(line, 0, -1):
        text = source.line(number)
        match = _HEADER.match(text)
        if match is not None:
            return f"{match.group(1)}{match.group(2)}".replace("\t", " ")
        if number < line and text[:1] == "}":
            return None
    return None


def _range_json(place: SourceRange) -> dict[str, Any]:
    return {
        "filename": place.filename,
        "start": {"line": place.start.line, "column": place.start.column, "byte": place.start.byte},
        "end": {"line": place.end.line, "column": place.end.column, "byte": place.end.byte},
    }


def _snippet_json(diagnostic: Diagnostic, source: Source) -> dict[str, Any]:
    subject = diagnostic.subject
    assert subject is not None
    first, last = _lines(diagnostic, subject)
    code = "\n".join(source.line(number) for number in range(first, last + 1))
    before = "".join(source.line(number) + "\n" for number in range(first, subject.start.line))
    start = len((before + source.line(subject.start.line)[: subject.start.column - 1]).encode())
    length = subject.end.byte - subject.start.byte
    return {
        "context": _enclosing(source, subject.start.line),
        "code": code,
        "start_line": first,
        "highlight_start_offset": start,
        "highlight_end_offset": min(start + length, len(code.encode())),
        "values": [{"traversal": v.traversal, "statement": v.statement} for v in diagnostic.values],
    }
