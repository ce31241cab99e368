"""A resource in the middle of its operations: what live may be, and what it may not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from provisioner.applying.worlds import by_agent, differences, index_of, settle
from provisioner.model.changes import ABSENT, Operation
from provisioner.sdk.digests import state_digest

OLD = {"trust": "old", "tags": "1", "boundary": "limit"}
MIDDLE = {**OLD, "tags": "1+2"}
NEW = {"trust": "new", "tags": "2", "boundary": "limit"}


def problems(kit: Any, plan: Any, live: dict[str, Any] | None, done: set[str]) -> tuple[str, ...]:
    """The lines for one role's world."""
    index = index_of(plan)
    role = kit.role("a", "x")
    resources = kit.world(kit.policy("limit", "x"))
    if live is not None:
        resources[role.address] = dataclasses.replace(role, attributes=live)
    group = index.groups["agent a"]
    own = by_agent(resources).get("a", [])
    return differences(index, group, resources, own, done, kit.KINDS)


def planned(kit: Any, *operations: tuple[str, tuple[str, ...], Any, Any]) -> Any:
    """A plan from OLD to NEW on one role, with exactly these operations."""
    role, limit = kit.role("a", "x"), kit.policy("limit", "x")
    before = kit.world(limit, dataclasses.replace(role, attributes=OLD))
    after = kit.world(limit, dataclasses.replace(role, attributes=NEW))
    plan = kit.make_plan(before, after, [(role.address, ("trust", "tags"))])
    made = tuple(
        Operation(
            id_, 1, role.address, "x:Y", {}, fields, state_digest(old, fields), state_digest(new, fields), agent="a"
        )
        for id_, fields, old, new in operations
    )
    return dataclasses.replace(plan, operations=made)


@pytest.fixture
def tagged(kit: Any) -> Any:
    """Tags pass through a state that is neither end."""
    return planned(kit, ("t1", ("tags",), OLD, MIDDLE), ("t2", ("tags",), MIDDLE, NEW), ("t3", ("trust",), OLD, NEW))


@pytest.mark.parametrize(
    ("done", "live"),
    [
        (set(), OLD),
        ({"t1"}, MIDDLE),
        ({"t1", "t2"}, {**OLD, "tags": "2"}),
        ({"t1", "t2", "t3"}, NEW),
        ({"t1", "t3"}, {**NEW, "tags": "1+2"}),
    ],
)
def test_each_moment_is_held_to_its_own_state(kit: Any, tagged: Any, done: set[str], live: dict[str, str]) -> None:
    assert problems(kit, tagged, live, done) == ()
    for field in live:
        assert len(problems(kit, tagged, {**live, field: "nobody's"}, done)) == 1, field
    assert problems(kit, tagged, None, done) != ()


@pytest.mark.parametrize("done", [set(), {"t1"}, {"t1", "t2"}, {"t1", "t2", "t3"}])
def test_other_moments_are_problems(kit: Any, tagged: Any, done: set[str]) -> None:
    moments = [OLD, MIDDLE, {**OLD, "tags": "2"}, NEW]
    assert [problems(kit, tagged, live, done) == () for live in moments].count(True) == 1


def test_one_that_is_deleted_and_made_again(kit: Any) -> None:
    fields = ("trust", "tags", "boundary")
    plan = planned(kit, ("d", fields, OLD, None), ("c", fields, None, NEW))
    assert [op.after == ABSENT for op in plan.operations] == [True, False]
    assert problems(kit, plan, OLD, set()) == ()
    assert problems(kit, plan, None, {"d"}) == ()
    assert problems(kit, plan, NEW, {"d", "c"}) == ()
    for live, done in ((OLD, {"d"}), (NEW, {"d"}), (None, set()), (None, {"d", "c"}), (OLD, {"d", "c"})):
        assert len(problems(kit, plan, live, done)) == 1


def test_one_that_is_made_and_then_completed(kit: Any) -> None:
    plan = planned(
        kit, ("c", ("trust", "tags"), None, {**NEW, "trust": "closed"}), ("t", ("trust",), {"trust": "closed"}, NEW)
    )
    plan = dataclasses.replace(plan, changes=(dataclasses.replace(plan.changes[0], before=None),))
    assert problems(kit, plan, None, set()) == ()
    assert problems(kit, plan, {**NEW, "trust": "closed"}, {"c"}) == ()
    assert len(problems(kit, plan, {**NEW, "trust": "mallory"}, {"c"})) == 1
    assert len(problems(kit, plan, NEW, set())) == 1
    assert problems(kit, plan, NEW, {"c", "t"}) == ()


def test_what_the_plan_does_not_know_is_a_problem_at_any_moment(kit: Any, tagged: Any) -> None:
    index = index_of(tagged)
    role = dataclasses.replace(kit.role("a", "x"), attributes=OLD)
    extra = kit.grant("a", "admin", "all")
    live = kit.world(kit.policy("limit", "x"), role, extra)
    lines = differences(index, index.groups["agent a"], live, by_agent(live)["a"], set(), kit.KINDS)
    assert lines == (f"{extra.address} is there, and the signed plan does not know it",)


@pytest.mark.parametrize(("live", "became"), [(NEW, True), (OLD, False), ({**OLD, "trust": "x"}, None), (None, None)])
def test_settling(kit: Any, tagged: Any, live: dict[str, str] | None, became: bool | None) -> None:
    role = kit.role("a", "x")
    resources = {role.address: dataclasses.replace(role, attributes=live)} if live else {}
    assert settle(tagged.operations[2], resources) is became
