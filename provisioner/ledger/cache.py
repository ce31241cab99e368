"""Entries that this machine has verified, kept in the user's cache folder so that they are not fetched again.

One line an entry: the listing's tag, the store's time, the SHA-256 of the line's entry, the entry's bytes (canonical
JSON holds no line break). The chain is checked again whenever it is read; only that the bytes are canonical is taken
from before. Whoever can write here can write the runner's own file too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_MICROSECOND = 10**6


@dataclass(frozen=True, slots=True)
class Record:
    """One verified entry: the tag of the listing, the store's time, the exact bytes."""

    tag: str
    time: datetime
    data: bytes


class Cache:
    """One file for one ledger. What cannot be read or written costs time, and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def load(self) -> tuple[Record, ...]:
        """The entries from the first on, without gap; what follows a damaged line is left out."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except OSError:
            return ()
        records: list[Record] = []
        for line in lines[:-1]:
            record = _parse(line, len(records) + 1)
            if record is None:
                break
            records.append(record)
        if len(records) != len(lines) - 1 or lines[-1]:
            self._rewrite(records)
        self._count = len(records)
        return tuple(records)

    def add(self, start: int, records: Sequence[Record]) -> None:
        """Append verified entries; `start` is the index of the first."""
        if start != self._count + 1:
            return
        lines = b"".join(_line(index, record) for index, record in enumerate(records, start=start))
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                # Two processes that add the same leave a repeated line; `load` then cuts the file there.
                os.write(handle, lines)
            finally:
                os.close(handle)
            self._count += len(records)

    def drop(self) -> None:
        """Forget everything."""
        self._count = 0
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _rewrite(self, records: Sequence[Record]) -> None:
        self.drop()
        self.add(1, records)


def _line(index: int, record: Record) -> bytes:
    micros = int(record.time.timestamp() * _MICROSECOND)
    head = f"{index}\t{record.tag.replace(chr(9), ' ')}\t{micros}\t"
    digest = hashlib.sha256(head.encode() + record.data).hexdigest()
    return f"{digest}\t{head}".encode() + record.data + b"\n"


def _parse(line: bytes, index: int) -> Record | None:
    parts = line.split(b"\t", 4)
    if len(parts) != 5:
        return None
    digest, number, tag, micros, data = parts
    rest = line[len(digest) + 1 :]
    if hashlib.sha256(rest).hexdigest().encode() != digest or number != b"%d" % index:
        return None
    return Record(tag.decode(), datetime.fromtimestamp(int(micros) / _MICROSECOND, UTC), data)
