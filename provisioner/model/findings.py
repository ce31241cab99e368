"""What rules and boundary tests say about a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .source import SourceRange


class Level(StrEnum):
    """What a finding does: BLOCK stops the plan, ACCEPT needs the owner's acceptance in the sign-off, WARN warns."""

    BLOCK = "block"
    ACCEPT = "accept"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation. `subject` is the block or resource it is about; `fix` the way out; `changes` their numbers.

    `surface` names whose owner accepts it; `absolute` findings cannot be lifted by any exception.
    """

    rule: str
    level: Level
    surface: str
    subject: str
    message: str
    fix: str
    agent: str | None = None
    changes: tuple[int, ...] = ()
    absolute: bool = False
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestResult:
    """One judged attempt or assume of a boundary test. `got` is `allowed`, `denied` or `depends`.

    `passed` is false for a test that could not be judged: `missing` says what was lacking.
    """

    __test__ = False

    test: str
    case: str
    agent: str
    surface: str
    expect: str
    got: str
    passed: bool
    generated: bool = False
    because: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Located:
    """Where a block or finding stands in the files: kept beside the signed plan, never in it."""

    subject: str
    range: SourceRange


@dataclass(frozen=True, slots=True)
class TestSummary:
    """Counts that a plan signs, and every result that is not a pass."""

    __test__ = False

    passed: int = 0
    failed: int = 0
    expected_denied: int = 0
    expected_allowed: int = 0
    failures: tuple[TestResult, ...] = field(default=())
