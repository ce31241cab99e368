"""`provisioner sandbox` with both embedded clouds, through the installed command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "provisioner"


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    home = tmp_path / "home"
    home.mkdir()
    values = {"PATH": os.environ["PATH"], "HOME": str(home), "PROVISIONER_SANDBOX": str(tmp_path / "sandbox")}
    yield values
    run("down", environ=values)


def run(*argv: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "sandbox", *argv], env=environ, capture_output=True, text=True, check=False, timeout=120
    )


def sandbox(*argv: str, environ: dict[str, str]) -> dict:
    done = run(*argv, "-json", environ=environ)
    return json.loads(done.stdout)["sandboxes"][0]


def roles(endpoint: str) -> list[str]:
    return [role["RoleName"] for role in client(endpoint).list_roles()["Roles"]]


def client(endpoint: str):
    import boto3

    return boto3.client(
        "iam",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="SANDBOX123456789012",
        aws_secret_access_key="sandbox",
    )


ACCOUNTS = "/v1/projects/acme-fin-prod/serviceAccounts"


def make_account(endpoint: str) -> None:
    body = json.dumps({"accountId": "kept-agent", "serviceAccount": {}}).encode()
    urllib.request.urlopen(urllib.request.Request(endpoint + ACCOUNTS, body, {"Content-Type": "application/json"}))


def accounts(endpoint: str) -> list[str]:
    with urllib.request.urlopen(endpoint + ACCOUNTS) as answer:
        return [one["email"] for one in json.loads(answer.read()).get("accounts", [])]


def test_a_life(environ: dict[str, str], tmp_path: Path) -> None:
    """up, up, state that survives, reset, down; then a stale one."""
    assert run("status", environ=environ).returncode == 1
    first = sandbox("up", environ=environ)
    assert first["started"]
    both = json.loads(run("status", "-json", environ=environ).stdout)["sandboxes"]
    assert [(one["cloud"], one["state"]) for one in both] == [("aws", "running"), ("google", "running")]
    assert {one["pid"] for one in both} == {first["pid"]}, "one process"
    google = both[1]["endpoint"]
    client(first["endpoint"]).create_role(RoleName="kept", AssumeRolePolicyDocument="{}")
    make_account(google)
    again = sandbox("up", environ=environ)
    assert not again["started"]
    assert again["endpoint"] == first["endpoint"]
    assert roles(first["endpoint"]) == ["kept"]
    assert len(accounts(google)) == 1
    done = run("status", environ=environ)
    assert done.returncode == 0
    assert first["endpoint"] in done.stdout
    assert run("reset", environ=environ).returncode == 0
    assert roles(first["endpoint"]) == []
    assert accounts(google) == []

    runner = tmp_path / "sandbox" / "runner.toml"
    assert f'endpoint = "{first["endpoint"]}"' in runner.read_text()
    assert not (tmp_path / "home" / ".config").exists(), "the user's own runner file is left alone"

    os.kill(first["pid"], signal.SIGKILL)
    end = time.monotonic() + 30
    while sandbox("status", environ=environ)["state"] == "running" and time.monotonic() < end:
        time.sleep(0.05)
    assert run("status", environ=environ).stdout.count("is gone") == 2
    assert "not running" in run("reset", environ=environ).stderr
    fresh = sandbox("up", environ=environ)
    assert fresh["started"]
    assert f'endpoint = "{fresh["endpoint"]}"' in runner.read_text()
    assert run("down", environ=environ).stdout.splitlines() == ["aws sandbox stopped", "google sandbox stopped"]
    assert run("down", environ=environ).stdout.count("was not running") == 2


def test_keys_of_other_providers_are_refused(environ: dict[str, str]) -> None:
    done = run("up", "-provider", "azure", environ=environ)
    assert done.returncode == 1
    assert 'no sandbox for provider "azure"' in done.stderr


def test_a_folder_that_cannot_be_used(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("up", environ={**environ, "PROVISIONER_SANDBOX": str(tmp_path / "file" / "x")})
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
