"""The listener: one port for both faces. It looks at a connection's first bytes: the HTTP/2 preface is gRPC, which is
passed on to the gRPC server on a socket file; the rest is HTTP/1.1 and answered here, a thread a connection.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from . import rest
from .clock import Clock
from .control import controller
from .core import Core
from .errors import Json
from .seeds import DEFAULT, plant
from .state import State
from .switches import Fault, Switches

HOST = "127.0.0.1"
_PREFACE = b"PRI * HTTP/2.0\r\n"
_CHUNK = 65536

GAPS = (
    "nothing here has been compared with the live cloud; docs/reference/google-emulator.md has each behaviour's source",
    "predefined roles are a hand-written part of Google's, with their main permissions only",
    "permissions are enforced only with the switch `enforce`; the bearer token is then the principal's name",
    "tokens are not signed, keys hold no private key, no token exchange",
    "tags, access levels and organisation policies do not exist",
    "quotas are counted only with the switch `quotas`",
    "with --on-demand, as `provisioner sandbox up` starts it, a project or resource that is asked for exists from then"
    " on: a misspelt one too",
)


class Emulator:
    """A running emulator. `endpoint` is what every Google service is sent to; `state` and `switches` are for tests."""

    def __init__(
        self, port: int = 0, seeds: Json | None = None, token: str = "", switches: Mapping[str, object] | None = None
    ) -> None:
        self.clock = Clock()
        self.state = State(self.clock)
        self.core = Core(self.state)
        self._seeds = DEFAULT if seeds is None else seeds
        self._given = dict(switches or {})
        self._reset()
        health: Json = {"cloud": "google", "token": token, "gaps": list(GAPS)}
        self._control = controller(self.core, self.reset, health)
        self._grpc_lock = threading.Lock()
        self._grpc_stop: Callable[[], None] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="google-emulator-")
        self._open: set[socket.socket] = set()
        self._closed = threading.Event()
        self._listener = socket.create_server((HOST, port), backlog=512)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name="google-emulator", daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://{HOST}:{self.port}"

    @property
    def switches(self) -> Switches:
        """Delays, faults, quotas, enforcement: see `Switches`."""
        return self.state.switches

    @property
    def calls(self) -> Mapping[str, int]:
        """Method id → how often it was called since the start or the last reset."""
        return self.core.calls

    def fail(self, status: str, method: str = "*", name: str = "*", times: int | None = 1, after: bool = False) -> None:
        """Answer the next matching calls with an error; see `Fault`."""
        self.switches.faults.append(Fault(status, method, name, times, after=after))

    def reset(self) -> None:
        """Forget everything, set the switches back, plant the seeds again."""
        with self.state.lock:
            self._reset()

    def _reset(self) -> None:
        self.state.clear()
        self.state.switches = Switches(**self._given)  # type: ignore[arg-type]
        self.core.forget()
        plant(self.state, self._seeds)

    def stop(self) -> None:
        """Close the port and every connection. Idempotent."""
        if self._closed.is_set():
            return
        self._closed.set()
        with socket.create_connection((HOST, self.port)):  # wakes the listener, on every system
            self._thread.join()
        self._listener.close()
        with self._grpc_lock:
            if self._grpc_stop is not None:
                self._grpc_stop()
        for connection in list(self._open):
            _shut(connection)
        self._folder.cleanup()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._closed.is_set():
                connection.close()
                return
            threading.Thread(target=self._connection, args=(connection,), daemon=True).start()

    def _connection(self, connection: socket.socket) -> None:
        self._open.add(connection)
        try:
            if _is_http2(connection):
                self._pass_on(connection)
            else:
                rest.serve(connection, self.core, self._control)
        except OSError:
            return  # the client has gone; there is nobody to tell
        finally:
            self._open.discard(connection)
            connection.close()

    def _pass_on(self, connection: socket.socket) -> None:
        """Bytes both ways between the client and the gRPC server, until one of them closes."""
        with socket.socket(socket.AF_UNIX) as inner:
            inner.connect(self._grpc_socket())
            back = threading.Thread(target=_copy, args=(inner, connection), daemon=True)
            back.start()
            _copy(connection, inner)
            back.join()

    def _grpc_socket(self) -> str:
        """The gRPC server's socket file. It is started by the first gRPC connection: its libraries take 0.5 s."""
        path = str(Path(self._folder.name) / "grpc.sock")
        with self._grpc_lock:
            if self._closed.is_set():
                raise ConnectionError("the emulator is stopped")
            if self._grpc_stop is None:
                from . import grpc_face

                self._grpc_stop = grpc_face.serve(self.core, f"unix:{path}")
        return path


def _is_http2(connection: socket.socket) -> bool:
    """True when the connection begins with the HTTP/2 preface; nothing is taken from it. A client sends the preface in
    one piece; where a first look sees only a part of it, the second waits for the whole, or for the end."""
    for wait in (0, socket.MSG_WAITALL):
        seen = connection.recv(len(_PREFACE), socket.MSG_PEEK | wait)
        if not seen or seen != _PREFACE[: len(seen)]:
            return False
        if len(seen) == len(_PREFACE):
            return True
    return False


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    except OSError:
        pass  # either side has gone: the other is closed below
    _shut(source)
    _shut(sink)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed already
