"""Changes as a reader wants them: by agent, and said once where several agents get the very same."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ..model.changes import Change
from ..model.plan import AgentNote, Plan

HERE = "<agent>"
"""Stands for the agent's own name in a change that is shown once for several agents."""


@dataclass(frozen=True, slots=True)
class Row:
    """One change, or the same change of several agents; `label` holds for each of `changes`."""

    changes: tuple[Change, ...]
    label: str

    @property
    def first(self) -> Change:
        return self.changes[0]


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs under one heading. `agents` is empty for what agents share; `note` describes each of them."""

    agents: tuple[str, ...]
    note: AgentNote | None
    rows: tuple[Row, ...]


def groups(plan: Plan) -> tuple[Group, ...]:
    """Every change of the plan exactly once, in the order of the smallest number."""
    notes = {note.agent: note for note in plan.agents}
    alike: dict[tuple[object, ...], list[Change]] = defaultdict(list)
    seen: Counter[tuple[object, ...]] = Counter()
    for change in plan.changes:
        key = _key(change, notes.get(change.agent or ""))
        turn = (change.agent, *key)
        seen[turn] += 1
        # A second change of one agent that looks the same is not another agent's first one.
        alike[(*key, seen[turn])].append(change)
    together: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for changes in alike.values():
        agents = tuple(change.agent for change in changes if change.agent is not None)
        together[agents].append(_row(changes))
    found = [
        Group(agents, notes.get(agents[0]) if agents else None, tuple(sorted(rows, key=lambda r: r.first.number)))
        for agents, rows in together.items()
    ]
    return tuple(sorted(found, key=lambda group: group.rows[0].first.number))


def _key(change: Change, note: AgentNote | None) -> tuple[object, ...]:
    """Equal for changes that say the same but for the agent's name in the label."""
    about = None if note is None else (note.new, note.sponsor, note.environment, note.inputs, note.boundary)
    return (
        change.agent is None and change.number,
        about,
        change.action,
        change.address.provider,
        change.address.target,
        change.address.kind,
        _without_name(change.label, change.agent),
        change.surfaces,
        tuple(sorted(change.owners.items())),
        change.effect,
        # Word for word: two agents may bear names that would make different authority read the same.
        change.can,
        change.cannot,
        change.reason,
    )


def _row(changes: Sequence[Change]) -> Row:
    first = changes[0]
    label = first.label if len(changes) == 1 else _without_name(first.label, first.agent)
    return Row(tuple(changes), label)


def _without_name(text: str, agent: str | None) -> str:
    if not agent:
        return text
    names = "|".join(re.escape(name) for name in {agent, agent.replace("_", "-")})
    return re.sub(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", HERE, text)
