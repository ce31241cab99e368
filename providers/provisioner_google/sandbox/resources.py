"""Things that grants are made on: secrets, topics, subscriptions, KMS key rings and keys, Cloud Run services, clusters,
reasoning engines. They exist, are listed, and have a policy; they do nothing.

Also the one place that says which resource a relative name is, and what stands above it.
"""

from __future__ import annotations

import re

from .clock import timestamp
from .core import Call, page
from .errors import ApiError, Json, denied, exists, invalid, not_found
from .kinds import Kind, by_prefix, of_full_name, of_method
from .operations import start
from .state import Record, Resource, State, without_defaults

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~+%-]{0,254}")


def full_name(state: State, kind: Kind, name: str, permission: str) -> str:
    """`//HOST/…` with the project's id; a service account by its unique id. Raises ApiError for an unknown project."""
    parts = name.split("/")
    if kind.prefix == "iam.projects.serviceAccounts":
        from .service_accounts import find

        body = find(state, name, permission).body
        return f"//iam.googleapis.com/projects/{body['projectId']}/serviceAccounts/{body['uniqueId']}"
    if parts[0] == "b":
        return f"//storage.googleapis.com/projects/_/buckets/{parts[1]}"
    if parts[0] == "projects":
        parts[:2] = state.project("/".join(parts[:2]), permission).name.split("/")
    return f"//{kind.host}.googleapis.com/{'/'.join(parts)}"


def target(state: State, kind: Kind, name: str, permission: str) -> str:
    """The full name of an existing resource. Raises ApiError: 404, or 403 for a container that is not there."""
    full = full_name(state, kind, name, permission)
    if kind.host == "cloudresourcemanager":
        if state.container(name) is None:
            raise denied(permission, full)
        return full
    if kind.host != "iam":
        existing(state, full)
    return full


def existing(state: State, full: str) -> Resource:
    """The resource of a full name; it comes into being where the switch says so. Raises ApiError (NOT_FOUND)."""
    found = state.resources.get(full)
    if found is None and state.switches.on_demand:
        add_resource(state, full)
        found = state.resources.get(full)
    if found is None:
        raise not_found(f"Resource not found (resource={full.rpartition('/')[2]}).")
    return found


def parents(state: State, full: str) -> list[str]:
    """What stands above a resource, nearest first: its project, folders, organisation; for a table its dataset too."""
    found: list[str] = []
    match = re.fullmatch(r"//[a-z]+\.googleapis\.com/((?:projects|folders|organizations)/[^/]+)(/.*)?", full)
    name = match[1] if match is not None else ""
    resource = state.resources.get(full)
    if resource is not None:
        name = resource.project
        if resource.parent:
            found.append(resource.parent)
    container = state.container(name)
    if container is not None and full.startswith("//cloudresourcemanager.") and container.parent:
        container = state.container(container.parent)
    elif full.startswith("//cloudresourcemanager."):
        container = None
    while container is not None:
        found.append(f"//cloudresourcemanager.googleapis.com/{container.name}")
        container = state.container(container.parent) if container.parent else None
    return found


def add_resource(state: State, full: str, body: Json | None = None, project: str = "") -> Resource:
    """Seed a resource by its full name. `project` is needed for a bucket. Raises ApiError for a name of no kind."""
    if (bucket := re.fullmatch(r"//storage\.googleapis\.com/([a-z0-9._-]+)", full)) is not None:
        full = f"//storage.googleapis.com/projects/_/buckets/{bucket[1]}"
    kind = of_full_name(full)
    if kind is None or kind.host in ("cloudresourcemanager", "iam"):
        raise invalid(f"The emulator has no kind of resource named like {full}.")
    relative = full.split("/", 3)[3]
    if kind.host == "storage":
        owner = project or next((name for name in state.containers if name.startswith("projects/")), "")
        name = state.project(owner if "/" in owner else f"projects/{owner}", "storage.buckets.create").name
    else:
        name = state.project("/".join(relative.split("/")[:2]), f"{kind.permission}.create").name
        full = f"//{kind.host}.googleapis.com/{'/'.join([name, *relative.split('/')[2:]])}"
    parent = ""
    if kind.prefix in ("bigquery.tables", "cloudkms.projects.locations.keyRings.cryptoKeys"):
        parent = full.rsplit("/", 2)[0]
        if parent not in state.resources:
            add_resource(state, parent)
    made = Resource(kind.prefix, full, name, parent, Record(dict(body or {}), state.now()))
    if kind.host in ("storage", "bigquery"):
        from . import bigquery, buckets

        (buckets if kind.host == "storage" else bigquery).complete(state, made)
    state.resources[full] = made
    return made


