"""What a provider may offer for questions about agents. All are optional and pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from ..model.questions import Holding
from ..model.requests import Decision, World


@runtime_checkable
class Speaking(Protocol):
    """A provider that can tell its own actions from other clouds'. One that cannot is asked about any."""

    def speaks(self, action: str) -> bool:
        """Whether this has the form of one action or permission of the cloud: no wildcards."""


@runtime_checkable
class Listing(Protocol):
    """A provider that lists what an agent holds."""

    def holdings_of(self, world: World, agent: str) -> tuple[Collection[Holding], Collection[str]]:
        """Every statement that gives an agent something or takes it, and the policies whose text nobody has read."""

    def candidates(self, world: World, agent: str, resource: str) -> tuple[str, ...]:
        """The actions that the agent's own statements name and that could be done to a resource, sorted.

        Wildcards are written out as far as the cloud's actions are known. Nothing here judges: `evaluate` does.
        """

    def becoming(self, world: World, source: str, target: str, context: Mapping[str, Sequence[str]]) -> Decision:
        """May agent `source`, by its own principal, become agent `target`, choosing freely what a caller chooses (the
        name of its session)? `context` is what the question gives."""


@runtime_checkable
class Bridging(Protocol):
    """A provider that says how its principals show themselves to other clouds."""

    def sessions_of(self, world: World, agent: str) -> tuple[Mapping[str, Any], ...]:
        """The claims of sessions of the agent's own principals, in the form that a trust of another cloud reads: of
        AWS `{"arn": "arn:aws:sts::ACCOUNT:assumed-role/ROLE/*"}`, where `*` is a name that the caller chooses."""


@runtime_checkable
class Receiving(Protocol):
    """A provider whose agents' trusts may admit principals of another cloud."""

    def foreigners(self, world: World, cloud: str) -> tuple[str, ...]:
        """The agents whose trusts may admit principals of `cloud`, sorted."""

    def admits_session(self, world: World, target: str, claims: Mapping[str, Any]) -> Decision:
        """May a session with these claims (`Bridging.sessions_of`) become agent `target` here?"""
