"""Fetches modules from git repositories, running nothing that a repository holds.

Work goes on in a bare repository of our own, without templates: there is no checkout, so no hook, filter, attribute,
file system monitor or submodule plays a part. Files are written from the objects themselves. The user's own git
configuration stays in force, because credentials and proxies come from it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..model.diagnostics import DiagnosticError
from .packages import MAX_BYTES, MAX_FILES
from .sources import GitSource

_OPTIONS: Final = (
    "--no-pager",
    "--no-replace-objects",
    "-c",
    "core.hooksPath=" + os.devnull,
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.attributesFile=" + os.devnull,
    "-c",
    "submodule.recurse=false",
    "-c",
    "fetch.recurseSubmodules=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "advice.detachedHead=false",
)
_PROTOCOLS: Final = {"https": "https:ssh", "ssh": "ssh:https", "file": "file", "http": "http:https"}
"""What git may speak for a source, whatever the user's `insteadOf` or a redirect make of its URL."""

_OF_THE_USER: Final = re.compile(r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_\w+|CONFIG_\w+|HTTP_USER_AGENT)")
_SECONDS: Final = 600
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FETCH: Final = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--force")
_REGULAR: Final = (b"100644", b"100755", b"100664")


class RemoteError(Exception):
    """A repository cannot be had; the message is a sentence part, `fix` what to do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a ref is now. `kind` is tag, branch or commit; `name` the full name of the ref, empty for a commit."""

    commit: str
    kind: str
    name: str


