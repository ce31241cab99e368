"""AWS's policy evaluation, exact for what is given: allowed, denied, or depends on what is missing.

An explicit deny anywhere wins. Then every limit must allow (service control policies level by level, resource control
policies, the permissions boundary, session policies), and identity policies or, in one account, the resource's own
policy must. A resource policy that names a session or an IAM user itself is not stopped by what boundary and session
policies leave out, one that names the role is; one that names the account alone leaves it to the identity policies.
A KMS key's policy must allow in any case. Across accounts both sides must allow.

Source: IAM User Guide, «Policy evaluation logic» (single account, cross-account, «Difference between explicit and
implicit denies»), «AWS JSON policy elements: Principal» (account principals); AWS KMS Developer Guide, «Key policies».
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from provisioner.model.requests import Answer, Deciding, Decision

from . import describe
from .conditions import conditions_hold
from .context import Context
from .document import Policy, Principals, Statement
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
    """What one layer says to a request, the sentences that say why, and the statements that they are about."""

    match: Match
    because: tuple[str, ...] = ()
    deciding: tuple[Deciding, ...] = ()


def evaluate(request: PolicyRequest, policies: Policies) -> Decision:
    """Judge one request. Pure; the same question gets the same answer."""
    layers = (policies.identity, policies.boundary, policies.session, *policies.limits, policies.resource)
    denied = _denied(request, layers)
    if denied.match.truth is Truth.YES:
        return Decision(Answer.DENIED, denied.because, deciding=denied.deciding)
    return _decide(denied, _allowed(request, policies))


def evaluate_alone(request: PolicyRequest, layer: Layer) -> Decision:
    """What one set of policies says by itself, whoever asks: nothing else allows, limits or denies."""
    return _decide(_denied(request, [layer]), _says(layer, request, allow=True))


def denied_outright(request: PolicyRequest, layer: Layer) -> Truth:
    """Whether some Deny of these policies speaks of the request: then nothing else can allow it."""
    return _denied(request, [layer]).match.truth


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
    limits = [_says(layer, request, allow=True) for layer in own.limits]
    personal = [_says(layer, request, allow=True) for layer in (own.boundary, own.session) if layer is not None]
    consent = _combine([_says(own.identity, request, allow=True), *personal], all_of)
    if who.account == role_account:
        # Unread policies may deny outright; that is for _denied to say.
        direct = _combine([_says_by(trust, request, _lists_caller(who)), *personal], all_of)
        consent = _combine([consent, direct], any_of)
    allowed = _combine([_says(trust, request, allow=True), *limits, consent], all_of)
    return _decide(_denied(request, [trust, own.identity, own.boundary, own.session, *own.limits]), allowed)


def all_decisions(decisions: Sequence[Decision]) -> Decision:
    """One answer for what needs every one of these: denied where one is denied, allowed where all are."""
    for answer in (Answer.DENIED, Answer.DEPENDS, Answer.ALLOWED):
        chosen = [decision for decision in decisions if decision.answer is answer]
        if chosen:
            return Decision(
                answer,
                tuple(dict.fromkeys(text for decision in chosen for text in decision.because)),
                tuple(dict.fromkeys(text for decision in chosen for text in decision.missing)),
                tuple(dict.fromkeys(item for decision in chosen for item in decision.deciding)),
            )
    return Decision(Answer.DEPENDS, missing=("a question",))


def _decide(denied: Finding, allowed: Finding) -> Decision:
    if denied.match.truth is Truth.YES:
        return Decision(Answer.DENIED, denied.because, deciding=denied.deciding)
    if allowed.match.truth is Truth.NO:
        return Decision(Answer.DENIED, allowed.because)
    missing = tuple(dict.fromkeys((*allowed.match.missing, *denied.match.missing)))
    if missing:
        because = tuple(dict.fromkeys((*allowed.because, *denied.because)))
        return Decision(Answer.DEPENDS, because, missing, tuple(dict.fromkeys((*allowed.deciding, *denied.deciding))))
    return Decision(Answer.ALLOWED, allowed.because, deciding=allowed.deciding)


def _denied(request: PolicyRequest, layers: Iterable[Layer | None]) -> Finding:
    return _combine([_says(layer, request, allow=False) for layer in layers if layer is not None], any_of)


def _allowed(request: PolicyRequest, policies: Policies) -> Finding:
    """Whether every layer that must allow does."""
    limits = [_says(layer, request, allow=True) for layer in policies.limits]
    caller, resource = request.caller, policies.resource
    if caller is not None and caller.kind != "AWS":
        # A service, a federated user without a role, anybody: only the resource's own policy can admit them.
        return _combine([*limits, _says(resource or Layer("the resource's policy"), request, allow=True)], all_of)
    personal = [
        _says(layer, request, allow=True) for layer in (policies.boundary, policies.session) if layer is not None
    ]
    identity = _says(policies.identity, request, allow=True)
    if personal:
        identity = _combine([identity, *personal], all_of)
    if caller is not None and policies.owner not in (None, caller.account) and not _assumes_root(request):
        theirs = resource or Layer(f"account {policies.owner}")
        return _combine([*limits, identity, _says(theirs, request, allow=True)], all_of)
    if resource is None:
        return _combine([*limits, identity], all_of) if limits else identity
    return _combine([*limits, _in_one_account(request, resource, identity, personal)], all_of)


def _in_one_account(request: PolicyRequest, resource: Layer, identity: Finding, personal: Sequence[Finding]) -> Finding:
    """Identity policies or the resource's own: what is granted to a session or user itself knows no implicit deny."""
    who = request.caller
    if who is None:
        named = _says(resource, request, allow=True)
        return _combine([identity, _combine([named, *personal], all_of)], any_of)
    exact = who.session or (who.name if ":user/" in who.name or ":federated-user/" in who.name else None)
    direct = _says_by(resource, request, lambda principals: _lists(principals, exact))
    named = _says_by(resource, request, lambda principals: _lists(principals, who.name))
    consent = _combine([identity, direct, _combine([named, *personal], all_of)], any_of)
    if _needs_key_policy(request):
        return _combine([_says(resource, request, allow=True), consent], all_of)
    return consent


