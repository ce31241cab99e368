"""Workload identity pools and providers of the emulator, over REST: there is no client library for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google_emulator_clients import NUMBER, POOL, POOLS, PROJECT, Cloud, Json

DAY = 86400
ISSUER = "https://token.actions.githubusercontent.com"
OIDC: Json = {
    "attributeMapping": {"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
    "attributeCondition": "assertion.repository_owner_id == '123'",
    "oidc": {"issuerUri": ISSUER, "allowedAudiences": ["acme"]},
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def provider(cloud: Cloud, body: Json = OIDC, identity: str = "github") -> Json:
    return cloud.done(cloud.post(f"{POOLS}/agents/providers?workloadIdentityPoolProviderId={identity}", body))


def test_creating_a_pool_is_an_operation_that_is_not_done_at_first(cloud: Cloud) -> None:
    operation = cloud.post(f"{POOLS}?workloadIdentityPoolId=agents", {"displayName": "Agents"})
    assert operation["name"].startswith(f"{POOL}/agents/operations/") and "done" not in operation
    made = cloud.done(operation)
    assert made == {"name": f"{POOL}/agents", "displayName": "Agents", "state": "ACTIVE"}


@pytest.mark.parametrize("project", [PROJECT, NUMBER])
def test_answers_name_the_project_by_number(cloud: Cloud, project: str) -> None:
    cloud.pool()
    path = f"/v1/projects/{project}/locations/global/workloadIdentityPools"
    assert cloud.get(f"{path}/agents")["name"] == f"{POOL}/agents"
    assert [one["name"] for one in cloud.get(path)["workloadIdentityPools"]] == [f"{POOL}/agents"]


def test_the_effect_of_an_operation_comes_when_it_is_done(cloud: Cloud) -> None:
    cloud.emulator.switches.operation_seconds = 30
    operation = cloud.post(f"{POOLS}?workloadIdentityPoolId=agents", {})
    assert "done" not in cloud.get(f"/v1/{operation['name']}")
    assert cloud.status("GET", f"{POOLS}/agents") == (404, "NOT_FOUND")
    cloud.emulator.clock.advance(30)
    assert cloud.get(f"/v1/{operation['name']}")["done"] is True
    assert cloud.get(f"{POOLS}/agents")["state"] == "ACTIVE"


def test_an_unknown_operation_is_404(cloud: Cloud) -> None:
    assert cloud.status("GET", f"{POOLS}/agents/operations/none") == (404, "NOT_FOUND")


@pytest.mark.parametrize("identity", ["", "abc", "x" * 33, "Upper", "gcp-mine", "under_score"])
def test_a_bad_pool_id_is_400(cloud: Cloud, identity: str) -> None:
    path = f"{POOLS}?workloadIdentityPoolId={identity}"
    assert cloud.status("POST", path, {}) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("location", ["europe-west1", "us"])
def test_pools_are_in_location_global_only(cloud: Cloud, location: str) -> None:
    path = f"/v1/projects/{PROJECT}/locations/{location}/workloadIdentityPools?workloadIdentityPoolId=agents"
    assert cloud.status("POST", path, {}) == (400, "INVALID_ARGUMENT")


def test_a_deleted_pool_is_kept_thirty_days_visible_to_get_and_its_name_is_reserved(cloud: Cloud) -> None:
    cloud.pool()
    gone = cloud.done(cloud.call("DELETE", f"{POOLS}/agents"))
    assert gone["state"] == "DELETED" and gone["expireTime"]
    assert cloud.get(f"{POOLS}/agents")["state"] == "DELETED"
    assert cloud.get(POOLS) == {}
    assert cloud.get(f"{POOLS}?showDeleted=true")["workloadIdentityPools"] == [gone]
    again = f"{POOLS}?workloadIdentityPoolId=agents"
    assert cloud.status("POST", again, {}) == (409, "ALREADY_EXISTS")
    cloud.emulator.clock.advance(30 * DAY)
    assert cloud.status("GET", f"{POOLS}/agents") == (404, "NOT_FOUND")
    assert cloud.pool()["state"] == "ACTIVE"


def test_undelete_and_update_are_two_steps(cloud: Cloud) -> None:
    cloud.pool()
    cloud.done(cloud.call("DELETE", f"{POOLS}/agents"))
    change = ("PATCH", f"{POOLS}/agents?updateMask=disabled", {"disabled": True})
    assert cloud.status(*change) == (400, "FAILED_PRECONDITION")
    assert cloud.status("DELETE", f"{POOLS}/agents") == (400, "FAILED_PRECONDITION")
    assert cloud.done(cloud.post(f"{POOLS}/agents:undelete"))["state"] == "ACTIVE"
    assert cloud.done(cloud.call(*change))["disabled"] is True
    assert cloud.status("POST", f"{POOLS}/agents:undelete", {}) == (400, "FAILED_PRECONDITION")


def test_patch_follows_its_mask_and_needs_one(cloud: Cloud) -> None:
    cloud.pool(displayName="a", description="b")
    body = {"displayName": "new", "description": "lost"}
    cloud.done(cloud.call("PATCH", f"{POOLS}/agents?updateMask=displayName", body))
    assert cloud.get(f"{POOLS}/agents")["description"] == "b"
    assert cloud.status("PATCH", f"{POOLS}/agents", body) == (400, "INVALID_ARGUMENT")
    assert cloud.status("PATCH", f"{POOLS}/agents?updateMask=state", body) == (400, "INVALID_ARGUMENT")


def test_a_provider_keeps_mapping_condition_and_issuer(cloud: Cloud) -> None:
    cloud.pool()
    made = provider(cloud)
    assert made["name"] == f"{POOL}/agents/providers/github"
    assert {key: made[key] for key in OIDC} == OIDC and made["state"] == "ACTIVE"
    assert cloud.get(f"{POOLS}/agents/providers")["workloadIdentityPoolProviders"] == [made]


def without(key: str) -> Json:
    return {name: value for name, value in OIDC.items() if name != key}


@pytest.mark.parametrize(
    "body",
    [
        without("oidc"),
        without("attributeMapping"),
        OIDC | {"aws": {"accountId": "111122223333"}},
        OIDC | {"attributeMapping": {"attribute.x": "assertion.sub"}},
        OIDC | {"attributeMapping": {"google.subject": "assertion.sub", "attribute.Bad-Name": "assertion.x"}},
        OIDC | {"attributeMapping": {"google.subject": "assertion.sub +"}},
        OIDC | {"attributeMapping": {"google.subject": "resource.name"}},
        OIDC | {"attributeCondition": "assertion.sub =="},
        OIDC | {"attributeCondition": "x" * 4097},
        OIDC | {"oidc": {"issuerUri": "http://issuer.example"}},
        OIDC | {"oidc": {"issuerUri": ISSUER, "allowedAudiences": ["a"] * 11}},
        without("oidc") | {"aws": {"accountId": "123"}},
        without("oidc") | {"saml": {}},
    ],
)
def test_a_bad_provider_is_400(cloud: Cloud, body: Json) -> None:
    cloud.pool()
    path = f"{POOLS}/agents/providers?workloadIdentityPoolProviderId=github"
    assert cloud.status("POST", path, body) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("condition", [None, "", "true"])
def test_google_accepts_a_provider_without_a_safe_condition(cloud: Cloud, condition: str | None) -> None:
    """It is the tool's business to refuse it: the cloud does not."""
    cloud.pool()
    body = without("attributeCondition") | ({} if condition is None else {"attributeCondition": condition})
    assert provider(cloud, body).get("attributeCondition", "") == (condition or "")


