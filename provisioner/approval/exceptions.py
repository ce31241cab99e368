"""Exceptions and baselines of the trust root: which hold, and what a plan must show that brings new ones (EXC-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from .root import RootBaseline, RootData, RootException

LONGEST: Final = timedelta(days=90)
"""From its first signature to an exception's end."""

RENEWAL_QUORUM: Final = 2
"""Distinct people of the accepting owner who sign for an exception that was there before."""


def end_of(expires: str) -> datetime:
    """When an exception or baseline ends: the first moment of the day, UTC. Raises ValueError for what is no date."""
    return datetime.combine(date.fromisoformat(expires), time(), UTC)


def exceptions_in_force(root: RootData, now: datetime) -> dict[str, RootException]:
    """The exceptions that hold at a time, by address. That they were signed for is the root's own chain to show."""
    return {name: item for name, item in root.exceptions.items() if now < end_of(item.expires)}


def baselines_in_force(root: RootData, now: datetime) -> dict[str, RootBaseline]:
    """The baselines that hold at a time, by address."""
    return {name: item for name, item in root.baselines.items() if now < end_of(item.expires)}


def granted(in_force: RootData, wanted: RootData) -> dict[str, RootException]:
    """Exceptions that the wanted root has and the root in force has not, or not so."""
    return {name: item for name, item in wanted.exceptions.items() if in_force.exceptions.get(name) != item}


def acceptors(in_force: RootData, wanted: RootData, earlier: Iterable[RootException]) -> dict[str, int]:
    """Owners who must sign for exceptions that the wanted root brings, with how many distinct people at least.

    `earlier` are the exceptions of all roots before the one in force.
    """
    known = (*earlier, *in_force.exceptions.values())
    found: dict[str, int] = {}
    for item in granted(in_force, wanted).values():
        people = RENEWAL_QUORUM if renews(item, known) else 1
        found[item.accepted_by] = max(people, found.get(item.accepted_by, 1))
    return dict(sorted(found.items()))


def renews(item: RootException, known: Iterable[RootException]) -> bool:
    """Whether one goes on where another was, under whatever name: one rule, a common subject, a later end."""
    subjects = set(item.subjects)
    return any(
        old.rule == item.rule and subjects & set(old.subjects) and end_of(old.expires) < end_of(item.expires)
        for old in known
    )


def too_long(in_force: RootData, wanted: RootData, since: datetime, now: datetime) -> Iterator[str]:
    """What is wrong with the ends of new exceptions. `since` is when the plan that brings them was first published."""
    for name, item in sorted(granted(in_force, wanted).items()):
        end = end_of(item.expires)
        if end <= now:
            yield f"{name} ended on {item.expires} already"
        elif end > since + LONGEST:
            latest = (since + LONGEST).date().isoformat()
            yield f"{name} would last until {item.expires}, more than {LONGEST.days} days: {latest} at the latest"


def growth(in_force: Mapping[str, RootBaseline], wanted: Mapping[str, RootBaseline]) -> Iterator[str]:
    """How a baseline would grow, though it may only shrink: more rules or agents, or a later end under any name."""
    for name, new in sorted(wanted.items()):
        old = in_force.get(name)
        if old is not None:
            more = sorted({*new.rules, *new.agents} - {*old.rules, *old.agents})
            if more:
                yield f"{name} would cover {', '.join(more)} too"
        for other, had in sorted(in_force.items()):
            common = set(new.rules) & set(had.rules) and set(new.agents) & set(had.agents)
            if common and end_of(new.expires) > end_of(had.expires):
                yield f"{name} would go on after {other}, until {new.expires}"
