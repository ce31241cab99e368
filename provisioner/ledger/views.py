"""What the entries say, as pure functions. None of them checks a signature: that is approval's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from .. import canonical, planfile
from ..model.changes import Status
from .entries import Entry, History, Kind, begun, ended
from .errors import LedgerError

SETTLED = frozenset({Status.DONE.value, Status.ALREADY.value})
"""Outcomes after which an operation needs nothing more."""


@dataclass(frozen=True, slots=True)
class RootRecord:
    """A trust root as recorded. `plan` is the digest of the plan that made it; None for version 1 (see the pin)."""

    version: int
    data: Mapping[str, Any]
    digest: str
    plan: str | None
    entry: Entry


@dataclass(frozen=True, slots=True)
class Publication:
    """A plan's first publication. `since` starts its time to live.

    `since` is the earliest of what the store and the writer say, and of the store's times of all later entries: a
    file's time that was moved forward gives no plan a longer life. `entry.stored_at` is the store's time alone.
    """

    digest: str
    since: datetime
    entry: Entry

    @property
    def short(self) -> str:
        """The first eight hex digits of the digest."""
        return self.digest.removeprefix("sha256:")[:8]

    def file(self) -> planfile.PlanFile:
        """The plan itself, checked against the digest that it was published under. Raises LedgerError."""
        return _plan_file(self.entry)


@dataclass(frozen=True, slots=True)
class Consumption:
    """A plan that was applied to its end; `entry.index` is the base of the plans after it."""

    plan: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Record:
    """What the journal says of one operation. `status` is its newest outcome; None when only intents are recorded.

    `open`: it was begun after the newest outcome, or that outcome settles nothing. It may or may not have happened.
    """

    operation: str
    status: Status | None
    detail: str
    open: bool

    @property
    def settled(self) -> bool:
        return self.status is not None and self.status.value in SETTLED


@dataclass(frozen=True, slots=True)
class Revocation:
    """Somebody asks that a key (`fingerprint`), or every key of a `person`, count no longer.

    It counts only if `envelope` is signed by whom it must be: that is approval's to check.
    """

    fingerprint: str | None
    person: str | None
    reason: str
    envelope: Mapping[str, Any]
    entry: Entry


def revocations(history: History) -> tuple[Revocation, ...]:
    """Every recorded revocation, in order. None of them is believed yet."""
    return tuple(
        Revocation(body["fingerprint"], body["person"], body["reason"], body["envelope"], entry)
        for entry in history.of(Kind.REVOCATION)
        for body in (entry.body,)
    )


def roots(history: History) -> tuple[RootRecord, ...]:
    """Every trust root in order of version. Raises LedgerError for a chain with a gap or a root that no plan made.

    This checks the record only; that each was signed by the quorum of the one before is approval's to check.
    """
    count = len(history.of(Kind.ROOT))
    known = _ROOTS.get(history)
    if known is None or len(known) != count:
        known = _ROOTS[history] = _roots(history)
    return known


_ROOTS: WeakKeyDictionary[History, tuple[RootRecord, ...]] = WeakKeyDictionary()
"""A history only grows, so its roots stay what they are until there is one more."""


def _roots(history: History) -> tuple[RootRecord, ...]:
    out: list[RootRecord] = []
    for entry in history.of(Kind.ROOT):
        body = entry.body
        record = RootRecord(body["version"], body["data"], body["digest"], body["plan"], entry)
        if record.version != len(out) + 1:
            raise odd(entry, f"it is version {record.version} of the trust root, where {len(out) + 1} must come")
        if (record.plan is None) != (record.version == 1):
            raise odd(entry, "version 1 of the trust root, and no other, comes from no plan")
        if record.plan is not None:
            _check_made_by_plan(history, record)
        out.append(record)
    return tuple(out)


def root_in_force(history: History) -> RootRecord | None:
    """The newest trust root; None before `init`."""
    chain = roots(history)
    return chain[-1] if chain else None


def judging_root(history: History, plan: str) -> RootRecord | None:
    """The root that judges a plan: the one in force, or its predecessor when the one in force came from this plan.

    The second happens when apply was interrupted between the new root and the end of the plan.
    """
    chain = roots(history)
    if chain and chain[-1].plan == plan:
        return chain[-2]
    return chain[-1] if chain else None


def publication(history: History, digest: str, before: int | None = None) -> Publication | None:
    """The first publication of the plan with exactly this digest; with `before`, as it stood before that entry."""
    for entry in history.about(digest, Kind.PLAN):
        if before is None:
            return Publication(digest, min(entry.time, history.earliest(entry.index)), entry)
        if entry.index >= before:
            return None
        later = (other.stored_at for other in history[entry.index - 1 : before - 1])
        return Publication(digest, min(entry.time, *later, entry.stored_at), entry)
    return None


def published(history: History) -> tuple[str, ...]:
    """Digests of all published plans, oldest first, each once."""
    return tuple(dict.fromkeys(entry.body["digest"] for entry in history.of(Kind.PLAN)))


def find_plan(history: History, text: str) -> Publication:
    """A published plan by its digest or the beginning of it (at least four hex digits).

    Raises LedgerError (E-PLAN-UNKNOWN, E-PLAN-AMBIGUOUS).
    """
    wanted = text.removeprefix("sha256:").lower()
    digests = published(history)
    hits = [digest for digest in digests if digest.removeprefix("sha256:").startswith(wanted)]
    if len(wanted) >= 4 and len(hits) == 1:
        found = publication(history, hits[0])
        if found is not None:
            return found
    if len(wanted) >= 4 and hits:
        listed = ", ".join(digest.removeprefix("sha256:")[:16] for digest in hits)
        raise LedgerError.because(
            "E-PLAN-AMBIGUOUS",
            f"{text!r} stands for {len(hits)} plans",
            f"Give more digits of the one meant: {listed}.",
        )
    newest = ", ".join(digest.removeprefix("sha256:")[:8] for digest in reversed(digests[-5:]))
    known = f"The newest published plans are {newest}." if newest else "No plan has been published yet."
    raise LedgerError.because(
        "E-PLAN-UNKNOWN",
        f"No published plan is called {text!r}",
        f"A plan is named by its digest or at least the first four hex digits of it. {known} A plan file can be"
        " published with `provisioner publish FILE`.",
    )


def signoffs(history: History, plan: str) -> tuple[Entry, ...]:
    """The sign-off entries that name a plan, in order. Their envelopes are not checked here."""
    return tuple(history.about(plan, Kind.SIGNOFF))


def last_consumed(history: History, before: int | None = None) -> Consumption | None:
    """The plan that was last applied to its end; with `before`, as it stood before that entry."""
    entries = history.of(Kind.CONSUMED)
    count = len(entries) if before is None else bisect_left(entries, before, key=lambda entry: entry.index)
    return Consumption(entries[count - 1].body["plan"], entries[count - 1]) if count else None


def base(history: History, before: int | None = None) -> int:
    """The index of the last consumed plan's entry, 0 for none: what the next plan is built on."""
    last = last_consumed(history, before)
    return last.entry.index if last else 0


