"""Who holds what in a world: roles by agent, policies by role, managed documents by ARN; each found at once.

A plan asks thousands of questions of one world, so what is found and parsed is kept with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource
from provisioner.sdk.digests import state_digest

from .document import Policy, parse_labelled
from .errors import PolicyError
from .evaluate import Layer, Policies

ROLE = "iam_role"
ROLE_POLICY = "iam_role_policy"
ATTACHMENT = "iam_role_attachment"
PACK = "iam_role_pack"
POLICY = "iam_policy"


class Holdings:
    """An index over the resources of one world, which must not change while it is in use."""

    def __init__(self, resources: Mapping[Address, Resource]) -> None:
        self.resources = resources
        self._roles: dict[str, list[Resource]] = {}
        self._arns: dict[str, Resource] = {}
        self._children: dict[Address, list[Resource]] = {}
        self._users: dict[tuple[str, str], str] = {}
        self._parsed: dict[Address, Policy] = {}
        for item in sorted(resources.values(), key=lambda item: item.address):
            self._add(item)

    def _add(self, item: Resource) -> None:
        named = item.attributes.get("policy_arn")
        if item.address.kind == ROLE:
            if item.agent is not None:
                self._roles.setdefault(item.agent, []).append(item)
            self._arns[role_arn(item)] = item
            named = item.attributes.get("permissions_boundary")
        if item.parent is not None:
            self._children.setdefault(item.parent, []).append(item)
        if named:
            self._users.setdefault((item.address.target, str(named).partition(":policy")[2]), item.address.name)

    @cached_property
    def roles_digest(self) -> str:
        """A digest of all roles: who they are, whom they trust, which tags they have."""
        return state_digest({arn: [role.agent, dict(role.attributes)] for arn, role in self._arns.items()})

    def agents(self) -> tuple[str, ...]:
        """The names of all agents that have a role here."""
        return tuple(self._roles)

    def roles(self, agent: str) -> tuple[Resource, ...]:
        return tuple(self._roles.get(agent, ()))

    def role(self, arn: str) -> Resource | None:
        return self._arns.get(arn)

    def user(self, account: str, path: str) -> str | None:
        """Something that names the managed policy `path` (`/agents/x`) as its boundary or as attached."""
        return self._users.get((account, path))

    def managed(self, arn: str) -> Resource | None:
        """A managed policy that is a resource of the world."""
        parts = arn.split(":", 5)
        name = arn.rpartition("/")[2]
        found = self.resources.get(Address("aws", parts[4], POLICY, name)) if len(parts) == 6 else None
        path = f"policy{found.attributes.get('path') or '/'}{name}" if found is not None else ""
        return found if found is not None and parts[5] == path and found.attributes.get("document") else None

    def held(self, role: Address, but: Address | None = None) -> Iterator[tuple[str, Resource]]:
        """What a reader calls each policy of a role, and the resource that has its document."""
        for item in self._children.get(role, ()):
            if item.address == but:
                continue
            if item.address.kind == ROLE_POLICY:
                yield f"inline policy {item.address.name.removeprefix(f'{role.name}/')}", item
            elif item.address.kind == ATTACHMENT:
                arn = str(item.attributes.get("policy_arn", ""))
                yield f"attached policy {arn.rpartition('/')[2]}", self.managed(arn) or item
            elif item.address.kind == PACK and item.attributes.get("is_attached"):
                yield f"managed policy {item.address.name.removeprefix(f'{role.name}/')}", item

    def policy(self, name: str, item: Resource) -> Policy:
        """The parsed document of a resource. Raises PolicyError."""
        found = self._parsed.get(item.address)
        if found is None or found.name != name:
            try:
                found = parse_labelled(item.attributes["document"], name, self._place(item))
            except PolicyError as error:
                raise PolicyError(f"{name} cannot be judged: {error}") from error
            self._parsed[item.address] = found
        return found

    def _place(self, item: Resource) -> str:
        """The ARN of a managed policy, or of the role that an inline one stands on."""
        arn = item.attributes.get("policy_arn") or item.attributes.get("arn")
        if arn:
            return str(arn)
        role = self.resources.get(item.parent) if item.parent is not None else None
        if role is not None:
            return role_arn(role)
        path = item.attributes.get("path") or "/"
        return f"arn:aws:iam::{item.address.target}:policy{path}{item.address.name}"

    def layer(self, role: Resource) -> Layer:
        """The identity policies of a role. Raises PolicyError."""
        policies, unread = [], []
        for name, item in self.held(role.address):
            if item.attributes.get("document") is None:
                unread.append(name)
            else:
                policies.append(self.policy(name, item))
        return Layer(f"the policies of role {role.address.name}", tuple(policies), tuple(unread))

    def boundary(self, role: Resource) -> Layer | None:
        """The permissions boundary as a limit; None where the role has none. Raises PolicyError."""
        arn = role.attributes.get("permissions_boundary")
        if not arn:
            return None
        name = f"boundary {str(arn).rpartition('/')[2]}"
        found = self.managed(str(arn))
        return Layer(name, (self.policy(name, found),)) if found is not None else Layer(name, unread=(str(arn),))

    def policies(self, role: Resource) -> Policies:
        """Everything of the world that limits or grants what a role may do. Raises PolicyError."""
        return Policies(self.layer(role), self.boundary(role))


_RECENT: deque[Holdings] = deque(maxlen=4)


def holdings(world: World) -> Holdings:
    """The index of a world, made once for each of the last few worlds."""
    for known in _RECENT:
        if known.resources is world.resources:
            return known
    made = Holdings(world.resources)
    _RECENT.append(made)
    return made


def role_arn(role: Resource) -> str:
    """The role's ARN: as read or compiled where it is an attribute, otherwise made from the address.

    The partition then follows the boundary's ARN, since a world does not say it elsewhere.
    """
    attributes: Mapping[str, Any] = role.attributes
    if attributes.get("arn"):
        return str(attributes["arn"])
    boundary = str(attributes.get("permissions_boundary") or "")
    partition = boundary.split(":")[1] if boundary.startswith("arn:") else "aws"
    return f"arn:{partition}:iam::{role.address.target}:role{attributes.get('path') or '/'}{role.address.name}"
