"""The graph: what is declared, what is seen, what is new; and its pictures, whatever the names hold."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from provisioner.model.configuration import (
    Agent,
    Configuration,
    Delegation,
    Grant,
    LedgerConfig,
    Session,
    Settings,
    Tool,
    Workspace,
)
from provisioner.model.graph import EdgeKind, EscalationPath, Reach, Relation, Step
from provisioner.model.resources import Address
from provisioner.policy.graph import build
from provisioner.render.graphs import graph_dot, graph_json, graph_mermaid, graph_svg, graph_text

HOSTILE = 'x"]; click n1 "javascript:1" <script>&\\ \x1b[31m\u202e'


def configuration() -> Configuration:
    def agent(name: str) -> Agent:
        return Agent(f"agent.{name}", name, None, None, "trusted", None, None, None, {}, Session(), Settings("r"), {})

    tool = Tool("tool.inbox", "inbox", "", None, "internal", "read", {"aws": ()})
    grant = Grant("grant.reads", "reads", ("a",), ("tool.inbox",), None, None)
    delegation = Delegation("delegation.d", "d", ("a",), "b", "assume_role", None)
    return Configuration(
        Workspace("w", LedgerConfig("local", {})),
        {},
        {},
        {},
        {},
        {"tool.inbox": tool},
        {name: agent(name) for name in ("a", "b", "c")},
        {"grant.reads": grant},
        {},
        delegations={"delegation.d": delegation},
    )


ADDRESS = Address("aws", "1", "iam_role", "w-c")
PATH = EscalationPath(
    "c",
    "pass-ec2",
    "starts an instance",
    "the role",
    "arn:b",
    "b",
    (Step("iam:PassRole", "arn:b", "p"),),
    True,
    "u",
    ADDRESS,
)
SEEN = Reach(
    (
        Relation("Lambda functions", None, "a", "aws"),
        Relation("role a", "a", "b", "aws", "assume_role"),
        Relation("role c", "c", "a", "aws", "assume_role"),
    ),
    (PATH,),
)


def edges(graph, kind: EdgeKind) -> list[tuple[str, str, bool, str]]:
    return [(edge.source, edge.target, edge.declared, edge.change) for edge in graph.edges if edge.kind is kind]


def test_what_is_declared_and_what_is_seen() -> None:
    graph = build(configuration(), [SEEN])
    assert edges(graph, EdgeKind.HOLDS) == [("agent.a", "tool.inbox", True, "")]
    assert edges(graph, EdgeKind.DELEGATES) == [("agent.a", "agent.b", True, "")]
    assert edges(graph, EdgeKind.BECOMES) == [
        ("agent.c", "agent.a", False, ""),  # a delegation declares a → b; c → a is nobody's word
        ("workload:Lambda functions", "agent.a", True, ""),
    ]
    assert edges(graph, EdgeKind.ESCALATES) == [("agent.c", "agent.b", False, "")]


def test_against_the_live_world() -> None:
    live = Reach((Relation("Lambda functions", None, "a", "aws"), Relation("ECS tasks", None, "a", "aws")))
    graph = build(configuration(), [SEEN], [live])
    changes = {(edge.source, edge.target): edge.change for edge in graph.edges}
    assert changes[("workload:Lambda functions", "agent.a")] == ""
    assert changes[("workload:ECS tasks", "agent.a")] == "gone"
    assert changes[("agent.c", "agent.a")] == "new"
    assert graph.fresh == {("c", "pass-ec2", "arn:b")}
    assert "NEW ESCALATION  agent.c starts an instance" in graph_text(graph)


def test_narrowed_to_an_agent_and_its_neighbours() -> None:
    graph = build(configuration(), [SEEN], agents={"c"})
    assert {node.id for node in graph.nodes} == {"agent.a", "agent.b", "agent.c"}
    assert build(configuration(), [SEEN], agents={"a"}).paths == ()


def test_every_picture_takes_hostile_names() -> None:
    graph = build(configuration(), [Reach((Relation(HOSTILE, None, "a", "aws", HOSTILE),))])
    picture = graph_svg(graph)
    tree = ET.fromstring(picture)
    assert "<script" not in picture and "\x1b" not in picture and "\u202e" not in picture
    assert tree.find("{http://www.w3.org/2000/svg}desc").text.startswith("a may use tool.inbox") or tree is not None
    text = graph_text(graph) + graph_dot(graph) + graph_mermaid(graph)
    assert "\x1b" not in text and "\u202e" not in text
    assert '"javascript' not in graph_mermaid(graph)
    for line in graph_dot(graph).splitlines():
        assert line.replace('\\"', "").count('"') % 2 == 0
    assert json.loads(json.dumps(graph_json(graph)))["nodes"]


def test_the_picture_says_everything_in_words_too() -> None:
    graph = build(configuration(), [SEEN])
    desc = ET.fromstring(graph_svg(graph)).find("{http://www.w3.org/2000/svg}desc")
    assert desc is not None and desc.text is not None
    assert "c becomes a (assume_role) UNDECLARED" in desc.text
