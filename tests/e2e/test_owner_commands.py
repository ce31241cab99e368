"""What an owner asks: what awaits me, who answers for what, who signs a file, what differs between two plans."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def test_the_matrix_of_owners(team: Any) -> None:
    everybody_who_answers_is_named(team)
    who_signs_a_file(team)
    assert "text, markdown, csv" in team.run("owners", "-format=pdf", check=1).stderr
    only_the_root_in_force_decides(team)


def everybody_who_answers_is_named(team: Any) -> None:
    document = team.json("owners")
    rows = {(row["subject"], row["surface"]): row for row in document["rows"]}
    assert document["source"] == "trust root v1" and document["differences"] == []
    assert rows["agent.invoice_triage", "identity"]["owner"] == "iam"
    assert rows["agent.invoice_triage", "runtime"]["signers"] == ["carol"]
    assert rows["tool.triage_log", "tool_access"]["contact"] == "api@acme.example"
    assert rows["agent.invoice_triage", "identity"]["informed"] == "sam"
    assert {surface for _, surface in rows} == {"identity", "tool_access", "runtime", "governance"}
    text = team.run("owners").stdout
    assert "agent.invoice_triage" in text and "1 of 1" in text


def only_the_root_in_force_decides(team: Any) -> None:
    team.edit("signers     = [person.bob]", "signers     = [person.bob, person.dana]", "workspace.hcl")
    document = team.json("owners")
    rows = {(row["subject"], row["surface"]): row for row in document["rows"]}
    assert rows["tool.triage_log", "tool_access"]["signers"] == ["bob"]
    assert any("dana" in line for line in document["differences"])
    assert "NOT IN FORCE" in team.run("owners").stdout


def test_a_spreadsheet_gets_no_formula_and_markdown_no_markup(team: Any) -> None:
    team.edit('"api@acme.example"', '"=HYPERLINK(\\"//x\\")"', "workspace.hcl")
    team.edit('"Agent platform"', '"a | **b** <i>"', "workspace.hcl")
    assert "No rule is set aside" in team.run("exceptions").stdout
    ends = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    (team.checkout / "exceptions.hcl").write_text(EXCEPTION.replace("ENDS", ends))
    team.commit("titles")
    team.plan()
    team.sign_all()
    team.apply()
    exceptions_are_listed(team, ends)
    rows = list(csv.DictReader(io.StringIO(team.run("owners", "-format=csv").stdout)))
    assert {row["contact"] for row in rows if row["owner"] == "api"} == {'\'=HYPERLINK("//x")'}
    assert {row["title"] for row in rows if row["owner"] == "platform"} == {"a | **b** <i>"}
    lines = team.run("owners", "-format=markdown").stdout.splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") - line.count("\\|") for line in table}) == 1
    assert "agent.invoice\\_triage" in "".join(table)


EXCEPTION = """
exception "reads_much" {
  rule                 = "TRI-1"
  subjects             = [agent.invoice_triage]
  reason               = "One mailbox, known senders"
  compensating_control = "A person reads every tenth"
  ticket               = "SEC-1"
  accepted_by          = control_owner.security
  expires              = "ENDS"
}
"""


def exceptions_are_listed(team: Any, ends: str) -> None:
    (row,) = team.json("exceptions")["rows"]
    assert (row["address"], row["rules"], row["subjects"]) == (
        "exception.reads_much",
        ["TRI-1"],
        ["agent.invoice_triage"],
    )
    assert row["days_left"] in (28, 29) and row["expires"] == ends and row["accepted_by"] == "security"
    text = team.run("exceptions").stdout
    assert "1 exception in force" in text and "A person reads every tenth" in text and ends in text


def who_signs_a_file(team: Any) -> None:
    document = team.json("who-signs", "agents.hcl")
    blocks = {block["address"]: {one["owner"] for one in block["signers"]} for block in document["blocks"]}
    assert blocks["agent.invoice_triage"] == {"iam", "platform"}
    assert blocks["grant.triage"] == blocks["tool.triage_log"] == {"api"}
    assert blocks["boundary.agents"] == {"platform"}
    assert {one["owner"] for one in document["signers"]} == {"iam", "api", "platform"}
    workspace = team.json("who-signs", "workspace.hcl")
    assert {one["owner"] for one in workspace["signers"]} == {"security"}
    key = team.json("who-signs", "keys/alice.pub")
    assert key["blocks"] == [] and len(key["signers"]) == 4
    (team.checkout / "shared.hcl").write_text("locals {\n  a = 1\n}\n")
    shared = team.json("who-signs", "shared.hcl")
    assert shared["shared"] == ["locals"] and len(shared["signers"]) == 4
    assert "Others read its locals" in team.run("who-signs", "shared.hcl").stdout
    assert "does not read" in team.run("who-signs", "README.md", check=1).stderr


def test_the_inbox_holds_what_awaits_a_person_and_nothing_else(team: Any) -> None:
    assert team.json("inbox", "-person=alice")["waiting"] == []
    assert "-person NAME" in team.run("inbox", check=1).stderr
    assert "knows no person" in team.run("inbox", "-person=mallory", check=1).stderr
    digest = team.plan()
    said = {(one["surface"], one["owner"]) for one in team.json("who-signs", "agents.hcl")["signers"]}
    assert set(team.required()) <= said, "what who-signs says of the file covers what its plan asks"
    team.run("publish", str(team.home / "plan.json"))
    (waiting,) = team.json("inbox", "-person=alice")["waiting"]
    assert waiting["digest"] == digest and (waiting["owner"], waiting["surface"]) == ("iam", "identity")
    assert waiting["wider"] == 1 and waiting["missing"] == 1 and 70 <= waiting["hours_left"] <= 72
    assert team.json("inbox", "-person=dana")["waiting"] == [], "an author may not sign"
    text = team.run("inbox", "-person=alice").stdout
    assert f"provisioner sign {digest[7:15]} -owner iam" in text
    team.run("sign", digest[7:], "-owner=iam", f"-key={team.key('alice')}", f"-digest={digest}", "-yes")
    assert team.json("inbox", "-person=alice")["waiting"] == []
    assert len(team.json("inbox", "-person=carol")["waiting"]) == 1
    team.sign_all()
    team.apply()
    assert team.json("inbox", "-person=carol")["waiting"] == []
    the_runners_own_person_is_the_default(team)


def the_runners_own_person_is_the_default(team: Any) -> None:
    runner = Path(team.env["PROVISIONER_RUNNER"])
    table = "[workspace.acme-sandbox]\n"
    text = runner.read_text()
    head = next(line for line in text.splitlines(keepends=True) if line.startswith("[workspace"))
    assert table.strip("\n").replace('"', "") == head.strip("\n").replace('"', "")
    runner.write_text(text.replace(head, head + 'person = "carol"\n'))
    assert team.json("inbox")["person"] == "carol"


def test_two_plans_side_by_side(team: Any) -> None:
    first = team.plan("first.json")
    team.sign_all("first.json")
    team.edit('"dynamodb:PutItem", "dynamodb:Query"]\n      resources', '"dynamodb:PutItem"]\n      resources')
    team.commit("less")
    second = team.plan("second.json")
    files = str(team.home / "first.json"), str(team.home / "second.json")
    document = team.json("diff", *files)
    verdicts = {pair["address"].split(":")[2]: pair["verdict"] for pair in document["changes"]}
    assert verdicts == {"iam_policy": "same", "iam_role": "same", "iam_role_policy": "changed"}
    (changed,) = [pair for pair in document["changes"] if pair["verdict"] == "changed"]
    assert "after" in changed["fields"] and "number" not in changed["fields"]
    kept = {one["owner"]: one for one in document["signoffs"]}
    assert kept["api"]["counts"] is False and kept["api"]["why"] == "its part differs"
    assert set(kept) == {"iam", "api", "platform"}
    team.run("publish", files[1])
    by_digest = team.json("diff", first[7:19], second[7:19])
    assert by_digest["changes"] == document["changes"]
    assert "1 changed" in team.run("diff", *files).stdout
    same = team.json("diff", files[0], files[0])
    assert same["identical"] and all(one["counts"] for one in same["signoffs"])
    assert json.loads(json.dumps(same))["changes"][0]["verdict"] == "same"
