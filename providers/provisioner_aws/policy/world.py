"""Questions about agents, judged on the resources of a world: planned or live.

What the evaluator knows by itself of an agent's own request: `aws:PrincipalArn`, `aws:PrincipalAccount`,
`aws:PrincipalType`, `aws:PrincipalTag/…` from the role's tags, that no service asks in its place, `aws:RequestedRegion`
and `aws:ResourceAccount` from the resource's ARN. The test's `context` adds to these and overrides them. Time is the
world's `now` unless the question gives `aws:CurrentTime` or `aws:EpochTime`; without any, an expiry is DEPENDS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from provisioner.model.requests import Answer, Assume, Attempt, Decision, Request, World
from provisioner.model.resources import Resource

from . import describe
from .claims import AssumeRequest, assume_request
from .conditions import moment
from .context import Context, context_values
from .document import parse_labelled, parse_policy
from .errors import ClaimError, PolicyError
from .evaluate import Layer, Policies, PolicyRequest, all_decisions, evaluate, evaluate_trust, refusal
from .holdings import holdings, role_arn
from .match import Caller
from .spelling import action_resource_types

_EVERYTHING = parse_policy({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, "as if granted: it")


def evaluate_in_world(world: World, request: Request) -> Decision:
    """Judge an attempt by an agent, or an attempt to become it.

    Never raises for what a world or a test says: what no question can be made from is DEPENDS, with the reason in
    `missing`. An attempt's settings are `action`, `resource` (an ARN or several), `context`, `granted`: judge as if
    some policy granted it, so that only the boundary stands in the way, and `open`: a condition key that the question
    does not give is unknown, not absent, since whoever calls may choose it.
    """
    try:
        role = _role(world, request.agent)
        if isinstance(request, Attempt):
            return _attempt(world, role, request)
        return _assume(world, role, request)
    except (ClaimError, PolicyError) as error:
        return Decision(Answer.DEPENDS, missing=(str(error),))


def _role(world: World, agent: str) -> Resource:
    roles = holdings(world).roles(agent)
    if len(roles) != 1:
        raise ClaimError(f"agent {agent} has {len(roles) or 'no'} role{'s' * (len(roles) > 1)} here to judge")
    return roles[0]


def _attempt(world: World, role: Resource, attempt: Attempt) -> Decision:
    action = attempt.settings.get("action")
    if not isinstance(action, str) or action.count(":") != 1 or "*" in action or "?" in action:
        raise ClaimError(f"the attempt's action is {action!r}; name one action such as s3:PutObject")
    given = attempt.settings.get("resource") or "*"
    resources = list(given) if isinstance(given, list | tuple) else [given]
    policies = holdings(world).policies(role)
    if attempt.settings.get("granted"):
        policies = replace(policies, identity=Layer("a policy that grants everything", (_EVERYTHING,)))
    written = _timed(context_values(attempt.settings.get("context") or {}), world.now)
    unknown = _keys(policies) if attempt.settings.get("open") else frozenset()
    decisions = [_judge(role, action, str(resource), Context(written, unknown), policies) for resource in resources]
    answers = {decision.answer for decision in decisions}
    if len(answers) == 1:
        return all_decisions(decisions)
    because = tuple(dict.fromkeys(text for decision in decisions for text in decision.because))
    return Decision(Answer.DEPENDS, because, ("one answer: the resources of the attempt are judged differently",))


def _keys(policies: Policies) -> frozenset[str]:
    """The condition keys that the policies speak of, also as variables."""
    layers = [layer for layer in (policies.identity, policies.boundary) if layer is not None]
    found: set[str] = set()
    for statement in (item for layer in layers for policy in layer.policies for item in policy.statements):
        patterns = [pattern for test in statement.conditions for pattern in test.values]
        patterns += statement.resources.patterns if statement.resources is not None else ()
        found.update(test.key for test in statement.conditions)
        found.update(variable.key for pattern in patterns for variable in pattern.variables)
    return frozenset(found)


def _judge(role: Resource, action: str, resource: str, written: Context, policies: Policies) -> Decision:
    """One action on one resource. `*` names a resource only where the action takes none."""
    exact: str | None = resource
    if resource == "*":
        exact = None if action_resource_types(action) != () else resource
    elif "*" in resource or "?" in resource:
        raise ClaimError(f"the attempt's resource is {resource!r}; name one resource, without wildcards")
    context = Context({**_own_context(role, action, resource), **written.values}, written.unknown)
    return evaluate(PolicyRequest(action, exact, context, Caller("AWS", role_arn(role))), policies)


def context_of(world: World, role: Resource, attempt: Attempt) -> Context:
    """What is known of an attempt: by itself, by the world's time, by what the question gives. Raises ClaimError."""
    given = attempt.settings.get("resource") or "*"
    resource = str(given[0] if isinstance(given, list | tuple) else given)
    written = _timed(context_values(attempt.settings.get("context") or {}), world.now)
    return Context({**_own_context(role, str(attempt.settings.get("action")), resource), **written})


