"""Boundary tests that cannot be judged fail and say what is missing: gaps, simulators, agents that are not there."""

from __future__ import annotations

from dataclasses import replace

from google_workspace import PROJECT, agent, authority, block, tool
from provisioner_google import provider

from provisioner.model.configuration import BoundaryTest
from provisioner.model.findings import TestResult
from provisioner.model.requests import Answer, Attempt, Decision, World
from provisioner.model.resources import Gap
from provisioner.policy.boundary_tests import coverage, generated, judge

BUCKET = "//storage.googleapis.com/projects/_/buckets/acme-inbox"
ATTEMPT = block("attempt", "google", "try", permission="storage.objects.get", resource=f"{BUCKET}/objects/1")
DENIED = BoundaryTest("test.t", "t", ("a",), "tool_access", "denied", (ATTEMPT,), ())
FOUND = authority([agent("a")], [tool("t")], boundaries=[])
PROVIDERS = {"google": provider}
WORLD = World({item.resource.address: item.resource for item in provider.compile(FOUND)}, "2026-11-24T00:00:00Z")


def one(**more: object) -> TestResult:
    (result,) = judge([DENIED], FOUND.configuration, PROVIDERS, WORLD, **more)  # type: ignore[arg-type]
    return result


def test_without_more_it_is_the_evaluators_word() -> None:
    assert one().passed


def test_a_read_that_failed_leaves_it_open_for_whom_it_is_about() -> None:
    gap = Gap("google", PROJECT, "the allow policy of x", "403", agents=("a",))
    found = one(gaps=(gap,))
    assert (found.passed, found.got) == (False, "depends")
    assert found.missing == (f"the allow policy of x in google {PROJECT}, which could not be read: 403",)
    assert one(gaps=(replace(gap, agents=("b",)),)).passed
    assert one(gaps=(replace(gap, provider="aws"),)).passed
    assert not one(gaps=(replace(gap, agents=()),)).passed


def test_who_is_not_there_is_not_judged() -> None:
    assert one(present={("a", "google")}).passed
    found = one(present=set())
    assert (found.passed, found.missing) == (False, ("agent.a, which is not in google",))


def test_a_cloud_without_a_simulator_leaves_attempts_open() -> None:
    found = one(simulators={})
    assert not found.passed
    assert found.missing[0].startswith("a simulator: google has none")


def test_a_strict_test_is_not_content_with_the_agents_side() -> None:
    """Google's policies of resources are the grants themselves; AWS has others, which nothing reads."""

    class Apart:
        """A cloud whose resources have policies of their own."""

        def __getattr__(self, name: str) -> object:
            return getattr(provider, name)

        def required(self, *_: object) -> None:
            """What makes it one."""

    strict = replace(DENIED, strict=True)
    (here,) = judge([strict], FOUND.configuration, PROVIDERS, WORLD)
    assert here.passed
    apart = {"google": Apart()}
    (there,) = judge([strict], FOUND.configuration, apart, WORLD)  # type: ignore[arg-type]
    assert (there.passed, there.got) == (False, "denied")
    assert there.missing == (f"the resource policy of {BUCKET}/objects/1, which no test reads (strict)",)
    (plain,) = judge([DENIED], FOUND.configuration, apart, WORLD)  # type: ignore[arg-type]
    assert plain.passed


def test_the_simulators_word_counts_and_a_difference_is_told() -> None:
    def allowed(attempt: Attempt) -> Decision:
        assert attempt.agent == "a"
        return Decision(Answer.ALLOWED, ("it says so",))

    found = one(simulators={"google": allowed})
    assert (found.passed, found.got) == (False, "allowed")
    assert found.because == ("it says so", "provisioner's own evaluator says denied")
    assert one(simulators={"google": lambda _: Decision(Answer.DENIED, ("no",))}).because == ("no",)


def test_who_may_become_an_agent_no_simulator_judges() -> None:
    negatives = generated(FOUND.configuration.agents.values(), {"google": FOUND}, PROVIDERS)
    results = judge(negatives, FOUND.configuration, PROVIDERS, WORLD, simulators={})
    assert {item.passed for item in results if item.surface == "identity"} == {True}
    assert {item.passed for item in results if item.surface == "tool_access"} == {False}


def test_coverage_counts_by_surface_and_shows_what_nothing_tests() -> None:
    result = one()
    counted = coverage([result, replace(result, passed=False, generated=True)], ["a", "b"])
    assert [(row.agent, row.surface, row.passed, row.failed, row.generated) for row in counted] == [
        ("a", "identity", 0, 0, 0),
        ("a", "tool_access", 1, 1, 1),
        ("a", "runtime", 0, 0, 0),
        ("b", "identity", 0, 0, 0),
        ("b", "tool_access", 0, 0, 0),
        ("b", "runtime", 0, 0, 0),
    ]
