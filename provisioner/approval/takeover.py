"""Who would come to decide in a control owner's place, by a change of the trust root.

Governance may change the root, but nobody is replaced unasked: whoever gains the power to sign for an owner needs that
owner's consent, or two people of governance and the notice period (docs/adr/0017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model.changes import Surface
from .ownership import resolve_owner
from .root import RootData, RootOwner


def takeovers(in_force: RootData, wanted: RootData) -> dict[str, tuple[str, ...]]:
    """Owners of the root in force in whose place somebody else could sign by the wanted one, each with the reasons.

    What only takes power away (a signer or a key that goes, a quorum that rises) is none. Neither is anything in a
    one-person team, where one person would ask themselves.
    """
    if in_force.approval.solo:
        return {}
    found: dict[str, list[str]] = {}
    for name, owner in in_force.owners.items():
        new = wanted.owners.get(name)
        for reason in _gains(in_force, wanted, owner, new) if new is not None else ():
            found.setdefault(name, []).append(reason)
    for name, reason in _moved(in_force, wanted):
        found.setdefault(name, []).append(reason)
    return {name: tuple(found[name]) for name in sorted(found)}


def _gains(in_force: RootData, wanted: RootData, old: RootOwner, new: RootOwner) -> Iterator[str]:
    for signer in new.signers:
        if signer not in old.signers:
            yield f"{signer} comes to sign for it"
        elif _keys(wanted, signer) - _keys(in_force, signer):
            yield f"{signer} gets a new key"
    if new.threshold < old.threshold:
        yield f"its quorum falls from {old.threshold} to {new.threshold}"
    was, now = old.escalation, new.escalation
    if now is not None and (was is None or was.to != now.to or now.after_seconds < was.after_seconds):
        yield f"{now.to} may stand in for it" + (" sooner" if was is not None and was.to == now.to else "")


def _moved(in_force: RootData, wanted: RootData) -> Iterator[tuple[str, str]]:
    """Surfaces, agents and tools that pass from one owner to another."""
    for surface in Surface:
        old, new = resolve_owner(in_force, surface), resolve_owner(wanted, surface)
        if old is not None and new != old:
            yield old, f"{surface} passes to {new or 'nobody'}"
    for agent in sorted({*in_force.agents, *wanted.agents}):
        for surface_name in sorted({*in_force.agents.get(agent, {}), *wanted.agents.get(agent, {})}):
            old, new = (resolve_owner(root, surface_name, agent) for root in (in_force, wanted))
            if old is not None and new != old:
                yield old, f"{surface_name} of {agent} passes to {new or 'nobody'}"
    for tool in sorted({*in_force.tools, *wanted.tools}):
        old, new = (resolve_owner(root, Surface.TOOL_ACCESS, None, tool) for root in (in_force, wanted))
        if old is not None and new != old:
            yield old, f"{tool} passes to {new or 'nobody'}"


def _keys(root: RootData, person: str) -> set[str]:
    people: Mapping[str, object] = root.people
    return set(root.people[person].keys) if person in people else set()
