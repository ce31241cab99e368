"""An index of a world: who holds what, made once for each of the last few worlds."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping

from provisioner.model.requests import World
from provisioner.model.resources import Address, Resource

from .. import names, schema


class Holdings:
    """The resources of one world, by agent and by what they are about."""

    def __init__(self, resources: Mapping[Address, Resource]) -> None:
        self.resources = resources
        self._grants: dict[str, list[Resource]] = defaultdict(list)
        self._pool_grants: dict[Address, list[Resource]] = defaultdict(list)
        self._pools: dict[str, set[Address]] = defaultdict(set)
        self._accounts: dict[str, str] = {}
        self._in_project: dict[str, set[str]] = defaultdict(set)
        self.own: dict[str, list[Resource]] = defaultdict(list)
        self.deny_policies: list[Resource] = []
        self.places: dict[str, Resource] = {}
        for resource in resources.values():
            if resource.address.provider == "google":
                self._learn(resource)

    def _learn(self, resource: Resource) -> None:
        kind, agent = resource.address.kind, resource.agent
        if agent is not None:
            self.own[agent].append(resource)
        if kind in schema.GRANTS and agent is not None:
            self._grants[agent].append(resource)
        elif kind in schema.GRANTS and resource.parent is not None:
            self._pool_grants[resource.parent].append(resource)
        elif kind == schema.POOL_PROVIDER and agent is not None and resource.parent is not None:
            self._pools[agent].add(resource.parent)
        elif kind == schema.ACCOUNT and agent is not None:
            email, project = str(resource.attributes["email"]), resource.address.target
            self._accounts[names.account_resource(email, project)] = agent
            self._in_project[project].add(agent)
        elif kind == schema.PLACE:
            self.places.setdefault(resource.address.name, resource)
        elif kind == schema.DENY_POLICY:
            self.deny_policies.append(resource)

    def grants(self, agent: str) -> list[Resource]:
        """The agent's own grants, and those to the whole of a pool that it comes through."""
        wide = [grant for pool in sorted(self._pools[agent]) for grant in self._pool_grants[pool]]
        return [*self._grants[agent], *wide]

    def of(self, agent: str, kind: str) -> list[Resource]:
        return [resource for resource in self.own[agent] if resource.address.kind == kind]

    @property
    def pools(self) -> list[Address]:
        """Workload identity pools through which agents come, or that are ours."""
        found = {pool for pools in self._pools.values() for pool in pools}
        found |= {r.address for r in self.resources.values() if r.address.kind == schema.POOL}
        return sorted(pool for pool in found if pool.provider == "google")

    def agents_of_pool(self, name: str, resource: str) -> set[str]:
        """Agents that come through the pool of a full resource name."""
        project = resource.partition("/projects/")[2].partition("/")[0]
        return {
            agent for agent, pools in self._pools.items() if any((p.name, p.target) == (name, project) for p in pools)
        }

    def accounts_of(self, agent: str) -> list[str]:
        """Full resource names of an agent's service accounts."""
        return sorted(name for name, owner in self._accounts.items() if owner == agent)

    def accounts_but(self, agent: str) -> list[str]:
        """Those of all other agents."""
        return sorted(name for name, owner in self._accounts.items() if owner != agent)

    def account_agent(self, resource: str) -> str | None:
        """Whose service account a full resource name is."""
        return self._accounts.get(resource)

    def agents_in(self, project: str) -> set[str]:
        """Agents whose service accounts are in a project."""
        return set(self._in_project[project])


_RECENT: deque[Holdings] = deque(maxlen=4)


def holdings(world: World) -> Holdings:
    """The index of a world."""
    for known in _RECENT:
        if known.resources is world.resources:
            return known
    made = Holdings(world.resources)
    _RECENT.append(made)
    return made
