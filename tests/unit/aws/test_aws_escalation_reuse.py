"""An agent is searched again exactly where something that its paths depend on is another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_workspace import ACCOUNT, sample
from provisioner_aws import escalation
from provisioner_aws.escalation import _FOUND, _Search, escalations

from provisioner.model.graph import EscalationPath
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

NOW = "2026-11-24T00:00:00Z"
BOUNDARY = Address("aws", ACCOUNT, "iam_policy", "ws-limit")
AGENTS = ["x", "y", "z"]


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(service: str) -> dict[str, Any]:
    return document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}})


def allow(*actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


def resources() -> dict[Address, Resource]:
    """Three agents: x may pass a role to a function, y edits policies below a boundary, z reads."""
    found: list[Resource] = []
    limit = f"arn:aws:iam::{ACCOUNT}:policy/agents/ws-limit"
    held = {"x": allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"), "z": allow("s3:GetObject")}
    held["y"] = allow("iam:CreatePolicyVersion")
    for name in AGENTS:
        address = Address("aws", ACCOUNT, "iam_role", f"ws-{name}")
        boundary = limit if name == "y" else None
        attributes = {"path": "/agents/", "trust": trust("lambda.amazonaws.com"), "permissions_boundary": boundary}
        found.append(Resource(address, {**attributes, "tags": {}}, name))
        where = Address("aws", ACCOUNT, "iam_role_policy", f"ws-{name}/p")
        found.append(Resource(where, {"document": document(held[name])}, name, parent=address))
    limits = document(allow("iam:*", "s3:*"))
    found.append(Resource(BOUNDARY, {"path": "/agents/", "document": limits}))
    return {item.address: item for item in found}


def changed(kind: str, name: str, **attributes: Any) -> dict[Address, Resource]:
    world = resources()
    address = Address("aws", ACCOUNT, kind, name)
    world[address] = replace(world[address], attributes={**world[address].attributes, **attributes})
    return world


def without(kind: str, name: str) -> dict[Address, Resource]:
    return {address: item for address, item in resources().items() if (address.kind, address.name) != (kind, name)}


CHANGES = {
    "nothing": (resources(), set()),
    "one agent's policy": (changed("iam_role_policy", "ws-z/p", document=document(allow("iam:PassRole"))), {"z"}),
    "a policy that is gone": (without("iam_role_policy", "ws-x/p"), {"x"}),
    "its boundary's text": (changed("iam_policy", "ws-limit", document=document(allow("s3:*"))), {"y"}),
    "another role's trust": (changed("iam_role", "ws-z", trust=trust("ec2.amazonaws.com")), {"x", "y", "z"}),
    "another role's tags": (changed("iam_role", "ws-z", tags={"a": "b"}), {"x", "y", "z"}),
    "its own boundary": (changed("iam_role", "ws-y", permissions_boundary=None), {"x", "y", "z"}),
}


def found(world: dict[Address, Resource], now: str = NOW) -> list[EscalationPath]:
    return list(escalations(sample(), World(world, now), AGENTS))


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the agents that are really searched, in turn."""
    names: list[str] = []
    paths = _Search.paths

    def counted(self: Any) -> Any:
        names.append(self._agent)
        return paths(self)

    monkeypatch.setattr(_Search, "paths", counted)
    _FOUND.clear()
    return names


@pytest.mark.parametrize("name", CHANGES)
def test_only_what_may_differ_is_searched_again(name: str, searched: list[str]) -> None:
    world, again = CHANGES[name]
    first = found(resources())
    assert searched == AGENTS and {path.agent for path in first} == {"x", "y"}
    searched.clear()
    second = found(world)
    assert set(searched) == again and len(searched) == len(again)
    _FOUND.clear()
    assert found(world) == second, "what was reused is what a fresh search finds"


def test_time_is_part_of_it(searched: list[str]) -> None:
    found(resources())
    found(resources(), "2026-11-25T00:00:00Z")
    assert searched == AGENTS * 2


def test_what_is_kept_is_bounded(searched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escalation, "_MOST_FOUND", 2)
    assert found(resources()) == found(resources()) and len(_FOUND) <= 2
