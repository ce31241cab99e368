"""Many agents as a batch: fewer entries and reads, and nothing of what an apply promises is less true."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.applying import calling
from provisioner.ledger import replay, views
from provisioner.ledger.entries import Kind, begun, ended
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.log import Ledger
from provisioner.model.changes import Operation, Outcome, Status
from provisioner.sdk.errors import CloudError, ProceedError

AGENTS = [f"agent{n:02}" for n in range(12)]
PARALLEL = 3


class Batch:
    """What AWS's batch does, over the fake writer: a call that was taken is told of by `read_back` alone."""

    def __init__(self, writer: Any, operations: Sequence[Operation]) -> None:
        self.writer, self.operations = writer, operations
        self.taken: list[Outcome] = []
        self.lock = threading.Lock()

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome | None:
        outcome = self.writer.execute(operation, proceed)
        if outcome.status is not Status.DONE:
            return outcome
        with self.lock:
            self.taken.append(outcome)
        return None

    def read_back(self) -> Iterable[Outcome]:
        self.writer.cloud.step("read back")
        for number, outcome in enumerate(self.taken):
            if self.writer.deaf_from is not None and number >= self.writer.deaf_from:
                raise CloudError("here", "cannot be reached", fix="wait")
            yield outcome


def made(kit: Any, shared: bool = True) -> Any:
    """Twelve agents, each with a role and then two grants, under one boundary; `shared`: the plan makes that too."""

    class BatchWriter(kit.FakeWriter):
        parallel = PARALLEL
        batch_most = 8
        deaf_from: int | None = None

        def batch(self, operations: Sequence[Operation]) -> Batch:
            self.batches.append([operation.id for operation in operations])
            return Batch(self, operations)

    after = [kit.policy("limit", "wide")]
    steps = [(kit.address("policy", "limit"), ("document", "tags"))] if shared else []
    before = {} if shared else kit.world(*after)
    for name in AGENTS:
        after += [kit.role(name, "x"), kit.grant(name, "a", "reads"), kit.grant(name, "b", "writes")]
    steps += [(kit.address("role", name), kit.ROLE_FIELDS) for name in AGENTS]
    steps += [(kit.address("grant", f"{name}/{which}"), ("document",)) for which in "ab" for name in AGENTS]
    plan = kit.make_plan(before, kit.world(*after), steps, next_root=kit.NEXT_ROOT)
    clock = kit.Clock()
    store = kit.MemoryStore(clock)
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, plan)
    cloud = kit.Cloud(before)
    writer = BatchWriter(cloud)
    writer.batches = []
    return kit.Scene(clock, store, cloud, writer, ledger, plan, before, kit.world(*after))


def check_end(scene: Any) -> None:
    """As signed, each write once, every operation begun before it was written, and settled in the journal."""
    assert scene.as_signed
    assert Counter(scene.cloud.writes) == {operation.id: 1 for operation in scene.plan.operations}
    history = Ledger.open(scene.store, "acme").history
    digest = views.published(history)[0]
    assert [entry.body["plan"] for entry in history.of(Kind.CONSUMED)] == [digest]
    assert views.open_intents(history, digest) == ()
    records = views.journal(history, digest)
    assert set(records) == {operation.id for operation in scene.plan.operations}
    assert all(record.settled for record in records.values())
    signed = replay.signed_state(history)
    assert all(signed[change.address].attributes == change.after for change in scene.plan.changes)


def test_a_batch_has_one_entry_for_its_intents_and_one_for_its_outcomes(kit: Any) -> None:
    scene = made(kit)
    missing: list[str] = []

    def look(what: str) -> None:
        if what.startswith("write "):
            entries = Ledger.open(scene.store, "acme").history.of(Kind.INTENT)
            if what.removeprefix("write ") not in {id_ for entry in entries for id_ in begun(entry)}:
                missing.append(what)

    scene.cloud.step = look
    assert scene.apply().complete
    check_end(scene)
    assert missing == [], "every intent stands in the ledger before its write"
    assert max(map(len, scene.writer.batches)) == 8
    history = scene.ledger.history
    for kind, named in ((Kind.INTENT, begun), (Kind.OUTCOME, ended)):
        entries = history.of(kind)
        assert sum(len(named(entry)) for entry in entries) == len(scene.plan.operations)
        assert len(entries) <= len(scene.plan.operations) / 2


