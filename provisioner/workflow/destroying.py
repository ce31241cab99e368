"""`plan -destroy`: the plan of a configuration without its agents, so that what they have in the clouds goes."""

from __future__ import annotations

from dataclasses import replace

from ..model.configuration import Configuration
from ..model.diagnostics import DiagnosticError


def emptied(configuration: Configuration, agents: frozenset[str] | None) -> Configuration:
    """The configuration without these agents and what is theirs alone; None: without any, and what they share.

    Who owns and signs, what is protected and limited stays as it is: the plan is judged like any other. A grant or a
    test that is about other agents too stays for those. Raises DiagnosticError for a grant with prevent_destroy.
    """
    gone = frozenset(agent.name for agent in configuration.agents.values()) if agents is None else agents
    grants = {}
    for address, grant in configuration.grants.items():
        left = _others(grant.agents, gone)
        if grant.prevent_destroy and left != grant.agents:
            raise DiagnosticError.of(
                "E-PREVENT-DESTROY",
                f"{address} says prevent_destroy, and the agents that it is for would go",
                "Take that out in a plan of its own, then destroy.",
                grant.range,
            )
        if left:
            grants[address] = replace(grant, agents=left)
    tests = {address: replace(test, agents=_others(test.agents, gone)) for address, test in configuration.tests.items()}
    whole = agents is None
    return replace(
        configuration,
        agents={key: agent for key, agent in configuration.agents.items() if agent.name not in gone},
        grants=grants,
        tests={address: test for address, test in tests.items() if test.agents},
        delegations={
            address: replace(delegation, sources=_others(delegation.sources, gone))
            for address, delegation in configuration.delegations.items()
            if delegation.target not in gone and _others(delegation.sources, gone)
        },
        boundaries={} if whole else configuration.boundaries,
        federations={} if whole else configuration.federations,
        imports=tuple(one for one in configuration.imports if one.agent not in gone),
    )


def _others(names: tuple[str, ...], gone: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in gone)
