"""`sweep`: removes what has ended by its own expiry, by the operations that were signed with it, and nothing else.

No configuration is parsed and nobody signs: what runs is a plan like any other, and the verifier finds out for itself
that it holds only what applied plans carry for this time (`approval.sweeping`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import planfile
from ..applying.result import ApplyResult, Report
from ..approval.ownership import one_owner
from ..approval.root import RootData
from ..approval.sweeping import SWEEP_SCOPE, removal
from ..approval.verdict import Sweepable
from ..approval.verifier import Verdict
from ..ledger import replay, views
from ..ledger.log import Ledger
from ..model.changes import Change, Operation
from ..model.diagnostics import DiagnosticError
from ..model.findings import TestSummary
from ..model.plan import AgentNote, Plan, PlanNotes, PlanTarget, RootReference
from ..model.resources import Address, Resource, Snapshot
from ..planning.order import order
from ..planning.planner import merged_coverage
from ..planning.worlds import agent_worlds
from ..runner import Runner
from ..sdk.digests import state_digest
from ..sdk.provider import Provider, Scope
from ..version import installed
from .applying import apply, judge
from .authorized import counted, sweepables
from .planning import stamp
from .project import workspace_ledger
from .providing import providers as installed_providers
from .recorded import read_targets, recorded_target
from .roots import demand_pin, root_in_force
from .signing import Opened, publish


@dataclass(frozen=True, slots=True)
class Left:
    """What has ended and is not swept, and why. `gone`: there is nothing left to remove, so nothing is amiss."""

    label: str
    agent: str | None
    ends: str
    why: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep would do now. `opened` None: nothing has ended that is there still. `later` is what ends next."""

    opened: Opened | None
    left: tuple[Left, ...]
    later: str | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of it. `result` None: the verifier refused the plan, or there was none, and nothing was done."""

    plan: SweepPlan
    verdict: Verdict | None = None
    result: ApplyResult | None = None


def plan_sweep(runner: Runner, folder: Path, workspace: str | None = None) -> SweepPlan:
    """The plan of a sweep, not yet published. Reads the live state of the agents that it is about.

    Raises DiagnosticError where the ledger or its root cannot be trusted, CloudError where a cloud cannot be read.
    """
    ledger = workspace_ledger(runner, workspace, folder)
    root = root_in_force(ledger, runner)
    demand_pin(root, runner, ledger.workspace)
    now = datetime.now(UTC).replace(microsecond=0)
    state = replay.signed_state(ledger.history, counted(ledger, runner))
    removed = {address for address, item in state.items() if item.attributes is None}  # by a sweep before, say
    known = {address: item for address, item in sweepables(ledger, runner).items() if address not in removed}
    ended = {address: item for address, item in known.items() if item.sweep.ends <= stamp(now)}
    later = min((item.sweep.ends for item in known.values() if item.sweep.ends > stamp(now)), default=None)
    if not ended:
        return SweepPlan(None, (), later)
    live, targets, snapshots = _look(ledger, runner, ended)
    left, chosen = _sorted_out(ended, live, root.root.data)
    if not chosen:
        return SweepPlan(None, left, later)
    changes = tuple(_change(number, item, root.root.data) for number, item in enumerate(chosen.values(), start=1))
    after = {address: resource for address, resource in live.items() if address not in chosen}
    providers = {name: installed_providers()[name] for name in {address.provider for address in chosen}}
    kinds = {name: provider.schema().kinds for name, provider in installed_providers().items()}
    coverage = merged_coverage(snapshots)
    touched = {(change.address.provider, change.address.target) for change in changes}
    plan = Plan(
        workspace=ledger.workspace,
        base=views.base(ledger.history),
        root=RootReference(root.root.version, root.root.digest),
        targets=tuple(target for target in targets if (target.provider, target.id) in touched),
        scope=SWEEP_SCOPE,
        changes=changes,
        operations=_operations(changes, live, after, providers),
        worlds=agent_worlds(live, after, changes, kinds),
        agents=tuple(
            AgentNote(agent, False, None, None, None, None)
            for agent in sorted({change.agent for change in changes if change.agent is not None})
        ),
        findings=(),
        tests=TestSummary(),
        requirements=(),
        exclusions=(),
        unknown_authors=(),
        gaps=coverage.gaps,
        not_looked_at=coverage.not_looked_at,
        solo=root.root.data.approval.solo,
    )
    notes = PlanNotes(created=stamp(now), tool=installed(), calls=coverage.calls)
    return SweepPlan(Opened(planfile.seal(plan, notes), ledger, runner), left, later)


def sweep(planned: SweepPlan, progress: Report | None = None) -> Swept:
    """Record and apply it. Raises DiagnosticError, CloudError as apply does."""
    if planned.opened is None:
        return Swept(planned)
    publish(planned.opened)
    _, verdict = judge(planned.opened)
    if verdict.verified is None:
        return Swept(planned, verdict)
    return Swept(planned, verdict, apply(planned.opened, verdict.verified, progress))


def _look(
    ledger: Ledger, runner: Runner, ended: Mapping[Address, Sweepable]
) -> tuple[dict[Address, Resource], list[PlanTarget], dict[str, Snapshot]]:
    """What is live of the agents whose grants have ended, and where."""
    live: dict[Address, Resource] = {}
    snapshots: dict[str, Snapshot] = {}
    targets: list[PlanTarget] = []
    for name in sorted({address.provider for address in ended}):
        provider = installed_providers().get(name)
        if provider is None:
            raise DiagnosticError.of(
                "E-PROVIDER", f"There is no provider {name!r}", "Install the package that brings it, and sweep again."
            )
        own = {address: item for address, item in ended.items() if address.provider == name}
        places = {(address.provider, address.target): item.plan for address, item in own.items()}
        here = [recorded_target(ledger.history, plan, place) for place, plan in sorted(places.items())]
        agents = frozenset(item.change.agent for item in own.values() if item.change.agent is not None)
        known = frozenset(own) | _recorded(ledger, runner, name, agents)
        snapshots[name] = read_targets(provider, here, runner, Scope(ledger.workspace, known, agents))
        live |= {resource.address: resource for resource in snapshots[name].resources}
        targets += here
    return live, sorted(targets, key=lambda target: (target.provider, target.id)), snapshots


def _recorded(ledger: Ledger, runner: Runner, provider: str, agents: frozenset[str]) -> frozenset[Address]:
    """Where signed plans have put what these agents are and hold: a grant is seen with the principal that it is to."""
    return frozenset(
        address
        for address, item in replay.signed_state(ledger.history, counted(ledger, runner)).items()
        if address.provider == provider and item.agent in agents and item.attributes is not None
    )


def _sorted_out(
    ended: Mapping[Address, Sweepable], live: Mapping[Address, Resource], root: RootData
) -> tuple[tuple[Left, ...], dict[Address, Sweepable]]:
    """What is swept: as many as the root lets one plan change, of those that are as they were signed."""
    left: list[Left] = []
    chosen: dict[Address, Sweepable] = {}
    for address, item in sorted(ended.items()):
        change = item.change
        resource = live.get(address)
        why, gone = "", False
        if resource is None:
            why, gone = "there is nothing left of it", True
        elif state_digest(resource.attributes) != state_digest(change.after):
            why = "it was changed since it was signed: `provisioner plan` takes it off, and its owners sign that"
        elif any(one_owner(root, surface, change.agent, change.tools) is None for surface in change.surfaces):
            why = "no one owner answers for it by the trust root in force: have governance name one, or plan it"
        elif len(chosen) >= root.limits.max_changes:
            why = f"one plan changes {root.limits.max_changes} things at most: sweep again"
        if why:
            left.append(Left(change.label, change.agent, item.sweep.ends, why, gone))
        else:
            chosen[address] = item
    return tuple(left), chosen


def _change(number: int, item: Sweepable, root: RootData) -> Change:
    """The removal, with the owners of the root in force."""
    change = replace(removal(item.change), number=number, reason=f"it ended at {item.sweep.ends}")
    kind = installed_providers()[change.address.provider].schema().kinds[change.address.kind]
    surfaces = kind.surfaces(None)
    owners = {surface.value: one_owner(root, surface, change.agent, change.tools) for surface in surfaces}
    found = {surface: owner for surface, owner in owners.items() if owner is not None}
    return replace(change, surfaces=surfaces, owners=found)


def _operations(
    changes: Sequence[Change],
    live: Mapping[Address, Resource],
    after: Mapping[Address, Resource],
    providers: Mapping[str, Provider],
) -> tuple[Operation, ...]:
    made = [
        replace(operation, agent=change.agent)
        for change in changes
        for operation in providers[change.address.provider].operations(change)
    ]
    return order(made, live, after, lambda one: providers[one.address.provider].rank(one, False))
