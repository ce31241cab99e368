"""The printed roles are enough, each permission in them is needed where it stands, and its lack is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from google_emulator_clients import Cloud
from google_runner import Runner
from google_workspace import (
    BUCKET,
    DATA,
    DATASET,
    EXPIRES,
    PROJECT,
    SEEDS,
    TOPIC,
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

from provisioner.model.authority import Authority
from provisioner.model.changes import Operation, Status
from provisioner.model.configuration import Expiry
from provisioner.model.resources import Address, Desired
from provisioner.sdk.errors import CloudError

POLL = "iam.operations.get"
RUNNER = "user:runner@acme.example"
ORGANIZATION = "123456789012"
HERE = f"projects/{PROJECT}"
SHARED = f"//secretmanager.googleapis.com/projects/{DATA}/secrets/shared"
CONFIG: dict[str, Any] = {"organization": ORGANIZATION, "watch": (f"projects/{DATA}",)}
FOLDER = "folders/345678901234"
PROJECTS = {**SEEDS["projects"], PROJECT: {**SEEDS["projects"][PROJECT], "parent": FOLDER}}
ALL_SEEDS = {
    **SEEDS,
    "folders": {"345678901234": {"parent": f"organizations/{ORGANIZATION}"}},
    "projects": PROJECTS,
    "resources": {**SEEDS["resources"], BUCKET: {"project": PROJECT}, SHARED: {}},
}

Documents = dict[str, dict[str, Any]]


def workspace() -> Authority:
    """A service account, one that pods may use, a federated principal; grants on six kinds of resource, one of them in
    another project; a deny policy and an access boundary."""
    return authority(
        agents=[
            agent("triage"),
            agent("pay_out", gke("payments", "pay-out"), identity={"kind": "service_account"}),
            agent("sorter", irsa("tickets", "sorter"), identity={"federation": "federation.eks"}),
        ],
        tools=[
            tool("inbox", custom("objects"), google("jobs", role="roles/bigquery.jobUser", resource=HERE)),
            tool("history", google(role="roles/bigquery.dataViewer", resource=DATASET)),
            tool("tickets", google(role="roles/pubsub.publisher", resource=TOPIC)),
            tool("shared", google(role="roles/secretmanager.secretAccessor", resource=SHARED)),
        ],
        grants=[
            grant("reads", ["triage", "sorter"], ["inbox", "history"], expires=Expiry(EXPIRES)),
            grant("pays", ["pay_out"], ["shared", "tickets"]),
        ],
        boundaries=[boundary(resources=(f"projects/{PROJECT}",))],
        federations=[eks()],
        **CONFIG,
    )


def documents(of: Authority, purpose: str) -> Documents:
    """The roles by name."""
    found = provider.permissions(of, tuple(provider.compile(of)), purpose)
    return {str(one.document["name"]): dict(one.document) for one in found}


def held(of: Documents) -> set[tuple[str, str]]:
    return {(name, permission) for name, one in of.items() for permission in one["includedPermissions"]}


@pytest.fixture(scope="module")
def running() -> Iterator[Cloud]:
    with Cloud(seeds=ALL_SEEDS) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: Cloud) -> Cloud:
    running.emulator.reset()
    return running


def install(cloud: Cloud, roles: Documents) -> None:
    """Make the roles as printed, grant each where it says, and enforce from now on."""
    cloud.emulator.switches.enforce = False
    for name, one in roles.items():
        parent, _, identity = name.rpartition("/roles/")
        role = {key: one[key] for key in ("title", "stage", "includedPermissions")}
        if name not in cloud.emulator.state.roles:
            cloud.post(f"/v1/{parent}/roles", {"roleId": identity, "role": role})
        place = f"/v3/{one['grantOn'].removeprefix('//cloudresourcemanager.googleapis.com/')}"
        others = [item for item in cloud.policy(place).get("bindings", []) if item["members"] != [RUNNER]]
        cloud.set_policy([*others, {"role": name, "members": [RUNNER]}], place)
    cloud.emulator.switches.enforce = True


@contextmanager
def without(cloud: Cloud, role: str, permission: str) -> Iterator[None]:
    """The runner's role without one permission."""
    body = cloud.emulator.state.roles[role].body
    whole = body["includedPermissions"]
    body["includedPermissions"] = [one for one in whole if one != permission]
    yield
    body["includedPermissions"] = whole


