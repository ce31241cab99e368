"""`provisioner drift`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model.diagnostics import Diagnostic
    from ..workflow.drifting import DriftRun
    from ..workflow.notifying import Told, Webhook

app = typer.Typer(add_completion=False, rich_markup_mode=None)

IgnoreFile: Any = typer.Option(
    "--ignore", metavar="FILE", help="What to set aside; .provisioner.ignore.hcl where there is one."
)


Record: Any = typer.Option("--record", help="Write what was seen into the ledger.", show_default=False)
Notify: Any = typer.Option("--notify", metavar="URL", help="Tell a webhook what came and went; goes with -record.")


@command(app, "provisioner drift -json")
def drift(
    ctx: typer.Context,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    ignore: Annotated[str | None, IgnoreFile] = None,
    record: Annotated[bool, Record] = False,
    notify: Annotated[str | None, Notify] = None,
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
    hook = _webhook(notify, record, session.environ)
    project = project_of(session, var, var_file)
    run = look(project, None if ignore is None else Path(ignore))
    outcome = _after(run, record, hook)
    held = drift_conditions(run.report)
    if any(diagnostic.is_error for diagnostic in outcome.diagnostics):
        held = ordered((*held, Condition.ERROR))
    said = (*project.warnings, *outcome.diagnostics)
    if json:
        body = {**drift_document(run.report), "recorded": outcome.entry, "told": outcome.told_document()}
        session.document("drift", body, held, said, project.sources)
    else:
        text = drift_text(
            run.report,
            conditions=held,
            recorded=outcome.entry,
            told=outcome.told.summary if outcome.told else "",
            width=session.width,
            color=session.color(),
        )
        session.diagnostics(said, project.sources)
        session.print(text)
    return exit_code(held)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of telling and recording; a failure is told beside the report, which is never lost for it."""

    entry: int | None = None
    told: Told | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    def told_document(self) -> dict[str, Any] | None:
        """`delivered` and `due` (left to the next run) as numbers; None without -notify."""
        if self.told is None:
            return None
        return {"host": self.told.host, "delivered": len(self.told.delivered), "due": len(self.told.due)}


def _webhook(url: str | None, record: bool, environ: Mapping[str, str]) -> Webhook | None:
    if url is None:
        return None
    from ..model.diagnostics import DiagnosticError
    from ..workflow.notifying import webhook

    if not record:
        raise DiagnosticError.of(
            "E-USAGE",
            "-notify goes with -record",
            "Without a record every run would tell the same again. Add -record.",
        )
    return webhook(url, environ)


def _after(run: DriftRun, record: bool, hook: Webhook | None = None) -> _Outcome:
    """Tell, then record what is left to tell: whoever dies between the two tells twice, and never not at all."""
    from ..ledger.errors import LedgerError
    from ..workflow.drifting import record as write
    from ..workflow.notifying import tell

    if not record:
        return _Outcome()
    told = None if hook is None else tell(hook, run.report.workspace, run.to_tell)
    due = run.due if told is None else told.due
    warnings = () if told is None else told.diagnostics
    try:
        return _Outcome(write(run, due).index, told, warnings)
    except LedgerError as error:
        return _Outcome(None, told, (*warnings, *error.diagnostics))
