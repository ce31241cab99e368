"""Requests that a change may newly allow: candidates, made up from the policies, for the evaluator to confirm.

Nothing here decides. A candidate that the new policies allow and the old ones deny is a witness that a human can read;
where none is confirmed, the comparison stays undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from itertools import islice, product

from .conditions import NEGATED, holds_when_absent, moment, number
from .context import Context
from .coverage import Piece
from .document import Condition, Names, Pattern, Principals, Statement, Variable
from .evaluate import PolicyRequest
from .globs import Glob, TooHardError, Wild, glob, overlap, parse_glob, uncovered
from .implication import exact_globs
from .match import Caller
from .spelling import known_actions, spell_action

EXAMPLE = "example"
OTHER = "another-example"
CANDIDATE_LIMIT = 240
_LARGEST = 10**15
_STRANGER = "999999999999"
_CANARIES = ("s3:GetObject", "iam:CreateUser", "sts:AssumeRole", "ec2:RunInstances", "dynamodb:Scan")
_USUAL = {
    "aws:CurrentTime": ("2030-01-01T00:00:00Z",),
    "aws:EpochTime": ("1893456000",),
    "aws:SecureTransport": ("true",),
    "aws:SourceIp": ("192.0.2.1",),
    "aws:UserAgent": ("aws-cli",),
    "aws:RequestedRegion": ("eu-west-1",),
    "aws:PrincipalIsAWSService": ("false",),
    "aws:ViaAWSService": ("false",),
}
"""What every request has: a witness without it would be none that can happen."""

Options = list[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text made from a pattern, and the variables that were given values for it."""

    text: str
    variables: tuple[tuple[str, tuple[str, ...]], ...] = ()


def candidates(piece: Piece, others: Sequence[Statement]) -> Iterator[PolicyRequest]:
    """Requests that `piece` speaks of, those that `others` are least likely to cover first. At most CANDIDATE_LIMIT."""
    return islice(_requests(piece, others), CANDIDATE_LIMIT)


def _requests(piece: Piece, others: Sequence[Statement]) -> Iterator[PolicyRequest]:
    other_actions = _patterns(item.actions for item in others)
    other_resources = _patterns(item.resources for item in others if item.resources is not None)
    actions = list(islice(_actions(piece.actions, other_actions), 6))
    for contexts in _contexts(piece.statement.conditions, others):
        for action, caller in product(actions, _callers(piece.principals)):
            for resource in islice(_resources(piece.resources, other_resources, action), 5):
                values = {**_USUAL, **_identity(caller), **dict(resource.variables), **contexts}
                yield PolicyRequest(action, resource.text, Context(values, closed=True), caller)


def _patterns(elements: Iterable[Names]) -> tuple[Pattern, ...]:
    return tuple(dict.fromkeys(pattern for element in elements for pattern in element.patterns))


def _actions(element: Names, others: tuple[Pattern, ...]) -> Iterator[str]:
    if element.negated:
        taken = exact_globs(element.patterns)
        names = [*_CANARIES, *(action for pattern in others for action in _named(pattern.widened))]
        yield from (name for name in names if not any(item.matches(name.lower()) for item in taken))
        return
    for pattern in element.patterns:
        yield from _unlike(pattern.widened, exact_globs(others))
        both = (_shared(pattern.widened, other.widened) for other in others)
        yield from (spell_action(text) for text in both if text is not None and ":" in text)


def _unlike(pattern: Glob, others: tuple[Glob, ...]) -> Iterator[str]:
    """Actions of a pattern: real ones that no other pattern takes, then any real one, then a word that fits."""
    literal = pattern.literal
    if literal is not None:
        yield spell_action(literal)
        return
    names = [*_CANARIES, *_named(pattern)] if pattern.universal else _named(pattern)
    yield from islice((name for name in names if not any(item.matches(name.lower()) for item in others)), 3)
    yield from names[:2]
    word = _escape(pattern, others)
    if word is not None and ":" in word:
        yield word
    yield pattern.example()


@lru_cache(maxsize=4096)
def _named(pattern: Glob) -> tuple[str, ...]:
    """Real actions that a pattern takes, of the one service that it names."""
    service = str(pattern).partition(":")[0]
    return tuple(name for name in known_actions(service) if pattern.matches(name.lower()))


def _escape(pattern: Glob, others: tuple[Glob, ...]) -> str | None:
    try:
        return uncovered(pattern, others)
    except TooHardError:
        return None


def _resources(element: Names | None, others: tuple[Pattern, ...], action: str) -> Iterator[_Text]:
    if element is None:
        yield _Text("*")
        return
    service = action.partition(":")[0]
    anything = f"arn:aws:{service}:::{EXAMPLE}"
    if element.negated:
        taken = [pattern.widened for pattern in element.patterns]
        made = [_Text(anything), _Text("*"), *(_instance(pattern, EXAMPLE) for pattern in others)]
        yield from (item for item in made if not any(pattern.matches(item.text) for pattern in taken))
        return
    for pattern in element.patterns:
        whole = pattern.widened
        if whole.universal:
            yield _Text(anything)
            yield _Text("*")
        else:
            yield _instance(pattern, EXAMPLE)
        word = _escape(whole, exact_globs(others))
        if word is not None and not pattern.variables:
            yield _Text(word)
        yield from (_Text(text) for other in others if (text := _shared(whole, other.widened)) is not None)


def _shared(one: Glob, two: Glob) -> str | None:
    try:
        return overlap(one, two)
    except TooHardError:
        return None


