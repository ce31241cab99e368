"""The order of operations: needs first, narrow before wide, and never a moment wider than both ends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.model.changes import ABSENT, Operation
from provisioner.model.resources import Address, Resource
from provisioner.planning.order import order

NARROW, CREATE, WIDEN, TRUST, REMOVE = range(5)


def address(kind: str, name: str) -> Address:
    return Address("cloud", "1", kind, name)


ROLE, POLICY, BOUNDARY = address("role", "r"), address("policy", "r/p"), address("boundary", "b")


def operation(
    id_: str,
    where: Address,
    before: str = "x",
    after: str = "y",
    agent: str | None = "a",
    depends: tuple[str, ...] = (),
) -> Operation:
    return Operation(id_, 1, where, "v", {}, (), before, after, depends, agent=agent)


def resources(*items: Resource) -> dict[Address, Resource]:
    return {item.address: item for item in items}


FULL = resources(
    Resource(ROLE, {}, "a", uses=(BOUNDARY,)), Resource(POLICY, {}, "a", parent=ROLE), Resource(BOUNDARY, {})
)


def ids(operations: tuple[Operation, ...]) -> list[str]:
    return [operation.id for operation in operations]


def test_creation_goes_from_what_is_used_to_what_hangs_on_it():
    made = [
        operation(n, a, before=ABSENT, agent=g)
        for n, a, g in [("3", POLICY, "a"), ("2", ROLE, "a"), ("1", BOUNDARY, None)]
    ]
    result = order(made, {}, FULL, lambda _: 0)
    assert ids(result) == ["1", "2", "3"]
    assert {o.id: o.depends for o in result} == {"1": (), "2": ("1",), "3": ("2",)}


def test_deletion_goes_the_other_way():
    gone = [
        operation(n, a, after=ABSENT, agent=g)
        for n, a, g in [("1", BOUNDARY, None), ("2", ROLE, "a"), ("3", POLICY, "a")]
    ]
    assert ids(order(gone, FULL, {}, lambda _: 0)) == ["3", "2", "1"]


def test_ranks_that_contradict_need_are_lifted():
    gone = [
        operation(n, a, after=ABSENT, agent=g)
        for n, a, g in [("1", BOUNDARY, None), ("2", ROLE, "a"), ("3", POLICY, "a")]
    ]
    ranks = {"1": 0, "2": 1, "3": 2}
    assert ids(order(gone, FULL, {}, lambda o: ranks[o.id])) == ["3", "2", "1"]


def test_within_an_agent_widening_waits_for_every_narrowing():
    operations = [operation("wide", POLICY), operation("narrow", address("policy", "r/q"))]
    ranks = {"wide": WIDEN, "narrow": NARROW}
    result = order(operations, FULL, FULL, lambda o: ranks[o.id])
    assert ids(result) == ["narrow", "wide"] and result[1].depends == ("narrow",)


def test_agents_do_not_wait_for_each_other():
    operations = [operation("a", ROLE, agent="a"), operation("b", address("role", "s"), agent="b")]
    assert all(o.depends == () for o in order(operations, FULL, FULL, lambda o: {"a": 1, "b": 0}[o.id]))


def test_a_shared_boundary_counts_for_every_agent_that_uses_it():
    operations = [operation("wide", POLICY), operation("shared", BOUNDARY, agent=None)]
    result = order(operations, FULL, FULL, lambda o: {"wide": WIDEN, "shared": NARROW}[o.id])
    assert ids(result) == ["shared", "wide"] and result[1].depends == ("shared",)


def test_a_circle_is_an_error_that_names_its_members():
    with pytest.raises(ValueError, match="1, 2"):
        order([operation("1", ROLE, depends=("2",)), operation("2", POLICY, depends=("1",))], {}, {}, lambda _: 0)


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(st.sampled_from([ROLE, POLICY, BOUNDARY]), st.sampled_from("cud"), st.integers(0, 4)),
        max_size=12,
        unique_by=lambda t: (t[0], t[1], t[2]),
    )
)
def test_every_order_is_topological_and_complete(plan):
    operations = []
    for at, (where, action, _) in enumerate(plan):
        before, after = {"c": (ABSENT, "y"), "u": ("x", "y"), "d": ("x", ABSENT)}[action]
        operations.append(operation(str(at), where, before, after, agent=None if where == BOUNDARY else "a"))
    creating = {o.address for o in operations if o.before == ABSENT}
    deleting = {o.address for o in operations if o.after == ABSENT}
    if creating & deleting or (creating and deleting):
        return
    result = order(operations, FULL, FULL, lambda o: plan[int(o.id)][2])
    assert sorted(ids(result), key=int) == [str(at) for at in range(len(plan))]
    seen: set[str] = set()
    for item in result:
        assert set(item.depends) <= seen
        seen.add(item.id)