def name_in_answers(state: State, resource: Resource) -> str:
    """The relative name; Secret Manager names the project by its number."""
    relative = resource.full_name.split("/", 3)[3]
    if not by_prefix()[resource.kind].by_number:
        return relative
    return "/".join(["projects", state.containers[resource.project].number, *relative.split("/")[2:]])


def shown(state: State, resource: Resource) -> Json:
    body = {**resource.record.body, "name": name_in_answers(state, resource)}
    if resource.kind.startswith("container."):
        body["name"] = body["name"].rpartition("/")[2]
        body["location"] = resource.full_name.split("/")[6]
        pool = f"{resource.project.removeprefix('projects/')}.svc.id.goog"
        body = {"status": "RUNNING", "workloadIdentityConfig": {"workloadPool": pool}, **body}
    elif not resource.kind.startswith("pubsub."):
        body["createTime"] = timestamp(resource.record.created)
    return without_defaults(body)


def create(state: State, call: Call) -> Json:
    kind = of_method(call.method)
    permission = f"{kind.permission}.create"
    name = call.name
    if kind.identity:
        identity = call.query.get(kind.identity, "")
        name = f"{call.name}/{kind.pattern.split('/')[-2]}/{identity}"
    if not _ID.fullmatch(name.rpartition("/")[2]):
        raise invalid(f"Invalid id: {name.rpartition('/')[2]!r}", kind.identity or "name")
    full = full_name(state, kind, name, permission)
    if full in state.resources:
        raise exists(f"Resource already exists in the project (resource={name.rpartition('/')[2]}).")
    parent = full.rsplit("/", 2)[0]
    if kind.prefix.endswith("cryptoKeys") and parent not in state.resources:
        raise not_found(f"KeyRing {parent} not found.")
    _references(state, kind, call.body)
    if call.query.get("validateOnly") == "true" or kind.host == "run":
        # Cloud Run answers with an operation.
        if kind.host == "run" and call.query.get("validateOnly") != "true":
            place = "/".join(full.split("/")[3:7])
            metadata = {"@type": "type.googleapis.com/google.cloud.run.v2.Service"}
            return start(
                state,
                f"{place}/",
                lambda: shown(state, add_resource(state, full, call.body)),
                "google.cloud.run.v2.Service",
                metadata,
            )
        return dict(call.body)
    return shown(state, add_resource(state, full, call.body))


def _references(state: State, kind: Kind, body: Json) -> None:
    if kind.prefix == "secretmanager.projects.secrets" and not body.get("replication"):
        raise invalid("The replication is missing.", "secret.replication")
    if kind.prefix == "pubsub.projects.subscriptions":
        topic = full_name(state, by_prefix()["pubsub.projects.topics"], body.get("topic", ""), "pubsub.topics.get")
        existing(state, topic)


def get(state: State, call: Call) -> Json:
    kind = of_method(call.method)
    return shown(state, existing(state, full_name(state, kind, call.name, f"{kind.permission}.get")))


def list_resources(state: State, call: Call) -> Json:
    """All of a collection; a location `-` is every location."""
    kind = of_method(call.method)
    prefix = full_name(state, kind, call.name, f"{kind.permission}.list")
    wanted = re.compile(re.escape(prefix).replace(r"/locations/\-", "/locations/[^/]+") + "/[^/]+/[^/]+")
    found = [
        shown(state, one)
        for name, one in sorted(state.resources.items())
        if one.kind == kind.prefix and wanted.fullmatch(name)
    ]
    if kind.host == "container":
        return {"clusters": found} if found else {}
    return page(found, call, kind.key, 100, 1000)


def delete(state: State, call: Call) -> Json:
    """Gone with its policy: one made again under the name has none of the old grants."""
    kind = of_method(call.method)
    full = full_name(state, kind, call.name, f"{kind.permission}.delete")
    resource = existing(state, full)
    if any(one.parent == full for one in state.resources.values()):
        raise ApiError("FAILED_PRECONDITION", "The resource is not empty.")

    def commit() -> Json:
        state.resources.pop(full, None)
        state.policies.pop(full, None)
        return {}

    if kind.host == "run":
        metadata = {"@type": "type.googleapis.com/google.cloud.run.v2.Service"}
        place = "/".join(resource.full_name.split("/")[3:7])
        return start(state, f"{place}/", commit, "google.cloud.run.v2.Service", metadata)
    return commit()
