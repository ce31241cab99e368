"""Apply: exactly the signed operations, each once, whatever happens in between.

Law 3 of the architecture: only a `VerifiedPlan` gets in here, and only the approval verifier makes one. The order of
operations is the plan's own: it is part of what was signed. Agents are worked on side by side, each agent's operations
one by one (`schedule`); the journal is one line of entries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ..approval.verifier import VerifiedPlan
from ..ledger import lease as leases
from ..ledger import replay
from ..ledger.errors import LedgerError
from ..ledger.log import Ledger
from ..sdk.provider import Writer
from . import guards
from .effects import Assess
from .inspect import Inspector
from .journal import Journal
from .result import ApplyResult, Phase, Progress, Report
from .run import Recheck, Run
from .worlds import Kinds, index_of

PATIENCE = leases.DURATION + timedelta(seconds=5)
"""How long an apply waits for another's lease: long enough for that of a crashed run to end."""

PARALLEL = 10
"""Operations under way at once, as Terraform's default."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How an apply runs. `holder` says who applies, for people; `lease` how long a crash may hold others up;
    `parallel` how many operations at most are under way at once (fewer where a writer's `parallel` says so);
    `take_over` waits for no lease: for stopping an agent alone."""

    holder: str = ""
    lease: timedelta = leases.DURATION
    patience: timedelta = PATIENCE
    clock: leases.Clock | None = None
    sleep: Callable[[float], None] = time.sleep
    parallel: int = PARALLEL
    take_over: bool = False


def apply(
    verified: VerifiedPlan,
    writers: Mapping[str, Writer],
    ledger: Ledger,
    *,
    kinds: Kinds,
    recheck: Recheck | None = None,
    conclude: Recheck | None = None,
    assess: Assess | None = None,
    progress: Report | None = None,
    terms: Terms | None = None,
    counts: replay.Counts | None = None,
) -> ApplyResult:
    """Carry out a verified plan, or what an interrupted run of it left. `writers` are by provider name.

    `counts` says which plans of the journal were signed for: only those show that something is ours to delete.
    `conclude` is asked before the plan's end is recorded, and again if somebody else was faster: as `recheck` does, it
    raises ProceedError. `assess` judges a change anew by its provider: what turns out wider than signed is not carried
    out.

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
        take_over=terms.take_over,
    )
    journal = Journal(ledger, digest, lease)
    inspector = Inspector(index, needed, kinds, terms.sleep)
    run = Run(index, journal, inspector, needed, kinds, recheck, progress, counts, terms.parallel, conclude, assess)
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
