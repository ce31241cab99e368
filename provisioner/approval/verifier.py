"""Judges a plan and its sign-offs. Pure: no file, no network, no clock, no configuration.

`verify` is the one way to a `VerifiedPlan`, and a `VerifiedPlan` the one thing that apply executes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, replace
from datetime import datetime
from typing import Never

from ..model.plan import Plan, Requirement
from ..planfile import PlanFile
from .case import Case, time_to_live
from .plan_checks import PLAN_CHECKS
from .requirements import Background, Demands, of_plan
from .root import TrustRoot
from .signoff_checks import Judged, judge
from .statement import Decision, Role
from .states import states
from .stopping import of_stop
from .sweeping import of_sweep
from .verdict import Evidence, LedgerSignoff, Refusal, RefusedSignoff, RequirementState, Signed, State

_SEAL = object()


@dataclass(frozen=True, slots=True)
class VerifiedPlan:
    """A plan that may run, until `valid_until`. Only this module makes one.

    `root` judged it, `states` say who signed what, `newest_signoff` is the ledger index of the newest sign-off that
    was looked at: what comes later is for `recheck`.
    """

    planfile: PlanFile
    root: TrustRoot
    states: tuple[RequirementState, ...]
    published: datetime
    valid_until: datetime
    newest_signoff: int
    seal: InitVar[object]
    demands: Demands = field(default_factory=lambda: Demands((), (), ()))

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only provisioner.approval.verifier makes a VerifiedPlan")

    def __reduce__(self) -> Never:
        raise TypeError("a VerifiedPlan is not copied through bytes: verify the plan again")

    @property
    def plan(self) -> Plan:
        return self.planfile.plan

    @property
    def digest(self) -> str:
        return self.planfile.digest


@dataclass(frozen=True, slots=True)
class Verdict:
    """`verified` is there exactly when `refusals` is empty. `refused` are sign-offs in the ledger that do not count.

    `ends` is when the plan's time to live is over; None before it is published.
    """

    states: tuple[RequirementState, ...]
    refusals: tuple[Refusal, ...]
    refused: tuple[RefusedSignoff, ...]
    verified: VerifiedPlan | None
    ends: datetime | None = None


def verify(planfile: PlanFile, evidence: Evidence) -> Verdict:
    """Judge a plan by the root in force and what the ledger holds."""
    plan, root = planfile.plan, evidence.root.root
    demands = of_stop(root.data, plan, evidence.providers, evidence.past) or of_sweep(root.data, plan, evidence)
    if demands is not None:
        evidence = replace(evidence, authorship=None, past=None)  # made from no file: no author
    else:
        demands = of_plan(root.data, plan, Background(evidence.root.earlier, evidence.providers))
    judged = _judged(planfile, evidence, demands)
    counted = [item.counted for item in judged if item.counted is not None]
    found = states(demands, counted, plan, evidence)
    broken = frozenset(state.requirement for state in found if state.broken)
    case = Case(planfile, evidence, demands, broken)
    refusals = [refusal for check in PLAN_CHECKS for refusal in check(case)]
    refusals += [item.rollback for item in judged if item.rollback is not None]
    refused = tuple(item.refused for item in judged if item.refused is not None)
    refusals += [refusal for state in found for refusal in _unmet(state, planfile, refused)]
    ends = evidence.published.since + time_to_live(root.data, demands) if evidence.published is not None else None
    if refusals or evidence.published is None or ends is None:
        return Verdict(found, tuple(refusals), refused, None, ends)
    verified = VerifiedPlan(
        planfile=planfile,
        root=root,
        states=found,
        published=evidence.published.since,
        valid_until=_valid_until(found, ends),
        newest_signoff=max((signoff.index for signoff in _all(evidence)), default=0),
        demands=demands,
        seal=_SEAL,
    )
    return Verdict(found, (), refused, verified, ends)


def _judged(planfile: PlanFile, evidence: Evidence, demands: Demands) -> list[Judged]:
    """Every sign-off that names this plan, and those of others that may be carried over."""
    found = [judge(planfile, evidence, demands, signoff) for signoff in evidence.signoffs]
    return found + [judge(planfile, evidence, demands, carried.signoff, carried) for carried in evidence.carried]


def _all(evidence: Evidence) -> tuple[LedgerSignoff, ...]:
    return (*evidence.signoffs, *(carried.signoff for carried in evidence.carried))


def recheck(verified: VerifiedPlan, evidence: Evidence) -> tuple[Refusal, ...]:
    """What has come up since `verify`: expiry, rejection, revocation, another root. Cheap: before every operation."""
    found: list[Refusal] = []
    if evidence.root.root.digest != verified.root.digest or not evidence.root.pinned:
        found.append(Refusal("E-ROOT", "the trust root changed while the plan was applied", "Plan again."))
    if evidence.base != verified.plan.base:
        found.append(Refusal("E-BASE", "another plan was applied meanwhile", "Plan again."))
    if evidence.now >= verified.valid_until:
        found.append(
            Refusal("E-EXPIRED", f"the sign-offs were good until {verified.valid_until:%H:%MZ}", "Sign again.")
        )
    for state in verified.states:
        left = {signed.person for signed in state.signed if signed.fingerprint not in evidence.revoked}
        exact = state.state is State.WAIVED or any(signed.role is not Role.OWNER for signed in state.relies)
        gone = exact and any(signed.fingerprint in evidence.revoked for signed in state.relies)
        if gone or len(left) < (0 if state.state is State.WAIVED else state.requirement.threshold):
            reason = f"a key that signed for {state.requirement.owner} was revoked"
            found.append(Refusal("E-KEY-REVOKED", reason, "Let somebody else sign, and apply again."))
    late = [(signoff, None) for signoff in evidence.signoffs] + [(item.signoff, item) for item in evidence.carried]
    waived = {state.requirement for state in verified.states if state.state is State.WAIVED}
    for signoff, carried in late:
        if signoff.index <= verified.newest_signoff:
            continue
        judged = judge(verified.planfile, evidence, verified.demands, signoff, carried)
        if judged.rollback is not None:
            found.append(judged.rollback)
        elif judged.counted is None or judged.counted.requirement in waived:
            continue
        elif judged.counted.decision is Decision.REJECT:
            found.append(_rejection(judged.counted.requirement, judged.counted.signed))
    return tuple(found)


def _unmet(state: RequirementState, planfile: PlanFile, refused: Sequence[RefusedSignoff]) -> list[Refusal]:
    if state.settled:
        return []
    requirement = state.requirement
    if state.state is State.REJECTED:
        return [_rejection(requirement, signed) for signed in state.rejected]
    count = state.missing
    reason = f"{requirement.surface}: {count} sign-off{'s' if count > 1 else ''} of {requirement.owner} missing"
    why = [
        f"a sign-off of {item.person or 'somebody'} does not count: {item.refusal.reason}"
        for item in refused
        if (item.surface, item.owner) == (requirement.surface, requirement.owner)
    ]
    fix = f"provisioner sign {planfile.short} -owner {requirement.owner} -surface {requirement.surface}"
    if (way := _other_way(state)) is not None:
        fix += f", by {' or '.join(state.may_sign)}; {way}" if state.may_sign else f"; {way}"
    elif len(state.may_sign) < count:
        barred_people = ", ".join(f"{bar.person} ({bar.reason})" for bar in state.may_not) or "nobody"
        fix = f"Too few may sign it; excluded: {barred_people}. Let others write the change, or add signers."
    else:
        fix += f", by {' or '.join(state.may_sign)}"
    return [Refusal("E-MISSING", "; ".join([reason, *why]), fix)]


def _other_way(state: RequirementState) -> str | None:
    """How a requirement may be met without its owner."""
    if state.yields:
        return "or governance goes on without it, with two people, once its notice is over"
    if state.stand_in is not None:
        return f"or {state.stand_in.to} stands in for it"
    return None


def _rejection(requirement: Requirement, signed: Signed) -> Refusal:
    reason = f"{signed.person} rejected {requirement.surface} for {requirement.owner}: {signed.reason}"
    return Refusal("E-REJECTED", reason, f"Settle it with {signed.person}, who can sign later, or change the plan.")


def _valid_until(states: Sequence[RequirementState], published_until: datetime) -> datetime:
    """When the first requirement loses its quorum, or the plan its time."""
    ends = [published_until]
    for state in states:
        if all(signed.role is Role.OWNER for signed in state.relies) and state.state is State.SIGNED:
            ends.append(
                sorted((signed.expires for signed in state.signed), reverse=True)[state.requirement.threshold - 1]
            )
        else:
            ends += [signed.expires for signed in state.relies if state.state is not State.NOTIFIED]
    return min(ends)
