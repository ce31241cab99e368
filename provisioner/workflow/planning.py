"""`plan`: configuration, live state and trust root become a plan; nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import planfile
from ..approval.authors import authors
from ..approval.authorship import Authorship
from ..approval.ownership import resolve_owner
from ..approval.past import Past, left_tools, owners_with, removal_tools, weakened_since
from ..approval.requirements import Background, Demands, demands, serving, unsignable
from ..approval.root import RootException, TrustRoot
from ..approval.sweeping import sweeps_of
from ..compile.authority import has_relative_expiry
from ..ledger import replay, views
from ..ledger.log import Ledger
from ..model.changes import Change
from ..model.configuration import Agent, Boundary, BoundaryTest, Configuration, Grant, Tool
from ..model.diagnostics import Diagnostic
from ..model.findings import Located, TestResult
from ..model.plan import Plan, PlanNotes, RootReference
from ..model.requests import World
from ..model.resources import Address, Snapshot
from ..planning.drift import unexplained
from ..planning.planner import Draft, Judges, draft, merged_coverage, raise_for
from ..planning.scope import agents_in_scope
from ..policy.boundary_tests import generated, judge, summarize
from ..sdk.provider import Sweeping
from ..version import installed
from .acting import actors
from .approving import sign_offs
from .authorized import attested, counted, sweepables
from .compiling import Compiled, SignedEnd, compile_all, expiries_in_force, preflight, providers_of, swept_ends
from .declaring import declared
from .destroying import emptied
from .newpaths import opened
from .project import Project, workspace_ledger
from .reading import read_all
from .remembering import past
from .results import PlanRun
from .reviewing import with_obligations
from .roots import demand_pin, demand_tests, last_applied, next_root, root_in_force
from .ruling import Judged, ruled, waivers
from .signedstate import drift_evidence, live_of
from .using import Used, judged_use, read_usage, uses_of


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run has read: the ledger, its root in force, the desired and the live side."""

    ledger: Ledger
    root: TrustRoot
    compiled: Compiled
    snapshots: Mapping[str, Snapshot]
    warnings: tuple[Diagnostic, ...]
    now: datetime
    earlier: tuple[RootException, ...] = ()
    """Exceptions of the roots before the one in force."""
    past: Past = field(default_factory=Past)
    """What the signed plans before have left behind."""
    ends: Mapping[Address, SignedEnd] = field(default_factory=dict)
    """When what the clouds cannot end is to be taken away, as it was signed."""


def plan(
    project: Project, targets: Sequence[str] = (), usage: Sequence[Path] = (), *, destroy: bool = False
) -> PlanRun:
    """Make a plan. `usage` are audit logs, files or folders, for the rules about use. `destroy`: of the configuration
    without its agents, or without those that `targets` pick, so that they go.

    Raises DiagnosticError for what stops it, CloudError where a cloud cannot be read.
    """
    started = time.monotonic()
    seen = look(project, pin_demanded=False)
    if destroy:
        project, seen, targets = _without_agents(project, seen, targets)
    made = assemble(project, seen, targets)
    results = judged(project.configuration, seen.compiled, made, seen.now)
    authorship = authorship_of(project, seen)
    used = read_usage(usage, seen.compiled) if usage else None
    whole, needed = _plan(project, seen, made, results, authorship, targets, used)
    coverage = merged_coverage(seen.snapshots)
    notes = PlanNotes(
        created=stamp(seen.now),
        tool=installed(),
        calls=coverage.calls,
        milliseconds=int((time.monotonic() - started) * 1000),
        commit=authorship.commit,
        sources=_sources(project.configuration),
    )
    file = planfile.seal(whole, notes)
    warnings = (*project.warnings, *seen.warnings, *(p for p in made.problems if not p.is_error))
    warnings += unsignable(seen.root.data, whole, needed)
    warnings = (*warnings, *used.warnings) if used is not None else warnings
    found = with_obligations(sign_offs(file, seen.ledger, project.runner), seen.ledger, project.runner)
    return PlanRun(file, coverage, notes.milliseconds, found, results, warnings)


