"""Organisations, folders and projects: reading, and making projects. Their policies are in `allow`.

Source: https://cloud.google.com/resource-manager/reference/rest/v3. What the caller cannot see is 403, not 404.
"""

from __future__ import annotations

import re

from .clock import timestamp
from .core import Call, page
from .errors import ApiError, Json, denied, exists, invalid
from .operations import start
from .state import Container, State

_PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_METADATA = {"@type": "type.googleapis.com/google.cloud.resourcemanager.v3.CreateProjectMetadata"}


def shown(container: Container) -> Json:
    """A project is named by its number in answers; what it is asked for by may be either."""
    kind = container.name.partition("/")[0]
    body = {"name": f"{kind}/{container.number}", "state": container.body["state"]}
    body |= {"displayName": container.body["displayName"], "etag": container.body["etag"]}
    body |= {"createTime": timestamp(container.body["created"]), "updateTime": timestamp(container.body["created"])}
    if container.parent:
        body["parent"] = container.parent
    if kind == "projects":
        body["projectId"] = container.name.removeprefix("projects/")
    return body


def find(state: State, name: str, permission: str) -> Container:
    """Raises ApiError (PERMISSION_DENIED) where there is none."""
    if name.startswith("projects/"):
        return state.project(name, permission)
    found = state.container(name)
    if found is None:
        raise denied(permission, f"//cloudresourcemanager.googleapis.com/{name}")
    return found


def get(state: State, call: Call) -> Json:
    kind = call.name.partition("/")[0]
    return shown(find(state, call.name, f"resourcemanager.{kind}.get"))


def _listed(state: State, call: Call, kind: str, parent: str | None) -> Json:
    found = [shown(one) for name, one in sorted(state.containers.items()) if name.startswith(f"{kind}/")]
    if parent is not None:
        found = [one for one in found if one.get("parent", "") == parent]
    return page(found, call, kind, 100, 300)


def list_children(state: State, call: Call) -> Json:
    parent = call.query.get("parent", "")
    if not parent:
        raise invalid("The parent is missing.", "parent")
    find(state, parent, "resourcemanager.folders.list")
    return _listed(state, call, "folders" if ".folders." in call.method else "projects", parent)


def search(state: State, call: Call) -> Json:
    """Everything of a kind; of queries `parent:`, `id:` and `projectId:` are known."""
    from .enforcement import allowed

    kind = call.method.split(".")[1]
    answer = _listed(state, call, kind, None)
    if state.switches.enforce:  # what the caller cannot see is not found
        answer[kind] = [
            one
            for one in answer.get(kind, [])
            if allowed(state, call.caller, f"resourcemanager.{kind}.get", _full_name(one))
        ]
    for term in call.query.get("query", "").split():
        key, _, value = term.replace("=", ":").partition(":")
        field = {"parent": "parent", "id": "projectId", "projectid": "projectId"}.get(key.lower())
        if field is None:
            raise invalid(f"The emulator does not know the query term {term}.", "query")
        answer[kind] = [one for one in answer.get(kind, []) if one.get(field) == value]
    return answer


def _full_name(body: Json) -> str:
    name = f"projects/{body['projectId']}" if "projectId" in body else body["name"]
    return f"//cloudresourcemanager.googleapis.com/{name}"


def create_project(state: State, call: Call) -> Json:
    identity, parent = call.body.get("projectId", ""), call.body.get("parent", "")
    if not _PROJECT_ID.fullmatch(identity):
        raise invalid("The project id must be 6 to 30 lower-case letters, digits and hyphens.", "project_id")
    if f"projects/{identity}" in state.containers:
        raise exists("Requested entity already exists")
    if parent:
        find(state, parent, "resourcemanager.projects.create")

    def commit() -> Json:
        if f"projects/{identity}" in state.containers:
            raise ApiError("ALREADY_EXISTS", "Requested entity already exists")
        made = state.add_project(identity, parent=parent)
        made.body["displayName"] = call.body.get("displayName") or identity
        return shown(made)

    return start(state, "", commit, "google.cloud.resourcemanager.v3.Project", dict(_METADATA))
