"""The REST face's routes: HTTP method, path and method id of everything the emulator answers.

Written by hand from Google's discovery documents (iam v3: from the http options of google-cloud-iam's REST transport,
as there is no document of it); a test compares each row. A row is

    id | verb | path, `*` for a segment that is a name | query parameters | body

`:verb` at the end of a path is a custom method. Bodies are messages of `fields`; `-` is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

PAGE = "pageSize pageToken"
OPTION = "options.requestedPolicyVersion"
_POOLS = "v1/projects/*/locations/*/workloadIdentityPools"
_PROVIDERS = f"{_POOLS}/*/providers"
_CRYPTO_KEYS = "cloudkms.projects.locations.keyRings.cryptoKeys"
_W = "iam.projects.locations.workloadIdentityPools"


def _policy_rows(prefix: str, path: str, get: str = "GET") -> str:
    """The three rows that everything with an allow policy has; `get` says how it is read."""
    read = f"GET | {path}:getIamPolicy | {OPTION} | -"
    if get == "POST":
        read = f"POST | {path}:getIamPolicy | | GetIamPolicyRequest"
    return f"""
{prefix}.getIamPolicy | {read}
{prefix}.setIamPolicy | POST | {path}:setIamPolicy | | SetIamPolicyRequest
{prefix}.testIamPermissions | POST | {path}:testIamPermissions | | TestIamPermissionsRequest"""


def _role_rows(parent: str) -> str:
    return f"""
