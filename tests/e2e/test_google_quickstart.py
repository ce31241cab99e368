"""The Google quickstart with the installed command against the emulator: plan, sign, apply, drift, repair."""

from __future__ import annotations

import importlib.util
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provisioner_google.sandbox import start

Team = Any


def make_team(home: Path, example: str) -> Team:
    """conftest's own: with --import-mode=importlib a test file cannot import it by name."""
    spec = importlib.util.spec_from_file_location("e2e_conftest", Path(__file__).parent / "conftest.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.make_team(home, example)


PROJECT = "acme-fin-prod"
BUCKET = "//storage.googleapis.com/projects/_/buckets/acme-invoices"
SEEDS: dict[str, Any] = {
    "organizations": {"123456789012": {}},
    "projects": {
        PROJECT: {"number": "987654321098", "parent": "organizations/123456789012"},
        "acme-data-prod": {"number": "876543210987", "parent": "organizations/123456789012"},
    },
    "resources": {
        BUCKET: {"project": PROJECT},
        f"//bigquery.googleapis.com/projects/{PROJECT}/datasets/suppliers": {},
        f"//pubsub.googleapis.com/projects/{PROJECT}/topics/tickets": {},
    },
}
ACCOUNT = f"acme-google-invoice-triage@{PROJECT}.iam.gserviceaccount.com"


@pytest.fixture
def emulator() -> Iterator[Any]:
    with start(seeds=SEEDS) as cloud:
        yield cloud


@pytest.fixture
def google(tmp_path: Path, emulator: Any) -> Team:
    team = make_team(tmp_path, "google-quickstart")
    Path(team.env["PROVISIONER_RUNNER"]).write_text(
        f'[provider.google]\nendpoint = "{emulator.endpoint}"\ncredentials = "sandbox"\n'
    )
    Path(team.env["PROVISIONER_RUNNER"]).chmod(0o600)
    team.commit("first")
    team.run("init", "-yes")
    return team


def call(endpoint: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody else's hand."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{endpoint}{path}", data, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def add_member(endpoint: str, role: str, member: str, project: str = PROJECT) -> None:
    policy = call(endpoint, f"/v3/projects/{project}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})
    bindings = [*policy.get("bindings", []), {"role": role, "members": [member]}]
    changed = {**policy, "version": 3, "bindings": bindings}
    call(endpoint, f"/v3/projects/{project}:setIamPolicy", {"policy": changed})


def project_members(endpoint: str) -> set[tuple[str, str]]:
    policy = call(endpoint, f"/v3/projects/{PROJECT}:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})
    return {(binding["role"], member) for binding in policy["bindings"] for member in binding["members"]}


def test_plan_sign_apply_drift_repair(google: Team, emulator: Any) -> None:
    add_member(emulator.endpoint, "roles/viewer", "user:somebody@acme.example")
    google.plan()
    google.sign_all()
    google.apply()
    assert google.json("plan", check=0)["plan"]["changes"] == []
    assert google.json("drift", check=0)["drift"]["differences"] == []

    add_member(emulator.endpoint, "roles/storage.admin", f"serviceAccount:{ACCOUNT}")
    report = google.json("drift", check=5)["drift"]
    assert [(d["kind"], d["agent"], d["effect"]) for d in report["differences"]] == [
        ("out_of_band", "invoice_triage", "wider")
    ]
    google.plan("repair.json")
    google.sign_all("repair.json")
    add_member(emulator.endpoint, "roles/storage.admin", f"serviceAccount:{ACCOUNT}", "acme-data-prod")
    refused = google.apply("repair.json", check=5).stdout
    assert "is not as signed" in refused and "cts/acme-data-prod" in refused, "an apply looks at what is watched, too"
    google.plan("both.json")
    google.sign_all("both.json")
    google.apply("both.json")
    members = project_members(emulator.endpoint)
    assert ("roles/viewer", "user:somebody@acme.example") in members, "others' grants stay"
    assert ("roles/storage.admin", f"serviceAccount:{ACCOUNT}") not in members
    assert google.json("drift", check=0)["drift"]["differences"] == []


CLOUDS = """
provider "google" {
  project        = "acme-fin-prod"
  project_number = "987654321098"
  environment    = "sandbox"
}

federation "aws" {
  provider = provider.google
  pool     = "aws-agents"

  aws {
    account_id = provider.aws.account_id
  }
}

tool "supplier_history" {
  purpose     = "Look up a supplier's past invoices"
  sensitivity = "confidential"
  effect      = "read"

  google "data" {
    role     = "roles/bigquery.dataViewer"
    resource = "//bigquery.googleapis.com/projects/acme-fin-prod/datasets/suppliers"
  }
}

test "another_role_is_not_the_agent" {
  agents  = [agent.invoice_triage]
  surface = "identity"
  expect  = "denied"

  assume "another_role" {
    cloud  = "google"
    claims = { arn = "arn:aws:sts::${provider.aws.account_id}:assumed-role/someone-else/session" }
  }
}
"""


@pytest.fixture
def both(tmp_path: Path, emulator: Any) -> Iterator[Team]:
    """The AWS quickstart, whose agent is a federated principal in Google Cloud as well: by its role."""
    team = make_team(tmp_path, "quickstart")
    (team.checkout / "clouds.hcl").write_text(CLOUDS)
    team.edit(
        '  identity "aws" {}\n', '  identity "aws" {}\n\n  identity "google" {\n    federation = federation.aws\n  }\n'
    )
    team.edit("tools  = [tool.invoice_inbox,", "tools  = [tool.supplier_history, tool.invoice_inbox,")
    team.edit(
        '    global_services = ["sts"]\n  }\n',
        '    global_services = ["sts"]\n  }\n  google {\n    attach = "projects/acme-fin-prod"\n'
        '    deny   = ["iam.serviceAccountKeys.create"]\n  }\n',
    )
    team.commit("first")
    team.run("sandbox", "up", "-provider=aws")
    runner = Path(team.env["PROVISIONER_RUNNER"])
    entry = f'\n[provider.google]\nendpoint = "{emulator.endpoint}"\ncredentials = "sandbox"\n'
    runner.write_text(runner.read_text() + entry)
    try:
        team.run("init", "-yes")
        yield team
    finally:
        team.run("sandbox", "down", check=None)


def test_one_agent_in_two_clouds_one_plan_one_apply_one_drift_report(both: Team, emulator: Any) -> None:
    both.plan()
    plan = json.loads((both.home / "plan.json").read_text())["plan"]
    clouds = {change["address"]["provider"] for change in plan["changes"]}
    assert clouds == {"aws", "google"}
    assert [world["agent"] for world in plan["worlds"]] == ["invoice_triage"]
    order = [operation["verb"] for operation in plan["operations"]]
    assert order.index("iam:CreateRole") < order.index("bigquery:setIamPolicy")
    both.sign_all()
    both.apply()
    assert both.json("plan", check=0)["plan"]["changes"] == []
    assert both.json("drift", check=0)["drift"]["differences"] == []

    base = "principal://iam.googleapis.com/projects/987654321098/locations/global/workloadIdentityPools/aws-agents"
    add_member(emulator.endpoint, "roles/storage.admin", f"{base}/subject/acme-sandbox-invoice-triage")
    both.iam().put_role_policy(
        RoleName="acme-sandbox-invoice-triage",
        PolicyName="hotfix",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}
        ),
    )
    report = both.json("drift", check=5)["drift"]
    assert {d["agent"] for d in report["differences"]} == {"invoice_triage"}
    assert len(report["differences"]) == 2
    both.plan("repair.json")
    both.sign_all("repair.json")
    both.apply("repair.json")
    assert both.json("drift", check=0)["drift"]["differences"] == []

    both.run("stop", "invoice_triage", f"-key={both.key('alice')}", "-yes")
    pool = "/v1/projects/acme-fin-prod/locations/global/workloadIdentityPools/aws-agents/providers"
    with urllib.request.urlopen(f"{emulator.endpoint}{pool}") as answer:
        (there,) = json.loads(answer.read())["workloadIdentityPoolProviders"]
    assert there["disabled"] is True
    dataset = f"{emulator.endpoint}/bigquery/v2/projects/{PROJECT}/datasets/suppliers?accessPolicyVersion=3"
    with urllib.request.urlopen(dataset) as answer:
        assert "principal://" not in answer.read().decode(), "tokens that are out are worth nothing"
    both.plan("back.json")
    verbs = {o["verb"] for o in json.loads((both.home / "back.json").read_text())["plan"]["operations"]}
    assert {"iam:enableWorkloadIdentityPoolProvider", "bigquery:setIamPolicy"} <= verbs, "signed, it comes back"
