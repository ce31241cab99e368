"""Which ways to become more a plan opens: the providers are asked about the planned and about the live world."""

from __future__ import annotations

from collections.abc import Collection

from ..model.configuration import Configuration
from ..model.graph import Reach
from ..model.plan import NewPath
from ..model.requests import World
from ..planning.planner import Draft
from ..policy import newpaths
from .compiling import Compiled


def opened(configuration: Configuration, compiled: Compiled, made: Draft, now: str) -> tuple[NewPath, ...]:
    """The paths of the draft's planned world that the live one has not. A plan that changes nothing opens none."""
    if not made.changes:
        return ()
    after = _reaches(compiled, World(made.after, now), configuration.agents)
    sources = {path.agent for reach in after for path in reach.paths}
    sources |= {relation.agent for reach in after for relation in reach.relations if relation.source_agent}
    if not sources:
        return ()
    before = _reaches(compiled, World(made.before, now), sources)
    return newpaths.new_paths(configuration, after, before)


def _reaches(compiled: Compiled, world: World, agents: Collection[str]) -> list[Reach]:
    return [provider.reach(compiled.authorities[name], world, agents) for name, provider in compiled.providers.items()]
