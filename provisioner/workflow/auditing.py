"""`audit`: proves a ledger from its bytes and the runner's pin, and tells who accepted what. Needs no cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..approval import dsse
from ..approval.case import CLOCK_SKEW
from ..approval.dsse import EnvelopeError
from ..approval.revocation import open_revocation
from ..approval.signoff_checks import holder
from ..approval.statement import Role
from ..approval.verifier import Verdict
from ..ledger import bundle, checkpoints, merkle, recollection, views
from ..ledger.entries import Entry, Kind, format_time
from ..ledger.errors import LedgerError
from ..ledger.log import Ledger, Witness
from ..model.diagnostics import DiagnosticError
from ..planfile import PlanFile
from ..render.audit import AuditDecision, AuditPlan, AuditProblem, AuditReport, AuditRevocation
from ..runner import Runner
from .approving import verdict
from .authorized import acted, moments
from .checkpointing import contradicted, unsigned
from .project import named_workspace, open_store, watch_identity
from .reviewing import owed, unrecorded
from .revoking import revocations
from .roots import demand_pin, location_of, root_in_force


@dataclass(frozen=True, slots=True)
class Audited:
    """A ledger under audit. `source` says where its bytes came from; `remembered` what this runner had seen of it."""

    ledger: Ledger
    runner: Runner
    source: str
    remembered: Witness | None


def open_audit(runner: Runner, root: Path, exported: Path | None = None, workspace: str | None = None) -> Audited:
    """Read a workspace's ledger anew, without what was verified before; or an export of it. Raises DiagnosticError."""
    if exported is not None:
        found = bundle.read(exported)
        ledger = Ledger.open(found.store, found.workspace)
        tree = merkle.tree_text(ledger.history, len(ledger.history))
        if (ledger.head.digest, tree) != (found.head, found.tree):
            raise LedgerError.because(
                "E-BUNDLE",
                f"{exported} is not what its manifest says",
                "Its head or tree is another. Get the export from its maker again, and compare its hash.",
            )
        source = f"export {exported}"
    else:
        known = named_workspace(runner, workspace, root)
        assert known.ledger is not None
        ledger = Ledger.open(open_store(known.ledger, known), known.name, packed=False)
        source = ledger.store.location
    known = runner.workspace(ledger.workspace)
    return Audited(ledger, runner, source, recollection.recall(known.memory, watch_identity(ledger, known)))


def verify(audited: Audited) -> AuditReport:
    """Everything that can be proved. What does not hold is in the report; raises DiagnosticError without a pin."""
    ledger, history = audited.ledger, audited.ledger.history
    root = root_in_force(ledger, audited.runner)
    demand_pin(root, audited.runner, ledger.workspace)
    problems: list[AuditProblem] = []
    notes: list[str] = []
    problems += _rollback(audited)
    problems += _plans(audited)
    problems += _witnesses(audited, notes)
    problems += [AuditProblem("E-OBLIGATION", at, what) for at, what in unrecorded(ledger, audited.runner)]
    covered = _checkpoints(audited, problems, notes)
    notes += _clock(audited)
    notes += _revocations(audited)
    size = len(history)
    return AuditReport(
        workspace=ledger.workspace,
        ledger=location_of(ledger),
        source=audited.source,
        entries=size,
        head=ledger.head.digest,
        tree=merkle.tree_text(history, size),
        roots=len(views.roots(history)),
        solo=root.root.data.approval.solo,
        plans_applied=len(history.of(Kind.CONSUMED)),
        signoffs=len(history.of(Kind.SIGNOFF)),
        checkpoints=len(checkpoints.recorded(history)),
        covered=covered,
        remembered=audited.remembered.index if audited.remembered else 0,
        problems=tuple(problems),
        notes=tuple(notes),
        obligations=tuple(item.text for item in owed(ledger, audited.runner)),
        revoked=revoked(audited),
    )


def revoked(audited: Audited) -> tuple[AuditRevocation, ...]:
    """The keys that count no longer, by whom, since when."""
    history = audited.ledger.history
    return tuple(
        AuditRevocation(
            item.fingerprint,
            item.person,
            item.reason,
            item.by,
            item.index,
            format_time(history[item.index - 1].stored_at),
        )
        for item in revocations(audited.ledger).revoked
    )


