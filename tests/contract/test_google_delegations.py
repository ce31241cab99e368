"""One agent that may become another: what is granted, who is asked, how it reads back, what else is found."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from google_workspace import DATA, PROJECT, SEEDS, agent, at, authority, eks, gke, grant, irsa, tool
from provisioner_google import provider
from provisioner_google.sandbox import start

from provisioner.model.authority import Authority, Target
from provisioner.model.changes import Status, Surface
from provisioner.model.configuration import Agent, Delegation, Expiry
from provisioner.model.requests import Answer, Attempt, World
from provisioner.model.resources import Resource, Snapshot
from provisioner.sdk.provider import Connection, Scope

EMAIL = f"acme-fixer@{PROJECT}.iam.gserviceaccount.com"
FIXER = f"//iam.googleapis.com/projects/{PROJECT}/serviceAccounts/{EMAIL}"
ASKER = f"serviceAccount:acme-asker@{PROJECT}.iam.gserviceaccount.com"
END = "2027-02-01T00:00:00Z"


def delegation(name: str = "asks", sources: Iterable[str] = ("asker",), target: str = "fixer",
               expires: Expiry | None = None) -> Delegation:  # fmt: skip
    return Delegation(f"delegation.{name}", name, tuple(sources), target, "impersonate", expires, range=at(30))


def team(*delegations: Delegation, agents: Iterable[Agent] = (), **more: Any) -> Authority:
    made = authority(
        list(agents) or [agent("asker"), agent("fixer"), agent("other")],
        [tool("inbox")],
        [grant("reads", ["fixer"], ["inbox"])],
        boundaries=[],
        **more,
    )
    configuration = replace(made.configuration, delegations={d.address: d for d in delegations})
    return replace(made, configuration=configuration)


def impersonations(of: Authority) -> list[Any]:
    return [item for item in provider.compile(of) if item.resource.address.kind == "google_impersonation"]


def test_exactly_one_permission_on_exactly_the_others_account() -> None:
    wanted = team(delegation(expires=Expiry(at=END)))
    assert list(provider.validate(wanted)) == []
    (one,) = impersonations(wanted)
    assert one.resource.attributes == {
        "resource": FIXER,
        "role": f"projects/{PROJECT}/roles/acme.delegation.impersonate",
        "member": ASKER,
        "condition": {
            "title": "delegation.asks",
            "description": "",
            "expression": f'request.time < timestamp("{END}")',
        },
    }
    (role,) = [i for i in provider.compile(wanted) if i.resource.address.name == "acme.delegation.impersonate"]
    assert role.resource.attributes["permissions"] == ["iam.serviceAccounts.getAccessToken"], "no implicitDelegation"


def test_both_agents_owners_and_the_owners_of_identity_are_asked() -> None:
    (one,) = impersonations(team(delegation()))
    assert one.resource.agent == "asker" and one.counterparts == ("fixer",)
    kind = provider.schema().kinds["google_impersonation"]
    assert set(kind.surfaces(None)) == {Surface.IDENTITY, Surface.TOOL_ACCESS}


def test_a_federated_agent_and_a_pod_can_ask() -> None:
    agents = [
        agent("asker", irsa(), identity={"federation": "federation.eks"}),
        agent("pod", gke(), identity={"kind": "federated"}),
        agent("fixer"),
    ]
    wanted = team(delegation(sources=("asker", "pod")), agents=agents, federations=[eks()])
    found = {one.resource.agent: one.resource.attributes["member"] for one in impersonations(wanted)}
    assert found["asker"].endswith("/eks-agents-prod/subject/system:serviceaccount:finance:triage")
    assert found["pod"].endswith(f"/{PROJECT}.svc.id.goog/subject/ns/finance/sa/triage")


@pytest.mark.parametrize(
    ("delegations", "says"),
    [
        ([delegation(target="pod")], "no service account to become"),
        ([delegation(), delegation("back", ("fixer",), "asker")], "could become each other"),
        ([delegation("a"), delegation("b")], "both let asker become fixer"),
        (
            [delegation("a"), delegation("b", ("fixer",), "other"), delegation("c", ("other",), "asker")],
            "could become each other",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_refused(delegations: list[Delegation], says: str) -> None:
    agents = [agent("asker"), agent("fixer"), agent("other"), agent("pod", gke(), identity={"kind": "federated"})]
    (found,) = provider.validate(team(*delegations, agents=agents))
    assert found.code == "E-GOOGLE-DELEGATION" and says in found.summary and found.subject is not None


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
    return writer


def make(cloud: Any, wanted: Authority) -> Any:
    """What the configuration asks for, made in the order that the core would give it."""
    from provisioner.model.changes import Action, Change, Effect

    writer = writer_of(cloud)
    made = []
    for number, item in enumerate(provider.compile(wanted), 1):
        one = item.resource
        change = Change(number, Action.CREATE, one.address, "", one.agent, None, (), {}, Effect.WIDER, (), (), "",
                        None, one.attributes)  # fmt: skip
        made += provider.operations(change)
    for operation in sorted(made, key=lambda o: provider.rank(o, True)):
        assert writer.execute(operation, lambda: None).status is Status.DONE, operation
    return writer


def read(writer: Any, wanted: Authority, agents: frozenset[str] | None = None) -> Snapshot:
    own = [i.resource for i in provider.compile(wanted) if agents is None or i.resource.agent in agents]
    return writer.read(Scope(wanted.workspace, frozenset(one.address for one in own), agents))


def states(resources: Iterable[Resource]) -> dict[Any, Any]:
    observed = ("google_role", "google_place")
    return {r.address: r.attributes for r in resources if r.address.kind not in observed}


def test_it_reads_back_as_compiled_in_bulk_and_agent_by_agent(cloud: Any) -> None:
    wanted = team(delegation())
    writer = make(cloud, wanted)
    compiled = states(item.resource for item in provider.compile(wanted))
    assert states(read(writer, wanted).resources) == compiled
    for name in ("asker", "fixer", "other"):
        narrow = states(r for r in read(writer, wanted, frozenset({name})).resources if r.agent == name)
        assert narrow == {a: s for a, s in compiled.items() if a.name.startswith((f"acme-{name}", f"{name}/"))}, name


def test_what_nobody_declared_on_the_account_is_found_whoever_has_it(cloud: Any) -> None:
    wanted = team(delegation())
    writer = make(cloud, wanted)
    path = f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}"
    policy = call(cloud, "POST", f"{path}:getIamPolicy?options.requestedPolicyVersion=3", {})
    other = f"serviceAccount:acme-other@{PROJECT}.iam.gserviceaccount.com"
    creator = {"role": "roles/iam.serviceAccountTokenCreator", "members": [other, "user:eve@acme.example"]}
    changed = {**policy, "version": 3, "bindings": [*policy["bindings"], creator]}
    call(cloud, "POST", f"{path}:setIamPolicy", {"policy": changed})
    extra = set(states(read(writer, wanted).resources)) - {i.resource.address for i in provider.compile(wanted)}
    assert {(a.kind, a.name.partition("/")[0]) for a in extra} == {
        ("google_impersonation", "other"),
        ("google_service_account_binding", "fixer"),
    }
    (eve,) = [a for a in extra if a.kind == "google_service_account_binding"]
    assert "user:eve@acme.example" in eve.name
    narrow = states(r for r in read(writer, wanted, frozenset({"fixer"})).resources if r.agent == "fixer")
    assert eve in narrow and not any("acme-other" in a.name for a in narrow), "an apply sees the same"


def test_the_asking_agent_may_do_what_the_other_may(cloud: Any) -> None:
    wanted = team(delegation())
    writer = make(cloud, wanted)
    world = World({r.address: r for r in read(writer, wanted).resources}, now="2026-12-01T00:00:00Z")
    inbox = "//storage.googleapis.com/projects/_/buckets/acme-inbox/objects/a"
    asked = {"permission": "storage.objects.get", "resource": inbox}
    assert provider.evaluate(world, Attempt("asker", asked)).answer is Answer.ALLOWED
    assert provider.evaluate(world, Attempt("other", asked)).answer is Answer.DENIED
    found = provider.reach(wanted, world, ("asker", "fixer", "other"))
    assert {(r.source_agent, r.agent) for r in found.relations if r.source_agent} == {("asker", "fixer")}
    assert not [h for h in provider.hazards(wanted, world, ("asker", "fixer", "other")) if h.rule == "A2A-1"]


def test_an_undeclared_one_is_a_finding(cloud: Any) -> None:
    wanted = team(delegation())
    writer = make(cloud, wanted)
    world = World({r.address: r for r in read(writer, wanted).resources})
    undeclared = team()
    assert "A2A-1" in {h.rule for h in provider.hazards(undeclared, world, ("asker", "fixer", "other"))}


def test_its_end_is_kept_and_known(cloud: Any) -> None:
    wanted = team(delegation(expires=Expiry(at=END)))
    writer = make(cloud, wanted)
    assert provider.expiries(read(writer, wanted)) == {("asker", "delegation.asks"): END}


def test_an_agent_of_another_project_may_ask_and_each_project_tells_its_own(cloud: Any) -> None:
    """The asking agent's grant is told by its own project's read, and is no stranger to the account's."""
    one = team(delegation(), agents=[agent("fixer"), agent("asker")])
    there = replace(one.configuration.providers["google"], key="google.data",
                    settings=replace(one.configuration.providers["google"].settings,
                                     values={"project": DATA, "project_number": "876543210987"}))  # fmt: skip
    asker = one.configuration.agents["asker"]
    moved = replace(asker, identities={"google": replace(asker.identities["google"], provider="google.data")})
    configuration = replace(
        one.configuration,
        providers={**one.configuration.providers, "google.data": there},
        agents={**one.configuration.agents, "asker": moved},
    )
    wanted = replace(
        one,
        configuration=configuration,
        targets={**one.targets, "google.data": Target("google", "google.data", DATA, "prod")},
        configs={**one.configs, "google.data": there},
    )
    settings = {"endpoint": cloud.endpoint, "credentials": "sandbox"}
    writer = provider.writer([Connection(target, settings) for target in wanted.targets.values()])
    writer._sleep = cloud.clock.advance  # type: ignore[attr-defined]
    from provisioner.model.changes import Action, Change, Effect

    made = []
    for number, item in enumerate(provider.compile(wanted), 1):
        r = item.resource
        made += provider.operations(Change(number, Action.CREATE, r.address, "", r.agent, None, (), {}, Effect.WIDER,
                                           (), (), "", None, r.attributes))  # fmt: skip
    for operation in sorted(made, key=lambda o: provider.rank(o, True)):
        assert writer.execute(operation, lambda: None).status is Status.DONE, operation
    found = writer.read(Scope("acme", frozenset(i.resource.address for i in provider.compile(wanted))))
    assert states(found.resources) == states(i.resource for i in provider.compile(wanted))


