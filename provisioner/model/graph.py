"""Who can become or call whom, and how an agent could become more than it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .resources import Address


@dataclass(frozen=True, slots=True)
class Step:
    """One permission on the way. `origin` is the policy that gives it (`inline policy triage`)."""

    permission: str
    resource: str
    origin: str


@dataclass(frozen=True, slots=True)
class EscalationPath:
    """A way in which an agent could become more than it is.

    `technique` is the id of a known one, `title` what the agent does, `becomes` what it is then. `target` is the
    principal in the cloud's own terms where it is known, `target_agent` its agent. `certain`: every step is allowed;
    otherwise some depend on context that nobody gave. `address` is the principal that it starts from.
    """

    agent: str
    technique: str
    title: str
    becomes: str
    target: str
    target_agent: str | None
    steps: tuple[Step, ...]
    certain: bool
    source: str
    address: Address


class NodeKind(StrEnum):
    WORKLOAD = "workload"
    AGENT = "agent"
    PRINCIPAL = "principal"
    TOOL = "tool"


class EdgeKind(StrEnum):
    BECOMES = "becomes"
    HOLDS = "holds"
    DELEGATES = "delegates"
    ESCALATES = "escalates"


@dataclass(frozen=True, slots=True)
class Node:
    """`id` is unique in the graph; `label` is what a person calls it. `cloud` where it belongs to one."""

    id: str
    kind: NodeKind
    label: str
    cloud: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` and `target` are ids of nodes. `declared`: the configuration says so. `change`: `new`, `wider`, `gone`
    or empty, against the live world; a plan's also `narrower` and `unknown`."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""
    declared: bool = True
    change: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """Who may become an agent in a cloud, as its trust says: a workload in words, or another agent.

    `source_agent` is set where it is an agent's own principal. `certain` as in EscalationPath.
    """

    source: str
    source_agent: str | None
    agent: str
    cloud: str
    label: str = ""
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Reach:
    """What one provider sees of who can become whom."""

    relations: tuple[Relation, ...] = ()
    paths: tuple[EscalationPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """`paths` are the escalation paths; those in `fresh` (by agent, technique, target) are not in the live world."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    paths: tuple[EscalationPath, ...] = ()
    fresh: frozenset[tuple[str, str, str]] = frozenset()