def test_no_two_of_a_batch_touch_one_agent_and_each_agent_keeps_its_order(kit: Any) -> None:
    scene = made(kit)
    assert scene.apply().complete
    agents = {operation.id: operation.agent for operation in scene.plan.operations}
    for batch in scene.writer.batches:
        assert len({agents[id_] for id_ in batch}) == len(batch)
    signed = [operation.id for operation in scene.plan.operations]
    for agent in AGENTS:
        assert [i for i in scene.cloud.writes if agents[i] == agent] == [i for i in signed if agents[i] == agent]
    assert scene.cloud.writes[0] == signed[0], "the boundary is everybody's"


def test_one_at_a_time_knows_no_batch(kit: Any) -> None:
    scene = made(kit)
    assert scene.apply(terms=scene.terms(parallel=1)).complete
    assert scene.writer.batches == []
    assert scene.cloud.writes == [operation.id for operation in scene.plan.operations]


def test_a_rejection_stops_a_batch_in_its_middle_and_what_was_done_is_told(kit: Any) -> None:
    scene = made(kit)

    def recheck(ledger: Ledger) -> None:
        if len(scene.cloud.writes) >= 3:
            raise ProceedError("bob has rejected this plan")

    result = scene.apply(recheck=recheck)
    assert result.stopped is not None and "bob has rejected this plan" in result.stopped.summary
    assert 3 <= len(scene.cloud.writes) <= 3 + PARALLEL
    assert {r.operation.id for r in result.done} == set(scene.cloud.writes)
    assert not result.unknown
    assert scene.apply().complete
    check_end(scene)


