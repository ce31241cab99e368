"""The files that expressions may read: inside the root module's folder, and every read is remembered."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_FILE = 16_000_000


class FileError(Exception):
    """A file cannot be read; the message is a sentence part, made to stand in a diagnostic."""


class FileAccess:
    """Reads files for one module.

    `module` is the module's folder: relative paths start there. `root` is the root module's folder: nothing outside
    it is read, after symlinks are resolved. `reads` is shared by the modules of a run: the path of every file read
    or asked for, relative to `root` with `/`, so that a sign-off can find who wrote it. `place` is what errors call
    `root`.
    """

    __slots__ = ("_place", "_root", "module", "reads", "root")

    def __init__(
        self, module: Path, root: Path, reads: set[str] | None = None, place: str = "the root module's folder"
    ) -> None:
        self.module = module
        self.root = root
        self.reads: set[str] = set() if reads is None else reads
        self._place = place
        self._root = Path(os.path.realpath(root))

    def resolve(self, path: str) -> Path:
        """The real path of a file named in the configuration. Raises FileError when it lies outside the root."""
        if "\0" in path:
            raise FileError("the path holds a NUL character")
        if path.startswith("~"):
            raise FileError(f'"{path}" names a home folder; only files inside {self._place} can be read')
        real = Path(os.path.realpath(self.module / path))
        if real != self._root and self._root not in real.parents:
            raise FileError(f'"{path}" lies outside {self._place}; copy the file into it and name it there')
        return real

    def relative(self, real: Path) -> str:
        """A resolved path relative to the root, with `/`."""
        return real.relative_to(self._root).as_posix()

    def read_bytes(self, path: str) -> bytes:
        """The content of a file. Raises FileError."""
        real = self.resolve(path)
        try:
            status = real.stat()
            if stat.S_ISDIR(status.st_mode):
                raise FileError(f'"{path}" is a directory, not a file')
            if not stat.S_ISREG(status.st_mode):
                raise FileError(f'"{path}" is not a regular file')
            if status.st_size > MAX_FILE:
                raise FileError(f'"{path}" is larger than {MAX_FILE // 1_000_000} MB')
            data = real.read_bytes()
        except FileNotFoundError as err:
            raise FileError(
                f'no file exists at "{path}", seen from the module\'s folder; correct the path, or add the file, which '
                "must be part of the configuration before it is read"
            ) from err
        except OSError as err:
            raise FileError(f'failed to read "{path}": {err.strerror}') from err
        self.reads.add(self.relative(real))
        return data

    def exists(self, path: str) -> bool:
        """True for a regular file. A folder or other kind of file is a FileError, as is a path outside the root."""
        real = self.resolve(path)
        self.reads.add(self.relative(real))
        try:
            status = real.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as err:
            raise FileError(f'failed to read "{path}": {err.strerror}') from err
        if stat.S_ISREG(status.st_mode):
            return True
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise FileError(f'"{path}" is {kind}, not a file')

    def walk(self, path: str) -> list[str]:
        """Every regular file under the folder `path`, relative to it with `/`, sorted. Symlinked folders are not
        followed; a symlinked file that leads outside the root is left out. A folder that does not exist is empty."""
        base = self.resolve(path)
        found: list[str] = []
        for folder, folders, names in os.walk(base):
            folders.sort()
            for name in names:
                full = Path(folder) / name
                real = Path(os.path.realpath(full))
                if real.is_file() and self._root in real.parents:
                    found.append(full.relative_to(base).as_posix())
        return sorted(found)
