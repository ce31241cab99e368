"""Custom and predefined roles: stages, etags, soft deletion with the id locked, undeletion.

Sources: https://cloud.google.com/iam/docs/reference/rest/v1/projects.roles, https://cloud.google.com/iam/docs/creating-custom-roles
(a deleted role can be undeleted for 7 days; permanent deletion then takes 30 days, and the id is free after 37; its
bindings stay and are inert), https://cloud.google.com/iam/quotas (300 custom roles a project).
"""

from __future__ import annotations

import re

from .catalogue import (
    NOT_IN_CUSTOM_ROLES,
    NOT_IN_PROJECT_ROLES,
    TESTING_IN_CUSTOM_ROLES,
    known_permissions,
    predefined,
)
from .core import Call, masked, page
from .errors import ApiError, Json, aborted, exists, invalid, not_found
from .state import Record, State, without_defaults

BASIC = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
STAGES = ("ALPHA", "BETA", "GA", "DEPRECATED", "DISABLED", "EAP")
UNDELETE_SECONDS = 7 * 86400.0
LOCKED_SECONDS = 37 * 86400.0
MAX_ROLES = 300
MAX_PERMISSIONS = 3000
_ROLE_ID = re.compile(r"[a-zA-Z0-9_.]{3,64}")
_PERMISSION = re.compile(r"[a-z][a-z0-9.]*(?:\.googleapis\.com/)?[A-Za-z0-9]*\.[A-Za-z0-9]+\.?[A-Za-z0-9]*")
_UPDATABLE = ("title", "description", "includedPermissions", "stage")
_NOT_SUPPORTED = frozenset(NOT_IN_CUSTOM_ROLES.split())
_TESTING = frozenset(TESTING_IN_CUSTOM_ROLES.split())
_NOT_IN_PROJECT = frozenset(NOT_IN_PROJECT_ROLES.split())
_PREDEFINED_ETAG = "AA=="
PARTIAL = "Partial: the emulator has the main permissions of this role, and Google's has more."


def known(state: State) -> frozenset[str] | set[str]:
    """The permissions that exist here: the catalogue's and the seeded ones."""
    return known_permissions() | state.permissions


def permissions_of(state: State, role: str) -> frozenset[str]:
    """What a role holds now: nothing when it is deleted, disabled or gone."""
    if role in predefined():
        return frozenset(predefined()[role][1])
    record = state.roles.get(role)
    if record is None or record.deleted is not None or record.body.get("stage") == "DISABLED":
        return frozenset()
    return frozenset(record.body.get("includedPermissions", ()))


def bindable(state: State, role: str, project: str, before: frozenset[str]) -> None:
    """Raises ApiError (INVALID_ARGUMENT) when a role cannot be bound on a resource of the project: it does not exist,
    is deleted, or is another project's. Roles that the replaced policy already has may stay."""
    if role in predefined() or role in before:
        return
    record = state.roles.get(role)
    if record is None or record.deleted is not None or state.hidden(record):
        raise invalid(
            f"Role {role} is not supported for this resource. (The emulator knows {len(predefined())} predefined"
            " roles; see its catalogue.)",
            "policy.bindings.role",
        )
    owner = role.rpartition("/roles/")[0]
    if owner.startswith("projects/") and owner != project:
        raise invalid(f"Role {role} is of another project than {project or 'this resource'}.", "policy.bindings.role")


def canonical(state: State, name: str, permission: str) -> str:
    """The role's or parent's name with the project's id instead of its number."""
    parts = name.split("/")
    if parts[0] != "projects":
        if parts[0] == "organizations" and state.container("/".join(parts[:2])) is None:
            raise ApiError("PERMISSION_DENIED", "The caller does not have permission")
        return name
    return "/".join([state.project("/".join(parts[:2]), permission).name, *parts[2:]])


