"""Intents and outcomes: written before and after every call, so that a crash leaves nothing in doubt for long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..ledger import views
from ..ledger.entries import Kind
from ..ledger.lease import Lease
from ..ledger.log import Ledger
from ..model.changes import Operation, Outcome
from ..model.plan import RootChange
from ..sdk.errors import ProceedError


@dataclass(frozen=True, slots=True)
class Journal:
    """The entries of one apply. Each is appended only while this run holds the workspace: else ProceedError."""

    ledger: Ledger
    plan: str
    lease: Lease

    def records(self) -> Mapping[str, views.Record]:
        """What earlier runs of this plan recorded, by operation id."""
        return views.journal(self.ledger.history, self.plan)

    def intent(self, *operations: Operation) -> None:
        """Before a call, or before those of a batch: one entry for all, since one put costs as much as many calls."""
        first, *also = [operation.id for operation in operations]
        body: dict[str, Any] = {"plan": self.plan, "operation": first, "holder": self.lease.holder}
        if also:
            body["also"] = also
        self.ledger.append(Kind.INTENT, body, check=self.lease.fence)

    def outcome(self, *ended: tuple[Operation, Outcome]) -> None:
        """After a call or those of a batch, or when the cloud has told what became of an interrupted one."""
        first, *also = [
            {
                "operation": operation.id,
                "status": outcome.status.value,
                "detail": outcome.detail,
                "live": outcome.live,
            }
            for operation, outcome in ended
        ]
        body: dict[str, Any] = {"plan": self.plan, **first}
        if also:
            body["also"] = also
        self.ledger.append(Kind.OUTCOME, body, check=self.lease.fence)

    def root(self, change: RootChange) -> bool:
        """The next trust root; True when an interrupted run of this plan had recorded it already."""
        self.ledger.refresh()
        if any(record.plan == self.plan for record in views.roots(self.ledger.history)):
            return True
        body = {"version": change.version, "data": change.data, "digest": change.digest, "plan": self.plan}
        self.ledger.append(Kind.ROOT, body, check=self.lease.fence)
        return False

    def consumed(self, allowed: Callable[[Ledger], None] | None = None) -> int:
        """The plan is done to its end: the index of the entry that says so. `allowed` raises ProceedError."""

        def once(ledger: Ledger) -> None:
            self.lease.fence(ledger)
            if allowed is not None:
                allowed(ledger)
            if views.consumed(ledger.history, self.plan) is not None:
                raise ProceedError("another run has applied this plan to its end")

        body = {"plan": self.plan, "result": "complete"}
        return self.ledger.append(Kind.CONSUMED, body, check=once).index
