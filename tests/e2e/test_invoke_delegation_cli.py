"""A delegation by `invoke`, planned, signed and applied: the plan says whom else it lets be reached."""

from __future__ import annotations

import json
from typing import Any

FRONT = """
agent "front_desk" {
  purpose     = "Talk to suppliers, hand over what is for triage"
  sponsor     = person.sam
  inputs      = "trusted"
  environment = "sandbox"
  review_by   = "2027-11-01"
  boundary    = boundary.asking

  runtime "lambda" {
    functions = ["front-desk"]
  }

  identity "aws" {}
}

boundary "asking" {
  aws {
    allow   = ["lambda:InvokeFunction"]
    deny    = ["iam:*"]
    regions = ["eu-west-1"]
  }
}

delegation "triage_for_suppliers" {
  from    = [agent.front_desk]
  to      = agent.invoice_triage
  via     = "invoke"
  expires = "2037-10-01"
  reason  = "DEMO-2"
}
"""


def test_it_names_the_agent_that_may_be_called_and_is_carried_out(team: Any) -> None:
    (team.checkout / "front.hcl").write_text(FRONT)
    team.commit("a front desk")
    team.plan()
    plan = json.loads((team.home / "plan.json").read_text())["plan"]
    found = {change["address"]["name"]: change.get("counterparts") for change in plan["changes"]}
    (asking,) = [name for name in found if name.endswith("/delegation-triage_for_suppliers")]
    assert found.pop(asking) == ["invoice_triage"]
    assert set(found.values()) == {None}, "nothing else speaks of another agent"
    team.sign_all()
    team.apply()
    assert team.json("plan", check=0)["plan"]["changes"] == []
    assert team.json("drift", check=0)["drift"]["differences"] == []
