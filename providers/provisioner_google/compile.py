"""Authority → the pools, providers, accounts, roles, boundaries and bindings that carry it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.configuration import Agent, Boundary, Configuration, Federation, Settings, Tool
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.resources import Address, Desired, Resource
from provisioner.model.source import SourceRange

from . import delegations, federation, names, schema, table
from .bindings import Tuple, address, canonical_condition, removal_of, tool_resource, written_condition
from .forms import normalize
from .operations import rest_name
from .principals import Principal, google_agents, google_parts, pool_address, principal, reaches

ENFORCEMENT_VERSION = "3"
"""Which permissions an access boundary blocks. Source: «Permissions that principal access boundary policies block»."""

ONLY = "principal.type == 'iam.googleapis.com/ServiceAccount' && principal.subject == {}"
"""The condition by which a boundary is bound to one service account of a project."""

USER_ROLE = "roles/iam.workloadIdentityUser"


def compile_authority(authority: Authority) -> Iterable[Desired]:
    """Every resource in this cloud, normalized, in a stable order: what is shared, then agent by agent."""
    agents = sorted(google_agents(authority), key=lambda agent: agent.name)
    principals = {agent.name: principal(authority, agent) for agent in agents}
    yield from _pools(authority)
    yield from _roles(authority)
    yield from delegations.roles(authority, principals)
    yield from _boundaries(authority, principals)
    yield from _access_boundaries(authority, principals)
    grouped: dict[str, list[GrantPart]] = {}
    for part in google_parts(authority):
        grouped.setdefault(part.agent.name, []).append(part)
    for agent in agents:
        who = principals[agent.name]
        yield from _identity(authority, who)
        yield from _bindings(authority, who, sorted(grouped.get(agent.name, ()), key=lambda part: part.name))
        yield from delegations.grants(authority, principals, who)


def boundary_of(configuration: Configuration, agent: Agent) -> Boundary | None:
    """The boundary that an agent stands in, where it has a `google` block."""
    boundary = configuration.boundaries.get(agent.boundary) if agent.boundary is not None else None
    return boundary if boundary is not None and "google" in boundary.clouds else None


def deny_address(authority: Authority, project: str, boundary: Boundary) -> Address:
    """One deny policy for each boundary, in the project of the agents that stand in it."""
    attach = str(boundary.clouds["google"].get("attach", ""))
    name = f"{names.deny_policy_id(authority.workspace, boundary.name)}@{attach}"
    return Address("google", project, schema.DENY_POLICY, name)


def access_address(authority: Authority, key: str, boundary: Boundary) -> Address | None:
    """The principal access boundary; None where the boundary names no resources, or no organization is known."""
    organization = authority.configs[key].settings.get("organization")
    if not organization or not boundary.clouds["google"].get("resources"):
        return None
    name = f"{names.deny_policy_id(authority.workspace, boundary.name)}@organizations/{organization}"
    return Address("google", authority.targets[key].id, schema.ACCESS_BOUNDARY, name)


def role_address(authority: Authority, project: str, tool: Tool, block: Settings) -> Address:
    label = block.labels[0] if block.labels else "main"
    return Address("google", project, schema.CUSTOM_ROLE, names.role_id(authority.workspace, tool.name, label))


def role_name(where: Address) -> str:
    return f"projects/{where.target}/roles/{where.name}"


def _pools(authority: Authority) -> Iterable[Desired]:
    for found in sorted(authority.configuration.federations.values(), key=lambda item: item.address):
        if found.provider in authority.targets:
            yield _pool(authority, found)


def _pool(authority: Authority, found: Federation) -> Desired:
    pool = federation.pool_of(found)
    attributes = {
        "display_name": str(found.settings.get("display_name") or ""),
        "description": names.marked(authority.workspace, None, found.address),
    }
    resource = normalize(Resource(pool_address(authority, found.provider, pool), attributes))
    return Desired(resource, found.address, f"workload identity pool {pool}", source=found.range)


@dataclass(slots=True)
class _Role:
    tool: Tool
    block: Settings
    source: SourceRange | None = None


def _roles(authority: Authority) -> Iterable[Desired]:
    """A custom role for each block with permissions that some grant here uses."""
    used: dict[Address, _Role] = {}
    for part in google_parts(authority):
        project = authority.targets[part.agent.identities["google"].provider].id
        for tool in part.tools:
            for block in tool.clouds.get("google", ()):
                if block.get("permissions") and block.get("role") is None:
                    used[role_address(authority, project, tool, block)] = _Role(tool, block, block.range or tool.range)
    for where in sorted(used):
        role = used[where]
        attributes = {
            "title": f"{role.tool.name} {role.block.labels[0] if role.block.labels else ''}".strip()[:100],
            "description": names.marked(authority.workspace, None, role.tool.address, role.tool.purpose),
            "permissions": role.block.get("permissions"),
            "stage": "GA",
        }
        owners = {"tool_access": role.tool.owner} if role.tool.owner else {}
        label = f"custom role {where.name}"
        resource = normalize(Resource(where, attributes))
        yield Desired(resource, role.tool.address, label, owners, (role.tool.address,), role.source)


def _boundaries(authority: Authority, principals: dict[str, Principal]) -> Iterable[Desired]:
    members: dict[Address, tuple[Boundary, list[str]]] = {}
    for who in principals.values():
        boundary = boundary_of(authority.configuration, who.agent)
        if boundary is not None and boundary.clouds["google"].get("deny") and who.member:
            where = deny_address(authority, who.project, boundary)
            members.setdefault(where, (boundary, []))[1].append(names.deny_member(who.member))
    for where in sorted(members):
        boundary, denied = members[where]
        permissions = [names.deny_permission(p, table.SERVICES) for p in boundary.clouds["google"].get("deny") or ()]
        attributes = {
            "display_name": f"boundary {boundary.name}"[:63],
            "annotations": names.mark_annotations(authority.workspace, boundary.address),
            "rules": [{"deniedPermissions": permissions, "deniedPrincipals": denied}],
        }
        resource = normalize(Resource(where, attributes))
        yield Desired(resource, boundary.address, f"deny policy {where.name}", source=boundary.range)


def _access_boundaries(authority: Authority, principals: dict[str, Principal]) -> Iterable[Desired]:
    used: dict[Address, Boundary] = {}
    for who in principals.values():
        boundary = boundary_of(authority.configuration, who.agent)
        where = access_address(authority, _key(who.agent), boundary) if boundary is not None else None
        if where is not None and boundary is not None and _principal_set(authority, who):
            used[where] = boundary
    for where in sorted(used):
        boundary = used[where]
        attributes = {
            "display_name": f"boundary {boundary.name}"[:63],
            "annotations": names.mark_annotations(authority.workspace, boundary.address),
            "rules": [
                {"resources": [table.full_name(str(r)) for r in boundary.clouds["google"].get("resources") or ()]}
            ],
            "enforcement_version": ENFORCEMENT_VERSION,
        }
        label = f"principal access boundary {where.name}"
        yield Desired(normalize(Resource(where, attributes)), boundary.address, label, source=boundary.range)


def _key(agent: Agent) -> str:
    return agent.identities["google"].provider


def _principal_set(authority: Authority, who: Principal) -> str:
    """What the agent's boundary is bound to: its project's principals, or its federation's pool; empty for a principal
    of Google's own pools, which is in neither."""
    if who.account is not None:
        return table.full_name(f"projects/{who.project}")
    pool = who.member.removeprefix("principal:").rpartition("/subject/")[0]
    return pool if who.provider is not None else ""


