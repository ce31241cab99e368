"""A word that some patterns take and others do not: the question behind every text of a request.

A `Shape` is a glob in one of three readings: as it is, as an ARN whose first five parts are matched one by one (a
wildcard there stops at a colon), or without regard to case. `find_word` is exact and bounded: it walks the product of
the automata, and TooHardError says that it would take too many steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache

from .globs import STEP_LIMIT, Glob, TooHardError, Wild, charge, glob, parse_glob
from .match import arn_parts

ANYTHING = parse_glob("*")
_FILLERS = ("example", "", "x")
_COLON = (":",)
_KELVIN = "\u212a"
_EVERYDAY = "xyzabcdefghijklmnopqrstuvw0123456789"


class Reading(Enum):
    """How a pattern is compared with a text."""

    PLAIN = "plain"
    ARN = "arn"
    FOLDED = "folded"


@dataclass(frozen=True)
class Shape:
    """A pattern and how it is read."""

    glob: Glob
    reading: Reading = Reading.PLAIN

    @cached_property
    def _hash(self) -> int:
        return hash((self.glob, self.reading))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def literal(self) -> str | None:
        """The one text that is taken, where there is only one."""
        return self.glob.literal if self.reading is not Reading.FOLDED else None

    @cached_property
    def prefix(self) -> str:
        """What every text that is taken begins with; nothing where case does not matter."""
        return self.glob.prefix if self.reading is not Reading.FOLDED else ""

    @cached_property
    def universal(self) -> bool:
        return self.glob.universal

    @cached_property
    def _parts(self) -> tuple[Glob, ...] | None:
        return arn_parts(self.glob)

    @cached_property
    def _folded(self) -> Glob:
        return glob(token.lower() if isinstance(token, str) else token for token in self.glob.tokens)

    def matches(self, text: str) -> bool:
        if self.reading is Reading.FOLDED:
            return self._folded.matches(text.lower())
        if self.reading is Reading.PLAIN or self.universal or self._parts is None:
            return self.glob.matches(text)
        values = text.split(":", 5)
        return len(values) == 6 and all(part.matches(value) for part, value in zip(self._parts, values, strict=True))


UNIVERSAL = Shape(ANYTHING)


def find_word(needs: tuple[tuple[Shape, ...], ...], bans: tuple[Shape, ...]) -> str | None:
    """A text that some shape of each of `needs` takes and none of `bans`; None where there is none.

    Raises TooHardError.
    """
    try:
        word, steps = _find_word(needs, bans)
    except TooHardError:
        charge(STEP_LIMIT)
        raise
    charge(steps)
    return word


@lru_cache(maxsize=32768)
def _find_word(needs: tuple[tuple[Shape, ...], ...], bans: tuple[Shape, ...]) -> tuple[str | None, int]:
    """The word and the steps that it took, the same whether they were taken now or before."""
    ordered = sorted((group for group in needs if not any(shape.universal for shape in group)), key=_breadth)
    bases, others = (ordered[0], ordered[1:]) if ordered else ((UNIVERSAL,), [])
    texts = frozenset(ban.literal for ban in bans if ban.literal is not None)
    patterns = tuple(ban for ban in bans if ban.literal is None)
    spent = 1
    for base in bases:
        if base.literal in texts:
            spent += 1
            continue
        word, steps = _from_base(base, others, bans if base.literal is None else patterns)
        spent += steps
        if word is not None:
            return word, spent
        if spent > STEP_LIMIT * 4:
            raise TooHardError
    return None, spent


def _breadth(group: tuple[Shape, ...]) -> tuple[int, int, int]:
    """Few words first: texts before patterns, few patterns before many, long beginnings before short ones."""
    return sum(shape.literal is None for shape in group), len(group), -min(len(shape.prefix) for shape in group)


def _from_base(base: Shape, others: Sequence[tuple[Shape, ...]], bans: Sequence[Shape]) -> tuple[str | None, int]:
    steps = 1 + len(bans) + sum(map(len, others))
    literal = base.literal
    if literal is not None:
        fits = not any(ban.matches(literal) for ban in bans) and all(_some(group, literal) for group in others)
        return (literal if fits else None), steps
    near = tuple(ban for ban in bans if _may_meet(base, ban))
    if any(ban.universal or ban == base for ban in near):
        return None, steps
    groups = [tuple(shape for shape in group if _may_meet(base, shape)) for group in others]
    if not all(groups):
        return None, steps
    plain = next((group for group in groups if all(shape.literal is not None for shape in group)), None)
    if plain is not None:  # then these few texts are all there is
        texts = [shape.literal or "" for shape in plain]
        rest = [group for group in groups if group is not plain]
        fitting = (t for t in texts if base.matches(t) and not _some(near, t) and all(_some(g, t) for g in rest))
        return next(fitting, None), steps + len(texts) * (1 + len(near))
    for text in _guesses(base, groups):
        steps += len(near) + len(groups)
        if (
            base.matches(text)
            and not any(ban.matches(text) for ban in near)
            and all(_some(group, text) for group in groups)
        ):
            return text, steps
    found, walked = _walk(base, groups, near)
    return found, steps + walked


def _some(group: Iterable[Shape], text: str) -> bool:
    return any(shape.matches(text) for shape in group)


def _may_meet(one: Shape, two: Shape) -> bool:
    """Not if their beginnings differ. Exact for texts."""
    if two.literal is not None:
        return one.matches(two.literal)
    return one.prefix.startswith(two.prefix) or two.prefix.startswith(one.prefix)


def _guesses(base: Shape, groups: Sequence[tuple[Shape, ...]]) -> Iterator[str]:
    """Texts that are likely to do: the base with its wildcards filled, and what the other groups name."""
    for filler in _FILLERS:
        yield base.glob.example(filler)
    for group in groups:
        for shape in group[:4]:
            yield shape.glob.example()


class _Automaton:
    """A shape's positions as bits. `steps[letter]` are the positions that take it; `loops` those that stay."""

    __slots__ = ("accept", "free", "loops", "other", "start", "takes", "total")

    def __init__(self, shape: Shape, alphabet: Iterable[str]) -> None:
        self.takes = dict.fromkeys(alphabet, 0)
        self.loops = self.free = self.other = 0
        colons = 0
        tokens = shape.glob.tokens
        bounded = shape.reading is Reading.ARN and not shape.universal
        for at, token in enumerate(tokens):
            bit = 1 << at
            if isinstance(token, Wild):
                stops = bounded and colons < 5
                self.other |= bit
                for letter in self.takes:
                    if not (stops and letter == ":"):
                        self.takes[letter] |= bit
                if token is Wild.MANY:
                    self.loops |= bit
                    self.free |= 0 if stops else bit
            else:
                colons += token in _COLON
                for letter in _spellings(token) if shape.reading is Reading.FOLDED else {token}:
                    if letter in self.takes:
                        self.takes[letter] |= bit
        self.accept = 1 << len(tokens)
        self.total = self.accept >> 1 if tokens and self.free & (self.accept >> 1) else 0
        self.start = self._settle(1)

    def step(self, states: int, letter: str) -> int:
        moved = states & self.takes.get(letter, self.other)
        return self._settle((moved & ~self.loops) << 1 | moved & self.loops)

    def _settle(self, states: int) -> int:
        """Close over empty moves; what lies before the last wildcard that takes anything adds nothing."""
        while states | (states & self.loops) << 1 != states:
            states |= (states & self.loops) << 1
        free = states & self.free
        if free:
            last = free.bit_length() - 1
            states = states >> last << last
        return states


