"""What somebody does past the tool is found, worded, given to its owner, and taken away by a signed plan."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def role_name(iam: Any) -> str:
    (role,) = iam.list_roles(PathPrefix="/agents/")["Roles"]
    return str(role["RoleName"])


def trust_of(iam: Any, role: str) -> dict[str, Any]:
    document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    return document if isinstance(document, dict) else json.loads(unquote(document))


def drift(team: Any, check: int) -> dict[str, Any]:
    report = team.json("drift", check=check)
    assert report["exit_code"] == check
    return report["drift"]


def out_of_band(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [d for d in report["differences"] if d["kind"] == "out_of_band"]


def repair(team: Any) -> None:
    team.plan()
    team.sign_all()
    team.apply()
    assert drift(team, 0)["differences"] == []


def test_managed_policy_and_inline_policy(applied):
    iam = applied.iam()
    role = role_name(iam)
    iam.attach_role_policy(RoleName=role, PolicyArn=ADMIN)
    iam.put_role_policy(
        RoleName=role,
        PolicyName="hotfix",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}
        ),
    )
    found = out_of_band(drift(applied, 5))
    assert sorted(d["effect"] for d in found) == ["wider", "wider"]
    assert all("api" in d["tell"] for d in found)
    text = applied.run("drift", check=5).stdout
    assert "AdministratorAccess" in text and "hotfix" in text and text.rstrip().splitlines()[-1].startswith("exit 5")
    repair(applied)
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    assert "hotfix" not in iam.list_role_policies(RoleName=role)["PolicyNames"]


def test_a_trust_that_admits_an_iam_user_and_that_users_key(applied):
    iam = applied.iam()
    role = role_name(iam)
    user = iam.create_user(UserName="hugo")["User"]["Arn"]
    iam.create_access_key(UserName="hugo")
    trust = trust_of(iam, role)
    trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    found = out_of_band(drift(applied, 5))
    said = json.dumps(found)
    assert "trust" in said and "hugo" in said and "access key" in said
    assert {"iam"} <= {owner for d in found for owner in d["tell"]}
    # A static credential is never managed: the plan is blocked until somebody deletes it (KEY-1).
    plan = applied.run("plan", f"-out={applied.home / 'plan.json'}", check=4)
    assert "KEY-1" in plan.stdout
    (key,) = iam.list_access_keys(UserName="hugo")["AccessKeyMetadata"]
    iam.delete_access_key(UserName="hugo", AccessKeyId=key["AccessKeyId"])
    repair(applied)
    assert user not in json.dumps(trust_of(iam, role))


def test_a_removed_boundary(applied):
    iam = applied.iam()
    role = role_name(iam)
    iam.delete_role_permissions_boundary(RoleName=role)
    (found,) = out_of_band(drift(applied, 5))
    assert found["effect"] in ("wider", "unknown") and "platform" in found["tell"]
    repair(applied)
    assert "PermissionsBoundary" in iam.get_role(RoleName=role)["Role"]


def test_a_deleted_role(applied):
    iam = applied.iam()
    role = role_name(iam)
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    iam.delete_role_permissions_boundary(RoleName=role)
    iam.delete_role(RoleName=role)
    found = out_of_band(drift(applied, 5))
    assert any("role" in line for d in found for line in d["what"])
    assert {d["effect"] for d in found} <= {"narrower", "equal"}
    repair(applied)
    assert role_name(iam) == role


def test_a_changed_configuration_is_pending_not_out_of_band(applied):
    applied.edit("s3:GetObject", "s3:GetObjectVersion")
    report = drift(applied, 2)
    assert {d["kind"] for d in report["differences"]} == {"pending"}


def test_no_drift_says_so(applied):
    assert "no drift" in applied.run("drift").stdout.lower()


def test_a_role_that_is_not_ours_is_never_touched(applied):
    iam = applied.iam()
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName="theirs", Path="/agents/", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="theirs", PolicyArn=ADMIN)
    assert drift(applied, 0)["differences"] == []
    assert "no changes" in applied.run("plan", "-detailed-exitcode").stdout.lower()


@pytest.mark.parametrize("argument", ["-target=agent.nobody", "-target=grant.none"])
def test_an_unknown_target_is_an_error(applied, argument):
    done = applied.run("plan", argument, check=1)
    assert "names no agent" in done.stderr + done.stdout
