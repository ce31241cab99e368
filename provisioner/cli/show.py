"""`provisioner show`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Json, command, session_of
from .plans import Plan, opened_plan
from .reports import FORMATS, Material, Report, Root, known, wanted, write_reports
from .reports import report as render

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Change: Any = typer.Option(
    "--change", metavar="N", help="Only this change, with its policy text before and after.", show_default=False
)
Format: Any = typer.Option("--format", metavar="|".join(FORMATS), help="How to show it.")
Page: Any = typer.Option(
    "--html", metavar="FILE", help="Write the review page too, one self-contained file; as -report html=FILE."
)
Since: Any = typer.Option(
    "--since", metavar="PLAN", help="In a comment: say what changed since this plan.", show_default=False
)
Artifact: Any = typer.Option("--artifact-url", metavar="URL", help="In a comment: where the whole report is.")
Review: Any = typer.Option("--review-url", metavar="URL", help="In a comment: where the review page is.")


@command(app, "provisioner show first.plan.json -change 3")
def show(
    ctx: typer.Context,
    plan: Annotated[str, Plan],
    change: Annotated[int | None, Change] = None,
    format: Annotated[str, Format] = "text",
    report: Annotated[list[str] | None, Report] = None,
    html: Annotated[str | None, Page] = None,
    root: Annotated[str, Root] = "",
    since: Annotated[str | None, Since] = None,
    artifact_url: Annotated[str, Artifact] = "",
    review_url: Annotated[str, Review] = "",
    json: Annotated[bool, Json] = False,
) -> int:
    """Show a plan from its bytes, with who has signed; or one change in full. Needs no cloud, no configuration."""
    from ..model.diagnostics import DiagnosticError
    from ..planfile import to_builtins
    from ..render.conditions import plan_conditions
    from ..render.human import plan_text
    from ..render.jsonout import plan_document
    from ..render.policytext import NoSuchChange, change_text, find_change
    from ..workflow.comparing import compare
    from ..workflow.signing import status as look

    known(format)
    pairs = wanted([*(report or ()), *([f"html={html}"] if html is not None else [])])
    session = session_of(ctx)
    opened = opened_plan(session, plan)
    file = opened.file
    if change is not None:
        try:
            found = find_change(file, change)
        except NoSuchChange as error:
            way_out = f"Run provisioner show {file.short} to see the numbers."
            raise DiagnosticError.of("E-NO-CHANGE", str(error), way_out) from error
        if json:
            session.document("show", {"digest": file.digest, "change": to_builtins(found)})
        else:
            session.print(change_text(file, change, width=session.width, color=session.color()))
        return 0
    signoffs = look(opened)
    diff = compare(opened_plan(session, since), opened) if since else None
    material = Material(file, signoffs, None, root, artifact_url, review_url, diff)
    write_reports(pairs, material)
    if format not in ("text", "json"):
        session.raw(render(format, material))
        return 0
    if json or format == "json":
        session.document("show", plan_document(file, signoffs))
        return 0
    text = plan_text(
        file,
        signoffs=signoffs,
        conditions=plan_conditions(file.plan, signed=signoffs.signed),
        width=session.width,
        color=session.color(),
        command="show",
        ending_line=False,
    )
    session.print(text)
    return 0
