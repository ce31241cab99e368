"""Every kind of resource that a role can be granted on: one row each. Everything else asks this table.

Sources: the discovery documents of each service (`getIamPolicy`, `setIamPolicy`); «Full resource names»; «Services that
allow conditional role bindings»; «Resource types that accept conditional role bindings» (conditions).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

QUERY, BODY = "query", "body"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind. `pattern` matches the full name without `//host/`; `path` is the REST path of the resource, with the
    groups of the pattern in braces.

    `get` and `put` are the HTTP methods of reading and writing the policy; `version` says where the wanted policy
    version goes: in the query (under that name) or in the body. `conditions`: the kind takes conditional bindings.
    `type` is what `resource.type` is in a condition, `permission` the prefix of its policy permissions.
    """

    kind: str
    host: str
    pattern: re.Pattern[str]
    path: str
    type: str
    permission: str
    get: str = "GET"
    put: str = "POST"
    version: str = "options.requestedPolicyVersion"
    suffixes: tuple[str, str] = (":getIamPolicy", ":setIamPolicy")
    conditions: bool = True


_ID = r"[A-Za-z0-9._~%+-]+"


def _row(kind: str, host: str, pattern: str, path: str, type_: str, permission: str, **more: object) -> Row:
    compiled = re.compile(pattern.replace("{}", f"({_ID})"))
    return Row(kind, f"{host}.googleapis.com", compiled, path, type_, permission, **more)  # type: ignore[arg-type]


_CRM = "cloudresourcemanager"

ROWS: tuple[Row, ...] = (
    _row("project", _CRM, "projects/{}", "/v3/projects/{0}", f"{_CRM}.googleapis.com/Project",
         "resourcemanager.projects", get="POST", version=BODY),
    _row("folder", _CRM, "folders/([0-9]+)", "/v3/folders/{0}", f"{_CRM}.googleapis.com/Folder",
         "resourcemanager.folders", get="POST", version=BODY),
    _row("organization", _CRM, "organizations/([0-9]+)", "/v3/organizations/{0}",
         f"{_CRM}.googleapis.com/Organization", "resourcemanager.organizations", get="POST", version=BODY),
    _row("service account", "iam", r"projects/{}/serviceAccounts/([^/]+)", "/v1/projects/{0}/serviceAccounts/{1}",
         "iam.googleapis.com/ServiceAccount", "iam.serviceAccounts", get="POST"),
    _row("bucket", "storage", "projects/_/buckets/{}", "/storage/v1/b/{0}/iam", "storage.googleapis.com/Bucket",
         "storage.buckets", put="PUT", version="optionsRequestedPolicyVersion", suffixes=("", "")),
    _row("secret", "secretmanager", "projects/{}/secrets/{}", "/v1/projects/{0}/secrets/{1}",
         "secretmanager.googleapis.com/Secret", "secretmanager.secrets"),
    _row("topic", "pubsub", "projects/{}/topics/{}", "/v1/projects/{0}/topics/{1}", "pubsub.googleapis.com/Topic",
         "pubsub.topics", conditions=False),
    _row("subscription", "pubsub", "projects/{}/subscriptions/{}", "/v1/projects/{0}/subscriptions/{1}",
         "pubsub.googleapis.com/Subscription", "pubsub.subscriptions", conditions=False),
    _row("KMS key", "cloudkms", "projects/{}/locations/{}/keyRings/{}/cryptoKeys/{}",
         "/v1/projects/{0}/locations/{1}/keyRings/{2}/cryptoKeys/{3}", "cloudkms.googleapis.com/CryptoKey",
         "cloudkms.cryptoKeys"),
    _row("Cloud Run service", "run", "projects/{}/locations/{}/services/{}",
         "/v2/projects/{0}/locations/{1}/services/{2}", "run.googleapis.com/Service", "run.services"),
    _row("BigQuery dataset", "bigquery", "projects/{}/datasets/{}", "/bigquery/v2/projects/{0}/datasets/{1}",
         "bigquery.googleapis.com/Dataset", "bigquery.datasets", put="PATCH", version="accessPolicyVersion",
         suffixes=("", "")),
    _row("BigQuery table", "bigquery", "projects/{}/datasets/{}/tables/{}",
         "/bigquery/v2/projects/{0}/datasets/{1}/tables/{2}", "bigquery.googleapis.com/Table", "bigquery.tables",
         get="POST", version=BODY),
)  # fmt: skip

DATASET = next(row for row in ROWS if row.kind == "BigQuery dataset")

SERVICES = {"resourcemanager": "cloudresourcemanager.googleapis.com"}
"""Hosts of the services whose permissions begin with another word."""

_HOST_OF_SHORT = {"projects": _CRM, "folders": _CRM, "organizations": _CRM}


@cache
def full_name(text: str) -> str:
    """The full resource name; `projects/P`, `folders/N` and `organizations/N` may be written short."""
    first = text.partition("/")[0]
    if first in _HOST_OF_SHORT and text.count("/") == 1:
        return f"//{_HOST_OF_SHORT[first]}.googleapis.com/{text}"
    return text


@cache
def row_of(name: str) -> tuple[Row, tuple[str, ...]] | None:
    """The row of a full resource name, with the parts that its path takes; None for what is in no row."""
    host, slash, rest = name.removeprefix("//").partition("/")
    if not name.startswith("//") or not slash:
        return None
    for row in ROWS:
        if row.host == host:
            found = row.pattern.fullmatch(rest)
            if found is not None:
                return row, tuple(str(part) for part in found.groups())
    return None


def rest_path(name: str) -> str:
    """The REST path of a resource that is in the table. Raises ValueError for one that is not."""
    found = row_of(name)
    if found is None:
        raise ValueError(f"{name} is no resource that this version knows")
    row, parts = found
    return row.path.format(*parts)


def project_of(name: str) -> str | None:
    """The project that a full name says; None where it says none (a bucket, a folder)."""
    rest = name.removeprefix("//").partition("/")[2].split("/")
    return rest[1] if len(rest) > 1 and rest[0] == "projects" and rest[1] != "_" else None


def known_kinds() -> str:
    return ", ".join(row.kind for row in ROWS)
