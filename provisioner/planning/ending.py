"""What ends where the cloud cannot carry the end: the plan carries it, signed, and `sweep` takes it away. Pure.

The end is no attribute of the live thing, so nothing live shows that it was moved: what is compared is the end of the
last applied plan with the one that the configuration asks for now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ..model.changes import Action, Change, Effect
from ..model.resources import Address, Desired, Resource
from .diff import Difference, is_ours

Ends = Mapping[Address, str]
"""By address, when what the last applied plan made of it ends by its removal."""


def moved(
    workspace: str,
    desired: Iterable[Desired],
    live: Mapping[Address, Resource],
    taken: Collection[Address],
    ends: Ends,
) -> list[Difference]:
    """What is live as desired, and ends at another time than was signed. `taken` are addresses that change anyway."""
    out = []
    for item in desired:
        where = item.resource.address
        resource = live.get(where)
        if resource is None or where in taken or item.ends == ends.get(where):
            continue
        if is_ours(resource, live, workspace):
            out.append(Difference(Action.UPDATE, where, item, resource, ()))
    return out


def with_ends(changes: Sequence[Change], ends: Ends) -> tuple[Change, ...]:
    """Each change told with its end. One that moves the end alone is called wider, whichever way it goes: nothing live
    could prove to a verifier that it is not."""
    return tuple(_told(change, ends.get(change.address)) for change in changes)


def _told(change: Change, before: str | None) -> Change:
    if moves_end(change):
        was = f"until {before}" if before is not None else "for good"
        now = f"until {change.ends}" if change.ends is not None else "for good"
        can = (f"what it can now, {now}; so far {was}",)
        change = replace(change, effect=Effect.WIDER, can=can, cannot=(), reason="")
    if change.ends is None or change.after is None:
        return change
    why = f"the cloud cannot end it: from {change.ends} on `provisioner sweep` takes it away, as signed here"
    return replace(change, reason=f"{change.reason}; {why}" if change.reason else why)


def moves_end(change: Change) -> bool:
    """Whether a change leaves the live thing as it is, and moves its end alone."""
    return change.action is Action.UPDATE and not change.fields and change.before == change.after
