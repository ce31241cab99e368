"""Which sign-offs a plan needs, and who may not give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ..model.changes import Change, Operation, Surface
from ..model.diagnostics import Diagnostic, Severity
from ..model.findings import Finding
from ..model.plan import AgentNote, AgentWorld, Exclusion, Plan, Requirement, RootChange
from ..sdk.provider import Provider
from .narrowing import needs_no_signature
from .ownership import asked_owners
from .parts import Part, part_digest, split
from .root import RootData, RootException

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
    """What goes into a plan. `unowned` are (change number, surface) pairs without exactly one owner.

    `yielding` says of owners in whose place others would come to sign, how: they are asked, for governance's surface.
    `accepting` are owners that accept an exception by it. A requirement of 0 people is a notice: its part only takes
    authority away (`narrowing = "notify"`).
    """

    requirements: tuple[Requirement, ...]
    exclusions: tuple[Exclusion, ...]
    unowned: tuple[tuple[int, str], ...]
    yielding: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    accepting: frozenset[str] = frozenset()

    def yields(self, requirement: Requirement) -> bool:
        """Whether a requirement asks an owner to let others sign in its place."""
        return requirement.surface == Surface.GOVERNANCE and requirement.owner in self.yielding


@dataclass(frozen=True, slots=True)
class Background:
    """What else decides about requirements. `earlier` are the exceptions of roots before the one in force; `providers`
    are asked what only takes authority away, None for old plans that are read again."""

    earlier: tuple[RootException, ...] = ()
    providers: Mapping[str, Provider] | None = None


def demands(
    root: RootData,
    changes: Sequence[Change],
    operations: Sequence[Operation],
    findings: Sequence[Finding],
    agents: Sequence[AgentNote],
    authors: Iterable[Exclusion],
    unknown_authors: Sequence[str],
    next_root: RootChange | None,
    background: Background | None = None,
    served: Served | None = None,
) -> Demands:
    """Requirements and exclusions by the root in force. `authors` are the people excluded from the whole plan.

    A one-person team (`solo`) has nobody else to sign: there is no separation of duties, and the plan says so.
    """
    background = background or Background()
    parts = split(root, changes, findings, next_root, background.earlier)
    excluded = () if root.approval.solo else (*_ordered(authors), *sponsors(changes, agents, served))
    return Demands(
        tuple(_requirement(root, part, operations, unknown_authors, background) for part in parts),
        excluded,
        tuple(
            (change.number, surface.value)
            for change in changes
            for surface in change.surfaces
            if None in asked_owners(root, change, surface)
        ),
        {part.owner: part.yields for part in parts if part.yields},
        frozenset(part.owner for part in parts if part.people),
    )


def of_plan(root: RootData, plan: Plan, background: Background | None = None) -> Demands:
    """What a plan must demand: computed anew from the root, so that no plan relaxes its own requirements.

    Only a plan that asks for a sign-off where a notice would do may stay at that: it asks for more.
    """
    authors = [exclusion for exclusion in plan.exclusions if exclusion.agent is None]
    made = demands(
        root,
        plan.changes,
        plan.operations,
        plan.findings,
        plan.agents,
        authors,
        plan.unknown_authors,
        plan.next_root,
        background,
        served_by(plan),
    )
    stated = {(item.surface, item.owner): item for item in plan.requirements}
    signed = tuple(
        other
        if item.threshold == 0 and (other := stated.get((item.surface, item.owner))) and _more(other, item)
        else item
        for item in made.requirements
    )
    return replace(made, requirements=signed)


def _more(stated: Requirement, wanted: Requirement) -> bool:
    return stated.threshold > 0 and replace(stated, threshold=0) == wanted


@dataclass(frozen=True, slots=True)
class Served:
    """Whose authority a change of something shared is part of: agents by the resource's address, and their sponsors."""

    agents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sponsors: Mapping[str, str] = field(default_factory=dict)

    def of(self, change: Change) -> frozenset[str]:
        """The agents whose authority a change is about."""
        if change.agent is not None:
            return frozenset({change.agent})
        return self.agents.get(str(change.address), frozenset())


