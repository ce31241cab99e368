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
