"""Everything the emulated cloud holds, in memory: records by name, and what makes names and etags.

Bodies are JSON objects with Google's own field names. All access is under `State.lock`, which the core takes.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .clock import Clock
from .errors import ApiError, Json, denied, not_found
from .switches import Switches

EMPTY_ETAG = "ACAB"
"""The etag of a policy that was never written."""


@dataclass(slots=True)
class Container:
    """An organisation, a folder or a project. `name` is `organizations/N`, `folders/N` or `projects/ID`."""

    name: str
    number: str
    parent: str
    body: Json


@dataclass(slots=True)
class Record:
    """A stored resource: its JSON body, when it was made, and when it was deleted if that is soft.

    `reads` counts the reads since it was made, for the switch that hides new things.
    """

    body: Json
    created: float
    deleted: float | None = None
    reads: int = 0


@dataclass(slots=True)
class PolicyRecord:
    """An allow policy and its past: (time, bindings, audit configurations, etag), the latest last."""

    versions: list[tuple[float, list[Json], list[Json], str]] = field(default_factory=list)


@dataclass(slots=True)
class Resource:
    """A thing with an allow policy of its own. `full_name` starts with `//service.googleapis.com/`."""

    kind: str
    full_name: str
    project: str
    parent: str
    record: Record


@dataclass(slots=True)
class Pending:
    """A long-running operation; `commit` brings about its effect when it is due, and gives the response."""

    name: str
    due: float
    commit: Callable[[], Json]
    metadata: Json
    response_type: str
    response: Json | None = None
    error: ApiError | None = None


class State:
    """The whole cloud. Tests may read every field; they write through the API, `add_*` or `seed`."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.switches = Switches()
        self.counter = itertools.count(1)
        self.clear()

    def clear(self) -> None:
        """Forget everything, and never hand out an id again."""
        self.containers: dict[str, Container] = {}
        self.numbers: dict[str, str] = {}
        self.accounts: dict[str, Record] = {}
        self.emails: dict[str, str] = {}
        self.keys: dict[str, dict[str, Record]] = {}
        self.roles: dict[str, Record] = {}
        self.pools: dict[str, Record] = {}
        self.providers: dict[str, Record] = {}
        self.policies: dict[str, PolicyRecord] = {}
        self.resources: dict[str, Resource] = {}
        self.operations: dict[str, Pending] = {}
        self.pending: list[Pending] = []
        self.deny: dict[str, Record] = {}
        self.boundaries: dict[str, Record] = {}
        self.bindings: dict[str, Record] = {}
        self.groups: dict[str, frozenset[str]] = {}
        self.permissions: set[str] = set()
        self.entries: list[Json] = []

    def now(self) -> float:
        return self.clock.now()

    def new_etag(self) -> str:
        """An etag that no other version of anything has."""
        return base64.b64encode(b"\x07\x06" + next(self.counter).to_bytes(6, "big")).decode()

    def new_number(self) -> str:
        """A 21-digit unique id, as of a service account."""
        return str(10**20 + next(self.counter) * 7_919_000_000_007 % (9 * 10**19))

    def container(self, name: str) -> Container | None:
        """A project by id or number, a folder or an organisation."""
        found = self.containers.get(name)
        if found is None and name in self.numbers:
            found = self.containers[self.numbers[name]]
        return found

    def hidden(self, record: Record) -> bool:
        """True while the switches for new things hide it."""
        fresh = self.now() - record.created < self.switches.creation_delay
        return fresh or record.reads < self.switches.hidden_reads

    def project(self, name: str, permission: str) -> Container:
        """The project of `projects/ID_OR_NUMBER`. Raises ApiError (PERMISSION_DENIED): Google does not say whether a
        project that the caller cannot see exists."""
        found = self.container(name)
        if found is None and self.switches.on_demand and not name.removeprefix("projects/").isdigit():
            found = self.add_project(name.removeprefix("projects/"))
        if found is None:
            raise denied(permission, f"//cloudresourcemanager.googleapis.com/{name}")
        return found

    def read(self, table: dict[str, Record], name: str) -> Record:
        """A record, soft-deleted or not. Raises ApiError (NOT_FOUND), also while the switches hide it."""
        record = table.get(name)
        if record is None:
            raise not_found(f"Requested entity was not found: {name}")
        if self.hidden(record):
            record.reads += 1
            raise not_found(f"Requested entity was not found: {name}")
        return record

    def settle(self) -> None:
        """Finish the operations that are due. An error of a late one is its result, as Google's are."""
        now = self.now()
        due = [one for one in self.pending if one.due <= now]
        if not due:
            return
        self.pending = [one for one in self.pending if one.due > now]
        for pending in due:
            try:
                pending.response = pending.commit()
            except ApiError as error:
                pending.error = error

    def add_organization(self, number: str, display_name: str = "") -> Container:
        """An organisation; it has no parent."""
        body = {"displayName": display_name or f"org-{number}.example"}
        return self._add(Container(f"organizations/{number}", number, "", body))

    def add_folder(self, number: str, parent: str, display_name: str = "") -> Container:
        """A folder under `organizations/N` or `folders/N`."""
        return self._add(Container(f"folders/{number}", number, parent, {"displayName": display_name or number}))

    def add_project(self, project: str, number: str = "", parent: str = "") -> Container:
        """A project. Without a number it gets `project_number(project)`."""
        number = number or project_number(project)
        made = self._add(Container(f"projects/{project}", number, parent, {"displayName": project}))
        self.numbers[f"projects/{number}"] = made.name
        return made

    def _add(self, made: Container) -> Container:
        with self.lock:
            made.body |= {"state": "ACTIVE", "created": self.now(), "etag": self.new_etag()}
            self.containers[made.name] = made
            return made

    def add_group(self, email: str, members: Iterable[str]) -> None:
        """A Google group, for enforcement: `members` are IAM members (`user:…`, `serviceAccount:…`)."""
        self.groups[email] = frozenset(members)


def project_number(project: str) -> str:
    """The number of a project that was given none: 12 digits that depend on the id only."""
    digest = int.from_bytes(hashlib.sha256(project.encode()).digest()[:8], "big")
    return str(10**11 + digest % (9 * 10**11))


def without_defaults(value: Json) -> Json:
    """The body as proto3 JSON writes it: fields at their default (empty, false, zero) are left out."""
    return {key: item for key, item in value.items() if item not in ("", False, None, 0) and item != []}
