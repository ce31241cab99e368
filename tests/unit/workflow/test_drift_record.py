"""A drift run in the ledger: what is written, what is read back, and a ledger that does not take it."""

from __future__ import annotations

import pytest

from provisioner.cli.drift import _after
from provisioner.ledger.entries import Kind
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore
from provisioner.model.drift import Difference, DriftKind, DriftReport, Turn
from provisioner.model.resources import Coverage, Gap
from provisioner.planning.transitions import compared
from provisioner.workflow.drifting import DriftRun, last_run, record

NOW = "2026-11-24T06:00:00Z"


class FullStore(MemoryStore):
    """Takes nothing."""

    def put_if_absent(self, name: str, data: bytes) -> bool:
        raise LedgerError.because("E-LEDGER-IO", "The disk is full", "Make room.")


def run(store: MemoryStore) -> DriftRun:
    unread = Difference("D-1", DriftKind.INCOMPLETE, ("roles: AccessDenied",))
    found = Difference("D-2", DriftKind.PENDING, ("+ grant \ud83e\udd80"[:8],), agent="triage")
    coverage = Coverage((), (Gap("aws", "1", "roles", "AccessDenied"),))
    report = DriftReport("acme", 1, None, (unread, found), 1, 0, 1, 0, coverage)
    return DriftRun(compared(report, None, NOW), None, Ledger.open(store, "acme"))


def test_what_is_recorded_comes_back() -> None:
    store = MemoryStore()
    first = run(store)
    due = first.to_tell
    entry = record(first, due)
    assert (entry.body["found"], entry.body["unread"], entry.body["base"]) == (1, 1, 0)
    again = last_run(Ledger.open(store, "acme"))
    assert again is not None and again.due == due and [one.turn for one in due] == [Turn.NEW, Turn.NEW]
    assert [known.since for known in again.open] == [NOW, NOW]


def test_entries_of_before_say_nothing_of_it() -> None:
    ledger = Ledger.open(MemoryStore(), "acme")
    assert last_run(ledger) is None
    ledger.append(Kind.DRIFT, {"report": "sha256:" + "a" * 64, "base": 0, "found": 2, "unread": 0})
    last = last_run(ledger)
    assert last is not None and (last.open, last.due) == ((), ())


def test_nonsense_in_the_ledger_is_an_error() -> None:
    body = {"report": "sha256:" + "a" * 64, "base": 0, "found": 2, "unread": 0}
    ledger = Ledger.open(MemoryStore(), "acme")
    with pytest.raises(LedgerError, match="Cannot record"):
        ledger.append(Kind.DRIFT, {**body, "open": ["x"]})
    ledger.append(Kind.DRIFT, {**body, "open": [{"key": 1}]})
    with pytest.raises(LedgerError, match="cannot be believed"):
        last_run(ledger)


def test_a_ledger_that_takes_nothing_is_told_beside_the_report() -> None:
    outcome = _after(run(FullStore()), True)
    assert outcome.entry is None and [one.code for one in outcome.diagnostics] == ["E-LEDGER-IO"]
    assert _after(run(FullStore()), False).diagnostics == ()
