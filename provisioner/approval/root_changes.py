"""What differs between the root in force and the one that a configuration asks for: a governance change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..planfile import to_builtins
from . import keys
from .keys import KeyRefused
from .root import RootData


def compare(
    in_force: RootData,
    wanted: RootData,
    agents: Collection[str] | None = None,
    tools: Collection[str] | None = None,
) -> list[str]:
    """One line per difference, each with `+`, `-` or `~` first; empty where the root stays.

    `agents` (names) and `tools` (addresses) are those that the configuration still declares: what the root says of
    one that is gone is no difference. None treats all as declared. A test that is only added, or is about more
    agents than before, is no difference either.
    """
    lines = [*_scalar("workspace", in_force.workspace, wanted.workspace)]
    lines += _scalar("ledger", in_force.ledger, wanted.ledger)
    lines += _people(in_force, wanted)
    for name in sorted({*in_force.owners, *wanted.owners}):
        lines += _fields(f"control_owner.{name}", in_force.owners.get(name), wanted.owners.get(name))
    lines += _named("agent", _kept(in_force.agents, wanted.agents, agents), wanted.agents)
    lines += _named("owner of", _kept(in_force.tools, wanted.tools, tools), wanted.tools)
    lines += _fields("approval", in_force.approval, wanted.approval)
    lines += _fields("limits", in_force.limits, wanted.limits)
    lines += [f"- protect {item}" for item in in_force.protect if item not in wanted.protect]
    lines += [f"+ protect {item}" for item in wanted.protect if item not in in_force.protect]
    lines += _named("severity of", in_force.severity, wanted.severity)
    lines += changed_rules(in_force, wanted)
    lines += _waivers(in_force, wanted)
    lines += weakened_tests(in_force, wanted, agents)
    return lines


def changed_rules(in_force: RootData, wanted: RootData) -> Iterator[str]:
    """What differs of the organisation's own rules."""
    for name in sorted({*in_force.rules, *wanted.rules}):
        yield from _fields(name, in_force.rules.get(name), wanted.rules.get(name))


def _scalar(what: str, old: Any, new: Any) -> Iterator[str]:
    if old != new:
        yield f"~ {what}: {_show(old)} → {_show(new)}"


def _kept(old: Mapping[str, Any], new: Mapping[str, Any], declared: Collection[str] | None) -> Mapping[str, Any]:
    """What the root says of things that still exist."""
    return {name: value for name, value in old.items() if declared is None or name in declared or name in new}


def _named(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"- {what} {name}: {_show(old[name])}"
        elif name not in old:
            yield f"+ {what} {name}: {_show(new[name])}"
        else:
            yield from _scalar(f"{what} {name}", old[name], new[name])


def _fields(what: str, old: Any, new: Any) -> Iterator[str]:
    before, after = (to_builtins(side) if side is not None else None for side in (old, new))
    if after is None:
        yield f"- {what}"
    elif before is None:
        yield f"+ {what}: {', '.join(f'{name} {_show(value)}' for name, value in after.items())}"
    else:
        for name in before:
            yield from _scalar(f"{what}: {name}", before[name], after[name])


def _people(in_force: RootData, wanted: RootData) -> Iterator[str]:
    for name in sorted({*in_force.people, *wanted.people}):
        old, new = in_force.people.get(name), wanted.people.get(name)
        if new is None:
            yield f"- person.{name}"
            continue
        if old is None:
            yield f"+ person.{name}: {', '.join(_fingerprint(line) for line in new.keys) or 'no key'}"
            yield from _scalar(f"person.{name}: accounts", (), new.accounts)
            continue
        yield from (f"- key of person.{name}: {_fingerprint(line)}" for line in old.keys if line not in new.keys)
        yield from (f"+ key of person.{name}: {_fingerprint(line)}" for line in new.keys if line not in old.keys)
        if sorted(old.keys) == sorted(new.keys) and old.keys != new.keys:
            yield f"~ person.{name}: order of keys"
        yield from _scalar(f"person.{name}: emails", old.emails, new.emails)
        yield from _scalar(f"person.{name}: accounts", old.accounts, new.accounts)


def _waivers(in_force: RootData, wanted: RootData) -> Iterator[str]:
    """Exceptions and baselines, each as one sentence when it comes or goes."""
    for name in sorted({*in_force.exceptions, *wanted.exceptions}):
        old, new = in_force.exceptions.get(name), wanted.exceptions.get(name)
        if old is not None and new is not None:
            yield from _fields(name, old, new)
        elif (only := old or new) is not None:
            about = f"{only.rule} for {_show(only.subjects)} until {only.expires}"
            yield f"{'-' if new is None else '+'} {name}: {about}, accepted by {only.accepted_by} ({only.ticket})"
    for name in sorted({*in_force.baselines, *wanted.baselines}):
        was, now = in_force.baselines.get(name), wanted.baselines.get(name)
        if was is not None and now is not None:
            yield from _fields(name, was, now)
        elif (one := was or now) is not None:
            about = f"{_show(one.rules)} for {_show(one.agents)} until {one.expires}"
            yield f"{'-' if now is None else '+'} {name}: {about}"


def _fingerprint(line: str) -> str:
    try:
        return keys.parse(line).fingerprint
    except KeyRefused as error:
        return f"an unusable key ({error})"


def weakened_tests(in_force: RootData, wanted: RootData, agents: Collection[str] | None = None) -> Iterator[str]:
    """One line for each boundary test of the root that is gone, asserts something else, or is about fewer agents."""
    for name, old in sorted(in_force.tests.items()):
        new = wanted.tests.get(name)
        covered = [agent for agent in old.agents if agents is None or agent in agents]
        if new is None:
            if covered or not old.agents:
                yield f"- {name}"
            continue
        if old.digest != new.digest:
            yield f"~ {name}: what it asserts"
        lost = [agent for agent in covered if agent not in new.agents]
        if lost:
            yield f"~ {name}: no longer about {', '.join(lost)}"


def _show(value: Any) -> str:
    if value is None or value in ((), [], {}):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_show(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_show(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
