"""`provisioner adopt`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of
from .plans import confirmed

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Id: Any = typer.Argument(metavar="D-N", help="A difference, as drift numbers it.", show_default=False)
Yes: Any = typer.Option("--yes", help="Write it without asking.", show_default=False)


@command(app, "provisioner adopt D-1")
def adopt(
    ctx: typer.Context,
    difference: Annotated[str, Id] = "",
    yes: Annotated[bool, Yes] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Write HCL that keeps what drift found, instead of taking it off. Shows the edit, asks, writes that file alone.

    Keeps policies that somebody put on an agent's role, under a name of their own, and roles that look like agents.
    Nothing is allowed by it: a plan shows what it means, and its owners sign or do not.
    """
    from ..planfile import to_builtins
    from ..render.escape import escape, escape_block
    from ..workflow.keeping import keep
    from .files import write_file
    from .rightsize import replace_file

    session = session_of(ctx)
    project = project_of(session, var, var_file)
    kept = keep(project, difference)
    if not json:
        session.print(escape_block(kept.edit.diff))
    written = yes or confirmed(session, f"Write {escape(kept.edit.name)}?")
    if written and kept.new:
        write_file(project.inputs.root / kept.edit.name, kept.edit.after.encode())
    elif written:
        replace_file(project.inputs.root, kept.edit)
    if json:
        body = {"difference": to_builtins(kept.difference), "edit": to_builtins(kept.edit), "written": written}
        session.document("adopt", body, (), project.warnings, project.sources)
        return 0
    if not written:
        session.print("\nNothing was written. Next   the same with -yes")
        return 0
    target = f" -target agent.{kept.difference.agent}" if kept.difference.agent else ""
    session.print(f"\nWritten to {escape(kept.edit.name)}. Next   provisioner plan{escape(target)}   its owners sign")
    return 0
