"""Finds and reads configuration files. What was read is remembered, so that a sign-off can find its authors."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from ..model.source import Source
from .report import Report

SUFFIX: Final = ".hcl"
VALUES_SUFFIX: Final = ".vars.hcl"
AUTO_SUFFIX: Final = ".auto.vars.hcl"
MAX_BYTES: Final = 16_000_000


class Files:
    """The files of one load. `read` holds their paths relative to the root module, `/` separated.

    `sources` holds the text of each by the same path, for showing diagnostics.
    """

    def __init__(self, root: Path, report: Report) -> None:
        self.root = Path(root).absolute()
        self.real_root = Path(os.path.realpath(root))
        self.read: set[str] = set()
        self.sources: dict[str, Source] = {}
        self._report = report

    def name(self, path: Path) -> str:
        """A path relative to the root module's folder."""
        return Path(os.path.relpath(path, self.root)).as_posix()

    def way_to_root(self, directory: Path) -> str:
        """The root module's folder as seen from another one: file functions are relative to their module."""
        return Path(os.path.relpath(self.root, directory)).as_posix()

    def configuration(self, directory: Path) -> list[Path]:
        """The configuration files of a module's folder, by name. Reports what cannot be listed."""
        return [
            path
            for path in self._listed(directory)
            if path.name.endswith(SUFFIX) and not path.name.endswith(VALUES_SUFFIX)
        ]

    def automatic_values(self) -> list[Path]:
        """The `*.auto.vars.hcl` files of the root module, by name."""
        return [path for path in self._listed(self.root) if path.name.endswith(AUTO_SUFFIX)]

    def source(self, path: Path, within: Path | None = None, pinned: bool = False) -> Source | None:
        """The text of one file; None, reported, when it cannot be had.

        `within` refuses a symbolic link that leads out of both that folder and the root module's. A file that is
        `pinned` has its author elsewhere: who wrote the pin answers for it here.
        """
        name = self.name(path)
        known = self.sources.get(name)
        if known is not None:
            return known
        real = Path(os.path.realpath(path))
        if within is not None and path.is_symlink():
            allowed = {self.real_root, Path(os.path.realpath(within))}
            if allowed.isdisjoint(real.parents):
                self._refuse(name, "is a symbolic link out of the module's folder", "Copy the file into the folder.")
                return None
        data = self._bytes(path, name)
        text = None if data is None else self._text(data, name)
        if text is None:
            return None
        if not pinned:
            self.read.add(name)
        if path.is_symlink():
            self.read.add(Path(os.path.relpath(real, self.real_root)).as_posix())
        source = Source(name, text)
        self.sources[name] = source
        return source

    def _listed(self, directory: Path) -> list[Path]:
        try:
            paths = sorted(directory.iterdir())
        except OSError as error:
            self._report.error(
                "E-FILE",
                "Cannot read the configuration folder",
                f'"{self.name(directory)}" cannot be listed: {error.strerror}. Name a folder that holds *.hcl files.',
                None,
            )
            return []
        return [path for path in paths if not path.name.startswith(".") and not path.name.endswith("~")]

    def _bytes(self, path: Path, name: str) -> bytes | None:
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                self._refuse(name, "is a directory, not a file", f"Rename it so that it does not end in {SUFFIX}.")
                return None
            if not stat.S_ISREG(status.st_mode):
                self._refuse(name, "is not a regular file", "Replace it by one, or rename it.")
                return None
            if status.st_size > MAX_BYTES:
                self._refuse(name, f"is larger than {MAX_BYTES // 1_000_000} MB", "Split it.")
                return None
            return path.read_bytes()
        except OSError as error:
            self._refuse(name, f"cannot be read: {error.strerror}", "Check that it exists and that you may read it.")
            return None

    def _text(self, data: bytes, name: str) -> str | None:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            self._refuse(name, "is UTF-16", "Save it as UTF-8.")
            return None
        try:
            return data.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._refuse(
                name,
                f"is not UTF-8: the byte 0x{data[error.start]:02x} on line {line} starts no character",
                "Save it as UTF-8.",
            )
            return None

    def _refuse(self, name: str, why: str, fix: str) -> None:
        self._report.error("E-FILE", "Cannot read a configuration file", f'"{name}" {why}. {fix}', None)
