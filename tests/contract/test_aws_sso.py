"""A profile of IAM Identity Center (SSO) in the runner's own file: read with it, renewed with it, and what is said when
the login has ended. The portal is a server of the test's own; botocore's own code asks it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aws_workspace import agent, authority
from botocore.credentials import SSOProvider
from provisioner_aws import provider
from provisioner_aws.reader import AWSReader
from provisioner_aws.writer import AWSWriter

from provisioner.model.authority import Target
from provisioner.model.changes import Action, Change, Effect, Status
from provisioner.sdk import CloudError, Scope
from provisioner.sdk.provider import Connection

ACCOUNT = "123456789012"
START = "https://acme.awsapps.example/start"
CONFIG = f"""[profile agents]
sso_start_url = {START}
sso_region = eu-west-1
sso_account_id = {ACCOUNT}
sso_role_name = provisioner-plan
"""


class Portal:
    """Gives credentials of the sandbox's account that are good for `seconds`."""

    def __init__(self) -> None:
        self.seconds = 3600
        self.asked: list[tuple[str, str]] = []
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                portal.asked.append((self.path, self.headers.get("x-amz-sso_bearer_token", "")))
                end = datetime.now(UTC) + timedelta(seconds=portal.seconds)
                given = {
                    "accessKeyId": f"SANDBOX{ACCOUNT}",
                    "secretAccessKey": "sandbox",
                    "sessionToken": "x",
                    "expiration": int(end.timestamp() * 1000),
                }
                body = json.dumps({"roleCredentials": given}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests read `asked`."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    made = Portal()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    (tmp_path / "config").write_text(CONFIG)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", f"http://127.0.0.1:{made.server.server_address[1]}")
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    yield made
    made.server.shutdown()
    made.server.server_close()


def log_in(folder: Path, end: datetime) -> None:
    """What `aws sso login` leaves behind."""
    token = {
        "startUrl": START,
        "region": "eu-west-1",
        "accessToken": "the-login",
        "expiresAt": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    (folder / f"{hashlib.sha1(START.encode()).hexdigest()}.json").write_text(json.dumps(token))


def connection(port: int, **more: str) -> Connection:
    settings = {"endpoint": f"http://127.0.0.1:{port}", "profile": "agents", **more}
    return Connection(Target("aws", "aws", ACCOUNT, "prod"), settings, ("eu-west-1",))


def test_an_account_is_read_through_it(port: int, portal: Portal, tmp_path: Path) -> None:
    log_in(tmp_path, datetime(2100, 1, 1, tzinfo=UTC))
    reader = AWSReader([connection(port)])
    reader.identify()
    assert reader.read(Scope("ws", frozenset())).coverage.complete
    ((path, token),) = portal.asked
    assert token == "the-login"
    assert f"account_id={ACCOUNT}" in path and "role_name=provisioner-plan" in path


def test_what_it_gave_is_renewed_before_it_ends(port: int, portal: Portal, tmp_path: Path) -> None:
    """Good for a minute: every call asks again, as an apply does that takes longer than a session."""
    log_in(tmp_path, datetime(2100, 1, 1, tzinfo=UTC))
    portal.seconds = 60
    writer = AWSWriter([connection(port)])
    writer.identify()
    before = len(portal.asked)
    assert writer.read(Scope("ws", frozenset())).coverage.complete
    assert len(portal.asked) > before


def test_a_role_is_assumed_from_it(port: int, portal: Portal, tmp_path: Path) -> None:
    log_in(tmp_path, datetime(2100, 1, 1, tzinfo=UTC))
    role = f"arn:aws:iam::{ACCOUNT}:role/provisioner/ws-provisioner-plan"
    AWSReader([connection(port, plan_role=role)]).identify()
    assert len(portal.asked) == 1


@pytest.mark.parametrize("is_logged_in", [True, False])
def test_a_login_that_has_ended_or_never_was_says_how_to_log_in(
    port: int, portal: Portal, tmp_path: Path, is_logged_in: bool
) -> None:
    if is_logged_in:
        log_in(tmp_path, datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(CloudError) as caught:
        AWSReader([connection(port)]).identify()
    assert caught.value.code == "E-AWS-CREDENTIALS"
    assert "aws sso login" in caught.value.fix
    assert portal.asked == []


def test_a_login_that_ends_in_mid_apply_fails_and_writes_nothing(
    port: int, portal: Portal, tmp_path: Path, iam: Any
) -> None:
    log_in(tmp_path, datetime(2100, 1, 1, tzinfo=UTC))
    portal.seconds = 60
    writer = AWSWriter([connection(port)], sleep=lambda _: None)
    writer.identify()
    of = authority([agent("a", boundary=None)])
    role = next(item.resource for item in provider.compile(of) if item.resource.agent == "a")
    change = Change(
        1, Action.CREATE, role.address, "", "a", None, (), {}, Effect.WIDER, (), (), "", None, role.attributes
    )
    (made,) = provider.operations(change)
    log_in(tmp_path, datetime(2020, 1, 1, tzinfo=UTC))
    outcome = writer.execute(made, lambda: None)
    assert outcome.status is Status.FAILED and "nothing was written" in outcome.detail
    assert iam.list_roles()["Roles"] == []
    log_in(tmp_path, datetime(2100, 1, 1, tzinfo=UTC))
    assert writer.execute(made, lambda: None).status is Status.DONE, "after a new login it goes on"
