"""Holds an operation's parameters against its address and digests, before anything is sent.

People sign what a plan shows: changes, addresses, digests. A plan whose parameters do something else (another role,
another document) must fail here, even with every signature on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.model.changes import Operation
from provisioner.sdk.digests import state_digest

from . import names, schema
from .forms import canonical_attributes
from .operations import PRUNE, PRUNE_ALL, PRUNE_AT
from .workload import binding as workload

State = dict[str, Any]
Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Where:
    partition: str
    account: str


@dataclass(frozen=True, slots=True)
class Call:
    """One verb: the kind it is for, the parameters it may have, and what it makes of the object's attributes."""

    kind: str
    params: frozenset[str]
    effect: Callable[[Params, State, Where], State | None]


def misfit(operation: Operation, live: Mapping[str, Any] | None, where: Where) -> str:
    """Why the call would not do what was signed; empty where it would. `live` is the object as `before` has it."""
    table = PACK_CALLS if operation.address.kind == schema.PACK else CALLS
    call = _workload_call(operation) or table.get(operation.verb)
    if call is None or call.kind != operation.address.kind:
        return f"{operation.verb} is no call that this version makes on a {operation.address.kind}"
    extra = sorted(set(operation.params) - call.params)
    if extra:
        return f"{operation.verb} has parameters that it never has: {', '.join(extra)}"
    if not _names_address(operation, where):
        return f"{operation.verb} names something else than {operation.address.name}"
    try:
        result = call.effect(operation.params, dict(live or {}), where)
    except (KeyError, TypeError, ValueError) as error:
        return f"{operation.verb} has unusable parameters: {error}"
    after = None if result is None else canonical_attributes(call.kind, result)
    if state_digest(after, operation.fields) != operation.after:
        return f"{operation.verb} would not leave {operation.address.name} as signed"
    return ""


def _workload_call(operation: Operation) -> Call | None:
    """The calls that tie workloads to roles, which are kept in their own room."""
    found = workload.effect_of(operation.address, operation.verb)
    if found is None:
        return None
    params, effect = found
    return Call(operation.address.kind, params, lambda p, s, w: effect(p, s, w.partition, w.account))


def _names_address(operation: Operation, where: Where) -> bool:
    params, name = operation.params, operation.address.name
    if operation.address.kind in workload.KINDS:
        return workload.names_address(operation.address, params, where.partition, where.account)
    if operation.address.kind in (schema.POLICY, schema.PACK):
        role, _, own = name.rpartition("/")
        if params.get("RoleName", role) != role:
            return False
        if "PolicyName" in params:
            return bool(params["PolicyName"] == own)
        arn = str(params.get("PolicyArn", ""))
        return arn.startswith(f"arn:{where.partition}:iam::{where.account}:policy/") and arn.endswith(f"/{own}")
    role, _, child = name.partition("/")
    named = {"PolicyName": child, "PolicyArn": child} if child else {}
    return params.get("RoleName") == role and all(params.get(key, value) == value for key, value in named.items())


def _create_role(params: Params, _: State, where: Where) -> State:
    return {
        "arn": names.role_arn(where.partition, where.account, params["Path"], params["RoleName"]),
        "path": params["Path"],
        "description": params["Description"],
        "max_session_duration": params["MaxSessionDuration"],
        "trust": params["AssumeRolePolicyDocument"],
        "permissions_boundary": params.get("PermissionsBoundary"),
        "tags": _tags(params),
    }


def _create_policy(params: Params, _: State, where: Where) -> State:
    return {
        "arn": names.policy_arn(where.partition, where.account, params["Path"], params["PolicyName"]),
        "path": params["Path"],
        "description": params["Description"],
        "document": params["PolicyDocument"],
        "tags": _tags(params),
    }


def _create_pack(params: Params, _: State, where: Where) -> State:
    return {
        "policy_arn": names.policy_arn(where.partition, where.account, params["Path"], params["PolicyName"]),
        "document": params["PolicyDocument"],
        "tags": _tags(params),
        "is_attached": False,
    }


def _attached(is_attached: bool) -> Callable[[Params, State, Where], State]:
    return lambda _params, live, _: {**live, "is_attached": is_attached}


