"""Sets aside what the team says it knows, and keeps it in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from ..config.ignores import Ignore
from ..model.drift import Difference, DriftReport, Ignored


def set_aside(report: DriftReport, ignores: Sequence[Ignore], today: date) -> DriftReport:
    """The report with ignored differences moved under `ignored`, each to the first block that covers it.

    Numbers stay, and agents that differ still count as differing. A block ends on the day it names (`today` in UTC).
    """
    taken: list[list[Difference]] = [[] for _ in ignores]
    left: list[Difference] = []
    for difference in report.differences:
        at = next((n for n, one in enumerate(ignores) if today < one.expires and one.covers(difference)), None)
        (left if at is None else taken[at]).append(difference)
    ignored = tuple(
        Ignored(str(one.range), one.reason, one.expires.isoformat(), one.expires <= today, tuple(found))
        for one, found in zip(ignores, taken, strict=True)
    )
    return replace(report, differences=tuple(left), ignored=ignored)
