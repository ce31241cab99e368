"""A plan before its judge: what every check of a plan is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ..model.plan import Requirement
from ..planfile import PlanFile
from .glass import Glass
from .requirements import Demands
from .root import RootData
from .verdict import Evidence, Refusal

CLOCK_SKEW: Final = timedelta(minutes=5)

REPLAN: Final = "Make the plan anew with `provisioner plan`, and have it signed."


@dataclass(frozen=True, slots=True)
class Case:
    """A plan before its judge. `demands` were computed from the root in force, not read from the plan."""

    planfile: PlanFile
    evidence: Evidence
    demands: Demands
    broken: frozenset[Requirement] = frozenset()
    """Parts for which glass was broken: rules that are not absolute do not hold there."""

    @property
    def glass(self) -> Glass:
        return Glass(self.planfile.plan, self.demands.requirements, self.broken)


PlanCheck = Callable[[Case], Iterator[Refusal]]


def time_to_live(root: RootData, demands: Demands) -> timedelta:
    """How long a plan lives once published. One that waits for the notice to an owner lives so much longer."""
    notice = root.approval.notice_seconds if demands.yielding else 0
    return timedelta(seconds=root.approval.plan_ttl_seconds + notice)
