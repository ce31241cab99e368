"""The core: one entry for every call, whatever face it came through.

A handler takes (state, call) and gives the answer's JSON. Around it the core does what is the same for all: faults,
quotas, enforcement, long-running operations that are due, counting.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from .errors import ApiError, Json, invalid
from .state import State
from .switches import Quotas


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `name` is the resource (`projects/p/roles/r`) or, of a method on a collection, its parent.

    `query` are the parameters beside the path; `caller` is the member that the bearer token names; `if_match` is the
    header of that name.
    """

    method: str
    name: str
    body: Json = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    caller: str | None = None
    if_match: str | None = None
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Handler = Callable[[State, Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """How a method is answered. `permission` is what the caller needs on `resource(state, call)`, a full resource
    name; `also` what it needs besides, as permission and resource; `quota` is a key of QUOTAS."""

    handler: Handler
    permission: str
    resource: Callable[[State, Call], str]
    quota: str = ""
    also: Callable[[State, Call], Iterable[tuple[str, str]]] | None = None


class Core:
    """The methods over one state."""

    def __init__(self, state: State) -> None:
        from .methods import all_methods

        self.state = state
        self.methods = all_methods()
        self.calls: Counter[str] = Counter()
        self._quotas = Quotas()

    def forget(self) -> None:
        """Count from nothing again."""
        self.calls.clear()
        self._quotas = Quotas()

    def call(self, call: Call) -> Json:
        """Answer one call. Raises ApiError."""
        switches = self.state.switches
        if switches.latency:
            time.sleep(switches.latency)
        method = self.methods.get(call.method)
        if method is None:
            raise ApiError("UNIMPLEMENTED", f"The emulator does not implement {call.method}.")
        with self.state.lock:
            self.calls[call.method] += 1
            self.state.settle()
            fault = switches.fault_for(call.method, call.name)
            if fault is not None and not fault.after:
                raise fault.error()
            if switches.quotas and method.quota:
                self._quotas.count(method.quota, self._project(call.name), self.state.now())
            if switches.enforce:
                self._authorize(method, call)
            answer = method.handler(self.state, call)
            self.state.settle()
            if fault is not None:
                raise fault.error()
        return answer

    def _project(self, name: str) -> str:
        parts = name.split("/")
        if parts[0] == "policies":  # a deny policy's name holds its project encoded
            parts = unquote(parts[1]).split("/")[1:]
        found = self.state.container("/".join(parts[:2]))
        return found.name if found is not None else "/".join(parts[:2])

    def _authorize(self, method: Method, call: Call) -> None:
        from .enforcement import require

        if method.permission:
            try:
                resource = method.resource(self.state, call)
            except ApiError as error:
                # Who may not read the project is not told whether the resource exists.
                container = self.state.container("/".join(call.name.split("/")[:2]))
                if error.status != "NOT_FOUND" or container is None:
                    raise
                resource = f"//cloudresourcemanager.googleapis.com/{container.name}"
            require(self.state, call.caller, method.permission, resource)
        for permission, resource in method.also(self.state, call) if method.also is not None else ():
            require(self.state, call.caller, permission, resource)


def page(items: list[Json], call: Call, key: str, default: int, maximum: int) -> Json:
    """One page of a list answer. Tokens are opaque and hold the offset. Raises ApiError for a bad token or size."""
    given = call.query.get("pageSize") or call.body.get("pageSize") or call.query.get("maxResults") or 0
    token = call.query.get("pageToken") or call.body.get("pageToken") or ""
    try:
        size, start = int(given), int(token, 36) if token else 0
    except ValueError as error:
        raise invalid("Invalid page size or page token.") from error
    if size < 0 or not 0 <= start <= len(items):
        raise invalid("Invalid page size or page token.")
    size = min(size or default, maximum)
    shown: Json = {key: items[start : start + size]} if items[start : start + size] else {}
    if start + size < len(items):
        shown["nextPageToken"] = _base36(start + size)
    return shown


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"


def masked(call: Call, given: str | None, allowed: tuple[str, ...], body: Json) -> Json:
    """The fields of an update: those of the mask, else those that are sent. A masked field that is not sent is reset
    (None). Raises ApiError for a field that cannot be changed."""
    mask = given if given is not None else call.query.get("updateMask")
    names = [_camel(name.strip()) for name in mask.split(",") if name.strip()] if mask else []
    if names == ["*"]:
        names = list(allowed)
    for name in names:
        if name.partition(".")[0] not in allowed:
            raise invalid(f"Invalid field in update mask: {name}", "update_mask")
    tops = [name.partition(".")[0] for name in names] or [name for name in body if name in allowed]
    return {name: body.get(name) for name in tops}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
