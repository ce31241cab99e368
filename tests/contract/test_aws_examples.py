"""Every example of a runtime: valid, its tests pass, and the sandbox holds after an apply what it asks for."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from provisioner_aws import provider
from provisioner_aws.trust import RUNTIMES

from provisioner.model.authority import Authority
from provisioner.sdk import contract
from provisioner.sdk.provider import Connection, Scope
from provisioner.workflow.compiling import compile_all, providers_of
from provisioner.workflow.project import Inputs, open_project
from provisioner.workflow.testing import test as run_tests
from provisioner.workflow.validating import validate

EXAMPLES = Path(__file__).parents[2] / "examples" / "runtimes"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/main.hcl"))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def authority(folder: Path) -> Authority:
    project = open_project(Inputs(folder, {"PATH": os.environ["PATH"], "HOME": str(folder)}))
    providers = providers_of(project.configuration, project.registry)
    return compile_all(project.configuration, providers, lambda agent, tool: tool.owner or "o", {}, NOW).authorities[
        "aws"
    ]


@pytest.fixture
def cluster(port: int) -> Any:
    made = botocore.session.Session().create_client(
        "eks",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id="SANDBOX123456789012",
        aws_secret_access_key="sandbox",
    )
    made.create_cluster(name="agents", roleArn="arn:aws:iam::123456789012:role/x", resourcesVpcConfig={})
    return made


def test_there_is_one_for_every_runtime():
    assert set(RUNTIMES) | {"adopted", "delegation"} == set(NAMES)
    readme = (EXAMPLES / "README.md").read_text()
    assert [name for name in NAMES if f"({name}/main.hcl)" not in readme] == []


@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_and_its_tests_pass(name: str):
    given = Inputs(EXAMPLES / name, {"PATH": os.environ["PATH"], "HOME": str(EXAMPLES)})
    assert [item.summary for item in validate(given).diagnostics if item.is_error] == []
    run = run_tests(open_project(given))
    assert [result.test for result in run.results if not result.passed] == []
    assert len(run.results) > 2


@pytest.mark.parametrize("name", NAMES)
def test_it_is_brought_about_and_stays(name: str, connection: Connection, cluster: Any):
    of = authority(EXAMPLES / name)
    case = contract.ContractCase(
        provider, of, of, [connection], lambda: None, lambda: None, [connection], [connection], [connection]
    )
    contract.check_round_trip(case)
    problems = list(provider.check(of, list(provider.compile(of)), _read(connection, of)))
    assert [item.summary for item in problems if item.is_error] == []


def _read(connection: Connection, of: Authority) -> Any:
    desired = frozenset(item.resource.address for item in provider.compile(of))
    return provider.reader([connection]).read(Scope(of.workspace, desired))


def test_the_delegation_holds_on_the_live_policies(connection: Connection):
    of = authority(EXAMPLES / "delegation")
    case = contract.ContractCase(
        provider, of, of, [connection], lambda: None, lambda: None, [connection], [connection], [connection]
    )
    contract._apply(case, of)
    live = {item.address.name: item for item in _read(connection, of).resources}
    (statement,) = live["example-delegation-triage/delegation-triage_asks_archivist"].attributes["document"][
        "Statement"
    ]
    assert statement["Resource"] == ["arn:aws:iam::123456789012:role/agents/example-delegation-archivist"]
    assert statement["Condition"] == {"DateLessThan": {"aws:CurrentTime": ["2027-06-01T00:00:00Z"]}}
    trust = json.dumps(live["example-delegation-archivist"].attributes["trust"])
    assert "role/agents/example-delegation-triage" in trust
    assert "example-delegation-triage" not in json.dumps(live["example-delegation-translator"].attributes["trust"])


def test_what_an_adopted_role_has_is_no_difference(connection: Connection, iam: Any):
    """As it stands before: the first plan finds only that the role does not carry our mark yet."""
    folder = EXAMPLES / "adopted"
    trust, reports = ((folder / f"{name}.json").read_text() for name in ("trust", "reports"))
    iam.create_role(
        RoleName="report-bot",
        AssumeRolePolicyDocument=trust,
        Description="Write the weekly report; the role is from before agents were declared",
    )
    iam.put_role_policy(RoleName="report-bot", PolicyName="reports", PolicyDocument=reports)
    of = authority(folder)
    live = {item.address: item for item in _read(connection, of).resources}
    for item in provider.compile(of):
        found = live[item.resource.address]
        mine = {**item.resource.attributes, "tags": None}
        assert {**found.attributes, "tags": None} == mine
    assert all(item.mark is None for item in live.values())
