"""Preflight: what AWS would refuse or cannot enforce is found before anything is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aws_workspace import (
    ECS,
    EXPIRES,
    LAMBDA,
    agent,
    authority,
    block,
    boundary,
    condition,
    github,
    grant,
    sample,
    statement,
    tool,
)
from provisioner_aws import provider
from provisioner_aws.catalogue import actions_like

from provisioner.model.configuration import BoundaryTest, Expiry, Session
from provisioner.model.diagnostics import DiagnosticError, Severity


def problems(of):
    found = list(provider.validate(of))
    for problem in found:
        assert problem.summary and "\n" not in problem.summary
        assert problem.detail.endswith(".") or problem.detail[-1] in ")`", problem.detail
    return found


def codes(of):
    """Codes of all findings but one: the sample's boundary is narrower than what some tests grant."""
    return [problem.code for problem in problems(of) if problem.code != "W-AWS-BOUNDARY"]


def one(of):
    (problem,) = problems(of)
    return problem


def with_statement(*statements):
    return authority([agent("a")], [tool("t", *statements)], [grant("g", ["a"], ["t"])])


def test_a_sound_configuration_has_no_findings():
    assert problems(sample()) == []


class TestActions:
    @pytest.mark.parametrize(
        ("action", "hint"),
        [
            ("s3:GetObjekt", 'Did you mean "s3:GetObject"?'),
            ("dynamdb:GetItem", 'Did you mean "dynamodb"?'),
            ("s3:Zz*", "would never match"),
            ("s3", "Write service:Action"),
            ("s3:Get Object", "Write service:Action"),
            ("", "Write service:Action"),
            ("s3:&{aws:username}", "Write service:Action"),
        ],
    )
    def test_what_does_not_exist_is_an_error_with_a_hint(self, action, hint):
        found = [p for p in problems(with_statement(statement([action], ["*"]))) if p.code == "E-AWS-ACTION"]
        assert len(found) == 1
        assert hint in found[0].detail
        assert found[0].subject is not None

    @pytest.mark.parametrize("action", ["s3:GetObject", "S3:getobject", "s3:Get*", "*", "s3:*", "s3:GetObjec?"])
    def test_what_exists_is_none(self, action):
        assert codes(with_statement(statement([action], ["*"]))) == []


