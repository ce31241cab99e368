"""Ways around the signers that were tried by hand once: a forged mark, another checkout, -target, a lost ledger."""

from __future__ import annotations

import json
import shutil
from typing import Any

TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}},
}
MARK = {
    "provisioner:workspace": "acme-sandbox",
    "provisioner:agent": "ghost",
    "provisioner:address": "agent.ghost",
}


def test_ways_around(applied: Any) -> None:
    team, iam = applied, applied.iam()

    # A mark that anybody may put on neither deletes a stranger's role nor holds up a plan.
    tags = [{"Key": key, "Value": value} for key, value in MARK.items()]
    iam.create_role(RoleName="other-team", AssumeRolePolicyDocument=json.dumps(TRUST), Tags=tags)
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    iam.put_role_policy(RoleName="other-team", PolicyName="theirs", PolicyDocument=json.dumps(document))
    told = team.run("plan", "-detailed-exitcode")
    assert "W-NOT-OURS" in told.stderr and "No changes" in told.stdout
    assert "delete it by hand, or take the mark off" in team.run("drift", check=5).stdout
    iam.delete_role_policy(RoleName="other-team", PolicyName="theirs")
    iam.delete_role(RoleName="other-team")

    # Another checkout names the same local ledger by another path: that is no wish to move it.
    other = team.home / "clone"
    shutil.copytree(team.checkout, other, ignore=shutil.ignore_patterns(".provisioner"))
    assert "No changes" in team.run("plan", "-detailed-exitcode", cwd=other).stdout

    # Taking a boundary test out needs governance, also for a part of the workspace.
    tests = team.checkout / "tests.hcl"
    whole = tests.read_text()
    start, end = whole.index('test "triage_cannot_pay"'), whole.index('test "triage_cannot_leave')
    tests.write_text(whole[:start] + whole[end:])
    assert "E-TARGET-TESTS" in team.run("plan", "-target=agent.invoice_triage", check=1).stderr
    team.plan(check=3)
    assert team.required() == [("governance", "security")]

    # A no is not a wait.
    digest = json.loads((team.home / "plan.json").read_text())["digest"]
    key = f"-key={team.key('erin')}"
    plan = str(team.home / "plan.json")
    team.run("sign", plan, key, f"-digest={digest}", "-yes", "-reject", "-reason=we need that test")
    said = team.run("status", plan, check=3).stdout
    assert "NOT READY: 1 rejected" in said and "rejected by erin: we need that test" in said and "waiting" not in said

    # Who lost the ledger does not begin another over the same pin.
    tests.write_text(whole)
    shutil.rmtree(team.checkout / ".provisioner")
    assert "E-LEDGER-GONE" in team.run("init", "-yes", check=1).stderr
    assert not (team.checkout / ".provisioner").exists()
