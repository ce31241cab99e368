"""What an exception may call a finding, and forms of plans that came before there was an answer."""

from __future__ import annotations

from dataclasses import replace

from scenario import GRANT, ROLE, draft, file_of, root_data

from provisioner.approval.lifting import Known, Lifter, covered_as, names, proposed
from provisioner.approval.past import Past, left_tools
from provisioner.approval.root import RootBaseline, RootException, RootRule, make_root, parse_root, rules_named
from provisioner.model.changes import Action
from provisioner.model.findings import Finding, Level
from provisioner.model.plan import Declared, Plan
from provisioner.planfile import decode, encode

SAID = Declared({}, ("other", "triage"), {}, {}, addresses={"other": "agent.other", "triage": "agent.triage"})
FOUND = Finding("PRV-1", Level.BLOCK, "tool_access", "grant.reads", "m", "f", "triage", (2,))


def plan(declared: Declared = SAID) -> Plan:
    return draft(make_root(root_data()), declared=declared)


def test_a_finding_is_its_agents_and_its_changes() -> None:
    known = Known(plan(), None)
    assert names(FOUND, known) == {"agent.triage", "grant.reads"}
    assert names(replace(FOUND, changes=()), known) == {"agent.triage"}
    place = str(GRANT.address)
    assert names(replace(FOUND, subject=place, changes=()), known) == {"agent.triage", place}
    test = replace(FOUND, rule="TST-1", subject="test.edge put", changes=())
    assert names(test, known) == {"agent.triage", "test.edge put"}
    own = Finding("dated", Level.BLOCK, "tool_access", "grant.writes", "m", "f")
    assert names(own, known) == {"grant.writes"}


def test_a_chain_runs_through_others_and_nothing_else_does() -> None:
    known = Known(plan(), None)
    assert names(replace(FOUND, agent="other"), known) == frozenset()
    assert names(replace(FOUND, rule="TRI-1", agent="other", subject="agent.other"), known) == {
        "agent.other",
        "grant.reads",
    }


def test_a_baseline_names_agents_and_rules_and_shrinks() -> None:
    known = Known(plan(), Past(violations={}))
    base = Lifter("baseline.first", ("PRV-1",), agents=("triage",))
    assert covered_as(base, FOUND, known) == ("agent.triage",)
    assert covered_as(replace(base, violations=frozenset()), FOUND, known) == ()
    assert covered_as(replace(base, agents=("gone",)), FOUND, known) == ()
    old = root_data()
    new = replace(
        old,
        baselines={"baseline.first": RootBaseline(("PRV-1",), ("triage",), "2027-01-01")},
        exceptions={"exception.x": RootException("FED-3", ("agent.other",), "r", "c", "t", "api", "2026-12-01")},
    )
    assert [item.name for item in proposed(old, new)] == ["exception.x", "baseline.first"]
    assert proposed(new, new) == ()


def test_what_came_later_leaves_older_plans_and_roots_their_form() -> None:
    older = file_of(plan(Declared({}, ("triage",), {}, {})))
    assert b"addresses" not in older.plan_bytes and b'"left"' not in older.plan_bytes
    assert decode(encode(older.plan, older.notes)) == older
    assert Known(older.plan, None).declared is None
    assert names(FOUND, Known(older.plan, None)) == frozenset()
    newer = file_of(draft(make_root(root_data()), changes=(ROLE, replace(GRANT, left=("tool.pay",))), declared=SAID))
    assert decode(encode(newer.plan, newer.notes)) == newer
    assert newer.plan.requirements != plan().requirements
    rule = RootRule("grant", "warn", "tool_access", "true")
    data = root_data(rules={"rule.dated": rule, "module.m.rule.dated": replace(rule, name="m_dated")})
    body = make_root(data).body()
    assert "name" not in body["data"]["rules"]["rule.dated"]
    assert parse_root(body).data == data
    assert rules_named(data, "dated") == (rule,) and len(rules_named(data, "m_dated")) == 1


def test_what_leaves_is_what_served_and_serves_no_more() -> None:
    root, past = root_data(), Past(tools={GRANT.address: ("tool.inbox", "tool.pay")})
    assert left_tools(root, past, GRANT) == ("tool.pay",)
    gone = replace(GRANT, action=Action.DELETE, after=None, tools=())
    assert left_tools(root, past, gone) == ()  # one owner has both, and signs for the removal itself
    split = replace(root, tools={"tool.pay": "iam"})
    assert left_tools(split, past, gone) == ("tool.inbox", "tool.pay")
    assert left_tools(root, Past(), GRANT) == ()
    assert left_tools(root, past, replace(GRANT, action=Action.CREATE, before=None)) == ()
