"""The kinds of resource with an allow policy of their own: one row a kind. Names, permissions, what a policy may hold.

Source of `conditions`: https://cloud.google.com/iam/docs/resource-types-with-conditional-roles, which has neither
topics nor subscriptions. Service accounts and BigQuery are not on that page either, but take conditions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from .policies import Rules

_ANY = Rules()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `prefix` is that of its method ids; `pattern` its relative name, `*` for an id; `host` that of its full
    resource name; `permission` is what `.get`, `.setIamPolicy` … are appended to; `identity` names the query parameter
    of `create` ("" where the name is in the path); `by_number` says that answers name the project by number;
    `key` is that of list answers; `type` the value of `resource.type` in conditions."""

    prefix: str
    pattern: str
    host: str
    permission: str
    type: str
    rules: Rules = _ANY
    identity: str = ""
    by_number: bool = False
    key: str = ""


_NO_CONDITIONS = Rules(conditions=False, why="Conditions are not supported on Pub/Sub resources.")
_TABLE = (
    Kind(
        "cloudresourcemanager.projects",
        "projects/*",
        "cloudresourcemanager",
        "resourcemanager.projects",
        "cloudresourcemanager.googleapis.com/Project",
    ),
    Kind(
        "cloudresourcemanager.folders",
        "folders/*",
        "cloudresourcemanager",
        "resourcemanager.folders",
        "cloudresourcemanager.googleapis.com/Folder",
    ),
    Kind(
        "cloudresourcemanager.organizations",
        "organizations/*",
        "cloudresourcemanager",
        "resourcemanager.organizations",
        "cloudresourcemanager.googleapis.com/Organization",
    ),
    Kind(
        "iam.projects.serviceAccounts",
        "projects/*/serviceAccounts/*",
        "iam",
        "iam.serviceAccounts",
        "iam.googleapis.com/ServiceAccount",
    ),
    Kind(
        "storage.buckets",
        "projects/_/buckets/*",
        "storage",
        "storage.buckets",
        "storage.googleapis.com/Bucket",
        Rules(project_roles=True, stale="CONDITION_NOT_MET"),
    ),
    Kind(
        "secretmanager.projects.secrets",
        "projects/*/secrets/*",
        "secretmanager",
        "secretmanager.secrets",
        "secretmanager.googleapis.com/Secret",
        identity="secretId",
        by_number=True,
        key="secrets",
    ),
    Kind(
        "pubsub.projects.topics",
        "projects/*/topics/*",
        "pubsub",
        "pubsub.topics",
        "pubsub.googleapis.com/Topic",
        _NO_CONDITIONS,
        key="topics",
    ),
    Kind(
        "pubsub.projects.subscriptions",
        "projects/*/subscriptions/*",
        "pubsub",
        "pubsub.subscriptions",
        "pubsub.googleapis.com/Subscription",
        _NO_CONDITIONS,
        key="subscriptions",
    ),
    Kind(
        "cloudkms.projects.locations.keyRings",
        "projects/*/locations/*/keyRings/*",
        "cloudkms",
        "cloudkms.keyRings",
        "cloudkms.googleapis.com/KeyRing",
        identity="keyRingId",
        key="keyRings",
    ),
    Kind(
        "cloudkms.projects.locations.keyRings.cryptoKeys",
        "projects/*/locations/*/keyRings/*/cryptoKeys/*",
        "cloudkms",
        "cloudkms.cryptoKeys",
        "cloudkms.googleapis.com/CryptoKey",
        identity="cryptoKeyId",
        key="cryptoKeys",
    ),
    Kind(
        "run.projects.locations.services",
        "projects/*/locations/*/services/*",
        "run",
        "run.services",
        "run.googleapis.com/Service",
        identity="serviceId",
        key="services",
    ),
    Kind(
        "bigquery.datasets",
        "projects/*/datasets/*",
        "bigquery",
        "bigquery.datasets",
        "bigquery.googleapis.com/Dataset",
        Rules(project_roles=True, stale="CONDITION_NOT_MET"),
    ),
    Kind(
        "bigquery.tables",
        "projects/*/datasets/*/tables/*",
        "bigquery",
        "bigquery.tables",
        "bigquery.googleapis.com/Table",
        Rules(project_roles=True),
    ),
    Kind(
        "container.projects.locations.clusters",
        "projects/*/locations/*/clusters/*",
        "container",
        "container.clusters",
        "container.googleapis.com/Cluster",
        key="clusters",
    ),
    Kind(
        "aiplatform.projects.locations.reasoningEngines",
        "projects/*/locations/*/reasoningEngines/*",
        "aiplatform",
        "aiplatform.reasoningEngines",
        "aiplatform.googleapis.com/ReasoningEngine",
        key="reasoningEngines",
    ),
)


@cache
def by_prefix() -> dict[str, Kind]:
    """Prefix of method ids → kind."""
    return {kind.prefix: kind for kind in _TABLE}


def of_method(method: str) -> Kind:
    """The kind that a method is about."""
    return by_prefix()[method.rpartition(".")[0]]


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Kind], ...]:
    rows = []
    for kind in _TABLE:
        pattern = re.escape(kind.pattern).replace(r"\*", "[^/]+")
        rows.append((re.compile(f"//{kind.host}[.]googleapis[.]com/{pattern}"), kind))
    return tuple(rows)


def of_full_name(full_name: str) -> Kind | None:
    """The kind of a full resource name; None for one that is none of the table's."""
    return next((kind for pattern, kind in _patterns() if pattern.fullmatch(full_name)), None)
