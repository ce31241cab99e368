"""Writes beside one another and beside strangers: turns, storms, quotas that last, and what others wrote."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import (
    PROJECT,
    SEEDS,
    agent,
    authority,
    boundary,
    custom,
    github,
    github_federation,
    google,
    grant,
    tool,
)
from provisioner_google import provider
from provisioner_google.bindings import Tuple, address, place_of
from provisioner_google.client import Project
from provisioner_google.faults import CallError
from provisioner_google.policies import LivePolicy, _of_bindings, write_policy
from provisioner_google.policy.boundary import blocks
from provisioner_google.sandbox import start
from provisioner_google.schema import POOL

from provisioner.model.authority import Authority, Target
from provisioner.model.changes import Action, Change, Effect, Operation, Status
from provisioner.sdk.provider import Connection, Scope

NAMES = tuple(f"agent-{number}" for number in range(8))
CRM = f"/v3/projects/{PROJECT}"
FULL = f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"
JOBS = "roles/bigquery.jobUser"
LONG = 30.0
"""Seconds until a test that hangs gives up."""


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with start(seeds=SEEDS) as emulator:
        yield emulator


@pytest.fixture
def cloud(running: Any) -> Any:
    running.reset()
    return running


def connection(cloud: Any) -> Connection:
    settings = {"endpoint": cloud.endpoint, "credentials": "sandbox"}
    return Connection(Target("google", "google", PROJECT, "prod"), settings)


def writer_of(cloud: Any) -> Any:
    writer = provider.writer([connection(cloud)])
    writer._sleep = cloud.clock.advance  # type: ignore[attr-defined]
    for project in writer._projects.values():  # type: ignore[attr-defined]
        project._sleep = cloud.clock.advance
    return writer


def wanted(names: tuple[str, ...] = NAMES, **more: Any) -> Authority:
    return authority(
        [agent(name) for name in names],
        [tool("jobs", google("one", role=JOBS, resource=f"projects/{PROJECT}"))],
        [grant("runs", names, ["jobs"])],
        **{"boundaries": [], **more},
    )


def operations(configuration: Authority) -> list[Operation]:
    out: list[Operation] = []
    for number, item in enumerate(provider.compile(configuration), 1):
        resource = item.resource
        out += provider.operations(
            Change(
                number,
                Action.CREATE,
                resource.address,
                "",
                resource.agent,
                None,
                (),
                {},
                Effect.WIDER,
                (),
                (),
                "",
                None,
                resource.attributes,
            )
        )
    return sorted(out, key=lambda operation: provider.rank(operation, True))


def grants_of(writer: Any, configuration: Authority) -> list[Operation]:
    """The grants, whose accounts are made."""
    made = operations(configuration)
    for operation in made:
        if not writer.joint(operation):
            assert writer.execute(operation, nothing).status is Status.DONE
    return [operation for operation in made if writer.joint(operation)]


def nothing() -> None:
    return None


def call(cloud: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{cloud.endpoint}{path}", data, {"Content-Type": "application/json"})
    ) as answer:
        return dict(json.loads(answer.read()))


def policy(cloud: Any) -> dict[str, Any]:
    return call(cloud, f"{CRM}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})


def add_stranger(cloud: Any, name: str) -> None:
    """Somebody else's read and write, tried until it is taken."""
    while True:
        found = policy(cloud)
        bindings = [*found.get("bindings", []), {"role": "roles/viewer", "members": [f"user:{name}@acme.example"]}]
        try:
            call(cloud, f"{CRM}:setIamPolicy", {"policy": {**found, "version": 3, "bindings": bindings}})
        except urllib.error.HTTPError as error:
            assert error.code == 409
            continue
        return


def members(cloud: Any, role: str) -> set[str]:
    return {m for b in policy(cloud).get("bindings", []) if b["role"] == role for m in b["members"]}


def test_writes_of_one_policy_wait_for_one_another(cloud: Any) -> None:
    writer = writer_of(cloud)
    first, second = grants_of(writer, wanted(NAMES[:2]))
    inside, also = threading.Event(), threading.Event()

    def look_around() -> None:
        inside.set()
        assert not also.wait(0.2), "another write of this policy has begun"

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(writer.execute, first, look_around)
        assert inside.wait(LONG)
        two = pool.submit(writer.execute, second, also.set)
        assert [one.result(LONG).status, two.result(LONG).status] == [Status.DONE, Status.DONE]
    assert also.is_set() and len(members(cloud, JOBS)) == 2
    assert one.result().attempts == two.result().attempts == 1, "nobody's etag was stale"


