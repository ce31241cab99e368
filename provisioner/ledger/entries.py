"""Entries: their kinds and shapes, their bytes, their order."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    REVOCATION = "revocation"
    CHECKPOINT = "checkpoint"
    OBLIGATION = "obligation"
    DRIFT = "drift"


_SHAPES: Mapping[Kind, Mapping[str, tuple[type, ...]]] = {
    Kind.ROOT: {"version": (int,), "data": (dict,), "digest": (str,), "plan": (str, NoneType)},
    Kind.PLAN: {"digest": (str,), "file": (dict,)},
    Kind.SIGNOFF: {"envelope": (dict,), "plan": (str,)},
    Kind.LEASE: {"plan": (str,), "holder": (str,), "expires": (str,)},
    Kind.INTENT: {"plan": (str,), "operation": (str,), "holder": (str,)},
    Kind.OUTCOME: {"plan": (str,), "operation": (str,), "status": (str,), "detail": (str,), "live": (str,)},
    Kind.CONSUMED: {"plan": (str,), "result": (str,)},
    Kind.REVOCATION: {"fingerprint": (str, NoneType), "person": (str, NoneType), "reason": (str,), "envelope": (dict,)},
    Kind.OBLIGATION: {"plan": (str,), "parts": (list,), "people": (list,)},
    Kind.CHECKPOINT: {"size": (int,), "head": (str,), "tree": (str,), "issued": (str,), "signature": (str,)},
    Kind.DRIFT: {"report": (str,), "base": (int,), "found": (int,), "unread": (int,)},
}

_OPTIONAL: Mapping[Kind, Mapping[str, tuple[type, ...]]] = {
    Kind.DRIFT: {"open": (list,), "due": (list,)},
    Kind.INTENT: {"also": (list,)},
    Kind.OUTCOME: {"also": (list,)},
}
"""What came later: an entry without it says nothing of it. A drift run's open differences, and what it did not tell;
further operations that were begun, or that ended, together with the first (see `begun`, `ended`)."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


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
    """Verified entries in order, with indexes by kind and plan. It only ever grows."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._by_kind: dict[Kind, list[Entry]] = {kind: [] for kind in Kind}
        self._by_plan: dict[tuple[Kind, str], list[Entry]] = {}
        self._lowest: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """The next entry. The chain has been checked by who calls this."""
        self._entries.append(entry)
        self._by_kind[entry.kind].append(entry)
        if (plan := plan_of(entry)) is not None:
            self._by_plan.setdefault((entry.kind, plan), []).append(entry)
        while self._lowest and self._lowest[-1].stored_at >= entry.stored_at:
            self._lowest.pop()
        self._lowest.append(entry)

    def of(self, kind: Kind) -> Sequence[Entry]:
        """The entries of one kind, in order."""
        return self._by_kind[kind]

    def about(self, plan: str, *kinds: Kind) -> Sequence[Entry]:
        """The entries of these kinds that name a plan (digest), in order."""
        found = [entry for kind in kinds for entry in self._by_plan.get((kind, plan), ())]
        return found if len(kinds) == 1 else sorted(found, key=lambda entry: entry.index)

    def earliest(self, index: int) -> datetime:
        """The earliest of the store's times of the entry at `index` and of all after it."""
        return self._lowest[bisect_left(self._lowest, index, key=lambda entry: entry.index)].stored_at

    def digests(self, before: int | None = None) -> Digests:
        """Digests by index, of all entries or of those before an index. A view: nothing is copied."""
        return Digests(self, len(self) if before is None else min(before - 1, len(self)))

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


class Digests(Mapping[int, str]):
    """The digests of the first `length` entries of a history, by index from 1."""

    __slots__ = ("_history", "_length")

    def __init__(self, history: History, length: int) -> None:
        self._history = history
        self._length = length

    def __getitem__(self, index: int) -> str:
        if not isinstance(index, int) or not 1 <= index <= self._length:
            raise KeyError(index)
        return self._history[index - 1].digest

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, self._length + 1))

    def __len__(self) -> int:
        return self._length


def plan_of(entry: Entry) -> str | None:
    """The digest of the plan that an entry is about; None where it names none."""
    name = entry.body.get("digest" if entry.kind is Kind.PLAN else "plan")
    return name if isinstance(name, str) else None


