"""Requests with their policies: the cases of Google's own pages as tables, and what is no request.

Sources: «Overview of IAM Conditions» (examples), «Attribute reference for IAM Conditions», «Deny policies»,
«Principal access boundary policies», «Principal identifiers», «Policy evaluation».
"""

from __future__ import annotations

from typing import Any

import pytest
from provisioner_google import provider

from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.requests import Answer, Deciding

PROJECT, FOLDER, ORGANIZATION = "projects/acme-prod", "folders/12", "organizations/9"
BUCKET = "//storage.googleapis.com/projects/_/buckets/acme-inbox"
OBJECT = f"{BUCKET}/objects/inbox/1.pdf"
ANN, ROBOT = "user:ann@acme.example", "serviceAccount:robot@acme-prod.iam.gserviceaccount.com"
POOL = "iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/eks"
TOKEN = f"principal://{POOL}/subject/ns/a"
ROLES = {"roles/reader": {"includedPermissions": ["storage.objects.get"]}}
A, D, Q = Answer.ALLOWED, Answer.DENIED, Answer.DEPENDS


def binding(*members: str, role: str = "roles/reader", when: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"role": role, "members": list(members)}
    return {**made, "condition": {"title": "t", "expression": when}} if when else made


def allow(*bindings: dict[str, Any], on: str = BUCKET) -> dict[str, Any]:
    return {"resource": on, "policy": {"version": 3, "bindings": list(bindings)}}


def request(*allows: dict[str, Any], who: str = ANN, **more: Any) -> dict[str, Any]:
    policies = {"allow": list(allows), "roles": ROLES, **more.pop("policies", {})}
    return {
        "cloud": "google",
        "principal": who,
        "permission": "storage.objects.get",
        "resource": OBJECT,
        "policies": policies,
        **more,
    }


def ask(*allows: dict[str, Any], **more: Any) -> Answer:
    return provider.evaluate_document(request(*allows, **more)).answer


@pytest.mark.parametrize(
    ("member", "who", "more", "expected"),
    [
        (ANN, ANN, {}, A),
        ("user:Ann@Acme.example", ANN, {}, A),
        (ANN, "user:bob@acme.example", {}, D),
        ("allUsers", "anonymous", {}, A),
        ("allAuthenticatedUsers", ANN, {}, A),
        ("allAuthenticatedUsers", ROBOT, {}, A),
        ("allAuthenticatedUsers", "anonymous", {}, D),
        ("allAuthenticatedUsers", TOKEN, {}, D),  # identities of other issuers have no Google account
        ("group:ops@acme.example", ANN, {}, Q),
        ("group:ops@acme.example", ANN, {"member_of": ["group:OPS@acme.example"]}, A),
        ("group:ops@acme.example", ANN, {"member_of_complete": True}, D),
        ("domain:acme.example", ANN, {}, Q),
        ("domain:acme.example", ANN, {"member_of": ["domain:acme.example"]}, A),
        ("domain:other.example", ANN, {}, D),
        ("domain:acme.example", ROBOT, {}, D),
        (f"principalSet://{POOL}/*", TOKEN, {}, A),
        (f"principalSet://{POOL}x/*", TOKEN, {}, D),
        (f"principalSet://{POOL}/*", ROBOT, {}, D),
        (f"principalSet://{POOL}/group/g", TOKEN, {}, Q),
        (f"principalSet://{POOL}/group/g", TOKEN, {"member_of": [f"principalSet://{POOL}/group/g"]}, A),
        (f"principalSet://{POOL}x/attribute.a/b", TOKEN, {}, D),
        (TOKEN, f"{TOKEN}b", {}, D),
        ("serviceAccount:acme-prod.svc.id.goog[ns/sa]",
         "principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/acme-prod.svc.id.goog"
         "/subject/ns/ns/sa/sa", {}, A),
        ("principalSet://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/acme-prod.svc.id.goog"
         "/namespace/ns",
         "principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/acme-prod.svc.id.goog"
         "/subject/ns/ns/sa/sa", {}, A),
        ("deleted:serviceAccount:robot@acme-prod.iam.gserviceaccount.com?uid=1", ROBOT, {}, D),
        ("projectViewer:acme-prod", ANN, {}, Q),
    ],
)  # fmt: skip
def test_members(member: str, who: str, more: dict[str, Any], expected: Answer) -> None:
    assert ask(allow(binding(member)), who=who, **more) is expected


