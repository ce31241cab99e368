"""AWS's policy evaluation, exact for what is given: allowed, denied, or depends on what is missing.

An explicit deny anywhere wins. Then every limit must allow (service control policies level by level, resource control
policies, the permissions boundary, session policies), and identity policies or, in one account, the resource's own
policy must. A resource policy that names a session itself is not stopped by what boundary and session policies leave
out, one that names the role is. Across accounts both sides must allow.

Source: IAM User Guide, «Policy evaluation logic» (single account, cross-account, «Difference between explicit and
implicit denies»).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from provisioner.model.requests import Answer, Decision

from . import describe
from .conditions import conditions_hold
from .context import Context
from .document import Policy, Statement
from .match import (
    NO,
    Caller,
    Match,
    Truth,
    action_matches,
    all_of,
    any_of,
    principal_matches,
    resource_matches,
    unknown,
)


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """One call. `resource` None: nobody said which one. `caller` matters to resource and trust policies only."""

    action: str
    resource: str | None
    context: Context = field(default_factory=Context)
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """Policies of one kind, joined by OR. `unread` names those whose text nobody has: they may allow or deny."""

    name: str
    policies: tuple[Policy, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that a request is judged by.

    Each of `limits` must allow: organisation's policies level by level. `boundary` and `session` are limits too, of
    the principal: None where there is none. `resource` is the policy of what is acted on, `owner` the account that it
    belongs to (None: the caller's).
    """

    identity: Layer
    boundary: Layer | None = None
    session: Layer | None = None
    limits: tuple[Layer, ...] = ()
    resource: Layer | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one layer says to a request, and the sentences that say why."""

    match: Match
    because: tuple[str, ...] = ()


def evaluate(request: PolicyRequest, policies: Policies) -> Decision:
    """Judge one request. Pure; the same question gets the same answer."""
    layers = [policies.identity, policies.boundary, policies.session, *policies.limits, policies.resource]
    return _decide(_denied(request, layers), _allowed(request, policies))


def evaluate_trust(request: PolicyRequest, trust: Layer, role_account: str, caller: Policies | None) -> Decision:
    """May `request.caller` call this `sts:` action on the role that `trust` stands on?

    Services and identity providers are admitted by the trust alone. For a caller with policies of its own (`caller`;
    None: not known) the trust must allow, and his own policies too unless he is named in the same account.
    Source: IAM User Guide, «How permissions and policies provide access» and «IAM roles: cross-account access».
    """
    who = request.caller
    if who is None or who.kind != "AWS" or who.name.endswith(":root"):
        return _decide(_denied(request, [trust]), _says(trust, request, allow=True))
    own = caller or Policies(Layer(f"{who.name}", unread=(f"the policies of {describe.arn_tail(who.name)}",)))
    personal = [_says(layer, request, allow=True) for layer in (own.boundary, own.session) if layer is not None]
    consent = _combine([_says(own.identity, request, allow=True), *personal], all_of)
    if who.account == role_account:
        # Unread policies may deny outright; that is for _denied to say.
        direct = _combine([_names_caller(trust, request), *personal], all_of)
        consent = _combine([consent, direct], any_of)
    allowed = _combine([_says(trust, request, allow=True), consent], all_of)
    return _decide(_denied(request, [trust, own.identity, own.boundary, own.session]), allowed)


def all_decisions(decisions: Sequence[Decision]) -> Decision:
    """One answer for what needs every one of these: denied where one is denied, allowed where all are."""
    for answer in (Answer.DENIED, Answer.DEPENDS, Answer.ALLOWED):
        chosen = [decision for decision in decisions if decision.answer is answer]
        if chosen:
            because = tuple(dict.fromkeys(text for decision in chosen for text in decision.because))
            return Decision(answer, because, tuple(dict.fromkeys(m for decision in chosen for m in decision.missing)))
    return Decision(Answer.DEPENDS, missing=("a question",))


def _decide(denied: Finding, allowed: Finding) -> Decision:
    if denied.match.truth is Truth.YES:
        return Decision(Answer.DENIED, denied.because)
    if allowed.match.truth is Truth.NO:
        return Decision(Answer.DENIED, allowed.because)
    missing = tuple(dict.fromkeys((*allowed.match.missing, *denied.match.missing)))
    if missing:
        return Decision(Answer.DEPENDS, tuple(dict.fromkeys((*allowed.because, *denied.because))), missing)
    return Decision(Answer.ALLOWED, allowed.because)


def _denied(request: PolicyRequest, layers: Iterable[Layer | None]) -> Finding:
    return _combine([_says(layer, request, allow=False) for layer in layers if layer is not None], any_of)


def _allowed(request: PolicyRequest, policies: Policies) -> Finding:
    """Whether every layer that must allow does."""
    limits = [_says(layer, request, allow=True) for layer in policies.limits]
    personal = [
        _says(layer, request, allow=True) for layer in (policies.boundary, policies.session) if layer is not None
    ]
    identity = _combine([_says(policies.identity, request, allow=True), *personal], all_of)
    if policies.resource is None:
        return _combine([*limits, identity], all_of)
    resource = _says(policies.resource, request, allow=True)
    caller = request.caller
    if caller is not None and policies.owner not in (None, caller.account):
        return _combine([*limits, identity, resource], all_of)
    direct = _names_session(policies.resource, request)
    limited = _combine([resource, *personal], all_of)
    return _combine([*limits, _combine([identity, direct, limited], any_of)], all_of)


def _names_session(layer: Layer, request: PolicyRequest) -> Finding:
    """Statements of a resource policy that name the session or an IAM user itself: no implicit deny stops these."""
    caller = request.caller
    if caller is None or caller.kind != "AWS":
        return Finding(NO)
    exact = caller.session if caller.session is not None else caller.name if ":user/" in caller.name else None
    if exact is None:
        return Finding(NO)
    named = tuple(
        Policy(policy.name, tuple(item for item in policy.statements if _lists_session(item, exact)))
        for policy in layer.policies
    )
    return _says(Layer(layer.name, named), request, allow=True)


def _lists_session(item: Statement, exact: str) -> bool:
    return item.principals is not None and not item.principals.negated and exact in item.principals.of("AWS")


def _names_caller(layer: Layer, request: PolicyRequest) -> Finding:
    """Statements that name the caller or everybody, not only his account (which leaves it to his own policies)."""
    who = request.caller
    exact = {who.name, who.session} if who is not None else set()
    named = tuple(
        Policy(policy.name, tuple(item for item in policy.statements if any(_lists(item, name) for name in exact)))
        for policy in layer.policies
    )
    return _says(Layer(layer.name, named), request, allow=True)


def _lists(item: Statement, exact: str | None) -> bool:
    """Whether a statement names a principal himself. NotPrincipal and «*» count: they ask for no further consent."""
    principals = item.principals
    if principals is None:
        return False
    return principals.everyone or principals.negated or exact in principals.of("AWS") or "*" in principals.of("AWS")


def _combine(findings: Sequence[Finding], how: Callable[[Iterable[Match]], Match]) -> Finding:
    """Join findings by `all_of` or `any_of`; the sentences are those of the findings that decide."""
    match = how(finding.match for finding in findings)
    deciding = [finding for finding in findings if finding.match.truth is match.truth]
    because = tuple(dict.fromkeys(text for finding in deciding for text in finding.because))
    return Finding(match, because)


def _says(layer: Layer, request: PolicyRequest, *, allow: bool) -> Finding:
    """Whether some statement of a layer allows, or denies, the request."""
    open_ones: list[str] = []
    missing: list[str] = []
    for policy, item in _statements(layer.policies, allow):
        match = statement_matches(item, request)
        if match.truth is Truth.YES:
            return Finding(match, (_sentence(policy, item),))
        if match.truth is Truth.UNKNOWN:
            open_ones.append(_sentence(policy, item))
            missing.extend(match.missing)
    missing.extend(f"the document of {name}" for name in layer.unread)
    if missing:
        return Finding(unknown(*dict.fromkeys(missing)), tuple(dict.fromkeys(open_ones)))
    return Finding(NO, (refusal(layer, request),) if allow else ())


def refusal(layer: Layer, request: PolicyRequest) -> str:
    """The sentence for a layer in which nothing allows a request."""
    return f"{layer.name}: nothing allows {describe.request(request.action, request.resource)}"


def _statements(policies: Iterable[Policy], allow: bool) -> Iterator[tuple[Policy, Statement]]:
    return ((policy, item) for policy in policies for item in policy.statements if item.allow is allow)


def statement_matches(item: Statement, request: PolicyRequest) -> Match:
    """Whether a statement speaks of a request, cheapest test first."""
    return all_of(_parts(item, request))


def _parts(item: Statement, request: PolicyRequest) -> Iterator[Match]:
    yield action_matches(item.actions, request.action, request.context)
    yield resource_matches(item.resources, request.resource, request.context)
    yield principal_matches(item.principals, request.caller)
    yield conditions_hold(item.conditions, request.context)


def _sentence(policy: Policy, item: Statement) -> str:
    return f"{policy.name} {'allows' if item.allow else 'denies'} {describe.statement(item)}"
