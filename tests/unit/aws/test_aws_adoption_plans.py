"""Imports and removals in a draft of a plan: what is claimed, let go of, refused, and left to the next plan."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from aws_workspace import ACCOUNT, agent, authority, block
from provisioner_aws import provider, schema

from provisioner.model.authority import Authority
from provisioner.model.changes import Action, Effect
from provisioner.model.configuration import Import, Limits, Removed
from provisioner.model.resources import Address, Coverage, Mark, Resource, Snapshot
from provisioner.planning.planner import Draft, Judges, draft

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
READS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}]}
ROLE = Address("aws", ACCOUNT, schema.ROLE, "legacy")
CHILD = Address("aws", ACCOUNT, schema.ROLE_POLICY, "legacy/reads")


def configured(imports: Iterable[Import] = (Import("poc", "aws", "legacy"),), **identity: Any) -> Authority:
    runtime = block("runtime", "adopted", trust=json.dumps(TRUST))
    policy = block("policy", "reads", document=json.dumps(READS))
    own = block("identity", "aws", blocks=(policy,), role_name="legacy", path="/", description="", **identity)
    made = agent("poc", runtime, boundary=None)
    made = replace(made, identities={"aws": replace(made.identities["aws"], settings=own)})
    found = authority([made])
    return replace(found, configuration=replace(found.configuration, imports=tuple(imports)))


def live(of: Authority, mark: Mark | None = None) -> dict[Address, Resource]:
    """What the configuration describes, as it is in the cloud before anybody marked it."""
    found: dict[Address, Resource] = {}
    for item in provider.compile(of):
        resource = replace(item.resource, agent=mark.agent if mark and mark.workspace == "ws" else None, needs=())
        if resource.address == ROLE and mark is None:
            resource = replace(resource, attributes=provider.with_mark(schema.ROLE, resource.attributes, None))
        found[resource.address] = replace(resource, mark=mark if resource.parent is None else None)
    return found


def drafted(
    of: Authority, there: dict[Address, Resource], made: Iterable[Address] = (), scope: tuple[str, ...] = ()
) -> Draft:
    judges = Judges(lambda surface, agent: f"{surface}_owner", Limits(), ())
    snapshot = Snapshot(tuple(there.values()), Coverage())
    desired = tuple(provider.compile(of))
    return draft(of.configuration, {"aws": of}, {"aws": provider}, desired, {"aws": snapshot}, judges, scope,
                 frozenset(made))  # fmt: skip


def codes(made: Draft) -> list[str]:
    return [problem.code for problem in made.problems]


def changed(there: dict[Address, Resource], address: Address, **attributes: Any) -> dict[Address, Resource]:
    old = there[address]
    return {**there, address: replace(old, attributes={**old.attributes, **attributes})}


def test_a_claim_is_made_of_what_is_there_and_of_nothing_else() -> None:
    made = drafted(configured(), live(configured()))
    assert codes(made) == []
    assert [(change.address, change.action, change.effect) for change in made.changes] == [
        (ROLE, Action.CLAIM, Effect.EQUAL),
        (CHILD, Action.CLAIM, Effect.EQUAL),
    ]
    assert [operation.verb for operation in made.operations] == ["iam:TagRole"]
    (world,) = made.worlds
    assert {state.address for state in world.resources} == {str(ROLE), str(CHILD)}
    changed_states = [state.address for state in world.resources if state.before != state.after]
    assert changed_states == [str(ROLE)]
    assert dict(made.changes[0].owners) == {"identity": "identity_owner", "governance": "governance_owner"}


def test_what_is_ours_already_is_not_claimed_again() -> None:
    ours = Mark("ws", "poc", "agent.poc")
    made = drafted(configured(), live(configured(), ours))
    assert (made.changes, codes(made)) == ((), [])


def test_nothing_to_import_is_an_error_once_and_a_new_role_after_it_was_deleted() -> None:
    assert "E-IMPORT-ABSENT" in codes(drafted(configured(), {}))
    made = drafted(configured(), {}, made=[ROLE])
    assert codes(made) == [] and {change.action for change in made.changes} == {Action.CREATE}


def test_nobody_s_mark_is_taken() -> None:
    for mark, said in (
        (Mark("other", "poc", "agent.poc"), "release it first"),
        (Mark("ws", "else", "agent.else"), "moved"),
    ):
        made = drafted(configured(), live(configured(), mark))
        (problem,) = [problem for problem in made.problems if problem.code == "E-IMPORT-TAKEN"]
        assert said in problem.detail
        assert all(change.action is not Action.CLAIM for change in made.changes)


def test_what_would_change_authority_refuses_the_import_and_is_named() -> None:
    there = live(configured())
    extra = Address("aws", ACCOUNT, schema.ROLE_POLICY, "legacy/more")
    wider = {**there, extra: replace(there[CHILD], address=extra, attributes={**there[CHILD].attributes,
             "document": json.loads(json.dumps(READS).replace("s3:Get", "s3:Put"))})}  # fmt: skip
    for found, named in (
        (wider, "delete inline policy"),
        ({ROLE: there[ROLE]}, "create old policy reads"),
        (changed(there, ROLE, max_session_duration=7200), "max_session_duration"),
        (changed(there, ROLE, permissions_boundary=f"arn:aws:iam::{ACCOUNT}:policy/x"), "permissions_boundary"),
        (changed(there, ROLE, tags={"clearance": "high"}), "(tags): unknown"),
    ):
        (problem,) = drafted(configured(), found).problems
        assert problem.code == "E-IMPORT-CHANGES" and named in problem.detail
        assert "discover -role legacy" in problem.detail


def test_what_allows_nothing_is_left_to_the_next_plan() -> None:
    made = drafted(configured(), changed(live(configured()), ROLE, description="For orders"))
    assert codes(made) == ["W-IMPORT-NEXT"] and not made.problems[0].is_error
    assert [change.fields for change in made.changes] == [("tags",), ()]


def test_an_import_outside_of_the_target_waits() -> None:
    of = configured()
    other = agent("b", boundary=None)
    both = replace(of, configuration=replace(of.configuration, agents={**of.configuration.agents, "b": other}))
    made = drafted(both, live(of), scope=("agent.b",))
    assert {change.agent for change in made.changes} == {"b"}


def test_a_removed_block_turns_deletions_into_a_release() -> None:
    ours = live(configured(), Mark("ws", "poc", "agent.poc"))
    ours[ROLE] = replace(ours[ROLE], attributes=dict(ours[ROLE].attributes))
    none = authority([])
    for removed, action in ((Removed("agent.poc"), Action.RELEASE), (Removed("agent.poc", None, True), Action.DELETE)):
        of = replace(none, configuration=replace(none.configuration, removed=(removed,)))
        made = drafted(of, ours, made=[ROLE])
        assert {change.action for change in made.changes} == {action}
    of = replace(none, configuration=replace(none.configuration, removed=(Removed("agent.poc"),)))
    made = drafted(of, ours)
    assert [operation.verb for operation in made.operations] == ["iam:UntagRole"]
    assert made.after[ROLE].agent is None and made.after[CHILD].agent is None
    keyed = replace(ours[ROLE], mark=Mark("ws", "poc", 'agent.poc["eu"]'))
    assert {change.action for change in drafted(of, {**ours, ROLE: keyed}).changes} == {Action.RELEASE}


def test_a_removed_block_that_names_nothing_is_told_and_one_of_a_grant_is_refused() -> None:
    none = authority([])
    blocks = (Removed("agent.gone"), Removed("grant.reads"))
    of = replace(none, configuration=replace(none.configuration, removed=blocks))
    assert codes(drafted(of, {})) == ["W-REMOVED-NOTHING", "E-RELEASE"]
