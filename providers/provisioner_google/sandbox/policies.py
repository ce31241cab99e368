"""Allow policies: reading by version, writing by replacement, etags, limits. One semantics for every kind of resource.

Sources: https://cloud.google.com/iam/docs/reference/rest/v1/Policy, https://cloud.google.com/iam/docs/policies#versions,
https://cloud.google.com/iam/quotas#limits.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from .conditions import MAX_LOGICAL_OPERATORS, parse
from .errors import ApiError, Json, aborted, invalid
from .members import shown_member, stored_member
from .roles import BASIC, bindable
from .state import EMPTY_ETAG, PolicyRecord, State

MAX_MEMBERS = 1500
MAX_GROUPS = 250
MAX_CONDITIONAL = 20
_VERSIONS = (0, 1, 3)


@dataclass(frozen=True, slots=True)
class Rules:
    """What differs by kind of resource: whether bindings may be conditional (`why` says why not), whether
    `projectOwner:` members are admitted, and which answer a stale etag gets."""

    conditions: bool = True
    why: str = ""
    project_roles: bool = False
    stale: str = "ABORTED"


def get_policy(state: State, full_name: str, requested: int) -> Json:
    """The policy in at most the requested version. Below 3 a conditional binding shows as a role
    `…_withcond_HASH` without its condition. Raises ApiError for a version that does not exist."""
    if requested not in _VERSIONS:
        raise invalid(f"Invalid requested policy version: {requested}. Valid values are 0, 1, 3.", "options")
    at = state.now() - state.switches.read_delay
    _, bindings, audits, etag = version_at(state.policies.get(full_name), at)
    return _shown(state, bindings, audits, etag, requested)


def version_at(record: PolicyRecord | None, at: float) -> tuple[float, list[Json], list[Json], str]:
    """The version of a policy that was in force at a time."""
    for version in reversed(record.versions if record is not None else []):
        if version[0] <= at:
            return version
    return (0.0, [], [], EMPTY_ETAG)


def set_policy(state: State, full_name: str, policy: Json, mask: str, rules: Rules, project: str) -> Json:
    """Replace the policy; the answer is the new one. Raises ApiError: ABORTED for a stale etag."""
    record = state.policies.get(full_name, PolicyRecord())
    _, now_bindings, now_audits, now_etag = version_at(record, float("inf"))
    etag, version = policy.get("etag", ""), policy.get("version", 0)
    if version not in _VERSIONS:
        raise invalid(f"Invalid policy version: {version}. Valid values are 0, 1, 3.", "policy.version")
    if etag and etag != now_etag:
        if rules.stale == "ABORTED":
            raise aborted(
                "There were concurrent policy changes. Please retry the whole read-modify-write with exponential"
                " backoff."
            )
        raise ApiError(rules.stale, "Precondition Failed")
    fields = {part.strip() for part in mask.split(",") if part.strip()} or {"bindings", "etag"}
    for field in fields - {"bindings", "etag", "version", "auditConfigs", "audit_configs"}:
        raise invalid(f"Invalid field in update mask: {field}", "update_mask")
    conditional_now = any("condition" in binding for binding in now_bindings)
    if conditional_now and etag and version != 3:
        raise invalid("The policy contains conditions; specify policy version 3 to change it.", "policy.version")
    known = frozenset(member for binding in now_bindings for member in binding["members"])
    known |= {shown_member(state, member).removeprefix("deleted:") for member in known}
    bindings = now_bindings
    if "bindings" in fields:
        bindings = _stored(state, policy.get("bindings", []), version, rules, known, now_bindings, project)
    audits = policy.get("auditConfigs", []) if fields & {"auditConfigs", "audit_configs"} else now_audits
    new_etag = state.new_etag()
    record.versions.append((state.now(), bindings, audits, new_etag))
    _forget_old(state, record)
    state.policies[full_name] = record
    return _shown(state, bindings, audits, new_etag, 3)


def _forget_old(state: State, record: PolicyRecord) -> None:
    """Keep what the delays can still show, and one version before."""
    oldest = state.now() - max(state.switches.propagation_delay, state.switches.read_delay)
    while len(record.versions) > 1 and record.versions[1][0] <= oldest:
        record.versions.pop(0)


def _stored(
    state: State,
    bindings: list[Json],
    version: int,
    rules: Rules,
    known: frozenset[str],
    before: list[Json],
    project: str,
) -> list[Json]:
    """The bindings as they are kept: checked, merged by role and condition, in the order of roles."""
    merged: dict[str, Json] = {}
    roles_before = frozenset(binding["role"] for binding in before)
    for binding in bindings:
        role = binding.get("role", "")
        bindable(state, role, project, roles_before)
        condition = _condition(binding, role, version, rules)
        members = [stored_member(state, member, known, rules.project_roles) for member in binding.get("members", [])]
        if condition and {"allUsers", "allAuthenticatedUsers"} & set(members):
            raise invalid("Conditions are not supported for allUsers and allAuthenticatedUsers.", "policy.bindings")
        key = json.dumps([role, condition], sort_keys=True)
        kept = merged.setdefault(key, {"role": role, "members": [], **({"condition": condition} if condition else {})})
        kept["members"] += [member for member in members if member not in kept["members"]]
    kept_bindings = [merged[key] for key in sorted(merged) if merged[key]["members"]]
    for binding in kept_bindings:
        binding["members"].sort()
    _limits(kept_bindings)
    return kept_bindings


def _condition(binding: Json, role: str, version: int, rules: Rules) -> Json:
    condition: Json = {key: value for key, value in binding.get("condition", {}).items() if value}
    if not condition:
        return {}
    if version != 3:
        raise invalid("Bindings with conditions need policy version 3.", "policy.version")
    if not rules.conditions:
        raise invalid(rules.why or "Conditions are not supported on this resource.", "policy.bindings.condition")
    if role in BASIC:
        raise invalid(f"Conditions cannot be used with the basic role {role}.", "policy.bindings.condition")
    check_condition(condition, "policy.bindings.condition")
    return condition


def check_condition(condition: Json, field: str) -> None:
    """Raises ApiError when a condition has no title or expression, does not parse, or has too many operators."""
    if not condition.get("title"):
        raise invalid("A condition needs a title.", f"{field}.title")
    if not condition.get("expression"):
        raise invalid("A condition needs an expression.", f"{field}.expression")
    found = parse(condition["expression"])
    if found.operators > MAX_LOGICAL_OPERATORS:
        raise invalid(
            f"The condition has {found.operators} logical operators; the maximum is {MAX_LOGICAL_OPERATORS}.",
            f"{field}.expression",
        )


def _limits(bindings: list[Json]) -> None:
    occurrences = [member for binding in bindings for member in binding["members"]]
    if len(occurrences) > MAX_MEMBERS:
        raise invalid(
            f"The number of members in the policy ({len(occurrences)}) is larger than the maximum allowed size"
            f" {MAX_MEMBERS}.",
            "policy.bindings",
        )
    groups = sum(member.startswith("group:") for member in occurrences)
    if groups > MAX_GROUPS:
        raise invalid(f"The number of groups in the policy ({groups}) is larger than {MAX_GROUPS}.", "policy.bindings")
    counts: dict[tuple[str, str], int] = {}
    for binding in bindings:
        for member in binding["members"] if "condition" in binding else []:
            key = (binding["role"], member)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] > MAX_CONDITIONAL:
                raise invalid(
                    f"More than {MAX_CONDITIONAL} conditional bindings of role {key[0]} for one member.",
                    "policy.bindings",
                )


def _shown(state: State, bindings: list[Json], audits: list[Json], etag: str, requested: int) -> Json:
    conditional = any("condition" in binding for binding in bindings)
    shown: list[Json] = []
    for binding in bindings:
        one: Json = {"role": binding["role"], "members": [shown_member(state, member) for member in binding["members"]]}
        if "condition" in binding and requested == 3:
            one["condition"] = dict(binding["condition"])
        elif "condition" in binding:
            digest = hashlib.sha256(json.dumps(binding["condition"], sort_keys=True).encode()).hexdigest()[:20]
            one["role"] = f"{binding['role']}_withcond_{digest}"
        shown.append(one)
    answer: Json = {"etag": etag}
    if etag != EMPTY_ETAG:
        answer["version"] = 3 if conditional and requested == 3 else 1
    if shown:
        answer["bindings"] = shown
    if audits:
        answer["auditConfigs"] = audits
    return answer
