"""Leases: one holder at a time, an end that comes by itself, no way back after a takeover."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from provisioner.ledger.entries import Kind
from provisioner.ledger.errors import LeaseHeld
from provisioner.ledger.lease import DURATION, LONGEST, LeaseState, acquire, lease_state, new_holder
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore
from provisioner.sdk.errors import ProceedError


def test_acquire_keep_release(ledger: Ledger, clock: Any) -> None:
    lease = acquire(ledger, "p", "a")
    state = lease_state(ledger)
    assert state is not None
    assert (state.holder, state.plan, state.expires) == ("a", "p", clock() + DURATION)
    lease.keep()
    assert len(ledger.history) == 1, "more than half is left"
    clock.forward(31)
    lease.keep()
    assert len(ledger.history) == 2 and lease.expires == clock() + DURATION
    lease.release()
    state = lease_state(ledger)
    assert state is not None and not state.active(clock())


def test_a_second_holder_is_refused_with_the_end(ledger: Ledger) -> None:
    acquire(ledger, "sha256:12345678", "ann@ci")
    with pytest.raises(LeaseHeld) as caught:
        acquire(ledger, "q", "b")
    (problem,) = caught.value.diagnostics
    assert "12345678" in problem.summary and "ann@ci" in problem.summary
    assert "2026-11-23T09:01:00.000Z" in problem.detail


def test_of_two_who_try_at_once_one_gets_it(memory: MemoryStore) -> None:
    first, second = Ledger.open(memory, "acme"), Ledger.open(memory, "acme")
    acquire(first, "p", "a")
    with pytest.raises(LeaseHeld):
        acquire(second, "p", "b")
    state = lease_state(second)
    assert state is not None and state.holder == "a"


def test_patience_waits_for_the_end(ledger: Ledger, clock: Any) -> None:
    acquire(ledger, "p", "crashed")
    seen: list[LeaseState] = []
    lease = acquire(ledger, "p", "b", patience=timedelta(seconds=65), sleep=clock.forward, waiting=seen.append)
    assert lease.holder == "b"
    assert {state.holder for state in seen} == {"crashed"}


def test_patience_ends(ledger: Ledger, memory: MemoryStore, clock: Any) -> None:
    """A holder that lives renews: whoever waits gives up, and is told so."""
    holder = acquire(Ledger.open(memory, "acme"), "p", "alive")

    def sleep(seconds: float) -> None:
        clock.forward(seconds)
        holder.keep()

    start = clock()
    with pytest.raises(LeaseHeld):
        acquire(ledger, "p", "b", patience=timedelta(seconds=65), sleep=sleep)
    assert timedelta(seconds=65) <= clock() - start < timedelta(seconds=70)


def test_a_check_may_refuse(ledger: Ledger) -> None:
    def no(seen: Ledger) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        acquire(ledger, "p", "a", check=no)
    assert len(ledger.history) == 0


def test_a_taken_over_holder_can_do_nothing(ledger: Ledger, memory: MemoryStore, clock: Any) -> None:
    lease = acquire(ledger, "p", "a")
    clock.forward(61)
    acquire(Ledger.open(memory, "acme"), "p", "b")
    ledger.refresh()
    for act in (lease.keep, lambda: lease.strict(ledger), lambda: lease.fence(ledger)):
        with pytest.raises(ProceedError, match="b took over"):
            act()
    with pytest.raises(ProceedError):
        ledger.append(Kind.INTENT, {"plan": "p", "operation": "1", "holder": "a"}, check=lease.fence)
    lease.release()
    state = lease_state(ledger)
    assert state is not None and state.holder == "b" and state.active(clock())


def test_a_stale_view_does_not_get_an_intent_in(ledger: Ledger, memory: MemoryStore, clock: Any) -> None:
    """The sleeper has not re-read the ledger: the put-if-absent itself finds the takeover."""
    lease = acquire(ledger, "p", "a")
    clock.forward(61)
    acquire(Ledger.open(memory, "acme"), "p", "b")
    with pytest.raises(ProceedError, match="b took over"):
        ledger.append(Kind.INTENT, {"plan": "p", "operation": "1", "holder": "a"}, check=lease.fence)
    assert not ledger.history.of(Kind.INTENT)


def test_a_lease_that_ran_out_is_strictly_over_but_may_be_renewed(ledger: Ledger, clock: Any) -> None:
    lease = acquire(ledger, "p", "a")
    clock.forward(61)
    with pytest.raises(ProceedError, match="ran out"):
        lease.strict(ledger)
    lease.keep()
    lease.strict(ledger)


def test_no_entry_holds_a_workspace_for_ever(ledger: Ledger, clock: Any) -> None:
    body = {"plan": "p", "holder": "mallory", "expires": "9999-12-31T00:00:00.000Z"}
    ledger.append(Kind.LEASE, body)
    with pytest.raises(LeaseHeld):
        acquire(ledger, "p", "b")
    clock.forward(LONGEST.total_seconds() + 1)
    assert acquire(ledger, "p", "b").holder == "b"


def test_holders_are_new_every_time() -> None:
    assert new_holder() != new_holder()
    assert new_holder("ann").startswith("ann-")