def test_what_a_slow_batch_did_not_begin_is_given_back_and_looked_at_anew(kit: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(calling, "BATCH_SECONDS", 0.0)
    scene = made(kit, shared=False)
    assert scene.apply().complete
    check_end(scene)
    assert len(scene.writer.batches) > 3 * 12 / 8
    roles = [op.agent for op in scene.plan.operations if op.address.kind == "role"]
    looks = Counter(agent for scope in scene.writer.reads for agent in scope.agents or ())
    assert max(looks[agent] for agent in roles) > 2, "before, again since it did not begin, and at the end"


def test_a_conflict_and_a_failure_leave_the_rest_of_a_batch_alone(kit: Any) -> None:
    scene = made(kit)
    failing = next(o for o in scene.plan.operations if o.address == kit.address("role", "agent03"))
    taken = kit.role("agent05", "somebody else's")

    def meddle(operation: Operation) -> None:
        scene.cloud.resources.setdefault(taken.address, taken)

    scene.writer.before_write = meddle
    scene.writer.answers[failing.id] = Status.FAILED
    result = scene.apply()
    assert [r.operation.id for r in result.failed] == [failing.id]
    assert {r.operation.agent for r in result.conflicts} == {"agent05"}
    assert {r.operation.agent for r in result.done} >= {*AGENTS} - {"agent03", "agent05"}
    assert len(result.done) >= 1 + 3 * 10


def test_a_batch_that_cannot_be_read_back_is_unknown_and_settled_by_the_next_run(kit: Any) -> None:
    scene = made(kit)
    scene.writer.deaf_from = 2
    result = scene.apply()
    assert not result.complete
    assert {r.detail for r in result.unknown} == {"cannot be reached"}
    assert len(result.done) >= 2, "what was read back before is known"
    written = len(scene.cloud.writes)
    assert written == len(result.done) + len(result.unknown)
    scene.writer.deaf_from = None
    assert scene.apply(ledger=Ledger.open(scene.store, "acme")).complete
    check_end(scene)


def test_a_full_disk_after_a_batch_loses_nothing(kit: Any) -> None:
    scene = made(kit)
    ledger = scene.ledger
    real = ledger.append

    def full(kind: Kind, body: Any, **options: Any) -> Any:
        if kind is Kind.OUTCOME and "also" in body:
            raise LedgerError.because("E-LEDGER-WRITE", "the disk is full", "Free some.")
        return real(kind, body, **options)

    ledger.append = full
    result = scene.apply(ledger=ledger)
    assert result.stopped is not None and "the disk is full" in result.stopped.summary
    del ledger.append
    assert scene.apply(ledger=Ledger.open(scene.store, "acme")).complete
    check_end(scene)


@pytest.mark.parametrize("block", range(4))
def test_killed_anywhere_and_resumed_the_end_is_as_signed(kit: Any, block: int) -> None:
    kills = 0
    for seed in range(block * 10, block * 10 + 10):
        rng = random.Random(f"batch {seed}")
        scene = made(kit)
        for _ in range(rng.randint(1, 3)):
            if views.last_consumed(Ledger.open(scene.store, "acme").history) is None:
                kills += died(scene, kit, rng.randrange(90))
        if views.last_consumed(Ledger.open(scene.store, "acme").history) is None:
            result = scene.apply(ledger=Ledger.open(scene.store, "acme"))
            assert result.complete, (seed, result)
        check_end(scene)
    assert kills >= 10


def died(scene: Any, kit: Any, at: int) -> bool:
    crash = kit.CrashAt(at)
    scene.cloud.step = crash
    try:
        scene.apply(ledger=Ledger.open(kit.Dying(scene.store, crash), "acme"))
    except kit.Crash:
        return True
    finally:
        scene.cloud.step = lambda what: None
    return False


class Tickets:
    """Numbers from 1, with a signal for each that is taken."""

    def __init__(self) -> None:
        self.taken = 0
        self.changed = threading.Condition()

    def __next__(self) -> int:
        with self.changed:
            self.taken += 1
            self.changed.notify_all()
            return self.taken

    def wait(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.taken >= count, 30)


def test_a_check_answers_those_who_asked_before_it_began_and_nobody_else() -> None:
    held, checks, tickets = threading.Event(), [], Tickets()
    nothing = SimpleNamespace(refresh=lambda: None)
    journal: Any = SimpleNamespace(ledger=nothing, lease=SimpleNamespace(strict=lambda ledger: None))

    def allowed() -> None:
        checks.append(len(checks))
        held.wait(30)

    caller = calling.Caller(journal, {}, allowed)
    caller._tickets = tickets  # type: ignore[assignment]
    threads = [threading.Thread(target=caller.proceed) for _ in range(4)]
    threads[0].start()
    tickets.wait(2)
    for thread in threads[1:]:
        thread.start()
    tickets.wait(5)
    held.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert len(checks) == 2, "the first asked before the three others did; one check serves those three"


def test_a_check_that_says_no_answers_only_who_made_it() -> None:
    held, checks, tickets = threading.Event(), [], Tickets()
    nothing = SimpleNamespace(refresh=lambda: None)
    journal: Any = SimpleNamespace(ledger=nothing, lease=SimpleNamespace(strict=lambda ledger: None))

    def allowed() -> None:
        checks.append(len(checks))
        held.wait(30)
        raise ProceedError("rejected")

    refused = []

    def ask() -> None:
        try:
            caller.proceed()
        except ProceedError:
            refused.append(1)

    caller = calling.Caller(journal, {}, allowed)
    caller._tickets = tickets  # type: ignore[assignment]
    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    tickets.wait(2)
    for thread in threads[1:]:
        thread.start()
    tickets.wait(4)
    held.set()
    for thread in threads:
        thread.join(30)
    assert len(checks) == 3 and len(refused) == 3
