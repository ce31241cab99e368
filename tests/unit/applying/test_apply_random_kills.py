"""190 runs of apply that die at random moments, some of them again and again, each resumed to the signed state.

Ten more, of the command itself by SIGKILL, are in tests/e2e/test_apply_sigkill_cli.py.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from provisioner.ledger import replay, views
from provisioner.ledger.entries import Kind
from provisioner.ledger.log import Ledger

RUNS = 190
STEPS = 60
"""Fewer than an uninterrupted run takes: each first kill hits."""


def dying(scene: Any, kit: Any, at: int, parallel: int) -> bool:
    """Run apply until it dies at a step; False where it got to its end."""
    crash = kit.CrashAt(at)
    scene.cloud.step = crash
    try:
        terms = scene.terms(parallel=parallel)
        scene.apply(ledger=Ledger.open(kit.Dying(scene.store, crash), "acme"), terms=terms)
    except kit.Crash:
        return True
    finally:
        scene.cloud.step = lambda what: None
    return crash.count > at


def fresh(kit: Any) -> Any:
    before, after, steps = kit.worlds_of_scene()
    plan = kit.make_plan(before, after, steps, next_root=kit.NEXT_ROOT)
    clock = kit.Clock()
    store = kit.MemoryStore(clock)
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, plan)
    cloud = kit.Cloud(before)
    return kit.Scene(clock, store, cloud, kit.FakeWriter(cloud), ledger, plan, before, after)


def applied(scene: Any) -> bool:
    return views.last_consumed(Ledger.open(scene.store, "acme").history) is not None


@pytest.mark.parametrize("block", range(10))
def test_every_resumed_run_ends_in_the_signed_state(kit: Any, block: int) -> None:
    kills = 0
    for seed in range(block * RUNS // 10, (block + 1) * RUNS // 10):
        rng = random.Random(f"kill {seed}")
        scene = fresh(kit)
        assert dying(scene, kit, rng.randrange(STEPS), rng.choice((1, 10))), seed
        kills += 1
        for _ in range(rng.randint(0, 2)):
            if not applied(scene):
                kills += dying(scene, kit, rng.randrange(STEPS), rng.choice((1, 10)))
        if not applied(scene):
            result = scene.apply(ledger=Ledger.open(scene.store, "acme"))
            assert result.complete, (seed, result)
        check(scene, seed)
    assert kills > RUNS // 10


def check(scene: Any, seed: int) -> None:
    """As signed; each write took effect once; nothing of what any run recorded is lost."""
    assert scene.as_signed, seed
    assert Counter(scene.cloud.writes) == {operation.id: 1 for operation in scene.plan.operations}, seed
    ledger = Ledger.open(scene.store, "acme")
    history = ledger.history
    digest = views.published(history)[0]
    assert [entry.body["plan"] for entry in history.of(Kind.CONSUMED)] == [digest], seed
    assert [root.version for root in views.roots(history)] == [1, 2], seed
    assert views.open_intents(history, digest) == (), seed
    records = views.journal(history, digest)
    assert set(records) == {operation.id for operation in scene.plan.operations}, seed
    assert all(record.settled for record in records.values()), seed
    signed = replay.signed_state(history)
    assert all(signed[change.address].attributes == change.after for change in scene.plan.changes), seed
