"""getIamPolicy, setIamPolicy and testIamPermissions of every kind of resource: one handler each."""

from __future__ import annotations

import math

from . import auditlog
from .core import Call
from .enforcement import allowed
from .errors import Json, invalid
from .kinds import of_method
from .policies import get_policy, set_policy, version_at
from .resources import target
from .state import State


def _requested(call: Call) -> int:
    """The version asked for: in the body's options, or a query parameter (two spellings)."""
    given = call.body.get("options", {}).get("requestedPolicyVersion")
    if given is None:
        given = call.query.get("options.requestedPolicyVersion") or call.query.get("optionsRequestedPolicyVersion")
    try:
        return int(given or 0)
    except ValueError as error:
        raise invalid("Invalid requested policy version.", "options.requested_policy_version") from error


def get(state: State, call: Call) -> Json:
    kind = of_method(call.method)
    full = target(state, kind, call.name, f"{kind.permission}.getIamPolicy")
    return get_policy(state, full, _requested(call))


def put(state: State, call: Call) -> Json:
    kind = of_method(call.method)
    full = target(state, kind, call.name, f"{kind.permission}.setIamPolicy")
    if "policy" not in call.body:
        raise invalid("The policy is missing.", "policy")
    before = version_at(state.policies.get(full), math.inf)[1]
    mask, project = call.body.get("updateMask", ""), owner(state, full)
    answer = set_policy(state, full, call.body["policy"], mask, kind.rules, project)
    container = project or "/".join(full.split("/")[3:5])
    auditlog.saw(state, call, full, container, before, version_at(state.policies.get(full), math.inf)[1])
    return answer


def owner(state: State, full: str) -> str:
    """`projects/ID` of a resource; "" for a folder or an organisation."""
    resource = state.resources.get(full)
    if resource is not None:
        return resource.project
    parts = full.split("/")
    return "/".join(parts[3:5]) if parts[3] == "projects" else ""


def test(state: State, call: Call) -> Json:
    """Which of the permissions the caller has. Without enforcement and without a token: all that exist."""
    kind = of_method(call.method)
    asked = call.body.get("permissions") or list(call.repeated.get("permissions", ()))
    if any("*" in permission or permission.count(".") < 2 for permission in asked):
        raise invalid("Permissions must not contain wildcards and name service, type and verb.", "permissions")
    full = target(state, kind, call.name, f"{kind.permission}.get")
    held = [permission for permission in asked if allowed(state, call.caller, permission, full)]
    return {"permissions": held} if held else {}