def _update_role(params: Params, live: State, _: Where) -> State:
    return {**live, "description": params["Description"], "max_session_duration": params["MaxSessionDuration"]}


def _new_version(params: Params, live: State, _: Where) -> State:
    if params.get("SetAsDefault") is not True or params.get(PRUNE) != PRUNE_AT:
        raise ValueError("a new version becomes the default, and the oldest goes when there are five")
    return {**live, "document": params["PolicyDocument"]}


def _tag(params: Params, live: State, _: Where) -> State:
    return {**live, "tags": {**(live.get("tags") or {}), **_tags(params)}}


def _untag(params: Params, live: State, _: Where) -> State:
    gone = set(params["TagKeys"])
    return {**live, "tags": {key: value for key, value in (live.get("tags") or {}).items() if key not in gone}}


def _gone(_params: Params, _live: State, _where: Where) -> None:
    return None


def _set(field: str, param: str | None) -> Callable[[Params, State, Where], State]:
    return lambda params, live, _: {**live, field: None if param is None else params[param]}


def _tags(params: Params) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params["Tags"]}


def _call(kind: str, params: str, effect: Callable[[Params, State, Where], State | None]) -> Call:
    return Call(kind, frozenset(params.split()), effect)


CALLS: Mapping[str, Call] = {
    "iam:CreateRole": _call(
        schema.ROLE,
        "RoleName Path AssumeRolePolicyDocument Description MaxSessionDuration Tags PermissionsBoundary",
        _create_role,
    ),
    "iam:DeleteRole": _call(schema.ROLE, "RoleName", _gone),
    "iam:UpdateRole": _call(schema.ROLE, "RoleName Description MaxSessionDuration", _update_role),
    "iam:UpdateAssumeRolePolicy": _call(schema.ROLE, "RoleName PolicyDocument", _set("trust", "PolicyDocument")),
    "iam:PutRolePermissionsBoundary": _call(
        schema.ROLE, "RoleName PermissionsBoundary", _set("permissions_boundary", "PermissionsBoundary")
    ),
    "iam:DeleteRolePermissionsBoundary": _call(schema.ROLE, "RoleName", _set("permissions_boundary", None)),
    "iam:TagRole": _call(schema.ROLE, "RoleName Tags", _tag),
    "iam:UntagRole": _call(schema.ROLE, "RoleName TagKeys", _untag),
    "iam:PutRolePolicy": _call(
        schema.ROLE_POLICY, "RoleName PolicyName PolicyDocument", _set("document", "PolicyDocument")
    ),
    "iam:DeleteRolePolicy": _call(schema.ROLE_POLICY, "RoleName PolicyName", _gone),
    "iam:DetachRolePolicy": _call(schema.ATTACHMENT, "RoleName PolicyArn", _gone),
    "iam:CreatePolicy": _call(schema.POLICY, "PolicyName Path PolicyDocument Description Tags", _create_policy),
    "iam:CreatePolicyVersion": _call(schema.POLICY, f"PolicyArn PolicyDocument SetAsDefault {PRUNE}", _new_version),
    "iam:DeletePolicy": _call(schema.POLICY, f"PolicyArn {PRUNE_ALL}", _gone),
    "iam:TagPolicy": _call(schema.POLICY, "PolicyArn Tags", _tag),
    "iam:UntagPolicy": _call(schema.POLICY, "PolicyArn TagKeys", _untag),
}

PACK_CALLS: Mapping[str, Call] = {
    "iam:CreatePolicy": _call(schema.PACK, "PolicyName Path PolicyDocument Description Tags", _create_pack),
    "iam:CreatePolicyVersion": _call(schema.PACK, f"PolicyArn PolicyDocument SetAsDefault {PRUNE}", _new_version),
    "iam:DeletePolicy": _call(schema.PACK, f"PolicyArn {PRUNE_ALL}", _gone),
    "iam:TagPolicy": _call(schema.PACK, "PolicyArn Tags", _tag),
    "iam:UntagPolicy": _call(schema.PACK, "PolicyArn TagKeys", _untag),
    "iam:AttachRolePolicy": _call(schema.PACK, "RoleName PolicyArn", _attached(True)),
    "iam:DetachRolePolicy": _call(schema.PACK, "RoleName PolicyArn", _attached(False)),
}
"""The same verbs where they are about a managed policy of one role."""