class Remote:
    """One repository far away and a bare one here, in `folder`, which must be new and is the caller's to remove."""

    def __init__(self, source: GitSource, folder: Path, environ: Mapping[str, str]) -> None:
        """Raises DiagnosticError where there is no git."""
        found = shutil.which("git", path=environ.get("PATH"))
        if found is None:
            detail = "Modules are fetched with it. Install git, version 2.31 or newer."
            raise DiagnosticError.of("E-GIT", "git is not on this machine", detail)
        self._program = found
        self._source = source
        self._folder = folder
        kept = {
            name: value
            for name, value in environ.items()
            if not name.startswith("GIT_") or _OF_THE_USER.fullmatch(name) is not None
        }
        self._environ = kept | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": _PROTOCOLS[source.protocol],
            "LC_ALL": "C",
        }
        self._begun = False

    def resolve(self) -> Resolved:
        """The commit that the source's ref is at this moment. Raises RemoteError."""
        ref = self._source.ref
        if ref is not None and self._source.is_commit:
            return Resolved(ref, "commit", "")
        self._begin()
        listed = self._listed(ref)
        if ref is None:
            if "HEAD" not in listed:
                raise RemoteError("it has no default branch", "Name a tag: ?ref=v1.0.0.")
            return Resolved(listed["HEAD"], "branch", "HEAD")
        names = [ref] if ref.startswith("refs/") else [f"refs/tags/{ref}", f"refs/heads/{ref}"]
        there = [name for name in names if name in listed]
        if not there:
            fix = "Correct ref. A commit is named by its whole id, 40 digits." if not listed else "Correct ref."
            raise RemoteError(f'it has no tag or branch "{ref}"', fix)
        if len(there) > 1:
            fix = f"Say which: ?ref=refs/tags/{ref} or ?ref=refs/heads/{ref}."
            raise RemoteError(f'"{ref}" is both a tag and a branch', fix)
        name = there[0]
        kind = "tag" if name.startswith("refs/tags/") else "branch"
        return Resolved(listed.get(f"{name}^{{}}", listed[name]), kind, name)

    def fetch(self, commit: str, name: str = "") -> None:
        """Bring a commit here. `name` is a ref that may lead to it. Raises RemoteError when it is not to be had."""
        self._begin(len(commit))
        url = self._source.url
        tries: list[Sequence[str]] = [("--depth=1", "--", url, commit)]
        if name:
            tries.append(("--depth=1", "--", url, name))
        tries.append(("--", url, "+refs/heads/*:refs/remotes/there/*", "+refs/tags/*:refs/tags/*"))
        said = ""
        for arguments in tries:
            done = self._start([*_FETCH, *arguments])
            said = said or _last_line(done)
            if self._start(["cat-file", "-e", commit]).returncode == 0:
                return
        raise RemoteError(f"it does not give out commit {commit[:12]} ({said or 'no such commit'})", "")

    def commit(self, commit: str) -> bytes:
        """The raw commit. Raises RemoteError for an object of another kind."""
        kind = self._run("cat-file", "-t", commit).decode().strip()
        if kind != "commit":
            raise RemoteError(f"the ref leads to a {kind}, not to a commit", "Name a tag of a commit, or a branch.")
        return self._run("cat-file", "commit", commit)

    def write_tree(self, commit: str, folder: Path) -> tuple[str, ...]:
        """Write a commit's files under `folder`, which must be new; paths of links and submodules, which are left out.

        Raises RemoteError for a tree that no file system should take, or that is too large for a module.
        """
        files, left_out, total = [], [], 0
        for line in self._run("ls-tree", "-r", "-z", "-l", "--full-tree", commit).split(b"\0"):
            if not line:
                continue
            described, _, raw = line.partition(b"\t")
            mode, _kind, name, size = described.split()
            path = _safe(raw)
            if mode not in _REGULAR:
                left_out.append(path)
                continue
            files.append((name, path))
            total += int(size)
            if len(files) > MAX_FILES or total > MAX_BYTES:
                raise RemoteError(
                    f"it is larger than {MAX_FILES} files or {MAX_BYTES // 1_000_000} MB",
                    "Put the modules into a repository of their own.",
                )
        folder.mkdir(parents=True)
        data = self._run("cat-file", "--batch", stdin=b"".join(name + b"\n" for name, _ in files))
        at = 0
        for name, path in files:
            end = data.index(b"\n", at)
            found, _kind, length = data[at:end].split(b" ")
            if found != name:
                raise RemoteError("git answered with another object", "Try again.")
            at = end + 2 + int(length)
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                stream.write(data[end + 1 : at - 1])
        return tuple(left_out)

    def _begin(self, digits: int = 40) -> None:
        if self._begun:
            return
        self._begun = True
        form = "sha256" if digits == 64 else "sha1"
        command = ["init", "--quiet", "--bare", "--template=", f"--object-format={form}", str(self._folder)]
        done = self._start(command, inside=False)
        if done.returncode != 0:
            raise RemoteError(f"git cannot work here ({_last_line(done)})", "Check the folder and its permissions.")

    def _listed(self, ref: str | None) -> dict[str, str]:
        patterns = ["HEAD"] if ref is None else [ref, f"{ref}^{{}}", f"refs/tags/{ref}^{{}}"]
        out = self._run("ls-remote", "--quiet", "--", self._source.url, *patterns).decode("utf-8", "replace")
        found = {}
        for line in out.splitlines():
            commit, _, name = line.partition("\t")
            if _COMMIT.fullmatch(commit) is not None:
                found[name] = commit
        return found

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = self._start(arguments, stdin)
        if done.returncode != 0:
            said = _last_line(done) or f"git {arguments[0]} failed"
            raise RemoteError(said, "Check the address, the network, and that git may read it here without asking.")
        return done.stdout

    def _start(
        self, arguments: Sequence[str], stdin: bytes = b"", inside: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        where = [f"--git-dir={self._folder}"] if inside else []
        command = [self._program, *where, *_OPTIONS, *arguments]
        try:
            return subprocess.run(  # noqa: S603
                command, input=stdin, capture_output=True, check=False, env=self._environ, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise RemoteError(f"it did not answer within {_SECONDS // 60} minutes", "Try again later.") from error


def _safe(raw: bytes) -> str:
    """A path of a tree as one of a file system. Raises RemoteError for one that would leave its folder."""
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RemoteError("a file's name is not UTF-8", "Rename it in the repository.") from error
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts) or re.search(r"[\x00-\x1f\\]", path):
        raise RemoteError(f"a file's name cannot be used ({path!r})", "Rename it in the repository.")
    return path


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines()]
    telling = [line for line in lines if line.startswith(("fatal: ", "error: "))] or [line for line in lines if line]
    return (
        telling[0].partition(": ")[2]
        if telling and telling[0].startswith(("fatal: ", "error: "))
        else "".join(telling[:1])
    )
