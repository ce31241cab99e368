"""Apply: what it does, what it refuses, what it says."""

from __future__ import annotations

import copy
import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from provisioner.applying import executor
from provisioner.applying.result import Phase
from provisioner.ledger import lease, replay, views
from provisioner.ledger.entries import Kind
from provisioner.ledger.errors import LeaseHeld, LedgerError
from provisioner.ledger.log import Ledger
from provisioner.model.changes import Status
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.plan import ResourceState
from provisioner.model.resources import Gap, Mark
from provisioner.sdk.errors import CloudError, ProceedError


def ids(results: Any) -> list[str]:
    return [result.operation.id for result in results]


def test_a_whole_plan_in_its_order(scene: Any) -> None:
    seen = []
    result = scene.apply(progress=seen.append)
    assert result.complete
    assert result.stopped is None and result.problems == ()
    assert scene.as_signed
    assert scene.cloud.writes == [operation.id for operation in scene.plan.operations]
    assert ids(result.done) == ids(result.changed) == scene.cloud.writes
    assert not (result.already or result.failed or result.conflicts or result.skipped or result.unknown)
    finished = [step.operation.id for step in seen if step.phase is Phase.FINISHED]
    assert finished == scene.cloud.writes
    assert {(step.total, step.status) for step in seen if step.phase is Phase.FINISHED} == {(7, Status.DONE)}


def test_what_the_ledger_then_says(scene: Any) -> None:
    scene.apply()
    history = Ledger.open(scene.store, "acme").history
    digest = views.published(history)[0]
    kinds = [entry.kind.value for entry in history]
    assert kinds == ["root", "plan", "lease", *["intent", "outcome"] * 7, "root", "consumed", "lease"]
    assert views.open_intents(history, digest) == ()
    assert views.base(history) == kinds.index("consumed") + 1
    last, root = views.last_consumed(history), views.root_in_force(history)
    assert last is not None and last.plan == digest
    assert root is not None and (root.version, root.plan, root.digest) == (2, digest, "sha256:root2")
    state = lease.lease_state(Ledger.open(scene.store, "acme"))
    assert state is not None and not state.active(scene.clock())
    signed = replay.signed_state(history)
    assert {where: item.attributes for where, item in signed.items() if item.attributes is not None} == {
        change.address: change.after for change in scene.plan.changes if change.after is not None
    }


@pytest.mark.parametrize("intruder", ["a plan", None, "a plan file"])
def test_only_a_verified_plan_gets_in(scene: Any, kit: Any, intruder: str | None) -> None:
    things = {"a plan": scene.plan, None: None, "a plan file": kit.verified(scene.plan).planfile}
    with pytest.raises(TypeError, match="VerifiedPlan"):
        executor.apply(things[intruder], {"fake": scene.writer}, scene.ledger, kinds=kit.KINDS)
    assert scene.cloud.writes == []


def test_a_look_alike_does_not_get_in(scene: Any, kit: Any) -> None:
    class Forged(type(kit.verified(scene.plan))):  # type: ignore[misc]
        pass

    forged = object.__new__(Forged)
    object.__setattr__(forged, "planfile", kit.verified(scene.plan).planfile)
    with pytest.raises(TypeError, match="VerifiedPlan"):
        executor.apply(forged, {"fake": scene.writer}, scene.ledger, kinds=kit.KINDS)


def test_a_plan_under_another_digest_does_not_get_in(scene: Any, kit: Any) -> None:
    file = kit.verified(scene.plan).planfile
    other = dataclasses.replace(scene.plan, base=7)
    broken = kit.sealed(dataclasses.replace(file, plan=other))
    with pytest.raises(DiagnosticError, match="not the plan that its digest names"):
        executor.apply(broken, {"fake": scene.writer}, scene.ledger, kinds=kit.KINDS, terms=scene.terms())


def test_a_plan_is_applied_once(scene: Any) -> None:
    scene.apply()
    with pytest.raises(DiagnosticError) as caught:
        scene.apply()
    assert caught.value.diagnostics[0].code == "E-APPLIED"


def test_an_unpublished_plan_is_refused(scene: Any) -> None:
    with pytest.raises(DiagnosticError) as caught:
        scene.apply(dataclasses.replace(scene.plan, solo=True))
    assert caught.value.diagnostics[0].code == "E-UNPUBLISHED"


