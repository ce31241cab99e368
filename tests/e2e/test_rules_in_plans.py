"""Rules on a live workspace: what is found, what an exception lifts, what nobody can hide by declaring it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any


def grant_document(iam: Any, role: str) -> tuple[str, dict[str, Any]]:
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return name, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def findings(team: Any, rule: str, check: int) -> list[dict[str, Any]]:
    found = team.json("plan", check=check)["plan"]["findings"]
    return [finding for finding in found if finding["rule"] == rule]


def test_widened_by_hand_and_then_declared_is_no_way_round_the_owners(applied):
    iam = applied.iam()
    (role,) = [r["RoleName"] for r in iam.list_roles(PathPrefix="/agents/")["Roles"]]
    name, document = grant_document(iam, role)
    reads = next(s for s in document["Statement"] if "s3:GetObject" in s["Action"])
    reads["Resource"] = "arn:aws:s3:::acme-invoices/*"
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    before = (applied.checkout / "agents.hcl").read_text()
    applied.edit("acme-invoices/inbox/*", "acme-invoices/*")
    (found,) = findings(applied, "DRF-1", 4)
    assert found["level"] == "block" and "acme-invoices" in found["message"]
    (applied.checkout / "agents.hcl").write_text(before)
    assert findings(applied, "DRF-1", 3) == []  # the plan takes it away: nothing to block


def test_an_exception_lifts_a_finding_once_it_is_signed(applied):
    (line,) = [x for x in (applied.checkout / "agents.hcl").read_text().splitlines() if "review_by" in x]
    applied.edit(line, '  review_by = "2020-01-01"')
    (blocked,) = findings(applied, "INV-1", 4)
    assert blocked["level"] == "block"
    ends = (datetime.now(UTC).date() + timedelta(days=30)).isoformat()
    (applied.checkout / "exceptions.hcl").write_text(
        f"""
exception "late_review" {{
  rule                 = "INV-1"
  subjects             = ["{blocked["subject"]}"]
  reason               = "The review is under way"
  compensating_control = "Nothing widens meanwhile"
  ticket               = "SEC-1"
  accepted_by          = control_owner.security
  expires              = "{ends}"
}}
"""
    )
    applied.commit("An exception for the late review", "dana")
    agents = (applied.checkout / "agents.hcl").read_text()
    applied.edit("acme-invoices/inbox/*", "acme-invoices/in/*")
    part = applied.json("plan", "-target=agent.invoice_triage", check=4)["plan"]
    late = [finding["level"] for finding in part["findings"] if finding["rule"] == "INV-1"]
    assert (late, part["next_root"]) == (["block"], None), "what the root does not bring lifts nothing"
    (applied.checkout / "agents.hcl").write_text(agents)
    (proposed,) = findings(applied, "INV-1", 3)
    assert (proposed["level"], proposed["surface"]) == ("accept", "governance")
    digest = applied.plan()
    assert applied.required() == [("governance", "security")]
    key = applied.key(applied.signers()["security"])
    signing = ["sign", str(applied.home / "plan.json"), "-owner=security", f"-key={key}", f"-digest={digest}", "-yes"]
    assert "E-ACCEPT" in applied.run(*signing, check=1).stderr
    applied.run(*signing, f"-accept=INV-1 {blocked['subject']}=the review ends next week")
    applied.apply()
    (lifted,) = findings(applied, "INV-1", 0)
    assert (lifted["level"], lifted["exception"], lifted["until"]) == ("excepted", "exception.late_review", ends)
    text = applied.run("plan").stdout
    assert "1 excepted" in text and "exception.late_review" in text


def test_what_a_rule_of_ones_own_says_is_governances(team):
    (team.checkout / "rules.hcl").write_text(
        """
rule "dated" {
  each      = "grant"
  surface   = "tool_access"
  condition = self.reason != null
  message   = "${self.address} says no reason"
  fix       = "Say why, or name a ticket."
}
"""
    )
    team.run("init", "-yes")
    team.edit('  reason = "DEMO-1"\n', "")
    (found,) = findings(team, "dated", 4)
    assert found["message"] == "grant.triage says no reason" and found["surface"] == "tool_access"
    team.edit("self.reason != null", "true || self.reason != null", "rules.hcl")
    assert findings(team, "dated", 3) == []
    assert "E-TARGET-TESTS" in team.run("plan", "-target=agent.invoice_triage", check=1).stderr
    team.plan()
    assert ("governance", "security") in team.required()
    lines = json.loads((team.home / "plan.json").read_text())["plan"]["next_root"]["lines"]
    text = " ".join(lines)
    assert "rule.dated: each grant, severity block" in text and "condition true || self.reason != null" in text


def test_an_import_of_another_role_stops_the_plan(team):
    (team.checkout / "more.hcl").write_text('import {\n  to = agent.invoice_triage\n  id = "old-triage"\n}\n')
    told = team.run("plan", check=1).stderr
    assert "E-AWS-IMPORT" in told and "more.hcl line" in told
