"""The HCL that AWS adds to the language, and the kinds of resource that this provider handles."""

from __future__ import annotations

from functools import cache

from provisioner.model.changes import Surface
from provisioner.sdk.schema import AttributeSchema, BlockSchema, FieldSchema, KindSchema, ProviderSchema

from .runtime_schema import federation, identity_attributes, identity_policy, runtimes

ROLE_PATH = "/agents/"

ROLE = "iam_role"
ROLE_POLICY = "iam_role_policy"
ATTACHMENT = "iam_role_attachment"
PACK = "iam_role_pack"
"""A managed policy of ours on one role, attachment and all: grants that the inline space did not hold."""

POLICY = "iam_policy"
USER = "iam_user"
ACCESS_KEY = "iam_access_key"
LOGIN_PROFILE = "iam_login_profile"
SIGNING_CERTIFICATE = "iam_signing_certificate"
SSH_KEY = "iam_ssh_public_key"
SERVICE_CREDENTIAL = "iam_service_credential"
OIDC_PROVIDER = "iam_oidc_provider"
INSTANCE_PROFILE = "iam_instance_profile"
POD_IDENTITY = "eks_pod_identity_association"
WORKLOAD_IDENTITY = "bedrock_agentcore_workload_identity"

_IDENTITY = FieldSchema((Surface.IDENTITY,))
_TOOL_ACCESS = FieldSchema((Surface.TOOL_ACCESS,))
_RUNTIME = FieldSchema((Surface.RUNTIME,))
_TRUST = FieldSchema((Surface.IDENTITY, Surface.RUNTIME))
"""A trust policy says who may become the agent and from which workload: both owners answer for it."""


@cache
def provider_schema() -> ProviderSchema:
    """The whole schema. Pure data; the same object on every call."""
    return ProviderSchema(
        name="aws",
        provider=_provider(),
        identity=BlockSchema(
            doc="The agent's IAM role.",
            attributes=identity_attributes(ROLE_PATH),
            blocks={"policy": identity_policy()},
        ),
        tool=_tool(),
        boundary=_boundary(),
        attempt=_attempt(),
        runtimes=runtimes(),
        requires={
            "resource_policy": BlockSchema(
                doc="A resource whose own policy must admit the agent: read and judged, never written.",
                attributes={"resource": AttributeSchema("string", "ARN of the resource.", required=True)},
            )
        },
        kinds=_kinds(),
        federation=federation(),
        delegations=("assume_role", "invoke"),
    )


def _provider() -> BlockSchema:
    return BlockSchema(
        doc="One AWS account: what it is, never with which credentials.",
        attributes={
            "account_id": AttributeSchema(
                "string", "12 digits; checked against the caller before anything is read.", required=True
            ),
            "regions": AttributeSchema(
                "list(string)", "Regions that the agents work in; trusts of regional runtimes name them.", default=()
            ),
        },
        blocks={"quotas": _quotas()},
    )


def _quotas() -> BlockSchema:
    from .quotas import quotas_block

    return quotas_block()


def _tool() -> BlockSchema:
    condition = BlockSchema(
        doc="A condition that every request must meet. Several are joined by AND.",
        attributes={
            "operator": AttributeSchema("string", "IAM condition operator, for example StringLike.", required=True),
            "key": AttributeSchema("string", "Condition key, for example s3:prefix.", required=True),
            "values": AttributeSchema("list(string)", "One of these must match.", required=True),
        },
    )
    statement = BlockSchema(
        doc="One Allow statement.",
        labels=("name",),
        min=1,
        attributes={
            "actions": AttributeSchema("list(string)", "Actions allowed, for example s3:GetObject."),
            "not_actions": AttributeSchema("list(string)", "Allows every action but these; instead of actions."),
            "resources": AttributeSchema("list(string)", "ARNs, with * and ? as wildcards."),
            "not_resources": AttributeSchema("list(string)", "Every resource but these; instead of resources."),
        },
        blocks={"condition": condition},
    )
    return BlockSchema(doc="What the tool needs in AWS.", min=1, max=1, blocks={"statement": statement})


