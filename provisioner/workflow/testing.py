"""`test`: every boundary test on the planned policies, without a cloud or a ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from ..model.requests import World
from ..planning.planner import raise_for
from ..policy.boundary_tests import generated, judge
from .compiling import compile_all, preflight, providers_of
from .planning import stamp
from .project import Project
from .results import TestRun


def test(project: Project) -> TestRun:
    """All declared tests and the generated negatives of every agent. Raises DiagnosticError for what cannot compile.

    Owners play no part in what a policy allows, so a tool without one of its own gets a stand-in.
    """
    configuration = project.configuration
    providers = providers_of(configuration, project.registry)
    now = datetime.now(UTC).replace(microsecond=0)
    compiled = compile_all(configuration, providers, lambda agent, tool: tool.owner or "owner", {}, now)
    problems = preflight(compiled)
    raise_for(problems)
    world = World({item.resource.address: item.resource for item in compiled.desired}, stamp(now))
    negatives = generated(configuration.agents.values(), compiled.authorities, providers)
    results = judge([*configuration.tests.values(), *negatives], configuration, providers, world)
    return TestRun(results, (*project.warnings, *problems))
