"""What the verifier is given, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ..model.changes import Change
from ..model.plan import Requirement, Sweep
from ..model.resources import Address
from ..planfile import PlanFile
from ..sdk.provider import Provider
from .authorship import Authorship
from .past import Past
from .requirements import Bar
from .root import RootInForce
from .statement import Role


@dataclass(frozen=True, slots=True)
class LedgerSignoff:
    """A sign-off as it stands in the ledger: the entry's index and the DSSE envelope. Nothing of it is believed yet."""

    index: int
    envelope: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sweepable:
    """A change that an applied plan made, and how that plan, as it was signed, removes it. `plan` is its digest."""

    change: Change
    sweep: Sweep
    plan: str


@dataclass(frozen=True, slots=True)
class PublishedPlan:
    """The first publication of a plan: its digest, its entry's index, and since when it lives.

    `since` is the earliest that anything says, so that no life gets longer; `stored` the store's own time of the
    entry, by which delays run; None where it is not known.
    """

    digest: str
    index: int
    since: datetime
    stored: datetime | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """A sign-off of another plan of the same base, which may count for this one (`carry = "unchanged"`): the plan
    that it was made for, and that plan's publication."""

    signoff: LedgerSignoff
    planfile: PlanFile
    published: PublishedPlan


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that judges a plan, gathered by whoever may do I/O.

    `base` is the index of the ledger's last consumed plan (0 for none), `entries` the digests of all ledger entries
    by index, `now` the current time (the later of the store's and the machine's), `revoked` fingerprints of keys.
    `authorship` is what the applying runner itself found out about authors, where it has a checkout; `past` what the
    signed plans before have left behind, None where plans are judged that were carried out long ago. `providers` are
    asked again which surfaces a change touches and which calls carry it out, so that no plan can tell it otherwise;
    only where old plans of another version are re-read (the root's own history) is it None. `grace` is how much
    earlier expiry is judged: there too, since recording a root takes a moment after its last check. `carried` are
    sign-offs of other plans since the last consumed one. `store_now` is the time by the store's own clock, None where
    it has none of its own (a local folder); `announced` when the plan's next root was first published, by that clock.
    `sweepable` is what signed plans made and how they remove it, gathered for plans that sweep alone.
    """

    root: RootInForce
    signoffs: tuple[LedgerSignoff, ...]
    published: PublishedPlan | None
    base: int
    entries: Mapping[int, str]
    now: datetime
    providers: Mapping[str, Provider] | None
    revoked: frozenset[str] = frozenset()
    authorship: Authorship | None = None
    past: Past | None = None
    grace: timedelta = timedelta(0)
    carried: tuple[Carried, ...] = ()
    store_now: datetime | None = None
    announced: datetime | None = None
    sweepable: Mapping[Address, Sweepable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: a stable code, the reason as one sentence, and the next step."""

    code: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A decision that counts. `expires` and `issued` are the statement's; `fingerprint` the key's.

    `made_for` is the digest of the other plan that it was made for and carried from; "" where it is this one's.
    """

    person: str
    fingerprint: str
    issued: datetime
    expires: datetime
    index: int
    reason: str = ""
    role: Role = Role.OWNER
    made_for: str = ""


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who may stand in for an owner. `at` is when that opens by the store's clock; None before publication, and where
    the store has no clock of its own: then, and before, only together with one more owner."""

    to: str
    at: datetime | None
    open: bool
    own_clock: bool
    after_seconds: int


@dataclass(frozen=True, slots=True)
class RefusedSignoff:
    """A sign-off in the ledger that does not count. `person`, `surface`, `owner` where they could be read; `made_for`
    is the short name of the other plan that it was made for."""

    index: int
    refusal: Refusal
    person: str | None = None
    surface: str | None = None
    owner: str | None = None
    made_for: str = ""


class State(StrEnum):
    WAITING = "waiting"
    SIGNED = "signed"
    REJECTED = "rejected"
    NOTIFIED = "notified"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class RequirementState:
    """One requirement: who signed, who still may, who may not and why.

    `relies` are all sign-offs that it stands on, beyond the quorum too (who opened an escalation early). `broken`:
    governance signed in the owner's place, by breaking glass. `waived` says why an owner's consent is not needed.
    `notice` is set where an owner is asked to yield: when governance may go on without it, None for not by time.
    `pending` signed in the owner's place or broke glass, and that is not enough, or not open, yet.
    """

    requirement: Requirement
    state: State
    signed: tuple[Signed, ...]
    rejected: tuple[Signed, ...]
    may_sign: tuple[str, ...]
    may_not: tuple[Bar, ...]
    relies: tuple[Signed, ...] = ()
    broken: bool = False
    waived: str = ""
    stand_in: StandIn | None = None
    yields: tuple[str, ...] = ()
    notice: datetime | None = None
    pending: tuple[Signed, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing more is needed."""
        return self.state in (State.SIGNED, State.NOTIFIED, State.WAIVED)

    @property
    def missing(self) -> int:
        """How many more people must sign."""
        return max(0, self.requirement.threshold - len(self.signed))
