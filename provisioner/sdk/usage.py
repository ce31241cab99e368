"""What a provider may offer about the use of authority. All three are optional; the first two are pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ..model.authority import Authority
from ..model.configuration import Settings
from ..model.resources import Address, Desired
from ..model.usage import Attribution, Deed, Fit, LoggedCall, Observed, Use
from .provider import Connection


@runtime_checkable
class LogReading(Protocol):
    """A provider that reads records of its cloud's audit log. Records are what their sender says: nothing in them is
    trusted to have a shape, and none of these methods raises for what a record holds."""

    def call_of(self, record: Mapping[str, Any]) -> LoggedCall | None:
        """The call that a record tells of; None for what is no record of this cloud's log."""

    def uses_of(self, record: Mapping[str, Any]) -> tuple[Use, ...]:
        """The permissions that the call used, or would have; empty where nobody knows."""

    def principals_of(self, authority: Authority, desired: Sequence[Desired]) -> Mapping[str, tuple[str, str]]:
        """Agent name and target by the key under which `call_of` names the agent's principals."""

    def deed_of(self, record: Mapping[str, Any], wanted: Collection[Address]) -> Deed | None:
        """Which of the wanted addresses a call has changed, and by whom; None for one that changed none of them."""


@runtime_checkable
class Fitting(Protocol):
    """A provider that holds what a tool gives against what was used of it."""

    def fit(self, block: Settings, observed: Observed) -> Fit:
        """How a tool's block in this cloud fits its use. Sound: what the logs cannot tell is `unjudged` and stays."""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """Who made each change; `calls` counts API calls by `provider:target`."""

    found: Mapping[Address, Attribution] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class Attributing(Protocol):
    """A provider that can ask its cloud who made a change."""

    def look_up(self, connections: Sequence[Connection], addresses: Collection[Address]) -> LookedUp:
        """Ask for each address. Never raises for what the cloud answers: `unknown` of the Attribution says it."""
