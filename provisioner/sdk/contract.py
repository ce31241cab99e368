"""The contract tests that every provider must pass, run by the provider's own tests against its sandbox.

Each `check_…` takes a `ContractCase` and raises ContractError, an AssertionError, with what was expected and found.
The kit knows no cloud and no planner: it finds differences with the smallest comparison that can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..canonical import CanonicalError, dumps
from ..model.authority import Authority
from ..model.changes import ABSENT, Action, Change, Effect, Operation, Outcome, Status, Surface
from ..model.resources import Address, Desired, Resource, Snapshot
from .digests import state_digest
from .errors import CloudError, ProceedError
from .provider import Connection, Provider, Scope, Writer

_VERB = re.compile(r"[a-z][a-zA-Z0-9.-]*:[A-Za-z][A-Za-z0-9.]*")


class ContractError(AssertionError):
    """A provider does not keep the contract."""


@dataclass(frozen=True, slots=True)
class ContractCase:
    """One provider with a configuration to bring about, and hands that act behind its back.

    `changed` is the same workspace with at least one resource that differs, and fewer grants. `connections` reach an
    empty cloud. `meddle` changes, from outside, what `changed` would change too. `squat` makes a resource of somebody
    else under the name of one that `authority` declares. `denying` reach a cloud that refuses one read and allows
    the rest; `elsewhere` one that is not the declared target; `nowhere` one that does not answer.
    """

    provider: Provider
    authority: Authority
    changed: Authority
    connections: Sequence[Connection]
    meddle: Callable[[], None]
    squat: Callable[[], None]
    denying: Sequence[Connection]
    elsewhere: Sequence[Connection]
    nowhere: Sequence[Connection]


def check_schema(case: ContractCase) -> None:
    """The schema is pure data, and every field of every kind has a surface that somebody answers for."""
    schema = case.provider.schema()
    _demand(schema == case.provider.schema(), "schema() must give the same schema on every call")
    for name, kind in schema.kinds.items():
        _demand(bool(kind.noun), f"kind {name} has no noun")
        _demand(bool(kind.fields), f"kind {name} has no fields")
        for field, rule in kind.fields.items():
            _demand(bool(rule.surfaces), f"{name}.{field} touches no surface: nobody would answer for it")
            known = all(isinstance(surface, Surface) for surface in rule.surfaces)
            _demand(known, f"{name}.{field} has a surface that is none")
        _demand(not (kind.observed and kind.principal), f"kind {name} is observed and a principal")


def check_compile(case: ContractCase) -> None:
    """Compilation is deterministic; its resources are normalized, complete and refer only to one another."""
    desired = _compiled(case, case.authority)
    _demand(bool(desired), "the case compiles to nothing")
    _demand(desired == _compiled(case, case.authority), "compile() must give the same resources on every call")
    kinds = case.provider.schema().kinds
    addresses = [item.resource.address for item in desired]
    _demand(len(addresses) == len(set(addresses)), "compile() gave one address twice")
    for item in desired:
        resource = item.resource
        _demand(resource.address.provider == case.provider.schema().name, f"{resource.address} names another provider")
        kind = kinds.get(resource.address.kind)
        if kind is None:
            raise ContractError(f"{resource.address} is of a kind that the schema does not have")
        _demand(not kind.observed, f"{resource.address} is of an observed kind, which is never written")
        _demand(set(resource.attributes) == set(kind.fields), f"{resource.address} has not exactly its kind's fields")
        _demand(resource.mark is None, f"{resource.address} carries a live mark, and it is not live")
        _demand(bool(item.label and item.block), f"{resource.address} has no label or no block")
        for other in (*resource.uses, *((resource.parent,) if resource.parent else ())):
            _demand(other in addresses, f"{resource.address} hangs on {other}, which nothing makes")
        _demand(not kind.principal or resource.agent is not None, f"principal {resource.address} is nobody's agent")
    _check_canonical(case, [item.resource for item in desired])


def check_round_trip(case: ContractCase) -> None:
    """What is applied reads back as compiled, in bulk and agent by agent; applying it twice does nothing."""
    desired = _compiled(case, case.authority)
    writer = case.provider.writer(case.connections)
    writer.identify()
    before = writer.read(_scope(case, desired))
    _demand(before.coverage.complete, f"a read of an empty cloud has gaps: {before.coverage.gaps}")
    operations = _planned(case, desired, before)
    for operation in operations:
        outcome = writer.execute(operation, _go)
        _demand(outcome.status is Status.DONE, f"{operation.verb} on {operation.address} ended as {outcome}")
        _demand(outcome.live == operation.after, f"{operation.verb}: live {outcome.live} is not {operation.after}")
        again = writer.execute(operation, _stop)
        _demand(again.status is Status.ALREADY, f"{operation.verb} a second time ended as {again}")
    after = writer.read(_scope(case, desired))
    _demand(not _differences(case, desired, after), f"applied, and still: {_differences(case, desired, after)}")
    _check_canonical(case, after.resources)
    _check_marks(case, desired, after)
    _check_restricted(case, desired, after)
    _demand(bool(sum(after.coverage.calls.values())), "a read must count its calls")


def check_update(case: ContractCase) -> None:
    """From one configuration to the other and back to nothing; each change consistent with its operations."""
    writer = case.provider.writer(case.connections)
    _apply(case, case.authority)
    for authority in (case.changed, None):
        desired = [] if authority is None else _compiled(case, authority)
        live = writer.read(_scope(case, desired))
        operations = _planned(case, desired, live)
        _demand(bool(operations), "two configurations that differ give no operation")
        for operation in operations:
            outcome = writer.execute(operation, _go)
            _demand(outcome.status is Status.DONE, f"{operation.verb} on {operation.address} ended as {outcome}")
        left = _differences(case, desired, writer.read(_scope(case, desired)))
        _demand(not left, f"applied, and still: {left}")


def check_conflict(case: ContractCase) -> None:
    """What changed since the plan is not overwritten, and a stop before the write stops it."""
    writer = case.provider.writer(case.connections)
    _apply(case, case.authority)
    desired = _compiled(case, case.changed)
    operations = _planned(case, desired, writer.read(_scope(case, desired)))
    first = operations[0]
    before = _states(writer.read(_scope(case, desired)))
    try:
        writer.execute(first, _stop)
    except ProceedError:
        pass
    else:
        raise ContractError(f"{first.verb} went ahead although proceed() stopped it")
    _demand(_states(writer.read(_scope(case, desired))) == before, f"{first.verb} wrote although proceed() stopped it")
    case.meddle()
    meddled = _states(writer.read(_scope(case, desired)))
    _demand(meddled != before, "meddle() changed nothing")
    stale = [operation for operation in operations if meddled.get(operation.address) != before.get(operation.address)]
    _demand(bool(stale), "meddle() must change what an operation is about")
    conflicts = [outcome for outcome in (_tried(writer, operation) for operation in stale) if outcome is not None]
    _demand(bool(conflicts), "no operation on the changed object noticed the change")
    for outcome in conflicts:
        _demand(outcome.status is Status.CONFLICT, f"an operation on a changed object ended as {outcome}")
        _demand(bool(outcome.detail), "a conflict must say what is different")
    _demand(_states(writer.read(_scope(case, desired))) == meddled, "a conflict must leave everything as it is")


def check_foreign(case: ContractCase) -> None:
    """A resource under a desired name that is not ours is seen, carries no mark of ours, and is not touched."""
    case.squat()
    desired = _compiled(case, case.authority)
    writer = case.provider.writer(case.connections)
    live = writer.read(_scope(case, desired))
    wanted = {item.resource.address for item in desired}
    foreign = [r for r in live.resources if r.address in wanted and r.parent is None]
    _demand(bool(foreign), "a resource under a desired name must be read even when it is not ours")
    for resource in foreign:
        ours = resource.mark is not None and resource.mark.workspace == case.authority.workspace
        _demand(not ours, f"{resource.address} is somebody else's and reads as ours")
        _demand(resource.agent is None, f"{resource.address} is somebody else's and reads as agent {resource.agent}")
    addresses = {resource.address for resource in foreign}
    empty = replace(live, resources=tuple(r for r in live.resources if r.address not in addresses))
    for operation in _planned(case, desired, empty):
        if operation.address in addresses or _hangs_on(operation.address, desired, addresses):
            outcome = writer.execute(operation, _stop)
            _demand(outcome.status is Status.CONFLICT, f"{operation.verb} on what is not ours ended as {outcome}")


def check_denied_read(case: ContractCase) -> None:
    """A refused read is a gap that names the permission, and nothing is taken for absent in silence."""
    _apply(case, case.authority)
    desired = _compiled(case, case.authority)
    snapshot = case.provider.reader(case.denying).read(_scope(case, desired))
    _demand(bool(snapshot.coverage.gaps), "a refused read must leave a gap")
    _demand(any(gap.permission for gap in snapshot.coverage.gaps), "a gap for a refused read must name the permission")
    for gap in snapshot.coverage.gaps:
        _demand(bool(gap.what and gap.reason), f"a gap must say what and why: {gap}")


def check_wrong_target(case: ContractCase) -> None:
    """Another account or project than the declared one stops everything, and the error names both."""
    target = case.elsewhere[0].target.id
    error = _cloud_error(case, case.elsewhere)
    _demand(target in f"{error.summary} {error.detail}", f"the error must name the declared target {target}: {error}")
    _demand(bool(error.fix), "a CloudError must say the way out")


def check_unreachable(case: ContractCase) -> None:
    """A cloud that does not answer gives a CloudError with a way out."""
    error = _cloud_error(case, case.nowhere)
    _demand(bool(error.summary and error.fix), f"the error must say what to do: {error}")


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def _go() -> None:
    """A `proceed` that lets the write happen."""


def _stop() -> None:
    raise ProceedError("stopped by the contract test")


def _tried(writer: Writer, operation: Operation) -> Outcome | None:
    """The outcome without writing; None where the operation would have gone ahead (its own fields are as planned)."""
    try:
        return writer.execute(operation, _stop)
    except ProceedError:
        return None


def _cloud_error(case: ContractCase, connections: Sequence[Connection]) -> CloudError:
    try:
        case.provider.reader(connections).identify()
    except CloudError as error:
        return error
    raise ContractError("identify() must raise CloudError")


def _compiled(case: ContractCase, authority: Authority) -> list[Desired]:
    return list(case.provider.compile(authority))


def _scope(case: ContractCase, desired: Iterable[Desired], agents: frozenset[str] | None = None) -> Scope:
    return Scope(case.authority.workspace, frozenset(item.resource.address for item in desired), agents)


def _states(snapshot: Snapshot) -> dict[Address, str]:
    return {resource.address: state_digest(resource.attributes) for resource in snapshot.resources}


def _check_canonical(case: ContractCase, resources: Iterable[Resource]) -> None:
    for resource in resources:
        _demand(case.provider.normalize(resource) == resource, f"{resource.address} is not normalized")
        try:
            dumps(dict(resource.attributes))
        except CanonicalError as error:
            raise ContractError(f"{resource.address} has attributes without a canonical form: {error}") from error


def _check_marks(case: ContractCase, desired: Sequence[Desired], after: Snapshot) -> None:
    live = {resource.address: resource for resource in after.resources}
    for item in desired:
        found = live[item.resource.address]
        _demand(found.agent == item.resource.agent, f"{found.address} reads as agent {found.agent}")
        _demand(found.parent == item.resource.parent, f"{found.address} reads with parent {found.parent}")
        _demand(found.uses == item.resource.uses, f"{found.address} reads as using {found.uses}")
        if item.resource.parent is None:
            mark = found.mark
            if mark is None:
                raise ContractError(f"{found.address} carries no mark")
            told = (mark.workspace, mark.agent, mark.block)
            wanted = (case.authority.workspace, item.resource.agent, item.block)
            _demand(told == wanted, f"{found.address} is marked {told}, not {wanted}")


def _check_restricted(case: ContractCase, desired: Sequence[Desired], bulk: Snapshot) -> None:
    """Apply reads one agent at a time and compares digests with a bulk read: both must see the same."""
    kinds = case.provider.schema().kinds
    agents = sorted({item.resource.agent for item in desired if item.resource.agent is not None})
    for agent in agents:
        own = [item for item in desired if item.resource.agent == agent]
        used = {address for item in own for address in item.resource.uses}
        single = case.provider.reader(case.connections).read(_scope(case, own, frozenset({agent})))
        wanted = {
            r.address: r
            for r in bulk.resources
            if not kinds[r.address.kind].observed and (r.agent == agent or r.address in used)
        }
        got = {r.address: r for r in single.resources if not kinds[r.address.kind].observed}
        _demand(got == wanted, f"agent {agent} reads otherwise alone than in bulk: {_unequal(got, wanted)}")


def _unequal(one: Mapping[Address, Resource], other: Mapping[Address, Resource]) -> list[str]:
    return [str(address) for address in sorted({*one, *other}) if one.get(address) != other.get(address)]


def _differences(case: ContractCase, desired: Sequence[Desired], live: Snapshot) -> list[Change]:
    """Creations, updates and deletions of what is ours, without effects or owners."""
    kinds = case.provider.schema().kinds
    wanted = {item.resource.address: item for item in desired}
    found = {resource.address: resource for resource in live.resources}
    changes: list[Change] = []
    for address in sorted({*wanted, *found}):
        item, resource = wanted.get(address), found.get(address)
        if kinds[address.kind].observed:
            continue
        before = None if resource is None else resource.attributes
        after = None if item is None else item.resource.attributes
        fields = tuple(
            name for name in kinds[address.kind].fields if (before or {}).get(name) != (after or {}).get(name)
        )
        if before is not None and after is not None and not fields:
            continue
        action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
        agent = item.resource.agent if item is not None else resource.agent if resource is not None else None
        changes.append(
            Change(
                number=len(changes) + 1,
                action=action,
                address=address,
                label=str(address),
                agent=agent,
                block=None if item is None else item.block,
                surfaces=kinds[address.kind].surfaces(fields),
                owners={},
                effect=Effect.UNKNOWN,
                can=(),
                cannot=(),
                reason="contract",
                before=before,
                after=after,
                fields=fields,
            )
        )
    return changes


def _planned(case: ContractCase, desired: Sequence[Desired], live: Snapshot) -> list[Operation]:
    """The operations of every change, checked and in the provider's own order."""
    operations: list[Operation] = []
    for change in _differences(case, desired, live):
        own = case.provider.operations(change)
        _check_operations(change, own)
        _demand(own == case.provider.operations(change), "operations() must give the same operations on every call")
        _demand(bool(case.provider.full_name(change)), f"{change.address} has no full name")
        operations += own
    return sorted(operations, key=lambda operation: case.provider.rank(operation, effect_widens=True))


