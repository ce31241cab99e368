"""AWS's evaluation logic, as tables. Each table names the page of the IAM User Guide that it is taken from."""

from typing import Any

import pytest
from provisioner_aws.policy.conditions import moment, number
from provisioner_aws.policy.context import Context, context_values
from provisioner_aws.policy.document import parse_policy
from provisioner_aws.policy.errors import ClaimError
from provisioner_aws.policy.evaluate import (
    Layer,
    Policies,
    PolicyRequest,
    all_decisions,
    evaluate,
    evaluate_trust,
)
from provisioner_aws.policy.match import Caller

from provisioner.model.requests import Answer

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/a"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/a/s"


def allow(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def layer(*statements: dict[str, Any], version: str = "2012-10-17") -> Layer:
    return Layer("it", (parse_policy({"Version": version, "Statement": list(statements)}, "it"),))


def judge(
    identity: list[dict[str, Any]],
    action: str = "s3:GetObject",
    resource: str | None = "arn:aws:s3:::b/k",
    context: dict[str, Any] | None = None,
    **more: Any,
) -> Answer:
    request = PolicyRequest(action, resource, Context(context_values(context or {})), Caller("AWS", ROLE, SESSION))
    return evaluate(request, Policies(layer(*identity), **more)).answer


A, D, U = Answer.ALLOWED, Answer.DENIED, Answer.DEPENDS

LOGIC = [
    # «Policy evaluation logic»: implicit deny, allow, explicit deny.
    ([], {}, D),
    ([allow()], {}, A),
    ([allow(), deny()], {}, D),
    # «… permissions boundaries»: the intersection; a deny in either wins.
    ([allow()], {"boundary": layer(allow("s3:*"))}, A),
    ([allow()], {"boundary": layer(allow("dynamodb:*"))}, D),
    ([allow()], {"boundary": layer(allow("*"), deny("s3:*"))}, D),
    ([], {"boundary": layer(allow("*"))}, D),
    # «… session policies» and «… SCPs»: each level must allow.
    ([allow()], {"session": layer(allow("dynamodb:*"))}, D),
    ([allow()], {"limits": (layer(allow("*")), layer(allow("s3:*")))}, A),
    ([allow()], {"limits": (layer(allow("*")), layer(allow("ec2:*")))}, D),
    ([allow()], {"limits": (layer(allow("*"), deny("s3:*")),)}, D),
    # Policies that nobody read may allow or deny.
    ([allow()], {"boundary": Layer("b", unread=("b",))}, U),
    ([], {"boundary": Layer("b", unread=("b",))}, D),
]


@pytest.mark.parametrize(("identity", "more", "answer"), LOGIC)
def test_policy_evaluation_logic(identity: list[dict[str, Any]], more: dict[str, Any], answer: Answer) -> None:
    assert judge(identity, **more) is answer


RESOURCE = [
    # «Evaluating identity-based policies with resource-based policies»: in one account a union.
    ([], {"AWS": ROLE}, None, None, A),
    # «Principal»: an account principal delegates to the account, whose identity policies must still allow.
    ([], {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, None, None, D),
    ([allow()], {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, None, None, A),
    # Everybody is also the session itself.
    ([], "*", None, layer(allow("dynamodb:*")), A),
    # An implicit deny of the boundary stops what is granted to the role, not what is granted to the session.
    ([], {"AWS": ROLE}, None, layer(allow("dynamodb:*")), D),
    ([], {"AWS": SESSION}, None, layer(allow("dynamodb:*")), A),
    ([], {"AWS": SESSION}, None, layer(allow("*"), deny("s3:*")), D),
    # «Cross-account policy evaluation logic»: both sides must allow.
    ([], {"AWS": ROLE}, "444455556666", None, D),
    ([allow()], {"AWS": ROLE}, "444455556666", None, A),
    ([allow()], {"AWS": "arn:aws:iam::444455556666:role/x"}, "444455556666", None, D),
]


@pytest.mark.parametrize(("identity", "principal", "owner", "boundary", "answer"), RESOURCE)
def test_resource_policies(
    identity: list[dict[str, Any]], principal: Any, owner: str | None, boundary: Layer | None, answer: Answer
) -> None:
    policy = layer(allow(Principal=principal))
    request = PolicyRequest("s3:GetObject", "arn:aws:s3:::b/k", Context(), Caller("AWS", ROLE, SESSION))
    found = evaluate(request, Policies(layer(*identity), boundary, resource=policy, owner=owner))
    assert found.answer is answer


MATCHING = [
    # «Action», «NotAction», «Resource», «NotResource»
    ([allow("S3:getobject")], A),
    ([allow("s3:Get*")], A),
    ([allow("s3:Get?bject")], A),
    ([allow("s3:Put*")], D),
    ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], A),
    ([{"Effect": "Allow", "NotAction": ["s3:*", "iam:*"], "Resource": "*"}], D),
    ([{"Effect": "Allow", "NotAction": [], "Resource": "*"}], U),
    ([allow(resource="arn:aws:s3:::b/*")], A),
    ([allow(resource="arn:aws:s3:::B/*")], D),
    ([allow(resource="arn:aws:s3:::b")], D),
    ([allow(resource="arn:*:k")], D),
    ([allow(resource="arn:*/k")], A),
    ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::c/*"}], A),
    ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/*"}], D),
    ([allow(), {"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::c/*"}], D),
]


@pytest.mark.parametrize(("identity", "answer"), MATCHING)
def test_actions_and_resources(identity: list[dict[str, Any]], answer: Answer) -> None:
    assert judge(identity) is answer


VARIABLES = [
    # «IAM policy elements: Variables and tags»
    ("arn:aws:s3:::${aws:PrincipalTag/team}/k", {"aws:PrincipalTag/Team": "b"}, A),
    ("arn:aws:s3:::${aws:PrincipalTag/team}/k", {"aws:PrincipalTag/team": "c"}, D),
    ("arn:aws:s3:::${aws:PrincipalTag/team}/k", {}, D),
    ("arn:aws:s3:::${aws:PrincipalTag/team, 'b'}/k", {}, A),
    ("arn:aws:s3:::${aws:PrincipalTag/team, 'b'}/k", {"aws:PrincipalTag/team": "c"}, D),
    ("arn:aws:s3:::${aws:PrincipalOrgID}/k", {}, U),
    ("arn:aws:s3:::${aws:PrincipalTag/team}/k", {"aws:PrincipalTag/team": ["b", "c"]}, U),
    ("arn:aws:s3:::${aws:PrincipalTag/team}/k", {"aws:PrincipalTag/team": "*"}, D),
    ("arn:aws:s3:::b/${*}", {}, D),
    ("arn:aws:s3:::b/${k", {}, D),
    ("arn:aws:s3:::*${aws:PrincipalTag/team}", {"aws:PrincipalTag/team": "/k"}, A),
]


@pytest.mark.parametrize(("resource", "context", "answer"), VARIABLES)
def test_policy_variables(resource: str, context: dict[str, Any], answer: Answer) -> None:
    assert judge([allow(resource=resource)], context=context) is answer


def test_a_variable_with_a_brace_in_its_default() -> None:
    assert judge([allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/x, 'k'}")]) is A
    assert judge([allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/x, '{k}'}")], resource="arn:aws:s3:::b/{k}") is A


def test_escaped_wildcards_are_characters() -> None:
    star = [allow(resource="arn:aws:s3:::b/${*}${?}${$}")]
    assert judge(star, resource="arn:aws:s3:::b/*?$") is A
    assert judge(star, resource="arn:aws:s3:::b/xyz") is D


def test_the_old_version_has_no_variables() -> None:
    policy = layer(allow(resource="arn:aws:s3:::${aws:username}"), version="2008-10-17")
    request = PolicyRequest("s3:GetObject", "arn:aws:s3:::${aws:username}", Context())
    assert evaluate(request, Policies(policy)).answer is A


CONDITIONS = [
    # «Condition operators»: String
    ({"StringEquals": {"s3:prefix": ["a", "b"]}}, {"s3:prefix": "b"}, A),
    ({"StringEquals": {"s3:prefix": "a*"}}, {"s3:prefix": "ab"}, D),
    ({"StringEquals": {"s3:prefix": "a"}}, {}, D),
    ({"StringEquals": {"s3:prefix": "A"}}, {"s3:prefix": "a"}, D),
    ({"StringEqualsIgnoreCase": {"s3:prefix": "A"}}, {"s3:prefix": "a"}, A),
    ({"StringNotEqualsIgnoreCase": {"s3:prefix": "A"}}, {"s3:prefix": "a"}, D),
    ({"StringLike": {"s3:prefix": "a*"}}, {"s3:prefix": "ab"}, A),
    ({"StringLike": {"s3:prefix": "${aws:PrincipalTag/t}*"}}, {"s3:prefix": "ab", "aws:PrincipalTag/t": "a"}, A),
    ({"StringNotLike": {"s3:prefix": ["a*", "b*"]}}, {"s3:prefix": "b"}, D),
    ({"StringNotLike": {"s3:prefix": ["a*", "b*"]}}, {"s3:prefix": "c"}, A),
    ({"StringNotEquals": {"s3:prefix": "a"}}, {}, A),
    # Numeric, date, boolean, binary
    ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "10"}, A),
    ({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3:max-keys": 9}, A),
    ({"NumericGreaterThan": {"s3:max-keys": "10"}}, {"s3:max-keys": "9"}, D),
    ({"NumericGreaterThanEquals": {"s3:max-keys": "1e1"}}, {"s3:max-keys": "10.0"}, A),
    ({"NumericNotEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "10"}, D),
    ({"NumericEquals": {"s3:max-keys": "ten"}}, {"s3:max-keys": "10"}, U),
    ({"DateLessThan": {"aws:CurrentTime": "2027-02-01T00:00:00Z"}}, {"aws:CurrentTime": "2027-01-31T23:59:59Z"}, A),
    ({"DateLessThan": {"aws:CurrentTime": "2027-02-01T00:00:00Z"}}, {"aws:CurrentTime": "2027-02-01T00:00:00Z"}, D),
    ({"DateLessThan": {"aws:CurrentTime": "2027-02-01"}}, {"aws:CurrentTime": "2027-02-01T01:00:00+02:00"}, A),
    ({"DateGreaterThan": {"aws:EpochTime": "1801440000"}}, {"aws:EpochTime": "1801440001"}, A),
    ({"DateLessThan": {"aws:CurrentTime": "2027-02-01T00:00:00Z"}}, {}, U),
    ({"DateLessThan": {"aws:CurrentTime": "soon"}}, {"aws:CurrentTime": "2027-01-31T23:59:59Z"}, U),
    ({"Bool": {"aws:SecureTransport": True}}, {"aws:SecureTransport": True}, A),
    ({"Bool": {"aws:SecureTransport": "true"}}, {"aws:SecureTransport": "False"}, D),
    ({"Bool": {"aws:SecureTransport": "true"}}, {}, U),
    ({"BinaryEquals": {"s3:x": "QmFzZQ=="}}, {"s3:x": "QmFzZQ=="}, A),
    ({"BinaryEquals": {"s3:x": "QmFzZQ=="}}, {"s3:x": "qmfzzq=="}, D),
    # IP address
    ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, {"aws:SourceIp": "203.0.113.9"}, A),
    ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, {"aws:SourceIp": "203.0.114.9"}, D),
    ({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}, {"aws:SourceIp": "2001:db8::1"}, A),
    ({"IpAddress": {"aws:SourceIp": "2001:db8::/32"}}, {"aws:SourceIp": "203.0.114.9"}, D),
    ({"NotIpAddress": {"aws:SourceIp": "203.0.113.9"}}, {"aws:SourceIp": "203.0.113.9"}, D),
    ({"IpAddress": {"aws:SourceIp": "home"}}, {"aws:SourceIp": "203.0.113.9"}, U),
    # ARN: each of the six parts by itself
    ({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:1:*"}}, {"aws:SourceArn": "arn:aws:ecs:eu-west-1:1:task/x:1"}, A),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:*:1:x"}}, {"aws:SourceArn": "arn:aws:ecs:eu-west-1:1:x"}, U),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:ecs:*:2:x"}}, {"aws:SourceArn": "arn:aws:ecs:a:1:2:x"}, D),
    ({"ArnEquals": {"aws:SourceArn": "arn:aws:ecs:*:1:x"}}, {"aws:SourceArn": "arn:aws:ecs:a:1:x"}, A),
    ({"ArnNotLike": {"aws:SourceArn": "arn:aws:ecs:*:1:x"}}, {"aws:SourceArn": "arn:aws:ecs:a:1:x"}, D),
    ({"ArnLike": {"aws:SourceArn": "*"}}, {"aws:SourceArn": "arn:aws:ecs:a:1:x"}, A),
    # IfExists and Null
    ({"StringEqualsIfExists": {"s3:prefix": "a"}}, {}, A),
    ({"StringEqualsIfExists": {"s3:prefix": "a"}}, {"s3:prefix": "b"}, D),
    ({"Null": {"s3:prefix": "true"}}, {}, A),
    ({"Null": {"s3:prefix": True}}, {"s3:prefix": "a"}, D),
    ({"Null": {"s3:prefix": "false"}}, {"s3:prefix": "a"}, A),
    ({"Null": {"aws:MultiFactorAuthAge": "true"}}, {"aws:MultiFactorAuthAge": None}, A),
    ({"Null": {"s3:prefix": "maybe"}}, {}, U),
    ({"NullIfExists": {"s3:prefix": "true"}}, {}, U),
    # «Set operators for multivalued context keys»
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": ["a"]}, A),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}, {"aws:TagKeys": ["a", "c"]}, D),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, {}, A),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["c", "a"]}, A),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["a"]}}, {}, D),
    ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["a", "c"]}, A),
    ({"ForAllValues:StringNotEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["a", "c"]}, D),
    ({"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": ["a"]}}, {}, A),
    ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, {}, D),
    ({"StringEquals": {"aws:TagKeys": ["a"]}}, {"aws:TagKeys": ["a", "b"]}, U),
    # «Conditions with multiple context keys or values»: AND of keys, OR of values
    ({"StringEquals": {"s3:prefix": "a", "s3:delimiter": "/"}}, {"s3:prefix": "a"}, D),
    ({"StringEquals": {"s3:prefix": "a"}, "StringLike": {"s3:prefix": "b*"}}, {"s3:prefix": "a"}, D),
    # keys without regard to case, and what nobody can judge
    ({"StringEquals": {"S3:Prefix": "a"}}, {"s3:PREFIX": "a"}, A),
    ({"StringResembles": {"s3:prefix": "a"}}, {"s3:prefix": "a"}, U),
    ({"StringEquals": {"s3:prefix": []}}, {"s3:prefix": "a"}, U),
    ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, {}, U),
    ({"StringEquals": {"s3:ExistingObjectTag/a": "1"}}, {}, U),
    ({"StringEquals": {"aws:RequestTag/a": "1"}}, {}, D),
    ({"StringEquals": {"s3:prefix": "a", "aws:PrincipalOrgID": "o-1"}}, {}, D),
]


@pytest.mark.parametrize(("condition", "context", "answer"), CONDITIONS)
def test_condition_operators(condition: dict[str, Any], context: dict[str, Any], answer: Answer) -> None:
    assert judge([allow(Condition=condition)], context=context) is answer
    denied = {A: D, D: A, U: U}[answer]
    assert judge([allow(), deny(Condition=condition)], context=context) is denied


def test_depends_names_what_is_missing_and_the_statement_in_question() -> None:
    request = PolicyRequest("s3:GetObject", "arn:aws:s3:::b/k", Context())
    policy = layer(allow(resource="arn:aws:s3:::b/*", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}))
    found = evaluate(request, Policies(policy))
    assert found.missing == ("aws:SourceVpce",)
    assert found.because == ("it allows s3:GetObject on b/*, when aws:SourceVpce is vpce-1",)


def test_an_explicit_deny_decides_whatever_is_missing() -> None:
    assert judge([allow(Condition={"StringEquals": {"aws:SourceVpce": "v"}}), deny()]) is D


def test_a_resource_that_nobody_named_is_matched_by_a_star_only() -> None:
    assert judge([allow()], resource=None) is A
    assert judge([allow(resource="arn:aws:s3:::b/*")], resource=None) is U
    assert judge([allow("s3:PutObject", "arn:aws:s3:::b/*")], resource=None) is D


TRUST = [
    # «Principal»: services, accounts, roles, users, identity providers; «How IAM roles differ»
    ({"Service": "lambda.amazonaws.com"}, Caller("Service", "lambda.amazonaws.com"), None, A),
    ({"Service": "lambda.amazonaws.com"}, Caller("Service", "ec2.amazonaws.com"), None, D),
    ({"AWS": "*"}, Caller("Service", "ec2.amazonaws.com"), None, U),
    ("*", Caller("Service", "ec2.amazonaws.com"), None, A),
    ({"Federated": "arn:x"}, Caller("Federated", "arn:x"), None, A),
    ({"Federated": "arn:x"}, Caller("Federated", "arn:y"), None, D),
    ({"AWS": ACCOUNT}, Caller("AWS", f"arn:aws:iam::{ACCOUNT}:user/u"), layer(allow("sts:AssumeRole")), A),
    ({"AWS": ACCOUNT}, Caller("AWS", f"arn:aws:iam::{ACCOUNT}:user/u"), layer(), D),
    ({"AWS": ACCOUNT}, Caller("AWS", f"arn:aws:iam::{ACCOUNT}:user/u"), None, U),
    ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/u"}, Caller("AWS", f"arn:aws:iam::{ACCOUNT}:user/u"), layer(), A),
    (
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/u"},
        Caller("AWS", f"arn:aws:iam::{ACCOUNT}:user/u"),
        layer(deny("sts:*")),
        D,
    ),
    ({"AWS": "444455556666"}, Caller("AWS", "arn:aws:iam::444455556666:user/u"), layer(), D),
    ({"AWS": "444455556666"}, Caller("AWS", "arn:aws:iam::444455556666:user/u"), layer(allow("sts:*")), A),
    ({"AWS": "444455556666"}, Caller("AWS", "arn:aws:iam::777755556666:user/u"), layer(allow("sts:*")), D),
    ({"AWS": "444455556666"}, Caller("AWS", "arn:aws:iam::444455556666:root"), None, A),
    ({"AWS": "AROAEXAMPLE"}, Caller("AWS", f"arn:aws:iam::{ACCOUNT}:user/u"), None, D),
]


@pytest.mark.parametrize(("principal", "caller", "own", "answer"), TRUST)
def test_trust_policies(principal: Any, caller: Caller, own: Layer | None, answer: Answer) -> None:
    trust = layer({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    request = PolicyRequest("sts:AssumeRole", ROLE, Context(), caller)
    policies = None if own is None else Policies(own)
    assert evaluate_trust(request, trust, ACCOUNT, policies).answer is answer


def test_not_principal() -> None:
    trust = layer(
        {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
        {"Effect": "Deny", "NotPrincipal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    )
    for name, answer in (("lambda", A), ("ec2", D)):
        request = PolicyRequest("sts:AssumeRole", ROLE, Context(), Caller("Service", f"{name}.amazonaws.com"))
        assert evaluate_trust(request, trust, ACCOUNT, None).answer is answer


def test_one_answer_for_several_questions() -> None:
    found = [evaluate(PolicyRequest("s3:x", "r"), Policies(layer(allow(action)))) for action in ("s3:x", "s3:y")]
    assert all_decisions(found).answer is D
    assert all_decisions(found[:1]).answer is A
    assert all_decisions([]).answer is U


@pytest.mark.parametrize(
    ("given", "says"), [({"aws:a": 1.5}, "float"), ({"aws:SourceIp": "a", "AWS:sourceip": "b"}, "twice")]
)
def test_a_bad_context_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ClaimError, match=says):
        context_values(given)


def test_numbers_and_times_that_are_none() -> None:
    assert number("NaN") is None
    assert number("Infinity") is None
    assert moment("2027") is None
    assert moment("tomorrow") is None
    assert moment("-5") == -5


def test_hostile_policies_are_judged_in_bounded_time() -> None:
    wild = ["arn:aws:s3:::" + "*a" * 400 + str(n) for n in range(50)]
    statements = [allow(f"s3:Act{n}", wild) for n in range(20)] + [allow("s3:GetObject", wild)]
    assert judge(statements, resource="arn:aws:s3:::" + "a" * 1000) is D
    many = [allow("s3:PutObject", f"arn:aws:s3:::b{n}/*") for n in range(10_000)]
    assert judge(many, "s3:PutObject", "arn:aws:s3:::b9999/k") is A
