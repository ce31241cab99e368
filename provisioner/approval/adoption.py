"""Whether a claim or a release is one, and whether anything else is secretly one. Pure.

Taking over what exists, and letting go of it, is governance's to decide beside its own owner. A plan's word for it is
not enough: the provider is asked whose the thing is before and after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.changes import Action, Change
from ..sdk.provider import Adopting, Provider
from ..sdk.schema import KindSchema

OTHER_FIELDS = "touches other fields or surfaces than a change that only moves a mark"


def misnamed(change: Change, kind: KindSchema, provider: Provider, workspace: str) -> str:
    """Why a change is not what its action says, in words that follow «it»; empty where it is. An update, deletion or
    creation is only asked whether it moves a mark."""
    before, after = change.before, change.after
    if not change.action.marks_only:
        moved = kind.mark and before is not None and after is not None and _moves(change, provider, workspace)
        return "puts our mark on, or takes it off, and does not say so" if moved else ""
    if before is None or after is None or not isinstance(provider, Adopting):
        return "is no change that only moves a mark"
    fields = tuple(name for name in kind.fields if before.get(name) != after.get(name))
    if change.fields != fields or change.surfaces != kind.adoption() or fields not in ((), (kind.mark,)):
        return OTHER_FIELDS
    wanted = after if change.action is Action.CLAIM else None
    if fields and dict(provider.with_mark(change.address.kind, before, wanted)) != dict(after):
        return OTHER_FIELDS
    if not fields:
        return ""
    was, now = (_whose(change, side, provider) for side in (before, after))
    ends = (None, workspace) if change.action is Action.CLAIM else (workspace, None)
    return "" if (was, now) == ends else "takes the mark of another workspace, or none of ours"


def alone(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Claims and releases that move no mark themselves, of what hangs on nothing that the plan claims or releases."""
    roots = {
        (change.action, change.address.provider, change.address.target, change.address.name)
        for change in changes
        if change.action.marks_only and change.fields
    }
    return tuple(
        change
        for change in changes
        if change.action.marks_only
        and not change.fields
        and (change.action, change.address.provider, change.address.target, change.address.name.partition("/")[0])
        not in roots
    )


def _moves(change: Change, provider: Provider, workspace: str) -> bool:
    sides = [_whose(change, side, provider) == workspace for side in (change.before, change.after)]
    return sides[0] is not sides[1]


def _whose(change: Change, attributes: Mapping[str, object] | None, provider: Provider) -> str | None:
    if attributes is None or not isinstance(provider, Adopting):
        return None
    mark = provider.mark_in(change.address.kind, attributes)
    return mark.workspace if mark is not None else None
