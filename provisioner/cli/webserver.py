"""A small web server that only shows: GET and HEAD, one kind of answer, nothing from outside believed."""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from ..model.diagnostics import DiagnosticError
from ..render.html.document import content_policy
from ..render.html.served import problem_page

SECONDS: Final = 15
"""How long a client may take over its request, and over reading the answer."""
CONNECTIONS: Final = 32
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")

Page = Callable[[str], str | None]
"""The page at a path, None where there is none. Raises DiagnosticError."""


class ReviewServer(ThreadingHTTPServer):
    """Serves `page` on one address. `names` are the only hosts that a request may name: a page of somebody else's
    whose name was made to lead here (DNS rebinding) names its own."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, address: str, port: int, page: Page, names: Sequence[str], note: Callable[[str], None]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.page, self.note = page, note
        self.reading = threading.Lock()
        self.free = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__((address, port), _Handler)
        bound = self.server_address[1]
        own = [*LOCAL_NAMES, f"[{address}]" if ":" in address else address]
        self.hosts = frozenset(
            [*(f"{name}:{bound}" for name in own), *(own if bound == 80 else ()), *(name.lower() for name in names)]
        )

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{f'[{host!s}]' if ':' in str(host) else host!s}:{port}/"

    def server_bind(self) -> None:
        """As TCPServer does; HTTPServer would look up this machine's name, which can take long."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take no more connections at a time than there are places."""
        if not self.free.acquire(timeout=SECONDS):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread could be started, so none will give its place back
            self.free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to tell; anything else is told in one line, without its insides."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self.note(f"Error: a request could not be answered: {type(error).__name__}")


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    timeout = SECONDS
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _refuse(self) -> None:
        self._problem(405, "This server only shows", "Plans are signed with `provisioner sign`, never here.")

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every other method, whatever it is called: http.server asks for `do_` and its name."""
        if name.startswith("do_"):
            return self._refuse
        raise AttributeError(name)

    def _answer(self) -> None:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0].strip().lower() not in self.server.hosts:
            way_out = (
                f"Open {self.server.url}; or start with -behind-proxy NAME, if a proxy is to offer it under a name."
            )
            self._problem(421, "This server does not answer to that name", way_out)
            return
        path = self.path.partition("?")[0].removeprefix("/")
        try:
            with self.server.reading:
                page = self.server.page(path)
        except DiagnosticError as error:
            first = error.diagnostics[0]
            self._problem(503, f"{first.code}: {first.summary}", first.detail)
            return
        if page is None:
            self._problem(404, "There is no such page", "The first page lists every published plan.")
        else:
            self._send(200, page)

    def _problem(self, status: int, summary: str, detail: str) -> None:
        deep = self.path.partition("?")[0].count("/") - 1  # relative, since a proxy may have put this under a path
        home = "/".join([".."] * deep) or "."
        self._send(status, problem_page(summary, detail, home))

    def _send(self, status: int, page: str) -> None:
        body = page.encode("utf-8", "backslashreplace")
        self.send_response(status)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": f"{content_policy()}; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cache-Control": "no-store",
            # What a request carried besides its head was not read, so nothing may follow it.
            "Connection": "close",
        }
        if status == 405:
            headers["Allow"] = "GET, HEAD"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses (a request that is none) looks like every other answer."""
        self.close_connection = True
        if not hasattr(self, "path"):
            self.path = "/"
        self._send(code, problem_page("The request cannot be understood", "Ask for a page with GET.", "/"))

    def version_string(self) -> str:
        return "provisioner"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: who looks at what is not recorded, and request lines are somebody else's text."""


def loopback(address: str) -> bool:
    """Whether only this machine reaches an address. Raises DiagnosticError for what is no address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise DiagnosticError.of(
            "E-USAGE", f"-listen {address!r} is no IP address", "Write -listen 127.0.0.1 or -listen ::1."
        ) from error


def start(address: str, port: int, page: Page, names: Sequence[str], note: Callable[[str], None]) -> ReviewServer:
    """A server that listens; it answers once `serve_forever` runs. Raises DiagnosticError."""
    if not 0 <= port <= 65535:
        raise DiagnosticError.of("E-USAGE", f"-port {port} is no port", "Use 1 to 65535, or 0 for a free one.")
    try:
        return ReviewServer(address, port, page, names, note)
    except OSError as error:
        raise DiagnosticError.of(
            "E-PORT",
            f"{address} port {port} cannot be listened on: {error.strerror}",
            "Name another with -port, or -port 0 for a free one.",
        ) from error
