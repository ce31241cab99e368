"""Gathers what rules judge a world on, and judges it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ..approval.exceptions import baselines_in_force, exceptions_in_force
from ..approval.root import RootData
from ..ledger.entries import History
from ..model.changes import Change
from ..model.configuration import Configuration
from ..model.findings import Finding, Hazard, TestResult
from ..model.requests import World
from ..model.resources import Address, Resource
from ..policy.rules import Facts, Waiver, findings
from .baselines import first_violations
from .compiling import Compiled


@dataclass(frozen=True, slots=True)
class Judged:
    """A world and what is known of it. `scope` are the agents that it is judged for, `probed` those whose generated
    negatives are among the results; `unexplained` what is live, wider than signed, and would stay."""

    changes: Sequence[Change]
    world: Mapping[Address, Resource]
    results: tuple[TestResult, ...]
    scope: frozenset[str]
    probed: frozenset[str]
    unexplained: Sequence[Change] = ()
    by_use: Sequence[Hazard] = ()
    """What audit logs say."""


def ruled(
    configuration: Configuration,
    compiled: Compiled,
    judged: Judged,
    root: RootData,
    waived: Sequence[Waiver],
    now: datetime,
) -> tuple[Finding, ...]:
    """Every finding of a world, as the rules, the root's severities, exceptions and baselines have it."""
    world = World(judged.world, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    facts = Facts(
        _as_in_force(configuration, root),
        root.owners,
        judged.changes,
        judged.world,
        {name: provider.schema().kinds for name, provider in compiled.providers.items()},
        judged.results,
        now.date(),
        judged.scope,
        judged.probed,
        (*hazards(compiled, world, judged.scope), *map(_unexplained, judged.unexplained), *judged.by_use),
        waived,
        frozenset(root.exceptions),
    )
    return findings(facts, root.severity)


def _as_in_force(configuration: Configuration, root: RootData) -> Configuration:
    """The configuration with its own rules as hard, and as much an owner's, as the root in force has them."""
    rules = {
        address: replace(rule, severity=known.severity, surface=known.surface)
        if (known := root.rules.get(address))
        else rule
        for address, rule in configuration.rules.items()
    }
    return replace(configuration, rules=rules)


def hazards(compiled: Compiled, world: World, agents: Collection[str]) -> tuple[Hazard, ...]:
    """What every provider sees."""
    return tuple(
        hazard
        for name, provider in compiled.providers.items()
        for hazard in provider.hazards(compiled.authorities[name], world, agents)
    )


def _unexplained(change: Change) -> Hazard:
    can = f": {change.can[0]}" if change.can else ""
    return Hazard(
        "DRF-1",
        change.address,
        change.agent or "",
        f"{change.label} is live, and no signed plan explains it{can}",
        "undo it in the cloud, or let the plan take it away; what is wanted is planned and signed first",
    )


def waivers(
    configuration: Configuration, root: RootData, history: History, counts: Callable[[str], bool], now: datetime
) -> tuple[Waiver, ...]:
    """The exceptions and baselines that hold, and those that the configuration would bring with the next root."""
    held = exceptions_in_force(root, now)
    found = [Waiver(name, (item.rule,), item.subjects, item.expires) for name, item in held.items()]
    bases = baselines_in_force(root, now)
    agents = {agent.name: agent.address for agent in configuration.agents.values()}
    for name, base in bases.items():
        subjects = tuple(agents[agent] for agent in base.agents if agent in agents)
        violations = first_violations(name, history, counts)
        found.append(Waiver(name, base.rules, subjects, base.expires, violations=violations, baseline=True))
    found += [
        Waiver(item.address, (item.rule,), item.subjects, item.expires, proposed=True)
        for item in configuration.exceptions.values()
        if item.address not in root.exceptions
    ]
    found += [
        Waiver(
            item.address,
            item.rules,
            tuple(agents[agent] for agent in item.agents),
            item.expires,
            proposed=True,
            baseline=True,
        )
        for item in configuration.baselines.values()
        if item.address not in root.baselines
    ]
    return tuple(found)
