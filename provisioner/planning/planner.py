"""Assembles a plan from what is desired, what is live and what judges it. Pure: no network, no clock, no files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from ..model.authority import Authority
from ..model.changes import Action, Change, Operation
from ..model.configuration import Configuration, Limits
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.plan import AgentNote, AgentWorld, PlanTarget
from ..model.resources import Address, Coverage, Desired, Resource, Snapshot
from ..sdk.provider import Joining, Provider
from ..sdk.schema import KindSchema
from . import adopting, ending, guards
from .changes import OwnerOfSurface, build_changes, with_effects
from .diff import compare
from .managing import managed, replaced
from .order import order
from .scope import agents_in_scope, users, within
from .worlds import agent_worlds, planned


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan before rules, tests and approval have looked at it.

    `before` and `after` are the whole worlds, for the evaluator; `problems` are what stops the plan. `live_total` is
    how many live resources are ours.
    """

    changes: tuple[Change, ...]
    operations: tuple[Operation, ...]
    worlds: tuple[AgentWorld, ...]
    agents: tuple[AgentNote, ...]
    targets: tuple[PlanTarget, ...]
    before: Mapping[Address, Resource]
    after: Mapping[Address, Resource]
    problems: tuple[Diagnostic, ...]
    live_total: int = 0


@dataclass(frozen=True, slots=True)
class Judges:
    """What the root in force decides about a plan."""

    owner_of: OwnerOfSurface
    limits: Limits
    protect: tuple[str, ...]
    named: Callable[[Change], Change] = lambda change: change
    """Gives a removal the tools that it takes away, and their owner."""


def draft(
    configuration: Configuration,
    authorities: Mapping[str, Authority],
    providers: Mapping[str, Provider],
    desired: Sequence[Desired],
    snapshots: Mapping[str, Snapshot],
    judges: Judges,
    scope: Sequence[str] = (),
    made: Set[Address] = frozenset(),
    ends: ending.Ends | None = None,
) -> Draft:
    """Compare, order, guard. Raises DiagnosticError only for a -target that names nothing.

    `made` is what the record says we made: only of that a principal or something shared is deleted. `ends` are those of
    what it made that only its removal ends.
    """
    kinds = {name: provider.schema().kinds for name, provider in providers.items()}
    live = {resource.address: resource for snapshot in snapshots.values() for resource in snapshot.resources}
    taken = adopting.takeover(configuration, desired, live, providers, made)
    live = dict(taken.before)
    differences = compare(configuration.workspace.name, desired, taken.after.values(), kinds)
    chosen = agents_in_scope(scope, configuration, live.values())
    shared = users((item.resource for item in desired), live.values())
    claimed = adopting.claims(differences.found, taken, desired, providers, chosen)
    released = adopting.releases(claimed.found, configuration, live, providers)
    mine = managed(released.found, configuration.agents, kinds)
    desired = adopting.with_kept(replaced(desired, mine.found), mine.found)
    known, strange = guards.unclaimed(mine.found, live, made, kinds)
    later = ending.moved(configuration.workspace.name, desired, live, {item.address for item in mine.found}, ends or {})
    found = [difference for difference in (*known, *later) if within(difference, chosen, shared)]
    changes = build_changes(found, providers, judges.owner_of, _depths(kinds))
    changes = tuple(judges.named(change) for change in changes)
    observed = [address for address in live if kinds[address.provider][address.kind].observed]
    after = adopting.let_go(planned(live, desired, changes, observed), found)
    changes = ending.with_ends(with_effects(changes, providers, live, after), ends or {})
    operations = _operations(changes, providers, live, after)
    problems = [*taken.problems, *claimed.problems, *released.problems]
    problems += [*differences.diagnostics, *mine.observed, *strange]
    live_total = sum(1 for resource in live.values() if resource.mark or resource.parent)
    problems += guards.within_limits(changes, live_total, judges.limits)
    problems += guards.protected(changes, _names(changes, providers), judges.protect)
    for name, provider_kinds in kinds.items():
        own = [change for change in changes if change.address.provider == name]
        problems += guards.prevented(own, configuration, provider_kinds, desired)
        problems += guards.unseen(own, snapshots[name].coverage.gaps)
    return Draft(
        changes,
        operations,
        agent_worlds(live, after, changes, kinds),
        _notes(changes, configuration, kinds),
        _targets(authorities),
        live,
        after,
        tuple(problems),
        live_total,
    )


def merged_coverage(snapshots: Mapping[str, Snapshot]) -> Coverage:
    """One coverage for all providers."""
    parts = [snapshot.coverage for snapshot in snapshots.values()]
    return Coverage(
        targets=tuple(target for part in parts for target in part.targets),
        gaps=tuple(gap for part in parts for gap in part.gaps),
        not_looked_at=tuple(item for part in parts for item in part.not_looked_at),
        calls={key: count for part in parts for key, count in part.calls.items()},
    )


def raise_for(problems: Sequence[Diagnostic]) -> None:
    """Raise when an error is among them."""
    if any(problem.is_error for problem in problems):
        raise DiagnosticError(problems)


def _depths(kinds: Mapping[str, Mapping[str, KindSchema]]) -> dict[str, int]:
    """Principals and shared things first, then in the order in which a provider lists its kinds."""
    depths: dict[str, int] = {}
    for table in kinds.values():
        for at, (name, kind) in enumerate(table.items()):
            depths[name] = at if kind.principal or kind.shared else 100 + at
    return depths


def _operations(
    changes: Sequence[Change],
    providers: Mapping[str, Provider],
    before: Mapping[Address, Resource],
    after: Mapping[Address, Resource],
) -> tuple[Operation, ...]:
    by_number = {change.number: change for change in changes}
    raw: list[Operation] = []
    for change in changes:
        made = providers[change.address.provider].operations(change)
        raw += (replace(operation, agent=change.agent) for operation in made)

    def rank(operation: Operation) -> int:
        change = by_number[operation.change]
        return providers[operation.address.provider].rank(operation, change.effect.widens)

    def joint(operation: Operation) -> str:
        provider = providers[operation.address.provider]
        return provider.joint(operation) if isinstance(provider, Joining) else ""

    return order(raw, before, after, rank, joint)


def _names(changes: Sequence[Change], providers: Mapping[str, Provider]) -> dict[int, str]:
    return {change.number: providers[change.address.provider].full_name(change) for change in changes}


def _notes(
    changes: Sequence[Change], configuration: Configuration, kinds: Mapping[str, Mapping[str, KindSchema]]
) -> tuple[AgentNote, ...]:
    agents = {agent.name: agent for agent in configuration.agents.values()}
    new = {
        change.agent
        for change in changes
        if change.action is Action.CREATE and kinds[change.address.provider][change.address.kind].principal
    }
    notes = []
    for name in sorted({change.agent for change in changes if change.agent is not None}):
        agent = agents.get(name)
        notes.append(
            AgentNote(
                agent=name,
                new=name in new,
                sponsor=agent.sponsor if agent else None,
                environment=agent.environment if agent else None,
                inputs=agent.inputs if agent else None,
                boundary=agent.boundary if agent else None,
            )
        )
    return tuple(notes)


def _targets(authorities: Mapping[str, Authority]) -> tuple[PlanTarget, ...]:
    targets = [target for authority in authorities.values() for target in authority.targets.values()]
    ordered = sorted(targets, key=lambda target: (target.provider, target.id, target.key))
    return tuple(PlanTarget(t.provider, t.id, t.key, t.environment, t.watch) for t in ordered)
