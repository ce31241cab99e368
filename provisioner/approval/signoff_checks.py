"""Whether one sign-off counts, and for what. Pure.

Each check stands alone in a tuple; a test takes each away and expects an attack to get through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from ..model.plan import Requirement
from ..planfile import PlanFile
from . import carrying
from . import statement as statements
from .case import CLOCK_SKEW, time_to_live
from .dsse import EnvelopeError, Opened, open_envelope
from .keys import KeyRefused, PublicKey, parse
from .requirements import Demands, bars_of
from .root import RootData
from .standing import BREAK_GLASS_SECONDS, may_act, opens
from .statement import Decision, Role, Statement, Witness
from .verdict import Carried, Evidence, LedgerSignoff, Refusal, RefusedSignoff, Signed

_AGAIN = "Sign again: provisioner sign"


@dataclass(frozen=True, slots=True)
class Claim:
    """An opened sign-off beside what it is measured with. `requirement` is the root's for its surface and owner."""

    planfile: PlanFile
    evidence: Evidence
    opened: Opened
    person: str
    requirement: Requirement
    demands: Demands
    carried: Carried | None = None

    @property
    def statement(self) -> Statement:
        return self.opened.statement


@dataclass(frozen=True, slots=True)
class Counted:
    """A sign-off that counts as approval or rejection of one requirement."""

    requirement: Requirement
    decision: Decision
    signed: Signed


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one sign-off: counted, refused, or a sign that the ledger was rolled back."""

    counted: Counted | None = None
    refused: RefusedSignoff | None = None
    rollback: Refusal | None = None


SignoffCheck = Callable[[Claim], Iterator[Refusal]]


def not_revoked(claim: Claim) -> Iterator[Refusal]:
    if claim.opened.key.fingerprint in claim.evidence.revoked:
        yield Refusal("E-KEY-REVOKED", f"its key {claim.opened.key.fingerprint} was revoked", "Sign with another key.")


def of_this_workspace(claim: Claim) -> Iterator[Refusal]:
    if claim.statement.workspace != claim.planfile.plan.workspace:
        yield Refusal("E-WORKSPACE", f"it is for workspace {claim.statement.workspace}", _AGAIN)


def of_these_targets(claim: Claim) -> Iterator[Refusal]:
    if claim.statement.targets != statements.targets(claim.planfile.plan):
        yield Refusal("E-TARGETS", "it is for other accounts or projects", _AGAIN)


def of_this_base(claim: Claim) -> Iterator[Refusal]:
    if claim.statement.base != claim.planfile.plan.base:
        yield Refusal("E-BASE", f"it builds on ledger entry {claim.statement.base}", _AGAIN)


def of_this_root(claim: Claim) -> Iterator[Refusal]:
    if claim.statement.root != claim.planfile.plan.root:
        yield Refusal("E-ROOT", f"it was made under another trust root (v{claim.statement.root.version})", _AGAIN)


def signer_in_that_role(claim: Claim) -> Iterator[Refusal]:
    said = claim.statement
    if claim.person not in may_act(claim.evidence.root.root.data, claim.requirement, said.role, said.decision):
        capacity = "" if said.role is Role.OWNER else f" as {said.role}"
        reason = f"{claim.person} does not sign for {said.owner}{capacity}"
        yield Refusal("E-NOT-SIGNER", reason, "`provisioner status` shows who may sign.")


def in_a_role_that_is_known(claim: Claim) -> Iterator[Refusal]:
    role = claim.statement.role
    if not opens(claim.evidence.root.root.data, claim.requirement, role, claim.demands):
        reason = f"it was made as {role}, and that opens nothing here"
        yield Refusal("E-ROLE", reason, "Let a signer of the owner sign.")


def breaks_glass_briefly(claim: Claim) -> Iterator[Refusal]:
    said = claim.statement
    if said.role is not Role.BREAK_GLASS:
        return
    life = statements.parse_time(said.expires) - statements.parse_time(said.issued)
    if life > timedelta(seconds=BREAK_GLASS_SECONDS):
        yield Refusal("E-BREAK-GLASS", "glass is broken for an hour at most, and it lives longer", _AGAIN)


def same_part(claim: Claim) -> Iterator[Refusal]:
    if claim.statement.part != claim.requirement.part:
        reason = "it covers other changes than those of this part"
        if claim.carried is not None:
            reason = carrying.changed(claim.carried.planfile.plan, claim.planfile.plan, claim.requirement)
        yield Refusal("E-PART", reason, _AGAIN)


def not_from_the_future(claim: Claim) -> Iterator[Refusal]:
    if statements.parse_time(claim.statement.issued) > claim.evidence.now + CLOCK_SKEW:
        reason = f"it was issued at {claim.statement.issued}, which is yet to come"
        yield Refusal("E-FUTURE", reason, "Set the signer's clock right, and sign again.")


def not_expired(claim: Claim) -> Iterator[Refusal]:
    if statements.parse_time(claim.statement.expires) <= claim.evidence.now - claim.evidence.grace:
        yield Refusal("E-SIGNOFF-EXPIRED", f"it expired at {claim.statement.expires}", _AGAIN)


def not_for_ever(claim: Claim) -> Iterator[Refusal]:
    ttl = time_to_live(claim.evidence.root.root.data, claim.demands)
    said = claim.statement
    if statements.parse_time(said.expires) - statements.parse_time(said.issued) > ttl:
        yield Refusal("E-LIFETIME", "it lives longer than the trust root lets a plan live", _AGAIN)


def not_barred(claim: Claim) -> Iterator[Refusal]:
    bars = () if claim.evidence.root.root.data.approval.solo else bars_of(claim.requirement, claim.planfile.plan)
    for bar in bars:
        if bar.person == claim.person:
            reason = f"{bar.person} may not sign it: {bar.reason}"
            yield Refusal("E-EXCLUDED", reason, "Let another signer of the owner sign.")


def carried_as_the_root_lets(claim: Claim) -> Iterator[Refusal]:
    """A sign-off of another plan counts only where the root in force says so, and for nothing but the same."""
    if claim.carried is None:
        return
    for reason in carrying.hindrances(claim.planfile, claim.evidence, claim.statement, claim.carried, claim.person):
        yield Refusal("E-CARRY", reason, _AGAIN)


def a_no_that_is_carried(claim: Claim) -> Iterator[Refusal]:
    if claim.evidence.root.root.data.approval.carry != carrying.UNCHANGED:
        yield Refusal("E-CARRY", "the trust root lets no decision survive a re-plan", _AGAIN)


def accepts_what_is_asked(claim: Claim) -> Iterator[Refusal]:
    given = {item.finding for item in claim.statement.accepted}
    missing = [name for name in claim.requirement.accept if name not in given]
    if missing:
        reason = f"it does not accept {', '.join(missing)}"
        yield Refusal("E-ACCEPT", reason, "Sign again with -accept and a reason, or reject.")


def accepts_nothing_else(claim: Claim) -> Iterator[Refusal]:
    asked = claim.requirement.accept
    extra = [item.finding for item in claim.statement.accepted if item.finding not in asked]
    if extra:
        yield Refusal("E-ACCEPT", f"it accepts what nobody asked about: {', '.join(extra)}", _AGAIN)


SIGNOFF_CHECKS: tuple[SignoffCheck, ...] = (
    not_revoked,
    of_this_workspace,
    of_these_targets,
    signer_in_that_role,
)
"""For every decision: also a rejection must come from somebody with a say in this plan."""

APPROVAL_CHECKS: tuple[SignoffCheck, ...] = (
    of_this_base,
    of_this_root,
    in_a_role_that_is_known,
    breaks_glass_briefly,
    same_part,
    carried_as_the_root_lets,
    not_from_the_future,
    not_expired,
    not_for_ever,
    not_barred,
    accepts_what_is_asked,
    accepts_nothing_else,
)
"""For approvals alone. A rejection needs none of it: whoever says no is heard, authors and early clocks too."""


def judge(
    planfile: PlanFile,
    evidence: Evidence,
    demands: Demands,
    signoff: LedgerSignoff,
    carried: Carried | None = None,
) -> Judged:
    """Open one sign-off and measure it. `carried` says of one that was made for another plan, for which."""
    requirements = demands.requirements
    try:
        opened = open_envelope(signoff.envelope)
    except EnvelopeError as error:
        return _refused(signoff, Refusal(error.code, f"it is no sign-off: {error}", _AGAIN))
    said = opened.statement
    person = holder(evidence.root.root.data, opened.key)
    if person is None:
        reason = f"it was made with the key {opened.key.fingerprint}, which the trust root gives to nobody"
        fix = "Sign with a key of the trust root, or add the key by a governance change."
        return _refused(signoff, Refusal("E-KEY-UNKNOWN", reason, fix), said)
    if (refusal := _rolled_back(said.witness, person, evidence, signoff.index)) is not None:
        return Judged(rollback=refusal)
    if said.plan != (planfile if carried is None else carried.planfile).digest:
        reason = f"it is for plan {said.plan.removeprefix('sha256:')[:8]}, not for {planfile.short}"
        return _refused(signoff, Refusal("E-OTHER-PLAN", reason, _AGAIN), said, person)
    requirement = next(
        (item for item in requirements if (item.surface, item.owner) == (said.surface, said.owner)), None
    )
    if carried is not None and requirement is None:
        return Judged()  # the part is gone, and so is what was said about it
    if requirement is None:
        reason = f"the plan asks nothing of {said.owner} for {said.surface}"
        refusal = Refusal("E-SURFACE", reason, "`provisioner status` shows who has to sign what.")
        return _refused(signoff, refusal, said, person)
    claim = Claim(planfile, evidence, opened, person, requirement, demands, carried)
    for check in _checks(claim):
        for refusal in check(claim):
            return _refused(signoff, refusal, said, person, carried)
    issued, expires = statements.parse_time(said.issued), statements.parse_time(said.expires)
    if carried is not None:
        expires = min(expires, carrying.ends(evidence, carried))
    made_for = "" if carried is None else said.plan
    signed = Signed(person, opened.key.fingerprint, issued, expires, signoff.index, said.reason, said.role, made_for)
    return Judged(counted=Counted(requirement, said.decision, signed))


def _checks(claim: Claim) -> tuple[SignoffCheck, ...]:
    """A no is heard whatever else holds; one that was said to another plan, about the same part alone."""
    if claim.statement.decision is Decision.APPROVE:
        return (*SIGNOFF_CHECKS, *APPROVAL_CHECKS)
    if claim.carried is not None:
        return (*SIGNOFF_CHECKS, of_this_base, same_part, a_no_that_is_carried)
    return SIGNOFF_CHECKS


def holder(root: RootData, key: PublicKey) -> str | None:
    """The one person who has a key by the root; None where nobody has, or two."""
    found = {name for name, person in root.people.items() if any(_is(line, key) for line in person.keys)}
    return found.pop() if len(found) == 1 else None


def _is(line: str, key: PublicKey) -> bool:
    try:
        return parse(line) == key
    except KeyRefused:
        return False  # a line that is no key is nobody's


def _refused(
    signoff: LedgerSignoff,
    refusal: Refusal,
    said: Statement | None = None,
    person: str | None = None,
    carried: Carried | None = None,
) -> Judged:
    surface, owner = (said.surface, said.owner) if said is not None else (None, None)
    made_for = carried.planfile.short if carried is not None else ""
    return Judged(refused=RefusedSignoff(signoff.index, refusal, person, surface, owner, made_for))


def _rolled_back(witness: Witness, person: str, evidence: Evidence, index: int) -> Refusal | None:
    """A signer is a witness: the ledger that they saw must be the beginning of this one, and end before their entry."""
    if witness.index == 0 or (witness.index < index and evidence.entries.get(witness.index) == witness.digest):
        return None
    return Refusal(
        "E-ROLLBACK",
        f"{person} signed after seeing ledger entry {witness.index} with another content than it has now: entries"
        " were removed or rewritten",
        "Restore the ledger from its protected copy, and find out who wrote to it.",
    )
