"""Attacks on what a plan says of its findings: how hard they are, whose, and what lifts them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import scenario as s
from make import Made, after, attack, declared, worded
from scenario import Situation

from provisioner.approval.root import RootBaseline, RootException, RootRule, make_root, root_value
from provisioner.model.findings import Finding, Level
from provisioner.model.plan import RootChange

BOTH = ("other", "triage")
ENDS = "2026-12-15"
FOUND = Finding(
    "PRV-1",
    Level.EXCEPTED,
    "tool_access",
    "grant.reads",
    "a wildcard",
    "name the actions",
    "triage",
    (2,),
    exception="exception.wild",
    covered_as="agent.triage",
    until=ENDS,
)


def exception(*subjects: str, rule: str = "PRV-1", expires: str = ENDS) -> RootException:
    return RootException(rule, subjects, "a migration", "the boundary", "SEC-1", "api", expires)


def excepted(given: RootException, finding: Finding = FOUND, **over: Any) -> Situation:
    """A plan with a finding that an exception of the root is said to lift; everybody has signed."""
    return judged(finding, exceptions={"exception.wild": given}, **over)


def based(agents: tuple[str, ...], violations: tuple[tuple[str, str], ...], finding: Finding = FOUND) -> Situation:
    """The same with a baseline of the day of adoption."""
    base = RootBaseline(("PRV-1",), agents, ENDS)
    known = {"baseline.first": frozenset(violations)}
    return judged(replace(finding, exception="baseline.first"), baselines={"baseline.first": base}, violations=known)


def judged(finding: Finding, *, now: Any = None, last: Any = None, plan: Any = None, **over: Any) -> Situation:
    violations = over.pop("violations", {})
    return after(
        last or declared(agents=BOTH),
        now or declared(agents=BOTH),
        root=make_root(s.root_data(**over)),
        plan={"findings": (finding,), **(plan or {})},
        violations=violations,
    )


@attack("verified")
def control_excepted_by_its_agent() -> Made:
    """The root sets a rule aside for the agent that the finding is about."""
    return excepted(exception("agent.triage"))


@attack("verified")
def control_excepted_by_its_grant() -> Made:
    """The root sets a rule aside for the block whose change the finding is about."""
    return excepted(exception("grant.reads"), replace(FOUND, covered_as="grant.reads"))


@attack("verified")
def control_excepted_in_the_cloud() -> Made:
    """The finding is about what stands in the cloud already, and the exception names its place there."""
    place = str(s.GRANT.address)
    return excepted(exception(place), replace(FOUND, subject=place, changes=(), covered_as=place))


@attack("verified")
def control_excepted_by_a_baseline() -> Made:
    """The violation was there on the day of adoption."""
    return based(("triage",), (("PRV-1", "grant.reads"),))


@attack("E-EXCEPTION")
def exception_of_another_agent() -> Made:
    """The root sets the rule aside for another agent."""
    return excepted(exception("agent.other"), replace(FOUND, covered_as="agent.other"))


@attack("E-EXCEPTION")
def exception_of_another_grant() -> Made:
    """The root sets the rule aside for another grant."""
    return excepted(exception("grant.other"), replace(FOUND, covered_as="grant.other"))


@attack("E-EXCEPTION")
def exception_of_another_tool() -> Made:
    """The root sets the rule aside for a tool, and the finding is about what an agent holds."""
    return excepted(exception("tool.pay"), replace(FOUND, covered_as="tool.pay"))


@attack("E-EXCEPTION")
def exception_of_another_rule() -> Made:
    """The root sets another rule aside for this agent."""
    return excepted(exception("agent.triage", rule="PRV-3"))


@attack("E-EXCEPTION")
def finding_lifted_by_an_exception_that_ended() -> Made:
    """The exception ended a week ago."""
    ended = "2026-11-16"
    return excepted(exception("agent.triage", expires=ended), replace(FOUND, until=ended))


@attack("E-EXCEPTION")
def exception_said_to_last_longer() -> Made:
    """The plan tells its signers a later end than the root does."""
    return excepted(exception("agent.triage"), replace(FOUND, until="2027-12-15"))


@attack("E-EXCEPTION")
def exception_over_an_absolute_rule() -> Made:
    """No exception lifts KEY-1, whatever the root says."""
    return excepted(exception("agent.triage", rule="KEY-1"), replace(FOUND, rule="KEY-1", surface="identity"))


@attack("E-EXCEPTION")
def subject_forged_to_match() -> Made:
    """The finding is about triage, and the plan calls its subject the agent for whom the root sets the rule aside."""
    return excepted(exception("agent.other"), replace(FOUND, subject="agent.other", covered_as="agent.other"))


@attack("E-EXCEPTION")
def subject_forged_to_match_what_stands_already() -> Made:
    """The same about what no change of the plan touches."""
    forged = replace(FOUND, subject="grant.other", covered_as="grant.other", changes=())
    return excepted(exception("grant.other"), forged)


@attack("E-EXCEPTION")
def agent_forged_to_match() -> Made:
    """The plan says that the finding is about another agent, and names the change of triage with it."""
    forged = replace(FOUND, subject="agent.other", agent="other", covered_as="agent.other")
    return excepted(exception("agent.other"), forged)


@attack("E-EXCEPTION")
def finding_of_an_agent_that_is_none() -> Made:
    """The plan says that the finding is about an agent that nobody declares."""
    forged = replace(FOUND, subject="agent.gone", agent="gone", covered_as="agent.gone", changes=())
    return excepted(exception("agent.gone"), forged)


@attack("E-EXCEPTION")
def finding_of_a_change_that_is_none() -> Made:
    """The finding names a change that is not in the plan, so that nobody sees what it is about."""
    return excepted(exception("agent.triage"), replace(FOUND, changes=(2, 9)))


@attack("E-EXCEPTION")
def agents_exchange_their_addresses() -> Made:
    """The plan calls triage's block what was the other agent's when plans were signed before."""
    turned = {"triage": "agent.other", "other": "agent.triage"}
    return excepted(
        exception("agent.other"),
        replace(FOUND, covered_as="agent.other"),
        now=declared(agents=BOTH, addresses=turned),
    )


@attack("E-EXCEPTION")
def two_agents_of_one_address() -> Made:
    """The plan gives two agents one block, where no plan before said which is whose."""
    return excepted(
        exception("agent.other"),
        replace(FOUND, covered_as="agent.other"),
        last=declared(agents=BOTH, addresses={}),
        now=declared(agents=BOTH, addresses={"triage": "agent.other", "other": "agent.other"}),
    )


@attack("verified")
def control_agent_renamed_with_its_identity() -> Made:
    """The agent's block has a new address, and the change of its identity, which its owner signs, says so."""
    moved = replace(s.ROLE, block="agent.sorter")
    return excepted(
        exception("agent.sorter"),
        replace(FOUND, covered_as="agent.sorter"),
        now=declared(agents=BOTH, addresses={"triage": "agent.sorter", "other": "agent.other"}),
        plan={"changes": (moved, s.GRANT)},
    )


