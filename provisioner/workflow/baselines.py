"""What baselines stand for: the findings of their first day, as signed plans have them. They only shrink."""

from __future__ import annotations

from collections.abc import Callable

from ..ledger import views
from ..ledger.entries import History, Kind

Violations = frozenset[tuple[str, str]]
"""Findings by rule and subject."""


def first_violations(name: str, history: History, counts: Callable[[str], bool]) -> Violations:
    """What the plan that brought a baseline found, less what a later signed plan found no more. `counts` says which
    plans, by digest, were signed for."""
    first = next((record for record in views.roots(history) if name in record.data.get("baselines", {})), None)
    if first is None or first.plan is None:
        return frozenset()
    brought = views.publication(history, first.plan)
    if brought is None:
        return frozenset()
    left = _found(brought)
    for entry in history.of(Kind.CONSUMED):
        if entry.index <= first.entry.index or not counts(entry.body["plan"]):
            continue
        applied = views.publication(history, entry.body["plan"])
        if applied is not None and not applied.file().plan.scope and applied.digest != first.plan:
            left &= _found(applied)
    return left


def _found(publication: views.Publication) -> Violations:
    return frozenset((finding.rule, finding.subject) for finding in publication.file().plan.findings)
