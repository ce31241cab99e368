"""Renaming what is live: with `moved` nothing is made anew; and what prevent_destroy keeps is not deleted."""

from __future__ import annotations

import json
from typing import Any

MOVES = """
moved {
  from = agent.invoice_triage
  to   = agent.sorter
}

moved {
  from = grant.triage
  to   = grant.sorting
}

moved {
  from = boundary.agents
  to   = boundary.outer
}

moved {
  from = tool.triage_log
  to   = tool.log
}
"""


def rename(team: Any, *pairs: tuple[str, str]) -> None:
    for name in ("agents.hcl", "tests.hcl"):
        path = team.checkout / name
        text = path.read_text()
        for old, new in pairs:
            text = text.replace(old, new)
        path.write_text(text)


def changes(team: Any) -> list[dict[str, Any]]:
    team.plan("renamed.json")
    return json.loads((team.home / "renamed.json").read_text())["plan"]["changes"]


def test_a_rename_changes_the_address_tag_and_nothing_else(applied: Any) -> None:
    rename(
        applied,
        ("agent.invoice_triage", "agent.sorter"),
        ('agent "invoice_triage"', 'agent "sorter"'),
        ('grant "triage"', 'grant "sorting"'),
        ("boundary.agents", "boundary.outer"),
        ('boundary "agents"', 'boundary "outer"'),
        ("tool.triage_log", "tool.log"),
        ('tool "triage_log"', 'tool "log"'),
    )
    (applied.checkout / "moves.hcl").write_text(MOVES)
    applied.commit("rename")
    found = changes(applied)
    assert [(one["action"], one["address"]["kind"], one["fields"]) for one in found] == [
        ("update", "iam_policy", ["tags"]),
        ("update", "iam_role", ["tags"]),
    ]
    assert [one["block"] for one in found] == ["boundary.outer", "agent.sorter"]
    assert {one["effect"] for one in found} == {"equal"}
    applied.sign_all("renamed.json")
    applied.apply("renamed.json")
    assert changes(applied) == []
    (applied.checkout / "moves.hcl").unlink()
    applied.commit("forget the moves")
    assert {one["action"] for one in changes(applied)} == {"create", "delete"}, "moves are not for one plan only"


def test_a_protected_grant_is_not_taken_away(applied: Any) -> None:
    applied.edit('reason = "DEMO-1"', 'reason = "DEMO-1"\n\n  lifecycle {\n    prevent_destroy = true\n  }')
    applied.edit("agents = [agent.invoice_triage]", "agents = []")
    applied.commit("take it away")
    done = applied.run("plan", check=1)
    assert "E-PREVENT-DESTROY" in done.stderr
    assert "what grant.triage gives invoice_triage" in done.stderr
