"""A cursor over tokens: where the parser stands, how deep it is, and how it reports errors."""

from __future__ import annotations

from typing import NoReturn

from ..model.diagnostics import Diagnostic
from ..model.source import Source
from .tokens import CHEREDOC, CONTROL, CQUOTE, EOF, INTERP, MAX_ERRORS, NEWLINE, OHEREDOC, OQUOTE, SEQ_END, Tokens

MAX_DEPTH = 200
"""How deep brackets, templates, conditionals and blocks may nest. Real configurations stay below ten."""


class SyntaxStop(Exception):
    """Nothing more can be made of the present item."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.summary)
        self.diagnostic = diagnostic


class Cursor:
    """Reads the tokens of one source. `i` is the present token, `depth` the number of constructs it is inside of."""

    def __init__(self, source: Source, tokens: Tokens) -> None:
        self.source = source
        self.text = source.text
        self.diagnostics: list[Diagnostic] = []
        self.depth = 0
        self.dotted_object = -1  # offset of the one object whose keys may be names with a dot
        self.load(tokens)

    def load(self, tokens: Tokens) -> None:
        """Begins to read other tokens of the same source."""
        self.kinds, self.starts, self.ends = tokens.kinds, tokens.starts, tokens.ends
        self.i = 0

    def diagnostic(
        self, code: str, summary: str, detail: str, start: int, end: int, context: tuple[int, int] | None = None
    ) -> Diagnostic:
        wider = None if context is None else self.source.range(*context)
        return Diagnostic(code, summary, detail, subject=self.source.range(start, end), context=wider)

    def note(
        self, code: str, summary: str, detail: str, start: int, end: int, context: tuple[int, int] | None = None
    ) -> None:
        if len(self.diagnostics) < MAX_ERRORS:
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
            return start, start
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

    def word(self, at: int) -> str:
        return self.text[self.starts[at] : self.ends[at]]

    def enter(self, start: int, levels: int = 1) -> None:
        """Goes deeper; whoever calls this lowers `depth` again when its construct has ended.

        A level stands for three of Python's own: constructs that take more of them count as several.
        """
        self.depth += levels
        if self.depth > MAX_DEPTH:
            self.stop_span(
                "E-SYNTAX-DEPTH",
                "Nested too deeply",
                f"Brackets, templates and blocks may nest at most {MAX_DEPTH} levels deep. "
                "Name the inner parts with locals and refer to them.",
                start,
                start + 1,
            )

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
