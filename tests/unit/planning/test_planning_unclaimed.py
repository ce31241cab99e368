"""A mark that anybody may have put on does not let a plan delete what no record says we made."""

from provisioner.model.changes import Action
from provisioner.model.resources import Address, Mark, Resource
from provisioner.planning.diff import Difference
from provisioner.planning.guards import unclaimed
from provisioner.sdk.schema import KindSchema

KINDS = {
    "cloud": {
        "role": KindSchema("role", {}, principal=True),
        "boundary": KindSchema("permissions boundary", {}, shared=True),
        "policy": KindSchema("policy", {}),
    }
}
MARK = Mark("w", "ghost", "agent.ghost")


def address(kind: str, name: str) -> Address:
    return Address("cloud", "1", kind, name)


ROLE, BOUNDARY, CHILD = address("role", "r"), address("boundary", "b"), address("policy", "r/p")
LIVE = {
    ROLE: Resource(ROLE, {}, "ghost", mark=MARK),
    BOUNDARY: Resource(BOUNDARY, {}, mark=MARK),
    CHILD: Resource(CHILD, {}, "ghost", parent=ROLE),
}


def gone(where: Address, action: Action = Action.DELETE) -> Difference:
    return Difference(action, where, None, LIVE[where], ())


def test_what_nobody_recorded_is_left_alone_with_all_that_hangs_on_it() -> None:
    kept, warnings = unclaimed([gone(ROLE), gone(CHILD), gone(BOUNDARY)], LIVE, frozenset(), KINDS)
    assert kept == []
    assert [warning.code for warning in warnings] == ["W-NOT-OURS", "W-NOT-OURS"]
    assert not any(warning.is_error for warning in warnings)


def test_what_we_made_goes() -> None:
    all_of_it = [gone(ROLE), gone(CHILD), gone(BOUNDARY)]
    assert unclaimed(all_of_it, LIVE, frozenset({ROLE, BOUNDARY}), KINDS) == (all_of_it, [])


def test_what_was_added_to_a_declared_role_goes_without_a_record() -> None:
    assert unclaimed([gone(CHILD)], LIVE, frozenset(), KINDS) == ([gone(CHILD)], [])
    change = gone(ROLE, Action.UPDATE)
    assert unclaimed([change, gone(CHILD)], LIVE, frozenset(), KINDS) == ([change, gone(CHILD)], [])
