"""Agents side by side: what may overlap, what may not, and what a failure or a crash in the middle leaves."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import Any

import pytest

from provisioner.applying.schedule import Schedule
from provisioner.ledger import views
from provisioner.ledger.entries import Kind
from provisioner.ledger.log import Ledger
from provisioner.model.changes import Status
from provisioner.sdk.errors import ProceedError

AGENTS = [f"agent{n:02}" for n in range(12)]


def worlds(kit: Any, shared: bool = True) -> Any:
    """Twelve agents under one boundary: each gets a role, then two grants in a signed order; the boundary first."""
    after = [kit.policy("limit", "wide")]
    steps = [(kit.address("policy", "limit"), ("document", "tags"))] if shared else []
    for name in AGENTS:
        after += [kit.role(name, "x"), kit.grant(name, "a", "reads"), kit.grant(name, "b", "writes")]
    steps += [(kit.address("role", name), kit.ROLE_FIELDS) for name in AGENTS]
    steps += [(kit.address("grant", f"{name}/{which}"), ("document",)) for name in AGENTS for which in "ab"]
    before = {} if shared else kit.world(kit.policy("limit", "wide"))
    return before, kit.world(*after), steps


class Busy:
    """Counts how many calls are under way at once; `wait` makes each take a while."""

    def __init__(self, wait: Any = lambda: 0.0) -> None:
        self.now, self.most, self.wait, self.lock = 0, 0, wait, threading.Lock()
        self.order: list[str] = []

    def __call__(self, operation: Any) -> None:
        with self.lock:
            self.order.append(operation.id)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.wait())
        with self.lock:
            self.now -= 1


def made(kit: Any, shared: bool = True, parallel: int | None = 6) -> Any:
    before, after, steps = worlds(kit, shared)
    plan = kit.make_plan(before, after, steps, next_root=kit.NEXT_ROOT)
    clock = kit.Clock()
    store = kit.MemoryStore(clock)
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, plan)
    cloud = kit.Cloud(before)
    writer = kit.FakeWriter(cloud)
    if parallel is not None:
        writer.parallel = parallel
    return kit.Scene(clock, store, cloud, writer, ledger, plan, before, after)


def check_end(scene: Any, ledger: Ledger) -> None:
    assert scene.as_signed
    assert Counter(scene.cloud.writes) == {operation.id: 1 for operation in scene.plan.operations}
    digest = views.published(ledger.history)[0]
    assert [entry.body["plan"] for entry in ledger.history.of(Kind.CONSUMED)] == [digest]
    assert views.open_intents(ledger.history, digest) == ()
    assert all(record.settled for record in views.journal(ledger.history, digest).values())


def by_agent(scene: Any, ids: list[str]) -> dict[str | None, list[str]]:
    agents = {operation.id: operation.agent for operation in scene.plan.operations}
    return {agent: [id_ for id_ in ids if agents[id_] == agent] for agent in {*agents.values()}}


def test_two_agents_are_worked_on_at_once(kit: Any) -> None:
    scene = made(kit, shared=False)
    meeting = threading.Barrier(2)
    first = {scene.plan.operations[0].id, scene.plan.operations[1].id}
    scene.writer.before_write = lambda operation: meeting.wait(10) and None if operation.id in first else None
    result = scene.apply()
    assert result.complete, "neither could have gone on alone"
    check_end(scene, scene.ledger)


def test_every_entry_once_and_the_intent_before_the_write(kit: Any) -> None:
    scene = made(kit)
    missing: list[str] = []

    def look(what: str) -> None:
        if what.startswith("write "):
            intents = {e.body["operation"] for e in list(scene.ledger.history.of(Kind.INTENT))}
            if what.removeprefix("write ") not in intents:
                missing.append(what)

    scene.cloud.step = look
    scene.writer.before_write = Busy(lambda: 0.001)
    assert scene.apply().complete
    assert missing == []
    entries = list(scene.ledger.history)
    for kind in (Kind.INTENT, Kind.OUTCOME):
        counted = Counter(entry.body["operation"] for entry in entries if entry.kind is kind)
        assert counted == {operation.id: 1 for operation in scene.plan.operations}
    check_end(scene, Ledger.open(scene.store, "acme"))


@pytest.mark.parametrize("seed", range(4))
def test_latency_does_not_change_the_order(kit: Any, seed: int) -> None:
    """Each agent sees its operations in the signed order, what is shared comes first, whatever a call takes."""
    scene = made(kit)
    chance = random.Random(seed)
    busy = Busy(lambda: chance.choice((0.0, 0.001, 0.02)))
    scene.writer.before_write = busy
    assert scene.apply().complete
    signed = [operation.id for operation in scene.plan.operations]
    assert by_agent(scene, scene.cloud.writes) == by_agent(scene, signed)
    assert by_agent(scene, busy.order) == by_agent(scene, signed)
    assert scene.cloud.writes[0] == signed[0], "the boundary is everybody's"
    assert busy.most > 1
    check_end(scene, scene.ledger)


def test_a_writer_that_says_nothing_is_called_one_at_a_time(kit: Any) -> None:
    scene = made(kit, parallel=None)
    busy = Busy(lambda: 0.0005)
    scene.writer.before_write = busy
    assert scene.apply().complete
    assert busy.most == 1
    assert scene.cloud.writes == [operation.id for operation in scene.plan.operations]


def test_no_more_than_was_asked_for(kit: Any) -> None:
    scene = made(kit, shared=False)
    busy = Busy(lambda: 0.002)
    scene.writer.before_write = busy
    assert scene.apply(terms=scene.terms(parallel=3)).complete
    assert 1 < busy.most <= 3


def test_a_failure_stops_its_own_agent_only(kit: Any) -> None:
    scene = made(kit)
    operations = scene.plan.operations
    role = next(o for o in operations if o.address == kit.address("role", "agent03"))
    depending = [
        o if o.agent != "agent03" or o is role else kit.replace(o, depends=(role.id, *o.depends)) for o in operations
    ]
    scene.plan = kit.replace(scene.plan, operations=tuple(depending))
    scene.publish(scene.plan)
    scene.writer.answers[role.id] = Status.FAILED
    result = scene.apply()
    assert not result.complete
    assert [r.operation.id for r in result.failed] == [role.id]
    assert {r.operation.agent for r in result.skipped} == {"agent03"}
    assert len(result.done) == len(operations) - 3
    scene.writer.answers.clear()
    assert scene.apply().complete
    assert scene.as_signed


def test_a_rejection_in_the_middle_stops_every_thread(kit: Any) -> None:
    scene = made(kit, shared=False)
    scene.writer.before_write = Busy(lambda: 0.002)

    def recheck(ledger: Ledger) -> None:
        if len(scene.cloud.writes) >= 5:
            raise ProceedError("bob has rejected this plan")

    result = scene.apply(recheck=recheck)
    assert result.stopped is not None and "bob has rejected this plan" in result.stopped.summary
    assert 5 <= len(scene.cloud.writes) <= 5 + 6, "what had passed the check before the fifth write may still end"
    done = {r.operation.id for r in result.done}
    assert done == set(scene.cloud.writes), "what was under way is told, not lost"
    assert not result.unknown
    again = scene.apply()
    assert again.complete
    check_end(scene, scene.ledger)


def test_an_agent_changed_out_of_band_is_left_alone_and_the_others_go_on(kit: Any) -> None:
    scene = made(kit, shared=False)
    extra = kit.grant("agent05", "admin", "everything")
    scene.cloud.resources[extra.address] = extra
    result = scene.apply()
    assert [problem.agent for problem in result.problems] == ["agent05"]
    assert {r.operation.agent for r in result.conflicts} == {"agent05"}
    assert len(result.done) == 3 * 11


def test_one_look_shows_the_agents_that_come_next(kit: Any) -> None:
    scene = made(kit, shared=False)
    assert scene.apply().complete
    assert len(scene.writer.reads) == 2, "one look before, one at the end"
    assert scene.writer.reads[0].agents == frozenset(AGENTS)


def test_a_crash_anywhere_then_a_resume(kit: Any) -> None:
    counter = kit.CrashAt()
    scene = made(kit)
    scene.cloud.step = counter
    assert scene.apply(ledger=Ledger.open(kit.Dying(scene.store, counter), "acme")).complete
    total = counter.count
    for at in range(3, total - 3, 11):
        scene = made(kit)
        scene.writer.before_write = Busy(lambda: 0.0002)
        crash = kit.CrashAt(at)
        scene.cloud.step = crash
        with pytest.raises(kit.Crash):
            scene.apply(ledger=Ledger.open(kit.Dying(scene.store, crash), "acme"))
        scene.cloud.step = lambda what: None
        ledger = Ledger.open(scene.store, "acme")
        result = scene.apply(ledger=ledger)
        assert result.complete, (at, result.problems, result.stopped)
        check_end(scene, ledger)


def test_an_interrupt_waits_for_what_is_under_way_before_it_gives_the_workspace_back(kit: Any) -> None:
    scene = made(kit, shared=False)
    started, seen = threading.Event(), []

    def slow(operation: Any) -> None:
        if operation.id == scene.plan.operations[0].id:
            started.set()
            time.sleep(0.05)

    def progress(step: Any) -> None:
        if step.operation is not None and step.operation.id == scene.plan.operations[1].id:
            started.wait(10)
            raise KeyboardInterrupt

    def look(what: str) -> None:
        state = scene.ledger.history.of(Kind.LEASE)
        seen.append((what, len(state)))

    scene.writer.before_write, scene.cloud.step = slow, look
    with pytest.raises(KeyboardInterrupt):
        scene.apply(progress=progress)
    assert scene.cloud.writes == [], "nothing goes ahead once the run is ending"
    assert len(scene.ledger.history.of(Kind.LEASE)) == 2, "and the lease is given back"
    assert {leases for _, leases in seen} == {1}, "nothing happens in the cloud after that"
    scene.cloud.step = lambda what: None
    assert scene.apply().complete


class TestSchedule:
    def order(self, kit: Any, groups: dict[str, list[str]], caps: dict[str, int]) -> list[list[str]]:
        scene = made(kit)
        operations = scene.plan.operations[: len(groups)]
        schedule = Schedule(operations, dict(zip([o.id for o in operations], groups.values(), strict=True)), caps)
        rounds = []
        while schedule.left:
            begun = []
            while (at := schedule.begin()) is not None:
                begun.append(at)
            assert begun, "something can always begin while nothing is under way"
            rounds.append([operations[at].id for at in begun])
            for at in begun:
                schedule.end(at)
        return rounds

    def test_one_of_a_group_at_a_time(self, kit: Any) -> None:
        rounds = self.order(kit, {"a": ["g"], "b": ["g"], "c": ["h"], "d": ["h", "g"]}, {"fake": 9})
        assert [len(round_) for round_ in rounds] == [2, 1, 1]

    def test_the_cap_of_a_provider(self, kit: Any) -> None:
        rounds = self.order(kit, {"a": [], "b": [], "c": [], "d": []}, {"fake": 2})
        assert [len(round_) for round_ in rounds] == [2, 2]
        assert [len(r) for r in self.order(kit, {"a": [], "b": [], "c": []}, {})] == [1, 1, 1]
