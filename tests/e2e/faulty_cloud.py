"""A proxy in front of the sandbox that gives chosen IAM calls a chosen error, as AWS words it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

ERROR = (
    '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
    "<Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
)


class FaultyCloud:
    """`faults` maps an action (`ListRoles`) to (status, code, message), or to (status, "BODY", whole answer).

    `seen` lists every action asked for.
    """

    def __init__(self, upstream: str, faults: dict[str, tuple[int, str, str]]) -> None:
        self.faults = faults
        self.seen: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                action = parse_qs(body.decode()).get("Action", [""])[0]
                outer.seen.append(action)
                if action in outer.faults:
                    status, code, message = outer.faults[action]
                    text = message if code == "BODY" else ERROR.format(code=code, message=message)
                    self._answer(status, text.encode())
                    return
                kept = {n: v for n, v in self.headers.items() if n.lower() not in ("host", "connection")}
                try:
                    with urlopen(Request(upstream + self.path, data=body, headers=kept), timeout=60) as answer:
                        self._answer(answer.status, answer.read())
                except HTTPError as error:
                    self._answer(error.code, error.read())

            def _answer(self, status: int, data: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
