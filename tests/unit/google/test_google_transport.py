"""How a call travels: through the environment's proxy or not, once, and what its failure means."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from provisioner_google.faults import CallError, Fault
from provisioner_google.transport import authorized, exchange, proxy_of

URL = "https://iam.googleapis.com/v1/roles"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_the_proxy_is_the_environments_and_is_chosen_for_each_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_of(URL) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert proxy_of(URL) == "http://proxy.example:3128"
    assert proxy_of("http://metadata.google.internal/computeMetadata/v1/") is None
    monkeypatch.setenv("NO_PROXY", "googleapis.com")
    assert proxy_of(URL) is None


def _whole(connection: socket.socket) -> bytes:
    """One request, head and body, in however many pieces it comes."""
    data = b""
    while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _length(data):
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data


def _length(data: bytes) -> int:
    found = re.search(rb"(?i)content-length: ([0-9]+)", data)
    return int(found[1]) if found else 0


class Server:
    """Takes connections, reads a request, gives the answer as it stands, and closes."""

    def __init__(self, answer: bytes) -> None:
        self.seen: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.seen.append(_whole(connection))
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def silent() -> Iterator[Server]:
    server = Server(b"")
    yield server
    server.close()


def ask(address: str, loopback: bool = True) -> tuple[int, bytes]:
    http = authorized(AnonymousCredentials(), loopback, 2)
    return exchange(http, "POST", f"{address}/v1/x", {"a": "b c"}, {"x": 1}, {"If-Match": "e"}, 5)


def test_an_answer_that_never_came_leaves_open_what_happened_and_nothing_is_sent_twice(silent: Server) -> None:
    with pytest.raises(CallError) as caught:
        ask(silent.address)
    assert caught.value.fault is Fault.UNCLEAR
    (sent,) = silent.seen
    assert sent.startswith(b"POST /v1/x?a=b%20c HTTP/1.1") and b"If-Match: e" in sent and sent.endswith(b'{"x": 1}')


def test_a_redirect_is_not_followed() -> None:
    server = Server(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    assert ask(server.address) == (302, b"")
    assert len(server.seen) == 1
    server.close()


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # the port is taken, and nobody listens on it
        with pytest.raises(CallError) as caught:
            ask(f"http://127.0.0.1:{held.getsockname()[1]}")
    assert caught.value.fault is Fault.UNREACHABLE


def test_this_machine_is_reached_directly_and_others_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    target, proxy = Server(ok), Server(ok)
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    monkeypatch.setenv("http_proxy", proxy.address)
    assert ask(target.address) == (200, b"{}")
    assert proxy.seen == []
    assert ask("http://cloud.example", loopback=False) == (200, b"{}")
    assert proxy.seen[0].startswith(b"POST http://cloud.example/v1/x")
    target.close()
    proxy.close()
