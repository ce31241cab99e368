"""`get`: fetch the git modules that a configuration calls, and pin them in the lock file."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config.discovery import Wanted, discover
from ..config.files import Files
from ..config.packages import (
    COMMIT_FILE,
    LOCK_FILE,
    MODULE_FOLDER,
    TREE,
    Locked,
    TreeError,
    check,
    folder_of,
    read_lock,
    tree_hash,
)
from ..config.remote import Remote, RemoteError, Resolved
from ..config.report import Report
from ..lang.editor import Editor
from ..lang.writer import NewAttribute, NewBlock, write_items
from ..model.diagnostics import Diagnostic, DiagnosticError, Severity
from ..model.source import Source
from .project import ConfigurationError, Inputs

_HEADER = """\
# Commit and content of each module from git. Written by `provisioner get`; commit it with the configuration.

"""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One repository and ref. `before` is the commit that was pinned, None for a new one.

    `outcome` is added, upgraded, fetched (as pinned, but it was not on this machine), kept, or removed.
    `newer` is the commit that a branch has moved on to, where the pin stays.
    """

    source: str
    commit: str
    hash: str
    outcome: str
    before: str | None = None
    newer: str | None = None


@dataclass(frozen=True, slots=True)
class FetchRun:
    """What `get` did. `lock` is the lock file's path, `written` whether it changed."""

    modules: tuple[Fetched, ...]
    lock: Path
    written: bool
    warnings: tuple[Diagnostic, ...]


def get(inputs: Inputs, *, upgrade: bool = False) -> FetchRun:
    """Fetch what is missing and pin what is new; with `upgrade` follow refs that moved.

    Without it a tag that is no longer at its commit is an error, and a branch stays at its pin. The lock file is
    written last, when everything is here. Raises DiagnosticError.
    """
    root = inputs.root.absolute()
    text, pins = _lock(root)
    done: dict[str, Locked] = {}
    fetched: list[Fetched] = []
    warnings: list[Diagnostic] = []
    while True:
        found = discover(root, done)
        if any(diagnostic.is_error for diagnostic in found.diagnostics):
            raise ConfigurationError(found.diagnostics, found.sources)
        missing = [wanted for key, wanted in found.wanted.items() if key not in done]
        if not missing:
            break
        _make_folder(root)
        for wanted in missing:
            try:
                one, said = _one(root, wanted, pins.get(wanted.source.key), inputs.environ, upgrade)
            except DiagnosticError as error:
                raise ConfigurationError(error.diagnostics, found.sources) from error
            except OSError as error:
                raise _unwritable(error.filename or root / MODULE_FOLDER, error) from error
            done[one.source] = Locked(one.commit, one.hash)
            fetched.append(one)
            warnings += said
    gone = [key for key in pins if key not in done]
    fetched += [Fetched(key, pins[key].commit, pins[key].hash, "removed", pins[key].commit) for key in gone]
    after = _edited(text, pins, done, root)
    if after != text:
        _write(root / LOCK_FILE, after)
    return FetchRun(tuple(fetched), root / LOCK_FILE, after != text, tuple(warnings))


def _one(
    root: Path, wanted: Wanted, pin: Locked | None, environ: Mapping[str, str], upgrade: bool
) -> tuple[Fetched, list[Diagnostic]]:
    """Bring one repository to the commit it is to have."""
    source, key = wanted.source, wanted.source.key
    with tempfile.TemporaryDirectory(prefix=".get-", dir=root / MODULE_FOLDER) as scratch:
        remote = Remote(source, Path(scratch) / "git", environ)
        try:
            kept = pin is not None and _is_here(folder_of(root, key, pin.commit), pin)
            now = remote.resolve()
            target, newer = _target(wanted, pin, now, upgrade)
            if pin is not None and target == pin.commit and kept:
                return Fetched(key, pin.commit, pin.hash, "kept", pin.commit, newer), []
            hash_, left_out = _take(root, remote, wanted, target, now, Path(scratch), pin)
        except RemoteError as error:
            raise _failed(wanted, pin, error) from error
    outcome = "added" if pin is None else "fetched" if target == pin.commit else "upgraded"
    warnings = [] if not left_out else [_left_out(wanted, left_out)]
    if outcome == "upgraded" and now.kind == "tag" and pin is not None:
        warnings.append(_moved(wanted, pin, now, Severity.WARNING))
    return Fetched(key, target, hash_, outcome, pin.commit if pin else None, newer), warnings


def _target(wanted: Wanted, pin: Locked | None, now: Resolved, upgrade: bool) -> tuple[str, str | None]:
    """The commit to have, and the one that the ref has moved on to where that is another."""
    if pin is None or upgrade or now.kind == "commit" or now.commit == pin.commit:
        return now.commit, None
    if now.kind == "branch":
        return pin.commit, now.commit
    raise DiagnosticError([_moved(wanted, pin, now, Severity.ERROR)])


