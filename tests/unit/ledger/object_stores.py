"""Object stores on loopback: moto's S3, and a small Google Cloud Storage that honours generation preconditions."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

SERVER = """
import sys
from werkzeug.serving import make_server
from moto.server import DomainDispatcherApplication, create_backend_app
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def moto_s3() -> Iterator[str]:
    """A process of its own, as in production; yields the endpoint."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


@dataclass
class Faults:
    """What the next answers are. `after` statuses are sent though the request was carried out."""

    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    ignore_conditions: bool = False
    clock: float = 0.0
    requests: list[str] = field(default_factory=list)


@dataclass
class Object:
    data: bytes
    headers: dict[str, str]
    time: float
    generation: int


class Gcs:
    """The XML interface as obstore speaks it: GET, HEAD, PUT with x-goog-if-generation-match, list-type=2."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.faults = Faults()
        self.lock = threading.Lock()
        self.generations = itertools.count(1)
        handler = type("Handler", (_Handler,), {"gcs": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    gcs: Gcs
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        return

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time.time()) + self.gcs.faults.clock, usegmt=True)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fault(self, kind: str) -> bool:
        faults: list[int] = getattr(self.gcs.faults, kind)
        if not faults:
            return False
        self.answer(faults.pop(0), b"<Error><Code>Fault</Code></Error>")
        return True

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.gcs.faults.requests.append(f"{self.command} {self.path}")
        if self.fault("before"):
            return
        query = parse_qs(url.query)
        if "list-type" in query:
            self.answer(200, self.listing(query), Content_Type="application/xml")
            return
        found = self.gcs.objects.get(unquote(url.path).split("/", 2)[2] if url.path.count("/") > 1 else "")
        if found is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        self.answer(
            200,
            found.data,
            Last_Modified=formatdate(found.time, usegmt=True),
            ETag=f'"{found.generation}"',
            x_goog_generation=str(found.generation),
            **{name.replace("-", "_"): value for name, value in found.headers.items()},
        )

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.gcs.faults.requests.append(f"PUT {self.path}")
        if self.fault("before"):
            return
        name = unquote(urlsplit(self.path).path).split("/", 2)[2]
        kept = {key.lower(): value for key, value in self.headers.items() if key.lower().startswith("x-goog-meta-")}
        with self.gcs.lock:
            wanted = None if self.gcs.faults.ignore_conditions else self.headers.get("x-goog-if-generation-match")
            refused = wanted == "0" and name in self.gcs.objects
            if not refused:
                now = time.time() + self.gcs.faults.clock
                self.gcs.objects[name] = Object(data, kept, now, next(self.gcs.generations))
        if self.fault("after"):
            return
        if refused:
            self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        else:
            self.answer(200, b"", ETag='"1"', x_goog_generation="1")

    def listing(self, query: dict[str, list[str]]) -> bytes:
        prefix, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
        names = sorted(name for name in self.gcs.objects if name.startswith(prefix) and name > after)
        items = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(found.data)}</Size><ETag>&quot;{found.generation}&quot;"
            f"</ETag><LastModified>{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime(found.time))}</LastModified>"
            "</Contents>"
            for name in names
            for found in (self.gcs.objects[name],)
        )
        return f"<ListBucketResult>{items}</ListBucketResult>".encode()


def reset(endpoint: str) -> None:
    """Empty moto."""
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()


def policy(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
