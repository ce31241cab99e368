"""Long-running operations: the first answer is never done, the effect comes when the operation is.

Source: google/longrunning/operations.proto; https://cloud.google.com/iam/docs/reference/rest/v2/policies/createPolicy.
"""

from __future__ import annotations

from collections.abc import Callable

from .clock import timestamp
from .core import Call
from .errors import Json, not_found
from .state import Pending, State

_CODES = {
    "INVALID_ARGUMENT": 3,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
}


def start(state: State, prefix: str, commit: Callable[[], Json], response_type: str, metadata: Json) -> Json:
    """Begin an operation `PREFIXoperations/ID`. `commit` brings about the effect and gives the response, of the
    protocol buffer type `response_type`; `metadata` has an `@type`. Where `operation_seconds` is 0 the effect comes at
    once, and the first poll finds the operation done."""
    name = f"{prefix}operations/{next(state.counter):016x}"
    pending = Pending(name, state.now() + state.switches.operation_seconds, commit, metadata, response_type)
    state.operations[name] = pending
    state.pending.append(pending)
    state.settle()
    return {"name": name, "metadata": metadata}


def shown(pending: Pending) -> Json:
    """The operation as a poll sees it."""
    answer: Json = {"name": pending.name, "metadata": pending.metadata}
    if pending.error is not None:
        code = _CODES.get(pending.error.status, 2)
        answer |= {"done": True, "error": {"code": code, "message": pending.error.message}}
    elif pending.response is not None:
        typed = {"@type": f"type.googleapis.com/{pending.response_type}", **pending.response}
        if pending.response_type == "google.protobuf.Empty":
            typed = {"@type": typed["@type"]}
        answer |= {"done": True, "response": typed}
    return answer


def get(state: State, call: Call) -> Json:
    pending = state.operations.get(call.name)
    if pending is None:
        raise not_found(f"Operation {call.name} was not found.")
    return shown(pending)


def metadata(kind: str, state: State, **fields: object) -> Json:
    """The metadata of an operation that begins now."""
    return {"@type": f"type.googleapis.com/{kind}", "createTime": timestamp(state.now()), **fields}
