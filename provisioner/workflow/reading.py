"""Reads the live state of every provider, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from ..model.authority import Authority
from ..model.resources import Address, Desired, Resource, Snapshot
from ..sdk.provider import Connection, Provider, Reader, Requiring, Scope


class Onlooker(Protocol):
    """Who watches reads go on. Both are called from the thread that reads."""

    def begun(self, provider: str, reader: Reader) -> None:
        """A provider's read begins; its reader may count its calls."""

    def ended(self, provider: str) -> None:
        """It is over, whether or not it succeeded."""


Settings = Callable[[str], Mapping[str, object]]
"""The runner file's settings by provider key."""


def connections(authority: Authority, settings: Settings) -> tuple[Connection, ...]:
    """One connection for each target of a provider, credentials by name from the runner's own file."""
    return tuple(
        Connection(
            target,
            settings(key),
            tuple(authority.configs[key].settings.get("regions", ())),
            authority.configs[key].settings.values,
        )
        for key, target in authority.targets.items()
    )


def read_all(
    providers: Mapping[str, Provider],
    authorities: Mapping[str, Authority],
    desired: Sequence[Desired],
    workspace: str,
    settings: Settings,
    made: frozenset[Address] = frozenset(),
    onlooker: Onlooker | None = None,
) -> dict[str, Snapshot]:
    """A snapshot for each provider; `made` is what the record says we made, a hint of where to look.

    Raises CloudError where a cloud cannot be reached or is not the declared one.
    """

    def one(name: str) -> Snapshot:
        own = [item.resource for item in desired if item.resource.address.provider == name]
        addresses = frozenset(address for resource in own for address in (resource.address, *resource.uses))
        reader = providers[name].reader(connections(authorities[name], settings))
        known = frozenset(address for address in made if address.provider == name)
        provider = providers[name]
        policies = provider.required(authorities[name]) if isinstance(provider, Requiring) else frozenset()
        scope = Scope(workspace, addresses, made=known, policies=policies)
        if onlooker is None:
            return _as_declared(_read(reader, scope), own)
        onlooker.begun(name, reader)
        try:
            return _as_declared(_read(reader, scope), own)
        finally:
            onlooker.ended(name)

    names = list(providers)
    if len(names) == 1:
        return {names[0]: one(names[0])}
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _as_declared(snapshot: Snapshot, desired: Sequence[Resource]) -> Snapshot:
    """What the workspace's mark calls another agent's, under a name that the configuration gives to an agent, is that
    agent's, with all that hangs on it: a plan then puts the whole of it right, not the mark alone."""
    declared = {resource.address: resource.agent for resource in desired if resource.agent is not None}
    moved = {
        resource.address: declared[resource.address]
        for resource in snapshot.resources
        if resource.agent is not None and declared.get(resource.address, resource.agent) != resource.agent
    }
    if not moved:
        return snapshot

    def credited(resource: Resource) -> Resource:
        agent = moved.get(resource.address) or (moved.get(resource.parent) if resource.parent else None)
        return replace(resource, agent=agent) if agent else resource

    return replace(snapshot, resources=tuple(credited(resource) for resource in snapshot.resources))


def _read(reader: Reader, scope: Scope) -> Snapshot:
    reader.identify()
    return reader.read(scope)
