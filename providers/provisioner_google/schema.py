"""The kinds of resource that this provider handles; the HCL that it adds is in `shapes`."""

from __future__ import annotations

from functools import cache

from provisioner.model.changes import Surface
from provisioner.sdk.schema import FieldSchema, KindSchema, ProviderSchema

ACCOUNT = "google_service_account"
ACCOUNT_BINDING = "google_service_account_binding"
ACCOUNT_KEY = "google_service_account_key"
BINDING = "google_binding"
IMPERSONATION = "google_impersonation"
CUSTOM_ROLE = "google_custom_role"
POOL = "google_workload_identity_pool"
POOL_PROVIDER = "google_workload_identity_provider"
DENY_POLICY = "google_deny_policy"
ACCESS_BOUNDARY = "google_principal_access_boundary"
ACCESS_BOUNDARY_BINDING = "google_principal_access_boundary_binding"
ROLE = "google_role"
PLACE = "google_place"

GRANTS = (BINDING, IMPERSONATION)
"""What an agent is granted; on a service account it is a kind of its own, since it is about who may become whom."""

TUPLES = (*GRANTS, ACCOUNT_BINDING)
"""Whatever is one tuple of an allow policy."""

_ACCOUNT_FIELDS = ("email", "display_name", "description", "disabled", "state", "deleted_id")

_IDENTITY = FieldSchema((Surface.IDENTITY,))
_TOOL_ACCESS = FieldSchema((Surface.TOOL_ACCESS,))
_RUNTIME = FieldSchema((Surface.RUNTIME,))
_BECOMING = FieldSchema((Surface.IDENTITY, Surface.TOOL_ACCESS))
_TRUST = FieldSchema((Surface.IDENTITY, Surface.RUNTIME))
"""Who may become the agent, and from which workload: both owners answer for it."""


def grant_kind(resource: str) -> str:
    """The kind of what an agent is granted on a resource, by its full name."""
    return IMPERSONATION if "/serviceAccounts/" in resource else BINDING


@cache
def provider_schema() -> ProviderSchema:
    """The whole schema. Pure data; the same object on every call."""
    from . import shapes

    return ProviderSchema(
        name="google",
        provider=shapes.PROVIDER,
        identity=shapes.IDENTITY,
        tool=shapes.TOOL,
        boundary=shapes.BOUNDARY,
        attempt=shapes.ATTEMPT,
        runtimes=shapes.RUNTIMES,
        requires={},
        kinds=_kinds(),
        delegations=("impersonate",),
        federation=shapes.FEDERATION,
    )


def _kinds() -> dict[str, KindSchema]:
    """In the order in which an agent's changes are listed: shared things, the principals, what hangs on them."""
    return {
        CUSTOM_ROLE: KindSchema(
            noun="custom role",
            fields=dict.fromkeys(("title", "description", "permissions", "stage", "state"), _TOOL_ACCESS),
            shared=True,
        ),
        DENY_POLICY: KindSchema(
            noun="deny policy",
            fields=dict.fromkeys(("display_name", "annotations", "rules"), _RUNTIME),
            shared=True,
        ),
        ACCESS_BOUNDARY: KindSchema(
            noun="principal access boundary",
            fields=dict.fromkeys(("display_name", "annotations", "rules", "enforcement_version"), _RUNTIME),
            shared=True,
        ),
        POOL: KindSchema(
            noun="workload identity pool",
            fields=dict.fromkeys(("display_name", "description", "disabled", "state"), _IDENTITY),
            shared=True,
        ),
        POOL_PROVIDER: KindSchema(
            noun="workload identity provider",
            fields={
                **dict.fromkeys(("display_name", "description", "disabled", "state", "issuer"), _IDENTITY),
                **dict.fromkeys(("audiences", "mapping", "condition"), _TRUST),
            },
            principal=True,
        ),
        ACCOUNT: KindSchema(
            noun="service account",
            fields=dict.fromkeys(_ACCOUNT_FIELDS, _IDENTITY),
            principal=True,
        ),
        ACCOUNT_BINDING: KindSchema(
            noun="service account binding",
            fields=dict.fromkeys(("resource", "role", "member", "condition"), _TRUST),
        ),
        BINDING: KindSchema(
            noun="binding",
            fields=dict.fromkeys(("resource", "role", "member", "condition"), _TOOL_ACCESS),
        ),
        IMPERSONATION: KindSchema(
            noun="grant on a service account",
            fields=dict.fromkeys(("resource", "role", "member", "condition"), _BECOMING),
        ),
        ACCESS_BOUNDARY_BINDING: KindSchema(
            noun="principal access boundary binding",
            fields=dict.fromkeys(("policy", "principal_set", "condition", "annotations"), _RUNTIME),
        ),
        ACCOUNT_KEY: KindSchema(
            noun="user-managed service account key",
            fields=dict.fromkeys(("account", "disabled", "valid_after"), _IDENTITY),
            observed=True,
            credential=True,
        ),
        ROLE: KindSchema(
            noun="role",
            fields=dict.fromkeys(("permissions", "stage"), _TOOL_ACCESS),
            observed=True,
        ),
        PLACE: KindSchema(
            noun="place that grants count in",
            fields=dict.fromkeys(("ancestors", "unread", "conditions", "members"), _TOOL_ACCESS),
            observed=True,
        ),
    }
