"""Words for what stopped a command."""

from __future__ import annotations

import traceback
from pathlib import Path

from ..model.diagnostics import Diagnostic, DiagnosticError
from ..render.conditions import Condition
from .session import Session

TRACE = "PROVISIONER_TRACE"


def explain(session: Session, error: Exception) -> int:
    """Say what stopped the command, as text or as a JSON document; returns the exit code."""
    if session.environ.get(TRACE):
        session.note("".join(traceback.format_exception(error)).rstrip())
    diagnostics = diagnostics_of(error)
    sources = getattr(error, "sources", None)  # a configuration's error brings the text of its files
    if session.json:
        session.document(session.command, {}, (Condition.ERROR,), diagnostics, sources)
    else:
        session.diagnostics(diagnostics, sources)
    return Condition.ERROR.code


def diagnostics_of(error: Exception) -> tuple[Diagnostic, ...]:
    """An exception as diagnostics: expected ones say what to do, any other is our bug and says so."""
    from ..sdk.errors import CloudError

    if isinstance(error, DiagnosticError):
        return error.diagnostics
    if isinstance(error, CloudError):
        detail = "\n".join(part for part in (error.detail, error.fix) if part)
        return (Diagnostic(error.code, f"{error.target}: {error.summary}", detail),)
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename is not None else ""
        fix = "Check the path, its permissions and the space on the disk, then run the command again."
        return (Diagnostic("E-IO", f"{name}{error.strerror}", fix),)
    return (_bug(error),)


def _bug(error: Exception) -> Diagnostic:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return Diagnostic(
        "E-BUG",
        f"This is a bug in provisioner: {type(error).__name__}: {error}"[:300],
        f"It happened{where}. What was written before it stays written; apply resumes from its journal.\n"
        f"Run the command again with {TRACE}=1 to see the traceback, and report it.",
    )
