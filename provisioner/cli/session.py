"""What a command has of the world: the environment, the streams, the folder. Nothing below the CLI reads these."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from ..model.diagnostics import Diagnostic
    from ..model.source import Source
    from ..render.conditions import Condition

MAX_WIDTH = 100
MIN_WIDTH = 60


@dataclass(slots=True)
class Session:
    """One run of the command. Text and JSON documents go to `out`, progress and diagnostics to `err`."""

    environ: Mapping[str, str]
    root: Path
    no_color: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    json: bool = False
    command: str = ""

    def color(self, stream: TextIO | None = None) -> bool:
        """True where colour may be used: a terminal, and nobody said no."""
        if self.no_color or self.environ.get("NO_COLOR") or self.environ.get("TERM") == "dumb":
            return False
        return (stream or self.out).isatty()

    @property
    def width(self) -> int:
        """Columns for text: those of the terminal, at most 100; without one $PROVISIONER_WIDTH, else 100."""
        if not self.out.isatty():
            given = self.environ.get("PROVISIONER_WIDTH", "")
            asked = int(given) if given.isascii() and given.isdigit() and len(given) < 5 else MAX_WIDTH
            return max(MIN_WIDTH, min(MAX_WIDTH, asked))
        return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 40)).columns))

    def print(self, text: str) -> None:
        """A report or an answer, to standard output."""
        self.out.write(text if text.endswith("\n") else text + "\n")

    def raw(self, text: str) -> None:
        """A file's text or a line for a program: UTF-8 whatever the terminal's encoding, sent at once."""
        self.out.flush()
        self.out.buffer.write(text.encode("utf-8", "backslashreplace"))
        self.out.buffer.flush()

    def note(self, text: str) -> None:
        """What is said beside the answer, to standard error."""
        self.err.write(text + "\n")

    def document(
        self,
        command: str,
        body: Mapping[str, Any],
        conditions: Iterable[Condition] = (),
        diagnostics: Iterable[Diagnostic] = (),
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        """One JSON document, the whole answer of a command under -json."""
        self.out.write(self.rendered(command, body, conditions, diagnostics, sources))

    @staticmethod
    def rendered(
        command: str,
        body: Mapping[str, Any],
        conditions: Iterable[Condition] = (),
        diagnostics: Iterable[Diagnostic] = (),
        sources: Mapping[str, Source] | None = None,
    ) -> str:
        """The text of such a document."""
        from ..render.conditions import exit_code, ordered
        from ..render.jsonout import envelope
        from .diagnose import diagnostics_json

        held = ordered(conditions)
        shown = diagnostics_json(diagnostics, sources)
        value = envelope(command, body, [str(c) for c in held], exit_code(held), shown)
        return json.dumps(value, indent=2, ensure_ascii=True) + "\n"

    def diagnostics(self, diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source] | None = None) -> None:
        """Diagnostics as text, with the source lines they are about."""
        from .diagnose import write_diagnostics

        write_diagnostics(self, diagnostics, sources)
