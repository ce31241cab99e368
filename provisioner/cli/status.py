"""`provisioner status`."""

from __future__ import annotations

from typing import Annotated

import typer

from .declare import Json, command, session_of
from .plans import Plan, opened_plan

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "provisioner status first.plan.json")
def status(ctx: typer.Context, plan: Annotated[str, Plan], json: Annotated[bool, Json] = False) -> int:
    """Who has signed a plan and who is missing, as the verifier sees it. Exit 3 while it could not be applied."""
    from ..render.conditions import exit_code, plan_conditions
    from ..render.jsonout import sign_offs_document
    from ..render.reports import status_text
    from ..workflow.signing import status as look

    session = session_of(ctx)
    opened = opened_plan(session, plan)
    signoffs = look(opened)
    held = plan_conditions(opened.file.plan, signed=signoffs.signed)
    if json:
        solo = opened.file.plan.solo
        body = {"digest": opened.file.digest, "solo": solo, "sign_offs": sign_offs_document(signoffs)}
        session.document("status", body, held)
    else:
        text = status_text(opened.file, signoffs, conditions=held, width=session.width, color=session.color())
        session.print(text)
    return exit_code(held)
