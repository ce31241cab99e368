"""What the workflow's functions give back to the command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from ..model.diagnostics import Diagnostic
from ..model.findings import Level, TestResult
from ..model.resources import Coverage
from ..planfile import PlanFile


class Condition(IntEnum):
    """Exit codes; where several hold, `decide` says which one is the command's."""

    FINE = 0
    ERROR = 1
    CHANGES = 2
    SIGN_OFF = 3
    BLOCKED = 4
    OUT_OF_BAND = 5
    INCOMPLETE = 6


_PRECEDENCE = (
    Condition.ERROR,
    Condition.OUT_OF_BAND,
    Condition.BLOCKED,
    Condition.INCOMPLETE,
    Condition.SIGN_OFF,
    Condition.CHANGES,
)


def decide(conditions: Iterable[Condition]) -> Condition:
    """1 > 5 > 4 > 6 > 3 > 2 > 0."""
    held = set(conditions)
    return next((condition for condition in _PRECEDENCE if condition in held), Condition.FINE)


@dataclass(frozen=True, slots=True)
class PlanRun:
    """A plan and how it was made. `tests` are all judged results, the plan itself holds counts and failures."""

    file: PlanFile
    coverage: Coverage
    milliseconds: int
    tests: tuple[TestResult, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    def conditions(self) -> tuple[Condition, ...]:
        """What holds for this plan before anybody has signed it; CHANGES is for -detailed-exitcode only."""
        plan = self.file.plan
        out = []
        if plan.changes:
            out.append(Condition.CHANGES)
        if any(finding.level is Level.BLOCK for finding in plan.findings):
            out.append(Condition.BLOCKED)
        if plan.gaps:
            out.append(Condition.INCOMPLETE)
        return tuple(out)


@dataclass(frozen=True, slots=True)
class TestRun:
    """Every judged boundary test."""

    __test__ = False

    results: tuple[TestResult, ...]

    def conditions(self) -> tuple[Condition, ...]:
        return (Condition.BLOCKED,) if any(not result.passed for result in self.results) else ()
