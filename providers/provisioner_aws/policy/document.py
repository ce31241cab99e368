"""A policy document, parsed into what evaluation and comparison work on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from .canonical import CURRENT, OPERATORS, canonical_policy, canonical_statements
from .globs import Glob, Token, Wild, glob, parse_glob
from .spelling import spell_key


@dataclass(frozen=True, slots=True)
class Variable:
    """A policy variable, `${key}` or `${key, 'default'}`; `key` is spelled by `spell_key`."""

    key: str
    default: str | None = None


@dataclass(frozen=True)
class Pattern:
    """A value of a policy, compiled. `tokens` are characters, wildcards and variables; `text` is how it was written."""

    text: str
    tokens: tuple[Token | Variable, ...]

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(token for token in self.tokens if isinstance(token, Variable))

    @cached_property
    def glob(self) -> Glob | None:
        """The pattern as a glob; None where it holds a variable."""
        return None if self.variables else glob(token for token in self.tokens if not isinstance(token, Variable))

    @cached_property
    def widened(self) -> Glob:
        """The pattern with every variable as `*`: it matches at least what the pattern does."""
        return glob(token if isinstance(token, str | Wild) else Wild.MANY for token in self.tokens)

    @cached_property
    def _hash(self) -> int:
        return hash(self.tokens)

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Names:
    """`Action` or `NotAction`, `Resource` or `NotResource`."""

    patterns: tuple[Pattern, ...]
    negated: bool

    @cached_property
    def tokens(self) -> frozenset[tuple[Token | Variable, ...]]:
        """The tokens of each pattern, to find one again at once."""
        return frozenset(pattern.tokens for pattern in self.patterns)

    @cached_property
    def globs(self) -> tuple[Glob, ...]:
        """The patterns that hold no variable: together they match at most what all do."""
        return tuple(pattern.glob for pattern in self.patterns if pattern.glob is not None)

    @cached_property
    def texts(self) -> frozenset[str]:
        """The patterns that are plain texts."""
        return frozenset(found.literal for found in self.globs if found.literal is not None)

    @cached_property
    def wild(self) -> tuple[Glob, ...]:
        """The patterns that hold wildcards and no variable."""
        return tuple(found for found in self.globs if found.literal is None)

    @cached_property
    def wide(self) -> tuple[Glob, ...]:
        """What all patterns but plain texts take at most."""
        return tuple(
            pattern.widened for pattern in self.patterns if pattern.glob is None or pattern.glob.literal is None
        )


@dataclass(frozen=True, slots=True)
class Principals:
    """`Principal` or `NotPrincipal`. `everyone` stands for `"*"`; `kinds` is (type, values) otherwise."""

    everyone: bool
    kinds: tuple[tuple[str, tuple[str, ...]], ...]
    negated: bool

    def of(self, kind: str) -> tuple[str, ...]:
        return next((values for name, values in self.kinds if name == kind), ())


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key. `operator` is bare (`StringLike`); an operator that IAM does not document has
    `known` false. `quantifier` is `ForAllValues`, `ForAnyValue` or empty."""

    operator: str
    quantifier: str
    if_exists: bool
    key: str
    values: tuple[Pattern, ...]
    known: bool = True

    @property
    def name(self) -> str:
        prefix = f"{self.quantifier}:" if self.quantifier else ""
        return f"{prefix}{self.operator}{'IfExists' if self.if_exists else ''}"


@dataclass(frozen=True, slots=True)
class Statement:
    """`resources` is None where the statement has none, as in a trust policy.

    `label` is the Sid, or the statement's number in its document where it has none; it is no part of the meaning, and
    only `parse_labelled` sets it.
    """

    allow: bool
    principals: Principals | None
    actions: Names
    resources: Names | None
    conditions: tuple[Condition, ...]
    label: str = field(default="", compare=False)


