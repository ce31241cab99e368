"""The log: a chain of entries over a store, read and checked whole, appended to one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..canonical import digest_bytes
from .entries import ENTRY_DOMAIN, Entry, EntryError, History, Kind, decode, encode, entry_index, entry_name
from .errors import LedgerError
from .store import Store

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

    def __init__(self, store: Store, workspace: str) -> None:
        """Empty-handed: use `open`."""
        self.store = store
        self.workspace = workspace
        self.history = History()

    @classmethod
    def open(cls, store: Store, workspace: str) -> Ledger:
        """Read and verify everything. Raises LedgerError naming the first entry that is wrong, and why."""
        ledger = cls(store, workspace)
        names = store.names()
        for at, name in enumerate(names, start=1):
            index = entry_index(name)
            if index is None:
                raise LedgerError.because(
                    "E-LEDGER-FOREIGN",
                    f"{name!r} in the ledger at {store.location} is not an entry",
                    "A ledger holds nothing but its entries. Find out who put it there, then take it away.",
                )
            if index != at:
                raise ledger._broken(at, "it is missing, though later ones are there")
        for index in range(1, len(names) + 1):
            if not ledger._read(index):
                raise ledger._broken(index, "it went away while it was read")
        return ledger

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
        try:
            entry = decode(stored.data, index, self._previous(index), self.workspace, stored.time)
        except EntryError as error:
            raise self._broken(index, str(error)) from error
        self.history.add(entry)
        return True

    def _broken(self, index: int, why: str) -> LedgerError:
        return LedgerError.because(
            "E-LEDGER-BROKEN",
            f"Entry {entry_name(index)} of the ledger at {self.store.location} cannot be believed",
            f"{why[:1].upper()}{why[1:]}. {_WAY_OUT}",
        )
