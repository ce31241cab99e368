"""Roles that look like agents and are nobody's: found in the answer that a bulk read gets anyway. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.resources import Address, Sighting

from . import live, names, schema
from .policy.describe import listed

Raw = Mapping[str, Any]

SERVICES: Mapping[str, str] = {
    "bedrock.amazonaws.com": "Bedrock trust",
    "bedrock-agentcore.amazonaws.com": "Bedrock AgentCore trust",
    "pods.eks.amazonaws.com": "EKS pod identity trust",
    "rolesanywhere.amazonaws.com": "IAM Roles Anywhere trust",
}
"""Service principals that stand for agent runtimes, or for workloads that agents are. Source: 5-providers.md's table of
runtimes; what any workload uses (Lambda, ECS, EC2) says nothing by itself."""

COMPUTE = frozenset({"lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "ec2.amazonaws.com"})
"""Where agents run among much else: a role of these counts where its name says that it is an agent."""

_PROVIDER = ":oidc-provider/"
_RISKY = ("*", "iam:*", "iam:PassRole", "sts:AssumeRole")


def sighting(account: str, raw: Raw) -> Sighting | None:
    """What the bulk answer says of a role that no workspace has marked; None where it looks like no agent."""
    if str(raw.get("Path", "/")).startswith(names.AWS_PATHS) or names.TAG_WORKSPACE in live.tags_of(raw):
        return None
    why = _why(raw)
    if not why:
        return None
    used = live.last_use(raw)
    stamp = (used.last or None) if used is not None else None
    return Sighting(Address("aws", account, schema.ROLE, raw["RoleName"]), "role", why, stamp, tuple(_holds(raw)))


def _why(raw: Raw) -> str:
    services, issuers = _admitted(raw)
    found = [SERVICES[name] for name in sorted(services & set(SERVICES))]
    found += [f"OIDC trust of {issuer}" for issuer in sorted(issuers)]
    if services & COMPUTE and "agent" in str(raw["RoleName"]).lower():
        found.append("the name of an agent")
    return ", ".join(found)


def _admitted(raw: Raw) -> tuple[set[str], set[str]]:
    """Services and OIDC issuers that a trust lets in. As it stands: an account may have thousands of other roles, and
    the canonical form of each would cost more than the read."""
    services: set[str] = set()
    issuers: set[str] = set()
    for item in _list(_mapping(raw.get("AssumeRolePolicyDocument")).get("Statement")):
        statement = _mapping(item)
        principal = _mapping(statement.get("Principal"))
        if statement.get("Effect") == "Allow":
            services |= {str(name) for name in _list(principal.get("Service"))}
            arns = [str(arn) for arn in _list(principal.get("Federated"))]
            issuers |= {arn.rpartition(_PROVIDER)[2] for arn in arns if _PROVIDER in arn}
    return services, issuers


def _holds(raw: Raw) -> Iterable[str]:
    """Its policies by name, and the riskiest that those say which the answer holds itself."""
    inline = [item["PolicyName"] for item in raw.get("RolePolicyList") or ()]
    attached = [item["PolicyArn"].rpartition("/")[2] for item in raw.get("AttachedManagedPolicies") or ()]
    if inline or attached:
        yield f"holds {len(inline) + len(attached)} policies: {listed([*inline, *attached])}"
    actions = set()
    for item in raw.get("RolePolicyList") or ():
        for statement in _list(_mapping(item.get("PolicyDocument")).get("Statement")):
            if _mapping(statement).get("Effect") == "Allow":
                actions |= {str(action) for action in _list(_mapping(statement).get("Action"))}
    risky = [action for action in _RISKY if action in actions]
    if risky:
        yield f"allowed by its own policies: {listed(risky)}"
    if not (raw.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"):
        yield "no permissions boundary limits it"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
