"""What the ledger and the runner know of a plan's sign-offs, judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ..approval.authorship import Authorship
from ..approval.root import RootInForce
from ..approval.statement import Role
from ..approval.verdict import Evidence, RefusedSignoff, RequirementState, State
from ..approval.verifier import Verdict, verify
from ..ledger import views
from ..ledger.log import Ledger
from ..planfile import PlanFile
from ..render.signoff import SignOffRow, SignOffs
from ..runner import Runner
from . import circumstances
from .authorized import sweepable
from .providing import providers
from .remembering import past
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


def verdict(file: PlanFile, ledger: Ledger, runner: Runner, authorship: Authorship | None = None) -> Verdict:
    """Judge a plan by the root in force and what the ledger holds; `authorship` is what this runner itself found out.

    A plan that was applied to its end is past being measured with the plans before it.
    """
    found = evidence(ledger, root_in_force(ledger, runner, file.digest), file)
    found = replace(found, sweepable=sweepable(ledger, runner, file.plan))
    before = past(ledger, runner) if views.consumed(ledger.history, file.digest) is None else None
    return verify(file, replace(found, past=before, authorship=authorship))


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
    return SignOffs(
        tuple(_row(state, judged) for state in judged.states),
        published=_stamp(since) if since else None,
        expires=_stamp(judged.ends) if judged.ends else None,
        refusals=tuple(reason for code, reason in told if code not in _IN_THE_PLAN),
        verified=judged.verified is not None,
        blocked=tuple(reason for code, reason in told if code in _IN_THE_PLAN),
    )


_IN_THE_PLAN = frozenset({"E-BLOCKED", "E-TESTS"})
"""Refusals that a plan's own findings and tests already tell."""


def _row(state: RequirementState, judged: Verdict) -> SignOffRow:
    need = state.requirement
    counting = {signed.person for signed in (*state.signed, *state.rejected)}
    refused = [
        _refused(item)
        for item in judged.refused
        if (item.surface, item.owner) == (need.surface, need.owner) and not (item.made_for and item.person in counting)
    ]
    return SignOffRow(
        surface=need.surface,
        owner=need.owner,
        changes=need.changes,
        need=need.threshold,
        have=len(state.signed) if state.state is not State.REJECTED else 0,
        signed_by=tuple(signed.person for signed in state.signed),
        kept_by=tuple(signed.person for signed in state.signed if signed.made_for),
        standing=tuple(signed.person for signed in state.signed if signed.role is Role.ESCALATION),
        broken=state.broken,
        notified=state.state is State.NOTIFIED,
        waived=state.waived,
        instead=_instead(state),
        pending=() if state.settled else tuple(f"{signed.person} as {signed.role}" for signed in state.pending),
        may_sign=state.may_sign,
        may_not=tuple((bar.person, bar.reason) for bar in state.may_not),
        accept=need.accept,
        refused=tuple(refused),
        rejected=tuple(f"{signed.person}: {signed.reason}" for signed in state.rejected),
    )


def _refused(item: RefusedSignoff) -> str:
    who = item.person or "somebody"
    if item.made_for:
        return f"{who}'s sign-off of plan {item.made_for} no longer counts: {item.refusal.reason}"
    return f"a sign-off of {who} does not count: {item.refusal.reason}"


def _instead(state: RequirementState) -> str:
    """How a requirement that waits may be met without its owner's own people."""
    if state.settled or (state.rejected and not state.yields):
        return ""
    if state.yields:
        return notice_text(state)
    return stand_in_text(state) if state.stand_in is not None else ""


def stand_in_text(state: RequirementState) -> str:
    """Who may stand in for an owner, and from when: «security may stand in for iam from 2026-11-24 09:41Z»."""
    way, owner = state.stand_in, state.requirement.owner
    if way is None:
        return ""
    if way.open:
        return f"{way.to} may stand in for {owner}"
    early = "at once together with one more owner"
    if not way.own_clock:
        return f"{way.to} may stand in for {owner} {early}; a local ledger has no clock of its own"
    if way.at is None:
        return f"{way.to} may stand in for {owner} {_span(way.after_seconds)} after publication, or {early}"
    return f"{way.to} may stand in for {owner} from {way.at.astimezone(UTC):%Y-%m-%d %H:%MZ}, or {early}"


def notice_text(state: RequirementState) -> str:
    """How governance goes on without an owner whose consent is asked."""
    owner, asked = state.requirement.owner, "; ".join(state.yields)
    if state.notice is not None:
        way = f"from {state.notice.astimezone(UTC):%Y-%m-%d %H:%MZ} two people of governance do without it"
    else:
        way = "two people of governance do without it after the notice, or on a local ledger with every other owner"
    return f"{owner} is asked because {asked}; {way}"


def _span(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
