"""The IAM calls on credentials for one service (CodeCommit, Keyspaces, API keys of Bedrock) that moto lacks.

Source: IAM API Reference, «CreateServiceSpecificCredential» and its neighbours: at most two of a user for a service.
The records hang on moto's own user, so that they go with it.
"""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

CREATE = "CreateServiceSpecificCredential"
LIST = "ListServiceSpecificCredentials"
DELETE = "DeleteServiceSpecificCredential"
_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_MOST = 2
_SHOWN = ("UserName", "Status", "ServiceUserName", "CreateDate", "ServiceSpecificCredentialId", "ServiceName")


def takes(body: bytes) -> bool:
    """Whether an IAM request is one of the three."""
    return any(f"Action={action}&".encode() in body for action in (CREATE, LIST, DELETE))


def handle(account: str, body: bytes) -> tuple[int, bytes]:
    """Status and XML of the answer."""
    from moto.core.exceptions import ServiceException
    from moto.iam.models import iam_backends

    given = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    action, name = given["Action"], given.get("UserName", "")
    try:
        user = iam_backends[account]["aws"].get_user(name)
    except ServiceException:
        return 404, _error("NoSuchEntity", f"The user with name {name} cannot be found.")
    records: list[dict[str, str]] = vars(user).setdefault("sandbox_service_credentials", [])
    if action == CREATE:
        return _create(account, given, records)
    if action == DELETE:
        kept = [record for record in records if record["ServiceSpecificCredentialId"] != given.get(_SHOWN[4])]
        if len(kept) == len(records):
            return 404, _error("NoSuchEntity", f"No such credential {given.get(_SHOWN[4])} exists")
        records[:] = kept
        return 200, _answer(action, "")
    wanted = [record for record in records if given.get("ServiceName") in (None, record["ServiceName"])]
    members = "".join(f"<member>{_fields(record, _SHOWN)}</member>" for record in wanted)
    return 200, _answer(
        action,
        f"<ServiceSpecificCredentials>{members}</ServiceSpecificCredentials><IsTruncated>false</IsTruncated>",
    )


def _create(account: str, given: dict[str, Any], records: list[dict[str, str]]) -> tuple[int, bytes]:
    service = given.get("ServiceName", "")
    if not service.endswith(".amazonaws.com"):
        return 400, _error("ValidationError", f"Service {service} is not supported for this operation.")
    if sum(record["ServiceName"] == service for record in records) >= _MOST:
        return 400, _error("LimitExceeded", "Cannot exceed quota for ServiceSpecificCredentialsPerUser: 2")
    letters = string.ascii_uppercase + string.digits
    record = {
        "CreateDate": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ServiceName": service,
        "ServiceUserName": f"{given['UserName']}-at-{account}",
        "ServiceSpecificCredentialId": "ACCA" + "".join(secrets.choice(letters) for _ in range(16)),
        "UserName": given["UserName"],
        "Status": "Active",
    }
    records.append(record)
    shown = _fields(record, tuple(record)) + "<ServicePassword>sandbox</ServicePassword>"
    return 200, _answer(CREATE, f"<ServiceSpecificCredential>{shown}</ServiceSpecificCredential>")


def _fields(record: dict[str, str], names: tuple[str, ...]) -> str:
    return "".join(f"<{name}>{escape(record[name])}</{name}>" for name in names)


def _answer(action: str, result: str) -> bytes:
    return (
        f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata></{action}Response>"
    ).encode()


def _error(code: str, message: str) -> bytes:
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>sandbox</RequestId></ErrorResponse>"
    ).encode()
