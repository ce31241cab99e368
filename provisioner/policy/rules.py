"""The rules of this version. Each looks at the planned world; the planner shows what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from ..model.changes import Change, Surface
from ..model.configuration import Configuration
from ..model.findings import Finding, Level, TestResult
from ..model.resources import Address, Resource
from ..sdk.schema import KindSchema
from .catalogue import REFERENCES


class Owner(Protocol):
    """What rules need to know of a control owner."""

    @property
    def surfaces(self) -> tuple[str, ...]: ...

    @property
    def signers(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may look at. `owners` are those of the root in force; `after` is the planned world.

    `scope` is the set of agent names that the plan is about (every agent without -target); `probed` those whose
    generated negatives are among `tests`.
    """

    configuration: Configuration
    owners: Mapping[str, Owner]
    changes: Sequence[Change]
    after: Mapping[Address, Resource]
    kinds: Mapping[str, Mapping[str, KindSchema]]
    tests: Sequence[TestResult]
    today: date
    scope: frozenset[str]
    probed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """`absolute` findings are lifted by no exception and lowered by no severity of the root."""

    id: str
    level: Level
    surface: Surface
    summary: str
    check: Callable[[Facts], Iterable[Finding]]
    absolute: bool = False
    references: tuple[str, ...] = field(default=())


def findings(facts: Facts, severity: Mapping[str, str]) -> tuple[Finding, ...]:
    """Every finding, worst first, in a stable order. `severity` is the root's override by rule id."""
    found = [finding for rule in RULES for finding in _with_level(rule, facts, severity.get(rule.id))]
    order = {Level.BLOCK: 0, Level.ACCEPT: 1, Level.WARN: 2}
    found.sort(key=lambda finding: (order[finding.level], finding.rule, finding.subject, finding.message))
    return tuple(found)


def _with_level(rule: Rule, facts: Facts, override: str | None) -> Iterator[Finding]:
    level = rule.level if override is None or rule.absolute else Level(override)
    for finding in rule.check(facts):
        yield replace(
            finding, level=level, absolute=rule.absolute, references=REFERENCES[rule.id], surface=rule.surface.value
        )


def _finding(
    rule: str, subject: str, message: str, fix: str, *, agent: str | None = None, changes: Iterable[int] = ()
) -> Finding:
    return Finding(rule, Level.BLOCK, "", subject, message, fix, agent, tuple(changes))


def _one_owner(facts: Facts) -> Iterator[Finding]:
    for change in facts.changes:
        for surface in change.surfaces:
            if surface.value not in change.owners:
                yield _finding(
                    "OWN-1",
                    change.block or str(change.address),
                    f"change {change.number} touches {surface.value}, which the trust root gives not exactly one owner",
                    f'give one control_owner default_for = ["{surface.value}"], or name the owner on the agent or tool',
                    agent=change.agent,
                    changes=(change.number,),
                )


def _consolidated(facts: Facts) -> Iterator[Finding]:
    held: dict[str, set[str]] = {}
    for owner in facts.owners.values():
        if len(set(owner.signers)) == 1:
            held.setdefault(owner.signers[0], set()).update(owner.surfaces)
    for person, surfaces in sorted(held.items()):
        if len(surfaces) > 1:
            yield _finding(
                "OWN-2",
                f"person.{person}",
                f"person.{person} is the only signer of {', '.join(sorted(surfaces))}",
                "add a second signer to one of these control owners, or accept that one person decides alone",
            )


def _inventory(facts: Facts) -> Iterator[Finding]:
    for agent in facts.configuration.agents.values():
        if agent.name not in facts.scope:
            continue
        wanted = {
            "purpose": agent.purpose,
            "sponsor": agent.sponsor,
            "environment": agent.environment,
            "review_by": agent.review_by,
        }
        lacking = [name for name, value in wanted.items() if not value]
        if lacking:
            yield _finding(
                "INV-1",
                agent.address,
                f"{agent.address} has no {', '.join(lacking)}",
                "write it down",
                agent=agent.name,
            )
        if agent.review_by and date.fromisoformat(agent.review_by) < facts.today:
            yield _finding(
                "INV-1",
                agent.address,
                f"the review of {agent.address} was due on {agent.review_by}",
                "review the agent with its sponsor and set a later review_by",
                agent=agent.name,
            )


def _environment(facts: Facts) -> Iterator[Finding]:
    providers = facts.configuration.providers
    for agent in facts.configuration.agents.values():
        for identity in agent.identities.values():
            there = providers[identity.provider].environment
            if agent.name in facts.scope and agent.environment and there and agent.environment != there:
                yield _finding(
                    "ENV-1",
                    agent.address,
                    f"{agent.address} is of {agent.environment}, and provider.{identity.provider} is {there}",
                    "give the agent an identity in an account of its own environment",
                    agent=agent.name,
                )


def _static_keys(facts: Facts) -> Iterator[Finding]:
    for address, resource in sorted(facts.after.items()):
        kind = facts.kinds[address.provider][address.kind]
        if kind.observed and kind.credential and resource.agent is not None:
            yield _finding(
                "KEY-1",
                str(address),
                f"{kind.noun} {address.name} stands for agent.{resource.agent}: a long-lived credential",
                "delete it in the cloud; this tool manages no static credentials and never will",
                agent=resource.agent,
            )


def _tests(facts: Facts) -> Iterator[Finding]:
    seen: dict[str, set[str]] = {}
    for result in facts.tests:
        if result.passed and result.expect == "denied":
            seen.setdefault(result.agent, set()).add(result.surface)
        if not result.passed:
            what = f"expected {result.expect}, got {result.got}"
            lacks = f" (missing: {', '.join(result.missing)})" if result.missing else ""
            yield _finding(
                "TST-1",
                f"{result.test} {result.case}".strip(),
                f"{result.test} {result.case} on agent.{result.agent}: {what}{lacks}",
                "narrow what the plan gives, or correct the test; removing a test is a governance change",
                agent=result.agent,
            )
    for agent in facts.configuration.agents.values():
        lacking = {"identity", "tool_access", "runtime"} - seen.get(agent.name, set())
        if agent.name in facts.probed and lacking:
            yield _finding(
                "TST-1",
                agent.address,
                f"{agent.address} has no passing denied-test for {', '.join(sorted(lacking))}",
                "add a test block that shows what this agent must not be able to do",
                agent=agent.name,
            )


RULES: tuple[Rule, ...] = (
    Rule("OWN-1", Level.BLOCK, Surface.GOVERNANCE, "every change has exactly one owner per surface", _one_owner, True),
    Rule("OWN-2", Level.WARN, Surface.GOVERNANCE, "one person is the only signer of several surfaces", _consolidated),
    Rule(
        "INV-1", Level.BLOCK, Surface.GOVERNANCE, "agents have purpose, sponsor, environment, review date", _inventory
    ),
    Rule("KEY-1", Level.BLOCK, Surface.IDENTITY, "no static credentials on an agent", _static_keys, True),
    Rule("ENV-1", Level.BLOCK, Surface.IDENTITY, "an agent's environment is its account's", _environment),
    Rule("TST-1", Level.BLOCK, Surface.GOVERNANCE, "boundary tests exist and pass", _tests),
)
