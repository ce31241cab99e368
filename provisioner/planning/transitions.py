"""What came and what went since the last recorded drift run, by content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from ..canonical import digest
from ..model.drift import Difference, DriftKind, DriftReport, Known, Transition, Turn
from ..model.resources import Gap

KEY_DOMAIN = "drift-difference/1"
_LONGEST = 300  # characters of `what` that a record keeps; the key covers all of it


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the last recorded run left: its `time`, what was open, and the transitions that nobody was told yet."""

    time: str
    open: tuple[Known, ...]
    due: tuple[Transition, ...] = ()


def key_of(difference: Difference) -> str:
    """The digest by which a difference is the same in every run: its kind, where it is, and what it says."""
    address = difference.address
    return digest(
        KEY_DOMAIN,
        {
            "kind": str(difference.kind),
            "address": None if address is None else asdict(address),
            "agent": difference.agent,
            "target": difference.target,
            "what": list(difference.what),
        },
    )


def compared(report: DriftReport, last: Remembered | None, time: str) -> DriftReport:
    """The report with `since` of every difference, and what is gone. As it is, but for `time`, without an earlier run.

    What is ignored now is not gone, and what lies where a read failed is unseen: neither says that it went away.
    """
    if last is None:
        return replace(report, time=time)
    before = {known.key: known for known in last.open}
    there = {key_of(difference): difference for difference in report.differences}
    ignored = {key_of(difference) for item in report.ignored for difference in item.differences}
    left = [known for key, known in before.items() if key not in there and key not in ignored]
    unseen = tuple(known for known in left if _hidden(known, report.coverage.gaps))
    dated = []
    for difference in report.differences:
        known = before.get(key_of(difference))
        dated.append(replace(difference, since=known.since if known else time))
    return replace(
        report,
        differences=tuple(dated),
        time=time,
        compared=last.time,
        gone=tuple(known for known in left if known not in unseen),
        unseen=unseen,
    )


def remembered(report: DriftReport) -> tuple[Known, ...]:
    """What a run is to remember as open: its differences, each once, and what it could not look at again."""
    found = {one.key: one for one in (*report.unseen, *(_known(item, report.time) for item in report.differences))}
    return tuple(found.values())


def transitions(report: DriftReport, last: Remembered | None) -> tuple[Transition, ...]:
    """What came and what went, as this run is the first to see. Everything is new to the first run that is recorded."""
    before = frozenset(known.key for known in last.open) if last else frozenset()
    came = {one.key: one for one in (_known(item, report.time) for item in report.differences)}
    new = (Transition(Turn.NEW, known, report.time) for key, known in came.items() if key not in before)
    return (*new, *(Transition(Turn.GONE, known, report.time) for known in report.gone))


def unsent(due: Sequence[Transition], fresh: Sequence[Transition]) -> tuple[Transition, ...]:
    """What is to be told: first what this run saw, then what earlier runs could not deliver, so that an event that is
    never taken does not hold up the others."""
    return (*fresh, *due)


def _known(difference: Difference, time: str) -> Known:
    address = difference.address
    return Known(
        key=key_of(difference),
        kind=difference.kind,
        what="".join(difference.what[:1])[:_LONGEST],
        agent=difference.agent or "",
        place="" if address is None else f"{address.provider}:{address.target}",
        effect=str(difference.effect or ""),
        tell=difference.tell,
        since=difference.since or time,
    )


def _hidden(known: Known, gaps: Iterable[Gap]) -> bool:
    """Whether a failed read may be why it is not seen. A gap that is closed is gone, whatever else was not read."""
    if known.kind is DriftKind.INCOMPLETE:
        return False
    return any(not known.place or known.place == f"{gap.provider}:{gap.target}" for gap in gaps)
