"""What the signed plans before have left behind, from the ledger."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..approval.past import Past
from ..ledger import replay, views
from ..ledger.entries import History
from ..ledger.log import Ledger
from ..runner import Runner
from .authorized import attested, counted
from .baselines import first_violations
from .roots import last_whole

_PAST: WeakKeyDictionary[History, tuple[int, Past]] = WeakKeyDictionary()
"""What was found already, as long as the history has not grown."""


def past(ledger: Ledger, runner: Runner) -> Past:
    """What plans are measured with that come now. Only plans that were signed for count. Raises DiagnosticError."""
    size, known = _PAST.get(ledger.history, (0, Past()))
    if size != len(ledger.history):
        known = _past(ledger, runner)
        _PAST[ledger.history] = (len(ledger.history), known)
    return known


def _past(ledger: Ledger, runner: Runner) -> Past:
    counts = counted(ledger, runner)
    last = last_whole(ledger, attested(ledger, runner))
    signed = replay.signed_state(ledger.history, counts)
    served = {address: item.tools for address, item in signed.items()}
    whose = {address: item.agent for address, item in signed.items() if item.attributes is not None}
    bases = {name for record in views.roots(ledger.history) for name in record.data.get("baselines", {})}
    violations = {name: first_violations(name, ledger.history, counts) for name in sorted(bases)}
    return Past(last.plan.declared if last is not None else None, served, whose, violations)
