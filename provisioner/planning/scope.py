"""`-target`: which part of the workspace a plan is about."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from ..model.changes import Action
from ..model.configuration import Configuration
from ..model.diagnostics import DiagnosticError
from ..model.resources import Address, Resource
from .diff import Difference

NAMED = 8
"""Addresses that a message names when nothing is near what was written."""


def agents_in_scope(
    targets: Sequence[str], configuration: Configuration, live: Iterable[Resource]
) -> frozenset[str] | None:
    """Names of the agents that `-target` picks; None for the whole workspace.

    A target is an agent's address (`agent.triage`, a prefix with its for_each key left off takes all instances), an
    agent's name, or a grant's, tool's or boundary's address, which picks the agents that it concerns. An agent that
    is only live (removed from the configuration) is picked by `agent.NAME`.
    """
    if not targets:
        return None
    blocks = _blocks(configuration)
    for resource in live:
        if resource.agent is not None and resource.agent not in {a.name for a in configuration.agents.values()}:
            blocks.setdefault(f"agent.{resource.agent}", set()).add(resource.agent)
    chosen: set[str] = set()
    for target in targets:
        hits = [names for address, names in blocks.items() if address == target or address.startswith(target + "[")]
        if not hits:
            near = difflib.get_close_matches(target, blocks, n=1)
            hint = (
                f" Did you mean {near[0]!r}?"
                if near
                else f" There are {', '.join(sorted(blocks)[:NAMED])}{' and more' if len(blocks) > NAMED else ''}."
            )
            raise DiagnosticError.of(
                "E-TARGET", f"-target={target} names no agent, grant, tool or boundary", f"Nothing was planned.{hint}"
            )
        for names in hits:
            chosen |= names
    return frozenset(chosen)


def within(difference: Difference, chosen: frozenset[str] | None, used: Mapping[Address, frozenset[str]]) -> bool:
    """Whether a difference belongs to the chosen agents; a shared resource does when one of them uses it.

    What goes for good must be used by nobody else: the others still stand on it.
    """
    if chosen is None:
        return True
    agent = (
        difference.desired.resource.agent if difference.desired else difference.live.agent if difference.live else None
    )
    if agent is not None:
        return agent in chosen
    users_of_it = used.get(difference.address, frozenset())
    if difference.action is Action.DELETE:
        return bool(users_of_it) and users_of_it <= chosen
    return bool(users_of_it & chosen)


def users(*sides: Iterable[Resource]) -> dict[Address, frozenset[str]]:
    """Which agents use each shared resource, on either side."""
    out: dict[Address, set[str]] = {}
    for side in sides:
        for resource in side:
            if resource.agent is not None:
                for address in resource.uses:
                    out.setdefault(address, set()).add(resource.agent)
    return {address: frozenset(agents) for address, agents in out.items()}


def _blocks(configuration: Configuration) -> dict[str, set[str]]:
    blocks: dict[str, set[str]] = {}
    for agent in configuration.agents.values():
        blocks.setdefault(agent.address, set()).add(agent.name)
        blocks.setdefault(f"agent.{agent.name}", set()).add(agent.name)
        if agent.boundary is not None:
            blocks.setdefault(agent.boundary, set()).add(agent.name)
    for grant in configuration.grants.values():
        blocks.setdefault(grant.address, set()).update(grant.agents)
        for tool in grant.tools:
            blocks.setdefault(tool, set()).update(grant.agents)
    return blocks
