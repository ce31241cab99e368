"""`provisioner release`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Detailed, Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Agent: Any = typer.Argument(metavar="AGENT", help="The agent's name, or its block's address.", show_default=False)
Out: Any = typer.Option("--out", metavar="FILE", help="Write the plan to a file, for sign, show and apply.")


@command(app, "provisioner release invoice_triage -out release.plan.json")
def release(
    ctx: typer.Context,
    agent: Annotated[str, Agent] = "",
    out: Annotated[str | None, Out] = None,
    detailed_exitcode: Annotated[bool, Detailed] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Plan to let go of an agent: our mark is taken off, and all that it may do stays. Nothing is deleted.

    The agent's blocks must be out of the configuration. Identity and governance sign, then `apply` carries it out.
    """
    from ..render.conditions import plan_conditions
    from ..workflow.releasing import release as make
    from .presenting import present

    session = session_of(ctx)
    project = project_of(session, var, var_file)
    run = make(project, agent)
    held = plan_conditions(run.file.plan, signed=run.signoffs.signed, detailed=detailed_exitcode)
    return present(session, project, run, held, out, json)
