"""As test_aws_permissions, for what stands beside the role: EKS, AgentCore, EC2 and OIDC providers of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from aws_enforcing import EnforcingCloud, Runner
from aws_runtimes import agentcore, gitlab, pods
from aws_workspace import ACCOUNT, agent, authority, block
from provisioner_aws import provider, schema
from provisioner_aws.permissions import APPLY_READS, READS

from provisioner.model.authority import Authority
from provisioner.model.configuration import Federation
from provisioner.sdk import Scope

CLUSTER = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/agents-prod"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/git.acme.example"
EKS = frozenset(
    f"eks:{name}"
    for name in [
        "CreatePodIdentityAssociation",
        "DeletePodIdentityAssociation",
        "DescribePodIdentityAssociation",
        "ListPodIdentityAssociations",
        "TagResource",
        "UntagResource",
    ]
)


def workspace(namespace: str = "finance", audience: str = "acme", url: str = "https://a.example/x") -> Authority:
    """An agent on each runtime that has something beside its role, and an OIDC provider of ours."""
    core = replace(agentcore(), blocks=(block("workload_identity", return_urls=(url,)),))
    of = authority(
        [
            agent("pods", pods(namespace=namespace)),
            agent("vm", block("runtime", "ec2")),
            agent("core", core),
            agent("ci", gitlab(issuer=None, federation="federation.git")),
        ]
    )
    oidc = block("oidc", issuer="https://git.acme.example", audiences=(audience,), thumbprints=("a" * 40,))
    made = Federation("federation.git", "git", "aws", block("federation", blocks=[oidc]))
    return replace(of, configuration=replace(of.configuration, federations={made.address: made}))


def policy(of: Authority, purpose: str) -> Any:
    (found,) = provider.permissions(of, tuple(provider.compile(of)), purpose)
    return found.document


def actions(document: Any) -> set[str]:
    return {action for item in document["Statement"] for action in item["Action"]}


def desired(of: Authority) -> Any:
    return tuple(provider.compile(of))


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


@pytest.fixture
def cloud(port: int, iam: Any, eks: Any) -> Any:
    with EnforcingCloud(port, iam, eks=eks) as proxy:
        yield proxy


def spoil(iam: Any, eks: Any) -> None:
    """What somebody with too many rights can do to what is beside the roles."""
    (one,) = eks.list_pod_identity_associations(clusterName="agents-prod")["associations"]
    eks.tag_resource(resourceArn=one["associationArn"], tags={"provisioner:address": "x", "extra": "x"})
    tags = [{"Key": "provisioner:address", "Value": "x"}, {"Key": "extra", "Value": "x"}]
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER, Tags=tags)
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER, ClientID="theirs")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=PROVIDER, ThumbprintList=["b" * 40])
    agentcore_ = botocore.session.Session().create_client(
        "bedrock-agentcore-control",
        endpoint_url=iam.meta.endpoint_url,
        region_name="eu-west-1",
        aws_access_key_id=f"SANDBOX{ACCOUNT}",
        aws_secret_access_key="sandbox",
    )
    arn = agentcore_.get_workload_identity(name="ws-core")["workloadIdentityArn"]
    agentcore_.tag_resource(resourceArn=arn, tags={"provisioner:address": "x", "extra": "x"})


def test_with_the_printed_policies_alone_everything_works_and_each_action_is_needed(cloud, connect, iam, eks):
    of = workspace()
    runner = Runner(cloud, connect)
    cloud.policy = policy(of, "apply")
    runner.apply(desired(of))
    spoil(iam, eks)
    runner.apply(desired(of))
    assert runner.operations(desired(of)) == ()
    for other in (workspace(namespace="billing", audience="more", url="https://b.example/y"), of):
        runner.apply(desired(other))
    runner.apply(())
    assert iam.list_roles()["Roles"] == [] and iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert eks.list_pod_identity_associations(clusterName="agents-prod")["associations"] == []
    runner.apply(desired(of))
    runner.release(desired(of), schema.INSTANCE_PROFILE)
    beside = {action for action in actions(cloud.policy) if not action.startswith("iam:")}
    beside |= {action for action in actions(cloud.policy) if "InstanceProfile" in action or "OpenID" in action}
    beside |= {"iam:PassRole"}
    unneeded = beside - {*READS, *APPLY_READS} - runner.needed
    # IAM keeps a profile's tags out of every bulk read, so nothing is seen that could be put back.
    assert unneeded == set(), sorted(unneeded)
    assert runner.needed >= EKS - {"eks:ListPodIdentityAssociations", "eks:DescribePodIdentityAssociation"}


def test_a_plan_and_a_drift_run_need_each_of_their_reads_and_name_the_one_that_lacks(cloud, connect, iam, eks):
    of = workspace()
    Runner(cloud, connect).apply(desired(of))
    cloud.policy = policy(of, "plan")
    assert actions(cloud.policy) <= actions(policy(of, "drift"))
    addresses = frozenset(item.resource.address for item in desired(of))
    assert provider.reader([connect(cloud.port)]).read(Scope("ws", addresses)).coverage.complete
    beside = sorted(action for action in cloud.used if not action.startswith("iam:") or "OpenID" in action)
    assert len(beside) == 7
    for action in beside:
        cloud.withheld = frozenset({action})
        coverage = provider.reader([connect(cloud.port)]).read(Scope("ws", addresses)).coverage
        assert any(action in f"{gap.permission} {gap.reason}" for gap in coverage.gaps), action


class TestScope:
    def statement(self, action: str) -> Any:
        (found,) = [item for item in policy(workspace(), "apply")["Statement"] if action in item["Action"]]
        return found

    def test_an_association_is_made_on_a_cluster_that_is_named(self):
        found = self.statement("eks:CreatePodIdentityAssociation")
        assert found["Resource"] == [CLUSTER]
        assert found["Condition"] == {"StringEquals": {"aws:RequestTag/provisioner:workspace": ["ws"]}}

    def test_nothing_else_of_eks_can_be_tagged(self):
        resources = self.statement("eks:TagResource")["Resource"]
        assert resources == [f"arn:aws:eks:eu-west-1:{ACCOUNT}:podidentityassociation/*/*"]

    def test_only_a_declared_provider_is_made_or_marked_and_only_a_marked_one_changed(self):
        assert self.statement("iam:TagOpenIDConnectProvider")["Resource"] == [PROVIDER]
        found = self.statement("iam:AddClientIDToOpenIDConnectProvider")
        assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/provisioner:workspace": ["ws"]}}

    def test_a_workload_identity_has_a_name_of_the_workspace(self):
        directory = f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}:workload-identity-directory/default"
        found = self.statement("bedrock-agentcore:UpdateWorkloadIdentity")
        assert found["Resource"] == [directory, f"{directory}/workload-identity/ws-*"]

    def test_a_role_is_passed_to_the_services_in_use_alone(self):
        found = self.statement("iam:PassRole")
        assert found["Condition"] == {
            "StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "pods.eks.amazonaws.com"]}
        }

    def test_somebody_elses_association_is_out_of_reach(self, cloud, connect, eks):
        made = eks.create_pod_identity_association(
            clusterName="agents-prod",
            namespace="theirs",
            serviceAccount="theirs",
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/theirs",
        )["association"]
        cloud.policy = policy(workspace(), "apply")
        (account,) = provider.writer([connect(cloud.port)])._accounts.values()
        with pytest.raises(Exception, match="not authorized to perform: eks:DeletePodIdentityAssociation"):
            account.write_in(
                "eks",
                "eu-west-1",
                "delete_pod_identity_association",
                clusterName="agents-prod",
                associationId=made["associationId"],
            )
