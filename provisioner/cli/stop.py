"""`provisioner stop`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .apply import conditions, refused
from .declare import Json, command, session_of
from .plans import confirmed, not_confirmed
from .sign import Key, signing_key

if TYPE_CHECKING:
    from ..workflow.signing import Opened
    from ..workflow.stopping import StopPlan, StopWish
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Agent: Any = typer.Argument(metavar="AGENT", help="The agent's name, with or without agent. in front.")
Owner: Any = typer.Option("--owner", metavar="NAME", help="In whose name: one of the agent's control owners.")
Workspace: Any = typer.Option("--workspace", metavar="NAME", help="A workspace of the runner's own file.")
Out: Any = typer.Option("--out", metavar="FILE", help="Only write the plan, for sign and apply elsewhere.")
Yes: Any = typer.Option("--yes", help="Do not ask.", show_default=False)


@command(app, "provisioner stop invoice_triage -key ~/.ssh/id_ed25519")
def stop(
    ctx: typer.Context,
    agent: Annotated[str, Agent],
    owner: Annotated[str | None, Owner] = None,
    key: Annotated[str | None, Key] = None,
    workspace: Annotated[str | None, Workspace] = None,
    out: Annotated[str | None, Out] = None,
    yes: Annotated[bool, Yes] = False,
    json: Annotated[bool, Json] = False,
) -> int:
    """Take all authority from an agent at once, older sessions included. One owner's signature suffices.

    Reads no configuration: the ledger, the runner's own file and the live cloud are enough. It can only take away; a
    later plan gives back, with every sign-off that widening needs.
    """
    from ..render.escape import escape, escape_block
    from ..runner import load_runner
    from ..workflow.stopping import StopWish, plan_stop

    session = session_of(ctx)
    path = None if out is not None and key is None else signing_key(key, session.environ)
    wish = StopWish(agent.removeprefix("agent."), workspace, owner, path)
    plan = plan_stop(load_runner(session.environ), Path.cwd(), wish)
    opened = plan.opened
    if out is not None:
        for why in plan.left_out:
            session.note(f"NOT IN IT  {escape(why)}")
        return _written(session, opened, Path(out), json)
    if not json:
        from ..approval.review import review_text

        need = opened.file.plan.requirements[0]
        session.print(escape_block(review_text(opened.file, need.surface, need.owner)))
    if not yes and not confirmed(session, f"Stop agent {escape(wish.agent)} now?"):
        from ..render.conditions import Condition

        refusal = not_confirmed("stopped", "Read what is above, then run it again and type yes, or add -yes.")
        if json:
            session.document("stop", {"digest": opened.file.digest}, (Condition.ERROR,), (refusal,))
        else:
            session.diagnostics((refusal,))
        return Condition.ERROR.code
    return _carried_out(session, plan, wish, json)


def _carried_out(session: Session, plan: StopPlan, wish: StopWish, json: bool) -> int:
    from ..render.conditions import Condition, exit_code, ordered
    from ..render.escape import escape
    from ..render.jsonout import apply_document
    from ..render.reports import apply_text
    from ..workflow.stopping import stop as carry_out
    from .progress import applying

    with applying(session) as watching:
        done = carry_out(plan, wish, Path.cwd(), session.environ, watching)
    if done.result is None:
        return refused(session, done.opened, done.verdict, json, "stop")
    held = ordered((*conditions(done.result), *([Condition.INCOMPLETE] if done.left_out else [])))
    if json:
        body = {"agent": wish.agent, "left_out": done.left_out, **apply_document(done.opened.file, done.result)}
        session.document("stop", body, held)
    else:
        text = apply_text(done.opened.file, done.result, width=session.width, color=session.color())
        session.print(text)
        for why in done.left_out:
            session.print(f"NOT STOPPED  {escape(why)}")
        if done.result.complete:
            session.print("\nNext   provisioner plan   shows what would lift this; its owners sign that")
    return exit_code(held)


def _written(session: Session, opened: Opened, path: Path, json: bool) -> int:
    from .. import planfile
    from ..render.escape import escape
    from .files import write_file

    file = opened.file
    write_file(path, planfile.encode(file.plan, file.notes))
    need = file.plan.requirements[0]
    if json:
        session.document("stop", {"digest": file.digest, "path": str(path), "owner": need.owner})
    else:
        session.print(
            f"Plan {file.short} written to {escape(str(path))}. Nothing is stopped yet.\n\n"
            f"Next   provisioner sign {escape(str(path))} -owner {escape(need.owner)}\n"
            f"       provisioner apply {escape(str(path))}"
        )
    return 0
