"""Stopping an agent: a plan that can do nothing but take all authority from one agent, so one owner's word suffices.

Nothing in the plan claims this. The verifier looks at what the plan does, asks each provider about each change, and
only a plan that holds nothing else gets the lower threshold (docs/adr/0011). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..model.changes import Change, Effect, Operation, Surface
from ..model.configuration import AGENT_SURFACES
from ..model.findings import TestSummary
from ..model.plan import Plan, Requirement
from ..model.resources import Address
from ..sdk.provider import Provider, Stopper
from .ownership import resolve_owner
from .parts import Part, part_digest
from .past import Past
from .requirements import Demands
from .root import RootData

Owner = tuple[str, str]
"""(surface, control owner)."""


def stop_scope(agent: str) -> tuple[str, ...]:
    """The scope that a stop plan has: with one, it never stands for what the whole configuration was made from."""
    return (f"agent.{agent}",)


def stopped_agent(plan: Plan, providers: Mapping[str, Provider] | None) -> str | None:
    """The agent that a plan stops; None for a plan that does, or decides, anything else besides."""
    agents = {change.agent for change in plan.changes}
    agent = agents.pop() if len(agents) == 1 else None
    if agent is None or providers is None or plan.scope != stop_scope(agent):
        return None
    besides = (plan.next_root, plan.declared, *plan.findings, *plan.exclusions, *plan.unknown_authors)
    if any(item is not None for item in besides) or plan.tests != TestSummary():
        return None
    return agent if all(_only_stops(change, providers) for change in plan.changes) else None


def may_stop(root: RootData, agent: str) -> tuple[Owner, ...]:
    """Whose word suffices: the owners of the agent's surfaces and governance, by the root in force, each once."""
    pairs = [(surface, resolve_owner(root, surface, agent)) for surface in AGENT_SURFACES]
    pairs.append((Surface.GOVERNANCE.value, resolve_owner(root, Surface.GOVERNANCE)))
    found: dict[str, Owner] = {}
    for surface, owner in pairs:
        if owner is not None and owner in root.owners:
            found.setdefault(owner, (surface, owner))
    return tuple(found.values())


def stop_requirement(owner: Owner, changes: Sequence[Change], operations: Sequence[Operation]) -> Requirement:
    """The one sign-off of a stop plan: one person, of one owner, over everything in it."""
    part = Part(owner[0], owner[1], tuple(changes), (), None)
    numbers = tuple(change.number for change in changes)
    return Requirement(owner[0], owner[1], 1, numbers, (), part_digest(part, operations))


def of_stop(
    root: RootData, plan: Plan, providers: Mapping[str, Provider] | None, past: Past | None = None
) -> Demands | None:
    """What a stop plan demands; None where it is none, or where another than one of the agent's owners is to sign.

    With `past`, every change must be about a principal that a signed plan gave to this very agent: an agent's owner
    stops nothing else, whatever the plan calls it.
    """
    agent = stopped_agent(plan, providers)
    if agent is None or len(plan.requirements) != 1:
        return None
    if past is not None and not all(_of_agent(change.address, agent, past) for change in plan.changes):
        return None
    for owner in may_stop(root, agent):
        wanted = stop_requirement(owner, plan.changes, plan.operations)
        if plan.requirements == (wanted,):
            return Demands((wanted,), (), tuple(_unowned(root, plan.changes)))
    return None


def _of_agent(address: Address, agent: str, past: Past) -> bool:
    """Whether an address is, or hangs on, what a signed plan made part of the agent's authority."""
    return any(
        whose == agent
        and (known.provider, known.target) == (address.provider, address.target)
        and (known == address or address.name.startswith(f"{known.name}/"))
        for known, whose in past.agents.items()
    )


def _unowned(root: RootData, changes: Sequence[Change]) -> Iterator[tuple[int, str]]:
    for change in changes:
        for surface in change.surfaces:
            if resolve_owner(root, surface, change.agent) is None:
                yield change.number, surface.value


def _only_stops(change: Change, providers: Mapping[str, Provider]) -> bool:
    """Whether a change, whatever else there is, leaves its principal with nothing, and says so of itself."""
    if change.effect is not Effect.NARROWER or change.can:
        return False
    provider = providers.get(change.address.provider)
    return isinstance(provider, Stopper) and provider.stops(change)