def test_what_is_apart_is_written_at_the_same_time(cloud: Any) -> None:
    writer = writer_of(cloud)
    made = [operation for operation in operations(wanted()) if operation.verb == "iam:createServiceAccount"]
    assert writer.parallel == len(made) == 8
    together = threading.Barrier(len(made))

    def meet() -> None:
        together.wait(LONG)

    with ThreadPoolExecutor(len(made)) as pool:
        outcomes = list(pool.map(lambda operation: writer.execute(operation, meet), made))
    assert {outcome.status for outcome in outcomes} == {Status.DONE}


def test_five_a_minute_are_waited_for_in_a_row(cloud: Any) -> None:
    """Twelve boundaries, all at once: were each to wait for itself, the last would give up."""
    names = [f"b{number}" for number in range(12)]
    configuration = authority(
        [agent(f"agent-{name}", boundary=f"boundary.{name}") for name in names], [], [],
        boundaries=[replace(boundary(), name=name, address=f"boundary.{name}") for name in names],
    )  # fmt: skip
    writer = writer_of(cloud)
    made = operations(configuration)
    for operation in made:
        if operation.verb == "iam:createServiceAccount":
            assert writer.execute(operation, nothing).status is Status.DONE
    slow = [operation for operation in made if operation.verb == "iam:createDenyPolicy"]
    assert len(slow) == 12
    cloud.switches.quotas = True
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda operation: writer.execute(operation, nothing), slow))
    assert {outcome.status for outcome in outcomes} == {Status.DONE}, outcomes


def test_beside_somebody_who_edits_all_the_time_nothing_of_anybody_is_lost(cloud: Any) -> None:
    writer = writer_of(cloud)
    edits = grants_of(writer, wanted())
    editor = threading.Thread(target=lambda: [add_stranger(cloud, f"user{number}") for number in range(20)])
    editor.start()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):  # one that gives up writes nothing, and is done by the next run
            outcomes = list(pool.map(lambda operation: writer.execute(operation, nothing), edits))
            assert {outcome.status for outcome in outcomes} <= {Status.DONE, Status.ALREADY, Status.FAILED}
            if all(outcome.status is not Status.FAILED for outcome in outcomes):
                break
    editor.join(LONG)
    assert not editor.is_alive()
    assert members(cloud, "roles/viewer") == {f"user:user{number}@acme.example" for number in range(20)}
    assert members(cloud, JOBS) == {f"serviceAccount:acme-{name}@{PROJECT}.iam.gserviceaccount.com" for name in NAMES}


def test_an_edit_between_each_read_and_write_is_a_conflict_that_google_tells(cloud: Any) -> None:
    """Seven storms are outlived; where they do not end, nothing is written, and that is said."""
    writer = writer_of(cloud)
    edit, other = grants_of(writer, wanted(NAMES[:2]))
    count = iter(range(100))

    def storm(times: int) -> Callable[[], None]:
        left = iter(range(times))
        return lambda: add_stranger(cloud, f"user{next(count)}") if next(left, None) is not None else None

    done = writer.execute(edit, storm(7))
    assert (done.status, done.attempts) == (Status.DONE, 8)
    failed = writer.execute(other, storm(50))
    assert failed.status is Status.FAILED and "ABORTED" in failed.detail
    assert len(members(cloud, "roles/viewer")) == 15 and len(members(cloud, JOBS)) == 1


@pytest.mark.parametrize("method", ["setIamPolicy", "getIamPolicy"])
def test_a_quota_of_a_minute_is_waited_out(cloud: Any, method: str) -> None:
    writer = writer_of(cloud)
    (edit,) = grants_of(writer, wanted(NAMES[:1]))
    cloud.fail("RESOURCE_EXHAUSTED", f"cloudresourcemanager.projects.{method}", times=13)
    began = cloud.clock.now()
    assert writer.execute(edit, nothing).status is Status.DONE
    assert cloud.clock.now() - began > 30
    cloud.fail("RESOURCE_EXHAUSTED", f"cloudresourcemanager.projects.{method}", times=None)
    assert writer.execute(replace(edit, before=edit.after, after=edit.before), nothing).status is Status.FAILED


