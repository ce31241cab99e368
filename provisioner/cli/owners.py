"""`provisioner owners`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Format: Any = typer.Option("--format", metavar="text|markdown|csv", help="How to show it.")


@command(app, "provisioner owners -format=csv")
def owners(
    ctx: typer.Context,
    format: Annotated[str, Format] = "text",
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Who answers for every surface, agent and tool: owner, signers, quorum, who stands in. Reads no cloud.

    The trust root in force decides; what the configuration would change is listed as not in force.
    """
    from dataclasses import asdict

    from ..model.diagnostics import DiagnosticError
    from ..render.owners import FORMATS, owners_csv, owners_markdown, owners_text
    from ..workflow.owning import owners as look

    session = session_of(ctx)
    if format not in FORMATS:
        raise DiagnosticError.of("E-USAGE", f"There is no format {format!r}", f"Use one of {', '.join(FORMATS)}.")
    matrix = look(project_of(session, var, var_file))
    if json:
        session.document("owners", asdict(matrix))
    elif format == "text":
        session.print(owners_text(matrix, session.width, session.color()))
    else:
        session.raw(owners_csv(matrix) if format == "csv" else owners_markdown(matrix))
    return 0
