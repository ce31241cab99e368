"""Reads what is live and holds it against the plan, before an agent's first operation and after its last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from ..model.resources import Address, Gap, Resource
from ..sdk.errors import CloudError
from ..sdk.provider import Scope, Writer
from .result import WorldProblem
from .worlds import Group, Kinds, PlanIndex, by_agent, differences, scopes

_PAUSES = (0.5, 1.0, 2.0)
"""Seconds between looks at a world that is not as signed: a cloud may show a write only a moment later."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read showed, and which groups could not be read, with the reason."""

    live: Mapping[Address, Resource]
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inspector:
    """Holds the writers' reading side. Writes nothing."""

    index: PlanIndex
    writers: Mapping[str, Writer]
    kinds: Kinds
    sleep: Callable[[float], None] = time.sleep

    def look(self, groups: Iterable[Group]) -> Seen:
        """Read everything that makes up these groups, in one pass for each provider."""
        chosen = tuple(groups)
        addresses, agents = scopes(chosen)
        live: dict[Address, Resource] = {}
        unreadable: dict[str, str] = {}
        for provider, writer in self.writers.items():
            own = frozenset(address for address in addresses if address.provider == provider)
            if not own and not agents:
                continue
            try:
                snapshot = writer.read(Scope(self.index.plan.workspace, own, agents))
            except CloudError as error:
                why = f"{error.target}: {error.summary}" + (f". {error.fix}" if error.fix else "")
                unreadable.update({group.key: why for group in chosen})
                continue
            live.update({resource.address: resource for resource in snapshot.resources})
            for gap in snapshot.coverage.gaps:
                lacks = f" (it takes {gap.permission})" if gap.permission else ""
                why = f"{gap.what} of {gap.provider} {gap.target} could not be read: {gap.reason}{lacks}"
                unreadable.update({group.key: why for group in chosen if _hides(gap, group)})
        return Seen(live, unreadable)

    def check(self, groups: Iterable[Group], done: Set[str], seen: Seen | None = None) -> dict[str, WorldProblem]:
        """Problems by group key; a group without one is as signed. Looks again before it calls anything a problem."""
        waiting = {group.key: group for group in groups}
        found: dict[str, WorldProblem] = {}
        for pause in (*_PAUSES, None):
            if not waiting:
                break
            if seen is None:
                seen = self.look(waiting.values())
            found = dict(self._judged(waiting.values(), done, seen))
            waiting = {key: waiting[key] for key in found}
            seen = None
            if waiting and pause is not None:
                self.sleep(pause)
        return found

    def _judged(self, groups: Iterable[Group], done: Set[str], seen: Seen) -> Iterator[tuple[str, WorldProblem]]:
        own = by_agent(seen.live)
        for group in groups:
            final = all(id_ in done for id_ in group.operations)
            if group.key in seen.unreadable:
                yield (
                    group.key,
                    WorldProblem(group.agent, (seen.unreadable[group.key],), readable=False, final=final),
                )
                continue
            mine = own.get(group.agent, []) if group.agent is not None else []
            lines = differences(self.index, group, seen.live, mine, done, self.kinds)
            if lines:
                yield group.key, WorldProblem(group.agent, lines, final=final)


def _hides(gap: Gap, group: Group) -> bool:
    """Whether what was not read may be part of a group. As in planning: a gap elsewhere is not this plan's."""
    if all((address.provider, address.target) != (gap.provider, gap.target) for address in group.states):
        return False
    return not gap.agents or group.agent is None or group.agent in gap.agents
