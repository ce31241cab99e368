"""Questions about agents in a world: attempts, who may become them, and the tool's own negatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_workspace import (
    ACCOUNT,
    ECS,
    LAMBDA,
    agent,
    authority,
    block,
    boundary,
    github,
    grant,
    sample,
    statement,
    tool,
)
from provisioner_aws import provider
from provisioner_aws.policy.claims import assume_request
from provisioner_aws.policy.document import parse_policy
from provisioner_aws.policy.errors import ClaimError
from provisioner_aws.policy.negatives import negatives
from provisioner_aws.policy.world import evaluate_in_world

from provisioner.model.authority import Authority
from provisioner.model.requests import Answer, Assume, Attempt, Decision, World
from provisioner.model.resources import Address, Resource

NOW = "2026-11-23T12:00:00Z"
OTHER = "444455556666"
ISSUER = "token.actions.githubusercontent.com"


def world_of(of: Authority, now: str | None = NOW) -> World:
    return World({item.resource.address: item.resource for item in provider.compile(of)}, now)


def attempt(world: World, action: str, resource: Any = "*", name: str = "triage", **more: Any) -> Decision:
    return evaluate_in_world(world, Attempt(name, {"action": action, "resource": resource, **more}))


def assume(world: World, name: str, **claims: Any) -> Decision:
    return evaluate_in_world(world, Assume(name, claims))


@pytest.fixture(scope="module")
def planned() -> World:
    return world_of(sample())


class TestAttempts:
    def test_what_a_grant_allows(self, planned: World) -> None:
        found = attempt(planned, "s3:GetObject", "arn:aws:s3:::acme-inbox/a.pdf")
        assert found.answer is Answer.ALLOWED
        assert "inline policy reads allows s3:GetObject on acme-inbox/*, until 2027-02-01" in found.because

    def test_what_no_grant_names(self, planned: World) -> None:
        found = attempt(planned, "s3:PutObject", "arn:aws:s3:::acme-inbox/a.pdf")
        assert found.answer is Answer.DENIED
        assert "the policies of role ws-triage: nothing allows s3:PutObject on acme-inbox/a.pdf" in found.because

    def test_a_condition_on_a_parameter_of_the_call(self, planned: World) -> None:
        bucket = "arn:aws:s3:::acme-inbox"
        assert attempt(planned, "s3:ListBucket", bucket).answer is Answer.DENIED
        given = {"s3:prefix": "inbox/2026"}
        assert attempt(planned, "s3:ListBucket", bucket, context=given).answer is Answer.ALLOWED

    def test_an_expiry_needs_the_time(self) -> None:
        key = "arn:aws:s3:::acme-inbox/a.pdf"
        untimed = world_of(sample(), None)
        assert attempt(untimed, "s3:GetObject", key).missing == ("aws:CurrentTime",)
        assert attempt(world_of(sample(), "2027-02-01T00:00:00Z"), "s3:GetObject", key).answer is Answer.DENIED
        for context in ({"aws:EpochTime": "1763894400"}, {"aws:CurrentTime": NOW}):
            assert attempt(untimed, "s3:GetObject", key, context=context).answer is Answer.ALLOWED

    def test_the_boundary_stops_what_is_granted(self, planned: World) -> None:
        found = attempt(planned, "iam:CreateUser", granted=True)
        assert found.answer is Answer.DENIED
        assert found.because[0].startswith("boundary ws-boundary-agents denies")
        assert attempt(planned, "s3:DeleteBucket", "arn:aws:s3:::b", granted=True).answer is Answer.ALLOWED

    def test_a_boundary_that_nobody_read(self, planned: World) -> None:
        kept = {a: r for a, r in planned.resources.items() if a.kind != "iam_policy"}
        found = attempt(World(kept, NOW), "s3:GetObject", "arn:aws:s3:::acme-inbox/a.pdf")
        assert found.answer is Answer.DEPENDS
        assert found.missing[0].startswith("the document of arn:aws:iam::")

    def test_a_star_names_no_resource_where_the_action_takes_one(self, planned: World) -> None:
        assert attempt(planned, "s3:GetObject").missing == ("the resource",)
        assert attempt(planned, "s3:PutObject").answer is Answer.DENIED

    @pytest.mark.parametrize("path", ["arn:aws:s3:::acme-inbox/a.pdf", ["arn:aws:s3:::acme-inbox/a.pdf"]])
    def test_one_resource_or_several(self, planned: World, path: Any) -> None:
        assert attempt(planned, "s3:GetObject", path).answer is Answer.ALLOWED

    def test_resources_that_are_judged_differently(self, planned: World) -> None:
        both = ["arn:aws:s3:::acme-inbox/a.pdf", "arn:aws:s3:::other/a.pdf"]
        assert attempt(planned, "s3:GetObject", both).answer is Answer.DEPENDS

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({"action": "s3:*"}, "name one action"),
            ({"action": None}, "name one action"),
            ({"action": "s3:GetObject", "resource": "arn:aws:s3:::b/*"}, "without wildcards"),
            ({"action": "s3:GetObject", "context": {"aws:a": 1.5}}, "float"),
        ],
    )
    def test_a_question_that_is_none(self, planned: World, settings: dict[str, Any], says: str) -> None:
        found = evaluate_in_world(planned, Attempt("triage", settings))
        assert found.answer is Answer.DEPENDS
        assert says in found.missing[0]

    def test_an_agent_without_a_role_is_not_judged(self, planned: World) -> None:
        assert attempt(planned, "s3:GetObject", name="nobody").missing == ("agent nobody has no role here to judge",)

    def test_an_unreadable_policy_is_not_judged(self, planned: World) -> None:
        resources = dict(planned.resources)
        role = next(r for a, r in resources.items() if a.kind == "iam_role" and r.agent == "triage")
        address = Address("aws", ACCOUNT, "iam_role_policy", f"{role.address.name}/odd")
        resources[address] = Resource(address, {"document": {"unreadable": "x"}}, "triage", role.address)
        found = attempt(World(resources, NOW), "s3:GetObject", "arn:aws:s3:::acme-inbox/a.pdf")
        assert found.answer is Answer.DEPENDS
        assert "inline policy odd cannot be judged" in found.missing[0]

    def test_an_attachment_counts(self, planned: World) -> None:
        resources = dict(planned.resources)
        role = next(r for a, r in resources.items() if a.kind == "iam_role" and r.agent == "triage")
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        address = Address("aws", ACCOUNT, "iam_role_attachment", f"{role.address.name}/{arn}")
        document = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        resources[address] = Resource(address, {"policy_arn": arn, "document": document}, "triage", role.address)
        key = "arn:aws:s3:::other/a.pdf"
        assert attempt(World(resources, NOW), "s3:PutObject", key).answer is Answer.ALLOWED
        resources[address] = replace(resources[address], attributes={"policy_arn": arn, "document": None})
        found = attempt(World(dict(resources), NOW), "s3:PutObject", key)
        assert found.missing == ("the document of attached policy AdministratorAccess",)

    def test_role_tags_are_known_and_other_tags_are_absent(self) -> None:
        texts = ["arn:aws:s3:::b/${aws:PrincipalTag/provisioner:agent}/k", "arn:aws:s3:::c/${aws:PrincipalTag/other}/k"]
        of = authority(
            [agent("triage")], [tool("t", statement(["s3:GetObject"], texts))], [grant("g", ["triage"], ["t"])]
        )
        world = world_of(of)
        assert attempt(world, "s3:GetObject", "arn:aws:s3:::b/triage/k").answer is Answer.ALLOWED
        assert attempt(world, "s3:GetObject", "arn:aws:s3:::c/x/k").answer is Answer.DENIED

    def test_the_region_follows_from_the_resource(self) -> None:
        of = authority(
            [agent("triage")],
            [tool("t", statement(["dynamodb:Query"], ["*"]))],
            [grant("g", ["triage"], ["t"])],
            [boundary(regions=("eu-west-1",))],
        )
        world = world_of(of)
        for region, answer in (("eu-west-1", Answer.ALLOWED), ("us-east-1", Answer.DENIED)):
            table = f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/t"
            assert attempt(world, "dynamodb:Query", table).answer is answer


OWN = {
    "sub": "repo:acme@7/billing@42:environment:prod",
    "aud": "sts.amazonaws.com",
    "repository_id": "42",
    "repository_owner_id": "7",
    "environment": "prod",
}


class TestAssumes:
    def test_lambda(self, planned: World) -> None:
        assert assume(planned, "triage", account=ACCOUNT).answer is Answer.ALLOWED
        found = assume(planned, "triage", service="ec2.amazonaws.com")
        assert found.answer is Answer.DENIED
        assert found.because == ("the trust of role ws-triage does not admit ec2.amazonaws.com",)

    def test_lambda_with_a_source_condition(self) -> None:
        runtime = block("runtime", "lambda", functions=("triage",), source_condition=True)
        world = world_of(authority([agent("triage", runtime)]))
        arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function"
        assert assume(world, "triage", account=ACCOUNT, function_arn=f"{arn}:triage").answer is Answer.ALLOWED
        assert assume(world, "triage", function="triage", region="eu-west-1").answer is Answer.ALLOWED
        assert assume(world, "triage", account=ACCOUNT, function_arn=f"{arn}:other").answer is Answer.DENIED
        assert assume(world, "triage", account=OTHER).answer is Answer.DENIED
        assert assume(world, "triage", account=ACCOUNT).missing == ("aws:SourceArn",)
        assert assume(world, "triage", account=ACCOUNT, function_arn=None).answer is Answer.DENIED

    def test_ecs(self, planned: World) -> None:
        assert assume(planned, "pay_out", account=ACCOUNT, region="eu-west-1").answer is Answer.ALLOWED
        assert assume(planned, "pay_out", account=ACCOUNT, region="us-east-1").answer is Answer.DENIED
        assert assume(planned, "pay_out", account=OTHER, region="eu-west-1").answer is Answer.DENIED
        assert assume(planned, "pay_out", account=ACCOUNT).missing == ("aws:SourceArn",)

    def test_github(self, planned: World) -> None:
        assert assume(planned, "fixer", **OWN).answer is Answer.ALLOWED
        for name in OWN:
            assert assume(planned, "fixer", **{**OWN, name: "else"}).answer is Answer.DENIED, name
            assert assume(planned, "fixer", **{**OWN, name: None}).answer is Answer.DENIED, name
            rest = {key: value for key, value in OWN.items() if key != name}
            assert assume(planned, "fixer", **rest).missing == (f"{ISSUER}:{name}",)

    def test_another_issuer(self, planned: World) -> None:
        assert assume(planned, "fixer", **OWN, issuer="https://evil.example").answer is Answer.DENIED

    def test_tags_and_source_identity_need_their_own_permission(self, planned: World) -> None:
        for extra in ({"tags": {"a": "b"}}, {"source_identity": "x"}):
            assert assume(planned, "triage", account=ACCOUNT, **extra).answer is Answer.DENIED

    def test_for_all_values_admits_a_token_without_the_claim(self, planned: World) -> None:
        condition = {"ForAllValues:StringEquals": {f"{ISSUER}:sub": OWN["sub"]}}
        world = with_trust(planned, "fixer", condition)
        assert assume(world, "fixer", **{**OWN, "sub": None}).answer is Answer.ALLOWED
        assert assume(world, "fixer", **{**OWN, "sub": "else"}).answer is Answer.DENIED

    def test_roles_of_the_world_are_judged_by_their_own_policies(self, planned: World) -> None:
        caller = f"arn:aws:iam::{ACCOUNT}:role/agents/ws-pay-out"
        world = with_principal(planned, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
        assert assume(world, "triage", principal=caller).answer is Answer.DENIED
        stranger = f"arn:aws:iam::{ACCOUNT}:user/bob"
        assert assume(world, "triage", principal=stranger).missing == ("the document of the policies of user/bob",)

    @pytest.mark.parametrize(
        ("claims", "says"),
        [
            ({"cluster": "x"}, "no runtime of this role has all of the claims cluster"),
            ({"service": "x", "sub": "y"}, "service has no claim 'sub'"),
            ({"principal": "bob"}, "ARN of a user"),
            ({"account": "12"}, "12 digits"),
            ({"account": 1.5}, "write it as a string"),
            ({"function_arn": "f"}, "write arn:aws:lambda"),
            ({"tags": "x"}, "write it as a map"),
            ({"service": ""}, "is empty"),
        ],
    )
    def test_claims_that_make_no_question(self, planned: World, claims: dict[str, Any], says: str) -> None:
        found = evaluate_in_world(planned, Assume("triage", claims))
        assert found.answer is Answer.DEPENDS
        assert says in found.missing[0]

    def test_the_runtime_may_be_said(self) -> None:
        trust = parse_policy({"Statement": []})
        assert assume_request({"account": ACCOUNT}, trust, ACCOUNT, "ecs").caller.name == "ecs-tasks.amazonaws.com"
        with pytest.raises(ClaimError, match="are not known"):
            assume_request({}, trust, ACCOUNT, "quantum")

    def test_any_identity_provider(self) -> None:
        trust = parse_policy(
            {
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example/x"},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                }
            }
        )
        found = assume_request({"sub": "a", "tenant": "t"}, trust, ACCOUNT)
        assert found.caller.name.endswith("oidc-provider/id.example/x")
        assert found.context.get("id.example/x:tenant") == ("t",)
        assert found.context.get("id.example/x:aud") is None


def with_trust(world: World, name: str, condition: dict[str, Any]) -> World:
    resources = dict(world.resources)
    role = next(r for a, r in resources.items() if a.kind == "iam_role" and r.agent == name)
    trust = {"Statement": [{**role.attributes["trust"]["Statement"][0], "Condition": condition}]}
    resources[role.address] = replace(role, attributes={**role.attributes, "trust": trust})
    return World(resources, NOW)


def with_principal(world: World, principal: dict[str, Any]) -> World:
    resources = dict(world.resources)
    role = next(r for a, r in resources.items() if a.kind == "iam_role" and r.agent == "triage")
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    resources[role.address] = replace(role, attributes={**role.attributes, "trust": trust})
    return World(resources, NOW)


RUNTIMES = {
    "lambda": LAMBDA,
    "pinned_lambda": block("runtime", "lambda", functions=("a",), source_condition=True),
    "account_lambda": block("runtime", "lambda", source_condition=True),
    "ecs": ECS,
    "github": github(),
    "github_branch": github(
        environment=None, branch="main", job_workflow_ref="acme/billing/.github/workflows/x.yml@main"
    ),
    "github_tag": github(environment=None, tag="v1"),
    "github_name": github(subject="name"),
}


def everywhere(runtime: Any, **more: Any) -> Authority:
    return authority([agent("a", runtime)], [tool("t")], [grant("g", ["a"], ["t"])], **more)


def judged(of: Authority, world: World) -> dict[str, Answer]:
    out = {}
    for test in negatives(of.configuration.agents["a"], of):
        for item in test.attempts:
            out[item.labels[-1]] = evaluate_in_world(world, Attempt("a", item.values)).answer
        for item in test.assumes:
            out[f"{test.surface}.{item.labels[0]}"] = evaluate_in_world(
                world, Assume("a", item.values["claims"])
            ).answer
    return out


class TestNegatives:
    @pytest.mark.parametrize("runtime", RUNTIMES)
    def test_all_are_denied_on_what_we_compile(self, runtime: str) -> None:
        of = everywhere(RUNTIMES[runtime], boundaries=[boundary(regions=("eu-west-1",))])
        answers = judged(of, world_of(of))
        assert set(answers.values()) == {Answer.DENIED}
        assert {test.surface for test in negatives(of.configuration.agents["a"], of)} == {
            "identity",
            "tool_access",
            "runtime",
        }

    @pytest.mark.parametrize(
        ("claim", "fails"),
        [
            ("repository_id", {"identity.same_name_other_repository"}),
            ("aud", {"identity.other_audience", "identity.no_audience"}),
            ("environment", set()),
        ],
    )
    def test_each_fails_where_its_claim_is_not_checked(self, claim: str, fails: set[str]) -> None:
        of = everywhere(RUNTIMES["github"])
        world = world_of(of)
        role = next(r for a, r in world.resources.items() if a.kind == "iam_role")
        block_ = dict(role.attributes["trust"]["Statement"][0]["Condition"]["StringEquals"])
        del block_[f"{ISSUER}:{claim}"]
        answers = judged(of, with_trust(world, "a", {"StringEquals": block_}))
        assert {name for name, answer in answers.items() if answer is Answer.ALLOWED} == fails

    def test_a_trust_without_source_conditions_fails(self) -> None:
        of = everywhere(ECS)
        answers = judged(of, with_trust(world_of(of), "a", {}))
        assert {name for name, answer in answers.items() if answer is Answer.ALLOWED} == {
            "runtime.other_account",
            "runtime.other_region",
        }

    def test_a_removed_boundary_fails(self) -> None:
        of = everywhere(LAMBDA, boundaries=[boundary(regions=("eu-west-1",))])
        world = world_of(of)
        resources = dict(world.resources)
        role = next(r for a, r in resources.items() if a.kind == "iam_role")
        resources[role.address] = replace(role, attributes={**role.attributes, "permissions_boundary": None})
        answers = judged(of, World(resources, NOW))
        assert {name for name, answer in answers.items() if answer is Answer.ALLOWED} == {
            "outside_boundary",
            "other_region",
        }

    def test_an_agent_with_every_permission_has_no_test_of_tool_access(self) -> None:
        of = authority(
            [agent("a")], [tool("t", statement(["*"], ["*"]))], [grant("g", ["a"], ["t"])], [boundary(allow=("*",))]
        )
        surfaces = {test.surface: test for test in negatives(of.configuration.agents["a"], of)}
        assert set(surfaces) == {"identity", "runtime"}
        assert surfaces["runtime"].attempts[0].values["action"].startswith("iam:")

    def test_an_agent_without_a_boundary_has_no_escape(self) -> None:
        of = authority([agent("a", boundary=None)])
        assert {test.surface for test in negatives(of.configuration.agents["a"], of)} == {"identity", "tool_access"}