@pytest.mark.parametrize(
    ("on", "more", "expected"),
    [
        (BUCKET, {}, A),
        (f"{BUCKET}-2", {}, D),
        (PROJECT, {}, Q),  # the name of a bucket says no project
        (PROJECT, {"ancestors": [PROJECT]}, A),
        (PROJECT, {"ancestors": ["projects/other-prod"]}, D),
        (PROJECT, {"ancestors": ["projects/42"]}, Q),  # an id and a number may be one project
        (ORGANIZATION, {"ancestors": [PROJECT]}, Q),
        (ORGANIZATION, {"ancestors": [PROJECT, FOLDER, ORGANIZATION]}, A),
        (ORGANIZATION, {"ancestors": [PROJECT], "ancestors_complete": True}, D),
        (PROJECT, {"resource": "//bigquery.googleapis.com/projects/acme-prod/datasets/d"}, A),
        (PROJECT, {"resource": "//bigquery.googleapis.com/projects/other/datasets/d"}, D),
        (PROJECT, {"resource": ORGANIZATION}, D),
    ],
)
def test_a_policy_counts_for_what_is_below(on: str, more: dict[str, Any], expected: Answer) -> None:
    assert ask(allow(binding(ANN), on=on), **more) is expected


NOON = {"context": {"request.time": "2026-11-24T12:00:00Z"}}


@pytest.mark.parametrize(
    ("when", "more", "expected"),
    [
        ('request.time < timestamp("2027-01-01T00:00:00Z")', NOON, A),
        ('request.time < timestamp("2026-01-01T00:00:00Z")', NOON, D),
        ('request.time < timestamp("2027-01-01T00:00:00Z")', {}, Q),
        ('request.time < timestamp("2026-11-24T11:00:00Z") + duration("2h")', NOON, A),
        ('request.time.getHours("Europe/Berlin") == 13', NOON, A),
        ("request.time.getHours() == 12 && request.time.getDayOfWeek() == 2", NOON, A),  # a Tuesday
        ('request.time.getFullYear("-08:00") == 2026 && request.time.getMonth() == 10', NOON, A),
        ('request.time.getHours("Middle/Earth") == 1', NOON, Q),
        ('resource.name.startsWith("projects/_/buckets/acme-inbox/objects/inbox/")', {}, A),
        ('resource.name.endsWith(".exe")', {}, D),
        ('resource.type == "storage.googleapis.com/Object" && resource.service == "storage.googleapis.com"', {}, A),
        ('resource.type == "storage.googleapis.com/Bucket"', {}, D),
        ('resource.name.extract("/objects/{folder}/") == "inbox"', {}, A),
        ('resource.name.extract("/nowhere/{x}/") == ""', {}, A),
        ('resource.matchTag("9/env", "prod")', {"tags": {"9/env": "prod"}}, A),
        ('resource.matchTag("9/env", "prod")', {"tags": {"9/env": "dev"}}, D),
        ('resource.matchTag("9/env", "prod")', {}, Q),
        ('resource.matchTag("9/env", "prod")', {"tags_complete": True}, D),
        ('resource.hasTagKey("9/env")', {"tags": {"9/env": "dev"}}, A),
        ('resource.matchTagId("tagKeys/1", "tagValues/2")', {"tags": {"tagKeys/1": "tagValues/2"}}, A),
        ('!resource.hasTagKeyId("tagKeys/1")', {"tags_complete": True}, A),
        ('api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly(["roles/a", "roles/b"])',
         {"attributes": {"iam.googleapis.com/modifiedGrantsByRole": ["roles/a"]}}, A),
        ('api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly(["roles/a"])',
         {"attributes": {"iam.googleapis.com/modifiedGrantsByRole": ["roles/a", "roles/owner"]}}, D),
        ('api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly(["roles/a"])', {}, Q),
        ('api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly(["roles/a"])',
         {"attributes_complete": True}, A),
        ('api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("inbox/")',
         {"attributes": {"storage.googleapis.com/objectListPrefix": "inbox/a"}}, A),
        ('"accessPolicies/1/accessLevels/office" in request.auth.access_levels',
         {"context": {"request.auth.access_levels": ["accessPolicies/1/accessLevels/office"]}}, A),
        ('destination.port == 22 && inIpRange(destination.ip, "10.0.0.0/8")',
         {"context": {"destination.port": 22, "destination.ip": "10.1.2.3"}}, A),
        ('resource.name.matches("inbox")', {}, Q),  # RE2's expressions are not modelled
        ('resource.name.matches("inbox") || resource.type == "storage.googleapis.com/Object"', {}, A),
        ('resource.name.matches("inbox") && resource.type == "x"', {}, D),
    ],
)  # fmt: skip
def test_conditions(when: str, more: dict[str, Any], expected: Answer) -> None:
    assert ask(allow(binding(ANN, when=when)), **more) is expected


