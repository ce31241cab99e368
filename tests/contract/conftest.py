from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from provisioner_aws.faulty import FaultyCloud
from provisioner_aws.sandbox import SandboxCloud, in_child

from provisioner.model.authority import Target
from provisioner.sdk.provider import Connection

ACCOUNT = "123456789012"


@pytest.fixture(scope="session")
def sandbox_port() -> Iterator[int]:
    with in_child(managed_policies=False) as port:
        yield port


@pytest.fixture
def port(sandbox_port: int) -> int:
    """An empty AWS."""
    assert SandboxCloud().reset(sandbox_port)
    return sandbox_port


@pytest.fixture
def faulty(port: int) -> Iterator[FaultyCloud]:
    with FaultyCloud(port) as cloud:
        yield cloud


@pytest.fixture
def connection(port: int) -> Connection:
    return connect(port)


def connect(port: int, account: str = ACCOUNT) -> Connection:
    return Connection(Target("aws", "aws", account, "prod"), SandboxCloud().settings(port), ("eu-west-1",))


@pytest.fixture(name="connect")
def _connect():
    return connect


@pytest.fixture
def iam(port: int, _iam):
    """The account through somebody else's hands: plain botocore, after the reset."""
    return _iam


@pytest.fixture(scope="session")
def _iam(sandbox_port: int):
    return make_iam(sandbox_port)


@pytest.fixture(name="make_iam")
def _make_iam():
    return make_iam


def make_iam(port: int):
    import botocore.session

    return botocore.session.Session().create_client(
        "iam",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=f"SANDBOX{ACCOUNT}",
        aws_secret_access_key="sandbox",
    )
