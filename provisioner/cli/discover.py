"""`provisioner discover`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

if TYPE_CHECKING:
    from ..workflow.discovering import Written
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Role: Any = typer.Option("--role", metavar="NAME|ARN", help="Write the HCL that takes this one over.")
Out: Any = typer.Option("--out", metavar="FILE", help="With -role: a new file for the HCL, instead of printing it.")


@command(app, "provisioner discover -role bedrock-agent-poc -out poc.hcl")
def discover(
    ctx: typer.Context,
    role: Annotated[str | None, Role] = None,
    out: Annotated[str | None, Out] = None,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """List principals that look like agents and are nobody's, or write the HCL that takes one over as it is.

    Reads the accounts that the configuration's providers name; changes nothing. A principal looks like an agent where
    its trust names an agent runtime (Bedrock, AgentCore, EKS pod identity, an OIDC issuer, Roles Anywhere), or compute
    and the name of one.
    """
    from ..model.diagnostics import DiagnosticError
    from ..planfile import to_builtins
    from ..render.conditions import Condition, exit_code
    from ..render.sightings import sightings_text
    from ..workflow.discovering import adopt_role
    from ..workflow.discovering import discover as look

    if out is not None and role is None:
        raise DiagnosticError.of("E-USAGE", "-out goes with -role", "Name the role to write down: -role NAME.")
    session = session_of(ctx)
    project = project_of(session, var, var_file)
    if role is not None:
        return written(session, adopt_role(project, role), out, json)
    found = look(project)
    held = [Condition.INCOMPLETE] if found.coverage.gaps else []
    if json:
        body = {"sightings": to_builtins(found.sightings), "gaps": to_builtins(found.coverage.gaps)}
        session.document("discover", body, held, project.warnings, project.sources)
    else:
        session.diagnostics(project.warnings, project.sources)
        session.print(sightings_text(found.sightings, found.coverage.gaps, session.width))
    return exit_code(held)


def written(session: Session, found: Written, out: str | None, json: bool, name: str = "discover") -> int:
    """Print or write HCL; what is still to be said goes beside it."""
    from ..model.diagnostics import DiagnosticError
    from .files import write_file

    if out is not None:
        if Path(out).exists():
            raise DiagnosticError.of("E-FILE", f"{out} exists already", "Nothing is overwritten: name a new file.")
        write_file(Path(out), found.text.encode())
    if json:
        body = {"agents": list(found.agents), "path": out, "hcl": found.text, "notes": list(found.notes)}
        session.document(name, body)
        return 0
    if out is None:
        session.raw(found.text)
    from ..render.escape import escape

    for note in found.notes:
        session.note(f"Next   {escape(note)}")
    session.note("       then provisioner plan: a claim that changes no authority; identity and governance sign it")
    return 0