@pytest.mark.parametrize(
    "expression",
    ["assertion.sub", "'prefix::' + assertion.sub", "assertion.a == 'x' ? 'y' : assertion.b", "assertion['k.io/x']"],
)
def test_mappings_take_joins_choices_and_indices(cloud: Cloud, expression: str) -> None:
    cloud.pool()
    assert provider(cloud, OIDC | {"attributeMapping": {"google.subject": expression}})["attributeMapping"] == {
        "google.subject": expression
    }


def test_an_aws_provider_without_mapping_gets_the_default_one(cloud: Cloud) -> None:
    cloud.pool()
    made = provider(cloud, {"aws": {"accountId": "111122223333"}}, "aws-prod")
    assert made["attributeMapping"]["google.subject"] == "assertion.arn"
    assert "attribute.aws_role" in made["attributeMapping"]


def test_a_provider_needs_a_living_pool(cloud: Cloud) -> None:
    path = f"{POOLS}/agents/providers?workloadIdentityPoolProviderId=github"
    assert cloud.status("POST", path, OIDC) == (404, "NOT_FOUND")
    cloud.pool()
    cloud.done(cloud.call("DELETE", f"{POOLS}/agents"))
    assert cloud.status("POST", path, OIDC) == (400, "FAILED_PRECONDITION")


def test_a_deleted_provider_is_kept_and_undeleted_like_a_pool(cloud: Cloud) -> None:
    cloud.pool()
    provider(cloud)
    path = f"{POOLS}/agents/providers/github"
    assert cloud.done(cloud.call("DELETE", path))["state"] == "DELETED"
    assert cloud.get(path)["state"] == "DELETED"
    again = f"{POOLS}/agents/providers?workloadIdentityPoolProviderId=github"
    assert cloud.status("POST", again, OIDC) == (409, "ALREADY_EXISTS")
    assert cloud.done(cloud.post(f"{path}:undelete"))["state"] == "ACTIVE"


def test_one_field_of_the_issuer_can_be_changed_and_the_kind_cannot(cloud: Cloud) -> None:
    cloud.pool()
    provider(cloud)
    path = f"{POOLS}/agents/providers/github"
    body = {"oidc": {"allowedAudiences": ["new"]}}
    changed = cloud.done(cloud.call("PATCH", f"{path}?updateMask=oidc.allowed_audiences", body))
    assert changed["oidc"] == {"issuerUri": ISSUER, "allowedAudiences": ["new"]}
    other = {"aws": {"accountId": "111122223333"}}
    assert cloud.status("PATCH", f"{path}?updateMask=aws", other) == (400, "INVALID_ARGUMENT")


SUBJECT = f"principal://iam.googleapis.com/{POOL}/agents/subject/repo:acme/fix"


def allowed(cloud: Cloud) -> bool:
    path = f"/v3/projects/{PROJECT}"
    return bool(cloud.answer("GET", path, caller=SUBJECT).ok)


def test_deleting_a_provider_leaves_issued_tokens_alive_and_disabling_the_pool_stops_them(cloud: Cloud) -> None:
    cloud.pool()
    provider(cloud)
    cloud.set_policy([{"role": "roles/browser", "members": [SUBJECT]}])
    cloud.emulator.switches.enforce = True
    assert allowed(cloud)
    cloud.emulator.switches.enforce = False
    cloud.done(cloud.call("DELETE", f"{POOLS}/agents/providers/github"))
    cloud.emulator.switches.enforce = True
    assert allowed(cloud)
    cloud.emulator.switches.enforce = False
    cloud.done(cloud.call("PATCH", f"{POOLS}/agents?updateMask=disabled", {"disabled": True}))
    cloud.emulator.switches.enforce = True
    assert cloud.status("GET", f"/v3/projects/{PROJECT}", caller=SUBJECT) == (401, "UNAUTHENTICATED")
