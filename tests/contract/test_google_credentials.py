"""With whose token the provider speaks: application default credentials, an impersonated account, or none.

The emulator stands behind a small server that also issues tokens; it takes a bearer token for the member that it names,
so that who is asked for is who is let in.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google_workspace import PROJECT, SEEDS
from provisioner_google import provider
from provisioner_google.sandbox import start

from provisioner.model.authority import Target
from provisioner.runner import load_runner
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection, Scope

CALLER = "user:runner@acme.example"
PLANNER = f"planner@{PROJECT}.iam.gserviceaccount.com"
MINT = f"/v1/projects/-/serviceAccounts/{PLANNER}:generateAccessToken"


class Front:
    """Issues tokens and hands everything else on. `refuses` makes it refuse to impersonate."""

    def __init__(self, cloud: Any) -> None:
        self.cloud, self.seen, self.refuses = cloud, list[tuple[str, str]](), False
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                front.answer(self)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        bearer = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.seen.append((request.path.partition("?")[0], bearer))
        if request.path == "/token":
            status, answer = 200, json.dumps({"access_token": CALLER, "expires_in": 3600}).encode()
        elif request.path == MINT:
            minted = {"accessToken": f"serviceAccount:{PLANNER}", "expireTime": "2099-01-01T00:00:00Z"}
            refused = {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no getAccessToken"}}
            status, answer = (403, json.dumps(refused).encode()) if self.refuses else (200, json.dumps(minted).encode())
        else:
            status, answer = self.hand_on(request, body, bearer)
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def hand_on(self, request: BaseHTTPRequestHandler, body: bytes, bearer: str) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
        sent = urllib.request.Request(
            f"{self.cloud.endpoint}{request.path}", body or None, headers, method=request.command
        )
        try:
            with urllib.request.urlopen(sent) as got:
                return got.status, got.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def running() -> Iterator[Front]:
    with start(seeds=SEEDS) as cloud:
        front = Front(cloud)
        yield front
        front.stop()


@pytest.fixture
def front(running: Front) -> Front:
    running.cloud.reset()
    running.seen.clear()
    running.refuses = False
    call(running, "POST", f"/v1/projects/{PROJECT}/serviceAccounts", {"accountId": "planner", "serviceAccount": {}})
    return running


def call(front: Front, method: str, path: str, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    sent = urllib.request.Request(f"{front.cloud.endpoint}{path}", data, {"Content-Type": "application/json"},
                                  method=method)  # fmt: skip
    with urllib.request.urlopen(sent) as answer:
        answer.read()


def allow(front: Front, *members: str) -> None:
    """Only these may look at the project from now on."""
    bindings = [{"role": "roles/owner", "members": list(members)}]
    call(front, "POST", f"/v3/projects/{PROJECT}:setIamPolicy", {"policy": {"version": 3, "bindings": bindings}})
    front.cloud.switches.enforce = True


@pytest.fixture
def default(front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service account's key as application default credentials, whose token server is ours."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "adc.json"
    file.write_text(json.dumps({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": key.decode(),
        "client_email": f"ci@{PROJECT}.iam.gserviceaccount.com",
        "token_uri": f"{front.endpoint}/token",
    }))  # fmt: skip
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


def reader(front: Front, **settings: Any) -> Any:
    target = Target("google", "google", PROJECT, "prod")
    return provider.reader([Connection(target, {"endpoint": front.endpoint, **settings})])


@pytest.mark.usefixtures("default")
def test_application_default_credentials_are_used_for_every_call(front: Front) -> None:
    allow(front, CALLER)
    one = reader(front)
    one.identify()
    assert one.read(Scope("acme", frozenset())).coverage.complete
    assert {bearer for path, bearer in front.seen if path != "/token"} == {CALLER}


@pytest.mark.usefixtures("default")
def test_who_they_are_is_who_is_let_in(front: Front) -> None:
    allow(front, "user:somebody.else@acme.example")
    with pytest.raises(CloudError) as caught:
        reader(front).identify()
    assert "PERMISSION_DENIED" in caught.value.detail and caught.value.fix


@pytest.mark.usefixtures("default")
def test_an_impersonated_account_speaks_and_its_token_comes_from_the_same_endpoint(front: Front) -> None:
    allow(front, f"serviceAccount:{PLANNER}")
    one = reader(front, impersonate=PLANNER)
    one.identify()
    one.read(Scope("acme", frozenset()))
    assert (MINT, CALLER) in front.seen, "asked for with our own token"
    others = {bearer for path, bearer in front.seen if path not in ("/token", MINT)}
    assert others == {f"serviceAccount:{PLANNER}"}


@pytest.mark.usefixtures("default")
def test_what_may_not_be_impersonated_is_said_and_nothing_else_is_asked(front: Front) -> None:
    front.refuses = True
    with pytest.raises(CloudError) as caught:
        reader(front, impersonate=PLANNER).identify()
    assert caught.value.code == "E-GOOGLE-CREDENTIALS" and PLANNER.partition("@")[0] in str(front.seen)
    assert {path for path, _ in front.seen} <= {"/token", MINT}


def test_without_credentials_the_way_out_is_told(front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(CloudError) as caught:
        reader(front).identify()
    assert caught.value.code == "E-GOOGLE-CREDENTIALS" and "gcloud auth application-default login" in caught.value.fix
    assert front.seen == []


def test_sandbox_credentials_never_leave_this_machine() -> None:
    target = Target("google", "google", PROJECT, "prod")
    with pytest.raises(CloudError) as caught:
        provider.reader([Connection(target, {"credentials": "sandbox"})]).identify()
    assert caught.value.code == "E-GOOGLE-CREDENTIALS"


def test_an_endpoint_in_the_open_is_refused() -> None:
    target = Target("google", "google", PROJECT, "prod")
    with pytest.raises(CloudError) as caught:
        provider.reader([Connection(target, {"endpoint": "http://cloud.example"})]).identify()
    assert caught.value.code == "E-RUNNER"


def test_the_runner_file_says_who_is_impersonated(tmp_path: Path) -> None:
    file = tmp_path / "runner.toml"
    file.write_text(f'[provider.google]\nimpersonate = "{PLANNER}"\nendpoint = "https://iam.acme.example"\n')
    file.chmod(0o600)
    settings = load_runner({"PROVISIONER_RUNNER": str(file)}).connection_settings("google")
    assert settings == {"impersonate": PLANNER, "endpoint": "https://iam.acme.example"}
