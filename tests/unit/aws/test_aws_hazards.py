"""Each hazard with a policy or trust that shows it and one that does not."""

from __future__ import annotations

from typing import Any

import pytest
from aws_workspace import ACCOUNT, sample
from provisioner_aws import provider

from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

OTHER = "444455556666"
ROLE = Address("aws", ACCOUNT, "iam_role", "ws-x")
ARN = f"arn:aws:iam::{ACCOUNT}:role/agents/ws-y"
GITHUB = "token.actions.githubusercontent.com"
LAMBDA = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}


def role(name: str, agent: str, trust: dict[str, Any], seconds: int = 3600) -> Resource:
    attributes = {"path": "/agents/", "trust": {"Version": "2012-10-17", "Statement": [trust]}}
    address = Address("aws", ACCOUNT, "iam_role", name)
    return Resource(address, {**attributes, "max_session_duration": seconds, "permissions_boundary": None}, agent)


def found(*statements: dict[str, Any], trust: dict[str, Any] = LAMBDA, agent: str = "x", seconds: int = 3600):
    policy = Address("aws", ACCOUNT, "iam_role_policy", "ws-x/p")
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    resources = [role("ws-x", agent, trust, seconds), role("ws-y", "y", LAMBDA)]
    if statements:
        resources.append(Resource(policy, {"document": document}, agent, parent=ROLE))
    world = World({item.address: item for item in resources})
    return [(hazard.rule, hazard.message) for hazard in provider.hazards(sample(), world, [agent])]


def rules(*statements: dict[str, Any], **more: Any) -> list[str]:
    """Escalation has tests of its own."""
    return [rule for rule, _ in found(*statements, **more) if rule != "PRV-4"]


