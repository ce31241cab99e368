"""All edits of one policy in one write: each signed delta is checked, retried and told for itself."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import BUCKET, DATASET, PROJECT, SEEDS, agent, authority, google, grant, tool
from provisioner_google import provider
from provisioner_google.sandbox import start

from provisioner.model.authority import Authority, Target
from provisioner.model.changes import Action, Change, Effect, Operation, Status
from provisioner.model.resources import Resource
from provisioner.sdk.provider import Connection, Joining, JoiningWriter

NAMES = ("alpha", "beta", "gamma")
CRM = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
PATHS = {
    CRM: ("POST", f"/v3/projects/{PROJECT}:getIamPolicy", "cloudresourcemanager.projects"),
    BUCKET: ("GET", "/storage/v1/b/acme-inbox/iam?optionsRequestedPolicyVersion=3", "storage.buckets"),
}


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with start(seeds=SEEDS) as emulator:
        yield emulator


@pytest.fixture
def cloud(running: Any) -> Any:
    running.reset()
    return running


def call(cloud: Any, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{cloud.endpoint}{path}", data, headers, method=method)) as got:
        return json.loads(got.read())


def writer_of(cloud: Any) -> Any:
    settings = {"endpoint": cloud.endpoint, "credentials": "sandbox"}
    writer = provider.writer([Connection(Target("google", "google", PROJECT, "prod"), settings)])
    writer._sleep = cloud.clock.advance
    for project in writer._projects.values():
        project._sleep = cloud.clock.advance
    return writer


def wanted(resource: str = CRM, role: str = "roles/bigquery.jobUser") -> Authority:
    return authority(
        [agent(name) for name in NAMES],
        [tool("jobs", google("one", role=role, resource=resource))],
        [grant("runs", NAMES, ["jobs"])],
        boundaries=[],
    )


def operations(configuration: Authority, gone: bool = False) -> list[Operation]:
    out: list[Operation] = []
    for number, item in enumerate(provider.compile(configuration), 1):
        out += provider.operations(_change(number, item.resource, gone))
    return out


def _change(number: int, resource: Resource, gone: bool) -> Change:
    action = Action.DELETE if gone else Action.CREATE
    before, after = (resource.attributes, None) if gone else (None, resource.attributes)
    return Change(number, action, resource.address, "", resource.agent, None, (), {}, Effect.UNKNOWN, (), (), "",
                  before, after)  # fmt: skip


def edits(cloud: Any, writer: Any, configuration: Authority) -> list[Operation]:
    """The grants of a configuration whose accounts are made."""
    made = operations(configuration)
    for operation in made:
        if not writer.joint(operation):
            assert writer.execute(operation, lambda: None).status is Status.DONE
    return [operation for operation in made if writer.joint(operation)]


def members(cloud: Any, resource: str, role: str) -> set[str]:
    method, path, _ = PATHS[resource]
    found = call(cloud, method, path, {"options": {"requestedPolicyVersion": 3}} if method == "POST" else None)
    return {m.partition(":")[2].partition("@")[0] for b in found.get("bindings", []) if b["role"] == role
            for m in b["members"]}  # fmt: skip


def test_provider_and_writer_say_the_same_of_what_is_one_call(cloud: Any) -> None:
    writer = writer_of(cloud)
    assert isinstance(provider, Joining) and isinstance(writer, JoiningWriter)
    made = operations(wanted())
    assert [provider.joint(operation) for operation in made] == [writer.joint(operation) for operation in made]
    assert {provider.joint(o) for o in made if o.verb.endswith(":setIamPolicy")} == {f"{PROJECT} {CRM}"}
    assert {provider.joint(o) for o in made if o.verb.startswith("iam:")} == {""}


@pytest.mark.parametrize("resource", [CRM, BUCKET])
def test_grants_of_three_agents_on_one_resource_are_one_write(cloud: Any, resource: str) -> None:
    role = "roles/storage.objectViewer"
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted(resource, role))
    before = dict(cloud.calls)
    outcomes = writer.execute_together(joined, lambda: None)
    assert [(o.operation, o.status, o.live) for o in outcomes] == [(op.id, Status.DONE, op.after) for op in joined]
    method = PATHS[resource][2]
    assert cloud.calls[f"{method}.setIamPolicy"] - before.get(f"{method}.setIamPolicy", 0) == 1
    assert cloud.calls[f"{method}.getIamPolicy"] - before.get(f"{method}.getIamPolicy", 0) == 2, "before and after"
    assert members(cloud, resource, role) == {f"acme-{name}" for name in NAMES}
    again = writer.execute_together(joined, _never)
    assert {outcome.status for outcome in again} == {Status.ALREADY}


def _never() -> None:
    raise AssertionError("nothing is left to write")


def test_grants_on_one_dataset_are_one_write(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted(DATASET, "roles/bigquery.dataViewer"))
    before = cloud.calls.get("bigquery.datasets.patch", 0)
    assert {o.status for o in writer.execute_together(joined, lambda: None)} == {Status.DONE}
    assert cloud.calls["bigquery.datasets.patch"] - before == 1


@pytest.mark.parametrize(
    ("resource", "role", "method", "status"),
    [
        (CRM, "roles/bigquery.jobUser", "cloudresourcemanager.projects.setIamPolicy", "ABORTED"),
        (BUCKET, "roles/storage.objectViewer", "storage.buckets.setIamPolicy", "CONDITION_NOT_MET"),
        (DATASET, "roles/bigquery.dataViewer", "bigquery.datasets.patch", "CONDITION_NOT_MET"),
    ],
)
def test_a_stale_etag_reads_again_and_checks_every_delta_again(
    cloud: Any, resource: str, role: str, method: str, status: str
) -> None:
    """409 ABORTED; buckets and datasets answer 412 conditionNotMet."""
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted(resource, role))
    cloud.fail(status, method, times=2)
    asked = 0

    def proceed() -> None:
        nonlocal asked
        asked += 1

    outcomes = writer.execute_together(joined, proceed)
    assert {(outcome.status, outcome.attempts) for outcome in outcomes} == {(Status.DONE, 3)}
    assert asked == 3, "asked before every write"


def test_what_somebody_did_between_two_tries_is_found_and_only_the_rest_is_written(cloud: Any) -> None:
    """A real stale etag: a neighbour writes between our read and our write, and takes one of our grants for himself."""
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    first, beta = True, f"serviceAccount:acme-beta@{PROJECT}.iam.gserviceaccount.com"

    def neighbour() -> None:
        nonlocal first
        if not first:
            return
        first = False
        path = f"/v3/projects/{PROJECT}"
        policy = call(cloud, "POST", f"{path}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})
        theirs = [{"role": "roles/viewer", "members": ["user:dana@acme.example"]},
                  {"role": "roles/bigquery.jobUser", "members": [beta]}]  # fmt: skip
        call(cloud, "POST", f"{path}:setIamPolicy", {"policy": {**policy, "version": 3, "bindings": theirs}})

    outcomes = {o.operation: o for o in writer.execute_together(joined, neighbour)}
    assert {outcome.status for outcome in outcomes.values()} == {Status.DONE}
    assert "a read shows it" in outcomes[joined[1].id].detail, "beta's was there when we looked again"
    assert members(cloud, CRM, "roles/viewer") == {"dana"}, "the neighbour's edit is kept"


def test_one_that_is_not_as_signed_is_told_and_the_others_are_written(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    stale = replace(joined[1], before="sha256:" + "0" * 64)
    outcomes = writer.execute_together([joined[0], stale, joined[2]], lambda: None)
    assert [outcome.status for outcome in outcomes] == [Status.DONE, Status.CONFLICT, Status.DONE]
    assert members(cloud, CRM, "roles/bigquery.jobUser") == {"acme-alpha", "acme-gamma"}


def test_what_depends_on_one_that_is_not_done_is_not_done_either(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    stale = replace(joined[0], before="sha256:" + "0" * 64)
    waiting = replace(joined[1], depends=(stale.id,))
    outcomes = writer.execute_together([stale, waiting, joined[2]], lambda: None)
    assert [outcome.status for outcome in outcomes] == [Status.CONFLICT, Status.SKIPPED, Status.DONE]


def test_one_that_google_refuses_does_not_hold_up_the_others(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    wrong = next(o for o in operations(wanted(role="roles/nothing.atAll")) if writer.joint(o))
    outcomes = writer.execute_together([wrong, *joined[1:]], lambda: None)
    assert [outcome.status for outcome in outcomes] == [Status.FAILED, Status.DONE, Status.DONE]
    assert "INVALID_ARGUMENT" in outcomes[0].detail


def test_a_tampered_delta_among_others_is_not_sent(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    worse = {**joined[0].params, "add": [{**joined[0].params["add"][0], "role": "roles/owner"}]}
    outcomes = writer.execute_together([replace(joined[0], params=worse), *joined[1:]], lambda: None)
    assert [outcome.status for outcome in outcomes] == [Status.FAILED, Status.DONE, Status.DONE]
    assert members(cloud, CRM, "roles/owner") == set()


def test_taking_away_is_one_write_too_and_a_neighbour_stays(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    writer.execute_together(joined, lambda: None)
    gone = [operation for operation in operations(wanted(), gone=True) if writer.joint(operation)]
    before = cloud.calls["cloudresourcemanager.projects.setIamPolicy"]
    assert {o.status for o in writer.execute_together(gone, lambda: None)} == {Status.DONE}
    assert cloud.calls["cloudresourcemanager.projects.setIamPolicy"] - before == 1
    assert members(cloud, CRM, "roles/bigquery.jobUser") == set()


def test_a_lost_answer_is_settled_for_each_by_reading(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    cloud.fail("UNAVAILABLE", "cloudresourcemanager.projects.setIamPolicy", after=True)
    outcomes = writer.execute_together(joined, lambda: None)
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    assert members(cloud, CRM, "roles/bigquery.jobUser") == {f"acme-{name}" for name in NAMES}


def test_a_policy_that_cannot_be_read_leaves_every_edit_undone(cloud: Any) -> None:
    writer = writer_of(cloud)
    joined = edits(cloud, writer, wanted())
    cloud.fail("PERMISSION_DENIED", "cloudresourcemanager.projects.getIamPolicy", times=None)
    outcomes = writer.execute_together(joined, _never)
    assert {outcome.status for outcome in outcomes} == {Status.FAILED}
    assert all("resourcemanager.projects.getIamPolicy" in outcome.detail for outcome in outcomes)
