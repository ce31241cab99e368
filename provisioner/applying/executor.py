"""Apply: exactly the signed operations, each once, whatever happens in between.

Law 3 of the architecture: only a `VerifiedPlan` gets in here, and only the approval verifier makes one. The order of
operations is the plan's own, one at a time: it is part of what was signed, and the journal is one line of entries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from ..approval.verifier import VerifiedPlan
from ..ledger import lease as leases
from ..ledger import replay, views
from ..ledger.entries import History
from ..ledger.errors import LedgerError
from ..ledger.log import Ledger
from ..model.changes import Operation, Outcome, Status
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..sdk.errors import CloudError, ProceedError
from ..sdk.provider import Writer
from . import guards
from .inspect import Inspector, Seen
from .journal import Journal
from .result import ApplyResult, OperationResult, Phase, Progress, Report, WorldProblem
from .worlds import Group, Kinds, PlanIndex, index_of, is_root, settle

Recheck = Callable[[Ledger], None]
"""Raises ProceedError when the plan may not go on (a sign-off that ran out, a rejection); called before every write."""

PATIENCE = leases.DURATION + timedelta(seconds=5)
"""How long an apply waits for another's lease: long enough for that of a crashed run to end."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How an apply runs. `holder` says who applies, for people; `lease` how long a crash may hold others up."""

    holder: str = ""
    lease: timedelta = leases.DURATION
    patience: timedelta = PATIENCE
    clock: leases.Clock | None = None
    sleep: Callable[[float], None] = time.sleep


def apply(
    verified: VerifiedPlan,
    writers: Mapping[str, Writer],
    ledger: Ledger,
    *,
    kinds: Kinds,
    recheck: Recheck | None = None,
    progress: Report | None = None,
    terms: Terms | None = None,
    counts: replay.Counts | None = None,
) -> ApplyResult:
    """Carry out a verified plan, or what an interrupted run of it left. `writers` are by provider name.

    `counts` says which plans of the journal were signed for: only those show that something is ours to delete.

    Raises TypeError for anything but a VerifiedPlan; DiagnosticError (LedgerError, LeaseHeld among them) and
    CloudError when it is refused before the first write. From then on the result tells what happened.
    """
    if type(verified) is not VerifiedPlan:
        raise TypeError(f"apply takes a VerifiedPlan, not a {type(verified).__name__}")
    plan, digest = verified.plan, verified.digest
    terms = terms or Terms()
    guards.well_formed(plan, digest, kinds, writers)
    index = index_of(plan)
    needed = {name: writers[name] for name in sorted({target.provider for target in plan.targets}) if name in writers}
    for writer in needed.values():
        writer.identify()
    lease = leases.acquire(
        ledger,
        digest,
        leases.new_holder(terms.holder),
        check=lambda seen: guards.current(plan, digest, seen.history),
        duration=terms.lease,
        patience=terms.patience,
        now=terms.clock,
        sleep=terms.sleep,
        waiting=_waiting(progress, len(plan.operations)),
    )
    journal = Journal(ledger, digest, lease)
    inspector = Inspector(index, needed, kinds, terms.sleep)
    run = _Run(index, journal, inspector, needed, kinds, recheck, progress, counts)
    try:
        result = run.go()
    except BaseException as error:
        _release(lease, error)
        raise
    return _released(lease, result)


def _waiting(progress: Report | None, total: int) -> Callable[[leases.LeaseState], None] | None:
    if progress is None:
        return None
    return lambda state: progress(Progress(Phase.WAITING, 0, total, detail=state.holder, until=state.expires))


def _release(lease: leases.Lease, error: BaseException) -> None:
    """End the lease on the way out of an error, which must stay the one that is seen."""
    try:
        lease.release()
    except LedgerError as second:
        error.add_note(f"The lease could not be released and ends by itself: {second}")


def _released(lease: leases.Lease, result: ApplyResult) -> ApplyResult:
    try:
        lease.release()
    except LedgerError as error:
        note = f"The hold on the workspace could not be released and ends by itself within a minute or so: {error}"
        return ApplyResult(
            result.plan, result.operations, result.problems, result.stopped, (*result.notes, note), result.complete
        )
    return result


