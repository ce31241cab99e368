"""What broken glass lifts: the blocking rules and failing tests of the parts that were signed so, and no others. Pure.

Two people of governance sign in one owner's place for one part: a surface, an owner, its changes. What a rule says of
another owner's changes on that surface, or of agents that the part does not touch, still holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from ..model.changes import Change
from ..model.findings import Finding, TestResult, TestSummary
from ..model.plan import Plan, Requirement
from .requirements import Served, served_by

FAILING_TEST = "TST-1"
"""The rule that says of a failing boundary test that it fails: lifted with the test itself."""


@dataclass(frozen=True, slots=True)
class Glass:
    """`parts` are all that the root demands of a plan; `broken` are those that governance signed by breaking glass."""

    plan: Plan
    parts: tuple[Requirement, ...]
    broken: frozenset[Requirement]

    def lifts(self, finding: Finding) -> bool:
        """Whether every part that a blocking finding is about was broken, and there is one."""
        if finding.rule == FAILING_TEST:
            return self._lifts_named(finding)
        changes = {change.number: change for change in self.plan.changes}
        if not set(finding.changes) <= set(changes):
            return False
        touching = {number for number in finding.changes if finding.surface in changes[number].surfaces}
        if touching:
            return touching <= self._signed(finding.surface, touching)
        return finding.agent is not None and self._about(finding.surface, finding.agent)

    def unlifted(self, tests: TestSummary) -> int:
        """How many failing tests nobody took on. A failure that the plan counts and does not show is one of them."""
        shown = [result for result in tests.failures if not result.passed]
        return max(tests.failed, len(shown)) - sum(self._lifts_test(result) for result in shown)

    def _lifts_named(self, finding: Finding) -> bool:
        """TST-1 about a failing test: as that test. About an agent without tests, it is governance's alone."""
        found = [
            result
            for result in self.plan.tests.failures
            if not result.passed and f"{result.test} {result.case}".strip() == finding.subject
        ]
        return bool(found) and all(self._lifts_test(result) for result in found)

    def _lifts_test(self, result: TestResult) -> bool:
        return self._about(result.surface, result.agent)

    def _signed(self, surface: str, numbers: Set[int]) -> set[int]:
        """The changes of a surface that broken parts hold, where all parts that hold one of `numbers` were broken."""
        concerned = [part for part in self.parts if part.surface == surface and numbers & set(part.changes)]
        if not all(part in self.broken for part in concerned):
            return set()
        return {number for part in concerned for number in part.changes}

    def _about(self, surface: str, agent: str) -> bool:
        """Whether the parts of a surface that change what an agent may do were all broken, and there is one."""
        served = served_by(self.plan)
        numbers = {change.number for change in self._changes(served, agent)}
        concerned = [part for part in self.parts if part.surface == surface and numbers & set(part.changes)]
        return bool(concerned) and all(part in self.broken for part in concerned)

    def _changes(self, served: Served, agent: str) -> Iterator[Change]:
        return (change for change in self.plan.changes if agent in served.of(change))
