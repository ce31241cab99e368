"""Deny policies (IAM v2): attachment points, long-running operations, etags; and what they deny.

Sources: https://cloud.google.com/iam/docs/reference/rest/v2/policies, https://cloud.google.com/iam/docs/deny-overview,
https://cloud.google.com/iam/docs/deny-permissions-support, https://cloud.google.com/iam/quotas (500 deny policies and
500 deny rules a resource, 5 requests a minute).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from .clock import timestamp
from .conditions import parse
from .core import Call, page
from .enforcement import in_group
from .errors import Json, aborted, denied, exists, invalid, not_found
from .operations import metadata, start
from .state import Record, State, without_defaults

MAX_POLICIES = 500
MAX_RULES = 500
_ID = re.compile(r"[a-z][a-z0-9.-]{2,62}")
_POINT = re.compile(r"cloudresourcemanager\.googleapis\.com/((?:projects|folders|organizations)/[^/]+)")
_PRINCIPAL = re.compile(
    r"principalSet://goog/(?:public:all|group/[^/]+|cloudIdentityCustomerId/[A-Za-z0-9]+)"
    r"|principal://goog/subject/[^/]+"
    r"|principal://iam\.googleapis\.com/projects/-/serviceAccounts/[^/]+"
    r"|principal://iam\.googleapis\.com/(?:projects/[0-9]+/)?locations/global/(?:workforce|workloadIdentity)Pools"
    r"/[^/]+/subject/.+"
    r"|principalSet://iam\.googleapis\.com/(?:projects/[0-9]+/)?locations/global/(?:workforce|workloadIdentity)Pools"
    r"/[^/]+/(?:group/.+|attribute\.[a-z0-9_]+/.+|\*)"
    r"|principalSet://cloudresourcemanager\.googleapis\.com/(?:projects|folders|organizations)/[0-9]+"
    r"(?:/type/[A-Za-z]+)?"
    r"|principal://agents\.global\.(?:org-[0-9]+|project-[0-9]+)\.system\.id\.goog/resources/.+"
    r"|deleted:(?:principal|principalSet)://.+\?uid=[0-9A-Za-z]+"
)
_PERMISSION = re.compile(r"[a-z]+\.googleapis\.com/(?:[A-Za-z0-9]+|\*)\.(?:[A-Za-z0-9]+|\*)")
_RULE_FIELDS = ("deniedPrincipals", "exceptionPrincipals", "deniedPermissions", "exceptionPermissions")
_METADATA = "google.iam.v2.PolicyOperationMetadata"
HOSTS = {"resourcemanager": "cloudresourcemanager"}


def _point(state: State, name: str, permission: str) -> tuple[str, list[str]]:
    """(attachment point with a project's number, still encoded; the rest of the name). Raises ApiError."""
    parts = name.split("/")
    match = _POINT.fullmatch(unquote(parts[1])) if len(parts) > 2 else None
    if match is None or parts[2] != "denypolicies":
        raise invalid(f"Invalid policy name: {name}. Expected policies/ATTACHMENT_POINT/denypolicies/ID.", "name")
    container = state.project(match[1], permission) if match[1].startswith("projects/") else state.container(match[1])
    if container is None:
        raise denied(permission, f"//cloudresourcemanager.googleapis.com/{match[1]}")
    full = f"cloudresourcemanager.googleapis.com/{match[1].partition('/')[0]}/{container.number}"
    return f"policies/{quote(full, safe='')}/denypolicies", parts[3:]


def attached_to(state: State, name: str) -> str:
    """The full resource name, with a project's id, that a policy's name is attached to."""
    relative = unquote(name.split("/")[1]).partition("/")[2]
    container = state.container(relative)
    return f"//cloudresourcemanager.googleapis.com/{container.name if container is not None else relative}"


def resource_of(state: State, call: Call) -> str:
    """What the caller needs the permission on."""
    point, _ = _point(state, call.name, "iam.denypolicies.list")
    return attached_to(state, point)


def _checked(body: Json) -> Json:
    if len(body.get("displayName", "")) > 63:
        raise invalid("The display name must be at most 63 characters.", "policy.display_name")
    rules = body.get("rules", [])
    if not rules:
        raise invalid("A deny policy needs at least one rule.", "policy.rules")
    if len(rules) > MAX_RULES:
        raise invalid(f"A deny policy has at most {MAX_RULES} rules.", "policy.rules")
    for rule in rules:
        deny = rule.get("denyRule")
        if not deny or not deny.get("deniedPrincipals") or not deny.get("deniedPermissions"):
            raise invalid("A deny rule needs denied principals and denied permissions.", "policy.rules.deny_rule")
        for principal in [*deny["deniedPrincipals"], *deny.get("exceptionPrincipals", [])]:
            if not _PRINCIPAL.fullmatch(principal):
                raise invalid(f"Invalid principal: {principal}", "policy.rules.deny_rule.denied_principals")
        if "principalSet://goog/public:all" in deny.get("exceptionPrincipals", []):
            raise invalid("public:all cannot be an exception.", "policy.rules.deny_rule.exception_principals")
        for permission in [*deny["deniedPermissions"], *deny.get("exceptionPermissions", [])]:
            if not _PERMISSION.fullmatch(permission):
                raise invalid(f"Invalid permission: {permission}", "policy.rules.deny_rule.denied_permissions")
        condition = deny.get("denialCondition", {}).get("expression", "")
        if condition:
            parse(condition)
            if not re.fullmatch(
                r"(?:!?\s*resource\.(?:matchTag|matchTagId|hasTagKey|hasTagKeyId)\([^)]*\)|[\s&|()!])+", condition
            ):
                raise invalid("A denial condition can only use functions of resource tags.", "denial_condition")
    return {"displayName": body.get("displayName", ""), "annotations": body.get("annotations", {}), "rules": rules}


def _begin(state: State, name: str, record: Record, gone: bool) -> Json:
    def commit() -> Json:
        if gone:
            state.deny.pop(name, None)
            record.deleted = state.now()
        else:
            state.deny[name] = record
        return _shown(record)

    return start(state, f"{name}/", commit, "google.iam.v2.Policy", metadata(_METADATA, state))


def _shown(record: Record) -> Json:
    body = dict(record.body)
    if not body["annotations"]:
        del body["annotations"]
    if record.deleted is not None:
        body["deleteTime"] = timestamp(record.deleted)
    return without_defaults(body)


def create(state: State, call: Call) -> Json:
    prefix, _ = _point(state, call.name, "iam.denypolicies.create")
    identity = call.query.get("policyId", "")
    if not _ID.fullmatch(identity):
        raise invalid("The policy id has 3 to 63 lower-case letters, digits, dashes and periods.", "policy_id")
    name = f"{prefix}/{identity}"
    if name in state.deny:
        raise exists("Requested entity already exists")
    held = [one for one in state.deny if one.startswith(f"{prefix}/")]
    if len(held) >= MAX_POLICIES:
        raise invalid(f"A resource has at most {MAX_POLICIES} deny policies.")
    now = timestamp(state.now())
    body = {"name": name, "uid": f"{next(state.counter):032x}", "kind": "DenyPolicy", **_checked(call.body)}
    body |= {"etag": state.new_etag(), "createTime": now, "updateTime": now}
    return _begin(state, name, Record(body, state.now()), False)


def _existing(state: State, call: Call, permission: str) -> tuple[str, Record]:
    prefix, rest = _point(state, call.name, permission)
    name = "/".join([prefix, *rest])
    if name not in state.deny:
        raise not_found(f"Requested entity was not found: {name}")
    return name, state.deny[name]


def get(state: State, call: Call) -> Json:
    return _shown(_existing(state, call, "iam.denypolicies.get")[1])


def list_policies(state: State, call: Call) -> Json:
    """Without the rules, as Google lists them: metadata only."""
    prefix, _ = _point(state, call.name, "iam.denypolicies.list")
    found = [_shown(record) for name, record in sorted(state.deny.items()) if name.startswith(f"{prefix}/")]
    for one in found:
        one.pop("rules", None)
    return page(found, call, "policies", 1000, 1000)


def _same_etag(record: Record, etag: str) -> None:
    if etag != record.body["etag"]:
        raise aborted("The etag does not match the stored policy. Read it again and retry.")


def update(state: State, call: Call) -> Json:
    """Replaces the policy; the etag must be sent."""
    name, record = _existing(state, call, "iam.denypolicies.update")
    _same_etag(record, call.body.get("etag", ""))
    body = record.body | _checked(call.body)
    body |= {"etag": state.new_etag(), "updateTime": timestamp(state.now())}
    return _begin(state, name, Record(body, record.created), False)


def delete(state: State, call: Call) -> Json:
    name, record = _existing(state, call, "iam.denypolicies.delete")
    if call.query.get("etag"):
        _same_etag(record, call.query["etag"])
    return _begin(state, name, record, True)


def is_denied(state: State, caller: str, permission: str, above: list[str], attributes: Mapping[str, object]) -> bool:
    """True when a deny policy on the resource's project, folder or organisation denies it."""
    for name, record in state.deny.items():
        if attached_to(state, name) not in above:
            continue
        for rule in record.body["rules"]:
            deny = rule["denyRule"]
            condition = deny.get("denialCondition", {}).get("expression", "")
            if (
                any(_names(one, permission) for one in deny["deniedPermissions"])
                and not any(_names(one, permission) for one in deny.get("exceptionPermissions", []))
                and any(covers(state, one, caller) for one in deny["deniedPrincipals"])
                and not any(covers(state, one, caller) for one in deny.get("exceptionPrincipals", []))
                and (not condition or parse(condition).holds(attributes))
            ):
                return True
    return False


def _names(pattern: str, permission: str) -> bool:
    """`iam.googleapis.com/roles.list` is `iam.roles.list`; `*` stands for a part."""
    host, _, rest = pattern.partition("/")
    service, kind, verb = permission.partition(".")[0], *permission.split(".")[1:3]
    wanted = rest.split(".")
    same_host = host == f"{HOSTS.get(service, service)}.googleapis.com"
    return same_host and wanted[0] in ("*", kind) and wanted[1] in ("*", verb)


def covers(state: State, principal: str, caller: str) -> bool:
    """True when a principal, in the spelling of deny policies, is or holds the caller."""
    if principal in ("principalSet://goog/public:all", caller):
        return True
    kind, _, value = caller.partition(":")
    if kind == "user" and principal == f"principal://goog/subject/{value}":
        return True
    if kind == "serviceAccount" and principal == f"principal://iam.googleapis.com/projects/-/serviceAccounts/{value}":
        return True
    if principal.startswith("principalSet://goog/group/"):
        return in_group(state, caller, principal.rpartition("/")[2])
    if principal.startswith("principalSet://") and principal.endswith("/*") and kind == "principal":
        return caller.removeprefix("principal").startswith(principal.removeprefix("principalSet")[:-1])
    return False
