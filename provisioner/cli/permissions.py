"""`provisioner permissions`."""

from __future__ import annotations

import json as text
from typing import Annotated

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import inputs_of

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_BOOTSTRAP = ("cloudformation", "scp", "terraform")


@command(app, "provisioner permissions -for apply")
def permissions(
    ctx: typer.Context,
    purpose: Annotated[
        str | None, typer.Option("--for", metavar="WHAT", help="plan, drift or apply; else all.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORM",
            help="json, hcl; cloudformation, scp: what sets the roles up on AWS; terraform: on Google Cloud.",
        ),
    ] = "json",
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Print the policies that this workspace's runner needs, and no more. Reads no cloud and no credentials.

    They follow from what the configuration makes: print them again when it makes another kind of thing. What sets the
    roles up is one document, ready to deploy; where there are several accounts, an object of them by account.
    """
    from ..model.diagnostics import DiagnosticError
    from ..render.permissions import permissions_hcl
    from ..workflow.permitting import bootstrap
    from ..workflow.permitting import permissions as needed

    session = session_of(ctx)
    inputs = inputs_of(session, var, var_file)
    if form in _BOOTSTRAP:
        documents = {
            f"{name} {where}": one for name, all_ in bootstrap(inputs, form).items() for where, one in all_.items()
        }
        only = next(iter(documents.values())) if len(documents) == 1 else documents
        session.print(text.dumps(only, indent=2))
        return 0
    if form not in ("json", "hcl"):
        raise DiagnosticError.of(
            "E-USAGE", f"-format={form} is none that is known", f"There are json, hcl, {', '.join(_BOOTSTRAP)}."
        )
    result = needed(inputs, purpose)
    items = [
        {"target": one.target, "provider": one.key, "for": one.purpose, "policy": dict(one.document)}
        for one in result.policies
    ]
    if json:
        session.document("permissions", {"workspace": result.workspace, "policies": items, "silent": result.silent}, ())
        return 0
    if form == "hcl":
        session.print(permissions_hcl(result.policies))
    else:
        session.print(text.dumps(items, indent=2))
    for name in result.silent:
        session.err.write(f"The provider {name} does not say what it needs.\n")
    return 0
