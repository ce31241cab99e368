"""One owner's word suffices for a plan that only stops an agent, and for nothing that is dressed up as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import scenario as s
from hypothesis import given, settings
from hypothesis import strategies as st
from provisioner_aws.aws import AWS
from provisioner_aws.stop import POLICY, stop_document, stops

from provisioner.approval.authorship import Authorship
from provisioner.approval.past import Past
from provisioner.approval.root import RootOwner, make_root
from provisioner.approval.stopping import may_stop, of_stop, stop_requirement, stopped_agent
from provisioner.approval.verifier import verify
from provisioner.model.changes import Action, Change, Effect, Surface
from provisioner.model.findings import Finding, Level, TestSummary
from provisioner.model.plan import (
    AgentNote,
    AgentWorld,
    Declared,
    Exclusion,
    Plan,
    PlanTarget,
    RootChange,
    RootReference,
)
from provisioner.model.resources import Address
from provisioner.planfile import to_builtins

AT = "2026-11-23T11:30:00Z"
ROLE = "acme-agents-triage"
ARN = f"arn:aws:iam::{s.ACCOUNT}:role/agents/{ROLE}"
PROVIDERS = {"aws": AWS(), "cloud": s.Cloud()}
ROOT = make_root(s.root_data())
ALLOW = {"Action": ["s3:*"], "Effect": "Allow", "Resource": ["*"]}


def policy(**over: Any) -> Change:
    change = Change(
        number=1,
        action=Action.CREATE,
        address=Address("aws", s.ACCOUNT, "iam_role_policy", f"{ROLE}/{POLICY}"),
        label="stop of agent triage",
        agent="triage",
        block="agent.triage",
        surfaces=(Surface.TOOL_ACCESS,),
        owners={"tool_access": "api"},
        effect=Effect.NARROWER,
        can=(),
        cannot=("any action",),
        reason="stopped",
        before=None,
        after={"role_arn": ARN, "document": stop_document(AT)},
    )
    return replace(change, **over)


def stop_plan(*changes: Change, owner: tuple[str, str] = ("identity", "iam"), **over: Any) -> Plan:
    """A stop plan as the workflow makes it, asking one owner; `over` spoils it."""
    changes = changes or (policy(),)
    operations = tuple(
        replace(operation, agent=change.agent)
        for change in changes
        for operation in PROVIDERS[change.address.provider].operations(change)
    )
    agents = sorted({change.agent for change in changes if change.agent})
    fields: dict[str, Any] = {
        "workspace": s.WORKSPACE,
        "base": 0,
        "root": RootReference(ROOT.version, ROOT.digest),
        "targets": (PlanTarget("aws", s.ACCOUNT, "aws", "prod"), PlanTarget("cloud", s.ACCOUNT, "cloud", "prod")),
        "scope": ("agent.triage",),
        "changes": changes,
        "operations": operations,
        "worlds": tuple(AgentWorld(agent, "a", "b", ()) for agent in agents),
        "agents": tuple(AgentNote(agent, False, None, None, None, None) for agent in agents),
        "findings": (),
        "tests": TestSummary(),
        "requirements": (stop_requirement(owner, changes, operations),),
        "exclusions": (),
        "unknown_authors": (),
        "gaps": (),
    }
    return Plan(**(fields | over))


def judged(plan: Plan, *signers: str, authorship: Authorship | None = None) -> Any:
    file = s.file_of(plan)
    envelopes = [
        s.envelope(s.say(file, need, number), who) for number, who in enumerate(signers) for need in plan.requirements
    ]
    made = s.Situation(planfile=file, envelopes=envelopes, authorship=authorship)
    return verify(file, made.evidence(providers=PROVIDERS))


@pytest.mark.parametrize(
    ("owner", "signer"),
    [
        (("identity", "iam"), "alice"),
        (("tool_access", "api"), "dana"),
        (("runtime", "platform"), "erin"),
        (("governance", "security"), "tom"),
    ],
)
def test_any_one_owner_suffices(owner: tuple[str, str], signer: str) -> None:
    """Also governance, whose own threshold is two, and an agent's sponsor: nothing gets wider."""
    assert owner in may_stop(ROOT.data, "triage")
    verdict = judged(stop_plan(owner=owner), signer)
    assert verdict.verified is not None, verdict.refusals


