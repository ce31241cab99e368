"""Change → the API calls that carry it out, complete and in order; and where each stands in a plan.

A role is created with its final trust: until a policy is put on it, it has no authority of its own, and its boundary
is there from the first moment, so at no time is more possible than at the end of the plan. A trust that closes to all
and opens last would cost one call for each agent and gain nothing. What does come last is a *change* of trust that lets
more in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from provisioner.model.changes import Action, Change, Operation
from provisioner.sdk.digests import state_digest

from . import schema
from .workload import calls

State = Mapping[str, Any]

PRUNE_AT = 5
"""Versions that IAM keeps of a managed policy. Source: IAM User Guide, «IAM and AWS STS quotas»."""

PRUNE = "DeleteOldestNonDefaultVersionAt"
PRUNE_ALL = "DeleteNonDefaultVersions"
"""Parameters of our own, signed like the rest: versions that are not the default carry no authority, but IAM refuses
a sixth version, and the deletion of a policy that has several. The writer removes exactly these."""

_READS = {
    schema.ROLE: ("iam:GetRole",),
    schema.ROLE_POLICY: ("iam:GetRole", "iam:GetRolePolicy"),
    schema.ATTACHMENT: ("iam:GetRole", "iam:ListAttachedRolePolicies"),
    schema.PACK: ("iam:GetRole", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListAttachedRolePolicies"),
    schema.POLICY: ("iam:GetPolicy", "iam:GetPolicyVersion"),
    **calls.READS,
}


def operations(change: Change) -> tuple[Operation, ...]:
    """The calls of one change, each depending on the one before it.

    A claim or a release has those that move the mark, and none where the kind bears no mark of its own. Raises KeyError
    for an observed kind.
    """
    if change.action.marks_only:
        change = replace(change, action=Action.UPDATE)
        if change.before == change.after:
            return ()
    steps = _BUILDERS[change.address.kind](change)
    out: list[Operation] = []
    for number, (verb, params, fields, before, after, extra) in enumerate(steps, start=1):
        out.append(
            Operation(
                id=f"{change.number}.{number}",
                change=change.number,
                address=change.address,
                verb=_full(verb),
                params=params,
                fields=fields,
                before=state_digest(before, fields),
                after=state_digest(after, fields),
                depends=(out[-1].id,) if out else (),
                permissions=tuple(sorted({_full(verb), *_READS[change.address.kind], *extra})),
                agent=change.agent,
            )
        )
    return tuple(out)


def _full(verb: str) -> str:
    """Builders leave `iam:` out."""
    return verb if ":" in verb else f"iam:{verb}"


def rank(operation: Operation, effect_widens: bool) -> int:
    """Smaller first. What is inert is made first, then everything narrows, then boundary, grants and trust widen.

    A boundary that widens waits for the grants that narrow, and a grant that widens for the boundary: in between,
    nothing is possible that neither end of the plan allows.
    """
    verb = operation.verb.partition(":")[2]
    if operation.address.kind == schema.PACK and verb == "CreatePolicyVersion":
        verb = "PutRolePolicy"
    fixed = _FIXED_RANKS.get(verb)
    if fixed is not None:
        return fixed
    return _WIDENING_RANKS[verb] if effect_widens else _NARROWING


_NARROWING = 20
_FIXED_RANKS = {
    "CreatePolicy": 10,
    "TagPolicy": 12,
    "UntagPolicy": 12,
    "TagRole": 14,
    "UntagRole": 14,
    "DetachRolePolicy": _NARROWING,
    "DeleteRolePolicy": _NARROWING,
    "CreateRole": 30,
    "DeleteRole": 90,
    "DeletePolicy": 95,
    **calls.FIXED_RANKS,
}
_WIDENING_RANKS = {
    "CreatePolicyVersion": 40,
    "PutRolePermissionsBoundary": 42,
    "PutRolePolicy": 50,
    "AttachRolePolicy": 50,
    "UpdateRole": 60,
    "UpdateAssumeRolePolicy": 70,
    "DeleteRolePermissionsBoundary": 80,
    **calls.WIDENING_RANKS,
}

Step = tuple[str, dict[str, Any], tuple[str, ...], State | None, State | None, tuple[str, ...]]


def _fields(kind: str) -> tuple[str, ...]:
    return tuple(schema.provider_schema().kinds[kind].fields)


def _text(document: Mapping[str, Any]) -> str:
    """A document as IAM gets it: the canonical form without white space, in a stable order."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def _role(change: Change) -> list[Step]:
    name = change.address.name
    if change.action is Action.DELETE:
        return [_delete_role(name, change.before or {})]
    if change.action is Action.CREATE:
        return [_create_role(name, change.after or {})]
    before, after = dict(change.before or {}), dict(change.after or {})
    if before.get("path") != after.get("path"):
        # IAM cannot move a role: the new one is a new principal. `check` refuses this where policies hang on it.
        return [_delete_role(name, before), _create_role(name, after)]
    return [
        *_tag_steps("Role", {"RoleName": name}, before, after),
        *_boundary_steps(name, before, after),
        *_role_settings(name, before, after),
        *_trust_steps(name, before, after),
    ]


