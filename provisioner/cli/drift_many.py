"""`provisioner drift DIR…`: many workspaces in one run, each in a process of its own, and a table of all."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.diagnostics import DiagnosticError

if TYPE_CHECKING:
    from ..render.fleet import FleetRow
    from .session import Session

AT_ONCE = 4
"""Runs side by side: each mostly waits for its clouds."""


def drift_many(session: Session, folders: Sequence[str], options: Sequence[str], out: str | None, as_json: bool) -> int:
    """Run `drift` with these options in every folder. One that fails does not keep the others from running.

    A process each: one workspace's bad file, memory or crash stays its own.
    """
    from ..render.conditions import exit_code
    from ..render.fleet import fleet_conditions, fleet_text
    from .files import write_file

    places = _places(folders)
    started = time.monotonic()
    running: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory(prefix="provisioner-drift-") as scratch:

        def one(at: int) -> FleetRow:
            return _run(session, places[at], options, Path(scratch) / f"{at}.json", running)

        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(places))) as pool:
            try:
                rows = list(pool.map(one, range(len(places))))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in running:
                    process.terminate()
                raise
    held = fleet_conditions(rows)
    body = {"workspaces": [_entry(row) for row in rows]}
    if out is not None:
        write_file(Path(out), session.rendered("drift", body, held).encode())
    if as_json:
        session.document("drift", body, held)
    else:
        elapsed = int((time.monotonic() - started) * 1000)
        session.print(fleet_text(rows, elapsed, session.width, session.color()))
    return exit_code(held)


def _places(folders: Sequence[str]) -> list[str]:
    """The folders, each once. Raises DiagnosticError for one that is none."""
    found: dict[Path, str] = {}
    for folder in folders:
        path = Path(folder)
        if not path.is_dir():
            raise DiagnosticError.of(
                "E-USAGE", f"{folder} is no folder", "Name the folders of root modules; without any it is this one."
            )
        found.setdefault(path.resolve(), folder)
    return list(found.values())


def _run(
    session: Session, folder: str, options: Sequence[str], out: Path, running: list[subprocess.Popen[str]]
) -> FleetRow:
    from ..render.fleet import FleetRow

    command = [sys.executable, "-m", "provisioner", f"-chdir={folder}", "drift", f"-out={out}", *options]
    with subprocess.Popen(  # noqa: S603 - this program, on folders that were named
        command,
        env={**session.environ, "PROVISIONER_WIDTH": str(session.width)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
    ) as process:
        running.append(process)
        text, told = process.communicate()
    document: dict[str, Any] = json.loads(out.read_text()) if out.exists() else {}
    return FleetRow(folder, process.returncode, document, _whole(text, told), _first(told, process.returncode))


def _whole(text: str, told: str) -> str:
    """A run's own words: what it warned of, then its report."""
    return f"{told.rstrip()}\n\n{text}" if told.strip() and text.strip() else text or told


def _first(told: str, code: int) -> str:
    """The line that says what went wrong."""
    lines = [line.strip(" │╷╵") for line in told.splitlines()]
    return next(
        (line for line in lines if line.startswith("Error")), f"it ended with exit code {code}, and said nothing"
    )


def _entry(row: FleetRow) -> dict[str, Any]:
    return {
        "folder": row.folder,
        "exit_code": row.exit_code,
        "error": "" if row.document else row.error,
        "document": row.document or None,
    }
