"""BigQuery datasets, whose policy is `access[]`, and tables, which have an allow policy.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets. A write replaces `access[]`; the etag goes
into If-Match and a stale one is 412. Roles come back in their legacy names (READER, WRITER, OWNER). Without
`accessPolicyVersion=3` conditions are neither shown nor taken.
"""

from __future__ import annotations

import re

from .core import Call, page
from .errors import ApiError, Json, exists, invalid, not_found
from .members import shown_member, stored_member
from .policies import check_condition
from .resources import add_resource, existing
from .roles import bindable
from .state import PolicyRecord, Resource, State, without_defaults

LEGACY = {
    "roles/bigquery.dataViewer": "READER",
    "roles/bigquery.dataEditor": "WRITER",
    "roles/bigquery.dataOwner": "OWNER",
}
_MODERN = {legacy: role for role, legacy in LEGACY.items()}
_ID = re.compile(r"[A-Za-z0-9_]{1,1024}")
_GROUPS = {"projectOwners": "projectOwner", "projectWriters": "projectEditor", "projectReaders": "projectViewer"}
_WHO = ("userByEmail", "groupByEmail", "domain", "specialGroup", "iamMember")
_RESOURCES = ("view", "routine", "dataset")
_DEFAULT = (
    {"role": "WRITER", "specialGroup": "projectWriters"},
    {"role": "OWNER", "specialGroup": "projectOwners"},
    {"role": "READER", "specialGroup": "projectReaders"},
)


def complete(state: State, made: Resource) -> None:
    """What a new dataset or table has besides what was sent; a dataset without `access` gets BigQuery's default."""
    parts = made.full_name.split("/")[3:]
    body = made.record.body
    reference = {"projectId": parts[1], "datasetId": parts[3]}
    body["etag"] = state.new_etag()
    body["id"] = f"{parts[1]}:{'.'.join(parts[3::2])}"
    if made.kind == "bigquery.tables":
        body |= {"kind": "bigquery#table", "tableReference": {**reference, "tableId": parts[5]}, "type": "TABLE"}
        return
    body |= {"kind": "bigquery#dataset", "datasetReference": reference, "location": body.get("location", "US")}
    sent = body.pop("access", None)
    _store(state, made, list(_DEFAULT) if sent is None else sent, 3)


def _store(state: State, dataset: Resource, entries: list[Json], version: int) -> None:
    """Keep the entries, and the bindings that they stand for. Raises ApiError (INVALID_ARGUMENT)."""
    before = list(dataset.record.body.get("access", []))
    known = frozenset(str(entry.get("member", "")) for entry in before)
    known |= {shown_member(state, member).removeprefix("deleted:") for member in known}
    roles = frozenset(str(_MODERN.get(entry.get("role", ""), entry.get("role", ""))) for entry in before)
    kept: list[Json] = []
    for entry in entries:
        if any(key in entry for key in _RESOURCES):
            kept.append({key: entry[key] for key in _RESOURCES if key in entry})
            continue
        kept.append(_entry(state, dataset, entry, version, known, roles))
    unique = [entry for index, entry in enumerate(kept) if entry not in kept[:index]]
    dataset.record.body["access"] = unique
    bindings = [
        {
            "role": _MODERN.get(entry["role"], entry["role"]),
            "members": [entry["member"]],
            **({"condition": entry["condition"]} if "condition" in entry else {}),
        }
        for entry in unique
        if "member" in entry
    ]
    record = state.policies.setdefault(dataset.full_name, PolicyRecord())
    record.versions.append((state.now(), bindings, [], dataset.record.body["etag"]))
    if not state.switches.propagation_delay:
        del record.versions[:-1]


def _entry(
    state: State, dataset: Resource, entry: Json, version: int, known: frozenset[str], roles: frozenset[str]
) -> Json:
    role = entry.get("role", "")
    if not role:
        raise invalid("An access entry needs a role.", "access.role")
    bindable(state, str(_MODERN.get(role, role)), dataset.project, roles)
    named = [key for key in _WHO if entry.get(key)]
    if len(named) != 1:
        raise invalid(f"An access entry names exactly one of {', '.join(_WHO)}.", "access")
    member = stored_member(state, _member(dataset, named[0], entry[named[0]]), known, True)
    made: Json = {"role": LEGACY.get(role, role), "member": member}
    if entry.get("condition"):
        if version < 3:
            raise invalid("Conditions need accessPolicyVersion=3.", "access.condition")
        if role in ("roles/owner", "roles/editor", "roles/viewer"):
            raise invalid("Conditions cannot be used with basic roles.", "access.condition")
        check_condition(entry["condition"], "access.condition")
        made["condition"] = entry["condition"]
    return made


def _member(dataset: Resource, key: str, value: str) -> str:
    if key == "userByEmail":
        return f"{'serviceAccount' if value.endswith('gserviceaccount.com') else 'user'}:{value}"
    if key == "groupByEmail":
        return f"group:{value}"
    if key == "domain":
        return f"domain:{value}"
    if key == "iamMember":
        return value
    if value in _GROUPS:
        return f"{_GROUPS[value]}:{dataset.project.removeprefix('projects/')}"
    if value == "allAuthenticatedUsers":
        return value
    raise invalid(f"Unknown special group: {value}", "access.special_group")


