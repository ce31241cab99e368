"""`discover`: principals that look like agents and are nobody's, and the HCL that takes one of them over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ..lang.writer import Code, NewAttribute, NewBlock, Writable, write_expression, write_items
from ..model.configuration import Configuration
from ..model.diagnostics import DiagnosticError
from ..model.resources import Address, Coverage, Resource, Sighting, Snapshot
from ..planning.planner import merged_coverage
from ..sdk.describing import Described, Describing, Json
from ..sdk.provider import Provider, Scope
from .compiling import compile_all, providers_of
from .project import Project
from .reading import connections, read_all

BASELINE_DAYS = 90
RULES = (
    "A2A-1", "ADO-1", "ATT-1", "EXE-1", "FED-2", "FED-3", "HUM-1", "ID-1", "INV-1", "KIL-1", "PRV-1", "PRV-2", "PRV-3",
    "PRV-4", "TP-1", "TRI-1", "TST-1",
)  # fmt: skip
"""What is usual on the day of adoption: the baseline lists it, and only what was there then is covered by it."""

_NOT_A_NAME = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found in everything that the configuration's providers may read."""

    sightings: tuple[Sighting, ...]
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Written:
    """HCL for principals that exist, and what a person still has to say."""

    text: str
    agents: tuple[str, ...]
    notes: tuple[str, ...] = ()


def discover(project: Project) -> Discovery:
    """List them. Raises DiagnosticError for a broken configuration, CloudError where a cloud cannot be read."""
    configuration = project.configuration
    providers = providers_of(configuration, project.registry)
    compiled = compile_all(configuration, providers, lambda agent, tool: None, {}, datetime.now(UTC))
    snapshots = read_all(
        providers,
        compiled.authorities,
        compiled.desired,
        configuration.workspace.name,
        project.runner.connection_settings,
        onlooker=project.inputs.onlooker,
    )
    found = [sighting for snapshot in snapshots.values() for sighting in snapshot.sightings]
    return Discovery(tuple(found), merged_coverage(snapshots))


def adopt_role(project: Project, name: str) -> Written:
    """The HCL that takes one principal over. Raises DiagnosticError for one that is not there, is in several places or
    is somebody's; CloudError where a cloud cannot be read."""
    found: list[tuple[str, Resource, Described]] = []
    for key, provider, address, snapshot in _looked_for(project, name):
        described = provider.describe(snapshot.resources, address)
        if described is not None:
            root = next(resource for resource in snapshot.resources if resource.address == address)
            found.append((key, root, described))
    if not found:
        raise DiagnosticError.of(
            "E-DISCOVER-ABSENT",
            f"There is no {name} in any account that the configuration's providers name",
            "`provisioner discover` lists what looks like an agent. The reader may also lack the right to see it.",
        )
    if len(found) > 1:
        places = ", ".join(described.address.target for _, _, described in found)
        raise DiagnosticError.of(
            "E-DISCOVER-SEVERAL", f"{name} is in {places}", "Name one of them by its ARN: -role arn:…"
        )
    key, root, described = found[0]
    if root.mark is not None:
        raise DiagnosticError.of(
            "E-DISCOVER-CLAIMED",
            f"{name} belongs to workspace {root.mark.workspace!r} already, as {root.mark.block}",
            "Nothing is written. To move it, release it there first.",
        )
    return write(project.configuration, [(key, described)], datetime.now(UTC).date())


def _looked_for(project: Project, name: str) -> Iterable[tuple[str, Describing, Address, Snapshot]]:
    """Where it could be, read: one look in each target, of nothing but this principal."""
    configuration = project.configuration
    providers = providers_of(configuration, project.registry)
    compiled = compile_all(configuration, providers, lambda agent, tool: None, {}, datetime.now(UTC))
    for cloud, provider in providers.items():
        if not isinstance(provider, Describing):
            continue
        authority = compiled.authorities[cloud]
        for connection in connections(authority, project.runner.connection_settings):
            address = provider.principal(connection.target.id, name)
            if name.startswith("arn:") and f":{connection.target.id}:" not in name:
                continue
            snapshot = _read(provider, connection, Scope(configuration.workspace.name, frozenset({address})))
            yield connection.target.key, provider, address, snapshot


def _read(provider: Provider, connection: Any, scope: Scope) -> Snapshot:
    reader = provider.reader([connection])
    reader.identify()
    snapshot = reader.read(scope)
    if snapshot.coverage.gaps:
        gap = snapshot.coverage.gaps[0]
        raise DiagnosticError.of(
            "E-INCOMPLETE",
            f"{gap.what} of {gap.provider} {gap.target} could not be read",
            f"{gap.reason}. What was not seen cannot be written down: give the reader {gap.permission or 'the right'}.",
        )
    return snapshot


