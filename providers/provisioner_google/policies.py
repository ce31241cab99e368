"""Allow policies of every kind of resource, read and written as tuples.

A policy is read at version 3 and written with the etag that came with it. What is not ours is sent back as it came,
but for members that Google has marked as deleted: they are never written back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import table
from .bindings import Tuple, canonical_condition
from .client import Json, Project
from .forms import LEGACY_ROLES

VERSION = 3

_ACCESS_MEMBERS = {"groupByEmail": "group:", "domain": "domain:", "iamMember": ""}
_SPELLED = {role: legacy for legacy, role in LEGACY_ROLES.items()}


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """A policy as read. `raw` is the answer; `tuples` every grant in it, deleted members included."""

    resource: str
    raw: Json
    tuples: tuple[Tuple, ...]

    @property
    def etag(self) -> str:
        return str(self.raw.get("etag") or "")


def read_policy(project: Project, resource: str) -> LivePolicy:
    """The allow policy of a resource of the table. Raises CallError, and ValueError for another resource."""
    row, path = _row(resource)
    if row is table.DATASET:
        raw = project.get(row.host, path, **{row.version: VERSION})
        return LivePolicy(resource, raw, tuple(_of_access(resource, raw)))
    body = {"options": {"requestedPolicyVersion": VERSION}} if row.version == table.BODY else None
    params = {} if row.version == table.BODY else {row.version: VERSION}
    if body is None and row.get == "POST":
        body = {}
    raw = project.read(row.get, row.host, f"{path}{row.suffixes[0]}", params, body)
    return LivePolicy(resource, raw, tuple(_of_bindings(resource, raw)))


def write_policy(project: Project, policy: LivePolicy, remove: Iterable[Tuple], add: Iterable[Tuple]) -> None:
    """Send the policy with a delta laid over it, once, with its etag. Raises CallError; ABORTED for a stale etag."""
    row, path = _row(policy.resource)
    gone, new = set(map(_key, remove)), list(add)
    if row is table.DATASET:
        access = _edited_access(policy.raw, gone, new)
        headers = {"If-Match": policy.etag} if policy.etag else {}
        project.send(row.put, row.host, path, {row.version: VERSION}, {"access": access}, headers)
        return
    changed = {
        **{name: value for name, value in policy.raw.items() if name not in ("kind", "resourceId")},
        "version": VERSION,
        "bindings": _edited_bindings(policy, gone, new),
    }
    body = changed if row.put == "PUT" else {"policy": changed}
    project.send(row.put, row.host, f"{path}{row.suffixes[1]}", {}, body)


def deleted(member: str) -> bool:
    return member.startswith("deleted:")


def _row(resource: str) -> tuple[table.Row, str]:
    found = table.row_of(resource)
    if found is None:
        raise ValueError(f"{resource} is no resource that this version knows")
    return found[0], table.rest_path(resource)


def _key(item: Tuple) -> tuple[str, str, tuple[str, ...]]:
    condition = item.condition
    return item.role, item.member, tuple(condition[name] for name in sorted(condition)) if condition else ()


def _of_bindings(resource: str, raw: Mapping[str, Any]) -> Iterable[Tuple]:
    for binding in raw.get("bindings") or ():
        for member in binding.get("members") or ():
            yield _tuple_of(resource, binding, member)


def _edited_bindings(policy: LivePolicy, gone: set[Any], new: list[Tuple]) -> list[Json]:
    """The bindings as they came, whatever they hold besides, but for the members that go and come."""
    out: list[Json] = []
    known = set()
    for given in policy.raw.get("bindings") or ():
        kept = []
        for member in given.get("members") or ():
            item = _tuple_of(policy.resource, given, member)
            if _key(item) not in gone and not deleted(item.member):
                known.add(_key(item))
                kept.append(member)
        if kept:
            out.append({**given, "members": kept})
    for item in new:
        if _key(item) not in known:
            known.add(_key(item))
            _fitting(out, item)["members"].append(item.member)
    return out


def _fitting(bindings: list[Json], item: Tuple) -> Json:
    """The binding that a member is added to: one of its role that demands exactly its condition, else a new one."""
    wanted: Json = {"role": item.role}
    if item.condition is not None:
        wanted["condition"] = {name: text for name, text in item.condition.items() if text}
    for binding in bindings:
        rest = {name: value for name, value in binding.items() if name != "members" and value}
        if rest == wanted:
            return binding
    bindings.append({**wanted, "members": []})
    return bindings[-1]


def _tuple_of(resource: str, binding: Mapping[str, Any], member: Any) -> Tuple:
    return Tuple(resource, str(binding.get("role", "")), str(member), canonical_condition(binding.get("condition")))


def _of_access(resource: str, raw: Mapping[str, Any]) -> Iterable[Tuple]:
    for entry in raw.get("access") or ():
        item = _access_tuple(resource, entry)
        if item is not None:
            yield item


def _access_tuple(resource: str, entry: Mapping[str, Any]) -> Tuple | None:
    """None for what is no grant of a role to a member (an authorized view, a special group)."""
    role = LEGACY_ROLES.get(str(entry.get("role", "")), str(entry.get("role", "")))
    condition = canonical_condition(entry.get("condition"))
    email = entry.get("userByEmail")
    if email:
        kind = "serviceAccount" if str(email).endswith("gserviceaccount.com") else "user"
        return Tuple(resource, role, f"{kind}:{email}", condition)
    for field, prefix in _ACCESS_MEMBERS.items():
        if entry.get(field):
            return Tuple(resource, role, f"{prefix}{entry[field]}", condition)
    return None


def _edited_access(raw: Mapping[str, Any], gone: set[Any], new: list[Tuple]) -> list[Json]:
    out: list[Json] = []
    known = set()
    for entry in raw.get("access") or ():
        item = _access_tuple("", entry)
        if item is not None and (_key(item) in gone or deleted(item.member)):
            continue
        if item is not None:
            known.add(_key(item))
        out.append(dict(entry))
    return [*out, *(_entry(item) for item in new if _key(item) not in known)]


def _entry(item: Tuple) -> Json:
    entry: Json = {"role": _SPELLED.get(item.role, item.role)}
    kind, _, name = item.member.partition(":")
    if kind in ("serviceAccount", "user"):
        entry["userByEmail"] = name
    else:
        entry["iamMember"] = item.member
    if item.condition is not None:
        entry["condition"] = {key: text for key, text in item.condition.items() if text}
    return entry
