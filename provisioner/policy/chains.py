"""Whom an agent may become or call, step by step, over declared delegations and what the trusts admit. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..model.configuration import Configuration
from ..model.graph import Reach, Relation
from ..model.questions import Hop
from ..model.requests import Answer, Decision

INVOKE = "invoke"
Becoming = Callable[[Relation], Decision | None]
"""May the source of a relation become its agent, in the question's context? None where a provider cannot say."""

Crossing = Callable[[str, str, str], str | None]
"""What is open about an agent's principal in one cloud being its principal in another one; None where hops say so."""


@dataclass(frozen=True, slots=True)
class Way:
    """The best way to an agent's principal in a cloud: certain where there is a certain one, else a shortest."""

    agent: str
    cloud: str
    hops: tuple[Hop, ...]


def hops_of(
    configuration: Configuration, reaches: Iterable[Reach], called: Collection[str], becoming: Becoming
) -> tuple[Hop, ...]:
    """Every single step between agents.

    To become another agent is what the trusts and policies of the world say (`reaches`), declared or not. To call one
    is what a delegation declares; `called` are the addresses of those that are in the world. What the called agent
    does for its caller is its own program's to say, so such a step is never certain.
    """
    declared = {(source, one.target) for one in configuration.delegations.values() for source in one.sources}
    found: list[Hop] = []
    for reach in reaches:
        for relation in reach.relations:
            hop = _becomes(relation, declared, becoming)
            if hop is not None:
                found.append(hop)
        for path in reach.paths:
            if path.target_agent is not None and path.target_agent != path.agent:
                doubt = "" if path.certain else f"whether agent.{path.agent} {path.title}"
                via = f"escalation {path.technique}"
                found.append(Hop(path.agent, path.target_agent, path.address.provider, via, False, doubt))
    for one in configuration.delegations.values():
        target = configuration.agents.get(one.target)
        if one.via == INVOKE and one.address in called and target is not None:
            doubt = f"what agent.{one.target} does for its caller"
            found += [
                Hop(s, one.target, cloud, INVOKE, True, doubt) for s in one.sources for cloud in target.identities
            ]
    return tuple(dict.fromkeys(found))


def _becomes(relation: Relation, declared: Collection[tuple[str, str]], becoming: Becoming) -> Hop | None:
    if relation.source_agent is None:
        return None
    said = (relation.source_agent, relation.agent) in declared
    judged = becoming(relation)
    if judged is not None and judged.answer is Answer.DENIED:
        return None
    certain = relation.certain if judged is None else judged.answer is Answer.ALLOWED
    doubt = f"whether agent.{relation.source_agent} may become agent.{relation.agent}"
    if judged is not None and judged.missing:
        doubt += f" ({', '.join(judged.missing)})"
    return Hop(
        relation.source_agent, relation.agent, relation.cloud, relation.label or "trust", said, "" if certain else doubt
    )


def ways(agent: str, clouds: Iterable[str], hops: Sequence[Hop], crossing: Crossing | None = None) -> tuple[Way, ...]:
    """The ways from an agent, who has identities in `clouds`, to every other that it reaches, nearest first.

    A step out of another cloud than the one the agent came to is another principal's: between two clouds that know each
    other there are hops for that, from an agent to itself; otherwise `crossing` says what is open.
    """
    starts = tuple(clouds)
    by_source: dict[str, list[Hop]] = {}
    for hop in hops:
        by_source.setdefault(hop.source, []).append(hop)
    crosses = crossing or _nobody_knows
    certain = _search(agent, starts, by_source, crosses, doubtful=False)
    found = {**_search(agent, starts, by_source, crosses, doubtful=True), **certain}
    return tuple(sorted(found.values(), key=lambda way: (len(way.hops), way.agent, way.cloud)))


def _search(
    agent: str, clouds: Sequence[str], by_source: Mapping[str, Sequence[Hop]], crossing: Crossing, *, doubtful: bool
) -> dict[tuple[str, str], Way]:
    """Breadth first over (agent, cloud). Without `doubtful` only steps that are certain."""
    found: dict[tuple[str, str], Way] = {}
    queue = deque(Way(agent, cloud, ()) for cloud in clouds)
    while queue:
        here = queue.popleft()
        for hop in by_source.get(here.agent, ()):
            step = _in_cloud(hop, here, crossing)
            key = (hop.target, hop.cloud)
            if step is None or hop.target == agent or key in found or (step.open and not doubtful):
                continue
            if hop.source == hop.target and hop.cloud == here.cloud:
                continue
            found[key] = Way(hop.target, hop.cloud, (*here.hops, step))
            queue.append(found[key])
    return found


def _in_cloud(hop: Hop, here: Way, crossing: Crossing) -> Hop | None:
    """The step from where the agent came to; None where that principal is not the one that takes it."""
    origin = hop.origin or hop.cloud
    if origin == here.cloud:
        return hop
    doubt = crossing(hop.source, here.cloud, origin)
    return None if doubt is None else replace(hop, open=hop.open or doubt)


def _nobody_knows(agent: str, origin: str, cloud: str) -> str | None:
    return f"whether agent.{agent} in {origin} is also who it is in {cloud}"
