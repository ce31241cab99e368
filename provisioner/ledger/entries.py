"""Entries: their kinds and shapes, their bytes, their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import NoneType
from typing import Any, overload

from ..canonical import CanonicalError, digest_bytes, dumps, loads

ENTRY_DOMAIN = "ledger-entry/1"

_NAME = re.compile(r"([0-9]{8})\.json")
_FIELDS = frozenset({"index", "previous", "kind", "workspace", "time", "body"})


class Kind(StrEnum):
    """What an entry records. None of them authorizes anything by being there: signatures do."""

    ROOT = "root"
    PLAN = "plan"
    SIGNOFF = "signoff"
    LEASE = "lease"
    INTENT = "intent"
    OUTCOME = "outcome"
    CONSUMED = "consumed"


_SHAPES: Mapping[Kind, Mapping[str, tuple[type, ...]]] = {
    Kind.ROOT: {"version": (int,), "data": (dict,), "digest": (str,), "plan": (str, NoneType)},
    Kind.PLAN: {"digest": (str,), "file": (dict,)},
    Kind.SIGNOFF: {"envelope": (dict,), "plan": (str,)},
    Kind.LEASE: {"plan": (str,), "holder": (str,), "expires": (str,)},
    Kind.INTENT: {"plan": (str,), "operation": (str,), "holder": (str,)},
    Kind.OUTCOME: {"plan": (str,), "operation": (str,), "status": (str,), "detail": (str,), "live": (str,)},
    Kind.CONSUMED: {"plan": (str,), "result": (str,)},
}


class EntryError(ValueError):
    """Bytes or a body that are no entry; the message says why in one clause."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `time` is what its writer claimed, `stored_at` what the store's own clock said; both aware, UTC.

    `digest` covers the exact bytes, and with `previous` in them every entry before.
    """

    index: int
    kind: Kind
    time: datetime
    body: Mapping[str, Any]
    digest: str
    stored_at: datetime


class History(Sequence[Entry]):
    """Verified entries in order, with an index by kind. It only ever grows."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._by_kind: dict[Kind, list[Entry]] = {kind: [] for kind in Kind}

    def add(self, entry: Entry) -> None:
        """The next entry. The chain has been checked by who calls this."""
        self._entries.append(entry)
        self._by_kind[entry.kind].append(entry)

    def of(self, kind: Kind) -> Sequence[Entry]:
        """The entries of one kind, in order."""
        return self._by_kind[kind]

    def of_any(self, *kinds: Kind) -> list[Entry]:
        """The entries of several kinds, in order."""
        return sorted((entry for kind in kinds for entry in self._by_kind[kind]), key=lambda entry: entry.index)

    @overload
    def __getitem__(self, at: int) -> Entry: ...

    @overload
    def __getitem__(self, at: slice) -> list[Entry]: ...

    def __getitem__(self, at: int | slice) -> Entry | list[Entry]:
        return self._entries[at]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)


def entry_name(index: int) -> str:
    """The object's name of an entry: `00000001.json` is the first."""
    return f"{index:08d}.json"


def entry_index(name: str) -> int | None:
    """The number in an entry's name; None for a name that is no entry's."""
    match = _NAME.fullmatch(name)
    return int(match.group(1)) if match else None


def encode(index: int, previous: str, kind: Kind, workspace: str, time: datetime, body: Mapping[str, Any]) -> bytes:
    """An entry's canonical bytes. Raises EntryError for a body that does not have its kind's shape."""
    _check_body(kind, body)
    value = {
        "index": index,
        "previous": previous,
        "kind": kind.value,
        "workspace": workspace,
        "time": format_time(time),
        "body": body,
    }
    try:
        return dumps(value)
    except CanonicalError as error:
        raise EntryError(str(error)) from error


def decode(data: bytes, index: int, previous: str, workspace: str, stored_at: datetime) -> Entry:
    """Read the entry that must stand at `index` after `previous`. Raises EntryError for anything else."""
    try:
        value = loads(data)
    except CanonicalError as error:
        raise EntryError(str(error)) from error
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise EntryError("fields are missing or unknown")
    if type(value["index"]) is not int or value["index"] != index:
        raise EntryError(f"it says that it is entry {value['index']!r}")
    if value["previous"] != previous:
        raise EntryError("it does not follow from the entry before it: one of the two was changed or exchanged")
    if value["workspace"] != workspace:
        raise EntryError(f"it belongs to workspace {value['workspace']!r}, not to {workspace!r}")
    try:
        kind = Kind(value["kind"])
    except ValueError as error:
        raise EntryError(f"this version does not know entries of kind {value['kind']!r}; a newer one may") from error
    _check_body(kind, value["body"])
    return Entry(
        index=index,
        kind=kind,
        time=parse_time(value["time"]),
        body=value["body"],
        digest=digest_bytes(ENTRY_DOMAIN, data),
        stored_at=stored_at,
    )


def format_time(time: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-23T09:41:00.000Z`."""
    utc = time.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse_time(text: Any) -> datetime:
    """The reverse of `format_time`; raises EntryError for any other form."""
    if isinstance(text, str) and len(text) == 24:
        try:
            time = datetime.fromisoformat(text)
        except ValueError as error:
            raise EntryError(f"{text!r} is no time") from error
        if time.tzinfo is UTC and format_time(time) == text:
            return time
    raise EntryError(f"{text!r} is no time of the form 2026-11-23T09:41:00.000Z")


def _check_body(kind: Kind, body: Any) -> None:
    shape = _SHAPES[kind]
    if not isinstance(body, Mapping):
        raise EntryError("its body is not an object")
    if set(body) != set(shape):
        raise EntryError(f"the body of a {kind} entry has exactly {', '.join(shape)}")
    for name, types in shape.items():
        if type(body[name]) not in types:
            raise EntryError(f"{name} in the body of a {kind} entry is of the wrong type")
    if kind is Kind.LEASE:
        parse_time(body["expires"])
