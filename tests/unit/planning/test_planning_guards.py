"""What prevent_destroy refuses: each thing that would be deleted while its block is still declared."""

from collections.abc import Iterable
from typing import Any

import pytest

from provisioner.model.changes import Action, Change, Effect
from provisioner.model.configuration import (
    Agent,
    Boundary,
    Configuration,
    Grant,
    LedgerConfig,
    Session,
    Settings,
    Workspace,
)
from provisioner.model.resources import Address, Desired, Resource
from provisioner.planning.guards import prevented
from provisioner.sdk.schema import KindSchema

KINDS = {
    "role": KindSchema("role", {}, principal=True),
    "boundary": KindSchema("permissions boundary", {}, shared=True),
    "policy": KindSchema("policy", {}),
}


def agent(name: str, **more: Any) -> Agent:
    fields: dict[str, Any] = {
        "address": f"agent.{name}", "name": name, "purpose": None, "sponsor": None, "inputs": "trusted",
        "environment": None, "review_by": None, "boundary": None, "owners": {}, "session": Session(),
        "runtime": Settings("runtime"), "identities": {},
    }  # fmt: skip
    return Agent(**{**fields, **more})


def grant(name: str, *agents: str, keep: bool = True) -> Grant:
    return Grant(f"grant.{name}", name, agents, (), None, None, prevent_destroy=keep)


def configuration(
    agents: Iterable[Agent] = (),
    grants: Iterable[Grant] = (),
    kept: tuple[str, ...] = (),
    boundaries: Iterable[Boundary] = (),
    moved: dict[str, str] | None = None,
) -> Configuration:
    return Configuration(
        Workspace("w", LedgerConfig("local", {})), {}, {}, {}, {one.address: one for one in boundaries}, {},
        {one.name: one for one in agents}, {one.address: one for one in grants}, {}, kept=kept, moved=moved or {},
    )  # fmt: skip


def deletion(kind: str, name: str, agent: str | None, block: str | None, action: Action = Action.DELETE) -> Change:
    return Change(
        1, action, Address("cloud", "1", kind, name), name, agent, block, (), {}, Effect.NARROWER, (), (), "", {}, None
    )


def said(change: Change, found: Configuration, *desired: Desired) -> list[str]:
    diagnostics = list(prevented([change], found, KINDS, desired))
    assert all(one.code == "E-PREVENT-DESTROY" and one.is_error for one in diagnostics)
    return [one.summary for one in diagnostics]


def wanted(agent_: str, policy: str, block: str, target: str = "1") -> Desired:
    role = Address("cloud", target, "role", "r")
    resource = Resource(Address("cloud", target, "policy", f"r/{policy}"), {}, agent_, parent=role)
    return Desired(resource, block, policy)


def test_a_principal_of_a_declared_agent():
    found = configuration([agent("a", prevent_destroy=True), agent("b")])
    assert said(deletion("role", "w-a", "a", "agent.a"), found) == ["Change 1 deletes the role of agent.a"]
    assert said(deletion("role", "w-b", "b", "agent.b"), found) == []
    assert said(deletion("role", "w-a", "a", "agent.a", Action.UPDATE), found) == []
    assert said(deletion("policy", "w-a/x", "a", None), found) == []


def test_an_instance_whose_key_is_gone():
    found = configuration([agent("w_b", prevent_destroy=True)], kept=("agent.w", 'agent.w["b"]'))
    assert said(deletion("role", "w-w-a", "w_a", 'agent.w["a"]'), found) == [
        'Change 1 deletes the role of agent.w["a"]'
    ]
    nested = configuration(kept=("module.m.agent.w",))
    assert said(deletion("role", "x", "x", 'module.m["a]\\"["].agent.w[3]'), nested)
    assert said(deletion("role", "x", "x", "agent.gone"), found) == []


@pytest.mark.parametrize("block", ["boundary.old", "boundary.kept"])
def test_a_boundary_under_its_old_and_its_new_address(block: str):
    own = Boundary("boundary.kept", "kept", None, {}, prevent_destroy=True)
    found = configuration(boundaries=[own], kept=("boundary.kept",), moved={"boundary.old": "boundary.kept"})
    assert said(deletion("boundary", "w-boundary-kept", None, block), found) == [
        "Change 1 deletes the permissions boundary of boundary.kept"
    ]


def test_the_last_policy_from_a_grant():
    found = configuration([agent("a")], [grant("g", "a"), grant("free", "a", keep=False)])
    gone = deletion("policy", "w-a/g", "a", None)
    assert said(gone, found) == ["Change 1 deletes what grant.g gives a"]
    assert said(deletion("policy", "w-a/g--security", "a", None), found) == ["Change 1 deletes what grant.g gives a"]
    assert said(deletion("policy", "w-a/g2", "a", None), found) == []
    assert said(deletion("policy", "w-a/free", "a", None), found) == []


def test_a_grant_that_is_divided_anew_is_not_deleted():
    found = configuration([agent("a")], [grant("g", "a")])
    gone = deletion("policy", "w-a/g", "a", None)
    assert said(gone, found, wanted("a", "g--api", "grant.g")) == []
    assert said(gone, found, wanted("b", "g", "grant.g")), "another agent's part"
    assert said(gone, found, wanted("a", "g", "grant.g", target="2")), "in another account"