iam.{parent}.roles.create | POST | v1/{parent}/*/roles | | CreateRoleRequest
iam.{parent}.roles.delete | DELETE | v1/{parent}/*/roles/* | etag | -
iam.{parent}.roles.get | GET | v1/{parent}/*/roles/* | | -
iam.{parent}.roles.list | GET | v1/{parent}/*/roles | {PAGE} showDeleted view | -
iam.{parent}.roles.patch | PATCH | v1/{parent}/*/roles/* | updateMask | Role
iam.{parent}.roles.undelete | POST | v1/{parent}/*/roles/*:undelete | | UndeleteRoleRequest"""


def _v3_rows() -> str:
    rows = ""
    for parent in ("projects", "folders", "organizations"):
        path = f"v3/{parent}/*/locations/*/policyBindings"
        rows += f"""
iam.{parent}.locations.policyBindings.create | POST | {path} | policyBindingId validateOnly | PolicyBinding
iam.{parent}.locations.policyBindings.get | GET | {path}/* | | -
iam.{parent}.locations.policyBindings.patch | PATCH | {path}/* | validateOnly updateMask | PolicyBinding
iam.{parent}.locations.policyBindings.delete | DELETE | {path}/* | etag validateOnly | -
iam.{parent}.locations.policyBindings.list | GET | {path} | {PAGE} filter | -
iam.{parent}.locations.policyBindings.searchTargetPolicyBindings | GET | {path}:searchTargetPolicyBindings |\
 target {PAGE} filter | -
iam.{parent}.locations.operations.get | GET | v3/{parent}/*/locations/*/operations/* | | -"""
    path = "v3/organizations/*/locations/*/principalAccessBoundaryPolicies"
    prefix = "iam.organizations.locations.principalAccessBoundaryPolicies"
    return f"""{rows}
{prefix}.create | POST | {path} | principalAccessBoundaryPolicyId validateOnly | PrincipalAccessBoundaryPolicy
{prefix}.get | GET | {path}/* | | -
{prefix}.patch | PATCH | {path}/* | validateOnly updateMask | PrincipalAccessBoundaryPolicy
{prefix}.delete | DELETE | {path}/* | etag validateOnly force | -
{prefix}.list | GET | {path} | {PAGE} | -
{prefix}.searchPolicyBindings | GET | {path}/*:searchPolicyBindings | {PAGE} | -"""


TABLES: dict[str, str] = {
    "iam.v1": f"""
iam.projects.serviceAccounts.create | POST | v1/projects/*/serviceAccounts | | CreateServiceAccountRequest
iam.projects.serviceAccounts.delete | DELETE | v1/projects/*/serviceAccounts/* | | -
iam.projects.serviceAccounts.disable | POST | v1/projects/*/serviceAccounts/*:disable | | DisableServiceAccountRequest
iam.projects.serviceAccounts.enable | POST | v1/projects/*/serviceAccounts/*:enable | | EnableServiceAccountRequest
iam.projects.serviceAccounts.get | GET | v1/projects/*/serviceAccounts/* | | -
iam.projects.serviceAccounts.list | GET | v1/projects/*/serviceAccounts | {PAGE} | -
iam.projects.serviceAccounts.patch | PATCH | v1/projects/*/serviceAccounts/* | | PatchServiceAccountRequest
iam.projects.serviceAccounts.update | PUT | v1/projects/*/serviceAccounts/* | | ServiceAccount
iam.projects.serviceAccounts.undelete | POST | v1/projects/*/serviceAccounts/*:undelete | |\
 UndeleteServiceAccountRequest
iam.projects.serviceAccounts.getIamPolicy | POST | v1/projects/*/serviceAccounts/*:getIamPolicy | {OPTION} | -
iam.projects.serviceAccounts.setIamPolicy | POST | v1/projects/*/serviceAccounts/*:setIamPolicy | | SetIamPolicyRequest
iam.projects.serviceAccounts.testIamPermissions | POST | v1/projects/*/serviceAccounts/*:testIamPermissions | |\
 TestIamPermissionsRequest
iam.projects.serviceAccounts.keys.create | POST | v1/projects/*/serviceAccounts/*/keys | |\
 CreateServiceAccountKeyRequest
iam.projects.serviceAccounts.keys.delete | DELETE | v1/projects/*/serviceAccounts/*/keys/* | | -
iam.projects.serviceAccounts.keys.disable | POST | v1/projects/*/serviceAccounts/*/keys/*:disable | |\
 DisableServiceAccountKeyRequest
iam.projects.serviceAccounts.keys.enable | POST | v1/projects/*/serviceAccounts/*/keys/*:enable | |\
 EnableServiceAccountKeyRequest
iam.projects.serviceAccounts.keys.get | GET | v1/projects/*/serviceAccounts/*/keys/* | publicKeyType | -
iam.projects.serviceAccounts.keys.list | GET | v1/projects/*/serviceAccounts/*/keys | keyTypes | -
iam.projects.serviceAccounts.keys.upload | POST | v1/projects/*/serviceAccounts/*/keys:upload | |\
 UploadServiceAccountKeyRequest
iam.roles.get | GET | v1/roles/* | | -
iam.roles.list | GET | v1/roles | {PAGE} parent showDeleted view | -
iam.roles.queryGrantableRoles | POST | v1/roles:queryGrantableRoles | | QueryGrantableRolesRequest
iam.permissions.queryTestablePermissions | POST | v1/permissions:queryTestablePermissions | |\
 QueryTestablePermissionsRequest
{_role_rows("projects")}
{_role_rows("organizations")}
{_W}.create | POST | {_POOLS} | workloadIdentityPoolId | WorkloadIdentityPool
{_W}.delete | DELETE | {_POOLS}/* | | -
{_W}.get | GET | {_POOLS}/* | | -
{_W}.list | GET | {_POOLS} | {PAGE} showDeleted | -
{_W}.patch | PATCH | {_POOLS}/* | updateMask | WorkloadIdentityPool
{_W}.undelete | POST | {_POOLS}/*:undelete | | UndeleteWorkloadIdentityPoolRequest
{_W}.operations.get | GET | {_POOLS}/*/operations/* | | -
{_W}.providers.create | POST | {_PROVIDERS} | workloadIdentityPoolProviderId | WorkloadIdentityPoolProvider
{_W}.providers.delete | DELETE | {_PROVIDERS}/* | | -
{_W}.providers.get | GET | {_PROVIDERS}/* | | -
{_W}.providers.list | GET | {_PROVIDERS} | {PAGE} showDeleted | -
{_W}.providers.patch | PATCH | {_PROVIDERS}/* | updateMask | WorkloadIdentityPoolProvider
{_W}.providers.undelete | POST | {_PROVIDERS}/*:undelete | | UndeleteWorkloadIdentityPoolProviderRequest
{_W}.providers.operations.get | GET | {_PROVIDERS}/*/operations/* | | -
""",
    "iam.v2": """
iam.policies.createPolicy | POST | v2/policies/*/* | policyId | GoogleIamV2Policy
iam.policies.delete | DELETE | v2/policies/*/*/* | etag | -
iam.policies.get | GET | v2/policies/*/*/* | | -
iam.policies.listPolicies | GET | v2/policies/*/* | pageSize pageToken | -
iam.policies.update | PUT | v2/policies/*/*/* | | GoogleIamV2Policy
iam.policies.operations.get | GET | v2/policies/*/*/*/operations/* | | -
""",
    "iam.v3": _v3_rows(),
    "cloudresourcemanager.v3": f"""
cloudresourcemanager.projects.get | GET | v3/projects/* | | -
cloudresourcemanager.projects.list | GET | v3/projects | {PAGE} parent showDeleted | -
cloudresourcemanager.projects.search | GET | v3/projects:search | {PAGE} query | -
cloudresourcemanager.projects.create | POST | v3/projects | | Project
cloudresourcemanager.folders.get | GET | v3/folders/* | | -
cloudresourcemanager.folders.list | GET | v3/folders | {PAGE} parent showDeleted | -
cloudresourcemanager.organizations.get | GET | v3/organizations/* | | -
cloudresourcemanager.organizations.search | GET | v3/organizations:search | {PAGE} query | -
cloudresourcemanager.operations.get | GET | v3/operations/* | | -
{_policy_rows("cloudresourcemanager.projects", "v3/projects/*", "POST")}
{_policy_rows("cloudresourcemanager.folders", "v3/folders/*", "POST")}
{_policy_rows("cloudresourcemanager.organizations", "v3/organizations/*", "POST")}
""",
    "logging.v2": """
logging.entries.list | POST | v2/entries:list | | ListLogEntriesRequest
""",
    "storage.v1": """
storage.buckets.get | GET | storage/v1/b/* | generation ifMetagenerationMatch ifMetagenerationNotMatch projection\
 softDeleted userProject | -
storage.buckets.insert | POST | storage/v1/b | enableObjectRetention predefinedAcl predefinedDefaultObjectAcl project\
 projection userProject | Bucket
storage.buckets.list | GET | storage/v1/b | maxResults pageToken prefix project projection returnPartialSuccess\
 softDeleted userProject | -
storage.buckets.delete | DELETE | storage/v1/b/* | ifMetagenerationMatch ifMetagenerationNotMatch userProject | -
storage.buckets.patch | PATCH | storage/v1/b/* | ifMetagenerationMatch ifMetagenerationNotMatch predefinedAcl\
 predefinedDefaultObjectAcl projection userProject | Bucket
storage.buckets.getIamPolicy | GET | storage/v1/b/*/iam | optionsRequestedPolicyVersion userProject | -
storage.buckets.setIamPolicy | PUT | storage/v1/b/*/iam | userProject | Policy
storage.buckets.testIamPermissions | GET | storage/v1/b/*/iam/testPermissions | permissions userProject | -
""",
    "secretmanager.v1": f"""
