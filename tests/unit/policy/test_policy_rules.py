"""Each rule with an example that trips it and one that does not."""

from dataclasses import replace
from datetime import date

import pytest

from provisioner.model.changes import Action, Change, Effect, Surface
from provisioner.model.configuration import (
    Agent,
    Configuration,
    ControlOwner,
    Identity,
    LedgerConfig,
    ProviderConfig,
    Session,
    Settings,
    Workspace,
)
from provisioner.model.findings import Level, TestResult
from provisioner.model.resources import Address, Resource
from provisioner.policy.catalogue import catalogue
from provisioner.policy.rules import RULES, Facts, findings
from provisioner.sdk import FieldSchema, KindSchema

SURFACES = ("identity", "tool_access", "runtime")
AGENT = Agent(
    address="agent.triage",
    name="triage",
    purpose="Sort invoices",
    sponsor="dana",
    inputs="untrusted",
    environment="prod",
    review_by="2027-02-01",
    boundary="boundary.agents",
    owners={},
    session=Session(),
    runtime=Settings("runtime", ("lambda",)),
    identities={"aws": Identity("aws", "aws", Settings("identity", ("aws",)))},
)
OWNERS = {
    "iam": ControlOwner("iam", "", "", ("identity",), ("identity",), ("alice", "bob"), 1),
    "api": ControlOwner("api", "", "", ("tool_access",), ("tool_access",), ("carol",), 1),
}
KINDS = {
    "aws": {
        "role": KindSchema("role", {"trust": FieldSchema((Surface.IDENTITY,))}, principal=True),
        "key": KindSchema("access key", {"status": FieldSchema((Surface.IDENTITY,))}, observed=True, credential=True),
        "user": KindSchema("user", {"name": FieldSchema((Surface.IDENTITY,))}, observed=True),
    }
}


def result(surface: str, expect: str = "denied", got: str = "denied", missing: tuple[str, ...] = ()) -> TestResult:
    return TestResult("test.t", "case", "triage", surface, expect, got, expect == got, missing=missing)


def facts(agent: Agent = AGENT, **changes: object) -> Facts:
    configuration = Configuration(
        workspace=Workspace("ws", LedgerConfig("local", {})),
        providers={"aws": ProviderConfig("aws", "aws", None, "prod", Settings("provider"))},
        people={},
        owners=OWNERS,
        boundaries={},
        tools={},
        agents={agent.name: agent},
        grants={},
        tests={},
    )
    agents, tests = frozenset({"triage"}), tuple(map(result, SURFACES))
    base = Facts(configuration, OWNERS, (), {}, KINDS, tests, date(2026, 11, 23), agents, agents)
    return replace(base, **changes)


def change(owners: dict[str, str]) -> Change:
    where = Address("aws", "1", "role", "r")
    return Change(
        1,
        Action.CREATE,
        where,
        "role",
        "triage",
        "agent.triage",
        (Surface.IDENTITY, Surface.RUNTIME),
        owners,
        Effect.WIDER,
        (),
        (),
        "",
        None,
        {"trust": "t"},
    )


def resource(kind: str, agent: str | None = "triage") -> dict[Address, Resource]:
    address = Address("aws", "1", kind, "u/AKIA1")
    return {address: Resource(address, {"status": "Active"}, agent)}


def hits(given: Facts, severity: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(finding.rule, finding.level.value) for finding in findings(given, severity or {})]


def test_a_sound_agent_trips_nothing():
    assert hits(facts()) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (facts(changes=(change({"identity": "iam"}),)), ("OWN-1", "block")),
        (
            facts(owners={**OWNERS, "one": ControlOwner("one", "", "", ("runtime", "identity"), (), ("erin",), 1)}),
            ("OWN-2", "warn"),
        ),
        (facts(replace(AGENT, purpose=None)), ("INV-1", "block")),
        (facts(replace(AGENT, review_by="2026-11-22")), ("INV-1", "block")),
        (facts(after=resource("key")), ("KEY-1", "block")),
        (facts(replace(AGENT, environment="dev")), ("ENV-1", "block")),
        (facts(tests=(*map(result, SURFACES), result("identity", got="allowed"))), ("TST-1", "block")),
        (facts(tests=(*map(result, SURFACES), result("identity", got="depends", missing=("x",)))), ("TST-1", "block")),
        (facts(tests=(result("identity"), result("runtime"))), ("TST-1", "block")),
    ],
)
def test_each_rule_trips(given: Facts, expected: tuple[str, str]):
    assert hits(given) == [expected]


@pytest.mark.parametrize(
    "given",
    [
        facts(changes=(change({"identity": "iam", "runtime": "platform"}),)),
        facts(replace(AGENT, review_by="2026-11-23")),
        facts(after=resource("user")),
        facts(after=resource("key", agent=None)),
        facts(replace(AGENT, purpose=None), scope=frozenset()),
        facts(tests=(), probed=frozenset()),
    ],
)
def test_and_near_misses_do_not(given: Facts):
    assert hits(given) == []


def test_the_root_may_change_a_severity_but_not_of_an_absolute_rule():
    given = facts(replace(AGENT, purpose=None), after=resource("key"))
    assert hits(given, {"INV-1": "warn", "KEY-1": "warn"}) == [("KEY-1", "block"), ("INV-1", "warn")]


def test_findings_say_what_to_do_and_refer_to_frameworks():
    (finding,) = findings(facts(after=resource("key")), {})
    assert finding.absolute and finding.fix and finding.references == catalogue().rules["KEY-1"]
    assert finding.level is Level.BLOCK and "agent.triage" in finding.message


def test_every_rule_has_references():
    assert {rule.id for rule in RULES} == set(catalogue().rules)