class Probe:
    """Applies; before each call, once without each permission that was not missed yet: then it fails, says which one
    it lacks, and changes nothing. Who may not wait for a call that Google took says that it does not know."""

    def __init__(self, cloud: Cloud, roles: Documents) -> None:
        self.cloud, self.roles = cloud, roles
        self.runner = Runner(cloud.emulator, "acme", caller=RUNNER, **CONFIG)
        self.missed: set[tuple[str, str]] = set()

    def apply(self, desired: list[Desired], made: frozenset[Address] = frozenset()) -> None:
        for operation in self.runner.operations(desired, made):
            for role, permission in sorted(held(self.roles) - self.missed, key=lambda one: (one[1] == POLL, one)):
                if permission in operation.permissions:
                    self.try_without(operation, role, permission)
            outcome = self.runner.writer.execute(operation, lambda: None)
            assert outcome.status in (Status.DONE, Status.ALREADY), (operation.verb, outcome)

    def try_without(self, operation: Operation, role: str, permission: str) -> None:
        with without(self.cloud, role, permission):
            outcome = self.runner.writer.execute(operation, lambda: None)
        if outcome.status in (Status.FAILED, Status.UNKNOWN):
            assert permission in outcome.detail, (operation.verb, permission, outcome)
            assert (outcome.status is Status.UNKNOWN) == (permission == POLL), "only who waits does not know"
            self.missed.add((role, permission))


def stopped(desired: list[Desired]) -> list[Desired]:
    """As `stop` wants it: the accounts disabled."""
    return [
        replace(item, resource=replace(item.resource, attributes={**item.resource.attributes, "disabled": True}))
        if item.resource.address.kind == "google_service_account"
        else item
        for item in desired
    ]


def spoil(cloud: Cloud) -> None:
    """What somebody with too many rights can do to the agents: the next plan takes it all back."""
    cloud.emulator.switches.enforce = False
    account = f"acme-triage@{PROJECT}.iam.gserviceaccount.com"
    accounts = f"/v1/projects/{PROJECT}/serviceAccounts"
    member = f"serviceAccount:{account}"
    for place in (f"/v3/projects/{PROJECT}", f"/v3/projects/{DATA}"):
        cloud.set_policy([*cloud.policy(place)["bindings"], {"role": "roles/editor", "members": [member]}], place)
    stolen = {"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:eve@acme.example"]}
    cloud.post(f"{accounts}/{account}:setIamPolicy", {"policy": {"bindings": [stolen]}})
    patch = {"serviceAccount": {"displayName": "changed"}, "updateMask": "displayName"}
    cloud.call("PATCH", f"{accounts}/{account}", patch)
    cloud.post(f"{accounts}/{account}:disable")
    cloud.call("DELETE", f"{accounts}/acme-pay-out@{PROJECT}.iam.gserviceaccount.com")
    role = f"/v1/projects/{PROJECT}/roles/acme.inbox.objects"
    cloud.call("PATCH", f"{role}?updateMask=title", {"title": "changed"})
    cloud.call("DELETE", role)
    pool = f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools/eks-agents-prod"
    cloud.call("PATCH", f"{pool}?updateMask=displayName", {"displayName": "changed"})
    cloud.call("PATCH", f"{pool}/providers/acme-sorter?updateMask=displayName", {"displayName": "changed"})
    cloud.call("DELETE", f"{pool}/providers/acme-sorter")
    deny = f"/v2/policies/cloudresourcemanager.googleapis.com%2Fprojects%2F{PROJECT}/denypolicies/acme-agents"
    found = cloud.get(deny)
    cloud.call("PUT", deny, {**found, "displayName": "changed"})
    boundaries = f"/v3/organizations/{ORGANIZATION}/locations/global/principalAccessBoundaryPolicies/acme-agents"
    cloud.call("PATCH", f"{boundaries}?updateMask=displayName", {"displayName": "changed"})
    bindings = f"/v3/projects/{PROJECT}/locations/global/policyBindings"
    for name in ("acme-sorter", "acme-triage"):
        changed = {"condition": {"title": "x", "expression": "principal.subject == 'nobody'"}}
        cloud.call("PATCH", f"{bindings}/{name}?updateMask=condition", changed)
    cloud.emulator.switches.enforce = True


def test_with_the_printed_roles_alone_everything_works_and_nothing_is_too_much(cloud: Cloud) -> None:
    """Make everything, stop an agent, spoil it all, repair it, throw the pool away and bring it back, take everything
    away."""
    of = workspace()
    desired, roles = list(provider.compile(of)), documents(of, "apply")
    install(cloud, roles)
    probe = Probe(cloud, roles)
    probe.apply(desired)
    probe.apply(stopped(desired))
    made = frozenset(item.resource.address for item in desired)
    spoil(cloud)
    probe.apply(desired, made)
    cloud.emulator.switches.enforce = False
    cloud.call("DELETE", f"/v1/projects/{PROJECT}/locations/global/workloadIdentityPools/eks-agents-prod")
    cloud.emulator.switches.enforce = True
    probe.apply(desired, made)
    assert probe.runner.operations(desired, made) == ()
    probe.apply([], made)
    assert probe.runner.operations([]) == ()
    reads = held(documents(of, "plan"))
    as_read = {(name.replace("_plan", "_apply"), permission) for name, permission in reads}
    assert as_read <= held(roles)
    assert held(roles) - as_read - probe.missed == set()


