"""Signed edits of one allow policy, in one write: one read, every delta laid over it, one setIamPolicy, one read-back.

Each edit is an operation of its own, with its own tuple, digests and sign-offs. What is joined is only the call: every
edit is held against the policy as read, those that fit go out together, those that do not are told one by one. A stale
etag (409 ABORTED; 412 for buckets and datasets) starts over: read again, compare with what was signed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from provisioner.model.changes import ABSENT, Operation, Outcome, Status
from provisioner.model.resources import Address

from . import names, schema
from .bindings import distinct, place_of
from .client import Project, pause_of
from .faults import CallError, Fault
from .fitting import TUPLES, delta
from .forms import canonical_attributes
from .live import POOL_MEMBER
from .policies import LivePolicy, deleted, read_policy, write_policy
from .settling import (
    CONFLICT_READS,
    FINAL,
    READ_TRIES,
    Found,
    Tries,
    digest_of,
    expected,
    mismatch,
    settled,
    unmarked,
    unread,
)

_GOOD = (Status.DONE, Status.ALREADY)


def joint(operation: Operation) -> str:
    """What operations have in common that one write can hold: project and policy. Empty where each is a write."""
    place = place_of(operation.address.name) if operation.address.kind in TUPLES else None
    return f"{operation.address.target} {place.resource}" if place is not None else ""


@dataclass(slots=True)
class PolicyEdit:
    """Operations on one policy under way, in the signed order. `last` is the latest error that was worth another try;
    `maybe_done` is true once a call may have taken effect without an answer."""

    operations: Sequence[Operation]
    project: Project
    proceed: Callable[[], None]
    sleep: Callable[[float], None]
    attempts: int = 0
    last: CallError | None = None
    maybe_done: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self) -> tuple[Outcome, ...]:
        """The outcomes, in the order of the operations. Raises what `proceed` raises."""
        tries = Tries()
        for attempt in tries:
            try:
                policy, found = self._look()
            except CallError as error:
                self._end_all(error)
                break
            for operation in self._left():
                self._keep(settled(operation, found[operation.id], self.attempts))
            self._hold_back()
            left = self._left()
            if not left or policy is None:
                break
            problem = self._write(policy, left)
            if problem is None:
                self._read_back()
                break
            if problem.fault in FINAL:
                self._refused(problem)
                break
            if problem.fault is Fault.THROTTLED:
                tries.throttled()
            self.last, self.maybe_done = problem, self.maybe_done or problem.fault is Fault.UNCLEAR
            self.sleep(pause_of(attempt))
        else:
            self._gave_up()
        return tuple(self.outcomes[operation.id] for operation in self.operations)

    def _left(self) -> list[Operation]:
        return [operation for operation in self.operations if operation.id not in self.outcomes]

    def _keep(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self.outcomes[outcome.operation] = outcome

    def _hold_back(self) -> None:
        """What waits for an edit that cannot be made is not made either."""
        for operation in self._left():
            bad = [id_ for id_ in operation.depends if id_ in self.outcomes and self.outcomes[id_].status not in _GOOD]
            if bad:
                detail = f"waits for operation {bad[0]}, which is not done"
                self._keep(Outcome(operation.id, Status.SKIPPED, detail))

    def _look(self) -> tuple[LivePolicy | None, dict[str, Found]]:
        """The policy and what it says of each operation; read again where it looks like a conflict: copies lag."""
        policy, found = self._find()
        for attempt in range(CONFLICT_READS - 1):
            if all(expected(operation, found[operation.id]) for operation in self._left()):
                break
            self.sleep(pause_of(attempt))
            policy, found = self._find()
        return policy, found

    def _find(self) -> tuple[LivePolicy | None, dict[str, Found]]:
        """One read of the policy, one of each principal that an edit hangs on. Raises CallError."""
        foreign = self._foreign()
        resource = self._resource()
        left = self._left()
        try:
            policy = read_policy(self.project, resource)
        except CallError as error:
            if error.fault is Fault.ABSENT and all(operation.after == ABSENT for operation in left):
                return None, {one.id: Found(None, foreign=foreign[one.id]) for one in left}
            raise
        except ValueError as error:
            return None, {one.id: Found(None, foreign=str(error)) for one in left}
        return policy, {one.id: _in_policy(one, policy, foreign[one.id]) for one in left}

    def _resource(self) -> str:
        place = place_of(self.operations[0].address.name)
        return place.resource if place is not None else ""

    def _foreign(self) -> dict[str, str]:
        """By operation, why what it hangs on is not ours; each anchor is read once."""
        known: dict[tuple[Address, str | None, bool], str] = {}
        out: dict[str, str] = {}
        for operation in self._left():
            anchor = _anchor(operation)
            if anchor is None:
                out[operation.id] = "" if place_of(operation.address.name) else "its address names no grant"
                continue
            key = (anchor, operation.agent, operation.after == ABSENT)
            if key not in known:
                known[key] = unmarked(self.project, operation, anchor)
            out[operation.id] = known[key]
        return out

    def _write(self, policy: LivePolicy, left: Sequence[Operation]) -> CallError | None:
        """Make the call once. None when Google took it, else what it answered."""
        self.attempts += 1
        self.proceed()
        deltas = [delta(operation) for operation in left]
        remove = [item for _, items, _ in deltas for item in items]
        add = [item for _, _, items in deltas for item in items]
        try:
            write_policy(self.project, policy, remove, add)
        except CallError as error:
            return error
        return None

    def _refused(self, error: CallError) -> None:
        """Google says no for good. One bad edit must not hold up its neighbours: each is tried by itself."""
        left = self._left()
        if error.fault is Fault.REFUSED and len(left) > 1 and not self.maybe_done:
            for operation in left:
                self._hold_back()
                if operation.id not in self.outcomes:
                    alone = PolicyEdit((operation,), self.project, self.proceed, self.sleep)
                    self._keep(alone.run()[0])
            return
        status = Status.UNKNOWN if self.maybe_done else Status.FAILED
        for operation in left:
            detail = f"{operation.verb} was refused: {error}"
            self._keep(Outcome(operation.id, status, detail, "", self.attempts))

    def _read_back(self) -> None:
        """Wait, within bounds, until a read shows what was written."""
        found: dict[str, Found] = {}
        problem: CallError | None = None
        for attempt in range(READ_TRIES):
            try:
                (_, found), problem = self._find(), None
            except CallError as error:
                problem = error
            for operation in self._left() if problem is None else ():
                digest = digest_of(operation, found[operation.id])
                if digest == operation.after:
                    self._keep(Outcome(operation.id, Status.DONE, "", digest, self.attempts))
            if not self._left():
                return
            if attempt < READ_TRIES - 1:
                self.sleep(pause_of(attempt))
        for operation in self._left():
            if problem is not None:
                detail = f"Google took the call, but it cannot be read back: {problem}"
                self._keep(Outcome(operation.id, Status.UNKNOWN, detail, "", self.attempts))
            else:
                self._keep(mismatch(operation, digest_of(operation, found[operation.id]), self.attempts))

    def _end_all(self, error: CallError) -> None:
        for operation in self._left():
            self._keep(unread(operation, error, self.last, self.maybe_done, self.attempts))

    def _gave_up(self) -> None:
        try:
            _, found = self._find()
        except CallError as error:
            self._end_all(error)
            return
        for operation in self._left():
            digest = digest_of(operation, found[operation.id])
            if digest == operation.after:
                detail = "done: the call's answer was lost, but a read shows it"
                self._keep(Outcome(operation.id, Status.DONE, detail, digest, self.attempts))
                continue
            status = Status.UNKNOWN if self.maybe_done else Status.FAILED
            detail = f"gave up after {self.attempts} tries: {self.last}"
            self._keep(Outcome(operation.id, status, detail, digest, self.attempts))


def _in_policy(operation: Operation, policy: LivePolicy, foreign: str) -> Found:
    """What a policy says at an operation's address."""
    address = operation.address
    place = place_of(address.name)
    if place is None:
        return Found(None, foreign=f"{address.name} names no grant")
    mine = [t for t in policy.tuples if (t.role, t.member) == (place.role, place.member) and not deleted(t.member)]
    live = dict(distinct(address.kind, address.target, place.agent, mine))
    item = live.get(address)
    attributes = canonical_attributes(address.kind, item.attributes()) if item is not None else None
    return Found(attributes, foreign=foreign)


def _anchor(operation: Operation) -> Address | None:
    """What a grant hangs on: the account whose trust it is, or the account or pool that its member is of; None for a
    member that nothing of ours stands for."""
    place, target = place_of(operation.address.name), operation.address.target
    if place is None:
        return None
    if operation.address.kind == schema.ACCOUNT_BINDING:
        return Address("google", target, schema.ACCOUNT, place.resource.rpartition("/")[2].partition("@")[0])
    email = place.member.removeprefix("serviceAccount:")
    if email != place.member:
        name, _, host = email.partition("@")
        return Address("google", target, schema.ACCOUNT, name) if host == names.email("", target)[1:] else None
    match = POOL_MEMBER.fullmatch(place.member)
    if match is None or match[2].endswith(".svc.id.goog"):
        return None
    return Address("google", match[1], schema.POOL, match[2])  # by number: the pool may be another project's
