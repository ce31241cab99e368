"""`agent { manage }`: what an agent's plans write. Surfaces left out are observed and judged, never written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..model.changes import Action
from ..model.configuration import Agent
from ..model.diagnostics import Diagnostic, Severity
from ..model.resources import Desired
from .diff import Difference, Kinds


@dataclass(frozen=True, slots=True)
class Managed:
    """What may be written, and a warning for each difference that is only told."""

    found: tuple[Difference, ...]
    observed: tuple[Diagnostic, ...]


def managed(differences: Sequence[Difference], agents: Mapping[str, Agent], kinds: Kinds) -> Managed:
    """Leave out what touches a surface that its agent does not manage.

    Of an update only the attributes on such surfaces are left as they are live; a resource that touches one is
    neither made nor deleted. Taking over an unmarked resource (a claim) is governance's decision and stays.
    """
    found: list[Difference] = []
    notes: list[Diagnostic] = []
    for difference in differences:
        agent = agents.get(_agent(difference) or "")
        kind = kinds[difference.address.provider][difference.address.kind]
        lacking = [
            name
            for name in difference.fields
            if agent is not None and any(surface.value not in agent.manage for surface in kind.fields[name].surfaces)
        ]
        if agent is None or not lacking or _claims(difference):
            found.append(difference)
            continue
        notes.append(_observed(difference, agent, lacking, kind.noun))
        kept = tuple(name for name in difference.fields if name not in lacking)
        if difference.action is Action.UPDATE and kept and difference.desired is not None:
            found.append(replace(difference, fields=kept, desired=_as_live(difference, difference.desired, lacking)))
    return Managed(tuple(found), tuple(notes))


def replaced(desired: Iterable[Desired], found: Iterable[Difference]) -> tuple[Desired, ...]:
    """The desired side as the differences have it: what is not managed is wanted as it is."""
    wanted = {difference.address: difference.desired for difference in found if difference.desired is not None}
    return tuple(wanted.get(item.resource.address, item) for item in desired)


def _agent(difference: Difference) -> str | None:
    if difference.desired is not None:
        return difference.desired.resource.agent
    return difference.live.agent if difference.live is not None else None


def _claims(difference: Difference) -> bool:
    live = difference.live
    return live is not None and live.parent is None and live.mark is None


def _as_live(difference: Difference, desired: Desired, names: Iterable[str]) -> Desired:
    live = difference.live.attributes if difference.live is not None else {}
    attributes = {**desired.resource.attributes, **{name: live.get(name) for name in names}}
    return replace(desired, resource=replace(desired.resource, attributes=attributes))


def _observed(difference: Difference, agent: Agent, names: Sequence[str], noun: str) -> Diagnostic:
    said = {
        Action.CREATE: "is declared, and does not exist",
        Action.DELETE: "exists, and is not declared",
        Action.UPDATE: f"differs in {', '.join(names)}",
    }[difference.action]
    return Diagnostic(
        "W-OBSERVED",
        f"{noun} {difference.address.name} {said}, and {agent.address} does not manage that",
        f"{agent.address} says manage = [{', '.join(agent.manage)}], so this is only told. Make the files say what is "
        "there, change it where it is managed, or manage the surface here.",
        severity=Severity.WARNING,
        subject=agent.range,
    )
