"""What a read costs in calls, and what a configuration costs in imports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google_runner import Runner
from google_workspace import PROJECT, agent, authority, boundary, eks, google, grant, irsa, tool
from provisioner_google import provider
from provisioner_google.sandbox import start

ROOT = Path(__file__).parents[3]
MOST_AGENTS, MOST_BUCKETS = 40, 6
ROLES = ("roles/storage.objectViewer", "roles/storage.objectCreator")


def bucket(number: int) -> str:
    return f"//storage.googleapis.com/projects/_/buckets/acme-{number}"


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    seeds = {
        "organizations": {"123456789012": {}},
        "projects": {PROJECT: {"number": "987654321098", "parent": "organizations/123456789012"}},
        "resources": {bucket(n): {"project": PROJECT} for n in range(MOST_BUCKETS)},
    }
    with start(seeds=seeds) as emulator:
        yield emulator


def calls(cloud: Any, agents: int, buckets: int, federated: bool = True) -> int:
    """Calls of a bulk read once everything stands: each agent has two roles on each bucket."""
    cloud.reset()
    names = [f"a{n:02}" for n in range(agents)]
    made = [
        agent(name, irsa("ns", name), identity={"federation": "federation.eks"}) if federated else agent(name)
        for name in names
    ]
    tools = [
        tool("read", *(google(f"b{b}r{r}", role=role, resource=bucket(b)) for b in range(buckets)
                       for r, role in enumerate(ROLES)))
    ]  # fmt: skip
    federations = [eks()] if federated else []
    of = authority(made, tools, [grant("g", names, ["read"])], boundaries=[boundary()], federations=federations)
    desired = list(provider.compile(of))
    Runner(cloud, "acme").apply(desired)
    cloud.core.forget()
    assert Runner(cloud, "acme").operations(desired) == ()
    return sum(cloud.calls.values())


def test_calls_grow_with_the_policies_that_are_read_and_never_with_grants(running: Any) -> None:
    """10 and 40 agents: 40 and 160 grants on two buckets; then six buckets."""
    few = calls(running, 10, 2)
    assert calls(running, MOST_AGENTS, 2) == few
    assert calls(running, 10, MOST_BUCKETS) == few + MOST_BUCKETS - 2


def test_a_service_account_costs_its_policy_and_its_keys(running: Any) -> None:
    assert calls(running, 10, 2, federated=False) - calls(running, 4, 2, federated=False) == 6 * 2


RUN = """
import sys
from provisioner.cli.main import main
sys.argv = ["provisioner", "validate"]
assert main() == 0
print(*sorted(m for m in sys.modules if m.partition(".")[0] in ("provisioner_google", "google", "grpc", "requests")))
"""


def loaded(code: str, folder: Path) -> list[str]:
    """The modules that the last line of the output names."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].split()


def test_a_configuration_without_google_imports_nothing_of_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "quickstart", tmp_path / "aws")
    assert loaded(RUN, tmp_path / "aws") == []


def test_the_provider_itself_imports_no_cloud_library_until_it_reads(tmp_path: Path) -> None:
    """The heavy ones are google.auth's transport, grpc and the client libraries."""
    shutil.copytree(ROOT / "examples" / "google-quickstart", tmp_path / "google")
    found = loaded(RUN, tmp_path / "google")
    assert "provisioner_google.compile" in found
    assert [name for name in found if not name.startswith("provisioner_google")] == []
