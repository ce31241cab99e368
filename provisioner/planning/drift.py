"""Tells what differs between what was signed, what is live and what is configured, and who is to be told.

The ledger only classifies here. Whether something is live was read from the cloud; a difference never comes from a
record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..model.changes import Action, Change, Effect, Surface
from ..model.drift import Difference, DriftKind, DriftReport, Hint, LastApplied
from ..model.findings import TestResult
from ..model.resources import Address, Attributes, Coverage, Gap, Resource, Sighting
from ..sdk.provider import Provider
from ..sdk.schema import KindSchema
from .changes import OwnerOfSurface, build_changes, with_effects
from .details import details
from .diff import Difference as RawDifference
from .diff import changed_fields, is_ours
from .scope import users

KEEP = "provisioner adopt"


@dataclass(frozen=True, slots=True)
class Signed:
    """What the last applied signed plans say of one resource: None for one that they deleted.

    `owners` are the control owners by surface where its tools decide it, by the root in force.
    """

    address: Address
    attributes: Attributes | None
    agent: str | None
    label: str
    block: str | None
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a drift run looked at. `planned` are the changes that a plan would make now."""

    workspace: str
    root_version: int
    last_applied: LastApplied | None
    signed: Mapping[Address, Signed]
    live: Mapping[Address, Resource]
    planned: Sequence[Change]
    agents: frozenset[str]
    coverage: Coverage
    tests_on_live: Sequence[TestResult]
    expiries: Mapping[tuple[str, str], str]
    now: datetime
    sweepable: frozenset[Address] = frozenset()
    """What has ended and a signed plan carries the removal of."""
    late: Mapping[Address, str] = field(default_factory=dict)
    """When that of it should have gone which its cloud allows still, since it cannot end it."""
    sightings: tuple[Sighting, ...] = ()
    """What looks like an agent, and is neither marked nor wanted by the configuration."""


def report(
    evidence: Evidence, providers: Mapping[str, Provider], owner_of: OwnerOfSurface, milliseconds: int = 0
) -> DriftReport:
    """The report, worst first, numbered D-1, D-2, …"""
    kinds = {name: provider.schema().kinds for name, provider in providers.items()}
    raw = _out_of_band(evidence, kinds)
    changes = _judged(raw, evidence, providers, owner_of)
    shared = users(evidence.live.values())
    found = [_as_difference(change, evidence, shared.get(change.address, frozenset())) for change in changes]
    found += _credentials(evidence, kinds, owner_of)
    found += _unclaimed(evidence, owner_of)
    found += _expired(evidence, owner_of)
    found += _late(evidence, owner_of)
    found += _pending(evidence, {difference.address for difference in raw})
    found += [_incomplete(gap, owner_of) for gap in evidence.coverage.gaps]
    order = {kind: at for at, kind in enumerate(DriftKind)}
    found.sort(key=lambda d: (order[d.kind], not (d.effect and d.effect.widens), d.agent or "", d.what))
    numbered = tuple(_numbered(at, difference) for at, difference in enumerate(found, start=1))
    differ = {name for d in numbered if d.kind is not DriftKind.INCOMPLETE for name in d.concerned}
    unseen = _unseen_agents(evidence)
    return DriftReport(
        workspace=evidence.workspace,
        root_version=evidence.root_version,
        last_applied=evidence.last_applied,
        differences=numbered,
        agents=len(evidence.agents),
        as_signed=len(evidence.agents - differ - unseen),
        differ=len((evidence.agents & differ) - unseen),
        not_fully_seen=len(evidence.agents & unseen),
        coverage=evidence.coverage,
        milliseconds=milliseconds,
    )


def unexplained(evidence: Evidence, providers: Mapping[str, Provider], owner_of: OwnerOfSurface) -> tuple[Change, ...]:
    """What is live, wider than signed, and would stay: changes from signed to live that no planned change touches.

    Empty before anything was applied: nothing is signed then that could be compared with.
    """
    if evidence.last_applied is None:
        return ()
    kinds = {name: provider.schema().kinds for name, provider in providers.items()}
    touched = {change.address for change in evidence.planned}
    raw = [difference for difference in _out_of_band(evidence, kinds) if difference.address not in touched]
    return tuple(change for change in _judged(raw, evidence, providers, owner_of) if change.effect.widens)


