"""Judges `test` blocks and the generated negatives against a world, offline. What cannot be judged fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..model.authority import Authority
from ..model.configuration import Agent, BoundaryTest, Configuration, Settings
from ..model.findings import TestResult, TestSummary
from ..model.requests import Answer, Assume, Attempt, Decision, Request, World
from ..sdk.provider import Provider


def generated(
    agents: Iterable[Agent], authorities: Mapping[str, Authority], providers: Mapping[str, Provider]
) -> tuple[BoundaryTest, ...]:
    """The negatives that each provider adds for its agents."""
    out: list[BoundaryTest] = []
    for agent in agents:
        for cloud in agent.identities:
            if cloud in providers:
                out += (replace(test, generated=True) for test in providers[cloud].negatives(agent, authorities[cloud]))
    return tuple(out)


def judge(
    tests: Iterable[BoundaryTest], configuration: Configuration, providers: Mapping[str, Provider], world: World
) -> tuple[TestResult, ...]:
    """One result for each test, case and agent."""
    by_name = {agent.name: agent for agent in configuration.agents.values()}
    results: list[TestResult] = []
    for test in tests:
        for name in test.agents:
            results += _cases(test, by_name[name], providers, world)
    return tuple(results)


def summarize(results: Sequence[TestResult]) -> TestSummary:
    """Counts, and every result that is not a pass."""
    passed = [result for result in results if result.passed]
    return TestSummary(
        passed=len(passed),
        failed=len(results) - len(passed),
        expected_denied=sum(result.expect == "denied" for result in results),
        expected_allowed=sum(result.expect == "allowed" for result in results),
        failures=tuple(replace(result, deciding=()) for result in results if not result.passed),
    )


def _cases(test: BoundaryTest, agent: Agent, providers: Mapping[str, Provider], world: World) -> Iterator[TestResult]:
    for attempt in test.attempts:
        cloud, case = attempt.labels[0], attempt.labels[-1]
        yield _result(test, case, agent, cloud, Attempt(agent.name, attempt.values), providers, world)
    for assume in test.assumes:
        claims = assume.get("claims", {})
        for cloud in _clouds(assume, agent):
            yield _result(test, assume.labels[0], agent, cloud, Assume(agent.name, claims), providers, world)


def _clouds(assume: Settings, agent: Agent) -> tuple[str, ...]:
    """An assume is judged in every cloud in which the agent has an identity, unless it names one."""
    named = assume.get("cloud")
    return (named,) if named is not None else tuple(agent.identities)


def _result(
    test: BoundaryTest,
    case: str,
    agent: Agent,
    cloud: str,
    request: Request,
    providers: Mapping[str, Provider],
    world: World,
) -> TestResult:
    if cloud in agent.identities and cloud in providers:
        decision = providers[cloud].evaluate(world, request)
    else:
        decision = Decision(Answer.DEPENDS, missing=(f"{agent.address} has no identity in {cloud}",))
    return TestResult(
        test=test.address,
        case=case,
        agent=agent.name,
        surface=test.surface,
        expect=test.expect,
        got=decision.answer.value,
        passed=decision.answer.value == test.expect,
        generated=test.generated,
        because=decision.because,
        missing=decision.missing,
        deciding=decision.deciding,
    )
