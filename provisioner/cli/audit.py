"""`provisioner audit verify|show|export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of

if TYPE_CHECKING:
    from ..workflow.auditing import Audited
    from .session import Session

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Prove the ledger offline, show who accepted what, export it.",
    epilog="Example: provisioner audit verify",
)

Export: Any = typer.Argument(metavar="EXPORT", help="An export to verify instead of the ledger.", show_default=False)
What: Any = typer.Argument(
    metavar="PLAN|AGENT|OWNER", help="Only this plan, or the plans about an agent or an owner.", show_default=False
)
Into: Any = typer.Argument(metavar="DIR|FILE.zip", help="A new folder, or a new zip file.", show_default=False)
Workspace: Any = typer.Option("--workspace", metavar="NAME", help="A workspace of the runner's own file.")
From: Any = typer.Option("--from", metavar="EXPORT", help="Read this export instead of the ledger.")


@command(app, "provisioner audit verify ledger.zip")
def verify(
    ctx: typer.Context,
    export: Annotated[str | None, Export] = None,
    workspace: Annotated[str | None, Workspace] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Prove chain, trust roots, signatures, quorums and checkpoints from the bytes and this runner's pin.

    Needs no cloud; nothing is taken from a cache. Exit 1 when anything does not hold.
    """
    from dataclasses import asdict

    from ..render.audit import verify_text
    from ..render.conditions import Condition
    from ..workflow.auditing import verify as prove

    session = session_of(ctx)
    report = prove(_opened(session, export, workspace))
    held = () if report.good else (Condition.ERROR,)
    if json:
        session.document("audit verify", {"verified": report.good, **asdict(report)}, held)
    else:
        session.print(verify_text(report, session.width, session.color()))
    return 0 if report.good else Condition.ERROR.code


@command(app, "provisioner audit show support-triage")
def show(
    ctx: typer.Context,
    what: Annotated[str | None, What] = None,
    workspace: Annotated[str | None, Workspace] = None,
    source: Annotated[str | None, From] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Who accepted what, when, with which key and on which evidence; newest plan first."""
    from dataclasses import asdict

    from ..render.audit import show_text
    from ..workflow.auditing import revoked
    from ..workflow.auditing import show as tell

    session = session_of(ctx)
    audited = _opened(session, source, workspace)
    plans, gone = tell(audited, what), revoked(audited)
    if json:
        body = {"plans": [asdict(plan) for plan in plans], "revoked": [asdict(item) for item in gone]}
        session.document("audit show", body)
    else:
        session.print(
            show_text(plans, session.width, session.color(), gone)
            if plans or gone
            else "No plan has been published yet."
        )
    return 0


@command(app, "provisioner audit export ledger.zip")
def export(
    ctx: typer.Context,
    into: Annotated[str, Into],
    workspace: Annotated[str | None, Workspace] = None,
    json: Annotated[bool, Json] = False,
) -> int:
    """Write the ledger to a folder or zip file that `audit verify` proves without the ledger's store."""
    from ..workflow.auditing import export as write

    session = session_of(ctx)
    audited = _opened(session, None, workspace)
    write(audited, Path(into))
    head = audited.ledger.head
    if json:
        session.document("audit export", {"path": into, "entries": head.index, "head": head.digest})
    else:
        from ..render.escape import escape

        session.print(
            f"{head.index} entries written to {escape(into)}\n\nNext   provisioner audit verify {escape(into)}"
        )
    return 0


def _opened(session: Session, export: str | None, workspace: str | None) -> Audited:
    from ..runner import load_runner
    from ..workflow.auditing import open_audit

    return open_audit(load_runner(session.environ), Path.cwd(), Path(export) if export else None, workspace)