def _out_of_band(evidence: Evidence, kinds: Mapping[str, Mapping[str, KindSchema]]) -> list[RawDifference]:
    """Live against signed. What could not be read is left to `incomplete`."""
    out = []
    for address in sorted(set(evidence.signed) | set(evidence.live)):
        kind = kinds[address.provider][address.kind]
        if kind.observed:
            continue
        signed, live = evidence.signed.get(address), evidence.live.get(address)
        before = signed.attributes if signed else None
        if live is not None and before is None and not _belongs(live, evidence):
            continue
        if live is None and (before is None or _hidden(address, signed, evidence.coverage.gaps)):
            continue
        fields = tuple(kind.fields)
        action = Action.CREATE if before is None else Action.DELETE if live is None else Action.UPDATE
        if action is Action.UPDATE:
            assert before is not None and live is not None
            fields = changed_fields(before, live.attributes, (f for f in kind.fields if f not in live.unread))
        if fields:
            out.append(RawDifference(action, address, None, live, fields))
    return out


def _belongs(resource: Resource, evidence: Evidence) -> bool:
    """Ours by mark, or hanging on something that a signed plan made (its mark may have been taken off)."""
    if is_ours(resource, evidence.live, evidence.workspace):
        return True
    parent = evidence.signed.get(resource.parent) if resource.parent else None
    return parent is not None and parent.attributes is not None


def _hidden(address: Address, signed: Signed | None, gaps: Iterable[Gap]) -> bool:
    agent = signed.agent if signed else None
    return any(
        gap.provider == address.provider and gap.target == address.target and (not gap.agents or agent in gap.agents)
        for gap in gaps
    )


def _judged(
    raw: Sequence[RawDifference], evidence: Evidence, providers: Mapping[str, Provider], owner_of: OwnerOfSurface
) -> list[Change]:
    """The differences as changes from signed to live, with the effect that somebody's act has had."""
    signed_world = {
        address: Resource(
            address, signed.attributes, signed.agent, parent=_parent(address, evidence), uses=_uses(address, evidence)
        )
        for address, signed in evidence.signed.items()
        if signed.attributes is not None
    }
    for address, resource in evidence.live.items():
        if address not in evidence.signed and not _belongs(resource, evidence):
            signed_world.setdefault(address, resource)
    changes = []
    for built in build_changes(raw, providers, owner_of, {}):
        before = evidence.signed.get(built.address)
        live = evidence.live.get(built.address)
        agent = _whose(built, live, evidence)
        changes.append(
            replace(
                built,
                label=before.label if before else built.label,
                agent=built.agent or agent,
                block=before.block if before else built.block,
                owners=_owners(built.surfaces, agent, owner_of) | (_told(before, built.surfaces) if before else {}),
                before=before.attributes if before else None,
                after=live.attributes if live else None,
            )
        )
    judged = with_effects(changes, providers, signed_world, evidence.live)
    return [replace(change, agent=_whose(change, evidence.live.get(change.address), evidence)) for change in judged]


def _whose(change: Change, live: Resource | None, evidence: Evidence) -> str | None:
    """The agent by what was signed of the resource or of what it hangs on: a mark in the cloud may name another."""
    for address in (change.address, live.parent if live is not None else None):
        signed = evidence.signed.get(address) if address is not None else None
        if signed is not None and signed.attributes is not None and signed.agent is not None:
            return signed.agent
    known = evidence.signed.get(change.address)
    return change.agent or (known.agent if known is not None else None)


def _parent(address: Address, evidence: Evidence) -> Address | None:
    live = evidence.live.get(address)
    if live is not None:
        return live.parent
    name, slash, _ = address.name.partition("/")
    same = [other for other in evidence.signed if slash and other.name == name and other.target == address.target]
    return same[0] if same else None


def _uses(address: Address, evidence: Evidence) -> tuple[Address, ...]:
    live = evidence.live.get(address)
    return live.uses if live is not None else ()


def _owners(surfaces: Iterable[Surface], agent: str | None, owner_of: OwnerOfSurface) -> dict[str, str]:
    found = {surface.value: owner_of(surface, agent) for surface in surfaces}
    return {surface: owner for surface, owner in found.items() if owner is not None}


