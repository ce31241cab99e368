"""What the entries say."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner import planfile
from provisioner.ledger import replay, views
from provisioner.ledger.entries import Entry, Kind, entry_name
from provisioner.ledger.errors import LedgerError
from provisioner.ledger.local import LocalStore
from provisioner.ledger.log import Ledger
from provisioner.model.changes import ABSENT, Action, Change, Effect, Operation, Status, Surface
from provisioner.model.findings import TestSummary
from provisioner.model.plan import Plan, PlanNotes, RootChange, RootReference
from provisioner.model.resources import Address
from provisioner.sdk.digests import state_digest

ROLE = Address("fake", "1", "role", "a")
Attributes = Mapping[str, Any] | None


def make_plan(before: Attributes, after: Attributes, *fields: tuple[str, ...], **extra: Any) -> Plan:
    """A plan with one change and one operation for each group of fields."""
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    change = Change(
        number=1,
        action=action,
        address=ROLE,
        label="role a",
        agent="a",
        block="agent.a",
        surfaces=(Surface.IDENTITY,),
        owners={},
        effect=Effect.WIDER,
        can=(),
        cannot=(),
        reason="",
        before=before,
        after=after,
    )
    operations = tuple(
        Operation(f"1.{n}", 1, ROLE, "x:Y", {}, names, state_digest(before, names), state_digest(after, names))
        for n, names in enumerate(fields, start=1)
    )
    plan = Plan(
        workspace="acme",
        base=0,
        root=RootReference(1, "sha256:r1"),
        targets=(),
        scope=(),
        changes=(change,),
        operations=operations,
        worlds=(),
        agents=(),
        findings=(),
        tests=TestSummary(),
        requirements=(),
        exclusions=(),
        unknown_authors=(),
        gaps=(),
    )
    return dataclasses.replace(plan, **extra)


def publish(ledger: Ledger, plan: Plan) -> str:
    file = json.loads(planfile.encode(plan, PlanNotes()))
    ledger.append(Kind.PLAN, {"digest": file["digest"], "file": file})
    return str(file["digest"])


def outcome(ledger: Ledger, plan: str, operation: str, status: str = "done") -> Entry:
    ledger.append(Kind.INTENT, {"plan": plan, "operation": operation, "holder": "h"})
    body = {"plan": plan, "operation": operation, "status": status, "detail": "", "live": ""}
    return ledger.append(Kind.OUTCOME, body)


def root(ledger: Ledger, version: int, plan: str | None, data: dict[str, Any] | None = None) -> None:
    body = {"version": version, "data": data or {}, "digest": f"sha256:r{version}", "plan": plan}
    ledger.append(Kind.ROOT, body)


CREATE = make_plan(None, {"x": "1", "y": "1"}, ("x", "y"))
UPDATE = make_plan({"x": "1", "y": "1"}, {"x": "2", "y": "2"}, ("x",), ("y",))
DELETE = make_plan({"x": "2", "y": "2"}, None, ("x", "y"))


def test_an_empty_ledger(ledger: Ledger) -> None:
    history = ledger.history
    assert views.root_in_force(history) is None
    assert views.judging_root(history, "sha256:x") is None
    assert views.publication(history, "sha256:x") is None
    assert views.published(history) == ()
    assert views.base(history) == 0
    assert views.last_consumed(history) is None
    assert replay.signed_state(history) == {}
    assert replay.made(history) == frozenset()


def test_roots_follow_one_another(ledger: Ledger) -> None:
    root(ledger, 1, None)
    plan = publish(ledger, make_plan(None, {"x": "1"}, ("x",), next_root=RootChange(2, {"a": 1}, "sha256:r2")))
    assert views.judging_root(ledger.history, plan) == views.root_in_force(ledger.history)
    root(ledger, 2, plan, {"a": 1})
    in_force = views.root_in_force(ledger.history)
    assert in_force is not None and (in_force.version, in_force.plan, in_force.data) == (2, plan, {"a": 1})
    judging = views.judging_root(ledger.history, plan)
    assert judging is not None and judging.version == 1, (
        "an interrupted plan is still judged by the root before its own"
    )
    other = views.judging_root(ledger.history, "sha256:other")
    assert other is not None and other.version == 2


@pytest.mark.parametrize(
    ("version", "by", "data", "words"),
    [
        (3, "plan", {"a": 1}, "version 3 of the trust root, where 2"),
        (1, None, {}, "version 1 of the trust root, where 2"),
        (2, None, {"a": 1}, "comes from no plan"),
        (2, "sha256:nowhere", {"a": 1}, "was not published before it"),
        (2, "plan", {"a": 2}, "its data are not what the plan says"),
        (2, "plain", {"a": 1}, "made another, or none"),
    ],
)
def test_a_root_that_no_plan_made_is_refused(
    ledger: Ledger, version: int, by: str | None, data: dict[str, Any], words: str
) -> None:
    root(ledger, 1, None)
    plans = {
        "plan": publish(ledger, dataclasses.replace(CREATE, next_root=RootChange(2, {"a": 1}, "sha256:r2"))),
        "plain": publish(ledger, CREATE),
    }
    root(ledger, version, plans.get(by, by) if by else None, data)
    with pytest.raises(LedgerError) as caught:
        views.root_in_force(ledger.history)
    assert words in caught.value.diagnostics[0].detail.lower()


def test_publishing_again_does_not_renew_a_life(ledger: Ledger, clock: Any) -> None:
    start = clock()
    digest = publish(ledger, CREATE)
    clock.forward(86400)
    publish(ledger, CREATE)
    found = views.publication(ledger.history, digest)
    assert found is not None
    assert (found.since, found.entry.index) == (start, 1)
    assert views.published(ledger.history) == (digest,)


def test_touching_a_file_does_not_renew_a_life(folder: Path) -> None:
    ledger = Ledger.open(LocalStore.create(folder), "acme")
    digest = publish(ledger, CREATE)
    first = views.publication(ledger.history, digest)
    future = (datetime.now(UTC) + timedelta(days=30)).timestamp()
    os.utime(folder / entry_name(1), (future, future))
    again = views.publication(Ledger.open(LocalStore(folder), "acme").history, digest)
    assert first is not None and again is not None
    assert again.since - first.since < timedelta(seconds=1)


def test_a_publication_gives_the_plan(ledger: Ledger) -> None:
    digest = publish(ledger, CREATE)
    found = views.find_plan(ledger.history, digest)
    assert found.file().plan == CREATE
    assert found.short == digest[7:15]


def test_a_publication_under_another_digest_is_refused(ledger: Ledger) -> None:
    file = json.loads(planfile.encode(CREATE, PlanNotes()))
    ledger.append(Kind.PLAN, {"digest": "sha256:" + "0" * 64, "file": file})
    with pytest.raises(LedgerError) as caught:
        views.find_plan(ledger.history, "0000").file()
    assert "another plan than its digest" in caught.value.diagnostics[0].detail


def test_a_publication_of_no_plan_is_refused(ledger: Ledger) -> None:
    ledger.append(Kind.PLAN, {"digest": "sha256:" + "0" * 64, "file": {"format": "x"}})
    with pytest.raises(LedgerError) as caught:
        views.find_plan(ledger.history, "0000").file()
    assert "holds no plan" in caught.value.diagnostics[0].detail


def test_plans_are_found_by_the_beginning_of_their_digest(ledger: Ledger) -> None:
    digest = publish(ledger, CREATE)
    for text in (digest, digest[7:], digest[7:15], digest[7:11], digest[7:15].upper()):
        assert views.find_plan(ledger.history, text).digest == digest


@pytest.mark.parametrize("text", ["", "abc", "sha256:", "zzzz", "../../x"])
def test_what_names_no_plan(ledger: Ledger, text: str) -> None:
    digest = publish(ledger, CREATE)
    with pytest.raises(LedgerError) as caught:
        views.find_plan(ledger.history, text)
    (problem,) = caught.value.diagnostics
    assert problem.code == "E-PLAN-UNKNOWN"
    assert digest[7:15] in problem.detail


def test_what_names_several_plans(ledger: Ledger) -> None:
    file = json.loads(planfile.encode(CREATE, PlanNotes()))
    for end in "ab":
        ledger.append(Kind.PLAN, {"digest": "sha256:12345678" + end * 56, "file": file})
    with pytest.raises(LedgerError) as caught:
        views.find_plan(ledger.history, "12345678")
    (problem,) = caught.value.diagnostics
    assert problem.code == "E-PLAN-AMBIGUOUS"
    assert "12345678aaaaaaaa" in problem.detail and "12345678bbbbbbbb" in problem.detail
    assert views.find_plan(ledger.history, "12345678a").digest.endswith("a")


def test_signoffs_of_a_plan(ledger: Ledger) -> None:
    for number, plan in enumerate(["p", "q", "p"]):
        ledger.append(Kind.SIGNOFF, {"envelope": {"n": number}, "plan": plan})
    assert [entry.body["envelope"]["n"] for entry in views.signoffs(ledger.history, "p")] == [0, 2]


def test_base_is_the_last_consumption(ledger: Ledger) -> None:
    for plan in ("p", "q"):
        ledger.append(Kind.CONSUMED, {"plan": plan, "result": "complete"})
    last = views.last_consumed(ledger.history)
    assert last is not None and (last.plan, last.entry.index, views.base(ledger.history)) == ("q", 2, 2)
    first = views.consumed(ledger.history, "p")
    assert first is not None and first.index == 1
    assert views.consumed(ledger.history, "r") is None


@pytest.mark.parametrize(
    ("statuses", "settled", "is_open"),
    [
        (["done"], True, False),
        (["already"], True, False),
        (["failed"], False, True),
        (["unknown"], False, True),
        (["unknown", "already"], True, False),
    ],
)
def test_the_journal_of_an_operation(ledger: Ledger, statuses: list[str], settled: bool, is_open: bool) -> None:
    for status in statuses:
        outcome(ledger, "p", "1.1", status)
    outcome(ledger, "other", "1.1", "done")
    record = views.journal(ledger.history, "p")["1.1"]
    assert (record.status, record.settled, record.open) == (Status(statuses[-1]), settled, is_open)
    assert views.open_intents(ledger.history, "p") == (("1.1",) if is_open else ())


def test_an_intent_alone_is_open(ledger: Ledger) -> None:
    ledger.append(Kind.INTENT, {"plan": "p", "operation": "1.1", "holder": "h"})
    assert views.journal(ledger.history, "p") == {"1.1": views.Record("1.1", None, "", True)}


def test_an_outcome_of_no_known_status_is_refused(ledger: Ledger) -> None:
    outcome(ledger, "p", "1.1", "splendid")
    with pytest.raises(LedgerError, match="cannot be believed"):
        views.journal(ledger.history, "p")


def test_signed_state_follows_the_journal(ledger: Ledger) -> None:
    digest = publish(ledger, CREATE)
    assert replay.signed_state(ledger.history) == {}, "a plan that was not begun has changed nothing"
    entry = outcome(ledger, digest, "1.1")
    state = replay.signed_state(ledger.history)[ROLE]
    assert state.attributes == {"x": "1", "y": "1"}
    assert (state.agent, state.label, state.block, state.plan, state.entry) == ("a", "role a", "agent.a", digest, entry)
    digest = publish(ledger, UPDATE)
    outcome(ledger, digest, "1.1")
    assert replay.signed_state(ledger.history)[ROLE].attributes == {"x": "2", "y": "1"}
    outcome(ledger, digest, "1.2")
    outcome(ledger, digest, "1.2", "already")
    assert replay.signed_state(ledger.history)[ROLE].attributes == {"x": "2", "y": "2"}
    outcome(ledger, publish(ledger, DELETE), "1.1")
    assert replay.signed_state(ledger.history)[ROLE].attributes is None


def test_a_step_in_between_keeps_what_it_does_not_know(ledger: Ledger) -> None:
    """A tag call that leaves a middle state: neither end, so the field stays as it was signed before."""
    middle = dataclasses.replace(UPDATE.operations[0], after=state_digest({"x": "1.5"}, ("x",)))
    plan = dataclasses.replace(UPDATE, operations=(middle, UPDATE.operations[1]))
    digest = publish(ledger, plan)
    outcome(ledger, digest, "1.1")
    assert replay.signed_state(ledger.history)[ROLE].attributes == {"x": "1", "y": "1"}
    outcome(ledger, digest, "1.2")
    assert replay.signed_state(ledger.history)[ROLE].attributes == {"x": "2", "y": "2"}


@pytest.mark.parametrize("status", ["failed", "conflict", "unknown", "skipped"])
def test_what_did_not_happen_is_not_replayed(ledger: Ledger, status: str) -> None:
    outcome(ledger, publish(ledger, CREATE), "1.1", status)
    assert replay.signed_state(ledger.history) == {}
    assert not replay.made_by_us(ledger.history, ROLE)


def test_plans_that_do_not_count_are_left_out(ledger: Ledger) -> None:
    outcome(ledger, publish(ledger, CREATE), "1.1")
    assert replay.signed_state(ledger.history, counts=lambda digest: False) == {}
    assert not replay.made_by_us(ledger.history, ROLE, counts=lambda digest: False)


def test_what_we_made_until_we_delete_it(ledger: Ledger) -> None:
    for plan, ours in ((CREATE, True), (UPDATE, True), (DELETE, False)):
        outcome(ledger, publish(ledger, plan), "1.1")
        assert replay.made_by_us(ledger.history, ROLE) is ours
    assert DELETE.operations[0].after == ABSENT


def test_an_outcome_of_an_unknown_plan_or_operation_is_refused(ledger: Ledger) -> None:
    outcome(ledger, publish(ledger, CREATE), "7.7")
    with pytest.raises(LedgerError, match="cannot be believed"):
        replay.signed_state(ledger.history)
    other = Ledger.open(type(ledger.store)(), "acme")
    outcome(other, "sha256:nowhere", "1.1")
    with pytest.raises(LedgerError, match="cannot be believed"):
        replay.made(other.history)


class TestSeveralInOneEntry:
    """What a batch records: one entry for the intents, one for the outcomes."""

    OTHER = make_plan(None, {"x": "1", "y": "1"}, ("x",), ("y",))

    def test_each_counts_as_if_it_had_an_entry_of_its_own(self, ledger: Ledger) -> None:
        plan = publish(ledger, self.OTHER)
        ledger.append(Kind.INTENT, {"plan": plan, "operation": "1.1", "also": ["1.2"], "holder": "h"})
        assert views.open_intents(ledger.history, plan) == ("1.1", "1.2")
        also = [{"operation": "1.2", "status": "done", "detail": "late", "live": ""}]
        body = {"plan": plan, "operation": "1.1", "status": "done", "detail": "", "live": "", "also": also}
        ledger.append(Kind.OUTCOME, body)
        records = views.journal(ledger.history, plan)
        assert [(record.settled, record.open, record.detail) for record in records.values()] == [
            (True, False, ""),
            (True, False, "late"),
        ]
        assert replay.signed_state(ledger.history)[ROLE].attributes == {"x": "1", "y": "1"}

    def test_an_outcome_that_settles_nothing_leaves_only_its_own_open(self, ledger: Ledger) -> None:
        plan = publish(ledger, self.OTHER)
        ledger.append(Kind.INTENT, {"plan": plan, "operation": "1.1", "also": ["1.2"], "holder": "h"})
        also = [{"operation": "1.2", "status": "unknown", "detail": "", "live": ""}]
        body = {"plan": plan, "operation": "1.1", "status": "done", "detail": "", "live": "", "also": also}
        ledger.append(Kind.OUTCOME, body)
        assert views.open_intents(ledger.history, plan) == ("1.2",)

    @pytest.mark.parametrize(
        ("kind", "also"),
        [
            (Kind.INTENT, ["1.1"]),
            (Kind.INTENT, ["1.2", "1.2"]),
            (Kind.INTENT, [2]),
            (Kind.OUTCOME, ["1.2"]),
            (Kind.OUTCOME, [{"operation": "1.2"}]),
            (Kind.OUTCOME, [{"operation": "1.1", "status": "done", "detail": "", "live": ""}]),
            (Kind.OUTCOME, [{"operation": "1.2", "status": 1, "detail": "", "live": ""}]),
            (Kind.OUTCOME, [{"operation": "1.2", "status": "done", "detail": "", "live": "", "plan": "p"}]),
        ],
    )
    def test_other_shapes_are_no_entries(self, ledger: Ledger, kind: Kind, also: list[Any]) -> None:
        more = {"holder": "h"} if kind is Kind.INTENT else {"status": "done", "detail": "", "live": ""}
        with pytest.raises(LedgerError, match=f"Cannot record this {kind}"):
            ledger.append(kind, {"plan": "p", "operation": "1.1", **more, "also": also})

    def test_a_status_that_is_none_is_found_wherever_it_stands(self, ledger: Ledger) -> None:
        also = [{"operation": "1.2", "status": "fine", "detail": "", "live": ""}]
        body = {"plan": "p", "operation": "1.1", "status": "done", "detail": "", "live": "", "also": also}
        ledger.append(Kind.OUTCOME, body)
        with pytest.raises(LedgerError, match="Entry 1 of the ledger"):
            views.journal(ledger.history, "p")
