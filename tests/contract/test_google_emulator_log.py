"""The emulator's Admin Activity log, and the provider that asks it who made a change, over the real session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.oauth2.credentials import Credentials
from google_emulator_clients import OTHER, PROJECT, Cloud, Json
from provisioner_google import audit_lookup, provider, schema
from provisioner_google.bindings import Tuple, address

from provisioner.model.authority import Target
from provisioner.model.resources import Address
from provisioner.sdk.provider import Connection
from provisioner.sdk.usage import LookedUp

HUGO, EVE = "user:hugo@acme.example", "user:eve@acme.example"
POLICY = f"/v3/projects/{PROJECT}"
LIST = "/v2/entries:list"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def write(cloud: Cloud, bindings: list[Json], caller: str = HUGO, resource: str = POLICY) -> None:
    policy = {"version": 3, "bindings": bindings, "etag": cloud.policy(resource)["etag"]}
    cloud.post(f"{resource}:setIamPolicy", {"policy": policy}, caller)


def entries(cloud: Cloud, **more: object) -> Json:
    return cloud.post(LIST, {"resourceNames": [f"projects/{PROJECT}"], "orderBy": "timestamp desc", **more})


def test_a_policy_that_is_written_is_logged_with_what_came_and_went(cloud: Cloud) -> None:
    write(cloud, [{"role": "roles/viewer", "members": [EVE, HUGO]}])
    write(cloud, [{"role": "roles/viewer", "members": [HUGO]}, {"role": "roles/browser", "members": [EVE]}], EVE)
    newest, oldest = entries(cloud)["entries"]
    payload = newest["protoPayload"]
    assert payload["authenticationInfo"] == {"principalEmail": "eve@acme.example"}
    assert (payload["serviceName"], payload["methodName"], payload["resourceName"]) == (
        "cloudresourcemanager.googleapis.com",
        "SetIamPolicy",
        f"projects/{PROJECT}",
    )
    assert payload["serviceData"]["policyDelta"]["bindingDeltas"] == [
        {"action": "REMOVE", "role": "roles/viewer", "member": EVE},
        {"action": "ADD", "role": "roles/browser", "member": EVE},
    ]
    assert len(oldest["protoPayload"]["serviceData"]["policyDelta"]["bindingDeltas"]) == 2
    first = entries(cloud, pageSize=1)
    assert len(first["entries"]) == 1
    assert entries(cloud, pageSize=1, pageToken=first["nextPageToken"])["entries"] == [oldest]


def test_what_is_refused_is_not_logged_and_what_is_asked_wrongly_is_refused(cloud: Cloud) -> None:
    cloud.status("POST", f"{POLICY}:setIamPolicy", {"policy": {"etag": "bm90aGluZw=="}})
    assert entries(cloud) == {}
    assert cloud.status("POST", LIST, {}) == (400, "INVALID_ARGUMENT")
    asked = {"resourceNames": [f"projects/{PROJECT}"]}
    for wrong in ({"filter": "severity>=ERROR"}, {"orderBy": "severity"}):
        assert cloud.status("POST", LIST, {**asked, **wrong}) == (400, "INVALID_ARGUMENT")


def look_up(cloud: Cloud, *addresses: Address) -> LookedUp:
    settings = {"endpoint": cloud.endpoint, "credentials": "sandbox"}
    return provider.look_up([Connection(Target("google", "google", PROJECT, "prod"), settings)], addresses)


def test_the_provider_tells_who_granted_what_and_where_nobody_did(cloud: Cloud) -> None:
    email = cloud.account()["email"]
    member, full = f"serviceAccount:{email}", f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
    write(cloud, [{"role": "roles/viewer", "members": [member]}])
    write(cloud, [{"role": "roles/viewer", "members": [member, EVE]}], EVE)
    granted, other = (
        address(schema.BINDING, PROJECT, "triage", Tuple(full, role, member, None))
        for role in ("roles/viewer", "roles/editor")
    )
    looked = look_up(cloud, granted, other)
    assert looked.found[granted].actor == "hugo@acme.example"
    assert looked.found[granted].call == "SetIamPolicy" and looked.found[granted].event
    assert "hold no such call" in looked.found[other].unknown
    assert looked.calls == {f"google:{PROJECT}": 1}


def test_a_reader_without_the_permission_is_told_what_it_lacks(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.emulator.state.switches.enforce = True
    monkeypatch.setattr(audit_lookup.Project, "_credentials", lambda _: Credentials(token=EVE))
    full = f"//cloudresourcemanager.googleapis.com/projects/{OTHER}"
    where = address(schema.BINDING, PROJECT, "triage", Tuple(full, "roles/viewer", EVE, None))
    assert look_up(cloud, where).found[where].unknown == f"reader lacks logging.logEntries.list on project {OTHER}"
