"""A decision about a world names the statements that decide, and what their policies stand on."""

from __future__ import annotations

from aws_workspace import ACCOUNT
from provisioner_aws import provider

from provisioner.model.requests import Answer, Assume, Attempt, Deciding, World
from provisioner.model.resources import Address, Resource

ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/ws-x"
LIMIT = f"arn:aws:iam::{ACCOUNT}:policy/agents/ws-limit"


def world() -> World:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
        ],
    }
    role = Resource(
        Address("aws", ACCOUNT, "iam_role", "ws-x"),
        {"path": "/agents/", "trust": trust, "permissions_boundary": LIMIT},
        "x",
    )
    reads = {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Keys", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
            {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
        ],
    }
    inline = Resource(
        Address("aws", ACCOUNT, "iam_role_policy", "ws-x/reads"), {"document": reads}, "x", parent=role.address
    )
    limits = {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Most", "Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"},
            {"Sid": "Stop", "Effect": "Deny", "Action": "kms:*", "Resource": "*"},
        ],
    }
    boundary = Resource(Address("aws", ACCOUNT, "iam_policy", "ws-limit"), {"path": "/agents/", "document": limits})
    return World({item.address: item for item in (role, inline, boundary)})


def deciding(action: str) -> tuple[Answer, tuple[Deciding, ...]]:
    found = provider.evaluate(world(), Attempt("x", {"action": action, "resource": "arn:aws:s3:::b/k"}))
    return found.answer, found.deciding


def test_an_allow_is_named_in_every_layer_that_must_allow() -> None:
    answer, named = deciding("s3:GetObject")
    assert answer is Answer.ALLOWED
    assert set(named) == {
        Deciding("inline policy reads", "Read", "Allow", ROLE),
        Deciding("boundary ws-limit", "Most", "Allow", LIMIT),
    }


def test_a_deny_is_named_alone() -> None:
    assert deciding("kms:Decrypt") == (Answer.DENIED, (Deciding("boundary ws-limit", "Stop", "Deny", LIMIT),))


def test_where_nothing_allows_nothing_is_named() -> None:
    assert deciding("s3:PutObject") == (Answer.DENIED, ())


def test_a_trust_is_named_by_its_role() -> None:
    found = provider.evaluate(world(), Assume("x", {"service": "ecs-tasks.amazonaws.com"}))
    assert found.answer is Answer.ALLOWED
    assert found.deciding == (Deciding("the trust of role ws-x", "1", "Allow", ROLE),)
