"""How commands find the plan that they were given: a file, or the beginning of a digest in the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..model.diagnostics import Diagnostic, DiagnosticError

if TYPE_CHECKING:
    from ..workflow.signing import Opened
    from .session import Session

Plan: Any = typer.Argument(
    metavar="PLAN",
    help="A plan file, or the beginning of a plan's digest in the ledger.",
    show_default=False,
)


def opened_plan(session: Session, name: str) -> Opened:
    """The plan with its workspace's ledger. Raises DiagnosticError."""
    from ..runner import load_runner
    from ..workflow.signing import open_plan

    if not name:
        raise DiagnosticError.of("E-USAGE", "No plan is named", "Name a plan file or the beginning of its digest.")
    return open_plan(name, load_runner(session.environ), Path.cwd())


def confirmed(session: Session, question: str) -> bool:
    """Ask at a terminal; without one, nobody has agreed to anything."""
    import sys

    if session.json or not sys.stdin.isatty():
        return False
    session.out.flush()
    session.err.write(f"{question} Type yes: ")
    session.err.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def not_confirmed(what: str, way_out: str) -> Diagnostic:
    """What a command says that wanted a yes and did not get one."""
    return Diagnostic("E-NOT-CONFIRMED", f"Nothing was {what}: nobody said yes", way_out)
