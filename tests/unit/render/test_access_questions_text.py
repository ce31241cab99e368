"""Answers about agents as text: the verdict first, every doubt said, and nothing that a terminal would obey."""

from __future__ import annotations

from provisioner.model.questions import Circumstance, Holding, Holdings, Hop, Route, Verdict, Who, Within
from provisioner.model.requests import Answer, Deciding, Decision
from provisioner.render.questions import (
    holdings_document,
    holdings_text,
    verdict_text,
    who_document,
    who_text,
    why_text,
)

PLANNED = Circumstance("planned", "2026-11-24T00:00:00Z")
HOP = Hop("a", "b", "aws", "trust", declared=False, open="whether agent.a may become agent.b (aws:SourceIp)")


def verdict(decision: Decision, *hops: Hop, action: str = "s3:GetObject") -> Verdict:
    route = Route(hops[-1].target if hops else "a", "aws", hops, decision)
    return Verdict("a", action, "arn:aws:s3:::b/k", decision.answer, (route,))


def test_the_verdict_comes_first_and_gaps_are_said() -> None:
    seen = Circumstance("live", "2026-11-24T00:00:00Z", gaps=("roles: 403",), unseen=("bucket policies",))
    lines = verdict_text(verdict(Decision(Answer.ALLOWED, ("p allows it",))), seen, 100).splitlines()
    assert lines[0].startswith("ALLOWED   agent.a: s3:GetObject on arn:aws:s3:::b/k")
    assert lines[1:] == ["  p allows it", "NOT SEEN   roles: 403", "", "NOT JUDGED bucket policies"]


def test_why_names_the_chain_and_the_statements() -> None:
    decision = Decision(Answer.DEPENDS, ("p allows it",), (HOP.open,), (Deciding("p", "Read", "Allow"),))
    text = why_text(verdict(decision, HOP), PLANNED, 100)
    assert "agent.a -> agent.b (trust, UNDECLARED), in aws: depends" in text
    assert "missing: whether agent.a may become agent.b (aws:SourceIp)" in text
    assert "Allow: statement Read of p" in text


def test_who_groups_actions_by_what_is_said_of_them() -> None:
    allowed = [verdict(Decision(Answer.ALLOWED), action=name) for name in ("s3:GetObject", "s3:PutObject")]
    doubtful = verdict(Decision(Answer.DEPENDS, (), ("x",)), HOP)
    found = Who("arn:aws:s3:::b/k", (*allowed, doubtful), ("a", "b"), ("google",), ("agent.b: inline policy p",))
    text = who_text(found, PLANNED, 100)
    assert "  may s3:GetObject, s3:PutObject\n" in text
    assert "as agent.a -> agent.b (trust, UNDECLARED) may, depending on x, s3:GetObject" in text
    assert "NOT READ   agent.b: inline policy p" in text
    assert "not asked about: google" in text
    assert who_document(found, PLANNED)["unread"] == ["agent.b: inline policy p"]
    assert "nobody: none of 2 agents" in who_text(Who("r", (), ("a", "b")), PLANNED, 100)


def test_what_is_held_says_what_the_boundary_leaves() -> None:
    given = Holding("aws", "role r", "inline policy p", "1", "Allow", ("s3:\x1b[2J*",), ("*",), ("until 2027-01-01",))
    cut = Holding("aws", "role r", "inline policy p", "2", "Allow", ("sqs:*",), (), within=Within.NONE, limits=("no",))
    found = Holdings("a", (given, cut), ((HOP,),), ("inline policy q",), ("google",))
    text = holdings_text(found, PLANNED, 100)
    assert "\x1b" not in text
    assert "on *, until 2027-01-01" in text
    assert "NOT: outside of its boundary: no" in text
    assert text.count("inline policy p") == 1
    assert "through agent.b: agent.a -> agent.b (trust, UNDECLARED); depends on" in text
    assert "NOT READ   inline policy q" in text
    assert "NOT LISTED google" in text
    assert [row["within_boundary"] for row in holdings_document(found, PLANNED)["holdings"]] == ["all", "none"]
