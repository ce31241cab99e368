"""The emulator's enforcement mode: the bearer token names the principal, who may do what the policies allow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google_emulator_clients import FOLDER, NUMBER, ORGANIZATION, OTHER, POOL, PROJECT, Cloud, Json

EMAIL = f"triage-agent@{PROJECT}.iam.gserviceaccount.com"
AGENT = f"serviceAccount:{EMAIL}"
ALICE = "user:alice@acme.example"
READ = "resourcemanager.projects.get"
SEE = f"/v3/projects/{PROJECT}"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        made.account()
        made.pool()
        yield made


def enforced(cloud: Cloud) -> Cloud:
    cloud.emulator.switches.enforce = True
    return cloud


def grant(cloud: Cloud, role: str, *members: str, resource: str = SEE, **condition: str) -> None:
    binding: Json = {"role": role, "members": list(members)}
    if condition:
        binding["condition"] = condition
    cloud.set_policy([binding], resource)


def test_without_a_token_nothing_is_allowed(cloud: Cloud) -> None:
    assert enforced(cloud).status("GET", SEE) == (401, "UNAUTHENTICATED")


def test_a_refusal_names_permission_and_resource(cloud: Cloud) -> None:
    error = enforced(cloud).refused("GET", SEE, caller=AGENT)
    assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
    assert error["details"][0]["metadata"] == {
        "permission": READ,
        "resource": f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}",
    }


@pytest.mark.parametrize("place", [f"/v3/projects/{PROJECT}", f"/v3/{FOLDER}", f"/v3/{ORGANIZATION}"])
def test_a_grant_reaches_down_the_hierarchy(cloud: Cloud, place: str) -> None:
    grant(cloud, "roles/browser", AGENT, resource=place)
    assert enforced(cloud).get(SEE, AGENT)["projectId"] == PROJECT
    assert cloud.answer("GET", f"/v3/projects/{OTHER}", caller=AGENT).ok is (place != f"/v3/projects/{PROJECT}")


SUBJECT = f"principal://iam.googleapis.com/{POOL}/agents/subject/repo:acme/fix"
GKE = f"//iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/{PROJECT}.svc.id.goog"


@pytest.mark.parametrize(
    ("member", "caller", "allowed"),
    [
        (AGENT, AGENT, True),
        (ALICE, AGENT, False),
        ("group:team@acme.example", ALICE, True),
        ("domain:acme.example", ALICE, True),
        ("domain:other.example", ALICE, False),
        ("allAuthenticatedUsers", ALICE, True),
        (SUBJECT, SUBJECT, True),
        (SUBJECT, f"{SUBJECT}x", False),
        (f"principalSet://iam.googleapis.com/{POOL}/agents/*", SUBJECT, True),
        (f"principalSet://iam.googleapis.com/{POOL}/others/*", SUBJECT, False),
        (f"principal:{GKE}/subject/ns/fin/sa/triage", f"principal:{GKE}/subject/ns/fin/sa/triage", True),
        (f"serviceAccount:{PROJECT}.svc.id.goog[fin/triage]", f"principal:{GKE}/subject/ns/fin/sa/triage", True),
        (f"serviceAccount:{PROJECT}.svc.id.goog[fin/triage]", f"principal:{GKE}/subject/ns/default/sa/triage", False),
    ],
)
def test_who_a_member_is(cloud: Cloud, member: str, caller: str, allowed: bool) -> None:
    cloud.emulator.state.add_group("inner@acme.example", [ALICE])
    cloud.emulator.state.add_group("team@acme.example", ["group:inner@acme.example"])
    grant(cloud, "roles/browser", member)
    assert enforced(cloud).answer("GET", SEE, caller=caller).ok is allowed


def test_a_condition_on_time_ends_the_grant(cloud: Cloud) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    grant(cloud, "roles/browser", AGENT, title="until", expression=f"request.time < timestamp('{until}')")
    assert enforced(cloud).answer("GET", SEE, caller=AGENT).ok
    cloud.emulator.clock.advance(3601)
    assert cloud.status("GET", SEE, caller=AGENT) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(("name", "allowed"), [("acme-in", True), ("acme-out", False)])
def test_a_condition_on_the_resources_name(cloud: Cloud, name: str, allowed: bool) -> None:
    for one in ("acme-in", "acme-out"):
        cloud.post(f"/storage/v1/b?project={PROJECT}", {"name": one})
    expression = "resource.name.startsWith('projects/_/buckets/acme-in')"
    grant(cloud, "roles/storage.admin", AGENT, title="in", expression=expression)
    assert enforced(cloud).answer("GET", f"/storage/v1/b/{name}", caller=AGENT).ok is allowed


def test_a_condition_on_what_the_emulator_does_not_know_holds_for_nobody(cloud: Cloud) -> None:
    expression = "!resource.matchTag('123456789012/env', 'prod')"
    grant(cloud, "roles/browser", AGENT, title="tag", expression=expression)
    assert enforced(cloud).status("GET", SEE, caller=AGENT) == (403, "PERMISSION_DENIED")


def test_a_policy_of_the_resource_itself_is_enough(cloud: Cloud) -> None:
    path = f"/v1/projects/{PROJECT}/topics/inbox"
    cloud.call("PUT", path, {})
    cloud.post(f"{path}:setIamPolicy", {"policy": {"bindings": [{"role": "roles/pubsub.viewer", "members": [AGENT]}]}})
    assert enforced(cloud).get(path, AGENT)
    assert cloud.status("GET", f"/v1/projects/{PROJECT}/topics", caller=AGENT)[0] == 403


def test_a_grant_on_a_dataset_reaches_its_tables(cloud: Cloud) -> None:
    datasets = f"/bigquery/v2/projects/{PROJECT}/datasets"
    for one in ("mine", "yours"):
        cloud.post(datasets, {"datasetReference": {"datasetId": one}})
        cloud.post(f"{datasets}/{one}/tables", {"tableReference": {"tableId": "t"}})
    cloud.call("PATCH", f"{datasets}/mine", {"access": [{"role": "READER", "userByEmail": EMAIL}]})
    assert enforced(cloud).get(f"{datasets}/mine/tables/t", AGENT)
    assert cloud.status("GET", f"{datasets}/yours/tables/t", caller=AGENT)[0] == 403


def test_project_members_of_a_dataset_are_who_has_the_basic_role(cloud: Cloud) -> None:
    datasets = f"/bigquery/v2/projects/{PROJECT}/datasets"
    cloud.post(datasets, {"datasetReference": {"datasetId": "mine"}})
    grant(cloud, "roles/owner", ALICE)
    dataset = cloud.emulator.state.resources[f"//bigquery.googleapis.com/projects/{PROJECT}/datasets/mine"]
    assert dataset.project == f"projects/{PROJECT}"
    assert enforced(cloud).get(f"{datasets}/mine", ALICE)


def test_a_disabled_or_deleted_account_has_no_token(cloud: Cloud) -> None:
    grant(cloud, "roles/browser", AGENT)
    cloud.post(f"/v1/projects/-/serviceAccounts/{EMAIL}:disable")
    assert enforced(cloud).status("GET", SEE, caller=AGENT) == (401, "UNAUTHENTICATED")
    cloud.emulator.switches.enforce = False
    cloud.post(f"/v1/projects/-/serviceAccounts/{EMAIL}:enable")
    cloud.call("DELETE", f"/v1/projects/-/serviceAccounts/{EMAIL}")
    assert enforced(cloud).status("GET", SEE, caller=AGENT) == (401, "UNAUTHENTICATED")


def test_a_recreated_account_has_none_of_the_old_grants(cloud: Cloud) -> None:
    grant(cloud, "roles/browser", AGENT)
    assert enforced(cloud).answer("GET", SEE, caller=AGENT).ok
    cloud.emulator.switches.enforce = False
    cloud.call("DELETE", f"/v1/projects/-/serviceAccounts/{EMAIL}")
    cloud.account()
    assert enforced(cloud).status("GET", SEE, caller=AGENT) == (403, "PERMISSION_DENIED")


def test_who_may_not_read_a_project_is_not_told_what_is_in_it(cloud: Cloud) -> None:
    path = f"/v1/projects/{PROJECT}/serviceAccounts/nobody@{PROJECT}.iam.gserviceaccount.com"
    assert enforced(cloud).status("GET", path, caller=AGENT) == (403, "PERMISSION_DENIED")
    cloud.emulator.switches.enforce = False
    grant(cloud, "roles/iam.serviceAccountViewer", AGENT)
    assert enforced(cloud).status("GET", path, caller=AGENT) == (404, "NOT_FOUND")


def test_search_finds_what_the_caller_can_see(cloud: Cloud) -> None:
    grant(cloud, "roles/browser", AGENT)
    found = enforced(cloud).get("/v3/projects:search", AGENT)["projects"]
    assert [one["projectId"] for one in found] == [PROJECT]


# What a runner needs for one write each: the least role that holds the permission, and one that does not.
WRITES = [
    ("POST", f"/v1/projects/{PROJECT}/serviceAccounts", {"accountId": "new-agent"}, "roles/iam.serviceAccountCreator"),
    ("DELETE", f"/v1/projects/-/serviceAccounts/{EMAIL}", None, "roles/iam.serviceAccountDeleter"),
    ("POST", f"/v1/projects/-/serviceAccounts/{EMAIL}/keys", {}, "roles/iam.serviceAccountKeyAdmin"),
    ("POST", f"/v1/projects/{PROJECT}/roles", {"roleId": "new_role", "role": {}}, "roles/iam.roleAdmin"),
    ("POST", f"{SEE}:setIamPolicy", {"policy": {}}, "roles/resourcemanager.projectIamAdmin"),
    (
        "POST",
        f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools?workloadIdentityPoolId=more",
        {},
        "roles/iam.workloadIdentityPoolAdmin",
    ),
    (
        "POST",
        f"/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F{PROJECT}/denypolicies?policyId=new",
        {
            "rules": [
                {
                    "denyRule": {
                        "deniedPrincipals": ["principalSet://goog/public:all"],
                        "deniedPermissions": ["iam.googleapis.com/serviceAccountKeys.create"],
                    }
                }
            ]
        },
        "roles/iam.denyAdmin",
    ),
    (
        "POST",
        f"/v1/projects/{PROJECT}/secrets?secretId=s",
        {"replication": {"automatic": {}}},
        "roles/secretmanager.admin",
    ),
    ("POST", f"/storage/v1/b?project={PROJECT}", {"name": "acme-new"}, "roles/storage.admin"),
]


@pytest.mark.parametrize(("verb", "path", "body", "role"), WRITES, ids=[row[3] for row in WRITES])
def test_a_write_needs_its_permission(cloud: Cloud, verb: str, path: str, body: Json | None, role: str) -> None:
    grant(cloud, "roles/browser", ALICE)
    assert enforced(cloud).status(verb, path, body, ALICE)[0] == 403
    cloud.emulator.switches.enforce = False
    grant(cloud, role, ALICE)
    enforced(cloud).call(verb, path, body, ALICE)


def test_grpc_takes_the_token_from_the_metadata(cloud: Cloud) -> None:
    name = f"projects/{PROJECT}"
    enforced(cloud)
    metadata = [("authorization", f"Bearer {ALICE}")]
    with pytest.raises(exceptions.Unauthenticated):
        cloud.iam.list_service_accounts(name=name)
    with pytest.raises(exceptions.PermissionDenied):
        cloud.iam.list_service_accounts(name=name, metadata=metadata)
    cloud.emulator.switches.enforce = False
    grant(cloud, "roles/iam.serviceAccountViewer", ALICE)
    enforced(cloud)
    assert [one.email for one in cloud.iam.list_service_accounts(name=name, metadata=metadata)] == [EMAIL]


BINDINGS = f"/v3/projects/{PROJECT}/locations/global/policyBindings"
POLICY = f"{ORGANIZATION}/locations/global/principalAccessBoundaryPolicies/agents"


@pytest.mark.parametrize("lacking", ["project", "organization"])
def test_binding_a_boundary_takes_the_principals_project_and_the_policys_organisation(
    cloud: Cloud, lacking: str
) -> None:
    """https://cloud.google.com/iam/docs/principal-access-boundary-policies-create#required-permissions"""
    rule = {"resources": [f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"], "effect": "ALLOW"}
    policies = f"/v3/{ORGANIZATION}/locations/global/principalAccessBoundaryPolicies"
    cloud.post(f"{policies}?principalAccessBoundaryPolicyId=agents", {"details": {"rules": [rule]}})
    target = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
    body = {"target": {"principalSet": target}, "policy": POLICY}
    create = ("POST", f"{BINDINGS}?policyBindingId=triage", body, ALICE)
    places = {
        "project": (SEE, "roles/resourcemanager.projectIamAdmin"),
        "organization": (f"/v3/{ORGANIZATION}", "roles/iam.principalAccessBoundaryUser"),
    }
    for name, (place, role) in places.items():
        if name != lacking:
            grant(cloud, role, ALICE, resource=place)
    error = enforced(cloud).refused(*create)
    permission = {
        "project": "resourcemanager.projects.createPolicyBinding",
        "organization": "iam.principalaccessboundarypolicies.bind",
    }[lacking]
    assert error["details"][0]["metadata"]["permission"] == permission
    cloud.emulator.switches.enforce = False
    place, role = places[lacking]
    grant(cloud, role, ALICE, resource=place)
    operation = enforced(cloud).call(*create)["name"]
    assert cloud.status("GET", f"/v3/{operation}", caller=ALICE)[0] == 403, "polling takes iam.operations.get"
    cloud.emulator.switches.enforce = False
    cloud.set_policy([{"role": "roles/iam.operationViewer", "members": [ALICE]}], SEE)
    assert enforced(cloud).get(f"/v3/{operation}", ALICE)["done"]


def test_a_datasets_access_takes_permissions_of_its_own(cloud: Cloud) -> None:
    """https://docs.cloud.google.com/bigquery/docs/dataset-access-control: since 17 March 2026."""
    cloud.post(f"/bigquery/v2/projects/{PROJECT}/datasets", {"datasetReference": {"datasetId": "mine"}})
    role = {"includedPermissions": ["bigquery.datasets.get", "bigquery.datasets.update"], "stage": "GA"}
    cloud.post(f"/v1/projects/{PROJECT}/roles", {"roleId": "metadata", "role": role})
    grant(cloud, f"projects/{PROJECT}/roles/metadata", ALICE)
    path = f"/bigquery/v2/projects/{PROJECT}/datasets/mine"
    assert "bigquery.datasets.getIamPolicy" in enforced(cloud).refused("GET", path, caller=ALICE)["message"]
    assert cloud.answer("PATCH", path, {"friendlyName": "x"}, ALICE).ok
    refused = cloud.refused("PATCH", path, {"access": []}, ALICE)
    assert "bigquery.datasets.setIamPolicy" in refused["message"]
