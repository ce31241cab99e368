"""A boundary policy that the organisation owns: used by ARN, never made, changed or deleted here."""

from __future__ import annotations

import json

import pytest
from aws_workspace import agent, authority, boundary
from provisioner_aws import provider
from provisioner_aws.reader import AWSReader

from provisioner.planning.diff import compare
from provisioner.sdk import Scope

ARN = "arn:aws:iam::123456789012:policy/org/agent-limit"
EVERYWHERE = "arn:aws:iam::*:policy/org/agent-limit"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def workspace(policy: str = EVERYWHERE):
    return authority([agent("a"), agent("b")], boundaries=[boundary(policy=policy)])


def role(desired):
    return next(i.resource for i in desired if i.resource.address.name == "ws-a")


def read(port, connect, desired):
    addresses = frozenset(a for i in desired for a in (i.resource.address, *i.resource.uses))
    return AWSReader([connect(port)]).read(Scope("ws", addresses))


@pytest.mark.parametrize("policy", [ARN, EVERYWHERE])
def test_it_is_used_and_not_made(policy):
    desired = tuple(provider.compile(workspace(policy)))
    assert {item.resource.address.kind for item in desired} == {"iam_role"}
    assert role(desired).attributes["permissions_boundary"] == ARN
    assert [address.name for address in role(desired).uses] == ["agent-limit"]


def test_awss_own_policies_serve_too():
    arn = "arn:aws:iam::aws:policy/PowerUserAccess"
    desired = tuple(provider.compile(workspace(arn)))
    assert role(desired).attributes["permissions_boundary"] == arn
    assert [address.name for address in role(desired).uses] == [arn]


def test_one_that_is_not_there_stops_the_plan(port, connect):
    of = workspace()
    desired = tuple(provider.compile(of))
    (problem,) = provider.check(of, desired, read(port, connect, desired))
    assert problem.is_error and problem.code == "E-AWS-BOUNDARY"
    assert f"has no policy {ARN}" in problem.summary


def test_one_that_is_there_is_read_and_left_alone(port, connect, iam):
    iam.create_policy(PolicyName="agent-limit", Path="/org/", PolicyDocument=json.dumps(DOCUMENT))
    of = workspace()
    desired = tuple(provider.compile(of))
    live = read(port, connect, desired)
    assert list(provider.check(of, desired, live)) == []
    assert [r.address.name for r in live.resources] == ["agent-limit"]
    found = compare("ws", desired, live.resources, {"aws": provider.schema().kinds}).found
    assert {item.address.name for item in found} == {"ws-a", "ws-b"}


def test_what_is_no_policy_is_refused():
    (problem,) = provider.validate(workspace("arn:aws:s3:::bucket"))
    assert problem.code == "E-AWS-ARN"


def test_the_runner_may_use_it():
    of = workspace()
    (policy,) = provider.permissions(of, tuple(provider.compile(of)), "apply")
    (statement,) = [item for item in policy.document["Statement"] if "iam:CreateRole" in item["Action"]]
    assert ARN in statement["Condition"]["ArnLike"]["iam:PermissionsBoundary"]
