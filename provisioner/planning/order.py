"""Puts the operations of all changes into one safe order.

Rules: a parent exists before its children and goes after them; what is used exists before its user and goes after it;
within one agent every narrowing is done before anything widens, so that at no moment, and after no failure, is an
agent wider than both ends of the plan.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ..model.changes import ABSENT, Operation
from ..model.resources import Address, Resource

Rank = Callable[[Operation], int]
"""Smaller is earlier; equal ranks of one agent do not wait for each other."""


def order(
    operations: Sequence[Operation],
    before: Mapping[Address, Resource],
    after: Mapping[Address, Resource],
    rank: Rank,
    joint: Callable[[Operation], str] = lambda _: "",
) -> tuple[Operation, ...]:
    """Operations with `depends` completed, topologically sorted, ties by rank, then by what one call can carry out
    (`joint`), then by id order given."""
    edges: dict[str, set[str]] = {operation.id: set(operation.depends) for operation in operations}
    by_address: dict[Address, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_address[operation.address].append(operation)
    for operation in operations:
        edges[operation.id] |= set(_structural(operation, by_address, before, after))
    ranks = _lifted({operation.id: rank(operation) for operation in operations}, edges)
    _rank_edges(operations, ranks, edges, before, after)
    places = {operation.id: (ranks[operation.id], joint(operation)) for operation in operations}
    return _sorted(operations, places, edges)


def _lifted(ranks: Mapping[str, int], edges: Mapping[str, set[str]]) -> dict[str, int]:
    """Ranks raised to at least those of what an operation needs, so that rank order never contradicts need."""
    lifted: dict[str, int] = {}
    for start in ranks:
        stack = [start]
        while stack:
            id_ = stack[-1]
            open_needs = [need for need in edges[id_] if need not in lifted and need not in stack]
            if id_ in lifted or not open_needs:
                lifted.setdefault(id_, max([ranks[id_], *(lifted.get(need, 0) for need in edges[id_])]))
                stack.pop()
            else:
                stack += open_needs
    return lifted


def _structural(
    operation: Operation,
    by_address: Mapping[Address, Sequence[Operation]],
    before: Mapping[Address, Resource],
    after: Mapping[Address, Resource],
) -> Iterable[str]:
    new = after.get(operation.address)
    if new is not None:
        for needed in (*((new.parent,) if new.parent else ()), *new.uses, *new.needs):
            yield from (other.id for other in by_address.get(needed, ()) if other.before == ABSENT)
    if operation.after == ABSENT:
        for address, others in by_address.items():
            old = before.get(address)
            hangs = old is not None and (old.parent == operation.address or operation.address in old.uses)
            if hangs and address != operation.address:
                yield from (other.id for other in others)


def _rank_edges(
    operations: Sequence[Operation],
    ranks: Mapping[str, int],
    edges: dict[str, set[str]],
    before: Mapping[Address, Resource],
    after: Mapping[Address, Resource],
) -> None:
    """Within each agent, and the shared resources it uses, a rank waits for the rank before it."""
    groups: dict[str, set[str]] = defaultdict(set)
    users: dict[Address, set[str]] = defaultdict(set)
    for side in (before, after):
        for resource in side.values():
            if resource.agent is not None:
                for used in resource.uses:
                    users[used].add(resource.agent)
    for operation in operations:
        for agent in {operation.agent} if operation.agent else users.get(operation.address, set()):
            groups[agent].add(operation.id)
    for members in groups.values():
        levels: dict[int, list[str]] = defaultdict(list)
        for member in members:
            levels[ranks[member]].append(member)
        ladder = [sorted(levels[level]) for level in sorted(levels)]
        for lower, upper in pairwise(ladder):
            for member in upper:
                edges[member] |= set(lower)


def _sorted(
    operations: Sequence[Operation], places: Mapping[str, tuple[int, str]], edges: Mapping[str, set[str]]
) -> tuple[Operation, ...]:
    position = {operation.id: at for at, operation in enumerate(operations)}
    waiting = {id_: set(needs) for id_, needs in edges.items()}
    followers: dict[str, list[str]] = defaultdict(list)
    for id_, needs in waiting.items():
        for need in needs:
            followers[need].append(id_)
    ready = [(*places[id_], position[id_], id_) for id_, needs in waiting.items() if not needs]
    heapq.heapify(ready)
    by_id = {operation.id: operation for operation in operations}
    out: list[Operation] = []
    while ready:
        id_ = heapq.heappop(ready)[-1]
        depends = tuple(sorted(edges[id_], key=lambda need: position[need]))
        out.append(replace(by_id[id_], depends=depends))
        for follower in followers[id_]:
            waiting[follower].discard(id_)
            if not waiting[follower]:
                heapq.heappush(ready, (*places[follower], position[follower], follower))
    if len(out) != len(operations):
        stuck = sorted(set(by_id) - {operation.id for operation in out})
        raise ValueError(f"operations wait for one another: {', '.join(stuck)}")
    return tuple(out)