def create(state: State, call: Call) -> Json:
    parent = canonical(state, call.name, "iam.roles.create")
    identity, role = call.body.get("roleId", ""), call.body.get("role", {})
    if not _ROLE_ID.fullmatch(identity):
        raise invalid("The role_id must have 3 to 64 letters, digits, underscores and periods.", "role_id")
    name = f"{parent}/roles/{identity}"
    old = state.roles.get(name)
    if old is not None:
        if old.deleted is None:
            raise exists(f"A role named {identity} in {parent} already exists.")
        if state.now() - old.deleted < LOCKED_SECONDS:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"You can't create a role with role_id ({identity}) where there is an existing role with that role_id"
                " in a deleted state.",
            )
    alive = sum(name.startswith(f"{parent}/roles/") and one.deleted is None for name, one in state.roles.items())
    if alive >= MAX_ROLES:
        raise ApiError("FAILED_PRECONDITION", f"Maximum number of roles reached. Maximum is: {MAX_ROLES}")
    body = {"name": name, **_checked(state, parent, {key: role.get(key) for key in _UPDATABLE}), "etag": ""}
    body["etag"] = state.new_etag()
    state.roles[name] = Record(body, state.now())
    return _shown(state.roles[name])


def _checked(state: State, parent: str, given: Json) -> Json:
    """The fields of a role, each checked. Raises ApiError (INVALID_ARGUMENT)."""
    stage = given.get("stage") or "ALPHA"
    if "stage" in given and stage not in STAGES:
        raise invalid(f"Invalid value at 'role.stage': \"{stage}\"", "role.stage")
    if len(given.get("title") or "") > 100:
        raise invalid("The role title must be at most 100 characters.", "role.title")
    if len(given.get("description") or "") > 300:
        raise invalid("The role description must be at most 300 characters.", "role.description")
    permissions = given.get("includedPermissions") or []
    if len(permissions) > MAX_PERMISSIONS:
        raise invalid(f"A role holds at most {MAX_PERMISSIONS} permissions.", "role.included_permissions")
    for permission in permissions:
        refused = permission in _NOT_SUPPORTED or (parent.startswith("projects/") and permission in _NOT_IN_PROJECT)
        if refused or permission not in known(state) or not _PERMISSION.fullmatch(permission):
            raise invalid(f"Permission {permission} is not valid.", "role.included_permissions")
    checked = {key: value or "" for key, value in given.items() if key in ("title", "description")}
    if "stage" in given:
        checked["stage"] = stage
    if "includedPermissions" in given:
        checked["includedPermissions"] = sorted(set(permissions))
    return checked


def _shown(record: Record, full: bool = True) -> Json:
    """ALPHA is the enum's default and therefore left out; a deleted role says so."""
    body = dict(record.body)
    if body.get("stage") == "ALPHA":
        del body["stage"]
    if not full:
        body.pop("includedPermissions", None)
    if record.deleted is not None:
        body["deleted"] = True
    return without_defaults(body)


def get(state: State, call: Call) -> Json:
    if call.name.startswith("roles/"):
        if call.name not in predefined():
            raise not_found(f"The role named {call.name} was not found.")
        return _predefined(call.name, True)
    return _shown(_existing(state, call.name, "iam.roles.get"))


def _existing(state: State, name: str, permission: str) -> Record:
    record = state.roles.get(canonical(state, name, permission))
    if record is not None and record.deleted is not None and state.now() - record.deleted >= LOCKED_SECONDS:
        record = None
    if record is None or state.hidden(record):
        if record is not None:
            record.reads += 1
        raise not_found(f"The role named {name} was not found.")
    return record


def _predefined(name: str, full: bool) -> Json:
    title, permissions = predefined()[name]
    role: Json = {"name": name, "title": title, "description": PARTIAL, "stage": "GA", "etag": _PREDEFINED_ETAG}
    if full:
        role["includedPermissions"] = list(permissions)
    return role


def _parameter(call: Call, name: str) -> str:
    return str(call.query.get(name) or call.body.get(name) or "")


