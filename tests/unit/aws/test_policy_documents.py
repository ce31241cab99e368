"""Requests with their policies as plain JSON: who may become a role, keys, roots, errors; witnesses as requests.

Each table names the page of AWS's documentation that it is taken from.
"""

import copy
from types import MappingProxyType
from typing import Any

import pytest
from provisioner_aws import provider
from provisioner_aws.policy.comparisons import KINDS, compare_documents
from provisioner_aws.policy.documents import evaluate_document

from provisioner.model.changes import Effect
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.requests import Answer, Deciding
from provisioner.sdk import DocumentComparer, DocumentEvaluator

HOME, AWAY = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{HOME}:role/agents/a"
USER = f"arn:aws:iam::{HOME}:user/bob"
SAML = f"arn:aws:iam::{HOME}:saml-provider/office"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
OIDC = f"arn:aws:iam::{HOME}:oidc-provider/{ISSUER}"
KEY = f"arn:aws:kms:eu-west-1:{HOME}:key/1"
A, D, U = Answer.ALLOWED, Answer.DENIED, Answer.DEPENDS


def allow(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def admits(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return policy({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def trusted(trust: dict[str, Any], **request: Any) -> Answer:
    policies = {"trust": trust, **request.pop("policies", {})}
    return evaluate_document({"resource": ROLE, "policies": policies, **request}).answer


SAML_URL = "https://signin.aws.amazon.com/saml"
FROM_SAML = admits({"Federated": SAML}, "sts:AssumeRoleWithSAML", **when("StringEquals", "SAML:aud", SAML_URL))
FROM_OIDC = admits(
    {"Federated": OIDC}, "sts:AssumeRoleWithWebIdentity", **when("StringEquals", f"{ISSUER}:sub", "system:x")
)
ASSUME = {"identity": [policy(allow("sts:AssumeRole"))]}

TRUST = [
    # «How IAM roles are assumed»: a service is admitted by the trust alone.
    (admits({"Service": "lambda.amazonaws.com"}), {"principal": {"Service": "lambda.amazonaws.com"}}, A),
    (admits({"Service": "lambda.amazonaws.com"}), {"principal": {"Service": "ec2.amazonaws.com"}}, D),
    # «Granting permissions to switch roles»: the account's name asks for a policy of the caller's, his own does not.
    (admits({"AWS": HOME}), {"principal": USER, "policies": ASSUME}, A),
    (admits({"AWS": HOME}), {"principal": USER, "policies": {"identity": []}}, D),
    (admits({"AWS": HOME}), {"principal": USER}, U),
    (admits({"AWS": USER}), {"principal": USER, "policies": {"identity": []}}, A),
    (admits({"AWS": USER}), {"principal": USER, "policies": {"identity": [], "scp": [policy(allow("s3:*"))]}}, D),
    (admits({"AWS": AWAY}), {"principal": f"arn:aws:iam::{AWAY}:role/x", "policies": ASSUME}, A),
    (admits({"AWS": AWAY}), {"principal": f"arn:aws:iam::{AWAY}:role/x", "policies": {"identity": []}}, D),
    # «Access to accounts owned by third parties»: the external id.
    (
        admits({"AWS": AWAY}, **when("StringEquals", "sts:ExternalId", "7")),
        {"principal": f"arn:aws:iam::{AWAY}:role/x", "policies": ASSUME, "context": {"sts:ExternalId": "8"}},
        D,
    ),
    # «Configure SAML assertions», «Available keys for SAML-based federation».
    (FROM_SAML, {"principal": {"Federated": SAML}, "context": {"SAML:aud": SAML_URL}}, A),
    (FROM_SAML, {"principal": {"Federated": SAML}, "context": {"SAML:aud": "other"}}, D),
    (FROM_SAML, {"principal": {"Federated": SAML}}, U),
    (FROM_SAML, {"principal": {"Federated": f"{SAML}2"}, "context": {"SAML:aud": SAML_URL}}, D),
    # «Create a role for OpenID Connect federation»: claims that nobody gives are unknown.
    (FROM_OIDC, {"principal": {"Federated": OIDC}, "context": {f"{ISSUER}:sub": "system:x"}}, A),
    (FROM_OIDC, {"principal": {"Federated": OIDC}, "context": {f"{ISSUER}:sub": "system:y"}}, D),
    (FROM_OIDC, {"principal": {"Federated": OIDC}}, U),
    (FROM_OIDC, {"claims": {"issuer": ISSUER, "sub": "system:x"}}, A),
    # «Pass session tags in AWS STS» and «Monitor and control actions taken with assumed roles».
    (FROM_SAML, {"principal": {"Federated": SAML}, "context": {"SAML:aud": SAML_URL}, "tags": {"t": "a"}}, D),
    (
        admits({"AWS": USER}, ["sts:AssumeRole", "sts:TagSession"], **when("StringEquals", "aws:RequestTag/t", "a")),
        {"principal": USER, "policies": {"identity": []}, "tags": {"t": "a"}},
        A,
    ),
    (
        admits({"AWS": USER}, ["sts:AssumeRole", "sts:TagSession"], **when("StringEquals", "aws:RequestTag/t", "a")),
        {"principal": USER, "policies": {"identity": []}, "tags": {"t": "b"}},
        D,
    ),
    (admits({"AWS": USER}), {"principal": USER, "policies": {"identity": []}, "source_identity": "bob"}, D),
    (
        admits({"AWS": USER}, "sts:*", **when("StringLike", "sts:SourceIdentity", "b*")),
        {"principal": USER, "policies": {"identity": []}, "source_identity": "bob"},
        A,
    ),
]


@pytest.mark.parametrize(("trust", "request_", "answer"), TRUST)
def test_who_may_become_a_role(trust: dict[str, Any], request_: dict[str, Any], answer: Answer) -> None:
    assert trusted(trust, **request_) is answer


ROOT = f"arn:aws:iam::{AWAY}:root"
ORDINARY = [
    # «Perform a privileged task on an AWS Organizations member account»: the caller's side decides, other calls do not.
    ({"identity": [policy(allow("sts:AssumeRoot"))]}, {"action": "sts:AssumeRoot", "resource": ROOT}, A),
    ({"identity": [policy(allow("iam:GetUser"))]}, {"action": "iam:GetUser", "resource": ROOT}, D),
    # AWS KMS Developer Guide, «Key policies in AWS KMS»: the key's policy must allow; the account's name lets IAM.
    ({"identity": [policy(allow("kms:*"))], "resource": policy()}, {"action": "kms:Decrypt", "resource": KEY}, D),
    (
        {"identity": [policy(allow("kms:*"))], "resource": policy(allow("kms:*", Principal={"AWS": HOME}))},
        {"action": "kms:Decrypt", "resource": KEY},
        A,
    ),
    ({"resource": policy(allow("kms:*", Principal={"AWS": HOME}))}, {"action": "kms:Decrypt", "resource": KEY}, D),
    ({"resource": policy(allow("kms:*", Principal={"AWS": ROLE}))}, {"action": "kms:Decrypt", "resource": KEY}, A),
    # «AWS JSON policy elements: Principal»: services and anybody are admitted by the resource's policy alone.
    (
        {"resource": policy(allow(Principal={"Service": "logs.amazonaws.com"}))},
        {"principal": {"Service": "logs.amazonaws.com"}, "resource": "arn:aws:s3:::b/k"},
        A,
    ),
    ({"resource": policy(allow(Principal="*"))}, {"principal": "*", "resource": "arn:aws:s3:::b/k"}, A),
    ({"identity": [policy(allow())]}, {"principal": "*", "resource": "arn:aws:s3:::b/k"}, D),
    # «Service control policies»: each level must allow; a level may hold several policies.
    (
        {"identity": [policy(allow())], "scp": [policy(allow("*")), [policy(allow("ec2:*")), policy(allow("s3:*"))]]},
        {},
        A,
    ),
    ({"identity": [policy(allow())], "scp": [policy(allow("*")), [policy(allow("ec2:*"))]]}, {}, D),
    ({"identity": [policy(allow())], "rcp": [policy(allow("*", Principal="*")), policy()]}, {}, D),
    # «Global condition context keys»: what is unknown, and what a request without it lacks.
    ({"identity": [policy(allow(**when("StringEquals", "aws:SourceVpc", "v")))]}, {}, U),
    ({"identity": [policy(allow(**when("StringEquals", "aws:SourceVpc", "v")))]}, {"context_complete": True}, D),
    ({"identity": [policy(allow(**when("Null", "s3:prefix", "true")))]}, {}, A),
    ({"identity": [policy(allow(**when("Null", "s3:prefix", "true")))]}, {"unknown": ["s3:prefix"]}, U),
    ({"identity": [policy(allow(**when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/agents/*")))]}, {}, A),
]


@pytest.mark.parametrize(("policies", "request_", "answer"), ORDINARY)
def test_requests(policies: dict[str, Any], request_: dict[str, Any], answer: Answer) -> None:
    asked = {"principal": ROLE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "policies": policies}
    assert evaluate_document({**asked, **request_}).answer is answer


def test_what_decides_is_named() -> None:
    hotfix = {"name": "hotfix", "document": policy(allow("iam:*"), {**allow(), "Effect": "Deny", "Sid": "Stop"})}
    request = {"principal": ROLE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
    found = evaluate_document({**request, "policies": {"identity": [policy(allow()), hotfix]}})
    assert found.deciding == (Deciding("hotfix", "Stop", "Deny"),)
    found = evaluate_document({**request, "action": "iam:GetUser", "policies": {"identity": [hotfix]}})
    assert found.deciding == (Deciding("hotfix", "1", "Allow"),)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "no policies object"),
    ({"policies": {}}, "action is None"),
    ({"policies": {}, "action": "s3:*"}, "action is 's3:*'"),
    ({"policies": {}, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/*"}, "resource is"),
    ({"policies": {}, "action": "s3:GetObject", "principal": "bob"}, "principal is 'bob'"),
    ({"policies": {}, "action": "s3:GetObject", "principal": {"AWS": ROLE, "Service": "x"}}, "exactly one"),
    ({"policies": {}, "action": "s3:GetObject", "principal": {"Service": "x", "session": "y"}}, "belongs to a role"),
    ({"policies": {}, "action": "s3:GetObject", "context": ["x"]}, "context is"),
    ({"policies": {}, "action": "s3:GetObject", "context": {"a:b": {"c": 1}}}, "context's a:b"),
    ({"policies": {}, "action": "s3:GetObject", "context": {"aws:SourceIp": "1", "AWS:sourceip": "2"}}, "twice"),
    ({"policies": {}, "action": "s3:GetObject", "unknown": "x"}, "unknown is"),
    ({"policies": {}, "action": "s3:GetObject", "resource_account": 1}, "resource_account is 1"),
    ({"policies": {}, "action": "s3:GetObject", "tags": {}}, "policies.trust"),
    ({"policies": {}, "action": "s3:GetObject", "who": "x"}, "no member 'who'"),
    ({"policies": {"group": []}, "action": "s3:GetObject"}, "no member 'group'"),
    ({"policies": {"identity": [1]}, "action": "s3:GetObject"}, "identity[0] is 1"),
    ({"policies": {"identity": ["{"]}, "action": "s3:GetObject"}, "identity[0]: the policy is not JSON"),
    ({"policies": {"scp": [[{"Statement": [{}]}]]}, "action": "s3:GetObject"}, "scp[0][0]: statement 1"),
    ({"policies": {"resource": policy()}, "action": "s3:GetObject"}, "no principal"),
    ({"policies": {"trust": policy()}, "principal": USER}, "resource is None"),
    ({"policies": {"trust": policy(), "rcp": []}, "resource": ROLE}, "stands alone"),
    ({"policies": {"trust": policy()}, "resource": ROLE, "principal": USER, "tags": {"a": 1}}, "tags is"),
    ({"policies": {"trust": policy()}, "resource": ROLE, "claims": {"principal": "x"}}, "claim principal"),
    ({"policies": {"trust": policy()}, "resource": ROLE, "claims": 1}, "claims is 1"),
]


@pytest.mark.parametrize(("request_", "says"), WRONG)
def test_what_is_no_request_is_said(request_: dict[str, Any], says: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        evaluate_document(request_)
    (diagnostic,) = caught.value.diagnostics
    assert says in diagnostic.summary
    assert diagnostic.code == "E-ACCESS-REQUEST"
    assert diagnostic.detail.endswith("docs/reference/access-json.md.")


def test_policies_that_change_are_read_again() -> None:
    request = {"action": "s3:GetObject", "policies": {"identity": [policy(allow())]}}
    assert evaluate_document(request).answer is A
    request["policies"]["identity"][0]["Statement"].clear()  # type: ignore[index]
    assert evaluate_document(request).answer is D
    frozen = {**request, "policies": MappingProxyType({"identity": [policy(allow())]})}
    assert [evaluate_document(frozen).answer for _ in range(2)] == [A, A]


WITNESSES = {
    "identity": (policy(allow()), policy(allow(), allow("s3:PutObject", "arn:aws:s3:::c/*"))),
    "boundary": (policy(allow("s3:*"), {**allow("s3:Put*"), "Effect": "Deny"}), policy(allow("s3:*"))),
    "scp": (
        policy(allow("s3:*")),
        policy(allow("s3:*"), allow("ec2:Run*", **when("Bool", "aws:ViaAWSService", "true"))),
    ),
    "rcp": (policy(allow("s3:Get*", Principal="*")), policy(allow("s3:*", Principal="*"))),
    "resource": (policy(allow(Principal={"AWS": USER})), policy(allow(Principal={"AWS": [USER, ROLE]}))),
    "trust": (admits({"AWS": USER}), admits({"AWS": [USER, f"arn:aws:iam::{AWAY}:root"]})),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_witness_is_a_request_that_only_the_new_policy_allows(kind: str) -> None:
    old, new = WITNESSES[kind]
    found = compare_documents(old, new, kind)
    assert found.effect is Effect.WIDER
    assert found.witness is not None
    assert found.witness_words
    with_new = copy.deepcopy(dict(found.witness))
    assert evaluate_document(with_new).answer is A
    with_new["policies"][kind] = [old] if kind != "boundary" else old
    assert evaluate_document(with_new).answer is D
    assert compare_documents(new, old, kind).effect is Effect.NARROWER
    assert compare_documents(old, old, kind).effect is Effect.EQUAL


def test_the_provider_offers_both() -> None:
    assert isinstance(provider, DocumentEvaluator)
    assert isinstance(provider, DocumentComparer)
    assert provider.comparison_kinds() == KINDS
