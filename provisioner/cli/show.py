"""`provisioner show`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Json, command, session_of
from .plans import Plan, opened_plan

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Change: Any = typer.Option(
    "--change", metavar="N", help="Only this change, with its policy text before and after.", show_default=False
)


@command(app, "provisioner show first.plan.json -change 3")
def show(
    ctx: typer.Context,
    plan: Annotated[str, Plan],
    change: Annotated[int | None, Change] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Show a plan from its bytes, with who has signed; or one change in full. Needs no cloud, no configuration."""
    from ..model.diagnostics import DiagnosticError
    from ..planfile import to_builtins
    from ..render.conditions import plan_conditions
    from ..render.human import plan_text
    from ..render.jsonout import plan_document
    from ..render.policytext import NoSuchChange, change_text, find_change
    from ..workflow.signing import status as look

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
    if json:
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
