"""As test_aws_every_fault, for what stands beside the roles: instance profiles, OIDC providers, EKS, AgentCore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from aws_enforcing import Runner
from aws_runtimes import agentcore, gitlab, pods
from aws_timeouts import Timeouts
from aws_workspace import ACCOUNT, agent, authority, block
from provisioner_aws import provider
from provisioner_aws.faulty import (
    FaultyCloud,
    denied,
    lost,
    refused,
    regional_lost,
    regional_refused,
    regional_twice,
    throttled,
    twice,
)
from provisioner_aws.limiter import Limiter
from provisioner_aws.writer import AWSWriter

from provisioner.model.changes import Operation, Status
from provisioner.model.configuration import Federation

PATHS = {
    "eks:CreatePodIdentityAssociation": ("POST", "/pod-identity-associations"),
    "eks:DeletePodIdentityAssociation": ("DELETE", "/pod-identity-associations/"),
    "eks:TagResource": ("POST", "/tags/"),
    "eks:UntagResource": ("DELETE", "/tags/"),
    "bedrock-agentcore:CreateWorkloadIdentity": ("POST", "/identities/CreateWorkloadIdentity"),
    "bedrock-agentcore:UpdateWorkloadIdentity": ("POST", "/identities/UpdateWorkloadIdentity"),
    "bedrock-agentcore:DeleteWorkloadIdentity": ("POST", "/identities/DeleteWorkloadIdentity"),
    "bedrock-agentcore:TagResource": ("POST", "/tags/"),
    "bedrock-agentcore:UntagResource": ("DELETE", "/tags/"),
}
FAULTS = {
    "throttled twice": (throttled(), regional_refused("ThrottlingException", 429, "Rate exceeded"), 2),
    "answer lost": (lost, regional_lost, 1),
    "arrives twice": (twice, regional_twice, 1),
    "a failure of the service": (refused("ServiceFailure", 500), regional_refused("InternalServerException", 500), 1),
}
BESIDE = ("iam_instance_profile", "iam_oidc_provider", "eks_pod_identity_association", "bedrock_agentcore")


def workspace(namespace: str = "finance", audience: str = "acme", url: str = "https://a.example/x") -> Any:
    core = replace(agentcore(), blocks=(block("workload_identity", return_urls=(url,)),))
    agents = [
        agent("pods", pods(namespace=namespace)),
        agent("vm", block("runtime", "ec2")),
        agent("core", core),
        agent("ci", gitlab(issuer=None, federation="federation.git")),
    ]
    of = authority([replace(item, boundary=None) for item in agents])
    oidc = block("oidc", issuer="https://git.acme.example", audiences=(audience,), thumbprints=("a" * 40,))
    made = Federation("federation.git", "git", "aws", block("federation", blocks=[oidc]))
    return replace(of, configuration=replace(of.configuration, federations={made.address: made}))


@pytest.fixture
def eks(port: int) -> Any:
    made = botocore.session.Session().create_client(
        "eks",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id=f"SANDBOX{ACCOUNT}",
        aws_secret_access_key="sandbox",
    )
    made.create_cluster(name="agents-prod", roleArn=f"arn:aws:iam::{ACCOUNT}:role/x", resourcesVpcConfig={})
    return made


def lifecycle(
    faulty: FaultyCloud, connect: Any, eks: Any, carry_out: Callable[[AWSWriter, Operation], None]
) -> set[str]:
    """Make, mark falsely and put right, change, take away; the verbs of what stands beside the roles."""
    runner = Runner(faulty, connect)
    for account in runner.writer._accounts.values():
        account.limiter = Limiter(sleep=lambda _: None)
    verbs: set[str] = set()
    other = workspace("billing", "more", "https://b.example/y")
    for of in (workspace(), workspace(), other, None):
        desired = tuple(provider.compile(of)) if of is not None else ()
        for operation in runner.operations(desired):
            if operation.address.kind.startswith(BESIDE):
                verbs.add(operation.verb)
                carry_out(runner.writer, operation)
            else:
                assert runner.writer.execute(operation, lambda: None).status is Status.DONE, operation
        faulty.clear()
        assert runner.operations(desired) == ()
        for one in eks.list_pod_identity_associations(clusterName="agents-prod")["associations"]:
            eks.tag_resource(resourceArn=one["associationArn"], tags={"provisioner:address": "x", "extra": "x"})
    return verbs


def fail(faulty: FaultyCloud, operation: Operation, reply: Any, regional: Any, times: int) -> None:
    faulty.clear()
    if operation.verb in PATHS:
        faulty.on_request(*PATHS[operation.verb], regional, times)
    else:
        faulty.on(operation.verb.removeprefix("iam:"), reply, times=times)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_end_is_as_signed(fault: str, faulty: FaultyCloud, connect: Any, eks: Any) -> None:
    reply, regional, times = FAULTS[fault]

    def carry_out(writer: AWSWriter, operation: Operation) -> None:
        fail(faulty, operation, reply, regional, times)
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.DONE, (operation.verb, outcome)

    verbs = lifecycle(faulty, connect, eks, carry_out)
    assert len(verbs) >= 12, sorted(verbs)


@pytest.mark.parametrize("takes_effect", [True, False])
def test_no_answer_in_time_and_the_end_is_as_signed(
    takes_effect: bool, faulty: FaultyCloud, connect: Any, eks: Any, monkeypatch: Any
) -> None:
    timeouts = Timeouts(monkeypatch)
    written = set()

    def carry_out(writer: AWSWriter, operation: Operation) -> None:
        action = operation.verb.partition(":")[2]
        written.add(action)
        timeouts.on(action, 1, takes_effect=takes_effect)
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.DONE, (operation.verb, outcome)
        timeouts.clear()

    lifecycle(faulty, connect, eks, carry_out)
    assert written == set(timeouts.met) and len(written) >= 12


def test_denied_nothing_happens(faulty: FaultyCloud, connect: Any, eks: Any) -> None:
    def carry_out(writer: AWSWriter, operation: Operation) -> None:
        said = f"not authorized to perform: {operation.verb}"
        fail(faulty, operation, denied(), regional_refused("AccessDeniedException", 403, said), 1)
        outcome = writer.execute(operation, lambda: None)
        assert outcome.status is Status.FAILED and "AccessDenied" in outcome.detail, (operation.verb, outcome)
        assert writer.execute(operation, lambda: None).status is Status.DONE

    lifecycle(faulty, connect, eks, carry_out)
