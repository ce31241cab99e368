"""`provisioner plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Detailed, Json, Target, Usage, Var, VarFile, command, session_of
from .inputs import project_of
from .reports import Material, Report, Root, wanted, write_reports

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Out: Any = typer.Option("--out", metavar="FILE", help="Write the plan to a file, for sign, show and apply.")
Phase: Any = typer.Option(
    "--phase",
    metavar="review|apply",
    help="review: a missing sign-off does not set the exit code (for pull requests).",
    show_default=False,
)

Destroy: Any = typer.Option(
    "--destroy", help="Plan that all agents go, or those of -target; owners sign, limits hold.", show_default=False
)


@command(app, "provisioner plan -out first.plan.json")
def plan(
    ctx: typer.Context,
    out: Annotated[str | None, Out] = None,
    target: Annotated[list[str] | None, Target] = None,
    destroy: Annotated[bool, Destroy] = False,
    detailed_exitcode: Annotated[bool, Detailed] = False,
    phase: Annotated[str, Phase] = "apply",
    report: Annotated[list[str] | None, Report] = None,
    root: Annotated[str, Root] = "",
    usage: Annotated[list[str] | None, Usage] = None,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Compare the configuration with the live clouds: what would change, what that means, who must sign.

    Changes nothing. Exit 3 while a sign-off is missing, 4 when a rule or a boundary test blocks.
    """
    from ..model.diagnostics import DiagnosticError
    from ..render.conditions import Condition, plan_conditions
    from ..workflow.planning import plan as make
    from .presenting import present

    if phase not in ("review", "apply"):
        raise DiagnosticError.of("E-USAGE", f"-phase is review or apply, not {phase!r}", "Leave it out for apply.")
    pairs = wanted(report or ())
    session = session_of(ctx)
    project = project_of(session, var, var_file)
    run = make(project, tuple(target or ()), tuple(map(Path, usage or ())), destroy=destroy)
    held = plan_conditions(run.file.plan, signed=run.signoffs.signed, detailed=detailed_exitcode)
    if phase == "review":
        held = tuple(condition for condition in held if condition is not Condition.SIGN_OFF)
    write_reports(pairs, Material(run.file, run.signoffs, run.tests, root))
    return present(session, project, run, held, out, json)
