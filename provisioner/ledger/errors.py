"""What goes wrong with a ledger, as diagnostics."""

from __future__ import annotations

from typing import Self

from ..model.diagnostics import Diagnostic, DiagnosticError


class LedgerError(DiagnosticError):
    """The ledger cannot be read, written or believed. Nothing is ever done without it."""

    @classmethod
    def because(cls, code: str, summary: str, detail: str) -> Self:
        """One error; `detail` ends with the way out."""
        return cls([Diagnostic(code, summary, detail)])


class LeaseHeld(LedgerError):
    """Somebody else is applying to this workspace."""
