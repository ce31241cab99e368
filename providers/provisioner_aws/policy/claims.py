"""From the claims of a boundary test to the question that STS would judge.

`assume { claims = {…} }` says who tries to become the agent. Which names there are follows from the agent's trust
(its runtime), or from the claims themselves:

| who | claims | what AWS sees |
|---|---|---|
| `lambda` | `account`, `region`, `function` or `function_arn` | service `lambda.amazonaws.com`, `aws:SourceAccount`, `aws:SourceArn` |
| `ecs` | `account`, `region` | service `ecs-tasks.amazonaws.com`, `aws:SourceAccount`, `aws:SourceArn` (`arn:aws:ecs:REGION:ACCOUNT:*`) |
| `github_actions` | the token's: `sub`, `aud`, `repository_id`, `environment` … | web identity, `ISSUER:claim` |
| any service | `service`, `source_account`, `source_arn` | service principal |
| any identity provider | `issuer`, `sub`, `aud` and others | web identity, `ISSUER:claim` |
| a user, role or account | `principal` (ARN), `external_id` | `sts:AssumeRole` |

Every form also takes `session_name`, `source_identity`, `tags` (a map) and `context` (a map of condition keys).
A claim that is not given is unknown, since real tokens and services send it; `null` says that it is absent.
Sources: Amazon ECS Developer Guide, «Task IAM role» (a trust cannot tell clusters apart); IAM User Guide, «Available
keys for AWS OIDC federation»; GitHub, «OpenID Connect reference».
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..names import partition
from .context import Context, context_values
from .document import Policy
from .errors import ClaimError
from .match import Caller
from .spelling import spell_key

GITHUB_ISSUER = "token.actions.githubusercontent.com"
SERVICES = {"lambda": "lambda.amazonaws.com", "ecs": "ecs-tasks.amazonaws.com"}
# fmt: off
GITHUB_CLAIMS = frozenset((
    "actor", "actor_id", "aud", "base_ref", "enterprise", "enterprise_id", "environment", "event_name",
    "head_ref", "iss", "issuer", "job_workflow_ref", "job_workflow_sha", "ref", "ref_protected", "ref_type",
    "repository", "repository_id", "repository_owner", "repository_owner_id", "repository_visibility",
    "run_attempt", "run_id", "run_number", "runner_environment", "sha", "sub", "workflow", "workflow_ref",
    "workflow_sha",
))
# fmt: on
COMMON = frozenset({"session_name", "source_identity", "tags", "context"})
_NAMES = {
    "lambda": frozenset({"account", "region", "function", "function_arn"}),
    "ecs": frozenset({"account", "region"}),
    "github_actions": GITHUB_CLAIMS,
    "service": frozenset({"service", "source_account", "source_arn"}),
    "principal": frozenset({"principal", "external_id"}),
}
_ARN = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):(root|user/.+|role/.+)\Z")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")


@dataclass(frozen=True, slots=True)
class AssumeRequest:
    """`actions` must all be allowed on the role: the assumption itself, tagging, setting a source identity."""

    caller: Caller
    actions: tuple[str, ...]
    context: Context


def runtimes_of(trust: Policy) -> tuple[str, ...]:
    """The runtimes that a trust policy admits, by its principals; in the order of the table above."""
    allowed = [item.principals for item in trust.statements if item.allow and item.principals is not None]
    services = {value for principals in allowed for value in principals.of("Service")}
    federated = {value for principals in allowed for value in principals.of("Federated")}
    found = [runtime for runtime, service in SERVICES.items() if service in services]
    if any(GITHUB_ISSUER in provider for provider in federated):
        found.append("github_actions")
    elif federated:
        found.append("issuer")
    return tuple(found)


def assume_request(claims: Mapping[str, Any], trust: Policy, account: str, runtime: str | None = None) -> AssumeRequest:
    """The request that these claims make of a role in `account`. Raises ClaimError for claims that make none."""
    form = _form(claims, trust, runtime)
    allowed = _NAMES.get(form)
    strange = sorted(set(claims) - COMMON - allowed) if allowed is not None else []
    if strange:
        known = ", ".join(sorted((allowed or frozenset()) | COMMON))
        raise ClaimError(f"{form} has no claim {strange[0]!r}; it has {known}")
    request = _BUILDERS[form](claims, trust, account)
    return _session(claims, request)


def _form(claims: Mapping[str, Any], trust: Policy, runtime: str | None) -> str:
    """Which row of the table: what the claims say themselves, then the runtime, then what the trust admits."""
    for name in ("principal", "service"):
        if name in claims:
            return name
    if runtime is not None:
        if runtime not in _BUILDERS:
            raise ClaimError(f"claims of a {runtime!r} are not known; name service, issuer or principal to say who")
        return runtime
    if "issuer" in claims:
        return "github_actions" if GITHUB_ISSUER in str(claims["issuer"]) else "issuer"
    candidates = [*runtimes_of(trust), "github_actions", "ecs", "lambda"]
    fitting = [form for form in candidates if form == "issuer" or set(claims) <= _NAMES[form] | COMMON]
    if not fitting:
        raise ClaimError(
            f"no runtime of this role has all of the claims {', '.join(sorted(claims))};"
            " name service, issuer or principal to say who tries"
        )
    return fitting[0]


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ClaimError(f"the claim {name} is a {type(value).__name__}; write it as a string")
    return str(value)


def _service(name: str, keys: Mapping[str, tuple[bool, str | None]]) -> AssumeRequest:
    """`keys`: condition key → (whether it was given, its value)."""
    values = {key: () if value is None else (value,) for key, (given, value) in keys.items() if given}
    values |= {"aws:PrincipalIsAWSService": ("true",), "aws:PrincipalServiceName": (name,)}
    unknown = frozenset(key for key, (given, _) in keys.items() if not given)
    return AssumeRequest(Caller("Service", name), ("sts:AssumeRole",), Context(values, unknown))


def _from_service(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    name = _text(claims, "service")
    if not name:
        raise ClaimError("the claim service is empty; write a service principal such as lambda.amazonaws.com")
    keys = {"aws:SourceAccount": "source_account", "aws:SourceArn": "source_arn"}
    return _service(name, {key: (claim in claims, _text(claims, claim)) for key, claim in keys.items()})


def _account(claims: Mapping[str, Any]) -> tuple[bool, str | None]:
    found = _text(claims, "account")
    if found is not None and not _ACCOUNT.match(found):
        raise ClaimError(f"the claim account is {found!r}; an AWS account id has 12 digits")
    return "account" in claims, found


def _from_lambda(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    arn, given = _text(claims, "function_arn"), "function_arn" in claims
    owner = _account(claims)
    if arn is not None:
        parts = arn.split(":")
        if len(parts) < 7 or parts[2] != "lambda":
            raise ClaimError(f"the claim function_arn is {arn!r}; write arn:aws:lambda:REGION:ACCOUNT:function:NAME")
        owner = owner if owner[0] else (True, parts[4])
    elif not given and _text(claims, "function") and _text(claims, "region"):
        place = owner[1] if owner[1] is not None else account
        region, name = _text(claims, "region") or "", _text(claims, "function")
        arn, given = f"arn:{partition((region,))}:lambda:{region}:{place}:function:{name}", True
        owner = owner if owner[0] else (True, place)
    return _service(SERVICES["lambda"], {"aws:SourceAccount": owner, "aws:SourceArn": (given, arn)})


def _from_ecs(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    owner, region = _account(claims), _text(claims, "region")
    known = region is not None and owner[1] is not None
    arn = f"arn:{partition((region or '',))}:ecs:{region}:{owner[1]}:*" if known else None
    return _service(SERVICES["ecs"], {"aws:SourceAccount": owner, "aws:SourceArn": (arn is not None, arn)})


def _from_github(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    issuer = _text(claims, "issuer") or _text(claims, "iss") or _github_issuer(trust)
    return _web_identity({k: v for k, v in claims.items() if k not in ("issuer", "iss")}, issuer, account, trust)


def _from_issuer(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    issuer = _text(claims, "issuer")
    if issuer is None:
        providers = [p for item in trust.statements if item.principals for p in item.principals.of("Federated")]
        names = {provider.partition(":oidc-provider/")[2] for provider in providers} - {""}
        if len(names) != 1:
            raise ClaimError("the claims name no issuer, and the role trusts none or several; name one")
        issuer = names.pop()
    return _web_identity({name: value for name, value in claims.items() if name != "issuer"}, issuer, account, trust)


def _github_issuer(trust: Policy) -> str:
    for item in trust.statements:
        for provider in item.principals.of("Federated") if item.principals else ():
            name = provider.partition(":oidc-provider/")[2]
            if name.startswith(GITHUB_ISSUER):
                return name
    return GITHUB_ISSUER


def _web_identity(claims: Mapping[str, Any], issuer: str, account: str, trust: Policy) -> AssumeRequest:
    """The provider is in the role's own account; its partition is that of the providers which the role trusts."""
    host = issuer.removeprefix("https://").rstrip("/")
    providers = [p for item in trust.statements if item.principals for p in item.principals.of("Federated")]
    place = next((name.split(":")[1] for name in providers if name.startswith("arn:")), "aws")
    provider = f"arn:{place}:iam::{account}:oidc-provider/{host}"
    given = {f"{host}:{name}": value for name, value in claims.items() if name not in COMMON}
    values = context_values(given) | {"aws:FederatedProvider": (provider,)}
    return AssumeRequest(
        Caller("Federated", provider), ("sts:AssumeRoleWithWebIdentity",), Context(values, frozenset({f"{host}:"}))
    )


