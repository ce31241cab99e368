"""Rules about what an agent is and how its tools go together."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.configuration import Configuration, Tool
from ..model.findings import Finding
from .facts import Facts, finding

_SECRET = ("confidential", "restricted")


def environment(facts: Facts) -> Iterator[Finding]:
    providers = facts.configuration.providers
    for agent in facts.configuration.agents.values():
        for identity in agent.identities.values():
            there = providers[identity.provider].environment
            if agent.name in facts.scope and agent.environment and there and agent.environment != there:
                yield finding(
                    "ENV-1",
                    agent.address,
                    f"{agent.address} is of {agent.environment}, and provider.{identity.provider} is {there}",
                    "give the agent an identity in an account of its own environment",
                    agent=agent.name,
                )


def static_keys(facts: Facts) -> Iterator[Finding]:
    for address, resource in sorted(facts.after.items()):
        kind = facts.kinds[address.provider][address.kind]
        if kind.observed and kind.credential and resource.agent is not None:
            yield finding(
                "KEY-1",
                str(address),
                f"{kind.noun} {address.name} stands for agent.{resource.agent}: a long-lived credential",
                "delete it in the cloud; this tool manages no static credentials and never will",
                agent=resource.agent,
            )


def bounded(facts: Facts) -> Iterator[Finding]:
    for agent in facts.configuration.agents.values():
        if agent.name in facts.scope and agent.boundary is None:
            yield finding(
                "KIL-1",
                agent.address,
                f"{agent.address} has no boundary: nothing limits what its policies could come to hold",
                "set boundary on the agent or in agent_defaults",
                agent=agent.name,
            )


def trifecta(facts: Facts) -> Iterator[Finding]:
    """Untrusted input, confidential data and a way out, in one agent or along the agents that it may act through."""
    tools = _tools(facts.configuration)
    for agent in facts.configuration.agents.values():
        if agent.inputs != "untrusted":
            continue
        chain = _reach(facts.configuration, agent.name)
        if not facts.scope & set(chain):
            continue
        held = [(name, tool) for name in chain for tool in tools.get(name, ())]
        reads = next(((n, t) for n, t in held if t.sensitivity in _SECRET and t.effect == "read"), None)
        leaves = next(((n, t) for n, t in held if t.effect == "external"), None)
        if reads is None or leaves is None:
            continue
        along = "" if {reads[0], leaves[0]} == {agent.name} else f", along {' → '.join(chain)}"
        yield finding(
            "TRI-1",
            agent.address,
            f"{agent.address}: untrusted input + {reads[1].sensitivity} read ({reads[1].address}) + external write"
            f" ({leaves[1].address}){along}",
            "split the agent, drop one of the tools, or let the owner of tool access accept it",
            agent=agent.name,
            changes=_changes(facts, chain, {reads[1].address, leaves[1].address}),
        )


def executes(facts: Facts) -> Iterator[Finding]:
    """Who runs code that others wrote runs it with everything that it may do."""
    for name, held in _tools(facts.configuration).items():
        runs = next((tool for tool in held if tool.effect == "execute"), None)
        other = next((tool for tool in held if tool.effect == "write" or tool.sensitivity == "restricted"), None)
        if runs is None or other is None or name not in facts.scope:
            continue
        agent = facts.configuration.agents[name]
        what = "write" if other.effect == "write" else "reach restricted data"
        yield finding(
            "EXE-1",
            agent.address,
            f"{agent.address} executes code ({runs.address}) and may also {what} ({other.address})",
            "give code execution to an agent that holds nothing else, or let the owner of tool access accept it",
            agent=name,
            changes=_changes(facts, (name,), {runs.address, other.address}),
        )


def _tools(configuration: Configuration) -> dict[str, list[Tool]]:
    held: dict[str, dict[str, Tool]] = {}
    for grant in configuration.grants.values():
        for name in grant.agents:
            held.setdefault(name, {}).update((address, configuration.tools[address]) for address in grant.tools)
    return {name: [tools[address] for address in sorted(tools)] for name, tools in held.items()}


def _reach(configuration: Configuration, name: str) -> tuple[str, ...]:
    """The agent and those that it may act through, nearest first."""
    found = [name]
    for at in found:
        targets = sorted({d.target for d in configuration.delegations.values() if at in d.sources})
        found += [target for target in targets if target not in found]
    return tuple(found)


def _changes(facts: Facts, agents: tuple[str, ...], tools: set[str]) -> tuple[int, ...]:
    return tuple(c.number for c in facts.changes if c.agent in agents and tools & set(c.tools))
