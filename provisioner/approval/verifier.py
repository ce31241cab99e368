"""Judges a plan and its sign-offs. Pure: no file, no network, no clock, no configuration.

`verify` is the one way to a `VerifiedPlan`, and a `VerifiedPlan` the one thing that apply executes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass
from datetime import datetime, timedelta
from typing import Never

from ..model.plan import Plan, Requirement
from ..planfile import PlanFile
from .plan_checks import PLAN_CHECKS, Case
from .requirements import barred, of_plan
from .root import RootData, TrustRoot
from .signoff_checks import Counted, judge
from .statement import Decision
from .verdict import Evidence, Refusal, RefusedSignoff, RequirementState, Signed, State

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
    """`verified` is there exactly when `refusals` is empty. `refused` are sign-offs in the ledger that do not count."""

    states: tuple[RequirementState, ...]
    refusals: tuple[Refusal, ...]
    refused: tuple[RefusedSignoff, ...]
    verified: VerifiedPlan | None


def verify(planfile: PlanFile, evidence: Evidence) -> Verdict:
    """Judge a plan by the root in force and what the ledger holds."""
    plan, root = planfile.plan, evidence.root.root
    demands = of_plan(root.data, plan)
    case = Case(planfile, evidence, demands)
    refusals = [refusal for check in PLAN_CHECKS for refusal in check(case)]
    judged = [judge(planfile, evidence, demands.requirements, signoff) for signoff in evidence.signoffs]
    refusals += [item.rollback for item in judged if item.rollback is not None]
    refused = tuple(item.refused for item in judged if item.refused is not None)
    counted = [item.counted for item in judged if item.counted is not None]
    states = tuple(_state(item, counted, root.data, plan) for item in demands.requirements)
    refusals += [refusal for state in states for refusal in _unmet(state, planfile, refused)]
    if refusals or evidence.published is None:
        return Verdict(states, tuple(refusals), refused, None)
    since = evidence.published.since
    verified = VerifiedPlan(
        planfile=planfile,
        root=root,
        states=states,
        published=since,
        valid_until=_valid_until(states, since + timedelta(seconds=root.data.approval.plan_ttl_seconds)),
        newest_signoff=max((signoff.index for signoff in evidence.signoffs), default=0),
        seal=_SEAL,
    )
    return Verdict(states, (), refused, verified)


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
    requirements = tuple(state.requirement for state in verified.states)
    for state in verified.states:
        left = {signed.person for signed in state.signed if signed.fingerprint not in evidence.revoked}
        if len(left) < state.requirement.threshold:
            reason = f"a key that signed for {state.requirement.owner} was revoked"
            found.append(Refusal("E-KEY-REVOKED", reason, "Let somebody else sign, and apply again."))
    for signoff in evidence.signoffs:
        if signoff.index <= verified.newest_signoff:
            continue
        judged = judge(verified.planfile, evidence, requirements, signoff)
        if judged.rollback is not None:
            found.append(judged.rollback)
        elif judged.counted is not None and judged.counted.decision is Decision.REJECT:
            found.append(_rejection(judged.counted.requirement, judged.counted.signed))
    return tuple(found)


def _state(requirement: Requirement, counted: Sequence[Counted], root: RootData, plan: Plan) -> RequirementState:
    """Quorum counts people, each by their newest decision. Rejection stands until its own author signs later."""
    own = [item for item in counted if item.requirement == requirement]
    approved = _newest(item.signed for item in own if item.decision is Decision.APPROVE)
    rejected = _newest(item.signed for item in own if item.decision is Decision.REJECT)
    standing = tuple(
        signed
        for person, signed in rejected.items()
        if person not in approved or approved[person].issued <= signed.issued
    )
    against = {signed.person for signed in standing}
    agreed = tuple(signed for person, signed in approved.items() if person not in against)
    signers = root.owners[requirement.owner].signers if requirement.owner in root.owners else ()
    bars = () if root.approval.solo else barred(requirement, plan.changes, plan.exclusions)
    out = {bar.person for bar in bars} | {signed.person for signed in agreed} | against
    if standing:
        state = State.REJECTED
    else:
        state = State.SIGNED if len(agreed) >= requirement.threshold else State.WAITING
    return RequirementState(
        requirement=requirement,
        state=state,
        signed=agreed,
        rejected=standing,
        may_sign=tuple(signer for signer in signers if signer not in out),
        may_not=tuple(bar for bar in bars if bar.person in signers),
    )


def _newest(decisions: Iterable[Signed]) -> dict[str, Signed]:
    """One decision a person: the one issued last."""
    found: dict[str, Signed] = {}
    for signed in decisions:
        known = found.get(signed.person)
        if known is None or (signed.issued, signed.index) > (known.issued, known.index):
            found[signed.person] = signed
    return dict(sorted(found.items()))


def _unmet(state: RequirementState, planfile: PlanFile, refused: Sequence[RefusedSignoff]) -> list[Refusal]:
    if state.state is State.SIGNED:
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
    if len(state.may_sign) < count:
        barred_people = ", ".join(f"{bar.person} ({bar.reason})" for bar in state.may_not) or "nobody"
        fix = f"Too few may sign it; excluded: {barred_people}. Let others write the change, or add signers."
    else:
        fix += f", by {' or '.join(state.may_sign)}"
    return [Refusal("E-MISSING", "; ".join([reason, *why]), fix)]


def _rejection(requirement: Requirement, signed: Signed) -> Refusal:
    reason = f"{signed.person} rejected {requirement.surface} for {requirement.owner}: {signed.reason}"
    return Refusal("E-REJECTED", reason, f"Settle it with {signed.person}, who can sign later, or change the plan.")


def _valid_until(states: Sequence[RequirementState], published_until: datetime) -> datetime:
    """When the first requirement loses its quorum, or the plan its time."""
    ends = [published_until]
    for state in states:
        expiries = sorted((signed.expires for signed in state.signed), reverse=True)
        ends.append(expiries[state.requirement.threshold - 1])
    return min(ends)
