"""Service accounts and keys of the emulator, with the real clients: one test or row a fact."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google_emulator_clients import NUMBER, OTHER, PROJECT, Cloud

DAY = 86400
ACCOUNTS = f"/v1/projects/{PROJECT}/serviceAccounts"
EMAIL = f"triage-agent@{PROJECT}.iam.gserviceaccount.com"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def test_a_new_account_has_email_unique_id_and_no_default_fields(cloud: Cloud) -> None:
    made = cloud.account(displayName="Triage", description="reads")
    assert made["email"] == EMAIL
    assert made["name"] == f"projects/{PROJECT}/serviceAccounts/{EMAIL}"
    assert len(made["uniqueId"]) == 21 and made["uniqueId"].isdigit()
    assert made["oauth2ClientId"] == made["uniqueId"]
    assert (made["displayName"], made["description"]) == ("Triage", "reads")
    assert "disabled" not in made  # proto3 JSON leaves out false


@pytest.mark.parametrize("project", [PROJECT, NUMBER, "-"])
@pytest.mark.parametrize("by", ["email", "uniqueId"])
def test_an_account_is_found_by_email_or_unique_id_in_project_id_number_or_wildcard(
    cloud: Cloud, project: str, by: str
) -> None:
    made = cloud.account()
    assert cloud.get(f"/v1/projects/{project}/serviceAccounts/{made[by]}") == made


def test_an_account_is_not_found_in_another_project(cloud: Cloud) -> None:
    cloud.account()
    assert cloud.status("GET", f"/v1/projects/{OTHER}/serviceAccounts/{EMAIL}") == (404, "NOT_FOUND")


def test_a_second_account_of_the_name_is_409_already_exists(cloud: Cloud) -> None:
    cloud.account()
    body = {"accountId": "triage-agent"}
    assert cloud.status("POST", ACCOUNTS, body) == (409, "ALREADY_EXISTS")


@pytest.mark.parametrize("identity", ["", "short", "Upper-case", "1-starts-wrong", "x" * 31, "ends-wrong-"])
def test_a_bad_account_id_is_400(cloud: Cloud, identity: str) -> None:
    assert cloud.status("POST", ACCOUNTS, {"accountId": identity}) == (400, "INVALID_ARGUMENT")


def test_listing_pages(cloud: Cloud) -> None:
    for index in range(25):
        cloud.account(f"agent-number-{index:02}")
    first = cloud.get(ACCOUNTS)
    assert len(first["accounts"]) == 20  # the default
    rest = cloud.get(f"{ACCOUNTS}?pageToken={first['nextPageToken']}")
    assert len(rest["accounts"]) == 5 and "nextPageToken" not in rest
    assert len(list(cloud.iam.list_service_accounts(name=f"projects/{PROJECT}"))) == 25  # the client follows pages


def test_a_bad_page_token_is_400(cloud: Cloud) -> None:
    assert cloud.status("GET", f"{ACCOUNTS}?pageToken=zzzz-") == (400, "INVALID_ARGUMENT")


def test_patch_changes_what_the_mask_names(cloud: Cloud) -> None:
    cloud.account(displayName="a", description="b")
    body = {"serviceAccount": {"displayName": "new", "description": "lost"}, "updateMask": "displayName"}
    assert cloud.call("PATCH", f"{ACCOUNTS}/{EMAIL}", body)["description"] == "b"
    assert cloud.get(f"{ACCOUNTS}/{EMAIL}")["displayName"] == "new"


@pytest.mark.parametrize("mask", ["", "email", "disabled"])
def test_patch_without_a_good_mask_is_400(cloud: Cloud, mask: str) -> None:
    cloud.account()
    body = {"serviceAccount": {"displayName": "new"}, "updateMask": mask}
    assert cloud.status("PATCH", f"{ACCOUNTS}/{EMAIL}", body) == (400, "INVALID_ARGUMENT")


def test_disable_and_enable(cloud: Cloud) -> None:
    cloud.account()
    cloud.post(f"{ACCOUNTS}/{EMAIL}:disable")
    assert cloud.get(f"{ACCOUNTS}/{EMAIL}")["disabled"] is True
    cloud.post(f"{ACCOUNTS}/{EMAIL}:enable")
    assert "disabled" not in cloud.get(f"{ACCOUNTS}/{EMAIL}")


def test_a_deleted_account_is_404_and_not_listed(cloud: Cloud) -> None:
    made = cloud.account()
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    for name in (EMAIL, made["uniqueId"]):
        assert cloud.status("GET", f"{ACCOUNTS}/{name}") == (404, "NOT_FOUND")
    assert cloud.get(ACCOUNTS) == {}


def test_undelete_takes_the_unique_id_and_brings_back_the_same_principal(cloud: Cloud) -> None:
    made = cloud.account(displayName="Triage")
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    assert cloud.status("POST", f"{ACCOUNTS}/{EMAIL}:undelete", {}) == (404, "NOT_FOUND")
    assert cloud.post(f"{ACCOUNTS}/{made['uniqueId']}:undelete") == {"restoredAccount": made}


def test_undelete_is_404_after_thirty_days(cloud: Cloud) -> None:
    made = cloud.account()
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    cloud.emulator.clock.advance(30 * DAY)
    assert cloud.status("POST", f"{ACCOUNTS}/{made['uniqueId']}:undelete", {}) == (404, "NOT_FOUND")


def test_undelete_fails_while_a_new_account_has_the_email(cloud: Cloud) -> None:
    made = cloud.account()
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    cloud.account()
    assert cloud.status("POST", f"{ACCOUNTS}/{made['uniqueId']}:undelete", {}) == (400, "FAILED_PRECONDITION")


def test_a_recreated_account_is_another_principal_and_old_members_read_deleted(cloud: Cloud) -> None:
    old = cloud.account()
    cloud.set_policy([{"role": "roles/viewer", "members": [f"serviceAccount:{EMAIL}"]}])
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    gone = f"deleted:serviceAccount:{EMAIL}?uid={old['uniqueId']}"
    assert cloud.policy()["bindings"] == [{"role": "roles/viewer", "members": [gone]}]
    new = cloud.account()
    assert new["uniqueId"] != old["uniqueId"]
    assert cloud.policy()["bindings"] == [{"role": "roles/viewer", "members": [gone]}]
    both = [{"role": "roles/viewer", "members": [gone, f"serviceAccount:{EMAIL}"]}]
    assert cloud.set_policy(both)["bindings"] == both  # the two live side by side


def test_undelete_turns_the_deleted_member_back(cloud: Cloud) -> None:
    made = cloud.account()
    bindings = [{"role": "roles/viewer", "members": [f"serviceAccount:{EMAIL}"]}]
    cloud.set_policy(bindings)
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    cloud.post(f"{ACCOUNTS}/{made['uniqueId']}:undelete")
    assert cloud.policy()["bindings"] == bindings


def test_the_accounts_own_policy_follows_the_principal(cloud: Cloud) -> None:
    made = cloud.account()
    cloud.post(
        f"{ACCOUNTS}/{EMAIL}:setIamPolicy",
        {"policy": {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": ["user:a@acme.example"]}]}},
    )
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    cloud.account()
    assert cloud.post(f"{ACCOUNTS}/{EMAIL}:getIamPolicy") == {"etag": "ACAB"}
    cloud.call("DELETE", f"{ACCOUNTS}/{EMAIL}")
    cloud.post(f"{ACCOUNTS}/{made['uniqueId']}:undelete")
    path = f"{ACCOUNTS}/{EMAIL}:getIamPolicy?options.requestedPolicyVersion=3"
    assert cloud.post(path)["bindings"][0]["role"] == "roles/iam.workloadIdentityUser"


def test_keys_are_made_once_shown_once_and_told_apart(cloud: Cloud) -> None:
    cloud.account()
    made = cloud.post(f"{ACCOUNTS}/{EMAIL}/keys")
    assert made["privateKeyData"] and made["keyType"] == "USER_MANAGED" and made["keyOrigin"] == "GOOGLE_PROVIDED"
    assert made["validBeforeTime"] == "9999-12-31T23:59:59Z"
    assert "privateKeyData" not in cloud.get(f"/v1/{made['name']}")
    listed = cloud.get(f"{ACCOUNTS}/{EMAIL}/keys")["keys"]
    assert sorted(key["keyType"] for key in listed) == ["SYSTEM_MANAGED", "USER_MANAGED"]
    ours = cloud.get(f"{ACCOUNTS}/{EMAIL}/keys?keyTypes=USER_MANAGED")["keys"]
    assert [key["name"] for key in ours] == [made["name"]]


def test_an_uploaded_key_is_user_provided(cloud: Cloud) -> None:
    cloud.account()
    assert cloud.post(f"{ACCOUNTS}/{EMAIL}/keys:upload", {"publicKeyData": "QUJD"})["keyOrigin"] == "USER_PROVIDED"


def test_a_key_is_disabled_enabled_and_deleted_for_good(cloud: Cloud) -> None:
    cloud.account()
    name = cloud.post(f"{ACCOUNTS}/{EMAIL}/keys")["name"]
    cloud.post(f"/v1/{name}:disable")
    assert cloud.get(f"/v1/{name}")["disabled"] is True
    cloud.post(f"/v1/{name}:enable")
    assert "disabled" not in cloud.get(f"/v1/{name}")
    cloud.call("DELETE", f"/v1/{name}")
    assert cloud.status("GET", f"/v1/{name}") == (404, "NOT_FOUND")


def test_the_eleventh_key_is_refused_and_a_system_managed_one_cannot_be_deleted(cloud: Cloud) -> None:
    cloud.account()
    system = cloud.get(f"{ACCOUNTS}/{EMAIL}/keys?keyTypes=SYSTEM_MANAGED")["keys"][0]["name"]
    for _ in range(10):
        cloud.post(f"{ACCOUNTS}/{EMAIL}/keys")
    assert cloud.status("POST", f"{ACCOUNTS}/{EMAIL}/keys", {}) == (400, "FAILED_PRECONDITION")
    assert cloud.status("DELETE", f"/v1/{system}") == (400, "FAILED_PRECONDITION")


def test_impersonation_names_the_account_and_is_refused_while_it_is_disabled(cloud: Cloud) -> None:
    cloud.account()
    path = f"/v1/projects/-/serviceAccounts/{EMAIL}:generateAccessToken"
    body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "600s"}
    assert cloud.post(path, body)["accessToken"] == f"serviceAccount:{EMAIL}"
    assert cloud.status("POST", path, body | {"lifetime": "7200s"}) == (400, "INVALID_ARGUMENT")
    cloud.post(f"{ACCOUNTS}/{EMAIL}:disable")
    assert cloud.status("POST", path, body) == (400, "FAILED_PRECONDITION")


def test_an_unknown_project_is_403_and_does_not_say_whether_it_exists(cloud: Cloud) -> None:
    error = cloud.refused("GET", "/v1/projects/no-such-project/serviceAccounts")
    assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
    assert error["details"][0]["reason"] == "IAM_PERMISSION_DENIED"
    assert error["details"][0]["metadata"]["permission"] == "iam.serviceAccounts.list"


def test_the_grpc_client_does_the_whole_life_of_an_account(cloud: Cloud) -> None:
    parent = f"projects/{PROJECT}"
    made = cloud.iam.create_service_account(
        request={"name": parent, "account_id": "triage-agent", "service_account": {"display_name": "Triage"}}
    )
    name = f"projects/-/serviceAccounts/{EMAIL}"
    assert made.email == EMAIL and cloud.iam.get_service_account(name=name) == made
    patched = cloud.iam.patch_service_account(
        request={"service_account": {"name": name, "description": "d"}, "update_mask": {"paths": ["description"]}}
    )
    assert (patched.display_name, patched.description) == ("Triage", "d")
    cloud.iam.disable_service_account(request={"name": name})
    assert cloud.iam.get_service_account(name=name).disabled
    cloud.iam.enable_service_account(request={"name": name})
    key = cloud.iam.create_service_account_key(name=name)
    assert key.private_key_data
    listed = cloud.iam.list_service_account_keys(name=name, key_types=["USER_MANAGED"])
    assert [one.name for one in listed.keys] == [key.name]
    cloud.iam.delete_service_account_key(name=key.name)
    cloud.iam.delete_service_account(name=name)
    with pytest.raises(exceptions.NotFound):
        cloud.iam.get_service_account(name=name)
    back = cloud.iam.undelete_service_account(request={"name": f"projects/-/serviceAccounts/{made.unique_id}"})
    assert back.restored_account.unique_id == made.unique_id


def test_the_grpc_client_reads_and_writes_the_accounts_policy(cloud: Cloud) -> None:
    cloud.account()
    resource = f"projects/-/serviceAccounts/{EMAIL}"
    policy = cloud.iam.get_iam_policy(request={"resource": resource, "options": {"requested_policy_version": 3}})
    policy.version = 3
    policy.bindings.add(
        role="roles/iam.serviceAccountUser",
        members=["user:alice@acme.example"],
        condition={"title": "until", "expression": "request.time < timestamp('2027-01-01T00:00:00Z')"},
    )
    stored = cloud.iam.set_iam_policy(request={"resource": resource, "policy": policy})
    assert stored.bindings[0].condition.title == "until" and stored.etag != policy.etag
    with pytest.raises(exceptions.Aborted):
        cloud.iam.set_iam_policy(request={"resource": resource, "policy": policy})
    held = cloud.iam.test_iam_permissions(request={"resource": resource, "permissions": ["iam.serviceAccounts.actAs"]})
    assert list(held.permissions) == ["iam.serviceAccounts.actAs"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda iam: iam.get_service_account(name=f"projects/-/serviceAccounts/{EMAIL}"), exceptions.NotFound),
        (lambda iam: iam.list_service_accounts(name="projects/unknown-project"), exceptions.PermissionDenied),
        (
            lambda iam: iam.create_service_account(request={"name": f"projects/{PROJECT}", "account_id": "X"}),
            exceptions.InvalidArgument,
        ),
    ],
)
def test_a_refusal_is_the_grpc_clients_own_exception(cloud: Cloud, call: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        call(cloud.iam)  # type: ignore[operator]


def test_grpc_errors_carry_the_reason(cloud: Cloud) -> None:
    with pytest.raises(exceptions.PermissionDenied) as caught:
        cloud.iam.list_service_accounts(name="projects/unknown-project")
    assert caught.value.reason == "IAM_PERMISSION_DENIED"
    assert caught.value.metadata["permission"] == "iam.serviceAccounts.list"
