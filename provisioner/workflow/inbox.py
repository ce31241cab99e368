"""`inbox`: the published plans that one person may still sign. Needs the ledger, no cloud and no configuration."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..ledger import views
from ..model.diagnostics import DiagnosticError
from ..render.inbox import Inbox, Waiting
from ..runner import Runner
from .approving import sign_offs
from .project import named_workspace, workspace_ledger
from .roots import latest, root_in_force


def inbox(runner: Runner, root: Path, person: str | None, workspace: str | None, now: datetime) -> Inbox:
    """What waits for `person` (None: whom the runner's own file names). `now` is this machine's time.

    Raises DiagnosticError where nobody is named or the trust root does not know them.
    """
    known = named_workspace(runner, workspace, root)
    name = person or known.person
    if name is None:
        raise DiagnosticError.of(
            "E-PERSON",
            "Whose inbox is meant?",
            f'Name somebody with -person NAME, or write person = "NAME" under [workspace."{known.name}"] in'
            f" {runner.path}.",
        )
    ledger = workspace_ledger(runner, known.name, root)
    data = root_in_force(ledger, runner).root.data
    if name not in data.people:
        raise DiagnosticError.of(
            "E-PERSON",
            f"The trust root knows no person {name!r}",
            f"It knows {', '.join(sorted(data.people))}.",
        )
    history, base = ledger.history, views.base(ledger.history)
    clock = latest(now, ledger.store.now())
    waiting: list[Waiting] = []
    for digest in reversed(views.published(history)):
        found = views.publication(history, digest)
        if found is None or views.consumed(history, digest) is not None:
            continue
        file = found.file()
        if file.plan.base != base:
            continue  # another plan was applied since: nobody can make this one count any more
        state = sign_offs(file, ledger, runner)
        if state.refusals:
            continue
        for row in state.rows:
            if name in row.may_sign and not row.done and not row.rejected:
                agents = tuple(sorted({c.agent for c in file.plan.changes if c.number in row.changes and c.agent}))
                waiting.append(
                    Waiting(
                        plan=file.short,
                        digest=digest,
                        surface=row.surface,
                        owner=row.owner,
                        changes=row.changes,
                        agents=agents,
                        wider=sum(c.effect.widens for c in file.plan.changes if c.number in row.changes),
                        missing=row.need - (row.have or 0),
                        accept=row.accept,
                        published=state.published or "",
                        hours_left=_hours(state.expires, clock),
                        blocked=bool(state.blocked),
                    )
                )
    return Inbox(ledger.workspace, name, tuple(waiting))


def _hours(expires: str | None, now: datetime) -> int | None:
    if expires is None:
        return None
    return max(0, int((datetime.fromisoformat(expires) - now).total_seconds() // 3600))
