"""Cloud Audit Logs: who called what, which permissions were checked on which resources. Pure; nothing in an entry is
trusted to have a shape.

Source: Cloud Logging, «LogEntry» and «AuditLog». An entry names the permissions itself (`authorizationInfo`), so
methods need no table; which host a permission belongs to is data: `audit_services.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.configuration import Settings
from provisioner.model.resources import Address, Desired
from provisioner.model.usage import Attribution, Deed, Edit, Fit, LoggedCall, Observed, Use

from . import names, schema
from .bindings import place_of
from .principals import google_agents, principal

Record = Mapping[str, Any]

SOURCE = "Cloud Audit Logs"
DATA_ACCESS = "data_access"
_LOG = re.compile(r"(projects|folders|organizations)/([^/]+)/logs/cloudaudit\.googleapis\.com(?:%2F|/)([a-z_]+)\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z\Z")
_PERMISSION_DENIED = 7
_EMAIL = re.compile(r"serviceAccounts/([^/:]+@[^/:]+)")
_SHOWN = 4


@cache
def data() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("audit_services.json").read_text("utf-8"))
    return found


def text(record: Any, *path: str) -> str:
    """A string inside an entry; empty where there is none."""
    for name in path:
        if not isinstance(record, Mapping):
            return ""
        record = record.get(name)
    return record if isinstance(record, str) else ""


def service_of(permission: str) -> str:
    """The host whose logs tell of a permission."""
    prefix = permission.partition(".")[0]
    return str(data()["services"].get(prefix, f"{prefix}.googleapis.com"))


def call_of(record: Record) -> LoggedCall | None:
    """The call; None for what is no entry of an audit log."""
    log, when = _LOG.match(text(record, "logName")), _TIME.match(text(record, "timestamp"))
    payload = record.get("protoPayload")
    if log is None or when is None or not isinstance(payload, Mapping):
        return None
    service, target = text(payload, "serviceName"), log[2]
    return LoggedCall(
        target=target,
        time=f"{when[1]}Z",
        principal=_principal(payload),
        name=f"{service} {text(payload, 'methodName')}",
        denied=_code(payload) == _PERMISSION_DENIED,
        place=text(record, "resource", "labels", "location"),
        becomes=_becomes(payload, service),
        witnesses=(f"{target} {service} {log[3]}",),
    )


def _code(payload: Record) -> int:
    status = payload.get("status")
    code = status.get("code") if isinstance(status, Mapping) else 0
    return code if isinstance(code, int) else 0


def _principal(payload: Record) -> str:
    """A member as policies spell it: a federated subject, or a service account."""
    subject = text(payload, "authenticationInfo", "principalSubject")
    if subject.startswith("principal://"):
        return f"principal:{subject.removeprefix('principal:')}"
    email = text(payload, "authenticationInfo", "principalEmail") or subject.partition(":")[2]
    return f"serviceAccount:{email}" if email.endswith("gserviceaccount.com") else ""


def _becomes(payload: Record, service: str) -> str:
    """The service account whose credentials a call gave out."""
    found = _EMAIL.search(text(payload, "resourceName")) if service == "iamcredentials.googleapis.com" else None
    return f"serviceAccount:{found[1]}" if found is not None else ""


def uses_of(record: Record) -> tuple[Use, ...]:
    """The permissions that were checked and granted; of a denied call, those that were asked for."""
    payload = record.get("protoPayload")
    listed = payload.get("authorizationInfo") if isinstance(payload, Mapping) else None
    found = []
    for item in listed if isinstance(listed, list) else ():
        permission = text(item, "permission")
        if permission and (item.get("granted") is True or (isinstance(payload, Mapping) and _code(payload))):
            found.append(Use(permission, _bare(text(item, "resource") or text(payload, "resourceName"))))
    return tuple(dict.fromkeys(found))


def _bare(name: str) -> str:
    """A resource without its host, which some services write and some do not."""
    return name.removeprefix("//").partition("/")[2] if name.startswith("//") else name


def principals_of(authority: Authority, desired: Sequence[Desired]) -> dict[str, tuple[str, str]]:
    """Agent and project by the agent's member."""
    found = (principal(authority, agent) for agent in google_agents(authority))
    return {who.member: (who.agent.name, who.project) for who in found if who.member}


def fit(block: Settings, observed: Observed) -> Fit:
    """How a tool's `google` block fits its use."""
    given = tuple(str(item) for item in block.get("permissions") or ())
    role = block.get("role")
    observed = replace(observed, uses=_explained(block, observed))
    if role is not None or not given:
        held = sorted(name for name, where in observed.uses.items() if _here(block, where))
        seen = f"; the logs show {_listed(held)} used here" if held else ""
        return Fit(unjudged=(f"role {role} is Google's: name its permissions to have them judged{seen}",))
    kept: list[str] = []
    unused: list[str] = []
    unjudged: list[str] = []
    for permission in given:
        if _here(block, observed.uses.get(permission, frozenset())):
            kept.append(permission)
            continue
        doubts = _doubts(permission, observed)
        if doubts:
            kept.append(permission)
            unjudged.append(f"{permission}: {doubts}")
        else:
            unused.append(permission)
    edits = (Edit((), {"permissions": tuple(kept)}),) if unused and kept else ()
    return Fit(tuple(unused), (), tuple(unjudged), edits, idle=not kept)


