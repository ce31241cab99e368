"""`provisioner who-signs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

File: Any = typer.Argument(metavar="PATH", help="A file that the configuration reads.", show_default=False)


@command(app, "provisioner who-signs agents.hcl", name="who-signs")
def who_signs(
    ctx: typer.Context,
    path: Annotated[str, File],
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Which blocks a file holds, and who would have to sign a change of them. Reads no cloud."""
    from dataclasses import asdict

    from ..render.whosigns import who_signs_text
    from ..workflow.owning import who_signs as look

    session = session_of(ctx)
    found = look(project_of(session, var, var_file), Path(path))
    if json:
        session.document("who-signs", asdict(found))
    else:
        session.print(who_signs_text(found, session.width, session.color()))
    return 0
