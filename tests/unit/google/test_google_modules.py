"""The Google modules: valid, tested, compiled with the real provider, and applied to the emulator."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google_runner import Runner
from google_workspace import PROJECT
from provisioner_google.sandbox import start

from provisioner.model.resources import Desired
from provisioner.workflow.compiling import compile_all, providers_of
from provisioner.workflow.project import Inputs, open_project
from provisioner.workflow.testing import test as run_tests
from provisioner.workflow.validating import validate

REPOSITORY = Path(__file__).parents[3]
GOLDEN = REPOSITORY / "tests" / "golden" / "google_modules"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ORGANIZATION = "123456789012"

CALL = """
module "sorter" {{
  source = "./modules/{module}"

  purpose     = "Sort supplier invoices by team; never pay"
  sponsor     = person.sam
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents
  tools       = [tool.invoice_inbox]
{own}
  denied = {{
    payment_run = {{
      permission = "storage.objects.create"
      resource   = "//storage.googleapis.com/projects/_/buckets/acme-payments/objects/run.csv"
      context    = {{ project = "acme-fin-prod" }}
    }}
  }}
}}
"""

GKE = """
  cluster         = "projects/acme-fin-prod/locations/europe-west1/clusters/agents"
  namespace       = "finance"
  service_account = "sorter"
"""
CLOUD_RUN = """
  service  = "sorter"
  location = "europe-west1"
"""
ENGINE = """
  location     = "europe-west1"
  unique_id    = "7231985"
  organization = "123456789012"
"""
GITHUB = """
  federation         = federation.github
  repository         = "acme/billing"
  repository_id      = "42"
  owner_id           = "7"
  github_environment = "agents"
  workflow           = "acme/billing/.github/workflows/agent.yml@refs/heads/main"
"""
CALLS = {"gke-agent": GKE, "cloud-run-agent": CLOUD_RUN, "agent-engine-agent": ENGINE, "github-to-google": GITHUB}
BUCKET = "//storage.googleapis.com/projects/_/buckets/acme-invoices"
SEEDS: dict[str, Any] = {
    "organizations": {ORGANIZATION: {}},
    "projects": {PROJECT: {"number": "987654321098", "parent": f"organizations/{ORGANIZATION}"}},
    "resources": {BUCKET: {"project": PROJECT}},
}

Root = Callable[[str, str], Path]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A root module with the Google quickstart's workspace, federation, boundary and tools, that calls a module."""

    def write(module: str, own: str) -> Path:
        made = tmp_path / "root"
        shutil.copytree(REPOSITORY / "examples" / "google-quickstart", made)
        shutil.copytree(REPOSITORY / "modules" / module, made / "modules" / module)
        (made / "tests.hcl").unlink()
        agents = (made / "agents.hcl").read_text()
        shared = agents[: agents.index("agent_defaults {")]
        if module != "github-to-google":
            shared = shared[shared.index('boundary "agents"') :]
        (made / "agents.hcl").write_text(shared + CALL.format(module=module, own=own))
        return made

    return write


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with start(seeds=SEEDS) as emulator:
        yield emulator


def inputs(folder: Path) -> Inputs:
    return Inputs(folder, {"PATH": os.environ["PATH"], "HOME": str(folder)})


def desired(folder: Path) -> list[Desired]:
    project = open_project(inputs(folder))
    providers = providers_of(project.configuration, project.registry)
    compiled = compile_all(project.configuration, providers, lambda agent, tool: tool.owner or "api", {}, NOW)
    return list(compiled.desired)


@pytest.mark.parametrize("module", CALLS)
def test_a_module_is_valid_and_passes_its_tests(root: Root, module: str) -> None:
    folder = root(module, CALLS[module])
    found = validate(inputs(folder))
    assert [item.summary for item in found.diagnostics] == []
    run = run_tests(open_project(inputs(folder)))
    assert [(result.test, result.attempt) for result in run.results if not result.passed] == []
    own = {result.test for result in run.results if result.test.startswith("module.sorter.test.")}
    assert {"module.sorter.test.never_more_authority", "module.sorter.test.denied[0]"} <= own


@pytest.mark.parametrize("module", CALLS)
def test_what_a_module_makes_is_as_recorded_and_stands_after_one_apply(root: Root, module: str, running: Any) -> None:
    wanted = desired(root(module, CALLS[module]))
    text = json.dumps({str(one.resource.address): one.resource.attributes for one in wanted}, indent=2, default=list)
    path = GOLDEN / f"{module}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    assert text + "\n" == path.read_text()
    running.reset()
    runner = Runner(running, "acme-google")
    assert len(runner.apply(wanted)) >= len(wanted)
    assert runner.operations(wanted) == ()


def test_an_account_instead_of_the_pods_own_principal(root: Root) -> None:
    made = desired(root("gke-agent", GKE + '  identity = "service_account"\n'))
    kinds = [item.resource.address.kind for item in made]
    assert "google_service_account" in kinds and "google_service_account_binding" in kinds


WRONG: list[Any] = [
    ("gke-agent", GKE, "clusters/agents", "clusters/*", "Write projects/PROJECT/locations"),
    ("gke-agent", GKE, '"finance"', '"*"', "without wildcards"),
    ("gke-agent", GKE, '"sorter"', '"default"', "of the agent's own"),
    ("gke-agent", GKE, '"sorter"\n', '"sorter"\n  identity = "key"\n', 'Write "federated"'),
    ("cloud-run-agent", CLOUD_RUN, '"sorter"', '"*"', "without wildcards"),
    ("cloud-run-agent", CLOUD_RUN, "europe-west1", "europe", "one region"),
    ("agent-engine-agent", ENGINE, "7231985", "sorter", "Make the engine first"),
    ("agent-engine-agent", ENGINE, "123456789012", "acme.example", "gcloud organizations list"),
    ("github-to-google", GITHUB, "acme/billing", "acme/*", "without wildcards"),
    ("github-to-google", GITHUB, '"42"', '"billing"', "Write the number"),
    ("github-to-google", GITHUB, '"agents"', '"*"', "Name one environment"),
]


@pytest.mark.parametrize(("module", "own", "old", "new", "said"), WRONG)
def test_what_is_handed_in_is_checked(root: Root, module: str, own: str, old: str, new: str, said: str) -> None:
    assert old in own
    found = validate(inputs(root(module, own.replace(old, new, 1))))
    assert not found.valid
    assert any(said in diagnostic.detail for diagnostic in found.diagnostics)
