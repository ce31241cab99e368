"""The fields of every request body the emulator takes, and the check of a body against them.

Written by hand from Google's discovery documents; a test compares each message with them. A type is `string`, `bool`,
`int`, `map` (of strings), `any` (an object that is kept and not looked into), a message of this table, or one of these
in brackets for a list. Fields Google only ever puts out are in the table too: sending one is no error there.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache

from .errors import ApiError, Json, invalid

_POLICY = "version:int bindings:[Binding] auditConfigs:[AuditConfig] etag:bytes"
_SET_POLICY = "policy:Policy updateMask:string"

MESSAGES: dict[str, dict[str, str]] = {
    "iam.v1": {
        "ServiceAccount": "name:string projectId:string uniqueId:string email:string displayName:string etag:bytes"
        " description:string oauth2ClientId:string disabled:bool",
        "CreateServiceAccountRequest": "accountId:string serviceAccount:ServiceAccount",
        "PatchServiceAccountRequest": "serviceAccount:ServiceAccount updateMask:string",
        "DisableServiceAccountRequest": "",
        "EnableServiceAccountRequest": "",
        "UndeleteServiceAccountRequest": "",
        "CreateServiceAccountKeyRequest": "privateKeyType:string keyAlgorithm:string",
        "UploadServiceAccountKeyRequest": "publicKeyData:bytes",
        "DisableServiceAccountKeyRequest": "",
        "EnableServiceAccountKeyRequest": "",
        "Role": "name:string title:string description:string includedPermissions:[string] stage:string etag:bytes"
        " deleted:bool",
        "CreateRoleRequest": "roleId:string role:Role",
        "UndeleteRoleRequest": "etag:bytes",
        "QueryTestablePermissionsRequest": "fullResourceName:string pageSize:int pageToken:string",
        "QueryGrantableRolesRequest": "fullResourceName:string view:string pageSize:int pageToken:string",
        "WorkloadIdentityPool": "name:string displayName:string description:string state:string disabled:bool"
        " expireTime:string mode:string inlineCertificateIssuanceConfig:any inlineTrustConfig:any",
        "WorkloadIdentityPoolProvider": "name:string displayName:string description:string state:string disabled:bool"
        " expireTime:string attributeMapping:map attributeCondition:string aws:Aws oidc:Oidc saml:Saml x509:any"
        " actorProviders:[string]",
        "Aws": "accountId:string",
        "Oidc": "issuerUri:string allowedAudiences:[string] jwksJson:string discoveryUri:string",
        "Saml": "idpMetadataXml:string",
        "UndeleteWorkloadIdentityPoolRequest": "",
        "UndeleteWorkloadIdentityPoolProviderRequest": "",
        "Expr": "expression:string title:string description:string location:string",
        "Binding": "role:string members:[string] condition:Expr",
        "AuditLogConfig": "logType:string exemptedMembers:[string]",
        "AuditConfig": "service:string auditLogConfigs:[AuditLogConfig]",
        "Policy": _POLICY,
        "GetPolicyOptions": "requestedPolicyVersion:int",
        "GetIamPolicyRequest": "options:GetPolicyOptions",
        "SetIamPolicyRequest": _SET_POLICY,
        "TestIamPermissionsRequest": "permissions:[string]",
    },
    "logging.v2": {
        "ListLogEntriesRequest": "projectIds:[string] resourceNames:[string] filter:string orderBy:string pageSize:int"
        " pageToken:string",
    },
    "iam.v2": {
        "GoogleIamV2Policy": "name:string uid:string kind:string displayName:string annotations:map etag:string"
        " createTime:string updateTime:string deleteTime:string rules:[GoogleIamV2PolicyRule]",
        "GoogleIamV2PolicyRule": "denyRule:GoogleIamV2DenyRule description:string",
        "GoogleIamV2DenyRule": "deniedPrincipals:[string] exceptionPrincipals:[string] deniedPermissions:[string]"
        " exceptionPermissions:[string] denialCondition:GoogleTypeExpr",
        "GoogleTypeExpr": "expression:string title:string description:string location:string",
    },
    "iam.v3": {
        "PrincipalAccessBoundaryPolicy": "name:string uid:string etag:string displayName:string annotations:map"
        " createTime:string updateTime:string details:PrincipalAccessBoundaryPolicyDetails",
        "PrincipalAccessBoundaryPolicyDetails": "rules:[PrincipalAccessBoundaryPolicyRule] enforcementVersion:string",
        "PrincipalAccessBoundaryPolicyRule": "description:string resources:[string] effect:string",
        "PolicyBinding": "name:string uid:string etag:string displayName:string annotations:map target:Target"
        " policyKind:string policy:string policyUid:string condition:Expr createTime:string updateTime:string",
        "Target": "principalSet:string resource:string",
        "Expr": "expression:string title:string description:string location:string",
    },
    "cloudresourcemanager.v3": {
        "Project": "name:string parent:string projectId:string state:string displayName:string createTime:string"
        " updateTime:string deleteTime:string etag:string labels:map tags:map configuredCapabilities:[string]"
        " isManagementProject:bool managementType:string",
    },
    "storage.v1": {
        "Policy": "bindings:[Policy.bindings] etag:bytes kind:string resourceId:string version:int",
        "Policy.bindings": "role:string members:[string] condition:Expr",
        "Expr": "expression:string title:string description:string location:string",
        "Bucket": "acl:[any] autoclass:any billing:any cors:[any] customPlacementConfig:any defaultEventBasedHold:bool"
        " defaultObjectAcl:[any] encryption:any etag:string generation:string hardDeleteTime:string"
        " hierarchicalNamespace:any iamConfiguration:any id:string ipFilter:any kind:string labels:map lifecycle:any"
        " location:string locationType:string logging:any metageneration:string name:string objectRetention:any"
        " owner:any projectNumber:string retentionPolicy:any rpo:string satisfiesPZI:bool satisfiesPZS:bool"
        " selfLink:string softDeletePolicy:any softDeleteTime:string storageClass:string timeCreated:string"
        " updated:string versioning:any website:any",
    },
    "secretmanager.v1": {
        "Secret": "name:string replication:any createTime:string labels:map topics:[any] expireTime:string ttl:string"
        " etag:string rotation:any versionAliases:any annotations:map versionDestroyTtl:string tags:map"
        " customerManagedEncryption:any policyMember:any secretType:string",
    },
    "pubsub.v1": {
        "Policy": "version:int bindings:[Binding] etag:bytes",
        "SetIamPolicyRequest": "policy:Policy",
        "Topic": "name:string labels:map messageStoragePolicy:any kmsKeyName:string schemaSettings:any"
        " satisfiesPzs:bool messageRetentionDuration:string state:string ingestionDataSourceSettings:any"
        " messageTransforms:[any] tags:map",
        "Subscription": "name:string topic:string pushConfig:any bigqueryConfig:any cloudStorageConfig:any"
        " bigtableConfig:any ackDeadlineSeconds:int retainAckedMessages:bool messageRetentionDuration:string"
        " labels:map enableMessageOrdering:bool expirationPolicy:any filter:string deadLetterPolicy:any"
        " retryPolicy:any detached:bool enableExactlyOnceDelivery:bool topicMessageRetentionDuration:string"
        " state:string analyticsHubSubscriptionInfo:any messageTransforms:[any] tags:map",
    },
    "cloudkms.v1": {
        "KeyRing": "name:string createTime:string",
        "CryptoKey": "name:string primary:any purpose:string createTime:string nextRotationTime:string"
        " rotationPeriod:string versionTemplate:any labels:map importOnly:bool destroyScheduledDuration:string"
        " cryptoKeyBackend:string keyAccessJustificationsPolicy:any",
    },
    "run.v2": {
        "GoogleCloudRunV2Service": "name:string description:string uid:string generation:string labels:map"
        " annotations:map createTime:string updateTime:string deleteTime:string expireTime:string creator:string"
        " lastModifier:string client:string clientVersion:string ingress:string launchStage:string"
        " binaryAuthorization:any template:any traffic:[any] scaling:any invokerIamDisabled:bool"
        " defaultUriDisabled:bool urls:[string] iapEnabled:bool multiRegionSettings:any customAudiences:[string]"
        " observedGeneration:string terminalCondition:any conditions:[any] latestReadyRevision:string"
        " latestCreatedRevision:string trafficStatuses:[any] uri:string satisfiesPzs:bool threatDetectionEnabled:bool"
        " buildConfig:any reconciling:bool etag:string functionalType:string sshEnabled:bool",
    },
    "aiplatform.v1": {
        "GoogleCloudAiplatformV1ReasoningEngine": "name:string displayName:string description:string spec:any"
        " createTime:string updateTime:string etag:string encryptionSpec:any contextSpec:any labels:map",
    },
    "bigquery.v2": {
        "Dataset": "access:[Dataset.access] catalogSource:string creationTime:string datasetReference:DatasetReference"
        " defaultCollation:string defaultEncryptionConfiguration:any defaultPartitionExpirationMs:string"
        " defaultRoundingMode:string defaultTableExpirationMs:string description:string etag:string"
        " externalCatalogDatasetOptions:any externalDatasetReference:any friendlyName:string id:string"
        " isCaseInsensitive:bool kind:string labels:map lastModifiedTime:string linkedDatasetMetadata:any"
        " linkedDatasetSource:any location:string maxTimeTravelHours:string resourceTags:map restrictions:any"
        " satisfiesPzi:bool satisfiesPzs:bool selfLink:string storageBillingModel:string tags:[any] type:string",
        "Dataset.access": "role:string userByEmail:string groupByEmail:string domain:string specialGroup:string"
        " iamMember:string view:any routine:any dataset:any condition:Expr",
        "DatasetReference": "datasetId:string projectId:string",
        "Expr": "expression:string title:string description:string location:string",
        "Table": "biglakeConfiguration:any cloneDefinition:any clustering:any creationTime:string"
        " defaultCollation:string defaultRoundingMode:string description:string encryptionConfiguration:any etag:string"
        " expirationTime:string externalCatalogTableOptions:any externalDataConfiguration:any friendlyName:string"
        " id:string kind:string labels:map lastModifiedTime:string location:string managedTableType:string"
        " materializedView:any materializedViewStatus:any maxStaleness:string model:any numActiveLogicalBytes:string"
        " numActivePhysicalBytes:string numBytes:string numCurrentPhysicalBytes:string numLongTermBytes:string"
        " numLongTermLogicalBytes:string numLongTermPhysicalBytes:string numPartitions:string numPhysicalBytes:string"
        " numRows:string numTimeTravelPhysicalBytes:string numTotalLogicalBytes:string numTotalPhysicalBytes:string"
        " partitionDefinition:any rangePartitioning:any replicas:[any] requirePartitionFilter:bool resourceTags:map"
        " restrictions:any schema:any selfLink:string snapshotDefinition:any streamingBuffer:any tableConstraints:any"
        " tableReference:any tableReplicationInfo:any timePartitioning:any type:string view:any",
    },
    "iamcredentials.v1": {
        "GenerateAccessTokenRequest": "scope:[string] lifetime:string delegates:[string]",
    },
}
"""Service and version → message → fields."""

_SNAKE = re.compile(r"_([a-z0-9])")


@cache
def fields_of(service: str, message: str) -> dict[str, str]:
    """Field → type of a message. A service without its own copy uses IAM's: policies are one shape everywhere."""
    own = MESSAGES.get(service, {})
    text = own[message] if message in own else MESSAGES["iam.v1"][message]
    return dict(part.split(":", 1) for part in text.split())


