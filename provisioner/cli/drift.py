"""`provisioner drift`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

IgnoreFile: Any = typer.Option(
    "--ignore", metavar="FILE", help="What to set aside; .provisioner.ignore.hcl where there is one."
)


@command(app, "provisioner drift -json")
def drift(
    ctx: typer.Context,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    ignore: Annotated[str | None, IgnoreFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Find authority that no signed plan explains, and say whose it is. Changes nothing, and cannot.

    Exit 5 for out-of-band drift, 6 when something could not be read, 2 for changes that wait to be applied.
    """
    from ..render.conditions import drift_conditions, exit_code
    from ..render.driftreport import drift_text
    from ..render.jsonout import drift_document
    from ..workflow.drifting import drift as look

    session = session_of(ctx)
    project = project_of(session, var, var_file)
    report = look(project, None if ignore is None else Path(ignore))
    held = drift_conditions(report)
    if json:
        session.document("drift", drift_document(report), held, project.warnings, project.sources)
    else:
        session.diagnostics(project.warnings, project.sources)
        session.print(drift_text(report, conditions=held, width=session.width, color=session.color()))
    return exit_code(held)
