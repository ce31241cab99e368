"""What one piece of a policy adds: a request that the policies now let pass and did not before, or a proof of none.

A piece is an Allow that is new, or a Deny that is gone. Everything that may stand in its way (the other Denies, the
Allows that were there) becomes a clause of a search. A request that is found is put to the evaluator, on both sides:
only what it confirms counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from provisioner.model.requests import Answer

from .context import Context
from .coverage import Piece, principal_inside
from .document import Names, Pattern, Policy, Principals, Statement
from .evaluate import Layer, PolicyRequest, denied_outright, evaluate_alone
from .globs import Glob, charge
from .match import Caller, Truth
from .search import ACTION, RESOURCE, USUAL, Element, Search, State, literals_of, none_of
from .spelling import known_actions, spell_action
from .values import Ground, names_hold

EXAMPLE = "example"
_STRANGER = "999999999999"
_CANARIES = ("s3:GetObject", "iam:CreateUser", "sts:AssumeRole", "ec2:RunInstances", "dynamodb:Scan")
_CALLERS = 6
_ROOT = "root"


@dataclass(frozen=True, slots=True)
class Side:
    """Policies that stand together, and their statements."""

    policies: tuple[Policy, ...]
    allows: tuple[Statement, ...]
    denies: tuple[Statement, ...]

    @classmethod
    def of(cls, policies: Iterable[Policy], shared: Iterable[Policy] = ()) -> Side:
        everything = (*policies, *shared)
        statements = tuple(dict.fromkeys(item for policy in everything for item in policy.statements))
        return cls(
            everything,
            tuple(item for item in statements if item.allow),
            tuple(item for item in statements if not item.allow),
        )

    @property
    def layer(self) -> Layer:
        return Layer("they", self.policies)


@dataclass(frozen=True, slots=True)
class Gain:
    """A confirmed request. `alone` is false where it was denied outright, no longer is, and nothing here allows it."""

    request: PolicyRequest
    alone: bool = True


class Nothing(Enum):
    """Why a piece has no confirmed request."""

    PROVEN = "no request gains"
    OPEN = "nobody can say"


def gain_of(piece: Piece, more: Side, less: Side, outright: bool) -> Gain | Nothing:
    """What `piece` lets pass under `more` that `less` stops. Raises TooHardError.

    `outright`: a Deny counts by itself, because a policy elsewhere may allow what is only not allowed here.
    """
    mine = piece.as_statement()
    if mine.allow:
        rivals = [item for item in less.allows if principal_inside(mine.principals, item.principals)]
        rivals += _covering_denies(mine, more.denies)
        return _found([mine], rivals, more, less, alone=True)
    answers: list[Gain | Nothing] = []
    for allow in more.allows:
        if not _may_overlap(mine, allow):
            continue
        found = _found([mine, allow], _covering_denies(mine, more.denies), more, less, alone=True)
        if isinstance(found, Gain):
            return found
        answers.append(found)
    if outright:
        answers.append(_found([mine], _covering_denies(mine, more.denies), more, less, alone=False))
    gained = next((answer for answer in answers if isinstance(answer, Gain)), None)
    return gained or (Nothing.OPEN if Nothing.OPEN in answers else Nothing.PROVEN)


def _covering_denies(mine: Statement, denies: Iterable[Statement]) -> list[Statement]:
    return [item for item in denies if _deny_covers(mine.principals, item.principals)]


def _deny_covers(left: Principals | None, right: Principals | None) -> bool:
    """A Deny for an account is one for everybody in it."""
    if principal_inside(left, right):
        return True
    if left is None or right is None or left.negated or right.negated or left.everyone:
        return False
    accounts = {value.split(":")[4] for value in right.of("AWS") if value.endswith(f":{_ROOT}")}
    return all(
        kind == "AWS" and len(value.split(":")) > 5 and value.split(":")[4] in accounts
        for kind, values in left.kinds
        for value in values
    )


def _found(
    base: Sequence[Statement], rivals: Sequence[Statement], more: Side, less: Side, *, alone: bool
) -> Gain | Nothing:
    literals = [literal for item in base for literal in literals_of(item)]
    clauses = list(dict.fromkeys(none_of(rival) for rival in rivals if all(_may_overlap(item, rival) for item in base)))
    search = Search(literals, clauses)
    state = search.run()
    if state is None:
        return Nothing.PROVEN
    request = _confirmed(_requests(search, state, base), more, less, alone)
    if request is None:
        texts = _texts(search, state)
        if texts:
            search = Search(literals, clauses, Ground(texts))
            state = search.run()
            if state is not None:
                request = _confirmed(_requests(search, state, base), more, less, alone)
    return Nothing.OPEN if request is None else Gain(request, alone)


def _confirmed(requests: Iterable[PolicyRequest], more: Side, less: Side, alone: bool) -> PolicyRequest | None:
    for request in requests:
        charge((len(more.allows) + len(more.denies) + len(less.allows) + len(less.denies)) // 4)
        if alone:
            passes = evaluate_alone(request, more.layer).answer is Answer.ALLOWED
            if passes and evaluate_alone(request, less.layer).answer is Answer.DENIED:
                return request
        elif denied_outright(request, less.layer) is Truth.YES and denied_outright(request, more.layer) is Truth.NO:
            return request
    return None


def _may_overlap(one: Statement, two: Statement) -> bool:
    """Not if no action or no resource can be common to both, by how they begin."""
    if not _names_meet(one.actions, two.actions):
        return False
    return one.resources is None or two.resources is None or _names_meet(one.resources, two.resources)


@lru_cache(maxsize=65536)
def _names_meet(one: Names, two: Names) -> bool:
    if one.negated or two.negated:
        return True
    if not one.texts.isdisjoint(two.texts):
        return True
    pairs = ((one, two), (two, one))
    if any(wide.matches(text) for left, right in pairs for wide in left.wide for text in right.texts):
        return True
    return any(_meet(left, right) for left in one.wide for right in two.wide)


def _meet(one: Glob, two: Glob) -> bool:
    return one.prefix.startswith(two.prefix) or two.prefix.startswith(one.prefix)


def _patterns(element: Element) -> tuple[Pattern, ...]:
    return element.patterns if isinstance(element, Names) else element.values


def _texts(search: Search, state: State) -> dict[str, str]:
    """A text for every policy variable of the question: what its key has already, or an example of its own."""
    tests = [test for literals in (search.base, *search.clauses) for _, test, _ in literals]
    keys = dict.fromkeys(token.key for test in tests for pattern in _patterns(test) for token in pattern.variables)
    out: dict[str, str] = {}
    for key in keys:
        values = search.value(key, state[key]) if key in state else None
        example = EXAMPLE if not out else f"{EXAMPLE}-{len(out) + 1}"
        out[key] = values[0] if values is not None and len(values) == 1 else example
    return out


def _requests(search: Search, state: State, base: Sequence[Statement]) -> Iterator[PolicyRequest]:
    """The request that a state describes, asked by each who may be meant."""
    action = _action(search, state)
    resource = _resource(search, state, action)
    context: dict[str, tuple[str, ...]] = {key: (value,) for key, value in USUAL.items()}
    context |= {key: (text,) for key, text in search.ground.texts.items()}
    for key, literals in state.items():
        if key not in (ACTION, RESOURCE):
            context[key] = search.value(key, literals) or ()
    for caller in list(dict.fromkeys(who for item in base for who in _callers(item.principals)))[:_CALLERS]:
        yield PolicyRequest(action, resource, Context({**_identity(caller), **context}, closed=True), caller)


def _action(search: Search, state: State) -> str:
    """A real action where one will do; otherwise a word that fits."""
    literals = [(test, wanted) for test, wanted in state.get(ACTION, ()) if isinstance(test, Names)]
    for test, wanted in literals:
        if wanted is not test.negated:
            for pattern in test.patterns:
                for name in _named(pattern.widened):
                    if names_hold(literals, name.lower(), search.ground):
                        return name
    for name in _CANARIES:
        if names_hold(literals, name.lower(), search.ground):
            return name
    found = search.value(ACTION, literals)
    return spell_action(found[0]) if found else "s3:GetObject"


@lru_cache(maxsize=4096)
def _named(pattern: Glob) -> tuple[str, ...]:
    """Real actions that a pattern takes, of the one service that it names."""
    if pattern.literal is not None:
        return (spell_action(pattern.literal),) if ":" in pattern.literal else ()
    service = str(pattern).partition(":")[0]
    return tuple(name for name in known_actions(service) if pattern.matches(name.lower()))


def _resource(search: Search, state: State, action: str) -> str:
    if RESOURCE not in state:
        return "*"
    literals = [(test, wanted) for test, wanted in state[RESOURCE] if isinstance(test, Names)]
    plain = f"arn:aws:{action.partition(':')[0]}:::{EXAMPLE}"
    if names_hold(literals, plain, search.ground):
        return plain
    found = search.value(RESOURCE, literals)
    return found[0] if found else plain


def _callers(element: Principals | None) -> list[Caller | None]:
    """Whom a principal element means: a user for an account, a stranger for everybody."""
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
            elif value.endswith(f":{_ROOT}"):
                out.append(Caller("AWS", value.removesuffix(_ROOT) + f"user/{EXAMPLE}"))
            elif value.startswith("arn:"):
                out.append(Caller("AWS", value))
    return out


def _identity(caller: Caller | None) -> dict[str, tuple[str, ...]]:
    if caller is None or caller.kind != "AWS":
        return {}
    return {"aws:PrincipalArn": (caller.name,), "aws:PrincipalAccount": (caller.account,)}