def _explained(block: Settings, observed: Observed) -> dict[str, frozenset[str]]:
    """The uses; a resource that no block is about is taken for one that the entry does not say: the call was allowed,
    and what allowed it must not be taken for unused."""
    blocks = (block, *observed.blocks)
    return {
        name: frozenset(one if any(_here(item, (one,)) for item in blocks) else "" for one in where)
        for name, where in observed.uses.items()
    }


def _here(block: Settings, where: Collection[str]) -> bool:
    """Whether a use may have been through this block: of its resource, of what lies in it, or of where it lies."""
    own = _place(_bare(str(block.get("resource", ""))))
    return any(not name or _inside(_place(name), own) or _inside(own, _place(name)) for name in where)


def _place(name: str) -> tuple[str, ...]:
    """A name's parts, but for the project: logs name it by id or by number."""
    parts = tuple(name.removesuffix("*").strip("/").split("/"))
    return parts[2:] if parts[0] == "projects" else () if parts[0] in ("folders", "organizations") else parts


def _inside(name: tuple[str, ...], place: tuple[str, ...]) -> bool:
    return name[: len(place)] == place


def _doubts(permission: str, observed: Observed) -> str:
    """Why the logs do not tell whether a permission was used; empty where they do."""
    service = service_of(permission)
    unmapped = [name for name in observed.unmapped if name.partition(" ")[0] == service or " " not in name]
    if unmapped:
        return f"the entries of {_listed(unmapped)} name no permission"
    for target in observed.targets:
        if f"{target} {service} {DATA_ACCESS}" not in observed.witnesses:
            return f"the logs hold no Data Access entries of {service} in project {target}"
    return ""


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def deed_of(record: Record, wanted: Collection[Address]) -> Deed | None:
    """Which of the wanted addresses a successful call changed."""
    payload = record.get("protoPayload")
    if call_of(record) is None or not isinstance(payload, Mapping) or _code(payload):
        return None
    method = text(payload, "methodName").rpartition(".")[2].lower()
    if "setiampolicy" in method or "updatepolicy" in method:
        changed = _members(payload, wanted)
    else:
        changed = _objects(payload, method, wanted)
    return Deed(changed, attribution(record, payload)) if changed else None


def attribution(record: Record, payload: Record) -> Attribution:
    who = text(payload, "authenticationInfo", "principalEmail") or text(
        payload, "authenticationInfo", "principalSubject"
    )
    when = _TIME.match(text(record, "timestamp"))
    return Attribution(
        actor=who or "somebody whom the entry does not name",
        time=f"{when[1]}Z" if when is not None else "",
        call=text(payload, "methodName"),
        event=text(record, "insertId"),
        source=SOURCE,
    )


def _members(payload: Record, wanted: Collection[Address]) -> tuple[Address, ...]:
    """Bindings that a new policy added or took away."""
    deltas = list(_deltas(payload))
    resource = text(payload, "resourceName")
    out = []
    for address in wanted:
        place = place_of(address.name) if address.kind in schema.TUPLES else None
        if place is None or not _same(_bare(place.resource), resource, text(payload, "serviceName"), place.resource):
            continue
        if any(text(d, "role") == place.role and text(d, "member") == place.member for d in deltas):
            out.append(address)
    return tuple(out)


def _same(own: str, logged: str, service: str, full: str) -> bool:
    """Whether an entry is about a resource: by its path, the project's number aside; a project also by its bare id."""
    host = full.removeprefix("//").partition("/")[0]
    if host != service:
        return False
    return own == _bare(logged) or own == f"projects/{logged}" or (_place(own) == _place(logged) != ())


def _deltas(payload: Record) -> Iterator[Any]:
    for holder in ("serviceData", "metadata"):
        found = payload.get(holder)
        delta = found.get("policyDelta") if isinstance(found, Mapping) else None
        listed = delta.get("bindingDeltas") if isinstance(delta, Mapping) else None
        yield from listed if isinstance(listed, list) else ()


_METHODS = {
    schema.ACCOUNT: "serviceaccount",
    schema.ACCOUNT_KEY: "serviceaccountkey",
    schema.CUSTOM_ROLE: "role",
    schema.POOL: "workloadidentitypool",
    schema.POOL_PROVIDER: "workloadidentitypoolprovider",
    schema.DENY_POLICY: "policy",
}
_VERBS = ("create", "update", "patch", "delete", "undelete", "disable", "enable")


def _objects(payload: Record, method: str, wanted: Collection[Address]) -> tuple[Address, ...]:
    """Accounts, keys, roles, pools and providers that a call made, changed or deleted."""
    said = " ".join(
        (text(payload, "resourceName"), text(payload, "response", "name"), text(payload, "request", "name"))
    )
    out = []
    for address in wanted:
        noun = _METHODS.get(address.kind)
        if noun is None or not any(method == f"{verb}{noun}" for verb in _VERBS):
            continue
        words = [f"/{part}" for part in address.name.partition("@")[0].split("/")]
        if address.kind == schema.ACCOUNT:
            words = [names.email(address.name, address.target)]
        if all(word in said for word in words):
            out.append(address)
    return tuple(out)