def test_a_plan_on_an_older_base_is_refused(scene: Any) -> None:
    other = dataclasses.replace(scene.plan, solo=True)
    scene.publish(other)
    scene.apply()
    with pytest.raises(DiagnosticError) as caught:
        scene.apply(other)
    assert caught.value.diagnostics[0].code == "E-STALE"


def test_a_plan_judged_by_another_root_is_refused(scene: Any) -> None:
    other = dataclasses.replace(scene.plan, root=dataclasses.replace(scene.plan.root, digest="sha256:mine"))
    scene.publish(other)
    with pytest.raises(DiagnosticError) as caught:
        scene.apply(other)
    assert caught.value.diagnostics[0].code == "E-ROOT"


def odd_kind(thing: Any) -> Any:
    return dataclasses.replace(thing, address=dataclasses.replace(thing.address, kind="mystery"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: {"operations": (*plan.operations, plan.operations[0])}, "stands in it twice"),
        (lambda plan: {"operations": plan.operations[::-1]}, "before one that it depends on"),
        (lambda plan: {"changes": plan.changes[1:]}, "carries out no change"),
        (lambda plan: {"targets": ()}, "none of its targets"),
        (
            lambda plan: {"worlds": (dataclasses.replace(plan.worlds[0], resources=(ResourceState("x", "", ""),)),)},
            "no address",
        ),
        (
            lambda plan: {
                "operations": tuple(odd_kind(op) for op in plan.operations),
                "changes": tuple(odd_kind(c) for c in plan.changes),
            },
            "is on a mystery",
        ),
        (
            lambda plan: {
                "changes": (*plan.changes, dataclasses.replace(plan.changes[0], number=99)),
                "operations": (*plan.operations, dataclasses.replace(plan.operations[0], id="99.1", change=99)),
            },
            "two of its changes",
        ),
        (lambda plan: {"next_root": dataclasses.replace(plan.next_root, version=5)}, "cannot follow version 1"),
    ],
)
def test_a_plan_that_cannot_be_carried_out(scene: Any, change: Any, words: str) -> None:
    plan = dataclasses.replace(scene.plan, **change(scene.plan))
    scene.publish(plan)
    with pytest.raises(DiagnosticError, match=words):
        scene.apply(plan)
    assert scene.cloud.writes == []


def test_root_operations(scene: Any, kit: Any) -> None:
    where = dataclasses.replace(scene.plan.operations[0].address, provider="provisioner", kind="trust_root")
    put = dataclasses.replace(
        scene.plan.operations[0], id="r.1", change=0, address=where, verb="ledger:PutRoot", depends=("1.1",)
    )
    plan = dataclasses.replace(scene.plan, operations=(*scene.plan.operations, put))
    scene.publish(plan)
    for broken, words in (
        (dataclasses.replace(plan, next_root=None), "a trust root that it does not hold"),
        (dataclasses.replace(plan, operations=(dataclasses.replace(put, verb="ledger:Forget"),)), "no such operation"),
        (
            dataclasses.replace(
                plan,
                operations=(
                    dataclasses.replace(put, depends=()),
                    *(dataclasses.replace(o, depends=("r.1",)) for o in scene.plan.operations),
                ),
            ),
            "which comes last",
        ),
    ):
        scene.publish(broken)
        with pytest.raises(DiagnosticError, match=words):
            scene.apply(broken)
    result = scene.apply(plan)
    assert result.complete
    assert ids(result.done)[-1] == "r.1"


def test_a_provider_that_is_missing(scene: Any, kit: Any) -> None:
    with pytest.raises(DiagnosticError, match="needs the provider 'fake'"):
        executor.apply(kit.verified(scene.plan), {}, scene.ledger, kinds=kit.KINDS)


def test_a_cloud_that_is_not_there_stops_before_the_lease(scene: Any) -> None:
    scene.writer.unreachable = True
    with pytest.raises(CloudError):
        scene.apply()
    assert not scene.ledger.history.of(Kind.LEASE)


def test_a_failed_call_stops_what_depends_on_it(scene: Any) -> None:
    tags = next(op for op in scene.plan.operations if op.address.name == "old" and op.fields == ("tags",))
    trust = next(op for op in scene.plan.operations if op.fields == ("trust",))
    scene.writer.answers[tags.id] = Status.FAILED
    result = scene.apply()
    assert not result.complete and result.stopped is None
    assert ids(result.failed) == [tags.id]
    assert result.failed[0].detail == "AccessDenied"
    assert ids(result.skipped) == [trust.id]
    assert len(result.done) == 5, "what is independent goes on"
    assert scene.ledger.history.of(Kind.CONSUMED) == []
    assert len(views.roots(scene.ledger.history)) == 1
    scene.writer.answers.clear()
    again = scene.apply()
    assert again.complete and scene.as_signed
    assert ids(again.done) == [tags.id, trust.id]
    assert len(again.already) == 5