class TestResources:
    @pytest.mark.parametrize(
        ("actions", "resources", "word"),
        [
            (["s3:GetObject"], ["arn:aws:s3:::bucket"], "s3:GetObject works on none"),
            (["s3:ListBucket"], ["arn:aws:s3:::bucket/inbox/*"], "s3:ListBucket works on none"),
            (["s3:ListAllMyBuckets"], ["arn:aws:s3:::bucket"], "s3:ListAllMyBuckets works on none"),
            (["dynamodb:GetItem"], ["arn:aws:s3:::bucket"], "dynamodb:GetItem works on none"),
            (["s3:GetObject"], ["arn:aws:s3:::b/*", "arn:aws:sqs:eu-west-1:123456789012:q"], "no action of it works"),
        ],
    )
    def test_an_action_and_its_resources_must_fit(self, actions, resources, word):
        found = problems(with_statement(statement(actions, resources)))
        assert [p.code for p in found] == ["E-AWS-RESOURCE"] * len(found)
        assert any(word in problem.summary for problem in found)

    @pytest.mark.parametrize(
        ("actions", "resources"),
        [
            (["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]),
            (["s3:GetObject"], ["arn:aws:s3:::bucket*"]),
            (["s3:GetObject"], ["arn:aws:s3:::b/&{aws:PrincipalTag/team}/*"]),
            (["s3:ListAllMyBuckets"], ["*"]),
            (["dynamodb:Query"], ["arn:aws:dynamodb:eu-west-1:123456789012:table/t/index/i"]),
            (["sqs:SendMessage"], ["arn:aws:sqs:*:123456789012:q"]),
        ],
    )
    def test_what_fits_is_none(self, actions, resources):
        assert codes(with_statement(statement(actions, resources))) == []

    @pytest.mark.parametrize(
        ("resource", "word"),
        [
            ("bucket/*", "is no ARN"),
            ("arn:aws:s3", "is no ARN"),
            ("arn:aws-cn:s3:::b/*", "partition 'aws-cn'"),
            ("arn:aws:s3::x12345:b/*", "no account id"),
        ],
    )
    def test_the_shape_of_an_arn(self, resource, word):
        found = [p for p in problems(with_statement(statement(["s3:GetObject"], [resource]))) if p.code == "E-AWS-ARN"]
        assert len(found) == 1
        assert word in found[0].summary

    def test_a_statement_needs_actions_and_resources_once(self):
        empty = block("statement", "main", actions=(), resources=("*",))
        both = block("statement", "main", actions=("s3:*",), not_actions=("s3:*",), resources=("*",))
        assert codes(with_statement(empty)) == ["E-AWS-STATEMENT"]
        assert codes(with_statement(both)) == ["E-AWS-STATEMENT"]


class TestConditions:
    @pytest.mark.parametrize(
        ("test", "word"),
        [
            (condition("StringEqual", "s3:prefix", "x"), 'Did you mean "StringEquals"?'),
            (condition("StringEquals", "prefix", "x"), "Write service:name"),
            (condition("StringEquals", "s3:prefix"), "never be met"),
        ],
    )
    def test_an_impossible_condition(self, test, word):
        found = one(with_statement(statement(["s3:ListBucket"], ["*"], test)))
        assert found.code == "E-AWS-CONDITION"
        assert word in found.detail

    def test_for_all_values_in_an_allow_is_a_warning(self):
        test = condition("ForAllValues:StringEquals", "aws:TagKeys", "x")
        assert one(with_statement(statement(["s3:ListBucket"], ["*"], test))).severity is Severity.WARNING

    def test_a_contradiction_is_told_once(self):
        tests = (condition("StringEquals", "s3:prefix", "x"), condition("StringEquals", "s3:prefix", "y"))
        made = with_statement(statement(["s3:ListBucket"], ["*"], *tests))
        assert "have no value in common" in one(made).summary
        with pytest.raises(DiagnosticError, match="have no value in common"):
            list(provider.compile(made))


class TestSizes:
    def test_what_must_stay_inline_counts_together(self):
        def big(name, count):
            return tool(name, statement(["s3:GetObject"], [f"arn:aws:s3:::{name}-{i:04}/*" for i in range(count)]))

        tools = [big("one", 200), big("two", 200)]
        assert codes(authority([agent("a")], tools, [grant("g", ["a"], ["one"])])) == []
        both = [grant("g", ["a"], ["one"]), grant("h", ["a"], ["two"])]
        assert codes(authority([agent("a")], tools, both)) == [], "one of them becomes a managed policy"
        both = [replace(item, expires=Expiry(None, 3600)) for item in both]
        found = one(authority([agent("a")], tools, both))
        assert found.code == "E-AWS-SIZE"
        assert "10240" in found.summary
        assert "g " in found.detail and "h " in found.detail

    def test_a_boundary_has_its_own_limit(self):
        many = actions_like("ec2:*")[:200]
        found = one(authority([agent("a")], boundaries=[boundary(allow=many)]))
        assert found.code == "E-AWS-SIZE"
        assert "6144" in found.summary

    def test_a_trust_policy_has_its_own_limit(self):
        runtime = block("runtime", "lambda", functions=tuple(f"function-{i}" for i in range(60)), source_condition=True)
        assert "2048" in one(authority([agent("a", runtime)])).summary


class TestNames:
    def test_two_agents_of_one_role_show_both_places(self):
        found = one(authority([agent("a_b", line=10), agent("A-b", line=30)]))
        assert found.code == "E-AWS-NAME"
        assert "agent.a_b and agent.A-b" in found.summary
        assert "main.hcl:10" in found.detail
        assert found.subject.start.line == 30

    def test_two_agents_may_not_share_a_function(self):
        runtime = block("runtime", "lambda", functions=("one",))
        found = one(authority([agent("a", runtime), agent("b", runtime)]))
        assert "both run in arn:aws:lambda:eu-west-1:123456789012:function:one" in found.summary

    def test_a_relative_expiry_needs_a_name_that_iam_takes(self):
        made = authority([agent("a")], [tool("t")], [grant("g h", ["a"], ["t"], expires=Expiry(None, 3600))])
        assert codes(made) == ["E-AWS-NAME"]

    def test_a_path_has_a_shape(self):
        assert codes(authority([agent("a", identity={"path": "agents"})])) == ["E-AWS-PATH"]

    @pytest.mark.parametrize("path", ["/aws-service-role/lex.amazonaws.com/", "/aws-reserved/sso.amazonaws.com/"])
    def test_a_role_of_aws_itself_is_no_agents(self, path):
        found = one(authority([agent("a", identity={"path": path})]))
        assert found.code == "E-AWS-PATH" and "AWS's own" in found.summary


class TestRuntimes:
    @pytest.mark.parametrize(
        ("values", "word"),
        [
            ({"repository": "acme/*"}, "not one exact value"),
            ({"repository": "acme"}, "is no repository"),
            ({"branch": "*"}, "not one exact value"),
            ({"environment": ""}, "not one exact value"),
            ({"environment": "&{aws:username}"}, "not one exact value"),
            ({"environment": None}, "nothing says which runs"),
            ({"environment": None, "branch": "refs/pull/1/merge"}, "is a full ref"),
            ({"branch": "a", "tag": "b"}, "never on both"),
            ({"repository_id": "x"}, "is not a number"),
            ({"owner_id": None}, "needs owner_id"),
            ({"issuer": "http://x"}, "not an https URL"),
            ({"job_workflow_ref": "main.yml"}, "has not the shape"),
            ({"job_workflow_ref": "acme/*/.github/workflows/x.yml@main"}, "not one exact value"),
        ],
    )
    def test_what_github_trusts_we_refuse(self, values, word):
        found = problems(authority([agent("a", github(**values))]))
        assert any(word in problem.summary for problem in found)
        assert all(problem.code == "E-AWS-RUNTIME" for problem in found)

    def test_a_subject_by_name_is_a_warning(self):
        found = one(authority([agent("a", github(subject="name", owner_id=None))]))
        assert (found.code, found.severity) == ("FED-3", Severity.WARNING)

    def test_a_runtime_of_another_cloud(self):
        made = authority([agent("a", block("runtime", "cloud_run"))], [tool("t")], [grant("g", ["a"], ["t"])])
        assert "cannot become an AWS role" in one(made).summary
        with pytest.raises(DiagnosticError, match="cannot become an AWS role"):
            list(provider.compile(made))

    def test_ecs_needs_a_region(self):
        assert "no region" in one(authority([agent("a", ECS)], regions=())).summary

    def test_a_region_is_one(self):
        assert set(codes(authority([agent("a", ECS)], regions=("europe",)))) == {"E-AWS-REGION", "E-AWS-RUNTIME"}

    def test_a_function_is_a_name(self):
        runtime = block("runtime", "lambda", functions=("arn:aws:lambda:eu-west-1:1:function:x", "a*"))
        assert codes(authority([agent("a", runtime)])) == ["E-AWS-RUNTIME"] * 2


class TestCapabilities:
    @pytest.mark.parametrize("seconds", [1, 3599, 43201])
    def test_a_session_has_a_floor_and_a_ceiling(self, seconds):
        made = agent("a", github(), session=Session(max_seconds=seconds))
        assert codes(authority([made])) == ["E-AWS-SESSION"]

    @pytest.mark.parametrize("runtime", [LAMBDA, ECS])
    def test_a_session_that_cannot_be_enforced_is_refused_where_the_agent_asks(self, runtime):
        made = agent("a", runtime, session=Session(max_seconds=7200))
        assert "cannot be enforced" in one(authority([made])).summary

    def test_a_boundarys_session_is_shown_where_it_does_not_bind(self):
        agents = [agent("a"), agent("b"), agent("c", github())]
        found = one(authority(agents, boundaries=[boundary(max_session=7200)]))
        assert found.severity is Severity.WARNING
        assert "agent.a, agent.b" in found.detail

    @pytest.mark.parametrize("wish", ["source_identity", "workload_tags"])
    def test_attribution_that_the_runtime_cannot_do(self, wish):
        made = agent("a", github(), session=Session(attribution=wish))
        assert codes(authority([made])) == ["E-AWS-ATTRIBUTION"]

    def test_attribution_that_it_can(self):
        assert codes(authority([agent("a", session=Session(attribution="session_name"))])) == []

    def test_session_tags_that_nobody_sets_are_refused(self):
        made = grant("g", ["a"], ["t"], when={"session_tags": {"team": "x"}})
        assert codes(authority([agent("a")], [tool("t")], [made])) == ["E-AWS-WHEN"]

    def test_resource_tags_that_the_service_does_not_tell_are_refused(self):
        made = grant("g", ["a"], ["t"], when={"resource": {"team": "x"}})
        assert codes(authority([agent("a")], [tool("t", statement(["iam:ListRoles"], ["*"]))], [made])) == [
            "E-AWS-WHEN"
        ]

    def test_resource_tags_are_compiled_where_it_does(self):
        made = grant("g", ["a"], ["t"], when={"resource": {"team": "x"}}, expires=Expiry(EXPIRES))
        whole = authority([agent("a")], [tool("t", statement(["ec2:StartInstances"], ["*"]))], [made])
        assert codes(whole) == []
        (policy,) = [d for d in provider.compile(whole) if d.resource.address.kind == "iam_role_policy"]
        condition_ = policy.resource.attributes["document"]["Statement"][0]["Condition"]
        assert condition_["StringEquals"] == {"aws:ResourceTag/team": ["x"]}


class TestBoundaries:
    def test_an_agent_in_aws_needs_a_boundary_for_aws(self):
        assert codes(authority([agent("a")], boundaries=[replace(boundary(), clouds={})])) == ["E-AWS-BOUNDARY"]

    def test_a_boundary_that_allows_nothing(self):
        assert codes(authority([agent("a")], boundaries=[boundary(allow=())])) == ["E-AWS-BOUNDARY"]

    @pytest.mark.parametrize("values", [{"deny": ("s3:Foo",)}, {"global_services": ("stss",)}, {"allow": ("s3:Foo",)}])
    def test_its_actions_exist(self, values):
        assert codes(authority([agent("a")], boundaries=[boundary(**values)])) == ["E-AWS-ACTION"]


class TestAttempts:
    def attempt(self, **values):
        case = block("attempt", "aws", "put", **values)
        return authority([agent("a")], tests=[BoundaryTest("test.t", "t", ("a",), "tool_access", "denied", (case,))])

    def test_an_attempt_is_one_action(self):
        assert codes(self.attempt(action="s3:*", resource="*", context={})) == ["E-AWS-ACTION"]
        assert codes(self.attempt(action="s3:PutObjekt", resource="*", context={})) == ["E-AWS-ACTION"]
        assert codes(self.attempt(action="s3:PutObject", resource="*", context={"aws:TagKeys": ("a", "b")})) == []

    def test_a_context_is_a_map_of_texts(self):
        assert codes(self.attempt(action="s3:PutObject", resource="*", context={"k": {}})) == ["E-AWS-CONTEXT"]
