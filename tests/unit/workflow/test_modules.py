"""The reusable modules and the example that is built from one, with the real provider and without a cloud."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.workflow.fetching import get
from provisioner.workflow.project import Inputs, open_project
from provisioner.workflow.testing import test as run_tests
from provisioner.workflow.validating import validate

REPOSITORY = Path(__file__).parents[3]
MODULES = sorted({path.parent.name for path in (REPOSITORY / "modules").glob("*/*.hcl")})

CALL = """
module "sorter" {
  source = "./modules/aws-lambda-agent"

  purpose     = "Sort supplier invoices by team; never pay"
  sponsor     = person.sam
  environment = "sandbox"
  review_by   = "2027-11-01"
  functions   = ["sorter"]
  boundary    = boundary.agents
  tools       = [tool.invoice_inbox]

  denied = {
    payment_run = { action = "s3:PutObject", resource = "arn:aws:s3:::acme-payments/run.csv" }
  }
}
"""

Root = Callable[[str], Path]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A root module with the quickstart's workspace, boundary and tools, that calls the module with some text."""

    def write(call: str) -> Path:
        made = tmp_path / "root"
        shutil.copytree(REPOSITORY / "examples" / "quickstart", made)
        shutil.copytree(REPOSITORY / "modules", made / "modules")
        (made / "tests.hcl").unlink()
        agents = (made / "agents.hcl").read_text()
        (made / "agents.hcl").write_text(agents[: agents.index('agent "invoice_triage"')] + call)
        return made

    return write


def environ(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


def failed(folder: Path) -> list[str]:
    """The boundary tests that fail, of a configuration that is valid."""
    inputs = Inputs(folder, environ(folder))
    assert validate(inputs).diagnostics == ()
    run = run_tests(open_project(inputs))
    assert len(run.results) > 5
    return [f"{result.test}" for result in run.results if not result.passed]


@pytest.mark.parametrize("name", MODULES)
def test_each_module_says_what_it_takes_and_gives(name: str) -> None:
    folder = REPOSITORY / "modules" / name
    readme = (folder / "README.md").read_text()
    text = "".join(path.read_text() for path in folder.glob("*.hcl"))
    declared = re.findall(r'^(?:variable|output) "(\w+)"', text, re.MULTILINE)
    assert declared
    assert [one for one in declared if f"`{one}`" not in readme] == []


def test_the_example_of_a_team() -> None:
    folder = REPOSITORY / "examples" / "team"
    assert failed(folder) == []
    configuration = open_project(Inputs(folder, environ(folder))).configuration
    assert configuration.outputs["agents"] == {"billing": "billing", "returns": "refunds", "security": "security"}
    assert configuration.moved['module.desk["refunds"].agent.this'] == 'module.desk["returns"].agent.this'
    assert configuration.boundaries["boundary.desk"].prevent_destroy


def test_an_agent_on_lambda(root: Root) -> None:
    folder = root(CALL)
    assert failed(folder) == []
    configuration = open_project(Inputs(folder, environ(folder))).configuration
    agent = configuration.agents["sorter"]
    assert (agent.address, agent.sponsor, agent.boundary) == ("module.sorter.agent.this", "sam", "boundary.agents")
    assert configuration.grants["module.sorter.grant.this"].tools == ("tool.invoice_inbox",)
    assert configuration.tests["module.sorter.test.denied[0]"].attempts[0].labels == ("aws", "payment_run")


def test_what_must_be_denied_is_tried(root: Root) -> None:
    folder = root(
        CALL.replace("s3:PutObject", "s3:GetObject")
        .replace("acme-payments/run.csv", "acme-invoices/inbox/1")
        .replace(".pdf", "")
        .replace('/1" }', '/1", context = { "aws:RequestedRegion" = "eu-west-1" } }')
    )
    assert failed(folder) == ["module.sorter.test.denied[0]"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Sort supplier invoices by team; never pay", "Sort", "Say in a sentence"),
        ('"2027-11-01"', '"next year"', "Write a date"),
        ('["sorter"]', "[]", "at least one function"),
        ('["sorter"]', '["arn:aws:lambda:eu-west-1:123456789012:function:x"]', "not by its ARN"),
        ("[tool.invoice_inbox]", "[]", "can do nothing"),
        ("person.sam", "tool.invoice_inbox", "person"),
    ],
)
def test_what_is_handed_in_is_checked(root: Root, old: str, new: str, said: str) -> None:
    assert old in CALL
    folder = root(CALL.replace(old, new))
    found = validate(Inputs(folder, environ(folder)))
    assert not found.valid
    assert any(said in diagnostic.detail for diagnostic in found.diagnostics)


def test_the_same_module_from_a_repository(root: Root, tmp_path: Path) -> None:
    shared = tmp_path / "shared.git"
    shutil.copytree(REPOSITORY / "modules", shared)
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@acme.example"]
    for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"], ["tag", "v1.0.0"]):
        subprocess.run(["git", *arguments], cwd=shared, env=environ(tmp_path), check=True)
    folder = root(CALL.replace("./modules/aws-lambda-agent", f"git::file://{shared}//aws-lambda-agent?ref=v1.0.0"))
    shutil.rmtree(folder / "modules")
    assert not validate(Inputs(folder, environ(tmp_path))).valid
    get(Inputs(folder, environ(tmp_path)))
    assert failed(folder) == []
