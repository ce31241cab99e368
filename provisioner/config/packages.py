"""Modules from git as they lie on this machine: pinned in the lock file, kept in the module folder, checked each time.

Nothing here fetches. `.provisioner.lock.hcl` in the root module's folder names, for each repository and ref, the commit
and the hash of its files; `.provisioner.modules/` beside it holds them. Whoever changes the lock file is an author of
the configuration; the module folder need not be trusted, because what lies in it must have the hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..lang import ast
from ..lang.parser import parse_file
from ..model.source import Source, SourceRange
from .files import Files
from .report import Report
from .sources import GitSource

LOCK_FILE: Final = ".provisioner.lock.hcl"
MODULE_FOLDER: Final = ".provisioner.modules"
MAX_FILES: Final = 20_000
MAX_BYTES: Final = 200_000_000
TREE: Final = "tree"
COMMIT_FILE: Final = "commit"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DOMAIN: Final = b"provisioner module tree 1\n"
_WAY_OUT: Final = "Run `provisioner get`"


@dataclass(frozen=True, slots=True)
class Locked:
    """What the lock file says of one repository and ref. `range` is where."""

    commit: str
    hash: str
    range: SourceRange | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """A repository's files on this machine, checked. `folder` is their top: nothing of the module is read outside."""

    source: GitSource
    commit: str
    folder: Path

    @classmethod
    def at(cls, source: GitSource, commit: str, place: Path) -> Package:
        """The package in a folder that `folder_of` named."""
        return cls(source, commit, place / TREE)


class TreeError(Exception):
    """A fetched module is not as it was written; the message is a sentence part."""


class Packages:
    """Finds the folder of each git module. `files` remembers the lock file as read as soon as one is asked for."""

    def __init__(self, files: Files, report: Report) -> None:
        self._files = files
        self._report = report
        self._locked: dict[str, Locked] | None = {}
        self._read = False
        self._known: dict[str, Package | None] = {}

    def package(self, source: GitSource, subject: SourceRange) -> Package | None:
        """The repository that a source names; None, reported, when it is not pinned, not here, or not what it was."""
        if source.key not in self._known:
            self._known[source.key] = self._checked(source, subject)
        return self._known[source.key]

    def _checked(self, source: GitSource, subject: SourceRange) -> Package | None:
        pins = self._lock()
        if pins is None:
            return None
        locked = pins.get(source.key)
        if locked is None:
            detail = (
                f"{LOCK_FILE} says nothing of {source.key}, so nobody knows which commit is meant. {_WAY_OUT}, which "
                "fetches it and records commit and hash; then commit that file."
            )
            self._report.error("E-MODULE", "Module is not in the lock file", detail, subject)
            return None
        if source.is_commit and source.ref != locked.commit:
            detail = (
                f"The source names commit {source.ref}, and {LOCK_FILE} pins {locked.commit}. {_WAY_OUT}, and find out "
                "who edited the file by hand."
            )
            self._report.error("E-LOCK", "Lock file contradicts the source", detail, locked.range)
            return None
        place = folder_of(self._files.root, source.key, locked.commit)
        try:
            check(place, locked)
        except FileNotFoundError:
            detail = (
                f"Commit {locked.commit[:12]} of {source.key} is not on this machine. {_WAY_OUT}: no other command "
                "reaches out to the network for modules."
            )
            self._report.error("E-MODULE", "Module has not been fetched", detail, subject)
            return None
        except (OSError, TreeError) as error:
            detail = (
                f"{self._files.name(place)} is not what {LOCK_FILE} pins for {source.key}: {_reason(error)}. Nothing "
                f"of it was used. {_WAY_OUT}, which fetches it anew; if this comes back, the lock file is wrong."
            )
            self._report.error("E-MODULE", "Fetched module is not what was pinned", detail, subject)
            return None
        return Package.at(source, locked.commit, place)

    def _lock(self) -> dict[str, Locked] | None:
        """The pins, none where there is no file; None, reported, for a file that is not one."""
        if self._read:
            return self._locked
        self._read = True
        path = self._files.root / LOCK_FILE
        if os.path.lexists(path):
            before = self._report.errors
            source = self._files.source(path, within=self._files.root)
            pins = {} if source is None else read_lock(source, self._report)
            self._locked = pins if self._report.errors == before else None
        return self._locked


