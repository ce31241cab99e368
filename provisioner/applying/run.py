"""One run over a plan while its lease is held: what begins when, what is recorded, when it stops.

All that touches the ledger or this run's state happens in one thread, except `proceed`: a writer calls that from its
own thread just before it writes (`calling`). An intent is in the ledger before its call is handed to a writer, and
nothing of an agent begins before the answer to its last operation is recorded. Where many operations may begin at once
and their writer can, they go as a batch: one entry for their intents, one for their outcomes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from ..ledger import replay, views
from ..ledger.entries import History
from ..ledger.errors import LedgerError
from ..ledger.log import Ledger
from ..model.changes import Operation, Outcome, Status
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..sdk.errors import ProceedError
from ..sdk.provider import Batching, JoiningWriter, Writer
from . import effects, guards
from .calling import Answer, Caller, reason
from .calls import Calls
from .inspect import Inspector, Seen
from .journal import Journal
from .result import ApplyResult, OperationResult, Phase, Progress, Report, WorldProblem
from .schedule import Schedule
from .worlds import Group, Kinds, PlanIndex, is_root, settle

Numbered = Sequence[tuple[int, Operation]]
"""Operations with their number in the plan, from 1."""

Recheck = Callable[[Ledger], None]
"""Raises ProceedError when the plan may not go on (a sign-off that ran out, a rejection); called before every write."""

LOOK_AHEAD = 500
"""Groups that one look reads at most: beyond a few, a bulk read costs the same for many as for one."""

FRESH_SECONDS = 30.0
"""How old a look ahead may be when the first operation of its group begins; older ones are made again."""


Turn = tuple[tuple[int, Answer], ...]
"""The answers of a call or a batch, each with the place of its operation."""


@dataclass
class Run:
    """One run. `go` carries it out; everything else is its state."""

    index: PlanIndex
    journal: Journal
    inspector: Inspector
    writers: Mapping[str, Writer]
    kinds: Kinds
    recheck: Recheck | None
    progress: Report | None
    counts: replay.Counts | None = None
    parallel: int = 1
    conclude: Recheck | None = None
    assess: effects.Assess | None = None
    results: dict[str, OperationResult] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    problems: dict[str, WorldProblem] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    ahead: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    most: int = 1
    caller: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.caller = Caller(self.journal, self.writers, self._allowed)

    def go(self) -> ApplyResult:
        plan = self.index.plan
        history = self.journal.ledger.history
        self._recall(history)
        if any(guards.removes_whole(operation, self.kinds) for operation in plan.operations):
            guards.unrecorded(plan, self.kinds, self.done, replay.made(history, self.counts))
        stopped: Diagnostic | None = None
        complete = False
        try:
            self._work()
            complete = self._finish()
        except ProceedError as error:
            stopped = _stopped(str(error))
        except DiagnosticError as error:
            stopped = _stopped(_told(error))
        ordered = tuple(self.results.get(operation.id) or self._untouched(operation) for operation in plan.operations)
        return ApplyResult(
            self.journal.plan, ordered, tuple(self.problems.values()), stopped, tuple(self.notes), complete
        )

    def _work(self) -> None:
        """Every operation that is left, each as soon as the schedule lets it begin."""
        numbered = [
            (number, operation)
            for number, operation in enumerate(self.index.plan.operations, start=1)
            if not is_root(operation) and operation.id not in self.done
        ]
        caps = {name: min(self.parallel, _parallel(writer)) for name, writer in self.writers.items()}
        schedule = Schedule([operation for _, operation in numbered], self.index.groups_of, caps)
        self.most = max(1, min(self.parallel, sum(caps.values())))
        with Calls[Turn](self.most) as calls:
            try:
                while schedule.left:
                    at = None if calls.full else schedule.begin()
                    if at is None:
                        self._take(calls, schedule, numbered)
                    else:
                        self._begin_turn(calls, schedule, numbered, at)
            except (ProceedError, DiagnosticError):
                self.caller.halted = True
                self._drain(calls, numbered)
                raise
            except BaseException:
                self.caller.halted = True
                raise

    def _begin_turn(self, calls: Calls[Turn], schedule: Schedule, numbered: Numbered, first: int) -> None:
        """Start an operation that may begin: alone, in one call with others, or with others in a batch."""
        writer = self.writers[numbered[first][1].address.provider]
        places = [first]
        if isinstance(writer, JoiningWriter):
            places += schedule.along(first, writer.joint)
        elif self.most > 1 and isinstance(writer, Batching):
            places += schedule.more(first, self.most, writer.batch_most - 1)
        ready: list[int] = []
        beside: set[str] = set()
        for at in places:
            if self._ready(numbered[at][1], numbered[at:], beside):
                ready.append(at)
                beside.add(numbered[at][1].id)
            else:
                schedule.end(at)
        if not ready:
            return
        operations = [numbered[at][1] for at in ready]
        self._start([numbered[at] for at in ready])
        if len(ready) == 1:
            calls.start(first, lambda: ((ready[0], self.caller.one(operations[0])),))
        elif isinstance(writer, JoiningWriter):
            calls.start(first, lambda: tuple(zip(ready, self.caller.joined(writer, operations), strict=True)))
        elif isinstance(writer, Batching):
            most = min(self.parallel, _parallel(writer))
            calls.start(first, lambda: tuple(zip(ready, self.caller.together(writer, operations, most), strict=True)))

    def _take(self, calls: Calls[Turn], schedule: Schedule, numbered: Numbered) -> None:
        """Wait for answers, record them, and free what waited for them."""
        _, turn = calls.take()
        self._answered(turn, numbered)
        for at, answer in turn:
            if answer.given_back:
                self._given_back(numbered[at][1])
                schedule.again(at)
            else:
                schedule.end(at)

    def _given_back(self, operation: Operation) -> None:
        """An operation that has not begun after all: where it is the first of its agent, that is looked at anew."""
        for key in self.index.groups_of[operation.id]:
            if not any(id_ in self.done for id_ in self.index.groups[key].operations):
                self.started.discard(key)

    def _drain(self, calls: Calls[Turn], numbered: Numbered) -> None:
        """After something has stopped the run: take the answers of what was under way, and record what can be."""
        while calls.any:
            _, turn = calls.take()
            try:
                self._answered(turn, numbered)
            except (ProceedError, DiagnosticError) as error:
                if error is reason([answer for _, answer in turn]):
                    continue
                lost = [numbered[at][1].id for at, answer in turn if answer.outcome is not None]
                self.notes.append(f"The outcome of operation {', '.join(lost)} could not be recorded: {error}")

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

    def _ready(self, operation: Operation, following: Numbered, beside: Set[str] = frozenset()) -> bool:
        """Whether the call is to be made; where not, what became of the operation is recorded. `beside` are the ids of
        those that the same call carries out."""
        waits = [id_ for id_ in operation.depends if id_ not in self.done and id_ not in beside]
        groups = [self.index.groups[key] for key in self.index.groups_of[operation.id]]
        if waits:
            self._record(operation, Status.SKIPPED, f"waits for operation {waits[0]}, which is not done")
            return False
        self._begin(groups, following)
        if operation.id in self.done:
            self._report(Phase.FINISHED, len(self.results), operation, Status.ALREADY)
            return False
        blocked = next((self.problems[group.key] for group in groups if group.key in self.problems), None)
        if blocked is not None:
            self._record(operation, *self._blocked(operation, blocked))
            return False
        if operation.id in self.refused:
            self._record(operation, Status.CONFLICT, self.refused[operation.id])
            return False
        return True

    def _blocked(self, operation: Operation, problem: WorldProblem) -> tuple[Status, str]:
        if problem.readable:
            return Status.CONFLICT, f"not executed: {problem.subject} is not as signed"
        if operation.id in self.open:
            return Status.UNKNOWN, f"begun by an interrupted run; {problem.subject} could not be read"
        return Status.FAILED, f"not executed: {problem.subject} could not be read"

    def _begin(self, groups: Sequence[Group], following: Numbered) -> None:
        """Before the first operation of each group: settle what an interrupted run left, then compare.

        The groups that come next in the signed order are looked at along with these, since one bulk read shows them
        all. None of their operations is under way: the first to begin would have had its group looked at.
        """
        now = time.monotonic()
        missing = []
        for group in groups:
            if group.key in self.started:
                continue
            self.started.add(group.key)
            if now - self.ahead.pop(group.key, -FRESH_SECONDS) >= FRESH_SECONDS:
                missing.append(group)
        if not missing:
            return
        chosen = [*missing, *self._coming(following, {group.key for group in missing})]
        seen = self.inspector.look(chosen)
        for group in chosen:
            self.problems.pop(group.key, None)
        self._settle([group for group in chosen if group.key not in seen.unreadable], seen)
        self.problems.update(self.inspector.check(chosen, self.done, seen))
        self.ahead.update((group.key, now) for group in chosen[len(missing) :])
        workspace = self.index.plan.workspace
        for id_ in {id_ for group in chosen for id_ in group.operations}:
            why = guards.unmarked(self.index.operations[id_], seen.live, workspace, self.kinds)
            if why is not None:
                self.refused[id_] = why
        for group in chosen:
            if self.assess is not None and group.key not in self.problems:
                self.refused.update(effects.untrue(self.index, group, seen.live, self.done, self.assess))

    def _coming(self, following: Numbered, taken: set[str]) -> list[Group]:
        """Groups whose first operation comes soon, as long as one look can hold them."""
        coming: dict[str, Group] = {}
        for _, operation in following:
            if len(taken) + len(coming) >= LOOK_AHEAD or self.most == 1:
                break
            for key in self.index.groups_of[operation.id]:
                if key not in self.started and key not in self.ahead and key not in taken:
                    coming[key] = self.index.groups[key]
        return list(coming.values())

    def _settle(self, groups: Sequence[Group], seen: Seen) -> None:
        """What became of the calls that an interrupted run had begun."""
        detail = "done by an interrupted run; found by reading"
        settled: list[tuple[Operation, Outcome]] = []
        for id_ in dict.fromkeys(id_ for group in groups for id_ in group.operations if id_ in self.open):
            operation = self.index.operations[id_]
            became = settle(operation, seen.live)
            if became is None:
                continue
            self.open.discard(id_)
            if became:
                settled.append((operation, Outcome(id_, Status.ALREADY, detail, operation.after)))
        if not settled:
            return
        with self.caller.desk:
            self.journal.lease.keep()
            self.journal.outcome(*settled)
        for operation, outcome in settled:
            self.done.add(operation.id)
            self.results[operation.id] = OperationResult(operation, outcome.status, detail, earlier=True)

    def _start(self, operations: Numbered) -> None:
        """Record the intents. Raises ProceedError when the plan may not go on."""
        for number, operation in operations:
            self._report(Phase.STARTED, number, operation)
        with self.caller.desk:
            self.journal.lease.keep()
            self._allowed()
            self.journal.intent(*(operation for _, operation in operations))

    def _answered(self, turn: Turn, numbered: Numbered) -> None:
        """Record what became of a call, or of those of a batch. Raises what stopped them."""
        told: list[tuple[Operation, Outcome]] = []
        for at, answer in turn:
            operation = numbered[at][1]
            if answer.outcome is not None:
                self._outcome(operation, answer.outcome, bool(answer.writes))
                told.append((operation, answer.outcome))
            elif answer.error is not None:
                status = Status.UNKNOWN if answer.writes else Status.SKIPPED
                self._record(operation, status, f"stopped: {answer.error}")
        if told:
            with self.caller.desk:
                self.journal.outcome(*told)
        stopped = reason([answer for _, answer in turn])
        if stopped is not None:
            raise stopped

    def _outcome(self, operation: Operation, outcome: Outcome, written: bool) -> None:
        conflict = outcome.status is Status.CONFLICT
        self._record(operation, Status.UNKNOWN if conflict and written else outcome.status, outcome.detail)
        if conflict:
            line = f"{operation.address} was changed by somebody else: {outcome.detail or 'not as signed'}"
            for key in self.index.groups_of[operation.id]:
                self.problems.setdefault(key, WorldProblem(self.index.groups[key].agent, (line,)))

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

        What is done was allowed when it was done: a sign-off that runs out now does not keep the plan open. A key that
        was revoked does: the plan ends once somebody else has signed in its place.
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
                self._record(operation, status, f"trust root v{plan.next_root.version} is in force")
        self.journal.consumed(self.conclude)
        return True

    def _record(self, operation: Operation, status: Status, detail: str) -> None:
        self.results[operation.id] = OperationResult(operation, status, detail)
        if status.value in views.SETTLED:
            self.done.add(operation.id)
        self._report(Phase.FINISHED, len(self.results), operation, status, detail)

    def _report(
        self, phase: Phase, number: int, operation: Operation, status: Status | None = None, detail: str = ""
    ) -> None:
        if self.progress is not None:
            self.progress(Progress(phase, number, len(self.index.plan.operations), operation, status, detail))


def _parallel(writer: Writer) -> int:
    """How many operations a writer takes at once: its own `parallel`, else one."""
    return max(1, int(getattr(writer, "parallel", 1)))


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
