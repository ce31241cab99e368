"""`provisioner drift`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

if TYPE_CHECKING:
    from ..model.diagnostics import Diagnostic
    from ..workflow.drifting import DriftRun

app = typer.Typer(add_completion=False, rich_markup_mode=None)

IgnoreFile: Any = typer.Option(
    "--ignore", metavar="FILE", help="What to set aside; .provisioner.ignore.hcl where there is one."
)


Record: Any = typer.Option("--record", help="Write what was seen into the ledger, for the next.", show_default=False)


@command(app, "provisioner drift -json")
def drift(
    ctx: typer.Context,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    ignore: Annotated[str | None, IgnoreFile] = None,
    record: Annotated[bool, Record] = False,
    json: Annotated[bool, Json] = False,
) -> int:
    """Find authority that no signed plan explains, and say whose it is. Changes no cloud, and cannot.

    Exit 5 for out-of-band drift, 6 when something could not be read, 2 for changes that wait to be applied.
    """
    from ..render.conditions import Condition, drift_conditions, exit_code, ordered
    from ..render.driftreport import drift_text
    from ..render.jsonout import drift_document
    from ..workflow.drifting import drift as look

    session = session_of(ctx)
    project = project_of(session, var, var_file)
    run = look(project, None if ignore is None else Path(ignore))
    outcome = _after(run, record)
    held = drift_conditions(run.report)
    if any(diagnostic.is_error for diagnostic in outcome.diagnostics):
        held = ordered((*held, Condition.ERROR))
    said = (*project.warnings, *outcome.diagnostics)
    if json:
        body = {**drift_document(run.report), "recorded": outcome.entry}
        session.document("drift", body, held, said, project.sources)
    else:
        text = drift_text(
            run.report, conditions=held, recorded=outcome.entry, width=session.width, color=session.color()
        )
        session.diagnostics(said, project.sources)
        session.print(text)
    return exit_code(held)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of recording; a failure is told beside the report, which is never lost for it."""

    entry: int | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def _after(run: DriftRun, record: bool) -> _Outcome:
    from ..ledger.errors import LedgerError
    from ..workflow.drifting import record as write

    if not record:
        return _Outcome()
    try:
        return _Outcome(write(run, run.last.due if run.last else ()).index)
    except LedgerError as error:
        return _Outcome(None, error.diagnostics)