def _needs_key_policy(request: PolicyRequest) -> bool:
    return request.action.lower().startswith("kms:") and ":key/" in (request.resource or "")


def _assumes_root(request: PolicyRequest) -> bool:
    """`sts:AssumeRoot` from the management or a delegated account is judged by the caller's side alone: a member
    account's root has no policy. Source: IAM User Guide, «Perform a privileged task on a member account»."""
    return request.action.lower() == "sts:assumeroot"


_By = Callable[[Principals], bool]


def _says_by(layer: Layer, request: PolicyRequest, chosen: _By) -> Finding:
    """What those statements of a resource's policy say whose principals are chosen."""
    named = tuple(
        Policy(policy.name, tuple(item for item in policy.allows if item.principals and chosen(item.principals)))
        for policy in layer.policies
    )
    return _says(Layer(layer.name, named, layer.unread), request, allow=True)


def _lists(principals: Principals, exact: str | None) -> bool:
    """Whether a principal himself is named, or everybody is; not only his account, which leaves it to his policies."""
    if principals.negated:
        return False
    return principals.everyone or exact in principals.of("AWS") or "*" in principals.of("AWS")


def _lists_caller(who: Caller) -> _By:
    """As `_lists`, by name or session. NotPrincipal counts: in a trust it asks for no further consent."""
    return lambda principals: (
        principals.negated
        or _lists(principals, who.name)
        or (who.session is not None and _lists(principals, who.session))
    )


def _combine(findings: Sequence[Finding], how: Callable[[Iterable[Match]], Match]) -> Finding:
    """Join findings by `all_of` or `any_of`; the sentences are those of the findings that decide."""
    match = how(finding.match for finding in findings)
    chosen = [finding for finding in findings if finding.match.truth is match.truth]
    if len(chosen) == 1:
        return Finding(match, chosen[0].because, chosen[0].deciding)
    because = tuple(dict.fromkeys(text for finding in chosen for text in finding.because))
    return Finding(match, because, tuple(dict.fromkeys(item for finding in chosen for item in finding.deciding)))


def _says(layer: Layer, request: PolicyRequest, *, allow: bool) -> Finding:
    """Whether some statement of a layer allows, or denies, the request."""
    open_ones: list[tuple[Policy, Statement]] = []
    missing: list[str] = []
    for policy in layer.policies:
        for item in _speaking(policy, request, allow):
            match = _rest_matches(item, request)
            if match.truth is Truth.YES:
                return Finding(match, (_sentence(policy, item),), _named(policy, item))
            if match.truth is Truth.UNKNOWN:
                open_ones.append((policy, item))
                missing.extend(match.missing)
    missing.extend(f"the document of {name}" for name in layer.unread)
    if missing:
        said = tuple(dict.fromkeys(_sentence(policy, item) for policy, item in open_ones))
        return Finding(
            unknown(*dict.fromkeys(missing)), said, tuple(one for pair in open_ones for one in _named(*pair))
        )
    return _NOTHING if not allow else Finding(NO, (refusal(layer, request),))


_NOTHING = Finding(NO)


def refusal(layer: Layer, request: PolicyRequest) -> str:
    """The sentence for a layer in which nothing allows a request."""
    return f"{layer.name}: nothing allows {describe.request(request.action, request.resource)}"


def _speaking(policy: Policy, request: PolicyRequest, allow: bool) -> tuple[Statement, ...]:
    """The statements of a policy that the request's action does not rule out."""
    key = (request.action, allow)
    found = policy.spoken.get(key)
    if found is None:
        if len(policy.spoken) >= _REMEMBERED:
            policy.spoken.clear()
        found = tuple(
            item
            for item in policy.candidates(request.action.lower(), allow)
            if action_matches(item.actions, request.action, request.context).truth is not Truth.NO
        )
        policy.spoken[key] = found
    return found


_REMEMBERED = 512


def statement_matches(item: Statement, request: PolicyRequest) -> Match:
    """Whether a statement speaks of a request, cheapest test first."""
    if action_matches(item.actions, request.action, request.context).truth is Truth.NO:
        return NO
    return _rest_matches(item, request)


def _rest_matches(item: Statement, request: PolicyRequest) -> Match:
    """The same for a statement that the action does not rule out: only an empty NotAction leaves it open."""
    parts = []
    if not item.actions.patterns:
        parts.append(action_matches(item.actions, request.action, request.context))
    if item.resources is not None:
        found = resource_matches(item.resources, request.resource, request.context)
        if found.truth is Truth.NO:
            return found
        parts.append(found)
    if item.principals is not None:
        parts.append(principal_matches(item.principals, request.caller))
    if item.conditions:
        parts.append(conditions_hold(item.conditions, request.context))
    return all_of(parts)


def _sentence(policy: Policy, item: Statement) -> str:
    found = policy.said.get(id(item))
    if found is None:
        found = f"{policy.name} {'allows' if item.allow else 'denies'} {describe.statement(item)}"
        policy.said[id(item)] = found
    return found


def _named(policy: Policy, item: Statement) -> tuple[Deciding, ...]:
    """By name, where the statement was parsed with its label."""
    if not item.label:
        return ()
    return (Deciding(policy.name, item.label, "Allow" if item.allow else "Deny", policy.on),)
