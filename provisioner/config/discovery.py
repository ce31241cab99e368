"""Which git modules a configuration calls, without evaluating anything: what there is to fetch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.source import Source, SourceRange
from .files import Files
from .loader import read_modules
from .packages import Locked, Package, Packages, folder_of
from .report import Report
from .sources import GitSource


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository that module blocks name. `range` is the first one's source."""

    source: GitSource
    range: SourceRange


@dataclass(frozen=True, slots=True)
class Discovered:
    """`wanted` by key, in the order in which they were met; those inside of modules that `pins` lacks are not met."""

    wanted: Mapping[str, Wanted]
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]


def discover(root: Path, pins: Mapping[str, Locked]) -> Discovered:
    """Read the module blocks of a root module, and of the git modules that `pins` says where to find. Never raises."""
    report = Report()
    files = Files(root, report)
    packages = _Wanting(files, report, pins)
    try:
        read_modules(files, report, packages)
    except DiagnosticError as error:
        report.extend(error.diagnostics)
    return Discovered(packages.wanted, report.ordered(), files.sources)


class _Wanting(Packages):
    """Notes what is asked for, instead of reporting that it is not there."""

    def __init__(self, files: Files, report: Report, pins: Mapping[str, Locked]) -> None:
        super().__init__(files, report)
        self.wanted: dict[str, Wanted] = {}
        self._pins = pins

    def package(self, source: GitSource, subject: SourceRange) -> Package | None:
        self.wanted.setdefault(source.key, Wanted(source, subject))
        locked = self._pins.get(source.key)
        if locked is None:
            return None
        return Package.at(source, locked.commit, folder_of(self._files.root, source.key, locked.commit))