@dataclass(frozen=True)
class Policy:
    """A named document. `name` is what a reader calls it (`grant.triage_reads`, `the boundary agents`), `on` the ARN of
    what it stands on or of itself, where it is in a world; no part of the meaning."""

    name: str
    statements: tuple[Statement, ...]
    on: str = field(default="", compare=False)

    @cached_property
    def allows(self) -> tuple[Statement, ...]:
        return tuple(item for item in self.statements if item.allow)

    @cached_property
    def denies(self) -> tuple[Statement, ...]:
        return tuple(item for item in self.statements if not item.allow)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where an action may be spoken of: by its full name, by the beginning up to its colon, and anywhere ("")."""
        out: dict[str, list[int]] = {}
        for place, item in enumerate(self.statements):
            keys = {""} if item.actions.negated else {_place(pattern) for pattern in item.actions.patterns}
            for key in keys:
                out.setdefault(key, []).append(place)
        return out

    def candidates(self, action: str, allow: bool) -> Iterator[Statement]:
        """Statements that may speak of an action (in lower case), in the document's order."""
        keys = (action, action.partition(":")[0] + ":", "")
        places = sorted({place for key in keys for place in self._places.get(key, ())})
        return (self.statements[place] for place in places if self.statements[place].allow is allow)

    @cached_property
    def spoken(self) -> dict[tuple[str, bool], tuple[Statement, ...]]:
        """By action and effect, the statements that may speak of it: found once, since an action has no variables."""
        return {}

    @cached_property
    def said(self) -> dict[int, str]:
        """Sentences about statements that were already put into words, by the statement's `id`."""
        return {}


def _place(pattern: Pattern) -> str:
    found = pattern.glob
    if found is None:
        return ""
    if found.literal is not None:
        return found.literal
    service, colon, _ = found.prefix.partition(":")
    return service + colon if colon else ""


def parse_policy(document: Mapping[str, Any] | str, name: str = "the policy") -> Policy:
    """Parse a document in any spelling. Raises PolicyError. Many roles hold the same text: it is parsed once."""
    try:
        text = document if isinstance(document, str) else json.dumps(document)
    except (TypeError, ValueError, RecursionError):
        return Policy(name, _statements(canonical_policy(document)))
    return Policy(name, _parsed(text))


def parse_labelled(document: Mapping[str, Any] | str, name: str = "the policy", on: str = "") -> Policy:
    """As `parse_policy`, with every statement in its place and labelled by its Sid or number. Raises PolicyError."""
    try:
        text = document if isinstance(document, str) else json.dumps(document)
    except (TypeError, ValueError, RecursionError):
        return Policy(name, _labelled(document), on)
    return _labelled_policy(text, name, on)


@lru_cache(maxsize=8192)
def _labelled_policy(text: str, name: str, on: str) -> Policy:
    """The same object for the same text: what it works out about itself is worked out once."""
    return Policy(name, _statements_of(text), on)


@lru_cache(maxsize=8192)
def _statements_of(text: str) -> tuple[Statement, ...]:
    """Many roles hold the same text: it is parsed once."""
    return _labelled(text)


def _labelled(document: Mapping[str, Any] | str) -> tuple[Statement, ...]:
    variables, placed = canonical_statements(document)
    return tuple(replace(_statement(item, variables), label=label) for label, item in placed)


@lru_cache(maxsize=8192)
def _parsed(text: str) -> tuple[Statement, ...]:
    return _statements(canonical_policy(text))


def _statements(canonical: Mapping[str, Any]) -> tuple[Statement, ...]:
    variables = canonical["Version"] == CURRENT
    return tuple(_statement(item, variables) for item in canonical["Statement"])


def _statement(item: Mapping[str, Any], variables: bool) -> Statement:
    return Statement(
        allow=item["Effect"] == "Allow",
        principals=_principals(item),
        actions=Names(tuple(_action(text) for text in item.get("Action", item.get("NotAction"))), "NotAction" in item),
        resources=_resources(item, variables),
        conditions=tuple(_conditions(item.get("Condition", {}), variables)),
    )


def _principals(item: Mapping[str, Any]) -> Principals | None:
    for name, negated in (("Principal", False), ("NotPrincipal", True)):
        if name in item:
            given = item[name]
            if given == "*":
                return Principals(True, (), negated)
            return Principals(False, tuple((kind, tuple(values)) for kind, values in given.items()), negated)
    return None


