"""One sample of every AWS runtime, with the claims of its own workload: for tests that go over all of them."""

from __future__ import annotations

from typing import Any

from aws_workspace import ACCOUNT, ECS, LAMBDA, block, github

CLUSTER = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/agents-prod"
EKS_ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
UUID = "11111111-2222-4333-8444-555555555555"
ANCHOR = f"arn:aws:rolesanywhere:eu-west-1:{ACCOUNT}:trust-anchor/{UUID}"
PROFILE = f"arn:aws:rolesanywhere:eu-west-1:{ACCOUNT}:profile/{UUID}"


def _filled(runtime: str, defaults: dict[str, Any], values: dict[str, Any], **more: Any) -> Any:
    given = {**defaults, **values}
    return block("runtime", runtime, **{name: value for name, value in given.items() if value is not None}, **more)


def pods(**values: Any) -> Any:
    return _filled(
        "eks_pod_identity", {"cluster": CLUSTER, "namespace": "finance", "service_account": "triage"}, values
    )


def irsa(**values: Any) -> Any:
    return _filled("eks_irsa", {"issuer": EKS_ISSUER, "namespace": "finance", "service_account": "triage"}, values)


def agentcore(**values: Any) -> Any:
    return _filled("bedrock_agentcore", {"runtime_ids": ("triage-AbCdEf1234",)}, values)


def bedrock(**values: Any) -> Any:
    return _filled("bedrock_agent", {"agent_id": "ABCDEF1234"}, values)


def anywhere(**values: Any) -> Any:
    return _filled(
        "roles_anywhere",
        {"trust_anchor": ANCHOR, "profile": PROFILE, "common_name": "triage.acme.example", "organization": "Acme"},
        values,
    )


def gitlab(**values: Any) -> Any:
    return _filled(
        "gitlab_ci",
        {"project_path": "acme/billing/agent", "branch": "main", "issuer": "https://git.acme.example"},
        values,
    )


def oidc(**values: Any) -> Any:
    return _filled(
        "oidc",
        {"issuer": "https://id.acme.example", "subject": "agent:triage", "audience": "sts.amazonaws.com"},
        values,
    )


def spiffe(**values: Any) -> Any:
    return _filled(
        "spiffe",
        {
            "issuer": "https://spire.acme.example",
            "spiffe_id": "spiffe://acme.example/finance/triage",
            "audience": "sts.amazonaws.com",
        },
        values,
    )


RUNTIMES: dict[str, tuple[Any, dict[str, Any]]] = {
    "lambda": (LAMBDA, {"account": ACCOUNT}),
    "ecs": (ECS, {"account": ACCOUNT, "region": "eu-west-1"}),
    "ec2": (block("runtime", "ec2"), {"service": "ec2.amazonaws.com"}),
    "eks_pod_identity": (pods(), {"cluster": CLUSTER, "namespace": "finance", "service_account": "triage"}),
    "eks_irsa": (irsa(), {"namespace": "finance", "service_account": "triage", "aud": "sts.amazonaws.com"}),
    "bedrock_agentcore": (
        agentcore(),
        {"account": ACCOUNT, "region": "eu-west-1", "runtime_id": "triage-AbCdEf1234"},
    ),
    "bedrock_agent": (bedrock(), {"account": ACCOUNT, "region": "eu-west-1", "agent_id": "ABCDEF1234"}),
    "roles_anywhere": (
        anywhere(),
        {"trust_anchor": ANCHOR, "common_name": "triage.acme.example", "organization": "Acme"},
    ),
    "github_actions": (
        github(),
        {
            "sub": "repo:acme@7/billing@42:environment:prod",
            "aud": "sts.amazonaws.com",
            "repository_id": "42",
            "repository_owner_id": "7",
            "environment": "prod",
        },
    ),
    "gitlab_ci": (
        gitlab(),
        {"project_path": "acme/billing/agent", "branch": "main", "aud": "https://git.acme.example"},
    ),
    "oidc": (oidc(), {"sub": "agent:triage", "aud": "sts.amazonaws.com"}),
    "spiffe": (spiffe(), {"spiffe_id": "spiffe://acme.example/finance/triage", "aud": "sts.amazonaws.com"}),
}
"""By label: the runtime block, and what its own workload says."""