def _boundary() -> BlockSchema:
    return BlockSchema(
        doc="The permissions boundary: what no identity policy of the agent can exceed.",
        attributes={
            "allow": AttributeSchema(
                "list(string)",
                "Actions that policies may grant at most; everything else is also denied outright.",
                required=True,
            ),
            "policy": AttributeSchema(
                "string",
                "ARN of a managed policy that others own, used as it is instead of one made here; with * as its account"
                " it is each account's own copy.",
            ),
            "deny": AttributeSchema("list(string)", "Actions denied whatever any policy says.", default=()),
            "regions": AttributeSchema(
                "list(string)", "Requests to any other region are denied; empty leaves regions alone.", default=()
            ),
            "global_services": AttributeSchema(
                "list(string)", "Service prefixes that the region rule leaves out, for example sts.", default=()
            ),
        },
    )


def _attempt() -> BlockSchema:
    return BlockSchema(
        doc="A request that a boundary test tries.",
        attributes={
            "action": AttributeSchema("string", "For example s3:PutObject.", required=True),
            "resource": AttributeSchema("string", "ARN of what it is done to.", default="*"),
            "context": AttributeSchema(
                "any", "Condition keys of the request: a string each, or a list of strings.", default={}
            ),
        },
    )


def _credential(noun: str, *more: str) -> KindSchema:
    """Something that an IAM user proves itself with: seen and judged, never written."""
    return KindSchema(
        noun=noun, fields=dict.fromkeys(("status", "user", *more), _IDENTITY), observed=True, credential=True
    )


def _kinds() -> dict[str, KindSchema]:
    """In the order in which an agent's changes are listed: shared things, the principal, what hangs on it."""
    return {
        POLICY: KindSchema(
            noun="permissions boundary",
            fields=dict.fromkeys(("arn", "path", "description", "document", "tags"), _RUNTIME),
            shared=True,
            mark="tags",
        ),
        ROLE: KindSchema(
            noun="role",
            fields={
                "arn": _IDENTITY,
                "path": _IDENTITY,
                "description": _IDENTITY,
                "max_session_duration": _IDENTITY,
                "trust": _TRUST,
                "permissions_boundary": _RUNTIME,
                "tags": _IDENTITY,
            },
            principal=True,
            mark="tags",
        ),
        ROLE_POLICY: KindSchema(noun="inline policy", fields={"role_arn": _TOOL_ACCESS, "document": _TOOL_ACCESS}),
        ATTACHMENT: KindSchema(
            noun="attached policy",
            fields=dict.fromkeys(("role_arn", "policy_arn", "document"), _TOOL_ACCESS),
        ),
        PACK: KindSchema(
            noun="managed policy",
            fields=dict.fromkeys(("role_arn", "policy_arn", "document", "tags", "is_attached"), _TOOL_ACCESS),
            mark="tags",
        ),
        USER: KindSchema(
            noun="user",
            fields=dict.fromkeys(("path", "tags", "permissions_boundary", "policies", "attached", "groups"), _IDENTITY),
            observed=True,
        ),
        ACCESS_KEY: _credential("access key"),
        LOGIN_PROFILE: KindSchema(noun="console password", fields={"user": _IDENTITY}, observed=True, credential=True),
        SIGNING_CERTIFICATE: _credential("signing certificate"),
        SSH_KEY: _credential("SSH key"),
        SERVICE_CREDENTIAL: _credential("service credential", "service"),
        OIDC_PROVIDER: KindSchema(
            noun="OIDC provider",
            fields=dict.fromkeys(("url", "client_ids", "thumbprints", "tags"), _IDENTITY),
            shared=True,
            mark="tags",
        ),
        INSTANCE_PROFILE: KindSchema(
            noun="instance profile",
            fields=dict.fromkeys(("role_arn", "arn", "path", "tags"), _TRUST),
            mark="tags",
        ),
        POD_IDENTITY: KindSchema(
            noun="pod identity association",
            fields={
                **dict.fromkeys(("cluster", "namespace", "service_account", "role_arn"), _TRUST),
                **dict.fromkeys(("session_tags", "target_role_arn", "policy", "tags"), _TRUST),
            },
            mark="tags",
        ),
        WORKLOAD_IDENTITY: KindSchema(
            noun="workload identity",
            fields=dict.fromkeys(("region", "name", "return_urls", "tags"), _TRUST),
            mark="tags",
        ),
    }
