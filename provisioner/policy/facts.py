"""What rules look at, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from ..model.changes import Change, Surface
from ..model.configuration import Configuration
from ..model.findings import Finding, Hazard, Level, TestResult
from ..model.resources import Address, Resource
from ..sdk.schema import KindSchema


class Owner(Protocol):
    """What rules need to know of a control owner."""

    @property
    def surfaces(self) -> tuple[str, ...]: ...

    @property
    def signers(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception or baseline: `address` is its block's, `covers` decides about a finding's names.

    `until` is the ISO date with whose first moment it ends. `proposed`: it is not in the root in force, but in the
    one that this plan brings; governance accepts what it would lift together with it. `violations`, for a baseline,
    are the findings of its first day, (rule, subject); None while it is proposed.
    """

    address: str
    rules: tuple[str, ...]
    subjects: tuple[str, ...]
    until: str
    proposed: bool = False
    violations: frozenset[tuple[str, str]] | None = None
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may look at. `owners` are those of the root in force; `after` is the planned world.

    `scope` is the set of agent names that the plan is about (every agent without -target); `probed` those whose
    generated negatives are among `tests`. `hazards` are what providers and logs say about the planned world;
    `waivers` the exceptions and baselines of the root in force and of the next one; `known_exceptions` the addresses
    of exceptions that the root in force holds.
    """

    configuration: Configuration
    owners: Mapping[str, Owner]
    changes: Sequence[Change]
    after: Mapping[Address, Resource]
    kinds: Mapping[str, Mapping[str, KindSchema]]
    tests: Sequence[TestResult]
    today: date
    scope: frozenset[str]
    probed: frozenset[str]
    hazards: Sequence[Hazard] = ()
    waivers: Sequence[Waiver] = ()
    known_exceptions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """`absolute` findings are lifted by no exception and lowered by no severity of the root.

    `why` says what goes wrong without it; `breaks` and `holds` are examples, in HCL or a policy.
    """

    id: str
    level: Level
    surface: Surface
    summary: str
    check: Callable[[Facts], Iterable[Finding]]
    absolute: bool = False
    why: str = ""
    fix: str = ""
    breaks: str = ""
    holds: str = ""
    references: tuple[str, ...] = field(default=())


def finding(
    rule: str, subject: str, message: str, fix: str, *, agent: str | None = None, changes: Iterable[int] = ()
) -> Finding:
    """A finding whose level and references the engine fills in."""
    return Finding(rule, Level.BLOCK, "", subject, message, fix, agent, tuple(changes))
