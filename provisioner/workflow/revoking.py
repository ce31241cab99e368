"""`revoke`: a key, or every key of a person, counts no longer; and what the recorded revocations come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakKeyDictionary

from .. import canonical
from ..approval import dsse, revocation, signing
from ..approval.chain import TrustError
from ..approval.dsse import EnvelopeError
from ..approval.review import escape
from ..approval.revocation import Recorded, Revocation, Revocations
from ..approval.root import RootError, TrustRoot, parse_root, pin
from ..approval.statement import StatementError, Witness
from ..approval.verdict import Refusal
from ..lang.suggest import suggestion
from ..ledger import views
from ..ledger.entries import Entry, History, Kind
from ..ledger.log import Ledger
from ..model.diagnostics import DiagnosticError
from ..runner import Runner
from .project import workspace_ledger

_FINGERPRINT = "SHA256:"

_JUDGED: WeakKeyDictionary[History, tuple[int, Revocations]] = WeakKeyDictionary()
"""What was judged already: a history only grows."""


@dataclass(frozen=True, slots=True)
class ToRevoke:
    """What is about to be signed: the statement, and the text that says it."""

    ledger: Ledger
    statement: Revocation
    key: Path
    text: str


def revocations(ledger: Ledger) -> Revocations:
    """What the ledger's revocations come to. Raises TrustError for a trust root that cannot be read."""
    history = ledger.history
    if not history.of(Kind.REVOCATION):
        return Revocations()
    size, known = _JUDGED.get(history, (0, Revocations()))
    if size != len(history):
        known = _judge(history)
        _JUDGED[history] = (len(history), known)
    return known


def open_ledger(runner: Runner, root: Path, workspace: str | None = None) -> Ledger:
    """The ledger that a revocation goes into. Raises DiagnosticError."""
    return workspace_ledger(runner, workspace, root)


def prepare(ledger: Ledger, root: TrustRoot, known_pin: str, what: str, reason: str, key: Path) -> ToRevoke:
    """Find out whose keys are meant, and say it in words. Raises DiagnosticError where nobody would gain by signing."""
    fingerprint, person = _meant(what, root)
    signer = revocation.holder_of(root.data, signing.public_key(key).fingerprint)
    told = revocations(ledger)
    _check_signer(root, told, fingerprint, person, signer, key)
    head = ledger.head
    try:
        made = revocation.make(
            root,
            known_pin,
            fingerprint,
            person,
            reason,
            now=datetime.now(UTC),
            witness=Witness(head.index, head.digest),
        )
    except StatementError as error:
        raise DiagnosticError.of(
            "E-REVOKE", f"This cannot be signed: {error}", "Write it anew: -reason TEXT."
        ) from error
    return ToRevoke(ledger, made, key, "\n".join(_lines(made, root, str(signer))) + "\n")


def sign(to_revoke: ToRevoke, environ: Mapping[str, str]) -> dict[str, object]:
    """The signed statement. Nothing is recorded yet. Raises DiagnosticError."""
    payload = revocation.encode(to_revoke.statement)
    armored = signing.sign(dsse.pae(payload), to_revoke.key, environ=environ)
    return dsse.envelope_of(payload, armored)


def record(ledger: Ledger, envelopes: Sequence[Mapping[str, object]]) -> tuple[Entry, ...]:
    """Put signed revocations into the ledger. They are judged whenever somebody asks. Raises DiagnosticError."""
    entries = []
    for envelope in envelopes:
        said, _key = _opened(envelope)
        body = {
            "fingerprint": said.fingerprint,
            "person": said.person,
            "reason": said.reason,
            "envelope": dict(envelope),
        }
        entries.append(ledger.append(Kind.REVOCATION, body))
    return tuple(entries)


def is_revocation(envelope: Mapping[str, object]) -> bool:
    """Whether a well-formed envelope holds a revocation. Raises EnvelopeError for one whose signature is wrong."""
    payload, _key = dsse.open_payload(envelope)
    try:
        value = canonical.loads(payload)
    except canonical.CanonicalError as error:
        raise EnvelopeError("E-STATEMENT", str(error)) from error
    return isinstance(value, dict) and value.get("predicateType") == revocation.PREDICATE_TYPE


def take_in(envelopes: Sequence[Mapping[str, object]], runner: Runner, root: Path) -> tuple[Ledger, tuple[Entry, ...]]:
    """`publish FILE` of revocations that were signed elsewhere. Raises DiagnosticError."""
    workspaces = {_opened(envelope)[0].workspace for envelope in envelopes}
    if len(workspaces) != 1:
        raise DiagnosticError.of(
            "E-FILE", "The file holds revocations of several workspaces", "Publish those of one workspace at a time."
        )
    ledger = workspace_ledger(runner, workspaces.pop(), root)
    return ledger, record(ledger, envelopes)


