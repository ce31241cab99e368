"""Live authority against what was signed, at any moment of an apply. Pure: reads nothing itself.

A plan signs, for every agent that it touches, the digest of each resource before and after. In between, some
operations are done and some are not; what live must be then follows from the operations' own digests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from ..model.changes import ABSENT, Change, Operation
from ..model.plan import Plan, ResourceState
from ..model.resources import Address, Attributes, Resource
from ..sdk.digests import state_digest
from ..sdk.schema import KindSchema

Kinds = Mapping[str, Mapping[str, KindSchema]]
"""Kind schemas by provider and kind."""

Live = Mapping[Address, Resource]

CORE = "provisioner"
"""The provider of what the core itself writes: the trust root."""

ROOT_KIND = "trust_root"
ROOT_VERB = "ledger:PutRoot"


def is_root(operation: Operation) -> bool:
    """Whether the executor itself carries this out, by an entry in the ledger."""
    return operation.address.provider == CORE


@dataclass(frozen=True, slots=True)
class Group:
    """What is checked together: an agent's world, or one changed resource that is in no agent's world.

    `states` are the signed digests by address; `operations` the ids of every operation on one of these addresses.
    """

    key: str
    agent: str | None
    states: Mapping[Address, ResourceState]
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanIndex:
    """A plan, looked up from every side."""

    plan: Plan
    operations: Mapping[str, Operation]
    changes: Mapping[int, Change]
    by_address: Mapping[Address, tuple[Operation, ...]]
    groups: Mapping[str, Group]
    groups_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Group keys by operation id."""


def index_of(plan: Plan) -> PlanIndex:
    """Index a plan. The trust root's operation is in no group: it changes no cloud."""
    by_address: dict[Address, list[Operation]] = defaultdict(list)
    for operation in plan.operations:
        if not is_root(operation):
            by_address[operation.address].append(operation)
    changes = {change.number: change for change in plan.changes}
    worlds: dict[str, Group] = {}
    covered: set[Address] = set()
    for world in plan.worlds:
        states = {_address(state.address): state for state in world.resources}
        covered |= set(states)
        worlds[f"agent {world.agent}"] = Group(f"agent {world.agent}", world.agent, states)
    for address, operations in by_address.items():
        if address not in covered:
            change = changes[operations[0].change]
            state = ResourceState(str(address), state_digest(change.before), state_digest(change.after))
            worlds[str(address)] = Group(str(address), None, {address: state})
    groups: dict[str, Group] = {}
    groups_of: dict[str, list[str]] = defaultdict(list)
    for key, group in worlds.items():
        ids = tuple(operation.id for address in group.states for operation in by_address.get(address, ()))
        groups[key] = Group(key, group.agent, group.states, ids)
        for id_ in ids:
            groups_of[id_].append(key)
    return PlanIndex(
        plan,
        {operation.id: operation for operation in plan.operations},
        changes,
        {address: tuple(operations) for address, operations in by_address.items()},
        groups,
        {id_: tuple(keys) for id_, keys in groups_of.items()},
    )


def differences(
    index: PlanIndex, group: Group, live: Live, own: Iterable[Address], done: Set[str], kinds: Kinds
) -> tuple[str, ...]:
    """One line for each resource of a group that is not what the plan, with `done` operations, has made of it, and
    for each that makes up the agent's authority without being in the signed world.

    `own` are the live addresses that belong to the group's agent; `live` holds them and what they use. When every
    operation of the group is done, live must equal the signed `after` to the byte.
    """
    final = all(id_ in done for id_ in group.operations)
    members = _members(live, own, kinds)
    lines = []
    for address in sorted({*group.states, *members}):
        state = group.states.get(address)
        if state is None:
            lines.append(f"{address} is there, and the signed plan does not know it")
            continue
        resource = live.get(address)
        operations = index.by_address.get(address, ())
        if final:
            problem = _final(state, resource)
        elif operations:
            problem = _midway(index.changes[operations[0].change], operations, done, live.get(address))
        elif state_digest(resource.attributes if resource else None) not in (state.before, state.after):
            problem = "is not as it was signed" if resource else "is gone"
        else:
            problem = None
        if problem:
            lines.append(f"{address} {problem}")
    return tuple(lines)


