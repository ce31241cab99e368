"""From a configuration to desired resources, for every provider that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ..compile.authority import Expiries, OwnerOf, authorities, delegations_with_ends, grant_parts
from ..ledger import replay
from ..ledger.entries import History
from ..model.authority import Authority
from ..model.configuration import Configuration
from ..model.diagnostics import Diagnostic, DiagnosticError
from ..model.resources import Address, Coverage, Desired, Resource, Snapshot
from ..registry import Registry
from ..sdk.provider import Provider


@dataclass(frozen=True, slots=True)
class Compiled:
    """What every provider is asked for, and the resources that follow from it."""

    providers: Mapping[str, Provider]
    authorities: Mapping[str, Authority]
    desired: tuple[Desired, ...]


def providers_of(configuration: Configuration, registry: Registry) -> dict[str, Provider]:
    """The providers that `provider` blocks name; raises DiagnosticError for one that is not installed."""
    found: dict[str, Provider] = {}
    for config in configuration.providers.values():
        provider = registry.provider(config.provider)
        if provider is None:
            raise DiagnosticError.of(
                "E-PROVIDER",
                f"There is no provider {config.provider!r}",
                f"Installed here: {', '.join(registry.names) or 'none'}. Install the package that brings it, or correct"
                " the name.",
                config.range,
            )
        found[config.provider] = provider
    return found


def compile_all(
    configuration: Configuration,
    providers: Mapping[str, Provider],
    owner_of: OwnerOf,
    expiries: Expiries,
    now: datetime,
) -> Compiled:
    """Desired resources of all providers. `expiries` are those in force, for relative ones."""
    parts = grant_parts(configuration, owner_of, expiries, now)
    configuration = replace(configuration, delegations=delegations_with_ends(configuration, expiries, now))
    wanted = authorities(configuration, providers, parts)
    desired = tuple(item for name, provider in providers.items() for item in provider.compile(wanted[name]))
    return Compiled(providers, wanted, desired)


def expiries_in_force(
    providers: Mapping[str, Provider],
    snapshots: Mapping[str, Snapshot],
    history: History,
    counts: replay.Counts | None = None,
) -> dict[tuple[str, str], str]:
    """When relative expiries end, by (agent, grant): as the last applied plan signed it, else as the resource has it.

    A live policy whose end somebody has moved does not say when the grant ends; without a record it is all there is.
    `counts` says which plans of the record were signed for.
    """
    signed = [
        Resource(address, item.attributes, item.agent)
        for address, item in replay.signed_state(history, counts).items()
        if item.attributes is not None
    ]
    found: dict[tuple[str, str], str] = {}
    for name, provider in providers.items():
        own = tuple(resource for resource in signed if resource.address.provider == name)
        found |= {**provider.expiries(snapshots[name]), **provider.expiries(Snapshot(own, Coverage()))}
    return found


@dataclass(frozen=True, slots=True)
class SignedEnd:
    """When something that the cloud cannot end is to be taken away, by the last plan that changed it."""

    agent: str | None
    block: str | None
    ends: str


def swept_ends(configuration: Configuration, ends: Mapping[Address, SignedEnd]) -> dict[tuple[str, str], str]:
    """The same by (agent, grant), as `expiries_in_force` says it of what the clouds end; the earliest of several."""
    grants = {grant.address: grant.name for grant in configuration.grants.values()}
    found: dict[tuple[str, str], str] = {}
    for signed in ends.values():
        if signed.agent is not None and signed.block in grants:
            key = (signed.agent, grants[signed.block])
            found[key] = min(found.get(key, signed.ends), signed.ends)
    return found


def preflight(compiled: Compiled) -> tuple[Diagnostic, ...]:
    """What the clouds would refuse or cannot enforce, found without reading anything."""
    return tuple(
        problem
        for name, provider in compiled.providers.items()
        for problem in provider.validate(compiled.authorities[name])
    )
