"""How measurements are printed: what was measured, the number, what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement. `limit` is the most that `value` may be, in the same unit; None where nothing is asked for."""

    what: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.limit is None:
            return ""
        return f"{'within' if self.value <= self.limit else 'OVER'} {self.limit:g} {self.unit}"


@dataclass(frozen=True)
class Skipped:
    """A measurement that was not made, and why."""

    what: str
    why: str


def show(title: str, rows: Sequence[Row | Skipped]) -> None:
    """Print a table."""
    print(f"\n{title}")
    width = max(len(row.what) for row in rows)
    for row in rows:
        if isinstance(row, Skipped):
            print(f"  {row.what:<{width}}  skipped: {row.why}")
        else:
            shown = f"{row.value:>9.3f} {row.unit:<4}"
            print(f"  {row.what:<{width}}  {shown}  {row.verdict:<14}  {row.note}".rstrip())
