"""What happens in the threads of a run: a writer carries out an operation, or a batch of them.

Here the ledger is touched only at the desk, and only to ask, right before each write, whether the plan may still go on.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..model.changes import Operation, Outcome, Status
from ..model.diagnostics import DiagnosticError
from ..sdk.errors import CloudError, ProceedError
from ..sdk.provider import Batch, Batching, JoiningWriter, Writer
from .journal import Journal

BATCH_SECONDS = 30.0
"""For so long after its start a batch begins operations (as many as run at once it begins in any case); the rest is
given back, to be looked at anew."""

Execute = Callable[[Operation, Callable[[], None]], Outcome | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a writer said of one operation. `error` is what stopped it; `writes` counts the times it went ahead.

    `taken`: the cloud took the call, and what became of it is still to be read. Without any of the three it was given
    back by a batch that took too long, untouched.
    """

    outcome: Outcome | None
    writes: int = 0
    error: ProceedError | DiagnosticError | None = None
    taken: bool = False

    @property
    def given_back(self) -> bool:
        return self.outcome is None and self.error is None


class Caller:
    """The way from a run to its writers. `halted` stops every write that has not begun."""

    def __init__(self, journal: Journal, writers: Mapping[str, Writer], allowed: Callable[[], None]) -> None:
        """`allowed` raises ProceedError when the plan may not go on; it is called at the desk."""
        self.desk = threading.RLock()
        self.halted = False
        self._journal, self._writers, self._allowed = journal, writers, allowed
        self._tickets = itertools.count(1)
        self._passed = 0

    def proceed(self) -> None:
        """Whether a write may begin now. Raises what says no.

        A check that began after this was asked, for another thread, answers this one too: it is as late as its own.
        """
        asked = next(self._tickets)
        with self.desk:
            if self.halted:
                raise ProceedError("this run is ending")
            if self._passed > asked:
                return
            began = next(self._tickets)
            ledger = self._journal.ledger
            ledger.refresh()
            self._journal.lease.strict(ledger)
            self._allowed()
            self._passed = began

    def one(self, operation: Operation) -> Answer:
        """Have its writer carry one operation out."""
        return self._carried_out(operation, self._writers[operation.address.provider].execute, self.proceed)

    def joined(self, writer: JoiningWriter, operations: Sequence[Operation]) -> tuple[Answer, ...]:
        """Have its writer carry operations out in one call: an answer each, in their order."""
        writes = 0

        def counted() -> None:
            nonlocal writes
            self.proceed()
            writes += 1

        try:
            outcomes = writer.execute_together(operations, counted)
        except (ProceedError, DiagnosticError) as error:
            return tuple(Answer(None, writes, error) for _ in operations)
        except CloudError as error:
            status = Status.UNKNOWN if writes else Status.FAILED
            outcomes = tuple(Outcome(operation.id, status, error.summary) for operation in operations)
        return tuple(Answer(outcome, writes) for outcome in outcomes)

    def together(self, writer: Batching, operations: Sequence[Operation], most: int) -> tuple[Answer, ...]:
        """Have a batch carried out, `most` at once: an answer each, in their order."""
        batch = writer.batch(operations)
        began = time.monotonic()
        stopped = threading.Event()

        def proceed() -> None:
            if stopped.is_set():
                raise _Ending("this run is ending")
            try:
                self.proceed()
            except BaseException:
                stopped.set()
                raise

        def carry_out(place: int, operation: Operation) -> Answer:
            if place >= most and time.monotonic() - began >= BATCH_SECONDS:
                return Answer(None)
            return self._carried_out(operation, batch.execute, proceed)

        with ThreadPoolExecutor(most, thread_name_prefix="batch") as pool:
            try:
                answers = list(pool.map(carry_out, itertools.count(), operations))
            except BaseException:
                stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return _told(batch, operations, answers)

    def _carried_out(self, operation: Operation, execute: Execute, proceed: Callable[[], None]) -> Answer:
        writes = 0

        def counted() -> None:
            nonlocal writes
            proceed()
            writes += 1

        try:
            outcome = execute(operation, counted)
        except (ProceedError, DiagnosticError) as error:
            return Answer(None, writes, error)
        except CloudError as error:
            outcome = Outcome(operation.id, Status.UNKNOWN if writes else Status.FAILED, error.summary)
        return Answer(outcome, writes, taken=outcome is None)


class _Ending(ProceedError):
    """Another operation of the batch was told why; this one only that it is over."""


def _told(batch: Batch, operations: Sequence[Operation], answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """The answers, with what the batch reads back for those that the cloud took."""
    if not any(answer.taken for answer in answers):
        return tuple(answers)
    why = "the cloud took the call, and what became of it was not read back"
    found: dict[str, Outcome] = {}
    try:
        found.update((outcome.operation, outcome) for outcome in batch.read_back())
    except CloudError as error:
        why = error.summary
    return tuple(
        Answer(found.get(operation.id, Outcome(operation.id, Status.UNKNOWN, why)), answer.writes)
        if answer.taken
        else answer
        for operation, answer in zip(operations, answers, strict=True)
    )


def reason(answers: Sequence[Answer]) -> ProceedError | DiagnosticError | None:
    """What stopped these, the real reason before «it is over»; None where nothing did."""
    errors = [answer.error for answer in answers if answer.error is not None]
    return next((error for error in errors if not isinstance(error, _Ending)), errors[0] if errors else None)
