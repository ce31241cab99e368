"""`provisioner sandbox` on the real embedded AWS, through the installed command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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


def test_a_life(environ: dict[str, str], tmp_path: Path) -> None:
    """up, up, state that survives, reset, down; then a stale one."""
    assert run("status", environ=environ).returncode == 1
    first = sandbox("up", environ=environ)
    assert first["started"]
    client(first["endpoint"]).create_role(RoleName="kept", AssumeRolePolicyDocument="{}")
    again = sandbox("up", environ=environ)
    assert not again["started"]
    assert again["endpoint"] == first["endpoint"]
    assert roles(first["endpoint"]) == ["kept"]
    done = run("status", environ=environ)
    assert done.returncode == 0
    assert first["endpoint"] in done.stdout
    assert run("reset", environ=environ).returncode == 0
    assert roles(first["endpoint"]) == []

    runner = tmp_path / "sandbox" / "runner.toml"
    assert f'endpoint = "{first["endpoint"]}"' in runner.read_text()
    assert not (tmp_path / "home" / ".config").exists(), "the user's own runner file is left alone"

    os.kill(first["pid"], signal.SIGKILL)
    end = time.monotonic() + 30
    while sandbox("status", environ=environ)["state"] == "running" and time.monotonic() < end:
        time.sleep(0.05)
    assert "is gone" in run("status", environ=environ).stdout
    assert "not running" in run("reset", environ=environ).stderr
    fresh = sandbox("up", environ=environ)
    assert fresh["started"]
    assert f'endpoint = "{fresh["endpoint"]}"' in runner.read_text()
    assert "stopped" in run("down", environ=environ).stdout
    assert "was not running" in run("down", environ=environ).stdout


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