def consumed(history: History, plan: str) -> Entry | None:
    """The entry that ended this plan; None when it was never applied to its end."""
    return next(iter(history.about(plan, Kind.CONSUMED)), None)


def journal(history: History, plan: str) -> Mapping[str, Record]:
    """What is recorded of each operation that was begun, by operation id."""
    out: dict[str, Record] = {}
    for entry in history.about(plan, Kind.INTENT, Kind.OUTCOME):
        if entry.kind is Kind.INTENT:
            for operation in begun(entry):
                known = out.get(operation)
                out[operation] = Record(operation, known.status if known else None, known.detail if known else "", True)
            continue
        for said in ended(entry):
            try:
                status = Status(said["status"])
            except ValueError as error:
                raise odd(entry, f"{said['status']!r} is no outcome") from error
            out[said["operation"]] = Record(said["operation"], status, said["detail"], status.value not in SETTLED)
    return out


def open_intents(history: History, plan: str) -> tuple[str, ...]:
    """Ids of operations that were begun and not settled: reading the cloud tells what became of them."""
    return tuple(record.operation for record in journal(history, plan).values() if record.open)


def _check_made_by_plan(history: History, record: RootRecord) -> None:
    assert record.plan is not None
    found = publication(history, record.plan)
    if found is None or found.entry.index > record.entry.index:
        raise odd(record.entry, "the plan that is said to have made this trust root was not published before it")
    root = found.file().plan.next_root
    if root is None or root.version != record.version or root.digest != record.digest:
        raise odd(record.entry, "the plan that is said to have made this trust root made another, or none")
    if canonical.dumps(root.data) != canonical.dumps(record.data):
        raise odd(record.entry, "its data are not what the plan says that made it")


def _plan_file(entry: Entry) -> planfile.PlanFile:
    return _decoded(_ByDigest(entry))


class _ByDigest:
    """An entry as a key: its digest covers every byte of it."""

    __slots__ = ("entry",)

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByDigest) and other.entry.digest == self.entry.digest

    def __hash__(self) -> int:
        return hash(self.entry.digest)


@lru_cache(maxsize=16)
def _decoded(key: _ByDigest) -> planfile.PlanFile:
    """Kept, because every check before a write asks for the plans behind the trust root again."""
    entry = key.entry
    try:
        file = planfile.decode(canonical.dumps(entry.body["file"]))
    except planfile.PlanFileError as error:
        raise odd(entry, f"it holds no plan: {error}") from error
    if file.digest != entry.body["digest"]:
        raise odd(entry, "it holds another plan than its digest says")
    return file


def odd(entry: Entry, why: str) -> LedgerError:
    """The error for an entry whose chain is in order and whose content is not."""
    return LedgerError.because(
        "E-LEDGER-BROKEN",
        f"Entry {entry.index} of the ledger ({entry.kind}) cannot be believed",
        f"{why[:1].upper()}{why[1:]}. Nothing is applied on a record that cannot be believed: find out who wrote it,"
        " and put the true entries back from a copy.",
    )
