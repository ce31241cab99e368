"""What a provider may offer for questions about agents. Both are optional and pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

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