def test_a_call_without_an_answer_is_unknown_and_settled_by_reading(scene: Any) -> None:
    operation = scene.plan.operations[1]
    scene.writer.answers[operation.id] = Status.UNKNOWN
    result = scene.apply()
    assert ids(result.unknown) == [operation.id]
    assert not result.complete
    scene.writer.answers.clear()
    again = scene.apply()
    assert again.complete and scene.as_signed
    assert operation.id in ids(again.already)
    assert scene.cloud.writes.count(operation.id) == 1


def mutate(scene: Any, kit: Any, what: str) -> None:
    live = scene.cloud.resources
    if what == "an extra grant":
        extra = kit.grant("old", "admin", "everything")
        live[extra.address] = extra
    elif what == "a changed trust":
        live[kit.address("role", "old")] = kit.role("old", "mallory")
    elif what == "a grant that is gone":
        del live[kit.address("grant", "old/reads")]
    elif what == "done by hand":
        live[kit.address("grant", "old/reads")] = kit.grant("old", "reads", "more")
    elif what == "another boundary":
        live[kit.address("policy", "loose")] = kit.policy("loose", "everything")
        live[kit.address("role", "old")] = kit.role("old", "nobody", boundary="loose")


WHAT = ["an extra grant", "a changed trust", "a grant that is gone", "done by hand", "another boundary"]


@pytest.mark.parametrize("what", WHAT)
def test_an_agent_that_was_changed_out_of_band_is_left_alone(scene: Any, kit: Any, what: str) -> None:
    mutate(scene, kit, what)
    before = dict(scene.cloud.resources)
    result = scene.apply()
    assert not result.complete
    assert [problem.agent for problem in result.problems] == ["old"]
    assert result.problems[0].readable and not result.problems[0].final
    old = {kit.address("role", "old")} | {a for a in before if a.name.startswith("old/")}
    assert {a: scene.cloud.resources.get(a) for a in old} == {a: before.get(a) for a in old}
    assert all(r.status in (Status.CONFLICT, Status.SKIPPED) for r in result.operations if r.operation.agent == "old")


def test_independent_agents_go_on(scene: Any, kit: Any) -> None:
    """Without the shared boundary in the plan, the other agent's part is done."""
    before = kit.world(kit.policy("limit", "narrow"), kit.role("a", "x"), kit.role("b", "x"))
    after = kit.world(kit.policy("limit", "narrow"), kit.role("a", "y"), kit.role("b", "y"))
    plan = kit.make_plan(
        before, after, [(kit.address("role", "a"), ("trust",)), (kit.address("role", "b"), ("trust",))]
    )
    scene.publish(plan)
    scene.cloud.resources = {**before, **kit.world(kit.grant("a", "admin", "everything"))}
    result = scene.apply(plan)
    assert ids(result.conflicts) == ["1.1"]
    assert ids(result.done) == ["2.1"]
    assert "a/admin is there, and the signed plan does not know it" in result.problems[0].lines[0]


def test_observed_resources_do_not_count(scene: Any, kit: Any) -> None:
    key = kit.Resource(kit.address("key", "old/AKIA"), {"status": "Active"}, "old")
    scene.cloud.resources[key.address] = key
    assert scene.apply().complete


def test_a_change_between_check_and_call_is_a_conflict(scene: Any, kit: Any) -> None:
    def meddle(what: str) -> None:
        if what == f"execute {scene.plan.operations[3].id}":
            scene.cloud.resources[kit.address("role", "old")] = kit.role("old", "nobody", tags="theirs")

    scene.cloud.step = meddle
    result = scene.apply()
    assert ids(result.conflicts)[0] == scene.plan.operations[3].id
    assert "was changed by somebody else" in result.problems[0].lines[0]
    assert not result.complete


def test_a_change_after_the_last_operation_is_found(scene: Any, kit: Any) -> None:
    last = scene.plan.operations[-1].id

    def meddle(what: str) -> None:
        if what == f"written {last}":
            extra = kit.grant("old", "admin", "everything")
            scene.cloud.resources[extra.address] = extra

    scene.cloud.step = meddle
    result = scene.apply()
    assert not result.complete
    assert [(problem.agent, problem.final) for problem in result.problems] == [("old", True)]
    assert not scene.ledger.history.of(Kind.CONSUMED)
    assert len(views.roots(scene.ledger.history)) == 1
    del scene.cloud.resources[kit.address("grant", "old/admin")]
    scene.cloud.step = lambda what: None
    assert scene.apply().complete


