"""A plan that nobody had to sign may be carried out, but nothing is forgotten by it."""

from __future__ import annotations

from provisioner import planfile

from .conftest import Team
from .test_evidence_cli import excluded, rewritten

WIDER = ('"dynamodb:Query"]\n      res', '"dynamodb:Query", "dynamodb:Scan"]\n      res')


def test_a_plan_without_changes_makes_no_author_forgotten(applied: Team) -> None:
    """Bob writes what widens, and publishes a plan that changes nothing but was made from it: nobody is asked to sign.
    Once that is carried out, the next plan must still say that he is an author."""
    applied.edit(*WIDER)
    applied.commit("slipped in", "bob")
    applied.plan()
    assert "bob" in excluded(applied)
    applied.plan("nothing.json")
    plan = planfile.decode((applied.home / "nothing.json").read_bytes()).plan
    authors = tuple(item for item in plan.exclusions if item.agent is None)
    nothing = {"changes": (), "operations": (), "worlds": (), "agents": (), "findings": (), "exclusions": authors}
    rewritten(applied, "nothing.json", plan=nothing)
    assert applied.required("nothing.json") == []
    applied.run("publish", str(applied.home / "nothing.json"))
    applied.run("apply", str(applied.home / "nothing.json"))
    assert applied.json("audit", "show")
    applied.plan()
    assert "bob" in excluded(applied)