def look(project: Project, *, pin_demanded: bool) -> Seen:
    """Open the ledger, compile, read every cloud once. Raises DiagnosticError or CloudError."""
    configuration = project.configuration
    now = datetime.now(UTC).replace(microsecond=0)
    ledger = workspace_ledger(project.runner, configuration.workspace.name, project.inputs.root)
    trusted = root_in_force(ledger, project.runner)
    if pin_demanded:
        demand_pin(trusted, project.runner, ledger.workspace)
    root = trusted.root
    providers = providers_of(configuration, project.registry)

    owner_of = _owners(root)
    compiled = compile_all(configuration, providers, owner_of, {}, now)
    problems = preflight(compiled)
    raise_for(problems)
    snapshots = read_all(
        providers,
        compiled.authorities,
        compiled.desired,
        configuration.workspace.name,
        project.runner.connection_settings,
        replay.made(ledger.history, counted(ledger, project.runner)),
        project.inputs.onlooker,
    )
    ends = _signed_ends(project, ledger, compiled)
    if has_relative_expiry(configuration):
        expiries = expiries_in_force(providers, snapshots, ledger.history, counted(ledger, project.runner))
        expiries = {**swept_ends(configuration, ends), **expiries}
        compiled = compile_all(configuration, providers, owner_of, expiries, now)
    found = [
        problem
        for name, provider in providers.items()
        for problem in provider.check(compiled.authorities[name], compiled.desired, snapshots[name])
    ]
    raise_for(found)
    return Seen(
        ledger, root, compiled, snapshots, (*problems, *found), now, trusted.earlier, past(ledger, project.runner), ends
    )


def _signed_ends(project: Project, ledger: Ledger, compiled: Compiled) -> Mapping[Address, SignedEnd]:
    """What ends by its removal alone, as it was signed; the ledger is replayed for it only where such a thing is asked
    for."""
    able = {name: provider for name, provider in compiled.providers.items() if isinstance(provider, Sweeping)}
    wanted = (item.resource for item in compiled.desired if item.resource.address.provider in able)
    if not any(able[one.address.provider].swept(one.address.kind, one.attributes) for one in wanted):
        return {}
    return {
        address: SignedEnd(item.change.agent, item.change.block, item.change.ends)
        for address, item in sweepables(ledger, project.runner).items()
        if item.change.ends is not None
    }


def _owners(root: TrustRoot) -> Callable[[Agent, Tool], str | None]:
    return lambda agent, tool: resolve_owner(root.data, "tool_access", agent.name, tool.address)


def _without_agents(project: Project, seen: Seen, targets: Sequence[str]) -> tuple[Project, Seen, tuple[str, ...]]:
    """The same without the agents that go; targets by the agents' names, which is what is left of them."""
    chosen = agents_in_scope(targets, project.configuration, live_of(seen.snapshots).values())
    left = emptied(project.configuration, chosen)
    compiled = compile_all(left, seen.compiled.providers, _owners(seen.root), {}, seen.now)
    named = tuple(f"agent.{name}" for name in sorted(chosen or ()))
    return replace(project, configuration=left), replace(seen, compiled=compiled), named


def assemble(project: Project, seen: Seen, targets: Sequence[str] = (), *, guarded: bool = True) -> Draft:
    """Differences, effects, order. With `guarded` an error among the draft's problems is raised."""
    root = seen.root.data

    def named(change: Change) -> Change:
        tools, left = removal_tools(root, seen.past, change), left_tools(root, seen.past, change)
        change = replace(change, left=left)
        return replace(change, tools=tools, owners=owners_with(root, change, tools)) if tools else change

    judges = Judges(lambda surface, agent: resolve_owner(root, surface, agent), root.limits, root.protect, named)
    made = draft(
        project.configuration,
        seen.compiled.authorities,
        seen.compiled.providers,
        seen.compiled.desired,
        seen.snapshots,
        judges,
        targets,
        replay.made(seen.ledger.history, counted(seen.ledger, project.runner)),
        {address: signed.ends for address, signed in seen.ends.items()},
    )
    if guarded:
        raise_for(made.problems)
    return made


def judged(configuration: Configuration, compiled: Compiled, made: Draft, now: datetime) -> tuple[TestResult, ...]:
    """Boundary tests on the planned world: all declared ones, and the generated ones of the agents that change."""
    agents = [agent for agent in configuration.agents.values() if agent.name in touched(made)]
    tests = [*configuration.tests.values(), *generated(agents, compiled.authorities, compiled.providers)]
    return judge(tests, configuration, compiled.providers, World(made.after, stamp(now)))


