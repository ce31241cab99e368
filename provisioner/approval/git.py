"""Reads a git repository through plumbing commands, trusting neither its configuration nor the environment.

No command here looks at the index, runs a hook, a filter, a diff driver or a signature program, follows replacement
refs or grafts, fetches, or asks anything.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from ..model.diagnostics import DiagnosticError

_OPTIONS: Final = (
    "--no-pager",
    "--no-replace-objects",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.commitGraph=false",
    "-c",
    "core.hooksPath=" + os.devnull,
    "-c",
    "core.quotePath=false",
    "-c",
    "protocol.allow=never",
)
_ARGUMENTS: Final = 500
_SEARCHED: Final = 300
"""How many commits that touch the files are looked at for those that were applied last."""
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitError(Exception):
    """git could not answer; the message is a sentence part."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's id and its raw bytes, which were hashed again."""

    id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class MergedPath:
    """A path that a merge took from one parent and not the other. `lost` and `kept` are blob ids, zeros for none."""

    path: str
    lost: str
    kept: str


class Repository:
    """A work tree. `prefix` is the folder's place in it: empty or ending in a slash."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Raises DiagnosticError where there is no git, GitError where there is no repository or no commit."""
        found = shutil.which("git", path=environ.get("PATH"))
        if found is None:
            detail = "Authors are read from the commits. Install git, version 2.31 or newer."
            raise DiagnosticError.of("E-GIT", "git is not on this machine", detail)
        self._program = found
        self._folder = folder
        self._environ = {name: value for name, value in environ.items() if not name.startswith("GIT_")} | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_GRAFT_FILE": os.devnull,
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_CEILING_DIRECTORIES": "",
            "LC_ALL": "C",
        }
        told = self._run("rev-parse", "--is-shallow-repository", "--show-prefix").decode("utf-8", "surrogateescape")
        shallow, _newline, prefix = told.partition("\n")
        self.shallow = shallow != "false"
        self.prefix = prefix.removesuffix("\n")
        self.head = self._run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
        if _COMMIT.fullmatch(self.head) is None:
            raise GitError("the repository has no commit")

    def is_ancestor(self, commit: str) -> bool:
        """Whether HEAD contains a commit; False also for one that is not here."""
        if _COMMIT.fullmatch(commit) is None:
            return False
        done = self._start(["merge-base", "--is-ancestor", commit, self.head], b"")
        return done.returncode == 0

    def blobs(self, names: Sequence[str]) -> dict[str, str]:
        """Object ids of `commit:path` names; those that do not exist are left out."""
        usable = [name for name in names if "\n" not in name]
        if not usable:
            return {}
        lines = self._run("cat-file", "--batch-check", stdin=_lines(usable)).decode("utf-8", "surrogateescape")
        out = {}
        for name, line in zip(usable, lines.removesuffix("\n").split("\n"), strict=True):
            words = line.removeprefix(name).split(" ") if line.startswith(name) else line.split(" ")
            if len(words) == 3 and words[1] == "blob":
                out[name] = words[0]
        return out

    def commits(self, paths: Sequence[str], since: str | None, *, merges: bool) -> list[str]:
        """Ids of commits after `since` that touch `paths` (from the top), or of all merges, newest first."""
        revisions = [self.head, *([f"^{since}"] if since else [])]
        if merges:
            return (
                self._run("rev-list", "--merges", "--min-parents=2", "--stdin", stdin=_lines(revisions))
                .decode()
                .split()
            )
        specs = [f":(top,literal){path}" for path in paths]
        found = self._run(
            "rev-list", "--no-merges", "--full-history", "--stdin", stdin=_lines([*revisions, "--", *specs])
        )
        return found.decode().split()

    def place(self, file: str) -> str | None:
        """A file's path from the top, by its path from the folder; None for what is outside, or oddly written.

        Only leading `..` are followed: the prefix is a physical path, so that they mean what they say.
        """
        pure = PurePosixPath(file)
        if pure.is_absolute() or "\n" in file or str(pure) != file:
            return None
        above, inside = list(PurePosixPath(self.prefix).parts), list(pure.parts)
        while inside and inside[0] == "..":
            if not above:
                return None
            above.pop()
            inside.pop(0)
        return "/".join((*above, *inside)) if inside and ".." not in inside else None

    def holding(self, contents: Mapping[str, str], hint: str | None = None) -> str | None:
        """The newest commit in HEAD's history where each path (from the top) has the content of this SHA-256.

        `hint` is asked last: a commit that is further back than is searched. What lies between two commits with the
        same contents came to nothing, so that any of them is as good as another.
        """
        if not contents:
            return None
        commits = [self.head, *self._touching(list(contents))]
        if hint is not None and self.is_ancestor(hint):
            commits.append(hint)
        blobs = self.blobs([f"{commit}:{path}" for commit in commits for path in contents])
        known: dict[str, str] = {}
        return next((commit for commit in commits if self._holds(commit, contents, blobs, known)), None)

    def _touching(self, paths: Sequence[str]) -> list[str]:
        """The newest commits that touch `paths`, merges too."""
        specs = [f":(top,literal){path}" for path in paths]
        limit = f"--max-count={_SEARCHED}"
        found = self._run("rev-list", "--full-history", limit, "--stdin", stdin=_lines([self.head, "--", *specs]))
        return found.decode().split()

    def _holds(self, commit: str, contents: Mapping[str, str], blobs: Mapping[str, str], known: dict[str, str]) -> bool:
        """Whether a commit has exactly these contents. `known` keeps the SHA-256 of blobs that were read."""
        wanted = [(blobs.get(f"{commit}:{path}"), digest) for path, digest in contents.items()]
        if any(blob is None or known.get(blob, digest) != digest for blob, digest in wanted):
            return False
        unread = sorted({blob for blob, _ in wanted if blob is not None and blob not in known})
        if unread:
            for blob, data in zip(unread, self._objects(unread, "blob"), strict=True):
                known[blob] = hashlib.sha256(data).hexdigest()
        return all(blob is not None and known[blob] == digest for blob, digest in wanted)

    def read_commits(self, ids: Sequence[str]) -> list[Commit]:
        """The raw commits. Raises GitError for one whose bytes do not hash to its id."""
        return [Commit(wanted, body) for wanted, body in zip(ids, self._objects(ids, "commit"), strict=True)]

    def _objects(self, ids: Sequence[str], kind: str) -> list[bytes]:
        """The bytes of objects of one kind. Raises GitError for one whose bytes do not hash to its id."""
        data = self._run("cat-file", "--batch", stdin=_lines(ids))
        out = []
        at = 0
        for wanted in ids:
            end = data.index(b"\n", at)
            name, found, size = data[at:end].decode("ascii", "replace").split(" ")
            body = data[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
            if name != wanted or found != kind or object_id(kind, body, len(wanted)) != wanted:
                raise GitError(f"the {kind} {wanted[:12]} is not what its id says")
            out.append(body)
        return out

    def merged_paths(self, merges: Sequence[str], paths: Sequence[str]) -> dict[str, list[MergedPath] | None]:
        """By merge, which side won each path; None where some path is as in no parent. Others touch no path."""
        sides: dict[str, list[MergedPath]] = {}
        for chunk in _chunks([f":(top,literal){path}" for path in paths]):
            found = self._run("diff-tree", "--stdin", "-m", "-r", "-z", "--raw", "--no-abbrev", "--", *chunk,
                              stdin=_lines(merges))  # fmt: skip
            for merge, change in _raw(found):
                sides.setdefault(merge, []).append(change)
        return {merge: changes if _each_once(changes) else None for merge, changes in sides.items()}

    def parents(self, merges: Sequence[str]) -> dict[str, list[str]]:
        """Parents by commit."""
        if not merges:
            return {}
        lines = self._run("rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin=_lines(merges)).decode()
        return {line.split()[0]: line.split()[1:] for line in lines.splitlines()}

    def merge_bases(self, one: str, other: str) -> list[str]:
        """The best common ancestors."""
        done = self._start(["merge-base", "--all", one, other], b"")
        return done.stdout.decode().split()

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = self._start(arguments, stdin)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise GitError(said[-1].removeprefix("fatal: ") if said else f"git {arguments[0]} failed")
        return done.stdout

    def _start(self, arguments: Iterable[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        command = [self._program, "-C", str(self._folder), *_OPTIONS, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, check=False, env=self._environ)  # noqa: S603


def object_id(kind: str, data: bytes, digits: int) -> str:
    """The id that git gives an object, by the length of the repository's ids (SHA-1 or SHA-256)."""
    hashing = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)
    hashing.update(b"%s %d\0" % (kind.encode(), len(data)))
    hashing.update(data)
    return hashing.hexdigest()


def _lines(texts: Iterable[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode("utf-8", "surrogateescape")


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(items), _ARGUMENTS):
        yield items[at : at + _ARGUMENTS]


def _raw(data: bytes) -> Iterator[tuple[str, MergedPath]]:
    """`diff-tree -m --raw -z`: a commit id before each parent's differences, each a line of ids and then a path."""
    words = iter(data.split(b"\0"))
    merge = ""
    for word in words:
        if word.startswith(b":"):
            _mode, _other, lost, kept, _status = word[1:].decode("ascii").split(" ")
            yield merge, MergedPath(next(words).decode("utf-8", "surrogateescape"), lost, kept)
        elif word:
            merge = word.decode("ascii")


def _each_once(changes: Sequence[MergedPath]) -> bool:
    return len({change.path for change in changes}) == len(changes)
