"""What the sign-offs that count make of each requirement: signed, waiting, rejected, notified or waived. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from ..model.changes import Surface
from ..model.plan import Plan, Requirement
from .ownership import resolve_owner
from .requirements import Bar, Demands, bars_of
from .revocation import fingerprints
from .root import RootData
from .signoff_checks import Counted
from .standing import Quorum, notice_ends, quorum, stand_in, waiver
from .statement import Decision, Role
from .verdict import Evidence, RequirementState, Signed, State


@dataclass(frozen=True, slots=True)
class _Bench:
    """What every requirement of a plan is judged with."""

    demands: Demands
    counted: Sequence[Counted]
    plan: Plan
    evidence: Evidence

    @property
    def root(self) -> RootData:
        return self.evidence.root.root.data


def states(
    demands: Demands, counted: Sequence[Counted], plan: Plan, evidence: Evidence
) -> tuple[RequirementState, ...]:
    """The state of each requirement, in order."""
    bench = _Bench(demands, counted, plan, evidence)
    made = tuple(_state(bench, item) for item in demands.requirements)
    return tuple(_yielding(bench, state, made) if demands.yields(state.requirement) else state for state in made)


def _state(bench: _Bench, requirement: Requirement) -> RequirementState:
    """Quorum counts people, each by their newest decision. Rejection stands until its own author signs later."""
    root, plan = bench.root, bench.plan
    approved, standing = _decided(bench, requirement)
    against = {signed.person for signed in standing}
    bars = () if root.approval.solo else bars_of(requirement, plan)
    bars += _without_a_key(root, requirement, bench.evidence.revoked, {bar.person for bar in bars})
    found = quorum(root, requirement, bench.evidence, approved, ())
    signers = root.owners[requirement.owner].signers if requirement.owner in root.owners else ()
    out = {bar.person for bar in bars} | {signed.person for signed in found.signed} | against
    return RequirementState(
        requirement=requirement,
        state=_named(requirement, standing, found),
        signed=found.signed,
        rejected=standing,
        may_sign=tuple(signer for signer in signers if signer not in out),
        may_not=tuple(bar for bar in bars if bar.person in signers),
        relies=found.relies,
        broken=found.broken and not standing,
        stand_in=stand_in(root, requirement, bench.evidence),
        pending=tuple(item for item in approved if item.role is not Role.OWNER and item not in found.relies),
    )


def _without_a_key(root: RootData, requirement: Requirement, revoked: Set[str], known: Set[str]) -> tuple[Bar, ...]:
    """Signers whose keys were all revoked."""
    signers = root.owners[requirement.owner].signers if requirement.owner in root.owners else ()
    return tuple(
        Bar(name, "every key revoked")
        for name in signers
        if revoked and name not in known and name in root.people and set(fingerprints(root, name)) <= revoked
    )


def _decided(bench: _Bench, requirement: Requirement) -> tuple[tuple[Signed, ...], tuple[Signed, ...]]:
    """Who agrees, and who stands against it."""
    own = [item for item in bench.counted if item.requirement == requirement]
    approved = _newest(item.signed for item in own if item.decision is Decision.APPROVE)
    rejected = _newest(item.signed for item in own if item.decision is Decision.REJECT)
    standing = tuple(
        signed
        for person, signed in rejected.items()
        if person not in approved or approved[person].issued <= signed.issued
    )
    against = {signed.person for signed in standing}
    return tuple(signed for person, signed in approved.items() if person not in against), standing


def _named(requirement: Requirement, standing: Sequence[Signed], found: Quorum) -> State:
    if standing:
        return State.REJECTED
    if requirement.threshold == 0:
        return State.NOTIFIED
    return State.SIGNED if found.met else State.WAITING


def _yielding(bench: _Bench, state: RequirementState, made: Sequence[RequirementState]) -> RequirementState:
    """An owner that is asked to let others sign in its place. Its no counts until governance may go on without it."""
    requirement = state.requirement
    state = replace(
        state,
        yields=bench.demands.yielding[requirement.owner],
        notice=notice_ends(bench.root, bench.evidence),
    )
    if state.state is State.SIGNED or _accepts(bench, requirement):
        return state
    governs = resolve_owner(bench.root, Surface.GOVERNANCE)
    governance = next((item for item in made if item.requirement.owner == governs and item.requirement != requirement
                       and item.requirement.surface == Surface.GOVERNANCE), None)  # fmt: skip
    approved, _ = _decided(bench, requirement)
    others = [signed for signed in approved if signed.role is Role.ESCALATION]
    if governance is None or governance.state is not State.SIGNED:
        return state
    found = waiver(bench.root, requirement, bench.evidence, governance.signed, others)
    if found is None:
        return state
    return replace(state, state=State.WAIVED, waived=found.waived, relies=found.relies)


def _accepts(bench: _Bench, requirement: Requirement) -> bool:
    """Whether the owner must sign for an exception too: nobody else's word does for that."""
    return requirement.owner in bench.demands.accepting


def _newest(decisions: Iterable[Signed]) -> dict[str, Signed]:
    """One decision a person: the one issued last."""
    found: dict[str, Signed] = {}
    for signed in decisions:
        known = found.get(signed.person)
        if known is None or (signed.issued, signed.index) > (known.issued, known.index):
            found[signed.person] = signed
    return dict(sorted(found.items()))