def deny(on: str = PROJECT, **rule: Any) -> dict[str, Any]:
    usual = {
        "deniedPrincipals": ["principalSet://goog/public:all"],
        "deniedPermissions": ["storage.googleapis.com/objects.get"],
    }
    return {"name": "stop", "attach": on, "policy": {"rules": [{"denyRule": {**usual, **rule}}]}}


@pytest.mark.parametrize(
    ("rule", "more", "expected"),
    [
        ({}, {}, D),
        ({"deniedPermissions": ["storage.googleapis.com/objects.*"]}, {}, D),
        ({"deniedPermissions": ["storage.googleapis.com/*.*"]}, {}, D),
        ({"deniedPermissions": ["storage.googleapis.com/*.get"]}, {}, D),
        ({"deniedPermissions": ["storage.googleapis.com/buckets.*"]}, {}, A),
        ({"exceptionPermissions": ["storage.googleapis.com/objects.get"]}, {}, A),
        ({"exceptionPrincipals": ["principal://goog/subject/ann@acme.example"]}, {}, A),
        ({"exceptionPrincipals": ["principalSet://goog/group/ops@acme.example"]}, {}, Q),
        ({"exceptionPrincipals": ["principalSet://goog/group/ops@acme.example"]}, {"member_of_complete": True}, D),
        ({"deniedPrincipals": ["principal://goog/subject/bob@acme.example"]}, {}, A),
        ({"deniedPrincipals": ["principalSet://goog/group/ops@acme.example"]}, {}, Q),
        ({"denialCondition": {"expression": '!resource.matchTag("9/env", "test")'}}, {"tags": {"9/env": "test"}}, A),
        ({"denialCondition": {"expression": '!resource.matchTag("9/env", "test")'}}, {"tags": {"9/env": "prod"}}, D),
        ({"denialCondition": {"expression": '!resource.matchTag("9/env", "test")'}}, {}, Q),
    ],
)
def test_a_deny_policy_goes_before_what_is_granted(
    rule: dict[str, Any], more: dict[str, Any], expected: Answer
) -> None:
    found = request(allow(binding(ANN)), ancestors=[PROJECT], policies={"deny": [deny(**rule)]}, **more)
    assert provider.evaluate_document(found).answer is expected


def test_a_deny_policy_elsewhere_is_none() -> None:
    found = request(allow(binding(ANN)), ancestors=[PROJECT], policies={"deny": [deny("projects/other-prod")]})
    assert provider.evaluate_document(found).answer is A


def boundary(*resources: str, blocks: list[str] | None = None, target: str = f"//{POOL}") -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": "agents",
        "rules": [{"resources": list(resources), "effect": "ALLOW"}],
        "bindings": [{"target": {"principalSet": target}}],
    }
    return made if blocks is None else {**made, "enforced_permissions": blocks}


GET = ["storage.objects.get"]


@pytest.mark.parametrize(
    ("limits", "who", "expected"),
    [
        ([boundary(f"//cloudresourcemanager.googleapis.com/{PROJECT}")], TOKEN, A),
        ([boundary("projects/other-prod", blocks=GET)], TOKEN, D),
        ([boundary("projects/other-prod", blocks=[])], TOKEN, A),
        ([boundary("projects/other-prod")], TOKEN, Q),  # which permissions its version blocks, nobody said
        ([boundary("projects/other-prod", blocks=GET), boundary(PROJECT, blocks=GET)], TOKEN, A),  # a union
        ([boundary("projects/other-prod", blocks=GET), boundary("projects/third-prod", blocks=[])], TOKEN, Q),
        ([boundary("projects/other-prod", blocks=GET)], ANN, A),  # bound to others
        ([boundary("projects/other-prod", blocks=GET, target=f"//cloudresourcemanager.googleapis.com/{ORGANIZATION}")],
         ANN, Q),
        ([boundary(FOLDER, blocks=GET)], TOKEN, Q),
    ],
)  # fmt: skip
def test_an_access_boundary_comes_first(limits: list[dict[str, Any]], who: str, expected: Answer) -> None:
    found = request(allow(binding(ANN, TOKEN)), who=who, ancestors=[PROJECT], policies={"boundaries": limits})
    assert provider.evaluate_document(found).answer is expected


