"""Every call that an apply makes, each with every fault: the end is as signed, and each effect happened once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from aws_timeouts import Timeouts
from aws_workspace import agent, authority, grant, statement, tool
from provisioner_aws import provider
from provisioner_aws.faulty import denied, lost, refused, throttled, twice
from provisioner_aws.limiter import Limiter
from provisioner_aws.reader import AWSReader
from provisioner_aws.writer import AWSWriter

from provisioner.model.changes import Change, Effect, Status
from provisioner.planning.diff import compare
from provisioner.planning.order import order
from provisioner.sdk import Scope
from provisioner.sdk.errors import ProceedError

KINDS = {"aws": provider.schema().kinds}
READING = ("iam:Get", "iam:List")
EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def workspace(count: int = 8, buckets: int = 50):
    tools = [
        tool(f"t{n:02}", statement(["s3:GetObject"], [f"arn:aws:s3:::b-{n:02}-{i:03}-xxxx/*" for i in range(buckets)]))
        for n in range(count)
    ]
    return authority([agent("a")], tools, [grant(f"g{n:02}", ["a"], [f"t{n:02}"]) for n in range(count)])


@pytest.fixture
def cloud(faulty, connect):
    reader, writer = AWSReader([connect(faulty.port)]), AWSWriter([connect(faulty.port)], sleep=lambda _: None)
    for account in writer._accounts.values():
        account.limiter = Limiter(sleep=lambda _: None)
    return faulty, reader, writer


def planned(reader, desired):
    snapshot = reader.read(Scope("ws", frozenset(item.resource.address for item in desired)))
    out = []
    for number, item in enumerate(compare("ws", desired, snapshot.resources, KINDS).found, start=1):
        one = item.desired.resource if item.desired is not None else item.live
        before = item.live.attributes if item.live is not None else None
        after = item.desired.resource.attributes if item.desired is not None else None
        change = Change(
            number, item.action, one.address, "it", one.agent, None, (), {}, Effect.WIDER, (), (), "", before, after
        )
        out += [replace(operation, agent=one.agent) for operation in provider.operations(change)]
    live = {resource.address: resource for resource in snapshot.resources}
    wanted = {item.resource.address: item.resource for item in desired}
    return order(out, live, wanted, lambda operation: provider.rank(operation, True))


def lifecycle(cloud, iam, carry_out) -> Counter[str]:
    """Make, spoil, repair, take away; the operations made, by verb."""
    _, reader, _ = cloud
    desired = tuple(provider.compile(workspace()))
    made: Counter[str] = Counter()
    for spoiling, wanted in ((False, desired), (True, desired), (False, ())):
        if spoiling:
            spoil(iam)
        for operation in planned(reader, wanted):
            carry_out(operation)
            made[operation.verb] += 1
        assert planned(reader, wanted) == ()
    return made


def spoil(iam) -> None:
    boundary = "arn:aws:iam::123456789012:policy/agents/ws-boundary-agents"
    iam.put_role_policy(RoleName="ws-a", PolicyName="extra", PolicyDocument=EVERYTHING)
    arn = iam.create_policy(PolicyName="foreign", PolicyDocument=EVERYTHING)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="ws-a", PolicyArn=arn)
    iam.put_role_permissions_boundary(RoleName="ws-a", PermissionsBoundary=arn)
    iam.update_role(RoleName="ws-a", Description="changed", MaxSessionDuration=43200)
    iam.tag_role(RoleName="ws-a", Tags=[{"Key": "provisioner:address", "Value": "x"}, {"Key": "extra", "Value": "x"}])
    trust = EVERYTHING.replace('"Action":"*","Resource":"*"', '"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"')
    iam.update_assume_role_policy(RoleName="ws-a", PolicyDocument=trust)
    for _ in range(4):
        iam.create_policy_version(PolicyArn=boundary, PolicyDocument=EVERYTHING, SetAsDefault=True)


FAULTS = {
    "throttled twice": (throttled(), 2),
    "answer lost": (lost, 1),
    "arrives twice": (twice, 1),
    "a failure of the service": (refused("ServiceFailure", 500), 1),
    "moto's own failure": (refused("InternalFailure", 500, "dictionary changed size during iteration"), 2),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_end_is_as_signed(cloud, iam, fault):
    proxy, _, writer = cloud
    reply, times = FAULTS[fault]

    def carry_out(operation):
        action = operation.verb.removeprefix("iam:")
        proxy.clear()
        if (fault, action) != ("arrives twice", "AttachRolePolicy"):  # moto counts that twice; IAM does not
            proxy.on(action, reply, times=times)
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.DONE, (fault, operation.verb, outcome)

    made = lifecycle(cloud, iam, carry_out)
    assert len(made) >= 13, sorted(made)


@pytest.mark.parametrize("takes_effect", [True, False])
def test_no_answer_in_time_and_the_end_is_as_signed(faulty, connect, iam, monkeypatch, takes_effect):
    """Each writing call times out once, with its effect and without."""
    timeouts = Timeouts(monkeypatch)
    reader, writer = AWSReader([connect(faulty.port)]), AWSWriter([connect(faulty.port)], sleep=lambda _: None)
    written = set()

    def carry_out(operation):
        action = operation.verb.removeprefix("iam:")
        written.add(action)
        timeouts.on(action, 1, takes_effect=takes_effect)
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.DONE, (operation.verb, outcome)
        timeouts.clear()

    lifecycle((faulty, reader, writer), iam, carry_out)
    assert written == set(timeouts.met) and len(written) >= 13


def test_where_a_look_gets_no_answer_nothing_is_written(faulty, connect, iam, monkeypatch):
    """Each reading call of each kind of operation: failed before the write; after it not known, and never done."""
    monkeypatch.setattr("provisioner_aws.client.READ_TRIES", 2)
    timeouts = Timeouts(monkeypatch)
    reader, writer = AWSReader([connect(faulty.port)]), AWSWriter([connect(faulty.port)], sleep=lambda _: None)
    met = set()

    def carry_out(operation):
        action = operation.verb.removeprefix("iam:")
        reads = sorted(name.removeprefix("iam:") for name in operation.permissions if name.startswith(READING))
        for read in reads:
            if (action, read) in met:
                continue
            met.add((action, read))
            faulty.clear()
            timeouts.on(read, 1000)
            outcome = writer.execute(operation, lambda: None)
            timeouts.clear()
            if outcome.status in (Status.DONE, Status.ALREADY):
                assert read not in timeouts.met, "it was not needed this time"
                return
            written = action in faulty.calls
            assert outcome.status is (Status.UNKNOWN if written else Status.FAILED), (operation.verb, read, outcome)
            assert "Read timeout" in outcome.detail
            timeouts.met.clear()
        assert writer.execute(operation, lambda: None).status in (Status.DONE, Status.ALREADY)

    lifecycle((faulty, reader, writer), iam, carry_out)
    assert len(met) >= 20 and {"GetRole", "GetRolePolicy", "GetPolicyVersion"} <= {read for _, read in met}


def test_denied_or_stopped_nothing_happens(cloud, iam):
    """Each call denied by the cloud, and each stopped by the ledger just before it: no effect; then it is made."""
    proxy, _, writer = cloud

    def stop():
        raise ProceedError("rejected")

    def carry_out(operation):
        action = operation.verb.removeprefix("iam:")
        proxy.clear()
        with pytest.raises(ProceedError):
            writer.execute(operation, stop)
        assert action not in proxy.calls
        proxy.on(action, denied(), times=1)
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.FAILED and "AccessDenied" in outcome.detail
        assert writer.execute(operation, lambda: None).status is Status.DONE

    lifecycle(cloud, iam, carry_out)


def test_a_role_whose_marks_were_taken_or_forged_is_left_alone(cloud, iam):
    _, reader, writer = cloud
    desired = tuple(provider.compile(workspace(2)))
    for operation in planned(reader, desired):
        assert writer.execute(operation, lambda: None).status is Status.DONE
    more = tuple(provider.compile(workspace(3)))
    (operation,) = planned(reader, more)
    for spoilt in (
        lambda: iam.untag_role(RoleName="ws-a", TagKeys=["provisioner:workspace"]),
        lambda: iam.tag_role(
            RoleName="ws-a",
            Tags=[{"Key": "provisioner:workspace", "Value": "ws"}, {"Key": "provisioner:agent", "Value": "mallory"}],
        ),
    ):
        spoilt()
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.CONFLICT and "not touched" in outcome.detail


def test_an_unmanaged_role_of_the_name_is_no_adoption(cloud, iam):
    _, reader, writer = cloud
    desired = tuple(provider.compile(workspace(1)))
    (creation,) = [o for o in planned(reader, desired) if o.verb == "iam:CreateRole"]
    iam.create_role(RoleName="ws-a", Path="/", AssumeRolePolicyDocument=EVERYTHING)
    snapshot = reader.read(Scope("ws", frozenset(item.resource.address for item in desired)))
    (problem,) = compare("ws", desired, snapshot.resources, KINDS).diagnostics
    assert problem.is_error and "ws-a" in problem.summary
    outcome = writer.execute(creation, lambda: None)
    assert outcome.status is Status.CONFLICT and "exists already" in outcome.detail
