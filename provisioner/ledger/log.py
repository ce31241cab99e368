"""The log: a chain of entries over a store, read and checked whole, appended to one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..canonical import digest_bytes
from . import packs
from .cache import Cache, Record
from .entries import (
    ENTRY_DOMAIN,
    Entry,
    EntryError,
    History,
    Kind,
    decode,
    decode_again,
    encode,
    entry_index,
    entry_name,
)
from .errors import LedgerError
from .store import Listed, Store, Stored

_WAY_OUT = (
    "Nothing is applied on a record that cannot be believed. Compare the ledger with a copy (a colleague's, the"
    " bucket's older versions), put the true entries back, and find out who changed them."
)


@dataclass(frozen=True, slots=True)
class Witness:
    """What somebody remembers of a ledger: the digest of the entry at an index. `index` 0 stands for an empty one."""

    index: int
    digest: str


class Ledger:
    """A workspace's ledger. `history` holds what has been read and verified so far; `refresh` reads on."""

    def __init__(self, store: Store, workspace: str, packed: bool = True) -> None:
        """Empty-handed: use `open`."""
        self.store = store
        self.workspace = workspace
        self.history = History()
        self._packed = packed

    @classmethod
    def open(cls, store: Store, workspace: str, cache: Cache | None = None, packed: bool = True) -> Ledger:
        """Read and verify everything. Raises LedgerError naming the first entry that is wrong, and why.

        What `cache` holds was verified before on this machine and is not fetched again; the store must still show
        its newest entry. With `packed` many entries may come out of one object (see `packs`); without, each is read.
        """
        records = cache.load() if cache is not None else ()
        if cache is None or not records:
            return cls._from_store(store, workspace, cache, packed)
        from concurrent.futures import ThreadPoolExecutor

        known = len(records)
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(store.listing, entry_name(known - 1) if known > 1 else "")
            ledger = cls(store, workspace, packed)
            if not ledger._recall(records):
                coming.cancel()
                cache.drop()
                return cls._from_store(store, workspace, cache, packed)
            listed = coming.result()
        ledger._same_head(records[-1], listed)
        ledger._take(listed[1:], cache)
        return ledger

    @classmethod
    def _from_store(cls, store: Store, workspace: str, cache: Cache | None, packed: bool) -> Ledger:
        ledger = cls(store, workspace, packed)
        ledger._take(store.listing(), cache)
        return ledger

    def _recall(self, records: Sequence[Record]) -> bool:
        """Take in what was verified before; False for a cache that is damaged, which then is nothing."""
        for index, record in enumerate(records, start=1):
            try:
                self.history.add(decode_again(record.data, index, self._previous(index), self.workspace, record.time))
            except EntryError:
                return False
        return True

    def _same_head(self, record: Record, listed: Sequence[Listed]) -> None:
        """The newest entry that this machine has verified must still be what the store shows. Raises LedgerError."""
        index = len(self.history)
        if listed and listed[0] == Listed(entry_name(index), record.tag):
            return
        stored = self.store.get(entry_name(index)) if listed and listed[0].name == entry_name(index) else None
        if stored is None or stored.data != record.data:
            raise rolled_back(self, Witness(index, self.history[-1].digest), "this machine has verified")

    def _take(self, listed: Sequence[Listed], cache: Cache | None) -> None:
        """Fetch, verify and keep what a listing shows beyond the history."""
        listed, found_packs = packs.split(listed)
        start = len(self.history) + 1
        self._gapless(listed, start)
        wanted = packs.sources(listed, found_packs) if self._packed else listed
        fresh: list[Record] = []
        held: list[tuple[Listed, packs.Packed]] = []
        for found, stored in zip(wanted, self.store.fetch([found.name for found in wanted]), strict=True):
            last = packs.pack_last(found.name)
            if last is None:
                fresh += self._one(found, stored, held)
                continue
            block = listed[last - packs.SIZE + 1 - start : last + 1 - start]
            previous = held[-1][1].entry.digest if held else self._previous(len(self.history) + 1)
            made = packs.unpack(stored.data, last, previous, self.workspace, block) if stored is not None else None
            if made is not None:
                held += zip(block, made, strict=True)
            else:
                fresh += self._one_by_one(block, held)
        if cache is not None and fresh:
            cache.add(start, fresh)

    def _one_by_one(self, listed: Sequence[Listed], held: list[tuple[Listed, packs.Packed]]) -> list[Record]:
        """Entries that are fetched themselves; the first holds, or does not, what came out of packs before it."""
        stream = zip(listed, self.store.fetch([found.name for found in listed]), strict=True)
        return [record for found, stored in stream for record in self._one(found, stored, held)]

    def _one(self, found: Listed, stored: Stored | None, held: list[tuple[Listed, packs.Packed]]) -> list[Record]:
        """Take in an entry that was fetched, and before it what packs gave, where the entry follows from that.

        Where it does not, a pack is wrong: its entries are fetched themselves.
        """
        index, fresh = len(self.history) + 1 + len(held), []
        if stored is None:
            raise self._broken(index, "it went away while it was read")
        if held:
            waiting = list(held)
            held.clear()
            if _follows(stored, index, waiting[-1][1].entry, self.workspace):
                for listed, packed in waiting:
                    self.history.add(packed.entry)
                    fresh.append(Record(listed.tag, packed.entry.stored_at, packed.data))
            else:
                fresh += self._one_by_one([listed for listed, _ in waiting], held)
        self._believe(index, stored)
        return [*fresh, Record(found.tag, stored.time, stored.data)]

    def _gapless(self, listed: Sequence[Listed], start: int) -> None:
        for at, found in enumerate(listed, start=start):
            index = entry_index(found.name)
            if index is None:
                raise LedgerError.because(
                    "E-LEDGER-FOREIGN",
                    f"{found.name!r} in the ledger at {self.store.location} is not an entry",
                    "A ledger holds nothing but its entries. Find out who put it there, then take it away.",
                )
            if index != at:
                raise self._broken(at, "it is missing, though later ones are there")

    @property
    def head(self) -> Witness:
        """The newest entry read so far."""
        if not self.history:
            return Witness(0, "")
        last = self.history[-1]
        return Witness(last.index, last.digest)

    def contains(self, witness: Witness) -> bool:
        """Whether what somebody remembers is part of this ledger. False means rolled back or rewritten."""
        if witness.index <= 0:
            return witness == Witness(0, "")
        return witness.index <= len(self.history) and self.history[witness.index - 1].digest == witness.digest

    def refresh(self) -> None:
        """Read what others have appended since."""
        while self._read(len(self.history) + 1):
            pass

    def append(self, kind: Kind, body: Mapping[str, Any], *, check: Callable[[Ledger], None] | None = None) -> Entry:
        """Append one entry, whatever others append meanwhile.

        `check` sees the ledger as it is just before the entry and raises to refuse; it runs again whenever somebody
        else was faster, so that it holds for the place where the entry ends up. Raises LedgerError.
        """
        while True:
            if check is not None:
                check(self)
            index = len(self.history) + 1
            try:
                data = encode(index, self.head.digest, kind, self.workspace, self.store.now(), body)
            except EntryError as error:
                raise LedgerError.because(
                    "E-LEDGER-ENTRY",
                    f"Cannot record this {kind}: {error}",
                    "Nothing was written. This is a defect of the program: please report it.",
                ) from error
            if self.store.put_if_absent(entry_name(index), data):
                return self._own(index, data)
            if not self._read(index):
                raise self._broken(index, "the store says that it is there, but does not show it")
            self.refresh()

    def _own(self, index: int, data: bytes) -> Entry:
        """Read back what was just written: a store that alters or loses entries is found out at once."""
        if not self._read(index):
            raise self._broken(index, "the store took it, but does not show it")
        entry = self.history[-1]
        if entry.digest != digest_bytes(ENTRY_DOMAIN, data):
            raise self._broken(index, "the store took one entry and shows another")
        return entry

    def _previous(self, index: int) -> str:
        return self.history[index - 2].digest if index > 1 else ""

    def _read(self, index: int) -> bool:
        """Verify the entry at `index`, which must be the next, and take it in; False when there is none."""
        stored = self.store.get(entry_name(index))
        if stored is None:
            return False
        self._believe(index, stored)
        return True

    def _believe(self, index: int, stored: Stored) -> None:
        try:
            entry = decode(stored.data, index, self._previous(index), self.workspace, stored.time)
        except EntryError as error:
            raise self._broken(index, str(error)) from error
        self.history.add(entry)

    def _broken(self, index: int, why: str) -> LedgerError:
        return LedgerError.because(
            "E-LEDGER-BROKEN",
            f"Entry {entry_name(index)} of the ledger at {self.store.location} cannot be believed",
            f"{why[:1].upper()}{why[1:]}. {_WAY_OUT}",
        )


def _follows(stored: Stored, index: int, previous: Entry, workspace: str) -> bool:
    try:
        decode(stored.data, index, previous.digest, workspace, stored.time)
    except EntryError:
        return False
    return True


def rolled_back(ledger: Ledger, witness: Witness, who: str) -> LedgerError:
    """The error for a ledger that no longer holds what `who` (a sentence part, "… has seen") remembers of it."""
    return LedgerError.because(
        "E-ROLLBACK",
        f"The ledger at {ledger.store.location} is not the one that {who}: entry {witness.index} is gone or another",
        f"Entries were removed or rewritten since (remembered: {witness.digest[:23]}…). {_WAY_OUT}",
    )
