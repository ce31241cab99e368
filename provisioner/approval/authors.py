"""Who wrote the files that a plan was made from: they may not sign it.

Only an SSH signature under a key of the trust root proves an author; a name or e-mail in a commit proves nothing, but
still excludes whom it names. What cannot be attributed is an unknown author, and widening then needs two people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from ..model.plan import Exclusion
from . import keys, sshsig
from .authorship import Authorship
from .git import Commit, GitError, Repository, object_id
from .keys import KeyRefused
from .root import RootData
from .statement import hidden_character

AUTHOR: Final = "author"
PLANNER: Final = "planned it"
GIT_NAMESPACE: Final = "git"
_SHOWN: Final = 5
_DETAILS: Final = 20
_EMAIL: Final = re.compile(rb"<([^<>\n]*)>")
_CO_AUTHOR: Final = re.compile(rb"^co-authored-by:.*<([^<>\n]*)>\s*$", re.IGNORECASE | re.MULTILINE)


def authors(
    root_dir: Path,
    files: Sequence[str],
    root: RootData,
    *,
    environ: Mapping[str, str],
    since_commit: str | None = None,
    inputs: Sequence[str] = (),
    person: str | None = None,
) -> Authorship:
    """Authors of `files` (relative to `root_dir`) since the commit of the last apply; of all time where None.

    `inputs` are values that came from outside the files. `person` is who plans, by the runner's own file: that only
    excludes. `environ` is the process's environment. Raises DiagnosticError where git is not installed.
    """
    found = _Found(root)
    if person is not None:
        found.exclude(person, PLANNER)
    found.doubt("values from outside the files", inputs)
    try:
        repository = Repository(root_dir, environ)
        _read(repository, root_dir, files, since_commit, found)
        return found.result(repository.head)
    except GitError as error:
        if "not a git repository" in str(error):
            found.doubt_plainly("the files are in no git repository")
        else:
            found.doubt_plainly("the history of the files could not be read")
        found.detail(f"git: {error}")
        return found.result(None)


class _Found:
    """Collects people and doubts, each once."""

    def __init__(self, root: RootData) -> None:
        self._people: set[Exclusion] = set()
        self._unknown: set[str] = set()
        self._details: list[str] = []
        self._holders: dict[bytes, str] = {}
        self._mails: dict[str, set[str]] = {}
        for name, person in root.people.items():
            for line in person.keys:
                try:
                    self._holders[keys.parse(line).blob] = name
                except KeyRefused:
                    continue  # a key that is none has signed nothing
            for mail in person.emails:
                self._mails.setdefault(mail.casefold(), set()).add(name)

    def exclude(self, person: str, reason: str = AUTHOR) -> None:
        self._people.add(Exclusion(person, reason))

    def exclude_mail(self, mail: bytes) -> None:
        """Whoever the root knows under an address. Only ever excludes: an address is easily written."""
        for name in self._mails.get(mail.decode("utf-8", "replace").strip().casefold(), ()):
            self.exclude(name)

    def holder(self, blob: bytes) -> str | None:
        return self._holders.get(blob)

    def doubt(self, what: str, items: Iterable[str] = ()) -> None:
        """One phrase for several things of a kind. The texts are signed, so what cannot be seen is written out."""
        listed = sorted({_visible(item) for item in items})
        if not listed:
            return
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        self._unknown.add(f"{what}: {', '.join(listed[:_SHOWN])}{more}")

    def doubt_plainly(self, what: str, commit: Commit | None = None) -> None:
        self._unknown.add(what)
        if commit is not None:
            self.detail(f"{commit.id[:12]}: {what}")

    def detail(self, text: str) -> None:
        """For whoever reads the run's output; cut off where it gets long."""
        if len(self._details) < _DETAILS:
            self._details.append(_visible(text))

    def result(self, commit: str | None) -> Authorship:
        people = sorted(self._people, key=lambda exclusion: (exclusion.person, exclusion.reason))
        return Authorship(tuple(people), tuple(sorted(self._unknown)), commit, tuple(self._details))


def _read(repository: Repository, root_dir: Path, files: Sequence[str], since: str | None, found: _Found) -> None:
    if repository.shallow:
        found.doubt_plainly("the clone is shallow, so that older commits are not seen (fetch the whole history)")
    if since is not None and not repository.is_ancestor(since):
        found.doubt_plainly("what was applied last is not part of this history (rebase on it)")
        since = None
    inside = [file for file in files if _is_inside(file)]
    found.doubt("files from outside the folder", [file for file in files if not _is_inside(file)])
    _compare_with_commit(repository, root_dir, inside, found)
    paths = [repository.prefix + file for file in inside]
    if since is not None:
        paths += repository.deleted(since, sorted({_siblings(path) for path in paths}))
    if not paths:
        return
    ids = repository.commits(paths, since, merges=False) + _deciding_merges(repository, paths, since)
    for commit in repository.read_commits(list(dict.fromkeys(ids))):
        _attribute(commit, found)