def allow(action: Any, resource: Any = "arn:aws:s3:::b/k", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow("*"), ["PRV-1"]),
        (allow("s*:GetObject"), ["PRV-1"]),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b/k"}, ["PRV-1"]),
        (allow("s3:*"), ["PRV-3"]),
        (allow("s3:GetObject", "*"), ["PRV-3"]),
        (allow("s3:Get*", "*"), ["PRV-3"]),
        (allow(["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::b/*", "*"]), ["PRV-3"]),
        ({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::b/k"}, ["PRV-3"]),
        (allow("iam:PassRole", ARN), ["PRV-2"]),
        (
            allow("iam:PassRole", "arn:aws:iam::1:role/x*", Condition={"StringEquals": {"iam:PassedToService": "l"}}),
            ["PRV-2"],
        ),
        (allow("iam:Pass*", ARN), ["PRV-2"]),
        (allow("sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/*"), ["PRV-2"]),
        (allow("sts:AssumeRole", ARN), ["A2A-1"]),
        (allow("sts:AssumeRole", "arn:aws:iam::*:role/agents/*"), ["PRV-2", "A2A-1"]),
        (allow("sts:Assume*", ARN), ["A2A-1"]),
    ],
)
def test_a_policy_shows_its_hazards(statement: dict[str, Any], expected: list[str]) -> None:
    assert rules(statement) == expected


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:GetObject", "arn:aws:s3:::b/*"),
        allow("s3:ListAllMyBuckets", "*"),
        {**allow("*", "*"), "Effect": "Deny"},
        allow("iam:PassRole", ARN, Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
        allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/nobodys"),
        allow("sts:GetCallerIdentity", "*"),
    ],
)
def test_and_near_misses_do_not(statement: dict[str, Any]) -> None:
    assert rules(statement) == []


def test_a_policy_that_cannot_be_judged_is_told() -> None:
    ((rule, message),) = found({"Effect": "Perhaps", "Action": "s3:GetObject", "Resource": "*"})
    assert rule == "PRV-1" and "cannot be judged" in message


def principal(of: Any, action: str = "sts:AssumeRole", **conditions: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Principal": of, "Condition": conditions}


def web(issuer: str = GITHUB, **conditions: Any) -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
    return principal({"Federated": arn}, "sts:AssumeRoleWithWebIdentity", **conditions)


AUD = {f"{GITHUB}:aud": "sts.amazonaws.com"}
SUB = {f"{GITHUB}:sub": "repo:acme/fixer:environment:prod"}
ID = {f"{GITHUB}:repository_id": "42"}


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        (principal("*"), ["HUM-1"]),
        (principal({"AWS": "*"}), ["HUM-1"]),
        (principal({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), ["HUM-1"]),
        (principal({"AWS": ACCOUNT}), ["HUM-1"]),
        (principal({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}), ["HUM-1"]),
        (
            principal({"AWS": f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1"}),
            ["HUM-1"],
        ),
        (principal({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta"}, "sts:AssumeRoleWithSAML"), ["HUM-1"]),
        (principal({"AWS": f"arn:aws:iam::{OTHER}:role/partner"}), ["TP-1"]),
        (principal({"AWS": f"arn:aws:iam::{OTHER}:root"}), ["TP-1", "HUM-1"]),
        (principal({"AWS": ARN}), ["A2A-1"]),
        (web(StringEquals={**AUD, **ID}), ["FED-1"]),
        (web(StringEquals={**SUB, **ID}), ["FED-1"]),
        (web(**{"StringEquals": {**AUD, **ID}, "ForAllValues:StringEquals": SUB}), ["FED-1"]),
        (web(StringEquals={**AUD, **ID}, StringEqualsIfExists=SUB), ["FED-1"]),
        (web(StringEquals={**AUD, **ID}, StringLike={f"{GITHUB}:sub": "repo:acme/*"}), ["FED-2"]),
        (web(StringEquals=AUD, StringLike={f"{GITHUB}:sub": "repo:*"}), ["FED-2", "FED-4", "FED-3"]),
        (web(StringEquals={**AUD, **SUB}), ["FED-3"]),
        (web(StringEquals=AUD), ["FED-1", "FED-4"]),
        (
            web("gitlab.com", StringEquals={"gitlab.com:aud": "x", "gitlab.com:sub": "project_path:a/b:ref:x"}),
            ["FED-3"],
        ),
    ],
)
def test_a_trust_shows_its_hazards(trust: dict[str, Any], expected: list[str]) -> None:
    assert rules(trust=trust) == expected


@pytest.mark.parametrize(
    "trust",
    [
        LAMBDA,
        web(StringEquals={**AUD, **SUB, **ID}),
        web(StringEquals={**AUD, f"{GITHUB}:sub": "repo:acme@1/fixer@2:environment:prod"}),
        web("oidc.example.com", StringEquals={"oidc.example.com:aud": "a", "oidc.example.com:sub": "s"}),
        principal({"AWS": f"arn:aws:iam::{OTHER}:role/partner"}, StringEquals={"sts:ExternalId": "4711"}),
        principal({"AWS": f"arn:aws:iam::{ACCOUNT}:role/broker"}),
        {**principal("*"), "Effect": "Deny"},
    ],
)
def test_and_sound_trusts_do_not(trust: dict[str, Any]) -> None:
    assert rules(trust=trust) == []


def test_sessions_over_an_hour_count_where_the_runtime_heeds_the_cap() -> None:
    assert rules(agent="fixer", seconds=7200) == ["ATT-1"]
    assert rules(agent="triage", seconds=7200) == []


def token(subject: Any, operator: str = "StringEquals") -> dict[str, Any]:
    """A trust in tokens of a private issuer."""
    issuer = "git.acme.example"
    return {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
        "Condition": {operator: {f"{issuer}:sub": subject}, "StringEquals": {f"{issuer}:aud": "acme"}}
        if operator != "StringEquals"
        else {operator: {f"{issuer}:sub": subject, f"{issuer}:aud": "acme"}},
    }


def pod(account: str, cluster: str = "prod") -> dict[str, Any]:
    """A trust in one Kubernetes service account of a cluster."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{cluster}",
        "aws:RequestTag/kubernetes-namespace": "finance",
        "aws:RequestTag/kubernetes-service-account": account,
    }
    principal = {"Service": "pods.eks.amazonaws.com"}
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": {"StringEquals": tags}}


def bedrock(what: str) -> dict[str, Any]:
    source = {"aws:SourceArn": f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:{what}"}
    principal = {"Service": "bedrock.amazonaws.com"}
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, "Condition": {"ArnLike": source}}


@pytest.mark.parametrize(
    ("mine", "other", "shared"),
    [
        (token("project:1"), token("project:1"), True),
        (token(["project:1", "project:2"]), token("project:2"), True),
        (token("project:1"), token("project:2"), False),
        (token("project:*", "StringLike"), token("project:1"), False),  # FED-2 tells that
        (pod("triage"), pod("triage"), True),
        (pod("triage"), pod("triage", "other"), False),
        (pod("triage"), pod("sorter"), False),
        (LAMBDA, LAMBDA, False),  # the service alone names no workload
        (bedrock("agent/AAAA"), bedrock("agent/AAAA"), True),
        (bedrock("agent/AAAA"), bedrock("agent/BBBB"), False),
        (bedrock("agent/*"), bedrock("agent/*"), False),  # stands for many
    ],
)
def test_one_workload_becomes_one_agent(mine: dict[str, Any], other: dict[str, Any], shared: bool) -> None:
    world = World({item.address: item for item in (role("ws-x", "x", mine), role("ws-y", "y", other))})
    told = [hazard for hazard in provider.hazards(sample(), world, ["x", "y"]) if hazard.rule == "ID-1"]
    assert [hazard.agent for hazard in told] == (["x", "y"] if shared else [])
    if shared:
        assert "may become agent.y too" in told[0].message and "agent.x too" in told[1].message
    alone = World({item.address: item for item in (role("ws-x", "x", mine), role("ws-z", "x", other))})
    assert "ID-1" not in [hazard.rule for hazard in provider.hazards(sample(), alone, ["x"])]