def serving(changes: Sequence[Change], worlds: Sequence[AgentWorld], sponsors: Mapping[str, str]) -> Served:
    """What `changes` of shared resources are part of, by the worlds of a plan."""
    shared = {str(change.address) for change in changes if change.agent is None}
    found: dict[str, set[str]] = {}
    for world in worlds if shared else ():
        for state in world.resources:
            if state.address in shared:
                found.setdefault(state.address, set()).add(world.agent)
    return Served({address: frozenset(agents) for address, agents in found.items()}, sponsors)


def served_by(plan: Plan) -> Served:
    """The same from a plan. One of the first version is judged as it was then: by its own agents alone."""
    return serving(plan.changes, plan.worlds, plan.declared.sponsors) if plan.declared is not None else Served()


def sponsors(
    changes: Sequence[Change], agents: Sequence[AgentNote], served: Served | None = None
) -> tuple[Exclusion, ...]:
    """Sponsors of the agents that the changes widen, themselves or through something that they share."""
    served = served or Served()
    widened = {agent for change in changes if change.effect.widens for agent in served.of(change)}
    known = dict(served.sponsors) | {note.agent: note.sponsor for note in agents if note.sponsor is not None}
    return tuple(Exclusion(known[agent], SPONSOR, agent) for agent in sorted(widened) if agent in known)


def barred(
    requirement: Requirement,
    changes: Sequence[Change],
    exclusions: Iterable[Exclusion],
    served: Served | None = None,
) -> tuple[Bar, ...]:
    """Who may not sign one requirement: authors no part, a sponsor none that widens the own agent."""
    numbers, served = set(requirement.changes), served or Served()
    widened = {
        agent for change in changes if change.number in numbers and change.effect.widens for agent in served.of(change)
    }
    found: dict[str, str] = {}
    for exclusion in exclusions:
        if exclusion.agent is None or exclusion.agent in widened:
            reason = exclusion.reason if exclusion.agent is None else f"{exclusion.reason} of {exclusion.agent}"
            found.setdefault(exclusion.person, reason)
    return tuple(Bar(person, found[person]) for person in sorted(found))


def bars_of(requirement: Requirement, plan: Plan) -> tuple[Bar, ...]:
    """Who may not sign one requirement of a plan."""
    return barred(requirement, plan.changes, plan.exclusions, served_by(plan))


def deadlocks(
    root: RootData,
    requirements: Sequence[Requirement],
    changes: Sequence[Change],
    exclusions: Sequence[Exclusion],
    served: Served | None = None,
) -> tuple[Diagnostic, ...]:
    """Requirements that nobody can meet, said before anybody waits for them."""
    found = []
    for requirement in requirements:
        bars = {bar.person: bar.reason for bar in barred(requirement, changes, exclusions, served)}
        found += _deadlock(root, requirement.surface, requirement.owner, requirement.threshold, bars)
    return tuple(found)


def unsignable(root: RootData, plan: Plan, demands: Demands) -> tuple[Diagnostic, ...]:
    """The deadlocks of a plan, as warnings beside it. An owner that is asked to yield holds nothing up for ever."""
    asked = [item for item in plan.requirements if not demands.yields(item)]
    found = []
    for requirement in asked:
        owner = root.owners.get(requirement.owner)
        way = owner.escalation if owner is not None and requirement.surface != Surface.GOVERNANCE else None
        other = f" Or control_owner.{way.to} stands in for it." if way is not None else ""
        for item in deadlocks(root, [requirement], plan.changes, plan.exclusions, served_by(plan)):
            found.append(replace(item, code="W-DEADLOCK", severity=Severity.WARNING, detail=item.detail + other))
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
    root: RootData, part: Part, operations: Sequence[Operation], unknown_authors: Sequence[str], background: Background
) -> Requirement:
    people = max(part.people, _threshold(root, part.owner, part.widens, unknown_authors))
    return Requirement(
        surface=part.surface,
        owner=part.owner,
        threshold=0 if needs_no_signature(root, part, background.providers) else people,
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
