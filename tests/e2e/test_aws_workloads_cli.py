"""Runtimes that have something beside their role, by the installed command: planned, signed, applied, drifted."""

from __future__ import annotations

from typing import Any

import pytest

EKS = """  runtime "eks_pod_identity" {
    cluster         = "arn:aws:eks:eu-west-1:123456789012:cluster/agents"
    namespace       = "finance"
    service_account = "triage"
  }"""
LAMBDA = """  runtime "lambda" {
    functions = ["invoice-triage"]
  }"""
FEDERATION = """
federation "git" {
  oidc {
    issuer    = "https://git.acme.example"
    audiences = ["https://git.acme.example"]
  }
}

agent "fixer" {
  purpose     = "Fix billing code; never merge"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "gitlab_ci" {
    federation   = federation.git
    project_path = "acme/billing"
    branch       = "main"
  }

  identity "aws" {}
}

agent "vm" {
  purpose     = "Watch the invoice printer; never print"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "ec2" {}

  identity "aws" {}
}
"""


def client(team: Any, service: str) -> Any:
    import boto3

    state = team.json("sandbox", "status")
    return boto3.client(
        service,
        endpoint_url=state["sandboxes"][0]["endpoint"],
        region_name="eu-west-1",
        aws_access_key_id="SANDBOX123456789012",
        aws_secret_access_key="sandbox",
    )


def land(team: Any) -> None:
    team.plan()
    team.sign_all()
    team.apply()


@pytest.fixture
def workloads(team: Any) -> Any:
    """Three agents beside the quickstart's: in pods, in a pipeline, on an instance."""
    client(team, "eks").create_cluster(name="agents", roleArn="arn:aws:iam::123456789012:role/x", resourcesVpcConfig={})
    team.edit("  approval {\n", "  limits {\n    max_delete_percent = 100\n  }\n\n  approval {\n", "workspace.hcl")
    team.edit(LAMBDA, EKS)
    path = team.checkout / "agents.hcl"
    path.write_text(path.read_text() + FEDERATION)
    team.commit("runtimes")
    land(team)
    return team


def differences(team: Any, check: int) -> list[dict[str, Any]]:
    return list(team.json("drift", check=check)["drift"]["differences"])


def test_a_whole_life(workloads: Any) -> None:
    """Everything is made, the next plan is empty, drift is clean; the federation goes with its block and its agent."""
    workloads.run("plan", check=0)
    assert differences(workloads, 0) == []
    iam, eks = client(workloads, "iam"), client(workloads, "eks")
    (listed,) = eks.list_pod_identity_associations(clusterName="agents")["associations"]
    assert (listed["namespace"], listed["serviceAccount"]) == ("finance", "triage")
    (profile,) = iam.list_instance_profiles()["InstanceProfiles"]
    assert [role["RoleName"] for role in profile["Roles"]] == [profile["InstanceProfileName"]]
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 1

    path = workloads.checkout / "agents.hcl"
    path.write_text(path.read_text().replace(FEDERATION, "").replace(EKS, LAMBDA))
    workloads.commit("back to the quickstart")
    land(workloads)
    workloads.run("plan", check=0)
    assert eks.list_pod_identity_associations(clusterName="agents")["associations"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_what_somebody_changes_is_drift_and_is_put_back(workloads: Any) -> None:
    eks, iam = client(workloads, "eks"), client(workloads, "iam")
    (listed,) = eks.list_pod_identity_associations(clusterName="agents")["associations"]
    which = {"clusterName": "agents", "associationId": listed["associationId"]}
    eks.update_pod_identity_association(**which, disableSessionTags=True)
    (profile,) = iam.list_instance_profiles()["InstanceProfiles"]
    role = profile["Roles"][0]["RoleName"]
    iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=role)
    iam.create_instance_profile(InstanceProfileName="theirs")
    iam.add_role_to_instance_profile(InstanceProfileName="theirs", RoleName=role)
    provider = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"][0]["Arn"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=provider, ClientID="another")

    found = [one for one in differences(workloads, 5) if one["kind"] == "out_of_band"]
    text = str(found)
    for part in ("theirs", "another", "pod_identity_association"):
        assert part in text
    land(workloads)
    assert differences(workloads, 0) == []
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)["ClientIDList"] == [
        "https://git.acme.example"
    ]
    (listed,) = eks.list_pod_identity_associations(clusterName="agents")["associations"]
    which["associationId"] = listed["associationId"]
    assert eks.describe_pod_identity_association(**which)["association"]["disableSessionTags"] is False
    assert iam.get_instance_profile(InstanceProfileName="theirs")["InstanceProfile"]["Roles"] == []
