"""What a deny policy denied that another does not: who is freed of it may do it, where something grants it.

A denial counts where its condition holds or cannot be evaluated: only a condition that is false lifts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from provisioner.model.requests import Answer

from . import cel, judging
from .attributes import attributes_of
from .gains import Gain, covers
from .implying import examples, follows
from .judging import DenyRule, names_permission
from .members import ANYBODY
from .witness import RESOURCE, in_words, somebody, written

_HOSTS = {"cloudresourcemanager.googleapis.com": "resourcemanager"}
_ROLE = "projects/example-project/roles/everything"


def gains_of_deny(old: Sequence[DenyRule], new: Sequence[DenyRule]) -> Iterator[Gain]:
    """What OLD denies and NEW does not, rule by rule of OLD."""
    for rule in old:
        for member in rule.principals:
            for pattern in rule.permissions:
                if not any(_denies_too(other, rule, member, pattern) for other in new):
                    yield _gain(old, new, rule, member, pattern)


def _denies_too(other: DenyRule, rule: DenyRule, member: str, pattern: str) -> bool:
    """Whether a rule certainly denies all that another denies to one member under one pattern."""
    if not any(covers(principal, member) for principal in other.principals):
        return False
    if not any(_contains(wider, pattern) for wider in other.permissions):
        return False
    if not all(any(covers(known, exempt) for known in rule.exceptions) for exempt in other.exceptions):
        return False
    if not all(any(_contains(known, exempt) for known in rule.exempt) for exempt in other.exempt):
        return False
    try:
        return not other.condition or follows(_not(other.condition), (_not(rule.condition),))
    except cel.CelError:
        return other.condition == rule.condition


def _not(condition: str) -> str:
    return f"!({condition})" if condition else "false"


def _contains(wider: str, pattern: str) -> bool:
    """Whether a pattern of permissions holds all that another does."""
    host, _, rest = wider.partition("/")
    other, _, name = pattern.partition("/")
    parts, given = rest.split("."), name.split(".")
    return host == other and len(parts) == len(given) and all(a in ("*", b) for a, b in zip(parts, given, strict=True))


def _gain(old: Sequence[DenyRule], new: Sequence[DenyRule], rule: DenyRule, member: str, pattern: str) -> Gain:
    when = f", when {rule.condition}" if rule.condition else ""
    words = f"{written(member)}: {pattern}, where something grants it{when}"
    people = [somebody(one) for one in dict.fromkeys((member, *_excepted(new)))]
    conditions = [item.condition for item in (*old, *new)]
    for permission in _concrete(pattern, (*old, *new)):
        allow = judging.AllowPolicy(RESOURCE, (judging.Binding(_ROLE, (ANYBODY,), "", "1"),))
        roles = {_ROLE: frozenset((permission,))}
        both = [
            judging.Policies((allow,), (judging.DenyPolicy("compared", RESOURCE, tuple(rules)),), roles=roles)
            for rules in (old, new)
        ]
        for context, who in product(examples(conditions), people):
            known = attributes_of(RESOURCE, None, context)
            question = judging.Question(who, permission, RESOURCE, (), True, known)
            if judging.decide(question, both[0]).answer is not Answer.DENIED:
                continue
            if judging.decide(question, both[1]).answer is Answer.ALLOWED:
                return Gain(True, words, question=question, example=in_words(question))
    return Gain(False, words, f"whether rule {rule.label} is made good by the rules that there are now")


def _excepted(rules: Sequence[DenyRule]) -> Iterator[str]:
    """Members whom some rule lets pass: they may be the difference."""
    for rule in rules:
        yield from rule.exceptions


def _concrete(pattern: str, rules: Sequence[DenyRule]) -> Iterator[str]:
    """Single permissions of a pattern: one that no other pattern names, then those that patterns name."""
    host, _, rest = pattern.partition("/")
    service = _HOSTS.get(host, host.removesuffix(".googleapis.com"))
    kind, _, verb = rest.rpartition(".")
    yield f"{service}.{kind.replace('*', 'examples')}.{verb.replace('*', 'example')}"
    for rule in rules:
        for name in (*rule.permissions, *rule.exempt):
            if "*" not in name and names_permission(pattern, name):
                yield f"{service}.{name.partition('/')[2]}"
