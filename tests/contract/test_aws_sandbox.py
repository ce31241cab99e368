"""The embedded AWS: it tells itself from others, keeps accounts apart, forgets when told."""

from __future__ import annotations

import http.server
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import botocore.session
import pytest
from provisioner_aws import provider
from provisioner_aws.sandbox import GAPS, SandboxCloud, _ask

from provisioner.model.authority import Target
from provisioner.sdk import CloudError, Scope

TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}'


@pytest.fixture
def stranger():
    """A server of somebody else on loopback, which answers everything with a page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>It works!</html>")

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_it_is_healthy_only_for_its_own_token(sandbox_port):
    token = _ask("GET", sandbox_port, "/provisioner-sandbox")["token"]
    assert SandboxCloud().healthy(sandbox_port, token)
    assert not SandboxCloud().healthy(sandbox_port, "another")


def test_a_stranger_or_nobody_at_the_port_is_not_healthy(stranger):
    assert not SandboxCloud().healthy(stranger, "token")
    assert not SandboxCloud().healthy(1, "token")
    assert not SandboxCloud().reset(1)


def test_a_stranger_at_the_port_is_an_error_with_a_way_out(stranger, connect):
    with pytest.raises(CloudError) as caught:
        provider.reader([connect(stranger)]).identify()
    assert "provisioner sandbox" in caught.value.fix


def test_reset_forgets(port, iam):
    iam.create_user(UserName="x")
    assert SandboxCloud().reset(port)
    assert iam.list_users()["Users"] == []


def test_every_declared_account_is_its_own(port, connect, iam):
    iam.create_role(
        RoleName="ws-a", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "provisioner:workspace", "Value": "ws"}]
    )
    here, there = connect(port), connect(port, "999999999999")
    there = replace(there, target=Target("aws", "aws.there", "999999999999", None))
    reader = provider.reader([here, there])
    reader.identify()
    snapshot = reader.read(Scope("ws", frozenset()))
    assert [str(r.address) for r in snapshot.resources] == ["aws:123456789012:iam_role:ws-a"]
    assert snapshot.coverage.targets == ("aws:123456789012", "aws:999999999999")


def test_writing_and_reading_at_once_does_not_break_it(port):
    session = botocore.session.Session()
    arguments = {
        "endpoint_url": f"http://127.0.0.1:{port}",
        "region_name": "us-east-1",
        "aws_access_key_id": "SANDBOX123456789012",
        "aws_secret_access_key": "sandbox",
        "config": botocore.config.Config(retries={"total_max_attempts": 1}),
    }
    client = session.create_client("iam", **arguments)

    def work(number: int) -> int:
        if number % 2:
            return len(client.get_account_authorization_details(Filter=["Role"])["RoleDetailList"])
        client.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=TRUST)
        return 0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(80)))
    assert len(client.list_roles()["Roles"]) == 40


def test_its_gaps_are_told():
    assert any("permissions are not enforced" in gap for gap in GAPS)
    assert _ask("GET", 1, "/provisioner-sandbox") is None


def test_its_credentials_are_for_loopback():
    assert SandboxCloud().settings(4) == {"endpoint": "http://127.0.0.1:4", "credentials": "sandbox"}
