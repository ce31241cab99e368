"""The Google provider keeps the contract, on the emulator's sockets."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from google_workspace import PROJECT, SEEDS, sample, sample_changed
from provisioner_google import provider
from provisioner_google.sandbox import start

from provisioner.model.authority import Target
from provisioner.sdk import contract
from provisioner.sdk.provider import Connection


@pytest.fixture(scope="module")
def emulators() -> Iterator[tuple[object, object]]:
    """One that answers, and one more to refuse a read."""
    with start(seeds=SEEDS) as first, start(seeds=SEEDS) as second:
        yield first, second


def connect(endpoint: str, project: str = PROJECT) -> Connection:
    settings = {"endpoint": endpoint, "credentials": "sandbox"}
    return Connection(Target("google", "google", project, "prod"), settings, config={"project": project})


def call(endpoint: str, method: str, path: str, body: dict) -> dict:
    """Somebody else's hand: plain HTTP."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{endpoint}{path}", data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


@pytest.fixture
def case(emulators):
    cloud, denying = emulators
    cloud.reset()
    denying.reset()
    denying.fail("PERMISSION_DENIED", "iam.projects.serviceAccounts.list", times=None)
    denied = replace(connect(denying.endpoint))

    def meddle() -> None:
        account = f"/v1/projects/{PROJECT}/serviceAccounts/acme-triage@{PROJECT}.iam.gserviceaccount.com"
        body = {"serviceAccount": {"description": "somebody else's now"}, "updateMask": "description"}
        call(cloud.endpoint, "PATCH", account, body)

    def squat() -> None:
        path = f"/v1/projects/{PROJECT}/serviceAccounts"
        call(cloud.endpoint, "POST", path, {"accountId": "acme-triage", "serviceAccount": {"displayName": "mine"}})

    return contract.ContractCase(
        provider=provider,
        authority=sample(),
        changed=sample_changed(),
        connections=[connect(cloud.endpoint)],
        meddle=meddle,
        squat=squat,
        denying=[denied],
        elsewhere=[connect(cloud.endpoint, "acme-hr-prod")],
        nowhere=[connect("http://127.0.0.1:1")],
    )


CHECKS = [getattr(contract, name) for name in contract.__all__ if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_keeps_the_contract(check, case):
    check(case)
