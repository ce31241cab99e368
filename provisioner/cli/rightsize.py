"""`provisioner rightsize`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

if TYPE_CHECKING:
    from ..model.rightsizing import FileEdit

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Agents: Any = typer.Argument(metavar="AGENT…", help="Agents; name all that hold a tool to narrow it.")
Logs: Any = typer.Option("--usage", metavar="PATH", help="Audit logs, a file or folder; may be repeated.")
Yes: Any = typer.Option("--yes", help="Write the edit into the files.", show_default=False)


@command(app, "provisioner rightsize invoice_triage -usage cloudtrail/")
def rightsize(
    ctx: typer.Context,
    agents: Annotated[list[str], Agents],
    usage: Annotated[list[str] | None, Logs] = None,
    yes: Annotated[bool, Yes] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Narrow an agent's tools to what audit logs show to be used: shows the edit, and writes it with -yes.

    Reads no cloud. What the logs cannot tell stays, and is said; nothing is written that is not proven to be narrower.
    """
    from ..model.diagnostics import DiagnosticError
    from ..render.rightsizing import rightsizing_document, rightsizing_text
    from ..workflow.rightsizing import rightsize as find

    if not usage:
        raise DiagnosticError.of(
            "E-USAGE",
            "rightsize needs audit logs",
            "Give -usage with a file or folder of CloudTrail logs, or of Google Cloud audit logs.",
        )
    session = session_of(ctx)
    project = project_of(session, var, var_file)
    run = find(project, agents, tuple(map(Path, usage)))
    written = yes and bool(run.found.edits)
    if written:
        for edit in run.found.edits:
            replace_file(project.inputs.root, edit)
    said = (*project.warnings, *run.warnings)
    if json:
        session.document("rightsize", rightsizing_document(run.found, written=written), (), said, project.sources)
        return 0
    session.diagnostics(said, project.sources)
    again = shlex.join(["provisioner", "rightsize", *agents, *(f"-usage={path}" for path in usage)])
    text = rightsizing_text(run.found, written=written, command=again, width=session.width, color=session.color())
    session.print(text)
    return 0


def replace_file(root: Path, edit: FileEdit) -> None:
    """Put the new text in the place of exactly the one that was read; the file as a whole or not at all."""
    from ..model.diagnostics import DiagnosticError
    from .files import write_file

    path = (root / edit.name).resolve()
    try:
        data, like = path.read_bytes(), path.stat()
    except OSError as error:
        raise DiagnosticError.of(
            "E-IO", f"{path} cannot be read: {error.strerror}", "It was there when the run began. Run it again."
        ) from error
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    if data != mark + edit.before.encode():
        raise DiagnosticError.of(
            "E-IO", f"{path} was changed since it was read", "Nothing was written to it. Run the command again."
        )
    write_file(path, mark + edit.after.encode(), like)
