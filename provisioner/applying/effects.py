"""What a plan says of its changes' effects, asked again from what is live. Pure.

A change that is called «narrower» or «equal» was signed on easier terms than one that widens: an unknown author, or an
agent's sponsor, may have stood behind it. Its provider judges it anew in the live world of each agent that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set

from ..model.changes import Assessment, Change
from ..model.requests import World
from ..model.resources import Resource
from .worlds import Group, Live, PlanIndex

Assess = Callable[[Change, World, World], Assessment]


def untrue(index: PlanIndex, group: Group, live: Live, done: Set[str], assess: Assess) -> Iterator[tuple[str, str]]:
    """Operation ids of a group with the reason not to carry them out.

    Only before the first operation of the group: the live world must still be the one that the plan was made from.
    """
    if any(id_ in done for id_ in group.operations):
        return
    changes = {index.operations[id_].change: index.changes[index.operations[id_].change] for id_ in group.operations}
    if all(change.effect.widens for change in changes.values()):
        return
    before = {address: live[address] for address in group.states if address in live}
    after = dict(before)
    for change in changes.values():
        after.pop(change.address, None)
        if change.after is not None:
            known = before.get(change.address)
            uses = known.uses if known is not None else ()
            after[change.address] = Resource(change.address, change.after, change.agent, uses=uses)
    found = {
        number: assess(change, World(before), World(after)).effect
        for number, change in changes.items()
        if not change.effect.widens
    }
    for id_ in group.operations:
        number = index.operations[id_].change
        if number in found and found[number].widens:
            claimed = changes[number].effect
            yield id_, f"not executed: the plan calls it {claimed}, and by what is live it is {found[number]}"
