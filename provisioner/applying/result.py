"""What an apply did, did not do, and cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ..model.changes import Operation, Status
from ..model.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class OperationResult:
    """One operation of the plan. `earlier` is true where an interrupted run of the same plan had done it."""

    operation: Operation
    status: Status
    detail: str = ""
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class WorldProblem:
    """An agent (None: a resource that belongs to none) whose live authority is not what was signed.

    `lines` say what differs, resource by resource. `readable` is false where it could not be read: then nothing is
    known about it. `final` tells the check after the last operation from the one before the first.
    """

    agent: str | None
    lines: tuple[str, ...]
    readable: bool = True
    final: bool = False

    @property
    def subject(self) -> str:
        """Who or what it is about, for one line."""
        return f"agent {self.agent}" if self.agent is not None else "a shared resource"


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """`operations` are all of the plan's, in its order. `complete`: everything is done and as signed, and the plan is
    consumed. `stopped` says why a run ended before its last operation. `notes` are what a person should know besides.
    `calls` counts this run's requests by `provider:target`, as far as writers count them.
    """

    plan: str
    operations: tuple[OperationResult, ...]
    problems: tuple[WorldProblem, ...] = ()
    stopped: Diagnostic | None = None
    notes: tuple[str, ...] = ()
    complete: bool = False
    calls: Mapping[str, int] = field(default_factory=dict)
    milliseconds: int = 0

    def _of(self, *statuses: Status) -> tuple[OperationResult, ...]:
        return tuple(result for result in self.operations if result.status in statuses)

    @property
    def done(self) -> tuple[OperationResult, ...]:
        """Executed by this run."""
        return tuple(result for result in self._of(Status.DONE) if not result.earlier)

    @property
    def already(self) -> tuple[OperationResult, ...]:
        """Found as signed: done by an earlier run of this plan."""
        found = self._of(Status.DONE, Status.ALREADY)
        return tuple(result for result in found if result.earlier or result.status is Status.ALREADY)

    @property
    def failed(self) -> tuple[OperationResult, ...]:
        return self._of(Status.FAILED)

    @property
    def conflicts(self) -> tuple[OperationResult, ...]:
        """Not executed: live is neither what was signed as before nor as after."""
        return self._of(Status.CONFLICT)

    @property
    def skipped(self) -> tuple[OperationResult, ...]:
        return self._of(Status.SKIPPED)

    @property
    def unknown(self) -> tuple[OperationResult, ...]:
        """May or may not have taken effect; the next run settles them by reading the cloud."""
        return self._of(Status.UNKNOWN)

    @property
    def changed(self) -> tuple[OperationResult, ...]:
        """What is in the cloud now."""
        return self._of(Status.DONE, Status.ALREADY)

    @property
    def not_changed(self) -> tuple[OperationResult, ...]:
        """What is certainly not."""
        return self._of(Status.FAILED, Status.CONFLICT, Status.SKIPPED)


class Phase(StrEnum):
    """What a progress report is about."""

    WAITING = "waiting"
    STARTED = "started"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of an apply. WAITING: for `detail`'s lease, at most `until`. STARTED: `number` is the operation's place
    in the plan. FINISHED carries its status, and in `number` how many have ended."""

    phase: Phase
    number: int
    total: int
    operation: Operation | None = None
    status: Status | None = None
    detail: str = ""
    until: datetime | None = None


Report = Callable[[Progress], None]
