"""What rules and boundary tests say about a plan, and what a provider sees for rules to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from .requests import Deciding
from .resources import Address
from .source import SourceRange


class Level(StrEnum):
    """What a finding does: BLOCK stops the plan, ACCEPT needs the owner's acceptance in the sign-off, WARN warns.

    EXCEPTED would block or need acceptance, and an exception or baseline of the trust root in force lifts it.
    """

    BLOCK = "block"
    ACCEPT = "accept"
    WARN = "warn"
    EXCEPTED = "excepted"


ABSOLUTE: Final = frozenset({"OWN-1", "KEY-1", "FED-1", "FED-4", "EXC-1"})
"""Rules that no exception lifts, no severity lowers and no broken glass goes around, whatever a plan says of them."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A rule that comes with the tool, as a plan is judged by it where the trust root says nothing else.

    `along`: its findings are about what an agent may do through others too, so they may name those agents' changes.
    """

    level: Level
    surface: str
    along: bool = False


def _shipped() -> Mapping[str, Shipped]:
    of = {
        (Level.BLOCK, "governance"): ("OWN-1", "INV-1", "OFF-1", "TST-1", "EXC-1", "DRF-1"),
        (Level.ACCEPT, "governance"): ("OFF-2",),
        (Level.WARN, "governance"): ("OWN-2", "EXC-2"),
        (Level.BLOCK, "identity"): ("KEY-1", "TP-1", "FED-1", "FED-2", "FED-4", "ENV-1", "ID-1", "HUM-1"),
        (Level.ACCEPT, "identity"): ("FED-3", "ATT-1", "ADO-1"),
        (Level.BLOCK, "tool_access"): ("PRV-1", "PRV-2", "PRV-3", "PRV-4", "A2A-1"),
        (Level.ACCEPT, "tool_access"): ("EXE-1", "TRI-1"),
        (Level.WARN, "tool_access"): ("PRV-5",),
        (Level.BLOCK, "runtime"): ("KIL-1",),
    }
    return {rule: Shipped(*key, along=rule == "TRI-1") for key, rules in of.items() for rule in rules}


SHIPPED: Final[Mapping[str, Shipped]] = _shipped()
"""The severity and surface of every rule of policy/table.py, by id: who judges a plan reads no rules. A test holds that
both agree."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation. `subject` is the block or resource it is about; `fix` the way out; `changes` their numbers.

    `surface` names whose owner accepts it; `absolute` findings cannot be lifted by any exception. An EXCEPTED one
    names the exception or baseline (`exception.x`), which of its subjects covers it, and the day on which that ends.
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
    exception: str = ""
    covered_as: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something in a world that a rule is about, as a provider sees it: a fact, which the rule makes a finding.

    `rule` is the rule's id, `address` the resource that holds it. `message` says what is there and `fix` the way out,
    each a clause without a full stop.
    """

    rule: str
    address: Address
    agent: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class TestResult:
    """One judged attempt or assume of a boundary test. `got` is `allowed`, `denied` or `depends`.

    `passed` is false for a test that could not be judged: `missing` says what was lacking. `deciding` names the
    statements that decide; plans leave it out, since `because` says the same to who signs.
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
    deciding: tuple[Deciding, ...] = ()


@dataclass(frozen=True, slots=True)
class TestCoverage:
    """How many judged cases an agent has on one surface; `generated` of them are the tool's own."""

    __test__ = False

    agent: str
    surface: str
    passed: int
    failed: int
    generated: int

    @property
    def total(self) -> int:
        return self.passed + self.failed


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
