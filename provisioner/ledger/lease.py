"""One apply at a time in a workspace.

A lease is an entry that names its holder and ends by itself. Whoever wants to apply appends one; the log's
put-if-absent decides between two. Each intent is appended under `fence`, so a holder who slept through a takeover
cannot start another call. A cloud write that is already in flight is not stopped by any of this: AWS takes no such
condition.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..sdk.errors import ProceedError
from .entries import Entry, Kind, format_time, parse_time
from .errors import LeaseHeld
from .log import Ledger

DURATION = timedelta(seconds=60)
"""How long a lease lasts unless renewed: what a crash makes the next run wait at most."""

LONGEST = timedelta(minutes=10)
"""However far in the future an entry puts its end, a lease ends this long after the store took it."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The newest lease entry: who holds the workspace, for which plan (digest), and until when."""

    holder: str
    plan: str
    expires: datetime
    entry: Entry

    def active(self, now: datetime) -> bool:
        return now < self.expires


def lease_state(ledger: Ledger) -> LeaseState | None:
    """The newest lease; None when nobody ever held one. A released lease has run out."""
    entries = ledger.history.of(Kind.LEASE)
    if not entries:
        return None
    entry = entries[-1]
    expires = min(parse_time(entry.body["expires"]), entry.stored_at + LONGEST)
    return LeaseState(entry.body["holder"], entry.body["plan"], expires, entry)


def new_holder(label: str = "") -> str:
    """A holder's id, new for every run; `label` tells people who it is (a user, a job)."""
    return f"{label}-{secrets.token_hex(8)}" if label else secrets.token_hex(8)


class Lease:
    """A lease that this process holds. Made by `acquire`; `release` it whatever happens."""

    def __init__(self, ledger: Ledger, plan: str, holder: str, now: Clock, duration: timedelta) -> None:
        self._ledger = ledger
        self._plan = plan
        self._now = now
        self._duration = duration
        self.holder = holder
        self.expires = now()

    def fence(self, ledger: Ledger) -> None:
        """Raise ProceedError when another holder has taken the workspace over. A check for `append`."""
        state = lease_state(ledger)
        if state is None or state.holder != self.holder:
            other = f"{state.holder} took over" if state else "no lease is recorded"
            raise ProceedError(f"this run does not hold the workspace any more: {other}")

    def strict(self, ledger: Ledger) -> None:
        """As `fence`, and the lease must not have run out. Renews it when less than half is left.

        So a call that starts after this has at least half of the lease: calls must give up sooner than that.
        """
        self.fence(ledger)
        left = self.expires - self._now()
        if left <= timedelta(0):
            raise ProceedError("this run's lease on the workspace ran out: it was paused, or a call took too long")
        if left < self._duration / 2:
            self._write(self.fence)

    def keep(self) -> None:
        """Renew when less than half is left, even if it ran out, as long as nobody else took over meanwhile."""
        self._ledger.refresh()
        self.fence(self._ledger)
        if self.expires - self._now() < self._duration / 2:
            self._write(self.fence)

    def release(self) -> None:
        """End the lease now; nothing to do when another holder has it. Raises LedgerError."""
        self._ledger.refresh()
        state = lease_state(self._ledger)
        if state is not None and state.holder == self.holder:
            try:
                self._write(self.fence, timedelta(0))
            except ProceedError:
                return  # taken over in this very moment: it is not ours to end

    def _write(self, check: Callable[[Ledger], None], duration: timedelta | None = None) -> None:
        expires = self._now() + (self._duration if duration is None else duration)
        body = {"plan": self._plan, "holder": self.holder, "expires": format_time(expires)}
        entry = self._ledger.append(Kind.LEASE, body, check=check)
        self.expires = parse_time(entry.body["expires"])


def acquire(
    ledger: Ledger,
    plan: str,
    holder: str,
    *,
    check: Callable[[Ledger], None] | None = None,
    duration: timedelta = DURATION,
    patience: timedelta = timedelta(0),
    now: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
    waiting: Callable[[LeaseState], None] | None = None,
    take_over: bool = False,
) -> Lease:
    """Take the workspace for `plan` (its digest). `check` may refuse at the very place of the entry.

    Waits up to `patience` for somebody else's lease to end (a crashed run's ends by itself), telling `waiting` whose
    it is. Raises LeaseHeld when it goes on, LedgerError, or what `check` raises.

    With `take_over` nobody is waited for: whoever holds the workspace can start no call any more. Only what takes
    authority away, and may not wait, does that.
    """
    clock = now or ledger.store.now
    lease = Lease(ledger, plan, holder, clock, duration)
    deadline = clock() + patience

    def free(seen: Ledger) -> None:
        if check is not None:
            check(seen)
        state = lease_state(seen)
        if not take_over and state is not None and state.holder != holder and state.active(clock()):
            raise _held(state)

    while True:
        try:
            lease._write(free)
        except LeaseHeld:
            if clock() >= deadline:
                raise
        else:
            return lease
        state = lease_state(ledger)
        if state is not None:
            if waiting is not None:
                waiting(state)
            sleep(min(1.0, max((state.expires - clock()).total_seconds(), 0.05)))
        ledger.refresh()


def _held(state: LeaseState) -> LeaseHeld:
    plan = state.plan.removeprefix("sha256:")[:8]
    return LeaseHeld.because(
        "E-LEASE",
        f"Plan {plan} is being applied to this workspace by {state.holder}",
        f"Only one apply runs at a time. That run holds the workspace until {format_time(state.expires)} and renews"
        " this while it lives; if it crashed, its hold ends then by itself. Run the command again after that.",
    )