@dataclass
class _Run:
    """One run over a plan, while its lease is held."""

    index: PlanIndex
    journal: Journal
    inspector: Inspector
    writers: Mapping[str, Writer]
    kinds: Kinds
    recheck: Recheck | None
    progress: Report | None
    counts: replay.Counts | None = None
    results: dict[str, OperationResult] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    problems: dict[str, WorldProblem] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)

    def go(self) -> ApplyResult:
        plan = self.index.plan
        history = self.journal.ledger.history
        self._recall(history)
        if any(guards.removes_whole(operation, self.kinds) for operation in plan.operations):
            guards.unrecorded(plan, self.kinds, self.done, replay.made(history, self.counts))
        stopped: Diagnostic | None = None
        complete = False
        try:
            for number, operation in enumerate(plan.operations, start=1):
                if not is_root(operation) and operation.id not in self.done:
                    self._step(operation, number)
            complete = self._finish()
        except ProceedError as error:
            stopped = _stopped(str(error))
        except DiagnosticError as error:
            stopped = _stopped(_told(error))
        ordered = tuple(self.results.get(operation.id) or self._untouched(operation) for operation in plan.operations)
        return ApplyResult(self.journal.plan, ordered, tuple(self.problems.values()), stopped, (), complete)

    def _untouched(self, operation: Operation) -> OperationResult:
        if operation.id in self.open:
            return OperationResult(operation, Status.UNKNOWN, "begun by an interrupted run; not read yet")
        return OperationResult(operation, Status.SKIPPED, "not begun")

    def _recall(self, history: History) -> None:
        """Take over what earlier runs of this plan recorded."""
        for id_, record in self.journal.records().items():
            operation = self.index.operations.get(id_)
            if operation is None or is_root(operation):
                raise LedgerError.because(
                    "E-LEDGER-BROKEN",
                    f"The ledger's journal names operation {id_!r}, which this plan does not make in a cloud",
                    "Find out who wrote that entry, and put the true entries back from a copy.",
                )
            if record.settled and not record.open:
                self.done.add(id_)
                status = record.status or Status.DONE
                self.results[id_] = OperationResult(operation, status, record.detail, earlier=True)
            elif record.open:
                self.open.add(id_)

    def _step(self, operation: Operation, number: int) -> None:
        waits = [id_ for id_ in operation.depends if id_ not in self.done]
        groups = [self.index.groups[key] for key in self.index.groups_of[operation.id]]
        if waits:
            self._record(operation, number, Status.SKIPPED, f"waits for operation {waits[0]}, which is not done")
            return
        self._begin([group for group in groups if group.key not in self.started])
        if operation.id in self.done:
            self._report(Phase.FINISHED, number, operation, Status.ALREADY)
            return
        blocked = next((self.problems[group.key] for group in groups if group.key in self.problems), None)
        if blocked is not None:
            self._record(operation, number, *self._blocked(operation, blocked))
            return
        if operation.id in self.refused:
            self._record(operation, number, Status.CONFLICT, self.refused[operation.id])
            return
        self._execute(operation, number)

    def _blocked(self, operation: Operation, problem: WorldProblem) -> tuple[Status, str]:
        if problem.readable:
            return Status.CONFLICT, f"not executed: {problem.subject} is not as signed"
        if operation.id in self.open:
            return Status.UNKNOWN, f"begun by an interrupted run; {problem.subject} could not be read"
        return Status.FAILED, f"not executed: {problem.subject} could not be read"

    def _begin(self, groups: Sequence[Group]) -> None:
        """Before the first operation of each group: settle what an interrupted run left, then compare."""
        if not groups:
            return
        seen = self.inspector.look(groups)
        for group in groups:
            self.started.add(group.key)
            if group.key not in seen.unreadable:
                self._settle(group, seen)
        self.problems.update(self.inspector.check(groups, self.done, seen))
        workspace = self.index.plan.workspace
        for id_ in {id_ for group in groups for id_ in group.operations}:
            why = guards.unmarked(self.index.operations[id_], seen.live, workspace, self.kinds)
            if why is not None:
                self.refused[id_] = why

    def _settle(self, group: Group, seen: Seen) -> None:
        for id_ in group.operations:
            operation = self.index.operations[id_]
            became = settle(operation, seen.live) if id_ in self.open else None
            if became is None:
                continue
            self.open.discard(id_)
            if became:
                detail = "done by an interrupted run; found by reading"
                self.journal.lease.keep()
                self.journal.outcome(operation, Outcome(id_, Status.ALREADY, detail, operation.after))
                self.done.add(id_)
                self.results[id_] = OperationResult(operation, Status.ALREADY, detail, earlier=True)

    def _execute(self, operation: Operation, number: int) -> None:
        self._report(Phase.STARTED, number, operation)
        self.journal.lease.keep()
        self._allowed()
        self.journal.intent(operation)
        writes = 0

        def proceed() -> None:
            nonlocal writes
            ledger = self.journal.ledger
            ledger.refresh()
            self.journal.lease.strict(ledger)
            self._allowed()
            writes += 1

        try:
            outcome = self.writers[operation.address.provider].execute(operation, proceed)
        except (ProceedError, DiagnosticError) as error:
            status = Status.UNKNOWN if writes else Status.SKIPPED
            self._record(operation, number, status, f"stopped: {error}")
            raise
        except CloudError as error:
            outcome = Outcome(operation.id, Status.UNKNOWN if writes else Status.FAILED, error.summary)
        conflict = outcome.status is Status.CONFLICT
        self._record(operation, number, Status.UNKNOWN if conflict and writes else outcome.status, outcome.detail)
        if conflict:
            line = f"{operation.address} was changed by somebody else: {outcome.detail or 'not as signed'}"
            for key in self.index.groups_of[operation.id]:
                self.problems.setdefault(key, WorldProblem(self.index.groups[key].agent, (line,)))
        self.journal.outcome(operation, outcome)

    def _allowed(self) -> None:
        """The plan may still go on. Raises ProceedError."""
        ledger = self.journal.ledger
        if views.consumed(ledger.history, self.journal.plan) is not None:
            raise ProceedError("another run has applied this plan to its end")
        if self.recheck is not None:
            self.recheck(ledger)

    def _conclude(self) -> None:
        """Every group whose last operation is done must be as signed now. One look at all of them, in bulk."""
        ended = [
            group
            for group in self.index.groups.values()
            if group.key not in self.problems and all(id_ in self.done for id_ in group.operations)
        ]
        self.problems.update(self.inspector.check(ended, self.done))

    def _finish(self) -> bool:
        """Record the next trust root, then the end of the plan; False when something is left to do.

        What is done was allowed when it was done: a sign-off that runs out now does not keep the plan open.
        """
        self._conclude()
        plan = self.index.plan
        roots = [operation for operation in plan.operations if is_root(operation)]
        if self.problems or any(not is_root(op) and op.id not in self.done for op in plan.operations):
            return False
        self.journal.lease.keep()
        if plan.next_root is not None:
            self._allowed()
            earlier = self.journal.root(plan.next_root)
            status = Status.ALREADY if earlier else Status.DONE
            for operation in roots:
                self._record(
                    operation, len(plan.operations), status, f"trust root v{plan.next_root.version} is in force"
                )
        self.journal.consumed()
        return True

    def _record(self, operation: Operation, number: int, status: Status, detail: str) -> None:
        self.results[operation.id] = OperationResult(operation, status, detail)
        if status.value in views.SETTLED:
            self.done.add(operation.id)
        self._report(Phase.FINISHED, number, operation, status, detail)

    def _report(
        self, phase: Phase, number: int, operation: Operation, status: Status | None = None, detail: str = ""
    ) -> None:
        if self.progress is not None:
            self.progress(Progress(phase, number, len(self.index.plan.operations), operation, status, detail))


def _stopped(why: str) -> Diagnostic:
    return Diagnostic(
        "E-APPLY-STOPPED",
        f"The apply stopped before its end: {why}",
        "What is done is recorded, and nothing of it is lost. Once the cause is mended, run `provisioner apply` on the"
        " same plan again: it reads what became of an interrupted call and does what is left.",
    )


def _told(error: DiagnosticError) -> str:
    first = error.diagnostics[0]
    return f"{first.summary}. {first.detail}" if first.detail else first.summary
