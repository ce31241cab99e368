"""`graph`: who can become or call whom, planned or against the live clouds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from ..model.diagnostics import DiagnosticError
from ..model.graph import Graph, Reach
from ..model.requests import World
from ..model.resources import Address, Resource
from ..policy.graph import build
from .compiling import Compiled, compile_all, preflight, providers_of
from .planning import assemble, look, stamp
from .project import Project


def graph(project: Project, agents: Sequence[str] = (), *, live: bool = False) -> Graph:
    """The graph of the configuration's agents; with `live` the clouds are read and every edge says what is new.

    `agents` are names or addresses. Raises DiagnosticError, and with `live` CloudError.
    """
    configuration = project.configuration
    chosen = _chosen(project, agents)
    if not live:
        now = datetime.now(UTC)
        providers = providers_of(configuration, project.registry)
        compiled = compile_all(configuration, providers, lambda agent, tool: None, {}, now)
        problems = preflight(compiled)
        if any(problem.is_error for problem in problems):
            raise DiagnosticError(problems)
        planned = {item.resource.address: item.resource for item in compiled.desired}
        return build(configuration, _reaches(compiled, planned, stamp(now), configuration.agents), agents=chosen)
    seen = look(project, pin_demanded=False)
    made = assemble(project, seen, guarded=False)
    names = {*configuration.agents, *(r.agent for r in made.before.values() if r.agent is not None)}
    before = _reaches(seen.compiled, made.before, stamp(seen.now), names)
    after = _reaches(seen.compiled, made.after, stamp(seen.now), names)
    return build(configuration, after, before, made.changes, chosen)


def _reaches(
    compiled: Compiled, resources: Mapping[Address, Resource], now: str, agents: Collection[str]
) -> list[Reach]:
    world = World(resources, now)
    return [provider.reach(compiled.authorities[name], world, agents) for name, provider in compiled.providers.items()]


def _chosen(project: Project, agents: Sequence[str]) -> frozenset[str] | None:
    if not agents:
        return None
    known = project.configuration.agents
    addresses = {agent.address: name for name, agent in known.items()}
    found = set()
    for given in agents:
        name = addresses.get(given, given.removeprefix("agent."))
        if name not in known:
            detail = f"There are {', '.join(sorted(known)[:8])}{' and more' if len(known) > 8 else ''}."
            raise DiagnosticError.of("E-AGENT", f"There is no agent {given!r}", detail)
        found.add(name)
    return frozenset(found)
