"""Does NEW allow a request that OLD does not, and the other way round?

Two proofs are tried: that every Allow of NEW is covered by Allows of OLD and every Deny of OLD by Denies of NEW (then
NEW is not wider), and the mirror of it. Where the first fails, a witness is looked for: a request that the evaluator
allows under NEW and denies under OLD. WIDER is claimed only with a confirmed witness; otherwise the answer is UNKNOWN,
which everybody treats as wider. Both proofs are EQUAL, the first alone is NARROWER.

`shared` policies stand beside both: what they allow is no news, and what they deny stays denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from provisioner.model.changes import Assessment, Effect
from provisioner.model.requests import Answer

from . import describe
from .coverage import Piece, TooLargeError, open_pieces
from .document import Names, Policy, Statement
from .evaluate import Layer, PolicyRequest, evaluate_alone
from .globs import TooHardError, metered
from .witness import candidates

SENTENCES = 8
WORK_LIMIT = 100_000
"""Statements that the search for a witness may look at, over all candidates."""
STEP_LIMIT = 150_000
"""Steps that each of a comparison's proofs, and each search for a witness, may take on globs."""
PIECES_TRIED = 40
RIVALS = 200


@dataclass(frozen=True, slots=True)
class Comparison:
    """`gained` holds what may be more than before: pieces of Allows that are new, of Denies that are gone; `lost` the
    contrary. `gain` is a confirmed witness, `reason` says why an effect is UNKNOWN."""

    effect: Effect
    gained: tuple[Piece, ...] = ()
    lost: tuple[Piece, ...] = ()
    gain: PolicyRequest | None = None
    reason: str = ""


def compare_policies(old: Sequence[Policy], new: Sequence[Policy], shared: Sequence[Policy] = ()) -> Comparison:
    """Compare two sets of policies, each joined by OR as identity policies are. Pure, bounded, deterministic."""
    try:
        return _compare(_Side.of(old, shared), _Side.of(new, shared))
    except TooLargeError:
        return Comparison(Effect.UNKNOWN, reason="undecided: the policies have too many statements to compare")
    except TooHardError:
        return Comparison(Effect.UNKNOWN, reason="undecided: a pattern has too many wildcards to compare")


def compare(
    old: Sequence[Policy], new: Sequence[Policy], shared: Sequence[Policy] = (), home: str | None = None
) -> Assessment:
    """`compare_policies` in sentences. `home` is the account whose id need not be said."""
    return in_words(compare_policies(old, new, shared), lambda item: [describe.statement(item, home)])


@dataclass(frozen=True, slots=True)
class _Side:
    policies: tuple[Policy, ...]
    allows: tuple[Statement, ...]
    denies: tuple[Statement, ...]

    @classmethod
    def of(cls, policies: Iterable[Policy], shared: Iterable[Policy]) -> _Side:
        everything = (*policies, *shared)
        statements = tuple(dict.fromkeys(item for policy in everything for item in policy.statements))
        return cls(
            everything,
            tuple(item for item in statements if item.allow),
            tuple(item for item in statements if not item.allow),
        )


def in_words(found: Comparison, say: Callable[[Statement], Iterable[str]]) -> Assessment:
    """A comparison for a reader. `say` puts a statement into words; a piece is a statement of its own.

    What is denied from now on stands with what is allowed no longer, and says so: it may never have been allowed.
    """
    can = [*_sentences(found.gained, True, say), *_sentences(found.gained, False, say, "no longer denied: ")]
    cannot = [*_sentences(found.lost, True, say), *_sentences(found.lost, False, say, "now denied: ")]
    reason = found.reason
    if found.gain is not None:
        reason = f"for example {describe.request(found.gain.action, found.gain.resource)}"
    return Assessment(found.effect, _capped(can), _capped(cannot), reason)


def _capped(sentences: Sequence[str]) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(sentences))
    if len(unique) <= SENTENCES:
        return unique
    return (*unique[: SENTENCES - 1], f"and {len(unique) - SENTENCES + 1} more")


def _sentences(
    pieces: Sequence[Piece], allow: bool, say: Callable[[Statement], Iterable[str]], before: str = ""
) -> list[str]:
    """Pieces of one statement that share their resources, and then those that share their actions, are one sentence."""
    by_resource: dict[tuple[Statement, object, Names | None], list[Piece]] = {}
    for piece in pieces:
        if piece.statement.allow is allow:
            by_resource.setdefault((piece.statement, piece.principals, piece.resources), []).append(piece)
    merged: dict[tuple[Statement, object, Names], list[Piece]] = {}
    for group in by_resource.values():
        actions = _joined([piece.actions for piece in group])
        merged.setdefault((group[0].statement, group[0].principals, actions), []).append(group[0])
    out = []
    for (_, _, actions), group in merged.items():
        resources = [piece.resources for piece in group if piece.resources is not None]
        whole = replace(group[0], actions=actions, resources=_joined(resources) if resources else None)
        out += [before + text for text in say(whole.as_statement())]
    return out


def _joined(elements: Sequence[Names]) -> Names:
    patterns = tuple(dict.fromkeys(pattern for element in elements for pattern in element.patterns))
    return Names(patterns, elements[0].negated)


def _compare(old: _Side, new: _Side) -> Comparison:
    with metered(STEP_LIMIT):
        gained = (*open_pieces(new.allows, old.allows), *open_pieces(old.denies, new.denies))
    lost = _lost(old, new)
    if not gained:
        if lost is None:
            return Comparison(Effect.NARROWER, reason="nothing more is allowed; what is lost is too much to tell")
        return Comparison(Effect.NARROWER if lost else Effect.EQUAL, (), lost)
    lost = lost or ()
    with metered(STEP_LIMIT):
        gain = _witness(gained, new, old)
    if gain is not None:
        return Comparison(Effect.WIDER, gained, lost, gain)
    what = "new or changed Allow" if gained[0].statement.allow else "removed or changed Deny"
    reason = f"undecided: a {what} is not covered by what was there; no newly allowed request was found"
    return Comparison(Effect.UNKNOWN, gained, lost, None, reason)


def _lost(old: _Side, new: _Side) -> tuple[Piece, ...] | None:
    """What may be allowed no longer; None where that is too hard to say. Safety does not hang on it."""
    try:
        with metered(STEP_LIMIT):
            return (*open_pieces(old.allows, new.allows), *open_pieces(new.denies, old.denies))
    except (TooHardError, TooLargeError):
        return None


def _witness(pieces: Sequence[Piece], more: _Side, less: _Side) -> PolicyRequest | None:
    """A request that `more` allows and `less` denies, confirmed by the evaluator; None where none was found."""
    budget = WORK_LIMIT // (1 + len(more.allows) + len(more.denies) + len(less.allows) + len(less.denies))
    for piece in pieces[:PIECES_TRIED]:
        rivals = (less.allows if piece.statement.allow else more.allows, more.denies, less.denies)
        relevant = [item for group in rivals for item in group if item is not piece.statement]
        for request in candidates(piece, relevant[:RIVALS]):
            budget -= 1
            if budget < 0:
                return None
            if _answer(request, more) is Answer.ALLOWED and _answer(request, less) is Answer.DENIED:
                return request
    return None


def _answer(request: PolicyRequest, side: _Side) -> Answer:
    return evaluate_alone(request, Layer("they", side.policies)).answer