def touched(made: Draft) -> frozenset[str]:
    """Names of the agents whose authority the draft changes, directly or through something shared."""
    return frozenset({note.agent for note in made.agents} | {world.agent for world in made.worlds})


def authorship_of(project: Project, seen: Seen) -> Authorship:
    """Who wrote what the plan read since the last applied plan."""
    configuration = project.configuration
    return authors(
        project.inputs.root,
        configuration.files,
        seen.root.data,
        since=last_applied(seen.ledger, attested(seen.ledger, project.runner)),
        inputs=configuration.inputs,
        person=project.runner.workspace(configuration.workspace.name).person,
        environ=project.inputs.environ,
        actors=actors(project.inputs.environ),
    )


def stamp(time_: datetime) -> str:
    """RFC 3339 in UTC with whole seconds."""
    return time_.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plan(
    project: Project,
    seen: Seen,
    made: Draft,
    results: tuple[TestResult, ...],
    authorship: Authorship,
    targets: Sequence[str],
    used: Used | None = None,
) -> tuple[Plan, Demands]:
    configuration, root = project.configuration, seen.root
    agents = frozenset(agent.name for agent in configuration.agents.values())
    scope = frozenset(note.agent for note in made.agents) if targets else agents
    counts = counted(seen.ledger, project.runner)
    waived = waivers(configuration, root.data, seen.ledger.history, counts, seen.now)
    if targets:  # the trust root stays, so nobody is asked for what its successor would set aside
        waived = tuple(waiver for waiver in waived if not waiver.proposed)
    live = live_of(seen.snapshots)
    uses = uses_of(seen.snapshots)
    by_use = judged_use(used, configuration, seen.compiled, seen.ledger.history, counts, seen.now, live, uses)
    unexplained_ = _unexplained(project, seen, made)
    found = ruled(
        configuration,
        seen.compiled,
        Judged(made.changes, made.after, results, scope, touched(made), unexplained_, by_use.hazards),
        root.data,
        waived,
        seen.now,
    )
    said = declared(project, made)
    weaker = weakened_since(root.data, seen.past.last, said)
    if targets:
        demand_tests(project, root, weaker)
    change_of_root = None if targets else next_root(project, root, weaker)
    needed = demands(
        root.data,
        made.changes,
        made.operations,
        found,
        made.agents,
        authorship.people,
        authorship.unknown,
        change_of_root,
        Background(seen.earlier, seen.compiled.providers),
        serving(made.changes, made.worlds, said.sponsors),
    )
    coverage = merged_coverage(seen.snapshots)
    whole = Plan(
        workspace=configuration.workspace.name,
        base=views.base(seen.ledger.history),
        root=RootReference(root.version, root.digest),
        targets=made.targets,
        scope=tuple(sorted(set(targets))),
        changes=made.changes,
        operations=made.operations,
        worlds=made.worlds,
        agents=made.agents,
        findings=found,
        tests=summarize(results),
        requirements=needed.requirements,
        exclusions=needed.exclusions,
        unknown_authors=tuple(authorship.unknown),
        gaps=coverage.gaps,
        not_looked_at=(*coverage.not_looked_at, *by_use.unjudged),
        next_root=change_of_root,
        solo=root.data.approval.solo,
        agent_total=len(agents),
        declared=said,
        sweeps=sweeps_of(made.changes, seen.compiled.providers),
        new_paths=opened(configuration, seen.compiled, made, stamp(seen.now)),
    )
    return whole, needed


def _unexplained(project: Project, seen: Seen, made: Draft) -> tuple[Change, ...]:
    """What is live, wider than any signed plan explains, and would stay after this plan."""
    root, providers = seen.root.data, seen.compiled.providers
    counts = counted(seen.ledger, project.runner)
    evidence = drift_evidence(
        project.configuration,
        providers,
        seen.snapshots,
        seen.ledger.history,
        counts,
        root,
        seen.root.version,
        made.changes,
        (),
        seen.now,
    )
    return unexplained(evidence, providers, lambda surface, agent: resolve_owner(root, surface, agent))


def _sources(configuration: Configuration) -> tuple[Located, ...]:
    blocks: list[Agent | Grant | Tool | Boundary | BoundaryTest] = [
        *configuration.agents.values(),
        *configuration.grants.values(),
        *configuration.tools.values(),
        *configuration.boundaries.values(),
        *configuration.tests.values(),
    ]
    return tuple(Located(block.address, block.range) for block in blocks if block.range is not None)
