"""Which operation of a plan may begin next. Pure: knows nothing of threads, clouds or the ledger.

The signed order is one row. Much of it is independent: what two agents get does not depend on one another. An operation
may begin once what it depends on has ended, and once every earlier operation on an agent that it touches has ended, so
that each agent sees its own operations one by one, in the signed order, however many agents are worked on at once. What
several agents share (their boundary) touches all of them. Among those that may begin the first in the signed order
goes first: with one at a time the order is exactly the signed one, but for what one call carries out together.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from ..model.changes import Operation


class Schedule:
    """The operations still to be done, by their place in `operations`."""

    def __init__(
        self, operations: Sequence[Operation], groups_of: Mapping[str, Sequence[str]], caps: Mapping[str, int]
    ) -> None:
        """`groups_of` names by operation id what an operation touches; `caps` say by provider how many of its
        operations may be under way at once (1 where nothing is said)."""
        self._operations = operations
        self._caps = caps
        self._busy: dict[str, int] = defaultdict(int)
        self._ready: dict[str, list[int]] = defaultdict(list)
        self._followers: dict[int, list[int]] = defaultdict(list)
        self._waits: list[int] = []
        self._left = len(operations)
        self._begun: set[int] = set()
        self._riders: set[int] = set()
        self._joint: dict[str, dict[str, list[int]]] = {}
        place: dict[str, int] = {}
        last: dict[str, int] = {}
        for at, operation in enumerate(operations):
            before = {place[id_] for id_ in operation.depends if id_ in place}
            for key in groups_of.get(operation.id, ()):
                if key in last:
                    before.add(last[key])
                last[key] = at
            place[operation.id] = at
            self._waits.append(len(before))
            for earlier in before:
                self._followers[earlier].append(at)
            if not before:
                self._free(at)

    @property
    def left(self) -> int:
        """Operations that have not ended."""
        return self._left

    def begin(self) -> int | None:
        """The place of the first operation that may begin now, which then counts as begun; None when none may."""
        chosen = None
        for provider, ready in self._ready.items():
            if ready and self._busy[provider] < self._caps.get(provider, 1) and (chosen is None or ready[0] < chosen):
                chosen = ready[0]
        if chosen is not None:
            provider = self._operations[chosen].address.provider
            heapq.heappop(self._ready[provider])
            self._busy[provider] += 1
            self._begun.add(chosen)
        return chosen

    def along(self, at: int, joint: Callable[[Operation], str]) -> list[int]:
        """The places of operations that one call carries out with the one at `at`, which has begun: those of the same
        `joint` and provider that wait for nothing but it and one another. They then count as begun, in one call."""
        key, provider = joint(self._operations[at]), self._operations[at].address.provider
        if not key:
            return []
        taken, met = [], self._met(at, {})
        for place in self._alike(provider, key, joint):
            if place in self._begun or self._waits[place] > met.get(place, 0):
                continue
            taken.append(place)
            self._met(place, met)
        self._begun.update(taken)
        self._ready[provider] = [place for place in self._ready[provider] if place not in self._begun]
        heapq.heapify(self._ready[provider])
        self._riders.update(taken)
        return taken

    def _met(self, at: int, met: dict[int, int]) -> dict[int, int]:
        """By place, how many of those that it waits for are taken, with this one counted too."""
        for follower in self._followers[at]:
            met[follower] = met.get(follower, 0) + 1
        return met

    def _alike(self, provider: str, key: str, joint: Callable[[Operation], str]) -> list[int]:
        """The places of a provider's operations of one joint, in the signed order."""
        if provider not in self._joint:
            index = self._joint[provider] = defaultdict(list)
            for place, operation in enumerate(self._operations):
                if operation.address.provider == provider:
                    index[joint(operation)].append(place)
        return self._joint[provider][key]

    def more(self, at: int, least: int, most: int) -> list[int]:
        """What else of the same provider may begin together with `at`, in the signed order: at most `most`, and none
        where there are fewer than `least`. They count as begun, whatever the provider's cap: in a batch it is the
        writer who keeps to it."""
        provider = self._operations[at].address.provider
        ready = self._ready[provider]
        if len(ready) < least:
            return []
        chosen = [heapq.heappop(ready) for _ in range(min(most, len(ready)))]
        self._begun.update(chosen)
        self._busy[provider] += len(chosen)
        return chosen

    def again(self, at: int) -> None:
        """An operation that has begun was given back untouched: it may begin once more."""
        self._begun.discard(at)
        self._busy[self._operations[at].address.provider] -= 1
        self._free(at)

    def end(self, at: int) -> None:
        """An operation that has begun is over, whatever became of it."""
        if at not in self._riders:
            self._busy[self._operations[at].address.provider] -= 1
        self._left -= 1
        for follower in self._followers[at]:
            self._waits[follower] -= 1
            if not self._waits[follower] and follower not in self._begun:
                self._free(follower)

    def _free(self, at: int) -> None:
        heapq.heappush(self._ready[self._operations[at].address.provider], at)
