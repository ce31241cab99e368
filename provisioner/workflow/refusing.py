"""Says at once, before anybody's key is used, that a sign-off would count for nothing, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..approval.requirements import Bar, bars_of
from ..approval.root import TrustRoot
from ..approval.statement import Decision, hidden_character
from ..approval.verifier import Verdict
from ..ledger.log import Ledger
from ..model.diagnostics import DiagnosticError
from ..model.plan import Requirement
from ..planfile import PlanFile
from .revoking import revocations

_HOPELESS = frozenset({"E-EXPIRED", "E-BASE", "E-ROOT", "E-WORKSPACE", "E-PLAN-DIGEST", "E-CLOCK"})
"""Refusals of a plan that no sign-off can mend."""


def check_key(ledger: Ledger, fingerprint: str, person: str) -> None:
    """Raise DiagnosticError for a key that was revoked: it says neither yes nor no."""
    for item in revocations(ledger).revoked:
        if item.fingerprint == fingerprint:
            raise DiagnosticError.of(
                "E-KEY-REVOKED",
                f"This key of {person} was revoked: {item.reason}",
                f"It is {fingerprint}, revoked by {' and '.join(item.by)} (ledger entry {item.index}). Nothing was"
                " signed. Sign with another key, or have governance add one by a plan.",
            )


def check_texts(texts: Iterable[str]) -> None:
    """Raise DiagnosticError for a reason that others could not read as it is: nobody signs what cannot be seen."""
    for text in texts:
        if (found := hidden_character(text)) is not None:
            raise DiagnosticError.of(
                "E-TEXT",
                f"A reason holds the character {found}, which a reader cannot see",
                "Nothing was signed. Write it anew on one line, without control or formatting characters.",
            )


def check_approval(
    file: PlanFile, root: TrustRoot, judged: Verdict, chosen: Sequence[Requirement], person: str, decision: Decision
) -> None:
    """Raise DiagnosticError where an approval would not count. Whoever says no is heard: authors too, and late."""
    if decision is not Decision.APPROVE:
        return
    for refusal in judged.refusals:
        if refusal.code in _HOPELESS:
            raise DiagnosticError.of(
                refusal.code,
                f"Nobody can sign plan {file.short}: {refusal.reason}",
                f"Nothing was signed. {refusal.fix}",
            )
    _check_bars(file, root, chosen, person)
    for state in judged.states:
        others = [signed for signed in state.rejected if signed.person != person]
        if state.requirement in chosen and others:
            no, need = others[0], state.requirement
            raise DiagnosticError.of(
                "E-REJECTED",
                f"{no.person} rejected {need.surface} for {need.owner}: {no.reason}",
                f"Nothing was signed: a yes of somebody else does not lift a no. Settle it with {no.person}, who can"
                " sign later, or change the plan.",
            )


def _check_bars(file: PlanFile, root: TrustRoot, chosen: Sequence[Requirement], person: str) -> None:
    if root.data.approval.solo:
        return
    bars = [(need, bar) for need in chosen if (bar := _bar(file, need, person)) is not None]
    if not bars:
        return
    need, bar = bars[0]
    signers = root.data.owners[need.owner].signers if need.owner in root.data.owners else ()
    others = [name for name in signers if name != person and _bar(file, need, name) is None]
    left = [item for item in chosen if all(item != barred_one for barred_one, _ in bars)]
    way = [f"Let {' or '.join(others)} sign it." if others else "Let somebody else write the change, or add a signer."]
    way += [f"You may sign -owner {item.owner} -surface {item.surface}." for item in left]
    raise DiagnosticError.of(
        "E-EXCLUDED",
        f"{person} may not sign {need.surface} for {need.owner}: {_told(bar)}",
        f"Nothing was signed. {' '.join(way)} A no is heard from you too: -reject -reason TEXT.",
    )


def _bar(file: PlanFile, need: Requirement, person: str) -> Bar | None:
    bars = bars_of(need, file.plan)
    return next((bar for bar in bars if bar.person == person), None)


def _told(bar: Bar) -> str:
    words = {"author": "an author of what the plan was made from", "planned it": "who planned it"}
    return words.get(bar.reason, bar.reason)
