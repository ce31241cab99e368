"""What a person is told where AWS is not as it should be: the cause, the way out, and nothing half-written."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROLE = "acme-sandbox-invoice-triage"
NOBODY = '{"Version":"2012-10-17","Statement":[]}'
EXTRA = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}'
SKEWED = "Signature expired: 20261124T000000Z is now earlier than 20261124T001500Z"
MARK = "provisioner:workspace"
GRANT = """
tool "archive" {
  purpose     = "Read the archive"
  sensitivity = "internal"
  effect      = "read"

  aws {
    statement "objects" {
      actions   = ["s3:GetObject"]
      resources = ["arn:aws:s3:::acme-archive/*"]
    }
  }

  requires "resource_policy" {
    resource = "arn:aws:s3:::acme-archive"
  }
}

grant "archive" {
  agents = [agent.invoice_triage]
  tools  = [tool.archive]
  reason = "ARCHIVE"
}
"""
SECOND = """
provider "aws" {
  alias       = "other"
  account_id  = "222222222222"
  regions     = ["eu-west-1"]
  environment = "sandbox"
}

agent "elsewhere" {
  purpose     = "Do the same in another account"
  sponsor     = person.sam
  inputs      = "trusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.agents

  runtime "lambda" {
    functions = ["elsewhere"]
  }

  identity "aws" {
    provider = provider.aws.other
  }
}
"""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"told_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One team for the module: the quickstart applied, a proxy before its cloud."""
    team = load("conftest").make_team(tmp_path_factory.mktemp("told"))
    team.commit("first")
    team.run("sandbox", "up", "-provider=aws")
    try:
        team.run("init", "-yes")
        url = team.json("sandbox", "status")["sandboxes"][0]["endpoint"]
        team.cloud = load("faulty_cloud").FaultyCloud(url, {})
        team.runner = team.home / "runner.toml"
        team.runner.write_text(team.runner.read_text().replace(url, team.cloud.url))
        yield team
        team.cloud.close()
    finally:
        team.run("sandbox", "down", check=None)


def flat(done: Any) -> str:
    """What was printed as one line, without the frame of a diagnostic."""
    return " ".join((done.stdout + done.stderr).replace("│", " ").split())


def writes(team: Any) -> list[str]:
    return [name for name in team.cloud.seen if not re.match("(Get|List|Assume)", name)]


@pytest.fixture(scope="module")
def live(told: Any) -> Any:
    """First an unmanaged role of the name, at the plan and after it; then the quickstart, applied."""
    iam = told.iam()
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=NOBODY)
    said = flat(told.run("plan", check=1))
    assert f"The role {ROLE} exists already and is not ours" in said and "choose another name" in said
    iam.delete_role(RoleName=ROLE)
    told.plan()
    told.sign_all()
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=NOBODY)
    said = flat(told.apply(check=5))
    assert f"iam_role:{ROLE} is there, where there should be none" in said
    assert writes(told) == [], "nothing of the plan was done"
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == []
    iam.delete_role(RoleName=ROLE)
    told.apply()
    return told


def tags(team: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in team.iam().list_role_tags(RoleName=ROLE)["Tags"]}


def test_a_mark_that_was_taken_off(live: Any) -> None:
    iam, before = live.iam(), tags(live)
    iam.untag_role(RoleName=ROLE, TagKeys=[MARK])
    said = flat(live.run("drift", check=5))
    assert f'tags.{MARK} "acme-sandbox"' in said and "put the mark of workspace acme-sandbox back" in said
    assert "is not ours" in flat(live.run("plan", check=1))
    iam.tag_role(RoleName=ROLE, Tags=[{"Key": MARK, "Value": before[MARK]}])
    live.run("drift", check=0)


def test_a_mark_that_was_forged_is_told_of_the_agent_that_was_signed(live: Any) -> None:
    iam = live.iam()
    iam.tag_role(RoleName=ROLE, Tags=[{"Key": "provisioner:agent", "Value": "mallory"}])
    iam.put_role_policy(RoleName=ROLE, PolicyName="extra", PolicyDocument=EXTRA)
    found = live.json("drift", check=5)["drift"]["differences"]
    assert [item["agent"] for item in found] == ["invoice_triage"] * 2
    assert all("provisioner plan -target agent.invoice_triage" in str(item["do"]) for item in found)
    live.plan("forged.json", "-target=agent.invoice_triage")
    live.sign_all("forged.json")
    live.apply("forged.json")
    assert tags(live)["provisioner:agent"] == "invoice_triage"
    live.run("drift", check=0)


