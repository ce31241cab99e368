"""What one part of a request must be for some tests on it to come out as wanted: an action, a resource, a key's values.

A request is found part by part, since no statement relates two of them but through policy variables. Each function
here is given *literals* (a test, and whether it shall hold) and returns a value under which they all do, or says that
there is none. «None» is a proof. A value may be wrong where a test is not understood (a variable, an operator or an
ARN that nobody documents): such a test is taken to be free, and whoever asks lets the evaluator confirm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise

from .conditions import NEGATED, holds_when_absent, moment, number
from .document import Condition, Names, Pattern, Variable
from .globs import Glob, Token, TooHardError, Wild, glob, includes, parse_glob
from .match import arn_parts
from .spelling import is_boolean
from .words import UNIVERSAL, Reading, Shape, find_word

Literal = tuple[Condition, bool]
"""A condition, and whether it shall hold."""

_READINGS = {
    "StringEquals": Reading.PLAIN,
    "StringLike": Reading.PLAIN,
    "BinaryEquals": Reading.PLAIN,
    "StringEqualsIgnoreCase": Reading.FOLDED,
    "Bool": Reading.FOLDED,
    "ArnEquals": Reading.ARN,
    "ArnLike": Reading.ARN,
}
_ACTION = (Shape(parse_glob("*?:?*")),)
_LARGEST, _DIGITS = 10**15, 6
_YEAR_1, _YEAR_9999 = -62135596800, 253402300799


@dataclass(frozen=True)
class Ground:
    """What stands for policy variables: nothing, where any value may, or one text for each key."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def shape(self, pattern: Pattern, reading: Reading) -> Shape | None:
        """The pattern as a shape; None where a variable is left, or nobody says what it means or how its case folds."""
        found = _grounded(pattern, self.texts) if pattern.variables else pattern.glob
        if found is None:
            return None
        if reading is Reading.FOLDED and not str(found).isascii():
            return None
        if reading is Reading.ARN and found.literal is None and not found.universal and arn_parts(found) is None:
            return None
        return Shape(found, reading)


NOTHING = Ground()


def _grounded(pattern: Pattern, texts: Mapping[str, str]) -> Glob | None:
    tokens: list[Token] = []
    for token in pattern.tokens:
        if not isinstance(token, Variable):
            tokens.append(token)
        elif token.key in texts:
            tokens.extend(texts[token.key])
        else:
            return None
    return glob(tokens)


@dataclass(frozen=True)
class _Test:
    """Patterns of which some, or none, must take a text."""

    patterns: tuple[Pattern, ...]
    reading: Reading
    wanted: bool


def find_name(literals: Iterable[tuple[Names, bool]], ground: Ground, *, action: bool) -> str | None:
    """An action (in lower case) or a resource. A literal is an element and whether it shall match."""
    tests = tuple(_Test(names.patterns, Reading.PLAIN, wanted is not names.negated) for names, wanted in literals)
    return _find_text(tests, ground, _ACTION if action else None)


def names_hold(literals: Iterable[tuple[Names, bool]], text: str, ground: Ground) -> bool:
    """Whether a text is one that `find_name` could have returned."""
    tests = (_Test(names.patterns, Reading.PLAIN, wanted is not names.negated) for names, wanted in literals)
    return all(_test_holds(test, text, ground) for test in tests)


def _test_holds(test: _Test, text: str, ground: Ground) -> bool:
    shapes = [ground.shape(pattern, test.reading) for pattern in test.patterns]
    if any(shape is not None and shape.matches(text) for shape in shapes):
        return test.wanted
    return not test.wanted or None in shapes


def _find_text(tests: Sequence[_Test], ground: Ground, also: tuple[Shape, ...] | None = None) -> str | None:
    """A text for which every test comes out. Raises TooHardError."""
    bans: list[Shape] = []
    vague_bans: list[tuple[Pattern, Reading]] = []
    needs: list[tuple[_Member, ...]] = [tuple((shape, None) for shape in also)] if also else []
    for test in tests:
        members = [(ground.shape(pattern, test.reading), pattern) for pattern in test.patterns]
        if test.wanted:
            needs.append(
                tuple(
                    (shape, None) if shape is not None else _vague(pattern, test.reading) for shape, pattern in members
                )
            )
        else:
            bans += [shape for shape, _ in members if shape is not None]
            vague_bans += [(pattern, test.reading) for shape, pattern in members if shape is None]
    banned = tuple(dict.fromkeys(bans))
    if vague_bans:
        needs = [tuple(one for one in group if not _ruled_out(one[1], vague_bans)) for group in needs]
        if not all(needs):
            return None
    return find_word(tuple(dict.fromkeys(tuple(shape for shape, _ in group) for group in needs)), banned)


