"""What only a look at the live state can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority
from provisioner.model.configuration import Agent
from provisioner.model.diagnostics import Diagnostic, Severity
from provisioner.model.resources import Address, Desired, Resource, Snapshot

from . import schema
from .compile import agent_place, aws_agents, boundary_of, foreign_boundary
from .delegations import PREFIX as DELEGATIONS
from .grants import BEFORE, CURRENT_TIME
from .live import policy_address
from .principals import check_principals
from .quotas import check_counts
from .trust import oidc_requirement
from .workload.providers import OIDC_PROVIDERS

_FIXED = ("path", "description")
"""What IAM never changes of a managed policy once it is made."""


def check(authority: Authority, desired: Sequence[Desired], live: Snapshot) -> Iterable[Diagnostic]:
    """OIDC providers and principals that trusts need; quotas; changes that IAM has no call for."""
    found = {resource.address: resource for resource in live.resources}
    unread = {f"aws {gap.target}: {gap.what}" for gap in live.coverage.gaps} | {*live.coverage.not_looked_at}
    for agent in aws_agents(authority):
        yield from _oidc(authority, agent, found, unread)
    yield from check_counts(authority, desired, live)
    yield from check_principals(authority, desired, live)
    yield from _foreign_boundaries(authority, found, unread)
    if any(tool.requires for tool in authority.configuration.tools.values()):
        from .handover import check_resource_policies

        yield from check_resource_policies(authority, live)
    for item in desired:
        resource = found.get(item.resource.address)
        if resource is None and item.resource.address.kind == schema.ATTACHMENT:
            yield _not_attached(item)
        if resource is not None and resource.mark is not None:
            yield from _unchangeable(item, resource)


def _foreign_boundaries(
    authority: Authority, found: Mapping[Address, Resource], unread: set[str]
) -> Iterable[Diagnostic]:
    """A boundary policy that others own must be there before a role can stand in it."""
    said: set[str] = set()
    for agent in aws_agents(authority):
        boundary = boundary_of(authority.configuration, agent)
        place = agent_place(authority, agent)
        arn = foreign_boundary(boundary, place) if boundary is not None else None
        if boundary is None or arn is None or arn in said or policy_address(place.account, arn) in found:
            continue
        said.add(arn)
        hidden = any(text.startswith(f"aws {place.account}: ") and arn in text for text in unread)
        yield Diagnostic(
            "E-AWS-BOUNDARY",
            f"Whether account {place.account} has the policy {arn} could not be read"
            if hidden
            else f"Account {place.account} has no policy {arn}",
            f"{boundary.address} names it, and {agent.address} cannot be made without it. Have its owner create it, or"
            " take `policy` out to have one made here.",
            subject=boundary.clouds["aws"].range_of("policy"),
        )


def expiries(live: Snapshot) -> Mapping[tuple[str, str], str]:
    """By agent and grant name, the time at which every statement of the grant's policy ends.

    A policy of a grant with two owners is named `<grant>--<owner>`: it counts for the grant as well.
    """
    out: dict[tuple[str, str], str] = {}
    for resource in live.resources:
        if resource.address.kind != schema.ROLE_POLICY or resource.agent is None:
            continue
        end = _end(resource.attributes["document"])
        if end is not None:
            name = resource.address.name.partition("/")[2]
            if name.startswith(DELEGATIONS):
                out[resource.agent, f"delegation.{name.removeprefix(DELEGATIONS)}"] = end
            out[resource.agent, name] = end
            grant, joint, _ = name.rpartition("--")
            if joint:
                out.setdefault((resource.agent, grant), end)
    return out


def ends(kind: str, attributes: Mapping[str, Any]) -> str | None:
    """When a policy of a role allows nothing any more (`Ending` of the sdk). One that denies something never ends: what
    it keeps others from allowing would be allowed without it."""
    document = attributes.get("document") if kind in (schema.ROLE_POLICY, schema.PACK) else None
    if not document or any(statement.get("Effect") != "Allow" for statement in document.get("Statement", ())):
        return None
    return _end(document)


def _end(document: Mapping[str, Any]) -> str | None:
    """The latest end among the statements; None where one of them has none."""
    ends = []
    for statement in document.get("Statement", ()):
        values = statement.get("Condition", {}).get(BEFORE, {}).get(CURRENT_TIME)
        if not values:
            return None
        ends.append(max(values))
    return max(ends, default=None)


def _oidc(
    authority: Authority, agent: Agent, found: Mapping[Address, Resource], unread: set[str]
) -> Iterable[Diagnostic]:
    place = agent_place(authority, agent)
    needed = oidc_requirement(agent.runtime, place)
    if needed is None:
        return
    arn, audience = needed
    issuer = arn.rpartition(":oidc-provider/")[2]
    provider = found.get(Address("aws", place.account, schema.OIDC_PROVIDER, arn))
    if provider is None and f"aws {place.account}: {OIDC_PROVIDERS}" in unread:
        yield Diagnostic(
            "E-AWS-OIDC",
            f"Whether account {place.account} has the OIDC provider {issuer} could not be read",
            f"{agent.address} can only be assumed with it. Give the reader iam:ListOpenIDConnectProviders.",
            severity=Severity.WARNING,
            subject=agent.runtime.range,
        )
    elif provider is None:
        yield Diagnostic(
            "E-AWS-OIDC",
            f"Account {place.account} has no OIDC provider {issuer}",
            f"{agent.address} trusts its tokens, so nobody could become the agent. One provider serves the whole"
            f" account; create it once: aws iam create-open-id-connect-provider --url https://{issuer}"
            f" --client-id-list {audience}",
            subject=agent.runtime.range,
        )
    elif provider.attributes.get("client_ids") is not None and audience not in provider.attributes["client_ids"]:
        yield Diagnostic(
            "E-AWS-OIDC",
            f"The OIDC provider {issuer} in account {place.account} does not take the audience {audience!r}",
            f"It takes {', '.join(provider.attributes['client_ids']) or 'none'}, so {agent.address} could not be"
            " assumed. Add it: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn"
            f" {arn} --client-id {audience}",
            subject=agent.runtime.range_of("audience"),
        )


def _not_attached(item: Desired) -> Diagnostic:
    role, _, arn = item.resource.address.name.partition("/")
    return Diagnostic(
        "E-AWS-ADOPTED",
        f"The policy {arn} is not attached to role {role}",
        f"attach in {item.block} only keeps what an adopted role has; nothing is attached by it. Take the ARN out, and"
        " grant what the agent needs.",
        subject=item.source,
    )


def _unchangeable(item: Desired, live: Resource) -> Iterable[Diagnostic]:
    kind, name = live.address.kind, live.address.name
    want = item.resource.attributes
    if kind == schema.ROLE and live.attributes["path"] != want["path"]:
        yield Diagnostic(
            "E-AWS-REPLACE",
            f"Role {name} is in path {live.attributes['path']} and IAM cannot move it to {want['path']}",
            "A role in another path is a new principal: every policy that names this one stops working. Set path ="
            f' "{live.attributes["path"]}" in {item.block}\'s identity "aws", or rename the agent and retire this one.',
            subject=item.source,
        )
    if kind == schema.POLICY:
        for field in _FIXED:
            if live.attributes[field] != want[field]:
                yield Diagnostic(
                    "E-AWS-REPLACE",
                    f"Policy {name} has {field} {live.attributes[field]!r}, and IAM cannot change it",
                    f"{item.block} needs {want[field]!r}. Rename the boundary: the new policy replaces this one on"
                    " every role, and this one is deleted.",
                    subject=item.source,
                )
