"""Diagnostics on a terminal, and as data, with the source lines that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.source import Source

if TYPE_CHECKING:
    from ..model.diagnostics import Diagnostic
    from .session import Session

_MAX_FILE = 16_000_000


def write_diagnostics(
    session: Session, diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source] | None = None
) -> None:
    """Diagnostics to standard error, as boxes."""
    from ..render.diagnostics import human

    listed = tuple(diagnostics)
    text = human(listed, _with_files(listed, sources), width=session.width, color=session.color(session.err))
    session.err.write(text)


def diagnostics_json(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source] | None = None
) -> list[dict[str, Any]]:
    """Diagnostics as JSON values, in the shape of `validate -json`."""
    from ..render.diagnostics import as_json

    listed = tuple(diagnostics)
    known = _with_files(listed, sources)
    return [as_json(diagnostic, known) for diagnostic in listed]


def _with_files(diagnostics: tuple[Diagnostic, ...], sources: Mapping[str, Source] | None) -> Mapping[str, Source]:
    """The sources given, and those of files named by an absolute path (the runner's file), which nobody hands on."""
    known = dict(sources or {})
    for diagnostic in diagnostics:
        place = diagnostic.subject
        if place is not None and place.filename not in known and Path(place.filename).is_absolute():
            path = Path(place.filename)
            try:
                if path.stat().st_size <= _MAX_FILE:
                    known[place.filename] = Source(place.filename, path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError):
                continue  # the diagnostic names the file and says what is wrong with it
    return known
