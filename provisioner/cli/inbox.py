"""`provisioner inbox`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, command, session_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Person: Any = typer.Option("--person", metavar="NAME", help="Somebody else's; default: the runner's own person.")
Workspace: Any = typer.Option("--workspace", metavar="NAME", help="A workspace of the runner's own file.")


@command(app, "provisioner inbox -person=alice")
def inbox(
    ctx: typer.Context,
    person: Annotated[str | None, Person] = None,
    workspace: Annotated[str | None, Workspace] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """The published plans that wait for your signature, newest first. Needs the ledger, no cloud, no configuration."""
    from dataclasses import asdict

    from ..render.inbox import inbox_text
    from ..runner import load_runner
    from ..workflow.inbox import inbox as look

    session = session_of(ctx)
    found = look(load_runner(session.environ), Path.cwd(), person, workspace, datetime.now(UTC))
    if json:
        session.document("inbox", asdict(found))
    else:
        session.print(inbox_text(found, session.width, session.color()))
    return 0
