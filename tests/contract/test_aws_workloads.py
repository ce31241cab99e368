"""What ties workloads to roles, on the sandbox: the contract, what is exclusive, what is left alone, what goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from aws_runtimes import CLUSTER, agentcore, gitlab, pods
from aws_workspace import ACCOUNT, agent, authority, block
from provisioner_aws import provider
from provisioner_aws.faulty import FaultyCloud

from provisioner.model.authority import Authority
from provisioner.model.changes import Action, Change, Effect, Operation, Outcome, Status
from provisioner.model.configuration import Federation
from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource, Snapshot
from provisioner.sdk import contract
from provisioner.sdk.provider import Connection, Scope

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/git.acme.example"


def federation(audiences: tuple[str, ...] = ("https://git.acme.example",), thumbprints: tuple[str, ...] = ()) -> Any:
    oidc = block("oidc", issuer="https://git.acme.example", audiences=audiences, thumbprints=thumbprints)
    return Federation("federation.git", "git", "aws", block("federation", blocks=[oidc]))


def everything(
    namespace: str = "finance", urls: tuple[str, ...] = ("https://a.example/x",), made: Any = None, but: str = ""
) -> Authority:
    """An agent on each runtime that has something beside its role; `but` leaves one out."""
    core = replace(agentcore(), blocks=(block("workload_identity", return_urls=urls),))
    agents = [
        agent("pods", pods(namespace=namespace)),
        agent("vm", block("runtime", "ec2")),
        agent("core", core),
        agent("ci", gitlab(issuer=None, federation="federation.git")),
    ]
    of = authority([item for item in agents if item.name != but])
    found = made or federation()
    return replace(of, configuration=replace(of.configuration, federations={found.address: found}))


@pytest.fixture
def client(port: int) -> Callable[[str], Any]:
    def make(service: str) -> Any:
        return botocore.session.Session().create_client(
            service,
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="eu-west-1",
            aws_access_key_id=f"SANDBOX{ACCOUNT}",
            aws_secret_access_key="sandbox",
        )

    return make


@pytest.fixture
def eks(client: Callable[[str], Any]) -> Any:
    made = client("eks")
    made.create_cluster(name="agents-prod", roleArn=f"arn:aws:iam::{ACCOUNT}:role/x", resourcesVpcConfig={})
    return made


def case(connection: Connection, of: Authority, changed: Authority) -> contract.ContractCase:
    return contract.ContractCase(
        provider, of, changed, [connection], lambda: None, lambda: None, [connection], [connection], [connection]
    )


def read(connection: Connection, of: Authority, agents: frozenset[str] | None = None) -> Snapshot:
    desired = [item.resource.address for item in provider.compile(of)]
    return provider.reader([connection]).read(Scope("ws", frozenset(desired), agents))


def apply(connection: Connection, of: Authority) -> None:
    contract._apply(case(connection, of, of), of)


def kinds(snapshot: Snapshot, kind: str) -> list[Resource]:
    return [item for item in snapshot.resources if item.address.kind == kind]


def change(action: Action, before: Resource | None, after: Resource | None, agent_: str | None) -> Change:
    address = (before or after).address  # type: ignore[union-attr]
    return Change(
        1, action, address, "x", agent_, "b", (), {}, Effect.UNKNOWN, (), (), "",
        before.attributes if before else None, after.attributes if after else None,
    )  # fmt: skip


def run(connection: Connection, operations: tuple[Operation, ...], agent_: str | None) -> list[Outcome]:
    writer = provider.writer([connection])
    writer._sleep = lambda _: None  # type: ignore[attr-defined]
    return [writer.execute(replace(item, agent=agent_), lambda: None) for item in operations]


CHANGED = [
    pytest.param(everything(namespace="billing"), id="another namespace"),
    pytest.param(everything(urls=("https://b.example/y",)), id="another return url"),
    pytest.param(everything(made=federation(("https://git.acme.example", "more"))), id="another audience"),
    pytest.param(everything(made=federation(thumbprints=("a" * 40,))), id="a thumbprint"),
    pytest.param(everything(but="pods"), id="no pods"),
    pytest.param(everything(but="vm"), id="no instances"),
]


def test_keeps_the_contract(connection, eks):
    of = everything()
    found = case(connection, of, of)
    contract.check_schema(found)
    contract.check_compile(found)
    contract.check_round_trip(found)


@pytest.mark.parametrize("changed", CHANGED)
def test_every_change_is_carried_out_and_everything_goes(connection, eks, changed):
    contract.check_update(case(connection, everything(), changed))
    left = read(connection, everything())
    assert [item.address for item in left.resources] == []


def test_a_read_without_change_takes_a_call_for_each_page_and_each_association(connection, eks):
    """Bulk read, ListRoles, OIDC providers (list, one get), boundary tags, cluster (list, describe), AgentCore (list,
    get, tags)."""
    apply(connection, everything())
    found = read(connection, everything())
    assert found.coverage.complete
    assert found.coverage.calls == {f"aws:{ACCOUNT}": 10}


def test_more_agents_on_one_cluster_take_one_describe_each(connection, eks):
    def of(count: int) -> Authority:
        return authority([agent(f"a{n}", pods(service_account=f"s{n}")) for n in range(count)])

    apply(connection, of(1))
    one = sum(read(connection, of(1)).coverage.calls.values())
    apply(connection, of(4))
    assert sum(read(connection, of(4)).coverage.calls.values()) == one + 3


def test_a_foreign_profile_that_holds_the_role_is_taken_off_and_left(connection, eks, iam):
    of = everything()
    apply(connection, of)
    iam.remove_role_from_instance_profile(InstanceProfileName="ws-vm", RoleName="ws-vm")
    iam.create_instance_profile(InstanceProfileName="theirs")
    iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName="ws-vm")
    (found,) = kinds(read(connection, of), "iam_instance_profile")
    assert found.address.name == "ws-vm/theirs"
    assert found.agent == "vm" and str(found.parent).endswith("iam_role:ws-vm")
    made = provider.operations(change(Action.DELETE, found, None, "vm"))
    assert [item.verb for item in made] == ["iam:RemoveRoleFromInstanceProfile"]
    assert [item.status for item in run(connection, made, "vm")] == [Status.DONE]
    assert iam.get_instance_profile(InstanceProfileName="theirs")["InstanceProfile"]["Roles"] == []
    assert kinds(read(connection, of), "iam_instance_profile") == []


def test_an_empty_profile_of_somebody_else_under_our_name_is_not_used(connection, eks, iam):
    """Whoever made it may have instances that run with it, without ever having been allowed to pass the role."""
    apply(connection, everything(but="vm"))
    iam.create_instance_profile(InstanceProfileName="ws-vm", Path="/agents/")
    of = everything()
    writer = provider.writer([connection])
    outcomes = []
    for item in provider.compile(of):
        if item.resource.agent == "vm":
            made = provider.operations(change(Action.CREATE, None, item.resource, "vm"))
            outcomes += [writer.execute(replace(one, agent="vm"), lambda: None) for one in made]
    assert [item.status for item in outcomes] == [Status.DONE, Status.CONFLICT, Status.CONFLICT]
    assert iam.get_instance_profile(InstanceProfileName="ws-vm")["InstanceProfile"]["Roles"] == []


def test_a_profile_cut_short_is_finished(connection, eks, iam):
    of = everything()
    apply(connection, of)
    iam.remove_role_from_instance_profile(InstanceProfileName="ws-vm", RoleName="ws-vm")
    assert kinds(read(connection, of), "iam_instance_profile") == []
    desired = next(d.resource for d in provider.compile(of) if d.resource.address.kind == "iam_instance_profile")
    made = provider.operations(change(Action.CREATE, None, desired, "vm"))
    assert [item.status for item in run(connection, made, "vm")] == [Status.ALREADY, Status.DONE]
    assert [item.address for item in kinds(read(connection, of), "iam_instance_profile")] == [desired.address]


def test_an_association_of_somebody_else_is_seen_and_not_touched(connection, eks):
    of = everything()
    eks.create_pod_identity_association(
        clusterName="agents-prod",
        namespace="finance",
        serviceAccount="triage",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/theirs",
    )
    (found,) = kinds(read(connection, of), "eks_pod_identity_association")
    assert found.mark is None and found.agent is None
    assert found.attributes["role_arn"].endswith("role/theirs")
    desired = next(d.resource for d in provider.compile(of) if d.resource.address == found.address)
    made = provider.operations(change(Action.UPDATE, found, desired, "pods"))
    assert [item.status for item in run(connection, made[:1], "pods")] == [Status.CONFLICT]
    assert len(eks.list_pod_identity_associations(clusterName="agents-prod")["associations"]) == 1


@pytest.mark.parametrize("drift", [{"disableSessionTags": True}, {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/other"}])
def test_a_changed_association_is_drift_and_is_put_back(connection, eks, drift):
    of = everything()
    apply(connection, of)
    (listed,) = eks.list_pod_identity_associations(clusterName="agents-prod")["associations"]
    eks.update_pod_identity_association(clusterName="agents-prod", associationId=listed["associationId"], **drift)
    contract.check_update(case(connection, of, everything(namespace="billing")))


def test_an_association_that_the_agent_left_is_found_by_its_trust(connection, eks):
    """The namespace changes: the old association is ours, is in no configuration, and must go."""
    apply(connection, everything())
    moved = everything(namespace="billing")
    names = {item.address.name for item in kinds(read(connection, moved), "eks_pod_identity_association")}
    assert names == {f"{CLUSTER}/finance/triage"}


def test_a_cluster_that_is_not_there_is_a_gap_of_its_agents(connection, port):
    found = read(connection, everything())
    assert [gap.permission for gap in found.coverage.gaps] == [None]
    assert "No cluster found" in found.coverage.gaps[0].reason


def test_a_denied_listing_is_a_gap_that_names_the_permission(port, connect, eks):
    apply(connect(port), everything())
    with FaultyCloud(port) as cloud:
        cloud.on_path("/pod-identity-associations", 403, "AccessDeniedException", "not authorized")
        found = read(connect(cloud.port), everything())
    (gap,) = found.coverage.gaps
    assert gap.permission == "eks:ListPodIdentityAssociations"
    assert gap.agents == ("pods",)


def test_an_oidc_provider_of_the_account_is_not_ours(connection, eks, iam):
    iam.create_open_id_connect_provider(
        Url="https://git.acme.example", ClientIDList=["https://git.acme.example"], ThumbprintList=["a" * 40]
    )
    found = read(connection, everything())
    (provider_,) = kinds(found, "iam_oidc_provider")
    assert provider_.mark is None and provider_.attributes["thumbprints"] == []
    desired = next(d.resource for d in provider.compile(everything()) if d.resource.address == provider_.address)
    made = provider.operations(change(Action.CREATE, None, desired, None))
    assert [item.status for item in run(connection, made, None)] == [Status.CONFLICT]


def test_a_thumbprint_that_somebody_adds_is_drift_where_some_are_declared(connection, eks, iam):
    of = everything(made=federation(thumbprints=("a" * 40,)))
    apply(connection, of)
    iam.update_open_id_connect_provider_thumbprint(
        OpenIDConnectProviderArn=PROVIDER, ThumbprintList=["a" * 40, "b" * 40]
    )
    (found,) = kinds(read(connection, of), "iam_oidc_provider")
    assert found.attributes["thumbprints"] == ["a" * 40, "b" * 40]
    desired = next(d.resource for d in provider.compile(of) if d.resource.address == found.address)
    made = provider.operations(change(Action.UPDATE, found, desired, None))
    assert [item.verb for item in made] == ["iam:UpdateOpenIDConnectProviderThumbprint"]
    assert [item.status for item in run(connection, made, None)] == [Status.DONE]


def test_a_forged_parameter_is_refused_before_anything_is_sent(connection, eks):
    of = everything()
    apply(connection, everything(but="pods"))
    desired = next(
        d.resource for d in provider.compile(of) if d.resource.address.kind == "eks_pod_identity_association"
    )
    (made,) = provider.operations(change(Action.CREATE, None, desired, "pods"))
    for forged in (
        {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/admin"},
        {"namespace": "kube-system"},
        {"disableSessionTags": True},
        {"policy": "{}"},
    ):
        (outcome,) = run(connection, (replace(made, params={**made.params, **forged}),), "pods")
        assert outcome.status is Status.FAILED and "nothing was written" in outcome.detail
    assert eks.list_pod_identity_associations(clusterName="agents-prod")["associations"] == []


EFFECTS = [
    ("iam_instance_profile", Effect.WIDER, "EC2 instances that are given instance profile ws-vm become this agent"),
    ("eks_pod_identity_association", Effect.WIDER, "pods of service account finance/triage in agents-prod get the"),
    ("bedrock_agentcore_workload_identity", Effect.WIDER, "AgentCore in eu-west-1 knows the workload identity ws-core"),
    ("iam_oidc_provider", Effect.WIDER, "roles that trust git.acme.example admit its tokens"),
]


@pytest.mark.parametrize(("kind", "effect", "says"), EFFECTS)
def test_what_a_change_means(kind, effect, says):
    resource = next(d.resource for d in provider.compile(everything()) if d.resource.address.kind == kind)
    world = World({}, None)
    made = provider.assess(change(Action.CREATE, None, resource, None), world, world)
    gone = provider.assess(change(Action.DELETE, resource, None, None), world, world)
    assert made.effect is effect and made.can[0].startswith(says)
    assert gone.effect is Effect.NARROWER and gone.cannot == made.can


def test_what_a_change_of_lists_means():
    world = World({}, None)
    one, two = everything(), everything(made=federation(("https://git.acme.example", "more")))

    def of(item: Authority, kind: str) -> Resource:
        return next(d.resource for d in provider.compile(item) if d.resource.address.kind == kind)

    old, new = of(one, "iam_oidc_provider"), of(two, "iam_oidc_provider")
    wider = provider.assess(change(Action.UPDATE, old, new, None), world, world)
    narrower = provider.assess(change(Action.UPDATE, new, old, None), world, world)
    assert wider.effect is Effect.WIDER and wider.can == (
        "roles that trust git.acme.example admit tokens for the audience more",
    )
    assert narrower.effect is Effect.NARROWER
    stranger = replace(old, attributes={**old.attributes, "tags": {**old.attributes["tags"], "team": "x"}})
    assert provider.assess(change(Action.UPDATE, stranger, old, None), world, world).effect is Effect.UNKNOWN


def test_the_addresses_are_of_the_cloud():
    found = {str(d.resource.address) for d in provider.compile(everything())}
    assert str(Address("aws", ACCOUNT, "iam_oidc_provider", PROVIDER)) in found
    assert f"aws:{ACCOUNT}:eks_pod_identity_association:{CLUSTER}/finance/triage" in found
    assert f"aws:{ACCOUNT}:bedrock_agentcore_workload_identity:eu-west-1/ws-core" in found
    assert f"aws:{ACCOUNT}:iam_instance_profile:ws-vm/ws-vm" in found
