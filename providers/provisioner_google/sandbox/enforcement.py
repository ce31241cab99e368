"""Whether a principal may do something: deny policies, then principal access boundaries, then allow policies.

The order and the rules: https://cloud.google.com/iam/docs/policy-types, https://cloud.google.com/iam/docs/deny-overview,
https://cloud.google.com/iam/docs/principal-access-boundary-policies. Policies take effect `propagation_delay` late.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from .conditions import parse
from .errors import ApiError, denied
from .kinds import of_full_name
from .members import caller_member
from .policies import version_at
from .resources import parents
from .roles import known, permissions_of
from .state import State

_POOL = re.compile(r"//iam\.googleapis\.com/(projects/[0-9]+/locations/global/workloadIdentityPools/[^/]+)/")
_BASIC_MEMBERS = {"projectOwner": "roles/owner", "projectEditor": "roles/editor", "projectViewer": "roles/viewer"}


def require(state: State, caller: str | None, permission: str, full: str) -> None:
    """Raises ApiError: UNAUTHENTICATED for nobody, PERMISSION_DENIED where the policies do not allow it."""
    if caller is None:
        raise ApiError(
            "UNAUTHENTICATED",
            "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or"
            " other valid authentication credential.",
        )
    _alive(state, caller)
    if not allowed(state, caller, permission, full):
        raise denied(permission, full)


def _alive(state: State, caller: str) -> None:
    """A token of a disabled or deleted account, or of a pool that is, is no credential. One of a deleted provider is:
    tokens that it issued stay valid."""
    kind, _, value = caller.partition(":")
    if kind == "serviceAccount" and value.endswith(".iam.gserviceaccount.com"):
        unique = state.emails.get(value)
        if unique is None or state.accounts[unique].body["disabled"]:
            raise ApiError("UNAUTHENTICATED", f"The service account {value} is disabled or deleted.")
    match = _POOL.match(value)
    if kind == "principal" and match is not None and not match[1].endswith(".svc.id.goog"):
        pool = state.pools.get(match[1])
        if pool is None or pool.deleted is not None or pool.body.get("disabled"):
            raise ApiError("UNAUTHENTICATED", "The workload identity pool is disabled or deleted.")


def allowed(state: State, caller: str | None, permission: str, full: str) -> bool:
    """True when the caller has the permission on the resource. Nobody, where nothing is enforced, has everything that
    exists: who sends no token is the person at the keyboard."""
    if permission not in known(state):
        return False
    if caller is None:
        return not state.switches.enforce
    from .boundaries import within
    from .deny import is_denied

    above = [full, *parents(state, full)]
    attributes = _attributes(state, full)
    if is_denied(state, caller, permission, above, attributes) or not within(state, caller, above):
        return False
    at = state.now() - state.switches.propagation_delay
    for place in above:
        for binding in version_at(state.policies.get(place), at)[1]:
            if permission not in permissions_of(state, binding["role"]):
                continue
            if "condition" in binding and not parse(binding["condition"]["expression"]).holds(attributes):
                continue
            if any(_is_member(state, caller, member) for member in binding["members"]):
                return True
    return False


def _attributes(state: State, full: str) -> Mapping[str, object]:
    kind = of_full_name(full)
    host = full.split("/")[2]
    return {
        "request.time": datetime.fromtimestamp(state.now(), tz=UTC),
        "resource.name": full.split("/", 3)[3],
        "resource.service": host,
        "resource.type": kind.type if kind is not None else "",
    }


def _is_member(state: State, caller: str, stored: str) -> bool:
    member = caller_member(state, stored)
    if member is None:
        return False
    if member in (caller, "allUsers", "allAuthenticatedUsers"):
        return True
    kind, _, value = member.partition(":")
    if kind == "group":
        return in_group(state, caller, value)
    if kind == "domain":
        return caller.startswith("user:") and caller.endswith(f"@{value}")
    if kind in _BASIC_MEMBERS:
        policy = state.policies.get(f"//cloudresourcemanager.googleapis.com/projects/{value}")
        held = [one for one in version_at(policy, state.now())[1] if one["role"] == _BASIC_MEMBERS[kind]]
        return any(_is_member(state, caller, one) for binding in held for one in binding["members"])
    if kind == "serviceAccount" and value.endswith("]"):  # PROJECT.svc.id.goog[NS/SA] is the older spelling
        pool, _, who = value[:-1].partition("[")
        namespace, _, account = who.partition("/")
        return caller.startswith("principal://") and caller.endswith(
            f"/workloadIdentityPools/{pool}/subject/ns/{namespace}/sa/{account}"
        )
    if kind == "principalSet" and value.endswith("/*") and caller.startswith("principal:"):
        return caller.removeprefix("principal:").startswith(value[:-1])
    return False


def in_group(state: State, caller: str, group: str, seen: frozenset[str] = frozenset()) -> bool:
    """True when the caller is in the group, or in a group that is."""
    for member in state.groups.get(group, frozenset()):
        if member == caller:
            return True
        kind, _, value = member.partition(":")
        if kind == "group" and value not in seen and in_group(state, caller, value, seen | {group}):
            return True
    return False