def write(configuration: Configuration, found: Sequence[tuple[str, Described]], today: date) -> Written:
    """HCL for principals, each with the key of the provider block that it is behind: agents, their boundaries where
    they stand in some, imports, and one baseline. Pure."""
    taken = {agent.name for agent in configuration.agents.values()}
    items: list[NewAttribute | NewBlock] = []
    names: list[str] = []
    notes: list[str] = []
    boundaries: dict[str, str] = {}
    until = (today + timedelta(days=BASELINE_DAYS)).isoformat()
    for key, described in found:
        name = _label(described.address.name, taken)
        taken.add(name)
        names.append(name)
        boundary = None
        if described.boundary is not None:
            boundary, made = _boundary(configuration, described, boundaries)
            items += made
        items.append(_agent(configuration, key, described, name, boundary, until))
        items.append(NewBlock("import", (), (NewAttribute("to", Code(f"agent.{name}")), *_import(described))))
        notes += [f"agent.{name}: say who answers for it (sponsor), and what it is for (purpose)"]
    listed: Writable = [Code(f"agent.{name}") for name in names]
    covered = (NewAttribute("rules", list(RULES)), NewAttribute("agents", listed), NewAttribute("expires", until))
    label = _label("adopted", {item.name for item in configuration.baselines.values()})
    items.append(NewBlock("baseline", (label,), covered))
    return Written(write_items(items), tuple(names), tuple(notes))


def _agent(
    configuration: Configuration, key: str, described: Described, name: str, boundary: str | None, until: str
) -> NewBlock:
    provider = configuration.providers[key]
    purpose = described.purpose or f"Adopted from {described.address.name}: say what it does, and what it must never do"
    head: list[NewAttribute | NewBlock] = [
        NewAttribute("purpose", purpose),
        NewAttribute("inputs", "untrusted"),
        *([NewAttribute("environment", provider.environment)] if provider.environment else []),
        NewAttribute("review_by", until),
        *([NewAttribute("boundary", Code(boundary))] if boundary else []),
    ]
    if described.max_seconds is not None:
        head.append(NewBlock("session", (), (NewAttribute("max_duration", f"{described.max_seconds}s"),)))
    label, attributes = described.runtime
    identity: list[NewAttribute | NewBlock] = []
    if provider.alias is not None:
        identity.append(NewAttribute("provider", Code(f"provider.{provider.provider}.{provider.alias}")))
    identity += _attributes(described.identity)
    identity += (NewBlock(type_, labels, _attributes(values)) for type_, labels, values in described.blocks)
    blocks = (
        NewBlock("runtime", (label,), _attributes(attributes)),
        NewBlock("identity", (described.address.provider,), tuple(identity)),
    )
    return NewBlock("agent", (name,), (*head, *blocks))


def _import(described: Described) -> tuple[NewAttribute, ...]:
    return (NewAttribute("id", described.id),)


def _boundary(
    configuration: Configuration, described: Described, made: dict[str, str]
) -> tuple[str, list[NewAttribute | NewBlock]]:
    """The boundary that names the same policy, or a new one that does."""
    cloud, values = described.address.provider, described.boundary or {}
    for address, boundary in configuration.boundaries.items():
        if cloud in boundary.clouds and boundary.clouds[cloud].get("policy") == values.get("policy"):
            return address, []
    policy = str(values.get("policy"))
    if policy in made:
        return made[policy], []
    taken = {item.name for item in configuration.boundaries.values()}
    taken |= {address.partition(".")[2] for address in made.values()}
    name = _label(policy.rpartition("/")[2], taken)
    made[policy] = f"boundary.{name}"
    return made[policy], [NewBlock("boundary", (name,), (NewBlock(cloud, (), _attributes(values)),))]


def _attributes(values: Mapping[str, Any]) -> tuple[NewAttribute, ...]:
    return tuple(NewAttribute(name, _writable(value)) for name, value in values.items())


def _writable(value: Any) -> Writable:
    return Code(f"jsonencode({write_expression(value.value)})") if isinstance(value, Json) else value


def _label(name: str, taken: set[str]) -> str:
    """A name that HCL takes as a label and that is not taken yet."""
    plain = _NOT_A_NAME.sub("_", name.lower()).strip("_") or "adopted"
    if not plain[0].isalpha():
        plain = f"agent_{plain}"
    found, at = plain, 1
    while found in taken:
        at += 1
        found = f"{plain}_{at}"
    return found