@attack("E-EXCEPTION")
def baseline_without_the_agent() -> Made:
    """The baseline is about another agent."""
    return based(("other",), (("PRV-1", "grant.reads"),))


@attack("E-EXCEPTION")
def baseline_without_the_violation() -> Made:
    """The agent is in the baseline, and this violation came after the day of adoption."""
    return based(("triage",), (("PRV-1", "grant.writes"),))


@attack("E-EXCEPTION")
def baseline_of_another_rule() -> Made:
    """The baseline stands for the violations of another rule."""
    return based(("triage",), (("PRV-3", "grant.reads"),), replace(FOUND, rule="PRV-3"))


def accepted_with(given: RootException) -> Situation:
    """Governance accepts a finding that would block, together with the exception that is to lift it from then on."""
    found = replace(FOUND, level=Level.ACCEPT, surface="governance", exception="", covered_as="", until="")
    first = make_root(s.root_data())
    second = make_root(replace(first.data, exceptions={"exception.wild": given}), 2)
    change = RootChange(2, root_value(second.data), second.digest, worded(first, second))
    made = judged(found, plan={"next_root": change})
    file = made.planfile
    signed = [*s.signed_by_all(file)]
    need = s.requirement(file, "security")
    return replace(made, envelopes=[*signed, s.envelope(s.say(file, need, 2), "tom")])


@attack("verified")
def control_accepted_with_the_exception() -> Made:
    """The plan brings the exception with it."""
    return accepted_with(exception("agent.triage"))


@attack("E-SEVERITY")
def accepted_with_an_exception_of_another_agent() -> Made:
    """The plan brings an exception for another agent, and has governance accept what blocks this one."""
    return accepted_with(exception("agent.other"))


@attack("E-SEVERITY")
def blocking_rule_played_down() -> Made:
    """The root says nothing of PRV-1, and the plan only warns of it."""
    return judged(replace(FOUND, level=Level.WARN, exception="", covered_as="", until=""))


@attack("E-SEVERITY")
def absolute_rule_played_down() -> Made:
    """The root warns of KEY-1 only, which no root may."""
    found = Finding("KEY-1", Level.WARN, "identity", "agent.triage", "a key", "delete it", "triage")
    return judged(found, severity={"KEY-1": "warn", "TRI-1": "accept"})


@attack("E-SEVERITY")
def severity_hidden_behind_absolute() -> Made:
    """The plan calls a rule absolute, so that nobody looks at how hard it is."""
    return judged(replace(s.TRIFECTA, level=Level.WARN, absolute=True))


@attack("E-SEVERITY")
def finding_redirected_to_another_owner() -> Made:
    """The trifecta is called a matter of the runtime, whose owner accepts it in the API team's place."""
    return judged(replace(s.TRIFECTA, surface="runtime", changes=(1,)))


OWN = RootRule("grant", "block", "tool_access", "self.reason != null")
OWN_FOUND = Finding("dated", Level.BLOCK, "tool_access", "grant.reads", "says no reason", "say why")


@attack("E-SEVERITY")
def own_rule_played_down() -> Made:
    """The pull request makes a warning of the organisation's own rule, which blocks by the root in force."""
    return judged(replace(OWN_FOUND, level=Level.WARN), rules={"rule.dated": OWN})


@attack("verified")
def control_own_rule_that_warns() -> Made:
    """The root warns, and so does the plan."""
    warns = replace(OWN, severity="warn", name="dated")
    return judged(replace(OWN_FOUND, level=Level.WARN), rules={"module.all.rule.other": warns})


@attack("E-RULE")
def rule_that_nobody_knows() -> Made:
    """The plan warns of a rule that neither this version nor the root has: it was made by another version."""
    return judged(replace(OWN_FOUND, level=Level.WARN))
