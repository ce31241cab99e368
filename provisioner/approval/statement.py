"""What one signer says about one part of a plan: an in-toto Statement v1 with our predicate.

Form: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, as canonical JSON. The subject's digest
has a name of its own, since a plan digest is not the plain SHA-256 of any file.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from .. import canonical
from ..model.plan import Plan, Requirement, RootReference
from ..planfile import PlanFile, PlanFileError, from_builtins, to_builtins

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:agent-provisioner:signoff:1"
DIGEST_NAME: Final = "provisionerPlanV1"
SUBJECT_NAME: Final = "plan"

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NONCE: Final = re.compile(r"[0-9a-f]{32}")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
"""Letters and marks that show as nothing."""


class StatementError(ValueError):
    """Bytes or values that are no sign-off statement; the message is a sentence part that says why."""


class Decision(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class Role(StrEnum):
    """In which capacity somebody signs. ESCALATION is in an owner's place, BREAK_GLASS is governance in an emergency;
    REVIEW looks at what was applied by breaking glass, and opens nothing."""

    OWNER = "owner"
    ESCALATION = "escalation"
    BREAK_GLASS = "break-glass"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One finding that the signer takes on, by its `RULE subject`, and why."""

    finding: str
    reason: str


@dataclass(frozen=True, slots=True)
class Witness:
    """The ledger's head as the signer saw it: index and digest of its newest entry; 0 and "" where none was seen."""

    index: int
    digest: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One decision by one signer over one (owner, surface) part.

    `plan`, `part` and `review` are `sha256:` digests (`review` that of the text shown to the signer), `targets`
    are `provider:id`, `issued` and `expires` RFC 3339 UTC with whole seconds, `nonce` 32 hex digits. `reason` is
    needed for a rejection, for breaking glass and for a review.
    """

    plan: str
    part: str
    review: str
    workspace: str
    targets: tuple[str, ...]
    base: int
    root: RootReference
    surface: str
    owner: str
    role: Role
    decision: Decision
    reason: str
    accepted: tuple[Accepted, ...]
    issued: str
    expires: str
    nonce: str
    witness: Witness


def targets(plan: Plan) -> tuple[str, ...]:
    """The plan's accounts and projects as statements name them."""
    return tuple(sorted({f"{target.provider}:{target.id}" for target in plan.targets}))


def make(
    planfile: PlanFile,
    requirement: Requirement,
    *,
    review: str,
    now: datetime,
    lifetime_seconds: int,
    witness: Witness,
    decision: Decision = Decision.APPROVE,
    accepted: Sequence[Accepted] = (),
    reason: str = "",
    role: Role = Role.OWNER,
) -> Statement:
    """The statement for one requirement of a plan. Raises StatementError for a text that cannot be signed."""
    plan = planfile.plan
    statement = Statement(
        plan=planfile.digest,
        part=requirement.part,
        review=review,
        workspace=plan.workspace,
        targets=targets(plan),
        base=plan.base,
        root=plan.root,
        surface=requirement.surface,
        owner=requirement.owner,
        role=role,
        decision=decision,
        reason=reason,
        accepted=tuple(accepted),
        issued=timestamp(now),
        expires=timestamp(now + timedelta(seconds=lifetime_seconds)),
        nonce=secrets.token_hex(16),
        witness=witness,
    )
    _check(statement)
    return statement


def encode(statement: Statement) -> bytes:
    """The payload: canonical bytes of the in-toto statement."""
    subject = {"name": SUBJECT_NAME, "digest": {DIGEST_NAME: statement.plan.removeprefix("sha256:")}}
    return canonical.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [subject],
            "predicateType": PREDICATE_TYPE,
            "predicate": to_builtins(statement),
        }
    )


def decode(payload: bytes) -> Statement:
    """Parse a payload; anything but the exact bytes that `encode` writes is refused. Raises StatementError."""
    try:
        value = canonical.loads(payload)
    except canonical.CanonicalError as error:
        raise StatementError(str(error)) from error
    if not isinstance(value, dict) or value.get("_type") != STATEMENT_TYPE:
        raise StatementError("it is no in-toto statement of version 1")
    if value.get("predicateType") != PREDICATE_TYPE:
        raise StatementError("it is a statement about something else, not a sign-off")
    try:
        statement = from_builtins(value.get("predicate"), Statement)
    except PlanFileError as error:
        raise StatementError(str(error)) from error
    _check(statement)
    if encode(statement) != payload:
        raise StatementError("its subject is another plan, or fields are missing or unknown")
    return statement


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC with whole seconds. `time` must know its zone."""
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """The reverse of `timestamp`. Raises StatementError."""
    if _TIME.fullmatch(text) is None:
        raise StatementError(f"{text[:40]!r} is not a time of the form 2026-01-31T23:59:59Z")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise StatementError(f"{text!r} is no date and time that exists") from error


def hidden_character(text: str) -> str | None:
    """The first control, format or bidirectional character, as `U+XXXX`; None where all can be seen."""
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        if unicodedata.category(character) in _HIDDEN or character in _BLANK:
            return f"U+{ord(character):04X}"
    return None


def _check(statement: Statement) -> None:
    """What types alone do not say."""
    for name in ("plan", "part", "review"):
        _matches(_DIGEST, getattr(statement, name), f"the {name} digest")
    _matches(_DIGEST, statement.root.digest, "the root digest")
    _matches(_NONCE, statement.nonce, "the nonce")
    if parse_time(statement.expires) <= parse_time(statement.issued):
        raise StatementError("it expires before it is issued")
    witness = statement.witness
    if witness.index < 0 or bool(witness.index) != bool(witness.digest):
        raise StatementError("its witness names no ledger entry")
    if statement.decision is Decision.REJECT and not statement.reason.strip():
        raise StatementError("a rejection needs a reason")
    if statement.role in (Role.BREAK_GLASS, Role.REVIEW) and not statement.reason.strip():
        raise StatementError(f"a {statement.role} needs a reason")
    if len({item.finding for item in statement.accepted}) != len(statement.accepted):
        raise StatementError("it accepts one finding twice")
    if any(not item.reason.strip() for item in statement.accepted):
        raise StatementError("an accepted finding needs a reason")
    for text in _texts(statement):
        if (found := hidden_character(text)) is not None:
            raise StatementError(f"a text holds the character {found}, which a reader cannot see")


def _matches(pattern: re.Pattern[str], text: str, what: str) -> None:
    if pattern.fullmatch(text) is None:
        raise StatementError(f"{what} is malformed")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return _texts(to_builtins(value)) if hasattr(value, "__dataclass_fields__") else []
