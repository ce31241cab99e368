"""Two plans beside each other, as text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .escape import escape
from .text import Paint, section, table, title


class Verdict(StrEnum):
    """What became of a change from the first plan to the second. In the order in which they are shown."""

    CHANGED = "changed"
    GONE = "gone"
    NEW = "new"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class ChangePair:
    """One address in both plans. `first` and `second` are the change's numbers, None where it is not in a plan;
    `fields` names what differs of a change that is in both."""

    verdict: Verdict
    first: int | None
    second: int | None
    address: str
    agent: str | None
    label: str
    effect: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A sign-off of the first plan, and whether it counts for the second."""

    surface: str
    owner: str
    person: str
    counts: bool
    why: str


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """`first` and `second` are short digests."""

    workspace: str
    first: str
    second: str
    identical: bool
    changes: tuple[ChangePair, ...]
    root_differs: bool
    signoffs: tuple[Kept, ...]


def plan_diff_text(found: PlanDiff, width: int = 100, color: bool = False) -> str:
    """Counts, then each change, then each sign-off."""
    paint = Paint(color)
    head = ["provisioner diff", f"workspace {escape(found.workspace)}", f"plan {found.first} and {found.second}"]
    tally = Counter(pair.verdict for pair in found.changes)
    said = "The same plan." if found.identical else ", ".join(f"{tally[verdict]} {verdict}" for verdict in Verdict)
    lines = [*title(head, width, paint), "", f"  {said}", ""]
    if found.changes:
        rows: list[Sequence[str]] = [("", "first", "second", "effect", "agent", "change", "what differs")]
        for pair in found.changes:
            numbers = ("" if number is None else str(number) for number in (pair.first, pair.second))
            about = escape(pair.agent or "shared")
            differs = ", ".join(map(escape, pair.fields))
            rows.append((pair.verdict.value, *numbers, pair.effect, about, escape(pair.label), differs))
        lines += table(rows, width, flexible=(4, 5, 6))
    if found.root_differs:
        lines += ["", *section("TRUST ROOT", "the plans would make different roots", width)]
    if found.signoffs:
        lines.append("")
        rows = [("SIGN-OFF", "owner", "signed by", "counts for the second", "")]
        for one in found.signoffs:
            counts = "yes" if one.counts else "no"
            rows.append((one.surface, escape(one.owner), escape(one.person), counts, escape(one.why)))
        lines += table(rows, width, flexible=(1, 4))
    return "\n".join(lines) + "\n"
