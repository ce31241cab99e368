"""Asks Cloud Logging who changed something: one listing a project, newest first.

Sources: Cloud Logging REST reference v2, «entries.list» (`logging.logEntries.list`; 60 requests a minute and project);
«Cloud Audit Logs overview»: Admin Activity logs are always on, and kept for 400 days.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from provisioner.model.resources import Address
from provisioner.model.usage import Attribution
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection
from provisioner.sdk.usage import LookedUp

from .audit import deed_of
from .bindings import place_of
from .client import Project
from .faults import CallError, Fault
from .table import project_of

LOGGING = "logging.googleapis.com"
PERMISSION = "logging.logEntries.list"
DAYS = 90
PAGE = 200
PAGES = 5


def look_up(connections: Sequence[Connection], addresses: Collection[Address]) -> LookedUp:
    """Ask the project that each change was logged in; the newest call counts."""
    found: dict[Address, Attribution] = {}
    calls: dict[str, int] = {}
    for connection in connections:
        project = Project(connection)
        target = f"google:{project.id}"
        own = [address for address in sorted(addresses) if address.target == project.id]
        if not own or target in calls:
            continue
        by_project: dict[str, list[Address]] = {}
        for address in own:
            by_project.setdefault(logged_in(address), []).append(address)
        for name, mine in by_project.items():
            found.update(_of_project(project, name, mine))
        calls[target] = project.calls
    return LookedUp(found, calls)


def logged_in(address: Address) -> str:
    """The project whose log tells of an address: that of the resource that a grant is on, as far as its name says."""
    place = place_of(address.name)
    return (project_of(place.resource) if place is not None else None) or address.target


def _of_project(project: Project, name: str, addresses: Sequence[Address]) -> dict[Address, Attribution]:
    found: dict[Address, Attribution] = {}
    since = datetime.now(UTC) - timedelta(days=DAYS)
    body: dict[str, Any] = {
        "resourceNames": [f"projects/{name}"],
        "filter": f'logName="projects/{name}/logs/cloudaudit.googleapis.com%2Factivity"'
        f' AND timestamp>="{since.strftime("%Y-%m-%dT%H:%M:%SZ")}"',
        "orderBy": "timestamp desc",
        "pageSize": PAGE,
    }
    why = f"the last {DAYS} days of the Admin Activity log of {name} hold no such call"
    for _ in range(PAGES):
        try:
            page = project.read("POST", LOGGING, "/v2/entries:list", {}, body)
        except CallError as error:
            denied = error.fault is Fault.DENIED
            why = f"reader lacks {PERMISSION} on project {name}" if denied else f"{PERMISSION} failed: {error}"
            break
        except CloudError as error:
            why = f"{PERMISSION} failed: {error.summary}"
            break
        for entry in page.get("entries") or ():
            deed = deed_of(entry, [a for a in addresses if a not in found]) if isinstance(entry, dict) else None
            if deed is not None:
                found.update(dict.fromkeys(deed.addresses, deed.attribution))
        token = page.get("nextPageToken")
        if not token or len(found) == len(addresses):
            break
        body["pageToken"] = token
    else:
        why = f"none of the last {PAGE * PAGES} records of the Admin Activity log of {name} is such a call"
    return {address: found.get(address, Attribution(unknown=why)) for address in addresses}
