"""What commands that read a configuration take from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from ..workflow.project import Inputs, Project
    from .session import Session


def inputs_of(session: Session, var: Sequence[str] | None, var_file: Sequence[str] | None) -> Inputs:
    """Folder, environment, variables, files of variables, and who watches reads. Raises DiagnosticError for a -var
    that is none."""
    from ..workflow.project import Inputs
    from .progress import reading

    files = tuple(Path(name) for name in var_file or ())
    return Inputs(Path.cwd(), session.environ, files, variables(var or ()), reading(session))


def project_of(session: Session, var: Sequence[str] | None, var_file: Sequence[str] | None) -> Project:
    """The project in the working folder. Raises DiagnosticError."""
    from ..workflow.project import open_project

    return open_project(inputs_of(session, var, var_file))


def variables(given: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` pairs; a later one wins."""
    out = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise DiagnosticError.of("E-USAGE", f"-var {pair!r} names no value", "Write -var 'NAME=VALUE'.")
        out[name.strip()] = value
    return out
