"""examples/finance with the installed command: one agent is a role in AWS and, by it, a principal in Google Cloud."""

from __future__ import annotations

import importlib.util
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Team = Any

PROJECT, NUMBER = "acme-fin-prod", "987654321098"
FINDER = "duplicate_finder"
POOL = f"principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/acme-finance-aws"
MEMBER = f"{POOL}/subject/acme-finance-duplicate-finder"
HOTFIX = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}


def make_team(home: Path) -> Team:
    """conftest's own: with --import-mode=importlib a test file cannot import it by name."""
    spec = importlib.util.spec_from_file_location("e2e_conftest", Path(__file__).parent / "conftest.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.make_team(home, "finance")


@pytest.fixture
def finance(tmp_path: Path) -> Iterator[Team]:
    """A checkout that bruno wrote, both clouds in one sandbox, and a trust root."""
    team = make_team(tmp_path)
    team.commit("first", "bruno")
    team.run("sandbox", "up")
    try:
        team.iam().create_open_id_connect_provider(
            Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"]
        )
        team.run("init", "-yes")
        yield team
    finally:
        team.run("sandbox", "down", check=None)


def sign_everything(team: Team, name: str = "plan.json") -> None:
    """Every owner once; payments want two of three people."""
    team.sign_all(name)
    if "payments" in {owner for _, owner in team.required(name)}:
        plan = team.home / name
        digest = json.loads(plan.read_text())["digest"]
        team.run("sign", str(plan), "-owner=payments", f"-key={team.key('farid')}", f"-digest={digest}", "-yes")


def grant_in_google(team: Team, role: str) -> None:
    """Somebody else's hand on the project's policy."""
    clouds = {one["cloud"]: one["endpoint"] for one in team.json("sandbox", "status")["sandboxes"]}
    policy = call(clouds["google"], "getIamPolicy", {"options": {"requestedPolicyVersion": 3}})
    bindings = [*policy.get("bindings", []), {"role": role, "members": [MEMBER]}]
    call(clouds["google"], "setIamPolicy", {"policy": {**policy, "version": 3, "bindings": bindings}})


def call(endpoint: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    url = f"{endpoint}/v3/projects/{PROJECT}:{verb}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def test_one_agent_in_two_clouds_one_plan_one_apply_one_drift_report(finance: Team) -> None:
    finance.plan()
    plan = json.loads((finance.home / "plan.json").read_text())["plan"]
    changes = plan["changes"]
    assert {change["address"]["provider"] for change in changes} == {"aws", "google"}
    assert {c["agent"] for c in changes if c["address"]["provider"] == "google"} == {None, FINDER}
    order = [(op["address"]["provider"], op["verb"], op["agent"]) for op in plan["operations"]]
    role = order.index(("aws", "iam:CreateRole", FINDER))
    boundary = order.index(("google", "iam:createDenyPolicy", None))
    way_in = order.index(("google", "iam:createWorkloadIdentityPoolProvider", FINDER))
    grants = [n for n, (cloud, verb, _) in enumerate(order) if cloud == "google" and verb.endswith(":setIamPolicy")]
    assert len(grants) == 2 and max(role, boundary) < way_in < min(grants)

    sign_everything(finance)
    finance.apply()
    assert finance.json("plan", check=0)["plan"]["changes"] == []

    grant_in_google(finance, "roles/storage.admin")
    finance.iam().put_role_policy(
        RoleName="acme-finance-duplicate-finder", PolicyName="hotfix", PolicyDocument=json.dumps(HOTFIX)
    )
    report = finance.json("drift", check=5)["drift"]
    found = sorted((d["address"]["provider"], d["kind"], d["agent"], d["effect"]) for d in report["differences"])
    assert found == [("aws", "out_of_band", FINDER, "wider"), ("google", "out_of_band", FINDER, "wider")]
