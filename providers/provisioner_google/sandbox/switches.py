"""What makes the emulator misbehave as a real cloud does: delays, faults, outages, quotas; and the enforcement mode."""

from __future__ import annotations

import fnmatch
from collections import defaultdict, deque
from dataclasses import dataclass, field

from .errors import HTTP_STATUS, ApiError, exhausted

QUOTAS = {
    "iam-read": ("iam.googleapis.com", "iam.googleapis.com/read_requests", 6000),
    "iam-write": ("iam.googleapis.com", "iam.googleapis.com/write_requests", 600),
    "deny": ("iam.googleapis.com", "iam.googleapis.com/deny_policy_requests", 5),
    "boundary": ("iam.googleapis.com", "iam.googleapis.com/principal_access_boundary_requests", 5),
    "federation-read": ("iam.googleapis.com", "iam.googleapis.com/workload_identity_read_requests", 600),
    "federation-write": ("iam.googleapis.com", "iam.googleapis.com/workload_identity_write_requests", 60),
}
"""Quota class → service, metric, requests a minute and project. Source: https://cloud.google.com/iam/quotas. The
spelling of the metrics is ours."""

_MINUTE = 60.0


@dataclass(slots=True)
class Fault:
    """Answer matching calls with an error. `method` and `name` are shell patterns on method id and resource name.

    `times` is how often (None: always). With `after` the call takes effect first and only its answer is lost.
    """

    status: str
    method: str = "*"
    name: str = "*"
    times: int | None = 1
    message: str = ""
    after: bool = False

    def __post_init__(self) -> None:
        if self.status not in HTTP_STATUS:
            raise ValueError(f"no such status: {self.status}; one of {', '.join(HTTP_STATUS)}")

    def matches(self, method: str, name: str) -> bool:
        return fnmatch.fnmatchcase(method, self.method) and fnmatch.fnmatchcase(name, self.name)

    def error(self) -> ApiError:
        """The error it answers with."""
        if self.status == "RESOURCE_EXHAUSTED" and not self.message:
            return exhausted(QUOTAS["iam-write"][1], "iam.googleapis.com", "projects/0", 600)
        return ApiError(self.status, self.message or _MESSAGES.get(self.status, f"{self.status} by request"))


_MESSAGES = {
    "ABORTED": "There were concurrent policy changes. Please retry the whole read-modify-write with exponential"
    " backoff.",
    "UNAVAILABLE": "The service is currently unavailable.",
    "PERMISSION_DENIED": "The caller does not have permission",
    "INTERNAL": "Internal error encountered.",
    "DEADLINE_EXCEEDED": "Deadline exceeded.",
}


@dataclass(slots=True)
class Switches:
    """All times in seconds of the emulator's clock, but `latency`, which is real.

    - latency: every call takes that much longer.
    - propagation_delay: a policy that was written takes effect that much later.
    - read_delay: a policy that was written is read back that much later.
    - creation_delay: a new service account, role, pool or provider answers 404 that long; such an account is no member.
    - hidden_reads: the first so many reads of each of these answer 404, however much time has passed.
    - operation_seconds: how long a long-running operation takes; its effect comes when it is done.
    - quotas: count calls against the quotas a minute and answer 429 beyond.
    - enforce: callers may do only what the policies allow; the bearer token is the principal's member string.
    - on_demand: a project, bucket, dataset … that is asked for comes into being. For trying things out.
    """

    latency: float = 0.0
    propagation_delay: float = 0.0
    read_delay: float = 0.0
    creation_delay: float = 0.0
    hidden_reads: int = 0
    operation_seconds: float = 0.0
    quotas: bool = False
    enforce: bool = False
    on_demand: bool = False
    faults: list[Fault] = field(default_factory=list)

    def outage(self, *, service: str = "*", project: str = "", status: str = "UNAVAILABLE") -> None:
        """A service (`pubsub`, `iam`) or everything in a project answers with an error until `faults.clear()`."""
        name = f"*projects/{project}*" if project else "*"
        self.faults.append(Fault(status, f"{service}.*" if service != "*" else "*", name, None))

    def fault_for(self, method: str, name: str) -> Fault | None:
        """The first fault that matches, counted down."""
        for fault in self.faults:
            if fault.matches(method, name):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                return fault
        return None


class Quotas:
    """Requests in the last minute, by quota class and project."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def count(self, kind: str, project: str, now: float) -> None:
        """Count one. Raises ApiError (RESOURCE_EXHAUSTED) beyond the quota; such a request does not count."""
        service, metric, limit = QUOTAS[kind]
        seen = self._seen[kind, project]
        while seen and seen[0] <= now - _MINUTE:
            seen.popleft()
        if len(seen) >= limit:
            raise exhausted(metric, service, project or "projects/0", limit)
        seen.append(now)