def test_a_world_that_shows_late_is_looked_at_again(scene: Any, kit: Any) -> None:
    extra = kit.grant("old", "ghost", "stale")
    scene.cloud.resources[extra.address] = extra

    def settle(what: str) -> None:
        if what == "read" and len(scene.writer.reads) == 2:
            scene.cloud.resources.pop(extra.address, None)

    scene.cloud.step = settle
    assert scene.apply().complete


@pytest.mark.parametrize("agents", [("old",), ()])
def test_what_could_not_be_read_is_never_taken_as_signed(scene: Any, agents: tuple[str, ...]) -> None:
    scene.writer.gaps = (Gap("fake", "111122223333", "policies", "AccessDenied", "iam:List", agents),)
    result = scene.apply()
    assert not result.complete
    assert not result.problems[0].readable
    assert "it takes iam:List" in result.problems[0].lines[0]
    old = [r for r in result.operations if r.operation.agent == "old"]
    assert {r.status for r in old} <= {Status.FAILED, Status.SKIPPED}


def test_a_cloud_that_goes_away_in_between(scene: Any) -> None:
    def away(what: str) -> None:
        if what.startswith("written"):
            scene.writer.unreachable = True

    scene.cloud.step = away
    result = scene.apply()
    assert 1 <= len(result.done) < 7 and not result.complete
    assert result.problems and all(not problem.readable for problem in result.problems)
    scene.cloud.step = lambda what: None
    scene.writer.unreachable = False
    assert scene.apply().complete


def test_recheck_stops_before_the_next_write(scene: Any) -> None:
    def recheck(ledger: Ledger) -> None:
        if len(scene.cloud.writes) == 2:
            raise ProceedError("bob has rejected this plan")

    result = scene.apply(recheck=recheck)
    assert len(scene.cloud.writes) == 2
    assert result.stopped is not None and "bob has rejected this plan" in result.stopped.summary
    assert len(result.skipped) == 5
    assert not result.complete


def test_recheck_between_intent_and_write(scene: Any) -> None:
    def recheck(ledger: Ledger) -> None:
        if ledger.history[-1].kind is Kind.INTENT and len(scene.cloud.writes) == 1:
            raise ProceedError("the sign-off ran out")

    result = scene.apply(recheck=recheck)
    assert len(scene.cloud.writes) == 1
    assert result.stopped is not None
    assert result.unknown == (), "the call was never started"
    again = scene.apply()
    assert again.complete and scene.as_signed
    assert sorted(set(scene.cloud.writes)) == sorted(scene.cloud.writes)


def test_a_full_disk_after_a_call_loses_nothing(scene: Any, kit: Any) -> None:
    class Full(kit.MemoryStore):
        full = False

        def put_if_absent(self, name: str, data: bytes) -> bool:
            if self.full:
                raise LedgerError.because("E-LEDGER-WRITE", "the disk is full", "free some")
            return bool(super().put_if_absent(name, data))

    store = Full(scene.clock)
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, scene.plan)

    def fill(what: str) -> None:
        store.full = store.full or what == f"written {scene.plan.operations[2].id}"

    scene.cloud.step = fill
    result = scene.apply(ledger=ledger)
    assert ids(result.done) == [operation.id for operation in scene.plan.operations[:3]]
    assert result.stopped is not None and "the disk is full" in result.stopped.summary
    assert any("could not be released" in note for note in result.notes)
    store.full = False
    scene.cloud.step = lambda what: None
    again = scene.apply(ledger=ledger)
    assert again.complete and scene.as_signed
    assert len(scene.cloud.writes) == 7


def test_a_sign_off_that_ends_with_the_last_operation_does_not_keep_a_plan_open(scene: Any) -> None:
    def recheck(ledger: Ledger) -> None:
        if len(scene.cloud.writes) == 7:
            raise ProceedError("the sign-off ran out")

    assert not scene.apply(recheck=recheck).complete, "a new trust root still needs it"
    plain = dataclasses.replace(scene.plan, next_root=None)
    scene.cloud.resources, scene.cloud.writes = dict(scene.before), []
    scene.publish(plain)
    assert scene.apply(plain, recheck=recheck).complete


