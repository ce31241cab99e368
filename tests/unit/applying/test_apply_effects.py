"""Effects are judged anew before an agent's first operation, and only then."""

from __future__ import annotations

import pytest

from provisioner.applying.effects import untrue
from provisioner.applying.worlds import Group, index_of
from provisioner.model.changes import ABSENT, Action, Assessment, Change, Effect, Operation, Surface
from provisioner.model.findings import TestSummary
from provisioner.model.plan import AgentWorld, Plan, PlanTarget, ResourceState, RootReference
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

ROLE, GRANT = (Address("fake", "1", kind, name) for kind, name in (("role", "a"), ("grant", "a/g")))
LIVE = {ROLE: Resource(ROLE, {"boundary": "x"}, "a"), GRANT: Resource(GRANT, {"document": "old"}, "a")}


def change(number: int, address: Address, effect: Effect, after: dict[str, str] | None) -> Change:
    before = dict(LIVE[address].attributes)
    return Change(
        number, Action.UPDATE, address, "", "a", None, (Surface.IDENTITY,), {}, effect, (), (), "", before, after
    )


def planned(*changes: Change) -> Plan:
    operations = tuple(
        Operation(f"{item.number}.1", item.number, item.address, "x:Y", {}, (), ABSENT, ABSENT) for item in changes
    )
    world = AgentWorld("a", "", "", tuple(ResourceState(str(address), "b", "c") for address in LIVE))
    return Plan(
        workspace="w", base=0, root=RootReference(1, ""), targets=(PlanTarget("fake", "1", "fake", None),), scope=(),
        changes=changes, operations=operations, worlds=(world,), agents=(), findings=(), tests=TestSummary(),
        requirements=(), exclusions=(), unknown_authors=(), gaps=(),
    )  # fmt: skip


def asked(plan: Plan, effect: Effect, done: frozenset[str] = frozenset()) -> tuple[list[tuple[str, str]], list[World]]:
    seen: list[World] = []

    def assess(_change: Change, before: World, after: World) -> Assessment:
        seen.extend((before, after))
        return Assessment(effect)

    index = index_of(plan)
    group: Group = index.groups["agent a"]
    return list(untrue(index, group, LIVE, done, assess)), seen


@pytest.mark.parametrize("claimed", [Effect.NARROWER, Effect.EQUAL])
@pytest.mark.parametrize("found", [Effect.WIDER, Effect.UNKNOWN])
def test_what_turns_out_wider_than_signed_is_refused(claimed: Effect, found: Effect) -> None:
    plan = planned(change(1, GRANT, claimed, {"document": "new"}), change(2, ROLE, Effect.WIDER, {"boundary": "y"}))
    told, worlds = asked(plan, found)
    assert [id_ for id_, _ in told] == ["1.1"]
    assert f"calls it {claimed}" in told[0][1] and f"it is {found}" in told[0][1]
    before, after = worlds
    assert before.resources == LIVE
    assert {item.attributes.get("document", item.attributes.get("boundary")) for item in after.resources.values()} == {
        "new",
        "y",
    }


def test_what_is_as_signed_or_was_signed_as_wider_is_not_asked_about() -> None:
    assert asked(planned(change(1, GRANT, Effect.NARROWER, None)), Effect.NARROWER)[0] == []
    assert asked(planned(change(1, GRANT, Effect.WIDER, {"document": "new"})), Effect.WIDER) == ([], [])


def test_in_the_middle_of_an_agent_the_live_world_is_no_longer_the_signed_one() -> None:
    plan = planned(
        change(1, GRANT, Effect.NARROWER, {"document": "new"}), change(2, ROLE, Effect.EQUAL, {"boundary": "y"})
    )
    assert asked(plan, Effect.WIDER, frozenset({"2.1"})) == ([], [])