secretmanager.projects.secrets.create | POST | v1/projects/*/secrets | secretId | Secret
secretmanager.projects.secrets.get | GET | v1/projects/*/secrets/* | | -
secretmanager.projects.secrets.list | GET | v1/projects/*/secrets | filter {PAGE} | -
secretmanager.projects.secrets.delete | DELETE | v1/projects/*/secrets/* | etag | -
{_policy_rows("secretmanager.projects.secrets", "v1/projects/*/secrets/*")}
""",
    "pubsub.v1": f"""
pubsub.projects.topics.create | PUT | v1/projects/*/topics/* | | Topic
pubsub.projects.topics.get | GET | v1/projects/*/topics/* | | -
pubsub.projects.topics.list | GET | v1/projects/*/topics | {PAGE} | -
pubsub.projects.topics.delete | DELETE | v1/projects/*/topics/* | | -
{_policy_rows("pubsub.projects.topics", "v1/projects/*/topics/*")}
pubsub.projects.subscriptions.create | PUT | v1/projects/*/subscriptions/* | | Subscription
pubsub.projects.subscriptions.get | GET | v1/projects/*/subscriptions/* | | -
pubsub.projects.subscriptions.list | GET | v1/projects/*/subscriptions | {PAGE} | -
pubsub.projects.subscriptions.delete | DELETE | v1/projects/*/subscriptions/* | | -
{_policy_rows("pubsub.projects.subscriptions", "v1/projects/*/subscriptions/*")}
""",
    "cloudkms.v1": f"""
cloudkms.projects.locations.keyRings.create | POST | v1/projects/*/locations/*/keyRings | keyRingId | KeyRing
cloudkms.projects.locations.keyRings.get | GET | v1/projects/*/locations/*/keyRings/* | | -
cloudkms.projects.locations.keyRings.list | GET | v1/projects/*/locations/*/keyRings | filter orderBy {PAGE} | -
{_policy_rows("cloudkms.projects.locations.keyRings", "v1/projects/*/locations/*/keyRings/*")}
cloudkms.projects.locations.keyRings.cryptoKeys.create | POST | v1/projects/*/locations/*/keyRings/*/cryptoKeys |\
 cryptoKeyId skipInitialVersionCreation trustedWrappingEnabled | CryptoKey
