"""`manage`: what is not managed is told, and never written."""

from typing import Any

from provisioner.model.changes import Action, Surface
from provisioner.model.configuration import Agent, Session, Settings
from provisioner.model.resources import Address, Desired, Mark, Resource
from provisioner.planning.diff import Difference
from provisioner.planning.managing import managed, replaced
from provisioner.sdk.schema import FieldSchema, KindSchema

KINDS = {
    "cloud": {
        "role": KindSchema(
            "role",
            {"trust": FieldSchema((Surface.IDENTITY, Surface.RUNTIME)), "boundary": FieldSchema((Surface.RUNTIME,))},
            principal=True,
        ),
        "policy": KindSchema("policy", {"document": FieldSchema((Surface.TOOL_ACCESS,))}),
    }
}
ROLE, POLICY = Address("cloud", "1", "role", "r"), Address("cloud", "1", "policy", "r/p")
MARK = Mark("w", "a", "agent.a")


def agents(*manage: str) -> dict[str, Agent]:
    runtime = Settings("runtime")
    agent = Agent("agent.a", "a", None, None, "trusted", None, None, None, {}, Session(), runtime, {}, manage=manage)
    return {"a": agent}


def difference(action: Action, where: Address, live: dict[str, Any], wanted: dict[str, Any], mark: Mark | None = MARK):
    fields = tuple(name for name in {**live, **wanted} if live.get(name) != wanted.get(name))
    desired = Desired(Resource(where, wanted, "a"), "agent.a", "role") if wanted else None
    parent = ROLE if where == POLICY else None
    return Difference(action, where, desired, Resource(where, live, "a", parent, mark=mark) if live else None, fields)


def test_of_an_update_only_what_is_managed_is_left() -> None:
    update = difference(Action.UPDATE, ROLE, {"trust": "old", "boundary": "x"}, {"trust": "new", "boundary": "y"})
    found = managed([update], agents("runtime", "tool_access"), KINDS)
    assert [one.fields for one in found.found] == [("boundary",)]
    assert found.found[0].desired is not None
    assert found.found[0].desired.resource.attributes == {"trust": "old", "boundary": "y"}
    assert [(note.code, note.is_error) for note in found.observed] == [("W-OBSERVED", False)]
    assert "trust" in found.observed[0].summary
    assert update.desired is not None
    assert replaced([update.desired], found.found)[0].resource.attributes["trust"] == "old"


def test_what_touches_another_surface_is_neither_made_nor_deleted() -> None:
    new = difference(Action.CREATE, ROLE, {}, {"trust": "t", "boundary": "b"})
    gone = difference(Action.DELETE, POLICY, {"document": "d"}, {})
    assert managed([new, gone], agents("tool_access"), KINDS).found == (gone,)
    assert managed([new, gone], agents(), KINDS).found == ()
    assert len(managed([new, gone], agents(), KINDS).observed) == 2


def test_who_manages_all_is_not_touched_and_a_claim_stays() -> None:
    update = difference(Action.UPDATE, ROLE, {"trust": "old"}, {"trust": "new"})
    assert managed([update], agents("identity", "tool_access", "runtime"), KINDS).found == (update,)
    claim = difference(Action.UPDATE, ROLE, {"trust": "old"}, {"trust": "new"}, mark=None)
    assert managed([claim], agents("tool_access"), KINDS).found == (claim,)
