"""`provisioner test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .files import write_file
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Verbose: Any = typer.Option("--verbose", help="Show what passes, too.", show_default=False)
Live: Any = typer.Option("--live", help="Judge what is live in the clouds, not what is planned.", show_default=False)
Simulate: Any = typer.Option(
    "--simulate", help="Put attempts to the cloud's own simulator, where it has one.", show_default=False
)
JUnit: Any = typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML too.", show_default=False)


@command(app, "provisioner test -verbose")
def test(
    ctx: typer.Context,
    verbose: Annotated[bool, Verbose] = False,
    junit: Annotated[str | None, JUnit] = None,
    live: Annotated[bool, Live] = False,
    simulate: Annotated[bool, Simulate] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Judge the boundary tests, declared and generated, on the planned policies.

    Reads no cloud, unless -live or -simulate is given. Exit 4 when a test fails or cannot be judged.
    """
    from ..render.conditions import Condition, exit_code
    from ..render.jsonout import test_document
    from ..render.testreport import Judged, test_text
    from ..workflow.testing import test as judge

    session = session_of(ctx)
    project = project_of(session, var, var_file)
    run = judge(project, live=live, simulate=simulate)
    held = (*((Condition.BLOCKED,) if run.failed else ()), *((Condition.INCOMPLETE,) if run.gaps else ()))
    if junit is not None:
        from ..render.junit import tests_junit

        text = tests_junit(project.configuration.workspace.name, run.results)
        write_file(Path(junit), text.encode("utf-8", "backslashreplace"))
    if json:
        session.document(
            "test",
            test_document(run.results, run.coverage, run.world, run.simulated, run.gaps, run.calls, run.milliseconds),
            held,
            run.warnings,
            project.sources,
        )
    else:
        session.diagnostics(run.warnings, project.sources)
        judged = Judged(run.results, run.coverage, run.world, run.simulated, run.gaps, run.calls, run.milliseconds)
        text = test_text(judged, conditions=held, verbose=verbose, width=session.width, color=session.color())
        session.print(text)
    return exit_code(held)
