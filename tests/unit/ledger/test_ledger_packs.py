"""Packs make opening fast and are believed in nothing: whatever is wrong with one, the ledger is the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.canonical import digest_bytes, dumps
from provisioner.ledger import packs
from provisioner.ledger.cache import Cache
from provisioner.ledger.entries import ENTRY_DOMAIN, Kind, entry_name
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore
from provisioner.ledger.store import Listed, Stored

COUNT = 23


class Counting(MemoryStore):
    """A store whose listing dates objects, as object stores do, and that remembers what was asked of it."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.asked: list[str] = []

    def fetch(self, names: Sequence[str]) -> Iterable[Stored | None]:
        self.asked += names
        return super().fetch(names)

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        return tuple(
            Listed(name, "tag", found.time) for name in self.names() if name > after and (found := self.get(name))
        )

    def put(self, name: str, data: bytes) -> None:
        """What nobody may do: overwrite."""
        found = self._objects.get(name)
        self._objects[name] = Stored(data, found.time if found else self.now())


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "SIZE", 5)


@pytest.fixture
def store(clock: Any) -> Counting:
    made = Counting(clock)
    ledger = Ledger.open(made, "acme")
    for at in range(COUNT):
        clock.forward(1)
        ledger.append(Kind.INTENT, {"plan": "p", "operation": f"o{at}", "holder": "h"})
    assert packs.write(made, "acme", ledger.history, COUNT) == 4
    made.asked.clear()
    return made


def opened(store: Counting, **options: Any) -> list[Any]:
    return list(Ledger.open(store, "acme", **options).history)


def plain(store: Counting) -> list[Any]:
    return list(Ledger.open(store, "acme", packed=False).history)


def test_the_same_entries_with_the_same_times_from_few_requests(store: Counting) -> None:
    found = opened(store)
    assert store.asked == [*map(packs.pack_name, (5, 10, 15, 20)), *map(entry_name, (21, 22, 23))]
    assert found == plain(store)
    assert found[1].stored_at - found[0].stored_at == timedelta(seconds=1)


def test_packs_are_written_once_and_only_whole(store: Counting) -> None:
    ledger = Ledger.open(store, "acme")
    assert packs.write(store, "acme", ledger.history, COUNT) == 0
    for at in range(3):
        ledger.append(Kind.INTENT, {"plan": "p", "operation": f"x{at}", "holder": "h"})
    assert packs.write(store, "acme", ledger.history, 24) == 0
    assert packs.write(store, "acme", ledger.history, 26) == 1


def test_a_pack_at_the_very_end_is_not_used(clock: Any) -> None:
    """Nothing after it holds it fast."""
    store = Counting(clock)
    ledger = Ledger.open(store, "acme")
    for at in range(5):
        ledger.append(Kind.INTENT, {"plan": "p", "operation": f"o{at}", "holder": "h"})
    assert packs.write(store, "acme", ledger.history, 5) == 1
    assert opened(store) == list(ledger.history)
    assert packs.pack_name(5) not in store.asked


def lines(store: Counting, last: int) -> list[bytes]:
    found = store.get(packs.pack_name(last))
    assert found is not None
    return found.data.split(b"\n")


def rewritten(found: list[bytes], change: int) -> list[bytes]:
    """A block whose entry `change` says something else, chained anew so that it fits in itself."""
    out: list[bytes] = []
    for at, line in enumerate(found):
        value = json.loads(line)
        if at == change:
            value["body"]["operation"] = "forged"
        if at > change:
            value["previous"] = digest_bytes(ENTRY_DOMAIN, out[-1])
        out.append(dumps(value))
    return out


DAMAGE: dict[str, Any] = {
    "empty": lambda found: [b""],
    "one line short": lambda found: found[:-1],
    "one line more": lambda found: [*found, found[-1]],
    "noise": lambda found: [b"\x00" * 40] * 5,
    "two swapped": lambda found: [found[1], found[0], *found[2:]],
    "one changed": lambda found: [found[0].replace(b'"o', b'"q'), *found[1:]],
    "another's": lambda found: [line.replace(b'"acme"', b'"evil"') for line in found],
    "rewritten from its first": lambda found: rewritten(found, 0),
    "rewritten from its middle": lambda found: rewritten(found, 2),
    "its last rewritten": lambda found: rewritten(found, 4),
}


@pytest.mark.parametrize("last", [5, 15, 20])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_wrong_pack_changes_nothing(store: Counting, last: int, damage: str) -> None:
    truth = plain(store)
    store.put(packs.pack_name(last), b"\n".join(DAMAGE[damage](lines(store, last))))
    assert opened(store) == truth


def test_all_packs_rewritten_together_change_nothing(store: Counting) -> None:
    truth = plain(store)
    whole = rewritten([line for last in (5, 10, 15, 20) for line in lines(store, last)], 1)
    for at, last in enumerate((5, 10, 15, 20)):
        store.put(packs.pack_name(last), b"\n".join(whole[at * 5 : at * 5 + 5]))
    assert opened(store) == truth


def test_a_wrong_entry_is_found_when_its_pack_is_wrong_too(store: Counting) -> None:
    forged = rewritten(lines(store, 10), 2)
    store.put(packs.pack_name(10), b"\n".join(forged))
    store.put(entry_name(8), forged[2])
    with pytest.raises(LedgerError, match="00000009"):
        opened(store)


def test_an_audit_reads_the_entries_themselves(store: Counting) -> None:
    store.put(entry_name(8), rewritten(lines(store, 10), 2)[2])
    assert len(opened(store)) == COUNT, "the chain leads to the true entry, which the pack holds"
    with pytest.raises(LedgerError, match="00000009"):
        plain(store)


def test_a_missing_entry_is_missed_though_a_pack_holds_it(store: Counting) -> None:
    del store._objects[entry_name(8)]
    with pytest.raises(LedgerError, match="00000008"):
        opened(store)


def test_a_pack_that_goes_away_while_it_is_read(store: Counting) -> None:
    truth = plain(store)
    listing = store.listing()
    del store._objects[packs.pack_name(10)]
    store.listing = lambda after="": tuple(found for found in listing if found.name > after)  # type: ignore[method-assign]
    assert opened(store) == truth


def test_what_is_no_pack_is_foreign(store: Counting) -> None:
    store.put("pack-00000007.jsonl", b"")
    with pytest.raises(LedgerError, match="is not an entry"):
        opened(store)


def test_the_cache_holds_what_packs_gave_and_goes_on_from_the_middle_of_one(store: Counting, tmp_path: Path) -> None:
    truth = plain(store)
    cache = tmp_path / "cache"
    assert opened(store, cache=Cache(cache)) == truth
    store.asked.clear()
    assert opened(store, cache=Cache(cache)) == truth
    assert store.asked == []
    kept = cache.read_bytes().split(b"\n")[:7]
    cache.write_bytes(b"\n".join(kept) + b"\n")
    assert opened(store, cache=Cache(cache)) == truth
    assert store.asked == [
        *map(entry_name, (8, 9, 10)),
        *map(packs.pack_name, (15, 20)),
        *map(entry_name, (21, 22, 23)),
    ]


def test_a_store_that_does_not_date_its_listing_is_read_entry_by_entry(store: Counting) -> None:
    store.listing = lambda after="": tuple(  # type: ignore[method-assign]
        Listed(name) for name in store.names() if name > after
    )
    assert len(opened(store)) == COUNT
    assert not any(name.startswith("pack-") for name in store.asked)