def begun(entry: Entry) -> tuple[str, ...]:
    """The operations that an intent is about, each once, in the order in which they may begin."""
    return (entry.body["operation"], *entry.body.get("also", ()))


def ended(entry: Entry) -> tuple[Mapping[str, str], ...]:
    """What an outcome says, one mapping an operation: `operation`, `status`, `detail`, `live`."""
    return (entry.body, *entry.body.get("also", ()))


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
    return _taken(value, data, index, previous, workspace, stored_at)


def decode_again(data: bytes, index: int, previous: str, workspace: str, stored_at: datetime) -> Entry:
    """As `decode`, for bytes that this machine has found canonical before: everything else is checked again."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EntryError(f"not JSON: {error}") from error
    return _taken(value, data, index, previous, workspace, stored_at)


def _taken(value: Any, data: bytes, index: int, previous: str, workspace: str, stored_at: datetime) -> Entry:
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
    optional = _OPTIONAL.get(kind, {})
    if not set(shape) <= set(body) <= set(shape) | set(optional):
        raise EntryError(f"the body of a {kind} entry has exactly {', '.join(shape)}")
    for name, types in (*shape.items(), *optional.items()):
        if name in body and type(body[name]) not in types:
            raise EntryError(f"{name} in the body of a {kind} entry is of the wrong type")
    if (check := _MEANING.get(kind)) is not None:
        check(body)


def _check_intent(body: Mapping[str, Any]) -> None:
    ids = [body["operation"], *body.get("also", ())]
    if not all(isinstance(id_, str) for id_ in ids) or len({*ids}) != len(ids):
        raise EntryError("an intent names operations, each once")


def _check_outcome(body: Mapping[str, Any]) -> None:
    also = body.get("also", ())
    names = set(_SHAPES[Kind.OUTCOME]) - {"plan"}
    if not all(isinstance(item, Mapping) and set(item) == names for item in also):
        raise EntryError(f"each further outcome has exactly {', '.join(sorted(names))}")
    if not all(isinstance(value, str) for item in also for value in item.values()):
        raise EntryError("what an outcome says is text")
    ids = [body["operation"], *(item["operation"] for item in also)]
    if len({*ids}) != len(ids):
        raise EntryError("an outcome names operations, each once")


def _check_lease(body: Mapping[str, Any]) -> None:
    parse_time(body["expires"])


def _check_revocation(body: Mapping[str, Any]) -> None:
    if (body["fingerprint"] is None) == (body["person"] is None):
        raise EntryError("a revocation is of one key or of one person")
    if not body["reason"].strip() or "" in (body["fingerprint"], body["person"]):
        raise EntryError("a revocation says whose, and why")


def _check_checkpoint(body: Mapping[str, Any]) -> None:
    parse_time(body["issued"])
    if body["size"] < 1:
        raise EntryError("a checkpoint covers at least one entry")
    if not all(_DIGEST.fullmatch(body[name]) for name in ("head", "tree")):
        raise EntryError("head and tree of a checkpoint are digests")


def _check_obligation(body: Mapping[str, Any]) -> None:
    """What was applied by breaking glass: `surface owner` of each part, and who broke it."""
    for name in ("parts", "people"):
        if not body[name] or not all(isinstance(item, str) and item for item in body[name]):
            raise EntryError(f"{name} of an obligation are texts, one at least")


def _check_drift(body: Mapping[str, Any]) -> None:
    if not _DIGEST.fullmatch(body["report"]) or min(body["base"], body["found"], body["unread"]) < 0:
        raise EntryError("a drift entry has the report's digest, and counts")
    if not all(isinstance(item, Mapping) for name in ("open", "due") for item in body.get(name, ())):
        raise EntryError("open and due of a drift entry are objects")


_MEANING: Mapping[Kind, Callable[[Mapping[str, Any]], None]] = {
    Kind.LEASE: _check_lease,
    Kind.INTENT: _check_intent,
    Kind.OUTCOME: _check_outcome,
    Kind.REVOCATION: _check_revocation,
    Kind.CHECKPOINT: _check_checkpoint,
    Kind.OBLIGATION: _check_obligation,
    Kind.DRIFT: _check_drift,
}
