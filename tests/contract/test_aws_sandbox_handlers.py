"""The handlers that the sandbox has beside moto, through botocore: requests, answers and refusals as AWS's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from provisioner_aws.sandbox import SandboxCloud

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/agents/ws-a"


@pytest.fixture
def client(port: int) -> Callable[..., Any]:
    def make(service: str, account: str = ACCOUNT) -> Any:
        return botocore.session.Session().create_client(
            service,
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="eu-west-1",
            aws_access_key_id=f"SANDBOX{account}",
            aws_secret_access_key="sandbox",
        )

    return make


@pytest.fixture
def eks(client):
    made = client("eks")
    made.create_cluster(name="c", roleArn=ROLE, resourcesVpcConfig={})
    return made


def code(call: Callable[..., Any], **params: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


class TestAssociations:
    def make(self, eks: Any, **more: Any) -> dict[str, Any]:
        given = {"clusterName": "c", "namespace": "n", "serviceAccount": "s", "roleArn": ROLE, "tags": {"a": "b"}}
        return eks.create_pod_identity_association(**{**given, **more})["association"]

    def test_a_life(self, eks):
        made = self.make(eks)
        which = {"clusterName": "c", "associationId": made["associationId"]}
        assert made["tags"] == {"a": "b"} and made["disableSessionTags"] is False
        (listed,) = eks.list_pod_identity_associations(clusterName="c", namespace="n")["associations"]
        assert "roleArn" not in listed and listed["associationArn"] == made["associationArn"]
        eks.tag_resource(resourceArn=made["associationArn"], tags={"c": "d"})
        eks.untag_resource(resourceArn=made["associationArn"], tagKeys=["a"])
        eks.update_pod_identity_association(**which, disableSessionTags=True)
        found = eks.describe_pod_identity_association(**which)["association"]
        assert found["tags"] == {"c": "d"} and found["disableSessionTags"] is True
        eks.delete_pod_identity_association(**which)
        assert eks.list_pod_identity_associations(clusterName="c")["associations"] == []
        assert code(eks.describe_pod_identity_association, **which) == ("ResourceNotFoundException", 404)

    def test_refusals(self, eks):
        self.make(eks)
        again = {"clusterName": "c", "namespace": "n", "serviceAccount": "s", "roleArn": ROLE}
        assert code(eks.create_pod_identity_association, **again) == ("ResourceInUseException", 409)
        assert code(eks.create_pod_identity_association, **{**again, "clusterName": "none"}) == (
            "ResourceNotFoundException",
            404,
        )
        wrong = {**again, "serviceAccount": "t"}
        assert (
            code(eks.create_pod_identity_association, **{**wrong, "roleArn": "ws-a"})[0] == "InvalidParameterException"
        )
        assert code(eks.create_pod_identity_association, **wrong, policy="{}")[0] == "InvalidParameterException"

    def test_pages(self, eks):
        for number in range(5):
            self.make(eks, serviceAccount=f"s{number}")
        pages = list(
            eks.get_paginator("list_pod_identity_associations").paginate(
                clusterName="c", PaginationConfig={"PageSize": 2}
            )
        )
        assert [len(page["associations"]) for page in pages] == [2, 2, 1]

    def test_accounts_are_apart_and_a_reset_forgets(self, eks, client, port):
        from provisioner_aws.sandbox import SandboxCloud

        self.make(eks)
        other = client("eks", "999999999999")
        other.create_cluster(name="c", roleArn=ROLE, resourcesVpcConfig={})
        assert other.list_pod_identity_associations(clusterName="c")["associations"] == []
        assert SandboxCloud().reset(port)
        assert code(eks.list_pod_identity_associations, clusterName="c")[0] == "ResourceNotFoundException"


class TestWorkloadIdentities:
    def test_a_life(self, client):
        control = client("bedrock-agentcore-control")
        url = "https://acme.example/back"
        made = control.create_workload_identity(name="ws-a", allowedResourceOauth2ReturnUrls=[url], tags={"a": "b"})
        arn = made["workloadIdentityArn"]
        assert arn == (
            f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}:workload-identity-directory/default/workload-identity/ws-a"
        )
        assert control.get_workload_identity(name="ws-a")["allowedResourceOauth2ReturnUrls"] == [url]
        control.update_workload_identity(name="ws-a", allowedResourceOauth2ReturnUrls=[])
        assert control.get_workload_identity(name="ws-a")["allowedResourceOauth2ReturnUrls"] == []
        control.tag_resource(resourceArn=arn, tags={"c": "d"})
        control.untag_resource(resourceArn=arn, tagKeys=["a"])
        assert control.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}
        assert [item["name"] for item in control.list_workload_identities()["workloadIdentities"]] == ["ws-a"]
        assert code(control.create_workload_identity, name="ws-a") == ("ConflictException", 409)
        control.delete_workload_identity(name="ws-a")
        assert code(control.get_workload_identity, name="ws-a") == ("ResourceNotFoundException", 404)
        assert code(control.list_tags_for_resource, resourceArn=arn) == ("ResourceNotFoundException", 404)

    def test_refusals_and_pages(self, client):
        control = client("bedrock-agentcore-control")
        assert code(control.create_workload_identity, name="a b c")[0] == "ValidationException"
        for number in range(25):
            control.create_workload_identity(name=f"one-{number}")
        pages = list(control.get_paginator("list_workload_identities").paginate())
        assert [len(page["workloadIdentities"]) for page in pages] == [20, 5]

    def test_the_runtimes_stay_motos(self, client):
        """Only what moto lacks is ours: a runtime is made by moto, in the same service."""
        control = client("bedrock-agentcore-control")
        assert "agentRuntimes" in control.list_agent_runtimes()


def test_client_ids_of_an_oidc_provider(iam):
    arn = iam.create_open_id_connect_provider(Url="https://id.example", ClientIDList=["a"], ThumbprintList=["a" * 40])[
        "OpenIDConnectProviderArn"
    ]
    for _ in range(2):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["a", "b"]
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["b"]
    missing = {"OpenIDConnectProviderArn": f"{arn}x", "ClientID": "b"}
    assert code(iam.add_client_id_to_open_id_connect_provider, **missing) == ("NoSuchEntity", 404)


def test_credentials_for_one_service(iam, port):
    iam.create_user(UserName="bot")
    made = [
        iam.create_service_specific_credential(UserName="bot", ServiceName="bedrock.amazonaws.com")[
            "ServiceSpecificCredential"
        ]
        for _ in range(2)
    ]
    assert made[0]["ServicePassword"] and made[0]["Status"] == "Active"
    with pytest.raises(iam.exceptions.LimitExceededException, match="ServiceSpecificCredentialsPerUser: 2"):
        iam.create_service_specific_credential(UserName="bot", ServiceName="bedrock.amazonaws.com")
    iam.create_service_specific_credential(UserName="bot", ServiceName="codecommit.amazonaws.com")
    with pytest.raises(iam.exceptions.ClientError, match="is not supported"):
        iam.create_service_specific_credential(UserName="bot", ServiceName="s3")

    def ids(**more):
        found = iam.list_service_specific_credentials(UserName="bot", **more)["ServiceSpecificCredentials"]
        return [item["ServiceSpecificCredentialId"] for item in found]

    first, second = (item["ServiceSpecificCredentialId"] for item in made)
    assert ids(ServiceName="bedrock.amazonaws.com") == [first, second] and len(ids()) == 3
    iam.delete_service_specific_credential(UserName="bot", ServiceSpecificCredentialId=first)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.delete_service_specific_credential(UserName="bot", ServiceSpecificCredentialId=first)
    assert first not in ids()
    assert SandboxCloud().reset(port)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        ids()
