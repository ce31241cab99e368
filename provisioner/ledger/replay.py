"""What signed plans have made of the cloud, replayed from the journal. It classifies; no diff is ever built on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..model.changes import ABSENT, Action, Change, Operation
from ..model.plan import Plan
from ..model.resources import Address, Attributes
from ..sdk.digests import state_digest
from .entries import Entry, History, Kind, ended
from .views import SETTLED, odd, publication

Counts = Callable[[str], bool]
"""Whether a plan, by digest, counts. A caller that verifies signatures leaves out plans that nobody signed."""


@dataclass(frozen=True, slots=True)
class AppliedResource:
    """What the last applied plan says of a resource; `attributes` None for one that it deleted.

    `tools` are the addresses of the tools that it serves. `plan` is that plan's digest, `entry` the outcome that made
    it so.
    """

    address: Address
    attributes: Attributes | None
    agent: str | None
    label: str
    block: str | None
    tools: tuple[str, ...]
    plan: str
    entry: Entry


def signed_state(
    history: History, counts: Counts | None = None, before: int | None = None
) -> dict[Address, AppliedResource]:
    """Every resource that an applied plan has ever changed, as the last one left it, or had before an entry."""
    out: dict[Address, AppliedResource] = {}
    for step in _steps(history, counts, before):
        change = step.change
        attributes = _attributes(step, out.get(change.address))
        out[change.address] = AppliedResource(
            change.address,
            attributes,
            change.agent,
            change.label,
            change.block,
            change.tools,
            step.digest,
            step.entry,
        )
    return out


def made(history: History, counts: Counts | None = None) -> frozenset[Address]:
    """What we made or took charge of and did not delete since: only this may be deleted whole.

    A deletion of ours ends the record: who makes the same name again has made something else.
    """
    out: set[Address] = set()
    for step in _steps(history, counts):
        if step.operation.after == ABSENT or step.change.action is Action.RELEASE:
            out.discard(step.change.address)
        elif step.change.action in (Action.CREATE, Action.UPDATE, Action.CLAIM):
            out.add(step.change.address)
    return frozenset(out)


def made_by_us(history: History, address: Address, counts: Counts | None = None) -> bool:
    """Whether `made` holds an address."""
    return address in made(history, counts)


class _Parts:
    """A plan's changes by number, operations by id, and operations by change."""

    def __init__(self, plan: Plan) -> None:
        self.changes = {change.number: change for change in plan.changes}
        self.operations = {operation.id: operation for operation in plan.operations}
        self.siblings: dict[int, list[Operation]] = defaultdict(list)
        for operation in plan.operations:
            self.siblings[operation.change].append(operation)


@dataclass(frozen=True, slots=True)
class _Step:
    """One operation that took effect. `done` are those of its change that have, `operations` all of that change."""

    digest: str
    change: Change
    operation: Operation
    done: frozenset[str]
    operations: Sequence[Operation]
    entry: Entry


def _steps(history: History, counts: Counts | None, before: int | None = None) -> Iterator[_Step]:
    """Every operation of ours that took effect, in the order of the journal, each once."""
    plans: dict[str, _Parts] = {}
    done: dict[str, set[str]] = defaultdict(set)
    for entry, said in _outcomes(history):
        if before is not None and entry.index >= before:
            break
        digest, operation_id = entry.body["plan"], said["operation"]
        if said["status"] not in SETTLED or operation_id in done[digest]:
            continue
        if counts is not None and not counts(digest):
            continue
        if digest not in plans:
            plans[digest] = _Parts(_plan(history, digest, entry))
        parts = plans[digest]
        operation = parts.operations.get(operation_id)
        change = parts.changes.get(operation.change) if operation else None
        if operation is None or change is None:
            raise odd(entry, f"plan {digest.removeprefix('sha256:')[:8]} has no operation {operation_id!r}")
        done[digest].add(operation_id)
        siblings = parts.siblings[change.number]
        mine = frozenset(other.id for other in siblings if other.id in done[digest])
        yield _Step(digest, change, operation, mine, siblings, entry)
        for along in _along(change, parts):
            yield _Step(digest, along, operation, mine, siblings, entry)


def _along(change: Change, parts: _Parts) -> Iterator[Change]:
    """What bears no mark of its own is claimed or released with what it hangs on, whose address is its own up to the
    slash."""
    if not change.action.marks_only or "/" in change.address.name:
        return
    for other in parts.changes.values():
        place, mine = (other.address.provider, other.address.target), (change.address.provider, change.address.target)
        if other.action is change.action and place == mine and other.address.name.startswith(f"{change.address.name}/"):
            yield other


def _outcomes(history: History) -> Iterator[tuple[Entry, Mapping[str, str]]]:
    return ((entry, said) for entry in history.of(Kind.OUTCOME) for said in ended(entry))


def _attributes(step: _Step, known: AppliedResource | None) -> Attributes | None:
    """The whole `after` once all calls of a change are done; in between, what is done laid over what was."""
    change = step.change
    if change.action is Action.RELEASE:
        return None  # ours no more: nothing that becomes of it is drift
    if all(operation.id in step.done for operation in step.operations):
        return change.after
    if step.operation.after == ABSENT:
        return None
    if step.operation.before == ABSENT or change.after is None:
        return change.after
    last = known.attributes if known is not None and known.plan == step.digest else change.before
    attributes = dict(last or {})
    if state_digest(change.after, step.operation.fields) == step.operation.after:
        attributes.update({name: change.after.get(name) for name in step.operation.fields})
    return attributes


def _plan(history: History, digest: str, entry: Entry) -> Plan:
    found = publication(history, digest)
    if found is None or found.entry.index > entry.index:
        raise odd(entry, "its plan was not published before it")
    return found.file().plan
