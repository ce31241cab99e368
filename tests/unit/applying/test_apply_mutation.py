"""Takes each guard of apply out, one at a time, and shows that something wrong then goes through.

A guard whose loss nobody notices is no guard: every one here has a scenario that must fail without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from provisioner.applying import executor, guards, inspect, journal, run, worlds
from provisioner.ledger import lease
from provisioner.ledger.entries import Kind
from provisioner.ledger.log import Ledger
from provisioner.model.changes import Status
from provisioner.model.diagnostics import DiagnosticError
from provisioner.model.resources import Gap
from provisioner.sdk.errors import ProceedError


def refused(scene: Any, plan: Any = None, **options: Any) -> bool:
    """Whether apply refuses before it writes anything."""
    try:
        scene.apply(plan, **options)
    except (DiagnosticError, TypeError):
        return scene.cloud.writes == []
    return False


def foreign_digest(scene: Any, kit: Any) -> bool:
    file = kit.verified(scene.plan).planfile
    other = dataclasses.replace(scene.plan, operations=scene.plan.operations[:1])
    broken = kit.sealed(dataclasses.replace(file, plan=other))
    try:
        executor.apply(broken, {"fake": scene.writer}, scene.ledger, kinds=kit.KINDS, terms=scene.terms())
    except DiagnosticError:
        return True
    return False


def look_alike(scene: Any, kit: Any) -> bool:
    class LookAlike:
        plan = scene.plan
        digest = kit.verified(scene.plan).digest

    try:
        executor.apply(LookAlike(), {"fake": scene.writer}, scene.ledger, kinds=kit.KINDS, terms=scene.terms())
    except TypeError:
        return True
    return False


def replayed(scene: Any, kit: Any) -> bool:
    """A consumed plan after its effect was reverted: the very thing that must not be applied again."""
    assert scene.apply().complete
    scene.cloud.writes.clear()
    scene.cloud.resources = dict(scene.before)
    return refused(scene)


def stale(scene: Any, kit: Any) -> bool:
    other = dataclasses.replace(scene.plan, solo=True, next_root=None)
    scene.publish(other)
    empty = kit.make_plan(scene.before, scene.before, [])
    scene.publish(empty)
    assert scene.apply(empty).complete
    return refused(scene, other)


def unpublished(scene: Any, kit: Any) -> bool:
    return refused(scene, dataclasses.replace(scene.plan, solo=True))


def other_root(scene: Any, kit: Any) -> bool:
    plan = dataclasses.replace(scene.plan, root=dataclasses.replace(scene.plan.root, digest="sha256:mine"))
    scene.publish(plan)
    return refused(scene, plan)


def outside_targets(scene: Any, kit: Any) -> bool:
    plan = dataclasses.replace(
        scene.plan, targets=(dataclasses.replace(scene.plan.targets[0], id="999988887777"),), solo=True
    )
    scene.publish(plan)
    return refused(scene, plan)


def never_made(scene: Any, kit: Any) -> bool:
    both = kit.world(kit.policy("spare", "x"))
    plan = kit.make_plan(both, {}, [(kit.address("policy", "spare"), ("document", "tags"))])
    scene.publish(plan)
    scene.cloud.resources = dict(both)
    return refused(scene, plan)


def not_marked(scene: Any, kit: Any) -> bool:
    where = kit.address("policy", "spare")
    both = kit.world(kit.policy("spare", "x"))
    made = kit.make_plan({}, both, [(where, ("document", "tags"))])
    scene.publish(made)
    scene.cloud.resources = {}
    assert scene.apply(made).complete
    plan = kit.make_plan(both, {}, [(where, ("document", "tags"))], base=len(scene.ledger.history) - 1)
    scene.publish(plan)
    scene.cloud.resources[where] = dataclasses.replace(both[where], mark=None)
    scene.apply(plan)
    return where in scene.cloud.resources


def world_before(scene: Any, kit: Any) -> bool:
    extra = kit.grant("old", "admin", "everything")
    scene.cloud.resources[extra.address] = extra
    scene.apply()
    return not any(
        operation.agent == "old" for operation in scene.plan.operations if operation.id in scene.cloud.writes
    )


def world_after(scene: Any, kit: Any) -> bool:
    last = scene.plan.operations[-1].id

    def meddle(what: str) -> None:
        if what == f"written {last}":
            extra = kit.grant("old", "admin", "everything")
            scene.cloud.resources[extra.address] = extra

    scene.cloud.step = meddle
    return not scene.apply().complete


def unread(scene: Any, kit: Any) -> bool:
    scene.writer.gaps = (Gap("fake", kit.TARGET, "policies", "AccessDenied"),)
    scene.apply()
    return scene.cloud.writes == []


def rejected(scene: Any, kit: Any) -> bool:
    def recheck(ledger: Ledger) -> None:
        if ledger.history[-1].kind is Kind.INTENT:
            raise ProceedError("rejected")

    scene.apply(recheck=recheck)
    return scene.cloud.writes == []


def asleep(scene: Any, kit: Any) -> bool:
    scene.writer.before_write = lambda operation: scene.clock.forward(3600)
    scene.apply()
    return scene.cloud.writes == []


def taken_over(scene: Any, kit: Any) -> bool:
    """Somebody takes over between this run's check and its next intent; the sleeper may not record or start more."""
    other = Ledger.open(scene.store, "acme")

    def takeover(what: str) -> None:
        if what == "written 1.1":
            scene.cloud.step = lambda what: None
            scene.clock.forward(3600)
            lease.acquire(other, "sha256:other", "other", now=scene.clock)

    scene.cloud.step = takeover
    result = scene.apply()
    return result.stopped is not None and scene.cloud.writes == ["1.1"]


