"""What an agent holds on AWS under its boundary, and which actions its statements name for a resource."""

from __future__ import annotations

from typing import Any

import pytest
from provisioner_aws import provider
from provisioner_aws.listing import becoming, candidates, holdings_of, speaks

from provisioner.model.questions import Holding, Within
from provisioner.model.requests import Answer, World
from provisioner.model.resources import Address, Resource
from provisioner.sdk.listing import Listing, Speaking

ACCOUNT = "111122223333"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/outer"
OBJECT = "arn:aws:s3:::b/k"
Statements = list[dict[str, Any]]


def allow(action: Any = "s3:GetObject", resource: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role(agent: str, trust: Any = None, boundary: str | None = None) -> Resource:
    attributes = {"path": "/", "permissions_boundary": boundary, "trust": trust}
    return Resource(Address("aws", ACCOUNT, "iam_role", agent), attributes, agent)


def world(statements: Statements, limit: Statements | None = None, unread: bool = False) -> World:
    """One agent `a` with these statements, under a boundary where `limit` is given (`unread`: its text is nowhere)."""
    outer = Resource(Address("aws", ACCOUNT, "iam_policy", "outer"), {"path": "/", "document": policy(*(limit or []))})
    mine = role("a", boundary=BOUNDARY if limit is not None or unread else None)
    inline = Resource(
        Address("aws", ACCOUNT, "iam_role_policy", "a/p"), {"document": policy(*statements)}, "a", mine.address
    )
    found = [mine, inline, *([outer] if limit is not None else [])]
    return World({item.address: item for item in found}, "2026-11-24T00:00:00Z")


def one(statements: Statements, limit: Statements | None = None) -> Holding:
    (found,), unread = holdings_of(world(statements, limit), "a")
    assert unread == ()
    return found


def test_the_provider_offers_it() -> None:
    assert isinstance(provider, Listing)
    assert isinstance(provider, Speaking)


@pytest.mark.parametrize(
    ("action", "is_one"),
    [("s3:GetObject", True), ("s3:Get*", False), ("a.b.c", False), ("s3:", False), ("s3:a:b", False)],
)
def test_one_action(action: str, is_one: bool) -> None:
    assert speaks(action) is is_one


class TestWithin:
    def test_no_boundary(self) -> None:
        found = one([allow()])
        assert (found.within, found.policy, found.statement, found.effect) == (
            Within.ALL,
            "inline policy p",
            "1",
            "Allow",
        )

    @pytest.mark.parametrize(
        ("limit", "within"),
        [
            ([allow("s3:*", "*")], Within.ALL),
            ([allow("s3:Get*", "arn:aws:s3:::b/*")], Within.ALL),
            ([allow("s3:*", "arn:aws:s3:::b/in/*")], Within.PART),
            ([allow("s3:*", "arn:aws:s3:::c/*")], Within.NONE),
            ([allow("sqs:*", "*")], Within.NONE),
            ([], Within.NONE),
            ([allow("s3:*", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})], Within.PART),
            ([allow("s3:*", "*"), deny("s3:GetObject", "arn:aws:s3:::b/secret")], Within.PART),
            ([allow("s3:*", "*"), deny("iam:*")], Within.ALL),
            ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], Within.ALL),
            ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], Within.NONE),
            ([allow("s3:*", "*"), {"Effect": "Deny", "NotAction": "sts:*", "Resource": "*"}], Within.PART),
        ],
    )
    def test_what_the_boundary_leaves(self, limit: Statements, within: Within) -> None:
        found = one([allow()], limit)
        assert found.within is within
        assert bool(found.limits) is (within is not Within.ALL)

    def test_a_wildcard_is_not_within_what_it_is_wider_than(self) -> None:
        assert one([allow("s3:*")], [allow("s3:Get*", "*")]).within is Within.PART
        assert one([allow(resource="*")], [allow()]).within is Within.PART

    def test_actions_that_fare_differently_are_rows_of_their_own(self) -> None:
        found, _ = holdings_of(world([allow(["s3:GetObject", "sqs:SendMessage"])], [allow("s3:*", "*")]), "a")
        assert {row.actions: row.within for row in found} == {
            ("s3:GetObject",): Within.ALL,
            ("sqs:SendMessage",): Within.NONE,
        }

    def test_what_is_left_out_is_said_so(self) -> None:
        found = one([{"Effect": "Allow", "NotAction": "iam:*", "NotResource": OBJECT}], [allow("s3:*", "*")])
        assert (found.but_actions, found.but_resources, found.within) == (True, True, Within.PART)

    def test_an_unread_boundary_is_not_known(self) -> None:
        (found,), unread = holdings_of(world([allow()], unread=True), "a")
        assert found.within is Within.UNKNOWN
        assert unread == (BOUNDARY,)

    def test_a_deny_is_listed(self) -> None:
        assert (one([deny("s3:*")]).effect, one([deny("s3:*")]).within) == ("Deny", Within.ALL)