def _boundary_binding(authority: Authority, who: Principal) -> Iterable[Desired]:
    boundary = boundary_of(authority.configuration, who.agent)
    policy = access_address(authority, _key(who.agent), boundary) if boundary is not None else None
    principal_set = _principal_set(authority, who)
    if policy is None or boundary is None or not principal_set:
        return
    email = who.member.removeprefix("serviceAccount:")
    only = ONLY.format(f"'{email}'")
    attributes = {
        "policy": rest_name(schema.ACCESS_BOUNDARY, policy.target, policy.name),
        "principal_set": principal_set,
        "condition": {"title": who.agent.name[:100], "expression": only} if who.account is not None else None,
        "annotations": names.mark_annotations(authority.workspace, who.agent.address, who.agent.name),
    }
    name = names.deny_policy_id(authority.workspace, who.agent.name)
    where = Address("google", who.project, schema.ACCESS_BOUNDARY_BINDING, name)
    resource = Resource(where, attributes, agent=who.agent.name, parent=who.anchor, uses=(policy,))
    label = f"{boundary.address} binds {who.agent.address}"
    yield Desired(normalize(resource), who.agent.address, label, source=boundary.range)


def _identity(authority: Authority, who: Principal) -> Iterable[Desired]:
    if who.provider is not None:
        yield _provider(authority, who, who.provider)
    if who.account is not None:
        yield _account(authority, who, who.account)
        if who.admitted:
            yield _admission(who, who.account)
    yield from _boundary_binding(authority, who)


