"""A proxy before the sandbox that fails as AWS does: for tests of what happens when the cloud misbehaves.

The provider does not know of it. Each switch is honest: a call that is «lost» has taken effect, one that is refused
has not, a page holds what AWS's page would.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs
from xml.etree import ElementTree

from .sandbox import HOST

_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_HANG_SECONDS = 3.0

Answer = tuple[int, bytes]
Reply = Callable[[dict[str, str], Callable[[], Answer]], Answer | None]
"""Makes the answer from the request's parameters and the way to the real cloud; None closes without answering."""


Passed = tuple[int, str, bytes]
"""Status, error code (empty where there is none) and body of a regional service's answer."""
RegionalReply = Callable[[Callable[[], Passed]], Passed | None]
"""As `Reply`, for the regional services: makes the answer from the way to the real cloud."""


def regional_refused(code: str, status: int = 400, message: str = "refused by the test") -> RegionalReply:
    """An error of a regional service that took no effect."""
    return lambda _cloud: (status, code, json.dumps({"message": message}).encode())


def regional_lost(cloud: Callable[[], Passed]) -> Passed | None:
    """The call takes effect, and its answer never arrives."""
    cloud()
    return None


def regional_twice(cloud: Callable[[], Passed]) -> Passed:
    """The call arrives two times; the answer is that of the second."""
    cloud()
    return cloud()


def refused(code: str, status: int = 400, message: str = "refused by the test") -> Reply:
    """An error that took no effect: `AccessDenied`, `Throttling`, `ServiceFailure` and so on."""
    body = (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error><RequestId>test</RequestId></ErrorResponse>"
    ).encode()
    return lambda _parameters, _cloud: (status, body)


def denied() -> Reply:
    return refused("AccessDenied", 403, "User is not authorized to perform the action")


def throttled() -> Reply:
    return refused("Throttling", 400, "Rate exceeded")


def lost(_parameters: dict[str, str], cloud: Callable[[], Answer]) -> Answer | None:
    """The call takes effect, and its answer never arrives."""
    cloud()
    return None


def hanging(_parameters: dict[str, str], _cloud: Callable[[], Answer]) -> Answer | None:
    """Nothing happens until the caller has given up."""
    time.sleep(_HANG_SECONDS)
    return None


def twice(_parameters: dict[str, str], cloud: Callable[[], Answer]) -> Answer:
    """The call arrives two times, as when a proxy sends it again; the answer is that of the second."""
    cloud()
    return cloud()


def lost_slowly(parameters: dict[str, str], cloud: Callable[[], Answer]) -> Answer | None:
    """The call takes effect, and the caller waits in vain."""
    cloud()
    return hanging(parameters, cloud)


def paged(size: int) -> Reply:
    """Pages of the bulk read, in which moto ignores MaxItems: at most `size` roles and policies each."""

    def reply(parameters: dict[str, str], cloud: Callable[[], Answer]) -> Answer:
        status, body = cloud()
        ElementTree.register_namespace("", _NAMESPACE)
        root = ElementTree.fromstring(body)  # noqa: S314 - our own sandbox's answer
        start = int(parameters.get("Marker", "0"))
        more = False
        for name in ("RoleDetailList", "Policies", "UserDetailList", "Roles"):
            for parent in root.iter(f"{{{_NAMESPACE}}}{name}"):
                members = list(parent)
                more = more or len(members) > start + size
                for member in members[:start] + members[start + size :]:
                    parent.remove(member)
        result = root[0]
        for name, text in (("IsTruncated", "true" if more else "false"), ("Marker", str(start + size))):
            for old in result.findall(f"{{{_NAMESPACE}}}{name}"):
                result.remove(old)
            if more or name == "IsTruncated":
                ElementTree.SubElement(result, f"{{{_NAMESPACE}}}{name}").text = text
        return status, ElementTree.tostring(root)

    return reply


@dataclass(slots=True)
class _RegionalRule:
    method: str
    part: str
    reply: RegionalReply
    times: int


