"""Builds what agents are and may do: boundaries, tools, agents, grants and boundary tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..lang.suggest import suggestion
from ..model.configuration import (
    Agent,
    Boundary,
    BoundaryTest,
    Delegation,
    Federation,
    Grant,
    ProviderConfig,
    Settings,
    Tool,
)
from .agents import agents, session_length
from .blocks import Blocks, Decoded, referred
from .relations import delegations, expiry, federations


@dataclass(eq=False)
class Authority:
    """What has been built so far. `names` maps an agent block to the agent's name."""

    boundaries: dict[str, Boundary] = field(default_factory=dict)
    tools: dict[str, Tool] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    tests: dict[str, BoundaryTest] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    federations: dict[str, Federation] = field(default_factory=dict)
    delegations: dict[str, Delegation] = field(default_factory=dict)


def build(blocks: Blocks, providers: Mapping[str, ProviderConfig]) -> Authority:
    """Everything, in the order in which blocks refer to one another."""
    built = Authority()
    _boundaries(blocks, built)
    _tools(blocks, built)
    built.federations = federations(blocks, providers)
    built.agents, built.names = agents(blocks, providers)
    built.delegations = delegations(blocks, built.names, built.agents)
    _grants(blocks, built)
    _tests(blocks, built)
    return built


def _boundaries(blocks: Blocks, built: Authority) -> None:
    found = blocks.of("boundary")
    for item in found:
        clouds = {settings.type: settings for settings in item.settings.blocks if settings.type in blocks.schemas}
        if not clouds:
            _no_cloud(blocks, item, "bounds nothing")
        built.boundaries[item.instance.address] = Boundary(
            item.instance.address,
            blocks.name(item),
            session_length(item, item.settings, "max_session"),
            clouds,
            item.instance.range,
            item.prevent_destroy,
        )
    blocks.unique(found, "boundary")
    blocks.finish(found)


def _tools(blocks: Blocks, built: Authority) -> None:
    found = blocks.of("tool")
    for item in found:
        clouds: dict[str, tuple[Settings, ...]] = {}
        for settings in item.settings.blocks:
            if settings.type in blocks.schemas:
                clouds[settings.type] = (*clouds.get(settings.type, ()), settings)
        for cloud, several in clouds.items():
            _distinct_labels(item, several, cloud)
        if not clouds:
            _no_cloud(blocks, item, "gives nothing")
        owner = item.get("owner")
        built.tools[item.instance.address] = Tool(
            item.instance.address,
            item.instance.name,
            item.get("purpose", ""),
            None if owner is None else referred(owner).name,
            item.get("sensitivity", ""),
            item.get("effect", ""),
            clouds,
            item.settings.of("requires"),
            item.instance.range,
        )
    blocks.finish(found)


def _no_cloud(blocks: Blocks, item: Decoded, what: str) -> None:
    if item.failed:
        return
    known = sorted(blocks.schemas)
    example = f"Add a block such as {known[0]} {{ … }}." if known else 'Declare a provider first: provider "aws" { … }.'
    detail = f"{item.instance.address} has no block for any cloud, so it {what}. {example}"
    item.error("E-CLOUD-BLOCK", f"{item.instance.declaration.kind.capitalize()} without a cloud", detail)


def _distinct_labels(item: Decoded, several: Iterable[Settings], what: str) -> None:
    seen: set[tuple[str, ...]] = set()
    for settings in several:
        if settings.labels and settings.labels in seen:
            detail = f'Another {what} block here has the label "{settings.labels[-1]}". Rename one of them.'
            item.error("E-DUPLICATE", f"Duplicate {settings.type} block", detail, settings.range)
        seen.add(settings.labels)


def _grants(blocks: Blocks, built: Authority) -> None:
    found = blocks.of("grant")
    for item in found:
        agents = _agent_names(item, built)
        tools = tuple(dict.fromkeys(referred(value).address for value in item.get("tools", ())))
        if not item.failed:
            for what, values in (("agents", agents), ("tools", tools)):
                if not values:
                    detail = f"The list of {what} is empty, so this grant gives nothing. Fill it, or remove the grant."
                    blocks.report.warning("W-EMPTY", "Grant that gives nothing", detail, item.settings.range_of(what))
        clouds = _clouds(blocks, item)
        when = {
            name: dict(value)
            for settings in item.settings.of("when")
            for name, value in settings.values.items()
            if value
        }
        grant = Grant(
            item.instance.address,
            blocks.name(item),
            agents,
            tools,
            expiry(item),
            item.get("reason"),
            clouds,
            when,
            item.instance.range,
            item.prevent_destroy,
        )
        built.grants[item.instance.address] = grant
        if not item.failed:
            _reach(item, grant, built)
    blocks.unique(found, "grant")
    blocks.finish(found)


