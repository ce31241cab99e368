"""AWS's answers as resources. Pure: the same resource comes out of a bulk page and of a single read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from provisioner.model.resources import Address, LastUse, Mark, Resource

from . import names, schema
from .forms import canonical_attributes

Raw = Mapping[str, Any]


def tags_of(raw: Raw) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in raw.get("Tags") or ()}


def owner_of(mark: Mark | None, workspace: str) -> str | None:
    """The agent that a mark of this workspace names."""
    return mark.agent if mark is not None and mark.workspace == workspace else None


def role(account: str, workspace: str, raw: Raw, settings: Raw) -> Resource:
    """A role. `settings` has Description and MaxSessionDuration, which the bulk answer lacks; empty for unknown."""
    tags = tags_of(raw)
    mark = names.mark_of(tags)
    boundary = (raw.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    address = Address("aws", account, schema.ROLE, raw["RoleName"])
    attributes = {
        "arn": raw["Arn"],
        "path": raw["Path"],
        "description": settings.get("Description"),
        "max_session_duration": settings.get("MaxSessionDuration"),
        "trust": raw["AssumeRolePolicyDocument"],
        "permissions_boundary": boundary,
        "tags": tags,
    }
    return Resource(
        address,
        canonical_attributes(schema.ROLE, attributes),
        agent=owner_of(mark, workspace),
        uses=(policy_address(account, boundary),) if boundary else (),
        mark=mark,
        unread=() if settings else ("description", "max_session_duration"),
    )


def last_use(raw: Raw) -> LastUse | None:
    """When a role made its last request; None where the answer does not say. IAM remembers 400 days, and gives an empty
    member for a role that made none in them. Source: IAM API Reference, RoleLastUsed."""
    used = raw.get("RoleLastUsed")
    return LastUse(_time(used.get("LastUsedDate")), _time(raw.get("CreateDate"))) if isinstance(used, Mapping) else None


def _time(given: Any) -> str:
    return given.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(given, datetime) else ""


def inline_policy(role: Resource, name: str, document: Any) -> Resource:
    address = Address("aws", role.address.target, schema.ROLE_POLICY, f"{role.address.name}/{name}")
    attributes = {"role_arn": role.attributes["arn"], "document": document}
    return Resource(
        address, canonical_attributes(schema.ROLE_POLICY, attributes), agent=role.agent, parent=role.address
    )


def attachment(role: Resource, arn: str, document: Any | None) -> Resource:
    """A managed policy on a role; `document` None where it could not be read."""
    address = Address("aws", role.address.target, schema.ATTACHMENT, f"{role.address.name}/{arn}")
    attributes = {"role_arn": role.attributes["arn"], "policy_arn": arn, "document": document}
    return Resource(
        address,
        canonical_attributes(schema.ATTACHMENT, attributes),
        agent=role.agent,
        parent=role.address,
        unread=("document",) if document is None else (),
    )


def pack(role: Resource, arn: str, document: Any | None, tags: Mapping[str, str], is_attached: bool) -> Resource:
    """A managed policy of ours that holds grants of one role; `document` None where it could not be read."""
    attributes = {
        "role_arn": role.attributes["arn"],
        "policy_arn": arn,
        "document": document,
        "tags": tags,
        "is_attached": is_attached,
    }
    return Resource(
        pack_address(role, arn),
        canonical_attributes(schema.PACK, attributes),
        agent=role.agent,
        parent=role.address,
        mark=names.mark_of(tags),
        unread=("document",) if document is None else (),
    )


def pack_address(role: Resource, arn: str) -> Address:
    name = f"{role.address.name}/{arn.rpartition('/')[2]}"
    return Address("aws", role.address.target, schema.PACK, name)


def is_pack(account: str, role: str, arn: str) -> bool:
    """Whether a policy has the name of one that holds grants of the role. Whose it is its tags say."""
    name = arn.rpartition("/")[2]
    return f":iam::{account}:policy/" in arn and name.startswith(names.pack_prefix(role))


def policy_address(account: str, arn: str) -> Address:
    """A policy of this account goes by its name, which is unique in it; any other by its ARN."""
    own = f":iam::{account}:policy/" in arn
    return Address("aws", account, schema.POLICY, arn.rsplit("/", 1)[-1] if own else arn)


def policy(account: str, raw: Raw, document: Any, tags: Mapping[str, str]) -> Resource:
    """A managed policy that is, or could be, a boundary."""
    attributes = {
        "arn": raw["Arn"],
        "path": raw["Path"],
        "description": raw.get("Description"),
        "document": document,
        "tags": tags,
    }
    return Resource(
        policy_address(account, raw["Arn"]),
        canonical_attributes(schema.POLICY, attributes),
        mark=names.mark_of(tags),
    )


def user(account: str, raw: Raw, agent: str | None) -> Resource:
    """An IAM user that stands for an agent, as the bulk answer has it."""
    tags = tags_of(raw)
    attributes = {
        "path": raw["Path"],
        "tags": tags,
        "permissions_boundary": (raw.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        "policies": {item["PolicyName"]: item["PolicyDocument"] for item in raw.get("UserPolicyList") or ()},
        "attached": [item["PolicyArn"] for item in raw.get("AttachedManagedPolicies") or ()],
        "groups": list(raw.get("GroupList") or ()),
    }
    address = Address("aws", account, schema.USER, raw["UserName"])
    return Resource(address, canonical_attributes(schema.USER, attributes), agent=agent, mark=names.mark_of(tags))


def access_key(user: Resource, raw: Raw) -> Resource:
    address = Address("aws", user.address.target, schema.ACCESS_KEY, f"{user.address.name}/{raw['AccessKeyId']}")
    attributes = {"status": raw["Status"], "user": user.address.name}
    return Resource(address, attributes, agent=user.agent, parent=user.address)


def login_profile(user: Resource) -> Resource:
    address = Address("aws", user.address.target, schema.LOGIN_PROFILE, f"{user.address.name}/console")
    return Resource(address, {"user": user.address.name}, agent=user.agent, parent=user.address)


def admitted(trust: Mapping[str, Any], kind: str) -> Iterable[str]:
    """Principals of one type (`AWS`, `Federated`) that the Allow statements of a canonical trust name."""
    for statement in trust.get("Statement", ()):
        principal = statement.get("Principal")
        if statement["Effect"] == "Allow" and isinstance(principal, dict):
            yield from principal.get(kind, ())