_Member = tuple[Shape, tuple[Pattern, Reading] | None]
"""What a pattern takes, and the pattern itself where that is more than it takes."""


def _vague(pattern: Pattern, reading: Reading) -> _Member:
    """What a pattern that is not understood takes at most."""
    plain = reading is Reading.PLAIN
    return (Shape(pattern.widened) if plain else UNIVERSAL), (pattern, reading)


def _ruled_out(given: tuple[Pattern, Reading] | None, bans: Iterable[tuple[Pattern, Reading]]) -> bool:
    """Whether a pattern with variables takes nothing that one of `bans` does not, a variable being the same in both."""
    if given is None:
        return False
    pattern, reading = given
    return any(
        pattern.tokens == ban.tokens or (reading is Reading.PLAIN and _inside(pattern, ban))
        for ban, other in bans
        if other is reading
    )


@lru_cache(maxsize=4096)
def _inside(pattern: Pattern, other: Pattern) -> bool:
    """Inclusion with each variable as a letter of its own. A `?` could take that letter but not the text in its place.

    Both must be plain text; ARN operators match part by part, which a variable's value may upset.
    """
    if Wild.ONE in other.tokens or not (pattern.variables and other.variables):
        return False
    names = {token: chr(0xF0000 + n) for n, token in enumerate(dict.fromkeys((*pattern.variables, *other.variables)))}
    one, two = (
        glob(names[token] if isinstance(token, Variable) else token for token in item.tokens)
        for item in (pattern, other)
    )
    return includes(two, one)


def find_values(key: str, literals: Sequence[Literal], ground: Ground, usual: str | None) -> tuple[str, ...] | None:
    """Values of a condition key under which the literals come out; () is «absent», None that there are none.

    `usual` is what the key commonly has: preferred where it will do. Raises TooHardError.
    """
    told = [(test, wanted) for test, wanted in literals if test.known and test.values]
    absent = all(holds_when_absent(test) is wanted for test, wanted in told)
    if key in ground.texts:
        fixed = ground.texts[key]
        return (fixed,) if all(_holds(test, fixed, ground) in (wanted, None) for test, wanted in told) else None
    if absent and usual is None:
        return ()
    single = _find_single(told, ground, usual)
    if single is not None:
        return (single,)
    if absent:
        return ()
    return _find_several(told, ground) if any(test.quantifier for test, _ in told) else None


def _find_several(literals: Sequence[Literal], ground: Ground) -> tuple[str, ...] | None:
    """Several values. What every one of them must satisfy, and what each of some must, are asked apart.

    What an operator without a quantifier means for several values is not documented: it is free here.
    """
    common: list[Literal] = []
    some: list[Literal] = []
    for test, wanted in literals:
        if test.operator == "Null":
            common.append((test, wanted))
        elif test.quantifier:
            (common if (test.quantifier == "ForAllValues") is wanted else some).append((test, wanted))
    found = (
        [_find_single([*common, one], ground, None) for one in some] if some else [_find_single(common, ground, None)]
    )
    if any(text is None for text in found):
        return None
    return tuple(dict.fromkeys(text for text in found if text is not None))


def _find_single(literals: Sequence[Literal], ground: Ground, usual: str | None) -> str | None:
    """One value. Tests of different kinds are asked apart; the first kind's value is returned."""
    kinds: dict[str, list[Literal]] = {}
    for test, wanted in literals:
        if test.operator == "Null":
            if any(pattern.text == "false" for pattern in test.values) is not wanted:
                return None
        else:
            kinds.setdefault(_kind(test), []).append((test, wanted))
    if usual is not None and all(
        _holds(test, usual, ground) is wanted for test, wanted in literals if test.operator != "Null"
    ):
        return usual
    if not kinds:
        return usual or "example"
    found = [_FINDERS[kind](tests, ground) for kind, tests in kinds.items()]
    return None if None in found else found[0]


def _kind(test: Condition) -> str:
    operator = NEGATED.get(test.operator, test.operator)
    return next((kind for kind in ("Numeric", "Date", "Ip") if operator.startswith(kind)), "Text")


