"""The worlds that a plan is judged on, and their digests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ..canonical import digest
from ..model.changes import ABSENT, Change
from ..model.plan import AgentWorld, ResourceState
from ..model.resources import Address, Desired, Resource
from ..sdk.digests import state_digest
from ..sdk.schema import KindSchema

WORLD_DOMAIN = "world/1"

Resources = Mapping[Address, Resource]


def planned(
    live: Resources, desired: Iterable[Desired], changes: Sequence[Change], observed: Iterable[Address]
) -> dict[Address, Resource]:
    """What will be once every change is done: the live side, with the changed addresses as desired.

    `observed` resources stay: no change ever removes them.
    """
    after = dict(live)
    keep = set(observed)
    wanted = {item.resource.address: item.resource for item in desired}
    for change in changes:
        resource = wanted.get(change.address)
        if resource is not None:
            after[change.address] = resource
        elif change.address not in keep:
            after.pop(change.address, None)
    return after


def members(resources: Resources) -> dict[str, frozenset[Address]]:
    """The addresses that make up each agent's authority: its own resources and, transitively, what they use."""
    own: dict[str, set[Address]] = defaultdict(set)
    for resource in resources.values():
        if resource.agent is not None:
            own[resource.agent].add(resource.address)
    return {agent: frozenset(_closure(addresses, resources)) for agent, addresses in own.items()}


def agent_worlds(
    before: Resources, after: Resources, changes: Sequence[Change], kinds: Mapping[str, Mapping[str, KindSchema]]
) -> tuple[AgentWorld, ...]:
    """Digests of every agent that a change touches, directly or through something shared.

    Observed resources (an access key) are left out: what no operation can change must not block its repair.
    """
    sides = (members(before), members(after))
    touched = {change.address for change in changes}
    digests: dict[tuple[int, Address], str] = {}

    def state(side: int, address: Address) -> str:
        key = (side, address)
        if key not in digests:
            resource = (before, after)[side].get(address)
            digests[key] = state_digest(resource.attributes if resource else None)
        return digests[key]

    out = []
    for agent in sorted(set(sides[0]) | set(sides[1])):
        addresses = sides[0].get(agent, frozenset()) | sides[1].get(agent, frozenset())
        addresses = frozenset(a for a in addresses if not kinds[a.provider][a.kind].observed)
        if not addresses & touched:
            continue
        states = tuple(
            ResourceState(
                str(address),
                state(0, address) if address in before else ABSENT,
                state(1, address) if address in after else ABSENT,
            )
            for address in sorted(addresses)
        )
        out.append(AgentWorld(agent, world_digest(states, "before"), world_digest(states, "after"), states))
    return tuple(out)


def world_digest(states: Iterable[ResourceState], side: str) -> str:
    """The digest of one side of an agent's world: a map from address to state digest, absent ones left out."""
    present = {state.address: getattr(state, side) for state in states if getattr(state, side) != ABSENT}
    return digest(WORLD_DOMAIN, present)


def _closure(addresses: set[Address], resources: Resources) -> set[Address]:
    seen = set(addresses)
    stack = list(addresses)
    while stack:
        resource = resources.get(stack.pop())
        for used in resource.uses if resource else ():
            if used not in seen:
                seen.add(used)
                stack.append(used)
    return seen
