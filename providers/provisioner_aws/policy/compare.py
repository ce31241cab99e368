"""Does NEW allow a request that OLD does not, and the other way round?

First the cheap proof: every Allow of NEW is covered by Allows of OLD, and every Deny of OLD by Denies of NEW, piece by
piece. What it leaves open is decided piece by piece in `gains`: a request that the evaluator confirms, or a proof that
there is none. WIDER is claimed only with a confirmed request; a piece that nobody can decide makes the answer UNKNOWN,
which everybody treats as wider. Nothing gained and nothing lost is EQUAL, nothing gained and something lost NARROWER.

A Deny of identity policies and boundaries counts by itself (`outright`): what it denies, no policy elsewhere can allow,
and once it is gone a resource policy may. `shared` policies stand beside both: what they allow is no news, and what
they deny stays denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from provisioner.model.changes import Assessment, Effect

from . import describe
from .coverage import Piece, TooLargeError, open_pieces
from .document import Names, Policy, Statement
from .evaluate import PolicyRequest
from .gains import Gain, Nothing, Side, gain_of
from .globs import TooHardError, metered, remaining

SENTENCES = 8
STEP_LIMIT = 150_000
"""Steps that each of a comparison's cheap proofs, and the search in each direction, may take."""
PIECES_TRIED = 400
PIECES_TOLD = 40
"""Pieces that are looked at for the sentences' sake, once a witness is known."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`gained` holds what may be more than before: pieces of Allows that are new, of Denies that are gone; `lost` the
    contrary. `gain` is a confirmed witness, `reason` says why an effect is UNKNOWN. `alone` is false where the witness
    was denied outright and is merely not allowed now."""

    effect: Effect
    gained: tuple[Piece, ...] = ()
    lost: tuple[Piece, ...] = ()
    gain: PolicyRequest | None = None
    reason: str = ""
    alone: bool = True


def compare_policies(
    old: Sequence[Policy], new: Sequence[Policy], shared: Sequence[Policy] = (), *, outright: bool = True
) -> Comparison:
    """Compare two sets of policies, each joined by OR as identity policies are. Pure, bounded, deterministic.

    `outright` is for policies beside which others may allow; a trust policy or a control policy is none of these.
    """
    try:
        return _compare(Side.of(old, shared), Side.of(new, shared), outright)
    except TooLargeError:
        return Comparison(Effect.UNKNOWN, reason="undecided: the policies have too many statements to compare")
    except TooHardError:
        return Comparison(Effect.UNKNOWN, reason="undecided: a pattern has too many wildcards to compare")


def compare(
    old: Sequence[Policy], new: Sequence[Policy], shared: Sequence[Policy] = (), home: str | None = None
) -> Assessment:
    """`compare_policies` in sentences. `home` is the account whose id need not be said."""
    return in_words(compare_policies(old, new, shared), lambda item: [describe.statement(item, home)])


def in_words(found: Comparison, say: Callable[[Statement], Iterable[str]]) -> Assessment:
    """A comparison for a reader. `say` puts a statement into words; a piece is a statement of its own.

    What is denied from now on stands with what is allowed no longer, and says so: it may never have been allowed.
    """
    can = [*_sentences(found.gained, True, say), *_sentences(found.gained, False, say, "no longer denied: ")]
    cannot = [*_sentences(found.lost, True, say), *_sentences(found.lost, False, say, "now denied: ")]
    reason = found.reason
    if found.gain is not None:
        reason = f"for example {describe.request(found.gain.action, found.gain.resource)}"
        if not found.alone:
            reason += ", which another policy may now allow"
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


def _compare(old: Side, new: Side, outright: bool) -> Comparison:
    with metered(STEP_LIMIT):
        open_ones = (*open_pieces(new.allows, old.allows), *open_pieces(old.denies, new.denies))
    gained, gain, undecided = _decided(open_ones, new, old, outright)
    lost = _lost(old, new, outright)
    if not gained:
        if lost is None:
            return Comparison(Effect.NARROWER, reason="nothing more is allowed; what is lost is too much to tell")
        return Comparison(Effect.NARROWER if lost else Effect.EQUAL, (), lost)
    if gain is not None:
        return Comparison(Effect.WIDER, gained, lost or (), gain.request, alone=gain.alone)
    what = "new or changed Allow" if undecided is not None and undecided.statement.allow else "removed or changed Deny"
    reason = f"undecided: a {what} is not covered by what was there; no newly allowed request was found"
    return Comparison(Effect.UNKNOWN, gained, lost or (), None, reason)


def _decided(
    pieces: Sequence[Piece], more: Side, less: Side, outright: bool
) -> tuple[tuple[Piece, ...], Gain | None, Piece | None]:
    """Those pieces that may gain, a request that does, and the first piece that nobody could decide.

    A request that needs no other policy's help is worth more than one that does.
    """
    whole: dict[Statement, list[Piece]] = {}
    for piece in pieces:
        whole.setdefault(piece.statement, []).append(piece)
    found = _Found()
    with metered(STEP_LIMIT):
        for item, parts in whole.items():
            if len(parts) > 1:
                # The statement at once: where it gains nothing, no piece of it does.
                everything = Piece(item, item.principals, item.actions, item.resources)
                answer = _asked(everything, more, less, outright)
                if answer is Nothing.PROVEN:
                    continue
                found.take(answer)
            for piece in parts:
                enough = found.gain is not None and found.gain.alone and len(found.kept) >= PIECES_TOLD
                if enough or found.tried >= PIECES_TRIED:
                    found.keep(piece, Nothing.OPEN)
                else:
                    found.keep(piece, _asked(piece, more, less, outright))
    return tuple(found.kept), found.gain, found.undecided


@dataclass(slots=True)
class _Found:
    """What the pieces have come to so far."""

    kept: list[Piece] = field(default_factory=list)
    gain: Gain | None = None
    undecided: Piece | None = None
    tried: int = 0

    def take(self, answer: Gain | Nothing) -> None:
        if isinstance(answer, Gain) and (self.gain is None or (answer.alone and not self.gain.alone)):
            self.gain = answer

    def keep(self, piece: Piece, answer: Gain | Nothing) -> None:
        self.tried += 1
        self.take(answer)
        if answer is not Nothing.PROVEN:
            self.kept.append(piece)
        if answer is Nothing.OPEN and self.undecided is None:
            self.undecided = piece


def _asked(piece: Piece, more: Side, less: Side, outright: bool) -> Gain | Nothing:
    if remaining() <= 0:
        return Nothing.OPEN
    try:
        return gain_of(piece, more, less, outright)
    except TooHardError:
        return Nothing.OPEN


def _lost(old: Side, new: Side, outright: bool) -> tuple[Piece, ...] | None:
    """What may be allowed no longer; None where that is too hard to say. Safety does not hang on it."""
    try:
        with metered(STEP_LIMIT):
            open_ones = (*open_pieces(old.allows, new.allows), *open_pieces(new.denies, old.denies))
    except (TooHardError, TooLargeError):
        return None
    return _decided(open_ones, old, new, outright)[0]
