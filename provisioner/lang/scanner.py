"""Source text → flat token arrays.

One compiled pattern recognises a token at a time; a stack of frames says what the scanner is inside of, because HCL
is modal: a quoted string holds `${…}`, which holds any expression, which holds quoted strings. The scanner also
settles where newlines count: at the top, in blocks and in objects they do; inside `()`, `[]`, `${}` and
`for` expressions in braces they are left out, so the parser never has to skip them. No scan looks at a character
more than a fixed number of times. Text that can never be part of a program is reported here and replaced by what
was probably meant, so that the parser does not stumble over the same place again.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..model.diagnostics import Diagnostic
from ..model.source import Source
from . import lexical_errors as errors
from .identifiers import identifier_end
from .tokens import (
    CHEREDOC,
    COMMENT,
    CONTROL,
    CQUOTE,
    EOF,
    IDENT,
    INTERP,
    LITERAL,
    MAX_ERRORS,
    NEWLINE,
    NUMBER,
    OHEREDOC,
    OQUOTE,
    SEQ_END,
    STRING,
    TEXT,
    WHITESPACE,
    Tokens,
)

_LINE_COMMENT = r"(?:[#]|//)[^\n]*+\n?"
_RUN = rf"(?:\r?\n|{_LINE_COMMENT})(?:[ \t]*+(?:\r?\n|{_LINE_COMMENT}))*+"
_TEMPLATE = r"""
[ \t]*+(?:
  ({ident})                                                            # 1 name
 |({newline})                                                          # 2 newline
 |("[^"\\$%\r\n]*+")                                                   # 3 plain string
 |(==|!=|<=|>=|&&|\|\||=>|::|\.\.\.|[=.,:+*%>!?-]|/(?![/*])|<(?!<))    # 4 operator
 |([()\[\]{{}}])                                                       # 5 bracket
 |([0-9]+(?:\.*(?:[0-9]|[eE][+-]?[0-9]))*+)                            # 6 number
 |(")                                                                  # 7 quoted template
 |<<(-?{ident})\r?\n                                                   # 8 heredoc
 |(/\*(?:[^*]|\*(?!/))*+(?:\*/)?)                                      # 9 comment
 |({comment})                                                          # 10 line comment, when kept
 |(~\}})                                                               # 11 trimming end
 |('[^'\n]*+'?|`[^`\n]*+`?|[“”„«][^“”»"\n]*+[“”»"]?|.)                 # 12 not HCL
 |\Z
)"""
_ASCII_NAME = "[A-Za-z_][A-Za-z0-9_-]*+"
_ANY_NAME = r"(?:[A-Za-z_]|[^\x00-\x7f“”„«»‘’])(?:[A-Za-z0-9_-]|[^\x00-\x7f“”„«»‘’])*+"


def _compile(name: str, keep: bool) -> re.Pattern[str]:
    newline, comment = (r"\r?\n", _LINE_COMMENT) if keep else (_RUN, r"(?!)")
    return re.compile(_TEMPLATE.format(ident=name, newline=newline, comment=comment), re.VERBOSE | re.DOTALL)


_PATTERNS: dict[tuple[bool, bool], re.Pattern[str]] = {}
_QUOTED = re.compile(r'(?:[^"\\$%\r\n]++|\\[^\r\n]|\$\$\{|\$(?!\{)|%%\{|%(?!\{))++')
_LOOSE_HEREDOC = re.compile(r"<<-?[ \t]*+(['\"]?)([^\W\d][\w-]*)\1[ \t]*(?:(?:#|//)[^\n]*)?\r?\n")
_SEQUENCE = re.compile(r"(?<!\$)\$\{~?|(?<!%)%\{~?")
_GAP = r"(?:[ \t\r\n]++|(?:#|//)[^\n]*+\n|/\*(?:[^*]|\*(?!/))*+\*/)*+"
_FOR = re.compile(rf"{_GAP}for(?![\w-])")
_SPLAT = re.compile(rf"{_GAP}\*{_GAP}\]")

_BLOCK, _OBJECT, _FOR_BRACE = "block", "{", "for {"
_NEWLINES_COUNT = {_BLOCK, _OBJECT}
_BRACES = {_BLOCK, _OBJECT, _FOR_BRACE}
_TEMPLATE_FRAME = "${"


class Scanner:
    """Scans one text; `scan_*` below are the doors."""

    def __init__(self, source: Source, keep: bool = False) -> None:
        self.source = source
        self.text = source.text
        self.keep = keep
        self.out = Tokens()
        self.frames: list[str] = []
        # Open template sequences: where each began, and its heredoc's marker, None in a quoted string, "" in a file.
        self.sequences: list[tuple[int, str | None]] = []
        self.braces = 0  # frames that a closing brace ends
        key = (self.text.isascii(), keep)
        if key not in _PATTERNS:
            _PATTERNS[key] = _compile(_ASCII_NAME if key[0] else _ANY_NAME, keep)
        self.pattern = _PATTERNS[key]

    def emit(self, kind: str, start: int, end: int) -> None:
        out = self.out
        out.kinds.append(kind)
        out.starts.append(start)
        out.ends.append(end)

    def report(self, error: Callable[..., Diagnostic], *where: object) -> None:
        """Notes what `error(source, *where)` says, unless enough has been said: making it takes time too."""
        if len(self.out.diagnostics) < MAX_ERRORS:
            self.out.diagnostics.append(error(self.source, *where))

    def finish(self) -> Tokens:
        self.emit(EOF, len(self.text), len(self.text))
        return self.out

    def run(self, at: int, newlines: bool) -> None:
        """Scans from `at` to the end. `newlines`: whether newlines count outside of all brackets."""
        text, keep = self.text, self.keep
        kinds, starts, ends = self.out.kinds, self.out.starts, self.out.ends
        add_kind, add_start, add_end = kinds.append, starts.append, ends.append
        ascii_only = text.isascii()
        count = keep or self._newlines_count(newlines)
        while at >= 0:
            resume = -1
            for match in self.pattern.finditer(text, at):
                group = match.lastindex
                if group is None:  # the end of the text
                    continue
                start, end = match.span(group)
                if group == 1:
                    if not ascii_only and not text[start:end].isascii():
                        self._checked_name(start, end)
                        continue
                    add_kind(IDENT)
                elif group == 4:
                    add_kind(match[4])
                elif group == 2:
                    if not count:
                        continue
                    add_kind(NEWLINE)
                elif group == 3:
                    add_kind(STRING)
                elif group == 5:
                    resume = self._bracket(match[5], start, newlines)
                    if resume >= 0:
                        break
                    count = keep or self._newlines_count(newlines)
                    continue
                elif group == 6:
                    add_kind(NUMBER)
                elif group == 7:
                    add_kind(OQUOTE)
                    add_start(start)
                    add_end(end)
                    resume = self._quoted(end)
                    break
                elif group == 8:
                    self.emit(OHEREDOC, match.end() - len(match[0].lstrip(" \t")), match.end())
                    resume = self._heredoc(match.end(), match[8].lstrip("-"), True)
                    break
                elif group in (9, 10):
                    self._comment(start, end)
                    continue
                elif group == 11:
                    resume = self._trimming_end(start)
                    break
                else:
                    resume = self._foreign(start, end, count)
                    break
                add_start(start)
                add_end(end)
            else:
                break
            count = keep or self._newlines_count(newlines)
            at = resume

    def _newlines_count(self, outside: bool) -> bool:
        return self.frames[-1] in _NEWLINES_COUNT if self.frames else outside

    def _checked_name(self, start: int, end: int) -> None:
        """Emits the name at `start` up to its first character that no name can hold, and passes over the rest."""
        stop = identifier_end(self.text, start, end)
        if stop > start:
            self.emit(IDENT, start, stop)
        if stop < end:
            self.report(errors.foreign, stop, stop + 1)

    def _comment(self, start: int, end: int) -> None:
        if self.keep:
            self.emit(COMMENT, start, end)
        if self.text.startswith("/*", start) and (end < start + 4 or not self.text.endswith("*/", start, end)):
            self.report(errors.unterminated_comment, start)

    def _bracket(self, bracket: str, start: int, newlines: bool) -> int:
        """Emits a bracket and keeps the frames; after a template sequence, returns where to resume, else -1."""
        frames = self.frames
        if bracket == "{":
            self.braces += 1
            frames.append(self._brace_frame(start + 1, newlines))
        elif bracket in "([":
            if bracket == "[" and self._newlines_count(newlines):
                self._check_splat(start)
            frames.append(bracket)
        elif bracket == "}":
            return self._closing_brace(start, start + 1)
        elif frames and frames[-1] == ("(" if bracket == ")" else "["):
            frames.pop()
        self.emit(bracket, start, start + 1)
        return -1

    def _check_splat(self, start: int) -> None:
        """`[*]` is one symbol where newlines count: HCL takes it for an index when a line ends within it."""
        splat = _SPLAT.match(self.text, start + 1)
        if splat is not None and "\n" in splat[0]:
            self.report(errors.split_splat, start, splat.end())

    def _brace_frame(self, after: int, newlines: bool) -> str:
        """Whether a brace opens a block, an object or a `for` expression: blocks and objects may begin alike."""
        in_body = self.frames[-1] == _BLOCK if self.frames else newlines
        if in_body and self.out.kinds and self.out.kinds[-1] in (IDENT, STRING, CQUOTE):
            return _BLOCK
        return _FOR_BRACE if _FOR.match(self.text, after) else _OBJECT

    def _closing_brace(self, start: int, end: int) -> int:
        """`}` or `~}`: the end of a template sequence where one is open, whatever parentheses were left open in it."""
        frames = self.frames
        if self.braces == 0:
            self.emit("}" if end == start + 1 else SEQ_END, start, end)
            return -1
        while frames[-1] in ("(", "["):
            frames.pop()
        self.braces -= 1
        if frames.pop() != _TEMPLATE_FRAME:
            self.emit("}" if end == start + 1 else SEQ_END, start, end)
            return -1
        self.emit(SEQ_END, start, end)
        marker = self.sequences.pop()[1]
        if marker is None:
            return self._quoted(end)
        return self._heredoc(end, marker, False) if marker else self._bare(end)

    def _trimming_end(self, start: int) -> int:
        resume = self._closing_brace(start, start + 2)
        return start + 2 if resume < 0 else resume

    def _open_sequence(self, at: int, marker: str | None) -> int:
        end = at + 3 if self.text.startswith("~", at + 2) else at + 2
        self.emit(INTERP if self.text[at] == "$" else CONTROL, at, end)
        self.frames.append(_TEMPLATE_FRAME)
        self.sequences.append((at, marker))
        self.braces += 1
        return end

    def _quoted(self, at: int) -> int:
        """The rest of a quoted string from `at`, up to its end or the next template sequence."""
        text = self.text
        match = _QUOTED.match(text, at)
        if match is not None:
            self.emit(LITERAL, at, match.end())
            at = match.end()
        if text.startswith("\\", at):  # only before the end of the line, which is an error of its own
            at += 1
        if text.startswith('"', at):
            self.emit(CQUOTE, at, at + 1)
            return at + 1
        if text.startswith(("${", "%{"), at):
            return self._open_sequence(at, None)
        return self._broken_quote(at)

    def _broken_quote(self, at: int) -> int:
        """A line or the file ended inside a quoted string: says so, and goes on as if the string had ended."""
        opening = self._last_open_quote()
        if self.sequences and self.sequences[-1][1] is None:
            # A quote inside `"${…` that never ends: most likely the closing brace is what is missing.
            self.report(errors.unclosed_sequence, self.sequences.pop()[0])
            while (frame := self.frames.pop()) != _TEMPLATE_FRAME:
                self.braces -= frame in _BRACES
            self.braces -= 1
        else:
            self.report(errors.unterminated_string, opening, at)
        self.emit(CQUOTE, at, at)
        if self.text.startswith("\r", at) and not self.text.startswith("\r\n", at):
            return at + 1
        return at

    def _last_open_quote(self) -> int:
        kinds = self.out.kinds
        depth = 0
        for index in range(len(kinds) - 1, -1, -1):
            if kinds[index] is CQUOTE:
                depth += 1
            elif kinds[index] is OQUOTE:
                if depth == 0:
                    return self.out.starts[index]
                depth -= 1
        return 0

    def _heredoc(self, at: int, marker: str, line_start: bool) -> int:
        """Heredoc text from `at`, up to its closing marker or the next template sequence."""
        text, begin = self.text, at
        while True:
            newline = text.find("\n", at)
            stop = len(text) if newline < 0 else newline
            if line_start and newline >= 0 and text[at:stop].strip(WHITESPACE) == marker:
                if at > begin:
                    self.emit(TEXT, begin, at)
                self.emit(CHEREDOC, at, stop - text.endswith("\r", at, stop))
                return stop - text.endswith("\r", at, stop)
            sequence = _SEQUENCE.search(text, at, stop)
            limit = sequence.start() if sequence is not None else stop
            carriage = text.find("\r", at, limit)
            if 0 <= carriage < limit - (sequence is None and newline >= 0):
                self.report(errors.foreign, carriage, carriage + 1)
            if sequence is not None:
                if limit > begin:
                    self.emit(TEXT, begin, limit)
                return self._open_sequence(limit, marker)
            if newline < 0:
                if stop > begin:
                    self.emit(TEXT, begin, stop)
                self.report(errors.unterminated_heredoc, self._last_heredoc(), marker)
                self.emit(CHEREDOC, stop, stop)
                return stop
            at = newline + 1
            line_start = True

    def _last_heredoc(self) -> tuple[int, int]:
        index = len(self.out.kinds) - 1
        while index > 0 and self.out.kinds[index] is not OHEREDOC:
            index -= 1
        return self.out.starts[index], self.out.ends[index]

    def _bare(self, at: int) -> int:
        """Template text outside of any quotes, as in a template file."""
        sequence = _SEQUENCE.search(self.text, at)
        stop = sequence.start() if sequence is not None else len(self.text)
        if stop > at:
            self.emit(TEXT, at, stop)
        return self._open_sequence(stop, "") if sequence is not None else stop

    def _foreign(self, start: int, end: int, newlines: bool) -> int:
        """Something that is not HCL: reports it and emits what it probably stands for."""
        heredoc = _LOOSE_HEREDOC.match(self.text, start)
        if heredoc is not None:
            self.report(errors.heredoc_opening, start, heredoc.end(), heredoc[2])
            self.emit(OHEREDOC, start, heredoc.end())
            return self._heredoc(heredoc.end(), heredoc[2], True)
        self.report(errors.foreign, start, end)
        kind = errors.meant(self.text, start, end)
        if kind is STRING:
            self.emit(STRING, start, end)
            return end
        if kind and (kind is not NEWLINE or newlines):
            self.emit(kind, start, start + 1)
        return start + 1


def scan_body(source: Source, at: int = 0, keep: bool = False) -> Tokens:
    """The tokens of a file from offset `at`, which must be where a body item may begin.

    With `keep`, comments are tokens and every newline is one, wherever it stands: what the formatter needs.
    """
    scanner = Scanner(source, keep)
    scanner.run(at + (at == 0 and source.text.startswith("\ufeff")), True)
    return scanner.finish()


def scan_expression(source: Source) -> Tokens:
    """The tokens of a bare expression; newlines do not count, as inside parentheses."""
    scanner = Scanner(source)
    scanner.run(0, False)
    return scanner.finish()


def scan_template(source: Source) -> Tokens:
    """The tokens of a bare template."""
    scanner = Scanner(source)
    scanner.run(scanner._bare(0), False)
    return scanner.finish()
