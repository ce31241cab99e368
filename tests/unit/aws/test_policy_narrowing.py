"""What needs no signature under `narrowing = "notify"`: proved from the change alone."""

from __future__ import annotations

from typing import Any

import pytest
from provisioner_aws.policy.narrowing import narrows

from provisioner.model.changes import Action, Change, Effect, Surface
from provisioner.model.resources import Address


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def deny(*actions: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"document": {"Version": "2012-10-17", "Statement": list(statements)}}


def change(kind: str, before: Any, after: Any) -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    address = Address("aws", "111122223333", kind, "acme-triage/reads" if kind != "iam_role" else "acme-triage")
    return Change(
        1, action, address, "x", "triage", None, (Surface.TOOL_ACCESS,), {}, Effect.NARROWER, (), (), "", before, after
    )


POLICY = "iam_role_policy"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (document(allow("s3:GetObject", "s3:PutObject")), document(allow("s3:GetObject")), True),
        (document(allow("s3:GetObject")), None, True),
        (document(allow("s3:GetObject")), document(allow("s3:GetObject")), False),
        (document(allow("s3:GetObject")), document(allow("s3:PutObject")), False),
        (None, document(allow("s3:GetObject")), False),
        (document(allow("s3:*"), deny("iam:*")), document(allow("s3:GetObject"), deny("iam:*")), True),
        (document(allow("s3:*"), deny("iam:*")), document(allow("s3:GetObject")), False),
        (document(allow("s3:*"), deny("iam:*")), None, False),
        (document(allow("s3:*")), document(allow("s3:*"), deny("s3:PutObject")), True),
        ({"document": None}, None, False),
        ({"document": {"Statement": "junk"}}, None, False),
    ],
)
def test_a_policy_narrows_only_whatever_else_there_is(before: Any, after: Any, expected: bool) -> None:
    assert narrows(change(POLICY, before, after)) is expected


def test_detaching_is_never_plain_enough() -> None:
    """The document that a plan names for a managed policy is not compared with the live one."""
    attached = {"policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"} | document(allow("s3:GetObject"))
    assert not narrows(change("iam_role_attachment", attached, None))


def test_a_role_that_goes_and_a_trust_that_shrinks() -> None:
    def trust(*services: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": list(services)}}
        return {"trust": {"Version": "2012-10-17", "Statement": [statement]}, "max_session_duration": 3600}

    both, one = trust("lambda.amazonaws.com", "ec2.amazonaws.com"), trust("lambda.amazonaws.com")
    assert narrows(change("iam_role", one, None))
    assert narrows(change("iam_role", both, one))
    assert not narrows(change("iam_role", one, both))
    assert not narrows(change("iam_role", None, one))
    assert not narrows(change("iam_role", one, {**one, "max_session_duration": 7200}))
    without = {**one, "permissions_boundary": None}
    limited = {**one, "permissions_boundary": "arn:aws:iam::111122223333:policy/agents"}
    assert narrows(change("iam_role", without, limited))
    assert not narrows(change("iam_role", limited, without))


def test_a_kind_that_nobody_knows_is_not_narrower() -> None:
    assert not narrows(change("something", {"a": 1}, None))
