"""Custom and predefined roles of the emulator, with the real clients."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google_emulator_clients import NUMBER, ORGANIZATION, OTHER, PROJECT, Cloud, Json
from provisioner_google.sandbox.catalogue import known_permissions, predefined
from provisioner_google.sandbox.roles import MAX_ROLES

DAY = 86400
ROLES = f"/v1/projects/{PROJECT}/roles"
READER = ["storage.objects.get", "storage.objects.list"]


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def make(cloud: Cloud, identity: str = "agent_reader", path: str = ROLES, **fields: object) -> Json:
    role = {"title": "Reader", "stage": "GA", "includedPermissions": READER} | fields
    return cloud.post(path, {"roleId": identity, "role": role})


def test_a_custom_role_has_name_etag_and_sorted_permissions(cloud: Cloud) -> None:
    made = make(cloud, includedPermissions=[*reversed(READER), READER[0]])
    assert made["name"] == f"projects/{PROJECT}/roles/agent_reader"
    assert made["includedPermissions"] == READER
    assert base64.b64decode(made["etag"]) and made["stage"] == "GA" and "deleted" not in made
    assert cloud.get(f"{ROLES}/agent_reader") == made


@pytest.mark.parametrize("stage", ["ALPHA", None])
def test_stage_alpha_is_left_out_of_answers(cloud: Cloud, stage: str | None) -> None:
    role = {"title": "Reader"} | ({"stage": stage} if stage else {})
    assert "stage" not in cloud.post(ROLES, {"roleId": "alpha_role", "role": role})
    assert "stage" not in cloud.get(f"{ROLES}/alpha_role")


@pytest.mark.parametrize("stage", ["BETA", "GA", "DEPRECATED", "DISABLED", "EAP"])
def test_every_other_stage_is_shown(cloud: Cloud, stage: str) -> None:
    assert make(cloud, stage=stage)["stage"] == stage


@pytest.mark.parametrize(
    ("identity", "role"),
    [
        ("no-dashes", {}),
        ("ab", {}),
        ("x" * 65, {}),
        ("good", {"stage": "LIVE"}),
        ("good", {"title": "t" * 101}),
        ("good", {"description": "d" * 301}),
        ("good", {"includedPermissions": ["storage.objects.fly"]}),
        ("good", {"includedPermissions": ["storage.objects.*"]}),
        ("good", {"includedPermissions": ["resourcemanager.projects.list"]}),  # not in a project's role
        ("good", {"includedPermissions": ["bigquery.readsessions.update"]}),  # NOT_SUPPORTED
    ],
)
def test_a_bad_role_is_400(cloud: Cloud, identity: str, role: Json) -> None:
    assert cloud.status("POST", ROLES, {"roleId": identity, "role": role}) == (400, "INVALID_ARGUMENT")


def test_an_organisations_role_may_hold_what_a_projects_cannot(cloud: Cloud) -> None:
    made = make(cloud, path=f"/v1/{ORGANIZATION}/roles", includedPermissions=["resourcemanager.projects.list"])
    assert made["name"] == f"{ORGANIZATION}/roles/agent_reader"


def test_the_number_of_custom_roles_is_limited(cloud: Cloud) -> None:
    assert MAX_ROLES == 300
    for index in range(300):
        make(cloud, f"role_{index}")
    error = cloud.refused("POST", ROLES, {"roleId": "one_more", "role": {}})
    assert (error["code"], error["status"]) == (400, "FAILED_PRECONDITION")


def test_a_second_role_of_the_id_is_409_already_exists(cloud: Cloud) -> None:
    make(cloud)
    assert cloud.status("POST", ROLES, {"roleId": "agent_reader", "role": {}}) == (409, "ALREADY_EXISTS")


def test_patch_follows_its_mask_and_gives_a_new_etag(cloud: Cloud) -> None:
    made = make(cloud)
    body = {"title": "New", "includedPermissions": ["storage.buckets.get"]}
    changed = cloud.call("PATCH", f"{ROLES}/agent_reader?updateMask=includedPermissions", body)
    assert changed["title"] == "Reader" and changed["includedPermissions"] == ["storage.buckets.get"]
    assert changed["etag"] != made["etag"]


def test_a_stale_etag_is_409_aborted_on_patch_delete_and_undelete(cloud: Cloud) -> None:
    stale = make(cloud)["etag"]
    fresh = cloud.call("PATCH", f"{ROLES}/agent_reader", {"title": "New", "etag": stale})["etag"]
    aborted = (409, "ABORTED")
    assert cloud.status("PATCH", f"{ROLES}/agent_reader", {"title": "x", "etag": stale}) == aborted
    assert cloud.status("DELETE", f"{ROLES}/agent_reader?etag={stale}") == aborted
    cloud.call("DELETE", f"{ROLES}/agent_reader?etag={fresh}")
    assert cloud.status("POST", f"{ROLES}/agent_reader:undelete", {"etag": stale}) == aborted


def test_deletion_is_soft_for_seven_days(cloud: Cloud) -> None:
    make(cloud)
    assert cloud.call("DELETE", f"{ROLES}/agent_reader")["deleted"] is True
    assert cloud.get(f"{ROLES}/agent_reader")["deleted"] is True  # still there to get
    assert cloud.get(ROLES) == {}
    assert cloud.get(f"{ROLES}?showDeleted=true")["roles"][0]["deleted"] is True
    assert "deleted" not in cloud.post(f"{ROLES}/agent_reader:undelete")
    assert cloud.get(ROLES)["roles"][0]["name"].endswith("agent_reader")


@pytest.mark.parametrize("days", [0, 7, 36])
def test_the_id_of_a_deleted_role_is_locked_for_37_days(cloud: Cloud, days: int) -> None:
    make(cloud)
    cloud.call("DELETE", f"{ROLES}/agent_reader")
    cloud.emulator.clock.advance(days * DAY)
    assert cloud.status("POST", ROLES, {"roleId": "agent_reader", "role": {}}) == (400, "FAILED_PRECONDITION")


def test_after_seven_days_a_role_cannot_be_undeleted_and_after_37_its_id_is_free(cloud: Cloud) -> None:
    make(cloud)
    cloud.call("DELETE", f"{ROLES}/agent_reader")
    cloud.emulator.clock.advance(7 * DAY)
    assert cloud.status("POST", f"{ROLES}/agent_reader:undelete", {}) == (400, "FAILED_PRECONDITION")
    cloud.emulator.clock.advance(30 * DAY)
    assert cloud.status("GET", f"{ROLES}/agent_reader") == (404, "NOT_FOUND")
    assert make(cloud)["name"].endswith("agent_reader")


@pytest.mark.parametrize(("verb", "tail"), [("PATCH", "?updateMask=title"), ("DELETE", "")])
def test_a_deleted_role_cannot_be_changed(cloud: Cloud, verb: str, tail: str) -> None:
    make(cloud)
    cloud.call("DELETE", f"{ROLES}/agent_reader")
    body = {"title": "x"} if verb == "PATCH" else None
    assert cloud.status(verb, f"{ROLES}/agent_reader{tail}", body) == (400, "FAILED_PRECONDITION")


def test_bindings_of_a_deleted_role_stay_and_are_inert(cloud: Cloud) -> None:
    make(cloud)
    bindings = [{"role": f"projects/{PROJECT}/roles/agent_reader", "members": ["user:a@acme.example"]}]
    cloud.set_policy(bindings)
    cloud.emulator.switches.enforce = True
    ask = {"permissions": ["storage.objects.get"]}
    test = f"/v3/projects/{PROJECT}:testIamPermissions"
    assert cloud.post(test, ask, "user:a@acme.example") == ask
    cloud.emulator.switches.enforce = False
    cloud.call("DELETE", f"{ROLES}/agent_reader")
    assert cloud.policy()["bindings"] == bindings
    cloud.emulator.switches.enforce = True
    assert cloud.post(test, ask, "user:a@acme.example") == {}
    cloud.emulator.switches.enforce = False
    assert cloud.set_policy(bindings)["bindings"] == bindings  # a read-modify-write may keep it
    fresh = [{"role": bindings[0]["role"], "members": ["user:b@acme.example"]}]
    path = f"/v3/projects/{OTHER}:setIamPolicy"
    assert cloud.status("POST", path, {"policy": {"bindings": fresh}}) == (400, "INVALID_ARGUMENT")


def test_a_projects_role_cannot_be_bound_in_another_project(cloud: Cloud) -> None:
    make(cloud)
    policy = {"bindings": [{"role": f"projects/{PROJECT}/roles/agent_reader", "members": ["user:a@acme.example"]}]}
    assert cloud.status("POST", f"/v3/projects/{OTHER}:setIamPolicy", {"policy": policy}) == (400, "INVALID_ARGUMENT")


def test_list_shows_permissions_only_in_the_full_view(cloud: Cloud) -> None:
    make(cloud)
    assert "includedPermissions" not in cloud.get(ROLES)["roles"][0]
    assert cloud.get(f"{ROLES}?view=FULL")["roles"][0]["includedPermissions"] == READER


def test_predefined_roles_are_read_like_custom_ones(cloud: Cloud) -> None:
    role = cloud.get("/v1/roles/storage.objectViewer")
    assert role["stage"] == "GA" and set(READER) <= set(role["includedPermissions"])
    assert role["description"].startswith("Partial: "), "nobody is to take it for Google's own"
    assert cloud.status("GET", "/v1/roles/storage.noSuchRole") == (404, "NOT_FOUND")
    listed = cloud.get("/v1/roles?view=FULL&pageSize=1000")["roles"]
    assert next(one for one in listed if one["name"] == role["name"]) == role


def test_some_sixty_predefined_roles_are_there_and_no_role_is_empty() -> None:
    roles = predefined()
    assert len(roles) >= 60
    assert all(permissions for _, permissions in roles.values())
    assert all(permission.count(".") >= 2 for permission in known_permissions())
    for basic in ("roles/owner", "roles/editor", "roles/viewer"):
        assert basic in roles
    owner, editor, viewer = (set(roles[f"roles/{name}"][1]) for name in ("owner", "editor", "viewer"))
    assert viewer < editor < owner
    assert "resourcemanager.projects.setIamPolicy" in owner - editor
    assert "iam.serviceAccounts.actAs" in editor and "bigquery.tables.getData" not in viewer


def test_testable_permissions_say_which_a_custom_role_takes(cloud: Cloud) -> None:
    full = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
    found: dict[str, Json] = {}
    token = ""
    while True:
        page = cloud.post(
            "/v1/permissions:queryTestablePermissions", {"fullResourceName": full, "pageSize": 200, "pageToken": token}
        )
        found |= {one["name"]: one for one in page["permissions"]}
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert "customRolesSupportLevel" not in found["storage.objects.get"]  # SUPPORTED is the default
    assert found["bigquery.readsessions.update"]["customRolesSupportLevel"] == "NOT_SUPPORTED"
    assert found["discoveryengine.servingConfigs.search"]["customRolesSupportLevel"] == "TESTING"
    assert found["resourcemanager.projects.list"]["customRolesSupportLevel"] == "NOT_SUPPORTED"


def test_testable_permissions_of_a_resource_are_its_services(cloud: Cloud) -> None:
    full = "//storage.googleapis.com/projects/_/buckets/acme"
    page = cloud.post("/v1/permissions:queryTestablePermissions", {"fullResourceName": full})
    assert {one["name"].partition(".")[0] for one in page["permissions"]} == {"storage"}
    bad = {"fullResourceName": "storage/acme"}
    assert cloud.status("POST", "/v1/permissions:queryTestablePermissions", bad) == (400, "INVALID_ARGUMENT")


def test_the_project_may_be_named_by_number(cloud: Cloud) -> None:
    made = make(cloud, path=f"/v1/projects/{NUMBER}/roles")
    assert made["name"] == f"projects/{PROJECT}/roles/agent_reader"


def test_the_grpc_client_does_the_whole_life_of_a_role(cloud: Cloud) -> None:
    from google.cloud.iam_admin_v1 import Role

    name = f"projects/{PROJECT}/roles/agent_reader"
    made = cloud.iam.create_role(
        request={
            "parent": f"projects/{PROJECT}",
            "role_id": "agent_reader",
            "role": {"title": "R", "included_permissions": READER, "stage": Role.RoleLaunchStage.BETA},
        }
    )
    assert made.name == name and made.stage == Role.RoleLaunchStage.BETA
    changed = cloud.iam.update_role(
        request={"name": name, "role": {"title": "S", "etag": made.etag}, "update_mask": {"paths": ["title"]}}
    )
    assert changed.title == "S" and list(changed.included_permissions) == READER
    with pytest.raises(exceptions.Aborted):
        cloud.iam.update_role(request={"name": name, "role": {"title": "T", "etag": made.etag}})
    assert cloud.iam.delete_role(request={"name": name}).deleted
    assert not list(cloud.iam.list_roles(request={"parent": f"projects/{PROJECT}"}))
    assert list(cloud.iam.list_roles(request={"parent": f"projects/{PROJECT}", "show_deleted": True}))
    assert not cloud.iam.undelete_role(request={"name": name}).deleted
    assert cloud.iam.get_role(request={"name": "roles/viewer"}).title == "Viewer"
    full = list(cloud.iam.list_roles(request={"view": 1}))
    assert len(full) == len(predefined()) and all(one.included_permissions for one in full)
    pages = cloud.iam.query_testable_permissions(
        request={"full_resource_name": f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"}
    )
    assert {one.name for one in pages} == known_permissions()
    grantable = cloud.iam.query_grantable_roles(request={"full_resource_name": "//storage.googleapis.com/b"})
    assert {one.name.partition(".")[0] for one in grantable} == {"roles/storage"}
