"""What was applied by breaking glass, and has not been reviewed yet by the owners that were gone around.

The obligation follows from the record itself: a plan that was acted on and stands on broken glass. The entry that
`apply` writes before its first call says so for readers; leaving it out hides nothing, and `audit` tells.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ..approval import dsse, review
from ..approval.dsse import EnvelopeError
from ..approval.requirements import barred
from ..approval.root import RootData
from ..approval.signoff_checks import holder
from ..approval.statement import Decision, Role
from ..approval.verdict import RequirementState, Signed
from ..approval.verifier import VerifiedPlan
from ..ledger import views
from ..ledger.entries import Entry, Kind
from ..ledger.log import Ledger
from ..model.diagnostics import DiagnosticError
from ..model.plan import Plan, Requirement
from ..planfile import PlanFile
from ..render.signoff import SignOffs
from ..runner import Runner
from .authorized import Moment, acted, judged_at
from .capacity import capacity
from .revoking import revocations
from .roots import root_in_force

_GLASS = f'"role":"{Role.BREAK_GLASS}"'.encode()


@dataclass(frozen=True, slots=True)
class Owed:
    """A review that is owed: by whose owner, for which plan and part, who broke the glass, when (store's time) and why.

    `objections` are owners' people who looked and said that it should not have been, each with the reason.
    """

    plan: str
    requirement: Requirement
    people: tuple[str, ...]
    reason: str
    since: datetime
    reviewed: tuple[str, ...]
    objections: tuple[str, ...]

    @property
    def closed(self) -> bool:
        return not self.objections and len(self.reviewed) >= self.requirement.threshold

    @property
    def text(self) -> str:
        """As one sentence, with the way out."""
        need, short = self.requirement, self.plan.removeprefix("sha256:")[:8]
        done = f", reviewed by {', '.join(self.reviewed)} of {need.threshold} people" if self.reviewed else ""
        against = f", objected to by {'; '.join(self.objections)}" if self.objections else ""
        return (
            f"{need.owner} owes a review of {need.surface} in plan {short}: glass broken by"
            f" {' and '.join(self.people)} on {self.since.astimezone(UTC):%Y-%m-%d} ({self.reason}){done}{against}."
            f" provisioner sign {short} -review -owner {need.owner} -reason TEXT"
        )


def owed(ledger: Ledger, runner: Runner) -> tuple[Owed, ...]:
    """Every review that is still owed, oldest first. Raises DiagnosticError for a record that cannot be read."""
    return tuple(item for item in broken(ledger, runner) if not item.closed)


def owed_by(ledger: Ledger, runner: Runner, person: str) -> tuple[Owed, ...]:
    """The reviews still owed that this person may sign, oldest first. Raises DiagnosticError as `owed` does."""
    root = root_in_force(ledger, runner).root.data
    return tuple(item for item in owed(ledger, runner) if _may_review(ledger, root, item, person))


def broken(ledger: Ledger, runner: Runner) -> tuple[Owed, ...]:
    """Every part that was carried out by breaking glass, reviewed or not."""
    found = []
    for plan in _plans_with_glass(ledger):
        entries = acted(ledger, plan)
        moment = judged_at(ledger, runner, plan, entries[0]) if entries else None
        last = judged_at(ledger, runner, plan, entries[-1]) if len(entries) > 1 else moment
        seen = {state.requirement: state for at in (moment, last) if at is not None for state in _glass(at)}
        found += [_owed(ledger, runner, plan, entries[0], state) for state in seen.values()]
    return tuple(found)


def record_obligation(ledger: Ledger, verified: VerifiedPlan) -> None:
    """Before anything is applied that stands on broken glass: say so in the ledger, once."""
    parts = [f"{state.requirement.surface} {state.requirement.owner}" for state in verified.states if state.broken]
    if not parts or ledger.history.about(verified.digest, Kind.OBLIGATION):
        return
    people = sorted({signed.person for state in verified.states if state.broken for signed in state.signed})
    ledger.append(Kind.OBLIGATION, {"plan": verified.digest, "parts": parts, "people": people})


def prepare(ledger: Ledger, runner: Runner, file: PlanFile, person: str, owner: str | None) -> tuple[Requirement, ...]:
    """The reviews of a plan that a person may sign. Raises DiagnosticError."""
    of_plan = [item for item in broken(ledger, runner) if item.plan == file.digest]
    root = root_in_force(ledger, runner).root.data
    open_ = [item for item in of_plan if not item.closed and owner in (None, item.requirement.owner)]
    mine = [item for item in open_ if person in _signers(root, item.requirement.owner)]
    if not mine:
        left = [item.requirement for item in of_plan if not item.closed]
        listed = ", ".join(f"{need.owner} ({need.surface})" for need in left)
        raise DiagnosticError.of(
            "E-NOTHING-TO-REVIEW",
            f"{person} has no review of plan {file.short} to sign",
            f"It is owed by {listed}." if listed else "Nothing of it was applied by breaking glass and not reviewed.",
        )
    for item in mine:
        if (why := _may_not(file.plan, item.requirement, item.people, person, root)) is not None:
            raise DiagnosticError.of(
                "E-EXCLUDED",
                f"{person} may not review {item.requirement.surface} for {item.requirement.owner}: {why}",
                "Nothing was signed. Let another signer of the owner review it.",
            )
    return tuple(item.requirement for item in mine)


def review_texts(file: PlanFile, requirements: tuple[Requirement, ...]) -> tuple[str, ...]:
    """What a reviewer is shown: the part again, from the plan's bytes."""
    said = capacity(Role.REVIEW, None)
    return tuple(review.review_text(file, item.surface, item.owner, said) for item in requirements)


def with_obligations(signoffs: SignOffs, ledger: Ledger, runner: Runner) -> SignOffs:
    """Sign-offs with every review that the workspace owes, whichever plan it is of: said until it is closed."""
    return replace(signoffs, obligations=tuple(item.text for item in owed(ledger, runner)))


def unrecorded(ledger: Ledger, runner: Runner) -> Iterator[tuple[int, str]]:
    """Plans that were carried out on broken glass without the obligation standing in the ledger: entry, sentence."""
    for item in broken(ledger, runner):
        recorded = ledger.history.about(item.plan, Kind.OBLIGATION)
        first = acted(ledger, item.plan)[0]
        if not recorded or recorded[0].index > first.index:
            short = item.plan.removeprefix("sha256:")[:8]
            yield first.index, f"plan {short} was carried out by breaking glass, and no obligation was recorded before"


def _plans_with_glass(ledger: Ledger) -> tuple[str, ...]:
    """Plans with a sign-off that says it breaks glass, whoever wrote it; cheap, since every command asks."""
    return tuple(
        dict.fromkeys(entry.body["plan"] for entry in ledger.history.of(Kind.SIGNOFF) if _GLASS in _payload(entry))
    )


def _payload(entry: Entry) -> bytes:
    text = entry.body["envelope"].get("payload")
    try:
        return b64decode(text) if isinstance(text, str) else b""
    except ValueError:
        return b""  # it is no sign-off, whatever else it is


def _glass(moment: Moment) -> tuple[RequirementState, ...]:
    return tuple(state for state in moment.verdict.states if state.broken)


def _owed(ledger: Ledger, runner: Runner, plan: str, first: Entry, state: RequirementState) -> Owed:
    publication = views.publication(ledger.history, plan)
    assert publication is not None  # it was judged
    people = tuple(signed.person for signed in state.signed)
    said = _reviews(ledger, runner, publication.file(), first, state.requirement, people)
    return Owed(
        plan=plan,
        requirement=state.requirement,
        people=people,
        reason="; ".join(dict.fromkeys(signed.reason for signed in state.signed)),
        since=first.stored_at,
        reviewed=tuple(person for person, (decision, _) in said.items() if decision is Decision.APPROVE),
        objections=tuple(
            f"{person}: {signed.reason}" for person, (decision, signed) in said.items() if decision is Decision.REJECT
        ),
    )


def _reviews(
    ledger: Ledger, runner: Runner, file: PlanFile, first: Entry, requirement: Requirement, people: tuple[str, ...]
) -> dict[str, tuple[Decision, Signed]]:
    """Each reviewer's last word, by the root that was in force when it was recorded."""
    found: dict[str, tuple[Decision, Signed]] = {}
    for entry in views.signoffs(ledger.history, file.digest):
        if entry.index <= first.index:
            continue
        try:
            opened = dsse.open_envelope(entry.body["envelope"])
        except EnvelopeError:
            continue  # nobody signed it
        said = opened.statement
        root = root_in_force(ledger, runner, before=entry.index).root.data
        person = holder(root, opened.key)
        about = (said.role, said.plan, said.surface, said.owner, said.part)
        wanted = (Role.REVIEW, file.digest, requirement.surface, requirement.owner, requirement.part)
        if person is None or about != wanted or person not in _signers(root, requirement.owner):
            continue
        if opened.key.fingerprint in revocations(ledger).before(entry.index):
            continue
        if _may_not(file.plan, requirement, people, person, root) is not None:
            continue
        signed = Signed(person, opened.key.fingerprint, entry.stored_at, entry.stored_at, entry.index, said.reason)
        found[person] = (said.decision, signed)
    return dict(sorted(found.items()))


def _may_review(ledger: Ledger, root: RootData, item: Owed, person: str) -> bool:
    publication = views.publication(ledger.history, item.plan)
    if publication is None or person in item.reviewed or person not in _signers(root, item.requirement.owner):
        return False
    return _may_not(publication.file().plan, item.requirement, item.people, person, root) is None


def _may_not(plan: Plan, requirement: Requirement, people: tuple[str, ...], person: str, root: RootData) -> str | None:
    """Who broke the glass does not review it, nor does who may not have signed the part."""
    if person in people:
        return "broke the glass"
    if root.approval.solo:
        return None
    bars = barred(requirement, plan.changes, plan.exclusions)
    return next((bar.reason for bar in bars if bar.person == person), None)


def _signers(root: RootData, owner: str) -> tuple[str, ...]:
    return root.owners[owner].signers if owner in root.owners else ()
