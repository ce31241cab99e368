"""modules/google-bootstrap: the file is what the command prints, and carried out it makes runners that can run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google_runner import Runner
from google_workspace import DATA, PROJECT, agent, authority, sample
from provisioner_google import provider
from provisioner_google.bootstrap import bootstrap
from provisioner_google.sandbox import start

from provisioner.lang.console import evaluate_text
from provisioner.lang.parser import parse_file
from provisioner.lang.scope import Scope
from provisioner.lang.values import from_python
from provisioner.model.source import Source

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "modules" / "google-bootstrap" / "runner-roles.tf.json"
RUNNER, RUNNER_NUMBER, ORGANIZATION = "acme-runner", "765432109876", "123456789012"
VARIABLES = {
    "runner_project": RUNNER,
    "issuer": "https://token.actions.githubusercontent.com",
    "plan_subject": "repo:acme@1/agents@2:ref:refs/heads/main",
    "plan_workflow": "acme/agents/.github/workflows/plan.yml@refs/heads/main",
    "drift_subject": "repo:acme@1/agents@2:ref:refs/heads/main",
    "drift_workflow": "acme/agents/.github/workflows/drift.yml@refs/heads/main",
    "apply_subject": "repo:acme@1/agents@2:environment:production",
    "apply_workflow": "acme/agents/.github/workflows/apply.yml@refs/heads/main",
}
SEEDS: dict[str, Any] = {
    "organizations": {ORGANIZATION: {}},
    "projects": {
        PROJECT: {"number": "987654321098", "parent": f"organizations/{ORGANIZATION}"},
        DATA: {"number": "876543210987", "parent": f"organizations/{ORGANIZATION}"},
        RUNNER: {"number": RUNNER_NUMBER, "parent": f"organizations/{ORGANIZATION}"},
    },
    "resources": {
        "//storage.googleapis.com/projects/_/buckets/acme-inbox": {"project": PROJECT},
        f"//bigquery.googleapis.com/projects/{PROJECT}/datasets/suppliers": {},
        f"//pubsub.googleapis.com/projects/{PROJECT}/topics/tickets": {},
    },
}

Json = dict[str, Any]


def printed(*options: str) -> str:
    command = [str(Path(sys.executable).parent / "provisioner"), "permissions", *options]
    folder = ROOT / "examples" / "google-quickstart"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_file_is_what_the_command_prints() -> None:
    text = printed("-format=terraform")
    if os.environ.get("UPDATE_GOLDEN"):
        MODULE.write_text(text)
    assert MODULE.read_text() == text


def test_as_hcl_each_role_has_a_name_of_its_own() -> None:
    """The watched project's role is one more for the same provider and purpose."""
    text = printed("-for=apply", "-format=hcl")
    assert re.findall(r"^  (\w+) = ", text, re.MULTILINE) == ["google_apply", "google_apply_google_acme_fin_prod"]
    _, problems = parse_file(Source("roles.hcl", text))
    assert problems == []


def test_a_form_of_another_cloud_is_none() -> None:
    of = sample()
    assert bootstrap(of, tuple(provider.compile(of)), "cloudformation") == {}


def document(of: Any) -> Json:
    (found,) = bootstrap(of, tuple(provider.compile(of)), "terraform").values()
    return dict(found)


def test_the_roles_stand_in_the_document_and_only_for_their_purpose() -> None:
    of = sample()
    found = document(of)["resource"]
    stated = {
        f"{kind.split('_')[1]}s/{body.get('project') or body.get('org_id')}/roles/{body['role_id']}": body[
            "permissions"
        ]
        for kind in ("google_project_iam_custom_role", "google_organization_iam_custom_role")
        for body in found[kind].values()
    }
    for purpose in ("plan", "drift", "apply"):
        for policy in provider.permissions(of, tuple(provider.compile(of)), purpose):
            assert stated.pop(policy.document["name"]) == policy.document["includedPermissions"]
    assert stated == {}
    for kind in ("google_project_iam_member", "google_organization_iam_member"):
        for label, body in found[kind].items():
            purpose = label.partition("_")[0]
            assert f"/subject/{purpose}:${{var.{purpose}_subject}}" in body["member"]
            assert body["role"] == f"${{{kind.replace('member', 'custom_role')}.{label}.name}}"


@pytest.mark.parametrize("value", ["repo:*", "repo:a?b", "x' || true || 'x", 'x" y', "a\\b", "${x}", ""])
def test_a_subject_that_is_not_exact_is_refused(value: str) -> None:
    rule = document(sample())["variable"]["apply_subject"]["validation"]["condition"]
    expression = rule.removeprefix("${").removesuffix("}")

    def holds(given: str) -> Any:
        return evaluate_text(expression, Scope({"var": from_python({"apply_subject": given})}))

    assert holds(VARIABLES["apply_subject"]) is True and holds(value) is False


