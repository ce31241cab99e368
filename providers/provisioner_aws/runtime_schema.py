"""The HCL of the runtimes, the `federation` block and what an adopted identity keeps."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.sdk.schema import AttributeSchema, BlockSchema

from .runtimes import EKS_AUDIENCE, GITHUB_AUDIENCE, GITHUB_ISSUER, GITLAB_ISSUER

_FEDERATION = AttributeSchema("federation", "A federation of this account, which makes and owns the OIDC provider.")


def runtimes() -> Mapping[str, BlockSchema]:
    """By label."""
    return {
        "lambda": _lambda(),
        "ecs": _ecs(),
        "ec2": _ec2(),
        "eks_pod_identity": _pod_identity(),
        "eks_irsa": _irsa(),
        "bedrock_agentcore": _agentcore(),
        "bedrock_agent": _bedrock_agent(),
        "roles_anywhere": _roles_anywhere(),
        "github_actions": _github_actions(),
        "gitlab_ci": _gitlab_ci(),
        "oidc": _oidc(),
        "spiffe": _spiffe(),
        "adopted": BlockSchema(
            doc="The trust that a role had before it was adopted, kept as it is until a runtime replaces it.",
            attributes={
                "trust": AttributeSchema(
                    "string", "The trust policy as JSON; file(…) reads it.", required=True, json=True
                ),
                "instance_profiles": AttributeSchema(
                    "list(string)", "ARNs of instance profiles that hold the role and keep doing so.", default=()
                ),
            },
        ),
    }


def federation() -> BlockSchema:
    """A `federation` block whose provider is this cloud."""
    oidc = BlockSchema(
        doc="The issuer, as an OIDC provider of the account.",
        min=1,
        max=1,
        attributes={
            "issuer": AttributeSchema("string", "https URL of the issuer, as in the tokens' iss.", required=True),
            "audiences": AttributeSchema(
                "list(string)", "Client ids: the audiences that tokens may have.", required=True
            ),
            "thumbprints": AttributeSchema(
                "list(string)",
                "SHA-1 of the issuer's certificate authority, in hex; only where AWS does not trust it by itself.",
                default=(),
            ),
        },
    )
    return BlockSchema(doc="An OIDC provider that this workspace makes and owns.", blocks={"oidc": oidc})


def identity_attributes(path: str) -> Mapping[str, AttributeSchema]:
    """Attributes of `identity "aws"`."""
    return {
        "path": AttributeSchema("string", "IAM path of the role. Changing it makes a new principal.", default=path),
        "role_name": AttributeSchema("string", "The name of a role that is adopted; never for a new one."),
        "description": AttributeSchema(
            "string", "The role's description, where it is to stay what it was; the agent's purpose by default."
        ),
        "tags": AttributeSchema("map(string)", "Tags of the role beside those that say whose it is.", default={}),
        "attach": AttributeSchema(
            "list(string)", "ARNs of managed policies that an adopted role keeps; each is a finding.", default=()
        ),
    }


def identity_policy() -> BlockSchema:
    """`policy "name" { document }` of `identity "aws"`."""
    return BlockSchema(
        doc="An inline policy that an adopted role keeps; a finding until a grant replaces it.",
        labels=("name",),
        attributes={
            "document": AttributeSchema("string", "The policy as JSON; file(…) reads it.", required=True, json=True)
        },
    )


def _lambda() -> BlockSchema:
    return BlockSchema(
        doc="AWS Lambda functions whose execution role the agent is.",
        attributes={
            "functions": AttributeSchema(
                "list(string)", "Names of the agent's functions; no two agents may share one.", default=()
            ),
            "regions": AttributeSchema("list(string)", "Where they run; the provider's regions by default."),
            "source_condition": AttributeSchema(
                "bool",
                "Limit the trust to this account's functions by aws:SourceAccount and aws:SourceArn. Off by default:"
                " AWS does not document that Lambda always sends them.",
                default=False,
            ),
            "bind_grants": AttributeSchema(
                "bool",
                "Grants hold only for requests that these functions' own code makes (lambda:SourceFunctionArn), so that"
                " credentials taken elsewhere are worth nothing. Not for tools that Lambda itself calls on the agent's"
                " behalf; tests of what is allowed name the key in their context.",
                default=False,
            ),
        },
    )


def _ecs() -> BlockSchema:
    return BlockSchema(
        doc="Amazon ECS tasks whose task role the agent is.",
        attributes={
            "regions": AttributeSchema("list(string)", "Where the tasks run; the provider's regions by default."),
            "execution_role": AttributeSchema(
                "string", "The tasks' execution role, which must be another role than the agent's."
            ),
        },
    )


def _ec2() -> BlockSchema:
    return BlockSchema(
        doc="Amazon EC2 instances with an instance profile of the agent's own, which is made too: it is named as the"
        " role."
    )


def _pod_identity() -> BlockSchema:
    return BlockSchema(
        doc="Pods of one service account on Amazon EKS, by EKS Pod Identity. The association is made too.",
        attributes={
            "cluster": AttributeSchema("string", "ARN of the cluster.", required=True),
            "namespace": AttributeSchema("string", "Kubernetes namespace.", required=True),
            "service_account": AttributeSchema("string", "Kubernetes service account.", required=True),
            "session_tags": AttributeSchema(
                "bool", "Only true is accepted: without the tags nothing tells service accounts apart.", default=True
            ),
        },
    )


def _irsa() -> BlockSchema:
    return BlockSchema(
        doc="Pods of one service account, by the cluster's own OIDC issuer (IAM roles for service accounts).",
        attributes={
            "federation": _FEDERATION,
            "issuer": AttributeSchema("string", "The cluster's issuer URL; instead of federation."),
            "namespace": AttributeSchema("string", "Kubernetes namespace.", required=True),
            "service_account": AttributeSchema("string", "Kubernetes service account.", required=True),
            "audience": AttributeSchema("string", "The token's aud.", default=EKS_AUDIENCE),
        },
    )


def _agentcore() -> BlockSchema:
    workload_identity = BlockSchema(
        doc="A workload identity of the agent's own, for an agent that AgentCore does not host: it makes one for each"
        " runtime that it does. It is named as the role.",
        max=1,
        attributes={
            "return_urls": AttributeSchema(
                "list(string)", "OAuth2 return URLs that the identity may ask for.", default=()
            ),
        },
    )
    return BlockSchema(
        doc="Amazon Bedrock AgentCore runtimes whose execution role the agent is.",
        attributes={
            "regions": AttributeSchema("list(string)", "Where they run; the provider's regions by default."),
            "runtime_ids": AttributeSchema(
                "list(string)",
                "Ids of the runtimes, once AgentCore has minted them; the trust then names them.",
                default=(),
            ),
            "inbound_auth": AttributeSchema(
                "string",
                "How those who call the agent prove who they are. With `jwt`, a grant of tokens for any user id is"
                " refused.",
                choices=("iam", "jwt"),
            ),
        },
        blocks={"workload_identity": workload_identity},
    )


def _bedrock_agent() -> BlockSchema:
    return BlockSchema(
        doc="A Bedrock agent whose service role the agent is.",
        attributes={
            "agent_id": AttributeSchema("string", "Its id, once Bedrock has minted it; the trust then names it."),
            "regions": AttributeSchema("list(string)", "Where it runs; the provider's regions by default."),
        },
    )


def _roles_anywhere() -> BlockSchema:
    return BlockSchema(
        doc="Workloads outside AWS that hold an X.509 certificate, by IAM Roles Anywhere.",
        attributes={
            "trust_anchor": AttributeSchema("string", "ARN of the trust anchor.", required=True),
            "profile": AttributeSchema("string", "ARN of the profile that lists the role; not written by this tool."),
            "common_name": AttributeSchema("string", "CN of the certificate's subject."),
            "organization": AttributeSchema("string", "O of the certificate's subject."),
            "organizational_unit": AttributeSchema("string", "OU of the certificate's subject."),
            "issuer_common_name": AttributeSchema("string", "CN of the certificate's issuer."),
            "san_dns": AttributeSchema("string", "The certificate's first DNS name."),
            "san_uri": AttributeSchema("string", "The certificate's first URI, for example a SPIFFE id."),
        },
    )


def _github_actions() -> BlockSchema:
    return BlockSchema(
        doc="GitHub Actions workflows. The subject is the environment, else the branch or tag; with an environment, a"
        " branch or tag is pinned as well.",
        attributes={
            "repository": AttributeSchema("string", "owner/name.", required=True),
            "repository_id": AttributeSchema("string", "Numeric id; survives a rename and a resale.", required=True),
            "owner_id": AttributeSchema("string", "Numeric id of the owner; needed for the immutable subject."),
            "environment": AttributeSchema("string", "Deployment environment that the job must name."),
            "branch": AttributeSchema("string", "Branch that the workflow must run on."),
            "tag": AttributeSchema("string", "Tag that the workflow must run on."),
            "job_workflow_ref": AttributeSchema("string", "owner/repo/.github/workflows/file.yml@ref, exactly."),
            "subject": AttributeSchema(
                "string",
                "immutable: owner@id/name@id, as repositories send that opted in or were made after 2026-07-15;"
                " name: owner/name.",
                default="immutable",
                choices=("immutable", "name"),
            ),
            "audience": AttributeSchema("string", "The token's aud.", default=GITHUB_AUDIENCE),
            "issuer": AttributeSchema(
                "string", "Issuer URL; a GitHub Enterprise has its own.", default=f"https://{GITHUB_ISSUER}"
            ),
            "federation": _FEDERATION,
        },
    )


def _gitlab_ci() -> BlockSchema:
    return BlockSchema(
        doc="GitLab CI/CD pipelines of one project, for one branch or tag.",
        attributes={
            "project_path": AttributeSchema("string", "group/project, with every subgroup.", required=True),
            "branch": AttributeSchema("string", "Branch that the pipeline must run for."),
            "tag": AttributeSchema("string", "Tag that the pipeline must run for."),
            "audience": AttributeSchema("string", "The token's aud; the issuer's URL by default."),
            "issuer": AttributeSchema("string", "URL of the GitLab instance.", default=f"https://{GITLAB_ISSUER}"),
            "federation": _FEDERATION,
        },
    )


def _oidc() -> BlockSchema:
    return BlockSchema(
        doc="Workloads with a token of a private OpenID Connect issuer.",
        attributes={
            "federation": _FEDERATION,
            "issuer": AttributeSchema("string", "Issuer URL; instead of federation."),
            "subject": AttributeSchema("string", "The token's sub, exactly.", required=True),
            "audience": AttributeSchema("string", "The token's aud, exactly.", required=True),
            "tenant": AttributeSchema(
                "string", "Your organisation at a shared issuer: a whole part of what is pinned."
            ),
            "source_identity": AttributeSchema(
                "string", "What the token's claim https://aws.amazon.com/source_identity says, exactly."
            ),
        },
    )


def _spiffe() -> BlockSchema:
    return BlockSchema(
        doc="Workloads with a JWT-SVID of a SPIFFE trust domain.",
        attributes={
            "federation": _FEDERATION,
            "issuer": AttributeSchema("string", "URL of the OIDC discovery provider; instead of federation."),
            "spiffe_id": AttributeSchema("string", "spiffe://trust-domain/path, exactly.", required=True),
            "audience": AttributeSchema("string", "The token's aud, exactly.", required=True),
            "tenant": AttributeSchema(
                "string", "Your organisation at a shared issuer: a whole part of what is pinned."
            ),
        },
    )