def one_at_a_time(scene: Any, kit: Any) -> bool:
    lease.acquire(scene.ledger, "sha256:other", "other", now=scene.clock)
    try:
        scene.apply(terms=scene.terms(patience=kit.timedelta(0)))
    except lease.LeaseHeld:
        return scene.cloud.writes == []
    return False


def order_kept(scene: Any, kit: Any) -> bool:
    failing = next(op for op in scene.plan.operations if op.fields == ("tags",))
    scene.writer.answers[failing.id] = Status.FAILED
    scene.apply()
    return not any(failing.id in op.depends for op in scene.plan.operations if op.id in scene.cloud.writes)


def intent_first(scene: Any, kit: Any) -> bool:
    """Every write stands in the journal before it happens."""
    missing = []

    def look(what: str) -> None:
        if what.startswith("write "):
            intents = {e.body["operation"] for e in Ledger.open(scene.store, "acme").history.of(Kind.INTENT)}
            if what.removeprefix("write ") not in intents:
                missing.append(what)

    scene.cloud.step = look
    scene.apply()
    return not missing


def nothing(*_: Any, **__: Any) -> None:
    return None


def none_of_it(*_: Any, **__: Any) -> tuple[()]:
    return ()


def without_dependencies(plan: Any) -> Any:
    index = worlds.index_of(plan)
    free = tuple(dataclasses.replace(operation, depends=()) for operation in plan.operations)
    return dataclasses.replace(index, plan=dataclasses.replace(plan, operations=free))


Guard = tuple[Any, str, Any, Callable[[Any, Any], bool]]
GUARDS: dict[str, Guard] = {
    "the type": (executor, "VerifiedPlan", None, look_alike),
    "the digest": (guards, "_digest", none_of_it, foreign_digest),
    "consumed": (guards.views, "consumed", nothing, replayed),
    "the base": (guards.views, "base", lambda history: 0, stale),
    "published": (guards.views, "publication", lambda history, digest: True, unpublished),
    "the root": (guards, "current", nothing, other_root),
    "targets": (guards, "_operations", none_of_it, outside_targets),
    "a record of ours": (guards, "unrecorded", nothing, never_made),
    "the mark": (guards, "unmarked", nothing, not_marked),
    "the world": (inspect, "differences", none_of_it, world_before),
    "the world at the end": (run.Run, "_conclude", nothing, world_after),
    "gaps": (inspect.Inspector, "_judged", none_of_it, unread),
    "recheck": (run.Run, "_allowed", nothing, rejected),
    "the lease's end": (lease.Lease, "strict", nothing, asleep),
    "the fence": (lease.Lease, "fence", nothing, taken_over),
    "the lease": (lease.LeaseState, "active", lambda state, now: False, one_at_a_time),
    "dependencies": (executor, "index_of", without_dependencies, order_kept),
    "the intent": (journal.Journal, "intent", nothing, intent_first),
}


@pytest.mark.parametrize("name", GUARDS)
def test_the_guard_holds(scene: Any, kit: Any, name: str) -> None:
    assert GUARDS[name][3](scene, kit)


@pytest.mark.parametrize("name", GUARDS)
def test_without_the_guard_it_goes_through(scene: Any, kit: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, what, instead, scenario = GUARDS[name]
    if what == "VerifiedPlan":
        monkeypatch.setattr(executor, "type", lambda thing: executor.VerifiedPlan, raising=False)
    elif name == "consumed":
        # Base, root and journal each stop a replay as well; take them out with it to see that this was all there is.
        monkeypatch.setattr(guards.views, "consumed", nothing)
        monkeypatch.setattr(guards.views, "base", lambda history: 0)
        monkeypatch.setattr(guards.views, "judging_root", lambda history, plan: guards.views.roots(history)[0])
        monkeypatch.setattr(journal.Journal, "records", lambda self: {})
    else:
        monkeypatch.setattr(where, what, instead)
    assert not scenario(scene, kit)
