"""Effects of changes: what is proven, what is shown by a witness, what stays undecided, and how it is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aws_workspace import ACCOUNT, provider, sample, sample_changed
from provisioner_aws.policy.assess import assess
from provisioner_aws.policy.compare import compare, compare_policies
from provisioner_aws.policy.document import parse_policy

from provisioner.model.changes import Action, Assessment, Change, Effect
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

WIDER, NARROWER, EQUAL, UNKNOWN = Effect.WIDER, Effect.NARROWER, Effect.EQUAL, Effect.UNKNOWN


def allow(action: Any = "s3:GetObject", resource: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "s3:GetObject", resource: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def when(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


def judge(
    old: list[dict[str, Any]], new: list[dict[str, Any]], shared: list[dict[str, Any]] | None = None
) -> Assessment:
    sides = [[parse_policy({"Version": "2012-10-17", "Statement": side})] for side in (old, new, shared or [])]
    return compare(*sides)


NOT_IAM = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
NOT_IAM_NOR_STS = {"Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*"}
NOT_BUCKET = {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"}

PAIRS = [
    ("the same in other words", [allow()], [allow("S3:getobject", ["arn:aws:s3:::b/*"])], EQUAL),
    ("a redundant action", [allow("s3:*")], [allow(["s3:*", "s3:GetObject"])], EQUAL),
    ("two statements or one", [allow("s3:a"), allow("s3:b")], [allow(["s3:a", "s3:b"])], EQUAL),
    ("resources together", [allow(resource="x"), allow(resource="y")], [allow(resource=["x", "y"])], EQUAL),
    ("an action more", [allow()], [allow(["s3:GetObject", "s3:PutObject"])], WIDER),
    ("an action less", [allow(["s3:GetObject", "s3:PutObject"])], [allow()], NARROWER),
    ("a wildcard", [allow()], [allow("s3:Get*")], WIDER),
    ("any action", [allow("s3:*")], [allow("*")], WIDER),
    ("a longer prefix", [allow()], [allow(resource="arn:aws:s3:::b/in/*")], NARROWER),
    ("another bucket", [allow()], [allow(resource="arn:aws:s3:::c/*")], WIDER),
    ("a bucket by pattern", [allow(resource="arn:aws:s3:::acme-?/*")], [allow(resource="arn:aws:s3:::acme-*")], WIDER),
    ("a condition comes", [allow()], [allow(**when("StringLike", "s3:prefix", "in/*"))], NARROWER),
    ("a condition goes", [allow(**when("StringLike", "s3:prefix", "in/*"))], [allow()], WIDER),
    (
        "a value more",
        [allow(**when("StringEquals", "s3:prefix", "a"))],
        [allow(**when("StringEquals", "s3:prefix", "a", "b"))],
        WIDER,
    ),
    (
        "a negated value more",
        [allow(**when("StringNotEquals", "s3:prefix", "a"))],
        [allow(**when("StringNotEquals", "s3:prefix", "a", "b"))],
        NARROWER,
    ),
    (
        "equal to like",
        [allow(**when("StringLike", "s3:prefix", "in/*"))],
        [allow(**when("StringEquals", "s3:prefix", "in/x"))],
        NARROWER,
    ),
    (
        "if exists",
        [allow(**when("StringEquals", "s3:prefix", "a"))],
        [allow(**when("StringEqualsIfExists", "s3:prefix", "a"))],
        WIDER,
    ),
    (
        "for all values",
        [allow(**when("ForAnyValue:StringEquals", "aws:TagKeys", "a"))],
        [allow(**when("ForAllValues:StringEquals", "aws:TagKeys", "a"))],
        WIDER,
    ),
    (
        "a later end",
        [allow(**when("DateLessThan", "aws:CurrentTime", "2027-02-01T00:00:00Z"))],
        [allow(**when("DateLessThan", "aws:CurrentTime", "2027-03-01T00:00:00Z"))],
        WIDER,
    ),
    (
        "an earlier end",
        [allow(**when("DateLessThan", "aws:CurrentTime", "2027-02-01T00:00:00Z"))],
        [allow(**when("DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z"))],
        NARROWER,
    ),
    (
        "fewer keys",
        [allow(**when("NumericLessThanEquals", "s3:max-keys", 100))],
        [allow(**when("NumericLessThan", "s3:max-keys", 100))],
        NARROWER,
    ),
    (
        "a smaller network",
        [allow(**when("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
        [allow(**when("IpAddress", "aws:SourceIp", "10.1.0.0/16"))],
        NARROWER,
    ),
    (
        "a network more",
        [allow(**when("IpAddress", "aws:SourceIp", "10.0.0.0/8"))],
        [allow(**when("IpAddress", "aws:SourceIp", "10.0.0.0/8", "192.0.2.0/24"))],
        WIDER,
    ),
    (
        "present by Null",
        [allow(**when("Null", "s3:prefix", "false"))],
        [allow(**when("StringLike", "s3:prefix", "*"))],
        EQUAL,
    ),
    (
        "an ARN part",
        [allow(**when("ArnLike", "aws:SourceArn", "arn:aws:ecs:*:1:*"))],
        [allow(**when("ArnLike", "aws:SourceArn", "arn:aws:ecs:eu-west-1:1:*"))],
        NARROWER,
    ),
    (
        "a variable for its value",
        [allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/t}/*")],
        [allow()],
        WIDER,
    ),
    ("a value for any", [allow()], [allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/t}/*")], NARROWER),
    ("a deny comes", [allow()], [allow(), deny("s3:*")], NARROWER),
    ("a deny goes", [allow(), deny(resource="arn:aws:s3:::b/secret/*")], [allow()], WIDER),
    (
        "a deny gets a condition",
        [allow(), deny()],
        [allow(), deny(**when("Bool", "aws:SecureTransport", False))],
        WIDER,
    ),
    ("a deny of nothing allowed goes", [allow(), deny("iam:*")], [allow()], WIDER),
    ("not action shrinks", [NOT_IAM_NOR_STS], [NOT_IAM], WIDER),
    ("not action grows", [NOT_IAM], [NOT_IAM_NOR_STS], NARROWER),
    ("an action outside a not action", [NOT_IAM], [allow("s3:GetObject", "*")], NARROWER),
    ("an action inside a not action", [NOT_IAM], [allow("iam:PassRole", "*")], WIDER),
    ("a resource outside a not resource", [NOT_BUCKET], [allow("s3:*", "arn:aws:s3:::c/*")], NARROWER),
    ("everything but", [allow("s3:*", "arn:aws:s3:::c/*")], [NOT_BUCKET], WIDER),
    ("an unknown operator stays", [allow(**when("Odd", "k:k", "1"))], [allow(**when("Odd", "k:k", "1"))], EQUAL),
    ("an unknown operator changes", [allow(**when("Odd", "k:k", "1"))], [allow(**when("Odd", "k:k", "2"))], UNKNOWN),
    ("wider and narrower", [allow("s3:a")], [allow("s3:b")], WIDER),
]


@pytest.mark.parametrize(("name", "old", "new", "effect"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_effects(name: str, old: list[dict[str, Any]], new: list[dict[str, Any]], effect: Effect) -> None:
    found = judge(old, new)
    assert found.effect is effect, found
    if effect is WIDER:
        assert found.can
        assert found.reason.startswith("for example ")
    if effect is UNKNOWN:
        assert found.reason.startswith("undecided: ")
    if effect is NARROWER:
        assert found.cannot
        assert not found.can


def test_a_witness_is_one_that_a_human_can_read() -> None:
    found = judge([allow()], [allow(), allow("s3:Put*", "arn:aws:s3:::acme-payments/*")])
    assert found.can == ("s3:Put* on acme-payments/*",)
    assert found.reason.startswith("for example s3:Put")
    assert found.reason.endswith(" on acme-payments/example")


def test_only_what_is_new_is_said() -> None:
    found = judge([allow(["s3:a", "s3:b"], "x")], [allow(["s3:a", "s3:b", "s3:c", "s3:d"], ["x", "y"])])
    assert found.can == ("s3:a, s3:b, s3:c, s3:d on y", "s3:c, s3:d on x")


def test_what_other_policies_grant_is_no_news() -> None:
    assert judge([], [allow()], [allow("s3:*", "*")]).effect is EQUAL
    assert judge([allow()], [], [allow("s3:*", "*")]).effect is EQUAL
    assert judge([], [allow()], [deny("s3:*", "*")]).effect is EQUAL


def test_many_sentences_are_cut() -> None:
    found = judge([], [allow(f"s3:a{n}", f"r{n}") for n in range(30)])
    assert len(found.can) == 8
    assert found.can[-1] == "and 23 more"


HOSTILE = [
    [allow([f"s3:{'*a' * 20}{n}*" for n in range(40)], [f"arn:{'*?a' * 40}{n}*" for n in range(40)])],
    [allow(f"s3:Act{n}", f"arn:aws:s3:::b{n}/*") for n in range(10_000)],
    [allow(**{"Condition": {"StringLike": {f"aws:RequestTag/{n}": ["*a*" * 30] * 3 for n in range(60)}}})],
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_policies_stay_within_the_caps(number: int) -> None:
    changed = json.loads(json.dumps(HOSTILE[number]).replace("a", "b"))
    for old, new in ((HOSTILE[number], changed), (HOSTILE[(number + 1) % 3], HOSTILE[number])):
        found = compare_policies([parse_policy({"Statement": old})], [parse_policy({"Statement": new})])
        assert found.effect in (UNKNOWN, WIDER)


def index(of: Any) -> dict[Address, Resource]:
    return {item.resource.address: item.resource for item in provider.compile(of)}


BEFORE, AFTER = index(sample()), index(sample_changed())
TRIAGE = next(item for item in BEFORE.values() if item.address.name == "ws-triage")
BOUNDARY = next(item for item in BEFORE.values() if item.address.kind == "iam_policy")


def change(
    old: Resource | None, new: Resource | None, before: Mapping[Any, Any], after: Mapping[Any, Any]
) -> Assessment:
    item = old or new
    assert item is not None
    action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
    made = Change(
        number=1,
        action=action,
        address=item.address,
        label="it",
        agent=item.agent,
        block=None,
        surfaces=(),
        owners={},
        effect=UNKNOWN,
        can=(),
        cannot=(),
        reason="",
        before=None if old is None else old.attributes,
        after=None if new is None else new.attributes,
    )
    return assess(made, World(before), World(after))


def role_with(**attributes: Any) -> Assessment:
    new = replace(TRIAGE, attributes={**TRIAGE.attributes, **attributes})
    return change(TRIAGE, new, BEFORE, {**BEFORE, new.address: new})


def trust(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*TRIAGE.attributes["trust"]["Statement"], *statements]}


def admits(**principal: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}


class TestRoles:
    def test_a_new_role_says_who_becomes_the_agent(self) -> None:
        found = {
            item.agent: change(None, item, {}, BEFORE) for item in BEFORE.values() if item.address.kind == "iam_role"
        }
        assert {item.effect for item in found.values()} == {WIDER}
        assert found["triage"].can == ("Lambda functions that somebody passes this role to become this agent",)
        assert found["pay_out"].can == (f"ECS tasks of account {ACCOUNT} in eu-west-1 become this agent",)
        subject = "repo:acme@7/billing@42:environment:prod"
        assert found["fixer"].can == (f"GitHub Actions jobs as {subject} become this agent",)
        assert found["triage"].reason == "limited by boundary ws-boundary-agents"

    def test_a_deleted_role_is_narrower_even_if_unreadable(self) -> None:
        assert change(TRIAGE, None, BEFORE, {}).effect is NARROWER
        odd = replace(TRIAGE, attributes={**TRIAGE.attributes, "trust": {"unreadable": "x"}})
        assert change(odd, None, {odd.address: odd}, {}).effect is NARROWER

    @pytest.mark.parametrize(
        ("principal", "says"),
        [
            ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, "IAM user bob of this account becomes this agent"),
            ({"AWS": "444455556666"}, "whoever the administrators of account 444455556666 let becomes this agent"),
            ({"AWS": "*"}, "any principal of any AWS account becomes this agent"),
            ({"Service": "ec2.amazonaws.com"}, "EC2 instances that somebody passes this role to become this agent"),
            (
                {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/id.example"},
                "tokens of id.example with any subject, for any audience become this agent",
            ),
        ],
    )
    def test_a_trust_that_admits_more(self, principal: dict[str, Any], says: str) -> None:
        found = role_with(trust=trust(admits(**principal)))
        assert found.effect is WIDER
        assert found.can == (says,)
        assert found.reason.startswith("for example ")

    def test_a_trust_that_admits_nobody_any_more(self) -> None:
        found = role_with(trust={"Version": "2012-10-17", "Statement": []})
        assert found.effect is NARROWER
        assert found.cannot == ("Lambda functions that somebody passes this role to become this agent",)

    def test_a_trust_that_nobody_can_read(self) -> None:
        found = role_with(trust={"unreadable": "{"})
        assert found.effect is UNKNOWN
        assert found.reason.startswith("undecided: ")

    def test_naming_a_user_is_more_than_naming_his_account(self) -> None:
        account, user = admits(AWS=ACCOUNT), admits(AWS=f"arn:aws:iam::{ACCOUNT}:user/bob")
        sides = [[parse_policy({"Statement": [item]})] for item in (account, user)]
        assert compare_policies(*sides).effect is UNKNOWN

    @pytest.mark.parametrize(
        ("attributes", "effect"),
        [
            ({"description": "other"}, EQUAL),
            ({"max_session_duration": 7200}, WIDER),
            ({"max_session_duration": 1800}, NARROWER),
            ({"path": "/other/"}, UNKNOWN),
            ({"tags": {**TRIAGE.attributes["tags"], "provisioner:address": "x"}}, EQUAL),
            ({"tags": {**TRIAGE.attributes["tags"], "team": "x"}}, UNKNOWN),
            ({"permissions_boundary": None}, WIDER),
            ({"permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/agents/unread"}, UNKNOWN),
            ({"something_new": 1}, UNKNOWN),
            ({"description": "other", "max_session_duration": 7200, "path": "/other/"}, WIDER),
        ],
    )
    def test_each_attribute(self, attributes: dict[str, Any], effect: Effect) -> None:
        assert role_with(**attributes).effect is effect

    def test_boundaries(self) -> None:
        bare = replace(TRIAGE, attributes={**TRIAGE.attributes, "permissions_boundary": None})
        assert change(bare, TRIAGE, {**BEFORE, bare.address: bare}, BEFORE).effect is NARROWER
        whole = replace(BOUNDARY, attributes={**BOUNDARY.attributes, "document": {"Statement": [allow("*", "*")]}})
        found = change(TRIAGE, bare, {**BEFORE, whole.address: whole}, {**BEFORE, bare.address: bare})
        assert found.effect is EQUAL


class TestPolicies:
    def test_of_a_grant(self) -> None:
        old = next(item for item in BEFORE.values() if item.address.name == "ws-triage/reads")
        assert change(None, old, {}, BEFORE).can == (
            "s3:GetObject on acme-inbox/*, until 2027-02-01",
            "s3:ListBucket on acme-inbox, until 2027-02-01, when s3:prefix is like inbox/*",
        )
        assert change(old, None, BEFORE, {}).effect is NARROWER
        found = change(old, AFTER[old.address], BEFORE, AFTER)
        assert found.effect is WIDER
        assert found.can == ("s3:GetObject on acme-inbox/*",)

    def test_an_attached_policy(self) -> None:
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        address = Address("aws", ACCOUNT, "iam_role_attachment", f"ws-triage/{arn}")
        attributes = {"policy_arn": arn, "document": {"Statement": [allow("*", "*")]}}
        item = Resource(address, attributes, "triage", TRIAGE.address)
        found = change(None, item, BEFORE, {**BEFORE, address: item})
        assert (found.effect, found.can) == (WIDER, ("any action on any resource",))
        unread = replace(item, attributes={**attributes, "document": None})
        assert change(None, unread, BEFORE, {**BEFORE, address: unread}).effect is UNKNOWN
        assert change(unread, None, {**BEFORE, address: unread}, BEFORE).effect is UNKNOWN

    def test_a_second_policy_of_the_same_content(self) -> None:
        old = next(item for item in BEFORE.values() if item.address.name == "ws-triage/logs")
        address = replace(old.address, name="ws-triage/again")
        copy = replace(old, address=address)
        found = change(None, copy, BEFORE, {**BEFORE, address: copy})
        assert (found.effect, found.reason) == (EQUAL, "other policies of the role say the same")

    def test_a_boundary_policy(self) -> None:
        assert change(None, BOUNDARY, {}, BEFORE).effect is EQUAL
        assert change(BOUNDARY, None, BEFORE, {}).effect is EQUAL
        assert change(BOUNDARY, None, BEFORE, {TRIAGE.address: TRIAGE}).effect is UNKNOWN
        new = AFTER[BOUNDARY.address]
        assert change(BOUNDARY, new, BEFORE, AFTER).effect is NARROWER
        assert change(new, BOUNDARY, AFTER, BEFORE).effect is WIDER


OBSERVED = [
    ("iam_access_key", "bob/AKIAEXAMPLE", {"status": "Active", "user": "bob"}, WIDER),
    ("iam_login_profile", "bob", {"user": "bob"}, WIDER),
    ("iam_signing_certificate", "bob/TA7SMP", {"status": "Active", "user": "bob"}, WIDER),
    ("iam_signing_certificate", "bob/TA7SMP", {"status": "Inactive", "user": "bob"}, NARROWER),
    ("iam_ssh_public_key", "bob/APKAEXAMPLE", {"status": "Active", "user": "bob"}, WIDER),
    ("iam_service_credential", "bob/ACCAEXAMPLE", {"status": "Active", "user": "bob", "service": "x"}, WIDER),
    ("iam_user", "bob", {}, WIDER),
    ("iam_oidc_provider", "arn:x", {"url": "id.example"}, WIDER),
    ("iam_rocket", "r", {}, UNKNOWN),
]


@pytest.mark.parametrize(("kind", "name", "attributes", "effect"), OBSERVED)
def test_what_is_only_observed(kind: str, name: str, attributes: dict[str, Any], effect: Effect) -> None:
    item = Resource(Address("aws", ACCOUNT, kind, name), attributes)
    assert change(None, item, {}, {item.address: item}).effect is effect
    gone = change(item, None, {item.address: item}, {})
    assert gone.effect is (UNKNOWN if effect is UNKNOWN else NARROWER)


def test_an_access_key_is_named() -> None:
    item = Resource(Address("aws", ACCOUNT, "iam_access_key", "bob/AKIAEXAMPLE"), {"status": "Active", "user": "bob"})
    found = change(None, item, {}, {item.address: item})
    assert "access key AKIAEXAMPLE of IAM user bob" in found.can[0]
    quiet = replace(item, attributes={"status": "Inactive", "user": "bob"})
    assert change(item, quiet, {}, {}).effect is NARROWER