def test_a_folder_without_an_organization_asks_for_its_number() -> None:
    of = authority([agent("triage", boundary=None)], watch=("folders/345678901234",))
    found = document(of)
    assert "organization" in found["variable"]
    (role, *_) = found["resource"]["google_organization_iam_custom_role"].values()
    assert role["org_id"] == "${var.organization}"
    assert {body["folder"] for body in found["resource"]["google_folder_iam_member"].values()} == {"345678901234"}


class Terraform:
    """As much of Terraform as the document needs: references by name, resources in an order that satisfies them."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.known: dict[str, str] = {f"var.{name}": value for name, value in VARIABLES.items()}

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            f"{self.endpoint}{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request) as answer:
            found: Json = json.loads(answer.read())
        return found

    def resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.resolved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        return re.sub(r"\$\{([^}]+)\}", lambda match: self.known[match[1]], value) if isinstance(value, str) else value

    def apply(self, resources: Json) -> None:
        order = ("google_iam_workload_identity_pool", "google_iam_workload_identity_pool_provider",
                 "google_project_iam_custom_role", "google_organization_iam_custom_role",
                 "google_project_iam_member", "google_organization_iam_member")  # fmt: skip
        assert set(resources) <= set(order)
        for kind in order:
            for label, body in resources.get(kind, {}).items():
                for name, value in self.make(kind, self.resolved(body)).items():
                    self.known[f"{kind}.{label}.{name}"] = value

    def make(self, kind: str, body: Json) -> dict[str, str]:
        if kind.endswith("_custom_role"):
            parent = f"projects/{body['project']}" if "project" in body else f"organizations/{body['org_id']}"
            role = {"title": body["title"], "stage": body["stage"], "includedPermissions": body["permissions"]}
            made = self.call("POST", f"/v1/{parent}/roles", {"roleId": body["role_id"], "role": role})
            return {"name": str(made["name"])}
        if kind.endswith("_member"):
            place = f"projects/{body['project']}" if "project" in body else f"organizations/{body['org_id']}"
            ask = {"options": {"requestedPolicyVersion": 3}}
            policy = self.call("POST", f"/v3/{place}:getIamPolicy", ask)
            bindings = [*policy.get("bindings", []), {"role": body["role"], "members": [body["member"]]}]
            self.call("POST", f"/v3/{place}:setIamPolicy", {"policy": {**policy, "version": 3, "bindings": bindings}})
            return {}
        pools = f"/v1/projects/{body['project']}/locations/global/workloadIdentityPools"
        pool = body["workload_identity_pool_id"]
        if kind.endswith("_provider"):
            identity = body["workload_identity_pool_provider_id"]
            sent = {
                "attributeMapping": body["attribute_mapping"],
                "attributeCondition": body["attribute_condition"],
                "oidc": {"issuerUri": body["oidc"]["issuer_uri"]},
            }
            self.call("POST", f"{pools}/{pool}/providers?workloadIdentityPoolProviderId={identity}", sent)
            return {"name": f"{pool}/{identity}"}
        self.call("POST", f"{pools}?workloadIdentityPoolId={pool}", {"displayName": body["display_name"]})
        name = f"projects/{RUNNER_NUMBER}/locations/global/workloadIdentityPools/{pool}"
        return {"name": name, "workload_identity_pool_id": pool}


@pytest.fixture
def cloud() -> Iterator[Any]:
    with start(seeds=SEEDS) as emulator:
        yield emulator


def test_carried_out_it_makes_runners_that_plan_and_apply_and_nothing_else(cloud: Any) -> None:
    of = sample()
    desired = list(provider.compile(of))
    Terraform(cloud.endpoint).apply(document(of)["resource"])
    pool = f"principal://iam.googleapis.com/projects/{RUNNER_NUMBER}/locations/global/workloadIdentityPools/provisioner-acme"
    callers = {p: f"{pool}/subject/{p}:{VARIABLES[f'{p}_subject']}" for p in ("plan", "drift", "apply")}
    assert len(set(callers.values())) == 3, "plan and drift run with one `sub`, and are two principals"
    cloud.switches.enforce = True
    runners = {p: Runner(cloud, "acme", caller=who, organization=ORGANIZATION) for p, who in callers.items()}
    wanted = runners["plan"].operations(desired)
    assert wanted
    refused = runners["plan"].writer.execute(wanted[0], lambda: None)
    assert "PERMISSION_DENIED" in refused.detail
    runners["apply"].apply(desired)
    assert runners["drift"].operations(desired) == ()
    pools = f"{cloud.endpoint}/v1/projects/{RUNNER}/locations/global/workloadIdentityPools/provisioner-acme"
    request = urllib.request.Request(pools, headers={"Authorization": f"Bearer {callers['apply']}"}, method="DELETE")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)
