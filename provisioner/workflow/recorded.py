"""Where plans in the ledger have put something, and what is there now: for commands that read no configuration."""

from __future__ import annotations

from collections.abc import Sequence

from ..ledger import views
from ..ledger.entries import History
from ..model.diagnostics import DiagnosticError
from ..model.plan import PlanTarget
from ..model.resources import Snapshot
from ..runner import Runner
from ..sdk.provider import Connection, Provider, Scope
from .applying import target_of


def read_targets(provider: Provider, targets: Sequence[PlanTarget], runner: Runner, scope: Scope) -> Snapshot:
    """The live state of a scope, in targets as a plan names them. Raises CloudError."""
    reader = provider.reader([Connection(target_of(t), runner.connection_settings(t.key)) for t in targets])
    reader.identify()
    return reader.read(scope)


def recorded_target(history: History, plan: str, place: tuple[str, str]) -> PlanTarget:
    """The account or project (`place` is provider and id) as a plan in the ledger names it. Raises DiagnosticError."""
    publication = views.publication(history, plan)
    for target in publication.file().plan.targets if publication is not None else ():
        if (target.provider, target.id) == place:
            return target
    raise DiagnosticError.of(
        "E-LEDGER-BROKEN",
        f"The ledger says that {place[0]} {place[1]} was changed by a plan that does not name it",
        "Find out who wrote that entry, and put the true entries back from a copy.",
    )
