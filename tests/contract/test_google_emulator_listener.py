"""The emulator's one port: both protocols at once, keep-alive, malformed requests, ends, bodies nobody foresaw."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google_emulator_clients import PROJECT, Cloud
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from provisioner_google.sandbox import fields, routes, start
from provisioner_google.sandbox.cloud import SandboxCloud
from provisioner_google.sandbox.server import Emulator

ACCOUNTS = f"/v1/projects/{PROJECT}/serviceAccounts"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


def test_rest_and_grpc_share_the_port_and_the_state_at_once(cloud: Cloud) -> None:
    def one(index: int) -> str:
        name = f"agent-number-{index:02}"
        if index % 2:
            request = {"name": f"projects/{PROJECT}", "account_id": name}
            return str(cloud.iam.create_service_account(request=request).unique_id)
        return str(cloud.account(name)["uniqueId"])

    cloud.iam.list_service_accounts(name=f"projects/{PROJECT}")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(one, range(40)))
    assert len(set(made)) == 40
    assert len(list(cloud.iam.list_service_accounts(name=f"projects/{PROJECT}"))) == 40


def raw(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_a_connection_is_kept_and_requests_may_come_in_a_row(cloud: Cloud) -> None:
    request = f"GET {ACCOUNTS} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    assert raw(cloud.emulator.port, request * 3).count(b"HTTP/1.1 200 OK") == 3
    closing = f"GET {ACCOUNTS} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()
    assert raw(cloud.emulator.port, closing * 3).count(b"HTTP/1.1 200 OK") == 1


def test_a_chunked_body_and_an_announced_one_are_read(cloud: Cloud) -> None:
    body = b'{"accountId": "triage-agent"}'
    head = f"POST {ACCOUNTS} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    sent = head + b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (9, body[:9], len(body) - 9, body[9:])
    assert b"200 OK" in raw(cloud.emulator.port, sent)
    head = f"POST {ACCOUNTS} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    answer = raw(cloud.emulator.port, head + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue") and b"409 Conflict" in answer


@pytest.mark.parametrize(
    "sent",
    [
        b"rubbish\r\n\r\n",
        b"PRIX / HTTP/2.0\r\n\r\n",
        f"POST {ACCOUNTS} HTTP/1.1\r\nContent-Length: many\r\n\r\n".encode(),
        f"POST {ACCOUNTS} HTTP/1.1\r\nContent-Length: -1\r\n\r\n".encode(),
        f"POST {ACCOUNTS} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
        f"POST {ACCOUNTS} HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n".encode(),
    ],
)
def test_what_is_no_request_is_400_and_closed(cloud: Cloud, sent: bytes) -> None:
    assert raw(cloud.emulator.port, sent).startswith(b"HTTP/1.1 400 Bad Request")
    assert cloud.get(ACCOUNTS) == {}


@pytest.mark.parametrize("sent", [b"", b"PRI * HTT", b"GET"])
def test_a_connection_that_says_little_leaves_the_others(cloud: Cloud, sent: bytes) -> None:
    raw(cloud.emulator.port, sent)
    assert cloud.get(ACCOUNTS) == {}


@pytest.mark.parametrize(
    ("body", "part"),
    [(b"{", "Invalid JSON payload"), (b"[]", "Root element must be a message"), (b"null", "Root element")],
)
def test_a_body_that_is_no_json_object_is_400(cloud: Cloud, body: bytes, part: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.emulator.port)
    connection.request("POST", ACCOUNTS, body)
    answer = connection.getresponse()
    error = json.loads(answer.read())["error"]
    connection.close()
    assert answer.status == 400 and part in error["message"]


@pytest.mark.parametrize(("verb", "path"), [("GET", "/"), ("GET", "/v9/x"), ("PUT", ACCOUNTS), ("GET", "/v1/roles:x")])
def test_a_path_of_no_method_is_404(cloud: Cloud, verb: str, path: str) -> None:
    assert cloud.status(verb, path) == (404, "NOT_FOUND")


def test_fields_may_be_sent_in_their_protocol_buffer_names(cloud: Cloud) -> None:
    body = {"account_id": "triage-agent", "service_account": {"display_name": "Triage"}}
    assert cloud.post(ACCOUNTS, body)["displayName"] == "Triage"


def test_a_stopped_emulator_gives_back_its_port_and_stopping_twice_is_nothing() -> None:
    emulator = start()
    with socket.create_connection(("127.0.0.1", emulator.port)):
        emulator.stop()
    emulator.stop()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", emulator.port), timeout=1)
    with start(port=emulator.port) as again:
        assert again.port == emulator.port


def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    with start() as emulator, pytest.raises(OSError):
        start(port=emulator.port)


def test_two_emulators_know_nothing_of_each_other() -> None:
    with Cloud() as one, Cloud() as two:
        one.account()
        assert two.get(ACCOUNTS) == {}


def test_on_its_own_it_says_where_it_is_and_ends_when_told() -> None:
    cloud = SandboxCloud()
    command = (*cloud.command(0, "secret-token"), "--enforce", "--quotas")
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        found = re.search(r":([0-9]+)$", child.stdout.readline().strip())
        assert found is not None
        port = int(found[1])
        assert cloud.healthy(port, "secret-token") and not cloud.healthy(port, "another")
        assert cloud.reset(port)
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=10) == 0
    assert not cloud.healthy(port, "secret-token")


def test_importing_and_starting_it_loads_neither_grpc_nor_a_google_client() -> None:
    code = (
        "import sys; from provisioner_google.sandbox import start; start().stop();"
        "print([name for name in sys.modules if name.split('.')[0] in ('grpc', 'google', 'requests')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Bodies made from the field tables: whatever is in them, the emulator answers, and never with an error of its own.
WORDS = st.sampled_from(
    [
        "",
        "x",
        "agents",
        "roles/viewer",
        "user:a@acme.example",
        "storage.objects.get",
        "request.time < timestamp('never')",
        "assertion.sub",
        "PRINCIPAL_ACCESS_BOUNDARY",
        "//cloudresourcemanager.googleapis.com/projects/acme-fin-prod",
        "ACAB",
        "bindings,etag",
    ]
)


def body_of(service: str, message: str) -> st.SearchStrategy[Any]:
    known = fields.fields_of(service, message)
    return st.fixed_dictionaries({}, optional={name: _value(service, kind) for name, kind in known.items()})


def _value(service: str, kind: str) -> st.SearchStrategy[Any]:
    if kind.startswith("["):
        return st.lists(_value(service, kind[1:-1]), max_size=2)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "string": WORDS,
        "bytes": st.sampled_from(["", "ACAB", "BwYAAAAAAAE="]),
        "bool": st.booleans(),
        "int": st.integers(-1, 4),
        "map": st.dictionaries(WORDS, WORDS, max_size=2),
        "any": st.dictionaries(WORDS, WORDS | st.dictionaries(WORDS, st.booleans(), max_size=1), max_size=1)
        | st.fixed_dictionaries({"uniformBucketLevelAccess": WORDS}),
    }
    return simple[kind] if kind in simple else st.deferred(lambda: body_of(service, kind))


WRITING = [route for route in routes.all_routes().values() if route.body]
IDS = ["acme-fin-prod", "global", "agents", "a-thing", "cloudresourcemanager.googleapis.com%2Fprojects%2Facme-fin-prod"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    with start(on_demand=True) as emulator:
        yield emulator


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_body_is_answered(shared: Emulator, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(WRITING))
    parts = [data.draw(st.sampled_from(IDS)) if part.startswith("*") else part for part in route.path.split("/")]
    if ":" in route.path.rpartition("/")[2]:
        parts[-1] = parts[-1].partition(":")[0] + ":" + route.path.rpartition(":")[2]
    query = "&".join(
        f"{name}={data.draw(st.sampled_from(['agents', '3', 'true', '']))}" for name in sorted(route.query)
    )
    body = data.draw(body_of(route.service, str(route.body)))
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=5)
    connection.request(route.verb, "/" + "/".join(parts) + "?" + query, json.dumps(body))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status < 500 or answer.status == 501
