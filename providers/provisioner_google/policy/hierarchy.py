"""Where a resource stands in the resource hierarchy, by what a read found above the projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.requests import World

from .. import table
from .cel import Truth
from .holdings import holdings

ABOVE, PROJECT, UNREAD = "(above)", "(project)", "(unread)"
"""Keys of a request's context that no expression can name: full names of all that is above its project (where the
chain is known to its end), the project itself, and what of that could not be read."""


def placed(world: World, resource: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """The context with where the resource is, as far as the world says it."""
    known = dict(context)
    places = holdings(world).places
    own = places.get(resource) or places.get(resource.partition("/objects/")[0])
    inside = next(iter(own.attributes["ancestors"]), "") if own is not None else ""
    project = table.project_of(resource) or context.get("project") or table.project_of(inside)
    if project is None:
        return known
    known[PROJECT] = project
    place = places.get(table.full_name(f"projects/{project}"))
    if place is not None:
        known[UNREAD] = tuple(place.attributes["unread"])
        known[ABOVE] = tuple(place.attributes["ancestors"])
    return known


def inherits(above: str, context: Mapping[str, Any]) -> Truth:
    """Whether what a folder's or an organization's policy says counts for the request."""
    if ABOVE not in context:
        return Truth.UNKNOWN
    if above in context[ABOVE]:
        return Truth.YES
    whole = not any(text.startswith("what is above") for text in context.get(UNREAD, ()))
    return Truth.NO if whole else Truth.UNKNOWN


def unseen(context: Mapping[str, Any]) -> tuple[str, ...]:
    """What may grant more, and was not read."""
    return tuple(f"what is inherited: {text}" for text in context.get(UNREAD, ()))
