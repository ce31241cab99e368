"""Entries that witness: revocation, checkpoint and drift shapes, the runner's memory, what a checkpoint covers."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.ledger import bundle, checkpoints, recollection, views
from provisioner.ledger.entries import EntryError, Kind, encode
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.log import Ledger, Witness
from provisioner.ledger.memory import MemoryStore

DIGEST = "sha256:" + "a" * 64
TIME = "2026-11-23T09:00:00.000Z"
GOOD: dict[Kind, dict[str, Any]] = {
    Kind.REVOCATION: {"fingerprint": "SHA256:x", "person": None, "reason": "lost", "envelope": {}},
    Kind.CHECKPOINT: {"size": 1, "head": DIGEST, "tree": DIGEST, "issued": TIME, "signature": "c2ln"},
    Kind.DRIFT: {"report": DIGEST, "base": 0, "found": 2, "unread": 0},
}


def body(kind: Kind, **changes: Any) -> bytes:
    return encode(1, "", kind, "acme", datetime(2026, 11, 23, tzinfo=UTC), {**GOOD[kind], **changes})


@pytest.mark.parametrize("kind", list(GOOD))
def test_the_shapes_are_strict(kind: Kind) -> None:
    assert body(kind)
    with pytest.raises(EntryError):
        body(kind, more=1)
    for name in GOOD[kind]:
        with pytest.raises(EntryError):
            body(kind, **{name: 1.5})
        with pytest.raises(EntryError):
            encode(
                1,
                "",
                kind,
                "acme",
                datetime(2026, 11, 23, tzinfo=UTC),
                {key: value for key, value in GOOD[kind].items() if key != name},
            )


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (Kind.REVOCATION, {"person": "dana"}),
        (Kind.REVOCATION, {"fingerprint": None}),
        (Kind.REVOCATION, {"fingerprint": ""}),
        (Kind.REVOCATION, {"reason": " "}),
        (Kind.CHECKPOINT, {"size": 0}),
        (Kind.CHECKPOINT, {"size": True}),
        (Kind.CHECKPOINT, {"head": "sha256:short"}),
        (Kind.CHECKPOINT, {"tree": DIGEST.upper()}),
        (Kind.CHECKPOINT, {"issued": "yesterday"}),
        (Kind.DRIFT, {"found": -1}),
        (Kind.DRIFT, {"report": ""}),
    ],
)
def test_what_means_nothing_is_refused(kind: Kind, changes: dict[str, Any]) -> None:
    with pytest.raises(EntryError):
        body(kind, **changes)


def test_revocations_are_listed_and_not_believed(ledger: Ledger) -> None:
    ledger.append(Kind.REVOCATION, GOOD[Kind.REVOCATION])
    ledger.append(Kind.REVOCATION, {**GOOD[Kind.REVOCATION], "fingerprint": None, "person": "dana"})
    found = views.revocations(ledger.history)
    assert [(item.fingerprint, item.person, item.entry.index) for item in found] == [
        ("SHA256:x", None, 1),
        (None, "dana", 2),
    ]


def filled(count: int) -> Ledger:
    ledger = Ledger.open(MemoryStore(), "acme")
    for number in range(count):
        ledger.append(Kind.INTENT, {"plan": DIGEST, "operation": str(number), "holder": "h"})
    return ledger


def test_a_checkpoint_holds_for_its_ledger_and_no_other() -> None:
    ledger = filled(5)
    made = checkpoints.checkpoint_of(ledger.history, datetime(2026, 11, 23, tzinfo=UTC))
    assert checkpoints.contradiction(ledger.history, made) is None
    ledger.append(Kind.CHECKPOINT, made.body("c2ln"))
    assert checkpoints.contradiction(ledger.history, checkpoints.parse(ledger.history[-1].body), 6) is None
    assert checkpoints.contradiction(ledger.history, made, before=5) is not None
    assert checkpoints.contradiction(ledger.history, replace(made, head=DIGEST)) is not None
    assert checkpoints.contradiction(ledger.history, replace(made, tree=DIGEST)) is not None
    assert checkpoints.contradiction(ledger.history, replace(made, size=4)) is not None
    assert checkpoints.contradiction(filled(4).history, made) is not None
    other = made.signed_bytes("acme", "elsewhere")
    assert len({other, made.signed_bytes("acme", "here"), made.signed_bytes("emca", "here")}) == 3


def test_a_runner_remembers_the_newest_entry(tmp_path: Path) -> None:
    path = tmp_path / "memory" / "acme.json"
    assert recollection.recall(path, "here") is None
    assert recollection.remember(path, "here", Witness(7, DIGEST))
    assert recollection.recall(path, "here") == Witness(7, DIGEST)
    assert recollection.recall(path, "elsewhere") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["acme.json"]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"digest":"x","index":0,"ledger":"here"}', b"\xff", b"[1]"])
def test_a_damaged_memory_is_an_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "acme.json"
    path.write_bytes(data)
    with pytest.raises(LedgerError) as error:
        recollection.recall(path, "here")
    assert error.value.diagnostics[0].code == "E-LEDGER-MEMORY"


def test_times_of_a_moment_are_those_before_it() -> None:
    """A store's clock that is set back later shortens no plan's life as of an earlier moment."""
    times = iter([datetime(2026, 11, 23, 9, minute, tzinfo=UTC) for minute in range(3)])
    now = [next(times)]
    ledger = Ledger.open(MemoryStore(lambda: now[0]), "acme")
    ledger.append(Kind.PLAN, {"digest": DIGEST, "file": {}})
    published = now[0]
    now[0] += timedelta(minutes=5)
    ledger.append(Kind.CONSUMED, {"plan": DIGEST, "result": "complete"})
    now[0] -= timedelta(days=400)
    ledger.append(Kind.DRIFT, GOOD[Kind.DRIFT])
    then, today = views.publication(ledger.history, DIGEST, 2), views.publication(ledger.history, DIGEST)
    assert then is not None and then.since == published
    assert today is not None and today.since == now[0]
    assert views.publication(ledger.history, DIGEST, 1) is None
    assert views.base(ledger.history, 2) == 0 and views.base(ledger.history, 3) == views.base(ledger.history) == 2
    digests = ledger.history.digests(3)
    assert dict(digests) == {1: ledger.history[0].digest, 2: ledger.history[1].digest} and digests.get(3) is None


@pytest.mark.parametrize("name", ["folder", "file.zip"])
def test_an_export_opens_as_the_ledger_that_it_was(tmp_path: Path, name: str) -> None:
    ledger = filled(4)
    bundle.write(ledger, "here", DIGEST, tmp_path / name)
    read = bundle.read(tmp_path / name)
    again = Ledger.open(read.store, read.workspace)
    assert again.head == ledger.head and read.location == "here" and read.head == ledger.head.digest
    with pytest.raises(LedgerError):
        again.append(Kind.DRIFT, GOOD[Kind.DRIFT])
    with pytest.raises(LedgerError):
        bundle.write(ledger, "here", DIGEST, tmp_path / name)
    with pytest.raises(LedgerError):
        bundle.write(filled(0), "here", DIGEST, tmp_path / "empty")