def _reason(error: OSError | TreeError) -> str:
    return str(error) if isinstance(error, TreeError) else f"it cannot be read ({error.strerror})"


def folder_of(root: Path, key: str, commit: str) -> Path:
    """Where a repository's files at one commit are kept: a readable name, and a part that makes it unique."""
    name = key.partition("?ref=")[0].removesuffix("/").removesuffix(".git").rpartition("/")[2].rpartition(":")[2]
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40].strip("-") or "module"
    unique = hashlib.sha256(f"{key}\0{commit}".encode()).hexdigest()[:12]
    return root / MODULE_FOLDER / f"{readable}-{unique}"


def check(place: Path, locked: Locked) -> None:
    """Hold a kept repository against its pin. Raises FileNotFoundError, OSError, TreeError."""
    raw = (place / COMMIT_FILE).read_bytes()
    if commit_id(raw, len(locked.commit)) != locked.commit:
        raise TreeError("it holds another commit")
    if tree_hash(place / TREE) != locked.hash:
        raise TreeError("the hash of its files differs")


def commit_id(raw: bytes, digits: int) -> str:
    """The id that git gives a raw commit, by the length of the repository's ids."""
    hashing = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
    hashing.update(b"commit %d\0" % len(raw))
    hashing.update(raw)
    return hashing.hexdigest()


def tree_hash(folder: Path) -> str:
    """`sha256:` and the hash of every file under a folder: SHA-256 over a line `HEX  PATH` each, by path.

    Contents and paths count, nothing else (no times, modes or empty folders). Raises TreeError for what a fetched
    module never holds (a symbolic link, a device, a path of more than one line) and OSError.
    """
    lines: list[bytes] = []
    total = 0
    for path, status in _entries(folder):
        total += status.st_size
        if len(lines) >= MAX_FILES or total > MAX_BYTES:
            raise TreeError(f"it is larger than {MAX_FILES} files or {MAX_BYTES // 1_000_000} MB")
        relative = path.relative_to(folder).as_posix()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{digest}  {relative}\n".encode("utf-8", "surrogateescape"))
    lines.sort(key=lambda line: line[66:])
    return "sha256:" + hashlib.sha256(_DOMAIN + b"".join(lines)).hexdigest()


def _entries(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found: list[tuple[Path, os.stat_result]] = []
    pending = [folder]
    while pending:
        for entry in os.scandir(pending.pop()):
            status = entry.stat(follow_symlinks=False)
            if "\n" in entry.name:
                raise TreeError("a file's name has two lines")
            if stat.S_ISDIR(status.st_mode):
                pending.append(Path(entry.path))
            elif stat.S_ISREG(status.st_mode):
                found.append((Path(entry.path), status))
            else:
                raise TreeError(f'"{entry.name}" is no regular file')
    return found


def read_lock(source: Source, report: Report) -> dict[str, Locked]:
    """The pins of a lock file by key; what is wrong with it is reported."""
    body, diagnostics = parse_file(source)
    report.extend(diagnostics)
    found: dict[str, Locked] = {}
    for attribute in body.attributes.values():
        _wrong(report, f'There is no place for "{attribute.name}" here', attribute.range)
    for block in body.blocks:
        if block.type != "module" or len(block.labels) != 1 or block.body.blocks:
            _wrong(report, 'The file holds blocks module "SOURCE" { commit, hash } only', block.header)
            continue
        key = block.labels[0].value
        if key in found:
            _wrong(report, f'"{key}" is pinned twice', block.header)
            continue
        commit, digest = _text(block, "commit", _COMMIT, report), _text(block, "hash", _HASH, report)
        if commit is not None and digest is not None:
            found[key] = Locked(commit, digest, block.header)
    return found


def _text(block: ast.Block, name: str, form: re.Pattern[str], report: Report) -> str | None:
    attribute = block.body.attributes.get(name)
    if attribute is None:
        _wrong(report, f"{name} is missing", block.header)
        return None
    if not isinstance(attribute.expr, ast.String) or form.fullmatch(attribute.expr.value) is None:
        _wrong(report, f"This is no {name}", attribute.expr.range)
        return None
    return attribute.expr.value


def _wrong(report: Report, what: str, subject: SourceRange) -> None:
    detail = f"{what}. The file is written by `provisioner get`: restore it, or delete it and run that again."
    report.error("E-LOCK", "Invalid lock file", detail, subject)
