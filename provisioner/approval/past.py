"""What a plan owes to the signed plans before it: tests that may not get weaker unasked, and whose tools it takes away.

Pure; asked by the planner, and again by the verifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..model.changes import Action, Change, Surface
from ..model.plan import Declared, DeclaredTest
from ..model.resources import Address
from .ownership import one_owner
from .root import RootData


@dataclass(frozen=True, slots=True)
class Past:
    """What signed plans have left behind. `last` is what the last applied plan of the whole configuration declared,
    None before the first; `tools` are those that each resource served when a plan last made it what it is, `agents`
    whose authority it is part of. `violations` are the findings, rule and subject, that each baseline still stands
    for: those of its first day, less what a later signed plan found no more."""

    last: Declared | None = None
    tools: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    agents: Mapping[Address, str | None] = field(default_factory=dict)
    violations: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)


def weakened_since(root: RootData, last: Declared | None, now: Declared) -> tuple[str, ...]:
    """One line for each boundary test, of the root or of the last applied plan, that is gone or says less than then.

    An agent that is gone takes its tests with it. But where others come in the same plan it may only have been
    renamed: then its tests must be about all of these, or governance signs.
    """
    kept = {name: DeclaredTest(test.digest, test.agents) for name, test in root.tests.items()}
    kept |= last.tests if last is not None else {}
    fresh = set(now.agents) - set(last.agents) if last is not None else set()
    return tuple(line for name, old in sorted(kept.items()) for line in _weakened(name, old, now, fresh))


def removal_tools(root: RootData, past: Past, change: Change) -> tuple[str, ...]:
    """The tools of what a change takes away: a live policy does not name them, the plan that made it did.

    Empty where that is not known, or where they have no longer one owner between them: then the agent's decides, and
    each of theirs (`left_tools`).
    """
    if change.action is not Action.DELETE:
        return ()
    tools = past.tools.get(change.address, ())
    return tools if tools and one_owner(root, Surface.TOOL_ACCESS, change.agent, tools) is not None else ()


def left_tools(root: RootData, past: Past, change: Change) -> tuple[str, ...]:
    """The tools that what a change makes serves no more, and that nobody else speaks for: the plan that made it so
    says whose it was. Their owners sign as well, each its own loss."""
    if change.action not in (Action.UPDATE, Action.DELETE):
        return ()
    served = change.tools if change.action is Action.UPDATE else removal_tools(root, past, change)
    return tuple(tool for tool in past.tools.get(change.address, ()) if tool not in served)


def owners_with(root: RootData, change: Change, tools: Iterable[str]) -> dict[str, str]:
    """The control owners of a change that serves these tools, by surface."""
    named = list(tools)
    found = {surface.value: one_owner(root, surface, change.agent, named) for surface in change.surfaces}
    return {surface: owner for surface, owner in found.items() if owner is not None}


def _weakened(name: str, old: DeclaredTest, now: Declared, fresh: set[str]) -> Iterator[str]:
    new = now.tests.get(name)
    covered = [agent for agent in old.agents if agent in now.agents]
    renamed = fresh if len(covered) < len(old.agents) else set()
    if new is None:
        if covered or renamed or not old.agents:
            yield f"- {name}"
        return
    if old.digest != new.digest:
        yield f"~ {name}: what it asserts"
    if lost := [agent for agent in covered if agent not in new.agents]:
        yield f"~ {name}: no longer about {', '.join(lost)}"
    if beside := sorted(renamed - set(new.agents)):
        yield f"~ {name}: an agent that it was about is gone, and it is not about the new {', '.join(beside)}"
