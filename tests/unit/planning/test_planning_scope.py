"""What -target takes in: a shared resource goes for good only when nobody else stands on it."""

import pytest

from provisioner.model.changes import Action
from provisioner.model.resources import Address, Mark, Resource
from provisioner.planning.diff import Difference
from provisioner.planning.scope import users, within

BOUNDARY = Address("cloud", "1", "boundary", "b")


def shared(action: Action) -> Difference:
    live = Resource(BOUNDARY, {}, mark=Mark("w", None, "boundary.b"))
    return Difference(action, BOUNDARY, None, live, ("document",))


def role(agent: str) -> Resource:
    return Resource(Address("cloud", "1", "role", agent), {}, agent, uses=(BOUNDARY,))


@pytest.mark.parametrize(
    ("action", "chosen", "taken"),
    [
        (Action.UPDATE, {"a"}, True),
        (Action.UPDATE, {"c"}, False),
        (Action.DELETE, {"a"}, False),
        (Action.DELETE, {"a", "b"}, True),
        (Action.DELETE, {"a", "b", "c"}, True),
    ],
)
def test_a_shared_resource(action: Action, chosen: set[str], taken: bool) -> None:
    used = users([role("a"), role("b")])
    assert within(shared(action), frozenset(chosen), used) is taken


def test_what_nobody_uses_is_no_part_of_a_target() -> None:
    assert not within(shared(Action.DELETE), frozenset({"a"}), {})
    assert within(shared(Action.DELETE), None, {})