@dataclass(slots=True)
class _Rule:
    action: str
    reply: Reply
    times: int | None
    skip: int


class FaultyCloud:
    """The proxy, running while its `with` block does. `calls` are the actions asked for, in order."""

    def __init__(self, upstream: int) -> None:
        self.calls: list[str] = []
        self._asked: list[dict[str, str]] = []
        self._upstream = upstream
        self._rules: list[_Rule] = []
        self._paths: list[tuple[str, int, str, bytes]] = []
        self._regional: list[_RegionalRule] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((HOST, 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def on(self, action: str, reply: Reply, times: int | None = None, skip: int = 0) -> None:
        """Answer an action with `reply`: `times` times (None for always), after letting `skip` calls through."""
        with self._lock:
            self._rules.append(_Rule(action, reply, times, skip))

    def on_path(self, part: str, status: int, code: str, message: str) -> None:
        """Answer requests of regional services whose path holds `part` with an error that took no effect."""
        with self._lock:
            self._paths.append((part, status, code, json.dumps({"message": message}).encode()))

    def on_request(self, method: str, part: str, reply: RegionalReply, times: int) -> None:
        """Answer requests of regional services of this method whose path holds `part` with `reply`, `times` times."""
        with self._lock:
            self._regional.append(_RegionalRule(method, part, reply, times))

    def asked(self, action: str) -> list[dict[str, str]]:
        """The parameters of every call of an action, in order."""
        with self._lock:
            return [parameters for parameters in self._asked if parameters.get("Action") == action]

    def clear(self) -> None:
        """Forget every rule and every call."""
        with self._lock:
            self._rules.clear()
            self._paths.clear()
            self._regional.clear()
            self.calls.clear()
            self._asked.clear()

    def __enter__(self) -> FaultyCloud:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _reply(self, parameters: dict[str, str]) -> Reply | None:
        action = parameters.get("Action", "")
        with self._lock:
            self.calls.append(action)
            self._asked.append(parameters)
            for rule in self._rules:
                if rule.action != action or rule.times == 0:
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if rule.times is not None:
                    rule.times -= 1
                return rule.reply
        return None

    def _forward(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        status, _, said = self._passed_on("POST", path, body, headers)
        return status, said

    def _passed_on(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Passed:
        """The real cloud's answer."""
        connection = http.client.HTTPConnection(HOST, self._upstream, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("x-amzn-ErrorType", ""), answer.read()
        finally:
            connection.close()

    def _regional_reply(self, method: str, path: str) -> RegionalReply | None:
        with self._lock:
            for rule in self._regional:
                if rule.times > 0 and rule.method == method and rule.part in path:
                    rule.times -= 1
                    return rule.reply
        return None

    def _refusal(self, method: str, path: str, body: bytes) -> Passed | None:
        """The error that a request of a regional service gets; None lets it through."""
        with self._lock:
            self.calls.append(path)
            return next(((status, code, body) for part, status, code, body in self._paths if part in path), None)


def _handler(cloud: FaultyCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Services with paths: they are refused by path, or passed on."""
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = dict(self.headers.items())

            def forward() -> Passed:
                return cloud._passed_on(self.command, self.path, body, headers)

            answer = cloud._refusal(self.command, self.path, body)
            if answer is None:
                reply = cloud._regional_reply(self.command, self.path)
                answer = forward() if reply is None else reply(forward)
            self.close_connection = True
            if answer is None:
                return
            status, code, said = answer
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if code:
                self.send_header("x-amzn-ErrorType", code)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_DELETE = do_GET  # noqa: N815 - the name that http.server calls

        def do_POST(self) -> None:
            if self.path != "/":
                self.do_GET()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            parameters = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            headers = dict(self.headers.items())

            def forward() -> Answer:
                return cloud._forward(self.path, body, headers)

            reply = cloud._reply(parameters)
            answer = forward() if reply is None else reply(parameters, forward)
            self.close_connection = True
            if answer is None:
                return
            self.send_response(answer[0])
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `calls`; nothing is printed."""

    return Handler
