"""What exists is taken over, let go of, and found: with the installed command, on a sandbox cloud."""

from __future__ import annotations

import json
from typing import Any

BEDROCK = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ],
}
READS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-poc/*"}],
}

ADOPTED = """
agent "poc" {
  purpose     = "Answers questions about orders"
  sponsor     = person.sam
  inputs      = "untrusted"
  environment = "sandbox"
  review_by   = "2027-11-01"

  runtime "adopted" {
    trust = file("poc-trust.json")
  }

  identity "aws" {
    role_name   = "bedrock-poc"
    path        = "/"
    description = ""
    tags        = { team = "orders" }
    attach      = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]

    policy "reads" {
      document = file("poc-reads.json")
    }
  }
}

import {
  to = agent.poc
  id = "bedrock-poc"
}

baseline "start" {
  rules   = ["ADO-1", "KIL-1", "PRV-1", "PRV-3", "ATT-1", "EXE-1", "TST-1", "PRV-4", "FED-1"]
  agents  = [agent.poc]
  expires = "2027-02-01"
}
"""


def make_role(iam: Any, name: str = "bedrock-poc", **tags: str) -> None:
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(BEDROCK),
        Tags=[{"Key": key, "Value": value} for key, value in {"team": "orders", **tags}.items()],
    )
    iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=json.dumps(READS))
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


def describe(team: Any, text: str = ADOPTED) -> None:
    (team.checkout / "poc.hcl").write_text(text)
    (team.checkout / "poc-trust.json").write_text(json.dumps(BEDROCK))
    (team.checkout / "poc-reads.json").write_text(json.dumps(READS))
    team.commit("adopt poc")


def whole_role(iam: Any, name: str = "bedrock-poc") -> dict[str, Any]:
    """All authority of a role, as the cloud has it."""
    role = iam.get_role(RoleName=name)["Role"]
    return {
        "trust": role["AssumeRolePolicyDocument"],
        "boundary": role.get("PermissionsBoundary"),
        "inline": {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        },
        "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
    }


def tags_of(iam: Any, name: str = "bedrock-poc") -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}


def sign_and_apply(team: Any, name: str = "plan.json") -> dict[str, Any]:
    """Every owner signs, and accepts what it is asked to; the plan's content."""
    file = json.loads((team.home / name).read_text())
    for need in file["plan"]["requirements"]:
        accept = [f"-accept={finding}=known since the day of adoption" for finding in need["accept"]]
        key = f"-key={team.key(team.signers()[need['owner']])}"
        where = (f"-owner={need['owner']}", f"-surface={need['surface']}", f"-digest={file['digest']}")
        team.run("sign", str(team.home / name), *where, key, *accept, "-yes")
    team.apply(name)
    return dict(file["plan"])


RELEASE = """
removed {
  from = agent.poc

  lifecycle {
    destroy = false
  }
}
"""


def test_a_role_is_claimed_and_the_next_plan_is_empty_and_it_is_let_go_of_again(applied):
    team, iam = applied, applied.iam()
    make_role(iam)
    before, tags = whole_role(iam), tags_of(iam)
    describe(team)
    team.plan()
    plan = sign_and_apply(team)
    assert {change["action"] for change in plan["changes"]} == {"claim"}
    assert {change["effect"] for change in plan["changes"]} == {"equal"}
    assert {surface for change in plan["changes"] for surface in change["surfaces"]} == {"identity", "governance"}
    assert [operation["verb"] for operation in plan["operations"]] == ["iam:TagRole"]
    said = {change["label"]: change["reason"] for change in plan["changes"]}
    assert "s3:GetObject on acme-poc/*" in said["old policy reads"]
    assert "become this agent" in said["role /bedrock-poc"]
    assert whole_role(iam) == before
    assert tags_of(iam) == tags | {
        "provisioner:workspace": "acme-sandbox",
        "provisioner:agent": "poc",
        "provisioner:address": "agent.poc",
    }
    assert team.run("plan", "-detailed-exitcode").returncode == 0
    assert team.json("drift")["drift"]["differences"] == []

    # What somebody adds to it from now on is drift, and a plan takes it off.
    iam.put_role_policy(RoleName="bedrock-poc", PolicyName="more", PolicyDocument=json.dumps(READS))
    assert [item["kind"] for item in team.json("drift", check=5)["drift"]["differences"]] == ["out_of_band"]
    iam.delete_role_policy(RoleName="bedrock-poc", PolicyName="more")

    (team.checkout / "poc.hcl").write_text(RELEASE)
    team.commit("let go")
    team.plan("gone.json")
    plan = sign_and_apply(team, "gone.json")
    assert {change["action"] for change in plan["changes"]} == {"release"}
    assert {item["surface"] for item in plan["requirements"]} == {"identity", "governance"}
    assert [operation["verb"] for operation in plan["operations"]] == ["iam:UntagRole"]
    assert (whole_role(iam), tags_of(iam)) == (before, tags)
    done = team.run("plan", "-detailed-exitcode")
    assert "W-REMOVED-NOTHING" in done.stderr
    assert team.json("drift")["drift"]["differences"] == []