def test_a_mark_in_somebody_elses_project_makes_nobody_an_agent(cloud: Any) -> None:
    """Anybody can write our mark in a project of his own: the narrow read of an apply sees what the plan saw."""
    wanted = team(delegation())
    writer = make(cloud, wanted)
    path = f"/v1/projects/{DATA}/serviceAccounts"
    mark = next(i.resource.attributes["description"] for i in provider.compile(wanted)
                if i.resource.address.name == "acme-asker")  # fmt: skip
    call(cloud, "POST", path, {"accountId": "forged-agent", "serviceAccount": {"description": mark}})
    policy_path = f"/v1/projects/{PROJECT}/serviceAccounts/{EMAIL}"
    policy = call(cloud, "POST", f"{policy_path}:getIamPolicy?options.requestedPolicyVersion=3", {})
    forged = f"serviceAccount:forged-agent@{DATA}.iam.gserviceaccount.com"
    extra = {"role": "roles/iam.serviceAccountTokenCreator", "members": [forged]}
    changed = {**policy, "version": 3, "bindings": [*policy["bindings"], extra]}
    call(cloud, "POST", f"{policy_path}:setIamPolicy", {"policy": changed})
    for scope in (None, frozenset({"fixer"})):
        found = [a for a in states(read(writer, wanted, scope).resources) if forged in a.name]
        assert [a.kind for a in found] == ["google_service_account_binding"], scope
