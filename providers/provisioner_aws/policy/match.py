"""Whether a part of a statement speaks of a request: three-valued, with what is missing where nobody can say.

Sources: IAM User Guide, «IAM JSON policy elements: Resource», «… Principal», «… NotPrincipal», «IAM policy elements:
Variables and tags», «Condition operators» (ARN operators).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from .context import Context
from .document import Names, Pattern, Principals, Variable
from .globs import Glob, Token, glob

_COLON = (":",)


class Truth(IntEnum):
    """Ordered, so that AND is `min` and OR is `max`."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    @property
    def negated(self) -> Truth:
        return Truth(2 - self)


@dataclass(frozen=True, slots=True)
class Match:
    """`missing` says what would decide; it is empty unless the truth is UNKNOWN."""

    truth: Truth
    missing: tuple[str, ...] = ()

    @property
    def negated(self) -> Match:
        return Match(self.truth.negated, self.missing)


YES = Match(Truth.YES)
NO = Match(Truth.NO)


def unknown(*missing: str) -> Match:
    return Match(Truth.UNKNOWN, missing)


def truth(value: bool) -> Match:
    """What is known as a match."""
    return YES if value else NO


def any_of(matches: Iterable[Match]) -> Match:
    """OR. Stops at the first YES."""
    missing: list[str] = []
    for match in matches:
        if match.truth is Truth.YES:
            return YES
        missing.extend(match.missing)
    return unknown(*dict.fromkeys(missing)) if missing else NO


def all_of(matches: Iterable[Match]) -> Match:
    """AND. Stops at the first NO."""
    missing: list[str] = []
    for match in matches:
        if match.truth is Truth.NO:
            return NO
        missing.extend(match.missing)
    return unknown(*dict.fromkeys(missing)) if missing else YES


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `kind` is a principal type of IAM: `AWS`, `Service` or `Federated`.

    `name` is an ARN, a service (`lambda.amazonaws.com`) or the ARN of an identity provider. For a role session `name`
    is the role's ARN and `session` the session's own.
    """

    kind: str
    name: str
    session: str | None = None

    @property
    def account(self) -> str:
        parts = self.name.split(":")
        return parts[4] if self.kind == "AWS" and len(parts) > 5 else ""


def resolve(pattern: Pattern, context: Context) -> Glob | Match:
    """The pattern as a glob, variables replaced. NO where a variable has no value: then nothing matches.

    A value that is put in stands for itself: its `*` is no wildcard.
    """
    if not pattern.variables:
        found = pattern.glob
        return found if found is not None else NO
    tokens: list[Token] = []
    for token in pattern.tokens:
        if not isinstance(token, Variable):
            tokens.append(token)
            continue
        values = context.get(token.key)
        if values is None:
            return unknown(token.key)
        if len(values) > 1:
            return unknown(f"one value of {token.key}, which has {len(values)}")
        text = values[0] if values else token.default
        if text is None:
            return NO
        tokens.extend(text)
    return glob(tokens)


def text_matches(pattern: Pattern, text: str, context: Context) -> Match:
    """Whether a value of a policy matches a text."""
    found = resolve(pattern, context)
    return found if isinstance(found, Match) else truth(found.matches(text))


def action_matches(names: Names, action: str, context: Context) -> Match:
    """`Action` or `NotAction` against one action. IAM compares them without regard to case."""
    if not names.patterns:
        return unknown("the meaning of an empty NotAction")
    found = any_of(text_matches(pattern, action.lower(), context) for pattern in names.patterns)
    return found.negated if names.negated else found


def resource_matches(names: Names | None, resource: str | None, context: Context) -> Match:
    """`Resource` or `NotResource` against one ARN; a wildcard may run across `:` and `/`.

    `resource` None is a resource that nobody named: only `*` is sure to match it. A statement without the element
    (a trust policy) speaks of the resource it stands on.
    """
    if names is None:
        return YES
    if not names.patterns:
        return unknown("the meaning of an empty NotResource")
    if resource is not None and len(names.globs) == len(names.patterns):
        return truth(any(pattern.matches(resource) for pattern in names.globs) is not names.negated)
    found = any_of(_resource(pattern, resource, context) for pattern in names.patterns)
    return found.negated if names.negated else found


def _resource(pattern: Pattern, resource: str | None, context: Context) -> Match:
    if resource is not None:
        return text_matches(pattern, resource, context)
    found = pattern.glob
    return YES if found is not None and found.universal else unknown("the resource")


def principal_matches(principals: Principals | None, caller: Caller | None) -> Match:
    """`Principal` or `NotPrincipal` against who asks. A statement without one speaks of whom it is attached to."""
    if principals is None:
        return YES
    if caller is None:
        return unknown("who asks")
    found = _named(principals, caller)
    if not principals.negated:
        return found
    if caller.kind == "AWS" and found.truth is Truth.YES and not principals.everyone:
        return unknown("which of the session, its role and its account NotPrincipal leaves out")
    return found.negated


def _named(principals: Principals, caller: Caller) -> Match:
    if principals.everyone:
        return YES
    values = principals.of(caller.kind)
    if caller.kind == "AWS":
        return truth("*" in values or any(_is_caller(value, caller) for value in values))
    if caller.kind == "Service":
        found = truth(caller.name.lower() in {value.lower() for value in values})
    else:
        found = truth(caller.name in values)
    if found.truth is Truth.NO and "*" in principals.of("AWS"):
        return unknown(f'whether {{"AWS": "*"}} admits {caller.name}')
    return found


def _is_caller(value: str, caller: Caller) -> bool:
    if value in (caller.name, caller.session):
        return True
    parts = value.split(":")
    return len(parts) > 5 and parts[5] == "root" and parts[2] == "iam" and parts[4] == caller.account != ""


def arn_matches(pattern: Pattern, text: str, context: Context) -> Match:
    """ARN operators compare each of the six parts between colons by itself."""
    found = resolve(pattern, context)
    if isinstance(found, Match):
        return found
    if found.universal:
        return YES
    parts = arn_parts(found)
    if parts is None:
        literal = found.literal
        return truth(literal == text) if literal is not None else unknown(f"the meaning of the ARN {pattern.text}")
    values = text.split(":", 5)
    if len(values) < 6:
        return NO
    return truth(all(part.matches(value) for part, value in zip(parts, values, strict=True)))


def arn_parts(found: Glob) -> tuple[Glob, ...] | None:
    """The six parts of an ARN pattern; None where it has fewer."""
    parts: list[list[Token]] = [[]]
    for token in found.tokens:
        if token in _COLON and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(glob(part) for part in parts) if len(parts) == 6 else None