def _agent_names(item: Decoded, built: Authority) -> tuple[str, ...]:
    addresses = dict.fromkeys(referred(value).address for value in item.get("agents", ()))
    return tuple(built.names[address] for address in addresses if address in built.names)


def _clouds(blocks: Blocks, item: Decoded) -> tuple[str, ...] | None:
    clouds = item.get("clouds")
    if clouds is None:
        return None
    for cloud in clouds:
        if cloud not in blocks.schemas:
            known = ", ".join(sorted(blocks.schemas)) or "none"
            detail = f'No provider "{cloud}" is configured.{suggestion(cloud, blocks.schemas)} Configured: {known}.'
            item.error("E-CHOICE", "Unknown cloud", detail, item.settings.range_of("clouds"))
    return tuple(dict.fromkeys(clouds))


def _reach(item: Decoded, grant: Grant, built: Authority) -> None:
    """Every tool of a grant must be usable by every agent in each cloud that it has."""
    for address in grant.tools:
        tool = built.tools.get(address)
        if tool is None or not tool.clouds:
            continue
        wanted = [cloud for cloud in tool.clouds if grant.clouds is None or cloud in grant.clouds]
        if not wanted:
            have = ", ".join(tool.clouds)
            detail = (
                f"{address} has blocks for {have} only, and this grant is narrowed to {', '.join(grant.clouds or ())}. "
                "Take the tool out of the grant, or widen clouds."
            )
            item.error("E-CLOUD", "Tool outside the grant's clouds", detail, item.settings.range_of("tools"))
        for name in grant.agents:
            agent = built.agents.get(name)
            if agent is None or not agent.identities:
                continue
            for cloud in wanted:
                if cloud not in agent.identities:
                    detail = (
                        f"{address} works in {cloud}, and {agent.address} ({agent.range}) has no identity there. Add "
                        f'identity "{cloud}" to the agent, or narrow the grant with clouds = […].'
                    )
                    summary = f"Agent without an identity in {cloud}"
                    item.error("E-CLOUD", summary, detail, item.settings.range_of("tools"))


def _tests(blocks: Blocks, built: Authority) -> None:
    found = blocks.of("test")
    for item in found:
        chosen = item.get("agents")
        everyone = item.get("all") is True
        if not item.failed and everyone == (chosen is not None):
            detail = "A test is about agents = […], or about every agent with all = true. Write exactly one of them."
            item.error("E-TEST", "Which agents the test is about is not clear", detail)
        agents = tuple(built.agents) if everyone else _agent_names(item, built)
        if not item.failed and not agents and blocks.complete:
            detail = "A test about no agent can never fail. Name at least one."
            item.error("E-TEST", "Test about no agent", detail, item.settings.range_of("agents"))
        attempts, assumes = item.settings.of("attempt"), item.settings.of("assume")
        if not item.failed and not attempts and not assumes:
            detail = "A test without an attempt or assume block tries nothing and can never fail. Add one."
            item.error("E-TEST", "Test that tries nothing", detail)
        for settings in assumes:
            if not isinstance(settings.get("claims", {}), dict):
                detail = 'claims are named values: claims = { namespace = "default" }.'
                item.error("E-TYPE", "Incorrect attribute value type", detail, settings.range_of("claims"))
            if settings.get("cloud") is not None and settings.get("cloud") not in blocks.schemas:
                known = ", ".join(sorted(blocks.schemas))
                detail = f'No provider "{settings.get("cloud")}" is configured. Configured: {known}.'
                item.error("E-CHOICE", "Unknown cloud", detail, settings.range_of("cloud"))
        _distinct_labels(item, attempts, "attempt")
        _distinct_labels(item, assumes, "assume")
        if not item.failed:
            _attemptable(item, agents, attempts, built)
        built.tests[item.instance.address] = BoundaryTest(
            item.instance.address,
            item.instance.name,
            agents,
            item.get("surface", ""),
            item.get("expect", ""),
            attempts,
            assumes,
            item.get("strict") is True,
            False,
            item.instance.range,
        )
    blocks.finish(found)


def _attemptable(item: Decoded, agents: tuple[str, ...], attempts: tuple[Settings, ...], built: Authority) -> None:
    for settings in attempts:
        cloud = settings.labels[0]
        for name in agents:
            agent = built.agents.get(name)
            if agent is not None and agent.identities and cloud not in agent.identities:
                detail = (
                    f"{agent.address} has no identity in {cloud}, so this attempt cannot be judged for it. Leave the "
                    "agent out of the test, or give it an identity there."
                )
                item.error("E-TEST", f"Agent without an identity in {cloud}", detail, settings.range)
                return
