"""Managed policies that hold a role's grants, on the sandbox: written, read both ways, repaired, taken away."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aws_workspace import agent, authority, grant, statement, tool
from provisioner_aws import provider
from provisioner_aws.reader import AWSReader
from provisioner_aws.writer import AWSWriter

from provisioner.model.changes import Action, Change, Effect, Status
from provisioner.planning.diff import compare
from provisioner.planning.order import order
from provisioner.sdk import Scope

DOCUMENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
KINDS = {"aws": provider.schema().kinds}


def workspace(count: int = 9, bucket: str = "bucket"):
    tools = [
        tool(f"t{n:02}", statement(["s3:GetObject"], [f"arn:aws:s3:::{bucket}-{n:02}-{i:03}/*" for i in range(50)]))
        for n in range(count)
    ]
    return authority([agent("a")], tools, [grant(f"g{n:02}", ["a"], [f"t{n:02}"]) for n in range(count)])


def changes(desired, snapshot):
    """What a plan would do: (action, address, before, after)."""
    found = compare("ws", desired, snapshot.resources, KINDS).found
    return [
        (Action.CREATE if d.live is None else Action.DELETE if d.desired is None else Action.UPDATE, d.live, d.desired)
        for d in found
    ]


@pytest.fixture
def cloud(port, connect):
    return AWSReader([connect(port)]), AWSWriter([connect(port)], sleep=lambda _: None)


def scope(desired, agents=None):
    return Scope("ws", frozenset(item.resource.address for item in desired), agents)


def look(cloud, wanted):
    """A read by a reader that knows nothing of the account's size: a few agents then one by one."""
    for account in cloud[0]._accounts.values():
        account.bulk_cost = None
    return cloud[0].read(wanted)


def carry_out(cloud, desired) -> list[str]:
    """Plan and apply against the account as it is; the calls made."""
    reader, writer = cloud
    calls = []
    operations = []
    for number, (action, live, wanted) in enumerate(changes(desired, reader.read(scope(desired))), start=1):
        one = wanted.resource if wanted is not None else live
        before, after = (live.attributes if live else None), (wanted.resource.attributes if wanted else None)
        change = Change(
            number, action, one.address, "it", one.agent, None, (), {}, Effect.WIDER, (), (), "", before, after
        )
        operations += [replace(operation, agent=one.agent) for operation in provider.operations(change)]
    live = {resource.address: resource for resource in reader.read(scope(desired)).resources}
    wanted = {item.resource.address: item.resource for item in desired}
    for operation in order(operations, live, wanted, lambda operation: provider.rank(operation, True)):
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.DONE, (operation.verb, outcome)
        calls.append(operation.verb.removeprefix("iam:"))
    return calls


@pytest.fixture
def applied(cloud):
    desired = tuple(provider.compile(workspace()))
    calls = carry_out(cloud, desired)
    assert calls.count("AttachRolePolicy") == calls.count("CreatePolicy") - 1 >= 1, "one of them is the boundary"
    return desired


@pytest.mark.parametrize("agents", [None, frozenset({"a"})])
def test_no_change_afterwards(cloud, applied, agents):
    snapshot = look(cloud, scope(applied, agents))
    assert snapshot.coverage.complete
    assert changes(applied, snapshot) == []


def packs(desired):
    return [item.resource for item in desired if item.resource.address.kind == "iam_role_pack"]


@pytest.mark.parametrize("agents", [None, frozenset({"a"})])
def test_one_that_was_taken_off_the_role_is_put_back(cloud, applied, iam, agents):
    arn = packs(applied)[0].attributes["policy_arn"]
    iam.detach_role_policy(RoleName="ws-a", PolicyArn=arn)
    ((action, live, _),) = changes(applied, look(cloud, scope(applied, agents)))
    assert action is Action.UPDATE
    assert live.attributes["is_attached"] is False
    assert carry_out(cloud, applied) == ["AttachRolePolicy"]
    assert changes(applied, look(cloud, scope(applied, agents))) == []


def test_another_document_is_seen_and_the_oldest_version_goes(cloud, applied, iam):
    arn = packs(applied)[0].attributes["policy_arn"]
    loose = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=loose, SetAsDefault=True)
    assert len(iam.list_policy_versions(PolicyArn=arn)["Versions"]) == 5
    assert carry_out(cloud, applied) == ["CreatePolicyVersion"]
    versions = {version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]}
    assert versions == {"v2", "v3", "v4", "v5", "v6"}
    assert changes(applied, cloud[0].read(scope(applied))) == []


def test_fewer_grants_take_the_policies_away(cloud, applied, iam):
    fewer = tuple(provider.compile(workspace(5)))
    assert packs(fewer) == []
    calls = carry_out(cloud, fewer)
    assert calls.count("DetachRolePolicy") == calls.count("DeletePolicy") == len(packs(applied))
    assert changes(fewer, cloud[0].read(scope(fewer))) == []
    assert [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]] == ["ws-boundary-agents"]


def test_one_without_our_mark_is_not_taken_for_ours(cloud, applied, iam):
    """The name alone says nothing: an attached policy without the tags is drift, whatever it is called."""
    arn = packs(applied)[0].attributes["policy_arn"]
    iam.untag_policy(PolicyArn=arn, TagKeys=["provisioner:workspace"])
    snapshot = cloud[0].read(scope(applied))
    found = {(action, (live or wanted.resource).address.kind) for action, live, wanted in changes(applied, snapshot)}
    assert found == {(Action.DELETE, "iam_role_attachment"), (Action.CREATE, "iam_role_pack")}


def test_one_that_names_another_agent_is_not_taken_for_ours(cloud, applied, iam):
    arn = packs(applied)[0].attributes["policy_arn"]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "provisioner:agent", "Value": "mallory"}])
    kinds = {
        (live or wanted.resource).address.kind for _, live, wanted in changes(applied, cloud[0].read(scope(applied)))
    }
    assert "iam_role_attachment" in kinds


def test_a_foreign_policy_of_the_name_is_a_conflict(cloud, iam):
    desired = tuple(provider.compile(workspace()))
    (first, *_) = packs(desired)
    iam.create_policy(
        PolicyName=first.address.name.partition("/")[2],
        Path="/agents/",
        PolicyDocument=DOCUMENT,
    )
    change = Change(
        1, Action.CREATE, first.address, "it", "a", None, (), {}, Effect.WIDER, (), (), "", None, first.attributes
    )
    made, _ = provider.operations(change)
    outcome = cloud[1].execute(replace(made, agent="a"), lambda: None)
    assert outcome.status is Status.CONFLICT
    assert "exists already" in outcome.detail
