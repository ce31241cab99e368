"""The two IAM calls on OIDC providers that moto has no code for: adding and removing a client id.

Source: IAM API Reference, «AddClientIDToOpenIDConnectProvider» (idempotent, NoSuchEntity, LimitExceeded at 100).
"""

from __future__ import annotations

from urllib.parse import parse_qs
from xml.sax.saxutils import escape

ADD = "AddClientIDToOpenIDConnectProvider"
REMOVE = "RemoveClientIDFromOpenIDConnectProvider"
_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_MOST = 100


def takes(body: bytes) -> bool:
    """Whether an IAM request is one of the two."""
    return f"Action={ADD}&".encode() in body or f"Action={REMOVE}&".encode() in body


def handle(account: str, body: bytes) -> tuple[int, bytes]:
    """Change moto's own record of the provider; status and XML of the answer."""
    from moto.core.exceptions import ServiceException
    from moto.iam.models import iam_backends

    given = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    action, arn, id_ = given["Action"], given.get("OpenIDConnectProviderArn", ""), given.get("ClientID", "")
    try:
        provider = iam_backends[account]["aws"].get_open_id_connect_provider(arn)
    except ServiceException:
        return 404, _error("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    rest = [item for item in provider.client_id_list if item != id_]
    if action == ADD and len(rest) >= _MOST:
        return 400, _error("LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
    provider.client_id_list = [*rest, id_] if action == ADD else rest
    answer = f'<{action}Response xmlns="{_NAMESPACE}"><ResponseMetadata><RequestId>sandbox</RequestId>'
    return 200, f"{answer}</ResponseMetadata></{action}Response>".encode()


def _error(code: str, message: str) -> bytes:
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>sandbox</RequestId></ErrorResponse>"
    ).encode()
