"""`provisioner plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Detailed, Json, Target, Var, VarFile, command, session_of
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


@command(app, "provisioner plan -out first.plan.json")
def plan(
    ctx: typer.Context,
    out: Annotated[str | None, Out] = None,
    target: Annotated[list[str] | None, Target] = None,
    detailed_exitcode: Annotated[bool, Detailed] = False,
    phase: Annotated[str, Phase] = "apply",
    report: Annotated[list[str] | None, Report] = None,
    root: Annotated[str, Root] = "",
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Compare the configuration with the live clouds: what would change, what that means, who must sign.

    Changes nothing. Exit 3 while a sign-off is missing, 4 when a rule or a boundary test blocks.
    """
    from .. import planfile
    from ..model.diagnostics import DiagnosticError
    from ..render.conditions import Condition, exit_code, plan_conditions
    from ..render.human import plan_text
    from ..render.jsonout import plan_document
    from ..workflow.planning import plan as make
    from .files import write_file

    if phase not in ("review", "apply"):
        raise DiagnosticError.of("E-USAGE", f"-phase is review or apply, not {phase!r}", "Leave it out for apply.")
    pairs = wanted(report or ())
    session = session_of(ctx)
    project = project_of(session, var, var_file)
    run = make(project, tuple(target or ()))
    held = plan_conditions(run.file.plan, signed=run.signoffs.signed, detailed=detailed_exitcode)
    if phase == "review":
        held = tuple(condition for condition in held if condition is not Condition.SIGN_OFF)
    if out is not None:
        write_file(Path(out), planfile.encode(run.file.plan, run.file.notes))
    write_reports(pairs, Material(run.file, run.signoffs, run.tests, root))
    if json:
        body = plan_document(run.file, run.signoffs)
        session.document("plan", body, held, run.warnings, project.sources)
        return exit_code(held)
    session.diagnostics(run.warnings, project.sources)
    text = plan_text(
        run.file,
        signoffs=run.signoffs,
        conditions=held,
        width=session.width,
        color=session.color(),
    )
    session.print(text)
    return exit_code(held)