def _holds(test: Condition, text: str, ground: Ground) -> bool | None:
    """Whether a condition holds for one value; None where nobody can say."""
    if test.operator == "Null":
        return any(pattern.text == "false" for pattern in test.values)
    negated = test.operator in NEGATED
    kind = _kind(test)
    if kind == "Text":
        reading = _READINGS[NEGATED.get(test.operator, test.operator)]
        shapes = [ground.shape(pattern, reading) for pattern in test.values]
        if any(shape is not None and shape.matches(text) for shape in shapes):
            return not negated
        return None if None in shapes else negated
    compare = _COMPARES[kind]
    found = [compare(NEGATED.get(test.operator, test.operator), pattern.text, text) for pattern in test.values]
    if True in found:
        return not negated
    return None if None in found else negated


def _text_of(literals: Sequence[Literal], ground: Ground) -> str | None:
    tests = [
        _Test(
            test.values,
            _READINGS[NEGATED.get(test.operator, test.operator)],
            wanted is not (test.operator in NEGATED),
        )
        for test, wanted in literals
    ]
    if any(test.operator == "Bool" and is_boolean(test.key) for test, _ in literals):
        return next((text for text in ("true", "false") if all(_test_holds(t, text, ground) for t in tests)), None)
    return _find_text(tests, ground)


def _compare_numbers(read: Callable[[str], Decimal | None]) -> Callable[[str, str, str], bool | None]:
    def compare(operator: str, bound: str, text: str) -> bool | None:
        limit, value = read(bound), read(text)
        if limit is None or value is None:
            return None
        order = operator.removeprefix("Numeric").removeprefix("Date")
        if order.endswith("Equals") and value == limit:
            return True
        return value < limit if order.startswith("Less") else value > limit if order.startswith("Greater") else False

    return compare


def _compare_addresses(operator: str, bound: str, text: str) -> bool | None:
    try:
        return ip_address(text) in ip_network(bound, strict=False)
    except ValueError:
        return None


_COMPARES = {
    "Numeric": _compare_numbers(number),
    "Date": _compare_numbers(moment),
    "Ip": _compare_addresses,
}


def _first(texts: Iterable[str], literals: Sequence[Literal], ground: Ground) -> str | None:
    return next((t for t in texts if all(_holds(test, t, ground) in (wanted, None) for test, wanted in literals)), None)


def _number_of(literals: Sequence[Literal], ground: Ground) -> str | None:
    bounds = [number(pattern.text) for test, _ in literals for pattern in test.values]
    return _first((format(value, "f") for value in _between(bounds)), literals, ground)


def _moment_of(literals: Sequence[Literal], ground: Ground) -> str | None:
    bounds = [moment(pattern.text) for test, _ in literals for pattern in test.values]
    return _first((_date(value) for value in _between(bounds)), literals, ground)


def _between(bounds: Iterable[Decimal | None]) -> Iterator[Decimal]:
    """One value of every stretch between the bounds, and the bounds: whole ones first. What no bound parts is alike."""
    known = sorted({bound for bound in bounds if bound is not None})
    if any(not -_LARGEST < bound < _LARGEST or bound != round(bound, _DIGITS) for bound in known):
        raise TooHardError  # beyond this, sums and means of bounds would be rounded
    if not known:
        yield Decimal(1)
        return
    yield from (known[-1] + 1, known[0] - 1)
    yield from known
    for low, high in pairwise(known):
        yield (low + 1) if low + 1 < high else (low + high) / 2


def _date(value: Decimal) -> str:
    if value == int(value) and _YEAR_1 <= value <= _YEAR_9999:
        return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    return format(value, "f")


def _address_of(literals: Sequence[Literal], ground: Ground) -> str | None:
    return _first(_addresses([pattern.text for test, _ in literals for pattern in test.values]), literals, ground)


def _addresses(texts: Iterable[str]) -> Iterator[str]:
    """One address of every stretch that the networks' edges part, in both versions."""
    yield from ("192.0.2.1", "2001:db8::1")
    edges: list[IPv4Address | IPv6Address] = []
    for text in texts:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            continue
        edges.append(network[0])
        if int(network[-1]) + 1 < 1 << network.max_prefixlen:
            edges.append(network[-1] + 1)
    yield from (str(edge) for edge in edges)
    yield from ("0.0.0.0", "::")  # noqa: S104 - the first address of all


_FINDERS: dict[str, Callable[[Sequence[Literal], Ground], str | None]] = {
    "Text": _text_of,
    "Numeric": _number_of,
    "Date": _moment_of,
    "Ip": _address_of,
}
