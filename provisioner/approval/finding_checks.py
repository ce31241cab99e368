"""What a plan claims of findings and tests, held against the root in force. Pure: a case in, refusals out.

Each check stands alone in FINDING_CHECKS; a test takes each away and expects an attack to get through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..model.changes import Surface
from ..model.findings import ABSOLUTE, SHIPPED, Finding, Level
from ..planfile import PlanFileError, from_builtins
from .case import REPLAN, Case, PlanCheck
from .lifting import Known, covered_as, lifters, proposed
from .root import RootData, rules_named
from .verdict import Refusal


def severities_are_the_roots(case: Case) -> Iterator[Refusal]:
    """How hard a finding is, and whose, is the root's word; where the root says nothing, the rule's own.

    A plan that was carried out long ago is held against the root alone: what a rule says by itself may have changed.
    """
    for finding in case.planfile.plan.findings:
        if finding.level is Level.EXCEPTED or _accepted_with_next_root(case, finding):
            continue  # exceptions_are_the_roots judges what lifts it
        wanted = _demanded(case, finding.rule)
        if wanted is None:
            reason = f"{finding.rule} is no rule of this version, nor one of the trust root's"
            fix = f"The plan was made by another version: apply it with that one, or {REPLAN[0].lower()}{REPLAN[1:]}"
            yield Refusal("E-RULE", reason, fix)
        elif finding.level not in wanted.levels:
            reason = f"the plan takes {finding.rule} as {finding.level}, and the trust root as {wanted.levels[0]}"
            yield Refusal("E-SEVERITY", reason, REPLAN)
        elif wanted.surfaces and finding.surface not in wanted.surfaces:
            reason = f"{finding.rule} is a matter of {wanted.surfaces[0]}, and the plan asks {finding.surface} about it"
            yield Refusal("E-SEVERITY", reason, REPLAN)


@dataclass(frozen=True, slots=True)
class _Demanded:
    """The levels and surfaces that a finding of a rule may have. No surfaces: any will do."""

    levels: tuple[Level, ...]
    surfaces: tuple[str, ...] = ()


def _demanded(case: Case, rule: str) -> _Demanded | None:
    """What the root in force demands of a rule's findings; None for a rule that nobody here knows."""
    root, shipped = case.evidence.root.root.data, SHIPPED.get(rule)
    now = case.evidence.past is not None
    if shipped is not None:
        level = shipped.level if rule in ABSOLUTE else Level(root.severity.get(rule, shipped.level))
        if now:
            return _Demanded((level,), (shipped.surface,))
        return _Demanded((level,) if rule in ABSOLUTE or rule in root.severity else tuple(Level))
    if not now:
        return _Demanded((Level(root.severity[rule]),) if rule in root.severity else tuple(Level))
    following = _next(case)
    own = rules_named(root, rule) or (rules_named(following, rule) if following is not None else ())
    if not own:
        return None
    return _Demanded(tuple(Level(one.severity) for one in own), tuple(one.surface for one in own))


def exceptions_are_the_roots(case: Case) -> Iterator[Refusal]:
    """What lifts a finding must be in the root in force, hold now, and be about this rule and subject."""
    root, past = case.evidence.root.root.data, case.evidence.past
    known, in_force = Known(case.planfile.plan, past), lifters(root, past, case.evidence.now)
    for finding in case.planfile.plan.findings:
        if finding.level is not Level.EXCEPTED:
            continue
        lifter = in_force.get(finding.exception)
        if lifter is None or lifter.until != finding.until or finding.rule in ABSOLUTE or finding.absolute:
            covered = False
        elif known.declared is None:  # an old plan that is read again: says_what_it_was_made_from refuses others
            covered = finding.rule in lifter.rules and (not lifter.subjects or finding.covered_as in lifter.subjects)
        else:
            covered = finding.covered_as in covered_as(lifter, finding, known)
        if not covered:
            what = f"{finding.rule} on {finding.subject}"
            reason = f"{what} is lifted by {finding.exception or 'nothing'}, which the trust root does not say"
            yield Refusal("E-EXCEPTION", reason, REPLAN)


def _accepted_with_next_root(case: Case, finding: Finding) -> bool:
    """Whether governance accepts the finding together with the next root, which would lift it."""
    following = _next(case)
    if following is None or finding.level is not Level.ACCEPT or finding.surface != Surface.GOVERNANCE.value:
        return False
    if finding.rule in ABSOLUTE:
        return False
    known = Known(case.planfile.plan, case.evidence.past)
    waiting = proposed(case.evidence.root.root.data, following)
    if known.declared is None:
        return any(finding.rule in lifter.rules for lifter in waiting)
    return any(covered_as(lifter, finding, known) for lifter in waiting)


def _next(case: Case) -> RootData | None:
    """The root that the plan would make; None also for one that cannot be read, which next_root_is_sound refuses."""
    wanted = case.planfile.plan.next_root
    try:
        return from_builtins(wanted.data, RootData) if wanted is not None else None
    except PlanFileError:
        return None


def no_blocking_finding(case: Case) -> Iterator[Refusal]:
    for finding in case.planfile.plan.findings:
        absolute = finding.absolute or finding.rule in ABSOLUTE
        if finding.level is Level.BLOCK and (absolute or not case.glass.lifts(finding)):
            yield Refusal("E-BLOCKED", f"{finding.rule} blocks the plan: {finding.message}", finding.fix)


def risks_have_an_acceptor(case: Case) -> Iterator[Refusal]:
    """A finding that somebody must accept, and that no requirement asks about, would be accepted by nobody."""
    asked = {name for requirement in case.demands.requirements for name in requirement.accept}
    for finding in case.planfile.plan.findings:
        if finding.level is Level.ACCEPT and f"{finding.rule} {finding.subject}" not in asked:
            reason = f"{finding.rule} needs to be accepted, and no owner answers for {finding.surface}"
            yield Refusal("E-UNACCEPTED", reason, finding.fix)


def tests_pass(case: Case) -> Iterator[Refusal]:
    count = case.glass.unlifted(case.planfile.plan.tests)
    if count > 0:
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
