"""What the workflow's functions give back to the command line."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.diagnostics import Diagnostic
from ..model.findings import TestResult
from ..model.resources import Coverage
from ..planfile import PlanFile
from ..render.signoff import SignOffs


@dataclass(frozen=True, slots=True)
class PlanRun:
    """A plan and how it was made. `tests` are all judged results, the plan itself holds counts and failures.

    `signoffs` is what the ledger has for this very plan already.
    """

    file: PlanFile
    coverage: Coverage
    milliseconds: int
    signoffs: SignOffs
    tests: tuple[TestResult, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class TestRun:
    """Every judged boundary test."""

    __test__ = False

    results: tuple[TestResult, ...]
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def failed(self) -> bool:
        return any(not result.passed for result in self.results)
