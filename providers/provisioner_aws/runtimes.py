"""What can be attributed and enforced for each runtime: one table, with its sources.

Sources: IAM User Guide, «Methods to assume a role» and «Request temporary security credentials» (session limits),
«Monitor and control actions taken with assumed roles» (source identity), «Pass session tags in AWS STS»; STS API
reference, AssumeRoleWithWebIdentity; GitHub, «OpenID Connect reference»; Amazon EC2 User Guide, «IAM roles for Amazon
EC2»; Amazon EKS User Guide, «Grant Pods access to AWS resources based on tags» (the six tags), «EKS Pod Identity»;
IAM Roles Anywhere User Guide, «The IAM Roles Anywhere trust model»; Amazon Bedrock AgentCore Developer Guide,
«Permissions for AgentCore Runtime»; Amazon Bedrock User Guide, «Create a service role for Amazon Bedrock Agents».
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from provisioner.model.configuration import Settings

GITHUB_ISSUER = "token.actions.githubusercontent.com"
GITHUB_AUDIENCE = "sts.amazonaws.com"
GITLAB_ISSUER = "gitlab.com"
EKS_AUDIENCE = "sts.amazonaws.com"

ATTRIBUTIONS = ("session_name", "workload_tags", "source_identity")
"""What audit logs can tie a session to, weakest first."""

POD_TAGS = frozenset(
    {
        "eks-cluster-arn",
        "eks-cluster-name",
        "kubernetes-namespace",
        "kubernetes-service-account",
        "kubernetes-pod-name",
        "kubernetes-pod-uid",
    }
)
"""What EKS Pod Identity puts on every session. All of them are transitive."""

X509_TAGS = {
    "common_name": "x509Subject/CN",
    "organization": "x509Subject/O",
    "organizational_unit": "x509Subject/OU",
    "issuer_common_name": "x509Issuer/CN",
    "san_dns": "x509SAN/DNS",
    "san_uri": "x509SAN/URI",
}
"""Attributes of `roles_anywhere`, and the tag that the service takes from that field of the certificate."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What AWS enforces for one runtime.

    `attribution` is the strongest that the runtime can do. `session_cap`: the role's MaxSessionDuration binds its
    credentials. `session_tags` are the tag keys that a trusted broker sets; empty
    where nothing sets tags. `why` says what stands in the way, for the message.
    """

    attribution: str
    session_cap: bool
    session_tags: frozenset[str]
    why: str


def _renewed(service: str) -> Capabilities:
    """A service that assumes the role itself, for as long as the workload lives."""
    return Capabilities(
        attribution="session_name",
        session_cap=False,
        session_tags=frozenset(),
        why=f"{service}: it sets no source identity and no tags, and renews credentials whatever MaxSessionDuration"
        " says",
    )


def _token(why: str) -> Capabilities:
    """A web identity: what the token does not say, the session does not have."""
    return Capabilities("session_name", session_cap=True, session_tags=frozenset(), why=why)


CAPABILITIES: Mapping[str, Capabilities] = {
    "lambda": _renewed("the Lambda service assumes the role itself"),
    "ecs": _renewed("the ECS agent hands out the credentials"),
    "ec2": _renewed("the instance metadata service hands out the credentials"),
    "bedrock_agentcore": _renewed("AgentCore assumes the role itself"),
    "bedrock_agent": _renewed("Bedrock assumes the role itself"),
    "eks_pod_identity": Capabilities(
        attribution="workload_tags",
        session_cap=False,
        session_tags=POD_TAGS,
        why="EKS Pod Identity sets six tags of its own and no source identity, and renews credentials whatever"
        " MaxSessionDuration says",
    ),
    "eks_irsa": _token(
        "web identity takes source identity and tags only from claims of the token, and a cluster's has none"
    ),
    "roles_anywhere": Capabilities(
        attribution="source_identity",
        session_cap=True,
        session_tags=frozenset(X509_TAGS.values()),
        why="IAM Roles Anywhere sets source identity and tags from the certificate, and no others",
    ),
    "github_actions": _token(
        "web identity takes source identity and tags only from claims of the token, and GitHub's has none"
    ),
    "gitlab_ci": _token(
        "web identity takes source identity and tags only from claims of the token, and GitLab's has none"
    ),
    "oidc": _token(
        "web identity takes source identity only from the token's claim https://aws.amazon.com/source_identity; where"
        " the issuer sets it, write its value as source_identity in the runtime block"
    ),
    "spiffe": _token(
        "a JWT-SVID has no claims that AWS takes source identity or tags from; the SPIFFE id is in the trust only"
    ),
    "adopted": Capabilities(
        attribution="session_name",
        session_cap=True,
        session_tags=frozenset(),
        why="the trust was adopted as it was, and nothing says who assumes the role and how",
    ),
}


def capabilities(runtime: Settings) -> Capabilities:
    """The row of one runtime block. An issuer that sets a source identity makes its tokens attributable."""
    label = runtime.labels[0] if runtime.labels else runtime.type
    row = CAPABILITIES[label]
    if label == "oidc" and runtime.get("source_identity") is not None:
        return replace(row, attribution="source_identity", why="the issuer sets the source identity, and no tags")
    return row


def supports(runtime: Settings, attribution: str) -> bool:
    """Whether the runtime can do at least this attribution."""
    return ATTRIBUTIONS.index(attribution) <= ATTRIBUTIONS.index(capabilities(runtime).attribution)
