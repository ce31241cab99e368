"""The policy that stops an agent: what it denies, where it is put, and that there is room for it."""

from __future__ import annotations

import json

import pytest
from provisioner_aws.aws import AWS
from provisioner_aws.limits import LIMITS
from provisioner_aws.packing import Item, pack
from provisioner_aws.policy.canonical import size
from provisioner_aws.stop import POLICY, ROOM, stop, stop_document

from provisioner.model.requests import Answer, Attempt, World
from provisioner.model.resources import Address, Coverage, Resource, Snapshot
from provisioner.sdk.provider import Stopper

AT = "2026-11-23T11:30:00Z"
ACCOUNT = "111122223333"
INLINE, MANAGED = LIMITS["inline"].most, LIMITS["managed"].most


def role(name: str, agent: str | None) -> Resource:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    attributes = {
        "arn": f"arn:aws:iam::{ACCOUNT}:role/agents/{name}",
        "path": "/agents/",
        "description": "",
        "max_session_duration": 3600,
        "trust": trust,
        "permissions_boundary": None,
        "tags": {},
    }
    return AWS().normalize(Resource(Address("aws", ACCOUNT, "iam_role", name), attributes, agent))


def policy(parent: Resource, name: str, document: object) -> Resource:
    where = Address("aws", ACCOUNT, "iam_role_policy", f"{parent.address.name}/{name}")
    attributes = {"role_arn": parent.attributes["arn"], "document": document}
    return AWS().normalize(Resource(where, attributes, parent.agent, parent=parent.address))


ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_it_goes_on_every_role_of_the_agent_and_on_no_other() -> None:
    live = [role("one", "triage"), role("two", "triage"), role("other", "other"), role("theirs", None)]
    made = stop("triage", live, AT)
    assert [found.address.name for found in made] == [f"one/{POLICY}", f"two/{POLICY}"]
    assert all(found.parent in {live[0].address, live[1].address} and found.agent == "triage" for found in made)
    assert stop("nobody", live, AT) == ()
    assert all(AWS().normalize(found) == found for found in made)


def test_the_provider_can_stop() -> None:
    provider = AWS()
    assert isinstance(provider, Stopper)
    snapshot = Snapshot((role("one", "triage"),), Coverage())
    assert len(tuple(provider.stop("triage", snapshot, AT))) == 1


@pytest.mark.parametrize("issued", ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", None])
@pytest.mark.parametrize("action", ["s3:GetObject", "iam:CreateUser", "sts:AssumeRole", "bedrock:InvokeModel"])
def test_whatever_else_allows_it_it_is_denied(issued: str | None, action: str) -> None:
    agent = role("one", "triage")
    before = {found.address: found for found in (agent, policy(agent, "admin", ADMIN))}
    context = {"aws:TokenIssueTime": issued} if issued else {}
    attempt = Attempt("triage", {"action": action, "resource": "arn:aws:s3:::b/k", "context": context})
    assert AWS().evaluate(World(before), attempt).answer is Answer.ALLOWED
    after = before | {found.address: found for found in stop("triage", before.values(), AT)}
    assert AWS().evaluate(World(after), attempt).answer is Answer.DENIED


def test_there_is_room_for_it() -> None:
    assert size(stop_document(AT)) <= ROOM
    assert len(json.dumps(stop_document(AT), separators=(",", ":"))) <= ROOM
    items = [Item(f"g{at}", "api", 1000) for at in range(10)] + [Item("last", "api", 200)]
    assert sum(item.size for item in items) <= INLINE
    found = pack(items, INLINE, MANAGED, ROOM)
    assert sum(1000 if name != "last" else 200 for name in found.inline) <= INLINE - ROOM
    assert found.overflow == 0


def test_what_cannot_be_moved_is_not_refused_for_want_of_room() -> None:
    found = pack([Item("whole", "api", INLINE, movable=False)], INLINE, MANAGED, ROOM)
    assert (found.inline, found.overflow) == (("whole",), 0)