def test_an_author_of_the_configuration_may_stop() -> None:
    found = Authorship((Exclusion("alice", "author"),), ("an unsigned commit",))
    assert judged(stop_plan(), "alice", authorship=found).verified is not None


def test_nobody_elses_word_does() -> None:
    for signer in ("carol", "erin", "mallory"):
        assert judged(stop_plan(), signer).verified is None
    assert judged(stop_plan()).verified is None


def test_the_agents_own_owner_counts_not_another_agents() -> None:
    other = RootOwner("x", "x@acme.example", ("identity",), (), ("bob",), 1, None)
    data = s.root_data(owners={**s.root_data().owners, "other": other})
    assert "other" not in {name for _, name in may_stop(data, "triage")}
    assert judged(stop_plan(owner=("identity", "other")), "bob").verified is None


def document(*statements: Any) -> dict[str, Any]:
    return {"role_arn": ARN, "document": {"Version": "2012-10-17", "Statement": list(statements)}}


OLDER, ALL = stop_document(AT)["Statement"]
NEXT = RootChange(2, to_builtins(ROOT.data), "sha256:" + "0" * 64)
WARNING = Finding("PRV-5", Level.WARN, "tool_access", "agent.triage", "m", "f", "triage", (1,))
OTHER = policy(number=2, agent="other", address=Address("aws", s.ACCOUNT, "iam_role_policy", f"other/{POLICY}"))
SPOILED: dict[str, Callable[[], Plan]] = {
    "a grant besides": lambda: stop_plan(policy(), replace(s.GRANT, number=2)),
    "a role besides": lambda: stop_plan(policy(), replace(s.ROLE, number=2)),
    "another agent besides": lambda: stop_plan(policy(), OTHER),
    "a new trust root": lambda: stop_plan(next_root=NEXT),
    "findings": lambda: stop_plan(findings=(WARNING,)),
    "tests": lambda: stop_plan(tests=TestSummary(passed=1)),
    "exclusions": lambda: stop_plan(exclusions=(Exclusion("bob", "author"),)),
    "unknown authors": lambda: stop_plan(unknown_authors=("x",)),
    "the whole workspace": lambda: stop_plan(scope=()),
    "another scope": lambda: stop_plan(scope=("agent.other",)),
    "what a configuration declares": lambda: stop_plan(declared=Declared({}, (), {}, {})),
    "called wider": lambda: stop_plan(policy(effect=Effect.WIDER)),
    "called unknown": lambda: stop_plan(policy(effect=Effect.UNKNOWN)),
    "with something that it can": lambda: stop_plan(policy(can=("read",))),
    "an allow": lambda: stop_plan(policy(after=document(OLDER, ALL, ALLOW))),
    "an allow instead": lambda: stop_plan(policy(after=document(OLDER, {**ALL, "Effect": "Allow"}))),
    "older sessions only": lambda: stop_plan(policy(after=document(OLDER))),
    "no older sessions": lambda: stop_plan(policy(after=document(ALL))),
    "some actions": lambda: stop_plan(policy(after=document(OLDER, {**ALL, "Action": ["s3:*"]}))),
    "some resources": lambda: stop_plan(policy(after=document(OLDER, {**ALL, "Resource": ["arn:aws:s3:::a"]}))),
    "under a condition": lambda: stop_plan(
        policy(after=document(OLDER, {**ALL, "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}}))
    ),
    "of an older language": lambda: stop_plan(
        policy(after={"role_arn": ARN, "document": {**stop_document(AT), "Version": "2008-10-17"}})
    ),
    "more than a policy": lambda: stop_plan(policy(after={**document(OLDER, ALL), "x": 1})),
    "under another name": lambda: stop_plan(
        policy(address=Address("aws", s.ACCOUNT, "iam_role_policy", f"{ROLE}/triage"))
    ),
    "taken away": lambda: stop_plan(
        policy(action=Action.DELETE, before=policy().after, after=None),
    ),
    "nothing": lambda: replace(stop_plan(), changes=(), operations=()),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_does_more_than_stop_is_no_stop(name: str) -> None:
    plan = SPOILED[name]()
    assert stopped_agent(plan, PROVIDERS) is None
    assert judged(plan, "alice").verified is None


def test_the_owner_that_is_asked_and_the_part_are_the_roots() -> None:
    plan = stop_plan()
    (need,) = plan.requirements
    for wrong in (
        replace(need, threshold=0),
        replace(need, owner="security"),
        replace(need, surface="governance"),
        replace(need, changes=()),
        replace(need, accept=("TRI-1 x",)),
        replace(need, part="sha256:" + "0" * 64),
    ):
        assert judged(replace(plan, requirements=(wrong,)), "alice", "tom").verified is None
    assert judged(replace(plan, requirements=()), "alice").verified is None
    assert judged(replace(plan, requirements=(need, need)), "alice").verified is None


def test_a_call_that_does_something_else_is_refused() -> None:
    plan = stop_plan()
    (operation,) = plan.operations
    text = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
    for wrong in (
        replace(operation, params={**operation.params, "PolicyDocument": text}),
        replace(operation, params={**operation.params, "RoleName": "other"}),
        replace(operation, params={**operation.params, "PolicyName": "other"}),
        replace(operation, verb="iam:PutUserPolicy"),
    ):
        spoiled = replace(
            plan, operations=(wrong,), requirements=(stop_requirement(("identity", "iam"), plan.changes, (wrong,)),)
        )
        assert {"E-OPERATIONS"} <= {refusal.code for refusal in judged(spoiled, "alice").refusals}


def test_without_a_provider_that_can_say_so_nothing_is_a_stop() -> None:
    assert stopped_agent(stop_plan(), None) is None
    assert stopped_agent(stop_plan(), {"aws": s.Cloud()}) is None  # type: ignore[dict-item]


@settings(max_examples=60, deadline=None)
@given(st.datetimes().map(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}Z".zfill(20)))
def test_stop_and_stops_agree_for_any_time(at: str) -> None:
    assert stops(policy(after={"role_arn": ARN, "document": stop_document(at)}))


@pytest.mark.parametrize("at", ["", "2026-11-23", "2026-11-23T11:30:00+00:00", "2026-11-23T11:30:00Z\n", "*"])
def test_a_loose_time_is_none(at: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        stop_document(at)


def test_only_what_signed_plans_gave_to_the_agent_is_stopped() -> None:
    """An agent's owner who writes another role's name into the plan stops nothing by their word alone."""
    role = Address("aws", s.ACCOUNT, "iam_role", ROLE)
    past = Past(agents={role: "triage", Address("aws", s.ACCOUNT, "iam_role", "acme-admin"): "other"})
    assert of_stop(ROOT.data, stop_plan(), PROVIDERS, past) is not None
    for name in ("acme-admin", "nobodys-role", f"{ROLE}2"):
        arn = f"arn:aws:iam::{s.ACCOUNT}:role/{name}"
        forged = policy(
            address=Address("aws", s.ACCOUNT, "iam_role_policy", f"{name}/{POLICY}"),
            after={"role_arn": arn, "document": stop_document(AT)},
        )
        assert of_stop(ROOT.data, stop_plan(forged), PROVIDERS, past) is None
    assert of_stop(ROOT.data, stop_plan(), PROVIDERS, Past(agents={role: "other"})) is None