def settle(operation: Operation, live: Live) -> bool | None:
    """What became of an operation whose run was interrupted: True done, False not, None neither end as signed."""
    now = state_digest(_attributes(live.get(operation.address)), operation.fields)
    if now == operation.after:
        return True
    return False if now == operation.before else None


def by_agent(live: Live) -> dict[str, list[Address]]:
    """The live addresses that belong to each agent."""
    out: dict[str, list[Address]] = defaultdict(list)
    for address, resource in live.items():
        if resource.agent is not None:
            out[resource.agent].append(address)
    return out


def _members(live: Live, own: Iterable[Address], kinds: Kinds) -> set[Address]:
    """An agent's live resources and, transitively, what they use. Observed kinds do not count."""
    stack = list(own)
    seen: set[Address] = set()
    while stack:
        address = stack.pop()
        if address in live and address not in seen:
            seen.add(address)
            stack += live[address].uses
    return {address for address in seen if not _observed(address, kinds)}


def _observed(address: Address, kinds: Kinds) -> bool:
    kind = kinds.get(address.provider, {}).get(address.kind)
    return kind is not None and kind.observed


def _final(state: ResourceState, resource: Resource | None) -> str | None:
    if state_digest(_attributes(resource)) == state.after:
        return None
    if state.after == ABSENT:
        return "is still there"
    return "is missing" if resource is None else "is not what was signed"


def _midway(change: Change, operations: Sequence[Operation], done: Set[str], resource: Resource | None) -> str | None:
    """A resource with some of its operations done: each done one's fields as it left them, the rest as before."""
    attributes = _attributes(resource)
    finished = [operation for operation in operations if operation.id in done]
    if len(finished) in (0, len(operations)):
        expected = change.after if finished else change.before
        return None if state_digest(attributes) == state_digest(expected) else _wording(expected, attributes)
    exists, made = change.before is not None, False
    last: list[Operation] = []
    for operation in finished:
        if operation.after == ABSENT:
            exists, made, last = False, False, []
            continue
        if operation.before == ABSENT:
            exists, made, last = True, True, []
        last = [other for other in last if not set(other.fields) <= set(operation.fields)] + [operation]
    if not exists or attributes is None:
        return None if not exists and attributes is None else _wording({} if exists else None, attributes)
    for at, operation in enumerate(last):
        later = {name for other in last[at + 1 :] for name in other.fields}
        if not later & set(operation.fields) and state_digest(attributes, operation.fields) != operation.after:
            return f"is not as operation {operation.id} of this plan left it ({', '.join(operation.fields)})"
    if made:
        return None
    touched = {name for operation in last for name in operation.fields}
    rest = [name for name in {*(change.before or {}), *attributes} if name not in touched]
    if state_digest(attributes, rest) != state_digest(change.before or {}, rest):
        return "is not as it was signed"
    return None


def _wording(expected: Attributes | None, live: Attributes | None) -> str:
    if live is None:
        return "is gone"
    return "is there, where there should be none" if expected is None else "is not as it was signed"


def _attributes(resource: Resource | None) -> Attributes | None:
    return resource.attributes if resource is not None else None


def _address(text: str) -> Address:
    provider, target, kind, name = text.split(":", 3)
    return Address(provider, target, kind, name)


def scopes(groups: Iterable[Group]) -> tuple[frozenset[Address], frozenset[str]]:
    """The addresses and the agents that have to be read to check these groups."""
    chosen = list(groups)
    return (
        frozenset(address for group in chosen for address in group.states),
        frozenset(group.agent for group in chosen if group.agent is not None),
    )
