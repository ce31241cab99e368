"""`provisioner get`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .declare import Json, command, session_of

if TYPE_CHECKING:
    from ..workflow.fetching import Fetched, FetchRun
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Upgrade: Any = typer.Option(
    "--upgrade", help="Follow branches, and tags, that have moved since they were pinned.", show_default=False
)


@command(app, "provisioner get")
def get(
    ctx: typer.Context,
    upgrade: Annotated[bool, Upgrade] = False,
    json: Annotated[bool, Json] = False,
) -> int:
    """Fetch the modules that the configuration takes from git, and pin each by commit and content.

    The pins go into .provisioner.lock.hcl, which belongs into version control. No other command fetches modules; a
    module that is not what was pinned is never used.
    """
    from ..workflow.fetching import get as fetch
    from ..workflow.project import Inputs

    session = session_of(ctx)
    run = fetch(Inputs(Path.cwd(), session.environ), upgrade=upgrade)
    if json:
        session.document("get", _document(run), (), run.warnings)
    else:
        session.diagnostics(run.warnings)
        session.print(_shown(session, run))
    return 0


def _shown(session: Session, run: FetchRun) -> str:
    from ..render.escape import escape
    from ..render.text import Paint, table, title

    if not run.modules:
        return "No module comes from git: there is nothing to fetch."
    rows = [["MODULE", "commit", "outcome"]]
    rows += [[escape(one.source), one.commit[:12], _outcome(one)] for one in run.modules]
    count = f"{len(run.modules)} module{'s' if len(run.modules) != 1 else ''} from git"
    said = f"Wrote {run.lock.name}. Read what changed, then commit it." if run.written else "The lock file stands."
    head = title(["provisioner get", count], session.width, Paint())
    return "\n".join([*head, "", *table(rows, session.width, (0,)), "", said])


def _outcome(one: Fetched) -> str:
    if one.outcome == "upgraded" and one.before is not None:
        return f"upgraded from {one.before[:12]}"
    if one.newer is not None:
        return f"{one.outcome}; its branch is at {one.newer[:12]} now (-upgrade)"
    return one.outcome


def _document(run: FetchRun) -> dict[str, Any]:
    from dataclasses import asdict

    return {"modules": [asdict(one) for one in run.modules], "lock": str(run.lock), "written": run.written}
