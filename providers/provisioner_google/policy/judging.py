"""Whether Google Cloud lets somebody do something, by the policies that are given: allowed, denied, or depends.

Principal access boundaries first: a principal that is bound reaches nothing outside of what its policies name. Then
deny policies, whose conditions also count where they cannot be evaluated. Then allow policies, a union along the
resource hierarchy. What nobody said is UNKNOWN, and the answer DEPENDS on it unless the rest decides.
Sources: «Policy types», «Deny policies», «Principal access boundary policies», «Overview of IAM Conditions».
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.model.requests import Answer, Deciding, Decision

from .. import names, table
from . import cel
from .cel import Truth
from .members import Judged, Who, belongs

YES: Judged = (Truth.YES, ())
NO: Judged = (Truth.NO, ())


@dataclass(frozen=True, slots=True)
class Binding:
    """`members` are canonical; `condition` is an expression or empty; `label` its number in its policy, from 1 on."""

    role: str
    members: tuple[str, ...]
    condition: str
    label: str


@dataclass(frozen=True, slots=True)
class AllowPolicy:
    resource: str
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class DenyRule:
    principals: tuple[str, ...]
    exceptions: tuple[str, ...]
    permissions: tuple[str, ...]
    exempt: tuple[str, ...]
    condition: str
    label: str


@dataclass(frozen=True, slots=True)
class DenyPolicy:
    name: str
    attach: str
    rules: tuple[DenyRule, ...]


@dataclass(frozen=True, slots=True)
class AccessBoundary:
    """`resources` by rule. `bound` are the principal sets that it is bound to, each with the binding's condition.
    `blocks`: the permissions that its enforcement version blocks; None where nobody said."""

    name: str
    resources: tuple[tuple[str, ...], ...]
    bound: tuple[tuple[str, str], ...]
    blocks: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Policies:
    """`roles` maps a role to what it holds; one that is not there is not known."""

    allow: tuple[AllowPolicy, ...] = ()
    deny: tuple[DenyPolicy, ...] = ()
    boundaries: tuple[AccessBoundary, ...] = ()
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """`ancestors` are full names above the resource; `rooted`: there are no others."""

    who: Who
    permission: str
    resource: str
    ancestors: tuple[str, ...] = ()
    rooted: bool = False
    context: Mapping[str, Any] = field(default_factory=dict)


def decide(question: Question, policies: Policies) -> Decision:
    """Judge one question. Pure."""
    inside = _inside(question, policies.boundaries)
    if inside.truth is Truth.NO:
        return Decision(Answer.DENIED, inside.because, deciding=inside.deciding)
    denied = _any(_denials(question, policies.deny))
    if denied.truth is Truth.YES:
        return Decision(Answer.DENIED, denied.because, deciding=denied.deciding)
    allowed = _any(_grants(question, policies))
    if allowed.truth is Truth.NO:
        return Decision(Answer.DENIED, (f"nothing grants {question.permission} there to {question.who.member}",))
    missing = tuple(dict.fromkeys((*allowed.missing, *denied.missing, *inside.missing)))
    because = tuple(dict.fromkeys((*allowed.because, *denied.because, *inside.because)))
    deciding = tuple(dict.fromkeys((*allowed.deciding, *denied.deciding, *inside.deciding)))
    if Truth.UNKNOWN in (allowed.truth, denied.truth, inside.truth):
        return Decision(Answer.DEPENDS, because, missing, deciding)
    return Decision(Answer.ALLOWED, because, deciding=deciding)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one statement says, or many together."""

    truth: Truth
    because: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    deciding: tuple[Deciding, ...] = ()


def _any(findings: Iterable[Finding]) -> Finding:
    """The first that holds, else all that may."""
    open_: list[Finding] = []
    for one in findings:
        if one.truth is Truth.YES:
            return one
        if one.truth is Truth.UNKNOWN:
            open_.append(one)
    if not open_:
        return Finding(Truth.NO)
    return Finding(
        Truth.UNKNOWN,
        tuple(dict.fromkeys(text for one in open_ for text in one.because)),
        tuple(dict.fromkeys(text for one in open_ for text in one.missing)),
        tuple(dict.fromkeys(item for one in open_ for item in one.deciding)),
    )


