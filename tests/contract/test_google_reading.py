"""What a read of Google Cloud sees, and says of what it does not: inherited policies, pools of the same name."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import (
    BUCKET,
    DATA,
    EXPIRES,
    NUMBER,
    PROJECT,
    agent,
    authority,
    boundary,
    eks,
    google,
    grant,
    irsa,
    tool,
)
from provisioner_google import provider
from provisioner_google.sandbox import start

from provisioner.model.authority import Authority, Target
from provisioner.model.configuration import Expiry
from provisioner.model.resources import Address, Resource, Snapshot
from provisioner.sdk.provider import Connection, Scope

ORGANIZATION, FOLDER = "organizations/123456789012", "folders/345678901234"
CRM = "//cloudresourcemanager.googleapis.com"
MEMBER = f"serviceAccount:acme-triage@{PROJECT}.iam.gserviceaccount.com"
OTHER_NUMBER = "876543210987"
SEEDS: dict[str, Any] = {
    "organizations": {"123456789012": {"displayName": "acme.example"}},
    "folders": {"345678901234": {"parent": ORGANIZATION, "displayName": "agents"}},
    "projects": {
        PROJECT: {"number": NUMBER, "parent": FOLDER},
        DATA: {"number": OTHER_NUMBER, "parent": FOLDER},
    },
    "resources": {BUCKET: {"project": PROJECT}},
}


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with start(seeds=SEEDS) as emulator:
        yield emulator


@pytest.fixture
def cloud(running: Any) -> Any:
    running.reset()
    return running


def connection(cloud: Any, project: str = PROJECT, watch: tuple[str, ...] = ()) -> Connection:
    settings = {"endpoint": cloud.endpoint, "credentials": "sandbox"}
    return Connection(Target("google", project, project, "prod", watch), settings)


def call(cloud: Any, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{cloud.endpoint}{path}", data, headers, method=method)) as got:
        return json.loads(got.read())


def bind(cloud: Any, where: str, role: str, *members: str) -> None:
    path = f"/v3/{where}:setIamPolicy"
    call(cloud, "POST", path, {"policy": {"version": 3, "bindings": [{"role": role, "members": list(members)}]}})


def one_agent(**more: Any) -> Authority:
    return authority([agent("triage")], [tool("inbox")], [grant("reads", ["triage"], ["inbox"], **more)], boundaries=[])


def make(cloud: Any, wanted: Authority) -> None:
    """What the configuration asks for, by the writer itself, in order."""
    writer = provider.writer([connection(cloud)])
    writer._sleep = cloud.clock.advance  # type: ignore[attr-defined]
    for number, item in enumerate(sorted(provider.compile(wanted), key=lambda i: i.resource.address.kind != POOL), 1):
        for operation in provider.operations(_made(number, item.resource)):
            outcome = writer.execute(operation, lambda: None)
            assert outcome.status.value == "done", outcome


POOL = "google_workload_identity_pool"


def _made(number: int, resource: Resource) -> Any:
    from provisioner.model.changes import Action, Change, Effect

    return Change(number, Action.CREATE, resource.address, "", resource.agent, None, (), {}, Effect.UNKNOWN, (), (), "",
                  None, resource.attributes)  # fmt: skip


def read(cloud: Any, wanted: Authority, *projects: Connection) -> Snapshot:
    addresses = frozenset(item.resource.address for item in provider.compile(wanted))
    return provider.reader(projects or [connection(cloud)]).read(Scope(wanted.workspace, addresses))


def place(snapshot: Snapshot, name: str) -> Resource:
    return next(r for r in snapshot.resources if r.address == Address("google", PROJECT, "google_place", name))


def test_a_grant_on_a_folder_or_the_organization_is_seen_and_is_ours_to_remove(cloud: Any) -> None:
    make(cloud, one_agent())
    bind(cloud, FOLDER, "roles/storage.admin", MEMBER, "user:dana@acme.example")
    bind(cloud, ORGANIZATION, "roles/viewer", MEMBER)
    snapshot = read(cloud, one_agent())
    inherited = {(r.attributes["resource"], r.attributes["role"]) for r in snapshot.resources
                 if r.agent == "triage" and "//cloudresourcemanager" in str(r.attributes.get("resource"))}  # fmt: skip
    assert inherited == {(f"{CRM}/{FOLDER}", "roles/storage.admin"), (f"{CRM}/{ORGANIZATION}", "roles/viewer")}
    assert snapshot.coverage.complete
    assert place(snapshot, f"{CRM}/projects/{PROJECT}").attributes["ancestors"] == [
        f"{CRM}/{FOLDER}", f"{CRM}/{ORGANIZATION}"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("cloudresourcemanager.organizations.getIamPolicy", "resourcemanager.organizations.getIamPolicy"),
        ("cloudresourcemanager.folders.get", "resourcemanager.folders.get"),
    ],
)
def test_what_is_above_and_may_not_be_read_is_said_and_known_to_the_evaluator(
    cloud: Any, method: str, permission: str
) -> None:
    cloud.fail("PERMISSION_DENIED", method, times=None)
    snapshot = read(cloud, one_agent())
    assert any(permission in line and "inherited" in line for line in snapshot.coverage.not_looked_at)
    assert place(snapshot, f"{CRM}/projects/{PROJECT}").attributes["unread"]
    assert snapshot.coverage.complete, "whoever has no rights above the project can still plan in it"


def test_what_is_above_and_did_not_answer_is_incomplete(cloud: Any) -> None:
    cloud.fail("UNAVAILABLE", "cloudresourcemanager.folders.getIamPolicy", times=None)
    reader = provider.reader([connection(cloud)])
    for project in reader._projects.values():  # type: ignore[attr-defined]
        project._sleep = cloud.clock.advance
    addresses = frozenset(item.resource.address for item in provider.compile(one_agent()))
    (gap,) = reader.read(Scope("acme", addresses)).coverage.gaps
    assert gap.what == f"the allow policy of {CRM}/{FOLDER}" and gap.agents == ()


def test_a_watched_folder_that_may_not_be_read_is_incomplete(cloud: Any) -> None:
    cloud.fail("PERMISSION_DENIED", "cloudresourcemanager.folders.getIamPolicy", times=None)
    (gap,) = read(cloud, one_agent(), connection(cloud, watch=(FOLDER,))).coverage.gaps
    assert gap.permission == "resourcemanager.folders.getIamPolicy"


def test_a_project_that_may_not_be_read_is_incomplete_and_nothing_is_taken_for_absent(cloud: Any) -> None:
    make(cloud, one_agent())
    cloud.fail("PERMISSION_DENIED", "*", name=f"*{PROJECT}*", times=None)
    gaps = read(cloud, one_agent()).coverage.gaps
    assert {gap.permission for gap in gaps} >= {"resourcemanager.projects.getIamPolicy", "iam.serviceAccounts.list"}


def test_policies_above_several_projects_are_read_once(cloud: Any) -> None:
    before = dict(cloud.calls)
    read(cloud, one_agent(), connection(cloud), connection(cloud, DATA))
    asked = {name: cloud.calls[name] - before.get(name, 0) for name in cloud.calls}
    assert asked["cloudresourcemanager.folders.getIamPolicy"] == 1
    assert asked["cloudresourcemanager.organizations.getIamPolicy"] == 1
    assert asked["cloudresourcemanager.folders.get"] == 1


def test_another_projects_pool_of_the_same_name_is_somebody_elses(cloud: Any) -> None:
    wanted = authority([agent("sorter", irsa(), identity={"federation": "federation.eks"})], federations=[eks()],
                       boundaries=[])  # fmt: skip
    make(cloud, wanted)
    pools = "locations/global/workloadIdentityPools/eks-agents-prod"
    ours = f"principalSet://iam.googleapis.com/projects/{NUMBER}/{pools}/*"
    theirs = f"principalSet://iam.googleapis.com/projects/{OTHER_NUMBER}/{pools}/*"
    bind(cloud, f"projects/{PROJECT}", "roles/viewer", ours, theirs)
    bindings = [r for r in read(cloud, wanted).resources if r.address.kind == "google_binding"]
    assert [binding.attributes["member"] for binding in bindings] == [ours]


def test_a_condition_on_a_bucket_without_uniform_access_is_said_before_the_apply(cloud: Any) -> None:
    call(
        cloud,
        "PATCH",
        "/storage/v1/b/acme-inbox",
        {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}}},
    )
    ending = one_agent(expires=Expiry(EXPIRES))
    snapshot = read(cloud, ending)
    found = list(provider.check(ending, list(provider.compile(ending)), snapshot))
    assert [d.code for d in found] == ["E-GOOGLE-UNIFORM"] and "--uniform-bucket-level-access" in found[0].detail
    lasting = one_agent()
    assert list(provider.check(lasting, list(provider.compile(lasting)), read(cloud, lasting))) == []


def test_on_a_uniform_bucket_a_condition_is_fine_and_the_bucket_says_whose_it_is(cloud: Any) -> None:
    ending = one_agent(expires=Expiry(EXPIRES))
    snapshot = read(cloud, ending)
    assert list(provider.check(ending, list(provider.compile(ending)), snapshot)) == []
    assert place(snapshot, BUCKET).attributes["ancestors"] == [f"{CRM}/projects/{PROJECT}"]


def test_a_grant_on_a_folder_can_be_declared(cloud: Any) -> None:
    wanted = authority(
        [agent("triage")],
        [tool("jobs", google(role="roles/bigquery.jobUser", resource=FOLDER))],
        [grant("runs", ["triage"], ["jobs"])],
        boundaries=[boundary(attach=FOLDER)],
    )
    assert list(provider.validate(wanted)) == []
    make(cloud, wanted)
    policy = call(cloud, "POST", f"/v3/{FOLDER}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})
    assert [b["members"] for b in policy["bindings"]] == [[MEMBER]]
    live = {r.address: r.attributes for r in read(cloud, wanted).resources}
    assert all(live[i.resource.address] == i.resource.attributes for i in provider.compile(wanted))


def test_a_policy_that_others_have_filled_is_said_before_the_apply(cloud: Any) -> None:
    """1,500 members, every occurrence counted: ours and everybody's."""
    bindings = [{"role": "roles/viewer", "members": [f"user:u{n}@acme.example" for n in range(1499)]}]
    policy = {"version": 3, "bindings": bindings}
    call(cloud, "PUT", "/storage/v1/b/acme-inbox/iam", policy)
    two = authority([agent("a"), agent("b")], [tool("inbox")], [grant("reads", ["a", "b"], ["inbox"])], boundaries=[])
    found = list(provider.check(two, list(provider.compile(two)), read(cloud, two)))
    assert [d.code for d in found] == ["E-GOOGLE-LIMIT"] and "1499 members" in found[0].summary
    one = authority([agent("a")], [tool("inbox")], [grant("reads", ["a"], ["inbox"])], boundaries=[])
    assert list(provider.check(one, list(provider.compile(one)), read(cloud, one))) == []


def test_twenty_conditional_grants_of_one_role_to_one_member_are_the_most(cloud: Any) -> None:
    def wanted(count: int) -> Authority:
        grants = [grant(f"g{n}", ["triage"], ["inbox"], expires=Expiry(EXPIRES)) for n in range(count)]
        return authority([agent("triage")], [tool("inbox")], grants, boundaries=[])

    for count, codes in ((20, []), (21, ["E-GOOGLE-LIMIT"])):
        found = provider.check(wanted(count), list(provider.compile(wanted(count))), read(cloud, wanted(count)))
        assert [d.code for d in found] == codes


def test_more_than_five_deny_policies_say_how_long_the_apply_waits(cloud: Any) -> None:
    names = [f"a{n}" for n in range(6)]
    wanted = authority(
        [replace(agent(name), boundary=f"boundary.{name}") for name in names],
        boundaries=[boundary(name) for name in names],
    )
    (found,) = provider.check(wanted, list(provider.compile(wanted)), read(cloud, wanted))
    assert found.code == "W-GOOGLE-SLOW" and "about 2 minutes" in found.detail and not found.is_error
