"""Sign-offs that survive a re-plan in which their own part is the same (`approval { carry = "unchanged" }`). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from .. import canonical
from ..model.changes import Change, Operation, Surface
from ..model.findings import Level
from ..model.plan import NewPath, Plan, Requirement
from ..planfile import PlanFile, to_builtins
from .parts import finding_name
from .requirements import bars_of
from .statement import Role, Statement
from .verdict import Carried, Evidence

UNCHANGED = "unchanged"


def hindrances(planfile: PlanFile, evidence: Evidence, said: Statement, carried: Carried, person: str) -> Iterator[str]:
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
    yield from _relaxed(planfile.plan, carried.planfile.plan, said, person)


def _relaxed(now: Plan, then: Plan, said: Statement, person: str) -> Iterator[str]:
    """What stands in the plan that was signed, outside the part's digest, and not in the new one.

    Whoever may write to the ledger may publish a plan of the same parts. Where nobody signs it anew, it must not ask
    for less, say less, or run in another order than what was signed.
    """
    old, new = (_requirement(plan, said) for plan in (then, now))
    if old is None or new is None:
        yield "its plan did not ask for it"
        return
    if old.threshold > new.threshold:
        yield f"its plan asked for {old.threshold} people, and this one for {new.threshold}"
    if not now.solo and any(bar.person == person for bar in bars_of(old, then)):
        yield f"{person} might not sign the plan that it was made for"
    if said.surface == Surface.GOVERNANCE and now.next_root != then.next_root:
        yield "what the plan says of its next trust root is no longer the same"
    if _stopped(then, old):
        yield "the plan that it was made for was blocked, or its tests failed"
    if not _keeps_order(now, then, new, old):
        yield "its calls no longer wait for what they waited for"
    if not _reads_as_much(now, then):
        yield "this plan looks at less than the one that was signed"
    if _paths(now, new) - _paths(then, old):
        yield "this plan opens ways to more authority that the one that was signed did not tell of"


def _requirement(plan: Plan, said: Statement) -> Requirement | None:
    return next((item for item in plan.requirements if (item.surface, item.owner) == (said.surface, said.owner)), None)


def _stopped(plan: Plan, part: Requirement) -> bool:
    """Whether rules or boundary tests of the part's surface or changes held the plan up."""
    blocked = any(
        item.level is Level.BLOCK and (item.surface == part.surface or set(item.changes) & set(part.changes))
        for item in plan.findings
    )
    return blocked or any(not item.passed and item.surface == part.surface for item in plan.tests.failures)


def _reads_as_much(now: Plan, then: Plan) -> bool:
    """Whether an apply reads all that it would have read, and the plan owns up to all that it did not look at."""
    watched = {(target.provider, target.id, target.key): set(target.watch) for target in now.targets}
    whole = all(set(item.watch) <= watched.get((item.provider, item.id, item.key), set()) for item in then.targets)
    return whole and set(then.not_looked_at) <= set(now.not_looked_at) and set(then.gaps) <= set(now.gaps)


def _paths(plan: Plan, part: Requirement) -> set[NewPath]:
    """The ways that a plan opens for the agents of a part, certain or not."""
    agents = {change.agent for change in plan.changes if change.number in part.changes}
    return {path for path in plan.new_paths if path.agent in agents}


def _keeps_order(now: Plan, then: Plan, new: Requirement, old: Requirement) -> bool:
    """Whether each call of the part still comes after all calls, of both plans, that it came after."""
    after, before = _awaited(now, new), _awaited(then, old)
    there = {_call(item) for item in now.operations}
    return all(call in after and awaited & there <= after[call] for call, awaited in before.items())


def _awaited(plan: Plan, part: Requirement) -> dict[bytes, set[bytes]]:
    """What each call of a part waits for, directly or not: calls by their content, since numbers change."""
    calls = {item.id: item for item in plan.operations}
    found: dict[bytes, set[bytes]] = {}
    for operation in plan.operations:
        if operation.change not in part.changes:
            continue
        seen: set[str] = set()
        stack = list(operation.depends)
        while stack:
            id_ = stack.pop()
            if id_ in calls and id_ not in seen:
                seen.add(id_)
                stack += calls[id_].depends
        found[_call(operation)] = {_call(calls[id_]) for id_ in seen}
    return found


def _call(operation: Operation) -> bytes:
    plain: dict[str, Any] = to_builtins(operation)
    return canonical.dumps({name: item for name, item in plain.items() if name not in ("id", "change", "depends")})


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
