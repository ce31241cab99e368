"""What the signed plans before have left behind, from the ledger."""

from __future__ import annotations

from ..approval.past import Past
from ..ledger import replay
from ..ledger.log import Ledger
from ..runner import Runner
from .authorized import counted
from .roots import last_whole


def past(ledger: Ledger, runner: Runner) -> Past:
    """What plans are measured with that come now. Only plans that were signed for count. Raises DiagnosticError."""
    counts = counted(ledger, runner)
    last = last_whole(ledger, counts)
    served = {address: item.tools for address, item in replay.signed_state(ledger.history, counts).items()}
    return Past(last.plan.declared if last is not None else None, served)
