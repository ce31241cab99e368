"""Which sign-offs a plan needs, and who may not give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..model.changes import Change, Operation
from ..model.diagnostics import Diagnostic
from ..model.findings import Finding
from ..model.plan import AgentNote, Exclusion, Plan, Requirement, RootChange
from .ownership import change_owner
from .parts import Part, part_digest, split
from .root import RootData

UNKNOWN_AUTHOR_QUORUM: Final = 2
"""Distinct people for a part that widens and whose authors are not all known."""

SPONSOR: Final = "sponsor"


@dataclass(frozen=True, slots=True)
class Bar:
    """A person who may not sign one part, and why."""

    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Demands:
    """What goes into a plan. `unowned` are (change number, surface) pairs without exactly one owner."""

    requirements: tuple[Requirement, ...]
    exclusions: tuple[Exclusion, ...]
    unowned: tuple[tuple[int, str], ...]


def demands(
    root: RootData,
    changes: Sequence[Change],
    operations: Sequence[Operation],
    findings: Sequence[Finding],
    agents: Sequence[AgentNote],
    authors: Iterable[Exclusion],
    unknown_authors: Sequence[str],
    next_root: RootChange | None,
) -> Demands:
    """Requirements and exclusions by the root in force. `authors` are the people excluded from the whole plan.

    A one-person team (`solo`) has nobody else to sign: there is no separation of duties, and the plan says so.
    """
    parts = split(root, changes, findings, next_root)
    excluded = () if root.approval.solo else (*_ordered(authors), *sponsors(changes, agents))
    return Demands(
        tuple(_requirement(root, part, operations, unknown_authors) for part in parts),
        excluded,
        tuple(
            (change.number, surface.value)
            for change in changes
            for surface in change.surfaces
            if change_owner(root, change, surface) is None
        ),
    )


def of_plan(root: RootData, plan: Plan) -> Demands:
    """What a plan must demand: computed anew from the root, so that no plan relaxes its own requirements."""
    authors = [exclusion for exclusion in plan.exclusions if exclusion.agent is None]
    return demands(
        root,
        plan.changes,
        plan.operations,
        plan.findings,
        plan.agents,
        authors,
        plan.unknown_authors,
        plan.next_root,
    )


def sponsors(changes: Sequence[Change], agents: Sequence[AgentNote]) -> tuple[Exclusion, ...]:
    """Sponsors of the agents that the changes widen."""
    widened = {change.agent for change in changes if change.effect.widens}
    return tuple(
        Exclusion(note.sponsor, SPONSOR, note.agent)
        for note in sorted(agents, key=lambda note: note.agent)
        if note.sponsor is not None and note.agent in widened
    )


def barred(requirement: Requirement, changes: Sequence[Change], exclusions: Iterable[Exclusion]) -> tuple[Bar, ...]:
    """Who may not sign one requirement: authors no part, a sponsor none that widens the own agent."""
    numbers = set(requirement.changes)
    widened = {change.agent for change in changes if change.number in numbers and change.effect.widens}
    found: dict[str, str] = {}
    for exclusion in exclusions:
        if exclusion.agent is None or exclusion.agent in widened:
            reason = exclusion.reason if exclusion.agent is None else f"{exclusion.reason} of {exclusion.agent}"
            found.setdefault(exclusion.person, reason)
    return tuple(Bar(person, found[person]) for person in sorted(found))


def deadlocks(
    root: RootData, requirements: Sequence[Requirement], changes: Sequence[Change], exclusions: Sequence[Exclusion]
) -> tuple[Diagnostic, ...]:
    """Requirements that nobody can meet, said before anybody waits for them."""
    found = []
    for requirement in requirements:
        bars = {bar.person: bar.reason for bar in barred(requirement, changes, exclusions)}
        found += _deadlock(root, requirement.surface, requirement.owner, requirement.threshold, bars)
    return tuple(found)


def early_deadlocks(
    root: RootData, authors: Iterable[Exclusion], unknown_authors: Sequence[str]
) -> tuple[Diagnostic, ...]:
    """The same before there is a plan: owners who could sign no widening change, given who wrote the files."""
    if root.approval.solo:
        return ()
    bars = {exclusion.person: exclusion.reason for exclusion in authors if exclusion.agent is None}
    found = []
    for name, owner in root.owners.items():
        for surface in owner.surfaces:
            needed = _threshold(root, name, widens=True, unknown_authors=unknown_authors)
            found += _deadlock(root, surface, name, needed, bars)
    return tuple(found)


def _requirement(
    root: RootData, part: Part, operations: Sequence[Operation], unknown_authors: Sequence[str]
) -> Requirement:
    return Requirement(
        surface=part.surface,
        owner=part.owner,
        threshold=_threshold(root, part.owner, part.widens, unknown_authors),
        changes=tuple(change.number for change in part.changes),
        accept=part.accept,
        part=part_digest(part, operations),
    )


def _threshold(root: RootData, owner: str, widens: bool, unknown_authors: Sequence[str]) -> int:
    found = root.owners.get(owner)
    own = found.threshold if found is not None else 1
    if unknown_authors and widens and not root.approval.solo:
        return max(own, UNKNOWN_AUTHOR_QUORUM)
    return own


def _ordered(authors: Iterable[Exclusion]) -> tuple[Exclusion, ...]:
    return tuple(sorted(set(authors), key=lambda exclusion: (exclusion.person, exclusion.reason)))


def _deadlock(root: RootData, surface: str, owner: str, needed: int, bars: dict[str, str]) -> list[Diagnostic]:
    signers = root.owners[owner].signers if owner in root.owners else ()
    able = [signer for signer in signers if signer not in bars]
    if len(able) >= needed:
        return []
    out = [f"{signer} ({bars[signer]})" for signer in signers if signer in bars]
    if len(signers) == 1 and out:
        summary = f"{surface} cannot be signed: its only signer is an excluded person, {out[0]}"
    else:
        summary = f"{surface} cannot be signed: {owner} needs {needed} people, and {len(able)} of its signers may sign"
    detail = f"control_owner.{owner} has the signers {', '.join(signers) or 'nobody'}."
    if out:
        detail += f" May not sign: {', '.join(out)}."
    if needed > (root.owners[owner].threshold if owner in root.owners else 1):
        detail += (
            " Because not every author is known, two people are needed: sign the commits with SSH keys of the root."
        )
    detail += " Let somebody else write the change, or add a signer (a governance change)."
    return [Diagnostic("E-DEADLOCK", summary, detail)]