def _own_context(role: Resource, action: str, resource: str) -> dict[str, tuple[str, ...]]:
    tags = {f"aws:PrincipalTag/{key}": value for key, value in (role.attributes.get("tags") or {}).items()}
    known: dict[str, Any] = {
        **tags,
        "aws:PrincipalArn": role_arn(role),
        "aws:PrincipalAccount": role.address.target,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalIsAWSService": False,
        "aws:ViaAWSService": False,
        "aws:username": None,
    }
    parts = resource.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn":
        if parts[3]:
            known["aws:RequestedRegion"] = parts[3]
        if parts[4]:
            known["aws:ResourceAccount"] = parts[4]
    if action.lower().startswith("iam:"):
        known["aws:RequestedRegion"] = "us-east-1"  # IAM's one endpoint: «aws:RequestedRegion» in the User Guide
    return context_values(known)


def _timed(values: Mapping[str, tuple[str, ...]], now: str | None) -> dict[str, tuple[str, ...]]:
    """Both spellings of the time: as the question gives one, otherwise the world's."""
    out = dict(values)
    if now is not None and "aws:EpochTime" not in out:
        out.setdefault("aws:CurrentTime", (now,))
    epoch, current = out.get("aws:EpochTime"), out.get("aws:CurrentTime")
    if current and not epoch:
        seconds = moment(current[0])
        if seconds is not None:
            out["aws:EpochTime"] = (str(int(seconds)),)
    elif epoch and not current and epoch[0].isdecimal() and len(epoch[0]) <= 10:
        out["aws:CurrentTime"] = (datetime.fromtimestamp(int(epoch[0]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),)
    return out


def _assume(world: World, role: Resource, assume: Assume) -> Decision:
    document = role.attributes.get("trust") or {"Statement": []}
    trust = parse_labelled(document, f"the trust of role {role.address.name}", role_arn(role))
    request = assume_request(assume.claims, trust, role.address.target)
    layer = Layer(f"the trust of role {role.address.name}", (trust,))
    caller = _caller_policies(world, request)
    context = Context(_timed(request.context.values, world.now), request.context.unknown)
    questions = [PolicyRequest(action, role_arn(role), context, request.caller) for action in request.actions]
    decision = all_decisions([evaluate_trust(item, layer, role.address.target, caller) for item in questions])
    if decision.answer is Answer.DENIED and refusal(layer, questions[0]) in decision.because:
        return Decision(decision.answer, (f"{layer.name} does not admit {_who(request)}",))
    return decision


def _who(request: AssumeRequest) -> str:
    """The caller with the claims that a reader would look for."""
    claims = [
        f"{key.rpartition(':')[2]} {', '.join(values) or 'absent'}"
        for key, values in sorted(request.context.values.items())
        if key.rpartition(":")[0] == request.caller.name.partition(":oidc-provider/")[2]
        or key in ("aws:SourceAccount", "aws:SourceArn")
    ]
    name = request.caller.name.partition(":oidc-provider/")[2] or describe.arn_tail(request.caller.name)
    return f"{name} ({describe.listed(claims)})" if claims else name


def _caller_policies(world: World, request: AssumeRequest) -> Policies | None:
    """The policies of a caller that is itself a role of the world."""
    known = holdings(world)
    role = known.role(request.caller.name)
    return known.policies(role) if role is not None else None
