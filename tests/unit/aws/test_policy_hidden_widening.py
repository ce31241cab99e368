"""Edits that let more pass than they seem to: none of them may be called narrower or equal."""

from __future__ import annotations

from typing import Any

import pytest
from provisioner_aws.policy.compare import compare_policies
from provisioner_aws.policy.document import parse_policy
from provisioner_aws.policy.spelling import is_boolean

from provisioner.model.changes import Effect

TAG = "aws:RequestTag/flag"
ROLE, OTHER = "arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/b"
ROOT = "arn:aws:iam::111122223333:root"
Statements = list[dict[str, Any]]
W, N, E = Effect.WIDER, Effect.NARROWER, Effect.EQUAL


def allow(resource: Any = "*", action: Any = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def when(**tests: Any) -> dict[str, Any]:
    return allow(Condition={operator: {TAG: value} for operator, value in tests.items()})


def deny(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "Effect": "Deny"}


def without(element: str, item: dict[str, Any], value: Any) -> dict[str, Any]:
    """The statement with `NotAction` and the like in the place of `Action`."""
    return {name: held for name, held in item.items() if name != element} | {f"Not{element}": value}


def effect(old: Statements, new: Statements, **more: Any) -> Effect:
    sides = [[parse_policy({"Version": "2012-10-17", "Statement": items})] for items in (old, new)]
    return compare_policies(*sides, **more).effect


QUEUE = "arn:aws:sqs:eu-west-1:111122223333:q"

WIDENING: list[tuple[str, Statements, Statements]] = [
    ("a tag's text that only Bool reads as true", [], [when(StringEquals="TRUE", Bool="true")]),
    ("a tag that is neither true nor false", [when(Bool="true"), when(Bool="false")], [when(Null="false")]),
    (
        "an incomplete ARN left out stands for all that begin so",
        [without("Resource", allow(action="sqs:*"), "arn:aws:sqs")],
        [allow(QUEUE, "sqs:*")],
    ),
    (
        "an incomplete ARN denied no longer",
        [allow(QUEUE, "sqs:*"), deny(allow("arn:aws:sqs:eu-west-1", "sqs:*"))],
        [allow(QUEUE, "sqs:*"), deny(allow("arn:aws:sqs:eu-west-1::q", "sqs:*"))],
    ),
    (
        "ForAllValues is true without the key, ForAnyValue is not",
        [allow(), deny(allow(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}))],
        [allow(), deny(allow(Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}))],
    ),
    ("IfExists lets pass what lacks the key", [when(StringEquals="a")], [when(StringEqualsIfExists="a")]),
    ("NotAction that names less", [without("Action", allow(), "iam:*")], [without("Action", allow(), "iam:C*")]),
    (
        "NotResource that names less",
        [without("Resource", allow(), "arn:aws:s3:::a/*")],
        [without("Resource", allow(), "arn:aws:s3:::a/?*")],
    ),
    ("a wildcard in the middle", [allow("arn:aws:s3:::a/*/x")], [allow("arn:aws:s3:::a*/x")]),
    (
        "two operators on one key, the denying one weaker",
        [when(StringLike="a*", StringNotLike="ab*")],
        [when(StringLike="a*", StringNotLike="abc*")],
    ),
    (
        "aws:PrincipalArn as text, whose wildcard crosses a colon",
        [allow(Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}})],
        [allow(Condition={"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}})],
    ),
    ("another Version, whose variables count", [allow("arn:aws:s3:::b")], [allow("arn:aws:s3:::${aws:username}")]),
    ("another default of a variable", [allow("arn:aws:s3:::${aws:PrincipalTag/t, 'a'}/x")],
     [allow("arn:aws:s3:::${aws:PrincipalTag/t, 'b'}/x")]),
    ("the text * against the wildcard", [allow("arn:aws:s3:::a${*}")], [allow("arn:aws:s3:::a*")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), WIDENING, ids=[row[0] for row in WIDENING])
def test_what_widens_is_never_called_less(name: str, old: Statements, new: Statements) -> None:
    assert effect(old, new) in (W, Effect.UNKNOWN)


def trust(principal: Any, element: str = "Principal", kind: str = "Allow") -> dict[str, Any]:
    return {"Effect": kind, "Action": "sts:AssumeRole", element: principal}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([trust({"AWS": ROLE})], [trust({"AWS": ROOT})]),
        ([trust({"AWS": ROOT})], [trust({"AWS": ROLE})]),  # the role then needs no policy of its own
        ([trust({"AWS": "*"})], [trust("*")]),
        ([trust("*"), trust({"AWS": ROOT}, kind="Deny")], [trust("*"), trust({"AWS": ROLE}, kind="Deny")]),
        (
            [trust("*"), trust({"AWS": [ROLE, ROOT]}, "NotPrincipal", "Deny")],
            [trust("*"), trust({"AWS": [ROLE, ROOT, OTHER]}, "NotPrincipal", "Deny")],
        ),
        ([trust({"AWS": [ROLE, ROOT]}, "NotPrincipal")], [trust({"AWS": [ROLE]}, "NotPrincipal")]),
    ],
)
def test_who_may_become_a_role(old: Statements, new: Statements) -> None:
    assert effect(old, new, outright=False) in (W, Effect.UNKNOWN)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ([allow("arn:aws:s3")], [allow("arn:aws:s3:::b/*")], N),
        ([allow("arn:aws:s3")], [allow("arn:aws:s3:*:*:*")], E),
        ([allow("arn:aws:s3:::b/*")], [allow("arn:aws:s3")], W),
        ([allow(Condition={"Bool": {"aws:SecureTransport": "true"}}),
          allow(Condition={"BoolIfExists": {"aws:SecureTransport": "false"}})], [allow()], E),
    ],
)  # fmt: skip
def test_what_is_decided_stays_so(old: Statements, new: Statements, wanted: Effect) -> None:
    assert effect(old, new) is wanted


def test_in_a_policy_of_a_resource_an_incomplete_arn_is_taken_as_it_stands() -> None:
    old = [{**allow("arn:aws:s3"), "Principal": "*"}]
    new = [{**allow("arn:aws:s3:::b/*"), "Principal": "*"}]
    assert effect(old, new) is W


def test_only_keys_that_are_booleans_have_two_values() -> None:
    assert is_boolean("kms:GrantIsForAWSResource") and is_boolean("aws:SecureTransport")
    assert not any(map(is_boolean, (TAG, "s3:prefix", "ec2:NoSuchKey", "nosuch:key", "issuer.example:sub")))
