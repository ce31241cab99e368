"""`provisioner validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import inputs_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "provisioner validate")
def validate(
    ctx: typer.Context,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Check the configuration in this folder: syntax, types, references, owners, and what each cloud would refuse.

    Reads no cloud and no credentials; of a ledger on this disk only who could sign. -json prints what
    `terraform validate -json` would, for editors.
    """
    from ..render.conditions import Condition
    from ..workflow.validating import validate as check

    session = session_of(ctx)
    result = check(inputs_of(session, var, var_file))
    held = () if result.valid else (Condition.ERROR,)
    if json:
        errors = sum(diagnostic.is_error for diagnostic in result.diagnostics)
        body = {
            "valid": result.valid,
            "error_count": errors,
            "warning_count": len(result.diagnostics) - errors,
        }
        session.document("validate", body, held, result.diagnostics, result.sources)
    else:
        session.diagnostics(result.diagnostics, result.sources)
        if result.valid:
            warnings = len(result.diagnostics)
            said = f", with {warnings} warning{'s' if warnings != 1 else ''}" if warnings else ""
            session.print(f"The configuration is valid{said}.")
    return 1 if held else 0
