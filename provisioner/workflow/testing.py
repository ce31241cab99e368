"""`test`: every boundary test, on planned or on live policies, by our evaluator or by the cloud's own simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from ..model.diagnostics import Diagnostic
from ..model.requests import Attempt, Decision, World
from ..model.resources import Coverage
from ..planning.planner import merged_coverage, raise_for
from ..policy.boundary_tests import Simulated, coverage, generated, judge
from ..sdk.simulation import Simulating, Simulator
from .compiling import Compiled, compile_all, preflight, providers_of
from .planning import look, stamp
from .project import Project
from .reading import connections
from .results import TestRun
from .signedstate import live_of


def test(project: Project, *, live: bool = False, simulate: bool = False) -> TestRun:
    """All declared tests and the generated negatives of every agent.

    With `live` the clouds are read and judged as they are; with `simulate` attempts are put to the cloud's own
    simulator. Raises DiagnosticError for what cannot compile, and with `live` CloudError.
    """
    configuration, started = project.configuration, time.monotonic()
    compiled, world, read, problems = _live(project) if live else _planned(project)
    gaps = read.gaps
    negatives = generated(configuration.agents.values(), compiled.authorities, compiled.providers)
    simulators = _simulators(project, compiled, world, live=live) if simulate else None
    tests = [*configuration.tests.values(), *negatives]
    there = {(item.agent, at.provider) for at, item in world.resources.items() if item.agent is not None}
    results = judge(
        tests, configuration, compiled.providers, world, gaps, simulators, there if live and not gaps else None
    )
    return TestRun(
        results,
        (*project.warnings, *problems),
        coverage(results, (agent.name for agent in configuration.agents.values())),
        "live" if live else "planned",
        tuple(simulators or ()) if simulate else None,
        tuple(f"{gap.what} in {gap.provider} {gap.target}: {gap.reason}" for gap in gaps),
        read.calls,
        int((time.monotonic() - started) * 1000),
    )


Opened = tuple[Compiled, World, Coverage, tuple[Diagnostic, ...]]


def _planned(project: Project) -> Opened:
    """Owners play no part in what a policy allows, so a tool without one of its own gets a stand-in."""
    configuration = project.configuration
    providers = providers_of(configuration, project.registry)
    now = datetime.now(UTC).replace(microsecond=0)
    compiled = compile_all(configuration, providers, lambda agent, tool: tool.owner or "owner", {}, now)
    problems = preflight(compiled)
    raise_for(problems)
    world = World({item.resource.address: item.resource for item in compiled.desired}, stamp(now))
    return compiled, world, Coverage(), tuple(problems)


def _live(project: Project) -> Opened:
    seen = look(project, pin_demanded=False)
    world = World(live_of(seen.snapshots), stamp(seen.now))
    return seen.compiled, world, merged_coverage(seen.snapshots), seen.warnings


def _simulators(project: Project, compiled: Compiled, world: World, *, live: bool) -> Simulated:
    found: dict[str, Callable[[Attempt], Decision]] = {}
    for name, provider in compiled.providers.items():
        if isinstance(provider, Simulating):
            ways = connections(compiled.authorities[name], project.runner.connection_settings)
            found[name] = _asking(provider.simulator(ways), world, live)
    return found


def _asking(simulator: Simulator, world: World, live: bool) -> Callable[[Attempt], Decision]:
    return lambda attempt: simulator.simulate(world, attempt, live=live)
