"""A cloud in memory, plans against it, and ways to kill an apply anywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner import planfile
from provisioner.applying.executor import Terms, apply
from provisioner.applying.result import ApplyResult
from provisioner.approval import verifier
from provisioner.ledger.entries import Kind
from provisioner.ledger.log import Ledger
from provisioner.ledger.memory import MemoryStore
from provisioner.ledger.store import Listed, Store, Stored
from provisioner.model.changes import ABSENT, Action, Change, Effect, Operation, Outcome, Status, Surface
from provisioner.model.findings import TestSummary
from provisioner.model.plan import Plan, PlanNotes, PlanTarget, RootChange, RootReference
from provisioner.model.resources import Address, Coverage, Gap, Mark, Resource, Snapshot
from provisioner.planning.worlds import agent_worlds
from provisioner.sdk.digests import state_digest
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Scope
from provisioner.sdk.schema import FieldSchema, KindSchema

TARGET = "111122223333"
IDENTITY = FieldSchema((Surface.IDENTITY,))
ROLE_FIELDS = ("trust", "tags", "boundary")
KINDS = {
    "fake": {
        "policy": KindSchema("boundary policy", {"document": IDENTITY, "tags": IDENTITY}, shared=True),
        "role": KindSchema("role", dict.fromkeys(ROLE_FIELDS, IDENTITY), principal=True),
        "grant": KindSchema("inline policy", {"document": IDENTITY}),
        "key": KindSchema("access key", {"status": IDENTITY}, observed=True),
    }
}
MARK = Mark("acme", None, "agent.x")


class Crash(BaseException):
    """Stands for the process dying."""


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def address(kind: str, name: str) -> Address:
    return Address("fake", TARGET, kind, name)


def policy(name: str, document: str) -> Resource:
    return Resource(address("policy", name), {"document": document, "tags": "ours"}, mark=MARK)


def role(agent: str, trust: str, *, tags: str = "ours", boundary: str = "limit") -> Resource:
    attributes = {"trust": trust, "tags": tags, "boundary": boundary}
    return Resource(address("role", agent), attributes, agent, uses=(address("policy", boundary),), mark=MARK)


def grant(agent: str, name: str, document: str) -> Resource:
    return Resource(address("grant", f"{agent}/{name}"), {"document": document}, agent, parent=address("role", agent))


World = Mapping[Address, Resource]


def world(*resources: Resource) -> dict[Address, Resource]:
    return {resource.address: resource for resource in resources}


class Cloud:
    """Live resources and every write that took effect. `step` is told of each thing that happens, and may crash."""

    def __init__(self, resources: World, path: Path | None = None) -> None:
        self.resources = dict(resources)
        self.writes: list[str] = []
        self.path = path
        self.step: Callable[[str], None] = lambda what: None
        self.save()

    def save(self) -> None:
        """Keep the state in a file, for processes that die."""
        if self.path is None:
            return
        live = {str(a): [dict(r.attributes), r.agent, [str(u) for u in r.uses]] for a, r in self.resources.items()}
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps({"live": live, "writes": self.writes}))
        temporary.rename(self.path)

    def load(self) -> None:
        assert self.path is not None
        state = json.loads(self.path.read_text())
        self.writes = state["writes"]
        self.resources = {}
        for text, (attributes, agent, uses) in state["live"].items():
            where = Address(*text.split(":", 3))
            used = tuple(Address(*use.split(":", 3)) for use in uses)
            self.resources[where] = Resource(where, attributes, agent, uses=used, mark=MARK)

    def attributes(self) -> dict[Address, Mapping[str, Any]]:
        return {where: resource.attributes for where, resource in self.resources.items()}


@dataclass
class FakeWriter:
    """What a provider's writer does, over `Cloud`. `answers` replaces the outcome of an operation before its write."""

    cloud: Cloud
    answers: dict[str, Status] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    unreachable: bool = False
    reads: list[Scope] = field(default_factory=list)
    before_write: Callable[[Operation], None] | None = None

    def identify(self) -> None:
        if self.unreachable:
            raise CloudError(TARGET, "cannot be reached", fix="start it")

    def read(self, scope: Scope) -> Snapshot:
        self.cloud.step("read")
        self.reads.append(scope)
        if self.unreachable:
            raise CloudError(TARGET, "cannot be reached", fix="start it")
        live = self.cloud.resources
        wanted = {a for a, r in live.items() if r.agent is not None and r.agent in (scope.agents or frozenset())}
        wanted |= scope.addresses
        for where in list(wanted):
            wanted |= set(live[where].uses) if where in live else set()
        found = tuple(live[where] for where in sorted(wanted) if where in live)
        return Snapshot(found, Coverage(gaps=self.gaps))

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome:
        self.cloud.step(f"execute {operation.id}")
        live = self.cloud.resources.get(operation.address)
        now = state_digest(live.attributes if live else None, operation.fields)
        if now == operation.after:
            return Outcome(operation.id, Status.ALREADY, live=now)
        if now != operation.before:
            return Outcome(operation.id, Status.CONFLICT, "neither before nor after", now)
        if self.before_write is not None:
            self.before_write(operation)
        proceed()
        self.cloud.step(f"write {operation.id}")
        answer = self.answers.get(operation.id)
        if answer is Status.FAILED:
            return Outcome(operation.id, answer, "AccessDenied", now)
        self._write(operation)
        self.cloud.step(f"written {operation.id}")
        if answer is not None:
            return Outcome(operation.id, answer, "no answer came")
        return Outcome(operation.id, Status.DONE, live=operation.after)

    def _write(self, operation: Operation) -> None:
        cloud = self.cloud
        if operation.after == ABSENT:
            del cloud.resources[operation.address]
        else:
            old = cloud.resources.get(operation.address)
            attributes = {**(old.attributes if old else {}), **operation.params["set"]}
            kind = operation.address.kind
            uses = (address("policy", attributes["boundary"]),) if kind == "role" else ()
            cloud.resources[operation.address] = Resource(
                operation.address, attributes, operation.agent, uses=uses, mark=MARK
            )
        cloud.writes.append(operation.id)
        cloud.save()


