"""Properties of the ledger: what goes in comes out, in one order, and nothing else is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.ledger import entries
from provisioner.ledger.entries import EntryError, Kind, entry_name
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore
from provisioner.ledger.store import Stored

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TIMES = st.integers(0, 253_402_300_799_999).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
SIGNOFFS = st.fixed_dictionaries({"envelope": st.dictionaries(TEXT, JSON, max_size=3), "plan": TEXT})


@given(st.integers(1, 99_999_999), TEXT, TEXT, TIMES, SIGNOFFS)
@settings(max_examples=100, deadline=None)
def test_an_entry_comes_back_as_it_went(
    index: int, previous: str, workspace: str, time: datetime, body: object
) -> None:
    data = entries.encode(index, previous, Kind.SIGNOFF, workspace, time, body)  # type: ignore[arg-type]
    entry = entries.decode(data, index, previous, workspace, time)
    assert (entry.index, entry.kind, entry.body) == (index, Kind.SIGNOFF, body)
    assert entry.time == time


@given(SIGNOFFS, st.data())
@settings(max_examples=100, deadline=None)
def test_a_changed_byte_is_refused_or_changes_the_digest(body: object, data: st.DataObject) -> None:
    good = entries.encode(1, "", Kind.SIGNOFF, "acme", datetime(2026, 1, 1, tzinfo=UTC), body)  # type: ignore[arg-type]
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    now = datetime.now(UTC)
    try:
        entry = entries.decode(bytes(bad), 1, "", "acme", now)
    except EntryError:
        return
    assert entry.digest != entries.decode(good, 1, "", "acme", now).digest


@given(st.lists(st.integers(0, 3), min_size=1, max_size=25))
@settings(max_examples=50, deadline=None)
def test_writers_in_any_order_make_one_history(order: list[int]) -> None:
    store = MemoryStore()
    writers = [Ledger.open(store, "acme") for _ in range(4)]
    for number, who in enumerate(order):
        body = {"plan": "p", "operation": str(number), "holder": str(who)}
        assert writers[who].append(Kind.INTENT, body).index == number + 1
    for writer in writers:
        writer.refresh()
    whole = Ledger.open(store, "acme")
    assert [entry.body["operation"] for entry in whole.history] == [str(number) for number in range(len(order))]
    assert all(list(writer.history) == list(whole.history) for writer in writers)


@given(st.integers(2, 8), st.data())
@settings(max_examples=60, deadline=None)
def test_no_permutation_gap_or_repetition_is_believed(length: int, data: st.DataObject) -> None:
    store = MemoryStore()
    ledger = Ledger.open(store, "acme")
    for number in range(length):
        ledger.append(Kind.INTENT, {"plan": "p", "operation": str(number), "holder": "h"})
    good = [stored.data for name in store.names() if (stored := store.get(name)) is not None]
    picks = data.draw(st.lists(st.integers(0, length - 1), min_size=1, max_size=length + 1))
    prefix = picks == list(range(len(picks)))
    other = MemoryStore()
    for index, pick in enumerate(picks, start=1):
        other._objects[entry_name(index)] = Stored(good[pick], datetime.now(UTC))
    if prefix:
        shorter = Ledger.open(other, "acme")
        assert shorter.contains(ledger.head) == (len(picks) == length)
    else:
        with pytest.raises(LedgerError):
            Ledger.open(other, "acme")


@given(st.integers(1, 6), st.data())
@settings(max_examples=200, deadline=None)
def test_no_flipped_bit_of_a_ledger_goes_unseen(length: int, data: st.DataObject) -> None:
    """Refused when read; only the newest entry can change into another valid one, and whoever has seen it knows."""
    store = MemoryStore()
    ledger = Ledger.open(store, "acme")
    for number in range(length):
        ledger.append(Kind.LEASE, {"plan": "p", "holder": f"h{number}", "expires": "2026-11-23T09:41:00.000Z"})
    name = entry_name(data.draw(st.integers(1, length)))
    found = store.get(name)
    assert found is not None
    raw = bytearray(found.data)
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    store._objects[name] = Stored(bytes(raw), found.time)
    try:
        changed = Ledger.open(store, "acme")
    except LedgerError:
        return
    assert name == entry_name(length), "only the newest entry is held fast by none after it"
    assert not changed.contains(ledger.head)
