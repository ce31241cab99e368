"""The log: a chain that is believed only whole, and appended to by many at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner import canonical
from provisioner.ledger.entries import Kind, entry_name
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger, Witness
from provisioner.ledger.memory import MemoryStore


def intent(name: str) -> dict[str, str]:
    return {"plan": "sha256:p", "operation": name, "holder": "h"}


def filled(store: LocalStore | MemoryStore, count: int = 5) -> Ledger:
    ledger = Ledger.open(store, "acme")
    for number in range(count):
        ledger.append(Kind.INTENT, intent(str(number)))
    return ledger


def test_what_is_appended_is_read_again(local: LocalStore) -> None:
    written = filled(local)
    read = Ledger.open(local, "acme")
    assert list(read.history) == list(written.history)
    assert [entry.index for entry in read.history] == [1, 2, 3, 4, 5]
    assert [entry.body["operation"] for entry in read.history.of(Kind.INTENT)] == list("01234")


def test_entries_are_canonical_and_chained(local: LocalStore, folder: Path) -> None:
    filled(local, 2)
    first, second = ((folder / entry_name(index)).read_bytes() for index in (1, 2))
    one, two = canonical.loads(first), canonical.loads(second)
    assert one["previous"] == ""
    assert two["previous"] == canonical.digest_bytes("ledger-entry/1", first)
    assert set(one) == {"index", "previous", "kind", "workspace", "time", "body"}


def test_refresh_sees_what_others_append(memory: MemoryStore) -> None:
    mine, theirs = Ledger.open(memory, "acme"), Ledger.open(memory, "acme")
    theirs.append(Kind.INTENT, intent("a"))
    assert len(mine.history) == 0
    mine.refresh()
    assert mine.head == theirs.head


def test_the_loser_of_a_race_checks_again(memory: MemoryStore) -> None:
    mine, theirs = Ledger.open(memory, "acme"), Ledger.open(memory, "acme")
    theirs.append(Kind.INTENT, intent("theirs"))
    seen = []

    def check(ledger: Ledger) -> None:
        seen.append(len(ledger.history))

    entry = mine.append(Kind.INTENT, intent("mine"), check=check)
    assert (seen, entry.index) == ([0, 1], 2)


def test_check_refuses_against_the_new_head(memory: MemoryStore) -> None:
    mine, theirs = Ledger.open(memory, "acme"), Ledger.open(memory, "acme")
    theirs.append(Kind.INTENT, intent("theirs"))

    def empty(ledger: Ledger) -> None:
        if ledger.history:
            raise LookupError("somebody was here")

    with pytest.raises(LookupError):
        mine.append(Kind.INTENT, intent("mine"), check=empty)
    assert len(Ledger.open(memory, "acme").history) == 1


def edit(change: Callable[[dict[str, object]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / entry_name(3)
        value = json.loads(path.read_bytes())
        change(value)
        path.write_bytes(canonical.dumps(value))

    return apply


def swap(folder: Path) -> None:
    two, three = folder / entry_name(2), folder / entry_name(3)
    first, second = two.read_bytes(), three.read_bytes()
    two.write_bytes(second)
    three.write_bytes(first)


def link(folder: Path) -> None:
    path = folder / entry_name(3)
    path.rename(folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")


def rewrite(find: bytes, put: bytes) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / entry_name(3)
        data = path.read_bytes()
        assert find in data
        path.write_bytes(data.replace(find, put))

    return apply


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "gap": (lambda folder: (folder / entry_name(3)).unlink(), "00000003.json.*missing"),
    "first gone": (lambda folder: (folder / entry_name(1)).unlink(), "00000001.json.*missing"),
    "truncated": (lambda f: (f / entry_name(3)).write_bytes((f / entry_name(3)).read_bytes()[:-9]), "00000003.json"),
    "empty": (lambda folder: (folder / entry_name(3)).write_bytes(b""), "00000003.json"),
    "exchanged": (swap, "00000002.json.*says that it is entry 3"),
    "symbolic link": (link, "symbolic link"),
    "foreign file": (lambda folder: (folder / "notes.txt").write_text("x"), "notes.txt.*not an entry"),
    "white space": (rewrite(b'"body":', b'"body": '), "00000003.json"),
    "duplicate key": (rewrite(b'"holder":"h"', b'"holder":"h","holder":"h"'), "00000003.json"),
    "not JSON": (lambda folder: (folder / entry_name(3)).write_bytes(b"\xff\xfe"), "00000003.json"),
    "a list": (lambda folder: (folder / entry_name(3)).write_bytes(b"[]"), "fields are missing"),
    "renumbered": (edit(lambda value: value.update(index=4)), "says that it is entry 4"),
    "index as text": (edit(lambda value: value.update(index="3")), "says that it is entry '3'"),
    "index as bool": (edit(lambda value: value.update(index=True)), "says that it is entry True"),
    "other workspace": (edit(lambda value: value.update(workspace="evil")), "belongs to workspace 'evil'"),
    "unknown kind": (edit(lambda value: value.update(kind="blessing")), "does not know entries of kind 'blessing'"),
    "unknown field": (edit(lambda value: value.update(extra=1)), "fields are missing or unknown"),
    "missing field": (edit(lambda value: value.pop("time")), "fields are missing or unknown"),
    "no time": (edit(lambda value: value.update(time="yesterday")), "is no time"),
    "local time": (edit(lambda value: value.update(time="2026-11-23T09:00:00.000+01:00")), "is no time"),
    "other previous": (edit(lambda value: value.update(previous="sha256:" + "0" * 64)), "does not follow"),
    "body is no object": (edit(lambda value: value.update(body=[])), "body is not an object"),
    "wrong body": (edit(lambda value: value.update(body={"plan": "x"})), "has exactly plan, operation, holder"),
    "wrong type": (edit(lambda v: v.update(body={**intent("2"), "plan": 1})), "plan in the body.*wrong type"),
    "other body": (edit(lambda value: value.update(body=intent("other"))), "00000004.json.*does not follow"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_ledger_is_refused_naming_the_entry(local: LocalStore, folder: Path, name: str) -> None:
    filled(local)
    damage, words = BROKEN[name]
    damage(folder)
    with pytest.raises(LedgerError) as caught:
        Ledger.open(local, "acme")
    (problem,) = caught.value.diagnostics
    text = f"{problem.summary} {problem.detail}"
    assert re.search(words, text, re.IGNORECASE), text
    assert problem.code.startswith("E-LEDGER-")
    assert problem.detail.endswith(".")


def test_any_flipped_bit_is_refused(local: LocalStore, folder: Path) -> None:
    ledger = filled(local, 3)
    remembered = ledger.head
    for index in (1, 3):
        path = folder / entry_name(index)
        good = path.read_bytes()
        for at in range(len(good)):
            path.write_bytes(good[:at] + bytes([good[at] ^ (1 << (at % 8))]) + good[at + 1 :])
            try:
                again = Ledger.open(local, "acme")
            except LedgerError:
                continue
            # Nothing follows the last entry, so its free text is bound only by what somebody remembers of the head.
            assert index == 3
            assert not again.contains(remembered)
        path.write_bytes(good)
    assert Ledger.open(local, "acme").contains(remembered)


def test_a_rolled_back_ledger_does_not_contain_what_was_seen(local: LocalStore, folder: Path) -> None:
    ledger = filled(local)
    remembered = ledger.head
    (folder / entry_name(5)).unlink()
    shorter = Ledger.open(local, "acme")
    assert not shorter.contains(remembered)
    shorter.append(Kind.INTENT, intent("another"))
    assert not shorter.contains(remembered)
    assert shorter.contains(Witness(4, ledger.history[3].digest))


def test_witness_of_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.head == Witness(0, "")
    assert ledger.contains(ledger.head)
    assert not ledger.contains(Witness(0, "sha256:x"))
    assert not ledger.contains(Witness(-1, ""))
    ledger.append(Kind.INTENT, intent("a"))
    assert not ledger.contains(Witness(-1, ledger.head.digest))


def test_a_squatted_number_is_found(local: LocalStore, folder: Path) -> None:
    ledger = filled(local, 2)
    (folder / entry_name(3)).write_bytes(b"{}")
    with pytest.raises(LedgerError, match="00000003"):
        ledger.append(Kind.INTENT, intent("mine"))
    with pytest.raises(LedgerError, match="00000003"):
        ledger.refresh()


def test_a_store_that_shows_other_bytes_is_found() -> None:
    class Lying(MemoryStore):
        def put_if_absent(self, name: str, data: bytes) -> bool:
            return super().put_if_absent(name, data.replace(b'"operation":"a"', b'"operation":"b"'))

    with pytest.raises(LedgerError, match="cannot be believed") as caught:
        Ledger.open(Lying(), "acme").append(Kind.INTENT, intent("a"))
    assert "shows another" in caught.value.diagnostics[0].detail


def test_a_store_that_loses_what_it_took_is_found() -> None:
    class Losing(MemoryStore):
        def put_if_absent(self, name: str, data: bytes) -> bool:
            return True

    with pytest.raises(LedgerError) as caught:
        Ledger.open(Losing(), "acme").append(Kind.INTENT, intent("a"))
    assert "does not show it" in caught.value.diagnostics[0].detail


@pytest.mark.parametrize("body", [{}, {"plan": "x"}, {**intent("a"), "more": 1}, {**intent("a"), "plan": 1.5}])
def test_a_body_without_its_shape_is_not_written(memory: MemoryStore, body: dict[str, object]) -> None:
    ledger = Ledger.open(memory, "acme")
    with pytest.raises(LedgerError, match="Cannot record"):
        ledger.append(Kind.INTENT, body)
    assert memory.names() == ()


def test_the_wrong_workspace_is_refused(local: LocalStore) -> None:
    filled(local, 1)
    with pytest.raises(LedgerError) as caught:
        Ledger.open(local, "other")
    assert "belongs to workspace 'acme'" in caught.value.diagnostics[0].detail


APPENDING = """
import sys
from pathlib import Path
from provisioner.ledger.entries import Kind
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger
ledger = Ledger.open(LocalStore(Path(sys.argv[1])), "acme")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    ledger.append(Kind.INTENT, {"plan": "p", "operation": f"{sys.argv[2]}-{number}", "holder": sys.argv[2]})
"""


def test_four_processes_append_at_once_each_entry_exactly_once(local: LocalStore, folder: Path) -> None:
    each = 40
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", APPENDING, str(folder), f"w{number}", str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            text=True,
        )
        for number in range(4)
    ]
    for run in runs:
        assert run.stdout is not None and run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    for run in runs:
        run.communicate(timeout=120)
        assert run.returncode == 0
    history = Ledger.open(local, "acme").history
    names = Counter(entry.body["operation"] for entry in history)
    assert names == {f"w{writer}-{number}": 1 for writer in range(4) for number in range(each)}
    for writer in range(4):
        own = [entry.body["operation"] for entry in history if entry.body["holder"] == f"w{writer}"]
        assert own == [f"w{writer}-{number}" for number in range(each)], "each writer's entries stand in its order"
