"""Files that commands write for people to hand around."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ..model.diagnostics import DiagnosticError


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: beside it, then renamed. Raises DiagnosticError (E-IO)."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            mask = os.umask(0)
            os.umask(mask)
            Path(temporary).chmod(0o666 & ~mask)
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        fix = "Name a file in a folder that exists and that you may write to."
        raise DiagnosticError.of("E-IO", f"{path} cannot be written: {error.strerror}", fix) from error