def test_the_condition_of_a_boundarys_binding_reads_the_principal() -> None:
    limit = boundary("projects/other-prod", blocks=GET, target=f"//cloudresourcemanager.googleapis.com/{ORGANIZATION}")
    member = f"principalSet://cloudresourcemanager.googleapis.com/{ORGANIZATION}"
    for type_, expected in (("ServiceAccount", D), ("WorkspaceIdentity", A)):
        limit["bindings"][0]["condition"] = {"expression": f'principal.type == "iam.googleapis.com/{type_}"'}
        found = request(allow(binding(ROBOT)), who=ROBOT, member_of=[member], ancestors=[PROJECT],
                        policies={"boundaries": [limit]})  # fmt: skip
        assert provider.evaluate_document(found).answer is expected


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ({"roles/reader": ["storage.objects.get"]}, A),
        ({"roles/reader": {"includedPermissions": ["storage.objects.list"]}}, D),
        ({"roles/reader": {"includedPermissions": ["storage.objects.get"], "stage": "DISABLED"}}, D),
        ({"roles/reader": {"includedPermissions": ["storage.objects.get"], "deleted": True}}, D),
        ({}, Q),
    ],
)
def test_roles_hold_what_the_request_says(roles: dict[str, Any], expected: Answer) -> None:
    assert ask(allow(binding(ANN)), policies={"roles": roles}) is expected


def test_the_answer_names_what_decides_and_what_is_missing() -> None:
    found = provider.evaluate_document(request(allow(binding(ROBOT), binding(ANN))))
    assert found.deciding == (Deciding("allow policy of storage.googleapis.com/projects/_/buckets/acme-inbox", "2",
                                       "Allow", BUCKET),)  # fmt: skip
    depends = provider.evaluate_document(request(allow(binding("group:ops@acme.example", role="roles/other"))))
    assert depends.missing == ("what roles/other holds", f"whether {ANN} is in group:ops@acme.example")
    stopped = provider.evaluate_document(
        request(allow(binding(ANN)), ancestors=[PROJECT], policies={"deny": [deny()]}))  # fmt: skip
    assert [(one.policy, one.statement, one.effect) for one in stopped.deciding] == [("deny policy stop", "1", "Deny")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"permission": "storage.objects.*"}, "permission is"),
        ({"permission": None}, "permission is"),
        ({"principal": "ann@acme.example"}, "principal is"),
        ({"principal": "group:ops@acme.example"}, "principal is"),
        ({"resource": "acme-inbox"}, "resource is"),
        ({"resource": "//storage.googleapis.com/projects/_/buckets/*"}, "resource is"),
        ({"action": "s3:GetObject"}, "no member 'action'"),
        ({"member_of": "group:x@y.z"}, "member_of is"),
        ({"member_of": ["ops"]}, "member_of holds"),
        ({"context": {"request.time": "tomorrow"}}, "request.time is"),
        ({"context": {"aws:SourceIp": "1.2.3.4"}}, "context has"),
        ({"tags": {"a": 1}}, "tags is"),
        ({"tags_complete": "yes"}, "tags_complete is"),
        ({"policies": None}, "no policies object"),
        ({"policies": {"identity": []}}, "no member 'identity'"),
        ({"policies": {"allow": {}}}, "allow is"),
        ({"policies": {"allow": [{"resource": PROJECT}]}}, "no policy object"),
        ({"policies": {"allow": [allow({"role": "reader", "members": []})]}}, "binding 1 has the role"),
        ({"policies": {"allow": [allow(binding("ann"))]}}, "binding 1 has the member"),
        ({"policies": {"allow": [allow(binding(ANN, when="a &&"))]}}, "cannot be read"),
        ({"policies": {"deny": [deny(deniedPermissions=["storage.objects.get"])]}}, "rule 1 has the permission"),
        ({"policies": {"deny": [deny(extra=1)]}}, "no member 'extra'"),
        ({"policies": {"boundaries": [{"rules": [{"effect": "DENY"}]}]}}, "has the effect"),
        ({"policies": {"roles": {"roles/x": "storage.objects.get"}}}, "includedPermissions is"),
    ],
)
def test_what_is_no_request_says_which_member_is_wrong(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DiagnosticError) as raised:
        provider.evaluate_document({**request(), **change})
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "E-ACCESS-REQUEST"
    assert said in diagnostic.summary
    assert diagnostic.detail.endswith("docs/reference/access-json.md.")
