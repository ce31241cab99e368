"""The one primitive under the ledger: put-if-absent of immutable, named bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes and when the store took them, by the store's own clock (aware, UTC)."""

    data: bytes
    time: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it. `tag` changes whenever the object is another; "" where a store cannot say.

    `time` is when the store took it (aware, UTC, whole seconds); None where the listing does not tell.
    """

    name: str
    tag: str = ""
    time: datetime | None = field(default=None, compare=False)


class Store(Protocol):
    """Where entries are kept. Every method raises LedgerError for what the store cannot do."""

    @property
    def location(self) -> str:
        """Where this is, for messages and for the pin: an absolute path or a URL."""

    def put_if_absent(self, name: str, data: bytes) -> bool:
        """Write an object that must not exist yet; False when it does. Atomic among all writers, durable on return.

        A store that repeats a request must find out whether the object it meets is its own before it says False.
        """

    def get(self, name: str) -> Stored | None:
        """One object; None when there is none."""

    def fetch(self, names: Sequence[str]) -> Iterable[Stored | None]:
        """Several objects in the order asked for; None for one that is not there."""

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        """Every object whose name sorts after `after`, sorted by name. Where the store keeps versions: raises
        LedgerError for an object that has more than one, or a delete marker."""

    def names(self) -> tuple[str, ...]:
        """Every object's name, sorted. What an interrupted write left behind is not an object."""

    def now(self) -> datetime:
        """The store's clock (aware, UTC): leases and times to live are measured with it."""
