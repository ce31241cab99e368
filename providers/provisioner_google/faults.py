"""What an answer of Google, or the lack of one, means for the call that got it.

Sources: «Errors», Google API design guide (google.rpc.Code and `error.status`); Cloud Storage and BigQuery, «Error
responses» (`reason` in place of `status`).
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class Fault(Enum):
    """UNCLEAR alone leaves open whether a write took effect; after every other fault it did not."""

    DENIED = "denied"
    THROTTLED = "throttled"
    ABSENT = "absent"
    EXISTS = "exists"
    ABORTED = "aborted"
    TRANSIENT = "transient"
    UNCLEAR = "unclear"
    UNREACHABLE = "unreachable"
    CREDENTIALS = "credentials"
    REFUSED = "refused"


class CallError(Exception):
    """A call that did not succeed. `status` is the API's own, or the HTTP status; `said` its words, on one line.

    `taken`: the call itself was taken; what failed is waiting for its operation, so that it may well take effect.
    """

    def __init__(self, fault: Fault, status: str, said: str, taken: bool = False) -> None:
        self.fault = fault
        self.status = status
        self.taken = taken
        self.said = one_line(said)
        super().__init__(f"{status}: {self.said}")


_BY_STATUS = {
    "PERMISSION_DENIED": Fault.DENIED,
    "UNAUTHENTICATED": Fault.CREDENTIALS,
    "NOT_FOUND": Fault.ABSENT,
    "ALREADY_EXISTS": Fault.EXISTS,
    "ABORTED": Fault.ABORTED,
    "RESOURCE_EXHAUSTED": Fault.THROTTLED,
    "UNAVAILABLE": Fault.UNCLEAR,
    "DEADLINE_EXCEEDED": Fault.UNCLEAR,
    "INTERNAL": Fault.UNCLEAR,
}
_BY_REASON = {
    "conditionNotMet": Fault.ABORTED,
    "duplicate": Fault.EXISTS,
    "notFound": Fault.ABSENT,
    "rateLimitExceeded": Fault.THROTTLED,
    "forbidden": Fault.DENIED,
    "accessDenied": Fault.DENIED,
}
_BY_CODE = {401: Fault.CREDENTIALS, 403: Fault.DENIED, 404: Fault.ABSENT, 412: Fault.ABORTED, 429: Fault.THROTTLED}
_SERVER_ERROR = 500
LONGEST = 300


def of_answer(code: int, body: Any) -> CallError:
    """The error of an HTTP answer. Only `error.status` and reasons count, never the message's words, but for one: a
    principal made a moment ago is not known everywhere, and Google says so as INVALID_ARGUMENT."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    status, said = str(error.get("status") or ""), str(error.get("message") or "no explanation")
    reasons = [str(item.get("reason", "")) for item in error.get("errors") or () if isinstance(item, dict)]
    fault = _BY_STATUS.get(status) or next((_BY_REASON[r] for r in reasons if r in _BY_REASON), None)
    fault = fault or _BY_CODE.get(code) or (Fault.UNCLEAR if code >= _SERVER_ERROR else Fault.REFUSED)
    if fault is Fault.REFUSED and status in ("", "INVALID_ARGUMENT") and "does not exist" in said:
        fault = Fault.TRANSIENT
    return CallError(fault, status or str(code), said)


def one_line(text: str) -> str:
    """A cloud's own words without control characters, and not endless."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