def checked(service: str, message: str, value: object) -> Json:
    """The body with fields in their JSON names. Raises ApiError (INVALID_ARGUMENT) on an unknown field or a wrong
    type, naming every one of them as Google's front end does."""
    violations: list[tuple[str, str]] = []
    result = _object(service, message, value, "", violations)
    if violations:
        text = "\n".join(description for _, description in violations)
        listed = [{"field": field, "description": description} for field, description in violations]
        details = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed}
        raise ApiError("INVALID_ARGUMENT", text, [details])
    return result


def _object(service: str, message: str, value: object, path: str, violations: list[tuple[str, str]]) -> Json:
    if not isinstance(value, dict):
        if not path:
            raise invalid('Invalid JSON payload received. Unknown name "": Root element must be a message.')
        violations.append((path, f"Invalid value at '{path}' (type.googleapis.com/{message}), {value!r}"))
        return {}
    fields = fields_of(service, message)
    found: Json = {}
    for key, item in value.items():
        name = key if key in fields else _SNAKE.sub(lambda match: match[1].upper(), key)
        if name not in fields:
            where = f" at '{path}'" if path else ""
            text = f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.'
            violations.append((path, text))
        elif item is not None:  # proto3 JSON: null is the field's default
            found[name] = _field(service, fields[name], item, f"{path}.{name}" if path else name, violations)
    return found


