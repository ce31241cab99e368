"""The writer on the emulator: conflicts, neighbours, faults, soft deletes, delays. Each trap of 5-providers.md once."""

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
    DATASET,
    EXPIRES,
    NUMBER,
    PROJECT,
    SEEDS,
    agent,
    authority,
    boundary,
    custom,
    eks,
    gke,
    google,
    grant,
    irsa,
    tool,
)
from provisioner_google import provider
from provisioner_google.sandbox import start

from provisioner.model.authority import Authority, Target
from provisioner.model.changes import Action, Change, Effect, Operation, Outcome, Status
from provisioner.model.configuration import Expiry
from provisioner.model.resources import Address, Resource, Snapshot
from provisioner.sdk.provider import Connection, Scope

EMAIL = f"acme-triage@{PROJECT}.iam.gserviceaccount.com"
MEMBER = f"serviceAccount:{EMAIL}"
CRM = f"/v3/projects/{PROJECT}"


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with start(seeds=SEEDS) as emulator:
        yield emulator


@pytest.fixture
def cloud(running: Any) -> Any:
    running.reset()
    return running


def connection(cloud: Any, watch: tuple[str, ...] = ()) -> Connection:
    settings = {"endpoint": cloud.endpoint, "credentials": "sandbox"}
    return Connection(Target("google", "google", PROJECT, "prod", watch), settings)


