"""The REST face: HTTP/1.1 with keep-alive, written for speed; requests become calls, answers JSON.

The path is taken apart still percent-encoded, since a deny policy's name holds an encoded `/`. The bearer token is the
principal: a member string such as `serviceAccount:x@p.iam.gserviceaccount.com`, percent-encoded if need be.
"""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from .core import Call, Core
from .errors import ApiError, Json, invalid
from .fields import checked
from .routes import STANDARD_QUERY, Route, find

MAX_BODY = 32 * 1024 * 1024
_MAX_LINE = 65536
Control = Callable[[str, str, bytes], tuple[int, Json] | None]


def serve(connection: socket.socket, core: Core, control: Control) -> None:
    """Answer the requests of one connection until it is closed."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb", 65536) as stream:
        while True:
            try:
                request = _request(stream, connection)
            except ValueError as error:
                connection.sendall(_encoded(400, invalid(f"Malformed HTTP request: {error}").body(), True))
                return
            if request is None:
                return
            verb, target, headers, body = request
            status, answer = respond(core, control, verb, target, headers, body)
            close = headers.get("connection", "").lower() == "close"
            connection.sendall(_encoded(status, answer, close))
            if close:
                return


def _request(stream: io.IOBase, connection: socket.socket) -> tuple[str, str, dict[str, str], bytes] | None:
    """(verb, target, headers, body) of the next request; None at the end. Raises ValueError where it is none."""
    line = stream.readline(_MAX_LINE)
    while line in (b"\r\n", b"\n"):
        line = stream.readline(_MAX_LINE)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise ValueError("no request line")
    headers: dict[str, str] = {}
    while (line := stream.readline(_MAX_LINE)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return parts[0], parts[1], headers, _chunks(stream)
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MAX_BODY:
        raise ValueError("the body is too large")
    return parts[0], parts[1], headers, stream.read(length) if length else b""


def _chunks(stream: io.IOBase) -> bytes:
    body = b""
    while True:
        size = int(stream.readline(_MAX_LINE).split(b";")[0].strip() or b"0", 16)
        if not 0 <= size <= MAX_BODY - len(body):
            raise ValueError("the body is too large")
        if not size:
            stream.readline(_MAX_LINE)
            return body
        body += stream.read(size)
        stream.readline(_MAX_LINE)


def _encoded(status: int, answer: Json | None, close: bool) -> bytes:
    body = b"" if answer is None else json.dumps(answer, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status != 499 else 'Client Closed Request'}\r\n"
        f"Content-Type: application/json; charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {'close' if close else 'keep-alive'}\r\n\r\n"
    )
    return head.encode("latin-1") + body


def respond(
    core: Core, control: Control, verb: str, target: str, headers: dict[str, str], body: bytes
) -> tuple[int, Json | None]:
    """(HTTP status, JSON answer) of one request."""
    path, _, query = target.partition("?")
    steered = control(verb, path, body)
    if steered is not None:
        return steered
    found = find(verb, path.strip("/").split("/"))
    if found is None:
        return 404, {"error": {"code": 404, "message": f"No such method: {verb} {path}", "status": "NOT_FOUND"}}
    route, segments = found
    try:
        call = _call(route, segments, query, headers, body)
        answer = core.call(call)
    except ApiError as error:
        if route.service in ("storage.v1", "bigquery.v2"):
            return error.code, error.legacy_body(route.service == "bigquery.v2")
        return error.code, error.body()
    if verb == "DELETE" and route.service in ("storage.v1", "bigquery.v2"):
        return 204, None
    return 200, answer


def _call(route: Route, segments: list[str], query: str, headers: dict[str, str], body: bytes) -> Call:
    repeated: dict[str, tuple[str, ...]] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in route.query and key not in STANDARD_QUERY:
            raise invalid(
                f"Invalid JSON payload received. Unknown name \"{key}\": Cannot bind query parameter. Field '{key}'"
                " could not be found in request message."
            )
        repeated[key] = (*repeated.get(key, ()), value)
    return Call(
        method=route.id,
        name=resource_name(route, segments),
        body=_body(route, headers, body),
        query={key: values[-1] for key, values in repeated.items()},
        caller=caller(headers.get("authorization", "")),
        if_match=headers.get("if-match"),
        repeated=repeated,
    )


def resource_name(route: Route, segments: list[str]) -> str:
    """What the path names, without version and service: the resource, or a collection's parent."""
    skipped = 2 if route.path.startswith(("storage/", "bigquery/")) else 1
    parts = segments[skipped:]
    if parts and parts[0] == "b":  # Cloud Storage hangs `iam` and `iam/testPermissions` on the bucket
        parts = parts[:2]
    elif route.collection:
        parts = parts[:-1]
    joined = "/".join(parts)
    return joined if route.service == "iam.v2" else unquote(joined)


def _body(route: Route, headers: dict[str, str], body: bytes) -> Json:
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error
    if route.body is None:
        if value == {}:
            return {}
        name = next(iter(value), "") if isinstance(value, dict) else ""
        raise invalid(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
    return checked(route.service, route.body, value)


def caller(authorization: str) -> str | None:
    """The member that a bearer token names; None without one. A token of no member's form is nobody known."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    return unquote(token.strip())
