"""`graph` by the installed command: offline, and against the live cloud."""

from __future__ import annotations

import json
from typing import Any


def test_offline_and_live(applied: Any) -> None:
    text = applied.run("graph").stdout
    assert "becomes invoice_triage" in text and "invoice_triage may use tool.invoice_inbox (triage)" in text
    assert applied.run("graph", "-format=svg").stdout.startswith("<svg")
    assert applied.run("graph", "-format=mermaid").stdout.startswith("flowchart LR")
    assert applied.run("graph", "-format=dot").stdout.startswith("digraph")
    iam = applied.iam()
    (role,) = [r["RoleName"] for r in iam.list_roles(PathPrefix="/agents/")["Roles"]]
    document = {"Statement": {"Effect": "Allow", "Action": ["lambda:UpdateFunctionCode"], "Resource": "*"}}
    iam.put_role_policy(
        RoleName=role, PolicyName="hotfix", PolicyDocument=json.dumps({"Version": "2012-10-17", **document})
    )
    applied.edit('"s3:ListBucket", "dynamodb:GetItem"', '"s3:ListBucket", "lambda:*", "dynamodb:GetItem"')
    found = applied.json("graph", "-live")
    assert found["paths"] == []  # the plan takes the hotfix away
    assert applied.run("graph", "-agent=nobody", check=1).stderr.count("E-AGENT") == 1
    assert applied.run("graph", "-format=png", check=1).stderr.count("E-USAGE") == 1


def test_a_plan_says_which_way_it_opens_and_not_what_was_open_before(applied: Any) -> None:
    (role,) = [r["RoleName"] for r in applied.iam().list_roles(PathPrefix="/agents/")["Roles"]]
    arn = f"arn:aws:iam::123456789012:role/agents/{role}"
    assert "new_paths" not in applied.json("plan", check=0)["plan"]
    applied.edit(
        '"dynamodb:Query"]\n    deny            = ["iam:*"',
        '"dynamodb:Query", "iam:PutRolePolicy"]\n    deny = ["iam:Create*"',
    )
    applied.edit('global_services = ["sts"]', 'global_services = ["sts", "iam"]')
    applied.edit(
        'statement "items" {',
        f'statement "iam" {{\nactions = ["iam:PutRolePolicy"]\nresources = ["{arn}"]\n}}\nstatement "items" {{',
    )
    (path,) = applied.json("plan", check=4)["plan"]["new_paths"]
    assert path["agent"] == "invoice_triage" and "iam:PutRolePolicy" in path["text"], path
    text = applied.run("plan", check=4).stdout
    assert "NEW PATH   put-own-role-policy" in text
    document = {"Statement": {"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": arn}}
    applied.iam().delete_role_permissions_boundary(RoleName=role)
    applied.iam().put_role_policy(
        RoleName=role, PolicyName="hotfix", PolicyDocument=json.dumps({"Version": "2012-10-17", **document})
    )
    assert "new_paths" not in applied.json("plan", check=4)["plan"], "the way is open already: drift tells it"
