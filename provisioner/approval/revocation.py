"""Revocations: a key, or every key of a person, counts no longer. Bound to one ledger, judged in its order. Pure.

The holder alone may revoke the own keys, with any key that still counts. Anybody else's are revoked by the quorum of
governance, by the root that was in force when the revocation was recorded. A revoked key stays revoked for good.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from .. import canonical
from ..model.changes import Surface
from ..planfile import PlanFileError, from_builtins, to_builtins
from . import dsse, keys
from .dsse import EnvelopeError
from .keys import KeyRefused, PublicKey
from .ownership import resolve_owner
from .root import RootData, TrustRoot
from .statement import STATEMENT_TYPE, StatementError, Witness, hidden_character, parse_time, timestamp

PREDICATE_TYPE: Final = "urn:agent-provisioner:revocation:1"
SUBJECT_DOMAIN: Final = "revocation/1"
DIGEST_NAME: Final = "provisionerRevocationV1"

_FINGERPRINT: Final = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_PIN: Final = re.compile(r"[0-9a-f]{64}")
_NONCE: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Revocation:
    """What one signer says: this key (`fingerprint`), or every key of this `person`, counts no longer.

    `pin` is that of root 1 (64 hex digits): it binds workspace, ledger and its location. `issued` is RFC 3339 UTC with
    whole seconds, `nonce` 32 hex digits, `witness` the newest ledger entry that the signer saw.
    """

    workspace: str
    ledger: str
    pin: str
    fingerprint: str | None
    person: str | None
    reason: str
    issued: str
    nonce: str
    witness: Witness

    @property
    def target(self) -> Target:
        return (self.fingerprint, self.person)


Target = tuple[str | None, str | None]
"""(fingerprint, person): one of them is None."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A revocation as it stands in the ledger. Nothing of it is believed yet."""

    index: int
    fingerprint: str | None
    person: str | None
    reason: str
    envelope: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """A key that counts no longer since entry `index`. `person` holds it ("" where nobody does), `by` signed for it."""

    fingerprint: str
    person: str
    reason: str
    by: tuple[str, ...]
    index: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A revocation that waits for more of governance: `missing` people of `may_sign`."""

    fingerprint: str | None
    person: str | None
    reason: str
    by: tuple[str, ...]
    missing: int
    may_sign: tuple[str, ...]
    index: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry that counts for nothing, and why."""

    index: int
    why: str


@dataclass(frozen=True, slots=True)
class Revocations:
    """All revocations of a ledger, judged."""

    revoked: tuple[RevokedKey, ...] = ()
    pending: tuple[Pending, ...] = ()
    ignored: tuple[Ignored, ...] = ()

    def before(self, index: int | None = None) -> frozenset[str]:
        """Fingerprints that were revoked before an entry; of all, where it is None."""
        return frozenset(item.fingerprint for item in self.revoked if index is None or item.index < index)


def make(
    root: TrustRoot,
    pin: str,
    fingerprint: str | None,
    person: str | None,
    reason: str,
    *,
    now: datetime,
    witness: Witness,
) -> Revocation:
    """A revocation to sign. Raises StatementError for what cannot be signed."""
    made = Revocation(
        workspace=root.data.workspace,
        ledger=root.data.ledger,
        pin=pin,
        fingerprint=fingerprint,
        person=person,
        reason=reason,
        issued=timestamp(now),
        nonce=secrets.token_hex(16),
        witness=witness,
    )
    _check(made)
    return made


def encode(revocation: Revocation) -> bytes:
    """The payload: canonical bytes of an in-toto statement with our predicate."""
    what = {name: getattr(revocation, name) for name in ("workspace", "pin", "fingerprint", "person")}
    digest = canonical.digest(SUBJECT_DOMAIN, what).removeprefix("sha256:")
    return canonical.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": "key" if revocation.person is None else "person", "digest": {DIGEST_NAME: digest}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": to_builtins(revocation),
        }
    )


def decode(payload: bytes) -> Revocation:
    """Parse a payload; anything but the exact bytes that `encode` writes is refused. Raises StatementError."""
    try:
        value = canonical.loads(payload)
    except canonical.CanonicalError as error:
        raise StatementError(str(error)) from error
    if not isinstance(value, dict) or value.get("predicateType") != PREDICATE_TYPE:
        raise StatementError("it is a statement about something else, not a revocation")
    try:
        revocation = from_builtins(value.get("predicate"), Revocation)
    except PlanFileError as error:
        raise StatementError(str(error)) from error
    _check(revocation)
    if encode(revocation) != payload:
        raise StatementError("its subject is another one, or fields are missing or unknown")
    return revocation


def open_revocation(envelope: Mapping[str, Any]) -> tuple[Revocation, PublicKey]:
    """What an envelope says, and the key that verifiably signed it. Raises EnvelopeError."""
    payload, key = dsse.open_payload(envelope)
    try:
        return decode(payload), key
    except StatementError as error:
        raise EnvelopeError("E-STATEMENT", f"the statement cannot be taken: {error}") from error


def judge(recorded: Sequence[Recorded], roots: Sequence[tuple[int, TrustRoot]], pin: str) -> Revocations:
    """What a ledger's revocations come to. `roots` are all trust roots with the index of their entries, in order."""
    court = _Court(roots, pin)
    for item in sorted(recorded, key=lambda item: item.index):
        if (why := court.hear(item)) is not None:
            court.ignored.append(Ignored(item.index, why))
    return Revocations(tuple(court.revoked.values()), tuple(court.pending()), tuple(court.ignored))


