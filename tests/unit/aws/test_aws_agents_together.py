"""What agents share and what they may ask of one another: federations, delegations, adopted roles."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_runtimes import agentcore, anywhere, bedrock, gitlab, pods
from aws_workspace import ACCOUNT, LAMBDA, agent, authority, block, boundary, github, grant, tool
from provisioner_aws import provider
from provisioner_aws.policy.world import evaluate_in_world

from provisioner.compile.authority import delegations_with_ends, has_relative_expiry
from provisioner.model.authority import Authority
from provisioner.model.changes import Action, Change, Effect
from provisioner.model.configuration import Delegation, Expiry, Federation, Import
from provisioner.model.requests import Answer, Assume, Attempt, World
from provisioner.model.resources import Coverage, Resource, Snapshot
from provisioner.planning.order import order

NOW = "2026-11-23T12:00:00Z"
END = "2027-02-01T00:00:00Z"
OLD = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
READS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
MANAGED = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def federation(name: str = "git", **values: Any) -> Federation:
    given = {"issuer": "https://git.acme.example", "audiences": ("https://git.acme.example",), **values}
    settings = block("federation", blocks=[block("oidc", **given)])
    return Federation(f"federation.{name}", name, "aws", settings, settings.range)


def delegation(source: str = "ask", target: str = "do", via: str = "assume_role", end: str | None = END) -> Delegation:
    expires = Expiry(at=end) if end else None
    return Delegation("delegation.one", "one", (source,), target, via, expires, range=block("x").range)


def having(of: Authority, **more: Any) -> Authority:
    return replace(of, configuration=replace(of.configuration, **more))


def two(asks: Any = LAMBDA, does: Any = LAMBDA, **more: Any) -> Authority:
    wide = boundary(allow=("s3:*", "sts:*", "lambda:*", "bedrock:*", "bedrock-agentcore:*"))
    of = authority([agent("ask", asks), agent("do", does)], boundaries=[wide])
    made = delegation(**more)
    return having(of, delegations={made.address: made})


def counterparts(of: Authority) -> dict[str, tuple[str, ...]]:
    return {item.resource.address.name: item.counterparts for item in provider.compile(of) if item.counterparts}


def errors(of: Authority, code: str) -> list[str]:
    return [item.summary for item in provider.validate(of) if item.code == code and item.is_error]


def resources(of: Authority) -> dict[str, Resource]:
    return {item.resource.address.name: item.resource for item in provider.compile(of)}


def world(of: Authority) -> World:
    return World({item.resource.address: item.resource for item in provider.compile(of)}, NOW)


class TestFederation:
    def test_one_provider_for_many_agents(self):
        runtime = gitlab(issuer=None, federation="federation.git")
        of = having(authority([agent("a", runtime), agent("b", runtime)]), federations={"federation.git": federation()})
        found = [item for item in provider.compile(of) if item.resource.address.kind == "iam_oidc_provider"]
        (made,) = found
        assert made.block == "federation.git"
        assert made.resource.attributes["client_ids"] == ["https://git.acme.example"]
        assert made.resource.attributes["tags"]["provisioner:address"] == "federation.git"
        roles = [item.resource for item in provider.compile(of) if item.resource.address.kind == "iam_role"]
        assert all(made.resource.address in role.uses for role in roles)
        assert [item for item in provider.validate(of) if item.is_error] == []

    def test_it_needs_no_provider_that_is_there_already(self):
        runtime = gitlab(issuer=None, federation="federation.git")
        of = having(authority([agent("a", runtime)]), federations={"federation.git": federation()})
        assert list(provider.check(of, [], Snapshot((), Coverage()))) == []
        without = authority([agent("a", gitlab())])
        (problem,) = provider.check(without, [], Snapshot((), Coverage()))
        assert problem.code == "E-AWS-OIDC" and "has no OIDC provider git.acme.example" in problem.summary

    @pytest.mark.parametrize(
        ("values", "says"),
        [
            ({"issuer": "http://git.acme.example"}, "the issuer is not an https URL"),
            ({"issuer": "https://git.acme.example/"}, "the issuer is not an https URL"),
            ({"audiences": ()}, "it takes no audience"),
            ({"audiences": ("*",)}, "'*' is no audience"),
            ({"thumbprints": ("aa:bb",)}, "'aa:bb' is no thumbprint"),
            ({"thumbprints": ("a" * 40,) * 6}, "too many thumbprints"),
        ],
    )
    def test_what_is_refused(self, values: dict[str, Any], says: str):
        of = having(authority([agent("a")]), federations={"federation.git": federation(**values)})
        assert errors(of, "E-AWS-FEDERATION") == [f"federation.git: {says}"]

    def test_two_of_one_issuer_are_refused(self):
        both = {"federation.git": federation(), "federation.also": federation("also")}
        (problem,) = errors(having(authority([agent("a")]), federations=both), "E-AWS-FEDERATION")
        assert "federation.git and federation.also are both the OIDC provider" in problem

    def test_an_audience_that_it_does_not_take_is_refused(self):
        runtime = gitlab(issuer=None, federation="federation.git", audience="else")
        of = having(authority([agent("a", runtime)]), federations={"federation.git": federation()})
        (problem,) = errors(of, "E-AWS-FEDERATION")
        assert "does not take the audience 'else'" in problem

    def test_a_federation_of_another_cloud_is_no_trust(self):
        other = Federation("federation.git", "git", "google", block("federation", pool="p"))
        of = having(
            authority([agent("a", gitlab(issuer=None, federation="federation.git"))]),
            federations={"federation.git": other},
        )
        assert any("federation.git is no trust in AWS" in text for text in errors(of, "E-AWS-RUNTIME"))


class TestDelegation:
    def test_the_asking_role_may_assume_exactly_the_other(self):
        (statement,) = resources(two())["ws-ask/delegation-one"].attributes["document"]["Statement"]
        assert statement["Action"] == ["sts:AssumeRole"]
        assert statement["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/agents/ws-do"]
        assert statement["Condition"] == {"DateLessThan": {"aws:CurrentTime": [END]}}

    def test_the_other_admits_exactly_the_asking_one_by_its_name(self):
        _, statement = resources(two())["ws-do"].attributes["trust"]["Statement"]
        own = (
            statement
            if "AWS" in statement["Principal"]
            else resources(two())["ws-do"].attributes["trust"]["Statement"][0]
        )
        assert own["Principal"] == {"AWS": [f"arn:aws:iam::{ACCOUNT}:role/agents/ws-ask"]}
        assert own["Action"] == ["sts:AssumeRole"]
        assert own["Condition"] == {
            "DateLessThan": {"aws:CurrentTime": [END]},
            "StringEquals": {"sts:RoleSessionName": ["ask"]},
        }

    @pytest.mark.parametrize(
        ("caller", "name", "answer"),
        [
            (f"arn:aws:iam::{ACCOUNT}:role/agents/ws-ask", "ask", Answer.ALLOWED),
            (f"arn:aws:iam::{ACCOUNT}:role/agents/ws-ask", "somebody", Answer.DENIED),
            (f"arn:aws:iam::{ACCOUNT}:role/agents/ws-other", "ask", Answer.DENIED),
        ],
    )
    def test_who_becomes_the_other(self, caller: str, name: str, answer: Answer):
        claims = {"principal": caller, "session_name": name}
        assert evaluate_in_world(world(two()), Assume("do", claims)).answer is answer

    def test_it_ends_by_condition(self):
        claims = {"principal": f"arn:aws:iam::{ACCOUNT}:role/agents/ws-ask", "session_name": "ask"}
        later = replace(world(two()), now="2027-02-01T00:00:01Z")
        assert evaluate_in_world(later, Assume("do", claims)).answer is Answer.DENIED

    def test_the_tags_of_a_pod_come_along_and_no_others(self):
        statements = resources(two(asks=pods()))["ws-do"].attributes["trust"]["Statement"]
        (own,) = [item for item in statements if "AWS" in item["Principal"]]
        assert own["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        assert "kubernetes-namespace" in own["Condition"]["ForAllValues:StringEquals"]["aws:TagKeys"]

    def test_a_source_identity_comes_along(self):
        statements = resources(two(asks=anywhere()))["ws-do"].attributes["trust"]["Statement"]
        (own,) = [item for item in statements if "AWS" in item["Principal"]]
        assert own["Action"] == ["sts:AssumeRole", "sts:SetSourceIdentity"]

    @pytest.mark.parametrize(
        ("does", "action", "resource"),
        [
            (
                block("runtime", "lambda", functions=("one",)),
                "lambda:InvokeFunction",
                f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:one",
            ),
            (bedrock(), "bedrock:InvokeAgent", f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:agent-alias/ABCDEF1234/X"),
            (
                agentcore(),
                "bedrock-agentcore:InvokeAgentRuntime",
                f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}:runtime/triage-AbCdEf1234",
            ),
        ],
    )
    def test_invoking_writes_to_the_asking_agent_and_asks_both_owners(self, does: Any, action: str, resource: str):
        of = two(does=does, via="invoke")
        assert errors(of, "E-AWS-DELEGATION") == []
        found = resources(of)
        assert len(found["ws-do"].attributes["trust"]["Statement"]) == 1
        assert counterparts(of) == {"ws-ask/delegation-one": ("do",)}
        assert evaluate_in_world(world(of), Attempt("ask", {"action": action, "resource": resource})).answer is (
            Answer.ALLOWED
        )
        other = {"action": action, "resource": resource.replace("eu-west-1", "us-east-1")}
        assert evaluate_in_world(world(of), Attempt("ask", other)).answer is Answer.DENIED

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            ({"via": "impersonate"}, "AWS has no impersonation"),
            ({"via": "invoke"}, "how to call agent.do is not known"),
            ({"via": "invoke", "does": block("runtime", "ecs")}, "how to call agent.do is not known"),
            ({"via": "invoke", "does": bedrock(agent_id=None)}, "how to call agent.do is not known"),
            ({"does": block("runtime", "adopted", trust=OLD)}, "keeps an old trust as it is"),
        ],
    )
    def test_what_is_refused(self, more: dict[str, Any], says: str):
        (problem,) = errors(two(**more), "E-AWS-DELEGATION")
        assert says in problem

    def test_a_grant_of_its_policys_name_is_refused(self):
        of = authority([agent("ask"), agent("do")], [tool("t")], [grant("Delegation-one", ["ask"], ["t"])])
        of = having(of, delegations={"delegation.one": delegation()})
        (problem,) = errors(of, "E-AWS-NAME")
        assert problem == "delegation.one and grant.Delegation-one would be one inline policy of agent.ask"

    def test_a_circle_is_refused(self):
        of = two()
        back = replace(delegation("do", "ask"), address="delegation.back", name="back")
        of = having(of, delegations={**of.configuration.delegations, "delegation.back": back})
        (problem,) = errors(of, "E-AWS-DELEGATION")
        assert problem == "delegation.one: ask and do could become each other"

    def test_the_asking_role_is_made_first(self):
        """IAM takes a trust only when the roles that it admits exist; and «ask» stands after «do» in no order."""
        of = two(source="do", target="ask")
        found = resources(of)
        role = found["ws-ask"]
        assert [address.name for address in role.needs] == ["ws-do"]
        changes = [
            Change(number, Action.CREATE, item.address, "x", item.agent, "b", (), {}, Effect.WIDER, (), (), "", None,
                   item.attributes)
            for number, item in enumerate((role, found["ws-do"]), start=1)
        ]  # fmt: skip
        made = [one for change in changes for one in provider.operations(change)]
        after = {item.address: item for item in found.values()}
        ordered = order(made, {}, after, lambda one: provider.rank(one, effect_widens=True))
        assert [one.address.name for one in ordered] == ["ws-do", "ws-ask"]
        assert ordered[1].depends == (ordered[0].id,)

    def test_a_relative_end_keeps_what_it_first_was(self):
        of = two()
        made = replace(of.configuration.delegations["delegation.one"], expires=Expiry(after_seconds=86400))
        configuration = replace(of.configuration, delegations={made.address: made})
        assert has_relative_expiry(configuration)
        now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        first = delegations_with_ends(configuration, {}, now)["delegation.one"].expires
        assert first == Expiry(at="2026-11-25T00:00:00Z")
        live = Snapshot(tuple(resources(two()).values()), Coverage())
        in_force = provider.expiries(live)
        assert in_force["ask", "delegation.one"] == END
        earlier = {("ask", "delegation.one"): "2026-11-24T00:00:00Z"}
        assert delegations_with_ends(configuration, earlier, now)["delegation.one"].expires == Expiry(
            at="2026-11-24T00:00:00Z"
        )


class TestAdoption:
    def adopted(self, **identity: Any) -> Authority:
        old = block("policy", "old", document=READS)
        made = agent("a", block("runtime", "adopted", trust=OLD))
        given = {"role_name": "legacy-role", "path": "/", "attach": (MANAGED,), **identity}
        settings = block("identity", "aws", blocks=[old], **given)
        made = replace(made, identities={"aws": replace(made.identities["aws"], settings=settings)})
        return authority([made])

    def test_what_it_has_is_kept(self):
        found = resources(self.adopted(tags={"team": "x"}))
        role = found["legacy-role"]
        assert role.attributes["trust"]["Statement"][0]["Principal"] == {"Service": ["ec2.amazonaws.com"]}
        assert role.attributes["arn"] == f"arn:aws:iam::{ACCOUNT}:role/legacy-role"
        assert role.attributes["tags"]["team"] == "x"
        assert found["legacy-role/old"].attributes["document"]["Statement"][0]["Action"] == ["s3:GetObject"]
        assert found[f"legacy-role/{MANAGED}"].unread == ("document",)

    def test_each_is_a_finding(self):
        of = self.adopted()
        found = [item for item in provider.hazards(of, world(of), ["a"]) if item.rule == "ADO-1"]
        assert sorted(item.message for item in found) == [
            f"agent.a keeps the attached policy {MANAGED}",
            "agent.a keeps the old inline policy old",
            "agent.a keeps the trust that it was found with",
        ]

    @pytest.mark.parametrize(
        ("identity", "code", "says"),
        [
            ({"role_name": "a/b"}, "E-AWS-NAME", "'a/b' is no role name"),
            ({"attach": ("ReadOnlyAccess",)}, "E-AWS-ADOPTED", "is no ARN of a managed policy"),
            ({"tags": {"provisioner:workspace": "x"}}, "E-AWS-TAG", "is not its own to set"),
        ],
    )
    def test_what_is_refused(self, identity: dict[str, Any], code: str, says: str):
        (problem,) = errors(self.adopted(**identity), code)
        assert says in problem

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"Version": "2012-10-17"}', '{"Statement": [{"Effect": "Maybe"}]}']
    )
    def test_a_trust_that_is_none_is_refused(self, text: str):
        of = authority([agent("a", block("runtime", "adopted", trust=text))])
        (problem,) = errors(of, "E-AWS-ADOPTED")
        assert problem == "agent.a: the adopted trust is no policy document"

    def test_a_grant_of_an_old_policys_name_is_refused(self):
        part = grant("old", ["a"], ["t"])
        of = having(self.adopted(), grants={part.address: part})
        assert errors(of, "E-AWS-NAME") == ["grant.old and its old policy old would be one inline policy of agent.a"]

    def test_nothing_is_attached_by_it(self):
        of = self.adopted()
        (problem,) = provider.check(of, list(provider.compile(of)), Snapshot((), Coverage()))
        assert problem.code == "E-AWS-ADOPTED" and "is not attached to role legacy-role" in problem.summary


def test_a_role_by_its_own_name_and_one_by_ours_may_not_be_the_same():
    one = agent("b")
    other = replace(
        agent("a"),
        identities={"aws": replace(one.identities["aws"], settings=block("identity", "aws", role_name="ws-b"))},
    )
    assert any("would both be role ws-b" in text for text in errors(authority([one, other]), "E-AWS-NAME"))


def test_an_import_is_held_against_the_identity_and_never_ignored():
    of = authority([agent("a")])
    other = having(of, imports=(Import("a", "aws", "legacy"),))
    assert errors(other, "E-AWS-IMPORT") == ["import names the role legacy, and agent.a would be role ws-a"]
    same = having(of, imports=(Import("a", "aws", "ws-a"),))
    assert [item for item in provider.validate(same) if item.is_error] == []


def test_a_task_role_that_is_its_own_execution_role_is_refused():
    runtime = block("runtime", "ecs", execution_role=f"arn:aws:iam::{ACCOUNT}:role/agents/ws-a")
    assert any(
        "its execution role is its own task role" in text
        for text in errors(authority([agent("a", runtime)]), "E-AWS-RUNTIME")
    )


def test_githubs_provider_can_be_a_federation():
    issuer = "https://token.actions.githubusercontent.com"
    runtime = github(federation="federation.git")
    made = federation(issuer=issuer, audiences=("sts.amazonaws.com",))
    of = having(authority([agent("a", runtime)]), federations={"federation.git": made})
    assert [item.summary for item in provider.validate(of) if item.is_error] == []