def _shown_entry(state: State, entry: Json, version: int) -> Json:
    if "member" not in entry:
        return entry
    member = shown_member(state, entry["member"])
    kind, _, value = member.partition(":")
    names = {group: name for name, group in _GROUPS.items()}
    shown: Json = {"role": entry["role"]}
    if kind in ("user", "serviceAccount"):
        shown["userByEmail"] = value
    elif kind == "group":
        shown["groupByEmail"] = value
    elif kind == "domain":
        shown["domain"] = value
    elif kind in names:
        shown["specialGroup"] = names[kind]
    elif member == "allAuthenticatedUsers":
        shown["specialGroup"] = member
    else:
        shown["iamMember"] = member
    if "condition" in entry and version >= 3:
        shown["condition"] = entry["condition"]
    return shown


def _version(call: Call) -> int:
    try:
        version = int(call.query.get("accessPolicyVersion") or 1)
    except ValueError as error:
        raise invalid("Invalid accessPolicyVersion") from error
    if version not in (0, 1, 3):
        raise invalid(f"Invalid accessPolicyVersion: {version}. Valid values are 0, 1, 3.")
    return version


def _full(state: State, call: Call, permission: str) -> str:
    parts = call.name.split("/")
    parts[:2] = state.project("/".join(parts[:2]), permission).name.split("/")
    return f"//bigquery.googleapis.com/{'/'.join(parts)}"


def _existing(state: State, call: Call, permission: str) -> Resource:
    full = _full(state, call, permission)
    try:
        return existing(state, full)
    except ApiError as error:
        parts = full.split("/")[3:]
        kind = "Table" if len(parts) == 6 else "Dataset"
        raise not_found(f"Not found: {kind} {parts[1]}:{'.'.join(parts[3::2])}") from error


def _shown(state: State, dataset: Resource, version: int) -> Json:
    body = dict(dataset.record.body)
    if "access" in body:
        body["access"] = [_shown_entry(state, entry, version) for entry in body["access"]]
    return without_defaults(body)


def get_dataset(state: State, call: Call) -> Json:
    return _shown(state, _existing(state, call, "bigquery.datasets.get"), _version(call))


def get_table(state: State, call: Call) -> Json:
    return _shown(state, _existing(state, call, "bigquery.tables.get"), 3)


def _insert(state: State, call: Call, collection: str, identity: str) -> Resource:
    if not _ID.fullmatch(identity):
        raise invalid(f'Invalid {collection} ID "{identity}".')
    full = f"{_full(state, call, f'bigquery.{collection}.create')}/{collection}/{identity}"
    if full in state.resources:
        parts = full.split("/")[3:]
        raise exists(f"Already Exists: {collection[:-1].title()} {parts[1]}:{'.'.join(parts[3::2])}")
    return add_resource(state, full, call.body)


def insert_dataset(state: State, call: Call) -> Json:
    made = _insert(state, call, "datasets", call.body.get("datasetReference", {}).get("datasetId", ""))
    return _shown(state, made, _version(call))


def insert_table(state: State, call: Call) -> Json:
    _existing(state, call, "bigquery.tables.create")
    made = _insert(state, call, "tables", call.body.get("tableReference", {}).get("tableId", ""))
    return _shown(state, made, 3)


def change_dataset(state: State, call: Call) -> Json:
    """patch and update: `access` is replaced where it is sent. Raises ApiError: 412 for a stale If-Match."""
    dataset = _existing(state, call, "bigquery.datasets.update")
    version = _version(call)
    body = dataset.record.body
    if call.if_match not in (None, "*") and call.if_match != body["etag"]:
        raise ApiError("CONDITION_NOT_MET", "Precondition check failed.")
    conditional = any("condition" in entry for entry in body["access"])
    if "access" in call.body:
        if conditional and version < 3:
            raise invalid("The dataset's access has conditions; use accessPolicyVersion=3 to change it.")
        new_etag = state.new_etag()
        old, body["etag"] = body["etag"], new_etag
        try:
            _store(state, dataset, call.body["access"], version)
        except ApiError:
            body["etag"] = old
            raise
    ours = ("access", "etag", "kind", "id", "datasetReference")
    body |= {key: value for key, value in call.body.items() if key not in ours}
    body["etag"] = state.new_etag()
    return _shown(state, dataset, version)


def list_datasets(state: State, call: Call) -> Json:
    return _listed(state, call, "datasets", "bigquery#dataset")


def list_tables(state: State, call: Call) -> Json:
    _existing(state, call, "bigquery.tables.list")
    return _listed(state, call, "tables", "bigquery#table")


def _listed(state: State, call: Call, collection: str, kind: str) -> Json:
    wanted = re.compile(re.escape(f"{_full(state, call, f'bigquery.{collection}.list')}/{collection}/") + "[^/]+")
    found = [
        {key: one.record.body[key] for key in ("kind", "id", f"{collection[:-1]}Reference")}
        for name, one in sorted(state.resources.items())
        if wanted.fullmatch(name)
    ]
    return {"kind": f"{kind}List", **page(found, call, collection, 1000, 1000)}


def delete(state: State, call: Call) -> Json:
    full = _existing(state, call, "bigquery.datasets.delete").full_name
    tables = [name for name, one in state.resources.items() if one.parent == full]
    if tables and call.query.get("deleteContents") != "true":
        raise ApiError("FAILED_PRECONDITION", f"Dataset {full.rpartition('/')[2]} is still in use")
    for name in [*tables, full]:
        del state.resources[name]
        state.policies.pop(name, None)
    return {}
