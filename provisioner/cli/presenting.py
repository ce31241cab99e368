"""A plan that was just made: written where asked, and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..render.conditions import Condition
    from ..workflow.project import Project
    from ..workflow.results import PlanRun
    from .session import Session


def present(
    session: Session, project: Project, run: PlanRun, held: tuple[Condition, ...], out: str | None, json: bool
) -> int:
    """Write the plan to `out`, show it as text or as a JSON document. The exit code."""
    from .. import planfile
    from ..render.conditions import exit_code
    from ..render.human import plan_text
    from ..render.jsonout import plan_document
    from .files import write_file

    if out is not None:
        write_file(Path(out), planfile.encode(run.file.plan, run.file.notes))
    if json:
        body = plan_document(run.file, run.signoffs)
        session.document(session.command, body, held, run.warnings, project.sources)
        return exit_code(held)
    session.diagnostics(run.warnings, project.sources)
    text = plan_text(
        run.file,
        signoffs=run.signoffs,
        conditions=held,
        width=session.width,
        color=session.color(),
    )
    session.print(text)
    return exit_code(held)