def _field(service: str, kind: str, value: object, path: str, violations: list[tuple[str, str]]) -> object:
    if kind.startswith("["):
        if not isinstance(value, list):
            violations.append((path, f"Invalid value at '{path}', {value!r} is not a list"))
            return []
        inner = kind[1:-1]
        return [_field(service, inner, item, f"{path}[{index}]", violations) for index, item in enumerate(value)]
    if kind not in _SCALARS:
        return _object(service, kind, value, path, violations)
    right, result = _SCALARS[kind](value)
    if not right:
        violations.append((path, f"Invalid value at '{path}' (TYPE_{kind.upper()}), {value!r}"))
    return result


def _bytes(value: object) -> tuple[bool, object]:
    if not isinstance(value, str):
        return False, ""
    try:
        raw = base64.b64decode(value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False, ""
    return True, base64.b64encode(raw).decode()


def _int(value: object) -> tuple[bool, object]:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,10}", value):
        return True, int(value)
    return isinstance(value, int) and not isinstance(value, bool), value


def _map(value: object) -> tuple[bool, object]:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values()), value


_SCALARS: dict[str, Callable[[object], tuple[bool, object]]] = {
    "string": lambda value: (isinstance(value, str), value),
    "bool": lambda value: (isinstance(value, bool), value),
    "int": _int,
    "bytes": _bytes,
    "map": _map,
    "any": lambda value: (isinstance(value, dict), value),
}
