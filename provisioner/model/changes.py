"""Differences between desired and live, and what carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .resources import Address


class Surface(StrEnum):
    """The control surfaces of 1-product.md; every change touches at least one, each owned by one control owner."""

    IDENTITY = "identity"
    TOOL_ACCESS = "tool_access"
    RUNTIME = "runtime"
    GOVERNANCE = "governance"


class Action(StrEnum):
    """CLAIM puts our mark on what exists already, RELEASE takes it off and leaves the thing: nothing else changes."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CLAIM = "claim"
    RELEASE = "release"

    @property
    def marks_only(self) -> bool:
        """True where only whose the resource is changes."""
        return self in (Action.CLAIM, Action.RELEASE)


class Effect(StrEnum):
    """What a change does to authority. UNKNOWN is treated as WIDER everywhere."""

    WIDER = "wider"
    NARROWER = "narrower"
    EQUAL = "equal"
    UNKNOWN = "unknown"

    @property
    def widens(self) -> bool:
        """True where a signer must assume that more becomes possible."""
        return self in (Effect.WIDER, Effect.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Assessment:
    """A provider's judgement of one change, for a reader who knows no policy language.

    `can` says what becomes possible, `cannot` what no longer is, one sentence each; `reason` says why an effect is
    UNKNOWN or what the judgement rests on.
    """

    effect: Effect
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` is None for a creation, `after` for a deletion; both are normalized attributes.

    `fields` names the attributes that differ. `owners` maps each touched surface to its control owner; a surface
    that resolves to none is absent from it and is a finding (OWN-1). `block` is None for what nobody declared.
    `counterparts` are other agents that the change lets `agent` reach: their owners of its surfaces sign as well.
    `left` are tools that the resource served, by the signed plan that made it so, and serves no more: their owners sign
    as well. `ends` is when it goes by its removal, signed along, where the cloud cannot carry an end (`Sweeping` of the
    sdk).
    """

    number: int
    action: Action
    address: Address
    label: str
    agent: str | None
    block: str | None
    surfaces: tuple[Surface, ...]
    owners: Mapping[str, str]
    effect: Effect
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    reason: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    fields: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    counterparts: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    ends: str | None = None


ABSENT = "absent"
"""Stands for the digest of a resource that does not exist."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One API call that a signed plan allows, complete: apply adds nothing to it.

    `verb` is `service:Action`; `params` are the call's arguments. `fields` are the attributes of `address` that the
    call controls; `before` and `after` are digests over exactly these (`state_digest`), or ABSENT. Live equal to
    `after` is done already, equal to `before` is to be executed, anything else is a conflict. `depends` are ids of
    operations that must be done first. `permissions` are what the runner needs for it.
    """

    id: str
    change: int
    address: Address
    verb: str
    params: Mapping[str, Any]
    fields: tuple[str, ...]
    before: str
    after: str
    depends: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    agent: str | None = None


class Status(StrEnum):
    DONE = "done"
    ALREADY = "already"
    CONFLICT = "conflict"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation. UNKNOWN: the call may or may not have taken effect; reading the cloud tells."""

    operation: str
    status: Status
    detail: str = ""
    live: str = ""
    attempts: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)
