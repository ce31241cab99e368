"""What a role has, as the HCL that says exactly that: the first plan after its import is then empty. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.model.resources import Address, Resource
from provisioner.sdk.describing import Described, Json

from . import names, schema
from .compile import SESSION_FLOOR


def principal(target: str, name: str) -> Address:
    """The address of a role; `name` may be its ARN."""
    return Address("aws", target, schema.ROLE, name.rpartition("/")[2] if name.startswith("arn:") else name)


def describe(resources: Sequence[Resource], address: Address) -> Described | None:
    """The role at `address`, with what hangs on it among `resources`; None where it is not there."""
    role = next((item for item in resources if item.address == address), None)
    if role is None:
        return None
    children = [item for item in resources if item.parent == address]
    attributes = role.attributes
    profiles = sorted(str(i.attributes["arn"]) for i in children if i.address.kind == schema.INSTANCE_PROFILE)
    runtime: dict[str, Any] = {"trust": Json(attributes["trust"])}
    if profiles:
        runtime["instance_profiles"] = profiles
    identity: dict[str, Any] = {"role_name": address.name, "path": attributes["path"]}
    described = str(attributes.get("description") or "")
    purpose = " ".join(described.split())
    if not purpose or purpose != described:
        identity["description"] = described
    tags = {key: value for key, value in attributes["tags"].items() if key not in names.MARKS}
    if tags:
        identity["tags"] = tags
    attached = sorted(item.attributes["policy_arn"] for item in children if item.address.kind == schema.ATTACHMENT)
    if attached:
        identity["attach"] = attached
    seconds = attributes.get("max_session_duration")
    return Described(
        address=address,
        id=address.name,
        purpose=purpose,
        runtime=("adopted", runtime),
        identity=identity,
        blocks=tuple(_policies(children)),
        boundary=_boundary(role, resources),
        max_seconds=seconds if isinstance(seconds, int) and seconds != SESSION_FLOOR else None,
    )


def _policies(children: Sequence[Resource]) -> Iterable[tuple[str, tuple[str, ...], Mapping[str, Any]]]:
    for item in sorted(children, key=lambda child: child.address):
        if item.address.kind == schema.ROLE_POLICY:
            name = item.address.name.partition("/")[2]
            yield "policy", (name,), {"document": Json(item.attributes["document"])}


def _boundary(role: Resource, resources: Sequence[Resource]) -> Mapping[str, Any] | None:
    """The managed policy that the role stands in, which stays its owner's. What it allows is told as far as read."""
    arn = role.attributes.get("permissions_boundary")
    if not arn:
        return None
    policy = next((item for item in resources if item.address in role.uses), None)
    document = (policy.attributes.get("document") if policy is not None else None) or {}
    allowed: set[str] = set()
    for statement in document.get("Statement", ()):
        if statement.get("Effect") == "Allow":
            allowed |= set(statement.get("Action") or ["*"])
    return {"policy": arn, "allow": sorted(allowed) or ["*"]}
