"""What a tool needs of a resource's own policy: made as a statement to hand over, and held against what is live."""

from __future__ import annotations

import json

import pytest
from aws_workspace import ACCOUNT, agent, authority, block, condition, grant, statement, tool
from provisioner_aws import provider
from provisioner_aws.handover import check_resource_policies

from provisioner.model.resources import Coverage, ResourcePolicy, Snapshot

BUCKET = "arn:aws:s3:::acme-inbox"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/ws-triage"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NEEDED = {"Effect": "Allow", "Principal": {"AWS": [ROLE]}, "Action": ["s3:GetObject"], "Resource": [f"{BUCKET}/*"]}
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}


def workspace(arn=BUCKET, *statements, agents=("triage",)):
    found = statements or (statement(["s3:GetObject"], [f"{BUCKET}/*"]),)
    inbox = tool("inbox", *found, requires=(block("requires", "resource_policy", resource=arn),))
    return authority([agent(name) for name in agents], [inbox], [grant("reads", agents, ["inbox"])])


def said(live, of=None, unread="", arn=BUCKET):
    document = {"Version": "2012-10-17", "Statement": live} if live is not None else None
    policies = (ResourcePolicy(ACCOUNT, arn, document, unread),)
    return list(check_resource_policies(of or workspace(), Snapshot((), Coverage(), policies=policies)))


def allow(principal, action="s3:GetObject", resource=f"{BUCKET}/*", **more):
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource, **more}


def statements_in(problem):
    start, end = min(i for i in map(problem.detail.find, "[{") if i >= 0), problem.detail.rfind(" . It")
    return json.loads(problem.detail[start:end])


@pytest.mark.parametrize(
    "live",
    [
        [allow({"AWS": ROLE})],
        allow({"AWS": ROLE}),
        [allow("*", "s3:*", "*")],
        [allow({"AWS": ROOT}, "s3:Get*")],
        [allow({"AWS": ACCOUNT})],
        [allow({"AWS": ROLE}), {**allow("*", "s3:*", "*", Condition=PLAIN_HTTP), "Effect": "Deny"}],
    ],
)
def test_nothing_is_said_where_it_is_there(live):
    assert said(live) == []


@pytest.mark.parametrize(
    "live",
    [
        None,
        [],
        [allow({"AWS": f"{ROLE}-other"})],
        [allow({"AWS": "arn:aws:iam::444455556666:root"})],
        [allow({"AWS": ROLE}, "s3:PutObject")],
        [allow({"AWS": ROLE}, resource=f"{BUCKET}/other/*")],
        [allow({"AWS": ROLE}, Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})],
        [{**allow({"AWS": ROLE}), "Effect": "Deny", "Action": "s3:PutObject"}],
    ],
)
def test_what_lacks_is_handed_over(live):
    (problem,) = said(live)
    assert problem.code == "W-AWS-RESOURCE-POLICY" and not problem.is_error
    assert "does not admit its agents" in problem.summary and BUCKET in problem.summary
    assert statements_in(problem) == NEEDED


def test_with_the_statement_that_was_handed_over_nothing_is_said():
    (problem,) = said([])
    assert said([statements_in(problem)]) == []


def test_a_deny_that_leaves_nothing_is_told():
    (problem,) = said([allow({"AWS": ROLE}), {**allow("*", "s3:*", "*"), "Effect": "Deny"}])
    assert "denies what its agents need" in problem.summary


@pytest.mark.parametrize("unread", ["AccessDenied: no (it takes s3:GetBucketPolicy)", "NoSuchBucket: gone"])
def test_what_could_not_be_read_is_not_called_there_or_missing(unread):
    (problem,) = said(None, unread=unread)
    assert "was not judged" in problem.summary and unread in problem.detail
    assert statements_in(problem) == NEEDED


@pytest.mark.parametrize("live", [[{"Effect": "Perhaps"}], ["x"], "x"])
def test_a_policy_that_is_none_is_not_decided(live):
    (problem,) = said(live)
    assert "could not be decided" in problem.summary


def test_agents_that_hold_the_same_share_a_statement_and_conditions_are_kept():
    listing = statement(["s3:ListBucket"], [BUCKET], condition("StringLike", "s3:prefix", "in/*"))
    elsewhere = statement(["dynamodb:GetItem"], [f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/x"])
    (problem,) = said([], workspace(BUCKET, listing, elsewhere, agents=("triage", "fixer")))
    assert statements_in(problem) == {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:role/agents/ws-fixer", ROLE]},
        "Action": ["s3:ListBucket"],
        "Resource": [BUCKET],
        "Condition": {"StringLike": {"s3:prefix": ["in/*"]}},
    }


def test_a_key_policy_speaks_of_the_key_itself():
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
    of = workspace(key, statement(["kms:Decrypt"], [key]))
    (problem,) = said([], of, arn=key)
    assert statements_in(problem)["Resource"] == ["*"]
    assert said([allow({"AWS": ROOT}, "kms:*", "*")], of, arn=key) == []


def test_a_tool_that_nobody_is_granted_asks_for_nothing():
    of = authority([agent("triage")], workspace().configuration.tools.values())
    assert provider.required(of) == frozenset() and said([], of) == []


class TestPermissions:
    def test_a_plan_may_read_what_is_named_and_an_apply_need_not(self):
        of = workspace()
        by_purpose = {p: next(iter(provider.permissions(of, (), p))).document for p in ("plan", "drift", "apply")}
        found = {
            purpose: [s["Resource"] for s in document["Statement"] if "s3:GetBucketPolicy" in s["Action"]]
            for purpose, document in by_purpose.items()
        }
        assert found == {"plan": [[BUCKET]], "drift": [[BUCKET]], "apply": []}