def _told(signed: Signed, surfaces: Iterable[Surface]) -> dict[str, str]:
    return {surface.value: signed.owners[surface.value] for surface in surfaces if surface.value in signed.owners}


def _as_difference(change: Change, evidence: Evidence, used_by: frozenset[str]) -> Difference:
    concerned = {change.agent} if change.agent else used_by
    sign = {Action.CREATE: "+", Action.DELETE: "-", Action.UPDATE: "~"}[change.action]
    fields = f": {', '.join(change.fields)}" if change.action is Action.UPDATE else ""
    breaks = [
        f"{result.test} {result.case}".strip()
        for result in evidence.tests_on_live
        if not result.passed and result.agent in concerned and change.effect.widens
    ]
    places = details(change.before, change.after, change.fields) if change.action is Action.UPDATE else ()
    return Difference(
        id="",
        kind=DriftKind.OUT_OF_BAND,
        what=(f"{sign} {change.label}{fields}", *(f"  {place}" for place in places)),
        agent=change.agent,
        address=change.address,
        target=change.address.target,
        surfaces=change.surfaces,
        effect=change.effect,
        can=change.can,
        cannot=change.cannot,
        reason=change.reason,
        breaks=tuple(dict.fromkeys(breaks)),
        tell=tuple(dict.fromkeys(change.owners.values())),
        do=(_way_out(change, evidence), *_keeping(change)),
        users=() if change.agent else tuple(sorted(used_by)),
    )


def _keeping(change: Change) -> Iterable[Hint]:
    """Something that is there, and that a plan would take off: `_numbered` says which difference it is."""
    if change.after is not None and change.agent is not None and "/" in change.address.name:
        yield Hint(KEEP, "writes HCL to keep it; its owners sign")


def _way_out(change: Change, evidence: Evidence) -> Hint:
    live = evidence.live.get(change.address)
    if live is not None and not is_ours(live, evidence.live, evidence.workspace):
        why = "no plan touches what does not carry it; then plan"
        return Hint(f"put the mark of workspace {evidence.workspace} back, or delete it", why)
    if change.before is None and all(planned.address != change.address for planned in evidence.planned):
        return Hint("delete it by hand, or take the mark off", "no record says that we made it: no plan touches it")
    if all(planned.address != change.address for planned in evidence.planned):
        why = "the configuration asks for what is live, which nobody has signed: a plan shows nothing"
        return Hint("undo it in the cloud, then plan it", why)
    target = f" -target agent.{change.agent}" if change.agent else ""
    return Hint(f"provisioner plan{target}", "brings back what was signed; its owners sign")


def _credentials(
    evidence: Evidence, kinds: Mapping[str, Mapping[str, KindSchema]], owner_of: OwnerOfSurface
) -> Iterable[Difference]:
    for address, resource in sorted(evidence.live.items()):
        kind = kinds[address.provider][address.kind]
        if kind.credential and resource.agent is not None:
            tell = owner_of(Surface.IDENTITY, resource.agent)
            yield Difference(
                id="",
                kind=DriftKind.OUT_OF_BAND,
                what=(f"+ {kind.noun} {address.name}",),
                agent=resource.agent,
                address=address,
                target=address.target,
                surfaces=(Surface.IDENTITY,),
                effect=Effect.WIDER,
                can=(f"whoever holds this long-lived credential can become agent.{resource.agent}",),
                tell=(tell,) if tell else (),
                do=(Hint("delete it in the cloud", "no plan manages static credentials"),),
            )


def _unclaimed(evidence: Evidence, owner_of: OwnerOfSurface) -> Iterable[Difference]:
    """When it was last used is no part of `what`: it is the same finding in every run."""
    owners = (owner_of(Surface.IDENTITY, None), owner_of(Surface.GOVERNANCE, None))
    tell = tuple(dict.fromkeys(owner for owner in owners if owner))
    for sighting in evidence.sightings:
        used = f"last used {sighting.last_used}" if sighting.last_used else "not known to have been used"
        yield Difference(
            id="",
            kind=DriftKind.UNCLAIMED,
            what=(f"{sighting.noun} {sighting.address.name}: {sighting.why}",),
            agent=None,
            address=sighting.address,
            target=sighting.address.target,
            surfaces=(Surface.IDENTITY,),
            can=sighting.holds,
            reason=used,
            tell=tell,
            do=(Hint(f"provisioner discover -role {sighting.address.name}", "writes the HCL that takes it over"),),
        )


