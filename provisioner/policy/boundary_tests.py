"""Judges `test` blocks and the generated negatives against a world, offline. What cannot be judged fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..model.authority import Authority
from ..model.changes import Surface
from ..model.configuration import Agent, BoundaryTest, Configuration, Settings
from ..model.findings import TestCoverage, TestResult, TestSummary
from ..model.requests import Answer, Assume, Attempt, Decision, Request, World
from ..model.resources import Gap
from ..sdk.provider import Provider, Requiring


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
    tests: Iterable[BoundaryTest],
    configuration: Configuration,
    providers: Mapping[str, Provider],
    world: World,
    gaps: Sequence[Gap] = (),
    simulators: Simulated | None = None,
    present: Collection[tuple[str, str]] | None = None,
) -> tuple[TestResult, ...]:
    """One result for each test, case and agent.

    A read that failed (`gaps`) leaves open every case that it is about. `present` has the agents with their clouds that
    are there: of others nothing is judged, since who is not there is denied everything. With `simulators` attempts are
    judged by them, by cloud; a cloud that has none leaves its attempts open. Who may become an agent no simulator
    judges.
    """
    by_name = {agent.name: agent for agent in configuration.agents.values()}
    bench = _Bench(providers, world, gaps, simulators, present)
    results: list[TestResult] = []
    for test in tests:
        for name in test.agents:
            results += _cases(test, by_name[name], bench)
    return tuple(results)


Simulated = Mapping[str, Callable[[Attempt], Decision]]
"""The simulators of a run, by cloud."""


@dataclass(frozen=True, slots=True)
class _Bench:
    providers: Mapping[str, Provider]
    world: World
    gaps: Sequence[Gap] = ()
    simulators: Simulated | None = None
    present: Collection[tuple[str, str]] | None = None

    def decide(self, cloud: str, agent: Agent, request: Request) -> Decision:
        if cloud not in agent.identities or cloud not in self.providers:
            return Decision(Answer.DEPENDS, missing=(f"{agent.address} has no identity in {cloud}",))
        if self.present is not None and (agent.name, cloud) not in self.present:
            return Decision(Answer.DEPENDS, missing=(f"{agent.address}, which is not in {cloud}",))
        found = self.providers[cloud].evaluate(self.world, request)
        if self.simulators is not None and isinstance(request, Attempt):
            found = self._simulated(cloud, request, found)
        unread = tuple(
            f"{gap.what} in {gap.provider} {gap.target}, which could not be read: {gap.reason}"
            for gap in self.gaps
            if gap.provider == cloud and (not gap.agents or agent.name in gap.agents)
        )
        return Decision(Answer.DEPENDS, found.because, (*found.missing, *unread), found.deciding) if unread else found

    def _simulated(self, cloud: str, attempt: Attempt, own: Decision) -> Decision:
        """The simulator's answer; where the evaluator says otherwise, the reader is told."""
        simulator = (self.simulators or {}).get(cloud)
        if simulator is None:
            missing = (f"a simulator: {cloud} has none that this version can ask about an agent's policies",)
            return Decision(Answer.DEPENDS, missing=missing)
        found = simulator(attempt)
        if found.answer is own.answer:
            return found
        said = f"provisioner's own evaluator says {own.answer.value}"
        return Decision(found.answer, (*found.because, said), found.missing, found.deciding)


def coverage(results: Iterable[TestResult], agents: Iterable[str]) -> tuple[TestCoverage, ...]:
    """How many cases each agent has by surface, in the order of `agents`: a surface without any is not tested."""
    counts: dict[tuple[str, str], list[int]] = {}
    for result in results:
        one = counts.setdefault((result.agent, result.surface), [0, 0, 0])
        one[0] += result.passed
        one[1] += not result.passed
        one[2] += result.generated
    return tuple(
        TestCoverage(agent, surface, *counts.get((agent, surface), (0, 0, 0))) for agent in agents for surface in TESTED
    )


TESTED = (Surface.IDENTITY.value, Surface.TOOL_ACCESS.value, Surface.RUNTIME.value)
"""The surfaces that tests are about."""


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


def _cases(test: BoundaryTest, agent: Agent, bench: _Bench) -> Iterator[TestResult]:
    for attempt in test.attempts:
        cloud, case = attempt.labels[0], attempt.labels[-1]
        yield _result(test, case, agent, cloud, Attempt(agent.name, attempt.values), bench)
    for assume in test.assumes:
        claims = assume.get("claims", {})
        for cloud in _clouds(assume, agent):
            yield _result(test, assume.labels[0], agent, cloud, Assume(agent.name, claims), bench)


def _clouds(assume: Settings, agent: Agent) -> tuple[str, ...]:
    """An assume is judged in every cloud in which the agent has an identity, unless it names one."""
    named = assume.get("cloud")
    return (named,) if named is not None else tuple(agent.identities)


def _result(test: BoundaryTest, case: str, agent: Agent, cloud: str, request: Request, bench: _Bench) -> TestResult:
    decision = bench.decide(cloud, agent, request)
    unread = _unread(test, request, bench.providers.get(cloud))
    return TestResult(
        test=test.address,
        case=case,
        agent=agent.name,
        surface=test.surface,
        expect=test.expect,
        got=decision.answer.value,
        passed=decision.answer.value == test.expect and not unread,
        generated=test.generated,
        because=decision.because,
        missing=(*decision.missing, *unread),
        deciding=decision.deciding,
    )


def _unread(test: BoundaryTest, request: Request, provider: Provider | None) -> tuple[str, ...]:
    """What a strict test lacks where resources have policies beside those of principals: the agent's side alone does
    not content it. A trust is read whole, so that who may become an agent is never open for it."""
    if not test.strict or not isinstance(request, Attempt) or not isinstance(provider, Requiring):
        return ()
    return (f"the resource policy of {request.settings.get('resource', 'the resource')}, which no test reads (strict)",)
