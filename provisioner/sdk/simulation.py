"""What a provider may offer for boundary tests: the cloud's own judgement of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..model.requests import Attempt, Decision, World
from .provider import Connection


class Simulator(Protocol):
    """The cloud's own policy simulator, as this runner reaches it."""

    def simulate(self, world: World, attempt: Attempt, *, live: bool) -> Decision:
        """Judge an attempt: with `live` by what is in the cloud now, else by the policies of the world.

        Never raises for what the cloud answers: what it does not judge is DEPENDS, with the reason in `missing`.
        """


@runtime_checkable
class Simulating(Protocol):
    """A provider whose cloud has a simulator."""

    def simulator(self, connections: Sequence[Connection]) -> Simulator: ...