def test_a_ledger_that_fails_between_two_tries_of_a_call(scene: Any, kit: Any) -> None:
    class Away(kit.MemoryStore):
        away = False

        def get(self, name: str) -> Any:
            if self.away:
                raise LedgerError.because("E-LEDGER-READ", "the ledger is away", "bring it back")
            return super().get(name)

    store = Away(scene.clock)
    ledger = Ledger.open(store, "acme")
    kit.publish(ledger, scene.plan)

    class Retrying(kit.FakeWriter):
        def execute(self, operation: Any, proceed: Any) -> Any:
            proceed()
            store.away = True
            proceed()

    scene.writer = Retrying(scene.cloud)
    result = scene.apply(ledger=ledger)
    assert ids(result.unknown) == ["1.1"]
    assert result.stopped is not None and "the ledger is away" in result.stopped.summary


def test_the_lease_is_released_on_the_way_out_of_an_error(scene: Any) -> None:
    def interrupt(what: str) -> None:
        if what.startswith("write"):
            raise KeyboardInterrupt

    scene.cloud.step = interrupt
    with pytest.raises(KeyboardInterrupt):
        scene.apply()
    state = lease.lease_state(scene.ledger)
    assert state is not None and not state.active(scene.clock())
    scene.cloud.step = lambda what: None
    assert scene.apply(terms=scene.terms(patience=timedelta(0))).complete


def test_deleting_a_principal_takes_a_record(scene: Any, kit: Any) -> None:
    before = kit.world(kit.policy("limit", "x"), kit.role("gone", "x"), kit.grant("gone", "reads", "x"))
    after = kit.world(kit.policy("limit", "x"))
    steps = [(kit.address("grant", "gone/reads"), ("document",)), (kit.address("role", "gone"), kit.ROLE_FIELDS)]
    made = kit.make_plan({}, before, [(kit.address("policy", "limit"), ("document", "tags")), *steps[::-1]])
    scene.cloud.resources = {**before}
    plan = kit.make_plan(before, after, steps)
    scene.publish(plan)
    with pytest.raises(DiagnosticError) as caught:
        scene.apply(plan)
    assert [problem.code for problem in caught.value.diagnostics] == ["E-NOT-OURS"]
    assert scene.cloud.writes == []
    scene.cloud.resources.clear()
    scene.publish(made)
    assert scene.apply(made).complete
    plan = dataclasses.replace(plan, base=views.base(scene.ledger.history))
    scene.publish(plan)
    with pytest.raises(DiagnosticError, match="no record says that we made it"):
        scene.apply(plan, counts=lambda digest: False)  # a record of plans that nobody signed is none
    assert scene.apply(plan, counts=lambda digest: True).complete
    assert set(scene.cloud.resources) == {kit.address("policy", "limit")}
    again = dataclasses.replace(plan, base=views.base(scene.ledger.history))
    scene.cloud.resources.update(before)
    scene.publish(again)
    with pytest.raises(DiagnosticError, match="no record says that we made it"):
        scene.apply(again)


def test_deleting_a_shared_resource_takes_a_record_and_the_mark(scene: Any, kit: Any) -> None:
    where = kit.address("policy", "spare")
    both = kit.world(kit.policy("spare", "x"))
    fields = ("document", "tags")
    scene.cloud.resources = {}
    made = kit.make_plan({}, both, [(where, fields)])
    scene.publish(made)
    assert scene.apply(made).complete
    plan = kit.make_plan(both, {}, [(where, fields)], base=views.base(scene.ledger.history))
    scene.publish(plan)
    for mark in (None, Mark("other", None, "x")):
        scene.cloud.resources[where] = dataclasses.replace(both[where], mark=mark)
        result = scene.apply(plan)
        assert ids(result.conflicts) == ["1.1"]
        assert "this workspace's mark" in result.conflicts[0].detail
    scene.cloud.resources[where] = both[where]
    assert scene.apply(plan).complete
    assert scene.cloud.resources == {}


def test_an_empty_plan_is_consumed(scene: Any, kit: Any) -> None:
    plan = kit.make_plan(scene.before, scene.before, [])
    scene.publish(plan)
    assert scene.apply(plan).complete
    assert views.base(scene.ledger.history) > 0


