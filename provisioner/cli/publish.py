"""`provisioner publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, command, session_of
from .plans import opened_plan

app = typer.Typer(add_completion=False, rich_markup_mode=None)

What: Any = typer.Argument(
    metavar="FILE", help="A plan file, or a file of sign-offs that sign -out wrote.", show_default=False
)


@command(app, "provisioner publish first.plan.json")
def publish(ctx: typer.Context, file: Annotated[str, What], json: Annotated[bool, Json] = False) -> int:
    """Put a plan into the ledger, which starts its time to live, or take in sign-offs that were made elsewhere."""
    from ..runner import load_runner
    from ..workflow.signing import is_signoff_file, take_in
    from ..workflow.signing import publish as put

    session = session_of(ctx)
    path = Path(file)
    if is_signoff_file(path):
        opened, entries = take_in(path, load_runner(session.environ), Path.cwd())
        said = f"{len(entries)} sign-off{'s' if len(entries) != 1 else ''} of plan {opened.file.short} recorded"
        body = {"digest": opened.file.digest, "published": False, "sign_offs": [entry.index for entry in entries]}
    else:
        opened = opened_plan(session, file)
        fresh = put(opened)
        said = f"plan {opened.file.short} {'published' if fresh else 'was published before; nothing changed'}"
        body = {"digest": opened.file.digest, "published": fresh, "sign_offs": []}
    if json:
        session.document("publish", body)
    else:
        session.print(f"{said}\n\nNext   provisioner status {opened.file.short}")
    return 0
