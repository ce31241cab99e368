"""Errors that cross from a provider to the core."""

from __future__ import annotations


class CloudError(Exception):
    """The cloud, or the way to it, said no. `summary` is one line, `fix` the way out, `target` account or project."""

    def __init__(self, target: str, summary: str, detail: str = "", fix: str = "", code: str = "E-CLOUD") -> None:
        self.target = target
        self.summary = summary
        self.detail = detail
        self.fix = fix
        self.code = code
        super().__init__(f"{target}: {summary}")


class ProceedError(Exception):
    """Raised by the core's `proceed` to stop a write before it starts; the message says why."""
