"""Executes signed operations: precondition, one call, read-back. Nothing comes from anywhere but the operation.

Objects are written here, one call an operation; tuples of allow policies in `policy_edit`, all of one policy in one
call. The etag is read at execution and never signed: what is signed is the digest of our own fields, so a neighbour's
edit neither voids the plan nor is lost. A write that Google refuses as ABORTED starts over: read again, compare with
what was signed again.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from provisioner.model.changes import ABSENT, Operation, Outcome, Status
from provisioner.model.resources import Address, Mark
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection

from . import policy_edit, rest, schema
from .bindings import place_of
from .client import READ_SECONDS, Project, pause_of
from .faults import CallError, Fault
from .fitting import TUPLES
from .forms import DELETED, canonical_attributes
from .reader import GoogleReader
from .settling import (
    CONFLICT_READS,
    FINAL,
    READ_TRIES,
    Found,
    Tries,
    digest_of,
    expected,
    mismatch,
    settled,
    unmarked,
    unread,
)

SLOW_PAUSE = 13.0
"""Seconds: deny policies and access boundaries take 5 calls a minute and project."""

_SUBJECT = re.compile(r"principal\.subject == '([^']+)'")
_SLOW = (schema.DENY_POLICY, schema.ACCESS_BOUNDARY, schema.ACCESS_BOUNDARY_BINDING)


class GoogleWriter(GoogleReader):
    """A reader that can execute, several operations at once: what would get into one another's way waits in a row."""

    parallel = 8
    """Calls that write take two that read. IAM takes 600 writes a minute and project. Source: «Quotas and limits»."""

    def __init__(
        self,
        connections: Sequence[Connection],
        sleep: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        super().__init__(connections, read_seconds, sleep)
        self._sleep = sleep
        self._turns = _Turns()

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome:
        """Carry out one operation. Never raises for what Google answers; `proceed` may raise to stop it."""
        return self.execute_together((operation,), proceed)[0]

    def joint(self, operation: Operation) -> str:
        """Which operations one call carries out: those on one policy. Empty for what is a call of its own."""
        return policy_edit.joint(operation)

    def execute_together(self, operations: Sequence[Operation], proceed: Callable[[], None]) -> tuple[Outcome, ...]:
        """Carry out operations of one `joint`, in the signed order, with one call where nothing stands in the way."""
        first = operations[0]
        project = self._projects.get(first.address.target)
        if project is None:
            detail = f"this run has no connection to project {first.address.target}"
            return tuple(Outcome(operation.id, Status.FAILED, detail) for operation in operations)
        with self._turns.of(_row_of(first)):
            return self._carried_out(operations, project, proceed)

    def _carried_out(
        self, operations: Sequence[Operation], project: Project, proceed: Callable[[], None]
    ) -> tuple[Outcome, ...]:
        try:
            if operations[0].address.kind in TUPLES:
                return policy_edit.PolicyEdit(operations, project, proceed, self._sleep).run()
            return tuple(_Execution(operation, project, proceed, self._sleep).run() for operation in operations)
        except CloudError as error:
            detail = f"{error.summary}; nothing was written"
            return tuple(Outcome(operation.id, Status.FAILED, detail) for operation in operations)


class _Turns:
    """A lock for each thing that one write at a time goes to."""

    def __init__(self) -> None:
        self._desk = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def of(self, row: str) -> AbstractContextManager[Any]:
        """Held while it is used; nothing to wait for where no row is named."""
        if not row:
            return nullcontext()
        with self._desk:
            return self._locks.setdefault(row, threading.Lock())


def _row_of(operation: Operation) -> str:
    """What an operation must not be at beside another one: its policy, which would answer the later one that its etag
    is stale; its pool; and where five calls a minute are taken, anything else that they are taken from."""
    address = operation.address
    if address.kind in _SLOW:
        return f"{address.target} slow"
    if address.kind in (schema.POOL, schema.POOL_PROVIDER):
        return f"{address.target} pool {address.name.partition('/')[0]}"
    place = place_of(address.name) if address.kind in TUPLES else None
    return place.resource if place is not None else ""


@dataclass(slots=True)
class _Execution:
    """One operation under way. `last` is the latest error that was worth another try; `maybe_done` is true once a call
    may have taken effect without an answer."""

    operation: Operation
    project: Project
    proceed: Callable[[], None]
    sleep: Callable[[float], None]
    attempts: int = 0
    last: CallError | None = None
    maybe_done: bool = False

    def run(self) -> Outcome:
        tries = Tries()
        for attempt in tries:
            try:
                found = self._look()
            except CallError as error:
                return self._unread(error)
            outcome = settled(self.operation, found, self.attempts)
            if outcome is not None:
                return outcome
            error_ = self._write(found)
            if error_ is None:
                return self._read_back()
            refused = self._refused(error_)
            if refused is not None:
                return refused
            if error_.fault is Fault.THROTTLED:
                tries.throttled()
            slow = error_.fault is Fault.THROTTLED and self.operation.address.kind in _SLOW
            self.sleep(SLOW_PAUSE if slow else pause_of(attempt))
        return self._gave_up()

    def _look(self) -> Found:
        """The live object; read again where it looks like a conflict, since copies lag."""
        found = self._find()
        for attempt in range(CONFLICT_READS - 1):
            if expected(self.operation, found):
                break
            self.sleep(pause_of(attempt))
            found = self._find()
        return found

    def _find(self) -> Found:
        operation = self.operation
        address = operation.address
        foreign = self._foreign_anchor()
        try:
            raw = rest.fetch(self.project, address)
        except CallError as error:
            if error.fault is Fault.ABSENT and operation.verb == "iam:undeleteServiceAccount":
                gone = {"state": DELETED, "deleted_id": operation.params["uniqueId"]}
                return Found(canonical_attributes(address.kind, gone))
            if error.fault is not Fault.ABSENT:
                raise
            return Found(None, foreign=foreign)
        state = rest.state_of(address.kind, raw)
        mark = rest.mark_text(address.kind, state)
        if state.get("state") == DELETED and operation.after == ABSENT:
            return Found(None, raw, mark=mark, foreign=foreign)
        return Found(state, raw, mark=mark, foreign=foreign or self._foreign(mark))

    def _foreign(self, mark: Mark | None) -> str:
        """Why a live object is not ours, by the mark that it carries now; a call that gives the mark back may pass."""
        operation = self.operation
        if operation.before == ABSENT or "description" in operation.params or "annotations" in operation.params:
            return ""
        name = operation.address.name
        if mark is None:
            return f"{name} does not carry our mark, so it is not touched"
        if operation.agent is not None and mark.agent != operation.agent:
            return f"{name} is marked as agent {mark.agent!r}'s, not {operation.agent!r}'s, so it is not touched"
        return ""

    def _foreign_anchor(self) -> str:
        """Why what an object hangs on is not ours: a provider's pool, the principal that a boundary is bound to."""
        address, params = self.operation.address, self.operation.params
        if address.kind == schema.POOL_PROVIDER:
            pool = address.name.partition("/")[0]
            return unmarked(self.project, self.operation, Address("google", address.target, schema.POOL, pool))
        if address.kind != schema.ACCESS_BOUNDARY_BINDING or "principal_set" not in params:
            return ""
        subject = _SUBJECT.search(str((params.get("condition") or {}).get("expression", "")))
        if subject is not None:
            account = subject[1].partition("@")[0]
            return unmarked(self.project, self.operation, Address("google", address.target, schema.ACCOUNT, account))
        pool = str(params["principal_set"]).rpartition("/workloadIdentityPools/")[2]
        return unmarked(self.project, self.operation, Address("google", address.target, schema.POOL, pool))

    def _write(self, found: Found) -> CallError | None:
        """Make the call once. None when Google took it, else what it answered."""
        self.attempts += 1
        self.proceed()
        try:
            rest.write(self.project, self.operation.verb, self.operation.address, self.operation.params, found.raw)
        except CallError as error:
            return error
        return None

    def _refused(self, error: CallError) -> Outcome | None:
        """A failed outcome, or None where another look and another try may help."""
        repeated = error.fault is Fault.EXISTS and self.last is not None and self.last.fault is Fault.EXISTS
        self.maybe_done = self.maybe_done or error.taken
        if error.fault in FINAL or repeated:
            status = Status.UNKNOWN if self.maybe_done else Status.FAILED
            what = "was taken, but may not be waited for" if error.taken else "was refused"
            return self._outcome(status, f"{self.operation.verb} {what}: {error}")
        self.maybe_done = self.maybe_done or error.fault is Fault.UNCLEAR
        self.last = error
        return None

    def _read_back(self) -> Outcome:
        """Wait, within bounds, until a read shows what was written."""
        digest, problem = "", ""
        for attempt in range(READ_TRIES):
            try:
                digest, problem = digest_of(self.operation, self._find()), ""
            except CallError as error:
                problem = str(error)
            if not problem and digest == self.operation.after:
                return self._outcome(Status.DONE, "", digest)
            if attempt < READ_TRIES - 1:
                self.sleep(pause_of(attempt))
        if problem:
            return self._outcome(Status.UNKNOWN, f"Google took the call, but it cannot be read back: {problem}")
        return mismatch(self.operation, digest, self.attempts)

    def _unread(self, error: CallError) -> Outcome:
        return unread(self.operation, error, self.last, self.maybe_done, self.attempts)

    def _gave_up(self) -> Outcome:
        try:
            digest = digest_of(self.operation, self._find())
        except CallError as error:
            return self._unread(error)
        if digest == self.operation.after:
            return self._outcome(Status.DONE, "done: the call's answer was lost, but a read shows it", digest)
        status = Status.UNKNOWN if self.maybe_done else Status.FAILED
        return self._outcome(status, f"gave up after {self.attempts} tries: {self.last}", digest)

    def _outcome(self, status: Status, detail: str, live: str = "") -> Outcome:
        return Outcome(self.operation.id, status, detail, live, self.attempts)
