"""The graph of who can become or call whom: workloads, agents, tools, and the ways between agents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ..model.changes import Action, Change
from ..model.configuration import Configuration
from ..model.graph import Edge, EdgeKind, EscalationPath, Graph, Node, NodeKind, Reach

Key = tuple[str, str, str]


def build(
    configuration: Configuration,
    planned: Sequence[Reach],
    live: Sequence[Reach] | None = None,
    changes: Sequence[Change] = (),
    agents: Collection[str] | None = None,
) -> Graph:
    """The graph of the planned world; with `live`, each edge says how it differs from that.

    `planned` and `live` hold what each provider sees; `changes` are the plan's, for what grants change. `agents`
    narrows the graph to these and their neighbours.
    """
    edges = {edge_key(edge): edge for edge in (*_declared(configuration, changes), *_seen(configuration, planned))}
    fresh: frozenset[Key] = frozenset()
    paths = tuple(path for reach in planned for path in reach.paths)
    if live is not None:
        before = {edge_key(edge) for edge in _seen(configuration, live)}
        edges = {key: _against(edge, key, before) for key, edge in edges.items()}
        for edge in _seen(configuration, live):
            gone = edge_key(edge) not in edges and edge.kind is not EdgeKind.ESCALATES
            if gone:
                edges[edge_key(edge)] = Edge(edge.source, edge.target, edge.kind, edge.label, edge.declared, "gone")
        known = {path_key(path) for reach in live for path in reach.paths}
        fresh = frozenset(path_key(path) for path in paths if path_key(path) not in known)
    chosen = [edge for edge in edges.values() if agents is None or _touches(edge, agents)]
    chosen.sort(key=lambda edge: (list(EdgeKind).index(edge.kind), edge.source, edge.target, edge.label))
    names = [name for name in configuration.agents if agents is None or name in agents]
    kept = paths if agents is None else tuple(path for path in paths if path.agent in agents)
    return Graph(_nodes(configuration, names, chosen), tuple(chosen), kept, fresh)


def edge_key(edge: Edge) -> tuple[str, str, str, str]:
    return edge.source, edge.target, edge.kind.value, edge.label


def path_key(path: EscalationPath) -> Key:
    """What makes two paths the same: agent, technique, target."""
    return path.agent, path.technique, path.target


def _declared(configuration: Configuration, changes: Sequence[Change]) -> Iterator[Edge]:
    touched: dict[tuple[str, str], str] = {}
    for change in changes:
        if change.agent is not None and change.action is not Action.DELETE:
            word = "new" if change.action is Action.CREATE else "wider" if change.effect.widens else ""
            for tool in change.tools:
                touched[(change.agent, tool)] = word
    for grant in configuration.grants.values():
        for agent in grant.agents:
            for tool in grant.tools:
                yield Edge(f"agent.{agent}", tool, EdgeKind.HOLDS, grant.name, change=touched.get((agent, tool), ""))
    for one in configuration.delegations.values():
        for source in one.sources:
            yield Edge(f"agent.{source}", f"agent.{one.target}", EdgeKind.DELEGATES, one.via)


def _seen(configuration: Configuration, reaches: Iterable[Reach]) -> Iterator[Edge]:
    delegated = {(source, one.target) for one in configuration.delegations.values() for source in one.sources}
    for reach in reaches:
        for relation in reach.relations:
            target = f"agent.{relation.agent}"
            if relation.source_agent is None:
                yield Edge(f"workload:{relation.source}", target, EdgeKind.BECOMES, relation.label)
            elif (relation.source_agent, relation.agent) not in delegated:
                source = f"agent.{relation.source_agent}"
                yield Edge(source, target, EdgeKind.BECOMES, relation.label, declared=False)
        for path in reach.paths:
            target = f"agent.{path.target_agent}" if path.target_agent else f"principal:{path.target}"
            yield Edge(f"agent.{path.agent}", target, EdgeKind.ESCALATES, path.technique, declared=False)


def _against(edge: Edge, key: tuple[str, str, str, str], before: Collection[tuple[str, str, str, str]]) -> Edge:
    if edge.kind in (EdgeKind.HOLDS, EdgeKind.DELEGATES) or key in before:
        return edge
    return Edge(edge.source, edge.target, edge.kind, edge.label, edge.declared, "new")


def _touches(edge: Edge, agents: Collection[str]) -> bool:
    return any(end.removeprefix("agent.") in agents for end in (edge.source, edge.target) if end.startswith("agent."))


def _nodes(configuration: Configuration, names: Iterable[str], edges: Iterable[Edge]) -> tuple[Node, ...]:
    found: dict[str, Node] = {}
    for name in names:
        found[f"agent.{name}"] = Node(f"agent.{name}", NodeKind.AGENT, name)
    for edge in edges:
        for end in (edge.source, edge.target):
            found.setdefault(end, _node(configuration, end))
    order = list(NodeKind)
    return tuple(sorted(found.values(), key=lambda node: (order.index(node.kind), node.id)))


def _node(configuration: Configuration, end: str) -> Node:
    if end.startswith("workload:"):
        return Node(end, NodeKind.WORKLOAD, end.removeprefix("workload:"))
    if end.startswith("principal:"):
        return Node(end, NodeKind.PRINCIPAL, end.removeprefix("principal:"))
    if end.startswith("agent."):
        return Node(end, NodeKind.AGENT, end.removeprefix("agent."))
    tool = configuration.tools.get(end)
    return Node(end, NodeKind.TOOL, end, ",".join(tool.clouds) if tool is not None else "")