def test_reading_needs_each_of_its_permissions_and_names_the_one_that_lacks(cloud: Cloud) -> None:
    """In bulk, agent by agent, and who answers; a drift run reads the same, and may ask who did it."""
    of = workspace()
    desired = list(provider.compile(of))
    Runner(cloud.emulator, "acme", **CONFIG).apply(desired)
    roles = documents(of, "plan")
    drift = {
        name.replace("_drift", "_plan"): set(d["includedPermissions"]) for name, d in documents(of, "drift").items()
    }
    assert {name: held - {"logging.logEntries.list"} for name, held in drift.items()} == {
        name: set(one["includedPermissions"]) for name, one in roles.items()
    }
    assert any("logging.logEntries.list" in held for held in drift.values())
    install(cloud, roles)
    assert said(cloud, desired, "") == []
    unseen = []
    for role, permission in sorted(held(roles)):
        with without(cloud, role, permission):
            if not said(cloud, desired, permission):
                unseen.append((role, permission))
    assert unseen == []


def said(cloud: Cloud, desired: list[Desired], permission: str) -> list[str]:
    """What a fresh runner says of a permission that it lacks: who answers, a bulk read, one of single agents."""
    runner = Runner(cloud.emulator, "acme", caller=RUNNER, **CONFIG)
    try:
        runner.writer.identify()
    except CloudError as error:
        return [line for line in (error.summary, error.detail) if permission in line]
    lines: list[str] = []
    for scope in (None, frozenset({"triage", "pay_out", "sorter"})):
        coverage = runner.read(desired, scope).coverage
        lines += [f"{gap.permission} {gap.reason}" for gap in coverage.gaps]
        lines += [line for line in coverage.not_looked_at if "(" in line]
    return [line for line in lines if permission in line]


def test_a_plans_role_writes_nothing(cloud: Cloud) -> None:
    for _, permission in held(documents(workspace(), "plan")):
        assert permission.rpartition(".")[2] in ("get", "list", "getIamPolicy"), permission


class TestScope:
    def test_each_container_has_a_role_of_its_own_with_what_is_done_in_it(self) -> None:
        roles = documents(workspace(), "apply")
        assert {one["grantOn"] for one in roles.values()} == {
            f"//cloudresourcemanager.googleapis.com/{place}"
            for place in (f"projects/{PROJECT}", f"projects/{DATA}", f"organizations/{ORGANIZATION}")
        }
        other = roles[f"projects/{DATA}/roles/provisioner_acme_apply"]["includedPermissions"]
        assert other == [
            "resourcemanager.projects.getIamPolicy",
            "resourcemanager.projects.setIamPolicy",
            "secretmanager.secrets.getIamPolicy",
            "secretmanager.secrets.setIamPolicy",
        ]
        above = roles[f"organizations/{ORGANIZATION}/roles/provisioner_acme_apply"]["includedPermissions"]
        assert {name for name in above if not name.startswith("iam.principalaccessboundarypolicies.")} == {
            POLL,
            "resourcemanager.folders.get",
            "resourcemanager.folders.getIamPolicy",
            "resourcemanager.organizations.getIamPolicy",
        }

    def test_nothing_is_asked_for_that_nobody_uses(self) -> None:
        browse = tool("t", google(role="roles/browser", resource=HERE))
        small = authority([agent("triage", boundary=None)], [browse], [grant("g", ["triage"], ["t"])])
        (only,) = documents(small, "apply").values()
        held = set(only["includedPermissions"])
        assert not {name for name in held if "Pool" in name or "denypolicies" in name or ".roles." in name} - {
            "iam.denypolicies.get", "iam.denypolicies.list", "iam.roles.get", "iam.roles.list",
            "iam.workloadIdentityPools.get", "iam.workloadIdentityPools.list", "iam.workloadIdentityPoolProviders.list",
        }  # fmt: skip
        assert "iam.serviceAccounts.disable" in held, "what stop needs"

    def test_a_folder_is_granted_a_role_of_its_organization(self) -> None:
        of = authority([agent("triage")], watch=("folders/345678901234",), organization=ORGANIZATION)
        roles = documents(of, "plan")
        name = f"organizations/{ORGANIZATION}/roles/provisioner_acme_plan_folders_345678901234"
        assert roles[name]["includedPermissions"] == ["resourcemanager.folders.getIamPolicy"]
        assert roles[name]["grantOn"] == "//cloudresourcemanager.googleapis.com/folders/345678901234"

    def test_a_role_of_the_organization_is_read_there(self) -> None:
        held_by = f"organizations/{ORGANIZATION}/roles/reader"
        reads = tool("t", google(role=held_by, resource=HERE))
        of = authority([agent("triage")], [reads], [grant("g", ["triage"], ["t"])])
        roles = documents(of, "plan")
        assert roles[f"organizations/{ORGANIZATION}/roles/provisioner_acme_plan"]["includedPermissions"] == [
            "iam.roles.get"
        ]
