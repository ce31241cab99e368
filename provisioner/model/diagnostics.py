"""What the tool says about input it cannot take, or takes with a warning.

The shape is Terraform's (severity, summary, detail, subject range, snippet, values in scope), with a stable `code`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from .source import SourceRange


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class ValueInScope:
    """One value that matters to a diagnostic: `traversal` as written (`var.name`), `statement` in words («is "x"»)."""

    traversal: str
    statement: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message. `summary` is one line; `detail` says the cause and, last, the way out.

    `subject` is the range to underline; `context` a wider range to show with it. `code` is stable and
    searchable (`E-SYNTAX`, `OWN-1`): it names the kind, never the instance. `origin` tells a line of a data
    file (YAML, JSON, CSV) that the offending value came from.
    """

    code: str
    summary: str
    detail: str = ""
    severity: Severity = Severity.ERROR
    subject: SourceRange | None = None
    context: SourceRange | None = None
    values: tuple[ValueInScope, ...] = field(default=())
    origin: SourceRange | None = None

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


class DiagnosticError(Exception):
    """Raised at the edge of a room when there is nothing to go on with; carries at least one error."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(d.summary for d in self.diagnostics))

    @classmethod
    def of(cls, code: str, summary: str, detail: str = "", subject: SourceRange | None = None) -> DiagnosticError:
        """The common case: one error."""
        return cls([Diagnostic(code, summary, detail, subject=subject)])
