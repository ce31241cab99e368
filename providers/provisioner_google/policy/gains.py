"""What an allow policy lets somebody do that another does not.

Each member of each binding is one question for each way in which the other policy's bindings hold its permissions: is
the condition implied by theirs (a proof), or is there a request that shows the difference (the evaluator says so)?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.model.requests import Answer

from . import cel, judging
from .attributes import attributes_of
from .cel import Truth
from .implying import examples, follows
from .judging import Binding
from .members import ANYBODY, SIGNED_IN, belongs
from .witness import RESOURCE, in_words, somebody, written

_BASIC = ("roles/viewer", "roles/editor", "roles/owner")
"""Each holds all that those before it hold. Source: «IAM basic and predefined roles»."""

_POOLS = "principalSet://iam.googleapis.com/"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Policy:
    """Bindings, and what roles hold as far as somebody said."""

    bindings: tuple[Binding, ...]
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gain:
    """What one policy gives and the other may not. `certain`: it does not; `question` is then a request that shows it,
    where one could be made. `reason` says what nobody could decide."""

    certain: bool
    words: str
    reason: str = ""
    question: judging.Question | None = None
    example: str = ""


def gains_of_allow(old: Policy, new: Policy) -> Iterator[Gain]:
    """The gains of NEW over OLD, binding by binding."""
    for binding in new.bindings:
        for member in binding.members:
            if not member.startswith("deleted:"):
                yield from _of_member(old, new, binding, member)


def _of_member(old: Policy, new: Policy, binding: Binding, member: str) -> Iterator[Gain]:
    covering = [item for item in old.bindings if any(covers(other, member) for other in item.members)]
    held = new.roles.get(binding.role)
    if held is None:
        yield from _of_unknown_role(old, binding, member, covering)
        return
    by_conditions: dict[tuple[str, ...], list[str]] = {}
    for permission in sorted(held):
        known = [item for item in covering if permission in old.roles.get(item.role, ())]
        by_conditions.setdefault(tuple(dict.fromkeys(item.condition for item in known)), []).append(permission)
    for conditions, permissions in by_conditions.items():
        if not _follows(binding.condition, conditions):
            yield _gain(old, new, binding, member, permissions)


def _follows(condition: str, others: Sequence[str]) -> bool:
    try:
        return follows(condition, others)
    except cel.CelError:
        return condition in others


def covers(other: str, member: str) -> bool:
    """Whether everybody whom `member` means is also in `other`, by their names alone: a proof."""
    if other in (member, ANYBODY):
        return True
    if member.startswith(("user:", "serviceAccount:", "principal:", "gke:")):
        return belongs(somebody(member), other)[0] is Truth.YES
    return other.startswith(_POOLS) and other.endswith("/*") and member.startswith(other[:-1])


def _gain(old: Policy, new: Policy, binding: Binding, member: str, permissions: Sequence[str]) -> Gain:
    """The difference, with a request that shows it where one of the examples does."""
    shown = ", ".join(permissions[:_SHOWN]) + (
        f" and {len(permissions) - _SHOWN} more" if len(permissions) > _SHOWN else ""
    )
    when = f", when {binding.condition}" if binding.condition else ""
    words = f"{written(member)}: {shown} ({binding.role}{when})"
    policies = [judging.Policies((judging.AllowPolicy(RESOURCE, p.bindings),), roles=p.roles) for p in (old, new)]
    conditions = [binding.condition, *dict.fromkeys(item.condition for item in old.bindings)]
    who = somebody(member)
    for context in examples(conditions):
        known = attributes_of(RESOURCE, None, context)
        question = judging.Question(who, permissions[0], RESOURCE, (), True, known)
        if judging.decide(question, policies[1]).answer is not Answer.ALLOWED:
            continue
        if judging.decide(question, policies[0]).answer is Answer.DENIED:
            return Gain(True, words, question=question, example=in_words(question))
    unknown = sorted({item.role for item in old.bindings if item.role not in old.roles and _may(item, member)})
    if unknown:
        return Gain(False, words, f"what {', '.join(unknown)} holds; give it as roles beside the bindings")
    return Gain(False, words, f"whether binding {binding.label} lets {written(member)} do more")


def _may(binding: Binding, member: str) -> bool:
    return any(belongs(somebody(member), other)[0] is not Truth.NO or other == SIGNED_IN for other in binding.members)


def _of_unknown_role(old: Policy, binding: Binding, member: str, covering: Sequence[Binding]) -> Iterator[Gain]:
    """A role that nobody said what it holds: the same role, or a basic one that holds it, may cover it."""
    same = [item.condition for item in covering if _includes(item.role, binding.role) and item.role not in old.roles]
    if _follows(binding.condition, tuple(dict.fromkeys(same))):
        return
    words = f"{written(member)}: whatever {binding.role} holds"
    words += f", when {binding.condition}" if binding.condition else ""
    touched = any(_may(item, member) for item in old.bindings)
    if binding.role.startswith("roles/") and not touched and not binding.condition:
        example = f"whatever {binding.role} holds, by {written(somebody(member).member)}"
        yield Gain(True, words, example=example)
        return
    reason = f"what {binding.role} holds that {written(member)} does not have yet; give it as roles beside the bindings"
    yield Gain(False, words, reason)


def _includes(role: str, other: str) -> bool:
    if role == other:
        return True
    return role in _BASIC and other in _BASIC and _BASIC.index(role) > _BASIC.index(other)
