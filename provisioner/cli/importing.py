"""`provisioner import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

State: Any = typer.Option("--from-tfstate", metavar="FILE", help="A Terraform state, version 4.", show_default=False)
Role: Any = typer.Option("--role", metavar="NAME", help="Only this role; may be repeated.", show_default=False)
Every: Any = typer.Option("--all", help="Also roles that do not look like an agent's.", show_default=False)
Out: Any = typer.Option("--out", metavar="FILE", help="A new file for our HCL, instead of printing it.")
Theirs: Any = typer.Option("--terraform-out", metavar="FILE", help="A new file for Terraform's code, likewise.")


@command(app, "provisioner import -from-tfstate state.json -out adopted.hcl -terraform-out letgo.tf", name="import")
def import_(
    ctx: typer.Context,
    from_tfstate: Annotated[str | None, State] = None,
    role: Annotated[list[str] | None, Role] = None,
    all_: Annotated[bool, Every] = False,
    out: Annotated[str | None, Out] = None,
    terraform_out: Annotated[str | None, Theirs] = None,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Write agents and import blocks for the roles of a Terraform state, and Terraform's removed blocks for the same.

    Reads the state and the configuration, no cloud; writes nothing but the files named. A plan then compares with what
    is live and claims it; apply Terraform's code afterwards, so that one of the two always owns the roles.
    """
    from ..model.diagnostics import DiagnosticError
    from ..render.escape import escape
    from ..workflow.importing import from_tfstate as read
    from .files import write_file

    session = session_of(ctx)
    if from_tfstate is None:
        raise DiagnosticError.of(
            "E-USAGE",
            "import needs -from-tfstate FILE",
            "To take over a principal by its name, write an import block; `provisioner discover -role NAME` does it.",
        )
    for name in (out, terraform_out):
        if name is not None and Path(name).exists():
            raise DiagnosticError.of("E-FILE", f"{name} exists already", "Nothing is overwritten: name a new file.")
    project = project_of(session, var, var_file)
    found = read(project, Path(from_tfstate), tuple(role or ()), all_)
    for name, text in ((out, found.written.text), (terraform_out, found.terraform)):
        if name is not None:
            write_file(Path(name), text.encode())
    if json:
        body = {
            "agents": list(found.written.agents),
            "hcl": found.written.text,
            "terraform": found.terraform,
            "skipped": list(found.skipped),
            "notes": list(found.written.notes),
        }
        session.document("import", body)
        return 0
    if out is None:
        session.raw(f"# For this workspace\n\n{found.written.text}")
    if terraform_out is None:
        session.raw(f"\n# For Terraform, once the claim is applied\n\n{found.terraform}")
    for text in found.skipped:
        session.note(f"LEFT OUT  {escape(text)}")
    for text in found.written.notes:
        session.note(f"Next   {escape(text)}")
    session.note("       then provisioner plan; once it is applied, apply Terraform's removed blocks")
    return 0
