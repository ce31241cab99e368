"""What a drift run reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .changes import Effect, Surface
from .findings import Finding
from .resources import Address, Coverage
from .usage import Attribution


class DriftKind(StrEnum):
    """Every difference is exactly one of these.

    OUT_OF_BAND: no signed plan explains it. PENDING: configuration changed, not applied. EXPIRED: a grant ran out.
    UNCLAIMED: an agent-like identity that nobody declared. INCOMPLETE: a read failed, so it was not judged.
    """

    OUT_OF_BAND = "out_of_band"
    PENDING = "pending"
    EXPIRED = "expired"
    UNCLAIMED = "unclaimed"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Hint:
    """A command that leads out, and what it does."""

    command: str
    explains: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `what` are lines that start with `+`, `-` or `~` as seen from what was signed to what is live.

    `tell` are control owners. `breaks` are boundary tests that fail on the live state because of it. `users` are the
    agents that stand on something shared, which has no `agent` of its own. `since` is when a recorded run first saw it
    (RFC 3339 UTC; this run's time for a new one), empty where no run was recorded before. `who` made it, as far as the
    cloud's own log says; None where nobody was asked.
    """

    id: str
    kind: DriftKind
    what: tuple[str, ...]
    agent: str | None = None
    address: Address | None = None
    target: str = ""
    surfaces: tuple[Surface, ...] = ()
    effect: Effect | None = None
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    reason: str = ""
    breaks: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    do: tuple[Hint, ...] = ()
    users: tuple[str, ...] = ()
    since: str = ""
    who: Attribution | None = None

    @property
    def concerned(self) -> frozenset[str]:
        """Every agent whose authority is not what was signed because of it."""
        return frozenset(self.users) | ({self.agent} if self.agent else frozenset())


@dataclass(frozen=True, slots=True)
class Known:
    """A difference as a recorded run remembers it. `key` is its digest by content, `place` is `provider:target` (empty
    where it has no address), `what` its first line, `since` when a run first saw it."""

    key: str
    kind: DriftKind
    what: str
    agent: str
    place: str
    effect: str
    tell: tuple[str, ...]
    since: str


class Turn(StrEnum):
    """What became of a difference between two runs."""

    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Transition:
    """A difference that came or went. `time` is that of the run that saw it (RFC 3339 UTC).

    In a record of what could not be delivered, `to` is the identity of the channel that is still to be told; "" where
    there was one channel only.
    """

    turn: Turn
    known: Known
    time: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """One `ignore` block and what it set aside in this run. `place` is `file:line`, `expires` an ISO date.

    An `expired` one sets nothing aside.
    """

    place: str
    reason: str
    expires: str
    expired: bool = False
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class LastApplied:
    """The last consumed plan: its digest and the ledger's time of that (RFC 3339 UTC)."""

    digest: str
    time: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """`solo`: one person holds every sign-off. `obligations` are reviews that are owed, since something was applied by
    breaking glass; one sentence each. `ignored` has what the team set aside: it is not among `differences`, and its
    agents still differ. `time` is that of the run, `compared` that of the last recorded one (empty where none
    is), `gone` what that one saw and is no more, `unseen` what could not be looked at again, so that nobody knows.
    `findings` are of the rules about use, where audit logs were given."""

    workspace: str
    root_version: int
    last_applied: LastApplied | None
    differences: tuple[Difference, ...]
    agents: int
    as_signed: int
    differ: int
    not_fully_seen: int
    coverage: Coverage
    milliseconds: int = 0
    solo: bool = False
    obligations: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    time: str = ""
    compared: str = ""
    gone: tuple[Known, ...] = ()
    unseen: tuple[Known, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def set_aside(self) -> int:
        """How many differences are ignored."""
        return sum(len(item.differences) for item in self.ignored)

    def of(self, kind: DriftKind) -> tuple[Difference, ...]:
        """The differences of one kind, in order."""
        return tuple(difference for difference in self.differences if difference.kind is kind)
