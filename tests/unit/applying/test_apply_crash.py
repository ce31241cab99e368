"""A kill at every step of an apply, then a resume: nothing lost, nothing twice, nothing blocked."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.ledger import replay, views
from provisioner.ledger.entries import Kind
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger


def check_end(scene: Any, ledger: Ledger) -> None:
    """The signed state, each operation's effect once, one root, one end, no open intent."""
    assert scene.as_signed
    assert Counter(scene.cloud.writes) == {operation.id: 1 for operation in scene.plan.operations}
    history = ledger.history
    digest = views.published(history)[0]
    assert [entry.body["plan"] for entry in history.of(Kind.CONSUMED)] == [digest]
    assert [root.version for root in views.roots(history)] == [1, 2]
    assert views.open_intents(history, digest) == ()
    assert all(record.settled for record in views.journal(history, digest).values())
    signed = replay.signed_state(history)
    assert all(signed[change.address].attributes == change.after for change in scene.plan.changes)


def steps_of_a_run(scene: Any, kit: Any) -> list[str]:
    count = kit.CrashAt()
    scene.cloud.step = count
    ledger = Ledger.open(kit.Dying(scene.store, count), "acme")
    assert scene.apply(ledger=ledger).complete
    return list(count.steps)


def test_a_crash_at_every_step(scene: Any, kit: Any) -> None:
    steps = steps_of_a_run(scene, kit)
    assert {step.split()[0] for step in steps} == {"put", "read", "execute", "write", "written"}
    assert len(steps) > 60
    applied_already = 0
    for at, what in enumerate(steps):
        again = fresh(kit)
        crash = kit.CrashAt(at)
        again.cloud.step = crash
        with pytest.raises(kit.Crash):
            again.apply(ledger=Ledger.open(kit.Dying(again.store, crash), "acme"))
        assert crash.steps[at] == what
        again.cloud.step = lambda what: None
        ledger = Ledger.open(again.store, "acme")
        if views.last_consumed(ledger.history) is not None:
            applied_already += 1
        else:
            result = again.apply(ledger=ledger)
            assert result.complete, (what, result)
            assert len(result.changed) == len(again.plan.operations)
        check_end(again, ledger)
    assert 1 <= applied_already <= 4, "only in the last steps is there nothing left to do"


def test_two_crashes_in_a_row(scene: Any, kit: Any) -> None:
    total = len(steps_of_a_run(scene, kit))
    for first in range(2, total - 6, 5):
        for second in (1, 4, 9, 16):
            again = fresh(kit)
            for at in (first, second):
                crash = kit.CrashAt(at)
                again.cloud.step = crash
                with pytest.raises((kit.Crash, AssertionError)):
                    assert not again.apply(ledger=Ledger.open(kit.Dying(again.store, crash), "acme")).complete
            again.cloud.step = lambda what: None
            ledger = Ledger.open(again.store, "acme")
            if views.last_consumed(ledger.history) is None:
                assert again.apply(ledger=ledger).complete
            check_end(again, ledger)


def fresh(kit: Any) -> Any:
    before, after, steps = kit.worlds_of_scene()
    plan = kit.make_plan(before, after, steps, next_root=kit.NEXT_ROOT)
    clock = kit.Clock()
    store = kit.MemoryStore(clock)
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, plan)
    cloud = kit.Cloud(before)
    return kit.Scene(clock, store, cloud, kit.FakeWriter(cloud), ledger, plan, before, after)


def local_scene(kit: Any, folder: Path) -> Any:
    """The same over a real folder and a cloud in a file: what a dead process leaves behind."""
    before, after, steps = kit.worlds_of_scene()
    plan = kit.make_plan(before, after, steps, next_root=kit.NEXT_ROOT)
    store = LocalStore.create(folder / "ledger")
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, plan)
    cloud = kit.Cloud(before, folder / "cloud.json")
    return kit.Scene(later(0), store, cloud, kit.FakeWriter(cloud), ledger, plan, before, after)


def later(seconds: int) -> Any:
    class Later:
        def __call__(self) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=seconds)

        def forward(self, seconds: float) -> None:
            raise AssertionError("nothing waits here")

    return Later()


def killed(scene: Any, kit: Any, at: int) -> int:
    """Run apply in a child that ends by `os._exit` at one step, as a kill does: no handler, no cleanup."""
    child = os.fork()
    if child == 0:
        crash = kit.CrashAt(at, die=lambda: os._exit(9))
        scene.cloud.step = crash
        scene.apply(ledger=Ledger.open(kit.Dying(scene.store, crash), "acme"))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_killed_process_on_a_real_folder(kit: Any, tmp_path: Path) -> None:
    codes = []
    for at in range(0, 75, 3):
        folder = tmp_path / str(at)
        folder.mkdir()
        scene = local_scene(kit, folder)
        codes.append(killed(scene, kit, at))
        scene.cloud.load()
        scene.clock = later(120)
        store = LocalStore(folder / "ledger")
        ledger = Ledger.open(store, "acme")
        if views.last_consumed(ledger.history) is None:
            result = scene.apply(ledger=ledger)
            assert result.complete, (at, result)
        check_end(scene, Ledger.open(store, "acme"))
    assert codes[:20] == [9] * 20


def test_four_processes_apply_at_once(kit: Any, tmp_path: Path) -> None:
    scene = local_scene(kit, tmp_path)
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            os._exit(contend(scene, kit))
        children.append(child)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert codes == [0, 7, 7, 7], "one applies, the others wait and find it applied"
    scene.cloud.load()
    check_end(scene, Ledger.open(scene.store, "acme"))


def contend(scene: Any, kit: Any) -> int:
    import time

    from provisioner.model.diagnostics import DiagnosticError

    ledger = Ledger.open(scene.store, "acme")
    try:
        result = scene.apply(
            ledger=ledger, terms=kit.Terms(patience=timedelta(seconds=60), sleep=lambda _: time.sleep(0.01))
        )
    except DiagnosticError as error:
        return 7 if error.diagnostics[0].code == "E-APPLIED" else 8
    return 0 if result.complete else 1
