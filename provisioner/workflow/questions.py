"""`access can|who|why|list`: what agents may do, planned or live, also as another agent that they may become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..model.configuration import Configuration
from ..model.diagnostics import DiagnosticError
from ..model.graph import Relation
from ..model.questions import Circumstance, Holding, Holdings, Hop, Route, Verdict, Who
from ..model.requests import Answer, Attempt, Decision, World
from ..planning.planner import merged_coverage, raise_for
from ..policy.chains import Crossing, Way, hops_of, ways
from ..sdk.listing import Listing, Speaking
from ..sdk.provider import Provider
from .bridging import crossing, federated
from .compiling import Compiled, compile_all, preflight, providers_of
from .planning import look, stamp
from .project import Project
from .signedstate import live_of

Context = Mapping[str, tuple[str, ...]]
_UNSEEN = ("policies of resources and of the organisation, which no configuration here declares",)
_ORDER = (Answer.ALLOWED, Answer.DEPENDS, Answer.DENIED)


@dataclass(frozen=True, slots=True)
class Asked:
    """A world and what is asked of it. `identities` has the clouds of every agent, also of those that are live and
    that the configuration no longer has; `present` has those (agent, cloud) of which the world has a resource."""

    identities: Mapping[str, tuple[str, ...]]
    present: frozenset[tuple[str, str]]
    providers: Mapping[str, Provider]
    world: World
    hops: tuple[Hop, ...]
    crossing: Crossing
    context: Context
    circumstance: Circumstance


def ask(project: Project, context: Context, *, live: bool = False) -> Asked:
    """Open a world for questions: compiled from the configuration alone, or with `live` read from the clouds.

    Raises DiagnosticError, and with `live` CloudError.
    """
    configuration = project.configuration
    gaps: tuple[str, ...] = ()
    unseen: tuple[str, ...] = _UNSEEN
    if live:
        seen = look(project, pin_demanded=False)
        compiled, now = seen.compiled, stamp(seen.now)
        resources = live_of(seen.snapshots)
        coverage = merged_coverage(seen.snapshots)
        gaps = tuple(f"{gap.what}: {gap.reason}" for gap in coverage.gaps)
        unseen = coverage.not_looked_at
    else:
        moment = datetime.now(UTC).replace(microsecond=0)
        providers = providers_of(configuration, project.registry)
        compiled = compile_all(configuration, providers, lambda agent, tool: tool.owner or "owner", {}, moment)
        raise_for(preflight(compiled))
        now = stamp(moment)
        resources = {item.resource.address: item.resource for item in compiled.desired}
    world = World(resources, now)
    said = Circumstance("live" if live else "planned", now, tuple(sorted(context.items())), gaps, unseen)
    identities = _identities(configuration, world)
    hops = _hops(configuration, compiled, world, context, tuple(identities))
    present = frozenset((item.agent, at.provider) for at, item in resources.items() if item.agent is not None)
    return Asked(identities, present, compiled.providers, world, hops, crossing(compiled.providers), context, said)


def can(asked: Asked, agent: str, action: str, resource: str) -> Verdict:
    """May the agent do this, by itself or as another? Raises DiagnosticError for no agent, action or resource."""
    _demand_resource(resource)
    return _verdict(asked, _agent(asked, agent), action, resource, _speakers(asked, action))


def who(asked: Asked, resource: str, action: str | None = None) -> Who:
    """Everybody who may do something to a resource. Without `action`, everything that their own statements name.

    What a caller chooses (`s3:prefix`) and the question does not give is unknown here, so that nobody is left out.
    Raises DiagnosticError for no action or resource.
    """
    _demand_resource(resource)
    speakers = _speakers(asked, action) if action is not None else ()
    verdicts: list[Verdict] = []
    known: dict[str, set[str]] = {}
    unread: list[str] = []
    for agent in asked.identities:
        actions = {action} if action is not None else _named(asked, agent, resource, known)
        for one in sorted(actions):
            found = _verdict(asked, agent, one, resource, speakers or _speakers(asked, one), open_=True)
            if found.answer is not Answer.DENIED:
                verdicts.append(found)
        if action is None:  # with one, the evaluator itself says what hangs on a policy that was not read
            unread += (f"agent.{agent}: {text}" for text in _listed(asked, agent)[1])
    names = tuple(asked.identities)
    unlisted = () if action is not None else _unlisted(asked, names)
    return Who(resource, tuple(verdicts), names, unlisted, tuple(unread))


def held(asked: Asked, agent: str) -> Holdings:
    """What an agent holds, and whom it may become. Raises DiagnosticError for no agent."""
    name = _agent(asked, agent)
    holdings, unread = _listed(asked, name)
    reached = tuple(way.hops for way in ways(name, asked.identities[name], asked.hops, asked.crossing))
    return Holdings(name, tuple(holdings), reached, tuple(unread), _unlisted(asked, (name,)))


def _listed(asked: Asked, agent: str) -> tuple[list[Holding], list[str]]:
    """What an agent holds in the clouds that list it, and the policies that nobody has read."""
    holdings: list[Holding] = []
    unread: list[str] = []
    for cloud in asked.identities[agent]:
        provider = asked.providers.get(cloud)
        if isinstance(provider, Listing):
            mine, missing = provider.holdings_of(asked.world, agent)
            holdings += mine
            unread += missing
    return holdings, unread


def _identities(configuration: Configuration, world: World) -> dict[str, tuple[str, ...]]:
    found = {name: set(agent.identities) for name, agent in configuration.agents.items()}
    for address, resource in sorted(world.resources.items()):
        if resource.agent is not None and resource.agent not in configuration.agents:
            found.setdefault(resource.agent, set()).add(address.provider)
    return {name: tuple(sorted(clouds)) for name, clouds in found.items()}


def _hops(
    configuration: Configuration, compiled: Compiled, world: World, context: Context, agents: Sequence[str]
) -> tuple[Hop, ...]:
    reaches = [
        provider.reach(compiled.authorities[name], world, agents) for name, provider in compiled.providers.items()
    ]
    called = {item.block for item in compiled.desired if item.resource.address in world.resources}

    def becoming(relation: Relation) -> Decision | None:
        provider = compiled.providers.get(relation.cloud)
        if relation.source_agent is None or not isinstance(provider, Listing):
            return None
        return provider.becoming(world, relation.source_agent, relation.agent, context)

    found = hops_of(configuration, reaches, called, becoming)
    return (*found, *federated(world, compiled.providers, agents))


def _verdict(
    asked: Asked, agent: str, action: str, resource: str, speakers: Sequence[str], *, open_: bool = False
) -> Verdict:
    own = [cloud for cloud in asked.identities[agent] if cloud in speakers]
    routes = [_route(asked, Way(agent, cloud, ()), action, resource, open_=open_) for cloud in own]
    if not own:
        clouds = " and ".join(speakers)
        said = Decision(Answer.DENIED, (f"agent.{agent} has no identity in {clouds}",))
        routes.append(Route(agent, clouds, (), said))
    for way in ways(agent, asked.identities[agent], asked.hops, asked.crossing):
        if way.cloud in speakers:
            routes.append(_route(asked, way, action, resource, open_=open_))
    best = min((route.decision.answer for route in routes), key=_ORDER.index)
    return Verdict(agent, action, resource, best, tuple(routes))


def _route(asked: Asked, way: Way, action: str, resource: str, *, open_: bool) -> Route:
    provider = asked.providers[way.cloud]
    named = "action" if "action" in provider.schema().attempt.attributes else "permission"
    context = {key: values[0] if len(values) == 1 else list(values) for key, values in asked.context.items()}
    settings = {named: action, "resource": resource, "context": context, "open": open_}
    if isinstance(provider, Listing):
        settings["itself"] = True  # its ways to other agents are routes of their own
    if (way.agent, way.cloud) not in asked.present and not asked.circumstance.gaps:
        found = Decision(Answer.DENIED, (f"agent.{way.agent} is not in {way.cloud}",))
    else:
        found = provider.evaluate(asked.world, Attempt(way.agent, settings))
    doubts = tuple(hop.open for hop in way.hops if hop.open)
    if doubts and found.answer is not Answer.DENIED:
        found = Decision(Answer.DEPENDS, found.because, (*found.missing, *doubts), found.deciding)
    return Route(way.agent, way.cloud, way.hops, found)


def _named(asked: Asked, agent: str, resource: str, known: dict[str, set[str]]) -> set[str]:
    """The actions that the statements of an agent, and of those whom it reaches, could do to a resource."""
    actions: set[str] = set()
    for name in (agent, *(way.agent for way in ways(agent, asked.identities[agent], asked.hops, asked.crossing))):
        if name not in known:
            clouds = asked.identities[name]
            known[name] = set()
            for cloud in clouds:
                provider = asked.providers.get(cloud)
                if isinstance(provider, Listing):
                    known[name].update(provider.candidates(asked.world, name, resource))
        actions |= known[name]
    return actions


def _unlisted(asked: Asked, agents: Iterable[str]) -> tuple[str, ...]:
    clouds = {cloud for name in agents for cloud in asked.identities[name]}
    return tuple(sorted(cloud for cloud in clouds if not isinstance(asked.providers.get(cloud), Listing)))


def _speakers(asked: Asked, action: str) -> tuple[str, ...]:
    """The clouds that an action may belong to."""
    found = tuple(
        name
        for name, provider in asked.providers.items()
        if not isinstance(provider, Speaking) or provider.speaks(action)
    )
    if not found:
        raise DiagnosticError.of(
            "E-ACTION",
            f"{action!r} is no action of {' or '.join(asked.providers) or 'any cloud that is configured'}",
            "Name one action without wildcards, such as s3:GetObject or bigquery.tables.getData.",
        )
    return found


def _demand_resource(resource: str) -> None:
    if resource != "*" and ("*" in resource or "?" in resource or not resource.strip()):
        raise DiagnosticError.of(
            "E-RESOURCE",
            f"{resource!r} is not one resource",
            "Name one without wildcards by its full name, such as arn:aws:s3:::invoices/inbox/1.pdf, or * for an action"
            " that takes none.",
        )


def _agent(asked: Asked, given: str) -> str:
    name = given.removeprefix("agent.")
    if name not in asked.identities:
        known = sorted(asked.identities)
        detail = f"There are {', '.join(known[:8])}{' and more' if len(known) > 8 else ''}."
        raise DiagnosticError.of("E-AGENT", f"There is no agent {given!r}", detail)
    return name
