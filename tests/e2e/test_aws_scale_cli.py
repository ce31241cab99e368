"""Through the command: grants that outgrow the inline space, and two accounts in one workspace."""

from __future__ import annotations

import json
from typing import Any

import pytest

TOOLS = """
tool "many" {
  for_each    = toset([for n in range(9) : format("%02d", n)])
  purpose     = "Read bucket ${each.key}"
  sensitivity = "internal"
  effect      = "read"

  aws {
    statement "objects" {
      actions   = ["s3:GetObject"]
      resources = [for n in range(50) : format("arn:aws:s3:::bucket-%s-%03d/*", each.key, n)]
    }
  }
}

grant "many" {
  for_each = tool.many
  agents   = [agent.invoice_triage]
  tools    = [each.value]
  reason   = "MANY"
}
"""


def changes(team: Any, name: str = "plan.json") -> list[dict[str, Any]]:
    return json.loads((team.home / name).read_text())["plan"]["changes"]


def test_grants_that_outgrow_the_inline_space(team: Any) -> None:
    path = team.checkout / "many.hcl"
    path.write_text(TOOLS)
    team.commit("many grants")
    team.plan()
    kinds = [change["address"]["kind"] for change in changes(team)]
    assert "iam_role_pack" in kinds and "iam_role_policy" in kinds
    team.sign_all()
    team.apply()
    iam = team.iam()
    (role,) = iam.list_roles(PathPrefix="/agents/")["Roles"]
    attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert attached and all("-grants-" in item["PolicyName"] for item in attached)
    assert "No changes" in team.run("plan", check=0).stdout
    assert team.json("drift", check=0)["drift"]["differences"] == []
    iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=attached[0]["PolicyArn"])
    drift = team.json("drift", check=5)["drift"]["differences"]
    assert [item["effect"] for item in drift] == ["narrower"]
    path.write_text(TOOLS.replace("range(50)", "range(20)"))
    team.commit("smaller grants")
    team.plan()
    team.sign_all()
    team.apply()
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []
    policies = iam.list_policies(Scope="Local")["Policies"]
    assert [policy["PolicyName"] for policy in policies] == ["acme-sandbox-boundary-agents"]


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

grant "elsewhere" {
  agents = [agent.elsewhere]
  tools  = [tool.invoice_inbox]
  reason = "TWO"
}
"""


@pytest.fixture
def two_accounts(team: Any) -> Any:
    """The second account is reached by a chain of roles from the first one's credentials."""
    (team.checkout / "second.hcl").write_text(SECOND)
    runner = team.home / "runner.toml"
    endpoint = team.json("sandbox", "status")["sandboxes"][0]["endpoint"]
    chain = "arn:aws:iam::123456789012:role/hub, arn:aws:iam::222222222222:role/runner"
    text = runner.read_text()
    text = "\n".join(line for line in text.splitlines() if "unused" not in line)
    runner.write_text(
        f'{text}\n[provider."aws.other"]\nendpoint = "{endpoint}"\nprofile = "base"\n'
        f'plan_role = "{chain}"\napply_role = "{chain}"\nsession_name = "e2e"\n'
    )
    (team.home / "aws").write_text("[base]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n")
    team.env["AWS_SHARED_CREDENTIALS_FILE"] = str(team.home / "aws")
    team.commit("two accounts")
    return team


def test_two_accounts_in_one_workspace(two_accounts: Any) -> None:
    team = two_accounts
    team.plan()
    accounts = {change["address"]["target"] for change in changes(team)}
    assert accounts == {"123456789012", "222222222222"}
    boundaries = [c for c in changes(team) if c["address"]["kind"] == "iam_policy"]
    assert {c["address"]["target"] for c in boundaries} == accounts, "one copy each"
    team.sign_all()
    text = team.apply().stdout
    assert "222222222222" in text or "elsewhere" in text
    report = team.json("plan", check=0)
    assert report["plan"]["changes"] == []
    assert team.json("drift", check=0)["drift"]["differences"] == []


def test_a_chain_that_ends_in_another_account_is_refused(two_accounts: Any) -> None:
    runner = two_accounts.home / "runner.toml"
    runner.write_text(runner.read_text().replace("::222222222222:role/runner", "::333333333333:role/runner"))
    done = two_accounts.run("plan", check=1)
    assert "E-AWS-ACCOUNT" in done.stderr
    assert "belong to account 333333333333, not to 222222222222" in done.stderr
