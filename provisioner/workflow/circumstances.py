"""What beside its own sign-offs decides about a plan: those of earlier plans, the store's clock, what was announced."""

from __future__ import annotations

from datetime import datetime

from ..approval.carrying import UNCHANGED
from ..approval.verdict import Carried, LedgerSignoff, PublishedPlan
from ..ledger import views
from ..ledger.entries import Entry, Kind
from ..ledger.log import Ledger
from ..ledger.places import is_remote
from ..model.changes import Surface
from ..model.plan import Plan


def carried(ledger: Ledger, mode: str, plan: str, before: int | None = None) -> tuple[Carried, ...]:
    """Sign-offs of other plans since the last consumed one, where `mode`, the root's `carry`, lets any
    survive a re-plan. Raises LedgerError for a plan that cannot be read.
    """
    if mode != UNCHANGED:
        return ()
    history = ledger.history
    base = views.base(history, before)
    found = []
    for entry in reversed(history.of(Kind.SIGNOFF)):
        if entry.index <= base:
            break
        named = entry.body["plan"]
        if named == plan or (before is not None and entry.index >= before):
            continue
        publication = views.publication(history, named, before)
        if publication is None:
            continue
        told = PublishedPlan(named, publication.entry.index, publication.since, publication.entry.stored_at)
        found.append(Carried(LedgerSignoff(entry.index, entry.body["envelope"]), publication.file(), told))
    return tuple(reversed(found))


def store_now(ledger: Ledger, at: Entry | None = None) -> datetime | None:
    """The time by the store's own clock, now or when it took an entry; None where it has none: a local folder's clock
    is that of whoever applies."""
    if not is_remote(ledger.store.location):
        return None
    return at.stored_at if at is not None else ledger.store.now()


def announced(ledger: Ledger, plan: Plan, before: int | None = None) -> datetime | None:
    """When the plan's next root was first published, by the store's clock: in any plan that could be signed then.

    A plan that was out of date when it was published, of another workspace, or that left out who is asked, told nobody.
    """
    wanted, history = plan.next_root, ledger.history
    if wanted is None:
        return None
    for entry in history.of(Kind.PLAN):
        if before is not None and entry.index >= before:
            return None
        inner = entry.body["file"].get("plan")
        named = inner.get("next_root") if isinstance(inner, dict) else None
        if not isinstance(named, dict) or named.get("digest") != wanted.digest:
            continue
        told = views.Publication(entry.body["digest"], entry.stored_at, entry).file().plan
        whole = told.next_root is not None and told.next_root.digest == wanted.digest
        same_place = (told.workspace, told.root, _asked(told)) == (plan.workspace, plan.root, _asked(plan))
        if whole and same_place and told.base == views.base(history, entry.index):
            return entry.stored_at
    return None


def _asked(plan: Plan) -> frozenset[str]:
    """The owners that a plan asks about the trust root."""
    return frozenset(item.owner for item in plan.requirements if item.surface == Surface.GOVERNANCE)
