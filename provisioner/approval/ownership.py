"""Whose control a surface is, by the root in force."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.changes import Change, Surface
from .root import RootData


def resolve_owner(root: RootData, surface: str, agent: str | None = None, tool: str | None = None) -> str | None:
    """The one control owner of a surface: the tool's own, then the agent's, then the surface's default.

    `tool` (an address) counts for tool_access alone. Only what the root says counts: an owner that a change under
    review names for itself does not. None where there is no default or more than one (OWN-1).
    """
    if tool is not None and surface == Surface.TOOL_ACCESS and tool in root.tools:
        return root.tools[tool]
    if agent is not None and surface in root.agents.get(agent, {}):
        return root.agents[agent][surface]
    defaults = [name for name, owner in root.owners.items() if surface in owner.default_for]
    return defaults[0] if len(defaults) == 1 else None


def change_owner(root: RootData, change: Change, surface: str) -> str | None:
    """The owner of one surface of a change. None also where its tools have different owners."""
    return one_owner(root, surface, change.agent, change.tools)


def asked_owners(root: RootData, change: Change, surface: str) -> frozenset[str | None]:
    """Everybody who is asked about one surface of a change: its owner, that of each agent which it lets another reach,
    and that of each tool which it serves no more. None stands for a surface without exactly one owner."""
    others = {resolve_owner(root, surface, name) for name in change.counterparts}
    others |= {resolve_owner(root, surface, change.agent, tool) for tool in change.left}
    return frozenset({change_owner(root, change, surface), *others})


def one_owner(root: RootData, surface: str, agent: str | None, tools: Iterable[str]) -> str | None:
    """The owner that all of `tools` have for `surface`; the agent's own where there are no tools."""
    owners = {resolve_owner(root, surface, agent, tool) for tool in tools} or {resolve_owner(root, surface, agent)}
    return owners.pop() if len(owners) == 1 else None