@pytest.mark.parametrize("action", ["GetCallerIdentity", "GetAccountAuthorizationDetails"])
def test_a_clock_that_is_wrong(live: Any, action: str) -> None:
    live.cloud.faults[action] = (403, "SignatureDoesNotMatch", SKEWED)
    try:
        said = flat(live.run("plan", check=1))
    finally:
        live.cloud.faults.clear()
    assert "E-AWS-CLOCK" in said and "Set the clock (NTP)" in said


def test_an_account_that_denies_everything_leaves_the_others_judged(live: Any) -> None:
    """Its agent is not known and nothing is claimed of it; the other account is read and judged as ever."""
    path = live.checkout / "second.hcl"
    path.write_text(SECOND)
    before = live.runner.read_text()
    denying = load("faulty_cloud").FaultyCloud(live.cloud.url, {})
    denying.faults = {
        action: (403, "AccessDenied", f"not authorized to perform: iam:{action}")
        for action in ("GetAccountAuthorizationDetails", "ListRoles", "GetRole", "ListOpenIDConnectProviders")
    }
    live.runner.write_text(f'{before}\n[provider."aws.other"]\nendpoint = "{denying.url}"\ncredentials = "sandbox"\n')
    live.iam().put_role_policy(RoleName=ROLE, PolicyName="extra", PolicyDocument=EXTRA)
    try:
        report = live.json("drift", check=5)
        assert set(report["conditions"]) >= {"out_of_band", "incomplete"}
        found = {(item["kind"], item["target"]) for item in report["drift"]["differences"]}
        assert ("out_of_band", "123456789012") in found and ("incomplete", "aws 222222222222") in found
        said = flat(live.run("plan", check=1))
        assert "222222222222" in said and "could not be read" in said and "iam:GetAccountAuthorizationDetails" in said
        planned = json.loads(live.run("plan", "-target=agent.invoice_triage", "-json", check=None).stdout)
        assert [(c["action"], c["agent"]) for c in planned["plan"]["changes"]] == [("delete", "invoice_triage")]
        assert {gap["target"] for gap in planned["plan"]["gaps"]} == {"222222222222"}
        assert "incomplete" in planned["conditions"]
    finally:
        denying.close()
        path.unlink()
        live.runner.write_text(before)
        live.iam().delete_role_policy(RoleName=ROLE, PolicyName="extra")


def test_a_resource_whose_policy_lacks_what_a_tool_needs(live: Any) -> None:
    path = live.checkout / "archive.hcl"
    path.write_text(GRANT)
    try:
        said = flat(live.run("plan", check=None))
        assert "tool.archive: whether the policy of arn:aws:s3:::acme-archive admits its agents was not judged" in said
        assert "resource policy of arn:aws:s3:::acme-archive: not read: " in said
        needed = re.search(r"It has to hold: (\{.*?\}) \. It is handed over", said)
        assert needed is not None
        assert json.loads(needed[1])["Principal"] == {"AWS": [f"arn:aws:iam::123456789012:role/agents/{ROLE}"]}
    finally:
        path.unlink()


def test_limits_exceeded_by_one_are_told_before_anything_is_read(live: Any) -> None:
    text = (live.checkout / "agents.hcl").read_text()
    many = "\n".join(f'      t{n} = "x"' for n in range(48))
    changed = text.replace(
        '  identity "aws" {}',
        f'  identity "aws" {{\n    path = "/{"p" * 511}/"\n    tags = {{\n{many}\n    }}\n  }}',
    )
    assert changed != text
    (live.checkout / "agents.hcl").write_text(changed)
    live.cloud.seen.clear()
    try:
        said = flat(live.run("plan", check=1))
    finally:
        (live.checkout / "agents.hcl").write_text(text)
    assert "512" in said and "50" in said
    assert live.cloud.seen == []
