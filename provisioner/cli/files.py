"""Files that commands write for people to hand around."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from ..model.diagnostics import DiagnosticError


def write_file(path: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Write a whole file or nothing: beside it, then renamed. Raises DiagnosticError (E-IO).

    A new file gets the usual permissions; with `like`, the permissions and, where allowed, the owner of that one.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            _permit(temporary, like)
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        fix = "Name a file in a folder that exists and that you may write to."
        raise DiagnosticError.of("E-IO", f"{path} cannot be written: {error.strerror}", fix) from error


def _permit(path: str, like: os.stat_result | None) -> None:
    if like is None:
        mask = os.umask(0)
        os.umask(mask)
        Path(path).chmod(0o666 & ~mask)
        return
    if (like.st_uid, like.st_gid) != (os.getuid(), os.getgid()):
        with contextlib.suppress(PermissionError):  # only root may give a file away; then it is ours
            os.chown(path, like.st_uid, like.st_gid)
    Path(path).chmod(stat.S_IMODE(like.st_mode))
