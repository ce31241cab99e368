"""`drift`: what is live against what was signed and what is configured. Holds no way to write."""

from __future__ import annotations

import time

from ..approval.ownership import one_owner, resolve_owner
from ..approval.root import RootData
from ..ledger import replay, views
from ..model.changes import Surface
from ..model.drift import DriftReport, LastApplied
from ..model.requests import World
from ..planning.drift import Evidence, Signed, report
from ..planning.planner import merged_coverage
from ..policy.boundary_tests import generated, judge
from .authorized import counted
from .planning import assemble, look, stamp
from .project import Project


def drift(project: Project) -> DriftReport:
    """The report. Raises DiagnosticError (no pin, no root, bad configuration) and CloudError."""
    started = time.monotonic()
    seen = look(project, pin_demanded=True)
    configuration = project.configuration
    history = seen.ledger.history
    made = assemble(project, seen, guarded=False)
    providers = seen.compiled.providers
    live = {resource.address: resource for snapshot in seen.snapshots.values() for resource in snapshot.resources}
    root = seen.root.data
    signed = {
        address: Signed(address, item.attributes, item.agent, item.label, item.block, _owners(root, item))
        for address, item in replay.signed_state(history, counted(seen.ledger, project.runner)).items()
        if address.provider in providers
    }
    last = views.last_consumed(history)
    negatives = generated(configuration.agents.values(), seen.compiled.authorities, providers)
    tests = judge([*configuration.tests.values(), *negatives], configuration, providers, World(live, stamp(seen.now)))
    evidence = Evidence(
        workspace=configuration.workspace.name,
        root_version=seen.root.version,
        last_applied=LastApplied(last.plan, stamp(last.entry.stored_at)) if last else None,
        signed=signed,
        live=live,
        planned=made.changes,
        agents=frozenset(agent.name for agent in configuration.agents.values()),
        coverage=merged_coverage(seen.snapshots),
        tests_on_live=tests,
        expiries={
            key: end
            for name, provider in providers.items()
            for key, end in provider.expiries(seen.snapshots[name]).items()
        },
        now=seen.now,
    )
    elapsed = int((time.monotonic() - started) * 1000)
    return report(evidence, providers, lambda surface, agent: resolve_owner(root, surface, agent), elapsed)


def _owners(root: RootData, item: replay.AppliedResource) -> dict[str, str]:
    """The owner of what a grant gives is its tools'; nothing for what serves no tool."""
    if not item.tools:
        return {}
    owner = one_owner(root, Surface.TOOL_ACCESS, item.agent, item.tools)
    return {} if owner is None else {Surface.TOOL_ACCESS.value: owner}
