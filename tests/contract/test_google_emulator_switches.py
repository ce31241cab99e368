"""The emulator's switches and control path: delays, faults, outages, quotas, clock, seeds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google_emulator_clients import OTHER, POOLS, PROJECT, Cloud, Json
from provisioner_google.sandbox.errors import HTTP_STATUS
from provisioner_google.sandbox.switches import Fault, Quotas

ALICE = "user:alice@acme.example"
ACCOUNTS = f"/v1/projects/{PROJECT}/serviceAccounts"
EMAIL = f"triage-agent@{PROJECT}.iam.gserviceaccount.com"
SET = f"/v3/projects/{PROJECT}:setIamPolicy"
VIEW = {"policy": {"bindings": [{"role": "roles/browser", "members": [ALICE]}]}}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def test_a_policy_takes_effect_after_the_propagation_delay(cloud: Cloud) -> None:
    cloud.emulator.switches.propagation_delay = 120
    cloud.post(SET, VIEW)
    cloud.emulator.switches.enforce = True
    see = ("GET", f"/v3/projects/{PROJECT}", None, ALICE)
    assert cloud.status(*see) == (403, "PERMISSION_DENIED")
    cloud.emulator.clock.advance(119)
    assert not cloud.answer(*see).ok
    cloud.emulator.clock.advance(1)
    assert cloud.answer(*see).ok


def test_a_removed_grant_lives_on_for_the_propagation_delay(cloud: Cloud) -> None:
    cloud.post(SET, VIEW)
    cloud.emulator.clock.advance(120)
    cloud.emulator.switches.propagation_delay = 120
    cloud.post(SET, {"policy": {"bindings": []}})
    cloud.emulator.switches.enforce = True
    assert cloud.answer("GET", f"/v3/projects/{PROJECT}", caller=ALICE).ok
    cloud.emulator.clock.advance(120)
    assert not cloud.answer("GET", f"/v3/projects/{PROJECT}", caller=ALICE).ok


def test_a_policy_is_read_back_after_the_read_delay_and_a_write_on_the_old_one_aborts(cloud: Cloud) -> None:
    cloud.emulator.switches.read_delay = 7
    cloud.post(SET, VIEW)
    old = cloud.policy()
    assert old == {"etag": "ACAB"}
    assert cloud.status("POST", SET, {"policy": {"etag": old["etag"], "bindings": []}}) == (409, "ABORTED")
    cloud.emulator.clock.advance(7)
    assert cloud.policy()["bindings"] == VIEW["policy"]["bindings"]


def test_a_new_account_is_404_and_no_member_for_the_creation_delay(cloud: Cloud) -> None:
    cloud.emulator.switches.creation_delay = 30
    cloud.account()
    member = {"policy": {"bindings": [{"role": "roles/browser", "members": [f"serviceAccount:{EMAIL}"]}]}}
    assert cloud.status("GET", f"{ACCOUNTS}/{EMAIL}") == (404, "NOT_FOUND")
    assert cloud.get(ACCOUNTS) == {}
    error = cloud.refused("POST", SET, member)
    assert error["status"] == "INVALID_ARGUMENT" and "does not exist" in error["message"]
    cloud.emulator.clock.advance(30)
    assert cloud.get(f"{ACCOUNTS}/{EMAIL}")
    cloud.post(SET, member)


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (("POST", ACCOUNTS, {"accountId": "triage-agent"}), f"{ACCOUNTS}/{EMAIL}"),
        (("POST", f"/v1/projects/{PROJECT}/roles", {"roleId": "abc", "role": {}}), f"/v1/projects/{PROJECT}/roles/abc"),
        (("POST", f"{POOLS}?workloadIdentityPoolId=agents", {}), f"{POOLS}/agents"),
    ],
)
def test_the_first_reads_of_something_new_can_answer_404(cloud: Cloud, make: tuple[str, str, Json], read: str) -> None:
    cloud.emulator.switches.hidden_reads = 2
    cloud.call(*make)
    assert [cloud.answer("GET", read).status_code for _ in range(3)] == [404, 404, 200]


@pytest.mark.parametrize("status", [status for status in HTTP_STATUS if status != "CONDITION_NOT_MET"])
def test_any_status_can_be_asked_for(cloud: Cloud, status: str) -> None:
    cloud.emulator.fail(status, "iam.projects.serviceAccounts.list")
    assert cloud.status("GET", ACCOUNTS) == (HTTP_STATUS[status], status)
    assert cloud.get(ACCOUNTS) == {}  # once only


@pytest.mark.parametrize(
    ("status", "error"),
    [("RESOURCE_EXHAUSTED", exceptions.ResourceExhausted), ("ABORTED", exceptions.Aborted)],
)
def test_a_fault_reaches_the_grpc_client(cloud: Cloud, status: str, error: type[Exception]) -> None:
    cloud.emulator.fail(status, "iam.projects.serviceAccounts.create")
    with pytest.raises(error):
        cloud.iam.create_service_account(request={"name": f"projects/{PROJECT}", "account_id": "triage-agent"})


def test_a_fault_is_for_the_methods_and_names_that_match_and_for_so_many_calls(cloud: Cloud) -> None:
    cloud.emulator.fail("ABORTED", "*.setIamPolicy", f"projects/{PROJECT}", times=2)
    cloud.post(f"/v3/projects/{OTHER}:setIamPolicy", VIEW)
    assert [cloud.answer("POST", SET, VIEW).status_code for _ in range(3)] == [409, 409, 200]


def test_an_answer_can_be_lost_after_the_effect(cloud: Cloud) -> None:
    cloud.emulator.fail("UNAVAILABLE", "iam.projects.serviceAccounts.create", after=True)
    assert cloud.status("POST", ACCOUNTS, {"accountId": "triage-agent"}) == (503, "UNAVAILABLE")
    assert cloud.get(f"{ACCOUNTS}/{EMAIL}")


@pytest.mark.parametrize("status", ["UNAVAILABLE", "PERMISSION_DENIED"])
def test_one_projects_outage_leaves_the_others(cloud: Cloud, status: str) -> None:
    cloud.emulator.switches.outage(project=PROJECT, status=status)
    for _ in range(3):
        assert cloud.status("GET", ACCOUNTS) == (HTTP_STATUS[status], status)
    assert cloud.get(f"/v1/projects/{OTHER}/serviceAccounts") == {}
    cloud.emulator.switches.faults.clear()
    assert cloud.get(ACCOUNTS) == {}


def test_one_services_outage_leaves_the_others(cloud: Cloud) -> None:
    cloud.emulator.switches.outage(service="pubsub")
    assert cloud.status("GET", f"/v1/projects/{PROJECT}/topics") == (503, "UNAVAILABLE")
    assert cloud.get(f"/v1/projects/{PROJECT}/secrets") == {}


def test_a_fault_of_no_status_is_refused() -> None:
    with pytest.raises(ValueError, match="no such status"):
        Fault("TEAPOT")


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("iam-read", 6000),
        ("iam-write", 600),
        ("deny", 5),
        ("boundary", 5),
        ("federation-read", 600),
        ("federation-write", 60),
    ],
)
def test_quotas_are_by_minute_and_project(kind: str, limit: int) -> None:
    from provisioner_google.sandbox.errors import ApiError

    quotas = Quotas()
    for _ in range(limit):
        quotas.count(kind, "projects/a", 1000.0)
    with pytest.raises(ApiError) as caught:
        quotas.count(kind, "projects/a", 1059.0)
    assert caught.value.status == "RESOURCE_EXHAUSTED"
    quotas.count(kind, "projects/b", 1059.0)
    quotas.count(kind, "projects/a", 1060.0)


def test_writes_of_pools_have_a_quota_of_their_own(cloud: Cloud) -> None:
    cloud.emulator.switches.quotas = True
    answers = [cloud.answer("POST", f"{POOLS}?workloadIdentityPoolId=agents-{n}", {}).status_code for n in range(61)]
    assert answers == [200] * 60 + [429]
    assert cloud.get(f"{POOLS}/agents-0")  # reads have theirs


def test_latency_is_real_time(cloud: Cloud) -> None:
    cloud.emulator.switches.latency = 0.05
    before = time.monotonic()
    cloud.get(ACCOUNTS)
    assert time.monotonic() - before >= 0.05


def test_the_clock_goes_forward_only(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        cloud.emulator.clock.advance(-1)


def test_everything_can_be_steered_over_http(cloud: Cloud) -> None:
    health = cloud.get("/_emulator/health")
    assert health["cloud"] == "google" and health["gaps"]
    fault = {"status": "ABORTED", "method": "cloudresourcemanager.projects.setIamPolicy"}
    shown = cloud.call("PATCH", "/_emulator/switches", {"creation_delay": 5, "faults": [fault]})
    assert shown["creation_delay"] == 5 and shown["faults"][0]["status"] == "ABORTED"
    assert cloud.get("/_emulator/switches") == shown
    assert cloud.status("POST", SET, VIEW) == (409, "ABORTED")
    cloud.account()
    assert not cloud.answer("GET", f"{ACCOUNTS}/{EMAIL}").ok
    cloud.post("/_emulator/clock", {"advance": 5})
    assert cloud.get(f"{ACCOUNTS}/{EMAIL}")
    calls = cloud.get("/_emulator/calls")
    assert calls["iam.projects.serviceAccounts.create"] == 1
    cloud.call("DELETE", "/_emulator/calls")
    assert cloud.get("/_emulator/calls") == {}
    cloud.post("/_emulator/seed", {"projects": {"acme-more": {"number": "111111111111"}}})
    assert cloud.get("/v3/projects/111111111111")["projectId"] == "acme-more"
    cloud.post("/_emulator/reset")
    assert cloud.status("GET", "/v3/projects/acme-more")[0] == 403
    assert cloud.get(ACCOUNTS) == {} and cloud.get("/_emulator/switches")["creation_delay"] == 0


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("PATCH", "switches", {"no_such": 1}),
        ("PATCH", "switches", {"faults": [{"status": "TEAPOT"}]}),
        ("PATCH", "switches", {"faults": [{"colour": "red"}]}),
        ("POST", "clock", {"advance": -1}),
        ("POST", "clock", {}),
        ("POST", "seed", {"folders": {"1": {}}}),
        ("POST", "seed", {"resources": {"//unknown.googleapis.com/x": {}}}),
        ("GET", "nothing", None),
    ],
)
def test_a_bad_control_request_is_400(cloud: Cloud, verb: str, path: str, body: Json | None) -> None:
    assert cloud.refused(verb, f"/_emulator/{path}", body)["code"] == 400


def test_what_is_asked_for_comes_into_being_with_on_demand() -> None:
    with Cloud(on_demand=True) as cloud:
        found = cloud.get("/v3/projects/my-new-project")
        assert cloud.get(f"/v3/{found['name']}") == found
        assert cloud.get("/storage/v1/b/any-bucket/iam")["kind"] == "storage#policy"
        for path in ("bigquery/v2/projects/my-new-project/datasets/d", "v1/projects/my-new-project/topics/t"):
            assert cloud.get(f"/{path}")
        # Identities do not: they are what the provisioner makes.
        account = "/v1/projects/my-new-project/serviceAccounts/x@my-new-project.iam.gserviceaccount.com"
        assert cloud.status("GET", account) == (404, "NOT_FOUND")
        assert cloud.status("GET", "/v1/projects/my-new-project/roles/x_y")[0] == 404


def test_switches_given_at_the_start_survive_a_reset() -> None:
    with Cloud(operation_seconds=3.0) as cloud:
        cloud.emulator.switches.quotas = True
        cloud.emulator.reset()
        assert cloud.emulator.switches.operation_seconds == 3.0 and not cloud.emulator.switches.quotas


def test_an_unknown_switch_is_refused_at_the_start() -> None:
    unknown: dict[str, Any] = {"no_such_switch": 1}
    with pytest.raises(TypeError):
        Cloud(**unknown)
