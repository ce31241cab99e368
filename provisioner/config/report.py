"""Collects the diagnostics of one load, each once, and gives them in reading order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..model.diagnostics import Diagnostic, Severity, ValueInScope
from ..model.source import SourceRange
from .text import holds_secret, masked


class Report:
    """What went wrong so far. The same message about the same range is kept once: `for_each` repeats bodies."""

    def __init__(self) -> None:
        self._found: dict[tuple[object, ...], Diagnostic] = {}
        self.errors = 0

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic unless it was reported before. What looks like a secret in it is shown as asterisks."""
        if any(map(holds_secret, (diagnostic.detail, *(value.statement for value in diagnostic.values)))):
            values = tuple(ValueInScope(value.traversal, masked(value.statement)) for value in diagnostic.values)
            diagnostic = replace(diagnostic, detail=masked(diagnostic.detail), values=values)
        key = (diagnostic.code, diagnostic.summary, diagnostic.detail, diagnostic.subject, diagnostic.origin)
        if key not in self._found:
            self._found[key] = diagnostic
            self.errors += diagnostic.is_error

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep several diagnostics."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def error(
        self,
        code: str,
        summary: str,
        detail: str,
        subject: SourceRange | None,
        context: SourceRange | None = None,
        values: tuple[ValueInScope, ...] = (),
    ) -> None:
        """Report an error."""
        self.add(Diagnostic(code, summary, detail, Severity.ERROR, subject, context, values))

    def warning(self, code: str, summary: str, detail: str, subject: SourceRange | None) -> None:
        """Report a warning."""
        self.add(Diagnostic(code, summary, detail, Severity.WARNING, subject))

    def ordered(self) -> tuple[Diagnostic, ...]:
        """Every diagnostic by file and place; those without a place come first."""

        def place(diagnostic: Diagnostic) -> tuple[bool, str, int, int]:
            subject = diagnostic.subject
            if subject is None:
                return False, "", 0, 0
            return True, subject.filename, subject.start.byte, subject.end.byte

        return tuple(sorted(self._found.values(), key=place))