def test_two_appliers_one_waits_then_finds_it_applied(scene: Any) -> None:
    other = Ledger.open(scene.store, "acme")
    outcomes = []

    def second(what: str) -> None:
        if what == "write 1.1":
            scene.cloud.step = lambda what: None
            with pytest.raises(LeaseHeld) as caught:
                scene.apply(ledger=other, terms=scene.terms(patience=timedelta(0)))
            outcomes.append(caught.value.diagnostics[0])

    scene.cloud.step = second
    assert scene.apply(terms=scene.terms(holder="ann@ci")).complete
    assert outcomes[0].code == "E-LEASE" and "ann@ci" in outcomes[0].summary
    with pytest.raises(DiagnosticError) as caught:
        scene.apply(ledger=other)
    assert caught.value.diagnostics[0].code == "E-APPLIED"
    assert len(scene.cloud.writes) == 7


@pytest.mark.parametrize("moment", ["before the call", "before the answer is recorded"])
def test_a_paused_holder_who_wakes_after_a_takeover_is_fenced(scene: Any, moment: str) -> None:
    other = Ledger.open(scene.store, "acme")
    woken = []

    def pause(what: object) -> None:
        if woken or (moment != "before the call" and what != "written 1.1"):
            return
        woken.append(what)
        scene.clock.forward(3600)
        assert scene.apply(ledger=other).complete

    if moment == "before the call":
        scene.writer.before_write = pause
    else:
        scene.cloud.step = pause
    result = scene.apply()
    assert woken
    assert result.stopped is not None and "took over" in result.stopped.summary
    assert not result.complete
    assert scene.as_signed
    assert sorted(scene.cloud.writes) == sorted(operation.id for operation in scene.plan.operations)


def test_a_paused_holder_is_stopped_even_when_nobody_took_over(scene: Any) -> None:
    scene.writer.before_write = lambda operation: scene.clock.forward(3600)
    result = scene.apply()
    assert scene.cloud.writes == []
    assert result.stopped is not None and "ran out" in result.stopped.summary
    scene.writer.before_write = None
    assert scene.apply().complete


def test_a_long_apply_renews_its_lease(scene: Any) -> None:
    scene.writer.before_write = lambda operation: scene.clock.forward(45)
    assert scene.apply().complete
    assert len(scene.ledger.history.of(Kind.LEASE)) > 3


def test_a_crashed_runs_lease_is_waited_out(scene: Any) -> None:
    lease.acquire(scene.ledger, "sha256:x", "crashed", now=scene.clock)
    seen = []
    start = scene.clock()
    assert scene.apply(progress=seen.append).complete
    assert seen[0].phase is Phase.WAITING and seen[0].detail == "crashed"
    assert timedelta(seconds=59) < scene.clock() - start < timedelta(seconds=70)


def test_forged_outcomes_do_not_pass_for_done(scene: Any) -> None:
    """Whoever can write to the ledger can say that an operation is done; the cloud says that it is not."""
    digest = views.published(scene.ledger.history)[0]
    for operation in scene.plan.operations:
        body = {"plan": digest, "operation": operation.id, "status": "done", "detail": "", "live": operation.after}
        scene.ledger.append(Kind.OUTCOME, body)
    result = scene.apply()
    assert not result.complete
    assert {problem.agent for problem in result.problems} == {"old", "new", "quiet"}


def test_an_outcome_for_an_operation_that_is_not_there(scene: Any) -> None:
    digest = views.published(scene.ledger.history)[0]
    scene.ledger.append(Kind.OUTCOME, {"plan": digest, "operation": "9.9", "status": "done", "detail": "", "live": ""})
    with pytest.raises(LedgerError, match=r"operation '9\.9'"):
        scene.apply()
    assert scene.cloud.writes == []


def test_a_resource_in_the_middle_of_its_operations_is_held_to_both(scene: Any, kit: Any) -> None:
    """After the first of two calls on a role, a change to a field of either kind is still found on resume."""
    tags, trust = (op for op in scene.plan.operations if op.address == kit.address("role", "old"))

    def stop(ledger: Ledger) -> None:
        if tags.id in scene.cloud.writes:
            raise ProceedError("enough")

    assert scene.apply(recheck=stop).stopped is not None
    role = kit.address("role", "old")
    good = scene.cloud.resources[role]
    for field in ("tags", "trust", "boundary"):
        broken = {**good.attributes, field: "nobody's"}
        scene.cloud.resources[role] = dataclasses.replace(good, attributes=broken)
        scene.apply(recheck=stop)
        result = copy.copy(scene.apply(recheck=lambda ledger: None))
        assert not result.complete, field
        assert trust.id not in scene.cloud.writes
        scene.cloud.resources[role] = good
    assert scene.apply().complete
    assert scene.as_signed
