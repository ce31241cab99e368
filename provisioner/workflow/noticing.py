"""What a person is told beside the plans that wait for them: reviews owed, and what is done in their owner's place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from ..approval.root import RootData
from ..approval.takeover import takeovers
from ..approval.verdict import RequirementState, State
from ..ledger import views
from ..ledger.entries import Entry, Kind
from ..ledger.log import Ledger
from ..planfile import PlanFile
from ..render.inbox import Notice
from ..runner import Runner
from .approving import notice_text
from .authorized import judged_at
from .reviewing import owed_by
from .roots import root_in_force

REPLACED_FOR: Final = timedelta(days=30)
"""How long an owner's people are told that others came in their place."""


def reviews(ledger: Ledger, runner: Runner, person: str) -> tuple[Notice, ...]:
    """The reviews that this person may give, oldest first."""
    return tuple(
        Notice("review", _short(item.plan), item.requirement.owner, item.text)
        for item in owed_by(ledger, runner, person)
    )


def of_plan(file: PlanFile, root: RootData, states: Iterable[RequirementState], person: str) -> Iterator[Notice]:
    """What a published plan does to this person's owners, beside asking for a sign-off."""
    mine = {name for name, owner in root.owners.items() if person in owner.signers}
    for state in states:
        owner = state.requirement.owner
        if owner not in mine:
            continue
        reject = f"provisioner sign {file.short} -owner {owner} -reject -reason TEXT"
        if state.yields and state.state is not State.SIGNED:
            told = f"Plan {file.short}: {state.waived or notice_text(state)}."
            yield Notice("replacing", file.short, owner, told, f"To object: {reject}")
        elif state.state is State.NOTIFIED:
            count = len(state.requirement.changes)
            told = f"Plan {file.short} takes {state.requirement.surface} away in {count} change{'s' * (count != 1)}"
            yield Notice("narrowing", file.short, owner, f"{told} and needs no sign-off of {owner}.", f"Or: {reject}")


def replaced(ledger: Ledger, runner: Runner, person: str, now: datetime) -> tuple[Notice, ...]:
    """New trust roots of the last 30 days by which others came to sign in this person's place, without their owner's
    consent, newest first. Raises DiagnosticError for a chain of roots that does not hold."""
    found: list[Notice] = []
    for record in reversed(views.roots(ledger.history)):
        if record.plan is None or now - record.entry.stored_at > REPLACED_FOR:
            continue
        before = root_in_force(ledger, runner, before=record.entry.index).root.data
        after = root_in_force(ledger, runner, before=record.entry.index + 1).root.data
        mine = {name for name, owner in before.owners.items() if person in owner.signers}
        for owner, reasons in takeovers(before, after).items():
            if owner in mine and (waived := _waived(ledger, runner, record.plan, record.entry, owner)):
                day = record.entry.stored_at.astimezone(UTC)
                said = f"Trust root v{record.version} of {day:%Y-%m-%d %H:%MZ}, by plan {_short(record.plan)}"
                text = f"{said}: {'; '.join(reasons)}. Consent of {owner} was {waived}."
                found.append(Notice("replaced", _short(record.plan), owner, text, "provisioner audit show"))
    return tuple(found)


def known(ledger: Ledger, runner: Runner, person: str) -> bool:
    """Whether any trust root of the ledger knew this person: who was taken out is told so."""
    return any(
        person in root_in_force(ledger, runner, before=entry.index + 1).root.data.people
        for entry in ledger.history.of(Kind.ROOT)
    )


def _waived(ledger: Ledger, runner: Runner, plan: str, entry: Entry, owner: str) -> str:
    moment = judged_at(ledger, runner, plan, entry)
    states = moment.verdict.states if moment is not None else ()
    return next((state.waived for state in states if state.yields and state.requirement.owner == owner), "")


def _short(plan: str) -> str:
    return plan.removeprefix("sha256:")[:8]
