"""`apply -signed`: which of the published plans that may run is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..approval.verifier import VerifiedPlan
from ..ledger import views
from ..ledger.entries import Kind
from ..model.diagnostics import DiagnosticError
from ..runner import Runner
from .approving import verdict
from .project import workspace_ledger
from .signing import Opened


@dataclass(frozen=True, slots=True)
class Ready:
    """A published plan on the last applied one that may run. `people` are those whose word it stands on, nobody where
    it only takes away and the root lets that go with a notice; `begun` where an apply of it was interrupted."""

    digest: str
    changes: int
    published: datetime
    people: tuple[str, ...]
    begun: bool

    @property
    def short(self) -> str:
        return self.digest.removeprefix("sha256:")[:8]


def choose(ready: Sequence[Ready]) -> str | None:
    """The digest of the one plan that is meant; None where there is none. Raises DiagnosticError for several.

    What people signed goes before what nobody had to sign; of that the newest, since planning again puts it in the
    place of the others. Between plans that people signed, people decide: that one was begun is told and chooses
    nothing, since whoever writes to the ledger could say so.
    """
    meant = [plan for plan in ready if plan.people] or list(ready)
    if not meant:
        return None
    if not any(plan.people for plan in meant):
        return max(meant, key=lambda plan: (plan.published, plan.digest)).digest
    if len(meant) > 1:
        raise _several(sorted(meant, key=lambda plan: (plan.published, plan.digest)))
    return meant[0].digest


def open_signed(runner: Runner, root: Path) -> Opened | None:
    """The published plan that everybody has signed, which builds on the last applied one; None where there is none.

    Raises DiagnosticError where several are signed: which of them is meant is for people to say.
    """
    ledger = workspace_ledger(runner, None, root)
    history, base = ledger.history, views.base(ledger.history)
    found: dict[str, tuple[Opened, Ready]] = {}
    for digest in views.published(history):
        publication = views.publication(history, digest)
        if publication is None or publication.entry.index < base or views.consumed(history, digest) is not None:
            continue
        opened = Opened(publication.file(), ledger, runner)
        if not opened.file.plan.requirements:
            continue  # it asks nobody because it does nothing: it must not stand in the way of one that does
        if opened.file.plan.base != base or (judged := verdict(opened.file, ledger, runner).verified) is None:
            continue
        begun = bool(history.about(digest, Kind.INTENT))
        found[digest] = (opened, _ready(judged, begun))
    chosen = choose([ready for _, ready in found.values()])
    return found[chosen][0] if chosen is not None else None


def _ready(verified: VerifiedPlan, begun: bool) -> Ready:
    people = sorted({signed.person for state in verified.states for signed in state.relies})
    return Ready(verified.digest, len(verified.plan.changes), verified.published, tuple(people), begun)


def _several(plans: Sequence[Ready]) -> DiagnosticError:
    names = ", ".join(plan.short for plan in plans)
    told = "; ".join(
        f"{plan.short} of {plan.published:%Y-%m-%d %H:%MZ} ({plan.changes} change{'' if plan.changes == 1 else 's'},"
        f" signed by {', '.join(plan.people) or 'nobody'}{', begun' if plan.begun else ''})"
        for plan in plans
    )
    way_out = f"provisioner apply {plans[-1].short}"
    no = f"provisioner sign {plans[0].short} -reject -reason TEXT"
    return DiagnosticError.of(
        "E-AMBIGUOUS",
        f"{len(plans)} plans are signed: {names}",
        f"All build on the last applied plan, so one of them ends the others: {told}. Say which: {way_out}. Or take"
        f" one back: {no}.",
    )