def _instance(pattern: Pattern, filler: str) -> _Text:
    """A text that a pattern takes, with a value for each of its variables."""
    if not pattern.variables:
        found = pattern.glob
        return _Text((found or parse_glob("*")).example(filler))
    values = {token.key: (EXAMPLE,) for token in pattern.variables}
    tokens = [token for item in pattern.tokens for token in (EXAMPLE if isinstance(item, Variable) else [item])]
    return _Text(glob(tokens).example(filler), tuple(values.items()))


def _contexts(conditions: Sequence[Condition], others: Sequence[Statement]) -> Iterator[dict[str, tuple[str, ...]]]:
    """Contexts in which `conditions` hold; those in which the others' conditions fail first."""
    theirs = list(dict.fromkeys(test for item in others for test in item.conditions))
    menus: list[Options] = [_satisfy(test, [other for other in theirs if other.key == test.key]) for test in conditions]
    own = {test.key for test in conditions}
    for key in list(dict.fromkeys(test.key for test in theirs if test.key not in own))[:4]:
        menus.append(_spoil([test for test in theirs if test.key == key], key))
    for choice in islice(product(*menus), 24):
        yield dict(choice)


def _satisfy(test: Condition, rivals: Sequence[Condition]) -> Options:
    """Values under which a condition holds, at most six; those that no rival on the same key names first."""
    named = {pattern.text for rival in rivals for pattern in rival.values}
    if test.operator == "Null":
        absent = any(pattern.text == "true" for pattern in test.values)
        return [(test.key, ())] if absent else [(test.key, (EXAMPLE,))]
    if test.operator in NEGATED:
        # What a rival names is what only this condition may let through.
        texts = [_plain(pattern) for rival in rivals for pattern in rival.values] + [_different(test.operator)]
    else:
        globs = tuple(found for rival in rivals for found in exact_globs(rival.values))
        texts = sorted(
            (text for pattern in test.values for text in _inside(test, pattern, globs)), key=named.__contains__
        )
    options: Options = [(test.key, (text,)) for text in dict.fromkeys(texts)]
    if holds_when_absent(test):
        options.append((test.key, ()))
    return options[:6] or [(test.key, (EXAMPLE,))]


def _inside(test: Condition, pattern: Pattern, rivals: tuple[Glob, ...]) -> list[str]:
    """Texts that one value of a positive operator takes."""
    kind = test.operator
    if kind.startswith(("Numeric", "Date")):
        return _near(kind, pattern.text)
    if kind == "IpAddress":
        try:
            network = ip_network(pattern.text, strict=False)
        except ValueError:
            return []
        return [str(network[0]), str(network[-1])]
    out = [_plain(pattern)]
    if any(isinstance(token, Wild) for token in pattern.tokens):
        word = _escape(pattern.widened, rivals)
        out += [word] if word is not None else []
    return out


def _near(operator: str, text: str, inside: bool = True) -> list[str]:
    """Numbers or times on the right side of a bound: one away, and at it; or one on the wrong side."""
    bound = moment(text) if operator.startswith("Date") else number(text)
    if bound is None or abs(bound) > _LARGEST:
        return []
    if operator.endswith(("DateEquals", "NumericEquals")):
        return [format(bound if inside else bound + 1, "f")]
    away = -1 if ("Less" in operator) == inside else 1
    return [format(bound + away, "f"), format(bound, "f")] if inside else [format(bound + away, "f")]


def _plain(pattern: Pattern) -> str:
    return _instance(pattern, EXAMPLE).text


def _different(operator: str) -> str:
    if operator == "NotIpAddress":
        return "203.0.113.250"
    return "987654321" if operator.startswith(("Numeric", "Date")) else OTHER


def _spoil(tests: Sequence[Condition], key: str) -> Options:
    """Values of a key that only the others test: absent, unlike theirs, and like theirs."""
    usual: Options = [(key, _USUAL[key])] if key in _USUAL else []
    like: Options = [(key, (text,)) for test in tests for text in _values(test)[:1]]
    away: Options = [(key, (text,)) for test in tests for text in _beyond(test)]
    return [*usual, *away, *([] if usual else [(key, ())]), *like][:5]


def _values(test: Condition) -> list[str]:
    return [_plain(pattern) for pattern in test.values] if test.operator != "Null" else [EXAMPLE]


def _beyond(test: Condition) -> list[str]:
    """Values that a positive condition refuses."""
    if test.operator.startswith(("Numeric", "Date")) and test.operator not in NEGATED:
        return [text for pattern in test.values for text in _near(test.operator, pattern.text, inside=False)][:1]
    if test.operator == "Bool":
        return ["false" if test.values and test.values[0].text == "true" else "true"]
    return [_different("NotIpAddress" if test.operator == "IpAddress" else test.operator)]


def _callers(element: Principals | None) -> list[Caller | None]:
    if element is None:
        return [None]
    if element.everyone or element.negated:
        return [Caller("AWS", f"arn:aws:iam::{_STRANGER}:user/{EXAMPLE}")]
    out: list[Caller | None] = []
    for kind, values in element.kinds:
        for value in values:
            if kind != "AWS":
                out.append(Caller(kind, value))
            elif value == "*":
                out.append(Caller("AWS", f"arn:aws:iam::{_STRANGER}:user/{EXAMPLE}"))
            elif value.endswith(":root"):
                out.append(Caller("AWS", value.removesuffix("root") + f"user/{EXAMPLE}"))
            elif value.startswith("arn:"):
                out.append(Caller("AWS", value))
    return out


def _identity(caller: Caller | None) -> dict[str, tuple[str, ...]]:
    if caller is None or caller.kind != "AWS":
        return {}
    return {"aws:PrincipalArn": (caller.name,), "aws:PrincipalAccount": (caller.account,)}
