"""Every reading call that a plan makes gets no answer in time, one after the other: a gap, never an absence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from aws_enforcing import Runner
from aws_runtimes import agentcore, gitlab, pods
from aws_timeouts import Timeouts
from aws_workspace import ACCOUNT, agent, authority, block, grant, tool
from provisioner_aws import provider
from provisioner_aws.permissions import READS
from provisioner_aws.reader import AWSReader

from provisioner.model.configuration import Federation
from provisioner.sdk import Scope
from provisioner.sdk.errors import CloudError

EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
ELSEWHERE = {"iam:GetAccountSummary"}
"""Asked for its quotas: a plan is no less complete without them."""


def workspace() -> Any:
    core = replace(agentcore(), blocks=(block("workload_identity", return_urls=("https://a.example/x",)),))
    agents = [
        agent("a"),
        agent("pods", pods(namespace="finance")),
        agent("vm", block("runtime", "ec2")),
        agent("core", core),
        agent("ci", gitlab(issuer=None, federation="federation.git")),
    ]
    of = authority(agents, [tool("log")], [grant("logs", ["a"], ["log"])])
    oidc = block("oidc", issuer="https://git.acme.example", audiences=("acme",), thumbprints=("a" * 40,))
    made = Federation("federation.git", "git", "aws", block("federation", blocks=[oidc]))
    return replace(of, configuration=replace(of.configuration, federations={made.address: made}))


@pytest.fixture
def live(faulty: Any, connect: Any, iam: Any) -> Any:
    """Everything that a plan looks at is there; the desired resources."""
    eks = botocore.session.Session().create_client(
        "eks",
        endpoint_url=f"http://127.0.0.1:{faulty.port}",
        region_name="eu-west-1",
        aws_access_key_id=f"SANDBOX{ACCOUNT}",
        aws_secret_access_key="sandbox",
    )
    eks.create_cluster(name="agents-prod", roleArn=f"arn:aws:iam::{ACCOUNT}:role/x", resourcesVpcConfig={})
    iam.create_user(UserName="old", Tags=[{"Key": "provisioner:agent", "Value": "a"}])
    desired = tuple(provider.compile(workspace()))
    runner = Runner(faulty, connect)
    for operation in runner.operations(desired):
        assert runner.writer.execute(operation, lambda: None).status == "done"
    iam.create_policy(PolicyName="foreign", PolicyDocument=EVERYTHING)
    iam.attach_role_policy(RoleName="ws-a", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/foreign")
    return desired


def test_every_read_without_an_answer_is_told_and_nothing_is_taken_for_absent(
    live: Any, faulty: Any, connect: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("provisioner_aws.client.READ_TRIES", 2)
    timeouts = Timeouts(monkeypatch)
    reader = AWSReader([connect(faulty.port)])
    (account,) = reader._accounts.values()
    addresses = frozenset(item.resource.address for item in live)
    scopes = [Scope("ws", addresses), Scope("ws", addresses, frozenset(workspace().configuration.agents))]

    def read(scope: Scope) -> Any:
        account.bulk_cost = None  # so that a few agents are read one by one
        return reader.read(scope)

    whole = [{resource.address for resource in read(scope).resources} for scope in scopes]
    silent = []
    for permission in sorted(set(READS) - ELSEWHERE):
        action = permission.partition(":")[2]
        timeouts.on(action, 1000)
        said = []
        for scope, everything in zip(scopes, whole, strict=True):
            timeouts.met.clear()
            snapshot = read(scope)
            told = [gap.reason for gap in snapshot.coverage.gaps] + list(snapshot.coverage.not_looked_at)
            said += [line for line in told if "Read timeout" in line]
            if everything - {resource.address for resource in snapshot.resources}:
                assert not snapshot.coverage.complete, (permission, "what is there is not seen, and nothing says so")
            assert not timeouts.met or any("Read timeout" in line for line in told), permission
        silent += [permission] if not said else []
    assert silent == []


def test_where_the_caller_is_not_known_nothing_is_read(faulty: Any, connect: Any, monkeypatch: Any) -> None:
    timeouts = Timeouts(monkeypatch)
    timeouts.on("GetCallerIdentity", 1000)
    with pytest.raises(CloudError) as refused:
        AWSReader([connect(faulty.port)]).identify()
    assert "Read timeout" in refused.value.detail and refused.value.fix
    assert faulty.calls == []
