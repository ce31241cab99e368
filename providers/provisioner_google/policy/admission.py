"""Who may become an agent: a token at its provider, a workload or principal at its service account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.requests import Answer, Assume, Decision, World
from provisioner.model.resources import Resource

from .. import schema
from ..bindings import place_of
from ..compile import USER_ROLE
from . import cel
from .cel import Truth
from .holdings import holdings

_ISSUER, _AUDIENCE = "issuer", "aud"


def admits(world: World, request: Assume) -> Decision:
    """Judge an attempt to become an agent.

    Claims: of a token `issuer`, `aud`, `sub` and the issuer's own; of a pod `namespace`, `service_account`, `project`;
    of an AWS session `arn` (or `principal`, an ARN); otherwise `principal`, a member as policies spell it. A claim
    that is null is one that the token lacks.
    """
    claims = dict(request.claims)
    own = holdings(world).own[request.agent]
    ways = [_at_provider(r, claims) for r in own if r.address.kind == schema.POOL_PROVIDER]
    ways += [_at_account(r, claims) for r in own if r.address.kind == schema.ACCOUNT_BINDING]
    if "namespace" in claims:
        ways += [_at_member(r, claims) for r in own if r.address.kind in schema.GRANTS and r.parent is None]
    for answer in (Answer.ALLOWED, Answer.DEPENDS):
        found = next((way for way in ways if way.answer is answer), None)
        if found is not None:
            return found
    because = tuple(dict.fromkeys(text for way in ways for text in way.because))
    return Decision(Answer.DENIED, because or ("nothing but the runtime that it is attached to may become it",))


def _at_provider(provider: Resource, claims: Mapping[str, Any]) -> Decision:
    state, name = provider.attributes, provider.address.name
    if state["disabled"] or state["state"] != "ACTIVE":
        return Decision(Answer.DENIED, (f"provider {name} is disabled",))
    token = _token(str(state["issuer"]), claims)
    if token is None:
        return Decision(Answer.DENIED, (f"provider {name} takes tokens of {state['issuer']} only",))
    if _AUDIENCE in claims:
        aud = claims[_AUDIENCE]
        accepted = state["audiences"]
        if (
            aud is None
            or (accepted and aud not in accepted)
            or (not accepted and name.rpartition("/")[2] not in str(aud))
        ):
            return Decision(Answer.DENIED, (f"provider {name} does not take the audience {aud}",))
    context: dict[str, Any] = {f"assertion.{key}": value for key, value in token.items() if value is not None}
    lacking = {f"assertion.{key}" for key, value in token.items() if value is None}
    mapping = state["mapping"].get("google.subject", "")
    subject = _value(mapping, context)
    if not isinstance(subject, cel.Unknown):
        context["google.subject"] = subject
    elif subject.what in lacking:
        return Decision(Answer.DENIED, (f"the token has no {subject.what.removeprefix('assertion.')}",))
    truth, missing = cel.judge(str(state["condition"] or "true"), context)
    if truth is Truth.UNKNOWN and set(missing) <= lacking:
        return Decision(Answer.DENIED, (f"the token has no {', '.join(sorted(missing))}",))
    if truth is Truth.UNKNOWN:
        return Decision(Answer.DEPENDS, missing=missing)
    if truth is Truth.YES:
        return Decision(Answer.ALLOWED, (f"provider {name} admits {subject}",))
    return Decision(Answer.DENIED, (f"the condition of provider {name} does not admit it",))


def _value(expression: str, context: Mapping[str, Any]) -> Any:
    try:
        return cel.evaluate(cel.parse(expression), context)
    except cel.CelError as error:
        return cel.Unknown(f"google.subject ({error})")


def _token(issuer: str, claims: Mapping[str, Any]) -> dict[str, Any] | None:
    """The claims as a token of the provider's issuer; None where they are of something else."""
    if issuer.startswith("aws:"):
        arn = claims.get("arn") or claims.get("principal")
        if not isinstance(arn, str) or arn.split(":")[:2] != ["arn", "aws"] or len(arn.split(":")) < 6:
            return None
        account = arn.split(":")[4]
        return {"arn": arn, "account": account} if account == issuer.removeprefix("aws:") else None
    given = claims.get(_ISSUER)
    if given is not None and _bare(str(given)) != _bare(issuer):
        return None
    if "namespace" in claims and "service_account" in claims and "sub" not in claims:
        return {"sub": f"system:serviceaccount:{claims['namespace']}:{claims['service_account']}"}
    token = {str(key): value for key, value in claims.items() if key != _ISSUER}
    return token if "sub" in token else None


def _bare(issuer: str) -> str:
    return issuer.removeprefix("https://").rstrip("/")


def _at_account(binding: Resource, claims: Mapping[str, Any]) -> Decision:
    """A grant on the agent's service account: anybody whom it names may use the account."""
    member, role = str(binding.attributes["member"]), str(binding.attributes["role"])
    same = _is(member, claims)
    if not same:
        return Decision(Answer.DENIED, ("no grant on its service account names it",))
    if role != USER_ROLE:
        return Decision(Answer.DEPENDS, missing=(f"whether role {role} lets {member} use the service account",))
    condition = binding.attributes["condition"]
    truth, missing = cel.judge(condition["expression"], {}) if condition else (Truth.YES, ())
    if truth is Truth.YES:
        return Decision(Answer.ALLOWED, (f"{role} on its service account names {member}",))
    return Decision(Answer.DENIED if truth is Truth.NO else Answer.DEPENDS, missing=missing)


def _at_member(binding: Resource, claims: Mapping[str, Any]) -> Decision:
    """A pod of GKE that is granted to by its own name."""
    place = place_of(binding.address.name)
    if place is not None and _is(place.member, claims):
        return Decision(Answer.ALLOWED, (f"it is {place.member} itself",))
    return Decision(Answer.DENIED, ("the agent's grants name another workload",))


def _is(member: str, claims: Mapping[str, Any]) -> bool:
    if member in ("allUsers", "allAuthenticatedUsers"):
        return True
    if claims.get("principal") == member:
        return True
    namespace, account = claims.get("namespace"), claims.get("service_account")
    if namespace is None or account is None:
        return False
    project = claims.get("project")
    pool = f"/workloadIdentityPools/{project}.svc.id.goog/" if project else ".svc.id.goog/"
    return pool in member and member.endswith(f"/subject/ns/{namespace}/sa/{account}")