def call(cloud: Any, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Somebody else's hand."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(
        f"{cloud.endpoint}{path}", data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def policy(cloud: Any, path: str = CRM) -> dict[str, Any]:
    return call(cloud, "POST", f"{path}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})


def put(cloud: Any, bindings: list[dict[str, Any]], path: str = CRM) -> None:
    found = policy(cloud, path)
    call(cloud, "POST", f"{path}:setIamPolicy", {"policy": {**found, "version": 3, "bindings": bindings}})


def members(found: dict[str, Any], role: str) -> list[str]:
    return sorted(m for b in found.get("bindings", []) if b["role"] == role for m in b["members"])


class Run:
    """Plans and executes with the provider alone; pauses take no time, but move the emulator's clock."""

    def __init__(self, cloud: Any, wanted: Authority, watch: tuple[str, ...] = ()) -> None:
        self.cloud = cloud
        self.wanted = wanted
        self.pauses: list[float] = []
        self.desired = list(provider.compile(wanted))
        self.writer = provider.writer([connection(cloud, watch)])
        self.writer._sleep = self.sleep  # type: ignore[attr-defined]
        for project in self.writer._projects.values():  # type: ignore[attr-defined]
            project._sleep = self.sleep

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.cloud.clock.advance(seconds)

    def read(self, made: frozenset[Address] = frozenset()) -> Snapshot:
        addresses = frozenset(item.resource.address for item in self.desired)
        return self.writer.read(Scope(self.wanted.workspace, addresses, made=made))

    def operations(self, made: frozenset[Address] = frozenset()) -> list[Operation]:
        live = {r.address: r for r in self.read(made).resources}
        wanted = {item.resource.address: item.resource for item in self.desired}
        out: list[Operation] = []
        for number, address in enumerate(sorted({*live, *wanted}), start=1):
            change = changed(number, address, live.get(address), wanted.get(address))
            if change is not None:
                out += provider.operations(change)
        return sorted(out, key=lambda operation: provider.rank(operation, True))

    def apply(self) -> list[Outcome]:
        return [self.writer.execute(operation, lambda: None) for operation in self.operations()]

    def settle(self) -> None:
        outcomes = self.apply()
        assert all(o.status is Status.DONE for o in outcomes), outcomes
        assert self.operations() == []


def changed(number: int, address: Address, live: Resource | None, wanted: Resource | None) -> Change | None:
    kind = provider.schema().kinds[address.kind]
    if kind.observed or (live is not None and live.agent is None and live.mark is None and live.parent is None):
        return None
    before = None if live is None else live.attributes
    after = None if wanted is None else wanted.attributes
    unread = live.unread if live is not None else ()
    fields = tuple(n for n in kind.fields if n not in unread and (before or {}).get(n) != (after or {}).get(n))
    if before is not None and after is not None and not fields:
        return None
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    who = (wanted or live).agent  # type: ignore[union-attr]
    return Change(number, action, address, "", who, None, (), {}, Effect.UNKNOWN, (), (), "", before, after, fields)


def one_agent(**more: Any) -> Authority:
    return authority(
        [agent("triage")],
        [tool("jobs", google(role="roles/bigquery.jobUser", resource=f"projects/{PROJECT}"))],
        [grant("runs", ["triage"], ["jobs"], **more)],
    )


def test_a_neighbours_edit_neither_voids_the_plan_nor_is_lost(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    operations = run.operations()
    put(cloud, [{"role": "roles/viewer", "members": ["user:dana@acme.example"]}])
    for operation in operations:
        assert run.writer.execute(operation, lambda: None).status is Status.DONE
    assert members(policy(cloud), "roles/viewer") == ["user:dana@acme.example"]
    assert members(policy(cloud), "roles/bigquery.jobUser") == [MEMBER]


def test_others_conditions_survive_a_write_since_version_3_is_always_used(cloud: Any) -> None:
    condition = {"title": "theirs", "expression": 'request.time < timestamp("2030-01-01T00:00:00Z")'}
    theirs = {"role": "roles/storage.objectViewer", "members": ["user:dana@acme.example"], "condition": condition}
    put(cloud, [theirs])
    Run(cloud, one_agent()).settle()
    assert theirs in policy(cloud)["bindings"]


def test_an_aborted_write_reads_again_and_checks_the_signed_delta_again(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    cloud.fail("ABORTED", "cloudresourcemanager.projects.setIamPolicy", times=2)
    reads = cloud.calls.get("cloudresourcemanager.projects.getIamPolicy", 0)
    run.settle()
    assert cloud.calls["cloudresourcemanager.projects.getIamPolicy"] - reads >= 3


def test_the_same_change_made_by_somebody_meanwhile_is_already_done(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    operations = run.operations()
    for operation in operations:
        run.writer.execute(operation, lambda: None)
    again = [run.writer.execute(operation, lambda: None) for operation in operations]
    assert {outcome.status for outcome in again} == {Status.ALREADY}


def test_a_lost_answer_is_settled_by_reading(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    cloud.fail("UNAVAILABLE", "cloudresourcemanager.projects.setIamPolicy", after=True)
    assert [o.status for o in run.apply()] == [Status.DONE] * len(run.desired)
    assert members(policy(cloud), "roles/bigquery.jobUser") == [MEMBER]


def test_a_fresh_service_account_may_be_unknown_for_a_while(cloud: Any) -> None:
    cloud.switches.creation_delay = 4.0
    run = Run(cloud, one_agent())
    assert all(outcome.status is Status.DONE for outcome in run.apply())
    assert run.pauses, "it waited"


def test_a_policy_that_reads_back_late_is_waited_for(cloud: Any) -> None:
    cloud.switches.read_delay = 3.0
    run = Run(cloud, one_agent())
    assert all(outcome.status is Status.DONE for outcome in run.apply())


def test_throttling_is_waited_out_and_slow_quotas_get_long_pauses(cloud: Any) -> None:
    bounded = authority([agent("triage")], [tool("inbox")], [grant("reads", ["triage"], ["inbox"])])
    run = Run(cloud, bounded)
    cloud.fail("RESOURCE_EXHAUSTED", "iam.policies.createPolicy", times=2)
    assert all(outcome.status is Status.DONE for outcome in run.apply())
    assert sum(pause >= 10 for pause in run.pauses) == 2


def test_a_refused_write_changes_nothing_and_says_what_is_needed(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    cloud.fail("PERMISSION_DENIED", "cloudresourcemanager.projects.setIamPolicy", times=None)
    failed = [outcome for outcome in run.apply() if outcome.status is not Status.DONE]
    assert [outcome.status for outcome in failed] == [Status.FAILED]
    assert "PERMISSION_DENIED" in failed[0].detail


def test_deleted_members_are_never_written_back_and_are_no_difference(cloud: Any) -> None:
    call(cloud, "POST", f"/v1/projects/{PROJECT}/serviceAccounts", {"accountId": "gone-account", "serviceAccount": {}})
    gone = f"gone-account@{PROJECT}.iam.gserviceaccount.com"
    put(cloud, [{"role": "roles/viewer", "members": [f"serviceAccount:{gone}", "user:dana@acme.example"]}])
    call(cloud, "DELETE", f"/v1/projects/{PROJECT}/serviceAccounts/{gone}")
    assert any(m.startswith("deleted:") for m in members(policy(cloud), "roles/viewer"))
    Run(cloud, one_agent()).settle()
    assert members(policy(cloud), "roles/viewer") == ["user:dana@acme.example"]


def test_a_service_account_that_was_deleted_is_brought_back_by_an_action_of_its_own(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    run.settle()
    before = call(cloud, "GET", f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}")["uniqueId"]
    call(cloud, "DELETE", f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}")
    verbs = [operation.verb for operation in run.operations()]
    assert "iam:undeleteServiceAccount" in verbs and "iam:createServiceAccount" not in verbs
    warned = list(provider.check(run.wanted, run.desired, run.read()))
    assert [d.code for d in warned] == ["W-GOOGLE-UNDELETE"]
    run.apply()
    assert call(cloud, "GET", f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}")["uniqueId"] == before
    assert run.operations() == []


def test_a_deleted_role_and_pool_are_brought_back_and_updated(cloud: Any) -> None:
    wanted = authority(
        [agent("sorter", irsa(), identity={"federation": "federation.eks"})],
        [tool("inbox", custom("objects"))],
        [grant("reads", ["sorter"], ["inbox"])],
        federations=[eks()],
    )
    run = Run(cloud, wanted)
    run.settle()
    role = f"/v1/projects/{PROJECT}/roles/acme.inbox.objects"
    call(cloud, "PATCH", f"{role}?updateMask=title", {"title": "changed"})
    call(cloud, "DELETE", role)
    call(cloud, "DELETE", f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools/eks-agents-prod")
    verbs = [operation.verb for operation in run.operations()]
    assert {"iam:undeleteRole", "iam:updateRole", "iam:undeleteWorkloadIdentityPool"} <= set(verbs)
    run.apply()
    assert run.operations() == []


def test_every_grant_of_our_members_on_what_is_read_is_ours_to_remove(cloud: Any) -> None:
    run = Run(cloud, one_agent(), watch=(f"projects/{DATA}",))
    run.settle()
    put(cloud, [{"role": "roles/viewer", "members": [MEMBER, "user:dana@acme.example"]}], f"/v3/projects/{DATA}")
    found = run.operations()
    assert [(o.verb, o.params["resource"]) for o in found] == [
        ("cloudresourcemanager:setIamPolicy", f"//cloudresourcemanager.googleapis.com/projects/{DATA}")
    ]
    run.apply()
    assert members(policy(cloud, f"/v3/projects/{DATA}"), "roles/viewer") == ["user:dana@acme.example"]


def test_a_grant_to_a_whole_pool_of_ours_is_found_and_removed(cloud: Any) -> None:
    wanted = authority(
        [agent("sorter", irsa(), identity={"federation": "federation.eks"})],
        [tool("inbox")],
        [grant("reads", ["sorter"], ["inbox"])],
        federations=[eks()],
    )
    run = Run(cloud, wanted)
    run.settle()
    base = f"principalSet://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools"
    put(cloud, [{"role": "roles/viewer", "members": [f"{base}/eks-agents-prod/*"]}])
    assert [operation.params["remove"][0]["role"] for operation in run.operations()] == ["roles/viewer"]
    run.settle()


def test_grants_left_by_a_tool_that_is_gone_are_found_where_the_record_says(cloud: Any) -> None:
    topic = f"//pubsub.googleapis.com/projects/{PROJECT}/topics/tickets"
    both = authority(
        [agent("triage")],
        [tool("tickets", google(role="roles/pubsub.publisher", resource=topic))],
        [grant("sorts", ["triage"], ["tickets"])],
    )
    Run(cloud, both).settle()
    made = frozenset(item.resource.address for item in provider.compile(both))
    left = Run(cloud, authority([agent("triage")]))
    assert left.operations(made)[0].params["resource"] == topic


def test_a_gke_principal_is_granted_to_by_its_own_name_and_cleaned_up_by_the_record(cloud: Any) -> None:
    direct = authority(
        [agent("pod", gke(), identity={"kind": "federated"})],
        [tool("jobs", google(role="roles/bigquery.jobUser", resource=f"projects/{PROJECT}"))],
        [grant("runs", ["pod"], ["jobs"])],
        boundaries=[],
    )
    run = Run(cloud, direct)
    run.settle()
    assert members(policy(cloud), "roles/bigquery.jobUser") == [
        f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/"
        f"{PROJECT}.svc.id.goog/subject/ns/finance/sa/triage"
    ]
    made = frozenset(item.resource.address for item in run.desired)
    assert [o.after for o in Run(cloud, authority([])).operations(made)] == ["absent"]


def test_a_user_managed_key_is_seen_as_a_credential(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    run.settle()
    call(cloud, "POST", f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}/keys", {})
    kinds = provider.schema().kinds
    keys = [r for r in run.read().resources if kinds[r.address.kind].credential]
    assert [key.agent for key in keys] == ["triage"]
    assert run.operations() == [], "keys are judged, never written"


def test_a_widened_trust_of_an_account_is_taken_back_but_service_agents_are_left_alone(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    run.settle()
    path = f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}"
    robot = f"serviceAccount:service-{NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"
    bindings = [{"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:eve@acme.example", robot]}]
    call(cloud, "POST", f"{path}:setIamPolicy", {"policy": {"version": 3, "bindings": bindings}})
    assert [o.params["remove"][0]["member"] for o in run.operations()] == ["user:eve@acme.example"]
    run.settle()
    left = call(cloud, "POST", f"{path}:getIamPolicy?options.requestedPolicyVersion=3", {})
    assert members(left, "roles/iam.serviceAccountTokenCreator") == [robot]


def test_a_dataset_keeps_its_other_entries_and_its_legacy_roles_are_no_difference(cloud: Any) -> None:
    wanted = authority(
        [agent("triage")],
        [tool("history", google(role="roles/bigquery.dataViewer", resource=DATASET))],
        [grant("looks", ["triage"], ["history"], expires=Expiry(EXPIRES))],
    )
    path = f"/bigquery/v2/projects/{PROJECT}/datasets/suppliers"
    before = [
        {"role": "OWNER", "userByEmail": "dana@acme.example"},
        {"role": "READER", "specialGroup": "projectReaders"},
    ]
    call(cloud, "PATCH", path, {"access": before})
    Run(cloud, wanted).settle()
    access = call(cloud, "GET", f"{path}?accessPolicyVersion=3")["access"]
    assert all(entry in access for entry in before)
    assert [e["role"] for e in access if e.get("userByEmail") == EMAIL] == ["READER"]


def test_a_watched_project_that_cannot_be_read_is_incomplete_and_never_absent(cloud: Any) -> None:
    cloud.fail("PERMISSION_DENIED", "cloudresourcemanager.projects.getIamPolicy", name=f"*{DATA}*", times=None)
    gaps = Run(cloud, one_agent(), watch=(f"projects/{DATA}",)).read().coverage.gaps
    assert [(gap.permission, gap.agents) for gap in gaps] == [("resourcemanager.projects.getIamPolicy", ())]


def test_calls_grow_with_policies_and_not_with_grants(cloud: Any) -> None:
    def calls(grants: int) -> int:
        cloud.reset()
        titles = [f"g{n}" for n in range(grants)]
        wanted = authority(
            [agent("triage")],
            [tool("inbox")],
            [grant(t, ["triage"], ["inbox"], expires=Expiry(f"2027-02-{n % 20 + 1:02}T00:00:00Z"))
             for n, t in enumerate(titles)],
        )  # fmt: skip
        run = Run(cloud, wanted)
        run.apply()
        fresh = Run(cloud, wanted)
        return sum(fresh.read().coverage.calls.values())

    assert calls(2) == calls(12)


def test_a_tampered_delta_is_not_sent(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    operations = run.operations()
    binding = next(o for o in operations if o.verb == "cloudresourcemanager:setIamPolicy")
    for operation in operations:
        if operation is not binding:
            run.writer.execute(operation, lambda: None)
    worse = {**binding.params, "add": [{**binding.params["add"][0], "role": "roles/owner"}]}
    outcome = run.writer.execute(replace(binding, params=worse), lambda: None)
    assert outcome.status is Status.FAILED and "nothing was written" in outcome.detail
    assert members(policy(cloud), "roles/owner") == []


def test_a_resource_that_is_not_there_is_said_before_anything_is_planned(cloud: Any) -> None:
    missing = BUCKET.replace("acme-inbox", "no-such-bucket")
    wanted = authority([agent("triage")], [tool("x", google(resource=missing))], [grant("g", ["triage"], ["x"])])
    run = Run(cloud, wanted)
    assert [d.code for d in provider.check(wanted, run.desired, run.read())] == ["E-GOOGLE-ABSENT"]


def test_a_relative_expiry_keeps_the_time_in_force(cloud: Any) -> None:
    run = Run(cloud, one_agent(expires=Expiry(EXPIRES)))
    run.settle()
    assert provider.expiries(run.read()) == {("triage", "runs"): EXPIRES}


def test_stop_disables_the_account_and_the_plan_reverses_it(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    run.settle()
    live = run.read()
    (stopped,) = provider.stop("triage", live, "2026-11-24T00:00:00Z")
    was = next(r for r in live.resources if r.address == stopped.address)
    change = changed(1, stopped.address, was, stopped)
    assert change is not None and provider.stops(change) and provider.narrows(change)
    for operation in provider.operations(change):
        assert run.writer.execute(operation, lambda: None).status is Status.DONE
    assert call(cloud, "GET", f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}")["disabled"] is True
    assert [operation.verb for operation in run.operations()] == ["iam:enableServiceAccount"]


def test_a_boundary_follows_its_agents(cloud: Any) -> None:
    both = authority([agent("triage"), agent("other")], boundaries=[boundary()])
    Run(cloud, both).settle()
    fewer = Run(cloud, authority([agent("triage")], boundaries=[boundary()]))
    verbs = [operation.verb for operation in fewer.operations()]
    assert "iam:updateDenyPolicy" in verbs and "iam:deleteServiceAccount" in verbs
    fewer.settle()


def test_a_tampered_condition_is_put_back_and_the_grants_stay(cloud: Any) -> None:
    wanted = authority(
        [agent("sorter", irsa(), identity={"federation": "federation.eks"})],
        [tool("inbox")],
        [grant("reads", ["sorter"], ["inbox"])],
        federations=[eks()],
    )
    run = Run(cloud, wanted)
    run.settle()
    path = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools/eks-agents-prod/providers/acme-sorter"
    call(cloud, "PATCH", f"{path}?updateMask=attributeCondition", {"attributeCondition": "assertion.sub != 'x'"})
    assert [operation.verb for operation in run.operations()] == ["iam:updateWorkloadIdentityPoolProvider"]
    run.settle()


ORGANIZATION = "123456789012"


def test_an_access_boundary_is_made_bound_changed_and_taken_away(cloud: Any) -> None:
    def wanted(*resources: str) -> Authority:
        return authority(
            [agent("triage"), agent("sorter", irsa(), identity={"federation": "federation.eks"})],
            federations=[eks()],
            boundaries=[boundary(resources=resources)],
            organization=ORGANIZATION,
        )

    first = wanted(f"projects/{PROJECT}")
    assert list(provider.validate(first)) == []
    run = Run(cloud, first)
    run.settle()
    bound = call(cloud, "GET", f"/v3/projects/{PROJECT}/locations/global/policyBindings")["policyBindings"]
    sets = {one["target"]["principalSet"]: one.get("condition", {}).get("expression") for one in bound}
    pool = f"//iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/eks-agents-prod"
    assert sets[pool] is None and EMAIL in sets[f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}"]
    wider = Run(cloud, wanted(f"projects/{PROJECT}", f"projects/{DATA}"))
    assert [operation.verb for operation in wider.operations()] == ["iam:updatePrincipalAccessBoundary"]
    wider.settle()
    made = frozenset(item.resource.address for item in wider.desired)
    gone = Run(cloud, authority([]))
    for operation in sorted(gone.operations(made), key=lambda o: provider.rank(o, True)):
        assert gone.writer.execute(operation, lambda: None).status is Status.DONE
    assert "policyBindings" not in call(cloud, "GET", f"/v3/projects/{PROJECT}/locations/global/policyBindings")


def test_where_an_access_boundary_cannot_be_made_it_is_said(cloud: Any) -> None:
    without = authority([agent("triage")], boundaries=[boundary(resources=(f"projects/{PROJECT}",))])
    assert [d.code for d in provider.validate(without)] == ["W-GOOGLE-BOUNDARY"]
    assert not any("access_boundary" in item.resource.address.kind for item in provider.compile(without))
    two = [boundary("one", resources=(f"projects/{PROJECT}",)), boundary("two", resources=(f"projects/{DATA}",))]
    through = {"federation": "federation.eks"}
    agents = [
        replace(agent("a", irsa("a"), identity=through), boundary="boundary.one"),
        replace(agent("b", irsa("b"), identity=through), boundary="boundary.two"),
    ]
    shared = authority(agents, boundaries=two, federations=[eks()], organization=ORGANIZATION)
    assert "E-GOOGLE-BOUNDARY" in [d.code for d in provider.validate(shared)]


def test_an_account_that_somebody_made_again_is_another_principal(cloud: Any) -> None:
    """Same name, another unique id: without our mark it is not ours, and none of the old grants is the new one's."""
    run = Run(cloud, one_agent())
    run.settle()
    path = f"/v1/projects/{PROJECT}/serviceAccounts"
    old = call(cloud, "GET", f"{path}/{EMAIL}")
    call(cloud, "DELETE", f"{path}/{EMAIL}")
    call(cloud, "POST", path, {"accountId": "acme-triage", "serviceAccount": {"displayName": "mine"}})
    assert call(cloud, "GET", f"{path}/{EMAIL}")["uniqueId"] != old["uniqueId"]
    assert members(policy(cloud), "roles/bigquery.jobUser")[0].startswith("deleted:serviceAccount:")
    seen = {r.address.kind: r for r in run.read().resources}
    assert seen["google_service_account"].mark is None and "google_binding" not in seen
    create = next(o for o in Run(cloud, one_agent()).operations() if o.address.kind == "google_binding")
    outcome = run.writer.execute(create, lambda: None)
    assert outcome.status is Status.CONFLICT and "does not carry our mark" in outcome.detail


def test_with_our_mark_its_grants_are_made_anew_and_the_deleted_ones_go(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    run.settle()
    path = f"/v1/projects/{PROJECT}/serviceAccounts"
    old = call(cloud, "GET", f"{path}/{EMAIL}")
    call(cloud, "DELETE", f"{path}/{EMAIL}")
    kept = {name: old[name] for name in ("displayName", "description")}
    call(cloud, "POST", path, {"accountId": "acme-triage", "serviceAccount": kept})
    assert [o.address.kind for o in run.operations()] == ["google_binding"], "a change that somebody signs"
    run.settle()
    assert members(policy(cloud), "roles/bigquery.jobUser") == [MEMBER]


def test_a_deleted_provider_is_brought_back_by_an_action_of_its_own(cloud: Any) -> None:
    wanted = authority(
        [agent("sorter", irsa(), identity={"federation": "federation.eks"})], boundaries=[], federations=[eks()]
    )
    run = Run(cloud, wanted)
    run.settle()
    path = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools/eks-agents-prod/providers/acme-sorter"
    call(cloud, "DELETE", path)
    assert [operation.verb for operation in run.operations()] == ["iam:undeleteWorkloadIdentityPoolProvider"]
    assert [d.code for d in provider.check(wanted, run.desired, run.read())] == ["W-GOOGLE-UNDELETE"]
    run.settle()


@pytest.mark.parametrize("path", ["", "/providers/acme-sorter"])
def test_a_pool_or_provider_that_was_disabled_is_enabled_by_an_action_of_its_own(cloud: Any, path: str) -> None:
    wanted = authority(
        [agent("sorter", irsa(), identity={"federation": "federation.eks"})], boundaries=[], federations=[eks()]
    )
    run = Run(cloud, wanted)
    run.settle()
    pool = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools/eks-agents-prod"
    call(cloud, "PATCH", f"{pool}{path}?updateMask=disabled", {"disabled": True})
    (operation,) = run.operations()
    assert operation.verb == f"iam:enableWorkloadIdentityPool{'Provider' if path else ''}"
    run.settle()


def test_a_role_id_that_is_still_locked_is_refused_once_and_said(cloud: Any) -> None:
    """Seven days after its deletion a role cannot be brought back, and its id is not free before the 37th."""
    wanted = authority([agent("triage")], [tool("inbox", custom("objects"))], [grant("reads", ["triage"], ["inbox"])],
                       boundaries=[])  # fmt: skip
    run = Run(cloud, wanted)
    run.settle()
    call(cloud, "DELETE", f"/v1/projects/{PROJECT}/roles/acme.inbox.objects")
    cloud.clock.advance(8 * 86400)
    (locked,) = run.operations()
    assert locked.verb == "iam:undeleteRole"
    outcome = run.writer.execute(locked, lambda: None)
    assert outcome.status is Status.FAILED and outcome.attempts == 1 and "refused" in outcome.detail


def test_the_stage_alpha_that_google_leaves_out_is_a_difference_and_not_taken_for_ga(cloud: Any) -> None:
    wanted = authority([agent("triage")], [tool("inbox", custom("objects"))], [grant("reads", ["triage"], ["inbox"])],
                       boundaries=[])  # fmt: skip
    run = Run(cloud, wanted)
    run.settle()
    call(cloud, "PATCH", f"/v1/projects/{PROJECT}/roles/acme.inbox.objects?updateMask=stage", {"stage": "ALPHA"})
    (operation,) = run.operations()
    assert operation.verb == "iam:updateRole" and operation.params["stage"] == "GA"
    run.settle()


def test_members_of_groups_are_not_looked_at_and_the_plan_says_so(cloud: Any) -> None:
    run = Run(cloud, one_agent())
    run.settle()
    put(cloud, [*policy(cloud)["bindings"], {"role": "roles/owner", "members": ["group:agents@acme.example"]}])
    snapshot = run.read()
    assert any("grants to groups" in line for line in snapshot.coverage.not_looked_at)
    assert run.operations() == [], "a group is nobody of ours to remove"


def test_service_agents_and_others_on_the_project_are_left_alone(cloud: Any) -> None:
    robot = f"serviceAccount:service-{NUMBER}@gcp-sa-aiplatform.iam.gserviceaccount.com"
    theirs = [{"role": "roles/viewer", "members": [robot]},
              {"role": "roles/owner", "members": ["user:dana@acme.example"]}]  # fmt: skip
    put(cloud, theirs)
    Run(cloud, one_agent()).settle()
    Run(cloud, authority([])).apply()
    left = policy(cloud)["bindings"]
    assert all(binding in left for binding in theirs)


def test_a_list_in_many_pages_is_read_to_its_end(cloud: Any) -> None:
    path = f"/v1/projects/{PROJECT}/serviceAccounts"
    for number in range(101):
        call(cloud, "POST", path, {"accountId": f"filler-{number:03}", "serviceAccount": {}})
    wanted = authority([agent("zulu")], boundaries=[], workspace="zz")
    run = Run(cloud, wanted)
    for operation in run.operations():
        assert run.writer.execute(operation, lambda: None).status is Status.DONE
    before = cloud.calls["iam.projects.serviceAccounts.list"]
    assert "zulu" in {r.agent for r in run.read().resources}
    assert cloud.calls["iam.projects.serviceAccounts.list"] - before == 2
