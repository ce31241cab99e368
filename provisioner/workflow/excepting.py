"""`exceptions`: what the trust root in force sets aside, and how long for. Needs the ledger, no configuration."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..approval.exceptions import end_of
from ..render.exceptions import ExceptionRow, Exceptions
from ..runner import Runner
from .project import workspace_ledger
from .roots import latest, root_in_force


def exceptions(runner: Runner, folder: Path, workspace: str | None, now: datetime) -> Exceptions:
    """Exceptions and baselines of the root in force. `now` is this machine's time; the ledger's store may know better.

    Raises DiagnosticError for a workspace that is not known or a chain of roots that does not hold.
    """
    ledger = workspace_ledger(runner, workspace, folder)
    root = root_in_force(ledger, runner).root
    clock = latest(now, ledger.store.now())
    rows = [
        ExceptionRow(
            address,
            "exception",
            (item.rule,),
            item.subjects,
            item.accepted_by,
            item.reason,
            item.compensating_control,
            item.ticket,
            item.expires,
            _days_left(item.expires, clock),
        )
        for address, item in root.data.exceptions.items()
    ]
    rows += [
        ExceptionRow(
            address,
            "baseline",
            item.rules,
            tuple(f"agent.{name}" for name in item.agents),
            "",
            "",
            "",
            "",
            item.expires,
            _days_left(item.expires, clock),
        )
        for address, item in root.data.baselines.items()
    ]
    rows.sort(key=lambda row: (row.days_left is None, row.expires, row.address))
    return Exceptions(ledger.workspace, root.version, tuple(rows))


def _days_left(expires: str, now: datetime) -> int | None:
    left = end_of(expires) - now
    return left.days if left.total_seconds() > 0 else None
