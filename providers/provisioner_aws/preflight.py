"""Preflight of how a configuration's parts go together: what a grant gives and the role's boundary takes away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from provisioner.model.authority import Authority
from provisioner.model.configuration import Boundary, Settings, Tool
from provisioner.model.diagnostics import Diagnostic, Severity

from .catalogue import actions_like
from .compile import aws_parts, boundary_of
from .grants import statements_of


def check_boundaries(authority: Authority) -> Iterable[Diagnostic]:
    """Actions of a tool that the boundary of an agent with a grant of it lets through in no case; each said once."""
    seen: set[tuple[str, str, str]] = set()
    for part in aws_parts(authority):
        boundary = boundary_of(authority.configuration, part.agent)
        if boundary is None:
            continue
        for tool in part.tools:
            for statement in statements_of(tool):
                for action, why in excluded(statement, boundary):
                    key = (tool.address, action, boundary.address)
                    if key not in seen:
                        seen.add(key)
                        given = f"{part.grant.address} gives it to {part.agent.address}"
                        yield _warning(tool, statement, boundary, action, f"{given}, and {why}")


def excluded(statement: Settings, boundary: Boundary) -> Iterable[tuple[str, str]]:
    """Actions of a statement that a boundary never lets through, each with the reason.

    A pattern counts where none of the actions that it names is let through: that it names some more is its nature.
    """
    settings = boundary.clouds["aws"]
    allow, deny = tuple(settings.get("allow") or ()), tuple(settings.get("deny") or ())
    regions = tuple(settings.get("regions") or ())
    everywhere = tuple(settings.get("global_services") or ())
    for action in statement.get("actions") or ():
        named = actions_like(action) if ":" in action else ()
        if not named:
            continue
        allowed = [one for one in named if _any_matches(allow, one)]
        if not allowed:
            yield action, f"{boundary.address} does not allow it"
        elif all(_any_matches(deny, one) for one in allowed):
            yield action, f"{boundary.address} denies it"
        elif regions and action.partition(":")[0].lower() not in everywhere and _elsewhere(statement, regions):
            yield action, f"{boundary.address} keeps requests to {', '.join(regions)}"


def _elsewhere(statement: Settings, regions: tuple[str, ...]) -> bool:
    """Whether every resource is in a region that the boundary closes."""
    places = [resource.split(":", 5)[3] for resource in statement.get("resources") or () if resource.count(":") >= 5]
    if not places or len(places) != len(statement.get("resources") or ()):
        return False
    return all(place and not any(char in place for char in "*?$&{") and place not in regions for place in places)


def _any_matches(patterns: tuple[str, ...], action: str) -> bool:
    return any(_pattern(pattern).fullmatch(action.lower()) for pattern in patterns)


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text.lower()).replace(r"\*", ".*").replace(r"\?", "."))


def _warning(tool: Tool, statement: Settings, boundary: Boundary, action: str, why: str) -> Diagnostic:
    return Diagnostic(
        "W-AWS-BOUNDARY",
        f"{tool.address}: {boundary.address} excludes {action}",
        f"{why}: the agent could not use it. Add it to the boundary, or take it out of the tool.",
        severity=Severity.WARNING,
        subject=statement.range_of("actions"),
        context=boundary.range,
    )