def _provider(authority: Authority, who: Principal, where: Address) -> Desired:
    found = federation.federation_of(authority.configuration, who.agent)
    subject = federation.subject_of(authority.configuration, who.agent, found) if found is not None else None
    agent = who.agent
    attributes = {
        "display_name": agent.name[: names.DISPLAY_LIMIT],
        "description": names.marked(authority.workspace, agent.name, agent.address, agent.purpose or ""),
        "issuer": federation.issuer_of(found) if found is not None else "",
        "audiences": federation.audiences_of(found) if found is not None else (),
        "mapping": {"google.subject": subject.mapping} if subject is not None else {},
        "condition": subject.condition() if subject is not None else "false",
    }
    pool = Address("google", where.target, schema.POOL, where.name.partition("/")[0])
    resource = normalize(Resource(where, attributes, agent=agent.name, parent=pool, uses=(pool,)))
    label = f"workload identity provider {where.name}"
    return Desired(resource, agent.address, label, source=agent.range)


def _account(authority: Authority, who: Principal, where: Address) -> Desired:
    agent = who.agent
    attributes = {
        "email": names.email(where.name, where.target),
        "display_name": agent.name[:100],
        "description": names.marked(authority.workspace, agent.name, agent.address, agent.purpose or ""),
    }
    resource = normalize(Resource(where, attributes, agent=agent.name))
    label = f"service account {attributes['email']}"
    return Desired(resource, agent.address, label, source=agent.range)


def _admission(who: Principal, account: Address) -> Desired:
    """The workload that may become the service account."""
    email = names.email(account.name, account.target)
    item = Tuple(names.account_resource(email, account.target), USER_ROLE, who.admitted, None)
    where = address(schema.ACCOUNT_BINDING, account.target, who.agent.name, item)
    resource = normalize(Resource(where, item.attributes(), agent=who.agent.name, parent=account))
    label = f"{who.agent.address}: may be used by {who.admitted.rpartition('/subject/')[2]}"
    return Desired(resource, who.agent.address, label, source=who.agent.range)


@dataclass(slots=True)
class _Grant:
    """One tuple with the grants and tools that ask for it."""

    part: GrantPart
    item: Tuple
    ends: str | None
    uses: set[Address] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)


def _bindings(authority: Authority, who: Principal, parts: Iterable[GrantPart]) -> Iterable[Desired]:
    """One resource a tuple. Two tools or grants of one owner that ask for the same tuple share it."""
    if not who.member:
        return
    found: dict[Address, _Grant] = {}
    for part in parts:
        for tool in part.tools:
            for block in tool.clouds.get("google", ()):
                _collect(authority, who, part, tool, block, found)
    boundary = boundary_of(authority.configuration, who.agent)
    for where in sorted(found):
        grant = found[where]
        uses = set(grant.uses)
        if boundary is not None and boundary.clouds["google"].get("deny"):
            uses.add(deny_address(authority, who.project, boundary))
        resource = Resource(
            where, grant.item.attributes(), agent=who.agent.name, parent=who.anchor, uses=tuple(sorted(uses))
        )
        owner, short = grant.part.owner, grant.item.resource.rpartition("/")[2]
        yield Desired(
            normalize(resource),
            grant.part.grant.address,
            f"{grant.part.grant.address}: {grant.item.role.rpartition('/')[2]} on {short}",
            owners={"tool_access": owner} if owner is not None else {},
            tools=tuple(sorted(grant.tools)),
            source=grant.part.grant.range,
            ends=grant.ends,
        )


def _collect(
    authority: Authority, who: Principal, part: GrantPart, tool: Tool, block: Settings, found: dict[Address, _Grant]
) -> None:
    role, uses = str(block.get("role") or ""), set()
    if not role:
        where = role_address(authority, who.project, tool, block)
        role = role_name(where)
        uses.add(where)
    item = Tuple(tool_resource(block), role, who.member, canonical_condition(written_condition(part, block)))
    place = address(schema.grant_kind(item.resource), who.project, who.agent.name, item)
    if place in found and found[place].item != item:
        raise DiagnosticError.of(
            "E-GOOGLE-TWICE",
            f"{part.grant.address} gives {role} on {item.resource} twice, under different conditions",
            "Two conditions on one role and resource would be an OR that nobody wrote down. Join them in one block with"
            " ||, or make two grants of it.",
            block.range or tool.range,
        )
    ends = removal_of(part, block)
    grant = found.setdefault(place, _Grant(part, item, ends))
    grant.ends = None if ends is None or grant.ends is None else max(ends, grant.ends)
    grant.uses |= uses
    grant.tools.add(tool.address)


__all__ = ["boundary_of", "compile_authority", "deny_address", "reaches", "role_address", "role_name"]
