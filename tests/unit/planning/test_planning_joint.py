"""What one call can carry out stands side by side in a plan, as far as the safe order lets it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.model.changes import Operation
from provisioner.model.resources import Address, Resource
from provisioner.planning.order import order


def operation(number: int, agent: str, place: str, depends: tuple[str, ...] = ()) -> Operation:
    address = Address("cloud", "p", "grant", f"{agent}/{place}/{number}")
    return Operation(str(number), number, address, "cloud:Set", {}, ("a",), "x", "y", depends, (), agent)


def place(one: Operation) -> str:
    return one.address.name.split("/")[1]


def worlds(operations: list[Operation]) -> dict[Address, Resource]:
    return {one.address: Resource(one.address, {"a": 1}, one.agent) for one in operations}


def test_grants_of_many_agents_on_one_place_stand_in_a_row() -> None:
    made = [operation(n, agent, where) for n, (agent, where) in
            enumerate([("a", "two"), ("a", "one"), ("b", "one"), ("b", "two"), ("c", "one")])]  # fmt: skip
    there = worlds(made)
    assert [place(one) for one in order(made, there, there, lambda _: 50)] == ["two", "one", "one", "two", "one"]
    joined = order(made, there, there, lambda _: 50, place)
    assert [place(one) for one in joined] == ["one", "one", "one", "two", "two"]


def test_a_narrowing_still_comes_first() -> None:
    made = [operation(1, "a", "one"), operation(2, "a", "two"), operation(3, "a", "one")]
    there = worlds(made)
    ranks = {"1": 50, "2": 50, "3": 20}
    assert [one.id for one in order(made, there, there, lambda o: ranks[o.id], place)] == ["3", "1", "2"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two"]), st.sampled_from([20, 50])),
                max_size=12))  # fmt: skip
def test_joining_changes_no_dependency_and_breaks_none(given_: list[tuple[str, str, int]]) -> None:
    made = [operation(n, agent, where) for n, (agent, where, _) in enumerate(given_)]
    ranks = {str(n): rank for n, (_, _, rank) in enumerate(given_)}
    there = worlds(made)
    apart = order(made, there, there, lambda o: ranks[o.id])
    joined = order(made, there, there, lambda o: ranks[o.id], place)
    assert {one.id: set(one.depends) for one in apart} == {one.id: set(one.depends) for one in joined}
    seen: set[str] = set()
    for one in joined:
        assert set(one.depends) <= seen
        seen.add(one.id)
