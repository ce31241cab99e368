"""Authority → the roles, inline policies and boundary policies that carry it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.model.authority import Authority, GrantPart
from provisioner.model.configuration import Agent, Boundary, Configuration, Delegation
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.resources import Address, Desired, Resource

from . import adopted, delegations, live, names, schema
from .boundary import boundary_document
from .forms import document as canonical
from .forms import normalize
from .grants import ContradictionError, grant_document, statements_of
from .limits import LIMITS
from .packing import Item, Packing, pack
from .policy.canonical import size
from .stop import ROOM as STOP_ROOM
from .trust import VERSION, Place, supported, trust_policy, unsupported
from .workload.desired import federation, used_provider, workloads

SESSION_FLOOR = 3600
SESSION_CEILING = 43200
DESCRIPTION_LIMIT = 1000
_REFUSED = re.compile(r"[^\t\n\r\x20-\x7e\xa1-\xff]")
"""What IAM does not take in a description. Source: IAM API reference, CreateRole."""


def compile_authority(authority: Authority) -> Iterable[Desired]:
    """Every resource in this cloud, normalized, in a stable order: boundaries, then agent by agent.

    Raises DiagnosticError for a runtime that AWS has no trust for, and for a grant whose conditions contradict those
    of its tools: there is nothing to compile then.
    """
    agents = sorted(aws_agents(authority), key=lambda agent: agent.name)
    strangers = [unsupported(agent) for agent in agents if not supported(agent)]
    if strangers:
        raise DiagnosticError(strangers)
    yield from _boundaries(authority, agents)
    parts: dict[str, list[GrantPart]] = {}
    for part in aws_parts(authority):
        parts.setdefault(part.agent.name, []).append(part)
    yield from _federations(authority)
    known = {agent.name: agent for agent in agents}
    for agent in agents:
        role = _role(authority, agent)
        yield role
        yield from workloads(authority, agent, agent_place(authority, agent), role.resource)
        asking = list(delegated(authority, agent, known))
        own = sorted(parts.get(agent.name, ()), key=lambda part: part.name)
        yield from _granted(authority, agent, own, beside(agent, asking))
        yield from asking
        yield from _kept(authority, agent)


def aws_agents(authority: Authority) -> tuple[Agent, ...]:
    """Agents with an AWS identity in one of the targets."""
    agents = authority.configuration.agents.values()
    return tuple(a for a in agents if "aws" in a.identities and a.identities["aws"].provider in authority.targets)


def aws_parts(authority: Authority) -> tuple[GrantPart, ...]:
    """Grant parts that become a policy here."""
    agents = {agent.name for agent in aws_agents(authority)}
    return tuple(part for part in authority.parts if part.agent.name in agents and _reaches(part))


_RECENT: deque[tuple[Authority, dict[str, list[GrantPart]]]] = deque(maxlen=4)


def parts_of(authority: Authority, agent: Agent) -> tuple[GrantPart, ...]:
    """Those of one agent. Every agent is asked about, so that they are sorted once for each of the last authorities."""
    found = next((by_agent for known, by_agent in _RECENT if known is authority), None)
    if found is None:
        found = {}
        for part in aws_parts(authority):
            found.setdefault(part.agent.name, []).append(part)
        _RECENT.append((authority, found))
    return tuple(found.get(agent.name, ()))


def _reaches(part: GrantPart) -> bool:
    clouds = part.grant.clouds
    return (clouds is None or "aws" in clouds) and any(True for tool in part.tools for _ in statements_of(tool))


def place_of(authority: Authority, key: str) -> Place:
    """Where the resources of one `provider` block stand."""
    regions = tuple(authority.configs[key].settings.get("regions") or ())
    federations = authority.configuration.federations
    return Place(names.partition(regions), authority.targets[key].id, regions, federations)


def agent_place(authority: Authority, agent: Agent) -> Place:
    return place_of(authority, agent.identities["aws"].provider)


def boundary_of(configuration: Configuration, agent: Agent) -> Boundary | None:
    """The boundary that an agent stands in, where it has an `aws` block."""
    boundary = configuration.boundaries.get(agent.boundary) if agent.boundary is not None else None
    return boundary if boundary is not None and "aws" in boundary.clouds else None


def role_address(authority: Authority, agent: Agent) -> Address:
    account = agent_place(authority, agent).account
    own = agent.identities["aws"].settings.get("role_name")
    return Address("aws", account, schema.ROLE, own or names.role_name(authority.workspace, agent.name))


def policy_address(role: Address, policy: str) -> Address:
    return Address("aws", role.target, schema.ROLE_POLICY, f"{role.name}/{policy}")


def boundary_address(authority: Authority, account: str, boundary: Boundary) -> Address:
    return Address("aws", account, schema.POLICY, names.boundary_name(authority.workspace, boundary.name))


def foreign_boundary(boundary: Boundary, place: Place) -> str | None:
    """The ARN, in one account, of the policy that others own and that is the boundary; None for one of ours."""
    given = boundary.clouds["aws"].get("policy")
    if not given:
        return None
    parts = str(given).split(":", 5)
    if len(parts) == 6 and parts[4] == "*":
        parts[4] = place.account
    return ":".join(parts)


def role_path(agent: Agent) -> str:
    return str(agent.identities["aws"].settings.get("path", schema.ROLE_PATH))


def role_arn(authority: Authority, agent: Agent) -> str:
    place = agent_place(authority, agent)
    return names.role_arn(place.partition, place.account, role_path(agent), role_address(authority, agent).name)


def session_seconds(configuration: Configuration, agent: Agent) -> int:
    """MaxSessionDuration: what the agent asks for or its boundary allows; IAM's floor is one hour."""
    boundary = boundary_of(configuration, agent)
    wishes = [agent.session.max_seconds, boundary.max_session_seconds if boundary else None]
    seconds = min((wish for wish in wishes if wish is not None), default=SESSION_FLOOR)
    return min(max(seconds, SESSION_FLOOR), SESSION_CEILING)


