"""Who wrote the files that a plan was made from: they may not sign it.

Only an SSH signature under a key of the trust root proves an author; a name or e-mail in a commit proves nothing, but
still excludes whom it names. What cannot be attributed is an unknown author, and widening then needs two people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..model.diagnostics import DiagnosticError
from ..model.plan import Exclusion
from . import keys, sshsig
from .authorship import Actors, Applied, Authorship
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
    since: Applied | None = None,
    inputs: Sequence[str] = (),
    person: str | None = None,
    actors: Actors | None = None,
) -> Authorship:
    """Authors of `files` (relative to `root_dir`) since what was applied last; of all time where that is None.

    `inputs` are values that came from outside the files. `person` is who plans, by the runner's own file, `actors` who
    does by the CI: both only exclude. `environ` is the process's environment. Raises DiagnosticError where git is not
    installed.
    """
    found = _Found(root)
    if person is not None:
        found.exclude(person, PLANNER)
    if actors is not None:
        found.act(actors)
    found.doubt("values from outside the files", inputs)
    try:
        repository = Repository(root_dir, environ)
        if repository.shallow:
            found.doubt_plainly("the clone is shallow, so that older commits are not seen (fetch the whole history)")
        places = _places(repository, files, found)
        _compare_with_commit(repository, root_dir, places, found)
        _read(repository, list(places.values()), since, found)
        return found.result(repository.head)
    except GitError as error:
        if "not a git repository" in str(error):
            found.doubt_plainly("the files are in no git repository")
        else:
            found.doubt_plainly("the history of the files could not be read")
        found.detail(f"git: {error}")
        return found.result(None)


def authors_again(
    root_dir: Path, sources: Mapping[str, str], root: RootData, *, environ: Mapping[str, str], since: Applied | None
) -> Authorship | None:
    """Authors of what a signed plan was made from (`sources`), found anew by another runner than the one that planned.

    None where this checkout cannot tell: no git, a shallow clone, or a history without those contents.
    """
    found = _Found(root)
    try:
        repository = Repository(root_dir, environ)
        if repository.shallow:
            return None
        places = _places(repository, list(sources), found)
        commit = repository.holding({place: sources[file] for file, place in places.items()})
        if commit is None:
            return None
        repository.head = commit
        _read(repository, list(places.values()), since, found)
        return found.result(commit)
    except (GitError, DiagnosticError):
        return None  # what the plan says of its authors then stands alone, as it does without a checkout


class _Found:
    """Collects people and doubts, each once."""

    def __init__(self, root: RootData) -> None:
        self._people: set[Exclusion] = set()
        self._unknown: set[str] = set()
        self._details: list[str] = []
        self._holders: dict[bytes, str] = {}
        self._mails: dict[str, set[str]] = {}
        self._accounts: dict[str, set[str]] = {}
        for name, person in root.people.items():
            for line in person.keys:
                try:
                    self._holders[keys.parse(line).blob] = name
                except KeyRefused:
                    continue  # a key that is none has signed nothing
            for mail in person.emails:
                self._mails.setdefault(mail.casefold(), set()).add(name)
            for account in person.accounts:
                self._accounts.setdefault(account.casefold(), set()).add(name)

    def act(self, actors: Actors) -> None:
        """Who a CI run works for: excluded where the root knows them, an unknown author where it does not."""
        unknown = []
        for actor in actors.actors:
            people = {name for account in actor.names for name in self._accounts.get(account.casefold(), ())}
            for name in people:
                self.exclude(name, actor.reason)
            if not people:
                unknown.append(actor.names[0])
        for mail in actors.emails:
            for name in self._mails.get(mail.strip().casefold(), ()):
                self.exclude(name, PLANNER)
        self.doubt("accounts that no person of the trust root has", unknown)
        for doubt in actors.doubts:
            self.doubt_plainly(_visible(doubt))
        for detail in actors.details:
            self.detail(detail)

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


def _places(repository: Repository, files: Sequence[str], found: _Found) -> dict[str, str]:
    """The files of the repository, with their paths from its top; others have no author that could be found."""
    named = {file: repository.place(file) for file in files}
    found.doubt("files from outside the repository", [file for file, place in named.items() if place is None])
    return {file: place for file, place in named.items() if place is not None}


def _read(repository: Repository, paths: Sequence[str], since: Applied | None, found: _Found) -> None:
    """Attribute the commits that made `paths` (from the top) what they are.

    Only what the last applied plan itself read is known to have been signed for: another file counts from its first
    commit on, and what was read then and is not now has been taken away by somebody.
    """
    known = (
        {place: digest for file, digest in since.sources.items() if (place := repository.place(file))} if since else {}
    )
    commit = repository.holding(known, since.commit) if since is not None else None
    if since is not None and commit is None:
        found.detail("no commit of this history holds what was applied last: authors of all time count")
    gone = [path for path in known if path not in paths]
    if commit is None:
        _attribute_all(repository, [*paths, *gone], None, found)
        return
    _attribute_all(repository, [*(path for path in paths if path in known), *gone], commit, found)
    _attribute_all(repository, [path for path in paths if path not in known], None, found)


def _attribute_all(repository: Repository, paths: Sequence[str], since: str | None, found: _Found) -> None:
    if not paths:
        return
    ids = repository.commits(paths, since, merges=False) + _deciding_merges(repository, paths, since)
    for commit in repository.read_commits(list(dict.fromkeys(ids))):
        _attribute(commit, found)


def _compare_with_commit(repository: Repository, root_dir: Path, places: Mapping[str, str], found: _Found) -> None:
    """Files must be those of HEAD byte for byte; the index is not asked, since it can be told to look away."""
    names = {file: f"{repository.head}:{place}" for file, place in places.items()}
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


def _visible(text: str) -> str:
    if hidden_character(text) is None:
        return text
    return "".join(c if hidden_character(c) is None else f"\\u{ord(c):04x}" for c in text)