def outcome(ledger: Ledger, entries: Sequence[Entry]) -> tuple[str, ...]:
    """What became of entries just recorded, one line each."""
    told = revocations(ledger)
    lines = []
    for entry in entries:
        counted = [item for item in told.revoked if item.index == entry.index]
        ignored = next((item for item in told.ignored if item.index == entry.index), None)
        pending = next((item for item in told.pending if item.index == entry.index), None)
        if ignored is not None:
            lines.append(f"entry {entry.index} counts for nothing: {escape(ignored.why)}")
        elif pending is not None:
            who = " or ".join(pending.may_sign) or "nobody: governance has too few signers left"
            lines.append(f"waits for {pending.missing} more of governance: {escape(who)}")
        else:
            lines += [f"revoked: {item.fingerprint} of {escape(item.person or 'nobody')}" for item in counted]
            if not counted:
                lines.append("was revoked before; nothing changed")
    return tuple(lines)


def _judge(history: History) -> Revocations:
    recorded = [
        Recorded(item.entry.index, item.fingerprint, item.person, item.reason, item.envelope)
        for item in views.revocations(history)
    ]
    try:
        roots = [(record.entry.index, parse_root(record.entry.body)) for record in views.roots(history)]
    except RootError as error:
        way_out = "Restore the ledger from its protected copy, and find out who wrote to it."
        raise TrustError(Refusal("E-ROOT-BROKEN", f"a trust root cannot be taken: {error}", way_out)) from error
    return revocation.judge(recorded, roots, pin(roots[0][1])) if roots else Revocations()


def _meant(what: str, root: TrustRoot) -> revocation.Target:
    """The key or the person that a word on the command line names."""
    name = what.removeprefix("person.")
    if name in root.data.people:
        return None, name
    if what.startswith(_FINGERPRINT):
        return what.rstrip("="), None
    if Path(what).is_file():
        return signing.public_key(Path(what)).fingerprint, None
    raise DiagnosticError.of(
        "E-REVOKE-WHAT",
        f"{what} is no person of trust root v{root.version}, no fingerprint and no key file",
        f"Name one of {', '.join(root.data.people)}, a fingerprint (SHA256:…) or a .pub file."
        f"{suggestion(name, root.data.people)}",
    )


def _check_signer(
    root: TrustRoot, told: Revocations, fingerprint: str | None, person: str | None, signer: str | None, key: Path
) -> None:
    own = signing.public_key(key).fingerprint
    if signer is None:
        raise DiagnosticError.of(
            "E-KEY-UNKNOWN",
            f"{key} belongs to nobody in trust root v{root.version}",
            f"Its fingerprint is {own}. Sign with the key of a person in the root.",
        )
    if own in told.before():
        raise DiagnosticError.of(
            "E-KEY-REVOKED", f"{key} was revoked: it signs nothing any more", "Sign with another key of yours."
        )
    meant = {fingerprint} if fingerprint else set(revocation.fingerprints(root.data, str(person)))
    if meant and meant <= told.before():
        raise DiagnosticError.of("E-REVOKED", "That is revoked already", "There is nothing left to do.")
    governors = revocation.governors(root.data)
    whose = person or revocation.holder_of(root.data, str(fingerprint))
    if signer != whose and signer not in governors:
        raise DiagnosticError.of(
            "E-NOT-SIGNER",
            f"{signer} may revoke only keys of {signer}",
            f"Others' keys are revoked by governance: {', '.join(governors) or 'nobody'}. Nothing was signed.",
        )


def _lines(made: Revocation, root: TrustRoot, signer: str) -> list[str]:
    whose = made.person or revocation.holder_of(root.data, str(made.fingerprint))
    held = [made.fingerprint] if made.fingerprint else list(revocation.fingerprints(root.data, str(made.person)))
    alone = signer == whose
    return [
        "provisioner revocation",
        f"  workspace    {escape(made.workspace)}, trust root v{root.version}",
        f"  ledger       {escape(made.ledger)}",
        *(f"  key          {escape(str(line))}" for line in held),
        f"  held by      {escape(whose or 'nobody in the root')}",
        f"  reason       {escape(made.reason)}",
        f"  signed by    {escape(signer)}, {'the holder: it counts at once' if alone else 'for governance'}",
        "  From then on no signature of these keys counts for a plan that is not applied yet. It cannot be taken back:",
        "  the person gets a new key by a governance change.",
    ]


def _opened(envelope: Mapping[str, object]) -> tuple[Revocation, object]:
    try:
        return revocation.open_revocation(envelope)
    except EnvelopeError as error:
        raise DiagnosticError.of(
            error.code, f"This is no revocation that can be taken: {error}", "Nothing was recorded. Sign it again."
        ) from error
