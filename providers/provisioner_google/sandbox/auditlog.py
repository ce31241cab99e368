"""The Admin Activity log, as far as `entries.list` shows it: who changed which allow policy, by how much.

Written for `setIamPolicy` of what `allow` answers for (projects, folders, organisations, service accounts, topics,
secrets, keys, tables, services); buckets and BigQuery datasets have ways of their own and are left out, as is every
other method. Entries are there at once. A filter is a conjunction of `logName="…"` and `timestamp>="…"`; another is
refused.

Sources: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list,
https://cloud.google.com/logging/docs/audit/understanding-audit-logs, google.iam.v1.logging.AuditData.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .clock import timestamp
from .core import Call, page
from .errors import Json, invalid
from .members import shown_member
from .state import State

KEPT = 10_000
_PAGE, _MOST = 50, 1000
_TEST = re.compile(r'(logName\s*=|timestamp\s*>=)\s*"([^"]*)"\Z')


def saw(state: State, call: Call, full_name: str, container: str, before: list[Json], after: list[Json]) -> None:
    """Keep a policy that was written, under the project, folder or organisation of its resource."""
    host, _, path = full_name.removeprefix("//").partition("/")
    who = (call.caller or "").partition(":")[2] or call.caller or ""
    payload: Json = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "status": {},
        "authenticationInfo": {"principalEmail": who} if who else {},
        "serviceName": host,
        "methodName": "SetIamPolicy",
        "resourceName": path,
        "serviceData": {
            "@type": "type.googleapis.com/google.iam.v1.logging.AuditData",
            "policyDelta": {
                "bindingDeltas": [
                    *_deltas(state, "REMOVE", before, after),
                    *_deltas(state, "ADD", after, before),
                ]
            },
        },
    }
    entry: Json = {
        "insertId": state.new_number(),
        "logName": f"{container}/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": timestamp(state.now()),
        "severity": "NOTICE",
        "resource": {"type": "audited_resource", "labels": {"service": host}},
        "protoPayload": payload,
    }
    state.entries.append(entry)
    del state.entries[:-KEPT]


def _deltas(state: State, action: str, having: list[Json], lacking: list[Json]) -> Iterator[Json]:
    """A delta for each member and condition that one side has and the other has not."""
    known = {(b["role"], member, str(b.get("condition"))) for b in lacking for member in b["members"]}
    for binding in having:
        for member in binding["members"]:
            if (binding["role"], member, str(binding.get("condition"))) not in known:
                delta: Json = {"action": action, "role": binding["role"], "member": shown_member(state, member)}
                yield {**delta, "condition": binding["condition"]} if "condition" in binding else delta


def resource_of(state: State, call: Call) -> str:
    """The full name of the first resource that is asked about."""
    names = call.body.get("resourceNames") or [""]
    return f"//cloudresourcemanager.googleapis.com/{names[0]}"


def list_entries(state: State, call: Call) -> Json:
    """Raises ApiError (INVALID_ARGUMENT) for a request without resources and for a filter that is not understood."""
    names = call.body.get("resourceNames") or []
    if not names:
        raise invalid("At least one resource name is required.", "resource_names")
    order = call.body.get("orderBy") or "timestamp asc"
    if order not in ("timestamp asc", "timestamp desc"):
        raise invalid(f"Unsupported order_by: {order}", "order_by")
    tests = [_test(part) for part in str(call.body.get("filter") or "").split(" AND ") if part.strip()]
    found = [
        entry
        for entry in state.entries
        if str(entry["logName"]).partition("/logs/")[0] in names
        and all(_holds(entry, name, value) for name, value in tests)
    ]
    return page(found[::-1] if order.endswith("desc") else found, call, "entries", _PAGE, _MOST)


def _test(part: str) -> tuple[str, str]:
    found = _TEST.match(part.strip())
    if found is None:
        raise invalid(f"The emulator does not understand the filter {part.strip()!r}.", "filter")
    return ("logName" if found[1].startswith("logName") else "timestamp"), found[2]


def _holds(entry: Json, name: str, value: str) -> bool:
    return bool(entry[name] == value if name == "logName" else entry[name] >= value)
