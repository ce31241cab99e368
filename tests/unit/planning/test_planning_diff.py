"""Matching desired with live: whose is what, and what is never touched."""

from hypothesis import given
from hypothesis import strategies as st

from provisioner.model.changes import Action, Surface
from provisioner.model.resources import Address, Desired, Mark, Resource
from provisioner.planning.diff import compare
from provisioner.sdk import FieldSchema, KindSchema

KINDS = {
    "cloud": {
        "role": KindSchema(
            "role",
            {"trust": FieldSchema((Surface.IDENTITY,)), "tags": FieldSchema((Surface.IDENTITY,))},
            principal=True,
        ),
        "policy": KindSchema("policy", {"document": FieldSchema((Surface.TOOL_ACCESS,))}),
        "key": KindSchema("key", {"status": FieldSchema((Surface.IDENTITY,))}, observed=True, credential=True),
    }
}
OURS = Mark("ws", "a", "agent.a")


def address(kind: str, name: str) -> Address:
    return Address("cloud", "1", kind, name)


def role(name: str = "r", mark: Mark | None = OURS, **attributes: object) -> Resource:
    return Resource(address("role", name), {"trust": "t", "tags": {}, **attributes}, "a", mark=mark)


def policy(name: str = "r/p", document: object = "d") -> Resource:
    return Resource(address("policy", name), {"document": document}, "a", parent=address("role", name[0]))


def desired(resource: Resource) -> Desired:
    return Desired(resource, "agent.a", "thing")


def test_equal_sides_have_no_difference():
    live = [role(), policy()]
    assert compare("ws", map(desired, live), live, KINDS).found == ()


def test_missing_extra_and_changed_are_found_in_address_order():
    result = compare("ws", [desired(role(trust="new")), desired(policy("r/p"))], [role(), policy("r/extra")], KINDS)
    assert [(d.action, d.address.name, d.fields) for d in result.found] == [
        (Action.DELETE, "r/extra", ("document",)),
        (Action.CREATE, "r/p", ("document",)),
        (Action.UPDATE, "r", ("trust",)),
    ]


def test_a_resource_without_our_mark_is_refused_not_adopted():
    result = compare("ws", [desired(role(trust="new"))], [role(mark=None)], KINDS)
    assert result.found == ()
    assert [d.code for d in result.diagnostics] == ["E-FOREIGN"]
    assert "nobody" not in result.diagnostics[0].detail and "somebody else" in result.diagnostics[0].detail


def test_another_workspaces_resource_names_that_workspace():
    result = compare("ws", [desired(role())], [role(mark=Mark("other", "x", "agent.x"))], KINDS)
    assert "'other'" in result.diagnostics[0].detail


def test_what_is_not_ours_and_not_desired_is_left_alone():
    live = [role("theirs", mark=None), policy("theirs/p"), role("others", mark=Mark("other", "x", "agent.x"))]
    result = compare("ws", [], live, KINDS)
    assert result.found == () and result.diagnostics == ()


def test_observed_kinds_make_no_change():
    key = Resource(address("key", "u/AK"), {"status": "Active"}, "a", mark=OURS)
    assert compare("ws", [], [key], KINDS).found == ()


def test_a_child_whose_parent_was_not_read_is_not_ours():
    assert compare("ws", [], [policy("gone/p")], KINDS).found == ()


NAMES = st.sampled_from(["r", "s", "t"])


@given(st.dictionaries(NAMES, st.integers(0, 2)), st.dictionaries(NAMES, st.integers(0, 2)))
def test_applying_the_difference_gives_the_desired_side(wanted: dict[str, int], live: dict[str, int]):
    def build(side: dict[str, int]) -> list[Resource]:
        return [role(name, trust=trust) for name, trust in side.items()]

    result = compare("ws", map(desired, build(wanted)), build(live), KINDS)
    state = {resource.address: resource for resource in build(live)}
    for difference in result.found:
        if difference.desired is None:
            del state[difference.address]
        else:
            state[difference.address] = difference.desired.resource
    assert state == {resource.address: resource for resource in build(wanted)}
    assert compare("ws", map(desired, build(wanted)), build(wanted), KINDS).found == ()