def _expired(evidence: Evidence, owner_of: OwnerOfSurface) -> Iterable[Difference]:
    now = evidence.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for (agent, grant), end in sorted(evidence.expiries.items()):
        if end <= now:
            tell = owner_of(Surface.TOOL_ACCESS, agent)
            yield Difference(
                id="",
                kind=DriftKind.EXPIRED,
                what=(f"- grant {grant} ended {end}; the cloud denies it already",),
                agent=agent,
                surfaces=(Surface.TOOL_ACCESS,),
                tell=(tell,) if tell else (),
                do=(_removal(agent, grant, evidence),),
            )


def _late(evidence: Evidence, owner_of: OwnerOfSurface) -> Iterable[Difference]:
    for address, end in sorted(evidence.late.items()):
        resource = evidence.live.get(address)
        if resource is None:
            continue
        signed = evidence.signed.get(address)
        tell = owner_of(Surface.TOOL_ACCESS, resource.agent)
        yield Difference(
            id="",
            kind=DriftKind.EXPIRED,
            what=(f"- {signed.label if signed else address} ended {end}; the cloud allows it until it is swept",),
            agent=resource.agent,
            surfaces=(Surface.TOOL_ACCESS,),
            tell=(tell,) if tell else (),
            do=(Hint("provisioner sweep", "the removal was signed with the grant, so it needs no new sign-off"),),
        )


def _removal(agent: str, grant: str, evidence: Evidence) -> Hint:
    signed = [a for a in evidence.sweepable if (item := evidence.live.get(a)) is not None and item.agent == agent]
    if any(address.name.rpartition("/")[2].partition("~")[0] == grant for address in signed):
        return Hint("provisioner sweep", "the removal was signed with the grant, so it needs no new sign-off")
    return Hint(f"take grant {grant} out of the configuration, then plan", "removes what is left of it")


def _pending(evidence: Evidence, out_of_band: set[Address]) -> Iterable[Difference]:
    by_agent: dict[str | None, list[Change]] = defaultdict(list)
    for change in evidence.planned:
        swept = change.action is Action.DELETE and change.address in evidence.sweepable
        if change.address not in out_of_band and not swept:  # what sweep removes is told as expired
            by_agent[change.agent].append(change)
    for agent, changes in sorted(by_agent.items(), key=lambda item: item[0] or ""):
        signs = {Action.CREATE: "+", Action.DELETE: "-", Action.UPDATE: "~"}
        target = f" -target agent.{agent}" if agent else ""
        yield Difference(
            id="",
            kind=DriftKind.PENDING,
            what=tuple(f"{signs[change.action]} {change.label}" for change in changes),
            agent=agent,
            surfaces=tuple(s for s in Surface if any(s in change.surfaces for change in changes)),
            tell=tuple(dict.fromkeys(owner for change in changes for owner in change.owners.values())),
            do=(Hint(f"provisioner plan{target}", "shows it; its owners sign"),),
        )


def _incomplete(gap: Gap, owner_of: OwnerOfSurface) -> Difference:
    lacks = f", reader lacks {gap.permission}" if gap.permission else ""
    tell = owner_of(Surface.RUNTIME, None)
    return Difference(
        id="",
        kind=DriftKind.INCOMPLETE,
        what=(f"{gap.what}: {gap.reason}{lacks}",),
        target=f"{gap.provider} {gap.target}",
        tell=(tell,) if tell else (),
        do=(Hint("give the reader what it lacks, then run drift again", "unread is not clean"),),
    )


def _unseen_agents(evidence: Evidence) -> frozenset[str]:
    out: set[str] = set()
    for gap in evidence.coverage.gaps:
        out |= set(gap.agents) if gap.agents else evidence.agents
    return frozenset(out) & evidence.agents


def _numbered(at: int, difference: Difference) -> Difference:
    do = tuple(replace(hint, command=f"{KEEP} D-{at}") if hint.command == KEEP else hint for hint in difference.do)
    return replace(difference, id=f"D-{at}", do=do)
