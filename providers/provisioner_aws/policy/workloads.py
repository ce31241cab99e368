"""Who a workload is to STS: the claims of a boundary test for each runtime but GitHub's.

Sources as in `trust_services` and `trust_tokens`. A claim that is not given is unknown, since the service sends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..names import partition
from ..runtimes import POD_TAGS, X509_TAGS
from ..trust_services import SERVICES
from .context import Context
from .errors import ClaimError
from .match import Caller
from .spelling import spell_key

_ACCOUNT = re.compile(r"[0-9]{12}\Z")

NAMES: Mapping[str, frozenset[str]] = {
    "lambda": frozenset({"account", "region", "function", "function_arn"}),
    "ecs": frozenset({"account", "region"}),
    "ec2": frozenset(),
    "eks_pod_identity": frozenset({"cluster", "namespace", "service_account", "pod_name", "pod_uid"}),
    "bedrock_agentcore": frozenset({"account", "region", "runtime_id"}),
    "bedrock_agent": frozenset({"account", "region", "agent_id"}),
    "roles_anywhere": frozenset({"trust_anchor", *X509_TAGS}),
}
"""The claims of each runtime that a service vouches for."""

Key = tuple[bool, str | None]
"""Whether a claim was given, and its value."""


@dataclass(frozen=True, slots=True)
class AssumeRequest:
    """`actions` must all be allowed on the role: the assumption itself, tagging, setting a source identity."""

    caller: Caller
    actions: tuple[str, ...]
    context: Context


def text(claims: Mapping[str, Any], name: str) -> str | None:
    """A claim as text; None where it is absent or null. Raises ClaimError for what is no text."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ClaimError(f"the claim {name} is a {type(value).__name__}; write it as a string")
    return str(value)


def service(name: str, keys: Mapping[str, Key], *more: str) -> AssumeRequest:
    """A service that assumes the role; `keys` by condition key, `more` actions beside sts:AssumeRole."""
    values = {spell_key(key): () if value is None else (value,) for key, (given, value) in keys.items() if given}
    values |= {"aws:PrincipalIsAWSService": ("true",), "aws:PrincipalServiceName": (name,)}
    unknown = frozenset(spell_key(key) for key, (given, _) in keys.items() if not given)
    return AssumeRequest(Caller("Service", name), ("sts:AssumeRole", *more), Context(values, unknown))


def account_of(claims: Mapping[str, Any]) -> Key:
    found = text(claims, "account")
    if found is not None and not _ACCOUNT.match(found):
        raise ClaimError(f"the claim account is {found!r}; an AWS account id has 12 digits")
    return "account" in claims, found


def _lambda(claims: Mapping[str, Any], account: str) -> AssumeRequest:
    arn, given = text(claims, "function_arn"), "function_arn" in claims
    owner = account_of(claims)
    if arn is not None:
        parts = arn.split(":")
        if len(parts) < 7 or parts[2] != "lambda":
            raise ClaimError(f"the claim function_arn is {arn!r}; write arn:aws:lambda:REGION:ACCOUNT:function:NAME")
        owner = owner if owner[0] else (True, parts[4])
    elif not given and text(claims, "function") and text(claims, "region"):
        place = owner[1] if owner[1] is not None else account
        region, name = text(claims, "region") or "", text(claims, "function")
        arn, given = f"arn:{partition((region,))}:lambda:{region}:{place}:function:{name}", True
        owner = owner if owner[0] else (True, place)
    return service(SERVICES["lambda"], {"aws:SourceAccount": owner, "aws:SourceArn": (given, arn)})


def _ecs(claims: Mapping[str, Any], account: str) -> AssumeRequest:
    owner, region = account_of(claims), text(claims, "region")
    known = region is not None and owner[1] is not None
    arn = f"arn:{partition((region or '',))}:ecs:{region}:{owner[1]}:*" if known else None
    return service(SERVICES["ecs"], {"aws:SourceAccount": owner, "aws:SourceArn": (arn is not None, arn)})


def _ec2(claims: Mapping[str, Any], account: str) -> AssumeRequest:
    """A trust cannot tell instances apart: the profile that holds the role does."""
    return service(SERVICES["ec2"], {})