def show(audited: Audited, what: str | None = None) -> tuple[AuditPlan, ...]:
    """Published plans, newest first: all, or those of a plan's digest, an agent or an owner. Raises DiagnosticError."""
    history = audited.ledger.history
    demand_pin(root_in_force(audited.ledger, audited.runner), audited.runner, audited.ledger.workspace)
    found = [_told(audited, digest) for digest in reversed(views.published(history))]
    chosen = [plan for plan in found if what is None or _is_about(plan, what)]
    if what is not None and not chosen:
        agents = sorted({name for plan in found for name in plan.agents})[:8]
        owners = sorted({name for plan in found for name in plan.owners})[:8]
        raise DiagnosticError.of(
            "E-AUDIT-UNKNOWN",
            f"No published plan is, or is about, {what!r}",
            f"Name a plan by four or more digits of its digest, an agent ({', '.join(agents) or 'none'}) or an owner"
            f" ({', '.join(owners) or 'none'}).",
        )
    return tuple(chosen)


def show_newest(audited: Audited, limit: int) -> tuple[tuple[AuditPlan, ...], int]:
    """The newest published plans, at most `limit`, and how many older ones there are. Raises DiagnosticError."""
    demand_pin(root_in_force(audited.ledger, audited.runner), audited.runner, audited.ledger.workspace)
    digests = views.published(audited.ledger.history)[::-1]
    return tuple(_told(audited, digest) for digest in digests[:limit]), max(0, len(digests) - limit)


def export(audited: Audited, path: Path) -> None:
    """Write the ledger as a bundle that can be verified offline. Raises DiagnosticError."""
    root = root_in_force(audited.ledger, audited.runner)
    demand_pin(root, audited.runner, audited.ledger.workspace)
    bundle.write(audited.ledger, audited.ledger.store.location, f"sha256:{root.pin}", path)


def _rollback(audited: Audited) -> Iterator[AuditProblem]:
    seen = audited.remembered
    if seen is not None and not audited.ledger.contains(seen):
        what = "this runner has seen it with another content: the ledger was rolled back or rewritten"
        yield AuditProblem("E-ROLLBACK", seen.index, what)


def _plans(audited: Audited) -> Iterator[AuditProblem]:
    """Every plan that was acted on must have been signed for whenever it was."""
    history = audited.ledger.history
    acting = (Kind.INTENT, Kind.OUTCOME, Kind.CONSUMED)
    named = [entry.body["plan"] for kind in acting for entry in history.of(kind)]
    for digest in dict.fromkeys([*views.published(history), *named]):
        short = digest.removeprefix("sha256:")[:8]
        try:
            if (publication := views.publication(history, digest)) is not None:
                publication.file()
            entries = acted(audited.ledger, digest)
            judged = moments(audited.ledger, audited.runner, digest)
        except DiagnosticError as error:
            yield AuditProblem(error.diagnostics[0].code, None, f"plan {short}: {error.diagnostics[0].summary}")
            continue
        if not entries and (outcomes := history.about(digest, Kind.OUTCOME)):
            what = f"an outcome of plan {short}, which nobody began to carry out"
            yield AuditProblem("E-AUDIT-OUTCOME", outcomes[0].index, what)
        for entry, moment in zip(entries, judged, strict=True):
            if moment is None:
                what = f"plan {short} was carried out without having been published"
                yield AuditProblem("E-NOT-PUBLISHED", entry.index, what)
            elif not moment.holds:
                for refusal in moment.verdict.refusals[:3]:
                    what = f"plan {short} was carried out, and should not have been: {refusal.reason}"
                    yield AuditProblem(refusal.code, entry.index, what)


def _witnesses(audited: Audited, notes: list[str]) -> Iterator[AuditProblem]:
    """Each signer saw a ledger: it must be the beginning of this one, and end before their sign-off."""
    ledger = audited.ledger
    idle = 0
    for entry in ledger.history.of(Kind.REVOCATION):
        try:
            said = open_revocation(entry.body["envelope"])[0].witness
        except EnvelopeError:
            continue  # `_revocations` tells of it
        if said.index >= entry.index or not ledger.contains(Witness(said.index, said.digest)):
            what = f"who signed this revocation saw entry {said.index} with another content: entries were rewritten"
            yield AuditProblem("E-ROLLBACK", entry.index, what)
    for entry in ledger.history.of(Kind.SIGNOFF):
        try:
            opened = dsse.open_envelope(entry.body["envelope"])
        except EnvelopeError:
            idle += 1
            continue
        person = holder(root_in_force(ledger, audited.runner, before=entry.index).root.data, opened.key)
        if person is None:
            idle += 1
            continue
        seen = Witness(opened.statement.witness.index, opened.statement.witness.digest)
        if seen.index >= entry.index or not ledger.contains(seen):
            what = f"{person} signed after seeing entry {seen.index} with another content: entries were rewritten"
            yield AuditProblem("E-ROLLBACK", entry.index, what)
    if idle:
        notes.append(f"{idle} recorded sign-offs are not validly signed by anybody in the root; they count for nothing")


