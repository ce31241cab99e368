"""What an answer of AWS, or the lack of one, means for the call that got it.

Sources: IAM API reference, «Common errors» and the errors of each action; botocore's `exceptions` and `retries`.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from botocore import exceptions as boto


class Fault(Enum):
    """UNCLEAR alone leaves open whether a write took effect; after every other fault it did not."""

    DENIED = "denied"
    THROTTLED = "throttled"
    ABSENT = "absent"
    EXISTS = "exists"
    TRANSIENT = "transient"
    UNCLEAR = "unclear"
    UNREACHABLE = "unreachable"
    CREDENTIALS = "credentials"
    REFUSED = "refused"


_CODES = {
    Fault.DENIED: {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "NotAuthorized",
        "AuthorizationError",
    },
    Fault.THROTTLED: {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "PriorRequestNotComplete",
    },
    Fault.ABSENT: {"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "NotFoundException"},
    Fault.EXISTS: {
        "EntityAlreadyExists",
        "EntityAlreadyExistsException",
        "ResourceInUseException",
        "ConflictException",
    },
    Fault.TRANSIENT: {
        # After a policy is taken off, IAM may still count it for a moment.
        "DeleteConflict",
        "DeleteConflictException",
        "EntityTemporarilyUnmodifiable",
        "ConcurrentModification",
        "ConcurrentModificationException",
    },
    Fault.CREDENTIALS: {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "MissingAuthenticationToken",
        "IncompleteSignature",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "OptInRequired",
    },
}
_BY_CODE = {code: fault for fault, codes in _CODES.items() for code in codes}

_NOT_SENT = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError, boto.SSLError)
_UNANSWERED = (boto.ReadTimeoutError, boto.ConnectionClosedError, boto.HTTPClientError)
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.ProfileNotFound,
)
_SERVER_ERROR = 500

ANSWERS: tuple[type[Exception], ...] = (boto.BotoCoreError, boto.ClientError)
"""Everything that a call can raise."""


class CutShortError(boto.BotoCoreError):
    """A listing that says it goes on, and not where."""

    fmt = "the page says that more follows, and does not say where"


class StillInUseError(boto.BotoCoreError):
    """A managed policy that is to be deleted, and that something still uses."""

    fmt = "the policy is still attached to {attached} identities and the boundary of {bounded}"


class StrangeAnswerError(boto.BotoCoreError):
    """An answer that is not AWS's: a proxy's or another program's page."""

    fmt = "the answer is not one of AWS: {problem}"


def classify(error: Exception) -> Fault:
    """What the error means. A parameter that botocore itself refuses is REFUSED: it never left this machine."""
    if isinstance(error, boto.ClientError):
        return _of_answer(error)
    if isinstance(error, _NOT_SENT):
        return Fault.UNREACHABLE
    if isinstance(error, _NO_CREDENTIALS):
        return Fault.CREDENTIALS
    if isinstance(error, StillInUseError):
        return Fault.TRANSIENT
    if isinstance(error, (*_UNANSWERED, StrangeAnswerError)):
        return Fault.UNCLEAR
    return Fault.REFUSED


def has_ended(error: Exception) -> bool:
    """Whether the session's credentials have run out: a new session of the same role may go on."""
    return isinstance(error, boto.ClientError) and _member(error, "Error").get("Code") in (
        "ExpiredToken",
        "ExpiredTokenException",
    )


def is_skew(error: Exception) -> bool:
    """Whether AWS refuses the time at which a request was signed."""
    if not isinstance(error, boto.ClientError):
        return False
    body = _member(error, "Error")
    code, said = str(body.get("Code", "")), str(body.get("Message", "")).lower()
    return code in ("RequestExpired", "RequestTimeTooSkewed") or (
        code == "SignatureDoesNotMatch" and ("signature expired" in said or "signature not yet current" in said)
    )


def is_throttling(code: str) -> bool:
    """Whether an answer's code says that calls come too fast."""
    return _BY_CODE.get(code) is Fault.THROTTLED


def _of_answer(error: boto.ClientError) -> Fault:
    code = str(_member(error, "Error").get("Code", ""))
    known = _BY_CODE.get(code)
    if known is not None:
        return known
    if code == "MalformedPolicyDocument" and "invalid principal" in message(error).lower():
        # A principal made a moment ago is not known everywhere yet. One that never existed ends as REFUSED, since
        # the writer's tries are bounded.
        return Fault.TRANSIENT
    status = _member(error, "ResponseMetadata").get("HTTPStatusCode", 0)
    return Fault.UNCLEAR if isinstance(status, int) and status >= _SERVER_ERROR else Fault.REFUSED


LONGEST = 300
"""Characters of a message: botocore quotes a whole answer that it cannot parse."""


def message(error: Exception) -> str:
    """The cloud's own words, on one line, without control characters and not endless."""
    if isinstance(error, boto.ClientError):
        body = _member(error, "Error")
        text = f"{body.get('Code', 'error')}: {body.get('Message', '')}"
    else:
        text = str(error)
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _member(error: boto.ClientError, name: str) -> dict[str, Any]:
    value = error.response.get(name)
    return dict(value) if isinstance(value, dict) else {}