def all_of(parts: Iterable[Judged]) -> Judged:
    """NO where one is, else UNKNOWN where one is. Lazy: what comes after a NO is not asked."""
    missing: list[str] = []
    for truth, lacking in parts:
        if truth is Truth.NO:
            return NO
        if truth is Truth.UNKNOWN:
            missing += lacking
    return (Truth.UNKNOWN, tuple(dict.fromkeys(missing))) if missing else YES


def any_of(parts: Iterable[Judged]) -> Judged:
    missing: list[str] = []
    for truth, lacking in parts:
        if truth is Truth.YES:
            return YES
        if truth is Truth.UNKNOWN:
            missing += lacking
    return (Truth.UNKNOWN, tuple(dict.fromkeys(missing))) if missing else NO


def _grants(question: Question, policies: Policies) -> Iterator[Finding]:
    for policy in policies.allow:
        reach = reaches(policy.resource, question)
        if reach[0] is Truth.NO:
            continue
        for binding in policy.bindings:
            truth, missing = all_of(_binding(question, binding, policies.roles, reach))
            if truth is not Truth.NO:
                title = f", when {binding.condition}" if binding.condition else ""
                said = f"{binding.role} on {short(policy.resource)} (binding {binding.label}{title})"
                name = Deciding(f"allow policy of {short(policy.resource)}", binding.label, "Allow", policy.resource)
                yield Finding(truth, (said,), missing, (name,))


def _binding(
    question: Question, binding: Binding, roles: Mapping[str, frozenset[str]], reach: Judged
) -> Iterator[Judged]:
    yield _holds(binding.role, roles, question.permission)
    yield any_of(belongs(question.who, member) for member in binding.members)
    yield cel.judge(binding.condition, question.context) if binding.condition else YES
    yield reach


def _holds(role: str, roles: Mapping[str, frozenset[str]], permission: str) -> Judged:
    held = roles.get(role)
    if held is None:
        return Truth.UNKNOWN, (f"what {role} holds",)
    return YES if permission in held else NO


def _denials(question: Question, policies: Sequence[DenyPolicy]) -> Iterator[Finding]:
    wanted = names.deny_permission(question.permission, table.SERVICES)
    for policy in policies:
        reach = reaches(policy.attach, question)
        if reach[0] is Truth.NO:
            continue
        for rule in policy.rules:
            truth, missing = all_of(_rule(question, rule, wanted, reach))
            if truth is not Truth.NO:
                name = Deciding(f"deny policy {policy.name}", rule.label, "Deny", policy.attach)
                yield Finding(truth, (f"deny policy {policy.name} (rule {rule.label})",), missing, (name,))


def _rule(question: Question, rule: DenyRule, wanted: str, reach: Judged) -> Iterator[Judged]:
    speaks = any(names_permission(one, wanted) for one in rule.permissions)
    yield YES if speaks and not any(names_permission(one, wanted) for one in rule.exempt) else NO
    yield any_of(belongs(question.who, member) for member in rule.principals)
    yield negated(any_of(belongs(question.who, member) for member in rule.exceptions))
    yield _denial_condition(rule.condition, question.context)
    yield reach


def _denial_condition(condition: str, context: Mapping[str, Any]) -> Judged:
    """A deny rule also counts where its condition cannot be evaluated: what cannot be read is such a one."""
    if not condition or cel.syntax_error(condition):
        return YES
    return cel.judge(condition, context)


def negated(judged: Judged) -> Judged:
    flipped = {Truth.YES: Truth.NO, Truth.NO: Truth.YES, Truth.UNKNOWN: Truth.UNKNOWN}
    return flipped[judged[0]], judged[1]


def names_permission(pattern: str, permission: str) -> bool:
    """Whether a denied permission or permission group (`SERVICE/*.*`, `SERVICE/KIND.*`, `SERVICE/*.VERB`) names one,
    both in the spelling of deny policies."""
    host, _, rest = pattern.partition("/")
    other, _, name = permission.partition("/")
    parts, given = rest.split("."), name.split(".")
    return host == other and len(parts) == len(given) and all(a in ("*", b) for a, b in zip(parts, given, strict=True))


