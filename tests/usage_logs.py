"""CloudTrail records and Google Cloud audit log entries, as the clouds write them, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
ROLE = "acme-sandbox-invoice-triage"
NOW = datetime.now(UTC).replace(microsecond=0)


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def session(role: str = ROLE, name: str = "run-1", account: str = ACCOUNT, **more: Any) -> dict[str, Any]:
    """`userIdentity` of a session of a role; a role's path stands in the issuer's ARN only."""
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{account}:role/agents/{role}", "userName": role}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "sessionContext": {"sessionIssuer": issuer, **more},
    }


def record(source: str, name: str, *arns: str, days: float = 1, **more: Any) -> dict[str, Any]:
    """One CloudTrail record; `arns` are its resources."""
    found = {
        "eventVersion": "1.11",
        "userIdentity": session(),
        "eventTime": ago(days),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "requestParameters": {},
        "eventID": f"{source}-{name}-{days}",
        "readOnly": name.startswith(("Get", "List", "Head", "Query", "Scan", "Describe")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    if arns:
        found["resources"] = [{"ARN": arn, "accountId": ACCOUNT} for arn in arns]
    return {**found, **more}


def data(source: str, name: str, *arns: str, **more: Any) -> dict[str, Any]:
    """A data event."""
    return record(source, name, *arns, **{"managementEvent": False, "eventCategory": "Data", **more})


def get_object(key: str, bucket: str = "acme-invoices", **more: Any) -> dict[str, Any]:
    arns = (f"arn:aws:s3:::{bucket}/{key}", f"arn:aws:s3:::{bucket}")
    return data("s3", "GetObject", *arns, **{"requestParameters": {"bucketName": bucket, "key": key}, **more})


def table(name: str, operation: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{name}"
    return data("dynamodb", operation, arn, **{"requestParameters": {"tableName": name}, **more})


def entry(
    service: str,
    method: str,
    *checked: tuple[str, str],
    email: str = "",
    subject: str = "",
    days: float = 1,
    **more: Any,
) -> dict[str, Any]:
    """One Google Cloud audit log entry; `checked` are permissions with the resource that each was checked on."""
    payload = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "status": {},
        "authenticationInfo": {
            key: value for key, value in (("principalEmail", email), ("principalSubject", subject)) if value
        },
        "serviceName": f"{service}.googleapis.com",
        "methodName": method,
        "authorizationInfo": [{"resource": where, "permission": name, "granted": True} for name, where in checked],
        "resourceName": checked[0][1] if checked else "",
        **more.pop("payload", {}),
    }
    return {
        "insertId": f"{service}-{days}",
        "logName": "projects/acme-fin-prod/logs/cloudaudit.googleapis.com%2Fdata_access",
        "timestamp": ago(days).replace("Z", ".123456Z"),
        "resource": {"type": service, "labels": {"project_id": "acme-fin-prod", "location": "eu"}},
        "protoPayload": payload,
        **more,
    }


def write(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    """As CloudTrail delivers it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"Records": list(records)}))
    return path
