"""modules/aws-bootstrap: the files are what the command prints, and CloudFormation makes of them what they say."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "modules" / "aws-bootstrap"
FILES = {"cloudformation": "runner-roles.template.json", "scp": "guard.scp.json"}
PARAMETERS = {
    "OidcProviderArn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
    "PlanSubject": "repo:acme@1/agents@2:ref:refs/heads/main",
    "PlanWorkflow": "acme/agents/.github/workflows/plan.yml@refs/heads/main",
    "DriftSubject": "repo:acme@1/agents@2:ref:refs/heads/main",
    "DriftWorkflow": "acme/agents/.github/workflows/drift.yml@refs/heads/main",
    "ApplySubject": "repo:acme@1/agents@2:environment:production",
    "ApplyWorkflow": "acme/agents/.github/workflows/apply.yml@refs/heads/main",
}


def printed(*options: str) -> str:
    command = [str(Path(sys.executable).parent / "provisioner"), "permissions", *options]
    done = subprocess.run(command, cwd=ROOT / "examples" / "quickstart", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("form", FILES)
def test_the_files_are_what_the_command_prints(form):
    path = MODULE / FILES[form]
    text = printed(f"-format={form}")
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


def test_the_policies_stand_in_the_template():
    items = json.loads(printed("-for=apply"))
    template = json.loads((MODULE / FILES["cloudformation"]).read_text())
    (policy,) = template["Resources"]["ApplyRole"]["Properties"]["Policies"]
    assert [item["policy"] for item in items] == [policy["PolicyDocument"]]


def test_as_hcl_it_is_a_value_of_the_language():
    text = printed("-for=plan", "-format=hcl")
    assert text.startswith("locals {") and "iam:GetAccountAuthorizationDetails" in text


@mock_aws
def test_cloudformation_makes_three_roles_with_exact_trusts():
    cloudformation = boto3.client("cloudformation", region_name="eu-west-1")
    cloudformation.create_stack(
        StackName="runner",
        TemplateBody=(MODULE / FILES["cloudformation"]).read_text(),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()],
    )
    iam = boto3.client("iam", region_name="eu-west-1")
    for purpose in ("plan", "drift", "apply"):
        role = iam.get_role(RoleName=f"acme-sandbox-provisioner-{purpose}")["Role"]
        assert role["Path"] == "/provisioner/"
        trust = role["AssumeRolePolicyDocument"]
        trust = json.loads(trust) if isinstance(trust, str) else trust
        (statement,) = trust["Statement"]
        assert statement["Principal"] == {"Federated": PARAMETERS["OidcProviderArn"]}
        issuer = "token.actions.githubusercontent.com"
        assert statement["Condition"] == {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": PARAMETERS[f"{purpose.capitalize()}Subject"],
                f"{issuer}:job_workflow_ref": PARAMETERS[f"{purpose.capitalize()}Workflow"],
            }
        }
        document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=purpose)["PolicyDocument"]
        document = ast.literal_eval(document) if isinstance(document, str) else document  # as moto keeps it
        writes = {action for item in document["Statement"] for action in item["Action"] if ":Get" not in action}
        assert any("Put" in action for action in writes) == (purpose == "apply")
