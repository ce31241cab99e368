"""From the claims of a boundary test to the question that STS would judge.

`assume { claims = {…} }` says who tries to become the agent. Which names there are follows from the agent's trust
(its runtime), or from the claims themselves:

| who | claims | what AWS sees |
|---|---|---|
| `lambda` | `account`, `region`, `function` or `function_arn` | service `lambda.amazonaws.com`, `aws:SourceAccount`, `aws:SourceArn` |
| `ecs` | `account`, `region` | service `ecs-tasks.amazonaws.com`, `aws:SourceAccount`, `aws:SourceArn` (`arn:aws:ecs:REGION:ACCOUNT:*`) |
| `ec2` | none: a trust cannot tell instances apart | service `ec2.amazonaws.com` |
| `eks_pod_identity` | `cluster` (ARN), `namespace`, `service_account`, `pod_name`, `pod_uid` | service `pods.eks.amazonaws.com`, `aws:RequestTag/…` |
| `bedrock_agentcore` | `account`, `region`, `runtime_id` | service `bedrock-agentcore.amazonaws.com`, `aws:SourceAccount`, `aws:SourceArn` |
| `bedrock_agent` | `account`, `region`, `agent_id` | service `bedrock.amazonaws.com`, `aws:SourceAccount`, `aws:SourceArn` |
| `roles_anywhere` | `trust_anchor` (ARN), `common_name`, `organization`, `san_uri` … | service `rolesanywhere.amazonaws.com`, `aws:PrincipalTag/x509…`, source identity |
| `eks_irsa` | `namespace`, `service_account`, and the token's own | web identity, `ISSUER:claim` |
| `gitlab_ci` | `project_path`, `branch` or `tag`, and the token's own | web identity, `ISSUER:claim` |
| `spiffe` | `spiffe_id`, and the token's own | web identity, `ISSUER:claim` |
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
from typing import Any

from ..trust_services import SERVICES
from .context import Context, context_values
from .document import Policy
from .errors import ClaimError
from .match import Caller
from .spelling import spell_key
from .workloads import BUILDERS, NAMES, TOKEN_NAMES, AssumeRequest, service, text, token_claims

__all__ = ["AssumeRequest", "assume_request", "runtimes_of"]

GITHUB_ISSUER = "token.actions.githubusercontent.com"
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
    **NAMES,
    "github_actions": GITHUB_CLAIMS,
    "service": frozenset({"service", "source_account", "source_arn"}),
    "principal": frozenset({"principal", "external_id"}),
}
Builder = Callable[[Mapping[str, Any], Policy, str], AssumeRequest]
_ARN = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):(root|user/.+|role/.+)\Z")


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
        return "github_actions" if GITHUB_ISSUER in str(claims["issuer"]) else _token_form(claims)
    admitted = [_token_form(claims) if form == "issuer" else form for form in runtimes_of(trust)]
    candidates = [*admitted, "github_actions", "ecs", "lambda"]
    fitting = [form for form in candidates if form not in _NAMES or set(claims) <= _NAMES[form] | COMMON]
    if not fitting:
        raise ClaimError(
            f"no runtime of this role has all of the claims {', '.join(sorted(claims))};"
            " name service, issuer or principal to say who tries"
        )
    return fitting[0]


def _token_form(claims: Mapping[str, Any]) -> str:
    """`eks_irsa` and so on where a claim is named as that runtime names it, otherwise the token's own claims."""
    return next((runtime for runtime, names in TOKEN_NAMES.items() if names & set(claims)), "issuer")


def _from_service(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    name = text(claims, "service")
    if not name:
        raise ClaimError("the claim service is empty; write a service principal such as lambda.amazonaws.com")
    keys = {"aws:SourceAccount": "source_account", "aws:SourceArn": "source_arn"}
    return service(name, {key: (claim in claims, text(claims, claim)) for key, claim in keys.items()})


def _from_github(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    issuer = text(claims, "issuer") or text(claims, "iss") or _github_issuer(trust)
    return _web_identity({k: v for k, v in claims.items() if k not in ("issuer", "iss")}, issuer, account, trust)


def _from_issuer(claims: Mapping[str, Any], trust: Policy, account: str) -> AssumeRequest:
    issuer = text(claims, "issuer")
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
    arn = text(claims, "principal") or ""
    match = _ARN.match(arn)
    if match is None:
        raise ClaimError(f"the claim principal is {arn!r}; write the ARN of a user, role or account root")
    owner, kind = match.group(1), match.group(2)
    types = {"root": "Account", "user": "User", "role": "AssumedRole"}
    external = text(claims, "external_id")
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
    name, source, tags = text(claims, "session_name"), text(claims, "source_identity"), _map(claims, "tags")
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


def _from_service_runtime(runtime: str) -> Builder:
    return lambda claims, _trust, account: BUILDERS[runtime](claims, account)


def _from_token_runtime(runtime: str) -> Builder:
    return lambda claims, trust, account: _from_issuer(token_claims(runtime, claims), trust, account)


_BUILDERS: dict[str, Builder] = {
    **{runtime: _from_service_runtime(runtime) for runtime in BUILDERS},
    **{runtime: _from_token_runtime(runtime) for runtime in TOKEN_NAMES},
    "github_actions": _from_github,
    "service": _from_service,
    "issuer": _from_issuer,
    "principal": _from_principal,
}