def description(purpose: str | None) -> str:
    """The purpose as IAM takes it; a character that IAM refuses becomes a question mark."""
    return _REFUSED.sub("?", purpose or "")[:DESCRIPTION_LIMIT]


def _role(authority: Authority, agent: Agent) -> Desired:
    place = agent_place(authority, agent)
    boundary = boundary_of(authority.configuration, agent)
    address = role_address(authority, agent)
    uses: tuple[Address, ...] = ()
    arn = None
    if boundary is not None:
        arn = foreign_boundary(boundary, place)
        if arn is not None:
            uses = (live.policy_address(place.account, arn),)
        else:
            uses = (boundary_address(authority, place.account, boundary),)
            arn = names.policy_arn(place.partition, place.account, schema.ROLE_PATH, uses[0].name)
    uses += used_provider(agent, place)
    attributes = {
        "arn": role_arn(authority, agent),
        "path": role_path(agent),
        "description": role_description(agent),
        "max_session_duration": session_seconds(authority.configuration, agent),
        "trust": role_trust(authority, agent),
        "permissions_boundary": arn,
        "tags": {**own_tags(agent), **names.mark_tags(authority.workspace, agent.name, agent.address)},
    }
    needs = tuple(role_address(authority, other) for other in _admitted(authority, agent))
    resource = normalize(Resource(address, attributes, agent=agent.name, uses=uses, needs=needs))
    label = f"role {role_path(agent)}{address.name}"
    return Desired(resource, agent.address, label, source=agent.range)


def role_description(agent: Agent) -> str:
    """What the identity says of it, which may be nothing at all; the purpose where it does not say."""
    own = agent.identities["aws"].settings.get("description")
    return description(agent.purpose if own is None else own)


def own_tags(agent: Agent) -> dict[str, str]:
    """Tags that the identity asks for beside the mark."""
    return dict(agent.identities["aws"].settings.get("tags") or {})


def role_trust(authority: Authority, agent: Agent) -> dict[str, Any]:
    """The runtime's trust, and what delegations add to it."""
    policy = trust_policy(agent, agent_place(authority, agent))
    added = [
        delegations.trust_statement(delegation, source, role_arn(authority, source))
        for delegation, source in _asking(authority, agent)
    ]
    return {**policy, "Statement": [*policy["Statement"], *added]} if added else policy


