"""Operations that one call carries out together: which those are, what a failure in the middle leaves, and crashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from provisioner.applying.schedule import Schedule
from provisioner.ledger import views
from provisioner.ledger.entries import Kind
from provisioner.ledger.log import Ledger
from provisioner.model.changes import Operation, Outcome, Status
from provisioner.sdk.errors import ProceedError

AGENTS = [f"agent{n}" for n in range(4)]


def of_grant(operation: Operation) -> str:
    """Grants of one name are one call, whosever they are."""
    name = operation.address.name
    return name.rpartition("/")[2] if operation.address.kind == "grant" else ""


def joining(kit: Any, cloud: Any) -> Any:
    class Joining(kit.FakeWriter):
        calls: list[tuple[str, ...]]

        def joint(self, operation: Operation) -> str:
            return of_grant(operation)

        def execute_together(self, operations: Sequence[Operation], proceed: Callable[[], None]) -> tuple[Outcome, ...]:
            self.calls.append(tuple(operation.address.name for operation in operations))
            proceed()
            bad: set[str] = set()
            out = []
            for operation in operations:
                if bad & set(operation.depends):
                    out.append(Outcome(operation.id, Status.SKIPPED, "waits"))
                else:
                    out.append(self.execute(operation, lambda: None))
                if out[-1].status not in (Status.DONE, Status.ALREADY):
                    bad.add(operation.id)
            return tuple(out)

    writer = Joining(cloud)
    writer.calls = []
    return writer


def scene(kit: Any) -> Any:
    """Four agents, each with a role and two grants, agent by agent in the signed order."""
    steps = [(kit.address("role", name), kit.ROLE_FIELDS) for name in AGENTS]
    steps += [(kit.address("grant", f"{name}/{which}"), ("document",)) for which in "ab" for name in AGENTS]
    after = [kit.policy("limit", "wide")]
    for name in AGENTS:
        after += [kit.role(name, "x"), kit.grant(name, "a", "reads"), kit.grant(name, "b", "writes")]
    before = kit.world(kit.policy("limit", "wide"))
    plan = kit.make_plan(before, kit.world(*after), steps)
    clock = kit.Clock()
    store = kit.MemoryStore(clock)
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, plan)
    cloud = kit.Cloud(before)
    return kit.Scene(clock, store, cloud, joining(kit, cloud), ledger, plan, before, kit.world(*after))


@pytest.mark.parametrize("parallel", [1, 4])
def test_what_is_joint_is_one_call_with_one_entry_before_and_after(kit: Any, parallel: int) -> None:
    made = scene(kit)
    assert made.apply(terms=made.terms(parallel=parallel)).complete and made.as_signed
    assert made.writer.calls == [tuple(f"{name}/{which}" for name in AGENTS) for which in "ab"]
    assert len(made.ledger.history.of(Kind.INTENT)) == len(AGENTS) + 2
    assert not views.open_intents(made.ledger.history, made.ledger.history.of(Kind.PLAN)[0].body["digest"])


def test_one_that_is_changed_behind_our_back_does_not_hold_up_its_neighbours(kit: Any) -> None:
    made = scene(kit)
    stranger = kit.grant("agent1", "a", "theirs")

    def meddle(what: str) -> None:
        if what.startswith("write 1.") and stranger.address not in made.cloud.resources:
            made.cloud.resources[stranger.address] = stranger

    made.cloud.step = meddle
    result = made.apply()
    status = {one.operation.address.name: one.status for one in result.operations}
    assert status["agent1/a"] in (Status.CONFLICT, Status.UNKNOWN)
    assert {status[f"{name}/a"] for name in AGENTS if name != "agent1"} == {Status.DONE}
    assert made.cloud.resources[stranger.address].attributes == {"document": "theirs"}
    assert not result.complete


def test_a_stop_before_the_write_stops_all_of_them(kit: Any) -> None:
    made = scene(kit)

    def recheck(_: Ledger) -> None:
        if made.writer.calls:
            raise ProceedError("revoked")

    result = made.apply(recheck=recheck)
    assert result.stopped is not None
    assert not any("grant" in str(address) for address in made.cloud.resources)


def test_a_crash_at_every_step_is_finished_by_another_run(kit: Any) -> None:
    whole = scene(kit)
    counted = kit.CrashAt()
    whole.cloud.step = counted
    assert whole.apply().complete
    for at in range(counted.count):
        made = scene(kit)
        made.cloud.step = kit.CrashAt(at)
        with pytest.raises(kit.Crash):
            made.apply()
        made.cloud.step = lambda what: None
        made.clock.forward(600)
        assert made.apply().complete and made.as_signed, at
        assert sorted(made.cloud.writes) == sorted(whole.cloud.writes), "each write once"


def test_along_takes_what_waits_for_nothing_but_the_call_itself(kit: Any) -> None:
    made = scene(kit)
    operations = [op for op in made.plan.operations if op.address.kind == "grant"]
    groups = {op.id: (op.agent or "",) for op in operations}
    schedule = Schedule(operations, groups, {"fake": 1})
    first = schedule.begin()
    assert first == 0
    assert schedule.along(0, of_grant) == [1, 2, 3], "not the second grants: each waits for its agent's first"
    assert schedule.begin() is None, "one call at a time"
    for place in range(4):
        schedule.end(place)
    assert schedule.left == 4
    second = schedule.begin()
    assert second == 4 and schedule.along(4, of_grant) == [5, 6, 7]


def test_along_joins_a_row_of_one_agent(kit: Any) -> None:
    made = scene(kit)
    operations = [op for op in made.plan.operations if op.address.name.startswith("agent0/")]
    schedule = Schedule(operations, {op.id: ("agent0",) for op in operations}, {"fake": 1})
    schedule.begin()
    assert schedule.along(0, lambda _: "one policy") == [1]
