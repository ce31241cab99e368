"""Every row of the table: an example that breaks the rule, one that does not, a page, references, a severity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from provisioner.model.changes import Action
from provisioner.model.configuration import Baseline, Grant, RuleException, Settings, Tool
from provisioner.model.findings import ABSOLUTE, Hazard
from provisioner.model.resources import Address, Resource
from provisioner.policy.catalogue import catalogue
from provisioner.policy.rules import RULES, Facts, findings
from provisioner.sdk import FieldSchema, KindSchema

from .test_policy_rules import AGENT, KINDS, OWNERS, SURFACES, change, facts, resource, result

HELD = {"policy": KindSchema("policy", {"document": FieldSchema(())})}
ROLE = Address("aws", "1", "role", "r")
POLICY = Address("aws", "1", "policy", "r/p")


def tool(name: str, sensitivity: str, effect: str) -> Tool:
    return Tool(f"tool.{name}", name, "", "api", sensitivity, effect, {"aws": (Settings("aws"),)})


READS, SENDS = tool("reads", "restricted", "read"), tool("sends", "internal", "external")
RUNS, WRITES = tool("runs", "internal", "execute"), tool("writes", "internal", "write")


def holding(*tools: Tool) -> Facts:
    given = facts()
    made = Grant("grant.g", "g", ("triage",), tuple(one.address for one in tools), None, "X-1")
    known = {one.address: one for one in tools}
    return replace(given, configuration=replace(given.configuration, tools=known, grants={"grant.g": made}))


def excepted(expires: str, kind: str = "exception") -> Facts:
    given = facts()
    if kind == "baseline":
        base = Baseline("baseline.b", "b", ("INV-1",), ("triage",), expires)
        return replace(given, configuration=replace(given.configuration, baselines={base.address: base}))
    item = RuleException("exception.e", "e", "INV-1", ("agent.triage",), "r", "c", "T-1", "api", expires)
    return replace(given, configuration=replace(given.configuration, exceptions={item.address: item}))


def leaving(*kinds: str) -> Facts:
    """The agent's principal is deleted; resources of these kinds stay."""
    gone = replace(change({"identity": "iam", "runtime": "iam"}), action=Action.DELETE, effect="narrower")
    there = {"policy": Resource(POLICY, {}, "triage"), "role": Resource(ROLE, {"trust": "t"}, "triage")}
    after = {there[kind].address: there[kind] for kind in kinds}
    return replace(facts(), changes=(gone,), after=after, kinds={"aws": {**KINDS["aws"], **HELD}})


OWN = {
    "OWN-1": (facts(changes=(change({"identity": "iam"}),)), facts(changes=(change(dict.fromkeys(SURFACES, "iam")),))),
    "OWN-2": (
        facts(owners={"one": replace(OWNERS["iam"], surfaces=("identity", "runtime"), signers=("erin",))}),
        facts(owners={"one": replace(OWNERS["iam"], surfaces=("identity", "runtime"))}),
    ),
    "INV-1": (facts(replace(AGENT, sponsor=None)), facts()),
    "OFF-1": (leaving("policy"), leaving("policy", "role")),
    "KEY-1": (facts(after=resource("key")), facts(after=resource("key", agent=None))),
    "ENV-1": (facts(replace(AGENT, environment="dev")), facts()),
    "TRI-1": (holding(READS, SENDS), holding(READS)),
    "EXE-1": (holding(RUNS, WRITES), holding(RUNS)),
    "KIL-1": (facts(replace(AGENT, boundary=None)), facts()),
    "TST-1": (facts(tests=(result("identity"), result("runtime"))), facts()),
    "EXC-1": (excepted("2026-11-23"), excepted("2027-01-15")),
    "EXC-2": (excepted("2026-12-01", "baseline"), excepted("2027-01-15", "baseline")),
}
"""Examples of the rules that judge the configuration itself; every other one is told by a provider or by logs."""


def examples(rule: str) -> tuple[Facts, Facts]:
    if rule in OWN:
        return OWN[rule]
    seen = Hazard(rule, ROLE, "triage", "it is so", "do otherwise")
    return facts(hazards=(seen,)), facts(hazards=(replace(seen, agent="triage", rule="NONE-0"),))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_broken_by_one_example_and_held_by_the_other(rule: object) -> None:
    breaks, holds = examples(rule.id)  # type: ignore[attr-defined]
    (found, *_) = [one for one in findings(breaks, {}) if one.rule == rule.id]  # type: ignore[attr-defined]
    assert (found.level, found.surface) == (rule.level, rule.surface.value)  # type: ignore[attr-defined]
    assert found.message and found.fix and found.subject and found.references == catalogue().rules[found.rule]
    assert rule.id not in [one.rule for one in findings(holds, {})]  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_roots_severity_counts_unless_the_rule_is_absolute(rule: object) -> None:
    name, level = rule.id, rule.level  # type: ignore[attr-defined]
    for wanted in ("block", "accept", "warn"):
        (found, *_) = [one for one in findings(examples(name)[0], {name: wanted}) if one.rule == name]
        assert found.level == (level if name in ABSOLUTE else wanted)


def test_each_rule_has_a_page() -> None:
    assert all(rule.why and rule.fix and rule.breaks and rule.holds and rule.summary for rule in RULES)