cloudkms.projects.locations.keyRings.cryptoKeys.get | GET | v1/projects/*/locations/*/keyRings/*/cryptoKeys/* | | -
cloudkms.projects.locations.keyRings.cryptoKeys.list | GET | v1/projects/*/locations/*/keyRings/*/cryptoKeys |\
 filter orderBy {PAGE} versionView | -
{_policy_rows(_CRYPTO_KEYS, "v1/projects/*/locations/*/keyRings/*/cryptoKeys/*")}
""",
    "run.v2": f"""
run.projects.locations.services.create | POST | v2/projects/*/locations/*/services | serviceId validateOnly |\
 GoogleCloudRunV2Service
run.projects.locations.services.get | GET | v2/projects/*/locations/*/services/* | | -
run.projects.locations.services.list | GET | v2/projects/*/locations/*/services | {PAGE} showDeleted | -
run.projects.locations.services.delete | DELETE | v2/projects/*/locations/*/services/* | etag validateOnly | -
run.projects.locations.operations.get | GET | v2/projects/*/locations/*/operations/* | | -
{_policy_rows("run.projects.locations.services", "v2/projects/*/locations/*/services/*")}
""",
    "bigquery.v2": """
bigquery.datasets.get | GET | bigquery/v2/projects/*/datasets/* | accessPolicyVersion datasetView | -
bigquery.datasets.insert | POST | bigquery/v2/projects/*/datasets | accessPolicyVersion | Dataset
bigquery.datasets.list | GET | bigquery/v2/projects/*/datasets | all filter maxResults pageToken | -
bigquery.datasets.patch | PATCH | bigquery/v2/projects/*/datasets/* | accessPolicyVersion updateMode | Dataset
bigquery.datasets.update | PUT | bigquery/v2/projects/*/datasets/* | accessPolicyVersion updateMode | Dataset
bigquery.datasets.delete | DELETE | bigquery/v2/projects/*/datasets/* | deleteContents | -
bigquery.tables.get | GET | bigquery/v2/projects/*/datasets/*/tables/* | selectedFields view | -
bigquery.tables.insert | POST | bigquery/v2/projects/*/datasets/*/tables | | Table
bigquery.tables.list | GET | bigquery/v2/projects/*/datasets/*/tables | maxResults pageToken | -
bigquery.tables.delete | DELETE | bigquery/v2/projects/*/datasets/*/tables/* | | -
bigquery.tables.getIamPolicy | POST | bigquery/v2/projects/*/datasets/*/tables/*:getIamPolicy | | GetIamPolicyRequest
bigquery.tables.setIamPolicy | POST | bigquery/v2/projects/*/datasets/*/tables/*:setIamPolicy | | SetIamPolicyRequest
bigquery.tables.testIamPermissions | POST | bigquery/v2/projects/*/datasets/*/tables/*:testIamPermissions | |\
 TestIamPermissionsRequest
""",
    "container.v1": """
container.projects.locations.clusters.get | GET | v1/projects/*/locations/*/clusters/* | clusterId projectId zone | -
container.projects.locations.clusters.list | GET | v1/projects/*/locations/*/clusters | projectId zone | -
""",
    "aiplatform.v1": f"""
aiplatform.projects.locations.reasoningEngines.get | GET | v1/projects/*/locations/*/reasoningEngines/* | | -
aiplatform.projects.locations.reasoningEngines.list | GET | v1/projects/*/locations/*/reasoningEngines |\
 filter {PAGE} | -
""",
    "iamcredentials.v1": """
iamcredentials.projects.serviceAccounts.generateAccessToken | POST |\
 v1/projects/*/serviceAccounts/*:generateAccessToken | | GenerateAccessTokenRequest
""",
}
"""Service and version → its rows."""

STANDARD_QUERY = frozenset(
    ("alt", "key", "prettyPrint", "fields", "quotaUser", "access_token", "callback", "oauth_token", "$.xgafv", "$alt")
)
"""Query parameters that every method takes (`parameters` of each discovery document)."""


@dataclass(frozen=True, slots=True)
class Route:
    """One REST method. `collection` routes name their parent; the others the resource."""

    id: str
    service: str
    verb: str
    path: str
    query: frozenset[str]
    body: str | None

    @property
    def collection(self) -> bool:
        """True when the path ends in a collection (`…/roles`), whose parent is then what is named."""
        return not self.path.partition(":")[0].endswith("*")


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    routes: dict[tuple[str, str], Route] = field(default_factory=dict)


@cache
def all_routes() -> dict[str, Route]:
    """Method id → its route."""
    found: dict[str, Route] = {}
    for service, table in TABLES.items():
        for line in table.strip().splitlines():
            if not line.strip():
                continue
            identity, verb, path, query, body = (part.strip() for part in line.split("|"))
            route = Route(identity, service, verb, path, frozenset(query.split()), None if body == "-" else body)
            if identity in found:
                raise ValueError(f"two routes for {identity}")
            found[identity] = route
    return found


@cache
def _tree() -> _Node:
    root = _Node()
    for route in all_routes().values():
        path, _, custom = route.path.partition(":")
        node = root
        for part in path.split("/"):
            if part == "*":
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literal.setdefault(part, _Node())
        node.routes[route.verb, custom] = route
    return root


def find(verb: str, segments: list[str]) -> tuple[Route, list[str]] | None:
    """The route of a path's segments (still percent-encoded), and the segments without the custom verb."""
    last, colon, custom = segments[-1].rpartition(":")
    if colon and custom.isalpha():
        found = _walk(_tree(), [*segments[:-1], last], 0, (verb, custom))
        if found is not None:
            return found, [*segments[:-1], last]
    found = _walk(_tree(), segments, 0, (verb, ""))
    return None if found is None else (found, segments)


def _walk(node: _Node, segments: list[str], index: int, key: tuple[str, str]) -> Route | None:
    if index == len(segments):
        return node.routes.get(key)
    part = segments[index]
    if part in node.literal:
        found = _walk(node.literal[part], segments, index + 1, key)
        if found is not None:
            return found
    if node.any is not None and part:
        return _walk(node.any, segments, index + 1, key)
    return None
