"""One operation under way: precondition, one call, read-back. Nothing comes from anywhere but the operation.

IAM has no etags, so the live object is compared right before the call; a change that falls between that read and the
call is seen by the read-back at the earliest. ADR 22 says what race remains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from provisioner.model.changes import ABSENT, Operation, Outcome, Status
from provisioner.sdk.digests import state_digest

from . import schema
from .binding import Where, misfit
from .client import Account
from .faults import ANSWERS, Fault, StillInUseError, classify, message
from .lookup import Found, look_back, look_up, policy_arn
from .names import TAG_AGENT, TAG_WORKSPACE, tag_value
from .operations import PRUNE, PRUNE_ALL
from .workload.lookup import send

WRITE_TRIES = 8
READ_TRIES = 8
"""With doubling pauses about 30 s: a fresh role is usually known everywhere within 15."""

CONFLICT_READS = 3
"""IAM may answer from a copy that has not seen our own last write: a conflict must show this often."""

_GIVES_MARK = (
    "iam:TagRole",
    "iam:TagPolicy",
    "iam:TagInstanceProfile",
    "iam:TagOpenIDConnectProvider",
    "eks:TagResource",
    "bedrock-agentcore:TagResource",
)
"""Calls that give a mark back to what the signed plan says is ours; everything else needs the mark to be there."""

_CHILDREN = (schema.ROLE_POLICY, schema.ATTACHMENT, schema.PACK, schema.INSTANCE_PROFILE)


@dataclass(slots=True)
class Execution:
    """One operation under way. `last` is the latest error of a call that was worth another try; `maybe_done` is true
    once a call may have taken effect without an answer; `doubted` once a read showed that the role may be another's;
    `sent` once the latest try got as far as the call itself.
    """

    operation: Operation
    account: Account
    proceed: Callable[[], None]
    pause: Callable[[int], None]
    attempts: int = 0
    last: Exception | None = None
    maybe_done: bool = False
    doubted: bool = False
    sent: bool = False

    def on(self, found: Found) -> Outcome | None:
        """Write on a look that was made for several operations, once; every doubt is settled as `run` does. None: AWS
        took the call, and it is still to be read back."""
        if self._settled(found) is not None:
            return self.run()
        error = self._write()
        if error is None:
            return None
        refused = self._refused(error)
        if refused is not None:
            return refused
        self.pause(0)
        return self.run()

    def shown(self, found: Found) -> Outcome | None:
        """Done, where a read that was made for several operations shows what was written; else None."""
        digest = self._digest(found)
        if digest != self.operation.after:
            return None
        self.doubted = self.operation.address.kind in _CHILDREN and bool(self._foreign(found))
        return None if self.doubted else self._outcome(Status.DONE, "", digest)

    def run(self) -> Outcome:
        for attempt in range(WRITE_TRIES):
            try:
                found = self._look()
            except ANSWERS as error:
                return self._unread(error)
            settled = self._settled(found)
            if settled is not None:
                return settled
            error_ = self._write()
            if error_ is None:
                return self.read_back()
            refused = self._refused(error_)
            if refused is not None:
                return refused
            self.pause(attempt)
        return self._gave_up()

    def _look(self) -> Found:
        """The live object; read again where it looks like a conflict, since IAM's copies lag."""
        for attempt in range(CONFLICT_READS):
            found = look_up(self.account, self.operation)
            if self._digest(found) in (self.operation.before, self.operation.after) and not self._orphan(found):
                break
            if attempt < CONFLICT_READS - 1:
                self.pause(attempt)
        return found

    def _digest(self, found: Found) -> str:
        return state_digest(found.attributes, self.operation.fields)

    def _orphan(self, found: Found) -> bool:
        """Something is to be put on a role that is not there."""
        child = self.operation.address.kind in _CHILDREN
        return child and self.operation.after != ABSENT and found.owner_tags is None

    def _settled(self, found: Found) -> Outcome | None:
        """An outcome where there is nothing to write, or where writing would be wrong."""
        operation, digest = self.operation, self._digest(found)
        if digest == operation.after:
            if self.attempts:
                return self._outcome(Status.DONE, "done: the call's answer was lost, but a read shows it", digest)
            return self._outcome(Status.ALREADY, "it is already as the plan wants it", digest)
        if digest != operation.before:
            return self._outcome(Status.CONFLICT, self._difference(found), digest)
        if self._orphan(found):
            return self._outcome(Status.CONFLICT, f"role {found.owner_name} does not exist", digest)
        foreign = self._foreign(found)
        if foreign:
            return self._outcome(Status.CONFLICT, foreign, digest)
        unsigned = misfit(operation, found.attributes, Where(self.account.partition, self.account.id))
        return self._outcome(Status.FAILED, f"{unsigned}; nothing was written", digest) if unsigned else None

    def _difference(self, found: Found) -> str:
        name, fields = self.operation.address.name, ", ".join(self.operation.fields)
        if found.attributes is None:
            return f"{name} does not exist any more; the plan was made on one that did"
        if self.operation.before == ABSENT:
            return f"{name} exists already, and not as the plan would make it: it may be somebody else's"
        return f"{name} is neither as the plan found it nor as it would make it: {fields} changed meanwhile"

    def _foreign(self, found: Found) -> str:
        """Why what is to be changed is not ours, by the mark that it carries now; empty where it is."""
        if found.owner_tags is None or self.operation.verb in _GIVES_MARK:
            return ""
        name, agent, tags = found.owner_name, self.operation.agent, found.owner_tags
        if TAG_WORKSPACE not in tags:
            return f"{name} does not carry our mark (tag {TAG_WORKSPACE}), so it is not touched"
        if agent is not None and tags.get(TAG_AGENT) != tag_value(agent):
            return f"{name} is marked as agent {tags.get(TAG_AGENT)!r}'s, not {agent!r}'s, so it is not touched"
        return ""

    def _write(self) -> Exception | None:
        """Make the call once. None when AWS took it, else what it answered."""
        self.attempts += 1
        self.sent = False
        try:
            self._prune()
            self.proceed()
            self.sent = True
            action, arguments = _action(self.operation.verb), _arguments(self.operation.params)
            if not send(self.account, self.operation, action, arguments):
                self.account.write(action, **arguments)
        except ANSWERS as error:
            return error
        return None

    def _prune(self) -> None:
        """Delete the versions that the operation's parameters say: never the default one, which alone has effect."""
        params = self.operation.params
        if PRUNE not in params and PRUNE_ALL not in params:
            return
        arn = policy_arn(self.account, self.operation)
        if PRUNE_ALL in params:
            self._require_unused(arn)
        pages = self.account.pages("list_policy_versions", PolicyArn=arn)
        versions = [version for page in pages for version in page["Versions"]]
        old = sorted(int(v["VersionId"].removeprefix("v")) for v in versions if not v["IsDefaultVersion"])
        if PRUNE in params:
            old = old[:1] if len(versions) >= params[PRUNE] else []
        for number in old:
            self.proceed()
            self.account.write("delete_policy_version", PolicyArn=arn, VersionId=f"v{number}")

    def _require_unused(self, arn: str) -> None:
        """IAM refuses to delete a policy in use; its old versions should then be there still."""
        policy = self.account.read("get_policy", PolicyArn=arn)["Policy"]
        attached, bounded = policy.get("AttachmentCount", 0), policy.get("PermissionsBoundaryUsageCount", 0)
        if attached or bounded:
            raise StillInUseError(attached=attached, bounded=bounded)

    def _refused(self, error: Exception) -> Outcome | None:
        """A failed outcome, or None where another look and another try may help."""
        fault = classify(error)
        repeated_exists = fault is Fault.EXISTS and self.last is not None and classify(self.last) is Fault.EXISTS
        if fault in (Fault.DENIED, Fault.CREDENTIALS, Fault.REFUSED) or repeated_exists:
            done = self._done_anyway() if fault is Fault.REFUSED else None
            status = Status.UNKNOWN if self.maybe_done else Status.FAILED
            return done or self._outcome(status, f"{self.operation.verb} was refused: {message(error)}")
        self.maybe_done = self.maybe_done or (self.sent and fault is Fault.UNCLEAR)
        self.last = error
        return None

    def _done_anyway(self) -> Outcome | None:
        """A call that arrived twice is refused the second time (a sixth version): a look shows what the first did."""
        try:
            digest = self._digest(look_back(self.account, self.operation))
        except ANSWERS:
            return None  # then the refusal itself is what is known
        if digest != self.operation.after:
            return None
        return self._outcome(Status.DONE, "done: the answer was a refusal, but a read shows it", digest)

    def read_back(self) -> Outcome:
        """Wait, within bounds, until a read shows what was written."""
        digest, problem, foreign = "", "", ""
        look = look_up if self.doubted else look_back
        for attempt in range(READ_TRIES):
            try:
                found = look(self.account, self.operation)
                digest, problem = self._digest(found), ""
                foreign = self._foreign(found) if self.doubted else ""
            except ANSWERS as error:
                problem = message(error)
            if not problem and digest == self.operation.after and not foreign:
                return self._outcome(Status.DONE, "", digest)
            if attempt < READ_TRIES - 1:
                self.pause(attempt)
        if problem:
            return self._outcome(Status.UNKNOWN, f"AWS took the call, but it cannot be read back: {problem}")
        if digest == self.operation.after:
            detail = (
                f"AWS took the call, but meanwhile {foreign.replace('so it is not touched', 'and the call is on it')}"
            )
            return self._outcome(Status.CONFLICT, detail, digest)
        if digest == self.operation.before:
            return self._outcome(Status.UNKNOWN, "AWS took the call, but reads still show the state before it", digest)
        detail = "AWS took the call, but reads show another state: somebody changed it at the same time"
        return self._outcome(Status.CONFLICT, detail, digest)

    def _unread(self, error: Exception) -> Outcome:
        """The live object cannot be read: nothing is written, unless a call before may have been."""
        fault = classify(error)
        why = f"{self.operation.address.name} cannot be read: {message(error)}"
        if fault is Fault.DENIED:
            why += f" (the runner needs {', '.join(self.operation.permissions)})"
        if self.maybe_done:
            return self._outcome(Status.UNKNOWN, f"{message(self.last) if self.last else ''}; then {why}")
        return self._outcome(Status.FAILED, f"{why}; nothing was written")

    def _gave_up(self) -> Outcome:
        said = message(self.last) if self.last is not None else ""
        try:
            digest = self._digest(look_up(self.account, self.operation))
        except ANSWERS as error:
            return self._unread(error)
        if digest == self.operation.after:
            return self._outcome(Status.DONE, "done: the call's answer was lost, but a read shows it", digest)
        status = Status.UNKNOWN if self.maybe_done else Status.FAILED
        return self._outcome(status, f"gave up after {self.attempts} tries: {said}", digest)

    def _outcome(self, status: Status, detail: str, live: str = "") -> Outcome:
        return Outcome(self.operation.id, status, detail, live, self.attempts)


def _action(verb: str) -> str:
    """`iam:PutRolePolicy` → `put_role_policy`."""
    return str(xform_name(verb.partition(":")[2]))


def _arguments(params: Mapping[str, Any]) -> dict[str, Any]:
    """The call's own parameters, without those that only steer the writer."""
    return {name: value for name, value in params.items() if name not in (PRUNE, PRUNE_ALL)}
