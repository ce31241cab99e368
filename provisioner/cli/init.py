"""`provisioner init`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, Var, VarFile, command, session_of
from .inputs import project_of
from .plans import confirmed, not_confirmed

if TYPE_CHECKING:
    from ..workflow.initialising import Initialisation
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Yes: Any = typer.Option("--yes", help="Do not ask; the fingerprints were compared.", show_default=False)


@command(app, "provisioner init")
def init(
    ctx: typer.Context,
    yes: Annotated[bool, Yes] = False,
    var: Annotated[list[str] | None, Var] = None,
    var_file: Annotated[list[str] | None, VarFile] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Record the first trust root and pin it in the runner's own file.

    Shows every person's key first. From then on plans are judged by this root; only its governance quorum changes it.
    """
    from ..workflow.initialising import carry_out, prepare

    session = session_of(ctx)
    project = project_of(session, var, var_file)
    prepared = prepare(project)
    if not json:
        session.diagnostics((*project.warnings, *prepared.lacks), project.sources)
        session.print(_shown(prepared, session.width))
    if not prepared.pinned:
        if not yes and not confirmed(session, "Compare each fingerprint with its person. Are they right?"):
            return _declined(session, prepared, json)
        carry_out(prepared)
    if json:
        session.document("init", _document(prepared), (), (*project.warnings, *prepared.lacks), project.sources)
    else:
        session.print(_result(prepared))
    return 0


def _shown(prepared: Initialisation, width: int) -> str:
    from ..render.escape import escape
    from ..render.text import Paint, table, title

    head = ["provisioner init", f"workspace {escape(prepared.workspace)}", f"trust root v{prepared.root.version}"]
    rows = [["PERSON", "emails", "key", "fingerprint"]]
    for key in prepared.keys:
        kind = key.kind + (" (hardware)" if key.hardware else "")
        rows.append([escape(key.person), ", ".join(map(escape, key.emails)), escape(kind), escape(key.fingerprint)])
    owners = [["OWNER", "surfaces", "signers", "quorum"]]
    for name, owner in prepared.root.data.owners.items():
        signers = ", ".join(map(escape, owner.signers))
        owners.append([escape(name), ", ".join(owner.surfaces), signers, f"{owner.threshold} of {len(owner.signers)}"])
    lines = [*title(head, width, Paint()), "", *table(rows, width, (1, 2)), "", *table(owners, width, (1, 2)), ""]
    if prepared.root.data.approval.solo:
        lines += ["One person holds every sign-off (solo); every plan and report will say so.", ""]
    lines += [f"ledger  {escape(prepared.ledger)}", f"pin     {prepared.pin}", ""]
    return "\n".join(lines)


def _declined(session: Session, prepared: Initialisation, json: bool) -> int:
    from ..render.conditions import Condition

    diagnostic = not_confirmed(
        "written",
        "The keys decide who may sign from now on. Compare their fingerprints with their people, then run:"
        " provisioner init -yes",
    )
    if json:
        session.document("init", _document(prepared), (Condition.ERROR,), (diagnostic,))
    else:
        session.diagnostics((diagnostic,))
    return Condition.ERROR.code


def _result(prepared: Initialisation) -> str:
    from ..render.escape import escape

    place = escape(str(prepared.runner_file))
    if prepared.pinned:
        return f"Nothing to do: recorded, and pinned in {place}."
    if prepared.recorded:
        return f"The ledger's trust root is now pinned in {place}."
    return f"Recorded, and pinned in {place}.\n\nNext   provisioner plan"


def _document(prepared: Initialisation) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "workspace": prepared.workspace,
        "root_version": prepared.root.version,
        "pin": prepared.pin,
        "ledger": prepared.ledger,
        "keys": [asdict(key) for key in prepared.keys],
        "recorded_before": prepared.recorded,
        "pinned_before": prepared.pinned,
        "runner_file": str(prepared.runner_file),
    }