def _inside(question: Question, boundaries: Sequence[AccessBoundary]) -> Finding:
    """YES where no boundary is bound to the principal, or one that is names something above the resource."""
    bound: list[tuple[AccessBoundary, Judged]] = []
    for boundary in boundaries:
        applies = any_of(all_of([in_set(question.who, s), _bound(question, c)]) for s, c in boundary.bound)
        if applies[0] is not Truth.NO:
            bound.append((boundary, applies))
    if not bound:
        return Finding(Truth.YES)
    within: list[Judged] = []
    for boundary, _ in bound:
        for number, resources in enumerate(boundary.resources, 1):
            reach = any_of(reaches(name, question) for name in resources)
            if reach[0] is Truth.YES and _sure(bound, boundary):
                deciding = Deciding(f"access boundary {boundary.name}", str(number), "Allow", boundary.name)
                return Finding(Truth.YES, deciding=(deciding,))
            within.append(reach)
    return _outside(question, bound, any_of(within))


def _sure(bound: Sequence[tuple[AccessBoundary, Judged]], boundary: AccessBoundary) -> bool:
    """Whether it is certain that a boundary is bound, or that being bound to none at all would allow it as well."""
    others = [applies for one, applies in bound if one is not boundary]
    own = next(applies for one, applies in bound if one is boundary)
    return own[0] is Truth.YES or not others


def _outside(question: Question, bound: Sequence[tuple[AccessBoundary, Judged]], reach: Judged) -> Finding:
    """What is not known to be inside: blocked where the enforcement version is known to block the permission."""
    named = ", ".join(one.name for one, _ in bound)
    because = (f"access boundary {named} leaves {short(question.resource)} out",)
    deciding = tuple(Deciding(f"access boundary {one.name}", "1", "Deny", one.name) for one, _ in bound)
    blocks = {one.blocks is None or question.permission in one.blocks for one, _ in bound}
    if blocks == {False}:
        return Finding(Truth.YES)
    known = all(one.blocks is not None for one, _ in bound)
    if known and len(blocks) == 1 and reach[0] is Truth.NO and all(sure[0] is Truth.YES for _, sure in bound):
        return Finding(Truth.NO, because, (), deciding)
    missing = [text for _, applies in bound for text in applies[1]]
    missing += reach[1] if reach[0] is Truth.UNKNOWN else ()
    if not known or len(blocks) > 1:
        missing.append(f"whether the enforcement version of access boundary {named} blocks {question.permission}")
    return Finding(Truth.UNKNOWN, because, tuple(dict.fromkeys(missing)), deciding)


def _bound(question: Question, condition: str) -> Judged:
    """A binding's condition reads the principal's type and subject only."""
    if not condition:
        return YES
    kind, _, value = question.who.member.partition(":")
    types = {"user": "iam.googleapis.com/WorkspaceIdentity", "serviceAccount": "iam.googleapis.com/ServiceAccount"}
    known: dict[str, Any] = {"principal.type": types[kind], "principal.subject": value} if kind in types else {}
    return cel.judge(condition, known)


def in_set(who: Who, target: str) -> Judged:
    """Whether somebody is in a principal set that a boundary is bound to, written as a full resource name."""
    name = target if target.startswith("principalSet:") else f"principalSet:{target}"
    if "/workloadIdentityPools/" in name or "/workforcePools/" in name:
        return belongs(who, name if name.endswith("/*") else f"{name}/*")
    return belongs(who, name)


def reaches(above: str, question: Question) -> Judged:
    """Whether a policy on `above` counts for the question's resource."""
    resource = question.resource
    if above == resource or resource.startswith(f"{above}/") or above in question.ancestors:
        return YES
    host, _, rest = above.removeprefix("//").partition("/")
    if host != "cloudresourcemanager.googleapis.com":
        return NO
    found: Judged = Truth.UNKNOWN, (f"whether {short(resource)} is in {rest}",)
    if rest.startswith("projects/"):
        found = _in_project(rest.removeprefix("projects/"), question)
    elif resource.startswith("//cloudresourcemanager.googleapis.com/organizations/"):
        return NO
    return NO if found[0] is Truth.UNKNOWN and question.rooted else found


def _in_project(project: str, question: Question) -> Judged:
    """A resource in a project says so by its own name, mostly; an id and a number may be one project."""
    known = [found for name in (question.resource, *question.ancestors) if (found := table.project_of(name))]
    if project in known:
        return YES
    if question.resource.startswith("//cloudresourcemanager.googleapis.com/") and not known:
        return NO
    if any(found.isdigit() == project.isdigit() for found in known):
        return NO
    return Truth.UNKNOWN, (f"whether {short(question.resource)} is in project {project}",)


def short(resource: str) -> str:
    """A full resource name for a reader: `projects/p`, `storage.googleapis.com/…`."""
    return resource.removeprefix("//cloudresourcemanager.googleapis.com/").removeprefix("//")
