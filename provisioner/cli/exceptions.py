"""`provisioner exceptions`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, command, session_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Workspace: Any = typer.Option("--workspace", metavar="NAME", help="A workspace of the runner's own file.")


@command(app, "provisioner exceptions -json")
def exceptions(
    ctx: typer.Context,
    workspace: Annotated[str | None, Workspace] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Which rules the trust root in force sets aside, for whom, by whose word, and the days that are left."""
    from dataclasses import asdict

    from ..render.exceptions import exceptions_text
    from ..runner import load_runner
    from ..workflow.excepting import exceptions as look

    session = session_of(ctx)
    found = look(load_runner(session.environ), Path.cwd(), workspace, datetime.now(UTC))
    if json:
        session.document("exceptions", asdict(found))
    else:
        session.print(exceptions_text(found, session.width, session.color()))
    return 0