def test_pages_that_go_round_in_a_circle_are_an_error(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    following = {"": "a", "a": "b", "b": "a"}
    monkeypatch.setattr(
        Project, "get", lambda *_, pageToken="", **__: {"things": [1], "nextPageToken": following[pageToken]}
    )
    with pytest.raises(CallError, match="circle"):
        list(Project(connection(cloud)).pages("host", "/path", "things"))


class Sent:
    """Takes the place of a project, and keeps what would be sent."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}

    def send(self, _method: str, _host: str, _path: str, _params: Any, body: dict[str, Any], *_: Any) -> None:
        self.body = body


def sent(raw: dict[str, Any], remove: list[Tuple], add: list[Tuple]) -> dict[str, Any]:
    project = Sent()
    write_policy(project, LivePolicy(FULL, raw, tuple(_of_bindings(FULL, raw))), remove, add)  # type: ignore[arg-type]
    return dict(project.body["policy"])


def test_what_this_version_does_not_know_goes_back_as_it_came() -> None:
    mine, stranger = Tuple(FULL, JOBS, "serviceAccount:mine@x.example", None), "user:dana@acme.example"
    condition = {"title": "t", "expression": "a == 1", "location": "theirs.txt:3"}
    raw = {
        "etag": "e", "version": 3, "auditConfigs": [{"service": "allServices"}], "somethingNew": {"deep": [1]},
        "bindings": [
            {"role": JOBS, "members": [stranger, mine.member], "bindingId": "7"},
            {"role": JOBS, "members": [stranger], "condition": condition},
            {"role": "roles/odd", "members": [stranger], "condition": {"title": "without an expression"}},
        ],
    }  # fmt: skip
    new = Tuple(FULL, JOBS, "serviceAccount:new@x.example", {"title": "t", "expression": "a == 1", "description": ""})
    body = sent(raw, [mine], [new])
    assert {k: v for k, v in body.items() if k != "bindings"} == {k: v for k, v in raw.items() if k != "bindings"}
    assert body["bindings"] == [
        {"role": JOBS, "members": [stranger], "bindingId": "7"},
        *raw["bindings"][1:],
        {"role": JOBS, "members": [new.member], "condition": {"title": "t", "expression": "a == 1"}},
    ], "a member of ours never comes under a condition that is not exactly its own"
    assert sent(raw, [], [mine])["bindings"] == raw["bindings"], "it is there already"


def test_custom_roles_and_providers_are_counted_with_those_that_are_there(cloud: Any) -> None:
    federated = agent("reports", github(), identity={"federation": "federation.github"})
    configuration = authority(
        [federated], [tool("inbox", custom("objects"))], [grant("reads", ["reports"], ["inbox"])], boundaries=[],
        federations=[github_federation()], quotas={"custom_roles_per_project": 2, "providers_per_pool": 1},
    )  # fmt: skip
    desired = list(provider.compile(configuration))

    def told() -> list[str]:
        known = frozenset(item.resource.address for item in desired)
        live = provider.reader([connection(cloud)]).read(Scope(configuration.workspace, known))
        return [problem.summary for problem in provider.check(configuration, desired, live)]

    def role(name: str) -> None:
        call(cloud, f"/v1/projects/{PROJECT}/roles", {"roleId": name, "role": {"title": name}})

    role("theirs.one")
    assert told() == [], "one more is what fits"
    role("theirs.two")
    (full,) = told()
    assert full == f"Project {PROJECT} has 2 custom roles, and 1 more would be over 2"
    (pool,) = [item.resource.address.name for item in desired if item.resource.address.kind == POOL]
    pools = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools"
    call(cloud, f"{pools}?workloadIdentityPoolId={pool}", {"description": "[provisioner acme - federation.github]"})
    oidc = {"oidc": {"issuerUri": "https://token.actions.githubusercontent.com"}, "attributeCondition": "true == false",
            "attributeMapping": {"google.subject": "assertion.sub"}}  # fmt: skip
    call(cloud, f"{pools}/{pool}/providers?workloadIdentityPoolProviderId=theirs", oidc)
    assert f"Project {PROJECT} has 1 providers of pool {pool}, and 1 more would be over 1" in told()


@pytest.mark.parametrize(
    ("permission", "version", "blocked"),
    [
        ("iam.serviceAccounts.getAccessToken", "3", True),
        ("iam.serviceAccounts.getAccessToken", "2", False),
        ("iam.serviceAccounts.createTagBinding", "3", False),
        ("iam.serviceAccounts.createTagBinding", "latest", False),
        ("bigquerydatatransfer.transfers.get", "2", True),
        ("storage.objects.get", "latest", False),
    ],
)
def test_a_boundary_is_not_said_to_block_what_google_excepts(permission: str, version: str, blocked: bool) -> None:
    assert blocks(permission, version) is blocked


def test_a_giant_policy_is_edited_in_one_write(cloud: Any) -> None:
    writer = writer_of(cloud)
    (edit,) = grants_of(writer, wanted(NAMES[:1]))
    crowd = [f"user:someone{number}@acme.example" for number in range(1499)]
    found = policy(cloud)
    bindings = [{"role": "roles/viewer", "members": crowd}]
    call(cloud, f"{CRM}:setIamPolicy", {"policy": {**found, "version": 3, "bindings": bindings}})
    assert writer.execute(edit, nothing).status is Status.DONE
    assert members(cloud, "roles/viewer") == set(crowd)


ODD = ("user:a|b@x", "x#/y", "x%23/y", "x%2523/y", "x#", "#/", "a b", "projects/p#/~1", "%", "ünï#/cödé")


@pytest.mark.parametrize("text", ODD)
def test_an_address_says_exactly_whose_grant_it_is(text: str) -> None:
    """Subjects and titles are what others wrote: none may pose as another member with a title."""
    plain = Tuple(FULL, JOBS, text, None)
    titled = Tuple(FULL, JOBS, text, {"title": text, "expression": "true", "description": ""})
    one, two = (address("binding", PROJECT, "a", item).name for item in (plain, titled))
    assert one != two
    place, other = place_of(one), place_of(two)
    assert place is not None and other is not None
    assert (place.resource, place.role, place.member, place.title) == (FULL, JOBS, text, None)
    assert (other.member, other.title) == (text, text)


def test_no_two_grants_share_an_address() -> None:
    condition = {"expression": "true", "description": ""}
    items = [Tuple(FULL, JOBS, member, None) for member in ODD]
    items += [Tuple(FULL, JOBS, member, {**condition, "title": title}) for member in ODD for title in ODD]
    assert len({address("binding", PROJECT, None, item) for item in items}) == len(items)


def test_a_grant_under_a_hostile_title_is_found_and_taken_away(cloud: Any) -> None:
    writer = writer_of(cloud)
    configuration = wanted(NAMES[:1])
    (edit,) = grants_of(writer, configuration)
    assert writer.execute(edit, nothing).status is Status.DONE
    (member,) = members(cloud, JOBS)
    condition = {"title": "runs#/grant|x", "expression": 'request.time < timestamp("2030-01-01T00:00:00Z")'}
    found = policy(cloud)
    bindings = [*found["bindings"], {"role": "roles/editor2", "members": [member], "condition": condition}]
    bindings[-1]["role"] = "roles/storage.objectAdmin"
    call(cloud, f"{CRM}:setIamPolicy", {"policy": {**found, "version": 3, "bindings": bindings}})
    known = frozenset(item.resource.address for item in provider.compile(configuration))
    live = writer.read(Scope(configuration.workspace, known))
    (odd,) = [r for r in live.resources if r.attributes.get("role") == "roles/storage.objectAdmin" and r.agent]
    change = Change(1, Action.DELETE, odd.address, "", odd.agent, None, (), {}, Effect.NARROWER, (), (), "",
                    odd.attributes, None)  # fmt: skip
    (operation,) = provider.operations(change)
    assert writer.execute(operation, nothing).status is Status.DONE
    assert members(cloud, "roles/storage.objectAdmin") == set() and members(cloud, JOBS) == {member}
