"""Allow policies of the emulator: versions, etags, conditions, limits, members; on every kind of resource."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google_emulator_clients import FOLDER, NUMBER, ORGANIZATION, PROJECT, Cloud, Json

ALICE, BOB = "user:alice@acme.example", "user:bob@acme.example"
UNTIL = {"title": "until", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}
LATER = {"title": "later", "expression": "request.time < timestamp('2031-01-01T00:00:00Z')"}
POLICY = f"/v3/projects/{PROJECT}"
SET = f"{POLICY}:setIamPolicy"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def binding(role: str = "roles/viewer", *members: str, condition: Json | None = None) -> Json:
    return {"role": role, "members": list(members or [ALICE]), **({"condition": condition} if condition else {})}


def test_a_policy_that_was_never_written_is_empty_with_a_fixed_etag(cloud: Cloud) -> None:
    assert cloud.policy() == {"etag": "ACAB"}


def test_a_write_replaces_everything_and_gives_a_new_etag(cloud: Cloud) -> None:
    first = cloud.set_policy([binding("roles/viewer"), binding("roles/browser", BOB)])
    second = cloud.set_policy([binding("roles/browser", ALICE)])
    assert second["bindings"] == [binding("roles/browser", ALICE)]
    assert len({first["etag"], second["etag"], "ACAB"}) == 3
    assert cloud.policy() == second


def test_a_stale_etag_is_409_aborted_and_changes_nothing(cloud: Cloud) -> None:
    stale = cloud.policy()["etag"]
    stored = cloud.set_policy([binding()])
    body = {"policy": {"bindings": [], "etag": stale}}
    error = cloud.refused("POST", SET, body)
    assert (error["code"], error["status"]) == (409, "ABORTED")
    assert error["message"].startswith("There were concurrent policy changes")
    assert cloud.policy() == stored


def test_a_write_without_etag_is_blind(cloud: Cloud) -> None:
    cloud.set_policy([binding()])
    assert "bindings" not in cloud.post(SET, {"policy": {"bindings": []}})


def test_conditions_are_shown_in_version_3_only(cloud: Cloud) -> None:
    cloud.set_policy([binding("roles/browser", condition=UNTIL)])
    full = cloud.policy(version=3)
    assert full["version"] == 3 and full["bindings"][0]["condition"] == UNTIL
    for version in (0, 1):
        older = cloud.policy(version=version)
        assert older["version"] == 1 and "condition" not in older["bindings"][0]
        assert older["bindings"][0]["role"].startswith("roles/browser_withcond_")


def test_a_policy_without_conditions_is_version_1_whatever_was_asked_for(cloud: Cloud) -> None:
    assert cloud.set_policy([binding()])["version"] == 1
    assert cloud.policy(version=3)["version"] == 1


@pytest.mark.parametrize("version", [2, 4, -1])
def test_a_version_that_does_not_exist_is_400(cloud: Cloud, version: int) -> None:
    body = {"options": {"requestedPolicyVersion": version}}
    assert cloud.status("POST", f"{POLICY}:getIamPolicy", body) == (400, "INVALID_ARGUMENT")
    assert cloud.status("POST", SET, {"policy": {"version": version}}) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("version", [0, 1])
def test_a_version_1_write_without_etag_silently_drops_every_condition(cloud: Cloud, version: int) -> None:
    cloud.set_policy([binding("roles/browser", condition=UNTIL)])
    cloud.post(SET, {"policy": {"bindings": [binding()], "version": version}})
    assert cloud.policy()["bindings"] == [binding()]


def test_a_version_1_write_with_the_etag_is_refused_where_there_are_conditions(cloud: Cloud) -> None:
    etag = cloud.set_policy([binding("roles/browser", condition=UNTIL)])["etag"]
    body = {"policy": {"bindings": [], "etag": etag, "version": 1}}
    assert cloud.status("POST", SET, body) == (400, "INVALID_ARGUMENT")


def test_a_condition_in_a_version_1_write_is_400(cloud: Cloud) -> None:
    body = {"policy": {"bindings": [binding("roles/browser", condition=UNTIL)], "version": 1}}
    assert cloud.status("POST", SET, body) == (400, "INVALID_ARGUMENT")


def test_writing_back_what_version_1_showed_is_400(cloud: Cloud) -> None:
    cloud.set_policy([binding("roles/browser", condition=UNTIL)])
    older = cloud.policy(version=1)
    body = {"policy": {"bindings": older["bindings"]}}
    assert cloud.status("POST", SET, body) == (400, "INVALID_ARGUMENT")  # there is no role …_withcond_…


def test_bindings_of_one_role_and_condition_are_merged_and_empty_ones_dropped(cloud: Cloud) -> None:
    stored = cloud.set_policy(
        [binding("roles/viewer", BOB), binding("roles/viewer", ALICE, BOB), {"role": "roles/browser", "members": []}]
    )
    assert stored["bindings"] == [binding("roles/viewer", ALICE, BOB)]


def test_bindings_of_one_role_and_two_conditions_stay_apart(cloud: Cloud) -> None:
    bindings = [binding("roles/browser", condition=UNTIL), binding("roles/browser", condition=LATER)]
    assert len(cloud.set_policy(bindings)["bindings"]) == 2


def test_audit_configurations_stay_where_the_mask_leaves_them_out(cloud: Cloud) -> None:
    audits = [{"service": "allServices", "auditLogConfigs": [{"logType": "ADMIN_READ"}]}]
    body = {"policy": {"auditConfigs": audits, "bindings": [binding()]}, "updateMask": "bindings,etag,auditConfigs"}
    cloud.post(SET, body)
    cloud.set_policy([binding("roles/browser")])
    assert cloud.policy()["auditConfigs"] == audits


@pytest.mark.parametrize("role", ["roles/owner", "roles/editor", "roles/viewer"])
def test_basic_roles_take_no_condition(cloud: Cloud, role: str) -> None:
    body = {"policy": {"version": 3, "bindings": [binding(role, condition=UNTIL)]}}
    assert cloud.status("POST", SET, body) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "condition",
    [
        {"title": "no expression"},
        {"expression": "true"},
        {"title": "t", "expression": "request.time <"},
        {"title": "t", "expression": "request.time < timestamp('2030-01-01T00:00:00Z') &&"},
        {"title": "t", "expression": "user.name == 'x'"},
        {"title": "t", "expression": "resource.name.explode('x')"},
        {"title": "t", "expression": "resource.name == 'x' extra"},
        {"title": "t", "expression": 'resource.name == "open'},
        {"title": "t", "expression": "sqrt(4) == 2"},
        {"title": "t", "expression": "resource.name == 'a' ? true : false"},
    ],
)
def test_a_condition_that_is_none_is_400(cloud: Cloud, condition: Json) -> None:
    body = {"policy": {"version": 3, "bindings": [binding("roles/browser", condition=condition)]}}
    assert cloud.status("POST", SET, body) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "expression",
    [
        "resource.name.startsWith('projects/_/buckets/acme/objects/in/')",
        "resource.type == 'storage.googleapis.com/Bucket' || resource.service == \"storage.googleapis.com\"",
        "request.time.getHours('Europe/Berlin') >= 9 && request.time.getDayOfWeek('Europe/Berlin') <= 5",
        "request.time > timestamp('2026-01-01T00:00:00Z') && request.time < timestamp('2027-01-01T00:00:00Z')",
        "resource.matchTag('123456789012/env', 'prod')",
        "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/viewer'])",
        "'accessPolicies/1/accessLevels/corp' in request.auth.access_levels",
        "resource.name.extract('projects/{project}/') == 'x'",
        "!(destination.port == 22)",
    ],
)
def test_a_condition_of_the_documented_subset_is_accepted(cloud: Cloud, expression: str) -> None:
    stored = cloud.set_policy([binding("roles/browser", condition={"title": "t", "expression": expression})])
    assert stored["bindings"][0]["condition"]["expression"] == expression


@pytest.mark.parametrize(("count", "accepted"), [(12, True), (13, False)])
def test_a_condition_has_at_most_twelve_logical_operators(cloud: Cloud, count: int, accepted: bool) -> None:
    expression = " || ".join(f"resource.name == '{index}'" for index in range(count + 1))
    policy = {"version": 3, "bindings": [binding("roles/browser", condition={"title": "t", "expression": expression})]}
    answer = cloud.answer("POST", SET, {"policy": policy})
    assert answer.status_code == (200 if accepted else 400)


def users(count: int, first: int = 0) -> list[str]:
    return [f"user:u{index:04}@acme.example" for index in range(first, first + count)]


def test_at_most_1500_members_counted_by_occurrence(cloud: Cloud) -> None:
    many = users(750)
    assert cloud.set_policy([binding("roles/viewer", *many), binding("roles/browser", *many)])["etag"]
    policy = {"bindings": [binding("roles/viewer", *many), binding("roles/browser", *many, ALICE)]}
    assert cloud.status("POST", SET, {"policy": policy}) == (400, "INVALID_ARGUMENT")


def test_at_most_250_groups(cloud: Cloud) -> None:
    groups = [f"group:g{index}@acme.example" for index in range(251)]
    assert cloud.set_policy([binding("roles/viewer", *groups[:250])])["etag"]
    policy = {"bindings": [binding("roles/viewer", *groups)]}
    assert cloud.status("POST", SET, {"policy": policy}) == (400, "INVALID_ARGUMENT")


def test_at_most_20_conditional_bindings_of_a_role_for_a_member(cloud: Cloud) -> None:
    def bound(count: int) -> list[Json]:
        conditions = [{"title": f"t{n}", "expression": f"resource.name == '{n}'"} for n in range(count)]
        return [binding("roles/browser", condition=condition) for condition in conditions]

    assert len(cloud.set_policy(bound(20))["bindings"]) == 20
    assert cloud.status("POST", SET, {"policy": {"version": 3, "bindings": bound(21)}}) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "member",
    [
        "user:Alice@Acme.example",
        "group:team@acme.example",
        "domain:acme.example",
        "allAuthenticatedUsers",
        f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/eks/subject/system:sa",
        f"principalSet://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/eks/attribute.ns/a",
        f"principalSet://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/eks/*",
        f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/p.svc.id.goog"
        "/subject/ns/NS/sa/SA",
        "principal://agents.global.org-123456789012.system.id.goog/resources/aiplatform/projects/1/locations/l"
        "/reasoningEngines/2",
        f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com",
        f"serviceAccount:{PROJECT}.svc.id.goog[finance/triage]",
    ],
)
def test_members_of_every_documented_form_are_accepted(cloud: Cloud, member: str) -> None:
    [stored] = cloud.set_policy([binding("roles/browser", member)])["bindings"][0]["members"]
    assert stored == (member.lower() if member.startswith("user:") else member)


@pytest.mark.parametrize(
    "member",
    [
        "alice@acme.example",
        "user:alice",
        "robot:x@acme.example",
        "serviceAccount:nobody@acme-fin-prod.iam.gserviceaccount.com",
        "principal://iam.googleapis.com/projects/acme-fin-prod/locations/global/workloadIdentityPools/e/subject/s",
        "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/eks",
        "projectOwner:acme-fin-prod",  # on buckets and datasets only
        "deleted:serviceAccount:x@acme-fin-prod.iam.gserviceaccount.com?uid=1",
        "deleted:user:x@acme.example?uid=1",
    ],
)
def test_a_member_that_is_none_is_400(cloud: Cloud, member: str) -> None:
    assert cloud.status("POST", SET, {"policy": {"bindings": [binding("roles/browser", member)]}}) == (
        400,
        "INVALID_ARGUMENT",
    )


@pytest.mark.parametrize("role", ["roles/no.such", "projects/acme-fin-prod/roles/none", "viewer", ""])
def test_a_role_that_does_not_exist_is_400(cloud: Cloud, role: str) -> None:
    assert cloud.status("POST", SET, {"policy": {"bindings": [binding(role)]}}) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"foo": 1}, ""),
        ({"policy": {"binding": []}}, "policy"),
        ({"policy": {"bindings": [{"role": "roles/viewer", "member": "x"}]}}, "policy.bindings[0]"),
    ],
)
def test_an_unknown_field_is_400_and_named(cloud: Cloud, body: Json, where: str) -> None:
    error = cloud.refused("POST", SET, body)
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"].startswith("Invalid JSON payload received. Unknown name")
    violation = error["details"][0]["fieldViolations"][0]
    assert violation["field"] == where and "Cannot find field" in violation["description"]


@pytest.mark.parametrize("body", [{"policy": {"version": "three"}}, {"policy": {"bindings": {}}}, {"policy": []}])
def test_a_field_of_the_wrong_type_is_400(cloud: Cloud, body: Json) -> None:
    assert cloud.status("POST", SET, body) == (400, "INVALID_ARGUMENT")


def test_an_unknown_query_parameter_is_400(cloud: Cloud) -> None:
    error = cloud.refused("GET", f"/v1/projects/{PROJECT}/roles?foo=1")
    assert "Cannot bind query parameter" in error["message"]


@pytest.mark.parametrize("name", [FOLDER, ORGANIZATION, f"projects/{PROJECT}", f"projects/{NUMBER}"])
def test_organisations_folders_and_projects_have_policies(cloud: Cloud, name: str) -> None:
    stored = cloud.set_policy([binding("roles/browser", condition=UNTIL)], f"/v3/{name}")
    assert cloud.policy(f"/v3/{name}") == stored and stored["version"] == 3


def test_test_iam_permissions_of_who_sends_no_token_are_all_that_exist(cloud: Cloud) -> None:
    asked = ["resourcemanager.projects.get", "resourcemanager.projects.fly.away"]
    answer = cloud.post(f"{POLICY}:testIamPermissions", {"permissions": asked})
    assert answer == {"permissions": asked[:1]}
    wild = {"permissions": ["resourcemanager.projects.*"]}
    assert cloud.status("POST", f"{POLICY}:testIamPermissions", wild) == (400, "INVALID_ARGUMENT")
