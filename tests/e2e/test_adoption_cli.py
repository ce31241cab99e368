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
    (seen,) = team.json("drift", check=5)["drift"]["differences"]
    assert seen["kind"] == "unclaimed" and seen["what"] == ["role bedrock-poc: Bedrock AgentCore trust"]
    assert seen["do"][0]["command"] == "provisioner discover -role bedrock-poc"


def test_an_agent_is_let_go_of_by_command_and_the_rest_is_destroyed(applied):
    team, iam = applied, applied.iam()
    role = "acme-sandbox-invoice-triage"
    assert "E-RELEASE-DECLARED" in team.run("release", "invoice_triage", check=1).stderr
    assert "E-AGENT-UNKNOWN" in team.run("release", "nobody", check=1).stderr
    before = whole_role(iam, role)
    text = (team.checkout / "agents.hcl").read_text()
    (team.checkout / "agents.hcl").write_text(text[: text.index('agent "invoice_triage"')])
    (team.checkout / "tests.hcl").unlink()
    team.commit("take the agent out")
    team.run("release", "agent.invoice_triage", f"-out={team.home / 'release.json'}", check=3)
    plan = sign_and_apply(team, "release.json")
    assert {change["action"] for change in plan["changes"]} == {"release"}
    assert [change["label"] for change in plan["changes"] if change["agent"] is None] == [
        "permissions boundary acme-sandbox-boundary-agents"
    ]
    assert whole_role(iam, role) == before and tags_of(iam, role) == {}
    assert "E-RELEASE-NOTHING" in team.run("release", "invoice_triage", check=1).stderr
    assert team.json("drift")["drift"]["differences"] == []
    assert team.run("plan", "-detailed-exitcode").returncode == 0


def test_everything_goes_with_plan_destroy_and_owners_sign_it(applied):
    team, iam = applied, applied.iam()
    told = team.json("plan", "-destroy", "-target=agent.invoice_triage", check=3)["plan"]
    assert {change["action"] for change in told["changes"]} == {"delete"}
    team.plan("destroy.json", "-destroy")
    plan = sign_and_apply(team, "destroy.json")
    assert {change["action"] for change in plan["changes"]} == {"delete"}
    assert iam.list_roles(PathPrefix="/agents/")["Roles"] == []
    assert iam.list_policies(Scope="Local", PathPrefix="/agents/")["Policies"] == []
    (team.checkout / "agents.hcl").write_text(
        (team.checkout / "agents.hcl")
        .read_text()
        .replace("  runtime", "  lifecycle {\n    prevent_destroy = true\n  }\n\n  runtime")
    )
    team.commit("protect it")
    team.plan()
    sign_and_apply(team)
    assert "E-PREVENT-DESTROY" in team.run("plan", "-destroy", check=1).stderr


def elaborate_role(iam: Any) -> None:
    """A role with everything that an old one may have."""
    iam.create_policy(PolicyName="limit", PolicyDocument=json.dumps(LIMIT))
    iam.create_policy(PolicyName="orders", Path="/teams/", PolicyDocument=json.dumps(READS))
    iam.create_role(
        RoleName="Orders.Agent-2",
        Path="/legacy/",
        Description='Answers "orders" for ${team}',
        MaxSessionDuration=7200,
        AssumeRolePolicyDocument=json.dumps(TWO_WAYS),
        PermissionsBoundary="arn:aws:iam::123456789012:policy/limit",
        Tags=[{"Key": "team", "Value": "orders"}, {"Key": "cost:centre", "Value": "42"}],
    )
    for name, document in {"reads": READS, "by-tag": BY_TAG}.items():
        iam.put_role_policy(RoleName="Orders.Agent-2", PolicyName=name, PolicyDocument=json.dumps(document))
    for arn in ("arn:aws:iam::123456789012:policy/teams/orders", "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"):
        iam.attach_role_policy(RoleName="Orders.Agent-2", PolicyArn=arn)
    for name, path in {"Orders.Agent-2": "/legacy/", "other-profile": "/"}.items():
        iam.create_instance_profile(InstanceProfileName=name, Path=path)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName="Orders.Agent-2")


LIMIT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}]}
BY_TAG = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "s3:getobject",
        "Resource": "arn:aws:s3:::acme/${aws:PrincipalTag/team}/*",
        "Condition": {"Bool": {"aws:SecureTransport": True}},
    },
}
TWO_WAYS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"},
        {
            "Effect": "Allow",
            "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.example.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"token.example.com:sub": "a", "token.example.com:aud": "b"}},
        },
    ],
}