Step = tuple[Address, tuple[str, ...]]


def make_plan(
    before: World, after: World, steps: Sequence[Step], base: int = 0, next_root: RootChange | None = None
) -> Plan:
    """The plan from one world to another: one operation a step, on the named fields, each change's in a row."""
    changes: dict[Address, Change] = {}
    operations: list[Operation] = []
    for where, fields in steps:
        old, new = before.get(where), after.get(where)
        if where not in changes:
            changes[where] = make_change(len(changes) + 1, where, old, new)
        change = changes[where]
        own = [operation for operation in operations if operation.change == change.number]
        operations.append(
            Operation(
                id=f"{change.number}.{len(own) + 1}",
                change=change.number,
                address=where,
                verb="fake:Write",
                params={"set": {name: new.attributes[name] for name in fields}} if new else {},
                fields=fields,
                before=state_digest(old.attributes if old else None, fields),
                after=state_digest(new.attributes if new else None, fields),
                depends=(own[-1].id,) if own else (),
                agent=change.agent,
            )
        )
    return Plan(
        workspace="acme",
        base=base,
        root=RootReference(1, "sha256:root1"),
        targets=(PlanTarget("fake", TARGET, "fake", None),),
        scope=(),
        changes=tuple(changes.values()),
        operations=tuple(operations),
        worlds=agent_worlds(before, after, tuple(changes.values()), KINDS),
        agents=(),
        findings=(),
        tests=TestSummary(),
        requirements=(),
        exclusions=(),
        unknown_authors=(),
        gaps=(),
        next_root=next_root,
    )


def make_change(number: int, where: Address, old: Resource | None, new: Resource | None) -> Change:
    one = new or old
    assert one is not None
    return Change(
        number=number,
        action=Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE,
        address=where,
        label=where.name,
        agent=one.agent,
        block="agent.x",
        surfaces=(Surface.IDENTITY,),
        owners={"identity": "iam"},
        effect=Effect.WIDER,
        can=(),
        cannot=(),
        reason="",
        before=old.attributes if old else None,
        after=new.attributes if new else None,
    )


def verified(plan: Plan) -> verifier.VerifiedPlan:
    """A VerifiedPlan without signatures: these tests are about what comes after the verifier."""
    return sealed(planfile.seal(plan, PlanNotes()))


def sealed(file: planfile.PlanFile) -> verifier.VerifiedPlan:
    long = datetime(2100, 1, 1, tzinfo=UTC)
    return verifier.VerifiedPlan(file, None, (), long, long, 0, seal=verifier._SEAL)  # type: ignore[arg-type]


