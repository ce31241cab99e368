"""Records out of log files: JSON lines, JSON arrays, `{"Records": […]}`, each plain or gzip, in files and folders.

One record is in memory at a time, whatever the size of a file. Nothing in a file is fatal: what cannot be read is
counted and told with its place, and reading goes on behind it.
"""

from __future__ import annotations

import codecs
import gzip
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..model.diagnostics import DiagnosticError

CODE: Final = "E-USAGE-LOGS"
MAX_RECORD: Final = 16_000_000
"""Characters of one record. CloudTrail's own limit is 256 KB, Cloud Logging's the same."""
_CHUNK: Final = 1 << 18
_TOLD: Final = 20
_MAGIC: Final = b"\x1f\x8b"
_NEAR_END: Final = 16
"""A token that a buffer's end cuts (`true`, `\\u00e9`) is shorter."""

_BETWEEN = re.compile("[\\s,\\]}\ufeff]+")
_TOKEN = re.compile(r'"(?:nextPageToken|NextToken)"\s*:\s*(?:"[^"\\]*"|null)')
_OPENING = re.compile(r'\[|\{\s*"(?:Records|entries)"\s*:\s*\[')
_RESUME = re.compile(r'\n[ \t]*\{|\{"eventVersion"|\{"insertId"|\{"protoPayload"')
_WRAPPERS: Final = ("Records", "Events", "entries")
_EMBEDDED: Final = "CloudTrailEvent"

Record = Mapping[str, Any]


@dataclass(slots=True)
class Tally:
    """What was read and what could not be. `damages` names the first places, `broken` counts all."""

    files: int = 0
    records: int = 0
    broken: int = 0
    damages: list[str] = field(default_factory=list)

    def damage(self, place: str, said: str) -> None:
        self.broken += 1
        if len(self.damages) < _TOLD:
            self.damages.append(f"{place}: {said}")


def log_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files that the paths mean, folders walked in order of names; dot files are left out.

    Raises DiagnosticError for a path that is not there: a misspelt folder must not read as «nothing was used».
    """
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise DiagnosticError.of(
                CODE, f"{path} cannot be read: {error.strerror}", "Name a file of audit logs, or a folder of them."
            ) from error
        if not stat.S_ISDIR(mode):
            yield path
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(folder) / name for name in sorted(files) if not name.startswith("."))


def records(paths: Sequence[Path], tally: Tally) -> Iterator[Record]:
    """Every record of every file. Raises DiagnosticError only for a path that is not there."""
    for path in log_files(paths):
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                tally.damage(str(path), "is no regular file")
                continue
            with path.open("rb") as stream:
                tally.files += 1
                yield from _of_file(stream, str(path), tally)
        except OSError as error:
            tally.damage(str(path), f"cannot be read: {error.strerror or error}")


def _of_file(stream: BinaryIO, name: str, tally: Tally) -> Iterator[Record]:
    packed = stream.read(len(_MAGIC)) == _MAGIC
    stream.seek(0)
    source: Any = gzip.GzipFile(fileobj=stream) if packed else stream
    splitter = _Splitter(_chunks(source, name, tally), name, tally)
    for found in splitter.objects():
        yield from _unwrapped(found, name, tally)


def _chunks(source: Any, name: str, tally: Tally) -> Iterator[str]:
    """Text; a file that breaks off gives what was before, and is told."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        try:
            data = source.read(_CHUNK)
        except (EOFError, zlib.error, OSError) as error:
            tally.damage(name, f"breaks off: {error}; what stands before was read")
            return
        if not data:
            return
        yield decoder.decode(data)


def _unwrapped(found: Any, name: str, tally: Tally) -> Iterator[Record]:
    """The records of an object: itself, those of a list in it (the answer of `lookup-events`), or none."""
    if not isinstance(found, dict):
        tally.damage(name, f"holds a {type(found).__name__} where a record should be")
        return
    inner = next((found[key] for key in _WRAPPERS if isinstance(found.get(key), list) and len(found) <= 3), None)
    if inner is not None:
        for item in inner:
            yield from _unwrapped(item, name, tally)
        return
    embedded = found.get(_EMBEDDED)
    if isinstance(embedded, str):
        try:
            found = json.loads(embedded)
        except (ValueError, RecursionError):
            tally.damage(name, f"holds a {_EMBEDDED} that is not JSON")
            return
        if not isinstance(found, dict):
            tally.damage(name, f"holds a {_EMBEDDED} that is no object")
            return
    tally.records += 1
    yield found


class _Splitter:
    """Cuts text into JSON objects, at the top or inside one list, with a buffer no longer than one record."""

    def __init__(self, chunks: Iterator[str], name: str, tally: Tally) -> None:
        self._chunks, self._name, self._tally = chunks, name, tally
        self._text, self._at, self._ended = "", 0, False
        self._line, self._open = 1, False
        self._decoder = json.JSONDecoder()

    def objects(self) -> Iterator[Any]:
        while self._beyond():
            if self._opening() or self._token():
                continue
            if self._text[self._at] != "{":
                self._broken("is not JSON")
                continue
            yield from self._object()
        if self._open:
            self._tally.damage(self._name, "ends inside its list: the rest is missing")

    def _more(self) -> bool:
        """Read on; what is behind is dropped."""
        if self._ended:
            return False
        chunk = next(self._chunks, None)
        if chunk is None:
            self._ended = True
            return False
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :] + chunk, 0
        return True

    def _beyond(self) -> bool:
        """To the next character that means something; False at the end."""
        while True:
            found = _BETWEEN.match(self._text, self._at)
            if found is not None:
                self._open = self._open and "]" not in found.group()
                self._at = found.end()
            if self._at < len(self._text):
                return True
            if not self._more():
                return False

    def _opening(self) -> bool:
        """Step into a list of records."""
        while len(self._text) - self._at < 64 and self._more():
            pass
        found = _OPENING.match(self._text, self._at)
        if found is None:
            return False
        self._at, self._open = found.end(), True
        return True

    def _token(self) -> bool:
        """Step over what a page of an API's answer has behind its list."""
        found = _TOKEN.match(self._text, self._at) if not self._open else None
        if found is None:
            return False
        self._at = found.end()
        return True

    def _object(self) -> Iterator[Any]:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _NEAR_END
                length = len(self._text) - self._at
                if cut and length < MAX_RECORD and self._grown(2 * length):
                    continue
                over = length >= MAX_RECORD
                said = f"a record is longer than {MAX_RECORD:,} characters" if over else f"half a record: {error.msg}"
                self._broken(said)
                return
            except (ValueError, RecursionError):
                self._broken("a record with a number or a nesting that nobody reads")
                return
            self._at = end
            yield value
            return

    def _grown(self, size: int) -> bool:
        """Read on until so much is there; False where nothing came."""
        came = False
        while len(self._text) - self._at < size and self._more():
            came = True
        return came

    def _broken(self, said: str) -> None:
        """Tell the place, and go to where a record may begin again."""
        line = self._line + self._text.count("\n", 0, self._at)
        self._tally.damage(f"{self._name}:{line}", said)
        self._at += 1
        while True:
            found = _RESUME.search(self._text, self._at)
            if found is not None:
                self._at = found.end() - 1 if found.group().startswith("\n") else found.start()
                return
            self._at = max(self._at, len(self._text) - 64)
            if not self._more():
                self._at = len(self._text)
                return
