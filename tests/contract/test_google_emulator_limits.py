"""Deny policies and principal access boundaries of the emulator, with the real clients over gRPC and REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from google.api_core import exceptions
from google.cloud import iam_v2, iam_v3
from google_emulator_clients import FOLDER, NUMBER, ORGANIZATION, OTHER, POOL, PROJECT, Cloud, Json

PUBLIC = "principalSet://goog/public:all"
PERMISSION = "iam.googleapis.com/serviceAccountKeys.create"


def point(name: str) -> str:
    return f"policies/{quote(f'cloudresourcemanager.googleapis.com/{name}', safe='')}/denypolicies"


HERE = point(f"projects/{PROJECT}")
BY_NUMBER = point(f"projects/{NUMBER}")


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def rule(principals: list[str] | None = None, permissions: list[str] | None = None, **more: Any) -> Json:
    denied = {"deniedPrincipals": principals or [PUBLIC], "deniedPermissions": permissions or [PERMISSION]}
    return {"denyRule": denied | more}


def deny(cloud: Cloud, *rules: Json, identity: str = "agents", where: str = HERE) -> Json:
    return cloud.done(cloud.post(f"/v2/{where}?policyId={identity}", {"rules": list(rules) or [rule()]}), "v2")


def test_the_real_client_does_the_whole_life_of_a_deny_policy(cloud: Cloud) -> None:
    policy = iam_v2.Policy(
        display_name="agents",
        rules=[{"deny_rule": {"denied_principals": [PUBLIC], "denied_permissions": [PERMISSION]}}],
    )
    made = cloud.deny.create_policy(request={"parent": HERE, "policy": policy, "policy_id": "agents"}).result()
    assert made.name == f"{BY_NUMBER}/agents" and made.kind == "DenyPolicy" and made.uid and made.etag
    assert cloud.deny.get_policy(name=f"{HERE}/agents") == made
    made.display_name = "new"
    changed = cloud.deny.update_policy(request={"policy": made}).result()
    assert changed.display_name == "new" and changed.etag != made.etag
    with pytest.raises(exceptions.Aborted):
        cloud.deny.update_policy(request={"policy": made})
    with pytest.raises(exceptions.Aborted):
        cloud.deny.delete_policy(request={"name": made.name, "etag": made.etag})
    gone = cloud.deny.delete_policy(request={"name": made.name, "etag": changed.etag}).result()
    assert gone.delete_time
    with pytest.raises(exceptions.NotFound):
        cloud.deny.get_policy(name=made.name)


def test_answers_name_a_project_by_number_and_requests_may_use_either(cloud: Cloud) -> None:
    made = deny(cloud)
    assert made["name"] == f"{BY_NUMBER}/agents"
    assert cloud.get(f"/v2/{BY_NUMBER}/agents") == cloud.get(f"/v2/{HERE}/agents") == made


@pytest.mark.parametrize("name", [FOLDER, ORGANIZATION])
def test_folders_and_organisations_are_attachment_points_too(cloud: Cloud, name: str) -> None:
    assert deny(cloud, where=point(name))["name"] == f"{point(name)}/agents"


def test_a_list_holds_metadata_and_no_rules(cloud: Cloud) -> None:
    made = deny(cloud)
    [listed] = cloud.get(f"/v2/{HERE}")["policies"]
    assert listed == {key: value for key, value in made.items() if key != "rules"}
    assert [one.name for one in cloud.deny.list_policies(parent=HERE)] == [made["name"]]


def test_the_effect_of_a_deny_policy_comes_with_its_operation(cloud: Cloud) -> None:
    cloud.emulator.switches.operation_seconds = 5
    operation = cloud.post(f"/v2/{HERE}?policyId=agents", {"rules": [rule()]})
    assert "done" not in operation and operation["metadata"]["createTime"]
    assert cloud.status("GET", f"/v2/{HERE}/agents") == (404, "NOT_FOUND")
    cloud.emulator.clock.advance(5)
    assert cloud.done(operation, "v2")["kind"] == "DenyPolicy"


def test_a_second_policy_of_the_id_is_409(cloud: Cloud) -> None:
    deny(cloud)
    assert cloud.status("POST", f"/v2/{HERE}?policyId=agents", {"rules": [rule()]}) == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("identity", "rules"),
    [
        ("ab", [rule()]),
        ("Upper", [rule()]),
        ("good", []),
        ("good", [{"description": "empty"}]),
        ("good", [rule(["user:alice@acme.example"])]),  # the spelling of allow policies
        ("good", [rule(["serviceAccount:x@p.iam.gserviceaccount.com"])]),
        ("good", [rule(permissions=["iam.serviceAccountKeys.create"])]),  # the spelling of roles
        ("good", [rule(exceptionPrincipals=[PUBLIC])]),
        ("good", [rule(denialCondition={"title": "t", "expression": "request.time < timestamp('x')"})]),
        ("good", [rule()] * 501),
    ],
)
def test_a_bad_deny_policy_is_400(cloud: Cloud, identity: str, rules: list[Json]) -> None:
    assert cloud.status("POST", f"/v2/{HERE}?policyId={identity}", {"rules": rules}) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "principal",
    [
        "principal://goog/subject/alice@acme.example",
        "principalSet://goog/group/admins@acme.example",
        "principal://iam.googleapis.com/projects/-/serviceAccounts/x@p.iam.gserviceaccount.com",
        "principalSet://goog/cloudIdentityCustomerId/C01Abc35",
        f"principal://iam.googleapis.com/{POOL}/eks/subject/x",
        f"principalSet://iam.googleapis.com/{POOL}/eks/*",
    ],
)
def test_every_documented_principal_of_a_deny_rule_is_accepted(cloud: Cloud, principal: str) -> None:
    assert deny(cloud, rule([principal]))["rules"][0]["denyRule"]["deniedPrincipals"] == [principal]


ALICE = "user:alice@acme.example"


def may(cloud: Cloud, permission: str, caller: str = ALICE, project: str = PROJECT) -> bool:
    asked = {"permissions": [permission]}
    return cloud.post(f"/v3/projects/{project}:testIamPermissions", asked, caller) == asked


@pytest.mark.parametrize(
    ("rules", "keys", "roles"),
    [
        ([rule()], False, True),
        ([rule(["principal://goog/subject/alice@acme.example"])], False, True),
        ([rule(["principal://goog/subject/bob@acme.example"])], True, True),
        ([rule(["principalSet://goog/group/team@acme.example"])], False, True),
        ([rule(exceptionPrincipals=["principal://goog/subject/alice@acme.example"])], True, True),
        ([rule(permissions=["iam.googleapis.com/serviceAccountKeys.*"])], False, True),
        (
            [rule(permissions=["iam.googleapis.com/*.*"], exceptionPermissions=["iam.googleapis.com/roles.list"])],
            False,
            True,
        ),
        ([rule(permissions=["cloudresourcemanager.googleapis.com/projects.get"])], True, True),
    ],
)
def test_a_deny_policy_denies_whatever_is_allowed(cloud: Cloud, rules: list[Json], keys: bool, roles: bool) -> None:
    cloud.set_policy([{"role": "roles/owner", "members": [ALICE]}])
    cloud.emulator.state.add_group("team@acme.example", [ALICE])
    assert may(cloud, "iam.serviceAccountKeys.create")
    deny(cloud, *rules)
    assert may(cloud, "iam.serviceAccountKeys.create") is keys
    assert may(cloud, "iam.roles.list") is roles


def test_a_deny_policy_of_a_folder_reaches_its_projects(cloud: Cloud) -> None:
    cloud.set_policy([{"role": "roles/owner", "members": [ALICE]}])
    deny(cloud, where=point(FOLDER))
    assert not may(cloud, "iam.serviceAccountKeys.create")


PARENT = f"{ORGANIZATION}/locations/global"
RESOURCE = "//cloudresourcemanager.googleapis.com/projects/"


def details(*projects: str) -> Json:
    return {"rules": [{"resources": [RESOURCE + one for one in projects], "effect": "ALLOW"}]}


def boundary(cloud: Cloud, *projects: str, identity: str = "agents") -> Any:
    rules = [{"resources": [RESOURCE + one for one in projects or [PROJECT]], "effect": "ALLOW"}]
    policy = iam_v3.PrincipalAccessBoundaryPolicy(details={"rules": rules})
    return cloud.boundaries.create_principal_access_boundary_policy(
        request={
            "parent": PARENT,
            "principal_access_boundary_policy": policy,
            "principal_access_boundary_policy_id": identity,
        }
    ).result()


def bind(cloud: Cloud, policy: str, target: str, identity: str = "agents", condition: str = "") -> Any:
    binding: Json = {"target": {"principal_set": target}, "policy": policy}
    if condition:
        binding["condition"] = {"expression": condition}
    return cloud.bindings.create_policy_binding(
        request={
            "parent": f"projects/{PROJECT}/locations/global",
            "policy_binding": binding,
            "policy_binding_id": identity,
        }
    ).result()


def test_the_real_client_does_the_whole_life_of_a_boundary_and_its_binding(cloud: Cloud) -> None:
    made = boundary(cloud)
    assert made.name == f"{PARENT}/principalAccessBoundaryPolicies/agents" and made.uid
    assert made.details.enforcement_version
    bound = bind(cloud, made.name, RESOURCE + PROJECT)
    assert bound.name == f"projects/{NUMBER}/locations/global/policyBindings/agents"
    assert (
        bound.policy_uid == made.uid and bound.policy_kind == iam_v3.PolicyBinding.PolicyKind.PRINCIPAL_ACCESS_BOUNDARY
    )
    assert list(cloud.bindings.list_policy_bindings(parent=f"projects/{PROJECT}/locations/global")) == [bound]
    searched = cloud.boundaries.search_principal_access_boundary_policy_bindings(name=made.name)
    assert list(searched) == [bound]
    target = cloud.bindings.search_target_policy_bindings(
        request={"parent": f"projects/{PROJECT}/locations/global", "target": RESOURCE + PROJECT}
    )
    assert list(target) == [bound]
    with pytest.raises(exceptions.FailedPrecondition):
        cloud.boundaries.delete_principal_access_boundary_policy(name=made.name)
    made.display_name = "new"
    changed = cloud.boundaries.update_principal_access_boundary_policy(
        request={"principal_access_boundary_policy": made, "update_mask": {"paths": ["display_name"]}}
    ).result()
    assert changed.display_name == "new" and changed.etag != made.etag
    with pytest.raises(exceptions.Aborted):
        cloud.boundaries.update_principal_access_boundary_policy(request={"principal_access_boundary_policy": made})
    cloud.bindings.delete_policy_binding(name=bound.name).result()
    cloud.boundaries.delete_principal_access_boundary_policy(name=made.name).result()
    assert not list(cloud.boundaries.list_principal_access_boundary_policies(parent=PARENT))


def test_force_deletes_a_boundary_with_its_bindings(cloud: Cloud) -> None:
    made = boundary(cloud)
    bind(cloud, made.name, RESOURCE + PROJECT)
    cloud.boundaries.delete_principal_access_boundary_policy(request={"name": made.name, "force": True}).result()
    assert not list(cloud.bindings.list_policy_bindings(parent=f"projects/{PROJECT}/locations/global"))


def test_validate_only_changes_nothing(cloud: Cloud) -> None:
    path = f"/v3/{PARENT}/principalAccessBoundaryPolicies"
    tail = "?principalAccessBoundaryPolicyId=agents&validateOnly=true"
    assert cloud.done(cloud.post(path + tail, {"details": details(PROJECT)}), "v3")["uid"]
    assert cloud.get(path) == {}
    made = boundary(cloud)
    cloud.call("DELETE", f"/v3/{made.name}?validateOnly=true&force=true")
    assert len(cloud.get(path)["principalAccessBoundaryPolicies"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"details": {"rules": [{"resources": [RESOURCE + PROJECT]}]}},
        {"details": {"rules": [{"resources": [], "effect": "ALLOW"}]}},
        {"details": {"rules": [{"resources": ["//storage.googleapis.com/b"], "effect": "ALLOW"}]}},
        {"details": details(*[f"p-{index}" for index in range(501)])},
        {"displayName": "x" * 64},
        {"rules": []},
    ],
)
def test_a_bad_boundary_is_400(cloud: Cloud, body: Json) -> None:
    path = f"/v3/{PARENT}/principalAccessBoundaryPolicies?principalAccessBoundaryPolicyId=agents"
    assert cloud.status("POST", path, body) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("target", "condition", "code"),
    [
        (RESOURCE + OTHER, "", 400),  # not the binding's parent
        ("//storage.googleapis.com/b", "", 400),
        (RESOURCE + PROJECT, "request.time < timestamp('2030-01-01T00:00:00Z')", 400),
        (RESOURCE + PROJECT, "principal.type ==", 400),
    ],
)
def test_a_bad_binding_is_400(cloud: Cloud, target: str, condition: str, code: int) -> None:
    made = boundary(cloud)
    body: Json = {"target": {"principalSet": target}, "policy": made.name}
    if condition:
        body["condition"] = {"expression": condition}
    path = f"/v3/projects/{PROJECT}/locations/global/policyBindings?policyBindingId=agents"
    assert cloud.status("POST", path, body)[0] == code


def test_a_binding_of_no_policy_is_404(cloud: Cloud) -> None:
    body = {"target": {"principalSet": RESOURCE + PROJECT}, "policy": f"{PARENT}/principalAccessBoundaryPolicies/none"}
    path = f"/v3/projects/{PROJECT}/locations/global/policyBindings?policyBindingId=agents"
    assert cloud.status("POST", path, body) == (404, "NOT_FOUND")


AGENT = f"serviceAccount:triage-agent@{PROJECT}.iam.gserviceaccount.com"
POOLED = f"principal://iam.googleapis.com/{POOL}/agents/subject/x"


@pytest.mark.parametrize(
    ("caller", "target", "condition", "bounded"),
    [
        (AGENT, RESOURCE + PROJECT, "", True),
        (AGENT, RESOURCE + PROJECT, "principal.type == 'iam.googleapis.com/ServiceAccount'", True),
        (AGENT, RESOURCE + PROJECT, "principal.type == 'iam.googleapis.com/WorkloadPoolIdentity'", False),
        (POOLED, f"//iam.googleapis.com/{POOL}/agents", "", True),
        (POOLED, f"//iam.googleapis.com/{POOL}/others", "", False),
        (ALICE, RESOURCE + PROJECT, "", False),
    ],
)
def test_a_boundary_holds_its_principals_to_its_resources(
    cloud: Cloud, caller: str, target: str, condition: str, bounded: bool
) -> None:
    cloud.account()
    for project in (PROJECT, OTHER):
        cloud.set_policy([{"role": "roles/browser", "members": [caller]}], f"/v3/projects/{project}")
    bind(cloud, boundary(cloud, PROJECT).name, target, condition=condition)
    assert may(cloud, "resourcemanager.projects.get", caller)
    assert may(cloud, "resourcemanager.projects.get", caller, OTHER) is not bounded


def test_a_folder_in_a_boundary_holds_its_projects(cloud: Cloud) -> None:
    cloud.account()
    cloud.set_policy([{"role": "roles/browser", "members": [AGENT]}])
    path = f"/v3/{PARENT}/principalAccessBoundaryPolicies?principalAccessBoundaryPolicyId=agents"
    place = f"//cloudresourcemanager.googleapis.com/{FOLDER}"
    made = cloud.done(cloud.post(path, {"details": {"rules": [{"resources": [place], "effect": "ALLOW"}]}}), "v3")
    bind(cloud, made["name"], RESOURCE + PROJECT)
    assert may(cloud, "resourcemanager.projects.get", AGENT)


@pytest.mark.parametrize("path", [f"/v2/{HERE}", f"/v3/{PARENT}/principalAccessBoundaryPolicies"])
def test_five_requests_a_minute_and_project(cloud: Cloud, path: str) -> None:
    cloud.emulator.switches.quotas = True
    for _ in range(5):
        cloud.get(path)
    error = cloud.refused("GET", path)
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert error["details"][0]["metadata"]["quota_limit_value"] == "5"
    cloud.emulator.clock.advance(60)
    cloud.get(path)
