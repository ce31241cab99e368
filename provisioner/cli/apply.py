"""`provisioner apply`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .declare import Json, command, session_of
from .plans import Plan, opened_plan

if TYPE_CHECKING:
    from ..applying.result import ApplyResult
    from ..approval.verifier import Verdict
    from ..render.conditions import Condition
    from ..workflow.signing import Opened
    from .session import Session

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "provisioner apply first.plan.json")
def apply(
    ctx: typer.Context,
    plan: Annotated[str, Plan] = "",
    signed: Annotated[
        bool, typer.Option("--signed", help="Instead of PLAN: the published plan that may run, if any (see below).")
    ] = False,
    parallelism: Annotated[
        int, typer.Option("--parallelism", min=1, max=64, help="Agents worked on at once; each one's calls in a row.")
    ] = 10,
    json: Annotated[bool, Json] = False,
) -> int:
    """Carry out a signed plan, exactly as signed. Reads no configuration; resumes an interrupted run of the same plan.

    With -signed it takes the published plan that builds on the last applied one and lacks no sign-off: one that
    people signed before those that nobody has to sign because they only take authority away (narrowing = "notify"); of
    these the newest. Where people signed several, it does nothing and names them.

    Exit 3 when a sign-off is missing or refused: then nothing was done.
    """
    from ..model.diagnostics import DiagnosticError
    from ..render.conditions import exit_code
    from ..render.jsonout import apply_document
    from ..render.reports import apply_text
    from ..runner import load_runner
    from ..workflow.applying import apply as execute
    from ..workflow.applying import judge
    from ..workflow.choosing import open_signed
    from .progress import applying

    session = session_of(ctx)
    if signed and plan:
        raise DiagnosticError.of("E-USAGE", "-signed and a plan are given", "Give one of them.")
    chosen = open_signed(load_runner(session.environ), Path.cwd()) if signed else opened_plan(session, plan)
    if chosen is None:
        return nothing_signed(session, json)
    opened = chosen
    _, verdict = judge(opened, Path.cwd(), session.environ)
    if verdict.verified is None:
        return refused(session, opened, verdict, json)
    with applying(session) as watching:
        result = execute(opened, verdict.verified, watching, parallelism)
    held = conditions(result)
    if json:
        session.document("apply", apply_document(opened.file, result), held)
    else:
        session.print(apply_text(opened.file, result, width=session.width, color=session.color()))
    return exit_code(held)


def nothing_signed(session: Session, json: bool) -> int:
    """No published plan has every sign-off: nothing is done, and that is fine."""
    if json:
        session.document("apply", {"digest": None, "complete": False, "operations": []})
    else:
        session.print("No published plan has every sign-off: nothing to apply.")
    return 0


def conditions(result: ApplyResult) -> tuple[Condition, ...]:
    """What holds after a run: other authority than was signed is out-of-band, what could not be read is incomplete."""
    from ..render.conditions import Condition, ordered

    if result.complete:
        return ()
    held = []
    if result.conflicts or any(problem.readable for problem in result.problems):
        held.append(Condition.OUT_OF_BAND)
    if any(not problem.readable for problem in result.problems):
        held.append(Condition.INCOMPLETE)
    if result.failed or result.unknown or (result.stopped is not None and not held) or not held:
        held.append(Condition.ERROR)
    return ordered(held)


def refused(session: Session, opened: Opened, verdict: Verdict, json: bool, command: str = "apply") -> int:
    """Nothing was done, and why."""
    from ..render.conditions import Condition, exit_code, ordered, plan_conditions
    from ..render.jsonout import sign_offs_document
    from ..render.reports import status_text
    from ..workflow.approving import shown

    signoffs = shown(opened.file, opened.ledger, verdict)
    held = ordered((Condition.SIGN_OFF, *plan_conditions(opened.file.plan, signed=False)))
    if json:
        reasons = [{"code": one.code, "reason": one.reason, "fix": one.fix} for one in verdict.refusals]
        body = {
            "digest": opened.file.digest,
            "complete": False,
            "refusals": reasons,
            "sign_offs": sign_offs_document(signoffs),
        }
        session.document(command, body, held)
    else:
        text = status_text(
            opened.file,
            signoffs,
            conditions=held,
            width=session.width,
            color=session.color(),
            command=command,
        )
        session.print(text)
    return exit_code(held)