def publish(ledger: Ledger, plan: Plan) -> str:
    """Put root 1 (once) and the plan into the ledger; the plan's digest."""
    if not ledger.history.of(Kind.ROOT):
        ledger.append(Kind.ROOT, {"version": 1, "data": {}, "digest": "sha256:root1", "plan": None})
    file = json.loads(planfile.encode(plan, PlanNotes()))
    ledger.append(Kind.PLAN, {"digest": file["digest"], "file": file})
    return str(file["digest"])


class Dying:
    """A store in front of another; `step` is told before and after every write."""

    def __init__(self, store: Store, step: Callable[[str], None]) -> None:
        self._store, self._step = store, step

    @property
    def location(self) -> str:
        return self._store.location

    def put_if_absent(self, name: str, data: bytes) -> bool:
        self._step(f"put {name}")
        took = self._store.put_if_absent(name, data)
        self._step(f"put done {name}")
        return took

    def get(self, name: str) -> Stored | None:
        self._step("get")
        return self._store.get(name)

    def fetch(self, names: Sequence[str]) -> Iterable[Stored | None]:
        return map(self.get, names)

    def listing(self, after: str = "") -> tuple[Listed, ...]:
        return self._store.listing(after)

    def names(self) -> tuple[str, ...]:
        return self._store.names()

    def now(self) -> datetime:
        return self._store.now()


class CrashAt:
    """A step counter that kills at one step and keeps everything dead from then on."""

    def __init__(self, at: int | None = None, die: Callable[[], None] | None = None) -> None:
        self.at, self.count, self.steps = at, 0, list[str]()
        self._die = die

    def __call__(self, what: str) -> None:
        if what == "get":
            if self.at is not None and self.count > self.at:
                raise Crash(what)
            return
        self.steps.append(what)
        self.count += 1
        if self.at is not None and self.count > self.at:
            if self._die is not None:
                self._die()
            raise Crash(what)


@dataclass
class Scene:
    """A cloud, a ledger and a plan, ready to apply."""

    clock: Clock
    store: MemoryStore
    cloud: Cloud
    writer: FakeWriter
    ledger: Ledger
    plan: Plan
    before: World
    after: World

    def terms(self, **changes: Any) -> Terms:
        return replace(Terms(clock=self.clock, sleep=self.clock.forward), **changes)

    def apply(self, plan: Plan | None = None, **options: Any) -> ApplyResult:
        options.setdefault("terms", self.terms())
        options.setdefault("kinds", KINDS)
        return apply(verified(plan or self.plan), {"fake": self.writer}, options.pop("ledger", self.ledger), **options)

    def publish(self, plan: Plan) -> str:
        return publish(self.ledger, plan)

    @property
    def as_signed(self) -> bool:
        return self.cloud.attributes() == {where: resource.attributes for where, resource in self.after.items()}


def worlds_of_scene() -> tuple[dict[Address, Resource], dict[Address, Resource], list[Step]]:
    """Two agents under one boundary that changes; one is new, one changes in two calls, loses and gains a grant."""
    before = world(
        policy("limit", "narrow"),
        role("old", "nobody"),
        grant("old", "extra", "all"),
        grant("old", "reads", "few"),
        role("quiet", "me"),
    )
    after = world(
        policy("limit", "wide"),
        role("old", "somebody", tags="new"),
        grant("old", "reads", "more"),
        role("new", "someone"),
        grant("new", "reads", "some"),
        role("quiet", "me"),
    )
    steps: list[Step] = [
        (address("grant", "old/extra"), ("document",)),
        (address("role", "new"), ROLE_FIELDS),
        (address("policy", "limit"), ("document",)),
        (address("role", "old"), ("tags",)),
        (address("grant", "old/reads"), ("document",)),
        (address("grant", "new/reads"), ("document",)),
        (address("role", "old"), ("trust",)),
    ]
    return before, after, steps


NEXT_ROOT = RootChange(2, {"people": ["ann"]}, "sha256:root2")


@pytest.fixture
def scene() -> Scene:
    before, after, steps = worlds_of_scene()
    plan = make_plan(before, after, steps, next_root=NEXT_ROOT)
    clock = Clock()
    store = MemoryStore(clock)
    ledger = Ledger.open(store, "acme")
    publish(ledger, plan)
    cloud = Cloud(before)
    return Scene(clock, store, cloud, FakeWriter(cloud), ledger, plan, before, after)


@pytest.fixture
def kit() -> Any:
    """This module: test modules cannot import one another."""
    return sys.modules[__name__]
