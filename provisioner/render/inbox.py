"""What awaits one person, as text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .escape import escape
from .text import Paint, count, ranges, section, table, title, wrap

_LABELS: Final = {"review": "REVIEW OWED", "replacing": "NOTICE", "replaced": "REPLACED", "narrowing": "NARROWER"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One sign-off of one plan that the person may give. `plan` is the short digest; `wider` counts changes that
    widen or are unknown, `missing` people; `standing` is the owner as which the person would sign in `owner`'s place,
    "" for a signer of the owner itself; `hours_left` None before publication; `blocked`: the plan's own findings
    or tests stop it, whoever signs."""

    plan: str
    digest: str
    surface: str
    owner: str
    standing: str
    changes: tuple[int, ...]
    agents: tuple[str, ...]
    wider: int
    missing: int
    accept: tuple[str, ...]
    published: str
    hours_left: int | None
    blocked: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is not a sign-off of a plan that waits. `kind` is `review` (owed, since something was applied by
    breaking glass), `replacing` (a plan would let others sign in the owner's place), `replaced` (one did, without its
    consent) or `narrowing` (a plan takes authority away and needs no sign-off). `plan` is the short digest, `text` one
    sentence, `do` the command that answers it, "" where there is none."""

    kind: str
    plan: str
    owner: str
    text: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Newest plan first; reviews oldest first. `solo`: one person holds every sign-off."""

    workspace: str
    person: str
    waiting: tuple[Waiting, ...]
    notices: tuple[Notice, ...] = ()
    solo: bool = False


def inbox_text(found: Inbox, width: int = 100, color: bool = False) -> str:
    """One line a sign-off, and the command for the first."""
    paint = Paint(color)
    head = ["provisioner inbox", f"workspace {escape(found.workspace)}", f"for {escape(found.person)}"]
    head += ["solo: one person holds every sign-off"] * found.solo
    lines = [*title(head, width, paint), *_notices(found.notices, width, paint), ""]
    if not found.waiting:
        nothing = "No plan waits for you." if found.notices else "Nothing waits for you."
        return "\n".join([*lines, "  " + paint.style("good", nothing)]) + "\n"
    rows: list[Sequence[str]] = [("plan", "surface", "owner", "changes", "about", "hours left", "what")]
    for one in found.waiting:
        said = [f"{one.wider} wider or unknown" if one.wider else "nothing wider", f"{one.missing} missing"]
        said += [f"in its place, as {escape(one.standing)}"] * bool(one.standing)
        said += [f"must accept {escape(name)}" for name in one.accept]
        said += ["blocked by its findings or tests"] * one.blocked
        left = "" if one.hours_left is None else str(one.hours_left)
        about = ", ".join(map(escape, one.agents)) or "shared"
        cells = (one.plan, one.surface, escape(one.owner), ranges(one.changes) or "root", about, left, "; ".join(said))
        rows.append(cells)
    lines += table(rows, width, flexible=(2, 4, 6))
    first = found.waiting[0]
    lines += ["", f"{count(len(found.waiting), 'sign-off')} may be yours to give"]
    lines += ["", f"Next   provisioner show {first.plan}"]
    place = f" -as {escape(first.standing)}" if first.standing else ""
    lines += wrap(f"provisioner sign {first.plan} -owner {escape(first.owner)}{place}", width, " " * 7)
    return "\n".join(lines) + "\n"


def _notices(notices: Sequence[Notice], width: int, paint: Paint) -> list[str]:
    """Each as a section of its own; what is owed, or done without an owner, stands out."""
    lines: list[str] = []
    for one in notices:
        found = section(_LABELS[one.kind], " ".join(escape(text) for text in (one.text, one.do) if text), width)
        lines += found if one.kind == "narrowing" else [paint.style("bad", line) for line in found]
    return lines
