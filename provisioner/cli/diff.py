"""`provisioner diff`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Json, command, session_of
from .plans import opened_plan

app = typer.Typer(add_completion=False, rich_markup_mode=None)

First: Any = typer.Argument(metavar="PLAN", help="The earlier plan: a file or the beginning of a digest.")
Second: Any = typer.Argument(metavar="PLAN", help="The later plan.")


@command(app, "provisioner diff 2c90d1aa 7f3a9c21")
def diff(
    ctx: typer.Context,
    first: Annotated[str, First],
    second: Annotated[str, Second],
    json: Annotated[bool, Json] = False,
) -> int:
    """What differs between two plans: changes that are new, gone, changed or the same; sign-offs that still count."""
    from dataclasses import asdict

    from ..render.plandiff import plan_diff_text
    from ..workflow.comparing import compare

    session = session_of(ctx)
    found = compare(opened_plan(session, first), opened_plan(session, second))
    if json:
        session.document("diff", asdict(found))
    else:
        session.print(plan_diff_text(found, session.width, session.color()))
    return 0
