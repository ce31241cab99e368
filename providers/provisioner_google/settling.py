"""What a look at the live state says about a signed operation: done, to be written, or not to be touched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provisioner.model.changes import ABSENT, Operation, Outcome, Status
from provisioner.model.resources import Address, Mark
from provisioner.sdk.digests import state_digest

from . import rest, schema
from .client import THROTTLED_TRIES, Json, Project
from .faults import CallError, Fault
from .fitting import misfit
from .forms import DELETED

FINAL = (Fault.DENIED, Fault.CREDENTIALS, Fault.REFUSED)
"""Faults after which nothing was written, and no other try helps."""

WRITE_TRIES = 8
READ_TRIES = 8
CONFLICT_READS = 3
"""Google may answer from a copy that has not seen our own last write: a conflict must show this often."""


class Tries:
    """The tries of one write, each with its number from 0: WRITE_TRIES of them, and more where Google throttles, since
    its quotas are counted by the minute."""

    def __init__(self) -> None:
        self._left, self._more = WRITE_TRIES, THROTTLED_TRIES - WRITE_TRIES

    def __iter__(self) -> Iterator[int]:
        for attempt in itertools.count():
            if not self._left:
                return
            self._left -= 1
            yield attempt

    def throttled(self) -> None:
        """The try that was just made was none."""
        if self._more:
            self._more -= 1
            self._left += 1


@dataclass(frozen=True, slots=True)
class Found:
    """The live object. `attributes` None for absent; `raw` the answer of an object of its own; `mark` its own, or that
    of what it hangs on; `foreign` says why it may not be touched."""

    attributes: Mapping[str, Any] | None
    raw: Json = field(default_factory=dict)
    mark: Mark | None = None
    foreign: str = ""


def digest_of(operation: Operation, found: Found) -> str:
    return state_digest(found.attributes, operation.fields)


def expected(operation: Operation, found: Found) -> bool:
    """Whether live is one of the two ends that were signed."""
    return not found.foreign and digest_of(operation, found) in (operation.before, operation.after)


def settled(operation: Operation, found: Found, attempts: int) -> Outcome | None:
    """An outcome where there is nothing to write, or where writing would be wrong. `attempts` were made before."""
    digest = digest_of(operation, found)
    if digest == operation.after and not (found.foreign and operation.before == ABSENT):
        if attempts:
            detail = "done: the call's answer was lost, but a read shows it"
            return Outcome(operation.id, Status.DONE, detail, digest, attempts)
        return Outcome(operation.id, Status.ALREADY, "it is already as the plan wants it", digest)
    if digest != operation.before:
        return Outcome(operation.id, Status.CONFLICT, _difference(operation, found), digest, attempts)
    if found.foreign:
        return Outcome(operation.id, Status.CONFLICT, found.foreign, digest, attempts)
    unsigned = misfit(operation, found.attributes)
    if not unsigned:
        return None
    return Outcome(operation.id, Status.FAILED, f"{unsigned}; nothing was written", digest, attempts)


def _difference(operation: Operation, found: Found) -> str:
    name, fields = operation.address.name, ", ".join(operation.fields)
    if found.attributes is None:
        return f"{name} does not exist any more; the plan was made on one that did"
    if found.attributes.get("state") == DELETED:
        return f"{name} was deleted a short while ago and still holds its name; plan again, which brings it back"
    if operation.before == ABSENT:
        return f"{name} exists already, and not as the plan would make it: it may be somebody else's"
    return f"{name} is neither as the plan found it nor as it would make it: {fields} changed meanwhile"


def unread(operation: Operation, error: CallError, last: CallError | None, maybe_done: bool, attempts: int) -> Outcome:
    """The live object cannot be read: nothing is written, unless a call before (`last`) may have been."""
    why = f"{operation.address.name} cannot be read: {error}"
    if error.fault is Fault.DENIED:
        why += f" (the runner needs {', '.join(operation.permissions)})"
    if maybe_done:
        return Outcome(operation.id, Status.UNKNOWN, f"{last}; then {why}", "", attempts)
    return Outcome(operation.id, Status.FAILED, f"{why}; nothing was written", "", attempts)


def mismatch(operation: Operation, digest: str, attempts: int) -> Outcome:
    """Google took the call, and reads do not show what was signed."""
    if digest == operation.before:
        detail = "Google took the call, but reads still show the state before it"
        return Outcome(operation.id, Status.UNKNOWN, detail, digest, attempts)
    detail = "Google took the call, but reads show another state: somebody changed it at the same time"
    return Outcome(operation.id, Status.CONFLICT, detail, digest, attempts)


def unmarked(project: Project, operation: Operation, anchor: Address) -> str:
    """Why what an operation hangs on is not ours: it is not there, or carries no mark, or another agent's; empty where
    it is. Raises CallError."""
    noun = schema.provider_schema().kinds[anchor.kind].noun
    try:
        state = rest.state_of(anchor.kind, rest.fetch(project, anchor))
    except CallError as error:
        if error.fault is Fault.ABSENT:
            return f"the {noun} {anchor.name} does not exist" if operation.after != ABSENT else ""
        raise
    return misplaced(operation, anchor, rest.mark_text(anchor.kind, state))


def misplaced(operation: Operation, anchor: Address, mark: Mark | None) -> str:
    """Why an anchor with this mark is not what the operation may hang something on; empty where it is."""
    noun = schema.provider_schema().kinds[anchor.kind].noun
    if mark is None:
        return f"the {noun} {anchor.name} does not carry our mark, so nothing that hangs on it is touched"
    if mark.agent is not None and operation.agent is not None and mark.agent != operation.agent:
        return f"the {noun} {anchor.name} is marked as agent {mark.agent!r}'s, not {operation.agent!r}'s"
    return ""