class TestCandidates:
    @pytest.mark.parametrize(
        ("statement", "resource", "named"),
        [
            (allow(), OBJECT, {"s3:GetObject"}),
            (allow(), "arn:aws:s3:::c/k", set()),
            (allow("S3:getobject"), OBJECT, {"s3:GetObject"}),
            (allow(["s3:GetObject", "s3:ListBucket"], "*"), OBJECT, {"s3:GetObject"}),
            (allow(["s3:GetObject", "s3:ListBucket"], "*"), "arn:aws:s3:::b", {"s3:ListBucket"}),
            (allow("s3:PutObjectT*"), OBJECT, {"s3:PutObjectTagging"}),
            (allow("nobody:knows", "*"), OBJECT, {"nobody:knows"}),
            (allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/team}/*"), "arn:aws:s3:::b/x/1", {"s3:GetObject"}),
            (deny("s3:GetObject"), OBJECT, set()),
        ],
    )
    def test_what_the_statements_name(self, statement: dict[str, Any], resource: str, named: set[str]) -> None:
        assert set(candidates(world([statement]), "a", resource)) == named

    def test_everything_is_the_resources_own_service(self) -> None:
        everything = set(candidates(world([allow("*", "*")]), "a", OBJECT))
        assert {"s3:GetObject", "s3:DeleteObject"} <= everything
        assert all(action.startswith("s3:") for action in everything)
        without = {"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}
        rest = set(candidates(world([without]), "a", OBJECT))
        assert rest == {action for action in everything if not action.startswith("s3:Get")}

    def test_actions_without_a_resource(self) -> None:
        assert candidates(world([allow("s3:ListAllMyBuckets", "*")]), "a", "*") == ("s3:ListAllMyBuckets",)
        assert candidates(world([allow("s3:ListAllMyBuckets", "*")]), "a", OBJECT) == ()


class TestBecoming:
    def _world(self, condition: dict[str, Any]) -> World:
        arn = f"arn:aws:iam::{ACCOUNT}:role/a"
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": arn},
            "Action": "sts:AssumeRole",
            **({"Condition": condition} if condition else {}),
        }
        base = world([allow("sts:AssumeRole", "*")])
        target = role("b", policy(statement))
        return World({**base.resources, target.address: target}, base.now)

    def test_the_caller_says_what_the_trust_wants_to_hear(self) -> None:
        chosen = {"StringEquals": {"sts:RoleSessionName": "a", "sts:ExternalId": "x"}}
        assert becoming(self._world(chosen), "a", "b", {}).answer is Answer.ALLOWED
        assert becoming(self._world({}), "a", "b", {}).answer is Answer.ALLOWED

    def test_and_the_question_says_the_rest(self) -> None:
        found = self._world({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
        assert becoming(found, "a", "b", {}).missing == ("aws:SourceIp",)
        assert becoming(found, "a", "b", {"aws:SourceIp": ("192.0.2.7",)}).answer is Answer.ALLOWED
        assert becoming(found, "a", "b", {"aws:SourceIp": ("198.51.100.7",)}).answer is Answer.DENIED

    def test_nobody_becomes_anybody(self) -> None:
        assert becoming(self._world({}), "nobody", "b", {}).answer is Answer.DENIED