def _from_principal(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    arn = _text(claims, "principal") or ""
    match = _ARN.match(arn)
    if match is None:
        raise ClaimError(f"the claim principal is {arn!r}; write the ARN of a user, role or account root")
    owner, kind = match.group(1), match.group(2)
    types = {"root": "Account", "user": "User", "role": "AssumedRole"}
    external = _text(claims, "external_id")
    values = {
        "aws:PrincipalArn": (arn,),
        "aws:PrincipalAccount": (owner,),
        "aws:PrincipalType": (types[kind.partition("/")[0]],),
        "aws:PrincipalIsAWSService": ("false",),
        "sts:ExternalId": () if external is None else (external,),
    }
    return AssumeRequest(Caller("AWS", arn), ("sts:AssumeRole",), Context(values))


def _session(claims: Mapping[str, Any], request: AssumeRequest) -> AssumeRequest:
    """Add what every form takes: session name, source identity, tags, further context."""
    extra, actions = dict(_map(claims, "context")), list(request.actions)
    name, source, tags = _text(claims, "session_name"), _text(claims, "source_identity"), _map(claims, "tags")
    unknown = set(request.context.unknown)
    if name is not None:
        extra["sts:RoleSessionName"] = name
    else:
        unknown.add("sts:RoleSessionName")
    if source is not None:
        extra["sts:SourceIdentity"] = source
        actions.append("sts:SetSourceIdentity")
    if tags:
        extra["aws:TagKeys"] = tuple(sorted(tags))
        extra |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        actions.append("sts:TagSession")
    values = {**request.context.values, **context_values(extra)}
    return AssumeRequest(request.caller, tuple(actions), Context(values, frozenset(unknown)))


def _map(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = claims.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ClaimError(f"the claim {name} is a {type(value).__name__}; write it as a map")
    return {spell_key(key) if name == "context" else key: item for key, item in value.items()}


_BUILDERS: dict[str, Callable[[Mapping[str, Any], Policy, str], AssumeRequest]] = {
    "lambda": _from_lambda,
    "ecs": _from_ecs,
    "github_actions": _from_github,
    "service": _from_service,
    "issuer": _from_issuer,
    "principal": _from_principal,
}