def _asking(authority: Authority, agent: Agent) -> Iterable[tuple[Delegation, Agent]]:
    """Who may become an agent, and by which delegation."""
    taken = tuple(delegations.taken_by(authority.configuration, agent))
    known = {other.name: other for other in aws_agents(authority)} if taken else {}
    for delegation in taken:
        for name in sorted(delegation.sources):
            if name in known:
                yield delegation, known[name]


def _admitted(authority: Authority, agent: Agent) -> tuple[Agent, ...]:
    """IAM takes a trust only when the roles that it admits exist."""
    return tuple({source.name: source for _, source in _asking(authority, agent)}.values())


def delegated(authority: Authority, agent: Agent, known: Mapping[str, Agent]) -> Iterable[Desired]:
    """One inline policy for each delegation from an agent."""
    role = role_address(authority, agent)
    for delegation in delegations.given_by(authority.configuration, agent, known):
        target = known[delegation.target]
        arn, place = role_arn(authority, target), agent_place(authority, target)
        attributes = {
            "role_arn": role_arn(authority, agent),
            "document": delegations.source_document(delegation, target, arn, place),
        }
        address = policy_address(role, names.policy_name(delegations.policy_name(delegation)))
        resource = normalize(Resource(address, attributes, agent=agent.name, parent=role))
        label = f"{delegation.address}: {delegation.via} {target.address}"
        # Whoever is only called has no trust that changes, so its owner is asked about this policy.
        asked = (target.name,) if delegation.via == "invoke" else ()
        yield Desired(resource, delegation.address, label, source=delegation.range, counterparts=asked)


def _kept(authority: Authority, agent: Agent) -> Iterable[Desired]:
    """Policies that an adopted role keeps: its own, and managed ones whose documents are their owners' business."""
    role, arn = role_address(authority, agent), role_arn(authority, agent)
    source = agent.identities["aws"].settings.range
    for name, old in sorted(adopted.old_policies(agent).items()):
        attributes: dict[str, Any] = {"role_arn": arn, "document": old}
        resource = normalize(Resource(policy_address(role, name), attributes, agent=agent.name, parent=role))
        yield Desired(resource, agent.address, f"old policy {name}", source=source)
    for policy in adopted.attached(agent):
        address = Address("aws", role.target, schema.ATTACHMENT, f"{role.name}/{policy}")
        attributes = {"role_arn": arn, "policy_arn": policy, "document": None}
        resource = Resource(address, attributes, agent=agent.name, parent=role, unread=("document",))
        yield Desired(normalize(resource), agent.address, f"attached policy {policy}", source=source)


def _federations(authority: Authority) -> Iterable[Desired]:
    """The OIDC providers that this workspace makes, whoever uses them."""
    federations = authority.configuration.federations
    for address in sorted(federations):
        if federations[address].provider in authority.targets:
            yield federation(authority, federations[address], place_of(authority, federations[address].provider))


def beside(agent: Agent, asking: Iterable[Desired]) -> tuple[Item, ...]:
    """What takes inline space beside an agent's grants: its delegations, and the old policies of an adopted role. Both
    stay inline: IAM counts them, and what a grant's name leads to again must keep its place."""
    sizes = {item.resource.address.name.partition("/")[2]: item.resource.attributes["document"] for item in asking}
    old = {name: canonical(document) for name, document in adopted.old_policies(agent).items()}
    return tuple(Item(name, "", size(document), movable=False) for name, document in sorted({**old, **sizes}.items()))


def _granted(
    authority: Authority, agent: Agent, parts: Sequence[GrantPart], others: Sequence[Item]
) -> Iterable[Desired]:
    """The grants of one agent: inline as long as they fit, the largest in managed policies where they do not."""
    documents = {part.name: _document(part) for part in parts}
    packing = packed(parts, documents, others)
    by_name = {part.name: part for part in parts}
    for name in packing.inline:
        if name in by_name:
            yield _inline_policy(authority, by_name[name], documents[name])
    for label, members in packing.packs.items():
        yield _managed_policy(authority, agent, label, [by_name[name] for name in members], documents)


