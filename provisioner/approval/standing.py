"""Who may act for an owner besides its own signers, and whether that is open: escalation, notice, break-glass. Pure.

Each opens by what the record shows, never by what a signer says: delays run by the store's own clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..model.changes import Surface
from ..model.plan import Requirement
from .ownership import resolve_owner
from .requirements import Demands
from .root import RootData
from .statement import Decision, Role
from .verdict import Evidence, Signed, StandIn

BREAK_GLASS_PEOPLE: Final = 2
BREAK_GLASS_SECONDS: Final = 3600
NOTICE_PEOPLE: Final = 2


@dataclass(frozen=True, slots=True)
class Quorum:
    """Who makes up a requirement's quorum. `signed` count towards it; `relies` are all whose word it stands on."""

    signed: tuple[Signed, ...]
    relies: tuple[Signed, ...]
    met: bool
    waived: str = ""
    broken: bool = False


def may_act(root: RootData, requirement: Requirement, role: Role, decision: Decision) -> frozenset[str]:
    """The people whose word in a role is heard for a requirement. Only the owner's own signers reject."""
    owner = root.owners.get(requirement.owner)
    own = frozenset(owner.signers) if owner is not None else frozenset()
    if role is Role.OWNER:
        return own
    if decision is Decision.REJECT or role is Role.REVIEW:
        return frozenset()
    if role is Role.BREAK_GLASS:
        return frozenset(_governors(root))
    others = (other.signers for name, other in root.owners.items() if name != requirement.owner)
    return frozenset(person for signers in others for person in signers)


def opens(root: RootData, requirement: Requirement, role: Role, demands: Demands) -> bool:
    """Whether a requirement knows a role at all. A new trust root is nobody's to decide in another's place, except
    where an owner is asked to yield."""
    owner = root.owners.get(requirement.owner)
    if role is Role.OWNER:
        return True
    if role is Role.REVIEW:
        return False
    if requirement.surface == Surface.GOVERNANCE:
        return role is Role.ESCALATION and demands.yields(requirement)
    return role is Role.BREAK_GLASS or (owner is not None and owner.escalation is not None)


def stand_in(root: RootData, requirement: Requirement, evidence: Evidence) -> StandIn | None:
    """Who may stand in for a requirement's owner, and from when by the store's clock."""
    owner = root.owners.get(requirement.owner)
    if owner is None or owner.escalation is None or requirement.surface == Surface.GOVERNANCE:
        return None
    published = evidence.published.stored if evidence.published is not None else None
    own_clock = evidence.store_now is not None
    at = published + timedelta(seconds=owner.escalation.after_seconds) if published is not None and own_clock else None
    return StandIn(owner.escalation.to, at, _passed(at, evidence), own_clock, owner.escalation.after_seconds)


def quorum(
    root: RootData, requirement: Requirement, evidence: Evidence, approved: Sequence[Signed], barred: Iterable[str]
) -> Quorum:
    """Who of those that approved, each in a role, counts for a requirement. `barred` people count in none."""
    out = set(barred)
    of = {role: [item for item in approved if item.role is role and item.person not in out] for role in Role}
    own = of[Role.OWNER]
    if len(own) >= requirement.threshold:
        return Quorum(tuple(own), tuple(own), True)
    way = stand_in(root, requirement, evidence)
    if way is not None:
        standing, opened_by = _standing(root, requirement, way, of[Role.ESCALATION])
        signed = (*own, *standing)
        if standing and len({item.person for item in signed}) >= requirement.threshold:
            return Quorum(signed, (*signed, *opened_by), True)
    glass = of[Role.BREAK_GLASS]
    if len({item.person for item in glass}) >= max(BREAK_GLASS_PEOPLE, _governance_threshold(root)):
        return Quorum(tuple(glass), tuple(glass), True, broken=True)
    return Quorum(tuple(own), tuple(own), False)


def waiver(
    root: RootData,
    requirement: Requirement,
    evidence: Evidence,
    governance: Sequence[Signed],
    others: Sequence[Signed],
) -> Quorum | None:
    """How governance goes on without the consent of an owner that is replaced; None where it may not.

    Two people of governance, and the notice period since the root was first announced, by the store's clock. Where
    the store has no clock of its own, every other owner must have signed in its place too, and there must be one.
    """
    if len({item.person for item in governance}) < max(NOTICE_PEOPLE, _governance_threshold(root)):
        return None
    if evidence.store_now is not None:
        at = notice_ends(root, evidence)
        if at is None or not _passed(at, evidence):
            return None
        hours = root.approval.notice_seconds // 3600
        return Quorum((), tuple(governance), True, f"not needed: announced more than {hours} h ago")
    governs = resolve_owner(root, Surface.GOVERNANCE)
    remaining = [name for name in root.owners if name not in (requirement.owner, governs)]
    seconds = [_whole_owner(root, name, others) for name in remaining]
    if not seconds or not all(seconds):
        return None
    relies = {item.person: item for found in seconds for item in found}
    return Quorum((), (*governance, *relies.values()), True, "not needed: every other owner has signed")


def notice_ends(root: RootData, evidence: Evidence) -> datetime | None:
    """When an owner that was told may be replaced, by the store's clock; None before anything was announced."""
    if evidence.announced is None or evidence.store_now is None:
        return None
    return evidence.announced + timedelta(seconds=root.approval.notice_seconds)


def _standing(
    root: RootData, requirement: Requirement, way: StandIn, signed: Sequence[Signed]
) -> tuple[Sequence[Signed], Sequence[Signed]]:
    """Those who stand in, once it is open, and those who opened it early: the people of one more owner."""
    there = _whole_owner(root, way.to, signed)
    if not there or way.open:
        return there, ()
    persons = {item.person for item in there}
    left = [item for item in signed if item.person not in persons]
    for name in root.owners:
        if name not in (requirement.owner, way.to) and (second := _whole_owner(root, name, left)):
            return there, second
    return (), ()


def _whole_owner(root: RootData, name: str, signed: Iterable[Signed]) -> list[Signed]:
    """Those of an owner's people who signed, where they make up its own quorum; else nobody."""
    owner = root.owners.get(name)
    if owner is None:
        return []
    found = [item for item in signed if item.person in owner.signers]
    return found if len({item.person for item in found}) >= owner.threshold else []


def _passed(at: datetime | None, evidence: Evidence) -> bool:
    return at is not None and evidence.store_now is not None and evidence.store_now >= at


def _governors(root: RootData) -> tuple[str, ...]:
    name = resolve_owner(root, Surface.GOVERNANCE)
    return root.owners[name].signers if name is not None else ()


def _governance_threshold(root: RootData) -> int:
    name = resolve_owner(root, Surface.GOVERNANCE)
    return root.owners[name].threshold if name is not None else BREAK_GLASS_PEOPLE