def _create_role(name: str, after: State) -> Step:
    params: dict[str, Any] = {
        "RoleName": name,
        "Path": after["path"],
        "AssumeRolePolicyDocument": _text(after["trust"]),
        "Description": after["description"],
        "MaxSessionDuration": after["max_session_duration"],
        "Tags": _tags(after["tags"]),
    }
    if after.get("permissions_boundary"):
        params["PermissionsBoundary"] = after["permissions_boundary"]
    return ("CreateRole", params, _fields(schema.ROLE), None, after, ("iam:TagRole",))


def _delete_role(name: str, before: State) -> Step:
    return ("DeleteRole", {"RoleName": name}, _fields(schema.ROLE), before, None, ())


def _boundary_steps(name: str, before: State, after: State) -> list[Step]:
    fields = ("permissions_boundary",)
    if before.get("permissions_boundary") == after.get("permissions_boundary"):
        return []
    if after.get("permissions_boundary") is None:
        return [("DeleteRolePermissionsBoundary", {"RoleName": name}, fields, before, after, ())]
    params = {"RoleName": name, "PermissionsBoundary": after["permissions_boundary"]}
    return [("PutRolePermissionsBoundary", params, fields, before, after, ())]


def _role_settings(name: str, before: State, after: State) -> list[Step]:
    """Both settings in one call: IAM's UpdateRole may clear the one that is left out."""
    fields = ("description", "max_session_duration")
    if all(before.get(field) == after.get(field) for field in fields):
        return []
    params = {
        "RoleName": name,
        "Description": after["description"],
        "MaxSessionDuration": after["max_session_duration"],
    }
    return [("UpdateRole", params, fields, before, after, ())]


def _trust_steps(name: str, before: State, after: State) -> list[Step]:
    if before.get("trust") == after.get("trust"):
        return []
    params = {"RoleName": name, "PolicyDocument": _text(after["trust"])}
    return [("UpdateAssumeRolePolicy", params, ("trust",), before, after, ())]


def _tag_steps(noun: str, key: Mapping[str, str], before: State, after: State) -> list[Step]:
    """New and changed tags first, so that the mark is never missing in between."""
    old, new = dict(before.get("tags") or {}), dict(after.get("tags") or {})
    put = {name: value for name, value in new.items() if old.get(name) != value}
    gone = sorted(set(old) - set(new))
    middle = {"tags": dict(sorted({**old, **put}.items()))}
    steps: list[Step] = []
    if put:
        steps.append((f"Tag{noun}", {**key, "Tags": _tags(put)}, ("tags",), before, middle, ()))
    if gone:
        steps.append((f"Untag{noun}", {**key, "TagKeys": gone}, ("tags",), middle, after, ()))
    return steps


def _role_policy(change: Change) -> list[Step]:
    role, _, name = change.address.name.partition("/")
    params = {"RoleName": role, "PolicyName": name}
    if change.action is Action.DELETE:
        return [("DeleteRolePolicy", params, ("document",), change.before, None, ())]
    document = (change.after or {})["document"]
    return [
        ("PutRolePolicy", {**params, "PolicyDocument": _text(document)}, ("document",), change.before, change.after, ())
    ]