def packed(
    parts: Sequence[GrantPart], documents: Mapping[str, Mapping[str, Any]], others: Sequence[Item] = ()
) -> Packing:
    """Where each grant part of one agent goes. `documents` are by part name; `others` share the inline space.

    A relative expiry stays inline: the time that it first got is found again by the inline policy's name.
    """
    items = [
        Item(part.name, part.owner or "", size(canonical(documents[part.name])), not _relative(part)) for part in parts
    ]
    return pack([*items, *others], LIMITS["inline"].most, LIMITS["managed"].most, STOP_ROOM)


def _relative(part: GrantPart) -> bool:
    return part.grant.expires is not None and part.grant.expires.after_seconds is not None


def _document(part: GrantPart) -> dict[str, Any]:
    try:
        return grant_document(part)
    except ContradictionError as error:
        raise DiagnosticError([error.diagnostic(part)]) from error


def _managed_policy(
    authority: Authority,
    agent: Agent,
    label: str,
    parts: Sequence[GrantPart],
    documents: Mapping[str, Mapping[str, Any]],
) -> Desired:
    """One managed policy with the statements of several grants, attached to the agent's role alone."""
    place, role = agent_place(authority, agent), role_address(authority, agent)
    name = names.pack_name(role.name, label)
    statements = [statement for part in parts for statement in documents[part.name]["Statement"]]
    block = parts[0].grant.address if len(parts) == 1 else agent.address
    attributes: Mapping[str, Any] = {
        "role_arn": role_arn(authority, agent),
        "policy_arn": names.policy_arn(place.partition, place.account, schema.ROLE_PATH, name),
        "document": {"Version": VERSION, "Statement": statements},
        "tags": names.mark_tags(authority.workspace, agent.name, agent.address),
        "is_attached": True,
    }
    address = Address("aws", role.target, schema.PACK, f"{role.name}/{name}")
    resource = normalize(Resource(address, attributes, agent=agent.name, parent=role))
    tools = tuple(dict.fromkeys(tool.address for part in parts for tool in part.tools))
    granted = ", ".join(dict.fromkeys(part.grant.address for part in parts))
    owner = parts[0].owner
    return Desired(
        resource,
        block,
        f"{granted}: {', '.join(tools)}",
        owners={"tool_access": owner} if owner is not None else {},
        tools=tools,
        source=parts[0].grant.range if len(parts) == 1 else agent.range,
    )


def _inline_policy(authority: Authority, part: GrantPart, document: Mapping[str, Any]) -> Desired:
    role = role_address(authority, part.agent)
    address = policy_address(role, names.policy_name(part.name))
    attributes: Mapping[str, Any] = {"role_arn": role_arn(authority, part.agent), "document": document}
    resource = normalize(Resource(address, attributes, agent=part.agent.name, parent=role))
    tools = tuple(tool.address for tool in part.tools)
    return Desired(
        resource,
        part.grant.address,
        f"{part.grant.address}: {', '.join(tools)}",
        owners={"tool_access": part.owner} if part.owner is not None else {},
        tools=tools,
        source=part.grant.range,
    )


def _boundaries(authority: Authority, agents: Iterable[Agent]) -> Iterable[Desired]:
    """One policy for each boundary and account that an agent of ours uses it in."""
    used: dict[Address, tuple[Boundary, Place]] = {}
    for agent in agents:
        boundary = boundary_of(authority.configuration, agent)
        if boundary is not None:
            place = agent_place(authority, agent)
            if foreign_boundary(boundary, place) is None:
                used[boundary_address(authority, place.account, boundary)] = (boundary, place)
    for address in sorted(used):
        boundary, place = used[address]
        attributes = {
            "arn": names.policy_arn(place.partition, place.account, schema.ROLE_PATH, address.name),
            "path": schema.ROLE_PATH,
            "description": f"boundary.{boundary.name}",  # not the address: IAM never changes it, and a block may move
            "document": boundary_document(boundary.clouds["aws"]),
            "tags": names.mark_tags(authority.workspace, None, boundary.address),
        }
        resource = normalize(Resource(address, attributes))
        yield Desired(resource, boundary.address, f"policy {address.name}", source=boundary.range)
