"""What the verifier is given, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ..model.plan import Requirement
from ..sdk.provider import Provider
from .authorship import Authorship
from .requirements import Bar
from .root import RootInForce


@dataclass(frozen=True, slots=True)
class LedgerSignoff:
    """A sign-off as it stands in the ledger: the entry's index and the DSSE envelope. Nothing of it is believed yet."""

    index: int
    envelope: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PublishedPlan:
    """The first publication of a plan: its digest, its entry's index, and since when by the store's own clock."""

    digest: str
    index: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that judges a plan, gathered by whoever may do I/O.

    `base` is the index of the ledger's last consumed plan (0 for none), `entries` the digests of all ledger entries
    by index, `now` the current time (the later of the store's and the machine's), `revoked` fingerprints of keys.
    `authorship` is what the applying runner itself found out about authors, where it has a checkout. `providers` are
    asked again which surfaces a change touches and which calls carry it out, so that no plan can tell it otherwise;
    only where old plans of another version are re-read (the root's own history) is it None. `grace` is how much
    earlier expiry is judged: there too, since recording a root takes a moment after its last check.
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
    grace: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: a stable code, the reason as one sentence, and the next step."""

    code: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A decision that counts. `expires` and `issued` are the statement's; `fingerprint` the key's."""

    person: str
    fingerprint: str
    issued: datetime
    expires: datetime
    index: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefusedSignoff:
    """A sign-off in the ledger that does not count. `person`, `surface`, `owner` where they could be read."""

    index: int
    refusal: Refusal
    person: str | None = None
    surface: str | None = None
    owner: str | None = None


class State(StrEnum):
    WAITING = "waiting"
    SIGNED = "signed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RequirementState:
    """One requirement: who signed, who still may, who may not and why."""

    requirement: Requirement
    state: State
    signed: tuple[Signed, ...]
    rejected: tuple[Signed, ...]
    may_sign: tuple[str, ...]
    may_not: tuple[Bar, ...]

    @property
    def missing(self) -> int:
        """How many more people must sign."""
        return max(0, self.requirement.threshold - len(self.signed))
