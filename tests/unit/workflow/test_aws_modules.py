"""The AWS modules beside the Lambda one: loaded, tested and compiled with the real provider, without a cloud."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provisioner.model.resources import Desired
from provisioner.workflow.compiling import compile_all, providers_of
from provisioner.workflow.project import Inputs, open_project
from provisioner.workflow.testing import test as run_tests
from provisioner.workflow.validating import validate

REPOSITORY = Path(__file__).parents[3]
NOW = datetime(2026, 11, 23, tzinfo=UTC)

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
    payment_run = {{ action = "s3:PutObject", resource = "arn:aws:s3:::acme-payments/run.csv" }}
  }}
}}
"""

EKS = """
  cluster         = "arn:aws:eks:eu-west-1:123456789012:cluster/agents"
  namespace       = "finance"
  service_account = "sorter"
"""
AGENTCORE = """
  runtime_ids = ["sorter-AbCdEf1234"]
"""
GITHUB = """
  federation         = federation.github
  repository         = "acme/billing"
  repository_id      = "42"
  owner_id           = "7"
  github_environment = "agents"
  workflow           = "acme/billing/.github/workflows/agent.yml@refs/heads/main"
"""
FEDERATION = """
federation "github" {
  oidc {
    issuer    = "https://token.actions.githubusercontent.com"
    audiences = ["sts.amazonaws.com"]
  }
}
"""
CALLS = {"aws-eks-agent": EKS, "aws-agentcore-agent": AGENTCORE, "aws-github-agent": GITHUB}

Root = Callable[[str, str], Path]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A root module with the quickstart's workspace, boundary and tools, that calls a module."""

    def write(module: str, own: str) -> Path:
        made = tmp_path / "root"
        shutil.copytree(REPOSITORY / "examples" / "quickstart", made)
        shutil.copytree(REPOSITORY / "modules", made / "modules")
        (made / "tests.hcl").unlink()
        agents = (made / "agents.hcl").read_text()
        call = CALL.format(module=module, own=own)
        call += FEDERATION if module == "aws-github-agent" else ""
        (made / "agents.hcl").write_text(agents[: agents.index('agent "invoice_triage"')] + call)
        return made

    return write


def inputs(folder: Path) -> Inputs:
    return Inputs(folder, {"PATH": os.environ["PATH"], "HOME": str(folder)})


def desired(folder: Path) -> dict[str, Desired]:
    project = open_project(inputs(folder))
    providers = providers_of(project.configuration, project.registry)
    compiled = compile_all(project.configuration, providers, lambda agent, tool: tool.owner or "api", {}, NOW)
    return {item.resource.address.kind: item for item in compiled.desired}


@pytest.mark.parametrize("module", CALLS)
def test_a_module_is_valid_passes_its_tests_and_compiles(root: Root, module: str) -> None:
    folder = root(module, CALLS[module])
    found = validate(inputs(folder))
    assert [item.summary for item in found.diagnostics] == []
    run = run_tests(open_project(inputs(folder)))
    assert [result for result in run.results if not result.passed] == []
    assert any(result.test.startswith("module.sorter.test.") for result in run.results)
    role = desired(folder)["iam_role"].resource
    assert role.address.name == "acme-sandbox-sorter"
    assert desired(folder)["iam_role_policy"].block == "module.sorter.grant.this"


def test_what_each_makes_beside_the_role(root: Root) -> None:
    eks = desired(root("aws-eks-agent", EKS))
    association = eks["eks_pod_identity_association"].resource
    assert association.attributes["service_account"] == "sorter"
    assert association.uses == (eks["iam_role"].resource.address,)


def test_a_workload_identity_only_where_it_is_asked_for(root: Root) -> None:
    assert "bedrock_agentcore_workload_identity" not in desired(root("aws-agentcore-agent", AGENTCORE))


def test_a_workload_identity(root: Root) -> None:
    made = desired(root("aws-agentcore-agent", AGENTCORE + '  return_urls = ["https://a.example/x"]\n'))
    identity = made["bedrock_agentcore_workload_identity"].resource
    assert identity.attributes["return_urls"] == ["https://a.example/x"]


def test_one_provider_for_github(root: Root) -> None:
    made = desired(root("aws-github-agent", GITHUB))
    assert made["iam_oidc_provider"].block == "federation.github"
    assert made["iam_oidc_provider"].resource.address in made["iam_role"].resource.uses


WRONG: list[Any] = [
    ("aws-eks-agent", EKS, "cluster/agents", "cluster/*", "Write the whole ARN"),
    ("aws-eks-agent", EKS, '"finance"', '"*"', "without wildcards"),
    ("aws-eks-agent", EKS, '"sorter"', '"default"', "of the agent's own"),
    ("aws-agentcore-agent", AGENTCORE, "sorter-AbCdEf1234", "*", "without wildcards"),
    ("aws-agentcore-agent", AGENTCORE, "\n", '\n  return_urls = ["http://a.example"]\n', "begins with https"),
    ("aws-github-agent", GITHUB, "acme/billing", "acme/*", "without wildcards"),
    ("aws-github-agent", GITHUB, '"42"', '"billing"', "Write the number"),
    ("aws-github-agent", GITHUB, '"agents"', '"*"', "Name one environment"),
]


@pytest.mark.parametrize(("module", "own", "old", "new", "said"), WRONG)
def test_what_is_handed_in_is_checked(root: Root, module: str, own: str, old: str, new: str, said: str) -> None:
    assert old in own
    found = validate(inputs(root(module, own.replace(old, new, 1))))
    assert not found.valid
    assert any(said in diagnostic.detail for diagnostic in found.diagnostics)
