"""Globs as languages: match, inclusion in a union, overlap. Exact, and bounded.

`*` stands for any run of characters, `?` for one. Inclusion is decided on the automata themselves: a glob's positions
are the states, a set of positions is a bit mask. What a set holds before its last `*` adds nothing to what that `*`
accepts, which keeps the sets small. `TooHardError` says that a question, or all that are asked under one `metered`,
would take more steps than they may. Steps are counted alike whether an answer is known already or not, so that the
same question always gets the same answer.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from itertools import takewhile


class Wild(Enum):
    """The two wildcards, as tokens beside characters."""

    ONE = "?"
    MANY = "*"


Token = str | Wild
"""One character, or a wildcard."""

STEP_LIMIT = 20_000
"""Steps that one question may take; one is about two microseconds."""
_EVERYDAY = "xyzabcdefghijklmnopqrstuvw0123456789XYZ"


class TooHardError(Exception):
    """Questions about globs that were given up after too many steps."""


_SPENT: ContextVar[list[int] | None] = ContextVar("steps left", default=None)


@contextmanager
def metered(steps: int) -> Iterator[None]:
    """Limit all questions asked inside to so many steps together."""
    token = _SPENT.set([steps])
    try:
        yield
    finally:
        _SPENT.reset(token)


def remaining() -> int:
    """The steps that `metered` left; none outside of it."""
    left = _SPENT.get()
    return 0 if left is None else left[0]


def charge(steps: int) -> None:
    """Take steps off what `metered` left. Raises TooHardError."""
    left = _SPENT.get()
    if left is not None:
        left[0] -= steps
        if left[0] < 0:
            raise TooHardError


@dataclass(frozen=True)
class Glob:
    """A pattern in normal form: a run of wildcards is its `?`s and then at most one `*`.

    What is asked of it again and again is worked out once.
    """

    tokens: tuple[Token, ...]

    @cached_property
    def literal(self) -> str | None:
        """The one text that matches, where there is only one."""
        return None if any(isinstance(token, Wild) for token in self.tokens) else "".join(map(str, self.tokens))

    @cached_property
    def prefix(self) -> str:
        """What every text that matches begins with."""
        return "".join(map(str, takewhile(lambda token: isinstance(token, str), self.tokens)))

    @property
    def universal(self) -> bool:
        return self.tokens == (Wild.MANY,)

    def matches(self, text: str) -> bool:
        """In time proportional to text × pattern at worst."""
        return text == self.literal if self.literal is not None else self._matcher(text)

    @cached_property
    def _matcher(self) -> _Matcher:
        return _Matcher(self.tokens)

    @cached_property
    def _hash(self) -> int:
        return hash(self.tokens)

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return "".join(token.value if isinstance(token, Wild) else token for token in self.tokens)

    def example(self, filler: str = "example") -> str:
        """A text that matches: each `*` as `filler`, each `?` as `x`."""
        return "".join(
            token if isinstance(token, str) else (filler if token is Wild.MANY else "x") for token in self.tokens
        )


def glob(tokens: Iterable[Token]) -> Glob:
    """A Glob in normal form."""
    out: list[Token] = []
    many = False
    for token in tokens:
        if token is Wild.MANY:
            many = True
        elif token is Wild.ONE:
            out.append(token)
        else:
            if many:
                out.append(Wild.MANY)
                many = False
            out.append(token)
    if many:
        out.append(Wild.MANY)
    return Glob(tuple(out))


@lru_cache(maxsize=65536)
def parse_glob(text: str) -> Glob:
    """A glob as written: every `*` and `?` is a wildcard."""
    return glob(Wild(char) if char in "*?" else char for char in text)


class _Matcher:
    """Pieces between the `*`s, each of a fixed length: the first is anchored left, the last right, others searched."""

    __slots__ = ("_fixed", "_head", "_length", "_middle", "_start", "_tail")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        pieces: list[list[Token]] = [[]]
        for token in tokens:
            if token is Wild.MANY:
                pieces.append([])
            else:
                pieces[-1].append(token)
        compiled = [_piece(piece) for piece in pieces]
        self._fixed = len(compiled) == 1
        self._head, self._middle, self._tail = compiled[0], compiled[1:-1], compiled[-1]
        self._start, self._length = len(pieces[0]), len(pieces[-1])

    def __call__(self, text: str) -> bool:
        if self._fixed:
            return self._head.fullmatch(text) is not None
        end = len(text) - self._length
        if self._start > end or self._head.match(text) is None or self._tail.fullmatch(text, end) is None:
            return False
        at = self._start
        for piece in self._middle:
            found = piece.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return True


def _piece(tokens: Sequence[Token]) -> re.Pattern[str]:
    """A pattern of fixed length has nothing to go back to, so `re` is linear on it."""
    return re.compile("".join("." if token is Wild.ONE else re.escape(str(token)) for token in tokens), re.DOTALL)


def includes(cover: Glob, pattern: Glob) -> bool:
    """Whether `cover` matches everything that `pattern` matches. Raises TooHardError."""
    return uncovered(pattern, (cover,)) is None


def uncovered(pattern: Glob, covers: tuple[Glob, ...]) -> str | None:
    """A short text that `pattern` matches and none of `covers` does; None where they cover it all.

    Raises TooHardError.
    """
    relevant = tuple(cover for cover in covers if _meet(pattern, cover))
    try:
        word, steps = _uncovered(pattern, relevant)
    except TooHardError:
        charge(STEP_LIMIT)
        raise
    charge(steps + len(covers) // 8)
    return word


def _meet(pattern: Glob, cover: Glob) -> bool:
    """Whether a cover may have to do with a pattern: not if their beginnings differ. Exact for texts."""
    text = cover.literal
    if text is not None:
        return pattern.matches(text)
    return cover.prefix.startswith(pattern.prefix) or pattern.prefix.startswith(cover.prefix)


@lru_cache(maxsize=65536)
def _uncovered(pattern: Glob, covers: tuple[Glob, ...]) -> tuple[str | None, int]:
    literal = pattern.literal
    if literal is not None:
        return (None if any(cover.matches(literal) for cover in covers) else literal), 1 + len(covers)
    if any(cover.universal or cover == pattern for cover in covers):
        return None, 1 + len(covers)
    automata = tuple(_Automaton(cover) for cover in covers)
    stranger = _stranger(pattern, automata)
    for filler in ("", stranger):
        word = "".join(filler if t is Wild.MANY else stranger if t is Wild.ONE else str(t) for t in pattern.tokens)
        if not any(cover.matches(word) for cover in covers):
            return word, len(pattern.tokens) + 2 * len(covers)
    return _search(pattern, automata, stranger)


class _Automaton:
    """A glob's positions as bits: what can be read next from a set of them."""

    __slots__ = ("accept", "letters", "many", "one", "start", "total")

    def __init__(self, pattern: Glob) -> None:
        self.letters: dict[str, int] = {}
        self.one = self.many = 0
        for at, token in enumerate(pattern.tokens):
            if token is Wild.ONE:
                self.one |= 1 << at
            elif token is Wild.MANY:
                self.many |= 1 << at
            else:
                self.letters[str(token)] = self.letters.get(str(token), 0) | 1 << at
        self.accept = 1 << len(pattern.tokens)
        self.total = self.accept >> 1 if pattern.tokens and pattern.tokens[-1] is Wild.MANY else 0
        self.start = self._settle(1)

    def step(self, states: int, letter: str) -> int:
        moved = (states & (self.letters.get(letter, 0) | self.one)) << 1
        return self._settle(moved | states & self.many)

    def _settle(self, states: int) -> int:
        """Close over empty moves and drop what lies before the last `*`."""
        states |= (states & self.many) << 1
        stars = states & self.many
        return states >> (stars.bit_length() - 1) << (stars.bit_length() - 1) if stars else states