def _walk(base: Shape, groups: Sequence[tuple[Shape, ...]], bans: Sequence[Shape]) -> tuple[str | None, int]:
    """Breadth first over the product: the base and each group must end accepting, no ban may."""
    shapes = [base, *bans, *(shape for group in groups for shape in group)]
    letters = sorted({token for shape in shapes for token in shape.glob.tokens if isinstance(token, str)})
    folded = any(shape.reading is Reading.FOLDED for shape in shapes)
    if folded:
        letters = sorted({text for letter in letters for text in _spellings(letter)})
    other = _stranger(letters)
    root = _Automaton(base, letters)
    banned = [_Automaton(ban, letters) for ban in bans]
    needed = [[_Automaton(shape, letters) for shape in group] for group in groups]
    size = 1 + len(banned) + sum(map(len, needed))
    start = (root.start, tuple(a.start for a in banned), tuple(tuple(a.start for a in group) for group in needed))
    came: dict[object, tuple[object, str] | None] = {start: None}
    queue = deque([start])
    steps = sum(len(shape.glob.tokens) for shape in shapes) * (1 + len(letters) // 8)
    while queue:
        node = queue.popleft()
        mine, theirs, wanted = node
        if (
            mine & root.accept
            and not any(states & a.accept for states, a in zip(theirs, banned, strict=True))
            and all(
                any(states & a.accept for states, a in zip(group, automata, strict=True))
                for group, automata in zip(wanted, needed, strict=True)
            )
        ):
            return _spelled(came, node), steps
        for letter in (other, *letters):
            after = root.step(mine, letter)
            if not after:
                continue
            steps += size
            bans_after = tuple(a.step(states, letter) for states, a in zip(theirs, banned, strict=True))
            if any(states & a.total for states, a in zip(bans_after, banned, strict=True)):
                continue
            needs_after = tuple(
                tuple(a.step(states, letter) for states, a in zip(group, automata, strict=True))
                for group, automata in zip(wanted, needed, strict=True)
            )
            if not all(any(group) for group in needs_after):
                continue
            follower = (after, bans_after, needs_after)
            if follower not in came:
                came[follower] = (node, letter)
                queue.append(follower)
        if steps > STEP_LIMIT * 2:
            raise TooHardError
    return None, steps


def _spellings(letter: str) -> set[str]:
    """The letters that are one without regard to case. The Kelvin sign is a `k`, too; beyond ASCII nobody asks."""
    if not letter.isascii():
        return {letter}
    return {letter.lower(), letter.upper()} | ({_KELVIN} if letter in "kK" else set())


def _stranger(letters: Sequence[str]) -> str:
    """A letter that no shape names: it stands for all of those."""
    named = set(letters)
    for letter in _EVERYDAY:
        if letter not in named and letter.upper() not in named:
            return letter
    code = 0x4E00
    while chr(code) in named:
        code += 1
    return chr(code)


def _spelled(came: dict[object, tuple[object, str] | None], node: object) -> str:
    letters: list[str] = []
    step = came[node]
    while step is not None:
        node, letter = step
        letters.append(letter)
        step = came[node]
    return "".join(reversed(letters))
