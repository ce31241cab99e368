"""Whether one set of statements covers another: a proof, statement by statement, and what it leaves open.

A statement is cut into pieces, one for each principal, action and resource that it names. A piece is covered when some
statement of the other side, or several that differ only in actions or only in resources, speak of all of it under
conditions that follow from its own. True is proven; what is not proven is handed back as pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .document import Names, Pattern, Principals, Statement
from .globs import TooHardError, overlap, parse_glob, uncovered
from .implication import implies

PIECE_LIMIT = 20_000
PAIR_LIMIT = 60_000
_ANY = parse_glob("*")


class TooLargeError(Exception):
    """Policies with more pieces than are compared."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a statement: one principal, one action, one resource (or each negated element as a whole)."""

    statement: Statement
    principals: Principals | None
    actions: Names
    resources: Names | None

    def as_statement(self) -> Statement:
        return replace(self.statement, principals=self.principals, actions=self.actions, resources=self.resources)


def open_pieces(statements: Sequence[Statement], covers: Sequence[Statement]) -> tuple[Piece, ...]:
    """The pieces of `statements` that `covers` is not proven to cover. Raises TooLargeError."""
    same = set(covers)
    rest = [item for item in dict.fromkeys(statements) if item not in same]
    candidates = list(dict.fromkeys(covers))
    if len(rest) * len(candidates) > PAIR_LIMIT:
        raise TooLargeError
    found: list[Piece] = []
    pieces = 0
    for item in rest:
        # Conditions are the same for all pieces of a statement: whose follow is asked once.
        following = [cover for cover in candidates if _implied(item, cover)]
        for piece in _pieces(item):
            pieces += 1
            if pieces > PIECE_LIMIT or pieces * (len(candidates) + 1) > PAIR_LIMIT:
                raise TooLargeError
            if not _proven(piece, following):
                found.append(piece)
    return tuple(found)


def _implied(item: Statement, cover: Statement) -> bool:
    try:
        return implies(item.conditions, cover.conditions)
    except TooHardError:
        return False


def _proven(piece: Piece, following: Sequence[Statement]) -> bool:
    """Whether a piece is covered; what is too hard to say is not."""
    try:
        return _covered(piece, following)
    except TooHardError:
        return False


def _pieces(item: Statement) -> Iterator[Piece]:
    for principals in _principals(item.principals):
        for actions in _names(item.actions):
            for resources in [None] if item.resources is None else _names(item.resources):
                yield Piece(item, principals, actions, resources)


def _names(element: Names) -> Sequence[Names]:
    return [element] if element.negated else [Names((pattern,), False) for pattern in element.patterns]


def _principals(element: Principals | None) -> Sequence[Principals | None]:
    if element is None or element.everyone or element.negated:
        return [element]
    return [Principals(False, ((kind, (value,)),), False) for kind, values in element.kinds for value in values]


def _covered(piece: Piece, candidates: Sequence[Statement]) -> bool:
    fitting = [item for item in candidates if principal_inside(piece.principals, item.principals)]
    by_action = [item for item in fitting if inside(piece.actions, item.actions)]
    by_resource = [item for item in fitting if inside(piece.resources, item.resources)]
    whole = set(map(id, by_resource))
    if any(id(item) in whole for item in by_action):
        return True
    return inside(piece.actions, _union(item.actions for item in by_resource)) or inside(
        piece.resources, _union(item.resources for item in by_action)
    )


def _union(elements: Iterator[Names | None]) -> Names:
    """The patterns of all that are not negated: together they take at most what all do."""
    plain = (element.patterns for element in elements if element is not None and not element.negated)
    return Names(tuple(dict.fromkeys(pattern for patterns in plain for pattern in patterns)), False)


def inside(left: Names | None, right: Names | None) -> bool:
    """Whether all that `left` names, `right` names. An absent element speaks of the one resource it stands on."""
    if left is None or right is None:
        return left is right
    if left == right:
        return True
    if not left.patterns or not right.patterns:
        return False
    if left.negated and right.negated:
        return all(_pattern_inside(pattern, left) for pattern in right.patterns)
    if left.negated:
        return uncovered(_ANY, (*left.globs, *right.globs)) is None
    if right.negated:
        return all(overlap(one.widened, two.widened) is None for one in left.patterns for two in right.patterns)
    return all(_pattern_inside(pattern, right) for pattern in left.patterns)


def _pattern_inside(pattern: Pattern, covers: Names) -> bool:
    """A plain text covers no pattern with a wildcard, nor another text: those need not be asked."""
    return pattern.tokens in covers.tokens or uncovered(pattern.widened, covers.wild) is None


def principal_inside(left: Principals | None, right: Principals | None) -> bool:
    """Names are compared as they are: an account is not the same as its users, for it leaves it to their policies."""
    if left is None or right is None:
        return left is right
    if left == right:
        return True
    if left.negated or right.negated:
        return False
    if right.everyone:
        return True
    return not left.everyone and all(
        value in right.of(kind) or (kind == "AWS" and "*" in right.of("AWS"))
        for kind, values in left.kinds
        for value in values
    )
