"""Attacks on what runs without a signature of its own: the removal of what has ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import scenario as s
from make import Made, attack, operations_of
from scenario import GRANT, Situation

from provisioner.approval.requirements import of_plan
from provisioner.approval.root import make_root
from provisioner.approval.sweeping import SWEEP_SCOPE, removal, sweeps_of
from provisioner.model.changes import Change, Effect
from provisioner.model.findings import TestSummary
from provisioner.model.plan import Plan
from provisioner.planfile import PlanFile

HOUR_AGO, TOMORROW = "2026-11-23T11:00:00Z", "2026-11-24T12:00:00Z"


def ending(until: str) -> Change:
    """A grant that ends by itself."""
    return replace(GRANT, number=1, after={"document": {"allow": ["inbox"], "until": until}})


def source(until: str = HOUR_AGO, **over: Any) -> Plan:
    """The plan that made such a grant."""
    made = ending(until)
    values = {"changes": (made,), "findings": (), "sweeps": sweeps_of((made,), {"cloud": s.Cloud()})} | over
    return s.draft(make_root(s.root_data()), **values)


def swept(until: str = HOUR_AGO, known: PlanFile | None = None, **over: Any) -> Situation:
    """A sweep of it, that nobody signs."""
    gone = over.pop("gone", removal(ending(until)))
    none: dict[str, Any] = dict.fromkeys(("requirements", "exclusions", "unknown_authors"), ())
    none |= {"declared": None, "tests": TestSummary()}
    values = {"changes": (gone,), "operations": operations_of(gone), "findings": (), "scope": SWEEP_SCOPE} | none | over
    file = s.file_of(replace(s.draft(make_root(s.root_data())), **values))
    return Situation(planfile=file, envelopes=[], swept=known or s.file_of(source(until)))


@attack("verified")
def control_sweep() -> Made:
    """What has ended is removed by the calls that were signed with it."""
    return swept()


@attack("E-REQUIREMENTS")
def sweep_before_its_time() -> Made:
    """A grant is taken away a day before it ends, and nobody is asked."""
    return swept(TOMORROW)


@attack("E-REQUIREMENTS")
def sweep_of_what_no_plan_ends() -> Made:
    """A policy without an end is called one that has ended."""
    return swept(known=s.file_of(source(sweeps=())))


@attack("E-REQUIREMENTS")
def sweep_of_what_was_changed() -> Made:
    """The policy is another one by now, and its removal was never signed."""
    found = removal(ending(HOUR_AGO))
    return swept(gone=replace(found, before={"document": {"allow": ["inbox", "outbox"]}}))


@attack("E-REQUIREMENTS")
def sweep_that_puts_something_back() -> Made:
    """Under the name of a sweep a policy is widened."""
    made = ending(HOUR_AGO)
    return swept(gone=replace(made, before=made.after, after={"document": {"allow": ["inbox", "archive"]}}))


@attack("E-REQUIREMENTS")
def sweep_that_is_called_wider() -> Made:
    """What a sweep says of its effect is not what a removal does."""
    return swept(gone=replace(removal(ending(HOUR_AGO)), effect=Effect.EQUAL))


@attack("E-REQUIREMENTS")
def sweep_that_takes_something_along() -> Made:
    """Beside what has ended, a sweep removes what nobody signed away."""
    other = replace(removal(GRANT), number=2, address=s.address("role_policy", "acme-agents-triage/other"))
    both = (removal(ending(HOUR_AGO)), other)
    return swept(changes=both, operations=operations_of(*both))


@attack("E-REQUIREMENTS")
def sweep_with_another_call() -> Made:
    """The call is not the one that was signed with the grant."""
    found = removal(ending(HOUR_AGO))
    (call,) = operations_of(found)
    return swept(operations=(replace(call, params={**call.params, "force": True}),))


@attack("E-REQUIREMENTS")
def sweep_that_decides_more() -> Made:
    """A sweep hides whose sign-off it would need behind its scope."""
    return swept(unknown_authors=("a file that nobody signed",))


@attack("E-SWEEPS")
def removal_of_something_else_signed_along() -> Made:
    """With a grant, the removal of another one is signed, to be run by itself later."""
    made = ending(HOUR_AGO)
    other = removal(replace(GRANT, number=1, address=s.address("role_policy", "acme-agents-payer/pays")))
    plan = source()
    root = make_root(s.root_data())
    posing = replace(plan, sweeps=(replace(plan.sweeps[0], operations=s.Cloud().operations(other)),))
    wanted = of_plan(root.data, posing)
    file = s.file_of(replace(posing, requirements=wanted.requirements, exclusions=wanted.exclusions))
    assert made.after == plan.changes[0].after
    return Situation(root=root, planfile=file, envelopes=s.signed_by_all(file))


def until_swept(ends: str | None = TOMORROW, moved: bool = False, **over: Any) -> Situation:
    """A grant that its cloud cannot end, in a plan that says when it is taken away."""
    document = {"document": {"allow": ["inbox"], "swept": "yes"}} if over.pop("endless", True) else GRANT.after
    sides = {"before": document, "fields": (), "effect": Effect.WIDER} if moved else {}
    made = replace(GRANT, number=1, after=document, ends=ends, **sides)
    root = make_root(s.root_data())
    sweeps = over.pop("sweeps", sweeps_of((made,), {"cloud": s.Cloud()}))
    file = s.file_of(s.draft(root, changes=(made,), findings=(), sweeps=sweeps))
    return Situation(root=root, planfile=file, envelopes=s.signed_by_all(file))


@attack("verified")
def control_end_with_its_removal() -> Made:
    """The removal is signed with the grant."""
    return until_swept()


@attack("verified")
def control_end_that_is_moved() -> Made:
    """Nothing live differs; the owners sign another end."""
    return until_swept(moved=True)


@attack("E-SWEEPS")
def end_without_its_removal() -> Made:
    """The owners sign a grant until tomorrow, and nothing would ever take it away."""
    return until_swept(sweeps=())


@attack("E-SWEEPS")
def end_that_is_another_than_the_removal_s() -> Made:
    """The plan shows an end of tomorrow, and what is swept is swept a year later."""
    later = until_swept(TOMORROW.replace("2026", "2027")).planfile.plan.sweeps
    return until_swept(sweeps=later)


@attack("E-SWEEPS")
def end_of_what_nothing_sweeps() -> Made:
    """The plan shows an end where no sweep may take anything away."""
    return until_swept(endless=False, sweeps=())


@attack("E-SWEEPS")
def update_of_nothing() -> Made:
    """An update that changes nothing and moves no end: surfaces of the planner's choice would sign it."""
    same = replace(GRANT, number=1, before=GRANT.after, fields=(), effect=Effect.WIDER)
    root = make_root(s.root_data())
    file = s.file_of(s.draft(root, changes=(same,), findings=()))
    return Situation(root=root, planfile=file, envelopes=s.signed_by_all(file))
