"""`inbox`: the published plans that one person may still sign, and what they are told.

Needs the ledger, no cloud and no configuration.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..approval.root import RootData
from ..approval.verdict import RequirementState
from ..ledger import views
from ..model.diagnostics import DiagnosticError
from ..render.inbox import Inbox, Waiting
from ..runner import Runner
from . import noticing
from .approving import shown, verdict
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
    if name not in data.people and not noticing.known(ledger, runner, name):
        raise DiagnosticError.of(
            "E-PERSON",
            f"The trust root knows no person {name!r}",
            f"It knows {', '.join(sorted(data.people))}.",
        )
    history, base = ledger.history, views.base(ledger.history)
    clock = latest(now, ledger.store.now())
    waiting: list[Waiting] = []
    notices = [*noticing.reviews(ledger, runner, name), *noticing.replaced(ledger, runner, name, clock)]
    for digest in reversed(views.published(history)):
        found = views.publication(history, digest)
        if found is None or views.consumed(history, digest) is not None:
            continue
        if found.entry.index < base:
            break  # nothing older builds on the last applied plan
        file = found.file()
        if file.plan.base != base:
            continue  # another plan was applied since: nobody can make this one count any more
        judged = verdict(file, ledger, runner)
        state = shown(file, ledger, judged)
        if state.refusals:
            continue
        notices += noticing.of_plan(file, data, judged.states, name)
        for one, row in zip(judged.states, state.rows, strict=True):
            standing = _stands_in(data, one, name)
            if row.done or row.rejected or (name not in row.may_sign and standing is None):
                continue
            mine = [change for change in file.plan.changes if change.number in row.changes]
            waiting.append(
                Waiting(
                    plan=file.short,
                    digest=digest,
                    surface=row.surface,
                    owner=row.owner,
                    standing="" if name in row.may_sign else standing or "",
                    changes=row.changes,
                    agents=tuple(sorted({change.agent for change in mine if change.agent is not None})),
                    wider=sum(change.effect.widens for change in mine),
                    missing=row.need - (row.have or 0),
                    accept=row.accept,
                    published=state.published or "",
                    hours_left=_hours(state.expires, clock),
                    blocked=bool(state.blocked),
                )
            )
    return Inbox(ledger.workspace, name, tuple(waiting), tuple(notices), data.approval.solo)


def _stands_in(root: RootData, state: RequirementState, person: str) -> str | None:
    """The owner as which a person may sign in another's place now, because it escalates to that one."""
    way = state.stand_in
    barred = {bar.person for bar in state.may_not} | {signed.person for signed in (*state.signed, *state.rejected)}
    if way is None or not way.open or way.to not in root.owners or person in barred:
        return None
    return way.to if person in root.owners[way.to].signers else None


def _hours(expires: str | None, now: datetime) -> int | None:
    if expires is None:
        return None
    return max(0, int((datetime.fromisoformat(expires) - now).total_seconds() // 3600))
