"""Adds up what logs say: who used what on which resources, in which time; bounded, whatever the size of the logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..model.usage import OTHERS, AgentUse, Denied, LoggedCall, Usage, Use, Window
from ..sdk.usage import LogReading
from .logs import Record, Tally, records

MANY: Final = 2_000
"""Resources of one permission that are kept by name; what is beyond is kept by the folder that it lies in."""
_KINDS: Final = 1_000
"""Names of events that are kept apart; the rest counts together."""

Principals = Mapping[str, Mapping[str, tuple[str, str]]]
"""By provider: agent and target by the provider's key of a principal."""


@dataclass(slots=True)
class _Agent:
    calls: int = 0
    last: str = ""
    uses: dict[str, set[str]] = field(default_factory=dict)
    denied: dict[str, tuple[tuple[str, ...], int, str]] = field(default_factory=dict)
    unmapped: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Window:
    first: str
    last: str
    records: int = 0
    places: set[str] = field(default_factory=set)


Watcher = Callable[[str, Record], None]
"""Is shown every record that a provider reads, with the provider's name."""


def gather(
    paths: Sequence[Path],
    readers: Mapping[str, LogReading],
    principals: Principals,
    watcher: Watcher | None = None,
) -> Usage:
    """What the logs say of the agents. Raises DiagnosticError for a path that is not there."""
    tally = Tally()
    return add_up(records(paths, tally), readers, principals, tally, watcher)


def add_up(
    found: Iterable[Record],
    readers: Mapping[str, LogReading],
    principals: Principals,
    tally: Tally | None = None,
    watcher: Watcher | None = None,
) -> Usage:
    """The same of records. A record that no provider reads is foreign: counted."""
    counted = tally if tally is not None else Tally()
    agents: dict[tuple[str, str], _Agent] = {}
    windows: dict[tuple[str, str], _Window] = {}
    witnesses: dict[str, set[str]] = {name: set() for name in readers}
    foreign = 0
    for record in found:
        name, call = _read(record, readers)
        if call is None:
            foreign += 1
            continue
        if watcher is not None:
            watcher(name, record)
        _cover(windows, name, call)
        witnesses[name].update(call.witnesses)
        own = principals.get(name, {})
        made = own.get(call.becomes) if call.becomes and not call.denied else None
        if made is not None:
            somebody = agents.setdefault((name, made[0]), _Agent())
            somebody.last = max(somebody.last, call.time)
        known = own.get(call.principal)
        if known is not None:
            _count(agents.setdefault((name, known[0]), _Agent()), call, readers[name].uses_of(record))
    return Usage(
        files=counted.files,
        records=counted.records,
        foreign=foreign,
        broken=counted.broken,
        damages=tuple(counted.damages),
        agents={key: _whole(key[1], agent) for key, agent in sorted(agents.items())},
        windows={
            key: Window(window.first, window.last, window.records, tuple(sorted(window.places)))
            for key, window in sorted(windows.items())
        },
        witnesses={name: frozenset(found) for name, found in witnesses.items()},
    )


def _read(record: Record, readers: Mapping[str, LogReading]) -> tuple[str, LoggedCall | None]:
    for name, reader in readers.items():
        call = reader.call_of(record)
        if call is not None:
            return name, call
    return "", None


def _cover(windows: dict[tuple[str, str], _Window], provider: str, call: LoggedCall) -> None:
    window = windows.setdefault((provider, call.target), _Window(call.time, call.time))
    window.first, window.last = min(window.first, call.time), max(window.last, call.time)
    window.records += 1
    if call.place and len(window.places) < _KINDS:
        window.places.add(call.place)


def _count(agent: _Agent, call: LoggedCall, uses: tuple[Use, ...]) -> None:
    agent.calls += 1
    agent.last = max(agent.last, call.time)
    if call.denied:
        name = call.name if call.name in agent.denied or len(agent.denied) < _KINDS else OTHERS
        permissions, count, last = agent.denied.get(name, ((), 0, ""))
        named = tuple(dict.fromkeys((*permissions, *(use.permission for use in uses))))
        agent.denied[name] = (named[:_TOGETHER], count + 1, max(last, call.time))
        return
    if not uses:
        agent.unmapped[call.name if call.name in agent.unmapped or len(agent.unmapped) < _KINDS else OTHERS] += 1
    for use in uses:
        resources = agent.uses.setdefault(use.permission, set())
        if use.resource and _parent(use.resource) in resources:
            continue
        resources.add(use.resource)
        if len(resources) > MANY:
            agent.uses[use.permission] = _folded(resources)


_TOGETHER = 20


def _folded(resources: set[str]) -> set[str]:
    """Names by the folder that they lie in (`…/inbox/*`), folders by theirs only where they are still too many."""
    found = {name if name.endswith("*") else _parent(name) for name in resources}
    while len(found) > MANY // 2:
        found = {_parent(name) for name in found}
    return found


def _parent(name: str) -> str:
    bare = name.removesuffix("/*").removesuffix("*")
    for mark in ("/", ":"):
        if mark in bare:
            return bare.rpartition(mark)[0] + f"{mark}*"
    return ""


def _whole(name: str, agent: _Agent) -> AgentUse:
    return AgentUse(
        calls=agent.calls,
        last=agent.last,
        uses={permission: frozenset(found) for permission, found in sorted(agent.uses.items())},
        denied=tuple(
            Denied(name, event, permissions, count, last)
            for event, (permissions, count, last) in sorted(agent.denied.items())
        ),
        unmapped=dict(sorted(agent.unmapped.items())),
    )
