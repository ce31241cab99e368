"""The way to one project: session, endpoints, retries, long-running operations, and the count of calls.

Everything goes over REST through google.auth: one transport, one place for endpoints, 0.1 s to import.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection

from .faults import CallError, Fault, of_answer
from .transport import authorized, exchange

READ_TRIES = 5
THROTTLED_TRIES = 16
"""Quotas are counted by the minute: so many tries, with their pauses, last longer than one."""

READ_SECONDS = 60
WORKERS = 16
"""Reads under way at once, over all projects: IAM takes 6,000 a minute and project. More cost processor time and, at a
twentieth of a second an answer, gain little. Source: «Quotas and limits», IAM."""

OPERATION_SECONDS = 120
"""How long a long-running operation (deny policies, pools) is waited for."""

SANDBOX_KEY = "sandbox"
SANDBOX_UP = "provisioner sandbox up"
_GOOD, _MOVED, _ERROR = 200, 300, 400
_PAGE = 1000
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TOKENS = "/v1/projects/-/serviceAccounts/{}:generateAccessToken"
_PAUSE, _LONGEST_PAUSE = 0.25, 8.0

IAM = "iam.googleapis.com"
RESOURCE_MANAGER = "cloudresourcemanager.googleapis.com"

Json = dict[str, Any]


class Project:
    """One project as this runner reaches it. Safe to use from several threads."""

    def __init__(
        self,
        connection: Connection,
        read_seconds: float = READ_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self.id = connection.target.id
        self.endpoint: str | None = connection.settings.get("endpoint")
        self.number = ""
        self.calls = 0
        self._seconds = read_seconds
        self._sleep = sleep
        self._lock = threading.Lock()
        self._session: Any = None
        self._described: Json | None = None

    @property
    def way_in(self) -> tuple[str, str, str]:
        """What two projects have in common that get the same answers: endpoint, credentials, who is impersonated."""
        settings = self.connection.settings
        return str(self.endpoint or ""), str(settings.get("credentials") or ""), str(settings.get("impersonate") or "")

    def described(self) -> Json:
        """The project itself, read once: its number and its parent. Raises CallError."""
        if self._described is None:
            self._described = self.get(RESOURCE_MANAGER, f"/v3/projects/{self.id}")
        return self._described

    def identify(self) -> None:
        """Raise CloudError unless the project that answers is the declared one."""
        try:
            found = self.described()
        except CallError as error:
            raise self.error(error, "resourcemanager.projects.get") from error
        self.number = str(found.get("name", "")).removeprefix("projects/")
        declared = str(self.connection.config.get("project_number") or "")
        if found.get("projectId") != self.id or (declared and declared != self.number):
            raise CloudError(
                self.id,
                f"the project that answers is {found.get('projectId')}, number {self.number}, not {self.id}",
                f"provider {self.connection.target.key!r} declares project {self.id}"
                + (f" with number {declared}" if declared else "")
                + ". Nothing else was read.",
                "Correct project or project_number in the provider block, or the endpoint in the runner file.",
                code="E-GOOGLE-PROJECT",
            )

    def get(self, host: str, path: str, **params: Any) -> Json:
        """One reading call, tried again when throttled or unanswered. Raises CallError."""
        return self.read("GET", host, path, params)

    def read(self, method: str, host: str, path: str, params: Mapping[str, Any], body: Json | None = None) -> Json:
        """A reading call that may be a POST (getIamPolicy). Raises CallError once the tries are used up."""
        unclear = 0
        for attempt in itertools.count():
            try:
                return self.send(method, host, path, params, body)
            except CallError as error:
                unclear += error.fault is Fault.UNCLEAR
                if error.fault not in (Fault.THROTTLED, Fault.UNCLEAR):
                    raise
                if unclear >= READ_TRIES or attempt >= THROTTLED_TRIES - 1:
                    raise
            self._sleep(pause_of(attempt))
        raise AssertionError("the last try returns or raises")

    def pages(self, host: str, path: str, items: str, **params: Any) -> Iterator[Json]:
        """Every item of a listing."""
        token, seen = "", {""}
        while True:
            page = self.get(host, path, **params, **({"pageToken": token} if token else {}))
            yield from page.get(items) or ()
            following = str(page.get("nextPageToken") or "")
            if not following:
                return
            if following in seen:
                raise CallError(Fault.UNCLEAR, "PAGING", "the pages go round in a circle")
            seen.add(following)
            token = following

    def send(
        self,
        method: str,
        host: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """One call, sent exactly once. Raises CallError."""
        url = f"{self.endpoint.rstrip('/')}{path}" if self.endpoint else f"https://{host}{path}"
        with self._lock:
            self.calls += 1
            session = self._session = self._session or self._login()
        return _body(*exchange(session, method, url, params or {}, body, headers or {}, self._seconds))

    def finish(self, answer: Json, version: str) -> Json:
        """Wait for a long-running operation. Raises CallError with its error, or UNCLEAR where it does not end."""
        waited = 0.0
        for attempt in range(64):
            if "done" not in answer and "name" in answer and "/operations/" not in str(answer["name"]):
                return answer
            if answer.get("done"):
                if "error" in answer:
                    raise _operation_error(answer["error"])
                return dict(answer.get("response") or {})
            if not answer.get("name") or waited > OPERATION_SECONDS:
                break
            waited += pause_of(attempt)
            self._sleep(pause_of(attempt))
            try:
                answer = self.get(IAM, f"/{version}/{answer['name']}")
            except CallError as error:
                raise CallError(error.fault, error.status, error.said, taken=True) from error
        raise CallError(Fault.UNCLEAR, "OPERATION", "the operation has not ended in time")

    def error(self, error: CallError, permission: str) -> CloudError:
        """The CloudError for a failure that leaves nothing to go on with."""
        if error.fault is Fault.UNREACHABLE:
            return self._unreachable(error)
        if error.fault is Fault.CREDENTIALS:
            return CloudError(
                self.id,
                "Google does not take the credentials",
                error.said,
                "Log in (`gcloud auth application-default login`), or point the runner's environment at its workload"
                " identity.",
                code="E-GOOGLE-CREDENTIALS",
            )
        absent = error.fault in (Fault.DENIED, Fault.ABSENT)
        fix = f"Check the project id, and give the caller {permission}." if absent else "Try again in a while."
        return CloudError(self.id, f"{permission} failed on project {self.id}", str(error), fix, code="E-GOOGLE")

    def _unreachable(self, error: CallError) -> CloudError:
        if self.loopback:
            return CloudError(
                self.id,
                f"nothing answers at {self.endpoint}",
                f"{error.said}. The runner file points this project to a sandbox here, and it is not running.",
                f"Start it with `{SANDBOX_UP}`.",
                code="E-UNREACHABLE",
            )
        fix = "Check the network and the proxy settings."
        return CloudError(self.id, "Google cannot be reached", error.said, fix, code="E-UNREACHABLE")

    @property
    def loopback(self) -> bool:
        """True where the endpoint is on this machine."""
        host = urlsplit(self.endpoint).hostname if self.endpoint else None
        if host is None:
            return False
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def _login(self) -> Any:
        if self.endpoint and urlsplit(self.endpoint).scheme != "https" and not self.loopback:
            raise CloudError(
                self.id,
                f"the endpoint {self.endpoint} is neither https nor on this machine",
                "Credentials would travel there in the open.",
                "Use https, or http to 127.0.0.1, ::1 or localhost.",
                code="E-RUNNER",
            )
        return authorized(self._credentials(), self.loopback, WORKERS)

    def _credentials(self) -> Any:
        import google.auth
        from google.auth import credentials, exceptions

        settings = self.connection.settings
        if settings.get("credentials") == SANDBOX_KEY:
            if not self.loopback:
                raise CloudError(
                    self.id,
                    "sandbox credentials are for a sandbox on this machine only",
                    f"The runner file says credentials = {SANDBOX_KEY!r} with endpoint {self.endpoint!r}.",
                    "Take the line out, or run `provisioner sandbox up` to have a matching file written.",
                    code="E-GOOGLE-CREDENTIALS",
                )
            return credentials.AnonymousCredentials()  # type: ignore[no-untyped-call]
        try:
            found, _ = google.auth.default(scopes=_SCOPES)
        except exceptions.DefaultCredentialsError as error:
            raise CallError(Fault.CREDENTIALS, "CREDENTIALS", str(error)) from error
        target = settings.get("impersonate")
        if target is None:
            return found
        from google.auth import impersonated_credentials  # with all that signs: 0.15 s

        tokens = f"{self.endpoint.rstrip('/')}{_TOKENS.format(target)}" if self.endpoint else None
        return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
            found, target_principal=target, target_scopes=_SCOPES, iam_endpoint_override=tokens
        )


def pause_of(attempt: int) -> float:
    """Seconds before another try: doubling, with a random part."""
    return float(min(_PAUSE * 2**attempt, _LONGEST_PAUSE) * (0.5 + random.random() / 2))  # noqa: S311


def _body(status: int, data: bytes) -> Json:
    try:
        body = json.loads(data) if data else {}
    except ValueError as error:
        raise CallError(Fault.UNCLEAR, str(status), "the answer is not one of Google: no JSON") from error
    if status >= _ERROR:
        raise of_answer(status, body)
    if not isinstance(body, dict) or not _GOOD <= status < _MOVED:
        raise CallError(Fault.UNCLEAR, str(status), "the answer is not one of Google: no object")
    return body


_CODES = {3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED",
          9: "FAILED_PRECONDITION", 10: "ABORTED", 13: "INTERNAL", 14: "UNAVAILABLE"}  # fmt: skip


def _operation_error(error: Mapping[str, Any]) -> CallError:
    status = _CODES.get(int(error.get("code") or 0), "UNKNOWN")
    return of_answer(400, {"error": {"status": status, "message": error.get("message", "")}})