def _checkpoints(audited: Audited, problems: list[AuditProblem], notes: list[str]) -> int:
    """How many entries the newest good checkpoint covers."""
    ledger, covered = audited.ledger, 0
    for entry in checkpoints.recorded(ledger.history):
        root = root_in_force(ledger, audited.runner, before=entry.index).root
        if (why := unsigned(ledger, entry, root)) is not None:
            notes.append(f"the checkpoint at entry {entry.index} counts for nothing: {why}")
        elif (why := contradicted(ledger, entry)) is not None:
            problems.append(AuditProblem("E-CHECKPOINT", entry.index, f"its signed checkpoint does not hold: {why}"))
        else:
            covered = max(covered, checkpoints.parse(entry.body).size)
    return covered


def _revocations(audited: Audited) -> Iterator[str]:
    """Revocations that count for nothing, or not yet."""
    told = revocations(audited.ledger)
    for item in told.ignored:
        yield f"the revocation at entry {item.index} counts for nothing: {item.why}"
    for waiting in told.pending:
        whose = waiting.person or waiting.fingerprint
        yield f"the revocation of {whose} (entry {waiting.index}) waits for {waiting.missing} more of governance"


def _clock(audited: Audited) -> Iterator[str]:
    newest: Entry | None = None
    for entry in audited.ledger.history:
        if newest is not None and entry.stored_at < newest.stored_at - CLOCK_SKEW:
            yield f"the store's time of entry {entry.index} is earlier than that of entry {newest.index}"
        if newest is None or entry.stored_at > newest.stored_at:
            newest = entry


def _told(audited: Audited, digest: str) -> AuditPlan:
    ledger, history = audited.ledger, audited.ledger.history
    publication = views.publication(history, digest)
    assert publication is not None
    file = publication.file()
    plan = file.plan
    end = views.consumed(history, digest)
    judged = [moment for moment in moments(ledger, audited.runner, digest) if moment is not None]
    last = judged[-1].verdict if judged else verdict(file, ledger, audited.runner)
    state = "applied" if end is not None else "begun" if judged else "published"
    authorized = all(moment.holds for moment in judged) if judged else last.verified is not None
    limit = judged[-1].entry.index if judged else len(history) + 1
    return AuditPlan(
        digest=digest,
        state=state,
        root_version=plan.root.version,
        published=format_time(publication.since),
        published_entry=publication.entry.index,
        applied=format_time(end.stored_at) if end is not None else None,
        applied_entry=end.index if end is not None else None,
        agents=tuple(sorted({note.agent for note in plan.agents})),
        changes=tuple(f"{change.action} {change.label}: {change.effect}" for change in plan.changes),
        owners=tuple(dict.fromkeys(item.owner for item in plan.requirements)),
        decisions=tuple(_decisions(audited, file, last, limit)),
        authorized=authorized,
        refusals=() if authorized else tuple(refusal.reason for refusal in last.refusals),
    )


def _decisions(audited: Audited, file: PlanFile, judged: Verdict, limit: int) -> Iterator[AuditDecision]:
    deciding = [signed for state in judged.states for signed in (*state.signed, *state.relies, *state.rejected)]
    counting = {signed.index for signed in deciding}
    kept = {signed.index: signed.made_for for signed in deciding if signed.made_for}
    refused = {item.index: item.refusal.reason for item in judged.refused}
    history = audited.ledger.history
    for entry in (*(history[index - 1] for index in sorted(kept)), *views.signoffs(history, file.digest)):
        try:
            opened = dsse.open_envelope(entry.body["envelope"])
        except EnvelopeError:
            continue  # it says nothing that anybody signed
        said = opened.statement
        root = root_in_force(audited.ledger, audited.runner, before=entry.index).root
        late = "it came after the plan was carried out" if entry.index >= limit else ""
        superseded = "" if entry.index in counting else "its signer decided again later"
        if said.role is Role.REVIEW:
            late = "it is a review of what was applied, and opened nothing"
        yield AuditDecision(
            entry=entry.index,
            owner=said.owner,
            surface=said.surface,
            person=holder(root.data, opened.key) or "somebody who is not in the root",
            fingerprint=opened.key.fingerprint,
            decision=said.decision.value,
            role=said.role.value,
            reason=said.reason,
            accepted=tuple((item.finding, item.reason) for item in said.accepted),
            issued=said.issued,
            recorded=format_time(entry.stored_at),
            part=said.part,
            review=said.review,
            saw=said.witness.index,
            counts=entry.index in counting,
            why_not=refused.get(entry.index, late or superseded),
            made_for=kept.get(entry.index, ""),
        )


def _is_about(plan: AuditPlan, what: str) -> bool:
    digits = what.removeprefix("sha256:").lower()
    if len(digits) >= 4 and plan.digest.removeprefix("sha256:").startswith(digits):
        return True
    name = what.removeprefix("agent.").removeprefix("control_owner.")
    return name in plan.agents or name in plan.owners