def _check_operations(change: Change, operations: Sequence[Operation]) -> None:
    """Each operation starts where the change, or the one before it, left its fields; the last ends at the goal: where
    something goes in steps, with its being gone."""
    _demand(bool(operations), f"{change.address}: a change without operations is never carried out")
    reached: dict[tuple[str, ...], str] = {}
    ids: set[str] = set()
    for number, operation in enumerate(operations, start=1):
        name = f"{operation.verb} on {change.address}"
        _demand(operation.id == f"{change.number}.{number}", f"{name} has id {operation.id}")
        _demand(operation.change == change.number, f"{name} belongs to change {operation.change}")
        _demand(set(operation.depends) <= ids, f"{name} waits for what is not before it")
        _demand(_VERB.fullmatch(operation.verb) is not None, f"{name}: a verb is service:Action")
        _demand(bool(operation.permissions), f"{name} needs no permission")
        start = reached.get(operation.fields, state_digest(change.before, operation.fields))
        if change.before is None and ids and operation.fields not in reached:
            start = operation.before  # a step after the one that made it: what that one left is the provider's to say
        _demand(operation.before == start, f"{name} does not start at what is live")
        _demand(operation.before != operation.after, f"{name} changes nothing")
        dumps(dict(operation.params))
        reached[operation.fields] = operation.after
        ids.add(operation.id)
    gone = change.after is None and ABSENT in reached.values()
    for fields, digest in reached.items() if not gone else ():
        _demand(digest == state_digest(change.after, fields), f"{change.address}: {fields} do not end as desired")
    covered = {field for operation in operations for field in operation.fields}
    missing = set(change.fields) - covered if change.action is Action.UPDATE else set()
    _demand(not missing, f"{change.address}: no operation changes {missing}")


def _apply(case: ContractCase, authority: Authority) -> None:
    desired = _compiled(case, authority)
    writer = case.provider.writer(case.connections)
    for operation in _planned(case, desired, writer.read(_scope(case, desired))):
        outcome = writer.execute(operation, _go)
        if outcome.status not in (Status.DONE, Status.ALREADY):
            raise ContractError(f"{operation.verb} on {operation.address} ended as {outcome}")


def _hangs_on(address: Address, desired: Sequence[Desired], addresses: set[Address]) -> bool:
    return any(item.resource.address == address and item.resource.parent in addresses for item in desired)


__all__ = [
    "ContractCase",
    "ContractError",
    "check_compile",
    "check_conflict",
    "check_denied_read",
    "check_foreign",
    "check_round_trip",
    "check_schema",
    "check_unreachable",
    "check_update",
    "check_wrong_target",
]
