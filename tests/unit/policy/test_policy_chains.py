"""Chains of agents: who reaches whom, and how sure that is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from provisioner.model.configuration import Delegation
from provisioner.model.graph import EscalationPath, Reach, Relation
from provisioner.model.questions import Hop
from provisioner.model.requests import Answer, Decision
from provisioner.model.resources import Address
from provisioner.policy.chains import hops_of, ways


def hop(source: str, target: str, cloud: str = "aws", open: str = "") -> Hop:
    return Hop(source, target, cloud, "assume_role", True, open)


def configuration(*delegations: Delegation) -> Any:
    agents = {name: SimpleNamespace(identities={"aws": None}) for name in "abc"}
    return SimpleNamespace(agents=agents, delegations={item.address: item for item in delegations})


def delegation(via: str = "invoke") -> Delegation:
    return Delegation("delegation.one", "one", ("a",), "b", via, None)


def unsaid(relation: Relation) -> Decision | None:
    return None


class TestWays:
    def test_over_several_steps_and_never_in_a_circle(self):
        found = ways("a", ("aws",), [hop("a", "b"), hop("b", "c"), hop("c", "a"), hop("c", "b")])
        assert [(way.agent, len(way.hops)) for way in found] == [("b", 1), ("c", 2)]
        assert [step.target for step in found[1].hops] == ["b", "c"]

    def test_a_certain_detour_is_better_than_a_doubtful_step(self):
        found = ways("a", ("aws",), [hop("a", "c", open="x"), hop("a", "b"), hop("b", "c")])
        (way,) = [way for way in found if way.agent == "c"]
        assert [step.target for step in way.hops] == ["b", "c"]
        (only,) = ways("a", ("aws",), [hop("a", "c", open="x")])
        assert only.hops[0].open == "x"

    def test_another_cloud_is_another_principal(self):
        found = ways("a", ("aws",), [hop("a", "b"), hop("b", "c", cloud="google")])
        (way,) = [way for way in found if way.agent == "c"]
        assert way.hops[1].open == "whether agent.b in aws is also who it is in google"

    def test_nobody_is_reached_without_a_step(self):
        assert ways("a", ("aws",), [hop("b", "c")]) == ()


class TestHops:
    def test_a_relation_is_judged_in_the_questions_context(self):
        reach = Reach(
            (Relation("arn", "a", "b", "aws", "assume_role", certain=False), Relation("someone", None, "b", "aws"))
        )
        allowed = hops_of(configuration(), [reach], (), lambda relation: Decision(Answer.ALLOWED))
        assert allowed == (Hop("a", "b", "aws", "assume_role", False, ""),)
        denied = hops_of(configuration(), [reach], (), lambda relation: Decision(Answer.DENIED))
        assert denied == ()
        (open_,) = hops_of(
            configuration(), [reach], (), lambda relation: Decision(Answer.DEPENDS, missing=("aws:SourceIp",))
        )
        assert open_.open == "whether agent.a may become agent.b (aws:SourceIp)"
        (unknown,) = hops_of(configuration(delegation("assume_role")), [reach], (), unsaid)
        assert (unknown.open, unknown.declared) == ("whether agent.a may become agent.b", True)

    def test_a_call_counts_where_its_policy_is_in_the_world(self):
        assert hops_of(configuration(delegation()), [], (), unsaid) == ()
        (found,) = hops_of(configuration(delegation()), [], ("delegation.one",), unsaid)
        assert (found.via, found.open) == ("invoke", "what agent.b does for its caller")

    def test_an_escalation_to_an_agent_is_a_step(self):
        address = Address("aws", "1", "iam_role", "r")
        path = EscalationPath("a", "t", "edits it", "b", "arn", "b", (), True, "s", address)
        (found,) = hops_of(configuration(), [Reach((), (path,))], (), unsaid)
        assert found == Hop("a", "b", "aws", "escalation t", False, "")
