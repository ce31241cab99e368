"""What the workflow's functions give back to the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model.diagnostics import Diagnostic
from ..model.findings import TestCoverage, TestResult
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
    """Every judged boundary test. `world` is `planned` or `live`, `simulated` the clouds whose simulators judged the
    attempts (None: nobody asked for that), `gaps` the reads that failed. `calls` counts those reads by
    `provider:target`; what a simulator was asked is not among them."""

    __test__ = False

    results: tuple[TestResult, ...]
    warnings: tuple[Diagnostic, ...] = ()
    coverage: tuple[TestCoverage, ...] = ()
    world: str = "planned"
    simulated: tuple[str, ...] | None = None
    gaps: tuple[str, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    milliseconds: int = 0

    @property
    def failed(self) -> bool:
        return any(not result.passed for result in self.results)
