"""Parts that nobody needs to sign, because they only take authority away (`approval { narrowing = "notify" }`).

What a plan calls narrower is its own word. Here the provider is asked again, about the change alone: it must be
narrower whatever else the agent holds, since nobody looks at it before it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from ..model.changes import Change, Effect, Surface
from ..sdk.provider import Provider
from .parts import Part
from .root import RootData

NOTIFY = "notify"


@runtime_checkable
class NarrowingJudge(Protocol):
    """What a provider may know besides: whether a change takes authority away in every world. Pure."""

    def narrows(self, change: Change) -> bool:
        """True only where the change makes nothing possible, whatever else there is, and some request impossible."""


def needs_no_signature(root: RootData, part: Part, providers: Mapping[str, Provider] | None) -> bool:
    """Whether a part only takes away, decided and not UNKNOWN, and the root in force lets that go with a notice.

    Never for governance, for accepted risks or for a new root. `providers` None: an old plan is read again, and its
    effects are taken as they were signed.
    """
    if root.approval.narrowing != NOTIFY or part.surface == Surface.GOVERNANCE or part.root or part.accept:
        return False
    return bool(part.changes) and all(_narrows(change, providers) for change in part.changes)


def _narrows(change: Change, providers: Mapping[str, Provider] | None) -> bool:
    if change.effect is not Effect.NARROWER:
        return False
    if providers is None:
        return True
    provider = providers.get(change.address.provider)
    return isinstance(provider, NarrowingJudge) and provider.narrows(change)
