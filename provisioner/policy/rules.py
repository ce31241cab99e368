"""The engine of the rules: what each finds becomes findings with level, references and what lifts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..approval.lifting import fits
from ..model.configuration import CustomRule
from ..model.findings import Finding, Level
from .catalogue import catalogue
from .facts import Facts, Owner, Rule, Waiver
from .table import RULES

_ORDER = {Level.BLOCK: 0, Level.ACCEPT: 1, Level.WARN: 2, Level.EXCEPTED: 3}


def findings(facts: Facts, severity: Mapping[str, str]) -> tuple[Finding, ...]:
    """Every finding, worst first, in a stable order. `severity` is the root's override by rule id."""
    raw = [finding for rule in RULES for finding in _of_rule(rule, facts, severity.get(rule.id))]
    raw += [finding for rule in facts.configuration.rules.values() for finding in _of_own(rule)]
    found = [_lifted(finding, facts) for finding in _distinct(raw)]
    found.sort(key=lambda finding: (_ORDER[finding.level], finding.rule, finding.subject, finding.message))
    return tuple(found)


def _of_rule(rule: Rule, facts: Facts, override: str | None) -> Iterator[Finding]:
    level = rule.level if override is None or rule.absolute else Level(override)
    references = catalogue().rules[rule.id]
    for finding in rule.check(facts):
        yield replace(finding, level=level, absolute=rule.absolute, references=references, surface=rule.surface.value)


def _of_own(rule: CustomRule) -> Iterator[Finding]:
    """The findings of an organisation's own rule. The configuration says how hard they are: a rule only adds."""
    for subject, message in rule.breaches:
        level = Level(rule.severity)
        yield Finding(rule.name, level, rule.surface, subject, message, rule.fix, references=rule.references)


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each rule, subject and message: a sign-off accepts it once."""
    found: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        known = found.setdefault((finding.rule, finding.subject, finding.message), finding)
        if known is not finding:
            changes = tuple(sorted({*known.changes, *finding.changes}))
            found[(finding.rule, finding.subject, finding.message)] = replace(known, changes=changes)
    return list(found.values())


def _lifted(finding: Finding, facts: Facts) -> Finding:
    """The finding as the exceptions and baselines leave it. Absolute rules and warnings stay as they are.

    What only the next root would lift is accepted by governance together with that root, in the same plan.
    """
    if finding.absolute or finding.level not in (Level.BLOCK, Level.ACCEPT):
        return finding
    names = _names(finding, facts)
    for waiver in sorted(facts.waivers, key=lambda one: (one.proposed, one.address)):
        covered = next((name for name in waiver.subjects if name in names), None)
        if covered is None or finding.rule not in waiver.rules:
            continue
        if waiver.violations is not None and (finding.rule, finding.subject) not in waiver.violations:
            continue
        if waiver.proposed:
            fix = f"governance accepts it together with {waiver.address}, which lifts it until {waiver.until}"
            return replace(finding, level=Level.ACCEPT, surface="governance", fix=fix)
        return replace(finding, level=Level.EXCEPTED, exception=waiver.address, covered_as=covered, until=waiver.until)
    return finding


def _names(finding: Finding, facts: Facts) -> frozenset[str]:
    """What an exception may call the subject: the block or resource itself, its agent, the blocks of its changes.

    Nothing where the verifier, which knows only what is signed, would not tell whose the finding is.
    """
    if not fits(finding, [change for change in facts.changes if change.number in finding.changes]):
        return frozenset()
    names = {finding.subject}
    agent = facts.configuration.agents.get(finding.agent or "")
    if agent is not None:
        names.add(agent.address)
    names |= {change.block for change in facts.changes if change.number in finding.changes and change.block}
    return frozenset(names)


__all__ = ["RULES", "Facts", "Owner", "Rule", "Waiver", "findings"]
