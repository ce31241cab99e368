"""What grants are made on: existence and policies of buckets, secrets, topics, keys, services, datasets, tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google_emulator_clients import NUMBER, OTHER, PROJECT, Cloud, Json

ALICE = "user:alice@acme.example"
UNTIL = {"title": "until", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}
RING = f"/v1/projects/{PROJECT}/locations/europe-west1/keyRings"
SERVICE = f"/v2/projects/{PROJECT}/locations/europe-west1/services"
DATASET = f"/bigquery/v2/projects/{PROJECT}/datasets"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def make_all(cloud: Cloud) -> None:
    cloud.post(f"/v1/projects/{PROJECT}/secrets?secretId=token", {"replication": {"automatic": {}}})
    cloud.call("PUT", f"/v1/projects/{PROJECT}/topics/inbox", {})
    cloud.call("PUT", f"/v1/projects/{PROJECT}/subscriptions/inbox-sub", {"topic": f"projects/{PROJECT}/topics/inbox"})
    cloud.post(f"{RING}?keyRingId=agents", {})
    cloud.post(f"{RING}/agents/cryptoKeys?cryptoKeyId=main", {"purpose": "ENCRYPT_DECRYPT"})
    cloud.done(cloud.post(f"{SERVICE}?serviceId=triage", {"template": {"serviceAccount": "x"}}), "v2")
    cloud.post(DATASET, {"datasetReference": {"datasetId": "suppliers"}})
    cloud.post(f"{DATASET}/suppliers/tables", {"tableReference": {"tableId": "invoices"}})


PLACES = {
    "secret": (f"/v1/projects/{PROJECT}/secrets/token", "GET", "roles/secretmanager.secretAccessor", True),
    "topic": (f"/v1/projects/{PROJECT}/topics/inbox", "GET", "roles/pubsub.publisher", False),
    "subscription": (f"/v1/projects/{PROJECT}/subscriptions/inbox-sub", "GET", "roles/pubsub.subscriber", False),
    "ring": (f"{RING}/agents", "GET", "roles/cloudkms.viewer", True),
    "key": (f"{RING}/agents/cryptoKeys/main", "GET", "roles/cloudkms.cryptoKeyDecrypter", True),
    "service": (f"{SERVICE}/triage", "GET", "roles/run.invoker", True),
    "table": (f"{DATASET}/suppliers/tables/invoices", "POST", "roles/bigquery.dataViewer", True),
}


def read_policy(cloud: Cloud, path: str, verb: str) -> Json:
    if verb == "GET":
        return cloud.get(f"{path}:getIamPolicy?options.requestedPolicyVersion=3")
    return cloud.policy(path)


@pytest.mark.parametrize(("path", "verb", "role", "conditions"), PLACES.values(), ids=PLACES)
def test_a_resource_exists_and_has_a_policy(cloud: Cloud, path: str, verb: str, role: str, conditions: bool) -> None:
    assert cloud.status("GET", path)[0] == 404
    assert cloud.status("POST", f"{path}:setIamPolicy", {"policy": {}})[0] == 404
    make_all(cloud)
    assert cloud.get(path)
    before = read_policy(cloud, path, verb)
    bindings = [{"role": role, "members": [ALICE]}]
    stored = cloud.post(f"{path}:setIamPolicy", {"policy": {"bindings": bindings, "etag": before["etag"]}})
    assert stored["bindings"] == bindings and read_policy(cloud, path, verb) == stored
    stale = {"policy": {"bindings": [], "etag": before["etag"]}}
    assert cloud.status("POST", f"{path}:setIamPolicy", stale)[0] == 409
    conditional = {"policy": {"version": 3, "bindings": [{**bindings[0], "condition": UNTIL}]}}
    assert cloud.answer("POST", f"{path}:setIamPolicy", conditional).status_code == (200 if conditions else 400)


def test_secrets_are_named_by_project_number(cloud: Cloud) -> None:
    make_all(cloud)
    assert cloud.get(f"/v1/projects/{PROJECT}/secrets/token")["name"] == f"projects/{NUMBER}/secrets/token"
    assert cloud.get(f"/v1/projects/{NUMBER}/secrets")["secrets"][0]["replication"] == {"automatic": {}}


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (f"/v1/projects/{PROJECT}/topics", "topics"),
        (f"/v1/projects/{PROJECT}/subscriptions", "subscriptions"),
        (f"/v1/projects/{PROJECT}/locations/-/keyRings", "keyRings"),
        (f"{RING}/agents/cryptoKeys", "cryptoKeys"),
        (SERVICE, "services"),
        (DATASET, "datasets"),
        (f"{DATASET}/suppliers/tables", "tables"),
    ],
)
def test_collections_are_listed(cloud: Cloud, path: str, key: str) -> None:
    make_all(cloud)
    assert len(cloud.get(path)[key]) == 1


def test_a_second_one_of_the_name_is_409_and_a_deleted_one_takes_its_policy_along(cloud: Cloud) -> None:
    make_all(cloud)
    path = f"/v1/projects/{PROJECT}/topics/inbox"
    assert cloud.status("PUT", path, {}) == (409, "ALREADY_EXISTS")
    cloud.post(f"{path}:setIamPolicy", {"policy": {"bindings": [{"role": "roles/pubsub.viewer", "members": [ALICE]}]}})
    cloud.call("DELETE", path)
    cloud.call("PUT", path, {})
    assert cloud.get(f"{path}:getIamPolicy") == {"etag": "ACAB"}


@pytest.mark.parametrize(
    ("verb", "path", "body", "code"),
    [
        ("PUT", f"/v1/projects/{PROJECT}/subscriptions/s1", {"topic": f"projects/{PROJECT}/topics/none"}, 404),
        ("POST", f"/v1/projects/{PROJECT}/secrets?secretId=s", {}, 400),
        ("POST", f"{RING}/none/cryptoKeys?cryptoKeyId=k", {}, 404),
        ("POST", f"{DATASET}/none/tables", {"tableReference": {"tableId": "t"}}, 404),
        ("POST", f"{RING}?keyRingId=", {}, 400),
        ("PUT", f"/v1/projects/{PROJECT}/topics/inbox", {"colour": "red"}, 400),
    ],
)
def test_what_cannot_be_made_is_refused(cloud: Cloud, verb: str, path: str, body: Json, code: int) -> None:
    assert cloud.status(verb, path, body)[0] == code


def test_clusters_and_reasoning_engines_are_seeds(cloud: Cloud) -> None:
    place = f"projects/{PROJECT}/locations/europe-west1"
    cluster, engine = f"{place}/clusters/agents-prod", f"{place}/reasoningEngines/42"
    assert cloud.status("GET", f"/v1/{cluster}") == (404, "NOT_FOUND")
    seeds = {f"//container.googleapis.com/{cluster}": {}, f"//aiplatform.googleapis.com/{engine}": {"displayName": "T"}}
    cloud.post("/_emulator/seed", {"resources": seeds})
    found = cloud.get(f"/v1/{cluster}")
    assert found["workloadIdentityConfig"] == {"workloadPool": f"{PROJECT}.svc.id.goog"}
    assert cloud.get(f"/v1/projects/{PROJECT}/locations/-/clusters")["clusters"] == [found]
    assert cloud.get(f"/v1/{engine}")["displayName"] == "T"


BUCKET = "/storage/v1/b/acme-invoices"


def bucket(cloud: Cloud, uniform: bool = True) -> Json:
    access = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": uniform}}}
    return cloud.post(f"/storage/v1/b?project={PROJECT}", {"name": "acme-invoices"} | access)


def bucket_policy(cloud: Cloud, version: int = 3) -> Json:
    return cloud.get(f"{BUCKET}/iam?optionsRequestedPolicyVersion={version}")


def test_a_buckets_policy_is_read_by_get_and_written_by_put(cloud: Cloud) -> None:
    bucket(cloud)
    policy = bucket_policy(cloud)
    assert policy["kind"] == "storage#policy" and policy["resourceId"] == "projects/_/buckets/acme-invoices"
    policy |= {"version": 3}
    policy["bindings"] = [{"role": "roles/storage.objectViewer", "members": [ALICE], "condition": UNTIL}]
    stored = cloud.call("PUT", f"{BUCKET}/iam", policy)
    assert stored["version"] == 3 and stored["bindings"] == policy["bindings"]
    assert bucket_policy(cloud) == stored
    assert "condition" not in bucket_policy(cloud, 1)["bindings"][0]


def test_a_stale_etag_of_a_bucket_is_412_not_409(cloud: Cloud) -> None:
    bucket(cloud)
    stale = bucket_policy(cloud)["etag"]
    cloud.call("PUT", f"{BUCKET}/iam", {"etag": stale, "bindings": []})
    error = cloud.refused("PUT", f"{BUCKET}/iam", {"etag": stale, "bindings": []})
    assert error["code"] == 412 and "status" not in error
    assert error["errors"][0]["reason"] == "conditionNotMet"


def test_only_buckets_with_uniform_access_take_conditions(cloud: Cloud) -> None:
    bucket(cloud, uniform=False)
    bindings = [{"role": "roles/storage.objectViewer", "members": [ALICE], "condition": UNTIL}]
    assert cloud.status("PUT", f"{BUCKET}/iam", {"version": 3, "bindings": bindings})[0] == 400
    uniform = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}
    cloud.call("PATCH", BUCKET, uniform)
    cloud.call("PUT", f"{BUCKET}/iam", {"version": 3, "bindings": bindings})
    uniform["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"] = False
    assert cloud.status("PATCH", BUCKET, uniform)[0] == 412


def test_a_missing_bucket_is_404_in_cloud_storages_own_shape(cloud: Cloud) -> None:
    error = cloud.refused("GET", BUCKET)
    assert error == {
        "code": 404,
        "message": "The specified bucket does not exist.",
        "errors": [{"message": "The specified bucket does not exist.", "domain": "global", "reason": "notFound"}],
    }


def test_a_bucket_name_is_taken_for_everybody_and_buckets_are_listed_by_project(cloud: Cloud) -> None:
    bucket(cloud)
    assert cloud.status("POST", f"/storage/v1/b?project={OTHER}", {"name": "acme-invoices"})[0] == 409
    assert [one["name"] for one in cloud.get(f"/storage/v1/b?project={PROJECT}")["items"]] == ["acme-invoices"]
    assert "items" not in cloud.get(f"/storage/v1/b?project={OTHER}")
    cloud.call("DELETE", BUCKET)
    assert cloud.status("GET", BUCKET)[0] == 404


def test_project_members_are_admitted_on_buckets(cloud: Cloud) -> None:
    bucket(cloud)
    bindings = [{"role": "roles/storage.legacyBucketOwner", "members": [f"projectOwner:{PROJECT}"]}]
    assert cloud.call("PUT", f"{BUCKET}/iam", {"bindings": bindings})["bindings"] == bindings


def test_bucket_permissions_are_tested_by_get(cloud: Cloud) -> None:
    bucket(cloud)
    path = f"{BUCKET}/iam/testPermissions?permissions=storage.buckets.get&permissions=storage.buckets.fly"
    assert cloud.get(path)["permissions"] == ["storage.buckets.get"]


def dataset(cloud: Cloud) -> Json:
    return cloud.post(DATASET, {"datasetReference": {"datasetId": "suppliers"}})


def change(cloud: Cloud, access: list[Json], version: int = 3, **headers: str) -> Json:
    return cloud.call("PATCH", f"{DATASET}/suppliers?accessPolicyVersion={version}", {"access": access}, **headers)


def test_a_new_dataset_has_bigquerys_default_access(cloud: Cloud) -> None:
    access = dataset(cloud)["access"]
    assert {"role": "OWNER", "specialGroup": "projectOwners"} in access
    assert {(entry["role"], entry["specialGroup"]) for entry in access} == {
        ("READER", "projectReaders"),
        ("WRITER", "projectWriters"),
        ("OWNER", "projectOwners"),
    }


SA = f"triage-agent@{PROJECT}.iam.gserviceaccount.com"
POOLED = f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/eks/subject/x"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"role": "roles/bigquery.dataViewer", "iamMember": POOLED}, {"role": "READER", "iamMember": POOLED}),
        ({"role": "roles/bigquery.dataEditor", "userByEmail": SA}, {"role": "WRITER", "userByEmail": SA}),
        ({"role": "READER", "iamMember": f"serviceAccount:{SA}"}, {"role": "READER", "userByEmail": SA}),
        (
            {"role": "roles/bigquery.metadataViewer", "groupByEmail": "g@acme.example"},
            {"role": "roles/bigquery.metadataViewer", "groupByEmail": "g@acme.example"},
        ),
        ({"role": "OWNER", "domain": "acme.example"}, {"role": "OWNER", "domain": "acme.example"}),
        ({"role": "READER", "specialGroup": "allAuthenticatedUsers"}, None),
        ({"view": {"projectId": "p", "datasetId": "d", "tableId": "t"}}, None),
    ],
)
def test_access_entries_come_back_in_bigquerys_spelling(cloud: Cloud, sent: Json, shown: Json | None) -> None:
    cloud.account()
    dataset(cloud)
    assert change(cloud, [sent])["access"] == [shown or sent]


def test_a_write_of_access_replaces_it_and_other_writes_leave_it(cloud: Cloud) -> None:
    dataset(cloud)
    entry = {"role": "READER", "userByEmail": "alice@acme.example"}
    change(cloud, [entry])
    cloud.call("PATCH", f"{DATASET}/suppliers", {"description": "d"})
    found = cloud.get(f"{DATASET}/suppliers")
    assert found["access"] == [entry] and found["description"] == "d"


def test_conditions_of_a_dataset_need_access_policy_version_3(cloud: Cloud) -> None:
    dataset(cloud)
    entry = {"role": "READER", "userByEmail": "alice@acme.example", "condition": UNTIL}
    path = f"{DATASET}/suppliers"
    assert cloud.status("PATCH", path, {"access": [entry]})[0] == 400
    assert change(cloud, [entry])["access"] == [entry]
    assert "condition" not in cloud.get(path)["access"][0]
    assert cloud.get(f"{path}?accessPolicyVersion=3")["access"] == [entry]
    assert cloud.status("PATCH", path, {"access": []})[0] == 400  # it would lose the conditions
    assert cloud.status("GET", f"{path}?accessPolicyVersion=2")[0] == 400


def test_a_stale_if_match_of_a_dataset_is_412(cloud: Cloud) -> None:
    stale = dataset(cloud)["etag"]
    fresh = change(cloud, [], If_Match=stale)["etag"]
    assert fresh != stale
    body = {"access": []}
    assert cloud.status("PATCH", f"{DATASET}/suppliers?accessPolicyVersion=3", body, If_Match=stale)[0] == 412


def test_a_deleted_member_of_a_dataset_reads_deleted_and_may_stay(cloud: Cloud) -> None:
    unique = cloud.account()["uniqueId"]
    dataset(cloud)
    change(cloud, [{"role": "READER", "userByEmail": SA}])
    cloud.call("DELETE", f"/v1/projects/-/serviceAccounts/{SA}")
    [entry] = cloud.get(f"{DATASET}/suppliers")["access"]
    assert entry == {"role": "READER", "iamMember": f"deleted:serviceAccount:{SA}?uid={unique}"}
    assert change(cloud, [entry])["access"] == [entry]


@pytest.mark.parametrize(
    "entry",
    [
        {"userByEmail": "alice@acme.example"},
        {"role": "READER"},
        {"role": "READER", "userByEmail": "alice@acme.example", "domain": "acme.example"},
        {"role": "roles/no.such", "userByEmail": "alice@acme.example"},
        {"role": "READER", "userByEmail": SA},  # the account does not exist
        {"role": "READER", "specialGroup": "everyone"},
        {"role": "READER", "user": "x"},
    ],
)
def test_a_bad_access_entry_is_400(cloud: Cloud, entry: Json) -> None:
    dataset(cloud)
    assert cloud.status("PATCH", f"{DATASET}/suppliers", {"access": [entry]})[0] == 400
    assert len(cloud.get(f"{DATASET}/suppliers")["access"]) == 3


def test_a_dataset_in_use_is_deleted_only_with_its_contents(cloud: Cloud) -> None:
    make_all(cloud)
    assert cloud.status("DELETE", f"{DATASET}/suppliers")[0] == 400
    cloud.call("DELETE", f"{DATASET}/suppliers?deleteContents=true")
    error = cloud.refused("GET", f"{DATASET}/suppliers")
    assert error["status"] == "NOT_FOUND" and error["errors"][0]["reason"] == "notFound"


def test_projects_folders_and_organisations_are_read_and_searched(cloud: Cloud) -> None:
    found = cloud.get(f"/v3/projects/{NUMBER}")
    assert (found["name"], found["projectId"]) == (f"projects/{NUMBER}", PROJECT)
    assert cloud.get(f"/v3/projects/{PROJECT}") == found
    assert cloud.get("/v3/projects:search?query=projectId:acme-fin-prod")["projects"] == [found]
    assert len(cloud.get("/v3/projects?parent=folders/345678901234")["projects"]) == 2
    assert cloud.get("/v3/folders?parent=organizations/123456789012")["folders"][0]["displayName"] == "agents"
    assert cloud.get("/v3/organizations:search")["organizations"][0]["name"] == "organizations/123456789012"
    assert cloud.status("GET", "/v3/projects/no-such-project") == (403, "PERMISSION_DENIED")


def test_a_project_is_made_by_an_operation(cloud: Cloud) -> None:
    operation = cloud.post("/v3/projects", {"projectId": "acme-new-prod", "parent": "folders/345678901234"})
    made = cloud.done(operation, "v3")
    assert made["projectId"] == "acme-new-prod" and made["parent"] == "folders/345678901234"
    assert cloud.get("/v3/projects/acme-new-prod")["name"] == made["name"]
    assert cloud.status("POST", "/v3/projects", {"projectId": "acme-new-prod"}) == (409, "ALREADY_EXISTS")
    assert cloud.status("POST", "/v3/projects", {"projectId": "X"}) == (400, "INVALID_ARGUMENT")
