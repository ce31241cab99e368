"""The HCL that Google Cloud adds to the language, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.sdk.schema import AttributeSchema, BlockSchema


def _text(doc: str, required: bool = False, default: Any = None, choices: tuple[str, ...] = ()) -> AttributeSchema:
    return AttributeSchema("string", doc, required, default, choices)


def _texts(doc: str, required: bool = False, default: Any = ()) -> AttributeSchema:
    return AttributeSchema("list(string)", doc, required, default)


PROVIDER = BlockSchema(
    doc="One Google Cloud project: what it is, never with which credentials.",
    attributes={
        "project": _text("Project id; checked before anything is read.", required=True),
        "project_number": _text("Its number: the names of federated principals hold it."),
        "watch": _texts("Projects, folders and other resources whose policies are read as well."),
        "organization": _text("Number of the organization; needed for principal access boundaries."),
        "quotas": AttributeSchema("map(number)", "Limits and quotas that Google raised for you, by name.", default={}),
    },
)

IDENTITY = BlockSchema(
    doc="What the agent is in Google Cloud: a federated principal, or a service account.",
    attributes={
        "kind": _text(
            "Default: federated where a federation is given, otherwise service_account.",
            choices=("federated", "service_account"),
        ),
        "federation": AttributeSchema("federation", "The federation block through which its workload comes."),
    },
)

TOOL = BlockSchema(
    doc="One role, or a set of permissions that becomes a custom role, on one resource.",
    labels=("name",),
    attributes={
        "role": _text("For example roles/bigquery.dataViewer."),
        "permissions": _texts("Instead of a role: the least that the tool needs. Becomes a custom role.", default=None),
        "resource": _text("Full name, for example //storage.googleapis.com/projects/_/buckets/NAME.", required=True),
    },
    blocks={
        "condition": BlockSchema(
            doc="A condition that every request must meet. Several are joined by AND.",
            attributes={"expression": _text("Common Expression Language, as IAM takes it.", required=True)},
        )
    },
)

BOUNDARY = BlockSchema(
    doc="What the agent can never do, whatever is granted to it.",
    attributes={
        "attach": _text("Where the deny policy stands, for example projects/acme-prod.", required=True),
        "deny": _texts("Permissions denied, for example iam.serviceAccountKeys.create."),
        "resources": _texts(
            "A principal access boundary, where an organization is given: nothing outside of these projects, folders"
            " or organizations can be reached."
        ),
    },
)

ATTEMPT = BlockSchema(
    doc="A request that a boundary test tries.",
    attributes={
        "permission": _text("For example storage.objects.get.", required=True),
        "resource": _text("Full name of what it is done to.", required=True),
        "context": AttributeSchema(
            "any",
            "resource.type, resource.service, request.time, and `project`: in which project a bucket is.",
            default={},
        ),
    },
)

FEDERATION = BlockSchema(
    doc="One workload identity pool for one issuer of tokens, shared by the agents that come through it.",
    attributes={
        "pool": _text("Id of the pool: 4 to 32 lower-case letters, digits and hyphens.", required=True),
        "display_name": _text("What people call it.", default=""),
    },
    blocks={
        "oidc": BlockSchema(
            doc="An OpenID Connect issuer.",
            max=1,
            attributes={
                "issuer": _text("Issuer URL, https.", required=True),
                "audiences": _texts("Accepted audiences; none means the provider's own resource name."),
            },
        ),
        "aws": BlockSchema(
            doc="An AWS account whose roles sign in.",
            max=1,
            attributes={"account_id": _text("12 digits.", required=True)},
        ),
    },
)

RUNTIMES: Mapping[str, BlockSchema] = {
    "cloud_run": BlockSchema(
        doc="A Cloud Run service or job that runs as the agent's service account.",
        attributes={
            "service": _text("Name of the service; no two agents may share one."),
            "location": _text("Region, for example europe-west1."),
        },
    ),
    "gce": BlockSchema(
        doc="Compute Engine instances that run as the agent's service account.",
        attributes={"instances": _texts("Names of the instances; no two agents may share one.")},
    ),
    "gke": BlockSchema(
        doc="Pods of one Kubernetes service account, by workload identity federation for GKE.",
        attributes={
            "cluster": _text("Cluster, projects/P/locations/L/clusters/C.", required=True),
            "namespace": _text("Kubernetes namespace.", required=True),
            "service_account": _text("Kubernetes service account.", required=True),
        },
    ),
    "agent_engine": BlockSchema(
        doc="A Vertex AI Agent Engine (reasoning engine), by its own identity or a service account.",
        attributes={
            "location": _text("Region, for example europe-west1."),
            "organization": _text("Number of the organization; the provider's by default."),
            "project_number": _text("Number of the engine's project; the provider's by default."),
            "unique_id": _text("The engine's numeric id, which Google gives it when it is made."),
        },
    ),
    "github_actions": BlockSchema(
        doc="GitHub Actions workflows, through a federation.",
        attributes={
            "repository": _text("owner/name.", required=True),
            "repository_id": _text("Numeric id; survives a rename and a resale.", required=True),
            "owner_id": _text("Numeric id of the owner."),
            "environment": _text("Deployment environment that the job must name."),
            "branch": _text("Branch that the workflow must run on."),
            "tag": _text("Tag that the workflow must run on."),
            "job_workflow_ref": _text("owner/repo/.github/workflows/file.yml@ref, exactly."),
            "subject": _text(
                "Used by AWS only: here the subject is made of numeric ids, whatever the token's is.",
                default="immutable",
                choices=("immutable", "name"),
            ),
            "audience": _text("Used by AWS only: here the federation says which audiences it takes."),
            "issuer": _text("Issuer URL; a GitHub Enterprise has its own."),
        },
    ),
    "gitlab_ci": BlockSchema(
        doc="GitLab CI jobs, through a federation.",
        attributes={
            "project_path": _text("group/project.", required=True),
            "project_id": _text("Numeric id; survives a rename."),
            "branch": _text("Branch that the job must run on."),
            "tag": _text("Tag that the job must run on."),
            "environment": _text("Deployment environment that the job must name."),
            "issuer": _text("Issuer URL.", default="https://gitlab.com"),
        },
    ),
    "oidc": BlockSchema(
        doc="Workloads with tokens of an OpenID Connect issuer, through a federation.",
        attributes={
            "issuer": _text("Issuer URL; the federation's must be the same."),
            "subject": _text("The token's sub, exactly.", required=True),
            "audience": _text("Used by AWS only: here the federation says which audiences it takes."),
            "claims": AttributeSchema("map(string)", "Further claims that must have these values.", default={}),
        },
    ),
    "spiffe": BlockSchema(
        doc="A workload with a SPIFFE id, whose trust domain's issuer is a federation.",
        attributes={
            "spiffe_id": _text("spiffe://trust-domain/path, exactly.", required=True),
            "issuer": _text("Issuer URL; the federation's must be the same."),
            "audience": _text("Used by AWS only."),
        },
    ),
}
