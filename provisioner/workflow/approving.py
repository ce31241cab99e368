"""What the ledger and the runner know of a plan's sign-offs, judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from ..approval.root import RootInForce
from ..approval.verdict import Evidence, RequirementState, State
from ..approval.verifier import Verdict, verify
from ..ledger import views
from ..ledger.log import Ledger
from ..planfile import PlanFile
from ..registry import Registry
from ..render.signoff import SignOffRow, SignOffs
from ..runner import Runner
from ..sdk.provider import Provider
from . import circumstances
from .revoking import revocations
from .roots import latest, published, root_in_force, signoffs_of


def evidence(ledger: Ledger, root: RootInForce, file: PlanFile) -> Evidence:
    """Everything that judges a plan, from the ledger as it has been read so far."""
    history, plan = ledger.history, file.digest
    return Evidence(
        root=root,
        signoffs=signoffs_of(history, plan),
        published=published(history, plan),
        base=views.base(history),
        entries=history.digests(),
        now=latest(datetime.now(UTC), ledger.store.now()),
        providers=providers(),
        revoked=revocations(ledger).before(),
        carried=circumstances.carried(ledger, root.root.data.approval.carry, plan),
        store_now=circumstances.store_now(ledger),
        announced=circumstances.announced(ledger, file.plan),
    )


@cache
def providers() -> Mapping[str, Provider]:
    """Every installed provider, found once: each check before a write asks for them."""
    return Registry().all()


def verdict(file: PlanFile, ledger: Ledger, runner: Runner) -> Verdict:
    """Judge a plan by the root in force and what the ledger holds."""
    return verify(file, evidence(ledger, root_in_force(ledger, runner, file.digest), file))


def sign_offs(file: PlanFile, ledger: Ledger, runner: Runner) -> SignOffs:
    """The same as the renderers show it."""
    return shown(file, ledger, verdict(file, ledger, runner))


def shown(file: PlanFile, ledger: Ledger, judged: Verdict) -> SignOffs:
    """A verdict as rows. A plan that was never published is not refused for that: signing publishes it."""
    publication = views.publication(ledger.history, file.digest)
    unpublished = publication is None
    told = [
        (refusal.code, f"{refusal.reason}. {refusal.fix[:1].upper()}{refusal.fix[1:]}")
        for refusal in judged.refusals
        if refusal.code not in ("E-MISSING", "E-REJECTED")  # the rows say so
        and not (unpublished and refusal.code == "E-NOT-PUBLISHED")
    ]
    since = publication.since if publication else None
    ttl = _time_to_live(ledger)
    return SignOffs(
        tuple(_row(state, judged) for state in judged.states),
        published=_stamp(since) if since else None,
        expires=_stamp(since + ttl) if since and ttl else None,
        refusals=tuple(reason for code, reason in told if code not in _IN_THE_PLAN),
        verified=judged.verified is not None,
        blocked=tuple(reason for code, reason in told if code in _IN_THE_PLAN),
    )


_IN_THE_PLAN = frozenset({"E-BLOCKED", "E-TESTS"})
"""Refusals that a plan's own findings and tests already tell."""


def _row(state: RequirementState, judged: Verdict) -> SignOffRow:
    need = state.requirement
    refused = [
        f"a sign-off of {item.person or 'somebody'} does not count: {item.refusal.reason}"
        for item in judged.refused
        if (item.surface, item.owner) == (need.surface, need.owner)
    ]
    return SignOffRow(
        surface=need.surface,
        owner=need.owner,
        changes=need.changes,
        need=need.threshold,
        have=len(state.signed) if state.state is not State.REJECTED else 0,
        signed_by=tuple(signed.person for signed in state.signed),
        may_sign=state.may_sign,
        may_not=tuple((bar.person, bar.reason) for bar in state.may_not),
        accept=need.accept,
        refused=tuple(refused),
        rejected=tuple(f"{signed.person}: {signed.reason}" for signed in state.rejected),
    )


def _time_to_live(ledger: Ledger) -> timedelta | None:
    root = views.root_in_force(ledger.history)
    seconds = root.data["approval"]["plan_ttl_seconds"] if root else None
    return timedelta(seconds=seconds) if isinstance(seconds, int) else None


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
