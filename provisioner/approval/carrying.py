"""Sign-offs that survive a re-plan in which their own part is the same (`approval { carry = "unchanged" }`). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ..model.changes import Change
from ..model.plan import Plan, Requirement
from ..planfile import PlanFile, to_builtins
from .parts import finding_name
from .statement import Role, Statement
from .verdict import Carried, Evidence

UNCHANGED = "unchanged"


def hindrances(planfile: PlanFile, evidence: Evidence, said: Statement, carried: Carried) -> Iterator[str]:
    """Why a sign-off of another plan, whose part has the same digest, does not count for this one.

    Base and root are compared beside this; who may not sign is judged by the new plan.
    """
    if evidence.root.root.data.approval.carry != UNCHANGED:
        yield 'the trust root lets no sign-off survive a re-plan (carry = "none")'
    if said.role is not Role.OWNER:
        yield f"what was signed as {said.role} counts for its own plan alone"
    if evidence.now - evidence.grace >= ends(evidence, carried):
        yield f"the time of plan {carried.planfile.short}, for which it was made, is over"
    accepted = {item.finding for item in said.accepted}
    if _findings(planfile.plan, accepted) != _findings(carried.planfile.plan, accepted):
        yield "what is to be accepted is no longer the same"


def ends(evidence: Evidence, carried: Carried) -> datetime:
    """A carried sign-off lives no longer than the plan that it was made for: a re-plan renews nothing."""
    return carried.published.since + timedelta(seconds=evidence.root.root.data.approval.plan_ttl_seconds)


def changed(before: Plan, after: Plan, requirement: Requirement) -> str:
    """Why a sign-off of an earlier plan no longer covers a part, as a sentence part."""
    old = next(
        (
            item
            for item in before.requirements
            if (item.surface, item.owner) == (requirement.surface, requirement.owner)
        ),
        None,
    )
    was = _changes(before, old.changes if old is not None else ())
    now = _changes(after, requirement.changes)
    fresh = sorted(number for number, what in now.items() if what not in was.values())
    gone = [number for number, what in was.items() if what not in now.values()]
    if fresh:
        listed = ", ".join(map(str, fresh))
        return f"change {listed} is new in it" if len(fresh) == 1 else f"changes {listed} are new in it"
    if gone:
        return "a change that it covered is gone" if len(gone) == 1 else f"{len(gone)} changes that it covered are gone"
    return "calls, findings or the trust root in it are other ones"


def _changes(plan: Plan, numbers: tuple[int, ...]) -> dict[int, dict[str, Any]]:
    return {change.number: _without_number(change) for change in plan.changes if change.number in numbers}


def _without_number(change: Change) -> dict[str, Any]:
    plain: dict[str, Any] = to_builtins(change)
    return {name: value for name, value in plain.items() if name != "number"}


def _findings(plan: Plan, names: set[str]) -> list[tuple[str, str, str]]:
    return sorted((finding_name(item), item.message, item.fix) for item in plan.findings if finding_name(item) in names)