def _take(
    root: Path, remote: Remote, wanted: Wanted, commit: str, now: Resolved, scratch: Path, pin: Locked | None
) -> tuple[str, tuple[str, ...]]:
    """Fetch a commit and put its files into their place; their hash, and what was left out."""
    remote.fetch(commit, now.name)
    made = scratch / "module"
    raw = remote.commit(commit)
    left_out = remote.write_tree(commit, made / TREE)
    (made / COMMIT_FILE).write_bytes(raw)
    try:
        hash_ = tree_hash(made / TREE)
        check(made, Locked(commit, hash_))
    except TreeError as error:
        raise RemoteError(str(error), "Try again.") from error
    if not (made / TREE / wanted.source.subdir).is_dir():
        raise RemoteError(f'it has no folder "{wanted.source.subdir}" at {commit[:12]}', "Correct what follows //.")
    if pin is not None and commit == pin.commit and hash_ != pin.hash:
        detail = (
            f"{LOCK_FILE} pins {pin.hash[:19]}… for commit {commit[:12]}, and the commit's files have {hash_[:19]}…. A "
            "commit never changes, so the lock file is wrong: find out who changed it, then delete the block and run "
            "this again."
        )
        raise DiagnosticError.of("E-LOCK", f"{wanted.source.key} is not what was pinned", detail, pin.range)
    place = folder_of(root, wanted.source.key, commit)
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    made.rename(place)
    return hash_, left_out


def _is_here(place: Path, pin: Locked) -> bool:
    try:
        check(place, pin)
    except (OSError, TreeError):
        return False
    return True


def _failed(wanted: Wanted, pin: Locked | None, error: RemoteError) -> DiagnosticError:
    fix = error.fix
    if not fix:
        fix = "Somebody removed it there. Find out why; `provisioner get -upgrade` takes what the ref is now."
        if pin is None:
            fix = "Correct ref."
    return DiagnosticError.of(
        "E-FETCH", f"Cannot fetch {wanted.source.key}", f"{_sentence(str(error))} {fix}", wanted.range
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _moved(wanted: Wanted, pin: Locked, now: Resolved, severity: Severity) -> Diagnostic:
    if severity is Severity.ERROR:
        code, way_out = (
            "E-REF-MOVED",
            (
                "A tag that moves is how a module is replaced behind its users' backs. Ask who maintains it, read the "
                "difference; `provisioner get -upgrade` then accepts it. Nothing was changed."
            ),
        )
    else:
        code, way_out = "W-REF-MOVED", "Read the difference before you commit the lock file."
    what = f"the {now.kind} {wanted.source.ref}" if now.kind == "tag" else f"the ref {wanted.source.ref or 'HEAD'}"
    detail = f"{wanted.source.key} was at {pin.commit} when it was pinned, and is at {now.commit} now. {way_out}"
    return Diagnostic(code, f"{what[:1].upper()}{what[1:]} has moved", detail, severity, wanted.range)


def _left_out(wanted: Wanted, paths: tuple[str, ...]) -> Diagnostic:
    shown = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    detail = (
        f"Symbolic links and submodules are not taken from a repository: {shown}. If the module needs one of them, "
        "have its maintainers put a file in its place."
    )
    return Diagnostic(
        "W-MODULE-LINKS", f"Parts of {wanted.source.key} were left out", detail, Severity.WARNING, wanted.range
    )


def _lock(root: Path) -> tuple[str, dict[str, Locked]]:
    """Text and pins of the lock file; nothing where there is none. Raises ConfigurationError."""
    if not os.path.lexists(root / LOCK_FILE):
        return "", {}
    report = Report()
    files = Files(root, report)
    source = files.source(root / LOCK_FILE, within=root)
    pins = {} if source is None else read_lock(source, report)
    if source is None or report.errors:
        raise ConfigurationError(report.ordered(), files.sources)
    return source.text, pins


def _edited(text: str, pins: Mapping[str, Locked], done: Mapping[str, Locked], root: Path) -> str:
    """The lock file with everything that is used, and nothing else; comments stay."""
    if not done and not text:
        return text
    new = {key: locked for key, locked in sorted(done.items()) if key not in pins}
    blocks = [
        NewBlock("module", (key,), (NewAttribute("commit", one.commit), NewAttribute("hash", one.hash)))
        for key, one in new.items()
    ]
    if not text:
        return _HEADER + write_items(blocks)
    editor = Editor(Source(LOCK_FILE, text))
    for block in editor.body.blocks:
        key = block.labels[0].value
        wanted = done.get(key)
        if wanted is None:
            editor.remove_block(block)
        elif (wanted.commit, wanted.hash) != (pins[key].commit, pins[key].hash):
            editor.set_attribute(block.body, "commit", wanted.commit)
            editor.set_attribute(block.body, "hash", wanted.hash)
    for new_block in blocks:
        editor.append_block(None, new_block)
    return editor.text()


def _make_folder(root: Path) -> None:
    """The folder of modules, which no version control takes in. Raises DiagnosticError."""
    folder = root / MODULE_FOLDER
    try:
        if folder.is_symlink():
            raise DiagnosticError.of(
                "E-FETCH", f"{folder} is a symbolic link", "Modules would be written elsewhere. Remove the link."
            )
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(path: Path, text: str) -> None:
    """Replace the lock file whole or not at all. Raises DiagnosticError."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".lock-", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: object, error: OSError) -> DiagnosticError:
    detail = "Check the folder, its permissions, and that the disk is not full. The lock file was not changed."
    return DiagnosticError.of("E-FETCH", f"Cannot write {path}: {error.strerror}", detail)
