"""The part of the authority graph that a plan changes, from the plan's bytes alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..model.changes import Action, Change, Effect, Surface
from ..model.graph import Edge, EdgeKind, Graph, Node, NodeKind
from ..model.plan import Plan
from .grouping import HERE, Group, groups
from .text import count

_BECOMES = re.compile(r"(?P<who>.+?) becomes? this agent\b(?P<when>.*)", re.DOTALL)
_AGENT = re.compile(r"agent[. ](?P<name>[A-Za-z0-9_-]+)")
_ORDER = ("new", "wider", "unknown", "narrower", "gone", "")


@dataclass(frozen=True, slots=True)
class PlanGraph:
    """`graph` is what is drawn. `left_out` counts the edges that did not fit; those that widen are drawn first."""

    graph: Graph
    left_out: int = 0


def plan_graph(plan: Plan, limit: int = 80) -> PlanGraph:
    """Who becomes an agent, and which tools it may use, as far as the plan changes that.

    Agents that get the very same are one node. `limit` is the number of edges that a picture holds.
    """
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str, EdgeKind], Edge] = {}
    for group in groups(plan):
        if not group.agents:
            continue
        agent = _agent(group)
        nodes[agent.id] = agent
        for row in group.rows:
            for node, edge in _drawn(row.first, agent, row.label):
                nodes.setdefault(node.id, node)
                _add(edges, edge)
    ranked = sorted(edges.values(), key=lambda edge: _ORDER.index(edge.change))
    kept = ranked[:limit]
    joined = {end for edge in kept for end in (edge.source, edge.target)}
    drawn = tuple(node for node in nodes.values() if node.id in joined)
    return PlanGraph(Graph(drawn, tuple(kept)), len(ranked) - len(kept))


def _agent(group: Group) -> Node:
    if len(group.agents) == 1:
        new = " (new)" if group.note is not None and group.note.new else ""
        return Node(f"agent:{group.agents[0]}", NodeKind.AGENT, group.agents[0] + new)
    return Node("agents:" + "\n".join(group.agents), NodeKind.AGENT, f"{count(len(group.agents), 'agent')} alike")


def _drawn(change: Change, agent: Node, label: str) -> Iterator[tuple[Node, Edge]]:
    cloud, declared = change.address.provider, change.block is not None
    for sentences, gained in ((change.can, True), (change.cannot, False)):
        for said in sentences:
            match = _BECOMES.fullmatch(said)
            if match is not None:
                who, when = match["who"], match["when"].lstrip(", ")
                how = _change_of(change, gained)
                other = _AGENT.fullmatch(who)
                kind = EdgeKind.DELEGATES if other else EdgeKind.BECOMES
                name = f"agent:{other['name']}" if other else f"workload:{who}"
                node = Node(name, NodeKind.AGENT if other else NodeKind.WORKLOAD, other["name"] if other else who)
                yield node, Edge(node.id, agent.id, kind, when, declared, how)
    if Surface.TOOL_ACCESS in change.surfaces:
        for tool in change.tools or (label.replace(HERE, "…"),):
            node = Node(f"tool:{tool}", NodeKind.TOOL, tool, cloud)
            yield node, Edge(agent.id, node.id, EdgeKind.HOLDS, cloud, declared, _change_of(change, True))


def _change_of(change: Change, gained: bool) -> str:
    """What becomes of an edge, in the words of `model.graph.Edge`."""
    if change.action is Action.DELETE or not gained:
        return "gone"
    if change.action is Action.CREATE and change.effect.widens:
        return "new"
    return "" if change.effect is Effect.EQUAL else str(change.effect)


def _add(edges: dict[tuple[str, str, EdgeKind], Edge], edge: Edge) -> None:
    """Of several changes of one edge, the one that gives most is shown."""
    key = (edge.source, edge.target, edge.kind)
    known = edges.get(key)
    if known is None or _ORDER.index(edge.change) < _ORDER.index(known.change):
        edges[key] = edge


def edge_sentences(found: PlanGraph) -> Sequence[tuple[str, str, str, str]]:
    """The picture in words: from, what, to, what becomes of it. Not escaped."""
    names = {node.id: node.label for node in found.graph.nodes}
    words = {EdgeKind.BECOMES: "can become", EdgeKind.HOLDS: "may use", EdgeKind.DELEGATES: "can become"}
    rows = []
    for edge in found.graph.edges:
        verb = words.get(edge.kind, edge.kind.value) + (f" ({edge.label})" if edge.label else "")
        state = edge.change or "as before"
        if not edge.declared:
            state += ", nobody declared it"
        rows.append((names[edge.source], verb, names[edge.target], state))
    return rows
