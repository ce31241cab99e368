"""A ledger in a folder of this machine.

An entry appears whole or not at all: written to a temporary file beside it, flushed, then hard-linked to its name,
which fails when the name is taken; last the folder is flushed. A crash leaves at most a temporary file, which nobody
reads and a later write clears away.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .errors import LedgerError
from .store import Listed, Stored

_NAME = re.compile(r"[0-9a-z][0-9a-z.-]{0,100}")
_TEMPORARY = ".tmp-"
_STALE_SECONDS = 900.0
"""Age at which a temporary file is nobody's any more: no write takes a quarter of an hour."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_CAUSES = {
    errno.ENOSPC: ("the disk is full", "free some space, then run the command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, then run the command again"),
    errno.EROFS: ("the file system is read-only", "make it writable, or run where it is"),
    errno.EACCES: ("permission denied", "run as the user who owns the ledger, or have its permissions changed"),
    errno.EPERM: (
        "the operation is not permitted",
        "run as the user who owns the ledger, on a file system that has hard links",
    ),
    errno.EOPNOTSUPP: ("the file system has no hard links", "move the ledger to one that has"),
    errno.ELOOP: ("it is a symbolic link", "find out who put it there; put the real entry back from a copy"),
    errno.EMFILE: ("too many files are open", "raise the limit (`ulimit -n`), then run the command again"),
    errno.ENOENT: ("the folder is gone", "put it back, or name the right one"),
}


class LocalStore:
    """One folder, `0700`, with one file an entry, `0600`. Its clock is this machine's: nobody else vouches for it."""

    def __init__(self, folder: Path) -> None:
        """Open a ledger that exists. Raises LedgerError when there is none, or when anybody may write into it."""
        self._folder = folder.absolute()
        self._swept = False
        try:
            status = self._folder.stat()
        except FileNotFoundError as error:
            raise LedgerError.because(
                "E-LEDGER-NONE",
                f"There is no ledger at {self._folder}",
                "Nothing has been recorded for this workspace here. `provisioner init` starts a ledger; if there is"
                ' one already, name its folder in the runner\'s own file or in `ledger "local"`.',
            ) from error
        except OSError as error:
            raise self._failure("read", self._folder.name, error) from error
        if not stat.S_ISDIR(status.st_mode):
            raise LedgerError.because(
                "E-LEDGER-NONE", f"{self._folder} is not a folder", "A local ledger is a folder: name the right one."
            )
        if status.st_mode & stat.S_IWOTH:
            raise LedgerError.because(
                "E-LEDGER-OPEN",
                f"Everybody on this machine may write into the ledger at {self._folder}",
                f"A ledger is written by its owner only: `chmod 700 {self._folder}`, after a look at what is in it.",
            )

    @classmethod
    def create(cls, folder: Path) -> LocalStore:
        """Make the folder, private to this user; one that exists and is in order is taken as it is."""
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                _flush_folder(folder.parent)
        except OSError as error:
            cause, way_out = _cause(error)
            raise LedgerError.because(
                "E-LEDGER-WRITE", f"Cannot make the ledger's folder {folder}: {cause}", f"{way_out.capitalize()}."
            ) from error
        return cls(folder)

    @property
    def location(self) -> str:
        return str(self._folder)

    def put_if_absent(self, name: str, data: bytes) -> bool:
        self._sweep()
        target = self._path(name)
        temporary = self._folder / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"
        try:
            try:
                _write(temporary, data)
                os.link(temporary, target, follow_symlinks=False)
                _flush_folder(self._folder)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise self._failure("write", name, error) from error
        return True

    def get(self, name: str) -> Stored | None:
        path = self._path(name)
        try:
            handle = os.open(path, _READ)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure("read", name, error) from error
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise LedgerError.because(
                    "E-LEDGER-READ",
                    f"{name} in the ledger at {self._folder} is not a regular file",
                    "Entries are plain files. Find out who put it there; put the real entry back from a copy.",
                )
            data = _read(handle, status.st_size)
        except OSError as error:
            raise self._failure("read", name, error) from error
        finally:
            os.close(handle)
        return Stored(data, datetime.fromtimestamp(status.st_mtime, UTC))

    def names(self) -> tuple[str, ...]:
        try:
            found = os.listdir(self._folder)  # noqa: PTH208 - ten thousand Path objects cost more than the listing
        except OSError as error:
            raise self._failure("read", self._folder.name, error) from error
        return tuple(sorted(name for name in found if not name.startswith(_TEMPORARY)))

    def fetch(self, names: Sequence[str]) -> Iterable[Stored | None]:
        return map(self.get, names)

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        return tuple(Listed(name) for name in self.names() if name > after)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise LedgerError.because(
                "E-LEDGER-FOREIGN",
                f"{name!r} in the ledger at {self._folder} is not an entry",
                "A ledger's folder holds nothing but its entries. Find out who put it there, then take it away.",
            )
        return self._folder / name

    def _sweep(self) -> None:
        """Once per run, clear what interrupted writes left behind. Never what somebody may still be writing."""
        if self._swept:
            return
        self._swept = True
        limit = time.time() - _STALE_SECONDS
        try:
            for path in self._folder.glob(f"{_TEMPORARY}*"):
                if path.lstat().st_mtime < limit:
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            return  # another process is sweeping too
        except OSError as error:
            raise self._failure("write", self._folder.name, error) from error

    def _failure(self, verb: str, name: str, error: OSError) -> LedgerError:
        cause, way_out = _cause(error)
        return LedgerError.because(
            f"E-LEDGER-{verb.upper()}",
            f"Cannot {verb} {name} in the ledger at {self._folder}: {cause}",
            f"Nothing goes on without the ledger. {way_out.capitalize()}.",
        )


def _cause(error: OSError) -> tuple[str, str]:
    known = _CAUSES.get(error.errno or 0)
    return known or ((error.strerror or str(error)).lower(), "mend that, then run the command again")


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, _CREATE, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(handle: int, size: int) -> bytes:
    parts = []
    while part := os.read(handle, max(size, 1) + 1):
        parts.append(part)
    return b"".join(parts)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
