"""What a plan claims of findings and tests, held against the root in force. Pure: a case in, refusals out.

Each check stands alone in FINDING_CHECKS; a test takes each away and expects an attack to get through.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model.changes import Surface
from ..model.findings import ABSOLUTE, Finding, Level
from .case import REPLAN, Case, PlanCheck
from .exceptions import baselines_in_force, exceptions_in_force
from .verdict import Refusal


def severities_are_the_roots(case: Case) -> Iterator[Refusal]:
    severity = case.evidence.root.root.data.severity
    for finding in case.planfile.plan.findings:
        wanted = severity.get(finding.rule)
        lifted = finding.level is Level.EXCEPTED or _accepted_with_next_root(case, finding)
        if wanted is not None and not finding.absolute and finding.level != wanted and not lifted:
            reason = f"the plan takes {finding.rule} as {finding.level}, and the trust root as {wanted}"
            yield Refusal("E-SEVERITY", reason, REPLAN)


def exceptions_are_the_roots(case: Case) -> Iterator[Refusal]:
    """What lifts a finding must be in the root in force, hold now, and be about this rule and subject."""
    root, now = case.evidence.root.root.data, case.evidence.now
    waivers: dict[str, tuple[tuple[str, ...], tuple[str, ...] | None, str]] = {
        **{name: ((item.rule,), item.subjects, item.expires) for name, item in exceptions_in_force(root, now).items()},
        **{name: (item.rules, None, item.expires) for name, item in baselines_in_force(root, now).items()},
    }
    for finding in case.planfile.plan.findings:
        if finding.level is not Level.EXCEPTED:
            continue
        rules, subjects, until = waivers.get(finding.exception, ((), None, ""))
        covers = finding.rule in rules and (subjects is None or finding.covered_as in subjects)
        if not covers or until != finding.until or finding.absolute or finding.rule in ABSOLUTE:
            reason = f"{finding.rule} is lifted by {finding.exception or 'nothing'}, which the trust root does not say"
            yield Refusal("E-EXCEPTION", reason, REPLAN)


def _accepted_with_next_root(case: Case, finding: Finding) -> bool:
    """Whether governance accepts the finding together with the next root, which would lift it."""
    following = case.planfile.plan.next_root
    if following is None or finding.level is not Level.ACCEPT or finding.surface != Surface.GOVERNANCE.value:
        return False
    root, data = case.evidence.root.root.data, following.data
    named = [item for name, item in data.get("exceptions", {}).items() if name not in root.exceptions]
    named += [item for name, item in data.get("baselines", {}).items() if name not in root.baselines]
    return any(finding.rule == item.get("rule") or finding.rule in item.get("rules", ()) for item in named)


def no_blocking_finding(case: Case) -> Iterator[Refusal]:
    for finding in case.planfile.plan.findings:
        absolute = finding.absolute or finding.rule in ABSOLUTE
        if finding.level is Level.BLOCK and (absolute or finding.surface not in case.broken):
            yield Refusal("E-BLOCKED", f"{finding.rule} blocks the plan: {finding.message}", finding.fix)


def risks_have_an_acceptor(case: Case) -> Iterator[Refusal]:
    """A finding that somebody must accept, and that no requirement asks about, would be accepted by nobody."""
    asked = {name for requirement in case.demands.requirements for name in requirement.accept}
    for finding in case.planfile.plan.findings:
        if finding.level is Level.ACCEPT and f"{finding.rule} {finding.subject}" not in asked:
            reason = f"{finding.rule} needs to be accepted, and no owner answers for {finding.surface}"
            yield Refusal("E-UNACCEPTED", reason, finding.fix)


def tests_pass(case: Case) -> Iterator[Refusal]:
    tests = case.planfile.plan.tests
    if case.broken:
        return
    if tests.failed or any(not result.passed for result in tests.failures):
        count = max(tests.failed, 1)
        yield Refusal(
            "E-TESTS",
            f"{count} boundary test{'s fail' if count > 1 else ' fails'} on what the plan would make",
            "Narrow the change until `provisioner test` passes.",
        )


def everything_was_read(case: Case) -> Iterator[Refusal]:
    plan = case.planfile.plan
    for gap in plan.gaps:
        touched = any(
            (change.address.provider, change.address.target) == (gap.provider, gap.target)
            and (not gap.agents or change.agent is None or change.agent in gap.agents)
            for change in plan.changes
        )
        if touched:
            reason = f"{gap.what} of {gap.provider} {gap.target} was not read ({gap.reason}), and the plan changes it"
            yield Refusal("E-COVERAGE", reason, "Give the reader the permission, and plan again.")


FINDING_CHECKS: tuple[PlanCheck, ...] = (
    severities_are_the_roots,
    exceptions_are_the_roots,
    no_blocking_finding,
    risks_have_an_acceptor,
    tests_pass,
    everything_was_read,
)
