"""Packs: a thousand entries of an object store's ledger in one object, so that opening it takes tens of requests.

A pack is a cache that anybody may write and nobody believes. Its entries count only as far as the hash chain leads to
them from an entry that was fetched itself, and their times are those that the store's listing gives the entries, so a
pack can be wrong, but it cannot lie. What does not fit is fetched entry by entry. `audit` reads no packs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .entries import Entry, EntryError, History, decode, encode, entry_index, entry_name
from .errors import LedgerError
from .store import Listed, Store

SIZE = 1000
"""Entries in a pack. Only whole ones are written, so a pack never changes."""

MOST_BYTES = 32 << 20
"""A block of entries that takes more stays without a pack."""

_NAME = re.compile(r"pack-([0-9]{8})\.jsonl")
_PREFIX = "pack-"


@dataclass(frozen=True, slots=True)
class Packed:
    """An entry out of a pack, and the bytes it came from. Nothing is believed yet but that the chain fits."""

    entry: Entry
    data: bytes


def pack_name(last: int) -> str:
    """The object's name of the pack whose last entry has index `last`, a multiple of SIZE."""
    return f"{_PREFIX}{last:08d}.jsonl"


def pack_last(name: str) -> int | None:
    """The index of a pack's last entry by its name; None for a name that is no pack's."""
    match = _NAME.fullmatch(name)
    last = int(match.group(1)) if match else 0
    return last if last and last % SIZE == 0 else None


def split(listed: Sequence[Listed]) -> tuple[list[Listed], frozenset[int]]:
    """The listing without packs, and the indexes of the last entries of the packs in it."""
    packs = {last for found in listed if (last := pack_last(found.name)) is not None}
    return [found for found in listed if pack_last(found.name) is None], frozenset(packs)


def sources(listed: Sequence[Listed], packs: frozenset[int]) -> list[Listed]:
    """What to fetch, in order, to read `listed`, entries without gap: packs where they serve, else the entries.

    A pack serves where all of its entries are wanted and dated, and one more follows that holds them fast.
    """
    first = entry_index(listed[0].name) if listed else None
    if first is None:
        return list(listed)
    newest, at, out = first + len(listed) - 1, 0, []
    while at < len(listed):
        last = first + at + SIZE - 1
        block = listed[at : at + SIZE]
        if last in packs and last < newest and all(found.time is not None for found in block):
            out.append(Listed(pack_name(last)))
            at += SIZE
        else:
            out.append(listed[at])
            at += 1
    return out


def unpack(data: bytes, last: int, previous: str, workspace: str, listed: Sequence[Listed]) -> list[Packed] | None:
    """The entries of a pack, each following from the one before it and the first from `previous`, with the times that
    the listing gives them; None for a pack that is not what it should be."""
    lines = data.split(b"\n")
    if len(lines) != SIZE or len(listed) != SIZE or len(data) > MOST_BYTES:
        return None
    out: list[Packed] = []
    for index, (line, found) in enumerate(zip(lines, listed, strict=True), start=last - SIZE + 1):
        try:
            entry = decode(line, index, previous, workspace, found.time) if found.time is not None else None
        except EntryError:
            return None
        if entry is None:
            return None
        out.append(Packed(entry, line))
        previous = entry.digest
    return out


def write(store: Store, workspace: str, history: History, size: int) -> int:
    """Write the packs that are missing for the first `size` entries; how many. Raises LedgerError.

    Nothing depends on them: whoever is faster has written the same bytes, or bytes that do not count.
    """
    if size < SIZE:
        return 0
    there = {pack_last(found.name) for found in store.listing(_PREFIX)}
    written = 0
    for last in range(SIZE, size + 1, SIZE):
        if last in there:
            continue
        data = _bytes(history, workspace, last)
        if len(data) <= MOST_BYTES and store.put_if_absent(pack_name(last), data):
            written += 1
    return written


def _bytes(history: History, workspace: str, last: int) -> bytes:
    lines = []
    for entry in history[last - SIZE : last]:
        previous = history[entry.index - 2].digest if entry.index > 1 else ""
        lines.append(encode(entry.index, previous, entry.kind, workspace, entry.time, entry.body))
    data = b"\n".join(lines)
    dated = [Listed(entry_name(entry.index), time=entry.stored_at) for entry in history[last - SIZE : last]]
    before = history[last - SIZE - 1].digest if last > SIZE else ""
    made = unpack(data, last, before, workspace, dated)
    if made is None or made[-1].entry.digest != history[last - 1].digest:
        raise LedgerError.because(
            "E-LEDGER-PACK",
            f"The pack of entries {last - SIZE + 1} to {last} would not hold what they hold",
            "Nothing was written, and nothing depends on it. This is a defect of the program: please report it.",
        )
    return data