_Node = tuple[int, tuple[int, ...]]


def _search(pattern: Glob, automata: tuple[_Automaton, ...], other: str) -> tuple[str | None, int]:
    """Breadth first over (position in `pattern`, state sets of the covers), for a word that no cover accepts.

    Where no cover has a state left, any ending will do. Returns the word and the steps taken.
    """
    alphabet = sorted({letter for automaton in automata for letter in automaton.letters} - {other})
    start: _Node = (0, tuple(automaton.start for automaton in automata))
    came: dict[_Node, tuple[_Node, str] | None] = {start: None}
    queue = deque([start])
    steps = len(pattern.tokens)
    while queue:
        node = queue.popleft()
        at, sets = node
        if not any(sets):
            rest = (other if token is Wild.ONE else token for token in pattern.tokens[at:] if token is not Wild.MANY)
            return _word(came, node) + "".join(map(str, rest)), steps
        if any(states & automaton.total for states, automaton in zip(sets, automata, strict=True)):
            continue
        if at == len(pattern.tokens):
            if not any(states & automaton.accept for states, automaton in zip(sets, automata, strict=True)):
                return _word(came, node), steps
            continue
        token = pattern.tokens[at]
        moves: list[tuple[_Node, str]] = [((at + 1, sets), "")] if token is Wild.MANY else []
        target = at if token is Wild.MANY else at + 1
        for letter in [other, *alphabet] if isinstance(token, Wild) else [token]:
            steps += len(automata)
            after = tuple(automaton.step(states, letter) for states, automaton in zip(sets, automata, strict=True))
            moves.append(((target, after), letter))
        if steps > STEP_LIMIT:
            raise TooHardError
        for follower, letter in moves:
            if follower not in came:
                came[follower] = (node, letter)
                queue.append(follower)
    return None, steps