def fingerprints(root: RootData, person: str) -> tuple[str, ...]:
    """The fingerprints of a person's keys by a root."""
    return tuple(_fingerprints(root, person))


def holder_of(root: RootData, fingerprint: str) -> str | None:
    """Who has a key by a root; None where nobody has."""
    return next((name for name in root.people if fingerprint in _fingerprints(root, name)), None)


def governors(root: RootData) -> tuple[str, ...]:
    """Who signs for governance by a root, and so revokes others' keys."""
    return _governor(root).signers


@dataclass(slots=True)
class _Case:
    """A revocation that gathers signatures of governance: by whom, with which key, since which entry."""

    target: Target
    reason: str
    signed: dict[str, str] = field(default_factory=dict)
    index: int = 0


class _Court:
    """Hears revocations in the order of the ledger."""

    def __init__(self, roots: Sequence[tuple[int, TrustRoot]], pin: str) -> None:
        self._roots = roots
        self._pin = pin
        self._cases: dict[Target, _Case] = {}
        self.revoked: dict[str, RevokedKey] = {}
        self.ignored: list[Ignored] = []

    def hear(self, item: Recorded) -> str | None:
        """Take one entry into account; why not, where it counts for nothing."""
        roots = [root for index, root in self._roots if index < item.index]
        if not roots:
            return "no trust root was in force"
        root = roots[-1].data
        try:
            said, key = open_revocation(item.envelope)
        except EnvelopeError as error:
            return f"it is no signed revocation: {error}"
        if (said.fingerprint, said.person, said.reason) != (item.fingerprint, item.person, item.reason):
            return "its entry says something else than what was signed"
        if (said.workspace, said.ledger, said.pin) != (root.workspace, root.ledger, self._pin):
            return f"it was signed for another ledger, of workspace {said.workspace}"
        signer = holder_of(root, key.fingerprint)
        if signer is None:
            return f"it was made with the key {key.fingerprint}, which the trust root gives to nobody"
        if key.fingerprint in self.revoked:
            return f"it was made with the key {key.fingerprint}, which was revoked before"
        if said.person is not None and said.person not in root.people:
            return f"the trust root knows no person {said.person}"
        if signer == (said.person or holder_of(root, str(said.fingerprint))):
            self._revoke(said.target, said.reason, (signer,), item.index, roots)
            return None
        governor = _governor(root)
        if signer not in governor.signers:
            return f"{signer} is neither the holder nor a signer of governance"
        case = self._cases.setdefault(said.target, _Case(said.target, said.reason))
        case.signed[signer] = key.fingerprint
        case.index = item.index
        agreed = self._agreed(case, governor)
        if len(agreed) >= governor.threshold:
            self._revoke(said.target, case.reason, agreed, item.index, roots)
            del self._cases[said.target]
        return None

    def pending(self) -> Iterator[Pending]:
        """What waits for more signatures, by the newest root."""
        if not self._cases:
            return
        governor = _governor(self._roots[-1][1].data)
        for case in self._cases.values():
            agreed = self._agreed(case, governor)
            left = tuple(sorted(set(governor.signers) - set(agreed)))
            missing = max(0, governor.threshold - len(agreed))
            yield Pending(*case.target, case.reason, agreed, missing, left, case.index)

    def _agreed(self, case: _Case, governor: _Governor) -> tuple[str, ...]:
        """Who has signed, still speaks for governance, and with a key that still counts."""
        return tuple(
            sorted(name for name, key in case.signed.items() if name in governor.signers and key not in self.revoked)
        )

    def _revoke(self, target: Target, reason: str, by: tuple[str, ...], index: int, roots: Sequence[TrustRoot]) -> None:
        fingerprint, person = target
        if fingerprint is not None:
            held = {fingerprint}
            person = next((name for root in reversed(roots) if (name := holder_of(root.data, fingerprint))), "")
        else:
            assert person is not None
            held = {line for root in roots if person in root.data.people for line in _fingerprints(root.data, person)}
        for line in sorted(held):
            self.revoked.setdefault(line, RevokedKey(line, person or "", reason, by, index))


@dataclass(frozen=True, slots=True)
class _Governor:
    signers: tuple[str, ...]
    threshold: int


def _governor(root: RootData) -> _Governor:
    owner = root.owners.get(resolve_owner(root, Surface.GOVERNANCE.value) or "")
    return _Governor(owner.signers, owner.threshold) if owner is not None else _Governor((), 1)


def _fingerprints(root: RootData, person: str) -> Iterator[str]:
    for line in root.people[person].keys:
        try:
            yield keys.parse(line).fingerprint
        except KeyRefused:
            continue  # a line that is no key has signed nothing


def _check(revocation: Revocation) -> None:
    """What types alone do not say."""
    if (revocation.fingerprint is None) == (revocation.person is None):
        raise StatementError("a revocation is of one key or of one person")
    if revocation.fingerprint is not None and _FINGERPRINT.fullmatch(revocation.fingerprint) is None:
        raise StatementError("the fingerprint is malformed")
    if _PIN.fullmatch(revocation.pin) is None or _NONCE.fullmatch(revocation.nonce) is None:
        raise StatementError("the pin or the nonce is malformed")
    if not revocation.reason.strip():
        raise StatementError("a revocation needs a reason")
    parse_time(revocation.issued)
    witness = revocation.witness
    if witness.index < 0 or bool(witness.index) != bool(witness.digest):
        raise StatementError("its witness names no ledger entry")
    texts = (revocation.workspace, revocation.ledger, revocation.person or "", revocation.reason, witness.digest)
    for text in texts:
        if (found := hidden_character(text)) is not None:
            raise StatementError(f"a text holds the character {found}, which a reader cannot see")
