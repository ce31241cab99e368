"""From differences to numbered changes with surface, owner and effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..model.changes import Action, Assessment, Change, Effect
from ..model.requests import World
from ..model.resources import Address, Resource
from ..sdk.provider import Provider
from ..sdk.schema import KindSchema
from .diff import Difference

OwnerOfSurface = Callable[[str, str | None], str | None]
"""(surface, agent name) → control owner by the root in force, or None when there is not exactly one."""


def build_changes(
    differences: Sequence[Difference],
    providers: Mapping[str, Provider],
    owner_of: OwnerOfSurface,
    depth: Mapping[str, int],
) -> tuple[Change, ...]:
    """Changes without an effect yet, numbered from 1: agent by agent, shared resources first, parents before children.

    `depth` orders kinds within an agent (principals first, then what hangs on them).
    """

    def position(difference: Difference) -> tuple[object, ...]:
        agent = _agent(difference)
        return (agent is not None, agent or "", depth.get(difference.address.kind, 0), difference.address)

    schemas = {name: provider.schema().kinds for name, provider in providers.items()}
    ordered = sorted(differences, key=position)
    return tuple(
        _change(number, difference, schemas[difference.address.provider][difference.address.kind], owner_of)
        for number, difference in enumerate(ordered, start=1)
    )


def with_effects(
    changes: Sequence[Change],
    providers: Mapping[str, Provider],
    before: Mapping[Address, Resource],
    after: Mapping[Address, Resource],
) -> tuple[Change, ...]:
    """Each change with its provider's assessment."""
    old, new = World(before), World(after)
    out = []
    for change in changes:
        provider = providers[change.address.provider]
        if change.action.marks_only:
            itself = provider.assess(change, old, new) if change.before != change.after else Assessment(Effect.EQUAL)
            out.append(_kept(change, itself, provider, new))
        else:
            out.append(_assessed(change, provider.assess(change, old, new)))
    return tuple(out)


def _kept(change: Change, assessment: Assessment, provider: Provider, world: World) -> Change:
    """A claim or a release: what it does by itself, and all that the thing may do, which stays."""
    whole = replace(change, action=Action.CREATE, before=None, fields=())
    alone = {address: item for address, item in world.resources.items() if address == change.address}
    held = provider.assess(whole, World({}), World(alone))  # what another policy of the role says as well counts too
    said = "; ".join((*held.can, *((held.reason,) if held.effect is Effect.UNKNOWN else ())))
    reason = f"as before: {said}" if said else "it allows nothing by itself"
    if assessment.effect is not Effect.EQUAL:
        return _assessed(change, replace(assessment, reason=f"{assessment.reason}; {reason}"))
    return replace(change, effect=Effect.EQUAL, reason=reason)


def _assessed(change: Change, assessment: Assessment) -> Change:
    reason = assessment.reason
    if assessment.effect is Effect.UNKNOWN and not reason:
        reason = "the comparison gave no reason"
    return replace(change, effect=assessment.effect, can=assessment.can, cannot=assessment.cannot, reason=reason)


def _agent(difference: Difference) -> str | None:
    if difference.desired is not None:
        return difference.desired.resource.agent
    return difference.live.agent if difference.live is not None else None


def _change(number: int, difference: Difference, kind: KindSchema, owner_of: OwnerOfSurface) -> Change:
    item, live = difference.desired, difference.live
    agent = _agent(difference)
    marks = difference.action.marks_only
    whole = difference.action is not Action.UPDATE and not marks
    surfaces = kind.adoption() if marks else kind.surfaces(None if whole else difference.fields or None)
    declared = item.owners if item is not None else {}
    owners: dict[str, str] = {}
    for surface in surfaces:
        owner = declared.get(surface) or owner_of(surface, agent)
        if owner is not None:
            owners[surface.value] = owner
    return Change(
        number=number,
        action=difference.action,
        address=difference.address,
        label=item.label if item is not None else f"{kind.noun} {_tail(difference.address.name)}",
        agent=agent,
        block=item.block if item is not None else (live.mark.block if live is not None and live.mark else None),
        surfaces=surfaces,
        owners=owners,
        effect=Effect.UNKNOWN,
        can=(),
        cannot=(),
        reason="",
        before=dict(live.attributes) if live is not None else None,
        after=dict(item.resource.attributes) if item is not None else None,
        fields=difference.fields if not whole else (),
        tools=item.tools if item is not None else (),
        counterparts=item.counterparts if item is not None else (),
        ends=item.ends if item is not None else None,
    )


def _tail(name: str) -> str:
    """The part of `parent/child` that names the child, in words."""
    parent, slash, child = name.partition("/")
    return f'"{child}" on {parent}' if slash else f'"{name}"'