def _pod(claims: Mapping[str, Any], account: str) -> AssumeRequest:
    cluster = text(claims, "cluster")
    keys: dict[str, Key] = {
        "eks-cluster-arn": ("cluster" in claims, cluster),
        "eks-cluster-name": ("cluster" in claims, cluster.rpartition("/")[2] if cluster else None),
        "kubernetes-namespace": ("namespace" in claims, text(claims, "namespace")),
        "kubernetes-service-account": ("service_account" in claims, text(claims, "service_account")),
        "kubernetes-pod-name": ("pod_name" in claims, text(claims, "pod_name")),
        "kubernetes-pod-uid": ("pod_uid" in claims, text(claims, "pod_uid")),
    }
    tags = {f"aws:RequestTag/{tag}": key for tag, key in keys.items()}
    made = service(SERVICES["eks_pod_identity"], tags, "sts:TagSession")
    return AssumeRequest(
        made.caller,
        made.actions,
        Context({**made.context.values, "aws:TagKeys": tuple(sorted(POD_TAGS))}, made.context.unknown),
    )


def _in_region(runtime: str, id_claim: str, prefix: str) -> Callable[[Mapping[str, Any], str], AssumeRequest]:
    """A service that sends the account and the ARN of the resource that it acts for."""

    def build(claims: Mapping[str, Any], account: str) -> AssumeRequest:
        owner, region, id_ = account_of(claims), text(claims, "region"), text(claims, id_claim)
        known = region is not None and id_ is not None
        place = owner[1] if owner[1] is not None else account
        arn = (
            f"arn:{partition((region or '',))}:{prefix.format(region=region, account=place, id=id_)}" if known else None
        )
        given = known or claims.get(id_claim, "") is None
        owner = owner if owner[0] or not known else (True, place)
        return service(SERVICES[runtime], {"aws:SourceAccount": owner, "aws:SourceArn": (given, arn)})

    return build


def _anywhere(claims: Mapping[str, Any], account: str) -> AssumeRequest:
    keys: dict[str, Key] = {"aws:SourceArn": ("trust_anchor" in claims, text(claims, "trust_anchor"))}
    keys |= {f"aws:PrincipalTag/{tag}": (name in claims, text(claims, name)) for name, tag in X509_TAGS.items()}
    name = text(claims, "common_name")
    if name is not None:
        keys["sts:SourceIdentity"] = (True, name)
    return service(SERVICES["roles_anywhere"], keys, "sts:SetSourceIdentity", "sts:TagSession")


BUILDERS: Mapping[str, Callable[[Mapping[str, Any], str], AssumeRequest]] = {
    "lambda": _lambda,
    "ecs": _ecs,
    "ec2": _ec2,
    "eks_pod_identity": _pod,
    "bedrock_agentcore": _in_region(
        "bedrock_agentcore", "runtime_id", "bedrock-agentcore:{region}:{account}:runtime/{id}"
    ),
    "bedrock_agent": _in_region("bedrock_agent", "agent_id", "bedrock:{region}:{account}:agent/{id}"),
    "roles_anywhere": _anywhere,
}


def token_claims(runtime: str, claims: Mapping[str, Any]) -> dict[str, Any]:
    """The token's claims, with `sub` made from the names that people use: namespace, project, branch, SPIFFE id."""
    out = dict(claims)
    for needed, subject in _SUBJECTS[runtime]:
        if "sub" not in out and all(text(claims, item) is not None for item in needed):
            out["sub"] = subject.format(**{item: text(claims, item) for item in needed})
    for item in TOKEN_NAMES[runtime]:
        out.pop(item, None)
    return out


_SUBJECTS: Mapping[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "eks_irsa": ((("namespace", "service_account"), "system:serviceaccount:{namespace}:{service_account}"),),
    "gitlab_ci": (
        (("project_path", "branch"), "project_path:{project_path}:ref_type:branch:ref:{branch}"),
        (("project_path", "tag"), "project_path:{project_path}:ref_type:tag:ref:{tag}"),
    ),
    "spiffe": ((("spiffe_id",), "{spiffe_id}"),),
    "oidc": (),
}

TOKEN_NAMES: Mapping[str, frozenset[str]] = {
    "eks_irsa": frozenset({"namespace", "service_account"}),
    "gitlab_ci": frozenset({"project_path", "branch", "tag"}),
    "spiffe": frozenset({"spiffe_id"}),
    "oidc": frozenset(),
}
"""Names that stand for a part of the subject; every other claim is the token's own."""
