"""Techniques on small worlds: those that work are found with their steps, those that a limit stops are not."""

from __future__ import annotations

from typing import Any

import pytest
from aws_workspace import ACCOUNT, sample
from provisioner_aws.escalation import describe_path, escalations, techniques

from provisioner.model.graph import EscalationPath
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

PASS = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
X, Y = f"arn:aws:iam::{ACCOUNT}:role/agents/ws-x", f"arn:aws:iam::{ACCOUNT}:role/agents/ws-y"
HELD = f"arn:aws:iam::{ACCOUNT}:policy/agents/ws-boundary-agents"


def service(name: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": name}}


def role(name: str, agent: str, trust: dict[str, Any], boundary: str | None = None) -> Resource:
    attributes = {"path": "/agents/", "trust": {"Version": "2012-10-17", "Statement": [trust]}}
    address = Address("aws", ACCOUNT, "iam_role", name)
    return Resource(address, {**attributes, "permissions_boundary": boundary}, agent)


def allow(*actions: str, on: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def paths(
    *statements: dict[str, Any], trust: dict[str, Any] | None = None, bounded: bool = False
) -> list[EscalationPath]:
    resources = [
        role("ws-x", "x", service("ecs-tasks.amazonaws.com"), HELD if bounded else None),
        role("ws-y", "y", trust or service("lambda.amazonaws.com")),
    ]
    address = Address("aws", ACCOUNT, "iam_role_policy", "ws-x/p")
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    resources.append(Resource(address, {"document": document}, "x", parent=resources[0].address))
    if bounded:
        where = Address("aws", ACCOUNT, "iam_policy", "ws-boundary-agents")
        limits = {"Version": "2012-10-17", "Statement": [allow("s3:*", "lambda:*", "iam:CreatePolicyVersion")]}
        resources.append(Resource(where, {"path": "/agents/", "document": limits}))
    return list(escalations(sample(), World({item.address: item for item in resources}), ["x"]))


def ids(*statements: dict[str, Any], **more: Any) -> list[str]:
    return list(dict.fromkeys(path.technique for path in paths(*statements, **more)))


def test_the_table_is_sound() -> None:
    table = techniques()
    assert len(table) >= 35 and len({item.id for item in table}) == len(table)
    assert all(item.source.startswith("https://") and item.needs for item in table)


def test_passing_another_agents_role_to_a_function() -> None:
    passing = allow("iam:PassRole", on=Y, Condition=PASS)
    (path,) = paths(passing, allow("lambda:CreateFunction", "lambda:InvokeFunction"))
    assert (path.technique, path.target, path.target_agent, path.certain) == ("pass-lambda-invoke", Y, "y", True)
    assert [step.permission for step in path.steps] == [
        "iam:PassRole",
        "lambda:CreateFunction",
        "lambda:InvokeFunction",
    ]
    assert "it then is agent.y" in describe_path(path) and "(inline policy p)" in describe_path(path)


@pytest.mark.parametrize(
    "statements",
    [
        (allow("iam:PassRole", on=Y),),  # nothing to pass it to
        (allow("lambda:CreateFunction", "lambda:InvokeFunction"),),  # nothing to pass
        (allow("iam:PassRole", on=Y), allow("ec2:RunInstances")),  # the role does not trust EC2
        (  # a condition that this service does not meet
            allow("iam:PassRole", on=Y, Condition={"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}),
            allow("lambda:CreateFunction", "lambda:InvokeFunction"),
        ),
        (  # an explicit deny
            allow("iam:PassRole", on=Y),
            allow("lambda:CreateFunction", "lambda:InvokeFunction"),
            {**allow("iam:PassRole"), "Effect": "Deny"},
        ),
        (allow("s3:GetObject", on="arn:aws:s3:::b/*"),),
    ],
)
def test_near_misses_are_none(statements: tuple[dict[str, Any], ...]) -> None:
    assert ids(*statements) == []


def test_a_wildcard_passes_any_role() -> None:
    found = paths(allow("iam:PassRole"), allow("ec2:RunInstances"))
    assert {path.target for path in found} == {f"arn:aws:iam::{ACCOUNT}:role/any-role"}


@pytest.mark.parametrize(
    ("action", "on", "expected"),
    [
        ("iam:PutRolePolicy", X, "put-own-role-policy"),
        ("iam:Attach*", X, "attach-own-role-policy"),
        ("iam:DeleteRolePermissionsBoundary", "*", "drop-own-boundary"),
        ("iam:CreateAccessKey", "*", "create-access-key"),
        ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/bob", "create-access-key"),
        ("lambda:UpdateFunctionCode", "*", "update-function-code"),
        (
            "lambda:UpdateFunctionCode",
            f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:pay",
            "update-function-code",
        ),
        ("ssm:StartSession", "*", "ssm-session"),
        ("sso:CreateAccountAssignment", "*", "sso-assignment"),
    ],
)
def test_single_permissions(action: str, on: str, expected: str) -> None:
    assert ids(allow(action, on=on)) == [expected]


def test_policies_that_the_agent_holds() -> None:
    assert ids(allow("iam:CreatePolicyVersion"), bounded=True) == ["create-policy-version"]
    assert ids(allow("iam:CreatePolicyVersion"), bounded=False) == []  # it holds none that it could write


def test_a_boundary_stops_what_it_does_not_allow() -> None:
    assert ids(allow("iam:PutRolePolicy", on=X), bounded=True) == []
    assert ids(allow("lambda:UpdateFunctionCode"), bounded=True) == ["update-function-code"]


def test_assuming_needs_both_sides() -> None:
    admits = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": X}}
    assert ids(allow("sts:AssumeRole", on=Y), trust=admits) == ["assume-role"]
    assert ids(allow("sts:AssumeRole", on=Y)) == []
    assert ids(allow("sts:AssumeRole", "iam:UpdateAssumeRolePolicy", on=Y)) == ["update-trust"]


def test_what_depends_on_context_is_a_path_that_is_not_certain() -> None:
    (path,) = paths(allow("iam:PutRolePolicy", on=X, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    assert not path.certain and describe_path(path).endswith("if the context allows it")