def list_roles(state: State, call: Call) -> Json:
    """Predefined ones without a parent, else the parent's own; permissions only with view=FULL."""
    full = _parameter(call, "view") == "FULL"
    parent = call.name or _parameter(call, "parent")
    if not parent:
        return page([_predefined(name, full) for name in sorted(predefined())], call, "roles", 300, 1000)
    prefix = canonical(state, parent, "iam.roles.list") + "/roles/"
    deleted = _parameter(call, "showDeleted").lower() == "true"
    found = []
    for name in sorted(state.roles):
        record = state.roles[name]
        gone = record.deleted is not None
        if not name.startswith(prefix) or state.hidden(record) or (gone and not deleted):
            continue
        if record.deleted is None or state.now() - record.deleted < LOCKED_SECONDS:
            found.append(_shown(record, full))
    return page(found, call, "roles", 300, 1000)


def patch(state: State, call: Call) -> Json:
    record = _existing(state, call.name, "iam.roles.update")
    if record.deleted is not None:
        raise ApiError("FAILED_PRECONDITION", f"You can't update role {call.name} in a deleted state.")
    _same_etag(record, call.body.get("etag", ""))
    changed = masked(call, None, (*_UPDATABLE, "name", "etag"), call.body)
    fields = {key: value for key, value in changed.items() if key in _UPDATABLE}
    record.body |= _checked(state, record.body["name"].rpartition("/roles/")[0], fields)
    record.body["etag"] = state.new_etag()
    return _shown(record)


def _same_etag(record: Record, etag: str) -> None:
    if etag and etag != record.body["etag"]:
        raise aborted(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
        )


def delete(state: State, call: Call) -> Json:
    record = _existing(state, call.name, "iam.roles.delete")
    _same_etag(record, call.query.get("etag", ""))
    if record.deleted is not None:
        raise ApiError("FAILED_PRECONDITION", f"You can't delete role {call.name} in a deleted state.")
    record.deleted = state.now()
    record.body["etag"] = state.new_etag()
    return _shown(record)


def undelete(state: State, call: Call) -> Json:
    record = _existing(state, call.name, "iam.roles.undelete")
    _same_etag(record, call.body.get("etag", ""))
    if record.deleted is None:
        raise ApiError("FAILED_PRECONDITION", f"You can't undelete role {call.name}: it is not deleted.")
    if state.now() - record.deleted >= UNDELETE_SECONDS:
        raise ApiError("FAILED_PRECONDITION", f"Role {call.name} was deleted more than 7 days ago.")
    record.deleted = None
    record.body["etag"] = state.new_etag()
    return _shown(record)


def grantable(state: State, call: Call) -> Json:
    """Predefined roles that can be granted on a resource: those of its service; on a container, all."""
    full_name = _parameter(call, "fullResourceName")
    service = _service_of(full_name)
    container = service == "resourcemanager"
    names = [name for name in sorted(predefined()) if container or name.startswith(f"roles/{service}.")]
    return page([_predefined(name, _parameter(call, "view") == "FULL") for name in names], call, "roles", 300, 1000)


def testable(state: State, call: Call) -> Json:
    """The permissions that can be tested on a resource, with whether a custom role takes them."""
    full_name = _parameter(call, "fullResourceName")
    service = _service_of(full_name)
    found: list[Json] = []
    project = "/projects/" in full_name
    for name in sorted(known(state)):
        if service != "resourcemanager" and not name.startswith(f"{service}."):
            continue
        one: Json = {"name": name, "stage": "GA"}
        if name in _NOT_SUPPORTED or (project and name in _NOT_IN_PROJECT):
            one |= {"customRolesSupportLevel": "NOT_SUPPORTED", "onlyInPredefinedRoles": True}
        elif name in _TESTING:
            one["customRolesSupportLevel"] = "TESTING"
        found.append(one)
    return page(found, call, "permissions", 100, 1000)


def _service_of(full_name: str) -> str:
    """`bigquery` of `//bigquery.googleapis.com/…`. Raises ApiError for what is no full resource name."""
    match = re.fullmatch(r"//([a-z0-9-]+)\.googleapis\.com/.+", full_name)
    if match is None:
        raise invalid(f"Invalid full resource name: {full_name}", "full_resource_name")
    return {"cloudresourcemanager": "resourcemanager"}.get(match[1], match[1])
