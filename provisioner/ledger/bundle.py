"""A ledger as a folder or one zip file, for who verifies it offline: its entries byte for byte, and a manifest.

The chain, the roots and the signatures speak for themselves. The store's times are what the exporter saw.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..canonical import CanonicalError, dumps, loads
from .entries import Entry, EntryError, encode, entry_name, format_time, parse_time
from .errors import LedgerError
from .log import Ledger
from .merkle import tree_text
from .store import Listed, Stored

FORMAT = "provisioner-ledger-bundle/1"
MANIFEST = "manifest.json"
_ENTRIES = "entries/"
_FIELDS = frozenset({"format", "workspace", "ledger", "pin", "exported", "size", "head", "tree", "times"})
_MAX_BYTES = 1 << 30
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bundle:
    """An exported ledger. `location` is where it was, `store` serves its entries and takes none."""

    workspace: str
    location: str
    size: int
    head: str
    tree: str
    store: BundleStore


class BundleStore:
    """The entries of a bundle, read only."""

    def __init__(self, objects: Mapping[str, Stored], location: str, exported: datetime) -> None:
        self._objects = objects
        self._location = location
        self._exported = exported

    @property
    def location(self) -> str:
        return self._location

    def put_if_absent(self, name: str, data: bytes) -> bool:
        raise LedgerError.because(
            "E-BUNDLE", f"Cannot write {name} into an exported ledger", "Work on the ledger itself."
        )

    def get(self, name: str) -> Stored | None:
        return self._objects.get(name)

    def fetch(self, names: Sequence[str]) -> Iterable[Stored | None]:
        return map(self.get, names)

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        return tuple(Listed(name) for name in self.names() if name > after)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._objects))

    def now(self) -> datetime:
        return self._exported


def write(ledger: Ledger, location: str, pin: str, path: Path) -> None:
    """Export into a new folder, or a new file where the name ends in .zip. Raises LedgerError."""
    history = ledger.history
    if not history:
        raise _refused(path, "the ledger is empty")
    manifest = {
        "format": FORMAT,
        "workspace": ledger.workspace,
        "ledger": location,
        "pin": pin,
        "exported": format_time(datetime.now(UTC)),
        "size": len(history),
        "head": ledger.head.digest,
        "tree": tree_text(history, len(history)),
        "times": [format_time(entry.stored_at) for entry in history],
    }
    files = [(MANIFEST, dumps(manifest))]
    previous = ""
    for entry in history:
        files.append((f"{_ENTRIES}{entry_name(entry.index)}", _bytes(entry, previous, ledger.workspace)))
        previous = entry.digest
    try:
        _write_zip(path, files) if path.suffix == ".zip" else _write_folder(path, files)
    except FileExistsError as error:
        raise _refused(path, "it exists already") from error
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error


def read(path: Path) -> Bundle:
    """A bundle from its folder or file. Only form is checked here; `Ledger.open` on its store checks the rest."""
    try:
        files = _read_zip(path) if path.is_file() else _read_folder(path)
        value = loads(files.pop(MANIFEST))
        _check(value, files)
        times = [parse_time(text) for text in value["times"]]
        exported = parse_time(value["exported"])
    except KeyError as error:
        raise _refused(path, f"{error.args[0]} is missing", "read") from error
    except (OSError, zipfile.BadZipFile, CanonicalError, EntryError, NotImplementedError, RuntimeError) as error:
        raise _refused(path, str(error), "read") from error
    objects = {
        name.removeprefix(_ENTRIES): Stored(files[name], time) for name, time in zip(sorted(files), times, strict=True)
    }
    store = BundleStore(objects, value["ledger"], exported)
    return Bundle(value["workspace"], value["ledger"], value["size"], value["head"], value["tree"], store)


def _check(value: Any, files: Mapping[str, bytes]) -> None:
    if not isinstance(value, dict) or set(value) != _FIELDS or value["format"] != FORMAT:
        raise EntryError("its manifest is not one that this version knows")
    texts = ("workspace", "ledger", "pin", "head", "tree")
    if not all(isinstance(value[name], str) for name in texts) or not isinstance(value["times"], list):
        raise EntryError("fields of its manifest are of the wrong type")
    if type(value["size"]) is not int or not value["size"] == len(value["times"]) == len(files):
        raise EntryError("it holds another number of entries than its manifest says")


def _bytes(entry: Entry, previous: str, workspace: str) -> bytes:
    """The entry's own bytes: canonical JSON has one form, so they can be made again."""
    return encode(entry.index, previous, entry.kind, workspace, entry.time, entry.body)


def _write_folder(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    path.mkdir(parents=True)
    (path / _ENTRIES).mkdir()
    for name, data in files:
        (path / name).write_bytes(data)


def _write_zip(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    with path.open("xb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)


def _read_folder(path: Path) -> dict[str, bytes]:
    files = {MANIFEST: (path / MANIFEST).read_bytes()}
    for file in sorted((path / _ENTRIES).iterdir()):
        files[f"{_ENTRIES}{file.name}"] = file.read_bytes()
    return files


def _read_zip(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > _MAX_BYTES:
            raise EntryError("it is larger than any ledger")
        names = [member.filename for member in members]
        if len(set(names)) != len(names) or any(
            name != MANIFEST and (not name.startswith(_ENTRIES) or "/" in name.removeprefix(_ENTRIES)) for name in names
        ):
            raise EntryError("it holds what is no part of a ledger")
        return {name: archive.read(name) for name in names}


def _refused(path: Path, why: str, verb: str = "written") -> LedgerError:
    way = "Name an export that `provisioner audit export` wrote." if verb == "read" else "Name what does not exist yet."
    return LedgerError.because("E-BUNDLE", f"{path} cannot be {verb} as an exported ledger", f"{why}. {way}")
