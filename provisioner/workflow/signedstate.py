"""What was signed beside what is live, for drift and for the rule that compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ..approval.ownership import one_owner
from ..approval.root import RootData
from ..ledger import replay, views
from ..ledger.entries import History
from ..model.changes import Change, Surface
from ..model.configuration import Configuration
from ..model.drift import LastApplied
from ..model.findings import TestResult
from ..model.resources import Address, Resource, Snapshot
from ..planning.drift import Evidence, Signed
from ..planning.planner import merged_coverage
from ..sdk.provider import Provider


def live_of(snapshots: Mapping[str, Snapshot]) -> dict[Address, Resource]:
    """Every live resource by address."""
    return {resource.address: resource for snapshot in snapshots.values() for resource in snapshot.resources}


def drift_evidence(
    configuration: Configuration,
    providers: Mapping[str, Provider],
    snapshots: Mapping[str, Snapshot],
    history: History,
    counts: Callable[[str], bool],
    root: RootData,
    root_version: int,
    changes: Sequence[Change],
    tests: Sequence[TestResult],
    now: datetime,
) -> Evidence:
    """The evidence of a drift run. `changes` are what a plan would do now, `tests` the results on the live world."""
    signed = {
        address: Signed(address, item.attributes, item.agent, item.label, item.block, _owners(root, item))
        for address, item in replay.signed_state(history, counts).items()
        if address.provider in providers
    }
    last = views.last_consumed(history)
    applied = LastApplied(last.plan, last.entry.stored_at.strftime("%Y-%m-%dT%H:%M:%SZ")) if last else None
    return Evidence(
        workspace=configuration.workspace.name,
        root_version=root_version,
        last_applied=applied,
        signed=signed,
        live=live_of(snapshots),
        planned=changes,
        agents=frozenset(agent.name for agent in configuration.agents.values()),
        coverage=merged_coverage(snapshots),
        tests_on_live=tests,
        expiries={
            key: end for name, provider in providers.items() for key, end in provider.expiries(snapshots[name]).items()
        },
        now=now,
    )


def _owners(root: RootData, item: replay.AppliedResource) -> dict[str, str]:
    """The owner of what a grant gives is its tools'; nothing for what serves no tool."""
    if not item.tools:
        return {}
    owner = one_owner(root, Surface.TOOL_ACCESS, item.agent, item.tools)
    return {} if owner is None else {Surface.TOOL_ACCESS.value: owner}
