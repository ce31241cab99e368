"""What moto 5.2 lacks and the provider needs, in front of it: honest records with AWS's own requests, answers, errors.

Each handler keeps its table by account and region, checks what AWS checks of the request, and says what AWS says when
it refuses. docs/reference/sandbox.md lists what they do and what they leave out.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

from . import associations, clientids, identities, servicecredentials, trails
from .answers import Answer, RefusedError

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_SCOPE = re.compile(r"Credential=[^/]+/[0-9]+/([a-z0-9-]+)/([a-z-]+)/aws4_request")
_ACCESS_KEY = re.compile(r"Credential=([^/]+)/")
_STATUS = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 404: "Not Found", 409: "Conflict"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a handler sees it."""

    account: str
    region: str
    method: str
    path: str
    query: dict[str, list[str]]
    body: dict[str, Any]


class Table(Protocol):
    """One handler with what it remembers."""

    def reset(self) -> None: ...

    def takes(self, path: str) -> bool:
        """Whether a request at this path is the handler's, not moto's."""

    def handle(self, call: Call) -> Answer:
        """Raises RefusedError for what AWS would refuse."""


def with_handlers(application: Application, reset_path: str) -> Application:
    """The application with our handlers in front; `reset_path` empties them together with moto."""
    history = trails.Trails()
    tables: dict[str, Table] = {
        "cloudtrail": history,
        "eks": associations.Associations(),
        "bedrock-agentcore": identities.WorkloadIdentities(),
    }

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == reset_path:
            for every in tables.values():
                every.reset()
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is not None and scope[2] == "iam" and environ["REQUEST_METHOD"] == "POST":
            body = _body(environ)
            handler = next((one for one in (clientids, servicecredentials) if one.takes(body)), None)
            if handler is not None:
                status, said = handler.handle(_account(environ), body)
                if status == 200:
                    history.saw(_account(environ), _caller(environ), body, said)
                return _send_xml(status, said, start_response)
            return _watched(application, environ, start_response, history, body)
        table = tables.get(scope[2]) if scope is not None else None
        if table is None or scope is None or not table.takes(path):
            return application(environ, start_response)
        try:
            done = table.handle(_call(environ, scope[1]))
        except RefusedError as error:
            done = Answer(error.status, {"message": error.message}, error.code)
        return _send(done, start_response)

    return answer


def _watched(
    application: Application, environ: Environ, start_response: StartResponse, history: trails.Trails, body: bytes
) -> Iterable[bytes]:
    """moto's answer to a request to IAM; what was carried out goes into the event history."""
    seen: list[str] = []

    def noted(status: str, *rest: Any) -> Any:
        seen.append(status)
        return start_response(status, *rest)

    answer = list(application(environ, noted))
    if seen and seen[0].startswith("200"):
        history.saw(_account(environ), _caller(environ), body, b"".join(answer))
    return answer


def _caller(environ: Environ) -> dict[str, Any]:
    found = _ACCESS_KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
    return trails.identity_of(_account(environ), found[1] if found is not None else "")


def _account(environ: Environ) -> str:
    return str(environ.get("HTTP_X_MOTO_ACCOUNT_ID", "123456789012"))


def _body(environ: Environ) -> bytes:
    """The request's body, left to be read again by whoever answers."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    raw: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(raw)
    return raw


def _call(environ: Environ, region: str) -> Call:
    raw = _body(environ)
    # A path parameter may hold an ARN, whose slashes and colons are quoted.
    path = unquote(environ.get("REQUEST_URI") or environ.get("PATH_INFO", "")).partition("?")[0]
    return Call(
        account=_account(environ),
        region=region,
        method=environ["REQUEST_METHOD"],
        path=path,
        query=parse_qs(environ.get("QUERY_STRING", "")),
        body=json.loads(raw) if raw else {},
    )


def _send(said: Answer, start_response: StartResponse) -> Iterable[bytes]:
    body = json.dumps(said.body).encode() if said.status != 204 else b""
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if said.code:
        headers.append(("x-amzn-ErrorType", said.code))
    start_response(f"{said.status} {_STATUS[said.status]}", headers)
    return [body]


def _send_xml(status: int, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{status} {_STATUS[status]}", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]