def _attachment(change: Change) -> list[Step]:
    """An attached policy is only ever taken off: what agents are granted stands in inline policies. What it says is
    its owner's business, so this binds to its ARN alone."""
    role, _, arn = change.address.name.partition("/")
    if change.action is not Action.DELETE:  # `check` refuses it: what is adopted is kept, and nothing is attached
        params = {"RoleName": role, "PolicyArn": arn}
        return [("AttachRolePolicy", params, ("policy_arn",), change.before, change.after, ())]
    return [("DetachRolePolicy", {"RoleName": role, "PolicyArn": arn}, ("policy_arn",), change.before, None, ())]


def _pack(change: Change) -> list[Step]:
    """A managed policy is made first, without effect, then put on the role; it goes the other way round."""
    role, _, name = change.address.name.partition("/")
    before, after = dict(change.before or {}), dict(change.after or {})
    arn = (after or before)["policy_arn"]
    on_role = {"RoleName": role, "PolicyArn": arn}
    if change.action is Action.DELETE:
        loose = {**before, "is_attached": False}
        steps: list[Step] = []
        if before["is_attached"]:
            steps.append(("DetachRolePolicy", on_role, ("is_attached",), before, loose, ()))
        params: dict[str, Any] = {"PolicyArn": arn, PRUNE_ALL: True}
        return [*steps, ("DeletePolicy", params, _fields(schema.PACK), loose, None, _PRUNING)]
    if change.action is Action.CREATE:
        loose = {**after, "is_attached": False}
        params = {
            "PolicyName": name,
            "Path": f"/{arn.partition(':policy/')[2].rpartition(name)[0]}",
            "PolicyDocument": _text(after["document"]),
            "Description": f"What {change.agent} is granted",
            "Tags": _tags(after["tags"]),
        }
        steps = [("CreatePolicy", params, ("policy_arn", "document", "tags"), None, loose, ("iam:TagPolicy",))]
        before = loose
    else:
        steps = _tag_steps("Policy", {"PolicyArn": arn}, before, after)
        if before.get("document") != after.get("document"):
            steps.append(_new_version(arn, before, after))
        before = {**after, "is_attached": before["is_attached"]}
    if not before["is_attached"]:
        steps.append(("AttachRolePolicy", on_role, ("document", "is_attached"), before, after, ()))
    return steps


def _new_version(arn: str, before: State, after: State) -> Step:
    params = {"PolicyArn": arn, "PolicyDocument": _text(after["document"]), "SetAsDefault": True, PRUNE: PRUNE_AT}
    return ("CreatePolicyVersion", params, ("document",), before, after, _PRUNING)


_PRUNING = ("iam:DeletePolicyVersion", "iam:ListPolicyVersions")


def _policy(change: Change) -> list[Step]:
    before, after = dict(change.before or {}), dict(change.after or {})
    arn = (after or before)["arn"]
    if change.action is Action.DELETE:
        params: dict[str, Any] = {"PolicyArn": arn, PRUNE_ALL: True}
        return [("DeletePolicy", params, _fields(schema.POLICY), change.before, None, _PRUNING)]
    if change.action is Action.CREATE:
        params = {
            "PolicyName": change.address.name,
            "Path": after["path"],
            "PolicyDocument": _text(after["document"]),
            "Description": after["description"],
            "Tags": _tags(after["tags"]),
        }
        return [("CreatePolicy", params, _fields(schema.POLICY), None, after, ("iam:TagPolicy",))]
    steps = _tag_steps("Policy", {"PolicyArn": arn}, before, after)
    if before.get("document") != after.get("document"):
        steps.append(_new_version(arn, before, after))
    return steps


def full_name(change: Change) -> str:
    """The ARN of what a change touches; of the role for what hangs on one."""
    attributes = change.after or change.before or {}
    return str(attributes.get("arn") or attributes.get("role_arn") or change.address)


_BUILDERS: Mapping[str, Callable[[Change], list[Step]]] = {
    schema.ROLE: _role,
    schema.ROLE_POLICY: _role_policy,
    schema.ATTACHMENT: _attachment,
    schema.PACK: _pack,
    schema.POLICY: _policy,
    **calls.BUILDERS,
}
