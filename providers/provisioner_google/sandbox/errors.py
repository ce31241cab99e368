"""Errors as Google's services give them: a canonical code, its HTTP status, a message and typed details.

Source: google/rpc/code.proto and error_details.proto (googleapis-common-protos), https://google.aip.dev/193.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "CONDITION_NOT_MET": 412,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "DATA_LOSS": 500,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Every code of google.rpc.Code but OK. CONDITION_NOT_MET is none of them: Cloud Storage and BigQuery answer a stale
etag with a bare 412."""

_LEGACY_REASON = {
    400: "invalid",
    401: "required",
    403: "forbidden",
    404: "notFound",
    409: "conflict",
    412: "conditionNotMet",
    429: "rateLimitExceeded",
    503: "backendError",
}


class ApiError(Exception):
    """What a call is answered with instead of a result. `status` is a key of HTTP_STATUS."""

    def __init__(self, status: str, message: str, details: Sequence[Json] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = tuple(details)

    @property
    def code(self) -> int:
        """The HTTP status."""
        return HTTP_STATUS[self.status]

    def body(self) -> Json:
        """The answer of a service behind Google's common front end: `error` with code, message, status, details."""
        error: Json = {"code": self.code, "message": self.message, "status": self.status}
        if self.status == "CONDITION_NOT_MET":
            del error["status"]
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}

    def legacy_body(self, with_status: bool) -> Json:
        """The answer of Cloud Storage (no `status`) and BigQuery (with one): `error.errors[].reason`."""
        reason = _LEGACY_REASON.get(self.code, "backendError")
        if self.status == "ALREADY_EXISTS" and with_status:
            reason = "duplicate"
        item = {"message": self.message, "domain": "global", "reason": reason}
        error: Json = {"code": self.code, "message": self.message, "errors": [item]}
        if with_status and self.status != "CONDITION_NOT_MET":
            error["status"] = self.status
        return {"error": error}


def invalid(message: str, field: str = "") -> ApiError:
    """400 INVALID_ARGUMENT, with the field where one is to blame."""
    if not field:
        return ApiError("INVALID_ARGUMENT", message)
    violation = {"field": field, "description": message}
    details = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return ApiError("INVALID_ARGUMENT", message, [details])


def not_found(message: str) -> ApiError:
    """404 NOT_FOUND."""
    return ApiError("NOT_FOUND", message)


def exists(message: str) -> ApiError:
    """409 ALREADY_EXISTS."""
    return ApiError("ALREADY_EXISTS", message)


def aborted(message: str) -> ApiError:
    """409 ABORTED: a concurrent change; read again and try again."""
    return ApiError("ABORTED", message)


def denied(permission: str, resource: str) -> ApiError:
    """403 PERMISSION_DENIED with the reason, the permission and the resource. It does not say whether it exists."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": {"permission": permission, "resource": resource},
    }
    message = f"Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
    return ApiError("PERMISSION_DENIED", message, [info])


def exhausted(metric: str, service: str, consumer: str, limit: int) -> ApiError:
    """429 RESOURCE_EXHAUSTED with the quota that is used up. `limit` is per minute."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {
            "service": service,
            "consumer": consumer,
            "quota_metric": metric,
            "quota_limit_value": str(limit),
            "quota_unit": "1/min/{project}",
        },
    }
    message = f"Quota exceeded for quota metric '{metric}' of service '{service}' for consumer '{consumer}'."
    return ApiError("RESOURCE_EXHAUSTED", message, [info])
