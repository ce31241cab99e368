"""What looks like an agent and is nobody's, as text."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.resources import Gap, Sighting
from .escape import escape
from .text import wrap


def sightings_text(found: Sequence[Sighting], gaps: Sequence[Gap], width: int = 100) -> str:
    """One paragraph each: where it is, why it is listed, what it holds. What was used last comes first."""
    lines: list[str] = []
    used = sorted((one for one in found if one.last_used), key=lambda one: one.last_used or "", reverse=True)
    for one in [*used, *(one for one in found if not one.last_used)]:
        when = f"last used {one.last_used}" if one.last_used else "not known to have been used"
        place = f"{one.address.provider} {one.address.target}"
        lines += wrap(escape(f"{one.noun} {one.address.name}   {place}   {one.why}, {when}"), width, "")
        for text in one.holds:
            lines += wrap(escape(text), width, "     ")
        lines += [f"     do: provisioner discover -role {escape(one.address.name)}", ""]
    if not found:
        lines += ["Nothing looks like an agent that no workspace has marked.", ""]
    for gap in gaps:
        lines += wrap(escape(f"INCOMPLETE: {gap.what} of {gap.provider} {gap.target}: {gap.reason}"), width, "")
    return "\n".join(lines).rstrip("\n") + "\n"