def _stranger(pattern: Glob, automata: Sequence[_Automaton]) -> str:
    """A letter that no cover names: it stands for all of those. An everyday one where that is possible."""
    named = {letter for automaton in automata for letter in automaton.letters}
    named.update(token for token in pattern.tokens if isinstance(token, str))
    for letter in _EVERYDAY:
        if letter not in named:
            return letter
    code = 0x100
    while chr(code) in named:
        code += 1
    return chr(code)


def _word(came: dict[_Node, tuple[_Node, str] | None], node: _Node) -> str:
    letters: list[str] = []
    step = came[node]
    while step is not None:
        node, letter = step
        letters.append(letter)
        step = came[node]
    return "".join(reversed(letters))


def overlap(one: Glob, two: Glob) -> str | None:
    """A short text that both match; None where there is none. Raises TooHardError."""
    try:
        word, steps = _overlap(one, two)
    except TooHardError:
        charge(STEP_LIMIT)
        raise
    charge(steps)
    return word


@lru_cache(maxsize=65536)
def _overlap(one: Glob, two: Glob) -> tuple[str | None, int]:
    for plain, pattern in ((one, two), (two, one)):
        literal = plain.literal
        if literal is not None:
            return (literal if pattern.matches(literal) else None), 1
    start = (0, 0)
    came: dict[tuple[int, int], tuple[tuple[int, int], str] | None] = {start: None}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        if node == (len(one.tokens), len(two.tokens)):
            return _pair_word(came, node), len(came)
        if len(came) > STEP_LIMIT:
            raise TooHardError
        for follower, letter in _pair_moves(one.tokens, two.tokens, node):
            if follower not in came:
                came[follower] = (node, letter)
                queue.append(follower)
    return None, len(came)


def _pair_moves(
    one: tuple[Token, ...], two: tuple[Token, ...], node: tuple[int, int]
) -> Iterable[tuple[tuple[int, int], str]]:
    at, on = node
    left = one[at] if at < len(one) else None
    right = two[on] if on < len(two) else None
    if left is Wild.MANY:
        yield (at + 1, on), ""
    if right is Wild.MANY:
        yield (at, on + 1), ""
    if left is None or right is None:
        return
    letters = [token for token in (left, right) if isinstance(token, str)]
    if len(letters) == 2 and left != right:
        return
    yield (at + (left is not Wild.MANY), on + (right is not Wild.MANY)), letters[0] if letters else "x"


def _pair_word(came: dict[tuple[int, int], tuple[tuple[int, int], str] | None], node: tuple[int, int]) -> str:
    letters: list[str] = []
    step = came[node]
    while step is not None:
        node, letter = step
        letters.append(letter)
        step = came[node]
    return "".join(reversed(letters))
