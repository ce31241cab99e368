"""What may be true at the end of a run, in words and as an exit code (6-analysis-and-rules.md)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every command imports this module, and few need what these bring
    from ..model.drift import DriftReport
    from ..model.plan import Plan


class Condition(StrEnum):
    """Several may hold at once; the first of PRECEDENCE that holds gives the exit code."""

    ERROR = "error"
    OUT_OF_BAND = "out_of_band"
    BLOCKED = "blocked"
    INCOMPLETE = "incomplete"
    SIGN_OFF = "sign_off_missing"
    CHANGES = "changes"
    PENDING = "pending"

    @property
    def code(self) -> int:
        """The exit code that this condition alone would give."""
        return _CODES[self]

    @property
    def words(self) -> str:
        return _WORDS[self]


_CODES = {
    Condition.ERROR: 1,
    Condition.OUT_OF_BAND: 5,
    Condition.BLOCKED: 4,
    Condition.INCOMPLETE: 6,
    Condition.SIGN_OFF: 3,
    Condition.CHANGES: 2,
    Condition.PENDING: 2,
}
_WORDS = {
    Condition.ERROR: "an error",
    Condition.OUT_OF_BAND: "out-of-band drift",
    Condition.BLOCKED: "rules or boundary tests block",
    Condition.INCOMPLETE: "incomplete",
    Condition.SIGN_OFF: "sign-off missing",
    Condition.CHANGES: "changes present",
    Condition.PENDING: "pending changes",
}
PRECEDENCE = tuple(_CODES)


def ordered(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """The conditions that hold, each once, the deciding one first."""
    held = set(conditions)
    return tuple(condition for condition in PRECEDENCE if condition in held)


def exit_code(conditions: Iterable[Condition]) -> int:
    """The exit code of a run; 0 when nothing holds."""
    return next((condition.code for condition in ordered(conditions)), 0)


def exit_line(conditions: Iterable[Condition], fine: str = "fine") -> str:
    """The end of a report: `exit 5: out-of-band drift (also true: 6 incomplete, 2 pending changes)`."""
    held = ordered(conditions)
    if not held:
        return f"exit 0: {fine}"
    line = f"exit {held[0].code}: {held[0].words}"
    if len(held) > 1:
        others = ", ".join(f"{condition.code} {condition.words}" for condition in held[1:])
        line += f" (also true: {others})"
    return line


def plan_conditions(plan: Plan, *, signed: bool, detailed: bool = False) -> tuple[Condition, ...]:
    """What holds after `plan` or `status`. `signed`: no sign-off is missing. `detailed`: -detailed-exitcode."""
    from ..model.findings import Level

    changes = bool(plan.changes) or plan.next_root is not None
    held = []
    if plan.tests.failed or any(finding.level is Level.BLOCK for finding in plan.findings):
        held.append(Condition.BLOCKED)
    if plan.gaps:
        held.append(Condition.INCOMPLETE)
    if changes and not signed:
        held.append(Condition.SIGN_OFF)
    if changes and detailed:
        held.append(Condition.CHANGES)
    return ordered(held)


def drift_conditions(report: DriftReport) -> tuple[Condition, ...]:
    """What holds after `drift`: no signed plan explains an unclaimed identity either, and an
    expired grant is pending work."""
    from ..model.drift import DriftKind

    meaning = {
        DriftKind.OUT_OF_BAND: Condition.OUT_OF_BAND,
        DriftKind.INCOMPLETE: Condition.INCOMPLETE,
        DriftKind.UNCLAIMED: Condition.OUT_OF_BAND,
        DriftKind.EXPIRED: Condition.PENDING,
        DriftKind.PENDING: Condition.PENDING,
    }
    held = {meaning[difference.kind] for difference in report.differences}
    if report.coverage.gaps or report.not_fully_seen:
        held.add(Condition.INCOMPLETE)
    return ordered(held)
