"""The live object that one operation is about, read fresh, and the mark on what owns it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.model.changes import Operation

from . import live, names, schema
from .client import Account
from .forms import canonical_attributes
from .found import Found
from .gather import absent_as_none, version_document
from .single import attached_arns, get_role
from .workload.lookup import READERS as WORKLOAD_READERS

__all__ = ["Found", "look_back", "look_up", "policy_arn"]


def look_up(account: Account, operation: Operation) -> Found:
    """Read what the operation's digests are over. Raises what `faults` classifies."""
    return _READERS[operation.address.kind](account, operation)


def look_back(account: Account, operation: Operation) -> Found:
    """What a call has left, right after it: as `look_up`, without reading again whose role it is on where the
    operation's digests are not over that."""
    back = _BACK.get(operation.address.kind)
    if back is None or not set(operation.fields) <= back[0]:
        return look_up(account, operation)
    return back[1](account, operation)


def policy_arn(account: Account, operation: Operation) -> str:
    """The ARN of the managed policy that an operation is about."""
    given = operation.params.get("PolicyArn")
    if given is not None:
        return str(given)
    path, name = operation.params["Path"], operation.params["PolicyName"]
    return names.policy_arn(account.partition, account.id, path, name)


def _role(account: Account, operation: Operation) -> Found:
    name = operation.address.name
    raw = get_role(account, name)
    if raw is None:
        return Found(None, None, name)
    return Found(live.role(account.id, "", raw, raw).attributes, live.tags_of(raw), name)


def _role_policy(account: Account, operation: Operation) -> Found:
    role, _, policy = operation.address.name.partition("/")
    raw = get_role(account, role)
    if raw is None:
        return Found(None, None, role)
    answer = absent_as_none(lambda: account.read("get_role_policy", RoleName=role, PolicyName=policy))
    if answer is None:
        return Found(None, live.tags_of(raw), role)
    parent = live.role(account.id, "", raw, raw)
    resource = live.inline_policy(parent, policy, answer["PolicyDocument"])
    return Found(resource.attributes, live.tags_of(raw), role)


def _attachment(account: Account, operation: Operation) -> Found:
    """Whether it is attached. What it says is not read: no operation is about that."""
    role, _, arn = operation.address.name.partition("/")
    raw = get_role(account, role)
    if raw is None:
        return Found(None, None, role)
    if arn not in (absent_as_none(lambda: attached_arns(account, role)) or ()):
        return Found(None, live.tags_of(raw), role)
    resource = live.attachment(live.role(account.id, "", raw, raw), arn, None)
    return Found(resource.attributes, live.tags_of(raw), role)


def _policy(account: Account, operation: Operation) -> Found:
    arn, name = policy_arn(account, operation), operation.address.name

    def read() -> Found:
        raw = account.read("get_policy", PolicyArn=arn)["Policy"]
        document = version_document(account, arn, raw["DefaultVersionId"])
        tags = live.tags_of(raw)
        return Found(live.policy(account.id, raw, document, tags).attributes, tags, name)

    return absent_as_none(read) or Found(None, None, name)


_ABOUT_ROLE = ("iam:CreatePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy")
"""Calls on a managed policy of a role that ask whose the role is; the others ask whose the policy is."""


def _pack(account: Account, operation: Operation) -> Found:
    role, _, name = operation.address.name.partition("/")
    raw = get_role(account, role)
    tags = None if raw is None else live.tags_of(raw)
    found = absent_as_none(lambda: _pack_policy(account, policy_arn(account, operation)))
    if found is None:
        return Found(None, tags, role)
    policy, document = found
    arns = absent_as_none(lambda: attached_arns(account, role)) if raw is not None else None
    attributes = {
        "role_arn": raw["Arn"] if raw is not None else None,
        "policy_arn": policy["Arn"],
        "document": document,
        "tags": live.tags_of(policy),
        "is_attached": policy["Arn"] in (arns or ()),
    }
    about_role = operation.verb in _ABOUT_ROLE
    owner = (tags, role) if about_role or tags is None else (live.tags_of(policy), name)
    return Found(canonical_attributes(schema.PACK, attributes), *owner)


def _pack_policy(account: Account, arn: str) -> tuple[Mapping[str, Any], Any]:
    raw = account.read("get_policy", PolicyArn=arn)["Policy"]
    return raw, version_document(account, arn, raw["DefaultVersionId"])


_READERS: Mapping[str, Callable[[Account, Operation], Found]] = {
    schema.ROLE: _role,
    schema.ROLE_POLICY: _role_policy,
    schema.ATTACHMENT: _attachment,
    schema.PACK: _pack,
    schema.POLICY: _policy,
    **WORKLOAD_READERS,
}


def _role_policy_back(account: Account, operation: Operation) -> Found:
    role, _, policy = operation.address.name.partition("/")
    answer = absent_as_none(lambda: account.read("get_role_policy", RoleName=role, PolicyName=policy))
    if answer is None:
        return Found(None, None, role)
    attributes = canonical_attributes(schema.ROLE_POLICY, {"document": answer["PolicyDocument"]})
    return Found(attributes, None, role)


def _attachment_back(account: Account, operation: Operation) -> Found:
    role, _, arn = operation.address.name.partition("/")
    attached = arn in (absent_as_none(lambda: attached_arns(account, role)) or ())
    return Found(canonical_attributes(schema.ATTACHMENT, {"policy_arn": arn}) if attached else None, None, role)


_BACK: Mapping[str, tuple[set[str], Callable[[Account, Operation], Found]]] = {
    schema.ROLE_POLICY: ({"document"}, _role_policy_back),
    schema.ATTACHMENT: ({"policy_arn"}, _attachment_back),
}
