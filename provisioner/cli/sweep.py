"""`provisioner sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .apply import conditions, refused
from .declare import Json, command, session_of

if TYPE_CHECKING:
    from ..render.conditions import Condition
    from ..workflow.sweeping import SweepPlan
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Workspace: Any = typer.Option("--workspace", metavar="NAME", help="Whose ledger; not needed where there is one.")
Listed: Any = typer.Option("--list", help="Only tell what has ended; remove nothing.", show_default=False)


@command(app, "provisioner sweep")
def sweep(
    ctx: typer.Context,
    workspace: Annotated[str | None, Workspace] = None,
    listed: Annotated[bool, Listed] = False,
    json: Annotated[bool, Json] = False,
) -> int:
    """Remove what has ended by its own expiry. Nobody signs again: the removal was signed with the grant.

    Reads no configuration: the ledger, the runner's own file and the live cloud are enough, so a scheduler can run it.
    Runs only operations that applied plans carry, and only on what is still as it was signed. Exit 5 when something has
    ended that was changed since: a plan takes that off.
    """
    from ..render.conditions import Condition, exit_code, ordered
    from ..render.jsonout import apply_document
    from ..render.reports import apply_text
    from ..runner import load_runner
    from ..workflow.sweeping import plan_sweep
    from ..workflow.sweeping import sweep as carry_out
    from .progress import applying

    session = session_of(ctx)
    plan = plan_sweep(load_runner(session.environ), Path.cwd(), workspace)
    open_ = [Condition.OUT_OF_BAND] if any(not left.gone for left in plan.left) else []
    if plan.opened is None or listed:
        return _told(session, plan, open_, json)
    with applying(session) as watching:
        done = carry_out(plan, watching)
    if done.result is None:
        assert done.verdict is not None
        return refused(session, plan.opened, done.verdict, json, "sweep")
    held = ordered((*conditions(done.result), *open_))
    if json:
        session.document("sweep", {**_document(plan), **apply_document(plan.opened.file, done.result)}, held)
    else:
        text = apply_text(plan.opened.file, done.result, width=session.width, color=session.color())
        session.print(text)
        _print_left(session, plan)
    return exit_code(held)


def _told(session: Session, plan: SweepPlan, held: list[Condition], json: bool) -> int:
    from ..render.conditions import exit_code
    from ..render.escape import escape

    if json:
        session.document("sweep", _document(plan), held)
        return exit_code(held)
    changes = plan.opened.file.plan.changes if plan.opened is not None else ()
    for change in changes:
        session.print(f"ENDED  agent.{escape(change.agent or '')}  {escape(change.label)}: {escape(change.reason)}")
    if not changes:
        later = f"; the next end is {plan.later}" if plan.later is not None else ""
        session.print(f"Nothing to sweep: nothing has ended that is there still{later}.")
    _print_left(session, plan)
    return exit_code(held)


def _print_left(session: Session, plan: SweepPlan) -> None:
    from ..render.escape import escape

    for left in plan.left:
        word = "GONE  " if left.gone else "LEFT  "
        told = f"{escape(left.label)}, ended {escape(left.ends)}: {escape(left.why)}"
        session.print(f"{word} agent.{escape(left.agent or '')}  {told}")


def _document(plan: SweepPlan) -> dict[str, Any]:
    """`ended`: changes that remove what has; `left`: what has ended and is not removed, with the reason; `later`."""
    from ..planfile import to_builtins

    changes = plan.opened.file.plan.changes if plan.opened is not None else ()
    return {
        "ended": [{"agent": c.agent, "label": c.label, "address": str(c.address), "reason": c.reason} for c in changes],
        "left": to_builtins(plan.left),
        "later": plan.later,
    }