def test_what_looks_like_an_agent_is_found_written_down_and_taken_over_with_an_empty_plan_after_it(applied):
    team, iam = applied, applied.iam()
    elaborate_role(iam)
    make_role(iam)
    iam.create_role(RoleName="somebody", AssumeRolePolicyDocument=json.dumps(TWO_WAYS).replace("Federated", "AWS"))
    found = {item["address"]["name"]: item for item in team.json("discover")["sightings"]}
    assert set(found) == {"bedrock-poc", "Orders.Agent-2"}
    assert found["Orders.Agent-2"]["why"] == "OIDC trust of token.example.com, the name of an agent"
    assert "no permissions boundary limits it" in found["bedrock-poc"]["holds"]
    assert "provisioner discover -role bedrock-poc" in team.run("discover").stdout
    assert "E-DISCOVER-ABSENT" in team.run("discover", "-role=nobody", check=1).stderr
    assert "E-DISCOVER-CLAIMED" in team.run("discover", "-role=acme-sandbox-invoice-triage", check=1).stderr

    before = whole_role(iam, "Orders.Agent-2")
    team.run("discover", "-role=Orders.Agent-2", "-out=orders.hcl")
    assert "exists already" in team.run("discover", "-role=Orders.Agent-2", "-out=orders.hcl", check=1).stderr
    team.run("fmt", "-check", "orders.hcl")
    team.edit('inputs      = "untrusted"', 'inputs = "untrusted"\n  sponsor = person.sam', "orders.hcl")
    team.run("fmt", "orders.hcl")
    team.commit("adopt orders")
    team.plan()
    plan = sign_and_apply(team)
    assert {change["action"] for change in plan["changes"]} == {"claim"}
    assert {change["effect"] for change in plan["changes"]} == {"equal"}
    assert len(plan["changes"]) == 7
    assert whole_role(iam, "Orders.Agent-2") == before
    assert team.run("plan", "-detailed-exitcode").returncode == 0
    kinds = [item["kind"] for item in team.json("drift", check=5)["drift"]["differences"]]
    assert kinds == ["unclaimed"]
    profile = {"InstanceProfileName": "Orders.Agent-2"}
    assert "provisioner:agent" in str(iam.get_instance_profile(**profile)["InstanceProfile"]["Tags"])

    (team.checkout / "orders.hcl").unlink()
    team.commit("let it go")
    team.run("release", "orders_agent_2", f"-out={team.home / 'gone.json'}", check=3)
    plan = sign_and_apply(team, "gone.json")
    assert [operation["verb"] for operation in plan["operations"]] == ["iam:UntagInstanceProfile", "iam:UntagRole"]
    assert whole_role(iam, "Orders.Agent-2") == before and not iam.get_instance_profile(**profile)[
        "InstanceProfile"
    ].get("Tags")


def test_a_terraform_state_becomes_our_hcl_and_the_code_that_lets_go_of_it(team):
    iam = team.iam()
    make_role(iam)
    role = {
        "name": "bedrock-poc",
        "arn": "arn:aws:iam::123456789012:role/bedrock-poc",
        "path": "/",
        "max_session_duration": 3600,
        "assume_role_policy": json.dumps(BEDROCK),
        "tags": {"team": "orders"},
    }
    policy = {"role": "bedrock-poc", "name": "reads", "policy": json.dumps(READS)}
    attached = {"role": "bedrock-poc", "policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    made = {"aws_iam_role": role, "aws_iam_role_policy": policy, "aws_iam_role_policy_attachment": attached}
    resources = [
        {"mode": "managed", "type": kind, "name": "poc", "module": "module.a", "instances": [{"attributes": values}]}
        for kind, values in made.items()
    ]
    state = team.home / "state.json"
    state.write_text(json.dumps({"version": 4, "resources": resources}))
    assert "E-USAGE" in team.run("import", check=1).stderr
    assert "E-TFSTATE-NOTHING" in team.run("import", f"-from-tfstate={state}", "-role=nobody", check=1).stderr
    shown = team.run("import", f"-from-tfstate={state}").stdout
    team.run("import", f"-from-tfstate={state}", "-out=poc.hcl", f"-terraform-out={team.home / 'letgo.tf'}")
    theirs = (team.home / "letgo.tf").read_text()
    assert (team.checkout / "poc.hcl").read_text() in shown and theirs in shown
    assert theirs.count("destroy = false") == 3 and "from = module.a.aws_iam_role.poc\n" in theirs
    assert 'key_prefixes = ["provisioner:"]' in theirs
    team.edit('inputs      = "untrusted"', 'inputs = "untrusted"\n  sponsor = person.sam', "poc.hcl")
    team.commit("from terraform")
    plan = team.json("plan", "-target=agent.bedrock_poc", check=None)
    assert plan["exit_code"] in (3, 4) and plan["diagnostics"] == []
    assert {change["action"] for change in plan["plan"]["changes"]} == {"claim"}


def test_what_drift_found_is_kept_by_an_edit_that_owners_sign(applied):
    team, iam = applied, applied.iam()
    role = "acme-sandbox-invoice-triage"
    iam.put_role_policy(RoleName=role, PolicyName="hotfix", PolicyDocument=json.dumps(READS))
    (found,) = team.json("drift", check=5)["drift"]["differences"]
    assert found["do"][1]["command"] == "provisioner adopt D-1"
    assert "E-ADOPT-UNKNOWN" in team.run("adopt", "D-7", check=1).stderr
    before = (team.checkout / "agents.hcl").read_text()
    done = team.run("adopt", "D-1")
    assert '+    policy "kept-hotfix" {' in done.stdout and "Nothing was written" in done.stdout
    assert (team.checkout / "agents.hcl").read_text() == before
    (team.checkout / "agents.hcl").write_text("# a comment that stays\n" + before)
    assert team.json("adopt", "D-1", "-yes")["written"] is True
    after = (team.checkout / "agents.hcl").read_text()
    assert after.startswith("# a comment that stays\n") and 'policy "kept-hotfix"' in after
    team.run("fmt", "-check", "agents.hcl")
    team.commit("keep the hotfix")
    team.plan()
    plan = sign_and_apply(team)
    assert {(change["action"], change["effect"]) for change in plan["changes"]} >= {("create", "wider")}
    assert "tool_access" in {item["surface"] for item in plan["requirements"]}
    assert "kept-hotfix" in iam.list_role_policies(RoleName=role)["PolicyNames"]
    assert team.json("drift")["drift"]["differences"] == []
    iam.update_role(RoleName=role, MaxSessionDuration=7200)
    assert "only policies are kept" in team.run("adopt", "D-1", check=1).stderr
