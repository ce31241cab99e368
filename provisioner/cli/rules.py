"""`provisioner rules`."""

from __future__ import annotations

from typing import Annotated

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "provisioner rules")
def rules(
    ctx: typer.Context,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Every rule with its severity and framework references. Reads no cloud.

    In a folder with a configuration the severities are those of the trust root in force, and the organisation's own
    rules are listed too.
    """
    from dataclasses import asdict
    from pathlib import Path

    from ..render.rulebook import rules_text
    from ..workflow.rulebook import has_configuration, rulebook

    session = session_of(ctx)
    book = rulebook(project_of(session, var, var_file) if has_configuration(Path.cwd()) else None)
    if json:
        session.document("rules", asdict(book))
    else:
        session.print(rules_text(book, session.width, session.color()))
    return 0