def _compare_with_commit(repository: Repository, root_dir: Path, files: Sequence[str], found: _Found) -> None:
    """Files must be those of HEAD byte for byte; the index is not asked, since it can be told to look away."""
    names = {file: f"{repository.head}:{repository.prefix}{file}" for file in files}
    committed = repository.blobs(list(names.values()))
    untracked, dirty = [], []
    for file, name in names.items():
        blob = committed.get(name)
        if blob is None:
            untracked.append(file)
            continue
        try:
            data = (root_dir / file).read_bytes()
        except OSError:
            dirty.append(file)
            continue
        if object_id("blob", data, len(blob)) != blob:
            dirty.append(file)
    found.doubt("not committed", untracked)
    found.doubt("changed since the commit", dirty)


def _deciding_merges(repository: Repository, paths: Sequence[str], since: str | None) -> list[str]:
    """Merges whose maker decided something: a file like in neither parent, or the side that had not changed it."""
    merges = repository.commits((), since, merges=True)
    if not merges:
        return []
    touching = repository.merged_paths(merges, paths)
    parents = repository.parents(list(touching))
    deciding, wanted = [], {}
    for merge, changes in touching.items():
        bases = repository.merge_bases(*parents[merge]) if changes and len(parents[merge]) == 2 else []
        if changes is None or len(bases) != 1:
            deciding.append(merge)
        else:
            wanted[merge] = [(f"{bases[0]}:{change.path}", change.lost) for change in changes]
    blobs = repository.blobs([name for pairs in wanted.values() for name, _lost in pairs])
    for merge, pairs in wanted.items():
        if any(blobs.get(name, "0" * len(lost)) != lost for name, lost in pairs):
            deciding.append(merge)
    return deciding


def _attribute(commit: Commit, found: _Found) -> None:
    """Exclude everybody whom a commit names; doubt it unless a key of the root signed it."""
    headers, _blank, message = commit.data.partition(b"\n\n")
    for line in headers.split(b"\n"):
        if line.startswith((b"author ", b"committer ")):
            for mail in _EMAIL.findall(line):
                found.exclude_mail(mail)
    for mail in _CO_AUTHOR.findall(message):
        found.exclude_mail(mail)
    signature, payload = split_signature(commit.data)
    if signature is None:
        found.doubt_plainly("commits without a signature", commit)
        return
    if not signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        found.doubt_plainly("commits with a signature that is not SSH's", commit)
        return
    try:
        key = sshsig.verify(signature, payload, GIT_NAMESPACE)
    except sshsig.SignatureError:
        found.doubt_plainly("commits with a signature that is not valid", commit)
        return
    holder = found.holder(key.blob)
    if holder is None:
        found.doubt_plainly("commits signed with a key that the trust root does not know", commit)
    else:
        found.exclude(holder)


def split_signature(data: bytes) -> tuple[bytes | None, bytes]:
    """A raw commit's signature and the bytes that it covers; (None, data) where there is not exactly one."""
    headers, blank, message = data.partition(b"\n\n")
    kept: list[bytes] = []
    signatures: list[list[bytes]] = []
    inside = False
    for line in headers.split(b"\n"):
        if line.startswith((b"gpgsig ", b"gpgsig-sha256 ")):
            signatures.append([line.partition(b" ")[2]])
            inside = True
        elif inside and line.startswith(b" "):
            signatures[-1].append(line[1:])
        else:
            inside = False
            kept.append(line)
    if len(signatures) != 1:
        return None, data
    signature = b"\n".join(signatures[0]).rstrip(b"\n") + b"\n"
    return signature, b"\n".join(kept) + blank + message


def _is_inside(file: str) -> bool:
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and str(path) == file and "\n" not in file


def _siblings(path: str) -> str:
    """A glob for the files of the same folder and kind: those that may have been taken away."""
    pure = PurePosixPath(path)
    pattern = f"*{_escaped(pure.suffix)}" if pure.suffix else _escaped(pure.name)
    return pattern if str(pure.parent) == "." else f"{_escaped(str(pure.parent))}/{pattern}"


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


def _visible(text: str) -> str:
    if hidden_character(text) is None:
        return text
    return "".join(c if hidden_character(c) is None else f"\\u{ord(c):04x}" for c in text)
