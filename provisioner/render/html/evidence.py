"""What speaks for and against a plan: findings with framework references, boundary tests, what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...model.findings import Finding, Level, TestResult
from ...model.plan import Plan, PlanNotes
from ...policy.catalogue import catalogue
from ..text import count
from .markup import Child, Html, items, join, table, tag
from .words import LEVELS, numbers

_PASSES = 400
"""Passing tests that are listed; more are counted."""


def findings(plan: Plan, notes: PlanNotes) -> Html:
    """What rules say, then the ways to become more that the plan opens."""
    return join([_rules(plan, notes), *_paths(plan)])


def _paths(plan: Plan) -> Sequence[Html]:
    if not plan.new_paths:
        return ()
    said = [
        f"agent.{path.agent}, {path.technique}: {path.text}{'' if path.certain else ', if the context allows it'}"
        for path in plan.new_paths
    ]
    text = f"This plan opens {count(len(said), 'new path')} to more authority:"
    return (tag("p", text), items(said))


def _rules(plan: Plan, notes: PlanNotes) -> Html:
    """A table, what blocks first."""
    if not plan.findings:
        return tag("p", "No rule has anything to say about this plan.")
    where = {located.subject: str(located.range) for located in notes.sources}
    tally = Counter(finding.level for finding in plan.findings)
    said = ", ".join(f"{tally[level]} {_level(level, tally[level])}" for level in Level if tally[level])
    ordered = sorted(plan.findings, key=lambda finding: list(Level).index(finding.level))
    rows = [_finding(finding, where.get(finding.subject)) for finding in ordered]
    head = ("Rule", "What it does", "About", "What was found", "Way out", "References")
    return join([tag("p", f"{said}."), table("Findings", head, rows, "findings")])


def _level(level: Level, number: int) -> str:
    return {
        Level.BLOCK: "blocks" if number == 1 else "block",
        Level.ACCEPT: "to accept",
        Level.WARN: "warning" if number == 1 else "warnings",
        Level.EXCEPTED: "set aside by an exception",
    }[level]


def _finding(finding: Finding, where: str | None) -> Sequence[Child]:
    what = join([finding.message, " (", numbers(finding.changes, 6), ")"]) if finding.changes else finding.message
    way = f"{finding.exception} lifts it until {finding.until}" if finding.level is Level.EXCEPTED else finding.fix
    level = LEVELS[finding.level] + ("; no exception lifts it" if finding.absolute else "")
    about = join([tag("code", finding.subject), f" {where}" if where else None])
    return (
        finding.rule,
        tag("span", level, class_=f"level {finding.level.value}"),
        about,
        what,
        way,
        _references(finding),
    )


def _references(finding: Finding) -> Html:
    """`NHI5` with the name of the framework that it is in."""
    known = catalogue()
    told = []
    for reference in finding.references:
        framework = known.framework(reference)
        told.append(join([tag("strong", reference), f" {framework}" if framework else None]))
    return items(told, "plain") or Html("none")


def tests(plan: Plan, results: Sequence[TestResult] | None) -> Html:
    """Counts and failures; with `results`, which a fresh plan has, every test."""
    summary = plan.tests
    total = summary.passed + summary.failed
    if not total:
        return tag("p", "No boundary test was judged.")
    verdict = f"{summary.passed} of {total} pass on the planned policies"
    verdict += f", {summary.failed} fail" if summary.failed else ""
    verdict += f": {summary.expected_denied} say what must be denied, {summary.expected_allowed} what must be allowed."
    parts: list[Child] = [tag("p", verdict)]
    if summary.failures:
        parts.append(_results("Failures", summary.failures))
    passed = [result for result in results or () if result.passed]
    if passed:
        more = len(passed) - _PASSES
        label = f"{count(len(passed), 'test')} that pass{'es' if len(passed) == 1 else ''}"
        inner: list[Child] = [tag("summary", label), _results("Tests that pass", passed[:_PASSES])]
        inner.append(tag("p", f"and {more} more") if more > 0 else None)
        parts.append(tag("details", *inner))
    return join(parts)


def _results(caption: str, results: Sequence[TestResult]) -> Html:
    rows: list[Sequence[Child]] = []
    for result in results:
        why = [*result.because, *(f"not known: {text}" for text in result.missing)]
        name = f"{result.test} {result.case}".strip()
        rows.append((name, result.agent, result.surface, result.expect, result.got, "; ".join(why)))
    return table(caption, ("Test", "Agent", "Surface", "Expected", "Got", "Why"), rows)


def coverage(plan: Plan, notes: PlanNotes) -> Html:
    """What was seen of the clouds and what was not: what nobody looked at, nobody judged."""
    calls = sum(notes.calls.values())
    parts: list[Child] = []
    if plan.gaps:
        parts.append(tag("p", tag("strong", "Not everything could be read."), " What stands here was not seen:"))
        gaps = []
        for gap in plan.gaps:
            lacks = f" (the reader lacks {gap.permission})" if gap.permission else ""
            who = f"; not fully known: {', '.join(gap.agents)}" if gap.agents else ""
            gaps.append(f"{gap.what} in {gap.provider} {gap.target}: {gap.reason}{lacks}{who}")
        parts.append(items(gaps))
    else:
        cost = f" with {count(calls, 'call')}" if calls else ""
        parts.append(tag("p", f"Everything in scope was read{cost}."))
    if plan.not_looked_at:
        parts += [tag("p", "Not judged:"), items(plan.not_looked_at)]
    if plan.unknown_authors:
        parts += [
            tag("p", "Not known who wrote it, so that what gets wider needs two people:"),
            items(plan.unknown_authors),
        ]
    return join(parts)
