"""Whether one condition implies another: every context in which the first holds, the second holds in, too.

Sound and incomplete: True is proven, False may only mean that nobody proved it. Both policies are judged in one and
the same context, so a policy variable stands for one value on both sides; on the left it may be any text, on the
right it covers nothing but itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network

from .conditions import NEGATED, holds_when_absent, moment, number
from .context import Context
from .document import Condition, Pattern
from .globs import Glob, Wild, includes, overlap, uncovered
from .match import Truth, arn_matches, arn_parts

_TEXTUAL = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
_EXACT = ("Bool", "BinaryEquals")


def implies(left: Iterable[Condition], right: Iterable[Condition]) -> bool:
    """Whether the conjunction `left` implies the conjunction `right`. Raises TooHardError."""
    given = tuple(left)
    return all(any(_one_implies(mine, theirs) for mine in given) for theirs in right)


def _one_implies(left: Condition, right: Condition) -> bool:
    if left.key != right.key:
        return False
    if _same(left, right):
        return True
    if not (left.known and right.known and left.values and right.values):
        return False
    if right.operator == "Null":
        return _null(left, right)
    if left.operator == "Null" or left.quantifier != right.quantifier:
        return False
    if holds_when_absent(left) and not holds_when_absent(right):
        return False
    return _each_implies(left, right)


def _same(left: Condition, right: Condition) -> bool:
    return (left.name, {pattern.text for pattern in left.values}) == (
        right.name,
        {pattern.text for pattern in right.values},
    ) and {pattern.tokens for pattern in left.values} == {pattern.tokens for pattern in right.values}


def _null(left: Condition, right: Condition) -> bool:
    """`Null false` follows from whatever fails without the key."""
    wanted = {pattern.text for pattern in right.values}
    if left.operator == "Null":
        return {pattern.text for pattern in left.values} <= wanted
    return wanted == {"false"} and not holds_when_absent(left)


def _each_implies(left: Condition, right: Condition) -> bool:
    """For any one value of the request."""
    mine, theirs = NEGATED.get(left.operator, left.operator), NEGATED.get(right.operator, right.operator)
    denies, refuses = left.operator in NEGATED, right.operator in NEGATED
    if denies and not refuses:
        return False
    if denies:
        return _subset(theirs, right.values, mine, left.values)
    if refuses:
        return _disjoint(mine, left.values, theirs, right.values)
    return _subset(mine, left.values, theirs, right.values)


def _subset(mine: str, left: Sequence[Pattern], theirs: str, right: Sequence[Pattern]) -> bool:
    """Whether every text that `left` takes under the operator `mine`, `right` takes under `theirs`."""
    if mine in _TEXTUAL and theirs in _TEXTUAL:
        if _odd(mine, left) or _odd(theirs, right):
            return mine == theirs and {item.tokens for item in left} <= {item.tokens for item in right}
        return all(_text_subset(mine, pattern, theirs, right) for pattern in left)
    if theirs == "StringEqualsIgnoreCase" and mine in ("StringEquals", theirs):
        return not any(pattern.variables for pattern in left) and _lowered(left) <= _lowered(right)
    if mine != theirs and not (_kind(mine) == _kind(theirs) != ""):
        return False
    if mine in _EXACT:
        return {pattern.text for pattern in left} <= {pattern.text for pattern in right}
    if mine == "IpAddress":
        return all(any(_inside(pattern, other) for other in right) for pattern in left)
    spans = [_span(theirs, pattern) for pattern in right]
    return all(any(_within(_span(mine, pattern), span) for span in spans) for pattern in left)


def _odd(operator: str, patterns: Iterable[Pattern]) -> bool:
    """An ARN pattern that is no ARN: nobody says what IAM makes of its wildcards."""
    globs = (pattern.widened for pattern in patterns) if operator.startswith("Arn") else ()
    return any(found.literal is None and not found.universal and arn_parts(found) is None for found in globs)


def _text_subset(mine: str, pattern: Pattern, theirs: str, right: Sequence[Pattern]) -> bool:
    left = pattern.widened
    wild = any(isinstance(token, Wild) for token in pattern.tokens)
    if theirs.startswith("String"):
        same = any(pattern.tokens == other.tokens for other in right)
        return same or uncovered(left, exact_globs(right)) is None
    if (mine.startswith("Arn") or not wild) and any(pattern.tokens == other.tokens for other in right):
        return True
    literal = left.literal
    if literal is not None:
        return any(arn_matches(other, literal, Context(closed=True)).truth is Truth.YES for other in right)
    by_parts = mine.startswith("Arn") and not pattern.variables
    return any(_arn_subset(left, other, by_parts) for other in exact_globs(right))


def _arn_subset(mine: Glob, other: Glob, by_parts: bool) -> bool:
    """`by_parts`: wildcards of `mine` stop at colons. Where they do not, only its last part may have any."""
    if other.universal:
        return True
    left, right = arn_parts(mine), arn_parts(other)
    if left is None or right is None:
        return False
    if not by_parts and any(part.literal is None for part in left[:5]):
        return False
    return all(includes(whole, part) for part, whole in zip(left, right, strict=True))


def _disjoint(mine: str, left: Sequence[Pattern], theirs: str, right: Sequence[Pattern]) -> bool:
    """Whether no text is taken by both. An ARN pattern takes no more than the glob of the same text."""
    if mine in _TEXTUAL and theirs in _TEXTUAL:
        if _odd(mine, left) or _odd(theirs, right):
            return False
        return all(overlap(one.widened, other.widened) is None for one in left for other in right)
    if mine == theirs == "IpAddress":
        pairs = [(_network(one), _network(other)) for one in left for other in right]
        return all(a is not None and b is not None and not _overlaps(a, b) for a, b in pairs)
    return False


def exact_globs(patterns: Iterable[Pattern]) -> tuple[Glob, ...]:
    """The patterns that hold no variable: together they match at most what all do."""
    return tuple(pattern.glob for pattern in patterns if pattern.glob is not None)


def _lowered(patterns: Iterable[Pattern]) -> set[str]:
    return {pattern.text.lower() for pattern in patterns if not pattern.variables}


def _kind(operator: str) -> str:
    return next((kind for kind in ("Numeric", "Date") if operator.startswith(kind)), "")


_Network = IPv4Network | IPv6Network


def _network(pattern: Pattern) -> _Network | None:
    try:
        return ip_network(pattern.text, strict=False)
    except ValueError:
        return None


def _inside(pattern: Pattern, other: Pattern) -> bool:
    one, two = _network(pattern), _network(other)
    if isinstance(one, IPv4Network) and isinstance(two, IPv4Network):
        return one.subnet_of(two)
    return isinstance(one, IPv6Network) and isinstance(two, IPv6Network) and one.subnet_of(two)


def _overlaps(one: _Network, two: _Network) -> bool:
    return one.version == two.version and one.overlaps(two)


@dataclass(frozen=True, slots=True)
class _Span:
    """An interval; None is no bound. `low_in` and `high_in` say whether the bounds belong to it."""

    low: Decimal | None
    high: Decimal | None
    low_in: bool = True
    high_in: bool = True


def _span(operator: str, pattern: Pattern) -> _Span | None:
    value = (moment if operator.startswith("Date") else number)(pattern.text)
    if value is None:
        return None
    order = operator.removeprefix("Date").removeprefix("Numeric")
    if order == "Equals":
        return _Span(value, value)
    if order.startswith("Less"):
        return _Span(None, value, high_in=order.endswith("Equals"))
    return _Span(value, None, low_in=order.endswith("Equals"))


def _within(one: _Span | None, two: _Span | None) -> bool:
    if one is None or two is None:
        return False
    low = two.low is None or (
        one.low is not None and (one.low > two.low or (one.low == two.low and (two.low_in or not one.low_in)))
    )
    high = two.high is None or (
        one.high is not None and (one.high < two.high or (one.high == two.high and (two.high_in or not one.high_in)))
    )
    return low and high
