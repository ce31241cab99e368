"""Which rules are set aside, for whom and until when, as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .escape import escape
from .text import Paint, count, section, table, title


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """An exception or a baseline of the trust root. `expires` is an ISO date, with whose first moment in UTC it ends;
    `days_left` is 0 on its last day and None where it has ended. A baseline has no owner, reason or ticket."""

    address: str
    kind: str
    rules: tuple[str, ...]
    subjects: tuple[str, ...]
    accepted_by: str
    reason: str
    compensating_control: str
    ticket: str
    expires: str
    days_left: int | None


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Those in force first, the soonest end before the others."""

    workspace: str
    root_version: int
    rows: tuple[ExceptionRow, ...]

    @property
    def in_force(self) -> tuple[ExceptionRow, ...]:
        return tuple(row for row in self.rows if row.days_left is not None)


def exceptions_text(found: Exceptions, width: int = 100, color: bool = False) -> str:
    """A table, and why each was accepted."""
    paint = Paint(color)
    head = ["provisioner exceptions", f"workspace {escape(found.workspace)}", f"trust root v{found.root_version}"]
    lines = [*title(head, width, paint), ""]
    if not found.rows:
        return "\n".join([*lines, "  " + paint.style("good", "No rule is set aside.")]) + "\n"
    ended = len(found.rows) - len(found.in_force)
    said = f"{count(len(found.in_force), 'exception')} in force" + (f", {ended} ended" if ended else "")
    lines += [f"  {said}", ""]
    rows: list[Sequence[str]] = [("left", "ends", "what", "rules", "about", "accepted by", "ticket")]
    for row in found.rows:
        left = "ended" if row.days_left is None else f"{row.days_left} d"
        about = ", ".join(map(escape, row.subjects))
        cells = (left, row.expires, escape(row.address), ", ".join(map(escape, row.rules)), about)
        rows.append((*cells, escape(row.accepted_by), escape(row.ticket)))
    lines += table(rows, width, flexible=(2, 3, 4, 5, 6))
    reasons = [row for row in found.rows if row.reason]
    if reasons:
        lines.append("")
    for row in reasons:
        text = f"{row.reason}; instead: {row.compensating_control}"
        lines += section("", f"{escape(row.address)}: {escape(text)}", width)
    return "\n".join(lines) + "\n"