def _action(text: str) -> Pattern:
    """Actions are compared in lower case, as patterns and as requests."""
    return Pattern(text, parse_glob(text.lower()).tokens)


def _resources(item: Mapping[str, Any], variables: bool) -> Names | None:
    for name, negated in (("Resource", False), ("NotResource", True)):
        if name in item:
            whole = "Principal" in item or "NotPrincipal" in item
            compiled = (_resource(text, variables, whole) for text in item[name])
            return Names(tuple(compiled), negated)
    return None


def _resource(text: str, variables: bool, whole: bool) -> Pattern:
    """`whole`: the pattern is taken as it stands. In a policy of an identity an ARN of fewer than six parts stands for
    all that begin so: `arn:aws:sqs` is `arn:aws:sqs:*:*:*`. What holds a `*` is left alone: it may cross a colon.

    Source: IAM User Guide, «IAM identifiers», the note on incomplete ARNs.
    """
    missing = 5 - text.count(":")
    if whole or missing <= 0 or not text.startswith("arn:") or "*" in text or "${" in text:
        return compile_pattern(text, variables=variables)
    return Pattern(text, compile_pattern(text + ":*" * missing, variables=variables).tokens)


def _conditions(given: Mapping[str, Mapping[str, list[str]]], variables: bool) -> Iterator[Condition]:
    for written, tests in given.items():
        quantifier, colon, rest = written.rpartition(":")
        operator = rest.removesuffix("IfExists")
        known = operator in OPERATORS and quantifier in (("ForAllValues", "ForAnyValue") if colon else ("",))
        if_exists = rest.endswith("IfExists")
        if operator == "Null" and (if_exists or quantifier):
            known = False
        textual = operator.startswith(("String", "Arn"))
        wild = operator in ("StringLike", "StringNotLike") or operator.startswith("Arn")
        for key, values in tests.items():
            patterns = tuple(compile_pattern(text, variables=variables and textual, wild=wild) for text in values)
            yield Condition(operator, quantifier, if_exists, key, patterns, known)


@lru_cache(maxsize=65536)
def compile_pattern(text: str, *, variables: bool = True, wild: bool = True) -> Pattern:
    """Compile a value. `${*}`, `${?}` and `${$}` are the characters themselves; an unclosed `${` is plain text.

    Source: IAM User Guide, «IAM policy elements: Variables and tags».
    """
    tokens: list[Token | Variable] = []
    at = 0
    while at < len(text):
        end = text.find("}", at) if variables and text.startswith("${", at) else -1
        if end >= 0:
            inner = text[at + 2 : end]
            if inner.strip() in ("*", "?", "$"):
                tokens.append(inner.strip())
            else:
                inner, end = _with_default(text, at, end)
                tokens.append(_variable(inner))
            at = end + 1
            continue
        tokens.append(Wild(text[at]) if wild and text[at] in "*?" else text[at])
        at += 1
    return Pattern(text, _merge(tokens))


def _with_default(text: str, at: int, end: int) -> tuple[str, int]:
    """The inside of a variable and where its brace closes: a quoted default may hold a brace of its own."""
    quote = text.find("'", at, end)
    closing = text.find("'}", quote + 1) if quote >= 0 else -1
    return (text[at + 2 : closing + 1], closing + 1) if closing >= 0 else (text[at + 2 : end], end)


def _variable(inner: str) -> Variable:
    key, comma, default = inner.partition(",")
    quoted = default.strip()
    has_default = bool(comma) and len(quoted) >= 2 and quoted[0] == quoted[-1] == "'"
    return Variable(spell_key(key.strip()), quoted[1:-1] if has_default else None)


def _merge(tokens: list[Token | Variable]) -> tuple[Token | Variable, ...]:
    """Without variables the normal form of globs, so that equal patterns compare equal."""
    plain = [token for token in tokens if not isinstance(token, Variable)]
    return glob(plain).tokens if len(plain) == len(tokens) else tuple(tokens)
