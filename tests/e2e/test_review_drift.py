"""What a plan and a drift report say when somebody moved the end of a grant, or widened what agents share."""

from __future__ import annotations

import json
from typing import Any

ROLE = "acme-sandbox-invoice-triage"
WIDE = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def test_a_grants_end_and_a_shared_boundary(team: Any) -> None:
    team.edit('reason = "DEMO-1"', 'reason = "DEMO-1"\n  expires = "90d"')
    team.commit("ends")
    first = team.plan()
    assert team.plan() == first
    team.sign_all()
    team.apply()
    iam = team.iam()

    # The end in the cloud is not where a plan learns when a grant ends.
    held = json.dumps(iam.get_role_policy(RoleName=ROLE, PolicyName="triage")["PolicyDocument"])
    end = json.loads(held)["Statement"][0]["Condition"]["DateLessThan"]["aws:CurrentTime"]
    end = end if isinstance(end, str) else end[0]
    iam.put_role_policy(RoleName=ROLE, PolicyName="triage", PolicyDocument=held.replace(end, "2099-01-01T00:00:00Z"))
    team.plan(check=3)
    (change,) = json.loads((team.home / "plan.json").read_text())["plan"]["changes"]
    assert change["effect"] == "narrower" and "2099" not in json.dumps(change["after"])
    iam.put_role_policy(RoleName=ROLE, PolicyName="triage", PolicyDocument=held)
    team.run("plan", "-detailed-exitcode")

    # A boundary has no agent of its own: the report names those that stand on it, and counts them.
    (boundary,) = [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]]
    iam.create_policy_version(PolicyArn=boundary, PolicyDocument=json.dumps(WIDE), SetAsDefault=True)
    report = team.json("drift", check=5)["drift"]
    (found,) = report["differences"]
    assert found["users"] == ["invoice_triage"] and found["breaks"]
    assert (report["as_signed"], report["differ"]) == (0, 1)
    assert "concerns invoice_triage" in team.run("drift", check=5).stdout
    assert "1 change to 1 agent in" in team.run("plan", check=3).stdout
