"""Audit logs with the installed command on moto: plan, drift and rightsize, from logs to the narrower plan."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import usage_logs as logs

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def ninety_days(folder: Path) -> Path:
    """One plain file, one gzip, one that is cut, one of something else."""
    used = [logs.get_object("inbox/1.pdf"), logs.get_object("inbox/2.pdf", days=95), logs.table("triage", "PutItem")]
    logs.write(folder / "AWSLogs" / "1.json", used)
    more = json.dumps(
        {"Records": [logs.table("triage", "GetItem"), logs.table("triage", "Query", errorCode="AccessDenied")]}
    )
    (folder / "AWSLogs" / "2.json.gz").write_bytes(gzip.compress(more.encode()))
    (folder / "AWSLogs" / "3.json").write_text(json.dumps({"Records": [logs.table("triage", "Query")]})[:-40])
    (folder / "digest.json").write_text(json.dumps({"awsAccountId": logs.ACCOUNT, "digestEndTime": logs.ago(1)}))
    return folder


def test_from_logs_to_a_narrower_plan_and_who_did_it(applied: Any, tmp_path: Path) -> None:
    team, folder = applied, ninety_days(tmp_path / "logs")
    usage = f"-usage={folder}"

    silent = team.json("plan")
    assert any("PRV-5, what is granted and not used" in line for line in silent["plan"]["not_looked_at"])
    judged = team.json("plan", usage)
    found = [(item["rule"], item["level"], item["agent"]) for item in judged["plan"]["findings"]]
    assert found == [("PRV-5", "warn", "invoice_triage")] * 2
    assert not any("no audit logs" in line for line in judged["plan"]["not_looked_at"])
    codes = [item["code"] for item in judged["diagnostics"]]
    assert codes == ["W-USAGE-LOGS", "W-USAGE-LOGS"]  # the file that is cut, the digest

    before = (team.checkout / "agents.hcl").read_text()
    shown = team.run("rightsize", "invoice_triage", usage)
    assert "NARROWER" in shown.stdout and "not used: s3:ListBucket" in shown.stdout
    assert "DENIED       dynamodb.amazonaws.com Query, 1 time" in shown.stdout
    assert (team.checkout / "agents.hcl").read_text() == before
    written = team.json("rightsize", "invoice_triage", usage, "-yes")
    assert (
        written["written"] and (team.checkout / "agents.hcl").read_text() == written["rightsizing"]["edits"][0]["after"]
    )
    team.run("validate")
    team.run("fmt", "-check")
    narrower = team.json("plan", check=3)["plan"]["changes"]
    assert [change["effect"] for change in narrower] == ["narrower"]
    (team.checkout / "agents.hcl").write_text(before)

    team.iam().attach_role_policy(RoleName=logs.ROLE, PolicyArn=ADMIN)
    by_cloud = team.json("drift", check=5)["drift"]["differences"][0]["who"]
    assert (by_cloud["source"], by_cloud["call"]) == ("CloudTrail", "iam:AttachRolePolicy")
    assert by_cloud["actor"] == f"root of account {logs.ACCOUNT}" and by_cloud["event"]
    hugo = logs.session("Admin", "hugo")
    parameters = {"roleName": logs.ROLE, "policyArn": ADMIN}
    logs.write(
        folder / "iam.json", [logs.record("iam", "AttachRolePolicy", userIdentity=hugo, requestParameters=parameters)]
    )
    report = " ".join(team.run("drift", usage, check=5).stdout.split())
    assert "who: assumed-role/Admin/hugo" in report and "from the logs given" in report
    assert "PRV-5" in report.split("NOT USED")[1]

    for arguments, code in (
        (("rightsize", "invoice_triage"), "E-USAGE"),
        (("rightsize", "invoice_triage", f"-usage={tmp_path / 'nowhere'}"), "E-USAGE-LOGS"),
        (("rightsize", "nobody", usage), "E-AGENT"),
        (("plan", f"-usage={tmp_path / 'nowhere'}"), "E-USAGE-LOGS"),
    ):
        assert [item["code"] for item in team.json(*arguments, check=1)["diagnostics"]] == [code]
