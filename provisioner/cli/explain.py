"""`provisioner explain RULE`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def _rules() -> list[str]:
    """The shipped rules' ids, for shells."""
    from ..policy.table import RULES

    return [rule.id for rule in RULES]


Rule: Any = typer.Argument(metavar="RULE", help="Id of a rule, such as PRV-2.", autocompletion=_rules)


@command(app, "provisioner explain PRV-2")
def explain(
    ctx: typer.Context,
    rule: Annotated[str, Rule],
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """What a rule holds people to: why, the way out, what breaks it and what does not, framework references."""
    from dataclasses import asdict
    from difflib import get_close_matches
    from pathlib import Path

    from ..model.diagnostics import DiagnosticError
    from ..render.rulebook import rule_text
    from ..workflow.rulebook import has_configuration, rulebook

    session = session_of(ctx)
    book = rulebook(project_of(session, var, var_file) if has_configuration(Path.cwd()) else None)
    pages = {page.id: page for page in book.rules}
    page = pages.get(rule) or pages.get(rule.upper())
    if page is None:
        near = get_close_matches(rule.upper(), pages, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise DiagnosticError.of("E-RULE", f"There is no rule {rule!r}", f"provisioner rules lists them.{hint}")
    if json:
        session.document("explain", asdict(page))
    else:
        session.print(rule_text(page, session.width, session.color()))
    return 0
