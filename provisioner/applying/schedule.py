"""Which operation of a plan may begin next. Pure: knows nothing of threads, clouds or the ledger.

The signed order is one row. Much of it is independent: what two agents get does not depend on one another. An operation
may begin once what it depends on has ended, and once every earlier operation on an agent that it touches has ended, so
that each agent sees its own operations one by one, in the signed order, however many agents are worked on at once. What
several agents share (their boundary) touches all of them. Among those that may begin the first in the signed order
goes first: with one at a time the order is exactly the signed one.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence

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
        return chosen

    def end(self, at: int) -> None:
        """An operation that has begun is over, whatever became of it."""
        self._busy[self._operations[at].address.provider] -= 1
        self._left -= 1
        for follower in self._followers[at]:
            self._waits[follower] -= 1
            if not self._waits[follower]:
                self._free(follower)

    def _free(self, at: int) -> None:
        heapq.heappush(self._ready[self._operations[at].address.provider], at)
