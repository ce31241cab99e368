"""`stop AGENT`: a plan that does nothing but take all authority from one agent, made from the ledger and a live read.

No configuration is parsed: that may be broken, or be what is wrong. What is signed and applied is a plan like any
other; that it only stops is what the verifier finds out for itself (`approval.stopping`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import planfile
from ..applying.result import ApplyResult, Report
from ..approval import signing
from ..approval.ownership import resolve_owner
from ..approval.root import RootData
from ..approval.stopping import Owner, may_stop, stop_requirement, stop_scope
from ..approval.verifier import Verdict
from ..ledger import replay, views
from ..ledger.log import Ledger
from ..model.changes import Action, Change, Effect, Operation
from ..model.diagnostics import DiagnosticError
from ..model.findings import TestSummary
from ..model.plan import AgentNote, Plan, PlanNotes, PlanTarget, RootReference
from ..model.resources import Address, Coverage, Desired, Resource, Snapshot
from ..planning.changes import build_changes
from ..planning.diff import Difference, changed_fields
from ..planning.order import order
from ..planning.planner import merged_coverage
from ..planning.worlds import agent_worlds, planned
from ..runner import Runner
from ..sdk.errors import CloudError
from ..sdk.provider import Clearing, Provider, Scope, Stopper
from ..version import installed
from .applying import apply, judge
from .planning import stamp
from .project import workspace_ledger
from .providing import providers as installed_providers
from .recorded import read_targets, recorded_target
from .roots import demand_pin, root_in_force
from .signing import Opened, Wish, prepare, record, sign

TRIES = 3
"""How often a stop is planned anew when the agent, or the record, changed between the plan and its end."""

CANNOT = "any action, whatever else allows it, until a signed plan lifts this"


@dataclass(frozen=True, slots=True)
class StopWish:
    """Who stops what. `key` None: only plan, for somebody else to sign; then `owner` says who."""

    agent: str
    workspace: str | None = None
    owner: str | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class StopPlan:
    """A plan that stops an agent. `left_out` says where it is besides and why nothing is stopped there."""

    opened: Opened
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """Where an agent is, by the ledger, and what is there now. `left_out` says which cloud could not be looked at;
    `signed` is what signed plans made: one owner's word takes off nothing else."""

    left_out: tuple[str, ...]
    targets: tuple[PlanTarget, ...]
    providers: Mapping[str, Provider]
    resources: Mapping[Address, Resource]
    coverage: Coverage
    signed: Set[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of a stop. `result` None: the verifier refused the plan, and nothing was done."""

    opened: Opened
    verdict: Verdict
    result: ApplyResult | None
    left_out: tuple[str, ...] = ()


def plan_stop(runner: Runner, folder: Path, wish: StopWish) -> StopPlan:
    """The plan that stops an agent, not yet published or signed. Reads the live state of that agent alone.

    Raises DiagnosticError for an agent that the ledger does not know, that is not there, or that the wish's owner or
    key may not stop; CloudError where no cloud that it is in can be read. One of several that cannot is left out.
    """
    ledger = workspace_ledger(runner, wish.workspace, folder)
    root = root_in_force(ledger, runner)
    demand_pin(root, runner, ledger.workspace)
    owner = _owner(root.root.data, wish)
    live = _look(ledger, runner, wish.agent)
    now = datetime.now(UTC).replace(microsecond=0)
    changes, after = _changes(root.root.data, live, wish.agent, stamp(now))
    operations = _operations(changes, live, after)
    kinds = {name: provider.schema().kinds for name, provider in live.providers.items()}
    touched = {(change.address.provider, change.address.target) for change in changes}
    plan = Plan(
        workspace=ledger.workspace,
        base=views.base(ledger.history),
        root=RootReference(root.root.version, root.root.digest),
        targets=tuple(target for target in live.targets if (target.provider, target.id) in touched),
        scope=stop_scope(wish.agent),
        changes=changes,
        operations=operations,
        worlds=agent_worlds(live.resources, after, changes, kinds),
        agents=(AgentNote(wish.agent, False, None, None, None, None),),
        findings=(),
        tests=TestSummary(),
        requirements=(stop_requirement(owner, changes, operations),),
        exclusions=(),
        unknown_authors=(),
        gaps=live.coverage.gaps,
        not_looked_at=live.coverage.not_looked_at,
        solo=root.root.data.approval.solo,
    )
    notes = PlanNotes(created=stamp(now), tool=installed(), calls=live.coverage.calls)
    return StopPlan(Opened(planfile.seal(plan, notes), ledger, runner), live.left_out)


def stop(
    first: StopPlan, wish: StopWish, folder: Path, environ: Mapping[str, str], progress: Report | None = None
) -> Stopped:
    """Sign `first`, record and apply it; plan anew where something moved meanwhile. Raises as its steps do."""
    planned_stop, tries = first, 1
    while True:
        last = tries == TRIES
        try:
            done = _attempt(planned_stop.opened, wish, environ, progress)
        except DiagnosticError as error:
            if last or error.diagnostics[0].code not in _MOVED:
                raise
        else:
            if last or not _moved(done):
                return replace(done, left_out=planned_stop.left_out)
        planned_stop, tries = plan_stop(first.opened.runner, folder, wish), tries + 1


def _attempt(opened: Opened, wish: StopWish, environ: Mapping[str, str], progress: Report | None) -> Stopped:
    need = opened.file.plan.requirements[0]
    assert wish.key is not None
    to_sign = prepare(opened, Wish(wish.key, need.owner, need.surface))
    record(opened, sign(to_sign, environ))
    _, verdict = judge(opened)
    if verdict.verified is None:
        return Stopped(opened, verdict, None)
    return Stopped(opened, verdict, apply(opened, verdict.verified, progress))


_MOVED = frozenset({"E-STALE", "E-BASE", "E-ROOT"})
"""What a plan is refused for when another one, or a new root, came in between."""


def _moved(done: Stopped) -> bool:
    """Whether the agent or the record changed between the plan and its end, so that a new plan may get through."""
    if done.result is None:
        return any(refusal.code in _MOVED for refusal in done.verdict.refusals)
    return not done.result.complete and any(not problem.final for problem in done.result.problems)


def _owner(root: RootData, wish: StopWish) -> Owner:
    """In whose name it is signed: the owner named, else the first of the agent's for whom the key's person signs."""
    able = may_stop(root, wish.agent)
    listed = ", ".join(name for _, name in able) or "nobody"
    if wish.owner is not None:
        for owner in able:
            if owner[1] == wish.owner:
                return owner
        summary = f"control_owner.{wish.owner} does not answer for agent {wish.agent}"
        raise DiagnosticError.of("E-NOT-SIGNER", summary, f"It can be stopped by {listed}: -owner NAME.")
    if wish.key is None:
        raise DiagnosticError.of(
            "E-USAGE", "Who is to sign the stop?", f"Name one of the agent's owners with -owner NAME: {listed}."
        )
    line = signing.public_key(wish.key).line
    person = next((name for name, who in root.people.items() if line in who.keys), None)
    for owner in able:
        if person in root.owners[owner[1]].signers:
            return owner
    raise DiagnosticError.of(
        "E-NOT-SIGNER",
        f"{wish.key} belongs to {person or 'nobody in the trust root'}, who signs for none of the agent's owners",
        f"It can be stopped by a signer of {listed}. Nothing was done.",
    )


def _look(ledger: Ledger, runner: Runner, agent: str) -> Live:
    """The live state of one agent, wherever a plan in the ledger has put it."""
    history = ledger.history
    state = replay.signed_state(history)
    places = {(address.provider, address.target): item.plan for address, item in state.items() if item.agent == agent}
    if not places:
        known = sorted({item.agent for item in state.values() if item.agent is not None})
        raise DiagnosticError.of(
            "E-AGENT-UNKNOWN",
            f"No applied plan in the ledger is about an agent {agent!r}",
            f"It knows {', '.join(known) or 'no agent yet'}.",
        )
    found: dict[str, Provider] = {}
    snapshots: dict[str, Snapshot] = {}
    targets: list[PlanTarget] = []
    failed: list[DiagnosticError | CloudError] = []
    for name in sorted({provider for provider, _ in places}):
        mine = [recorded_target(history, plan, place) for place, plan in places.items() if place[0] == name]
        own = frozenset(address for address, item in state.items() if item.agent == agent and address.provider == name)
        try:
            provider = _stopper(name)
            snapshots[name] = read_targets(provider, mine, runner, Scope(ledger.workspace, own, frozenset({agent})))
        except (DiagnosticError, CloudError) as error:
            failed.append(error)  # another cloud that does not answer must not keep this one from being stopped
            continue
        found[name] = provider
        targets += mine
    if not found:
        raise failed[0]
    live = {resource.address: resource for snapshot in snapshots.values() for resource in snapshot.resources}
    ordered = tuple(sorted(targets, key=lambda t: (t.provider, t.id)))
    signed = frozenset(address for address, item in state.items() if item.agent == agent)
    return Live(tuple(str(error) for error in failed), ordered, found, live, merged_coverage(snapshots), signed)


def _stopper(name: str) -> Provider:
    provider = installed_providers().get(name)
    if provider is None or not isinstance(provider, Stopper):
        raise DiagnosticError.of(
            "E-STOP-PROVIDER",
            f"The provider {name!r} cannot stop an agent by itself" if provider else f"There is no provider {name!r}",
            "Disable its principals by hand, then run `provisioner drift`.",
        )
    return provider


def _changes(root: RootData, live: Live, agent: str, at: str) -> tuple[tuple[Change, ...], dict[Address, Resource]]:
    """What takes everything away, in every provider, and the world after it."""
    wanted: list[Desired] = []
    gone: list[Resource] = []
    for name, provider in live.providers.items():
        assert isinstance(provider, Stopper)
        own = tuple(resource for address, resource in live.resources.items() if address.provider == name)
        for resource in provider.stop(agent, Snapshot(own, live.coverage), at):
            wanted.append(Desired(provider.normalize(resource), f"agent.{agent}", f"stop of agent {agent}"))
        if isinstance(provider, Clearing):
            there = Snapshot(own, live.coverage)
            gone += [live.resources[one] for one in provider.cleared(agent, there) if one in live.signed]
    if not wanted and not gone:
        raise DiagnosticError.of(
            "E-STOP-NOTHING",
            f"Nothing of agent {agent} is in the cloud that carries this workspace's mark",
            "There is nothing to stop. `provisioner drift` says whether something is missing or was re-marked.",
        )
    found = [*(_difference(item, live) for item in wanted), *(_removal(resource, live) for resource in gone)]
    depths = dict.fromkeys((item.address.kind for item in found), 0)
    changes = build_changes(found, live.providers, lambda surface, name: resolve_owner(root, surface, name), depths)
    changes = tuple(
        replace(change, effect=Effect.NARROWER, cannot=(CANNOT,), reason=f"{agent} is stopped at {at}")
        for change in changes
    )
    return changes, planned(live.resources, wanted, changes, ())


def _difference(item: Desired, live: Live) -> Difference:
    address = item.resource.address
    fields = tuple(live.providers[address.provider].schema().kinds[address.kind].fields)
    there = live.resources.get(address)
    if there is None:
        return Difference(Action.CREATE, address, item, None, fields)
    return Difference(
        Action.UPDATE, address, item, there, changed_fields(there.attributes, item.resource.attributes, fields)
    )


def _removal(resource: Resource, live: Live) -> Difference:
    address = resource.address
    fields = tuple(live.providers[address.provider].schema().kinds[address.kind].fields)
    return Difference(Action.DELETE, address, None, resource, fields)


def _operations(changes: Sequence[Change], live: Live, after: Mapping[Address, Resource]) -> tuple[Operation, ...]:
    made = [
        replace(operation, agent=change.agent)
        for change in changes
        for operation in live.providers[change.address.provider].operations(change)
    ]
    return order(made, live.resources, after, lambda one: live.providers[one.address.provider].rank(one, False))
