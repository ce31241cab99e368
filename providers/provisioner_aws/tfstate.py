"""Roles that a Terraform state tells of, as the resources that a read would show. Pure.

Source: schemas of hashicorp/aws 5.x (`aws_iam_role`, `aws_iam_role_policy`, `aws_iam_role_policy_attachment`,
`aws_iam_instance_profile`). A state is a record and may be out of date: the plan after compares with what is live.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.model.resources import Address, Resource
from provisioner.sdk.describing import Foreign

from . import live
from .forms import UNREADABLE
from .sightings import sighting
from .workload.live import instance_profile

Raw = Mapping[str, Any]

ROLE, INLINE, ATTACHED = "aws_iam_role", "aws_iam_role_policy", "aws_iam_role_policy_attachment"
PROFILE = "aws_iam_instance_profile"
EXCLUSIVE = ("aws_iam_role_policies_exclusive", "aws_iam_role_policy_attachments_exclusive")
SHARED = "aws_iam_policy_attachment"


class _Odd(ValueError):
    """A resource of the state that does not have the form that its type has; the message says what is wrong."""


@dataclass(slots=True)
class _Role:
    """One role and what hangs on it; `addresses` are Terraform's."""

    resource: Resource
    looks: str
    addresses: list[str] = field(default_factory=list)
    children: dict[Address, Resource] = field(default_factory=dict)

    def add(self, child: Resource, address: str) -> None:
        self.children[child.address] = child
        if address not in self.addresses:
            self.addresses.append(address)


def from_terraform(state: Sequence[Raw], every: bool = False) -> Foreign:
    """Roles that look like agents (all, with `every`), with their policies, attachments and instance profiles."""
    skipped: list[str] = []
    roles: dict[str, _Role] = {}
    for item in (item for item in state if item["type"] == ROLE):
        try:
            made = _role(item["values"], str(item["address"]))
        except _Odd as error:
            skipped.append(f"{item['address']}: {error}")
            continue
        if made.looks or every:
            roles[made.resource.address.name] = made
        else:
            skipped.append(f"{item['address']}: role {made.resource.address.name} does not look like an agent's")
    for item in state:
        if item["type"] in (INLINE, ATTACHED, PROFILE, *EXCLUSIVE, SHARED):
            try:
                skipped += _hang(item["type"], item["values"], str(item["address"]), roles)
            except _Odd as error:
                skipped.append(f"{item['address']}: {error}")
    found = [resource for role in roles.values() for resource in (role.resource, *role.children.values())]
    principals = tuple(role.resource.address for role in roles.values())
    let_go = {role.resource.address: tuple(role.addresses) for role in roles.values()}
    return Foreign(tuple(found), principals, let_go, tuple(skipped))


def _role(values: Raw, address: str) -> _Role:
    arn = _text(values, "arn")
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not parts[4].isdigit():
        raise _Odd(f"{arn!r} is no role's ARN")
    account = parts[4]
    raw = {
        "RoleName": _text(values, "name"),
        "Arn": arn,
        "Path": _optional(values, "path") or "/",
        "AssumeRolePolicyDocument": _document(values, "assume_role_policy"),
        "PermissionsBoundary": {"PermissionsBoundaryArn": _optional(values, "permissions_boundary") or None},
        "Tags": [{"Key": key, "Value": value} for key, value in _tags(values).items()],
    }
    seconds = values.get("max_session_duration")
    settings = {
        "Description": _optional(values, "description"),
        "MaxSessionDuration": seconds if isinstance(seconds, int) else 3600,
    }
    resource = live.role(account, "", raw, settings)
    if UNREADABLE in resource.attributes["trust"]:
        raise _Odd("its assume_role_policy is no policy document")
    seen = sighting(account, raw)
    made = _Role(resource, seen.why if seen is not None else "", [address])
    for item in _items(values, "inline_policy"):
        if item.get("name"):
            made.add(live.inline_policy(resource, _text(item, "name"), _document(item, "policy")), address)
    for policy in _texts(values, "managed_policy_arns"):
        made.add(live.attachment(resource, policy, None), address)
    return made


def _hang(kind: str, values: Raw, address: str, roles: Mapping[str, _Role]) -> Iterable[str]:
    """Put a resource on its role; what could not be put, in words."""
    if kind == SHARED:
        if any(name in roles for name in _texts(values, "roles")):
            return [f"{address}: it attaches a policy to several at once; take the role out of its list by hand"]
        return []
    role = roles.get(_optional(values, "role_name" if kind in EXCLUSIVE else "role"))
    if role is None:
        return []
    if kind == INLINE:
        role.add(live.inline_policy(role.resource, _text(values, "name"), _document(values, "policy")), address)
    elif kind == ATTACHED:
        role.add(live.attachment(role.resource, _text(values, "policy_arn"), None), address)
    elif kind == PROFILE:
        raw = {
            "InstanceProfileName": _text(values, "name"),
            "Arn": _text(values, "arn"),
            "Path": _optional(values, "path") or "/",
        }
        role.add(instance_profile(role.resource, raw), address)
    else:
        role.addresses.append(address)
    return []


def _text(values: Raw, name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise _Odd(f"it has no {name}")
    return value


def _optional(values: Raw, name: str) -> str:
    value = values.get(name)
    if value is not None and not isinstance(value, str):
        raise _Odd(f"its {name} is no text")
    return value or ""


def _texts(values: Raw, name: str) -> list[str]:
    found = values.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise _Odd(f"its {name} is no list of texts")
    return found


def _tags(values: Raw) -> dict[str, str]:
    found = values.get("tags_all") or values.get("tags") or {}
    if not isinstance(found, dict):
        raise _Odd("its tags are no map")
    return {str(key): str(value) for key, value in found.items()}


def _items(values: Raw, name: str) -> list[Raw]:
    found = values.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _Odd(f"its {name} is no list of blocks")
    return found


def _document(values: Raw, name: str) -> Any:
    try:
        found = json.loads(_text(values, name))
    except (ValueError, RecursionError) as error:
        raise _Odd(f"its {name} is no JSON: {error}") from error
    if not isinstance(found, dict) or "Statement" not in found:
        raise _Odd(f"its {name} is no policy document")
    return found
