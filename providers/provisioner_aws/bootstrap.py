"""What sets the runner's roles up: a CloudFormation template, and the guard as a service control policy.

The language of this tool makes agents, not the roles that run it: who may change the runner must not be decided by the
runner. So these come as the cloud's own documents, to be deployed by whoever owns the account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.resources import Desired

from . import names, schema
from .compile import aws_agents, role_path
from .permissions import permissions
from .trust import VERSION

PURPOSES = ("plan", "drift", "apply")


def bootstrap(authority: Authority, desired: Sequence[Desired], form: str) -> Mapping[str, Any]:
    """Documents by account (`cloudformation`), or one for the organisation (`scp`); nothing for another form."""
    if form == "scp":
        return {"organisation": guard(authority)}
    if form == "cloudformation":
        return templates(authority, desired)
    return {}


def templates(authority: Authority, desired: Sequence[Desired]) -> Mapping[str, Any]:
    """One template for each account: three roles, each assumed by one subject of one OIDC provider and nobody else."""
    by_account: dict[str, dict[str, Any]] = {}
    for purpose in PURPOSES:
        for policy in permissions(authority, desired, purpose):
            account = policy.target.rpartition(" ")[2]
            by_account.setdefault(account, {})[purpose] = policy.document
    return {account: _template(authority.workspace, documents) for account, documents in by_account.items()}


def _template(workspace: str, documents: Mapping[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "OidcProviderArn": {
            "Type": "String",
            "Description": "ARN of the account's OIDC provider for the CI system.",
            "AllowedPattern": "arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/.+",
        },
        "OidcIssuer": {
            "Type": "String",
            "Description": "The issuer without https://, as in the provider's ARN.",
            "Default": "token.actions.githubusercontent.com",
        },
    }
    resources, outputs = {}, {}
    for purpose, document in documents.items():
        name = purpose.capitalize()
        parameters[f"{name}Subject"] = {
            "Type": "String",
            "Description": f"The exact `sub` of the job that runs {purpose}"
            + ("; name a protected environment." if purpose == "apply" else "."),
            "AllowedPattern": "[^*?]+",
        }
        parameters[f"{name}Workflow"] = {
            "Type": "String",
            "Description": f"The exact `job_workflow_ref` of the workflow that runs {purpose}.",
            "AllowedPattern": "[^*?]+",
        }
        resources[f"{name}Role"] = _role(workspace, purpose, document)
        outputs[f"{name}RoleArn"] = {"Value": {"Fn::GetAtt": [f"{name}Role", "Arn"]}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Roles that plan, watch and apply the workspace {workspace}; each with what it needs.",
        "Parameters": parameters,
        "Resources": resources,
        "Outputs": outputs,
    }


def _role(workspace: str, purpose: str, document: Mapping[str, Any]) -> dict[str, Any]:
    name = purpose.capitalize()
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": runner_role(workspace, purpose),
            "Path": RUNNER_PATH,
            "Description": f"provisioner {purpose} of {workspace}",
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": {"Fn::Sub": _trust_text(name)},
            "Policies": [{"PolicyName": purpose, "PolicyDocument": dict(document)}],
        },
    }


RUNNER_PATH = "/provisioner/"
"""Not the agents' path: what may change agents must not be able to change itself."""


def runner_role(workspace: str, purpose: str) -> str:
    """The name of one of the runner's roles."""
    return names.role_name(workspace, f"provisioner-{purpose}")


def _trust_text(name: str) -> str:
    """The trust as text with substitutions: CloudFormation has no substitution in the keys of a document.

    The exact subject and the exact workflow, both: a branch name alone lets every workflow of the branch in.
    """
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",'
        '"Principal":{"Federated":"${OidcProviderArn}"},"Condition":{"StringEquals":{'
        '"${OidcIssuer}:aud":"sts.amazonaws.com",'
        f'"${{OidcIssuer}}:sub":"${{{name}Subject}}",'
        f'"${{OidcIssuer}}:job_workflow_ref":"${{{name}Workflow}}"'
        "}}}]}"
    )


def guard(authority: Authority) -> dict[str, Any]:
    """Deny everybody but the apply role to write what is ours. A service control policy does not hold for the
    organisation's management account.

    Reads stay. Sessions of the agents themselves are denied too: an agent never changes itself.
    """
    workspace = authority.workspace
    prefix = f"{workspace}-"[: names.ROLE_NAME_LIMIT - 9]
    paths = sorted({schema.ROLE_PATH, *(role_path(agent) for agent in aws_agents(authority))})
    roles = [f"arn:*:iam::*:role{path}{prefix}*" for path in paths]
    policies = [f"arn:*:iam::*:policy{schema.ROLE_PATH}{prefix}*"]
    profiles = [f"arn:*:iam::*:instance-profile{path}{prefix}*" for path in paths]
    runners = [f"arn:*:iam::*:role{RUNNER_PATH}{runner_role(workspace, purpose)}" for purpose in PURPOSES]
    apply_role = f"arn:*:iam::*:role{RUNNER_PATH}{runner_role(workspace, 'apply')}"
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "OnlyTheRunnerChangesAgents",
                "Effect": "Deny",
                "Action": list(WRITES),
                "Resource": [*roles, *policies, *profiles],
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": [apply_role]}},
            },
            {
                "Sid": "TheRunnerDoesNotChangeItself",
                "Effect": "Deny",
                "Action": list(WRITES),
                "Resource": runners,
                "Condition": {"ArnLike": {"aws:PrincipalArn": [*runners, *roles]}},
            },
        ],
    }


WRITES = (
    "iam:AddRoleToInstanceProfile",
    "iam:Attach*",
    "iam:Create*",
    "iam:Delete*",
    "iam:Detach*",
    "iam:PassRole",
    "iam:Put*",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:SetDefaultPolicyVersion",
    "iam:Tag*",
    "iam:Untag*",
    "iam:Update*",
)
