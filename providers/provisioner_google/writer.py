"""Executes signed operations: precondition, one call, read-back. Nothing comes from anywhere but the operation.

The etag is read at execution and never signed: what is signed is the digest of our own tuples, so a neighbour's edit of
the same policy neither voids the plan nor is lost. A write that Google refuses as ABORTED starts over: read again,
compare with what was signed again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.model.changes import ABSENT, Operation, Outcome, Status
from provisioner.model.resources import Address, Mark
from provisioner.sdk.digests import state_digest
from provisioner.sdk.errors import CloudError
from provisioner.sdk.provider import Connection

from . import names, rest, schema
from .bindings import distinct, place_of
from .client import READ_SECONDS, Json, Project, pause_of
from .faults import CallError, Fault
from .fitting import TUPLES, delta, misfit
from .forms import DELETED, canonical_attributes
from .live import POOL_MEMBER
from .policies import LivePolicy, deleted, read_policy, write_policy
from .reader import GoogleReader

WRITE_TRIES = 8
READ_TRIES = 8
CONFLICT_READS = 3
"""Google may answer from a copy that has not seen our own last write: a conflict must show this often."""

SLOW_PAUSE = 13.0
"""Seconds: deny policies and access boundaries take 5 calls a minute and project."""

_SUBJECT = re.compile(r"principal\.subject == '([^']+)'")
_SLOW = (schema.DENY_POLICY, schema.ACCESS_BOUNDARY, schema.ACCESS_BOUNDARY_BINDING)
_FINAL = (Fault.DENIED, Fault.CREDENTIALS, Fault.REFUSED)


class GoogleWriter(GoogleReader):
    """A reader that can execute."""

    def __init__(
        self,
        connections: Sequence[Connection],
        sleep: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        super().__init__(connections, read_seconds, sleep)
        self._sleep = sleep

    def execute(self, operation: Operation, proceed: Callable[[], None]) -> Outcome:
        """Carry out one operation. Never raises for what Google answers; `proceed` may raise to stop it."""
        project = self._projects.get(operation.address.target)
        if project is None:
            detail = f"this run has no connection to project {operation.address.target}"
            return Outcome(operation.id, Status.FAILED, detail)
        try:
            return _Execution(operation, project, proceed, self._sleep).run()
        except CloudError as error:
            return Outcome(operation.id, Status.FAILED, f"{error.summary}; nothing was written")


@dataclass(frozen=True, slots=True)
class Found:
    """The live object. `attributes` None for absent; `policy` where it is a tuple of one; `raw` the answer otherwise;
    `mark` its own, or that of what it hangs on; `foreign` says why it may not be touched."""

    attributes: Mapping[str, Any] | None
    raw: Json = field(default_factory=dict)
    policy: LivePolicy | None = None
    mark: Mark | None = None
    foreign: str = ""


@dataclass(slots=True)
class _Execution:
    """One operation under way. `last` is the latest error that was worth another try; `maybe_done` is true once a call
    may have taken effect without an answer."""

    operation: Operation
    project: Project
    proceed: Callable[[], None]
    sleep: Callable[[float], None]
    attempts: int = 0
    last: CallError | None = None
    maybe_done: bool = False

    def run(self) -> Outcome:
        for attempt in range(WRITE_TRIES):
            try:
                found = self._look()
            except CallError as error:
                return self._unread(error)
            settled = self._settled(found)
            if settled is not None:
                return settled
            error_ = self._write(found)
            if error_ is None:
                return self._read_back()
            refused = self._refused(error_)
            if refused is not None:
                return refused
            slow = error_.fault is Fault.THROTTLED and self.operation.address.kind in _SLOW
            self.sleep(SLOW_PAUSE if slow else pause_of(attempt))
        return self._gave_up()

    def _look(self) -> Found:
        """The live object; read again where it looks like a conflict, since copies lag."""
        found = self._find()
        for attempt in range(CONFLICT_READS - 1):
            if not found.foreign and self._digest(found) in (self.operation.before, self.operation.after):
                break
            self.sleep(pause_of(attempt))
            found = self._find()
        return found

    def _find(self) -> Found:
        if self.operation.address.kind in TUPLES:
            return self._find_tuple()
        return self._find_object()

    def _find_object(self) -> Found:
        operation = self.operation
        address = operation.address
        foreign = self._foreign_anchor()
        try:
            raw = rest.fetch(self.project, address)
        except CallError as error:
            if error.fault is Fault.ABSENT and operation.verb == "iam:undeleteServiceAccount":
                gone = {"state": DELETED, "deleted_id": operation.params["uniqueId"]}
                return Found(canonical_attributes(address.kind, gone))
            if error.fault is not Fault.ABSENT:
                raise
            return Found(None, foreign=foreign)
        state = rest.state_of(address.kind, raw)
        mark = rest.mark_text(address.kind, state)
        if state.get("state") == DELETED and operation.after == ABSENT:
            return Found(None, raw, mark=mark, foreign=foreign)
        return Found(state, raw, mark=mark, foreign=foreign or self._foreign(mark))

    def _foreign(self, mark: Mark | None) -> str:
        """Why a live object is not ours, by the mark that it carries now; a call that gives the mark back may pass."""
        operation = self.operation
        if operation.before == ABSENT or "description" in operation.params or "annotations" in operation.params:
            return ""
        name = operation.address.name
        if mark is None:
            return f"{name} does not carry our mark, so it is not touched"
        if operation.agent is not None and mark.agent != operation.agent:
            return f"{name} is marked as agent {mark.agent!r}'s, not {operation.agent!r}'s, so it is not touched"
        return ""

    def _foreign_anchor(self) -> str:
        """Why what an object hangs on is not ours: a provider's pool, the principal that a boundary is bound to."""
        address, params = self.operation.address, self.operation.params
        if address.kind == schema.POOL_PROVIDER:
            pool = address.name.partition("/")[0]
            return self._unmarked(Address("google", address.target, schema.POOL, pool))
        if address.kind != schema.ACCESS_BOUNDARY_BINDING or "principal_set" not in params:
            return ""
        subject = _SUBJECT.search(str((params.get("condition") or {}).get("expression", "")))
        if subject is not None:
            account = subject[1].partition("@")[0]
            return self._unmarked(Address("google", address.target, schema.ACCOUNT, account))
        pool = str(params["principal_set"]).rpartition("/workloadIdentityPools/")[2]
        return self._unmarked(Address("google", address.target, schema.POOL, pool))

    def _unmarked(self, anchor: Address) -> str:
        """Why what an operation hangs on is not ours: it is not there, or carries no mark, or another agent's."""
        noun = schema.provider_schema().kinds[anchor.kind].noun
        try:
            state = rest.state_of(anchor.kind, rest.fetch(self.project, anchor))
        except CallError as error:
            if error.fault is Fault.ABSENT:
                return f"the {noun} {anchor.name} does not exist" if self.operation.after != ABSENT else ""
            raise
        mark = rest.mark_text(anchor.kind, state)
        if mark is None:
            return f"the {noun} {anchor.name} does not carry our mark, so nothing that hangs on it is touched"
        if mark.agent is not None and self.operation.agent is not None and mark.agent != self.operation.agent:
            return f"the {noun} {anchor.name} is marked as agent {mark.agent!r}'s, not {self.operation.agent!r}'s"
        return ""

    def _find_tuple(self) -> Found:
        address = self.operation.address
        place = place_of(address.name)
        if place is None:
            return Found(None, foreign=f"{address.name} names no grant")
        anchor = self._anchor(place.member, place.resource)
        foreign = self._unmarked(anchor) if anchor is not None else ""
        try:
            policy = read_policy(self.project, place.resource)
        except CallError as error:
            if error.fault is Fault.ABSENT and self.operation.after == ABSENT:
                return Found(None, foreign=foreign)
            raise
        except ValueError as error:
            return Found(None, foreign=str(error))
        mine = [t for t in policy.tuples if (t.role, t.member) == (place.role, place.member) and not deleted(t.member)]
        live = dict(distinct(address.kind, address.target, place.agent, mine))
        item = live.get(address)
        attributes = canonical_attributes(address.kind, item.attributes()) if item is not None else None
        return Found(attributes, policy=policy, foreign=foreign)

    def _anchor(self, member: str, resource: str) -> Address | None:
        """What a grant hangs on: the account whose trust it is, or the account or pool that its member is of."""
        target = self.operation.address.target
        if self.operation.address.kind == schema.ACCOUNT_BINDING:
            return Address("google", target, schema.ACCOUNT, resource.rpartition("/")[2].partition("@")[0])
        email = member.removeprefix("serviceAccount:")
        if email != member:
            name, _, host = email.partition("@")
            return Address("google", target, schema.ACCOUNT, name) if host == names.email("", target)[1:] else None
        match = POOL_MEMBER.fullmatch(member)
        if match is None or match[2].endswith(".svc.id.goog"):
            return None
        return Address("google", target, schema.POOL, match[2])

    def _digest(self, found: Found) -> str:
        return state_digest(found.attributes, self.operation.fields)

    def _settled(self, found: Found) -> Outcome | None:
        """An outcome where there is nothing to write, or where writing would be wrong."""
        operation, digest = self.operation, self._digest(found)
        if digest == operation.after and not (found.foreign and operation.before == ABSENT):
            if self.attempts:
                return self._outcome(Status.DONE, "done: the call's answer was lost, but a read shows it", digest)
            return self._outcome(Status.ALREADY, "it is already as the plan wants it", digest)
        if digest != operation.before:
            return self._outcome(Status.CONFLICT, self._difference(found), digest)
        if found.foreign:
            return self._outcome(Status.CONFLICT, found.foreign, digest)
        unsigned = misfit(operation, found.attributes)
        return self._outcome(Status.FAILED, f"{unsigned}; nothing was written", digest) if unsigned else None

    def _difference(self, found: Found) -> str:
        name, fields = self.operation.address.name, ", ".join(self.operation.fields)
        if found.attributes is None:
            return f"{name} does not exist any more; the plan was made on one that did"
        if found.attributes.get("state") == DELETED:
            return f"{name} was deleted a short while ago and still holds its name; plan again, which brings it back"
        if self.operation.before == ABSENT:
            return f"{name} exists already, and not as the plan would make it: it may be somebody else's"
        return f"{name} is neither as the plan found it nor as it would make it: {fields} changed meanwhile"

    def _write(self, found: Found) -> CallError | None:
        """Make the call once. None when Google took it, else what it answered."""
        self.attempts += 1
        self.proceed()
        try:
            if found.policy is not None:
                _, remove, add = delta(self.operation)
                write_policy(self.project, found.policy, remove, add)
            else:
                rest.write(self.project, self.operation.verb, self.operation.address, self.operation.params, found.raw)
        except CallError as error:
            return error
        return None

    def _refused(self, error: CallError) -> Outcome | None:
        """A failed outcome, or None where another look and another try may help."""
        repeated = error.fault is Fault.EXISTS and self.last is not None and self.last.fault is Fault.EXISTS
        if error.fault in _FINAL or repeated:
            status = Status.UNKNOWN if self.maybe_done else Status.FAILED
            return self._outcome(status, f"{self.operation.verb} was refused: {error}")
        self.maybe_done = self.maybe_done or error.fault is Fault.UNCLEAR
        self.last = error
        return None

    def _read_back(self) -> Outcome:
        """Wait, within bounds, until a read shows what was written."""
        digest, problem = "", ""
        for attempt in range(READ_TRIES):
            try:
                digest, problem = self._digest(self._find()), ""
            except CallError as error:
                problem = str(error)
            if not problem and digest == self.operation.after:
                return self._outcome(Status.DONE, "", digest)
            if attempt < READ_TRIES - 1:
                self.sleep(pause_of(attempt))
        if problem:
            return self._outcome(Status.UNKNOWN, f"Google took the call, but it cannot be read back: {problem}")
        if digest == self.operation.before:
            detail = "Google took the call, but reads still show the state before it"
            return self._outcome(Status.UNKNOWN, detail, digest)
        detail = "Google took the call, but reads show another state: somebody changed it at the same time"
        return self._outcome(Status.CONFLICT, detail, digest)

    def _unread(self, error: CallError) -> Outcome:
        """The live object cannot be read: nothing is written, unless a call before may have been."""
        why = f"{self.operation.address.name} cannot be read: {error}"
        if error.fault is Fault.DENIED:
            why += f" (the runner needs {', '.join(self.operation.permissions)})"
        if self.maybe_done:
            return self._outcome(Status.UNKNOWN, f"{self.last}; then {why}")
        return self._outcome(Status.FAILED, f"{why}; nothing was written")

    def _gave_up(self) -> Outcome:
        try:
            digest = self._digest(self._find())
        except CallError as error:
            return self._unread(error)
        if digest == self.operation.after:
            return self._outcome(Status.DONE, "done: the call's answer was lost, but a read shows it", digest)
        status = Status.UNKNOWN if self.maybe_done else Status.FAILED
        return self._outcome(status, f"gave up after {self.attempts} tries: {self.last}", digest)

    def _outcome(self, status: Status, detail: str, live: str = "") -> Outcome:
        return Outcome(self.operation.id, status, detail, live, self.attempts)
